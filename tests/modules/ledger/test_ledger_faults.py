"""A verb that breaks off half way leaves no trace, and two that meet follow each other."""

import threading
import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from psycopg import errors as pg

from weili.kit.context import SYSTEM_PARTY, Begin, Ctx, PartyId
from weili.kit.ids import new_id
from weili.modules import ledger
from weili.modules.ledger import AccountKind, NewTransfer, Settlement, TransferKind

WAIT_MAX_S = 20.0


@pytest.fixture
def partner_id(begin: Begin) -> PartyId:
    """A partner with 1,000 fen."""
    partner_id = PartyId(uuid4())
    with begin() as ctx:
        ledger.platform_accounts_open(ctx)
        ledger.account_open(ctx, kind=AccountKind.PARTNER_PREPAID, party_id=partner_id)
        ledger.top_up(ctx, partner_id=partner_id, amount_minor=1_000, reference="first")
    return partner_id


@pytest.fixture
def hold(begin: Begin, partner_id: PartyId) -> NewTransfer:
    """All of it held."""
    with begin() as ctx:
        hold = NewTransfer(
            id=ledger.TransferId(new_id(ctx.now)),
            party_id=partner_id,
            kind=TransferKind.HOLD,
            debit=ledger.account_id(AccountKind.PARTNER_PREPAID, partner_id),
            credit=ledger.account_id(AccountKind.PLATFORM_REVENUE, SYSTEM_PARTY),
            amount_minor=1_000,
            purpose="goods",
            subject="ord_1",
        )
        ledger.transfers_write(ctx, transfers=[hold])
    return hold


def standing(begin: Begin, partner_id: PartyId) -> tuple[int, int]:
    key = ledger.account_id(AccountKind.PARTNER_PREPAID, partner_id)
    with begin() as ctx:
        balance = ledger.balances_read(ctx, account_ids=[key])[key]
        assert list(ledger.verify(ctx)) == []
    return balance.posted_minor, balance.held_minor


def forbid_writing(begin: Begin, table: str) -> None:
    """Make the next step that writes to the table fail, as a full disk would."""
    with begin() as ctx:
        ctx.db.run("SET LOCAL ROLE none")
        ctx.db.run(f"ALTER TABLE ledger.{table} ADD CONSTRAINT fault CHECK (false) NOT VALID")


def allow_writing(begin: Begin, table: str) -> None:
    with begin() as ctx:
        ctx.db.run("SET LOCAL ROLE none")
        ctx.db.run(f"ALTER TABLE ledger.{table} DROP CONSTRAINT fault")


@pytest.mark.parametrize("table", ["transfer", "balance", "top_up"])
def test_a_top_up_that_fails_at_any_step_pays_nothing_in_and_may_be_repeated(
    begin: Begin, partner_id: PartyId, table: str
) -> None:
    forbid_writing(begin, table)
    with pytest.raises(Exception, match="fault"), begin() as ctx:
        ledger.top_up(ctx, partner_id=partner_id, amount_minor=500, reference="second")
    allow_writing(begin, table)
    assert standing(begin, partner_id) == (1_000, 0)

    with begin() as ctx:
        ledger.top_up(ctx, partner_id=partner_id, amount_minor=500, reference="second")
    assert standing(begin, partner_id) == (1_500, 0)


@pytest.mark.parametrize("table", ["transfer", "balance"])
def test_a_settlement_that_fails_at_any_step_takes_nothing_and_may_be_repeated(
    begin: Begin, hold: NewTransfer, table: str
) -> None:
    def settle() -> None:
        with begin() as ctx:
            ledger.holds_settle(ctx, settlements=[_step(hold, 400, void_rest=True)])

    forbid_writing(begin, table)
    with pytest.raises(pg.CheckViolation):
        settle()
    allow_writing(begin, table)
    assert standing(begin, hold.party_id) == (1_000, 1_000)

    settle()
    assert standing(begin, hold.party_id) == (600, 0)


def test_of_two_settlements_at_once_the_later_sees_what_the_earlier_took(
    begin: Begin, hold: NewTransfer
) -> None:
    def settle(ctx: Ctx) -> None:
        ledger.holds_settle(ctx, settlements=[_step(hold, 600)])

    refusals = _meet(begin, settle)

    assert [type(refusal) for refusal in refusals] == [ledger.HoldExhausted]
    assert standing(begin, hold.party_id) == (400, 400)


def test_of_two_top_ups_with_one_reference_at_once_one_is_a_replay(
    begin: Begin, partner_id: PartyId
) -> None:
    replays = []

    def pay(ctx: Ctx) -> None:
        made = ledger.top_up(ctx, partner_id=partner_id, amount_minor=7, reference="second")
        replays.append(made.is_replay)

    refusals = _meet(begin, pay)

    assert refusals == []
    assert replays == [False, True]
    assert standing(begin, partner_id) == (1_007, 0)


def _step(hold: NewTransfer, post_minor: int, *, void_rest: bool = False) -> Settlement:
    return Settlement(hold.id, hold.party_id, post_minor, void_rest, "pkg_1", "goods")


def _meet(begin: Begin, work: Callable[[Ctx], None]) -> list[Exception]:
    """Do the work in two transactions, the second begun while the first is under way."""
    refusals: list[Exception] = []

    def second() -> None:
        try:
            with begin() as ctx:
                work(ctx)
        except Exception as error:  # noqa: BLE001 - handed to the test, which looks at it
            refusals.append(error)

    thread = threading.Thread(target=second)
    with begin() as ctx:
        work(ctx)
        thread.start()
        give_up_at = time.monotonic() + WAIT_MAX_S
        while not ctx.db.rows(
            # Not pg_stat_activity: a transaction sees it as it first was, without newcomers.
            "SELECT FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        ):
            assert time.monotonic() < give_up_at, "the second never waited for the first"
            time.sleep(0.01)
    thread.join()
    return refusals
