"""A simulated year of paying in, holding, shipping, paying out and correcting closes at zero."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.modules.ledger.paper import Partner, chen, lin, partner_open
from weili.kit.context import SYSTEM, SYSTEM_PARTY, Ctx
from weili.kit.ids import new_id
from weili.kit.world import World
from weili.kit.zone import BUSINESS_ZONE
from weili.modules import ledger
from weili.modules.ledger import AccountKind, NewTransfer, Settlement, TransferKind

REVENUE = ledger.account_id(AccountKind.PLATFORM_REVENUE, SYSTEM_PARTY)
BEGINS = datetime(2031, 1, 1, tzinfo=BUSINESS_ZONE).astimezone(UTC)

days = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(["pay in", "order", "ship", "cancel", "ask back", "pay out", "correct"]),
        st.integers(1, 5_000),
    ),
    min_size=5,
    max_size=40,
)


class Year:
    """A partner's year against a plain sum of what it did."""

    def __init__(self, ctx: Ctx) -> None:
        self.ctx = ctx
        self.partner: Partner = partner_open(ctx)
        self.posted = 0
        self.holds: list[NewTransfer] = []
        self.asked: list[ledger.Withdrawal] = []
        self.paid_in: list[ledger.Deposit] = []

    def do(self, what: str, amount: int, number: int) -> None:
        """Do one thing, if there is what it needs."""
        ctx, partner = self.ctx, self.partner
        free = self.posted - sum(h.amount_minor for h in self.holds)
        free -= sum(w.amount_minor for w in self.asked)
        match what:
            case "pay in":
                made = partner.submits(ctx, f"S-{partner.id}-{number}", amount)
                self.paid_in.append(ledger.deposit_approve(lin(ctx), deposit_id=made.id))
                self.posted += amount
            case "order" if amount <= free:
                hold = NewTransfer(
                    ledger.TransferId(new_id(ctx.now)),
                    partner.id,
                    TransferKind.HOLD,
                    partner.prepaid,
                    REVENUE,
                    amount,
                    "goods",
                    f"chd_{number}",
                )
                ledger.transfers_write(ctx, transfers=[hold])
                self.holds.append(hold)
            case "ship" | "cancel" if self.holds:
                hold = self.holds.pop(0)
                part = min(amount, hold.amount_minor) if what == "ship" else 0
                step = Settlement(hold.id, partner.id, part, True, f"pkg_{number}", "goods")
                ledger.holds_settle(ctx, settlements=[step])
                self.posted -= part
            case "ask back" if amount <= free:
                self.asked.append(partner.asks_back(ctx, amount))
            case "pay out" if self.asked:
                asked = self.asked.pop(0)
                ledger.withdrawal_approve(lin(ctx), withdrawal_id=asked.id)
                reference = f"P-{number}"
                ledger.withdrawal_paid(ctx, withdrawal_id=asked.id, bank_reference=reference)
                self.posted -= asked.amount_minor
            case "correct" if self.paid_in and self.paid_in[0].amount_minor <= free:
                wrong = self.paid_in.pop(0)
                assert wrong.transfer_id is not None
                made_of = ledger.correction_propose(
                    lin(ctx),
                    party_id=partner.id,
                    transfer_id=wrong.transfer_id,
                    amount_minor=None,
                    reason="another's",
                )
                ledger.correction_approve(chen(ctx), correction_id=made_of.id)
                self.posted -= wrong.amount_minor
            case _:
                pass

    def close(self) -> None:
        """Close all months: statements say the same with the closes as without."""
        ctx, partner = self.ctx, self.partner
        held = sum(h.amount_minor for h in self.holds) + sum(w.amount_minor for w in self.asked)
        assert partner.stands(ctx) == (self.posted, held)
        ctx.actor = SYSTEM
        until = ctx.now + timedelta(days=40)
        whole = self._statement(BEGINS, until)
        month = BEGINS.astimezone(BUSINESS_ZONE).date()
        ctx.now = until
        while month < (until - timedelta(days=31)).date().replace(day=1):
            done = ledger.month_close(ctx, month_on=month)
            assert (done.left, done.off) == (0, [])
            month = (month + timedelta(days=31)).replace(day=1)
        kind = AccountKind.PARTNER_PREPAID
        closed = ledger.months_closed(ctx, party_id=partner.id, kind=kind)
        stood = ledger.Standing(0, 0)
        for _, sums, _ in reversed(closed):
            assert (sums.opening, sums.off_minor) == (stood, 0)
            stood = sums.closing
        again = self._statement(BEGINS, until)
        assert (again.opening, again.totals, again.closing) == (
            whole.opening,
            whole.totals,
            whole.closing,
        )
        assert whole.closing == ledger.Standing(self.posted, held)
        last = self._statement(until - timedelta(days=32), until)
        assert last.closing == whole.closing
        assert list(ledger.verify(ctx)) == []

    def _statement(self, from_at: datetime, to_at: datetime) -> ledger.Statement:
        return ledger.statement(
            self.ctx,
            party_id=self.partner.id,
            kind=AccountKind.PARTNER_PREPAID,
            from_at=from_at,
            to_at=to_at,
        )


def run(ctx: Ctx, steps: list[tuple[int, str, int]]) -> None:
    """Live a year."""
    ctx.now = BEGINS + timedelta(hours=1)
    year = Year(ctx)
    year.do("pay in", 5_000, 0)
    for number, (ahead, what, amount) in enumerate(steps, start=1):
        ctx.now += timedelta(days=ahead % 20, minutes=1)
        year.do(what, amount, number)
    year.close()


def _lived(world: World, steps: list[tuple[int, str, int]]) -> None:
    with world.begin() as ctx:
        run(ctx, steps)
        ctx.announced.clear()
        ctx.db.sa.get_transaction().rollback()


def test_a_year_closes_at_zero(rolled_back_world: World) -> None:
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(steps=days)
    def lived(steps: list[tuple[int, str, int]]) -> None:
        _lived(rolled_back_world, steps)

    lived()


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_many_years_close_at_zero(rolled_back_world: World) -> None:
    @settings(
        max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(steps=days)
    def lived(steps: list[tuple[int, str, int]]) -> None:
        _lived(rolled_back_world, steps)

    lived()
