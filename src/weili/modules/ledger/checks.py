"""Looks for books that contradict themselves. Part of ``weili verify``."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from weili.kit.context import Ctx
from weili.kit.findings import Finding
from weili.kit.ids import id_text
from weili.kit.zone import BUSINESS_ZONE
from weili.modules.ledger.model import (
    CORRECTION_PREFIX,
    DEPOSIT_PREFIX,
    KIND_RULES,
    PURPOSE_CORRECTION,
    PURPOSE_TOP_UP,
    PURPOSE_WITHDRAWAL,
    TRANSFER_PREFIX,
    WITHDRAWAL_PREFIX,
    TransferId,
)
from weili.modules.ledger.store import books, papers, statements

HOLD_GRACE: Final = timedelta(hours=1)
"""How long after its expiry a hold may stay open, before ``verify`` calls it forgotten."""


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Give what is broken in the books: at most a hundred findings of each sort."""
    summed = books.summed_read(ctx)
    yield from _verify_balances(ctx, summed)
    yield from _verify_holds(ctx)
    yield from _verify_papers(ctx)
    yield from _verify_months(ctx)
    for transfer_id, what in books.misplaced_read(ctx) if summed.is_misplaced else ():
        yield Finding(
            "ledger_transfer_misplaced",
            _where(transfer_id),
            what,
            "open the account it names, or write the reverse transfer and the right one",
        )
    for transfer_id, reference in books.top_ups_unmatched_read(ctx, PURPOSE_TOP_UP):
        yield Finding(
            "ledger_top_up_unmatched",
            _where(transfer_id),
            f"the top-up {reference} and its transfer are not one and the same",
            "look the payment up at the bank; reverse the transfer or write the missing one",
        )


def _verify_balances(ctx: Ctx, books_summed: books.Summed) -> Iterator[Finding]:
    for key, row, summed in books_summed.drifted:
        yield Finding(
            "ledger_balance_drifted",
            f"account {key}",
            f"the running balance says {row.posted_minor} posted and {row.held_minor} held; "
            f"its transfers sum to {summed.posted_minor} and {summed.held_minor}",
            "set the running balance to the sums, under its lock",
        )
    for balance in books.below_floor_read(ctx):
        yield Finding(
            "ledger_balance_below_floor",
            f"account {balance.account_id}",
            f"{balance.posted_minor} posted, {balance.held_minor} held, "
            f"floor {balance.floor_minor}",
            "void the newest holds until the floor is kept, and restore the constraint",
        )
    limited = [kind for kind, rule in KIND_RULES.items() if rule.is_limited]
    for key in books.without_balance_read(ctx, limited):
        yield Finding(
            "ledger_balance_missing",
            f"account {key}",
            "the account has a limit but no running balance",
            "insert the running balance with the sums of its transfers",
        )
    debit_minor, credit_minor = books_summed.debit_minor, books_summed.credit_minor
    if debit_minor != credit_minor:
        yield Finding(
            "ledger_sum_not_zero",
            "all accounts",
            f"debit balances sum to {debit_minor}, credit balances to {credit_minor}",
            "some transfer names an account that is not there; see ledger_transfer_misplaced",
        )


def _verify_holds(ctx: Ctx) -> Iterator[Finding]:
    for hold_id, held_minor, settled_minor in books.overrun_read(ctx):
        yield Finding(
            "ledger_hold_overrun",
            _where(hold_id),
            f"{settled_minor} were posted and voided of a hold of {held_minor}",
            "write a direct transfer that gives the difference back",
        )
    for hold_id, subject, left_minor, expires_at in books.overdue_read(ctx, ctx.now - HOLD_GRACE):
        yield Finding(
            "ledger_hold_overdue",
            _where(hold_id),
            f"{left_minor} are still held for {subject} since it expired at {expires_at}",
            f"let {subject} meet its deadline, or void the rest of the hold",
        )
    for transfer_id, hold_id in books.mismatched_read(ctx):
        yield Finding(
            "ledger_settlement_mismatched",
            _where(transfer_id),
            f"it settles {id_text(TRANSFER_PREFIX, hold_id)} but names other accounts",
            "write the reverse transfer and the right one",
        )


def _where(transfer_id: TransferId) -> str:
    return f"transfer {id_text(TRANSFER_PREFIX, transfer_id)}"


def _verify_papers(ctx: Ctx) -> Iterator[Finding]:
    for deposit_id, what in papers.deposits_off(ctx, PURPOSE_TOP_UP):
        yield Finding(
            "ledger_deposit_unmatched",
            id_text(DEPOSIT_PREFIX, deposit_id),
            what,
            "look the slip up at the bank; correct what was credited wrongly",
        )
    for withdrawal_id, what in papers.withdrawals_off(ctx, PURPOSE_WITHDRAWAL):
        yield Finding(
            "ledger_withdrawal_unmatched",
            id_text(WITHDRAWAL_PREFIX, withdrawal_id),
            what,
            "look the payment up at the bank; post or void the hold as that says",
        )
    for correction_id, what in papers.corrections_off(ctx, PURPOSE_CORRECTION):
        yield Finding(
            "ledger_correction_unmatched",
            id_text(CORRECTION_PREFIX, correction_id),
            what,
            "correct the counter-entry by another, and restore the paper from the back-up",
        )
    for subject_id, what in papers.histories_off(ctx):
        yield Finding(
            "ledger_paper_history_broken",
            str(subject_id),
            what,
            "restore the missing steps of the paper from the back-up",
        )


def _verify_months(ctx: Ctx) -> Iterator[Finding]:
    offset = BUSINESS_ZONE.utcoffset(None)
    for key, month_on, said_minor, summed_minor in statements.months_off(ctx, offset=offset):
        yield Finding(
            "ledger_month_drifted",
            f"account {key}",
            f"{month_on:%Y-%m} was closed at {said_minor}; its entries until then sum to "
            f"{summed_minor}",
            "find the entry that came after the close by its id; tell whoever had the statement",
        )
    for key, month_on in statements.months_unlinked(ctx):
        yield Finding(
            "ledger_month_unlinked",
            f"account {key}",
            f"{month_on:%Y-%m} does not open with what the month before it closed with",
            "compare both closes with the account's entries",
        )
