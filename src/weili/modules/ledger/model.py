"""What a ledger is made of: accounts, transfers, holds, balances, statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, NewType
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from weili.kit.context import SYSTEM_PARTY, PartyId
from weili.kit.states import StateTable

AccountId = NewType("AccountId", UUID)
TransferId = NewType("TransferId", UUID)
DepositId = NewType("DepositId", UUID)
WithdrawalId = NewType("WithdrawalId", UUID)
CorrectionId = NewType("CorrectionId", UUID)
TRANSFER_PREFIX: Final = "trf"
DEPOSIT_PREFIX: Final = "dep"
WITHDRAWAL_PREFIX: Final = "wdr"
CORRECTION_PREFIX: Final = "cor"

TOP_UP_MINOR_MAX: Final = 10**10
"""A hundred million yuan: a larger single deposit is more likely a slip of the hand."""
REFERENCE_LENGTH_MAX: Final = 100
NAME_LENGTH_MAX: Final = 100
ACCOUNT_NUMBER_LENGTH_MAX: Final = 34
"""As long as an IBAN may be; accounts of banks in mainland China are shorter."""
REASON_LENGTH_MAX: Final = 500
PURPOSE_TOP_UP: Final = "top_up"
PURPOSE_WITHDRAWAL: Final = "withdrawal"
PURPOSE_CORRECTION: Final = "correction"

_NAMESPACE: Final = UUID("5b0a5f0e-63c5-5d0c-9f0b-6d2f7a1c4e88")
_PARTIES_REMEMBERED: Final = 100_000


class Side(StrEnum):
    """A side of an account."""

    DEBIT = "debit"
    CREDIT = "credit"


class AccountKind(StrEnum):
    """What an account is for."""

    PARTNER_PREPAID = "partner_prepaid"
    SUPPLIER_PAYABLE = "supplier_payable"
    PLATFORM_REVENUE = "platform_revenue"
    PLATFORM_FREIGHT = "platform_freight"
    PLATFORM_COST = "platform_cost"
    PLATFORM_BANK = "platform_bank"


@dataclass(frozen=True, slots=True)
class KindRule:
    """How accounts of one kind behave.

    ``normal_side`` is the side that raises the balance. An account with a limit has a running
    balance row, is locked before it is drawn on, and alone can have money held.
    """

    normal_side: Side
    is_limited: bool
    is_platform: bool


KIND_RULES: Final[Mapping[AccountKind, KindRule]] = MappingProxyType(
    {
        AccountKind.PARTNER_PREPAID: KindRule(Side.CREDIT, is_limited=True, is_platform=False),
        AccountKind.SUPPLIER_PAYABLE: KindRule(Side.CREDIT, is_limited=False, is_platform=False),
        AccountKind.PLATFORM_REVENUE: KindRule(Side.CREDIT, is_limited=False, is_platform=True),
        AccountKind.PLATFORM_FREIGHT: KindRule(Side.CREDIT, is_limited=False, is_platform=True),
        AccountKind.PLATFORM_COST: KindRule(Side.DEBIT, is_limited=False, is_platform=True),
        AccountKind.PLATFORM_BANK: KindRule(Side.DEBIT, is_limited=False, is_platform=True),
    }
)


class TransferKind(StrEnum):
    """What a transfer does: move at once, set aside, take what was set aside, or give it back."""

    DIRECT = "direct"
    HOLD = "hold"
    POST = "post"
    VOID = "void"


@lru_cache(maxsize=_PARTIES_REMEMBERED)
def account_id(kind: AccountKind, party_id: PartyId) -> AccountId:
    """Name the account of a kind that a party has; nothing needs to be looked up."""
    return AccountId(uuid5(_NAMESPACE, f"{kind.value}:{party_id}"))


@lru_cache(maxsize=_PARTIES_REMEMBERED)
def accounts_of(party_id: PartyId) -> Mapping[AccountId, AccountKind]:
    """Name every account that a party can have. The platform's belong to the system's party."""
    is_platform = party_id == SYSTEM_PARTY
    return MappingProxyType(
        {
            account_id(kind, party_id): kind
            for kind, rule in KIND_RULES.items()
            if rule.is_platform == is_platform
        }
    )


@dataclass(frozen=True, slots=True)
class Account:
    """A place where value stands, owned by one party."""

    id: AccountId
    kind: AccountKind
    party_id: PartyId
    normal_side: Side
    currency: str
    created_at: datetime


class Balance(msgspec.Struct, frozen=True, gc=False):
    """What stands on an account: ``posted`` for good, and how much of it is ``held``.

    ``floor_minor`` is None where the account has no limit. Below ``alarm_minor`` its party wants to
    be told that it runs low.
    """

    account_id: AccountId
    party_id: PartyId
    posted_minor: int
    held_minor: int
    floor_minor: int | None = None
    alarm_minor: int | None = None

    @property
    def available_minor(self) -> int:
        """What may still be drawn: not held, and above the floor."""
        return self.posted_minor - self.held_minor - (self.floor_minor or 0)

    @property
    def is_low(self) -> bool:
        """Whether less may be drawn than its party wants there to be."""
        return self.alarm_minor is not None and self.available_minor < self.alarm_minor

    def moved(self, *, posted_minor: int = 0, held_minor: int = 0) -> "Balance":
        """Give the balance after a change, for a decision that is not written yet."""
        return replace(
            self,
            posted_minor=self.posted_minor + posted_minor,
            held_minor=self.held_minor + held_minor,
        )


class Shortage(NamedTuple):
    """What was refused for want of funds: the order's number, what it took, what there was."""

    number: str
    needed_minor: int
    available_minor: int


