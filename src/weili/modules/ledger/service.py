"""The ledger's verbs."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.findings import Finding
from weili.kit.ids import id_text, new_id
from weili.kit.money import CURRENCY
from weili.kit.pages import LIMIT_DEFAULT, cursor_parse, cursor_text, limit_bounded
from weili.kit.problems import CursorInvalid, FieldProblem, InputInvalid, NotFound, Said
from weili.modules.ledger import rules, store
from weili.modules.ledger.model import (
    ACCOUNT_TOPPED_UP,
    KIND_RULES,
    REFERENCE_LENGTH_MAX,
    TOP_UP_MINOR_MAX,
    TRANSFER_PREFIX,
    Account,
    AccountId,
    AccountKind,
    Balance,
    Entry,
    Hold,
    NewTransfer,
    Settlement,
    Statement,
    TopUp,
    TransferId,
    TransferKind,
    account_id,
)
from weili.modules.ledger.problems import ACCOUNT_WORD, TopUpReferenceReused

PURPOSE_TOP_UP: Final = "top_up"
FLOOR_MINOR: Final = 0
HOLD_GRACE: Final = timedelta(hours=1)
"""How long after its expiry a hold may stay open, before ``verify`` calls it forgotten."""


def account_open(ctx: Ctx, *, kind: AccountKind, party_id: PartyId) -> AccountId:
    """Open a party's account of a kind; opening it again changes nothing.

    Raises: ValueError (a bug) when a party is to get a platform's account, or the reverse.
    """
    rule = KIND_RULES[kind]
    if rule.is_platform != (party_id == SYSTEM_PARTY):
        raise ValueError((kind, party_id))
    account = Account(
        account_id(kind, party_id), kind, party_id, rule.normal_side, CURRENCY, ctx.now
    )
    store.account_insert(ctx, account, floor_minor=FLOOR_MINOR if rule.is_limited else None)
    return account.id


def platform_accounts_open(ctx: Ctx) -> None:
    """Open the platform's own accounts; opening them again changes nothing."""
    for kind, rule in KIND_RULES.items():
        if rule.is_platform:
            account_open(ctx, kind=kind, party_id=SYSTEM_PARTY)


def balances_lock(ctx: Ctx, *, account_ids: Iterable[AccountId]) -> dict[AccountId, Balance]:
    """Lock running balances, in the order of their ids, until the transaction ends.

    An account without a limit, or not opened, has no running balance and is not in the answer.
    """
    return balances_lock_asked(ctx, account_ids=account_ids)()


def balances_lock_asked(
    ctx: Ctx, *, account_ids: Iterable[AccountId]
) -> Asked[dict[AccountId, Balance]]:
    """Asks what ``balances_lock`` gives, without waiting for it."""
    balances = store.balances_lock(ctx, list(account_ids))
    return lambda: {balance.account_id: balance for balance in balances()}


def balances_read(ctx: Ctx, *, account_ids: Sequence[AccountId]) -> dict[AccountId, Balance]:
    """Read balances without locking; those without a running row are summed from transfers.

    An account that was never opened is not in the answer.
    """
    balances = {balance.account_id: balance for balance in store.balances_read(ctx, account_ids)}
    summed = store.accounts_read(ctx, [i for i in account_ids if i not in balances])
    if summed:
        for balance in store.sums_read(ctx, summed):
            balances[balance.account_id] = balance
    return balances


def transfers_write(ctx: Ctx, *, transfers: Sequence[NewTransfer]) -> None:
    """Write transfers and move the running balances they touch: two statements for any number.

    The caller has locked those balances and decided; the floor's constraint is the last guard.
    Nothing is fetched, so it may stand in a pipeline.

    Raises: ValueError (a bug) for a transfer that ``rules.balance_moves`` does not understand.
    """
    if not transfers:
        return
    moves = rules.balance_moves(transfers)
    store.transfers_insert(ctx, transfers)
    if moves:
        store.balances_move(ctx, moves)


def holds_settle(ctx: Ctx, *, settlements: Sequence[Settlement]) -> list[NewTransfer]:
    """Post and void parts of holds, in order; gives what was written.

    A hold may be posted several times, a package at a time. It binds until it is voided: its
    ``expires_at`` is its owner's deadline to do so, and does not end it by itself.

    Raises: HoldUnknown, HoldExhausted; then nothing of the whole call is written.
    """
    parties = {settlement.party_id for settlement in settlements}
    # Two settlements of one hold meet at the lock on its account; what was posted of it is read
    # after, so the later one sees the earlier one's rows.
    balances_lock(
        ctx,
        account_ids=[
            account_id(kind, party_id)
            for kind, rule in KIND_RULES.items()
            if rule.is_limited
            for party_id in parties
        ],
    )
    hold_ids = {settlement.hold_id for settlement in settlements}
    holds = store.holds_read(ctx, list(hold_ids), list(parties))
    transfers = rules.settle(
        {hold.id: hold for hold in holds},
        settlements,
        make_id=lambda: TransferId(new_id(ctx.now)),
    )
    transfers_write(ctx, transfers=transfers)
    return transfers


