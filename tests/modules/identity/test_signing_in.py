"""Signing in: who is let in, who is paused, and when sessions end."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.modules.identity.conftest import NOW, OTHER_PASSWORD, PASSWORD, House
from weili.kit.context import Actor
from weili.kit.problems import Forbidden, InputInvalid, NotFound, Problem
from weili.kit.secrets import KeyRing, password_matches
from weili.kit.world import World
from weili.modules import identity, parties
from weili.modules.identity import service, store, tries


def test_the_right_password_opens_a_session_of_fourteen_days(house: House) -> None:
    signed_in = house.sign_in(email=f" {house.email.upper()} ")

    session = signed_in.record.session
    assert (session.person_id, session.party_id) == (house.here.id, house.here.party_id)
    assert session.expires_at == NOW + timedelta(days=14)
    assert session.ends_at == NOW + timedelta(hours=12)
    assert house.found(signed_in.token) == signed_in.record
    assert house.actions()[-1] == "session.open"


def test_two_parties_passwords_lead_each_to_its_own(house: House) -> None:
    assert house.sign_in(PASSWORD).record.who.party.id == house.here.party_id
    assert house.sign_in(OTHER_PASSWORD).record.who.party.id == house.there.party_id
    with pytest.raises(identity.SignInRefused):
        house.sign_in(PASSWORD, party_id=house.there.party_id)


def test_one_password_for_two_parties_needs_the_party_to_be_named(
    house: House, hashed: dict[str, str]
) -> None:
    with house.begin() as ctx:
        identity.password_set(
            ctx, person_id=house.there.id, hashed=hashed[PASSWORD], reason="test", now=NOW
        )

    with pytest.raises(identity.PartyNeeded) as needed:
        house.sign_in()

    names = [party["name"] for party in needed.value.as_json()["members"]["parties"]]
    assert [name.rstrip("0123456789") for name in names] == ["青梧邻里团", "白鹭优选"]
    chosen = house.sign_in(party_id=house.there.party_id)
    assert chosen.record.who.person.id == house.there.id


@pytest.mark.parametrize(("email", "password"), [(None, "tea in the sun"), ("no@one.cn", PASSWORD)])
def test_a_wrong_password_and_an_unknown_address_are_told_the_same(
    house: House, email: str | None, password: str
) -> None:
    with pytest.raises(identity.SignInRefused) as refused:
        house.sign_in(password, email=email)

    assert str(refused.value) == "The e-mail address or the password is wrong."


def test_an_unknown_address_has_a_password_worked_on_as_a_known_one_has(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_on: list[bool] = []

    def watched(password: str, hashed: str | None) -> bool:
        worked_on.append(hashed is None)
        return password_matches(password, hashed)

    monkeypatch.setattr(service, "password_matches", watched)
    with pytest.raises(identity.SignInRefused):
        house.sign_in(email="no@one.cn")

    assert worked_on == [True]


def test_five_wrong_tries_pause_the_address_for_a_quarter_of_an_hour(house: House) -> None:
    for _ in range(5):
        with pytest.raises(identity.SignInRefused):
            house.sign_in("tea in the sun")

    later = NOW + timedelta(minutes=10)
    with pytest.raises(identity.SignInPaused) as paused:
        house.sign_in(now=later)
    assert paused.value.members["retry_after_s"] == 301
    assert house.sign_in(now=NOW + timedelta(minutes=15)).record.who.person.id == house.here.id


def test_twelve_tries_at_once_get_no_further_than_one_after_another(house: House) -> None:
    def guess(number: int) -> str:
        with pytest.raises(Problem) as refused:
            house.sign_in(f"tea in the sun {number}")
        return refused.value.code

    with ThreadPoolExecutor(12) as pool:
        codes = Counter(pool.map(guess, range(12)))

    assert codes == {"sign_in_refused": 5, "sign_in_paused": 7}


def test_who_is_let_in_gets_that_one_try_back_and_none_of_others(house: House) -> None:
    """Else whoever adds somebody's address to a party of their own guesses without end."""
    for _ in range(4):
        with pytest.raises(identity.SignInRefused):
            house.sign_in("tea in the sun", party_id=house.here.party_id)
    for _ in range(3):
        house.sign_in(OTHER_PASSWORD, party_id=house.there.party_id)
    with pytest.raises(identity.SignInRefused):
        house.sign_in("tea in the sun", party_id=house.here.party_id)

    with pytest.raises(identity.SignInPaused):
        house.sign_in(party_id=house.here.party_id)


