"""SQL of the figures of a day. Bounded by time: rows are found by their ids, which say when."""

from datetime import datetime, timedelta
from typing import Final

from weili.kit.context import Ctx
from weili.kit.ids import id_least, id_past
from weili.modules.dropship.figures import AREAS_MAX, AreaFigure, DayFigures, HourFigure

SENT_MAX: Final = 10_000
"""Packages that the time to dispatch is taken from: the day's newest."""

# What was refused is said by the step's reason; ``supplier_refused`` is a whole child order and
# ``short`` the pieces of one.
_REFUSED: Final = ("supplier_refused", "short")

_ORDERS: Final = (
    "WITH placed AS MATERIALIZED ("
    " SELECT (extract(epoch FROM placed_at - %b::timestamptz))::int / 3600 AS hour,"
    "  left(area_code, 6) AS area, count(*) AS orders,"
    "  sum(goods_minor + freight_minor)::bigint AS amount,"
    "  count(*) FILTER (WHERE placed_at < %b::timestamptz) AS orders_until,"
    "  coalesce(sum(goods_minor + freight_minor) FILTER (WHERE placed_at < %b::timestamptz),"
    "   0)::bigint AS amount_until"
    '  FROM dropship."order" WHERE id >= %b::uuid AND id < %b::uuid'
    "  AND placed_at >= %b::timestamptz AND placed_at < %b::timestamptz GROUP BY 1, 2)"
    " SELECT 'hour', hour, '', sum(orders)::bigint, sum(amount)::bigint,"
    "  sum(orders_until)::bigint, sum(amount_until)::bigint FROM placed GROUP BY hour"
)
_AREAS: Final = (
    " UNION ALL (SELECT 'area', 0, area, sum(orders)::bigint, sum(amount)::bigint, 0, 0 FROM placed"
    "  GROUP BY area ORDER BY 4 DESC, 3 LIMIT %b)"
    " UNION ALL SELECT 'cell', hour, left(area, 2) || '0000', sum(orders)::bigint,"
    "  sum(amount)::bigint, 0, 0 FROM placed GROUP BY 2, 3"
)


def orders_of_day(
    ctx: Ctx, *, begin: datetime, until: datetime, has_areas: bool
) -> tuple[DayFigures, list[AreaFigure], list[HourFigure]]:
    """Count the orders of the day that begins at a moment: in all until another, and by hour.

    With areas: those counties that most orders went to, and the orders by province and hour.
    """
    end = begin + timedelta(days=1)
    params = [begin, until, until, id_least(begin), id_past(end), begin, end]
    if has_areas:
        rows = ctx.db.rows(_ORDERS + _AREAS, *params, AREAS_MAX)
    else:
        rows = ctx.db.rows(_ORDERS, *params)
    hours = [0] * 24
    orders = amount_minor = 0
    areas, cells = [], []
    for sort, hour, code, count, amount, count_until, amount_until in rows:
        if sort == "hour":
            hours[hour] = count
            orders += count_until
            amount_minor += amount_until
        elif sort == "area":
            areas.append(AreaFigure(code, count, amount))
        else:
            cells.append(HourFigure(code, hour, count))
    return DayFigures(orders, amount_minor, tuple(hours)), areas, cells


def sent_after_s(ctx: Ctx, *, begin: datetime, until: datetime) -> int | None:
    """Give the median of the seconds from an order's placing to its package's dispatch."""
    [[median]] = ctx.db.rows(
        "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM p.shipped_at"
        " - o.placed_at))::bigint FROM (SELECT child_id, partner_id, shipped_at"
        "  FROM dropship.package WHERE id >= %b::uuid AND id < %b::uuid"
        "  AND shipped_at >= %b::timestamptz AND shipped_at < %b::timestamptz"
        "  ORDER BY id DESC LIMIT %b) AS p"
        " JOIN dropship.child c ON c.id = p.child_id AND c.partner_id = p.partner_id"
        ' JOIN dropship."order" o ON o.id = c.order_id AND o.partner_id = c.partner_id',
        *(id_least(begin), id_past(until), begin, until, SENT_MAX),
    )
    return None if median is None else int(median)


def refusals_count(ctx: Ctx, *, begin: datetime, until: datetime) -> int:
    """Count the child orders that suppliers refused, in whole or in part."""
    [[count]] = ctx.db.rows(
        "SELECT count(*) FROM dropship.history WHERE at >= %b::timestamptz"
        " AND at < %b::timestamptz AND to_state = 'cancelled' AND reason = ANY (%b::text[])",
        *(begin, until, list(_REFUSED)),
    )
    return int(count)


def has_orders(ctx: Ctx) -> bool:
    """Say whether there has ever been an order."""
    return bool(ctx.db.rows('SELECT 1 FROM dropship."order" LIMIT 1'))
