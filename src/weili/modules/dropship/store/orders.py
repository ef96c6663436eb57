"""All SQL of dropship orders. Sets in, sets out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.money import CURRENCY
from weili.modules.dropship.model import (
    Child,
    ChildId,
    Line,
    Order,
    OrderId,
    Package,
    PackageId,
    Step,
)
from weili.modules.dropship.states import OrderState
from weili.modules.dropship.store.packages import packages_of
from weili.modules.goods import SkuId
from weili.modules.inventory import WarehouseId
from weili.modules.ledger import TransferId

Answer = tuple[OrderId, bytes, str]

_ORDER: Final = (
    "SELECT id, partner_id, number, state, version, area_code, recipient_sealed, phone_index,"
    ' placed_at, due_at FROM dropship."order" '
)


def numbers_read(
    ctx: Ctx, keys: Sequence[tuple[PartyId, str]], *, waiting_max: int
) -> Asked[tuple[dict[tuple[PartyId, str], Answer], dict[PartyId, int]]]:
    """Find which of the partners' numbers are taken, and by what.

    Also says, in the same statement, which of the partners let orders wait for their balance, and
    how many wait now, counted up to a bound.
    """
    asked = ctx.db.ask(
        "SELECT n.partner_id, n.number, n.order_id, n.digest, n.answer, 0"
        " FROM unnest(%b::uuid[], %b::text[]) AS k (partner_id, number)"
        " JOIN dropship.order_number n USING (partner_id, number)"
        " UNION ALL SELECT s.partner_id, NULL, NULL, NULL, NULL, (SELECT count(*)::int FROM ("
        '  SELECT FROM dropship."order" o WHERE o.partner_id = s.partner_id'
        "  AND o.state = 'waiting_funds' LIMIT %b) AS w)"
        " FROM dropship.partner_setting s"
        " WHERE s.partner_id = ANY (%b::uuid[]) AND s.low_balance = 'wait'",
        [partner_id for partner_id, _ in keys],
        [number for _, number in keys],
        waiting_max,
        list({partner_id for partner_id, _ in keys}),
    )

    def found() -> tuple[dict[tuple[PartyId, str], Answer], dict[PartyId, int]]:
        rows = asked()
        taken = {
            (PartyId(partner_id), number): (OrderId(order_id), bytes(digest), answer)
            for partner_id, number, order_id, digest, answer, _ in rows
            if number is not None
        }
        return taken, {PartyId(row[0]): row[5] for row in rows if row[1] is None}

    return found


def numbers_claim(ctx: Ctx, claims: Sequence[tuple[PartyId, str, OrderId, bytes, str]]) -> None:
    """Take numbers that were found free under the lock on their partners' balances.

    Fetches nothing, so it may run inside a pipeline.
    """
    ctx.db.run(
        "INSERT INTO dropship.order_number (partner_id, number, order_id, digest, answer)"
        " SELECT * FROM unnest(%b::uuid[], %b::text[], %b::uuid[], %b::bytea[], %b::text[])",
        *(list(column) for column in zip(*claims, strict=True)),
    )


def orders_insert(ctx: Ctx, orders: Sequence[Order]) -> None:
    """Write new orders with their children and lines: three statements, however many orders.

    Fetches nothing, so it may run inside a pipeline.
    """
    ctx.db.run(
        'INSERT INTO dropship."order" (id, partner_id, number, state, version, area_code,'
        " recipient_sealed, phone_index, goods_minor, freight_minor, currency, placed_at, due_at)"
        " SELECT i, p, n, s, 0, a, r, x, g, f, c, t, d FROM unnest(%b::uuid[], %b::uuid[],"
        " %b::text[], %b::text[], %b::text[], %b::bytea[], %b::bytea[], %b::bigint[],"
        " %b::bigint[], %b::text[], %b::timestamptz[], %b::timestamptz[])"
        " AS o (i, p, n, s, a, r, x, g, f, c, t, d)",
        [o.id for o in orders],
        [o.partner_id for o in orders],
        [o.number for o in orders],
        [o.state.value for o in orders],
        [o.area_code for o in orders],
        [o.recipient_sealed for o in orders],
        [o.phone_index for o in orders],
        [o.goods_minor for o in orders],
        [o.freight_minor for o in orders],
        [CURRENCY] * len(orders),
        [o.placed_at for o in orders],
        [o.due_at for o in orders],
    )
    children_insert(ctx, [(order, child) for order in orders for child in order.children])


def children_insert(ctx: Ctx, children: Sequence[tuple[Order, Child]]) -> None:
    """Write new children of orders, with their lines: two statements, however many."""
    ctx.db.run(
        "INSERT INTO dropship.child (id, partner_id, order_id, supplier_id, warehouse_id, state,"
        " version, lead_days, goods_minor, freight_minor, goods_hold_id, freight_hold_id,"
        " split_from, replaces_package_id, ships_on, arrives_on)"
        " SELECT i, p, o, s, w, t, 0, l, g, f, x, y, a, r, d, e FROM unnest(%b::uuid[], %b::uuid[],"
        " %b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::smallint[], %b::bigint[],"
        " %b::bigint[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::date[],"
        " %b::date[]) AS c (i, p, o, s, w, t, l, g, f, x, y, a, r, d, e)",
        [c.id for _, c in children],
        [o.partner_id for o, _ in children],
        [o.id for o, _ in children],
        [c.supplier_id for _, c in children],
        [c.warehouse_id for _, c in children],
        [c.state.value for _, c in children],
        [c.lead_days for _, c in children],
        [c.goods_minor for _, c in children],
        [c.freight_minor for _, c in children],
        [c.goods_hold_id for _, c in children],
        [c.freight_hold_id for _, c in children],
        [c.split_from for _, c in children],
        [c.replaces for _, c in children],
        [c.ships_on for _, c in children],
        [c.arrives_on for _, c in children],
    )
    lines = [(o, c, item) for o, c in children for item in c.lines]
    ctx.db.run(
        "INSERT INTO dropship.line (child_id, line_no, partner_id, sku_id, quantity,"
        " unit_price_minor, price_version, freight_minor, unit_cost_minor, tax_rate_bps,"
        " return_policy, shipped)"
        " SELECT c, n, p, s, q, u, v, f, k, t, r, 0 FROM unnest(%b::uuid[], %b::smallint[],"
        " %b::uuid[], %b::uuid[], %b::int[], %b::bigint[], %b::bigint[], %b::bigint[],"
        " %b::bigint[], %b::int[], %b::text[]) AS l (c, n, p, s, q, u, v, f, k, t, r)",
        [c.id for _, c, _ in lines],
        [item.line_no for _, _, item in lines],
        [o.partner_id for o, _, _ in lines],
        [item.sku_id for _, _, item in lines],
        [item.quantity for _, _, item in lines],
        [item.unit_price_minor for _, _, item in lines],
        [item.price_version for _, _, item in lines],
        [item.freight_minor for _, _, item in lines],
        [item.unit_cost_minor for _, _, item in lines],
        [item.tax_rate_bps for _, _, item in lines],
        [item.return_policy for _, _, item in lines],
    )


def orders_lock(ctx: Ctx, ids: Sequence[OrderId]) -> None:
    """Lock orders in the order of their ids; their children move only under this lock."""
    ctx.db.rows(
        'SELECT 1 FROM dropship."order" WHERE id = ANY (%b::uuid[]) ORDER BY id FOR UPDATE',
        list(ids),
    )


def orders_load(ctx: Ctx, ids: Sequence[OrderId]) -> list[Order]:
    """Read whole orders, in the order asked for; ids that name none are left out."""
    roots = {row[0]: row for row in ctx.db.rows(_ORDER + "WHERE id = ANY (%b::uuid[])", list(ids))}
    children = _children(ctx, ids)
    packages = packages_of(ctx, ids)
    return [
        _order(roots[order_id], children.get(order_id, ()), packages.get(order_id, ()))
        for order_id in ids
        if order_id in roots
    ]


def order_find(ctx: Ctx, *, partner_id: PartyId, number: str) -> OrderId | None:
    """Find an order by the partner's own number."""
    rows = ctx.db.rows(
        "SELECT order_id FROM dropship.order_number WHERE partner_id = %b AND number = %b",
        partner_id,
        number,
    )
    return OrderId(rows[0][0]) if rows else None


