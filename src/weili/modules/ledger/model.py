"""What a ledger is made of: accounts, transfers, holds, balances, statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NewType
from uuid import UUID, uuid5

from weili.kit.context import SYSTEM_PARTY, EventType, PartyId

AccountId = NewType("AccountId", UUID)
TransferId = NewType("TransferId", UUID)
TRANSFER_PREFIX: Final = "trf"

TOP_UP_MINOR_MAX: Final = 10**10
"""A hundred million yuan: a larger single deposit is more likely a slip of the hand."""
REFERENCE_LENGTH_MAX: Final = 100

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


@dataclass(frozen=True, slots=True)
class Balance:
    """What stands on an account: ``posted`` for good, and how much of it is ``held``.

    ``floor_minor`` is None where the account has no limit.
    """

    account_id: AccountId
    party_id: PartyId
    posted_minor: int
    held_minor: int
    floor_minor: int | None = None

    @property
    def available_minor(self) -> int:
        """What may still be drawn: not held, and above the floor."""
        return self.posted_minor - self.held_minor - (self.floor_minor or 0)

    def moved(self, *, posted_minor: int = 0, held_minor: int = 0) -> "Balance":
        """Give the balance after a change, for a decision that is not written yet."""
        return replace(
            self,
            posted_minor=self.posted_minor + posted_minor,
            held_minor=self.held_minor + held_minor,
        )


@dataclass(frozen=True, slots=True)
class NewTransfer:
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
class Statement:
    """An account's entries from ``from_at`` up to, not including, ``to_at``.

    ``opening`` and ``closing`` are of the whole period on every page of it.
    """

    account_id: AccountId
    kind: AccountKind
    party_id: PartyId
    from_at: datetime
    to_at: datetime
    opening: Standing
    entries: Sequence[Entry]
    closing: Standing
    next_cursor: str | None


ACCOUNT_TOPPED_UP: Final = EventType(
    "account.topped_up",
    "Money was paid into the partner's prepaid account; sent once for each reference.",
    {
        "transfer_id": "the transfer, trf_…",
        "amount_minor": "what was paid in, in fen",
        "currency": "CNY",
        "reference": "the reference that the payment came with",
        "posted_minor": "what stands on the account after it, in fen",
        "available_minor": "what may be drawn after it, in fen",
    },
)
EVENTS: Final[tuple[EventType, ...]] = (ACCOUNT_TOPPED_UP,)