class NewTransfer(msgspec.Struct, frozen=True, gc=False):
    """A transfer to write: ``amount_minor`` out of the credit account's side into the debit's.

    It stands between accounts of ``party_id`` and the platform's, never between two parties, so
    the party's statement shows it and its rows lie together. ``purpose`` says in one word what
    it pays (``goods``, ``freight``, ``cost``, ``top_up`` …), ``subject`` names the thing it
    belongs to (an order's written id).
    """

    id: TransferId
    party_id: PartyId
    kind: TransferKind
    debit: AccountId
    credit: AccountId
    amount_minor: int
    purpose: str
    subject: str
    hold_id: TransferId | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as it stands in the ledger; never changed."""

    id: TransferId
    party_id: PartyId
    kind: TransferKind
    hold_id: TransferId | None
    debit: AccountId
    credit: AccountId
    amount_minor: int
    currency: str
    purpose: str
    subject: str
    occurred_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside, with how much of it was since taken or given back."""

    id: TransferId
    party_id: PartyId
    debit: AccountId
    credit: AccountId
    amount_minor: int
    posted_minor: int
    voided_minor: int
    purpose: str
    subject: str
    expires_at: datetime | None

    @property
    def remaining_minor(self) -> int:
        """What of it is still set aside."""
        return self.amount_minor - self.posted_minor - self.voided_minor


@dataclass(frozen=True, slots=True)
class Settlement:
    """One step in settling a hold: take ``post_minor`` (0 for none), then give back the rest."""

    hold_id: TransferId
    party_id: PartyId
    post_minor: int
    void_rest: bool
    subject: str
    purpose: str


@dataclass(frozen=True, slots=True)
class TopUp:
    """Money that a partner paid in, under the reference that makes it count once."""

    transfer_id: TransferId
    partner_id: PartyId
    amount_minor: int
    reference: str
    occurred_at: datetime
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What stood on an account at a moment."""

    posted_minor: int
    held_minor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One transfer as an account sees it: how it changed both columns, and where they stood."""

    transfer: Transfer
    posted_minor: int
    held_minor: int
    posted_after_minor: int
    held_after_minor: int


@dataclass(frozen=True, slots=True)
class PurposeTotal:
    """What all entries of one purpose came to in a period."""

    purpose: str
    count: int
    posted_minor: int
    held_minor: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An account's entries from ``from_at`` up to, not including, ``to_at``.

    ``opening``, ``totals`` and ``closing`` are of the whole period and of all purposes on every
    page of it: the opening and the totals sum to the closing, also where ``entries`` shows some
    purposes only.
    """

    account_id: AccountId
    kind: AccountKind
    party_id: PartyId
    from_at: datetime
    to_at: datetime
    opening: Standing
    totals: Sequence[PurposeTotal]
    entries: Sequence[Entry]
    closing: Standing
    next_cursor: str | None


class Channel(StrEnum):
    """How money comes in: by bank with a slip, or from the sandbox's bank, which pays at once."""

    BANK_SLIP = "bank_slip"
    SANDBOX = "sandbox"


