"""SQL of the lists that both sides compare each day. Read now and then, never while trading."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.modules.dropship.lists import LIST_STATES, Listed, ListName, ListTotals
from weili.modules.dropship.model import ChildId, OrderId

_LATE: Final = timedelta(minutes=2)
"""By how much an id may be ahead of its moment: a burst in one millisecond counts on."""
_WAIT_MAX: Final = timedelta(days=31)
"""A child order reaches its supplier at most so long after its id was made."""

Place = tuple[datetime, UUID]


class Side(NamedTuple):
    """Who compares: a partner or a supplier."""

    party_id: PartyId
    is_supplier: bool


class CostLine(NamedTuple):
    """The pieces of an order line in a package, and what the supplier is owed for them."""

    order_id: UUID
    child_id: UUID
    line_no: int
    sku_id: UUID
    quantity: int
    unit_cost_minor: int

    @property
    def cost_minor(self) -> int:
        """What they come to."""
        return self.quantity * self.unit_cost_minor


def listed(
    ctx: Ctx,
    *,
    side: Side,
    name: ListName,
    period: tuple[datetime, datetime],
    after: Place | None,
    limit: int,
) -> tuple[ListTotals, list[Listed]]:
    """Read a page of a list with the totals of the whole of it."""
    at, child_id = after or (None, None)
    rows = _ask(
        ctx,
        side,
        name,
        period,
        "SELECT at, order_id, number, child_id, goods, freight, cost, n, goods_sum, freight_sum,"
        " cost_sum FROM (SELECT l.*, count(*) OVER () AS n, (sum(goods) OVER ())::bigint"
        " AS goods_sum, (sum(freight) OVER ())::bigint AS freight_sum,"
        " (sum(cost) OVER ())::bigint AS cost_sum FROM priced l) AS x"
        " WHERE %b::timestamptz IS NULL OR (at, child_id) > (%b::timestamptz, %b::uuid)"
        " ORDER BY at, child_id LIMIT %b",
        at,
        at,
        child_id,
        limit,
    )
    totals = ListTotals(*rows[0][7:]) if rows else ListTotals(0, 0, 0, 0)
    return totals, [
        Listed(row[0], OrderId(row[1]), row[2], ChildId(row[3]), *row[4:7]) for row in rows
    ]


def amounts(
    ctx: Ctx, *, side: Side, name: ListName, period: tuple[datetime, datetime], limit: int
) -> list[tuple[Any, int]]:
    """Read what each order of a list comes to: by a partner's number, by a supplier's child."""
    if side.is_supplier:
        return [
            (child_id, cost_minor)
            for child_id, cost_minor in _ask(
                ctx, side, name, period, "SELECT child_id, cost FROM priced LIMIT %b", limit
            )
        ]
    return [
        (number, amount_minor)
        for number, amount_minor in _ask(
            ctx,
            side,
            name,
            period,
            "SELECT number, sum(goods + freight)::bigint FROM priced GROUP BY number LIMIT %b",
            limit,
        )
    ]


def _ask(
    ctx: Ctx,
    side: Side,
    name: ListName,
    period: tuple[datetime, datetime],
    select: Any,  # noqa: ANN401 - a literal of this file
    *more: object,
) -> list[Any]:
    begins_at, ends_at = period
    if name is not ListName.NEW:
        given: tuple[object, ...] = (
            begins_at,
            ends_at,
            [state.value for state in LIST_STATES[name]],
            side.is_supplier,
            side.party_id,
            side.party_id,
            name is ListName.REFUSED,
        )
        return ctx.db.rows(_STEPS + _PRICED + select, *given, *more)
    if side.is_supplier:
        low, high = _id_floor(begins_at - _WAIT_MAX), _id_floor(ends_at + _LATE)
        given = side.party_id, low, high, begins_at, ends_at
        return ctx.db.rows(_QUEUED + _PRICED + select, *given, *more)
    low, high = _id_floor(begins_at), _id_floor(ends_at + _LATE)
    given = side.party_id, low, high, begins_at, ends_at
    return ctx.db.rows(_PLACED + _PRICED + select, *given, *more)


def _id_floor(moment: datetime) -> UUID:
    """Give what every id made from a moment on is at least."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


