"""SQL of statements and of closing months."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa

from weili.kit.context import SYSTEM_PARTY, Ctx
from weili.modules.ledger import tables
from weili.modules.ledger.model import (
    Account,
    AccountId,
    AccountKind,
    MonthSum,
    PurposeTotal,
    Side,
    Standing,
    Transfer,
)
from weili.modules.ledger.store.books import effects, total, transfer_of

FINDINGS_MAX: Final = 100

_t: Final = tables.transfer.c
_m: Final = tables.month_close.c

Place = tuple[datetime, UUID]
"""Where an entry stands among an account's: when, and then by its id."""
Row = tuple[Transfer, int, int, int, int]
"""A transfer with what it did to the posted and held columns, and where these stood after it."""


def close_before(ctx: Ctx, account_id: AccountId, month_on: date) -> tuple[date, Standing] | None:
    """Read the last month of an account that was closed before a month: (month, closing)."""
    rows = ctx.db.rows(
        "SELECT month_on, closing_posted_minor, closing_held_minor FROM ledger.month_close"
        " WHERE account_id = %b AND month_on < %b ORDER BY month_on DESC LIMIT 1",
        account_id,
        month_on,
    )
    return (rows[0][0], Standing(*rows[0][1:])) if rows else None


def transfers_about(
    ctx: Ctx,
    *,
    party_ids: Sequence[UUID],
    subjects: Sequence[str],
    moments: Sequence[datetime],
    limit: int,
) -> list[tuple[str, int, str, str, datetime, UUID]]:
    """Read what moved on some parties' accounts at some moments for some subjects."""
    rows = ctx.db.rows(
        "SELECT kind, amount_minor, purpose, subject, occurred_at, party_id FROM ledger.transfer"
        " WHERE party_id = ANY (%b::uuid[]) AND occurred_at = ANY (%b::timestamptz[])"
        " AND subject = ANY (%b::text[]) ORDER BY occurred_at, id LIMIT %b",
        list(party_ids),
        list(moments),
        list(subjects),
        limit,
    )
    return [tuple(row) for row in rows]


def statement_read(
    ctx: Ctx,
    account: Account,
    *,
    since: tuple[datetime | None, Standing],
    period: tuple[datetime, datetime],
    purposes: Sequence[str],
    limit: int,
) -> tuple[Standing, list[PurposeTotal], list[Row]]:
    """Read a period's opening, its totals by purpose, and its first entries of some purposes.

    ``since`` is what stood at a moment before the period, from which is summed. One statement, so
    that a transfer committed meanwhile is in all of it or in none.
    """
    since_at, base = since
    from_at, to_at = period
    entry = _entries(account, since_at=since_at, to_at=to_at).cte("entry")
    e = entry.c
    is_before = e.occurred_at < from_at
    opening = sa.select(
        *(
            total(sa.case((is_before, e[name]), else_=0)).label(f"opening_{name}")
            for name in _COLUMNS
        )
    ).subquery("opening")
    by_purpose = (
        sa.select(e.purpose, sa.func.count().label("count"), *(total(e[n]) for n in _COLUMNS))
        .where(sa.not_(is_before))
        .group_by(e.purpose)
        .order_by(e.purpose)
        .subquery("by_purpose")
    )
    totals = sa.select(
        sa.func.jsonb_agg(sa.func.jsonb_build_array(*by_purpose.c))
    ).scalar_subquery()
    shown = sa.select(entry).where(sa.not_(is_before))
    if purposes:
        shown = shown.where(e.purpose.in_(purposes))
    page = shown.order_by(e.occurred_at, e.id).limit(limit).subquery("page")
    rows = ctx.db.sa.execute(
        sa.select(opening, totals.label("totals"), page)
        .select_from(opening.outerjoin(page, sa.true()))
        .order_by(page.c.occurred_at, page.c.id)
    ).all()
    first = rows[0]
    return (
        Standing(base.posted_minor + first[0], base.held_minor + first[1]),
        [PurposeTotal(*row) for row in first.totals or ()],
        [_row(row, base) for row in rows if row.id is not None],
    )


def statement_read_on(
    ctx: Ctx,
    account: Account,
    *,
    after: Place,
    so_far: Standing,
    to_at: datetime,
    purposes: Sequence[str],
    limit: int,
) -> list[Row]:
    """Read the next entries of some purposes after one, and where the account stood after that.

    What lies before is not read again, nor what comes after the last of them: so all pages of a
    period together read it once.
    """
    entry = _entries(account, since_at=after[0], to_at=to_at, after=after).subquery("entry")
    shown = sa.select(entry).order_by(entry.c.occurred_at, entry.c.id).limit(limit)
    if purposes:
        shown = shown.where(entry.c.purpose.in_(purposes))
    return [_row(row, so_far) for row in ctx.db.sa.execute(shown)]


def _row(row: sa.Row[Any], base: Standing) -> Row:
    return (
        transfer_of(row),
        cast("int", row.posted),
        cast("int", row.held),
        base.posted_minor + cast("int", row.posted_so_far),
        base.held_minor + cast("int", row.held_so_far),
    )


_COLUMNS: Final = ("posted", "held")


