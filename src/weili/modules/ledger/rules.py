"""Pure decisions: what transfers do to balances, and what settling a hold comes to."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from weili.kit.context import SYSTEM_PARTY
from weili.kit.ids import id_text
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.modules.ledger.model import (
    KIND_RULES,
    TRANSFER_PREFIX,
    AccountId,
    AccountKind,
    Hold,
    NewTransfer,
    Settlement,
    Side,
    TransferId,
    TransferKind,
    accounts_of,
)
from weili.modules.ledger.problems import HoldExhausted, HoldUnknown

_PLATFORM: Final[Mapping[AccountId, AccountKind]] = accounts_of(SYSTEM_PARTY)
_LIMITED: Final = frozenset(kind for kind, rule in KIND_RULES.items() if rule.is_limited)

POSTED_SIGN: Final[Mapping[TransferKind, int]] = {
    TransferKind.DIRECT: 1,
    TransferKind.HOLD: 0,
    TransferKind.POST: 1,
    TransferKind.VOID: 0,
}
"""How a transfer's amount counts in the posted column: up on the normal side, down on the other."""

HELD_SIGN: Final[Mapping[TransferKind, int]] = {
    TransferKind.DIRECT: 0,
    TransferKind.HOLD: 1,
    TransferKind.POST: -1,
    TransferKind.VOID: -1,
}
"""How it counts in the held column, of the account that it lowers alone: what a hold promises to
the other account is not that account's until it is posted."""


def effect(kind: TransferKind, amount_minor: int, *, raises: bool) -> tuple[int, int]:
    """Say what a transfer does to an account's posted and held columns."""
    posted = POSTED_SIGN[kind] * amount_minor
    return (posted, 0) if raises else (-posted, HELD_SIGN[kind] * amount_minor)


def balance_moves(transfers: Iterable[NewTransfer]) -> dict[AccountId, tuple[int, int]]:
    """Sum what transfers do to each account with a limit: (posted, held), sorted by account.

    Raises: ValueError (a bug) when a transfer does not stand between its party and the platform,
    its amount is out of bounds, or it holds what has no limit: there would be nothing to hold.
    """
    moves: dict[AccountId, tuple[int, int]] = {}
    for transfer in transfers:
        debit, credit, amount_minor = transfer.debit, transfer.credit, transfer.amount_minor
        own = accounts_of(transfer.party_id)
        debit_kind, credit_kind = own.get(debit), own.get(credit)
        if (
            not 0 < amount_minor <= AMOUNT_MINOR_MAX
            or (debit_kind is None and (credit_kind is None or debit not in _PLATFORM))
            or (credit_kind is None and credit not in _PLATFORM)
        ):
            raise ValueError(transfer)
        is_covered = transfer.kind is TransferKind.DIRECT
        for side, account, kind in (
            (Side.DEBIT, debit, debit_kind),
            (Side.CREDIT, credit, credit_kind),
        ):
            if kind is None or kind not in _LIMITED:
                continue
            raises = KIND_RULES[kind].normal_side is side
            posted, held = effect(transfer.kind, amount_minor, raises=raises)
            is_covered = is_covered or not raises
            before = moves.get(account, (0, 0))
            moves[account] = (before[0] + posted, before[1] + held)
        if not is_covered:
            raise ValueError(transfer)
    return dict(sorted(moves.items()))


def settle(
    holds: Mapping[TransferId, Hold],
    settlements: Sequence[Settlement],
    *,
    make_id: Callable[[], TransferId],
) -> list[NewTransfer]:
    """Turn settlements into posts and voids, in order; several may be of the same hold.

    A rest of nothing is not voided, so giving back twice is giving back once.

    Raises: HoldUnknown; HoldExhausted; ValueError (a bug) on a negative amount.
    """
    left = dict(holds)
    written: list[NewTransfer] = []
    for settlement in settlements:
        hold = left.get(settlement.hold_id)
        if hold is None or hold.party_id != settlement.party_id:
            raise HoldUnknown(hold_id=id_text(TRANSFER_PREFIX, settlement.hold_id))
        post_minor = settlement.post_minor
        if post_minor < 0:
            raise ValueError(settlement)
        if post_minor > hold.remaining_minor:
            raise HoldExhausted(
                hold_id=id_text(TRANSFER_PREFIX, hold.id),
                remaining_minor=hold.remaining_minor,
                asked_minor=post_minor,
            )
        void_minor = hold.remaining_minor - post_minor if settlement.void_rest else 0
        written += [
            NewTransfer(
                id=make_id(),
                party_id=hold.party_id,
                kind=kind,
                debit=hold.debit,
                credit=hold.credit,
                amount_minor=amount_minor,
                purpose=settlement.purpose,
                subject=settlement.subject,
                hold_id=hold.id,
            )
            for kind, amount_minor in (
                (TransferKind.POST, post_minor),
                (TransferKind.VOID, void_minor),
            )
            if amount_minor
        ]
        left[hold.id] = replace(
            hold,
            posted_minor=hold.posted_minor + post_minor,
            voided_minor=hold.voided_minor + void_minor,
        )
    return written


def slip_plain(slip: str) -> str:
    """Write the number of a bank slip in the one way in which it is compared."""
    return unicodedata.normalize("NFKC", slip).replace(" ", "").upper()
