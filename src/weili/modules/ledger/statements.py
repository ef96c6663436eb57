"""The verbs that tell how an account moved: statements, pages and whole, and the months' closes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.pages import LIMIT_DEFAULT, cursor_parse, cursor_text, limit_bounded
from weili.kit.problems import CursorInvalid, NotFound
from weili.kit.zone import day_begins_at, day_of
from weili.modules.ledger.model import (
    KIND_RULES,
    Account,
    AccountKind,
    Entry,
    MonthClose,
    MonthSum,
    PurposeTotal,
    Standing,
    Statement,
    TransferKind,
    account_id,
)
from weili.modules.ledger.problems import ACCOUNT_WORD, ExportTooLong, MonthOpen
from weili.modules.ledger.store import books
from weili.modules.ledger.store import statements as store

EXPORT_ROWS_MAX: Final = 1_000_000
"""As many entries as one sheet holds, with room for its head and foot."""
EXPORT_PAGE: Final = 2_000
MOVEMENTS_MAX: Final = 1_000
"""Of one order."""
MONTH_ACCOUNTS_MAX: Final = 200
"""Accounts that one call closes a month for: all they ever moved is summed in one statement."""
CLOSES_AFTER: Final = timedelta(minutes=15)
"""How long after a month's end it may be closed. A transaction that began before the end may be
committed a moment after it, but none lasts minutes."""
MINOR_MAX: Final = 2**53
"""More than an account ever stands at, in fen; a cursor with more was made up."""
_CLOSED_KINDS: Final = tuple(kind for kind, rule in KIND_RULES.items() if not rule.is_platform)


@dataclass(frozen=True, slots=True)
class Movement:
    """What a transfer did, as it is told of what it was for."""

    kind: TransferKind
    amount_minor: int
    purpose: str
    subject: str
    at: datetime
    party_id: PartyId


def statement(
    ctx: Ctx,
    *,
    party_id: PartyId,
    kind: AccountKind,
    from_at: datetime,
    to_at: datetime,
    purposes: Sequence[str] = (),
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Statement:
    """Give a page of an account's entries in order, each with where both columns stood after it.

    With ``purposes`` it shows the entries of those alone; where the account stood after each, the
    opening, the totals and the closing stay those of all. A page that a cursor leads to is of the
    period that the first page had, with its opening and its totals: they are summed once. A party
    reads its own with ``account:read``; anyone else's needs ``admin:money``.

    Raises: Forbidden; NotFound (no such account); CursorInvalid.
    """
    account = _account(ctx, party_id, kind)
    limit = limit_bounded(limit)
    if cursor is None:
        head, rows = _read(
            ctx, account, period=(from_at, to_at), purposes=purposes, limit=limit + 1
        )
    else:
        head, after, so_far = _turned(account, cursor)
        rows = store.statement_read_on(
            ctx,
            account,
            after=after,
            so_far=so_far,
            to_at=head.period[1],
            purposes=purposes,
            limit=limit + 1,
        )
    entries = [Entry(*row) for row in rows[:limit]]
    return _statement(head, entries, _turn(head, entries[-1]) if len(rows) > limit else None)


def statement_whole(
    ctx: Ctx,
    *,
    party_id: PartyId,
    kind: AccountKind,
    from_at: datetime,
    to_at: datetime,
    purposes: Sequence[str] = (),
) -> tuple[Statement, Iterator[Entry]]:
    """Give a statement without entries, and all its entries in turn, however many.

    They are read a few thousand at a time, so it takes the same memory for a year as for a day.
    To be read in a snapshot, which holds both to one moment.

    Raises: Forbidden; NotFound (no such account); ExportTooLong.
    """
    account = _account(ctx, party_id, kind)
    head, _ = _read(ctx, account, period=(from_at, to_at), purposes=purposes, limit=0)
    found = _statement(head, (), None)
    if sum(t.count for t in found.totals if not purposes or t.purpose in purposes) > (
        EXPORT_ROWS_MAX
    ):
        raise ExportTooLong(rows_max=EXPORT_ROWS_MAX)
    return found, _entries(ctx, account, found, purposes)


def transfers_about(
    ctx: Ctx,
    *,
    party_ids: Sequence[PartyId],
    subjects: Sequence[str],
    moments: Sequence[datetime],
) -> list[Movement]:
    """Give what moved for some subjects, for a workflow that has asked for its own scope.

    It is looked for on the accounts of some parties at some moments alone: whatever moves money
    for an order leaves a step of it that says when.
    """
    rows = store.transfers_about(
        ctx, party_ids=party_ids, subjects=subjects, moments=moments, limit=MOVEMENTS_MAX
    )
    return [
        Movement(TransferKind(kind), amount_minor, purpose, subject, at, PartyId(party_id))
        for kind, amount_minor, purpose, subject, at, party_id in rows
    ]


def _entries(
    ctx: Ctx, account: Account, found: Statement, purposes: Sequence[str]
) -> Iterator[Entry]:
    posted, held = found.opening.posted_minor, found.opening.held_minor
    after: store.Place | None = None
    period = found.from_at, found.to_at
    while rows := store.entries_read(ctx, account, period=period, after=after, limit=EXPORT_PAGE):
        for transfer, posted_minor, held_minor in rows:
            posted += posted_minor
            held += held_minor
            if not purposes or transfer.purpose in purposes:
                yield Entry(transfer, posted_minor, held_minor, posted, held)
        after = rows[-1][0].occurred_at, rows[-1][0].id


@dataclass(frozen=True, slots=True)
class _Head:
    account: Account
    period: tuple[datetime, datetime]
    opening: Standing
    totals: Sequence[PurposeTotal]


def _read(
    ctx: Ctx,
    account: Account,
    *,
    period: tuple[datetime, datetime],
    purposes: Sequence[str],
    limit: int,
) -> tuple[_Head, list[store.Row]]:
    # What stood at the last close before the period need not be summed again.
    closed = store.close_before(ctx, account.id, _month_of(period[0]))
    since: tuple[datetime | None, Standing] = (None, Standing(0, 0))
    if closed is not None:
        since = day_begins_at(_month_after(closed[0])), closed[1]
    opening, totals, rows = store.statement_read(
        ctx, account, since=since, period=period, purposes=purposes, limit=limit
    )
    return _Head(account, period, opening, totals), rows


def _statement(head: _Head, entries: Sequence[Entry], next_cursor: str | None) -> Statement:
    return Statement(
        account_id=head.account.id,
        kind=head.account.kind,
        party_id=head.account.party_id,
        from_at=head.period[0],
        to_at=head.period[1],
        opening=head.opening,
        totals=head.totals,
        entries=entries,
        closing=Standing(
            head.opening.posted_minor + sum(t.posted_minor for t in head.totals),
            head.opening.held_minor + sum(t.held_minor for t in head.totals),
        ),
        next_cursor=next_cursor,
    )


def _account(ctx: Ctx, party_id: PartyId, kind: AccountKind) -> Account:
    ctx.require("account:read" if party_id == ctx.actor.party_id else "admin:money")
    accounts = books.accounts_read(ctx, [account_id(kind, party_id)])
    if not accounts:
        raise NotFound(what=ACCOUNT_WORD, id=kind.value)
    return accounts[0]


def _turn(head: _Head, last: Entry) -> str:
    """Make the cursor that leads to the next page: all that need not be summed again for it."""
    return cursor_text(
        json.dumps(
            [
                str(head.account.id),
                [moment.isoformat() for moment in head.period],
                [head.opening.posted_minor, head.opening.held_minor],
                [[t.purpose, t.count, t.posted_minor, t.held_minor] for t in head.totals],
                [last.transfer.occurred_at.isoformat(), str(last.transfer.id)],
                [last.posted_after_minor, last.held_after_minor],
            ],
            separators=(",", ":"),
        )
    )


def _turned(account: Account, cursor: str) -> tuple[_Head, store.Place, Standing]:
    """Read a cursor back. Who makes one up is shown what was made up, and nobody else is.

    Raises: CursorInvalid, also for another account's.
    """
    try:
        key = json.loads(cursor_parse(cursor) or "")
        account_text, (from_text, to_text), opening, totals, (at_text, last_id), so_far = key
        head = _Head(
            account,
            (_moment(from_text), _moment(to_text)),
            Standing(*map(_whole, opening)),
            [PurposeTotal(_word(purpose), *map(_whole, sums)) for purpose, *sums in totals],
        )
        place = _moment(at_text), UUID(last_id)
        if account_text != str(account.id):
            raise CursorInvalid
        return head, place, Standing(*map(_whole, so_far))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise CursorInvalid from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def _word(text: str) -> str:
    if not text.isascii():
        raise ValueError(text)
    return text


def _whole(number: object) -> int:
    if type(number) is not int or abs(number) > MINOR_MAX:
        raise ValueError(number)
    return number


# --- months -------------------------------------------------------------------------------------


def month_close(ctx: Ctx, *, month_on: date, limit: int = MONTH_ACCOUNTS_MAX) -> MonthClose:
    """Close a month of the business zone for the next accounts for which it is open.

    Each account's opening, which is the month before's closing, and the month's entries must come
    to what all its entries sum to. Those that do are written down and never change; those that do
    not are given back, and stay open. To be called until nothing is left.

    Raises: Forbidden; MonthOpen, until a quarter of an hour after the month's end.
    """
    ctx.require("admin:money")
    month_on = month_on.replace(day=1)
    begins_at, ends_at = day_begins_at(month_on), day_begins_at(_month_after(month_on))
    if ctx.now < ends_at + CLOSES_AFTER:
        raise MonthOpen(
            month=month_on.strftime("%Y-%m"), from_at=(ends_at + CLOSES_AFTER).isoformat()
        )
    ids = store.accounts_unclosed(
        ctx,
        kinds=_CLOSED_KINDS,
        month_on=month_on,
        end_at=ends_at,
        limit=max(1, min(limit, MONTH_ACCOUNTS_MAX)),
    )
    sums = list(
        store.month_sums(
            ctx,
            ids,
            before_on=_month_of(begins_at - timedelta(days=1)),
            period=(begins_at, ends_at),
        )
    )
    ties = [month for month in sums if month.off_minor == 0]
    if ties:
        store.months_insert(ctx, ties, month_on=month_on)
    left = store.accounts_unclosed_count(
        ctx, kinds=_CLOSED_KINDS, month_on=month_on, end_at=ends_at
    )
    return MonthClose(month_on, len(ties), left, [month for month in sums if month.off_minor])


def months_closed(
    ctx: Ctx, *, party_id: PartyId, kind: AccountKind
) -> list[tuple[date, MonthSum, datetime]]:
    """Give an account's closed months, the newest first: (month, sums, when it was closed).

    Raises: Forbidden; NotFound (no such account).
    """
    account = _account(ctx, party_id, kind)
    return [
        (
            month_on,
            MonthSum(
                account.id,
                party_id,
                Standing(*sums[:2]),
                Standing(*sums[2:4]),
                Standing(*sums[4:6]),
                entries,
            ),
            closed_at,
        )
        for month_on, *sums, entries, closed_at in store.months_closed(ctx, account.id)
    ]


def _month_of(moment: datetime) -> date:
    return day_of(moment).replace(day=1)


def _month_after(month_on: date) -> date:
    return (month_on + timedelta(days=31)).replace(day=1)
