"""Which passwords are taken, and when a session has ended."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from weili.kit.context import PartyId
from weili.kit.ids import new_id
from weili.kit.problems import InputInvalid, Unauthenticated
from weili.modules import identity, parties
from weili.modules.identity import rules

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "0987654321",
        "aaaaaaaaaaaa",
        "abababababab",
        "qwertyuiop",
        "1q2w3e4r5t6y",
        "Password123",
        "P@ssw0rd1234",
        "admin123456",
        "woaini1314520"[:10],
        "Weili123456",
        "5201314woaini",
        "lin.xiaoyu1",
        "Lin.Xiaoyu@2026",
        "XiaoyuLin2026!",
        "Password!2024",
        "Weili@2026!",
        "P@ssw0rd@2025",
        "1qaz@WSX3edc",
        "Qwer1234!@#$",
        "Abcd123456",
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(InputInvalid) as refused:
        rules.password_checked(password, path="/new", email="Lin.XiaoYu@example.cn")

    assert refused.value.fields[0].code == "password_common"


@pytest.mark.parametrize(
    "password",
    [
        "tea in the rain",
        "Xk7#pQ2mLw",
        "山中相送罢日暮掩柴扉",
        "correct horse battery",
        "property of Wei",
    ],
)
def test_a_password_of_ones_own_is_taken(password: str) -> None:
    assert rules.password_checked(password, path="/new") == password


@pytest.mark.parametrize("password", ["", "tea rain!", "x" + "yz,ab" * 40])
def test_a_password_has_ten_to_two_hundred_characters(password: str) -> None:
    with pytest.raises(InputInvalid) as refused:
        rules.password_checked(password, path="/new")

    assert refused.value.fields[0].code == "password_length"


def test_a_password_is_the_same_however_it_was_typed() -> None:
    full_width, composed, apart = "ＴＥＡ１２３", "caf\u00e9", "cafe\u0301"

    assert rules.password_normal(full_width) == "TEA123"
    assert rules.password_normal(composed) == rules.password_normal(apart)


def record(
    *, seen_at: datetime = NOW, expires_at: datetime | None = None
) -> identity.SessionRecord:
    party = parties.Party(
        PartyId(new_id(NOW)),
        parties.PartyKind.PARTNER,
        "青梧邻里团",
        "上海青梧邻里信息科技有限公司",
        "91310115MAY1W6PN8E",
        parties.PartyState.ACTIVE,
        NOW,
    )
    person = parties.Person(
        parties.PersonId(new_id(NOW)),
        party.id,
        "林晓",
        "l***@example.cn",
        parties.PersonRole.CLERK,
        NOW,
    )
    session = identity.Session(
        identity.SessionId(new_id(NOW)),
        person.id,
        party.id,
        NOW,
        seen_at,
        expires_at or NOW + identity.SESSION_AGE,
    )
    return identity.SessionRecord(session, parties.PersonRecord(person, party))


def test_who_comes_with_a_session_has_the_scopes_of_their_role_and_no_others() -> None:
    actor = rules.session_check(record(), now=NOW)

    assert actor.role == "partner"
    assert actor.key_id.startswith("per_")
    assert actor.scopes == parties.PERSON_SCOPES[parties.PartyKind.PARTNER]["clerk"]
    assert "account:write" not in actor.scopes


@pytest.mark.parametrize(
    ("seen_ago", "ends_in", "lasts"),
    [
        (timedelta(0), timedelta(days=1), True),
        (timedelta(hours=12) - timedelta(seconds=1), timedelta(days=1), True),
        (timedelta(hours=12), timedelta(days=1), False),
        (timedelta(0), timedelta(seconds=1), True),
        (timedelta(0), timedelta(0), False),
    ],
)
def test_a_session_ends_twelve_hours_after_its_last_use_and_at_its_age(
    seen_ago: timedelta, ends_in: timedelta, lasts: bool
) -> None:
    found = record(seen_at=NOW - seen_ago, expires_at=NOW + ends_in)

    if lasts:
        assert rules.session_check(found, now=NOW).party_id == found.who.party.id
        return
    with pytest.raises(Unauthenticated, match="the session has ended"):
        rules.session_check(found, now=NOW)


def test_who_works_for_a_suspended_party_is_refused() -> None:
    found = record()
    party = replace(found.who.party, state=parties.PartyState.SUSPENDED)
    suspended = replace(found, who=replace(found.who, party=party))

    with pytest.raises(parties.PartySuspended):
        rules.session_check(suspended, now=NOW)


def test_each_role_has_scopes_and_none_beyond_those_of_its_kind() -> None:
    for kind, roles in parties.PERSON_ROLES.items():
        assert parties.PERSON_SCOPES[kind].keys() == roles
        for role in roles:
            scopes = parties.PERSON_SCOPES[kind][role]
            assert scopes
            assert scopes <= parties.ROLE_SCOPES[kind], (kind, role)