def _entries(
    account: Account, *, since_at: datetime | None, to_at: datetime, after: Place | None = None
) -> sa.Select[Any]:
    """Select an account's entries in order, each with what it did and the sums so far."""
    posted, held, mine = _of(account)
    mine = sa.and_(mine, _t.occurred_at < to_at)
    if since_at is not None:
        mine = sa.and_(mine, _t.occurred_at >= since_at)
    if after is not None:
        mine = sa.and_(mine, sa.tuple_(_t.occurred_at, _t.id) > after)
    order = (_t.occurred_at, _t.id)
    return sa.select(
        tables.transfer,
        posted.label("posted"),
        held.label("held"),
        sa.cast(sa.func.sum(posted).over(order_by=order, rows=(None, 0)), sa.BigInteger).label(
            "posted_so_far"
        ),
        sa.cast(sa.func.sum(held).over(order_by=order, rows=(None, 0)), sa.BigInteger).label(
            "held_so_far"
        ),
    ).where(mine)


def _of(
    account: Account,
) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int], sa.ColumnElement[bool]]:
    """Say what a transfer does to an account (posted, held), and which are entries of it."""
    normal = _t.credit_account_id if account.normal_side is Side.CREDIT else _t.debit_account_id
    raises = normal == account.id
    posted, held = effects(raises, _t.kind, _t.amount_minor)
    # What is held for the other account does nothing to this one, and is no entry of it.
    mine = sa.and_(
        sa.or_(_t.debit_account_id == account.id, _t.credit_account_id == account.id),
        sa.not_(sa.and_(raises, _t.kind.in_(["hold", "void"]))),
    )
    if account.party_id != SYSTEM_PARTY:
        mine = sa.and_(mine, _t.party_id == account.party_id)
    return posted, held, mine