def order_of_child(ctx: Ctx, *, child_id: ChildId, supplier_id: PartyId) -> OrderId | None:
    """Find the root of a child order of one supplier."""
    rows = ctx.db.rows(
        "SELECT order_id FROM dropship.child WHERE id = %b AND supplier_id = %b",
        child_id,
        supplier_id,
    )
    return OrderId(rows[0][0]) if rows else None


def order_of_package(ctx: Ctx, *, package_id: PackageId, supplier_id: PartyId) -> OrderId | None:
    """Find the root of a package that one supplier sent."""
    rows = ctx.db.rows(
        "SELECT c.order_id FROM dropship.package p JOIN dropship.child c ON c.id = p.child_id"
        " AND c.partner_id = p.partner_id WHERE p.id = %b AND c.supplier_id = %b",
        package_id,
        supplier_id,
    )
    return OrderId(rows[0][0]) if rows else None


def orders_due(ctx: Ctx, *, limit: int) -> list[OrderId]:
    """Lock orders that nobody confirmed or paid in time, but for those that others work on."""
    rows = ctx.db.rows(
        'SELECT id FROM dropship."order" WHERE due_at <= %b'
        " ORDER BY due_at, id LIMIT %b FOR UPDATE SKIP LOCKED",
        ctx.now,
        limit,
    )
    return sorted(OrderId(order_id) for (order_id,) in rows)


