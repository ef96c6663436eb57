"""What is answered about accounts, statements, and money that comes and goes."""

from typing import Annotated, Literal

from pydantic import Field

from weili.entrypoints.http.answers import (
    ChildIdOut,
    DayOut,
    Fen,
    MomentOut,
    OrderIdOut,
    PackageIdOut,
    PartyIdOut,
    SkuIdOut,
    TransferIdOut,
)
from weili.entrypoints.http.fields import Document, id_pattern
from weili.modules import dropship, ledger

DepositIdOut = Annotated[str, Field(pattern=id_pattern(ledger.DEPOSIT_PREFIX))]
WithdrawalIdOut = Annotated[str, Field(pattern=id_pattern(ledger.WITHDRAWAL_PREFIX))]
CorrectionIdOut = Annotated[str, Field(pattern=id_pattern(ledger.CORRECTION_PREFIX))]


class AccountOut(Document):
    """What stands on an account."""

    kind: str
    posted_minor: Fen
    held_minor: Fen
    available_minor: Fen
    currency: Literal["CNY"]


class StandingOut(Document):
    """What stood on an account at a moment."""

    posted_minor: Fen
    held_minor: Fen


class EntryOut(Document):
    """One transfer as the account sees it."""

    transfer_id: TransferIdOut
    kind: str
    purpose: str
    subject: str
    subject_kind: Literal[
        "order", "child", "package", "deposit", "withdrawal", "correction", "reference"
    ]
    order_id: OrderIdOut | None
    child_id: ChildIdOut | None
    order_number: str | None
    occurred_at: MomentOut
    posted_minor: Fen
    held_minor: Fen
    posted_after_minor: Fen
    held_after_minor: Fen


class PurposeTotalOut(Document):
    """What all entries of one purpose come to in the period."""

    purpose: str
    count: int
    posted_minor: Fen
    held_minor: Fen


class StatementOut(Document):
    """An account's entries; opening, totals and closing are of the whole period on every page."""

    kind: str
    from_at: MomentOut
    to_at: MomentOut
    currency: Literal["CNY"]
    opening: StandingOut
    totals: list[PurposeTotalOut]
    items: list[EntryOut]
    closing: StandingOut
    next_cursor: str | None


class TopUpOut(Document):
    """Money that was paid in."""

    transfer_id: TransferIdOut
    partner_id: PartyIdOut
    amount_minor: Fen
    currency: Literal["CNY"]
    reference: str
    occurred_at: MomentOut


class DepositOut(Document):
    """A payment that a partner says it made; the payer is masked."""

    id: DepositIdOut
    partner_id: PartyIdOut
    channel: ledger.Channel
    state: ledger.DepositState
    slip: str
    amount_minor: Fen
    currency: Literal["CNY"]
    payer: str
    paid_on: DayOut
    reason: Annotated[str, Field(description="why it was refused, or empty")]
    transfer_id: TransferIdOut | None
    created_at: MomentOut


class WithdrawalOut(Document):
    """Money that a partner wants back; the bank account is masked."""

    id: WithdrawalIdOut
    partner_id: PartyIdOut
    state: ledger.WithdrawalState
    amount_minor: Fen
    currency: Literal["CNY"]
    account: str
    bank_reference: str | None
    reason: Annotated[str, Field(description="why it was refused or failed, or empty")]
    created_at: MomentOut


class CorrectionOut(Document):
    """A counter-entry to a transfer that was wrong."""

    id: CorrectionIdOut
    party_id: PartyIdOut
    state: ledger.CorrectionState
    corrects_id: TransferIdOut
    transfer_id: TransferIdOut | None
    amount_minor: Fen
    currency: Literal["CNY"]
    reason: str
    refusal: Annotated[str, Field(description="why it was refused, or empty")]
    created_at: MomentOut


class PayerOut(Document):
    """Who paid, revealed for the reason that was written down."""

    payer: str


class BankAccountOut(Document):
    """Where a withdrawal is to be paid, revealed for the reason that was written down."""

    holder: str
    bank: str
    account_number: str


class AlarmOut(Document):
    """Below what you are told that your balance is low; null for never."""

    alarm_minor: Fen | None
    available_minor: Fen
    low: bool


class MonthOut(Document):
    """A closed month: opening and moved sum to closing."""

    month: str
    opening: StandingOut
    moved: StandingOut
    closing: StandingOut
    entries: int
    closed_at: MomentOut


class MonthsOut(Document):
    """The closed months, the newest first."""

    items: list[MonthOut]


class MonthOffOut(Document):
    """An account whose month does not tie, and by how much."""

    party_id: PartyIdOut
    opening: StandingOut
    moved: StandingOut
    closing: StandingOut
    off_minor: Fen


class MonthCloseOut(Document):
    """What closing came to; call again until ``left`` is what ``off`` lists."""

    month: str
    closed: int
    left: int
    off: list[MonthOffOut]


class PayableLineOut(Document):
    """The pieces of an order line in a package, and what is owed for them."""

    order_id: OrderIdOut
    child_id: ChildIdOut
    line_no: int
    sku_id: SkuIdOut
    quantity: int
    unit_cost_minor: Fen
    cost_minor: Fen


class PayableOut(Document):
    """What a package earned: its lines sum to the amount of the ledger's entry."""

    transfer_id: TransferIdOut
    package_id: PackageIdOut
    occurred_at: MomentOut
    amount_minor: Fen
    lines: list[PayableLineOut]


class PayablesOut(Document):
    """A page of what packages earned in a period, with the total of the whole period."""

    from_at: MomentOut
    to_at: MomentOut
    currency: Literal["CNY"]
    total_minor: Fen
    items: list[PayableOut]
    next_cursor: str | None


class ListedOut(Document):
    """A child order in a day's list; a supplier is shown its cost, a partner the rest."""

    at: MomentOut
    order_id: OrderIdOut
    child_id: ChildIdOut
    number: str | None
    goods_minor: Fen | None
    freight_minor: Fen | None
    amount_minor: Fen


class ListTotalsOut(Document):
    """What the whole list comes to."""

    count: int
    amount_minor: Fen


class DayListOut(Document):
    """A page of a day's list, with the totals of the whole of it."""

    name: dropship.ListName
    on: DayOut
    currency: Literal["CNY"]
    totals: ListTotalsOut
    items: list[ListedOut]
    next_cursor: str | None


class DifferenceOut(Document):
    """One order on which the lists do not agree; null where a list lacks it."""

    key: str
    ours_minor: Fen | None
    theirs_minor: Fen | None


class DifferencesOut(Document):
    """All on which the lists do not agree; at most 5,000 of each sort are shown."""

    name: dropship.ListName
    on: DayOut
    agrees: bool
    ours: ListTotalsOut
    theirs: ListTotalsOut
    missing_here_count: int
    missing_there_count: int
    amount_differs_count: int
    missing_here: list[DifferenceOut]
    missing_there: list[DifferenceOut]
    amount_differs: list[DifferenceOut]
