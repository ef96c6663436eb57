"""The ledger on a real PostgreSQL against a plain model of it, through long runs of chance."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.ids import new_id
from weili.kit.world import World
from weili.modules import ledger
from weili.modules.ledger import AccountKind, NewTransfer, Settlement, TransferKind

PARTNERS = 3
START = datetime(2000, 1, 1, tzinfo=UTC)
END = datetime(2200, 1, 1, tzinfo=UTC)
PAGE = 4

amounts = st.integers(1, 500)
partners = st.integers(0, PARTNERS - 1)
platform = {
    kind: ledger.account_id(kind, SYSTEM_PARTY)
    for kind, behaviour in ledger.KIND_RULES.items()
    if behaviour.is_platform
}


@dataclass
class ModelHold:
    """A hold as the model knows it."""

    partner: int
    purpose: str
    left: int


class LedgerMachine(RuleBasedStateMachine):
    """Does to the ledger and to a few integers the same things, and compares them after each."""

    world: World
    holds: "Bundle[ledger.TransferId]" = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.partner_ids = [PartyId(uuid4()) for _ in range(PARTNERS)]
        self.supplier_id = PartyId(uuid4())
        self.payable = ledger.account_id(AccountKind.SUPPLIER_PAYABLE, self.supplier_id)
        self.posted = [0] * PARTNERS
        self.held = [0] * PARTNERS
        self.owed = 0
        self.open: dict[ledger.TransferId, ModelHold] = {}
        self.references: dict[tuple[int, str], int] = {}
        with self.world.begin() as ctx:
            before = ledger.balances_read(ctx, account_ids=list(platform.values()))
        self.platform = {key: b.posted_minor for key, b in before.items()}

    @initialize(funds=st.integers(1_000, 5_000))
    def open_accounts(self, funds: int) -> None:
        with self.world.begin() as ctx:
            ledger.platform_accounts_open(ctx)
            for partner_id in self.partner_ids:
                ledger.account_open(ctx, kind=AccountKind.PARTNER_PREPAID, party_id=partner_id)
            ledger.account_open(ctx, kind=AccountKind.SUPPLIER_PAYABLE, party_id=self.supplier_id)
        for partner in range(PARTNERS):
            self.top_up(partner, funds, "first")

    def prepaid(self, partner: int) -> ledger.AccountId:
        return ledger.account_id(AccountKind.PARTNER_PREPAID, self.partner_ids[partner])

    def add(self, kind: AccountKind, amount: int) -> None:
        self.platform[platform[kind]] = self.platform.get(platform[kind], 0) + amount

    @rule(partner=partners, amount=amounts, reference=st.sampled_from("abcdefgh"))
    def top_up(self, partner: int, amount: int, reference: str) -> None:
        before = self.references.get((partner, reference))
        with self.world.begin() as ctx:
            if before not in {None, amount}:
                with pytest.raises(ledger.TopUpReferenceReused):
                    self._top_up(ctx, partner, amount, reference)
                return
            made = self._top_up(ctx, partner, amount, reference)
        assert made.is_replay == (before is not None)
        if before is None:
            self.references[partner, reference] = amount
            self.posted[partner] += amount
            self.add(AccountKind.PLATFORM_BANK, amount)

    def _top_up(self, ctx: Ctx, partner: int, amount: int, reference: str) -> ledger.TopUp:
        return ledger.top_up(
            ctx,
            partner_id=self.partner_ids[partner],
            amount_minor=amount,
            reference=reference,
        )

    @rule(data=st.data())
    def repeat_top_up(self, data: st.DataObject) -> None:
        if self.references:
            (partner, reference), amount = data.draw(
                st.sampled_from(sorted(self.references.items()))
            )
            self.top_up(partner, amount, reference)

    @rule(
        target=holds,
        wanted=st.lists(st.tuples(partners, amounts, st.booleans()), min_size=1, max_size=6),
        ends=st.booleans(),
    )
    def hold(self, wanted: list[tuple[int, int, bool]], ends: bool) -> object:
        """Decide a batch under the lock, as an order's workflow does: each held or refused."""
        transfers = []
        with self.world.begin() as ctx:
            accounts = {self.prepaid(partner) for partner, _, _ in wanted}
            balances = ledger.balances_lock(ctx, account_ids=accounts)
            for partner, amount, is_goods in wanted:
                key = self.prepaid(partner)
                fits = amount <= self.posted[partner] - self.held[partner]
                assert (amount <= balances[key].available_minor) == fits
                if not fits:
                    continue
                balances[key] = balances[key].moved(held_minor=amount)
                self.held[partner] += amount
                purpose = "goods" if is_goods else "freight"
                transfer = self._transfer(
                    ctx,
                    TransferKind.HOLD,
                    party_id=self.partner_ids[partner],
                    sides=(key, platform[self._income(purpose)]),
                    amount=amount,
                    expires_at=ctx.now if ends else None,
                )
                transfers.append(transfer)
                self.open[transfer.id] = ModelHold(partner, purpose, amount)
            with ctx.db.pipeline():
                ledger.transfers_write(ctx, transfers=transfers)
        return multiple(*(transfer.id for transfer in transfers))

    def _income(self, purpose: str) -> AccountKind:
        is_goods = purpose == "goods"
        return AccountKind.PLATFORM_REVENUE if is_goods else AccountKind.PLATFORM_FREIGHT

    @rule(hold_id=holds, data=st.data(), void_rest=st.booleans())
    def settle(self, hold_id: ledger.TransferId, data: st.DataObject, void_rest: bool) -> None:
        hold = self.open[hold_id]
        taken = data.draw(st.integers(0, hold.left))
        first = data.draw(st.integers(0, taken))
        steps = [
            self._step(hold_id, first),
            self._step(hold_id, taken - first, void_rest=void_rest),
        ]
        with self.world.begin() as ctx:
            ledger.holds_settle(ctx, settlements=steps)
        gone = hold.left if void_rest else taken
        hold.left -= gone
        self.posted[hold.partner] -= taken
        self.held[hold.partner] -= gone
        self.add(self._income(hold.purpose), taken)

    @rule(hold_id=holds, over=amounts)
    def settle_too_much(self, hold_id: ledger.TransferId, over: int) -> None:
        left = self.open[hold_id].left
        steps = [self._step(hold_id, left // 2), self._step(hold_id, left - left // 2 + over)]
        with self.world.begin() as ctx, pytest.raises(ledger.HoldExhausted):
            ledger.holds_settle(ctx, settlements=steps)

    def _step(
        self, hold_id: ledger.TransferId, post: int, *, void_rest: bool = False
    ) -> Settlement:
        hold = self.open[hold_id]
        return Settlement(
            hold_id, self.partner_ids[hold.partner], post, void_rest, "pkg", hold.purpose
        )

    @rule(hold_id=holds)
    def settle_as_a_stranger(self, hold_id: ledger.TransferId) -> None:
        step = self._step(hold_id, 0, void_rest=True)
        stranger = Settlement(
            hold_id, self.supplier_id, 0, step.void_rest, step.subject, step.purpose
        )
        with self.world.begin() as ctx, pytest.raises(ledger.HoldUnknown):
            ledger.holds_settle(ctx, settlements=[stranger])

    @rule(amount=amounts, is_paid=st.booleans())
    def owe_or_pay_the_supplier(self, amount: int, is_paid: bool) -> None:
        with self.world.begin() as ctx:
            sides = (
                (self.payable, platform[AccountKind.PLATFORM_BANK])
                if is_paid
                else (platform[AccountKind.PLATFORM_COST], self.payable)
            )
            transfer = self._transfer(
                ctx, TransferKind.DIRECT, party_id=self.supplier_id, sides=sides, amount=amount
            )
            ledger.transfers_write(ctx, transfers=[transfer])
        if is_paid:
            self.owed -= amount
            self.add(AccountKind.PLATFORM_BANK, -amount)
        else:
            self.owed += amount
            self.add(AccountKind.PLATFORM_COST, amount)

    @rule(partner=partners, amount=amounts)
    def give_back(self, partner: int, amount: int) -> None:
        with self.world.begin() as ctx:
            key = self.prepaid(partner)
            ledger.balances_lock(ctx, account_ids=[key])
            income = platform[AccountKind.PLATFORM_REVENUE]
            transfer = self._transfer(
                ctx,
                TransferKind.DIRECT,
                party_id=self.partner_ids[partner],
                sides=(income, key),
                amount=amount,
            )
            ledger.transfers_write(ctx, transfers=[transfer])
        self.posted[partner] += amount
        self.add(AccountKind.PLATFORM_REVENUE, -amount)

    def _transfer(
        self,
        ctx: Ctx,
        kind: TransferKind,
        *,
        party_id: PartyId,
        sides: tuple[ledger.AccountId, ledger.AccountId],
        amount: int,
        expires_at: datetime | None = None,
    ) -> NewTransfer:
        return NewTransfer(
            id=ledger.TransferId(new_id(ctx.now)),
            party_id=party_id,
            kind=kind,
            debit=sides[0],
            credit=sides[1],
            amount_minor=amount,
            purpose="test",
            subject=f"ord_{party_id}",
            expires_at=expires_at,
        )

    @rule(partner=partners)
    def read_statement(self, partner: int) -> None:
        """Follow every page: it begins at nothing, has no gap, and ends where the model stands."""
        stood, cursor = (0, 0), None
        with self.world.begin() as ctx:
            while True:
                page = ledger.statement(
                    ctx,
                    party_id=self.partner_ids[partner],
                    kind=AccountKind.PARTNER_PREPAID,
                    from_at=START,
                    to_at=END,
                    cursor=cursor,
                    limit=PAGE,
                )
                for entry in page.entries:
                    stood = (stood[0] + entry.posted_minor, stood[1] + entry.held_minor)
                    assert stood == (entry.posted_after_minor, entry.held_after_minor)
                    assert 0 <= stood[1] <= stood[0]
                cursor = page.next_cursor
                if cursor is None:
                    break
        assert page.opening == ledger.Standing(0, 0)
        assert page.closing == ledger.Standing(*stood)
        assert stood == (self.posted[partner], self.held[partner])

    @invariant()
    def balances_are_the_model_s(self) -> None:
        keys = [self.prepaid(partner) for partner in range(PARTNERS)]
        with self.world.begin() as ctx:
            found = ledger.balances_read(ctx, account_ids=[*keys, self.payable, *platform.values()])
        assert [found[key].posted_minor for key in keys] == self.posted
        assert [found[key].held_minor for key in keys] == self.held
        assert found[self.payable].posted_minor == self.owed
        for key, amount in self.platform.items():
            assert found[key].posted_minor == amount

    @invariant()
    def open_holds_are_the_model_s(self) -> None:
        subjects = [f"ord_{partner_id}" for partner_id in self.partner_ids]
        with self.world.begin() as ctx:
            found = ledger.holds_open(ctx, subjects=subjects)
        assert {hold.id: hold.remaining_minor for hold in found} == {
            hold_id: hold.left for hold_id, hold in self.open.items() if hold.left
        }

    def teardown(self) -> None:
        with self.world.begin() as ctx:
            assert list(ledger.verify(ctx)) == []


def run(world: World, *, examples: int, steps: int, phases: tuple[Phase, ...]) -> None:
    machine = type("LedgerMachine", (LedgerMachine,), {"world": world})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=phases,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_the_ledger_is_its_plain_model(world: World) -> None:
    # A failure is told as it was met: making it short takes minutes, and is the long run's work.
    run(world, examples=25, steps=30, phases=(Phase.reuse, Phase.generate))


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_the_ledger_is_its_plain_model_at_length(world: World) -> None:
    run(world, examples=60, steps=80, phases=tuple(Phase))
