"""The fast reader of an order's body and the one that names every fault never disagree."""

import json
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from weili.entrypoints.http import order_body
from weili.kit.clock import wall_now
from weili.kit.ids import id_text, new_id
from weili.kit.problems import Problem
from weili.modules import dropship

SKU = id_text("sku", new_id(wall_now()))
EDGES = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        1.0,
        1.5,
        -0.0,
        "1",
        "",
        " ",
        "\u3000",
        "\x00",
        "\x7f",
        "\x85",
        "\u2028",
        "\n",
        "A\n",
        "a\ud800",
        [],
        {},
        [1],
        {"a": 1},
        10**15,
        10**15 + 1,
        100_000,
        100_001,
        2**63,
        2**64,
        -(2**63) - 1,
        10**40,
        SKU,
        SKU.upper(),
        SKU[:-1],
        SKU.replace("sku_0", "sku_8"),
        SKU.replace("sku_", "spu_"),
        "３３０１０６",
        "330106",
        "13812345678",
        "+86 138-1234-5678",
        "138",
        "长" * 50,
        "长" * 51,
        "😀" * 200,
        "😀" * 201,
        "A" * 64,
        "A" * 65,
        ".A",
    ]
)
SOMETHING = st.one_of(EDGES, st.text(max_size=60), st.integers(), st.floats())


def _mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(good, good, good, good, SOMETHING)


def _object(fields: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    whole = st.fixed_dictionaries(fields, optional=optional)
    spoiled = st.tuples(whole, st.dictionaries(st.text(max_size=8), SOMETHING, max_size=1)).map(
        lambda pair: {**pair[0], **pair[1]}
    )
    lacking = st.tuples(whole, st.sampled_from(sorted(fields))).map(
        lambda pair: {name: value for name, value in pair[0].items() if name != pair[1]}
    )
    return st.one_of(whole, whole, whole, whole, spoiled, lacking)


LINES = _object(
    {"sku_id": _mostly(st.just(SKU)), "quantity": _mostly(st.integers(1, 100_000))},
    {"unit_price_minor": _mostly(st.one_of(st.none(), st.integers(0, 10**15)))},
)
RECIPIENTS = _object(
    {
        "name": _mostly(st.text(min_size=1, max_size=50)),
        "phone": _mostly(st.from_regex(order_body.fields.PHONE_PATTERN, fullmatch=True)),
        "address": _mostly(st.text(min_size=1, max_size=200)),
    },
    {},
)
ORDERS = _object(
    {
        "number": _mostly(st.from_regex(order_body.fields.NUMBER_PATTERN, fullmatch=True)),
        "area_code": _mostly(st.from_regex(order_body.fields.AREA_PATTERN, fullmatch=True)),
        "recipient": _mostly(RECIPIENTS),
        "lines": _mostly(st.lists(LINES, min_size=1, max_size=4)),
    },
    {"hold": _mostly(st.booleans())},
)


def _fast(body: bytes) -> dropship.OrderDraft | None:
    try:
        return order_body._ORDER.decode(body).draft()
    except (msgspec.MsgspecError, ValueError, RecursionError, Problem):
        return None


def _slow(body: bytes) -> dropship.OrderDraft | None:
    try:
        return order_body.OrderBody.model_validate_json(body).draft()
    except ValidationError:
        return None


def _agree(body: bytes) -> dropship.OrderDraft | None:
    fast, slow = _fast(body), _slow(body)
    assert fast == slow
    if fast is not None and slow is not None:
        assert dropship.digest(fast) == dropship.digest(slow)
    return fast


@settings(max_examples=400, deadline=None)
@given(document=ORDERS, is_ascii=st.booleans())
def test_both_readers_give_the_same_verdict_and_the_same_draft(
    document: object, is_ascii: bool
) -> None:
    body = json.dumps(document, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    _agree(body)


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=80))
@example(body=b"")
@example(body=b"[" * 50_000)
@example(body=b'{"number":' * 50_000)
@example(body=b"\xef\xbb\xbf{}")
@example(body=b"NaN")
@example(body=b"{} ")
def test_both_readers_refuse_what_is_no_order(body: bytes) -> None:
    assert _agree(body) is None


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 400), noise=st.binary(max_size=3))
def test_both_readers_agree_on_a_damaged_order(cut: int, noise: bytes) -> None:
    document = order_body.example() | {"lines": [{"sku_id": SKU, "quantity": 2}]}
    body = json.dumps(document, ensure_ascii=False).encode()
    _agree(body[:cut] + noise + body[cut:])


def test_a_name_that_comes_twice_is_read_alike() -> None:
    body = json.dumps(order_body.example()).encode()
    twice = body[:-1] + b', "hold": false, "hold": true}'
    draft = _agree(twice)
    assert draft is not None
    assert draft.hold is True


def test_a_good_order_is_read() -> None:
    draft = _agree(json.dumps(order_body.example(), ensure_ascii=False).encode())
    assert draft is not None
    assert draft.recipient.name == "欧阳小美"
    assert order_body.order_read(json.dumps(order_body.example()).encode()) == draft
