"""An approval that breaks off at any step moves nothing, may be repeated, and counts once."""

from collections.abc import Callable

import pytest

from tests.modules.ledger.paper import Partner, chen, lin, partner_open, sound
from tests.modules.ledger.test_ledger_faults import _meet, allow_writing, forbid_writing
from weili.kit.context import Begin, Ctx
from weili.modules import ledger

Step = Callable[[Ctx], object]


@pytest.fixture
def partner(begin: Begin) -> Partner:
    """A partner with 100.00 yuan."""
    with begin() as ctx:
        return partner_open(ctx, 10_000)


def stands(begin: Begin, partner: Partner) -> tuple[int, int]:
    sound(begin)
    with begin() as ctx:
        return partner.stands(ctx)


def broken(begin: Begin, table: str, step: Step) -> None:
    """Do a step that fails where it writes to a table."""
    forbid_writing(begin, table)
    with pytest.raises(Exception, match="fault"), begin() as ctx:
        step(ctx)
    allow_writing(begin, table)


@pytest.mark.parametrize(
    "table", ["slip", "transfer", "balance", "top_up", "deposit", "paper_history"]
)
def test_a_deposit_s_approval_at_each_step(begin: Begin, partner: Partner, table: str) -> None:
    with begin() as ctx:
        deposit = partner.submits(ctx, amount_minor=700)

    def approve(ctx: Ctx) -> None:
        ledger.deposit_approve(lin(ctx), deposit_id=deposit.id)

    broken(begin, table, approve)
    assert stands(begin, partner) == (10_000, 0)
    for _ in range(2):
        with begin() as ctx:
            approve(ctx)
    assert stands(begin, partner) == (10_700, 0)


@pytest.mark.parametrize("table", ["transfer", "balance", "withdrawal", "paper_history"])
def test_a_withdrawal_at_each_of_its_steps(begin: Begin, partner: Partner, table: str) -> None:
    broken(begin, table, lambda ctx: partner.asks_back(ctx, 4_000))
    assert stands(begin, partner) == (10_000, 0)
    with begin() as ctx:
        asked = partner.asks_back(ctx, 4_000)
    with begin() as ctx:
        ledger.withdrawal_approve(lin(ctx), withdrawal_id=asked.id)

    def pay(ctx: Ctx) -> None:
        ledger.withdrawal_paid(lin(ctx), withdrawal_id=asked.id, bank_reference="CMB-1")

    broken(begin, table, pay)
    assert stands(begin, partner) == (10_000, 4_000)
    for _ in range(2):
        with begin() as ctx:
            pay(ctx)
    assert stands(begin, partner) == (6_000, 0)


@pytest.mark.parametrize("table", ["transfer", "balance", "correction", "paper_history"])
def test_a_correction_s_approval_at_each_step(begin: Begin, partner: Partner, table: str) -> None:
    with begin() as ctx:
        wrong = ledger.top_up(ctx, partner_id=partner.id, amount_minor=900, reference="oops")
        made = ledger.correction_propose(
            lin(ctx),
            party_id=partner.id,
            transfer_id=wrong.transfer_id,
            amount_minor=None,
            reason="another partner's",
        )

    def approve(ctx: Ctx) -> None:
        ledger.correction_approve(chen(ctx), correction_id=made.id)

    broken(begin, table, approve)
    assert stands(begin, partner) == (10_900, 0)
    for _ in range(2):
        with begin() as ctx:
            approve(ctx)
    assert stands(begin, partner) == (10_000, 0)


def test_of_two_people_who_approve_one_deposit_at_once_one_credits_it(
    begin: Begin, partner: Partner
) -> None:
    with begin() as ctx:
        deposit = partner.submits(ctx, amount_minor=700)

    refusals = _meet(begin, lambda ctx: ledger.deposit_approve(lin(ctx), deposit_id=deposit.id))

    assert refusals == []
    assert stands(begin, partner) == (10_700, 0)


def test_of_two_withdrawals_at_once_the_later_sees_what_the_earlier_holds(
    begin: Begin, partner: Partner
) -> None:
    refusals = _meet(begin, lambda ctx: partner.asks_back(ctx, 6_000))

    assert [type(refusal) for refusal in refusals] == [ledger.BalanceInsufficient]
    assert stands(begin, partner) == (10_000, 6_000)