def children_due(ctx: Ctx, *, limit: int) -> list[tuple[OrderId, ChildId]]:
    """Find the delivered children that are done by now, with the orders that they belong to."""
    rows = ctx.db.rows(
        "SELECT order_id, id FROM dropship.child WHERE due_at <= %b ORDER BY due_at, id LIMIT %b",
        ctx.now,
        limit,
    )
    return [(OrderId(order_id), ChildId(child_id)) for order_id, child_id in rows]


def steps_write(
    ctx: Ctx,
    *,
    roots: Sequence[Step],
    children: Sequence[Step],
    child_due_at: Mapping[UUID, datetime],
) -> None:
    """Move roots and children to their next states and keep the history of it.

    A root that moves has no hold deadline any more. Each row must still be at the version the
    step was decided on; the caller has locked the roots.
    """
    if children:
        ctx.db.run(
            "UPDATE dropship.child c SET state = s.there, version = s.version, due_at = s.due_at"
            " FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::int[], %b::timestamptz[])"
            " AS s (id, partner_id, there, version, due_at) WHERE c.id = s.id"
            " AND c.partner_id = s.partner_id AND c.version = s.version - 1",
            [step.subject_id for step in children],
            [step.partner_id for step in children],
            [step.there.value for step in children],
            [step.version for step in children],
            [child_due_at.get(step.subject_id) for step in children],
        )
    if roots:
        ctx.db.run(
            'UPDATE dropship."order" o SET state = s.there, version = s.version, due_at = NULL'
            " FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::int[])"
            " AS s (id, partner_id, there, version) WHERE o.id = s.id"
            " AND o.partner_id = s.partner_id AND o.version = s.version - 1",
            [step.subject_id for step in roots],
            [step.partner_id for step in roots],
            [step.there.value for step in roots],
            [step.version for step in roots],
        )
    steps = [*roots, *children]
    ctx.db.run(
        "INSERT INTO dropship.history (subject_id, version, partner_id, order_id, from_state,"
        " to_state, at, actor, reason) SELECT s, v, p, o, h, t, %b, %b, r FROM unnest("
        "%b::uuid[], %b::int[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[])"
        " AS x (s, v, p, o, h, t, r)",
        ctx.now,
        ctx.actor.label(),
        [step.subject_id for step in steps],
        [step.version for step in steps],
        [step.partner_id for step in steps],
        [step.order_id for step in steps],
        [step.here.value for step in steps],
        [step.there.value for step in steps],
        [step.reason for step in steps],
    )


