"""People and books for the stories of deposits, withdrawals and corrections."""

from dataclasses import dataclass
from datetime import date
from uuid import uuid4

from weili.kit.context import SYSTEM, SYSTEM_PARTY, Actor, Begin, Ctx, PartyId
from weili.kit.zone import day_of
from weili.modules import ledger
from weili.modules.ledger import AccountKind, BankAccount

MONEY = frozenset({"admin:money"})
ACCOUNT = BankAccount("上海街坊商贸有限公司", "招商银行杭州分行", "571900012345678")


def lin(ctx: Ctx) -> Ctx:
    """Let Lin of the operator act."""
    ctx.actor = Actor("operator", SYSTEM_PARTY, "key_lin", MONEY)
    return ctx


def chen(ctx: Ctx) -> Ctx:
    """Let Chen of the operator act."""
    ctx.actor = Actor("operator", SYSTEM_PARTY, "key_chen", MONEY)
    return ctx


@dataclass(frozen=True)
class Partner:
    """A partner with a prepaid account."""

    id: PartyId

    def acts(self, ctx: Ctx) -> Ctx:
        """Let the partner act."""
        scopes = frozenset({"account:read", "account:write"})
        ctx.actor = Actor("partner", self.id, "key_street", scopes)
        return ctx

    def submits(
        self, ctx: Ctx, slip: str = "B20261122-0007", amount_minor: int = 500_000
    ) -> ledger.Deposit:
        """Say that it paid 5,000.00 yuan today."""
        return ledger.deposit_submit(
            self.acts(ctx),
            partner_id=self.id,
            slip=slip,
            amount_minor=amount_minor,
            payer="上海街坊商贸有限公司",
            paid_on=day_of(ctx.now),
        )

    def asks_back(self, ctx: Ctx, amount_minor: int) -> ledger.Withdrawal:
        """Ask for money back."""
        return ledger.withdrawal_request(
            self.acts(ctx), partner_id=self.id, amount_minor=amount_minor, account=ACCOUNT
        )

    @property
    def prepaid(self) -> ledger.AccountId:
        """Name its account."""
        return ledger.account_id(AccountKind.PARTNER_PREPAID, self.id)

    def stands(self, ctx: Ctx) -> tuple[int, int]:
        """Read (posted, held)."""
        balance = ledger.balances_read(ctx, account_ids=[self.prepaid])[self.prepaid]
        return balance.posted_minor, balance.held_minor


def partner_open(ctx: Ctx, amount_minor: int = 0) -> Partner:
    """Open a partner with some money; the platform acts from then on."""
    ctx.actor = SYSTEM
    ledger.platform_accounts_open(ctx)
    partner = Partner(PartyId(uuid4()))
    ledger.account_open(ctx, kind=AccountKind.PARTNER_PREPAID, party_id=partner.id)
    if amount_minor:
        ledger.top_up(
            ctx, partner_id=partner.id, amount_minor=amount_minor, reference=f"first {partner.id}"
        )
    return partner


def told(ctx: Ctx, party_id: PartyId) -> list[str]:
    """Name what was announced to a party in this transaction."""
    return [event.type for event in ctx.announced if event.party_id == party_id]


def day(ctx: Ctx) -> date:
    """Give the business day."""
    return day_of(ctx.now)


def sound(begin: Begin) -> None:
    """Prove that the books are."""
    with begin() as ctx:
        assert list(ledger.verify(ctx)) == []
