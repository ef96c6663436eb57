"""SQL of what goods were sold for, and of the prices that may be shown struck out beside it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from weili.kit.context import Ctx
from weili.kit.db import Asked
from weili.kit.memory import touch
from weili.modules.goods import SkuId
from weili.modules.pricing import tables as t
from weili.modules.pricing.model import CompareAt, CompareAtState, TradedDay

_TRADED_PUT: Final = (
    "INSERT INTO pricing.transaction_day AS d"
    "  (sku_id, traded_on, lowest_minor, highest_minor, last_minor, last_at)"
    " SELECT s, o::date, min(u), max(u), (array_agg(u ORDER BY a DESC, u))[1], max(a)"
    "  FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::timestamptz[]) AS x (s, o, u, a)"
    "  GROUP BY 1, 2 ORDER BY 1, 2"
    " ON CONFLICT (sku_id, traded_on) DO UPDATE SET"
    "  lowest_minor = least(d.lowest_minor, excluded.lowest_minor),"
    "  highest_minor = greatest(d.highest_minor, excluded.highest_minor),"
    # Sold at the same moment for two prices, the lower one is the last: the careful choice.
    "  last_minor = CASE WHEN excluded.last_at > d.last_at THEN excluded.last_minor"
    "   WHEN excluded.last_at < d.last_at THEN d.last_minor"
    "   ELSE least(d.last_minor, excluded.last_minor) END,"
    "  last_at = greatest(d.last_at, excluded.last_at)"
    "  WHERE excluded.lowest_minor < d.lowest_minor OR excluded.highest_minor > d.highest_minor"
    "   OR excluded.last_at > d.last_at"
    "   OR excluded.last_at = d.last_at AND excluded.last_minor < d.last_minor"
)
# The days since one, or where nothing was traded on them the very last trade.
_LOWEST: Final = (
    "SELECT x.s, coalesce((SELECT min(d.lowest_minor) FROM pricing.transaction_day d"
    "   WHERE d.sku_id = x.s AND d.traded_on >= %b::text::date),"
    "  (SELECT d.last_minor FROM pricing.transaction_day d WHERE d.sku_id = x.s"
    "   ORDER BY d.traded_on DESC LIMIT 1))"
    " FROM unnest(%b::uuid[]) AS x (s)"
)
_COMPARE_AT_PUT: Final = (
    "WITH written AS ("
    " INSERT INTO pricing.compare_at AS c"
    "  (sku_id, compare_at_minor, explanation, state, version, due_at)"
    " SELECT s, m, e, %b, 1, CASE WHEN e IS NULL AND %b = 'standing' THEN %b::timestamptz END"
    "  FROM unnest(%b::uuid[], %b::bigint[], %b::text[]) AS x (s, m, e) ORDER BY s"
    " ON CONFLICT (sku_id) DO UPDATE SET compare_at_minor = excluded.compare_at_minor,"
    "  explanation = excluded.explanation, state = excluded.state, version = c.version + 1,"
    "  due_at = excluded.due_at"
    "  WHERE (c.compare_at_minor, c.explanation, c.state) IS DISTINCT FROM"
    "   (excluded.compare_at_minor, excluded.explanation, excluded.state)"
    " RETURNING sku_id, compare_at_minor, explanation, state, version)"
    " INSERT INTO pricing.compare_at_history (sku_id, version, compare_at_minor, explanation,"
    "  state, lowest_minor, changed_at, changed_by)"
    " SELECT w.sku_id, w.version, w.compare_at_minor, w.explanation, w.state, l.m,"
    "  %b::timestamptz, %b FROM written w"
    " LEFT JOIN unnest(%b::uuid[], %b::bigint[]) AS l (s, m) ON l.s = w.sku_id"
    " RETURNING sku_id"
)


def traded_upsert(ctx: Ctx, rows: Sequence[tuple[SkuId, date, datetime, int]]) -> None:
    """Keep each SKU's lowest, highest and last price of a day; again it changes nothing."""
    ctx.db.run(
        _TRADED_PUT,
        [sku_id for sku_id, _, _, _ in rows],
        [on.isoformat() for _, on, _, _ in rows],
        [unit_price_minor for _, _, _, unit_price_minor in rows],
        [at for _, _, at, _ in rows],
    )