def holds_replace(
    ctx: Ctx, holds: Sequence[tuple[PartyId, ChildId, TransferId, TransferId | None]]
) -> None:
    """Note that (partner, child)'s money is held by other holds from now on (goods, freight)."""
    ctx.db.run(
        "UPDATE dropship.child c SET goods_hold_id = x.g, freight_hold_id = x.f"
        " FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[]) AS x (p, c, g, f)"
        " WHERE c.id = x.c AND c.partner_id = x.p",
        *(list(column) for column in zip(*holds, strict=True)),
    )


def _children(ctx: Ctx, ids: Sequence[OrderId]) -> dict[UUID, list[Child]]:
    rows = ctx.db.rows(
        "SELECT c.order_id, c.id, c.supplier_id, c.warehouse_id, c.state, c.version, c.lead_days,"
        " c.goods_hold_id, c.freight_hold_id, c.split_from, c.replaces_package_id,"
        " c.ships_on, c.arrives_on, l.line_no, l.sku_id, l.quantity,"
        " l.unit_price_minor, l.price_version, l.freight_minor, l.unit_cost_minor,"
        " l.tax_rate_bps, l.return_policy, l.shipped FROM dropship.child c"
        " JOIN dropship.line l ON l.child_id = c.id AND l.partner_id = c.partner_id"
        " WHERE c.order_id = ANY (%b::uuid[]) ORDER BY c.id, l.line_no",
        list(ids),
    )
    grouped: dict[UUID, tuple[Any, list[Line]]] = {}
    for row in rows:
        _, items = grouped.setdefault(row[1], (row[:13], []))
        items.append(_line(row[13], row[14], row[15:]))
    children: dict[UUID, list[Child]] = {}
    for head, items in grouped.values():
        order_id, child_id, supplier_id, warehouse_id, state, version, lead_days, *holds = head
        children.setdefault(order_id, []).append(
            Child(
                id=ChildId(child_id),
                supplier_id=PartyId(supplier_id),
                warehouse_id=WarehouseId(warehouse_id),
                state=OrderState(state),
                lead_days=lead_days,
                goods_hold_id=TransferId(holds[0]),
                freight_hold_id=TransferId(holds[1]) if holds[1] else None,
                lines=items,
                version=version,
                split_from=ChildId(holds[2]) if holds[2] else None,
                replaces=PackageId(holds[3]) if holds[3] else None,
                ships_on=holds[4],
                arrives_on=holds[5],
            )
        )
    return children


def _line(line_no: int, sku_id: UUID, rest: Sequence[Any]) -> Line:
    quantity, price_minor, version, freight_minor, cost_minor, tax_bps, policy, shipped = rest
    return Line(
        line_no=line_no,
        sku_id=SkuId(sku_id),
        quantity=quantity,
        unit_price_minor=price_minor,
        price_version=version,
        freight_minor=freight_minor,
        unit_cost_minor=cost_minor,
        tax_rate_bps=tax_bps,
        return_policy=policy,
        shipped=shipped,
    )


def _order(row: Sequence[Any], children: Sequence[Child], packages: Sequence[Package]) -> Order:
    order_id, partner_id, number, state, version, area_code, sealed, phone, placed_at, due_at = row
    return Order(
        id=OrderId(order_id),
        partner_id=PartyId(partner_id),
        number=number,
        state=OrderState(state),
        area_code=area_code,
        recipient_sealed=bytes(sealed),
        phone_index=bytes(phone),
        placed_at=placed_at,
        due_at=due_at,
        children=children,
        packages=packages,
        version=version,
    )