def test_a_password_that_is_right_for_one_and_wrong_for_another_is_a_try(house: House) -> None:
    """Else who changes a password of their own to each guess learns whether it is another's."""
    for _ in range(5):
        house.sign_in(address="203.0.113.17")

    with pytest.raises(identity.SignInPaused):
        house.sign_in(address="203.0.113.17")


def test_a_paused_network_address_pauses_no_one_else_and_adds_no_rows(house: House) -> None:
    def tries_kept() -> int:
        with house.begin() as ctx:
            [(count,)] = ctx.db.rows("SELECT count(*) FROM identity.attempt")
        return int(count)

    with house.begin() as ctx:
        mark = tries.address_mark(ctx, "203.0.113.250")
        for _ in range(30):
            store.try_count(ctx, mark=mark, now=NOW, since=NOW - identity.TRIES_WITHIN)
    before = tries_kept()
    for email in [house.email] * 6 + [f"nobody{number}@one.cn" for number in range(6)]:
        with pytest.raises(identity.SignInPaused):
            house.sign_in(email=email, address="203.0.113.250")

    assert tries_kept() == before
    assert house.sign_in(address="192.0.2.1").record.who.person.id == house.here.id


def test_thirty_wrong_tries_pause_a_network_address_whatever_is_tried(house: House) -> None:
    with house.begin() as ctx:
        mark = tries.address_mark(ctx, "203.0.113.7")
        for _ in range(29):
            store.try_count(ctx, mark=mark, now=NOW, since=NOW - identity.TRIES_WITHIN)

    # The 30th; it is given back.
    house.sign_in(address="203.0.113.7", party_id=house.here.party_id)
    with pytest.raises(identity.SignInRefused):
        house.sign_in(email="no@one.cn", address="203.0.113.7")
    with pytest.raises(identity.SignInPaused):
        house.sign_in(address="203.0.113.7")
    assert house.sign_in(address="203.0.113.8").record.who.person.id == house.here.id


def test_a_session_that_is_used_lasts_on_to_its_age(house: House) -> None:
    token = house.sign_in().token
    moment = NOW
    for _ in range(3):
        moment += timedelta(hours=11)
        assert house.found(token, moment) is not None

    record = house.found(token, moment)
    assert record is not None
    assert record.session.seen_at == NOW + timedelta(hours=33)
    idle = house.found(token, moment + timedelta(hours=12))
    assert idle is not None
    assert idle.session.ends_at == moment + timedelta(hours=12)


def test_one_session_more_than_twenty_ends_the_oldest(house: House) -> None:
    record = house.sign_in().record
    with house.begin() as ctx:
        for minute in range(1, 21):
            service.session_open(ctx, who=record.who, now=NOW + timedelta(minutes=minute))
        own = identity.sessions_own(ctx, record=record, now=NOW + timedelta(minutes=20))

    assert len(own) == 20
    assert record.session not in own


def test_who_changes_their_password_keeps_this_session_alone(house: House) -> None:
    here, elsewhere = house.sign_in(), house.sign_in()

    identity.password_change(
        house.begin, record=here.record, old=PASSWORD, new="a cup of green tea", now=NOW
    )

    assert house.found(here.token) is not None
    assert house.found(elsewhere.token) is None
    with pytest.raises(identity.SignInRefused):
        house.sign_in()
    assert house.sign_in("a cup of green tea").record.who.person.id == house.here.id
    assert "password.change" in house.actions()


def test_a_wrong_old_password_changes_nothing_and_is_tried_five_times(house: House) -> None:
    here = house.sign_in()

    def change(old: str) -> None:
        identity.password_change(
            house.begin, record=here.record, old=old, new="a cup of green tea", now=NOW
        )

    for _ in range(5):
        with pytest.raises(identity.PasswordRefused):
            change("tea in the sun")
    with pytest.raises(identity.SignInPaused):
        change(PASSWORD)
    assert house.sign_in().record.who.person.id == house.here.id