class DepositState(StrEnum):
    """Where a deposit stands."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REFUSED = "refused"


class WithdrawalState(StrEnum):
    """Where a withdrawal stands."""

    REQUESTED = "requested"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    APPROVED = "approved"
    PAID = "paid"
    FAILED = "failed"


class CorrectionState(StrEnum):
    """Where a correction stands."""

    PROPOSED = "proposed"
    POSTED = "posted"
    REFUSED = "refused"


_D = DepositState
_W = WithdrawalState
_C = CorrectionState

DEPOSIT_STATES: Final[StateTable[DepositState]] = StateTable(
    name="deposit",
    name_zh="充值单",
    initial=frozenset({_D.SUBMITTED}),
    steps={
        _D.SUBMITTED: frozenset({_D.APPROVED, _D.REFUSED}),
        _D.APPROVED: frozenset(),
        _D.REFUSED: frozenset(),
    },
)
WITHDRAWAL_STATES: Final[StateTable[WithdrawalState]] = StateTable(
    name="withdrawal",
    name_zh="提现单",
    initial=frozenset({_W.REQUESTED}),
    steps={
        _W.REQUESTED: frozenset({_W.APPROVED, _W.REFUSED, _W.CANCELLED}),
        _W.APPROVED: frozenset({_W.PAID, _W.FAILED}),
        _W.CANCELLED: frozenset(),
        _W.REFUSED: frozenset(),
        _W.PAID: frozenset(),
        _W.FAILED: frozenset(),
    },
)
CORRECTION_STATES: Final[StateTable[CorrectionState]] = StateTable(
    name="correction",
    name_zh="冲正单",
    initial=frozenset({_C.PROPOSED}),
    steps={
        _C.PROPOSED: frozenset({_C.POSTED, _C.REFUSED}),
        _C.POSTED: frozenset(),
        _C.REFUSED: frozenset(),
    },
)


@dataclass(frozen=True, slots=True)
class Deposit:
    """A payment that a partner says it made, and what became of it. The payer is masked.

    ``slip`` is the bank's number of the payment; ``decision`` is why it was refused, or empty.
    """

    id: DepositId
    partner_id: PartyId
    channel: Channel
    state: DepositState
    slip: str
    amount_minor: int
    payer_masked: str
    paid_on: date
    entered_by: str
    decided_by: str | None
    decision: str
    created_at: datetime
    version: int = 0
    transfer_id: TransferId | None = None


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where a withdrawal is to be paid. Lives sealed, is shown masked."""

    holder: str
    bank: str
    number: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Money that a partner wants back, and what became of it. The account is masked."""

    id: WithdrawalId
    partner_id: PartyId
    state: WithdrawalState
    amount_minor: int
    hold_id: TransferId
    account_masked: str
    requested_by: str
    decided_by: str | None
    decision: str
    bank_reference: str | None
    created_at: datetime
    version: int = 0


@dataclass(frozen=True, slots=True)
class Correction:
    """A counter-entry to a wrong transfer, with its reason and the two who agreed on it."""

    id: CorrectionId
    party_id: PartyId
    state: CorrectionState
    corrects_id: TransferId
    amount_minor: int
    reason: str
    proposed_by: str
    decided_by: str | None
    decision: str
    created_at: datetime
    version: int = 0
    transfer_id: TransferId | None = None


@dataclass(frozen=True, slots=True)
class PaperStep:
    """A step that a deposit, a withdrawal or a correction took, for its history."""

    subject_id: UUID
    version: int
    party_id: PartyId
    from_state: str
    to_state: str
    reason: str


@dataclass(frozen=True, slots=True)
class MonthSum:
    """An account's month: where it stood, what its entries of the month sum to, where it stands.

    ``opening`` is the month before's closing where that was closed; ``closing`` is summed anew
    from all entries.
    """

    account_id: AccountId
    party_id: PartyId
    opening: Standing
    moved: Standing
    closing: Standing
    entries: int

    @property
    def off_minor(self) -> int:
        """By how much it does not tie; 0 in sound books."""
        posted = self.opening.posted_minor + self.moved.posted_minor - self.closing.posted_minor
        held = self.opening.held_minor + self.moved.held_minor - self.closing.held_minor
        return abs(posted) + abs(held)


@dataclass(frozen=True, slots=True)
class MonthClose:
    """What one round of closing a month did: how many accounts, how many wait, which do not tie."""

    month_on: date
    closed: int
    left: int
    off: Sequence[MonthSum]