def holds_open(ctx: Ctx, *, subjects: Sequence[str]) -> list[Hold]:
    """Give the holds of some subjects of which something is still set aside, oldest first."""
    return [hold for hold in store.holds_of(ctx, subjects) if hold.remaining_minor > 0]


def holds_remaining(ctx: Ctx) -> dict[TransferId, int]:
    """Give what every open hold still sets aside, to be held against the open orders."""
    return dict(store.holds_remaining(ctx))


def holds_posted(ctx: Ctx) -> dict[TransferId, int]:
    """Give what was taken of every hold, to be held against what has shipped."""
    return dict(store.holds_posted(ctx))


def credits_for(ctx: Ctx, *, purpose: str) -> dict[tuple[str, AccountId], int]:
    """Give what was credited outright for a purpose, by subject and account."""
    return {
        (subject, account): amount_minor
        for subject, account, amount_minor in store.credits_for(ctx, purpose)
    }


def top_up(ctx: Ctx, *, partner_id: PartyId, amount_minor: int, reference: str) -> TopUp:
    """Pay money into a partner's prepaid account, once for each reference.

    Raises: InputInvalid (bounds); NotFound (no such account); TopUpReferenceReused (the
    reference came before with another amount).
    """
    ctx.require("admin:money")
    _check_top_up(amount_minor, reference)
    prepaid = account_id(AccountKind.PARTNER_PREPAID, partner_id)
    # The balance's lock comes first: two requests with one reference then follow each other, and
    # the second finds what the first wrote.
    balance = balances_lock(ctx, account_ids=[prepaid]).get(prepaid)
    if balance is None:
        raise NotFound(what=ACCOUNT_WORD, id=AccountKind.PARTNER_PREPAID.value)
    before = store.top_up_find(ctx, partner_id, reference)
    if before is not None:
        if before.amount_minor != amount_minor:
            raise TopUpReferenceReused(
                reference=reference,
                amount_minor=before.amount_minor,
                asked_minor=amount_minor,
            )
        return before
    made = TopUp(
        TransferId(new_id(ctx.now)), partner_id, amount_minor, reference, ctx.now, is_replay=False
    )
    transfer = NewTransfer(
        id=made.transfer_id,
        party_id=partner_id,
        kind=TransferKind.DIRECT,
        debit=account_id(AccountKind.PLATFORM_BANK, SYSTEM_PARTY),
        credit=prepaid,
        amount_minor=amount_minor,
        purpose=PURPOSE_TOP_UP,
        subject=reference,
    )
    transfers_write(ctx, transfers=[transfer])
    store.top_up_insert(ctx, made)
    _announce_top_up(ctx, made, balance.moved(posted_minor=amount_minor))
    return made


def _check_top_up(amount_minor: int, reference: str) -> None:
    fields = []
    if not 1 <= amount_minor <= TOP_UP_MINOR_MAX:
        expected = Said(
            f"a whole number of fen from 1 to {TOP_UP_MINOR_MAX}",
            f"1 至 {TOP_UP_MINOR_MAX} 的整数（分）",
        )
        fields.append(FieldProblem("/amount_minor", "out_of_bounds", expected))
    if not 1 <= len(reference) <= REFERENCE_LENGTH_MAX or not reference.isprintable():
        expected = Said(
            f"1 to {REFERENCE_LENGTH_MAX} printable characters",
            f"1 至 {REFERENCE_LENGTH_MAX} 个可见字符",
        )
        fields.append(FieldProblem("/reference", "malformed", expected))
    if fields:
        raise InputInvalid(fields=tuple(fields))


def _announce_top_up(ctx: Ctx, made: TopUp, after: Balance) -> None:
    written_id = id_text(TRANSFER_PREFIX, made.transfer_id)
    ctx.announce(
        ACCOUNT_TOPPED_UP,
        party_id=made.partner_id,
        subject=written_id,
        data={
            "transfer_id": written_id,
            "amount_minor": made.amount_minor,
            "currency": CURRENCY,
            "reference": made.reference,
            "posted_minor": after.posted_minor,
            "available_minor": after.available_minor,
        },
    )