def lowest_since(ctx: Ctx, *, sku_ids: Sequence[SkuId], since: date) -> dict[SkuId, int | None]:
    """Read the lowest transaction prices of the days since one, or else the last of all."""
    return dict(ctx.db.rows(_LOWEST, since.isoformat(), list(sku_ids)))


def traded_days(ctx: Ctx, *, sku_id: SkuId, limit: int) -> list[TradedDay]:
    """Read an SKU's days of trade, the last first."""
    rows = ctx.db.rows(
        "SELECT sku_id, traded_on, lowest_minor, highest_minor, last_minor, last_at"
        " FROM pricing.transaction_day WHERE sku_id = %b ORDER BY traded_on DESC LIMIT %b",
        sku_id,
        limit,
    )
    return [TradedDay(*row) for row in rows]


def traded_all(ctx: Ctx) -> list[TradedDay]:
    """Read all days of trade. Run on a snapshot, never in trade."""
    rows = ctx.db.rows(
        "SELECT sku_id, traded_on, lowest_minor, highest_minor, last_minor, last_at"
        " FROM pricing.transaction_day"
    )
    return [TradedDay(*row) for row in rows]


def compare_at_put(
    ctx: Ctx,
    rows: Sequence[tuple[SkuId, int, str | None]],
    *,
    state: CompareAtState,
    due_at: datetime | None,
    lowest: Mapping[SkuId, int | None],
) -> int:
    """Write compare-at prices and their history; says how many really changed."""
    sku_ids = [sku_id for sku_id, _, _ in rows]
    changed = ctx.db.rows(
        _COMPARE_AT_PUT,
        state.value,
        state.value,
        due_at,
        sku_ids,
        [compare_at_minor for _, compare_at_minor, _ in rows],
        [explanation for _, _, explanation in rows],
        ctx.now,
        ctx.actor.label(),
        sku_ids,
        [lowest.get(sku_id) for sku_id in sku_ids],
    )
    touch(ctx, [sku_id for (sku_id,) in changed])
    return len(changed)


def compare_at_standing(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> Asked[dict[SkuId, CompareAt]]:
    """Read the compare-at prices that may be shown. Hot."""
    rows = ctx.db.ask(
        "SELECT sku_id, compare_at_minor, explanation, state, version FROM pricing.compare_at"
        " WHERE sku_id = ANY (%b::uuid[]) AND state = 'standing'",
        sku_ids,
    )
    return lambda: {row[0]: _compare_at(row) for row in rows()}


def compare_at_due(ctx: Ctx, *, limit: int) -> list[CompareAt]:
    """Read and lock compare-at prices that are to be held to the trade of late again."""
    rows = ctx.db.rows(
        "SELECT sku_id, compare_at_minor, explanation, state, version FROM pricing.compare_at"
        " WHERE due_at <= %b ORDER BY due_at, sku_id LIMIT %b FOR UPDATE SKIP LOCKED",
        ctx.now,
        limit,
    )
    return [_compare_at(row) for row in rows]


def compare_at_again(ctx: Ctx, *, sku_ids: Sequence[SkuId], due_at: datetime) -> None:
    """Write when compare-at prices are to be looked at again."""
    ctx.db.run(
        "UPDATE pricing.compare_at SET due_at = %b WHERE sku_id = ANY (%b::uuid[])",
        due_at,
        list(sku_ids),
    )


def compare_at_page(
    ctx: Ctx, *, state: CompareAtState | None, after: SkuId | None, limit: int
) -> list[CompareAt]:
    """Read compare-at prices by SKU."""
    table = t.compare_at
    query = sa.select(
        table.c.sku_id,
        table.c.compare_at_minor,
        table.c.explanation,
        table.c.state,
        table.c.version,
    ).order_by(table.c.sku_id)
    if state is not None:
        query = query.where(table.c.state == state)
    if after is not None:
        query = query.where(table.c.sku_id > after)
    return [_compare_at(tuple(row)) for row in ctx.db.sa.execute(query.limit(limit))]


def _compare_at(row: tuple[Any, ...]) -> CompareAt:
    sku_id, compare_at_minor, explanation, state, version = row
    return CompareAt(SkuId(sku_id), compare_at_minor, explanation, CompareAtState(state), version)
