"""A second factor: set up, asked for, each code once, and what there is when it is lost."""

import base64
from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.modules.identity.conftest import NOW, OTHER_PASSWORD, PASSWORD, House
from weili.kit.problems import Forbidden
from weili.kit.secrets import totp_code
from weili.modules import identity
from weili.modules.identity import store, tries

STEP = timedelta(seconds=30)


class Telephone:
    """Shows the codes of the secret that it was given."""

    def __init__(self, secret: str) -> None:
        self._secret = base64.b32decode(secret)

    def code(self, steps: int = 0) -> str:
        return totp_code(self._secret, int(NOW.timestamp()) // 30 + steps)


def begun(house: House) -> tuple[identity.SessionRecord, Telephone]:
    record = house.sign_in(party_id=house.here.party_id).record
    made = identity.factor_begin(house.begin, record=record, password=PASSWORD, now=NOW)
    return record, Telephone(made.secret)


def set_up(house: House) -> tuple[identity.SessionRecord, Telephone, Sequence[str]]:
    """Set a second factor up with the code of the step before, so that this one's is unused."""
    record, telephone = begun(house)
    codes = identity.factor_confirm(house.begin, record=record, code=telephone.code(-1), now=NOW)
    return record, telephone, codes


@pytest.mark.parametrize(
    ("step", "code"), [(0, "755224"), (1, "287082"), (2, "359152"), (8, "399871"), (9, "520489")]
)
def test_codes_are_those_of_the_standard(step: int, code: str) -> None:
    """Source: RFC 4226, appendix D."""
    assert totp_code(b"12345678901234567890", step) == code


def test_it_is_asked_for_from_when_a_code_was_confirmed(house: House) -> None:
    record, telephone = begun(house)
    assert not house.sign_in().has_factor

    with pytest.raises(identity.CodeRefused):
        identity.factor_confirm(house.begin, record=record, code="000000", now=NOW)
    codes = identity.factor_confirm(house.begin, record=record, code=telephone.code(), now=NOW)

    assert len(set(codes)) == 10
    with pytest.raises(identity.SecondFactorNeeded):
        house.sign_in()
    with pytest.raises(identity.CodeRefused):
        house.sign_in(code="000000")
    assert house.sign_in(code=telephone.code(1)).has_factor
    assert house.actions().count("second_factor.set") == 1
    assert not house.sign_in(OTHER_PASSWORD).has_factor


def test_who_found_a_browser_open_sets_none_up(house: House) -> None:
    record = house.sign_in(party_id=house.here.party_id).record
    for number in range(5):
        with pytest.raises(identity.PasswordRefused):
            identity.factor_begin(
                house.begin, record=record, password=f"tea in the sun {number}", now=NOW
            )

    with pytest.raises(identity.SignInPaused):
        identity.factor_begin(house.begin, record=record, password=PASSWORD, now=NOW)


def test_once_it_is_asked_for_all_other_sessions_end(house: House) -> None:
    elsewhere = house.sign_in(party_id=house.here.party_id)
    here = house.sign_in(party_id=house.here.party_id)
    made = identity.factor_begin(house.begin, record=here.record, password=PASSWORD, now=NOW)
    assert house.found(elsewhere.token) is not None

    code = Telephone(made.secret).code()
    identity.factor_confirm(house.begin, record=here.record, code=code, now=NOW)

    assert house.found(elsewhere.token) is None
    assert house.found(here.token) is not None


def test_what_telephones_read_names_the_house_and_no_whole_address(house: House) -> None:
    record = house.sign_in(party_id=house.here.party_id).record
    made = identity.factor_begin(house.begin, record=record, password=PASSWORD, now=NOW)

    assert made.uri.startswith("otpauth://totp/Weili%3Al")
    assert made.uri.endswith(f"?secret={made.secret}&issuer=Weili")
    assert house.email not in made.uri
    assert len(base64.b32decode(made.secret)) == 20


@pytest.mark.parametrize(("steps", "is_taken"), [(-2, False), (0, True), (1, True), (2, False)])
def test_a_telephones_clock_may_be_half_a_minute_wrong(
    house: House, steps: int, is_taken: bool
) -> None:
    _, telephone, _ = set_up(house)

    if is_taken:
        assert house.sign_in(code=f" {telephone.code(steps)} ").has_factor
        return
    with pytest.raises(identity.CodeRefused):
        house.sign_in(code=telephone.code(steps))


def test_a_code_is_taken_once_and_none_before_it_any_more(house: House) -> None:
    _, telephone, _ = set_up(house)
    house.sign_in(code=telephone.code())

    for steps in (0, -1):
        with pytest.raises(identity.CodeRefused):
            house.sign_in(code=telephone.code(steps))
    assert house.sign_in(code=telephone.code(1)).has_factor


def test_a_wrong_password_says_nothing_of_the_code(house: House) -> None:
    _, telephone, _ = set_up(house)

    with pytest.raises(identity.SignInRefused):
        house.sign_in("tea in the sun", code=telephone.code())
    assert house.sign_in(code=telephone.code()).has_factor


def test_codes_are_guessed_five_times_and_no_more(house: House) -> None:
    _, telephone, _ = set_up(house)
    for number in range(5):
        with pytest.raises(identity.CodeRefused):
            house.sign_in(code=f"00000{number}")

    with pytest.raises(identity.SignInPaused):
        house.sign_in(code=telephone.code())


def test_wrong_codes_are_tries_of_the_network_address_too(house: House) -> None:
    """The password was right each time, and that gives nothing back."""
    _, telephone, _ = set_up(house)
    with house.begin() as ctx:
        mark = tries.address_mark(ctx, "203.0.113.5")
        for _ in range(27):
            store.try_count(ctx, mark=mark, now=NOW, since=NOW - identity.TRIES_WITHIN)
    for code in ("000001", None, "000002"):
        with pytest.raises((identity.CodeRefused, identity.SecondFactorNeeded)):
            house.sign_in(code=code, address="203.0.113.5")

    with pytest.raises(identity.SignInPaused):
        house.sign_in(code=telephone.code(), address="203.0.113.5")


def test_each_recovery_code_lets_in_once_and_is_audited(house: House) -> None:
    _, _, codes = set_up(house)

    assert house.sign_in(code=f"{codes[0][:10]}-{codes[0][10:].upper()}").has_factor
    with pytest.raises(identity.CodeRefused):
        house.sign_in(code=codes[0])
    assert house.sign_in(code=codes[1]).has_factor
    assert house.actions().count("second_factor.recovery") == 2


def test_a_confirmed_one_is_not_replaced_before_it_is_removed(house: House) -> None:
    record, telephone, _ = set_up(house)

    with pytest.raises(identity.FactorExists):
        identity.factor_begin(house.begin, record=record, password=PASSWORD, now=NOW)
    with pytest.raises(identity.FactorExists):
        identity.factor_confirm(house.begin, record=record, code=telephone.code(), now=NOW)
    with pytest.raises(identity.PasswordRefused):
        identity.factor_remove(house.begin, record=record, password="tea in the sun", now=NOW)
    for _ in range(2):
        identity.factor_remove(house.begin, record=record, password=PASSWORD, now=NOW)
    assert not house.sign_in().has_factor
    assert house.actions().count("second_factor.remove") == 1
    again = identity.factor_begin(house.begin, record=record, password=PASSWORD, now=NOW)
    assert Telephone(again.secret).code() != telephone.code()


def test_a_link_takes_the_place_of_a_password_alone(house: House) -> None:
    _, telephone, _ = set_up(house)
    with house.begin() as ctx:
        made = identity.invite(ctx, party_id=house.here.party_id, person_id=house.here.id, now=NOW)

    def accept(code: str | None) -> identity.SignedIn:
        return identity.link_accept(
            house.begin, token=made.token, password="a cup of green tea", code=code, now=NOW
        )

    with pytest.raises(identity.SecondFactorNeeded):
        accept(None)
    for number in range(3):
        with pytest.raises(identity.CodeRefused):
            accept(f"00000{number}")
    assert accept(telephone.code()).has_factor
    with house.begin() as ctx:
        made = identity.invite(ctx, party_id=house.here.party_id, person_id=house.here.id, now=NOW)
    for number in range(5):
        with pytest.raises(identity.CodeRefused):
            accept(f"00000{number}")
    with pytest.raises(identity.SignInPaused):
        accept(telephone.code(1))


def test_who_lost_all_is_let_in_again_by_who_manages_parties(house: House) -> None:
    record, _, _ = set_up(house)
    with pytest.raises(Forbidden), house.begin() as ctx:
        identity.factor_clear(
            ctx.acting(record.who.actor()), person_id=house.here.id, reason="test"
        )

    with house.begin() as ctx:
        identity.factor_clear(ctx, person_id=house.here.id, reason="lost the telephone")

    assert not house.sign_in().has_factor
    assert "second_factor.clear" in house.actions()


def test_neither_secret_nor_code_lies_in_the_database_in_clear(house: House) -> None:
    record = house.sign_in(party_id=house.here.party_id).record
    made = identity.factor_begin(house.begin, record=record, password=PASSWORD, now=NOW)
    codes = identity.factor_confirm(
        house.begin, record=record, code=Telephone(made.secret).code(), now=NOW
    )

    with house.begin() as ctx:
        kept = [
            str(ctx.db.sa.execute(sa.text(f"SELECT t::text FROM {name} t")).scalars().all())  # noqa: S608
            for name in ("identity.second_factor", "identity.recovery_code", "parties.audit")
        ]
    for secret in (made.secret, base64.b32decode(made.secret).hex(), *codes):
        assert not any(secret in text or secret.encode().hex() in text for text in kept)


def test_verify_finds_a_second_factor_that_can_not_be_opened(lone_house: House) -> None:
    set_up(lone_house)
    with lone_house.begin() as ctx:
        assert list(identity.verify(ctx)) == []
        ctx.db.sa.execute(
            sa.text(
                "UPDATE identity.second_factor SET secret_sealed ="
                " set_byte(secret_sealed, 20, 255 - get_byte(secret_sealed, 20))"
            )
        )

        [finding] = identity.verify(ctx)

    assert finding.check == "second_factor_opens"