def statement(
    ctx: Ctx,
    *,
    party_id: PartyId,
    kind: AccountKind,
    from_at: datetime,
    to_at: datetime,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Statement:
    """Give a page of an account's entries in order, each with where both columns stood after it.

    A party reads its own with ``account:read``; anyone else's needs ``admin:money``.

    Raises: Forbidden; NotFound (no such account); CursorInvalid.
    """
    ctx.require("account:read" if party_id == ctx.actor.party_id else "admin:money")
    limit = limit_bounded(limit)
    after = _place(cursor)
    accounts = store.accounts_read(ctx, [account_id(kind, party_id)])
    if not accounts:
        raise NotFound(what=ACCOUNT_WORD, id=kind.value)
    opening, here, closing, rows = store.statement_read(
        ctx, accounts[0], from_at=from_at, to_at=to_at, after=after, limit=limit + 1
    )
    posted, held = here.posted_minor, here.held_minor
    entries = []
    for transfer, posted_minor, held_minor in rows[:limit]:
        posted += posted_minor
        held += held_minor
        entries.append(Entry(transfer, posted_minor, held_minor, posted, held))
    next_cursor = None
    if len(rows) > limit:
        last = entries[-1].transfer
        next_cursor = cursor_text(f"{last.occurred_at.isoformat()} {last.id}")
    return Statement(
        account_id=accounts[0].id,
        kind=kind,
        party_id=party_id,
        from_at=from_at,
        to_at=to_at,
        opening=opening,
        entries=entries,
        closing=closing,
        next_cursor=next_cursor,
    )


def _place(cursor: str | None) -> tuple[datetime, UUID] | None:
    key = cursor_parse(cursor)
    if key is None:
        return None
    at, _, last_id = key.partition(" ")
    try:
        place = datetime.fromisoformat(at), UUID(last_id)
    except ValueError:
        raise CursorInvalid from None
    if place[0].tzinfo is None:
        raise CursorInvalid
    return place


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Give what is broken in the books: at most a hundred findings of each sort."""
    yield from _verify_balances(ctx)
    yield from _verify_holds(ctx)
    for transfer_id, what in store.misplaced_read(ctx):
        yield Finding(
            "ledger_transfer_misplaced",
            _where(transfer_id),
            what,
            "open the account it names, or write the reverse transfer and the right one",
        )
    for transfer_id, reference in store.top_ups_unmatched_read(ctx, PURPOSE_TOP_UP):
        yield Finding(
            "ledger_top_up_unmatched",
            _where(transfer_id),
            f"the top-up {reference} and its transfer are not one and the same",
            "look the payment up at the bank; reverse the transfer or write the missing one",
        )


def _verify_balances(ctx: Ctx) -> Iterator[Finding]:
    for key, row, summed in store.drifted_read(ctx):
        yield Finding(
            "ledger_balance_drifted",
            f"account {key}",
            f"the running balance says {row.posted_minor} posted and {row.held_minor} held; "
            f"its transfers sum to {summed.posted_minor} and {summed.held_minor}",
            "set the running balance to the sums, under its lock",
        )
    for balance in store.below_floor_read(ctx):
        yield Finding(
            "ledger_balance_below_floor",
            f"account {balance.account_id}",
            f"{balance.posted_minor} posted, {balance.held_minor} held, "
            f"floor {balance.floor_minor}",
            "void the newest holds until the floor is kept, and restore the constraint",
        )
    limited = [kind for kind, rule in KIND_RULES.items() if rule.is_limited]
    for key in store.without_balance_read(ctx, limited):
        yield Finding(
            "ledger_balance_missing",
            f"account {key}",
            "the account has a limit but no running balance",
            "insert the running balance with the sums of its transfers",
        )
    debit_minor, credit_minor = store.trial_read(ctx)
    if debit_minor != credit_minor:
        yield Finding(
            "ledger_sum_not_zero",
            "all accounts",
            f"debit balances sum to {debit_minor}, credit balances to {credit_minor}",
            "some transfer names an account that is not there; see ledger_transfer_misplaced",
        )


def _verify_holds(ctx: Ctx) -> Iterator[Finding]:
    for hold_id, held_minor, settled_minor in store.overrun_read(ctx):
        yield Finding(
            "ledger_hold_overrun",
            _where(hold_id),
            f"{settled_minor} were posted and voided of a hold of {held_minor}",
            "write a direct transfer that gives the difference back",
        )
    for hold_id, subject, left_minor, expires_at in store.overdue_read(ctx, ctx.now - HOLD_GRACE):
        yield Finding(
            "ledger_hold_overdue",
            _where(hold_id),
            f"{left_minor} are still held for {subject} since it expired at {expires_at}",
            f"let {subject} meet its deadline, or void the rest of the hold",
        )
    for transfer_id, hold_id in store.mismatched_read(ctx):
        yield Finding(
            "ledger_settlement_mismatched",
            _where(transfer_id),
            f"it settles {id_text(TRANSFER_PREFIX, hold_id)} but names other accounts",
            "write the reverse transfer and the right one",
        )


def _where(transfer_id: TransferId) -> str:
    return f"transfer {id_text(TRANSFER_PREFIX, transfer_id)}"
