"""The small words: ids, pages, states, problems, masks and the key ring."""

import contextlib
import json
import stat
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weili.kit import secrets
from weili.kit.ids import id_parse, id_text, new_id
from weili.kit.pages import Page, cursor_parse, cursor_text, page_of
from weili.kit.problems import (
    ANSWERS,
    CursorInvalid,
    IdMalformed,
    Kind,
    NotFound,
    Problem,
    Said,
    StateConflict,
)
from weili.kit.secrets import KeyRing, KeyRingError
from weili.kit.states import StateTable

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_ids_of_one_moment_sort_as_they_were_made_and_carry_their_time() -> None:
    ids = [new_id(NOON) for _ in range(10_000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == 10_000
    assert {i.version for i in ids} == {7}
    assert ids[0].int >> 80 == int(NOON.timestamp() * 1000)
    assert new_id(NOON + timedelta(minutes=5)) > ids[-1]


@given(st.uuids())
def test_a_written_id_reads_back(value: UUID) -> None:
    assert id_parse("ord", id_text("ord", value)) == value


def test_written_ids_sort_as_the_ids_do() -> None:
    ids = [new_id(NOON + timedelta(seconds=i)) for i in range(50)]
    assert sorted(id_text("ord", i) for i in ids) == [id_text("ord", i) for i in ids]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ord",
        "ord_",
        "chd_01m82b452je018wczjhhe0gyrv",
        "ord_01M82B452JE018WCZJHHE0GYRV",
        "ord_01m82b452je018wczjhhe0gyr",
        "ord_01m82b452je018wczjhhe0gyrvv",
        "ord_01m82b452je018wczjhhe0gyru",
        "ord_81m82b452je018wczjhhe0gyrv",
        "ord_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "ord_٠1m82b452je018wczjhhe0gyrv",
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(IdMalformed):
        id_parse("ord", text)


def test_a_page_is_cut_at_its_limit_and_points_to_the_rest() -> None:
    page = page_of([1, 2, 3], limit=2, key=str)

    assert page.items == [1, 2]
    assert cursor_parse(page.next_cursor) == "2"
    assert page_of([1, 2], limit=2, key=str) == Page([1, 2], None)


@given(st.text())
def test_any_text_is_a_cursor_of_ours_or_refused(text: str) -> None:
    assert cursor_parse(cursor_text(text)) == text
    with contextlib.suppress(CursorInvalid):
        assert isinstance(cursor_parse(text), str)


class Light(StrEnum):
    """States of a lamp."""

    OFF = "off"
    ON = "on"
    BROKEN = "broken"


LIGHTS: StateTable[Light] = StateTable(
    name_zh="灯",
    name="lamp",
    initial=frozenset({Light.OFF}),
    steps={
        Light.OFF: frozenset({Light.ON}),
        Light.ON: frozenset({Light.OFF, Light.BROKEN}),
        Light.BROKEN: frozenset(),
    },
)


def test_a_state_table_guards_checks_and_draws_the_same_steps() -> None:
    LIGHTS.check(Light.OFF, Light.ON, label="lamp 1")
    with pytest.raises(StateConflict) as refused:
        LIGHTS.check(Light.OFF, Light.BROKEN, label="lamp 1")

    assert str(refused.value) == "lamp lamp 1 is off; that step needs it to be on."
    assert LIGHTS.sql_check("state") == "state IN ('off', 'on', 'broken')"
    assert LIGHTS.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> off",
        "    off --> on",
        "    on --> broken",
        "    on --> off",
        "    broken --> [*]",
    ]


def test_a_problem_speaks_both_languages_and_says_whether_to_repeat() -> None:
    problem = NotFound(what=Said("order", "订单", code="order"), id="ord_1")

    assert problem.as_json("en")["detail"] == "There is no order ord_1."
    assert problem.as_json("zh")["detail"] == "不存在订单 ord_1。"
    assert problem.as_json("zh")["members"] == {"what": "order", "id": "ord_1"}
    assert problem.as_json()["status"] == 404
    assert problem.as_json()["repeatable"] is False
    assert set(ANSWERS) == set(Kind)


def test_two_problems_can_not_share_a_code() -> None:
    with pytest.raises(TypeError, match="share the code"):
        type("Twin", (Problem,), {"code": "not_found", "__module__": "elsewhere"})


def test_the_key_ring_opens_only_what_was_sealed_for_the_same_row() -> None:
    ring = KeyRing.fresh()
    sealed = ring.seal("张三".encode(), bound_to=b"order 1")

    assert ring.open(sealed, bound_to=b"order 1").decode() == "张三"
    assert ring.seal("张三".encode(), bound_to=b"order 1") != sealed
    for broken, row in (
        (sealed, b"order 2"),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"order 1"),
        (sealed[:10], b"order 1"),
        (b"\x02" + sealed[1:], b"order 1"),
        (b"", b"order 1"),
    ):
        with pytest.raises(KeyRingError):
            ring.open(broken, bound_to=row)
    with pytest.raises(KeyRingError):
        KeyRing.fresh().open(sealed, bound_to=b"order 1")


def test_a_rotated_ring_opens_the_old_and_seals_with_the_new() -> None:
    ring = KeyRing.fresh()
    old = ring.seal(b"x", bound_to=b"")
    rotated = ring.rotated()

    assert rotated.open(old, bound_to=b"") == b"x"
    assert rotated.blind_index("19912345678") == ring.blind_index("19912345678")
    with pytest.raises(KeyRingError):
        ring.open(rotated.seal(b"x", bound_to=b""), bound_to=b"")


def test_a_ring_is_saved_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keyring.json"
    ring = KeyRing.fresh()
    ring.save(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing.load(path).open(ring.seal(b"x", bound_to=b""), bound_to=b"") == b"x"
    with pytest.raises(FileExistsError):
        KeyRing.fresh().save(path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"active": 2, "keys": {"1": "aaaa"}, "index_key": ""}', "null"]
)
def test_a_damaged_ring_is_told_and_not_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keyring.json"
    path.write_text(text)
    with pytest.raises(KeyRingError, match="key ring at"):
        KeyRing.load(path)
    with pytest.raises(KeyRingError, match="restore it from the back-up"):
        KeyRing.load(tmp_path / "absent.json")
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("19912345678", "199******78"),
        ("+8619912345678", "+86*********78"),
        ("0571-88880000", "057********00"),
        ("12345678", "********"),
        ("", ""),
    ],
)
def test_a_masked_phone_hides_six_digits_or_all(phone: str, masked: str) -> None:
    assert secrets.mask_phone(phone) == masked


def test_names_and_addresses_are_masked_whatever_they_are() -> None:
    assert secrets.mask_name("欧阳小美") == "欧***"
    assert secrets.mask_name("李") == "李*"
    assert secrets.mask_name("") == "*"
    assert "文三路" not in secrets.mask_address("文三路 1 号")


def test_a_token_is_stored_as_its_hash_only() -> None:
    token = secrets.new_token()
    assert token.encode() not in secrets.token_hash(token)
    assert secrets.token_hash(token) == secrets.token_hash(token)
    assert json.dumps(token).strip('"') == token