def entries_read(
    ctx: Ctx,
    account: Account,
    *,
    period: tuple[datetime, datetime],
    after: Place | None,
    limit: int,
) -> list[tuple[Transfer, int, int]]:
    """Read the next entries of a period, without any sums: for who reads all of them in turn."""
    posted, held, mine = _of(account)
    statement = (
        sa.select(tables.transfer, posted.label("posted"), held.label("held"))
        .where(mine, _t.occurred_at >= period[0], _t.occurred_at < period[1])
        .order_by(_t.occurred_at, _t.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(sa.tuple_(_t.occurred_at, _t.id) > after)
    return [(transfer_of(row), row.posted, row.held) for row in ctx.db.sa.execute(statement)]


# --- months -------------------------------------------------------------------------------------


def accounts_unclosed(
    ctx: Ctx, *, kinds: Sequence[AccountKind], month_on: date, end_at: datetime, limit: int
) -> list[AccountId]:
    """Find accounts that were open in a month which was not closed for them, in order."""
    rows = ctx.db.rows(
        "SELECT id FROM ledger.account a WHERE kind = ANY (%b::text[]) AND created_at < %b"
        " AND NOT EXISTS (SELECT FROM ledger.month_close m WHERE m.account_id = a.id"
        "  AND m.party_id = a.party_id AND m.month_on = %b) ORDER BY id LIMIT %b",
        [kind.value for kind in kinds],
        end_at,
        month_on,
        limit,
    )
    return [AccountId(row[0]) for row in rows]


def accounts_unclosed_count(
    ctx: Ctx, *, kinds: Sequence[AccountKind], month_on: date, end_at: datetime
) -> int:
    """Count the accounts for which a month is not closed."""
    [[count]] = ctx.db.rows(
        "SELECT count(*) FROM ledger.account a WHERE kind = ANY (%b::text[]) AND created_at < %b"
        " AND NOT EXISTS (SELECT FROM ledger.month_close m WHERE m.account_id = a.id"
        "  AND m.party_id = a.party_id AND m.month_on = %b)",
        [kind.value for kind in kinds],
        end_at,
        month_on,
    )
    return int(count)


def month_sums(
    ctx: Ctx,
    account_ids: Sequence[AccountId],
    *,
    before_on: date,
    period: tuple[datetime, datetime],
) -> Iterator[MonthSum]:
    """Sum a month of some parties' accounts, and anew all that ever moved on them until its end.

    The opening is the month before's closing where that was closed.
    """
    a = tables.account.c
    normal = sa.case((a.normal_side == "credit", _t.credit_account_id), else_=_t.debit_account_id)
    raises = normal == a.id
    effect = effects(raises, _t.kind, _t.amount_minor)
    is_entry = sa.and_(_t.id.is_not(None), sa.not_(sa.and_(raises, _t.kind.in_(["hold", "void"]))))
    is_before = _t.occurred_at < period[0]
    leg = sa.and_(
        _t.party_id == a.party_id,
        sa.or_(_t.debit_account_id == a.id, _t.credit_account_id == a.id),
        _t.occurred_at < period[1],
    )
    closed = sa.and_(_m.account_id == a.id, _m.party_id == a.party_id, _m.month_on == before_on)
    rows = ctx.db.sa.execute(
        sa.select(
            a.id,
            a.party_id,
            _m.closing_posted_minor,
            _m.closing_held_minor,
            *(total(sa.case((is_before, column), else_=0)) for column in effect),
            *(total(sa.case((is_before, 0), else_=column)) for column in effect),
            *(total(column) for column in effect),
            sa.func.count().filter(sa.and_(is_entry, sa.not_(is_before))),
        )
        .select_from(
            tables.account.outerjoin(tables.transfer, leg).outerjoin(tables.month_close, closed)
        )
        .where(a.id.in_(account_ids))
        .group_by(a.id, a.party_id, _m.closing_posted_minor, _m.closing_held_minor)
        .order_by(a.id)
    )
    for account_id, party_id, posted, held, *sums, entries in rows:
        opening = Standing(*sums[:2]) if posted is None else Standing(posted, held)
        yield MonthSum(
            account_id, party_id, opening, Standing(*sums[2:4]), Standing(*sums[4:6]), entries
        )


def months_insert(ctx: Ctx, sums: Sequence[MonthSum], *, month_on: date) -> None:
    """Write closed months; one that was closed meanwhile stays as it is."""
    ctx.db.run(
        "INSERT INTO ledger.month_close (account_id, month_on, party_id, opening_posted_minor,"
        " opening_held_minor, moved_posted_minor, moved_held_minor, closing_posted_minor,"
        " closing_held_minor, entries, closed_at, closed_by)"
        " SELECT a, %b, p, op, oh, mp, mh, cp, ch, n, %b, %b FROM unnest(%b::uuid[], %b::uuid[],"
        " %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[],"
        " %b::bigint[]) AS x (a, p, op, oh, mp, mh, cp, ch, n) ON CONFLICT DO NOTHING",
        month_on,
        ctx.now,
        ctx.actor.label(),
        [s.account_id for s in sums],
        [s.party_id for s in sums],
        [s.opening.posted_minor for s in sums],
        [s.opening.held_minor for s in sums],
        [s.moved.posted_minor for s in sums],
        [s.moved.held_minor for s in sums],
        [s.closing.posted_minor for s in sums],
        [s.closing.held_minor for s in sums],
        [s.entries for s in sums],
    )


def months_closed(ctx: Ctx, account_id: AccountId) -> list[tuple[Any, ...]]:
    """Read an account's closed months, the newest first, at most ten years of them."""
    return ctx.db.rows(
        "SELECT month_on, opening_posted_minor, opening_held_minor, moved_posted_minor,"
        " moved_held_minor, closing_posted_minor, closing_held_minor, entries, closed_at"
        " FROM ledger.month_close WHERE account_id = %b ORDER BY month_on DESC LIMIT 120",
        account_id,
    )


def months_off(ctx: Ctx, *, offset: timedelta) -> list[tuple[AccountId, date, int, int]]:
    """Find closed months that are not what all entries until their end sum to: (.., said, sum).

    Transfers between the same accounts are summed by month first: there are few of these, and
    each closed month has to do with all before it.
    """
    a = tables.account.c
    day = sa.func.timezone(offset, _t.occurred_at)
    month = sa.cast(sa.func.date_trunc(sa.literal_column("'month'"), day), sa.Date)
    by = _t.party_id, _t.debit_account_id, _t.credit_account_id, _t.kind, month.label("month_on")
    pair = sa.select(*by, total(_t.amount_minor).label("amount_minor")).group_by(*by)
    pairs = pair.subquery("pair")
    p = pairs.c
    normal = sa.case((a.normal_side == "credit", p.credit_account_id), else_=p.debit_account_id)
    posted, _ = effects(normal == a.id, p.kind, p.amount_minor)
    leg = sa.and_(
        p.party_id == a.party_id,
        sa.or_(p.debit_account_id == a.id, p.credit_account_id == a.id),
        p.month_on <= _m.month_on,
    )
    summed = total(posted)
    rows = ctx.db.sa.execute(
        sa.select(_m.account_id, _m.month_on, _m.closing_posted_minor, summed)
        .select_from(
            tables.month_close.join(
                tables.account, sa.and_(a.id == _m.account_id, a.party_id == _m.party_id)
            ).outerjoin(pairs, leg)
        )
        .group_by(_m.account_id, _m.month_on, _m.closing_posted_minor)
        .having(summed != _m.closing_posted_minor)
        .order_by(_m.account_id, _m.month_on)
        .limit(FINDINGS_MAX)
    )
    return [tuple(row) for row in rows]


def months_unlinked(ctx: Ctx) -> list[tuple[AccountId, date]]:
    """Find closed months that do not open with what the month before them closed with."""
    rows = ctx.db.rows(
        "SELECT m.account_id, m.month_on FROM ledger.month_close m"
        " JOIN ledger.month_close b ON b.account_id = m.account_id AND b.party_id = m.party_id"
        "  AND b.month_on = (m.month_on - interval '1 month')::date"
        " WHERE (m.opening_posted_minor, m.opening_held_minor)"
        "  IS DISTINCT FROM (b.closing_posted_minor, b.closing_held_minor)"
        " ORDER BY 1, 2 LIMIT %b",
        FINDINGS_MAX,
    )
    return [(AccountId(row[0]), row[1]) for row in rows]
