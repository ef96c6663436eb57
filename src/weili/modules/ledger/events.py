"""What the ledger announces."""

from typing import Final

from weili.kit.context import EventType

ACCOUNT_TOPPED_UP: Final = EventType(
    "account.topped_up",
    "Money was paid into the partner's prepaid account; sent once for each reference.",
    {
        "transfer_id": "the transfer, trf_…",
        "amount_minor": "what was paid in, in fen",
        "currency": "CNY",
        "reference": "the reference that the payment came with; dep_… for a deposit",
        "posted_minor": "what stands on the account after it, in fen",
        "available_minor": "what may be drawn after it, in fen",
    },
)
BALANCE_LOW: Final = EventType(
    "balance.low",
    "What may be drawn fell below the alarm; sent once each time it falls from above.",
    {
        "available_minor": "what may be drawn now, in fen",
        "alarm_minor": "the alarm that was set, in fen",
        "currency": "CNY",
    },
)
BALANCE_SHORT: Final = EventType(
    "balance.short",
    "An order, or another address for one, was refused, since it took more than may be drawn; sent "
    "once, and again only after the balance has covered that much, or less that was refused since.",
    {
        "number": "the partner's own number of the order",
        "needed_minor": "what the order came to, or its freight would rise by, in fen",
        "available_minor": "what there was for it, in fen",
        "currency": "CNY",
    },
)
_PAPER: Final = {"amount_minor": "in fen", "currency": "CNY"}
DEPOSIT_APPROVED: Final = EventType(
    "deposit.approved",
    "The payment was found and stands on the account; sent once.",
    {**_PAPER, "deposit_id": "dep_…", "slip": "the bank's number of the payment"},
)
DEPOSIT_REFUSED: Final = EventType(
    "deposit.refused",
    "The payment was not booked; the slip may be submitted again.",
    {
        **_PAPER,
        "deposit_id": "dep_…",
        "slip": "the bank's number of the payment",
        "reason": "why, in the operator's words",
    },
)
WITHDRAWAL_APPROVED: Final = EventType(
    "withdrawal.approved",
    "The money will be paid out; until then it stays held.",
    {**_PAPER, "withdrawal_id": "wdr_…"},
)
WITHDRAWAL_REFUSED: Final = EventType(
    "withdrawal.refused",
    "The money is not paid out, and may be drawn again.",
    {**_PAPER, "withdrawal_id": "wdr_…", "reason": "why, in the operator's words"},
)
WITHDRAWAL_PAID: Final = EventType(
    "withdrawal.paid",
    "The money has left.",
    {**_PAPER, "withdrawal_id": "wdr_…", "bank_reference": "the bank's number of the payment"},
)
WITHDRAWAL_FAILED: Final = EventType(
    "withdrawal.failed",
    "The bank could not pay, and the money may be drawn again.",
    {**_PAPER, "withdrawal_id": "wdr_…", "reason": "why, in the operator's words"},
)
CORRECTION_POSTED: Final = EventType(
    "correction.posted",
    "A transfer on the account was wrong, and a counter-entry stands beside it.",
    {
        **_PAPER,
        "correction_id": "cor_…",
        "corrects_id": "the transfer that was wrong, trf_…",
        "reason": "why, in the operator's words",
    },
)
EVENTS: Final[tuple[EventType, ...]] = (
    ACCOUNT_TOPPED_UP,
    BALANCE_LOW,
    BALANCE_SHORT,
    DEPOSIT_APPROVED,
    DEPOSIT_REFUSED,
    WITHDRAWAL_APPROVED,
    WITHDRAWAL_REFUSED,
    WITHDRAWAL_PAID,
    WITHDRAWAL_FAILED,
    CORRECTION_POSTED,
)