def test_neither_a_common_password_nor_ones_own_address_is_a_new_one(house: House) -> None:
    here = house.sign_in()
    with house.begin() as ctx:
        made = identity.invite(ctx, party_id=house.here.party_id, person_id=house.here.id, now=NOW)
    own = house.email.partition("@")[0].upper()

    for new in ("password12", f"{own}@2026-11"):
        with pytest.raises(InputInvalid):
            identity.password_change(
                house.begin, record=here.record, old=PASSWORD, new=new, now=NOW
            )
        with pytest.raises(InputInvalid):
            identity.link_accept(house.begin, token=made.token, password=new, code=None, now=NOW)


def test_a_sign_in_with_a_password_that_changes_meanwhile_is_refused(
    house: House, hashed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two transactions, in which it would else open a session that outlives it."""

    def changed_meanwhile(password: str, kept: str | None) -> bool:
        is_right = password_matches(password, kept)
        if is_right:
            with house.begin() as ctx:
                identity.password_set(
                    ctx,
                    person_id=house.here.id,
                    hashed=hashed[OTHER_PASSWORD],
                    reason="test",
                    now=NOW,
                )
        return is_right

    monkeypatch.setattr(service, "password_matches", changed_meanwhile)
    with pytest.raises(identity.SignInRefused):
        house.sign_in(party_id=house.here.party_id)
    assert "session.open" not in house.actions()


def test_nobody_ends_a_session_of_another_person(house: House) -> None:
    here = house.sign_in()
    there = house.sign_in(OTHER_PASSWORD)

    with house.begin() as ctx:
        assert [each.id for each in identity.sessions_own(ctx, record=here.record, now=NOW)] == [
            here.record.session.id
        ]
        with pytest.raises(NotFound):
            identity.session_end(ctx, record=here.record, session_id=there.record.session.id)
    assert house.found(there.token) is not None


def test_a_session_ends_when_its_person_says_so(house: House) -> None:
    here = house.sign_in()

    with house.begin() as ctx:
        identity.session_end(ctx, record=here.record, session_id=here.record.session.id)

    assert house.found(here.token) is None
    assert house.actions()[-1] == "session.end"


def test_only_who_manages_parties_sets_anothers_password(house: House) -> None:
    owner = house.sign_in().record.who.actor()

    with pytest.raises(Forbidden), house.begin() as ctx:
        identity.password_set(
            ctx.acting(owner), person_id=house.there.id, hashed="x", reason="test", now=NOW
        )


def test_what_has_ended_is_swept_and_nothing_else(lone_house: House) -> None:
    idle, used = lone_house.sign_in(), lone_house.sign_in()
    with pytest.raises(identity.SignInRefused):
        lone_house.sign_in("tea in the sun")
    lone_house.found(used.token, NOW + timedelta(hours=6))

    with lone_house.begin() as ctx:
        assert identity.sweep(ctx, now=NOW + timedelta(hours=12)) == 2  # a session, and the tries
        assert identity.sweep(ctx, now=NOW + timedelta(hours=12)) == 0
    assert lone_house.found(idle.token) is None
    assert lone_house.found(used.token) is not None


def test_verify_finds_a_password_and_a_link_of_nobody(lone_house: House) -> None:
    with lone_house.begin() as ctx:
        assert list(identity.verify(ctx)) == []
        nobody, no_other = (
            parties.PersonId(each.party_id) for each in (lone_house.here, lone_house.there)
        )
        store.password_put(ctx, person_id=nobody, hashed="x", now=NOW)
        store.link_put(
            ctx,
            person_id=no_other,
            token_hash=b"x",
            created_at=NOW,
            expires_at=NOW + identity.LINK_AGE,
        )

        found = [finding.check for finding in identity.verify(ctx)]

    assert found == ["password_of_a_person"] * 2


def test_neither_password_token_nor_address_lie_in_the_database(
    lone_house: House, world: World, keyring: KeyRing
) -> None:
    signed_in = lone_house.sign_in(address="203.0.113.7")
    with pytest.raises(identity.SignInRefused):
        lone_house.sign_in("tea in the sun", address="203.0.113.7")

    with world.engine.connect() as connection:
        kept = [
            str(connection.execute(sa.text(f"SELECT t::text FROM {name} t")).scalars().all())  # noqa: S608
            for name in (
                "identity.password",
                "identity.session",
                "identity.attempt",
                "parties.audit",
            )
        ]
    for secret in (PASSWORD, signed_in.token, "203.0.113.7", lone_house.email):
        assert not any(secret in text or secret.encode().hex() in text for text in kept), secret


def test_a_link_sets_a_password_ends_all_sessions_and_lasts_seven_days(house: House) -> None:
    before = house.sign_in()
    with house.begin() as ctx:
        made = identity.invite(ctx, party_id=house.here.party_id, person_id=house.here.id, now=NOW)

    def accept(now: datetime) -> identity.SignedIn:
        return identity.link_accept(
            house.begin, token=made.token, password="a cup of green tea", code=None, now=now
        )

    with pytest.raises(identity.LinkEnded):
        accept(NOW + timedelta(days=7))
    signed_in = accept(NOW + timedelta(days=7, seconds=-1))
    assert signed_in.record.who.person.id == house.here.id
    assert house.found(before.token) is None
    assert sorted(house.actions()[-2:]) == ["password.set", "session.open"]
    with pytest.raises(identity.LinkEnded):
        accept(NOW)


def test_no_link_outlives_a_change_of_the_password(house: House, hashed: dict[str, str]) -> None:
    here = house.sign_in()

    def change() -> None:
        identity.password_change(
            house.begin, record=here.record, old=PASSWORD, new="a cup of green tea", now=NOW
        )

    def set_by_another() -> None:
        with house.begin() as ctx:
            identity.password_set(
                ctx, person_id=house.here.id, hashed=hashed[PASSWORD], reason="test", now=NOW
            )

    for act in (change, set_by_another):
        with house.begin() as ctx:
            made = identity.invite(
                ctx, party_id=house.here.party_id, person_id=house.here.id, now=NOW
            )
        act()
        with pytest.raises(identity.LinkEnded):
            identity.link_accept(
                house.begin, token=made.token, password="rain in a tea cup", code=None, now=NOW
            )


def test_nobody_invites_themselves(house: House) -> None:
    owner = house.sign_in().record.who.actor()

    with pytest.raises(identity.SelfInvited), house.begin() as ctx:
        identity.invite(
            ctx.acting(owner), party_id=house.here.party_id, person_id=house.here.id, now=NOW
        )
    assert "person.invite" not in house.actions()


def test_nobody_lets_in_who_may_do_more_than_they(house: House) -> None:
    with house.begin() as ctx:
        here = parties.people_find(ctx, person_ids=[house.here.id])[house.here.id].party
        clerk = Actor("partner", here.id, "key_x", frozenset({"people:write", "orders:read"}))
        with pytest.raises(Forbidden):
            identity.invite(ctx.acting(clerk), party_id=here.id, person_id=house.here.id, now=NOW)
        with pytest.raises(Forbidden):
            parties.person_add(
                ctx.acting(clerk),
                party_id=here.id,
                name="x",
                email="x@example.cn",
                role=parties.PersonRole.OWNER,
            )
        with pytest.raises(NotFound):
            identity.invite(
                ctx.acting(clerk),
                party_id=house.there.party_id,
                person_id=house.there.id,
                now=NOW,
            )


def test_a_link_for_somebody_of_a_suspended_party_sets_nothing(house: House) -> None:
    with house.begin() as ctx:
        made = identity.invite(ctx, party_id=house.here.party_id, person_id=house.here.id, now=NOW)
        parties.party_suspend(ctx, party_id=house.here.party_id, reason="test")

    with pytest.raises(parties.PartySuspended):
        identity.link_accept(
            house.begin, token=made.token, password="a cup of green tea", code=None, now=NOW
        )
    with house.begin() as ctx:
        hashed = store.passwords_read(ctx, person_ids=[house.here.id])[house.here.id]
    assert password_matches(PASSWORD, hashed)