_STEPS: Final = (
    # A parcel that could not be stopped goes on: it was shipped before.
    "WITH listed AS (SELECT h.at, c.id, c.partner_id, c.order_id FROM dropship.history h"
    " JOIN dropship.child c ON c.id = h.subject_id AND c.partner_id = h.partner_id"
    " WHERE h.at >= %b AND h.at < %b AND h.to_state = ANY (%b::text[])"
    " AND h.from_state <> 'intercepting'"
    " AND CASE WHEN %b THEN c.supplier_id = %b ELSE c.partner_id = %b END"
    " AND (NOT %b OR EXISTS (SELECT FROM dropship.package p WHERE p.child_id = c.id"
    "  AND p.partner_id = c.partner_id AND p.back = 'refused'))), "
)
_PLACED: Final = (
    "WITH listed AS (SELECT o.placed_at AS at, c.id, c.partner_id, c.order_id"
    ' FROM dropship."order" o'
    " JOIN dropship.child c ON c.order_id = o.id AND c.partner_id = o.partner_id"
    " WHERE o.partner_id = %b AND o.id >= %b AND o.id < %b"
    # What is sent again for a lost parcel is no new order of the partner's.
    " AND o.placed_at >= %b AND o.placed_at < %b AND c.state <> 'split'"
    " AND c.replaces_package_id IS NULL), "
)
_QUEUED: Final = (
    "WITH listed AS (SELECT q.queued_at AS at, c.id, c.partner_id, c.order_id"
    " FROM dropship.supplier_queue q"
    " JOIN dropship.child c ON c.id = q.child_id AND c.partner_id = q.partner_id"
    " WHERE q.supplier_id = %b AND q.child_id >= %b AND q.child_id < %b"
    " AND q.queued_at >= %b AND q.queued_at < %b AND c.state <> 'split'), "
)
_PRICED: Final = (
    "priced AS (SELECT l.at, l.order_id, o.number, l.id AS child_id, c.goods_minor AS goods,"
    " c.freight_minor AS freight, (SELECT coalesce(sum(i.unit_cost_minor * i.quantity), 0)::bigint"
    "  FROM dropship.line i WHERE i.child_id = l.id AND i.partner_id = l.partner_id) AS cost"
    " FROM listed l JOIN dropship.child c ON c.id = l.id AND c.partner_id = l.partner_id"
    ' JOIN dropship."order" o ON o.id = l.order_id AND o.partner_id = l.partner_id) '
)


def orders_traced(ctx: Ctx, ids: Sequence[UUID]) -> list[tuple[UUID, UUID, str, UUID | None]]:
    """Read (order, order, number, no child) of orders."""
    return ctx.db.rows(
        'SELECT id, id, number, NULL::uuid FROM dropship."order" WHERE id = ANY (%b::uuid[])',
        list(ids),
    )


def children_traced(ctx: Ctx, ids: Sequence[UUID]) -> list[tuple[UUID, UUID, str, UUID | None]]:
    """Read (child, its order, the order's number, child) of child orders."""
    return ctx.db.rows(
        "SELECT c.id, o.id, o.number, c.id FROM dropship.child c"
        ' JOIN dropship."order" o ON o.id = c.order_id AND o.partner_id = c.partner_id'
        " WHERE c.id = ANY (%b::uuid[])",
        list(ids),
    )


def packages_traced(ctx: Ctx, ids: Sequence[UUID]) -> list[tuple[UUID, UUID, str, UUID | None]]:
    """Read (package, its order, the order's number, its child) of packages."""
    return ctx.db.rows(
        "SELECT p.id, o.id, o.number, c.id FROM dropship.package p"
        " JOIN dropship.child c ON c.id = p.child_id AND c.partner_id = p.partner_id"
        ' JOIN dropship."order" o ON o.id = c.order_id AND o.partner_id = c.partner_id'
        " WHERE p.id = ANY (%b::uuid[])",
        list(ids),
    )


def lines_costed(ctx: Ctx, package_ids: Sequence[UUID]) -> list[tuple[UUID, CostLine]]:
    """Read the lines in packages with their costs: (package, line), in order."""
    rows = ctx.db.rows(
        "SELECT p.id, c.order_id, c.id, l.line_no, l.sku_id, i.quantity, l.unit_cost_minor"
        " FROM dropship.package p"
        " JOIN dropship.package_line i ON i.package_id = p.id AND i.partner_id = p.partner_id"
        " JOIN dropship.child c ON c.id = p.child_id AND c.partner_id = p.partner_id"
        " JOIN dropship.line l ON l.child_id = c.id AND l.partner_id = c.partner_id"
        "  AND l.line_no = i.line_no"
        " WHERE p.id = ANY (%b::uuid[]) ORDER BY p.id, l.line_no",
        list(package_ids),
    )
    return [(row[0], CostLine(*row[1:])) for row in rows]
