"""SQL of packages: what left, where it is, and what it was worth."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.modules.dropship.model import (
    ChildId,
    Condition,
    OrderId,
    Package,
    PackageId,
    PackageLine,
    ReturnCause,
    Worth,
)
from weili.modules.dropship.states import PackageState


def package_insert(ctx: Ctx, *, partner_id: PartyId, package: Package) -> None:
    """Write a package and count its pieces as shipped."""
    ctx.db.run(
        "INSERT INTO dropship.package (id, partner_id, child_id, carrier_code, waybill_number,"
        " shipped_at, state, version, goods_minor, freight_minor, cost_minor, carrier_name)"
        " VALUES (%b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b)",
        package.id,
        partner_id,
        package.child_id,
        package.carrier_code,
        package.waybill_number,
        package.shipped_at,
        package.state.value,
        package.version,
        package.worth.goods_minor,
        package.worth.freight_minor,
        package.worth.cost_minor,
        package.carrier_name,
    )
    numbers = [item.line_no for item in package.lines]
    quantities = [item.quantity for item in package.lines]
    ctx.db.run(
        "INSERT INTO dropship.package_line (package_id, line_no, partner_id, quantity)"
        " SELECT %b, n, %b, q FROM unnest(%b::smallint[], %b::int[]) AS x (n, q)",
        package.id,
        partner_id,
        numbers,
        quantities,
    )
    ctx.db.run(
        "UPDATE dropship.line l SET shipped = l.shipped + x.q"
        " FROM unnest(%b::smallint[], %b::int[]) AS x (n, q)"
        " WHERE l.child_id = %b AND l.partner_id = %b AND l.line_no = x.n",
        numbers,
        quantities,
        package.child_id,
        partner_id,
    )


def packages_step(
    ctx: Ctx,
    *,
    steps: Sequence[tuple[PartyId, OrderId, Package, PackageState, datetime | None]],
    reason: str,
) -> None:
    """Move packages of locked orders on, with their next deadlines, and keep history of it."""
    ids = [package.id for _, _, package, _, _ in steps]
    partner_ids = [partner_id for partner_id, _, _, _, _ in steps]
    there = [state.value for _, _, _, state, _ in steps]
    versions = [package.version + 1 for _, _, package, _, _ in steps]
    ctx.db.run(
        "UPDATE dropship.package p SET state = x.s, version = x.v, due_at = x.d,"
        " back = x.b, condition = x.c,"
        " delivered_at = CASE WHEN x.s = 'delivered' THEN %b ELSE p.delivered_at END"
        " FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::int[], %b::timestamptz[],"
        " %b::text[], %b::text[]) AS x (i, p, s, v, d, b, c)"
        " WHERE p.id = x.i AND p.partner_id = x.p AND p.version = x.v - 1",
        ctx.now,
        ids,
        partner_ids,
        there,
        versions,
        [due_at for _, _, _, _, due_at in steps],
        [package.back.value if package.back else None for _, _, package, _, _ in steps],
        [package.condition.value if package.condition else None for _, _, package, _, _ in steps],
    )
    ctx.db.run(
        "INSERT INTO dropship.package_history (package_id, version, partner_id, order_id,"
        " from_state, to_state, at, actor, reason) SELECT i, v, p, o, h, t, %b, %b, %b FROM"
        " unnest(%b::uuid[], %b::int[], %b::uuid[], %b::uuid[], %b::text[], %b::text[])"
        " AS x (i, v, p, o, h, t)",
        ctx.now,
        ctx.actor.label(),
        reason,
        ids,
        versions,
        partner_ids,
        [order_id for _, order_id, _, _, _ in steps],
        [package.state.value for _, _, package, _, _ in steps],
        there,
    )


def packages_due(ctx: Ctx, *, state: PackageState, limit: int) -> list[OrderId]:
    """Find the orders of packages whose time in a state is over."""
    rows = ctx.db.rows(
        "SELECT DISTINCT c.order_id FROM (SELECT child_id, partner_id FROM dropship.package"
        " WHERE due_at <= %b AND state = %b ORDER BY due_at, id LIMIT %b) AS p"
        " JOIN dropship.child c ON c.id = p.child_id AND c.partner_id = p.partner_id",
        ctx.now,
        state.value,
        limit,
    )
    return [OrderId(order_id) for (order_id,) in rows]


def waybill_is_taken(
    ctx: Ctx, *, supplier_id: PartyId, carrier_code: str, waybill_number: str
) -> bool:
    """Say whether another supplier's package is under way with a waybill; keeps it until the end.

    Two suppliers who come with one number at once are asked one after the other.
    """
    ctx.db.run(
        "SELECT pg_advisory_xact_lock(hashtextextended(%b, 0))", f"{carrier_code}:{waybill_number}"
    )
    rows = ctx.db.rows(
        "SELECT FROM dropship.tracking t"
        " JOIN dropship.package p ON p.id = t.package_id AND p.partner_id = t.partner_id"
        " JOIN dropship.child c ON c.id = p.child_id AND c.partner_id = p.partner_id"
        " WHERE t.waybill_number = %b AND t.carrier_code = %b AND c.supplier_id <> %b"
        " AND p.state IN ('shipped', 'intercepting', 'returning') LIMIT 1",
        waybill_number,
        carrier_code,
        supplier_id,
    )
    return bool(rows)


def packages_of(ctx: Ctx, ids: Sequence[OrderId]) -> dict[UUID, list[Package]]:
    """Read the packages of orders, oldest first."""
    rows = ctx.db.rows(
        "SELECT c.order_id, p.id, p.child_id, p.carrier_code, p.waybill_number, p.shipped_at,"
        " p.delivered_at, p.state, p.version, p.back, p.condition, p.due_at, p.goods_minor,"
        " p.freight_minor, p.cost_minor, p.carrier_name, array_agg(l.line_no ORDER BY l.line_no),"
        " array_agg(l.quantity ORDER BY l.line_no) FROM dropship.child c"
        " JOIN dropship.package p ON p.child_id = c.id AND p.partner_id = c.partner_id"
        " JOIN dropship.package_line l ON l.package_id = p.id AND l.partner_id = p.partner_id"
        " WHERE c.order_id = ANY (%b::uuid[]) GROUP BY c.order_id, p.id, p.partner_id"
        " ORDER BY p.id",
        list(ids),
    )
    packages: dict[UUID, list[Package]] = {}
    for order_id, package_id, child_id, carrier_code, waybill_number, *rest in rows:
        shipped_at, delivered_at, state, version, back, condition, due_at, *amounts = rest
        goods_minor, freight_minor, cost_minor, carrier_name, numbers, quantities = amounts
        packages.setdefault(order_id, []).append(
            Package(
                id=PackageId(package_id),
                child_id=ChildId(child_id),
                carrier_code=carrier_code,
                waybill_number=waybill_number,
                lines=[PackageLine(n, q) for n, q in zip(numbers, quantities, strict=True)],
                shipped_at=shipped_at,
                delivered_at=delivered_at,
                worth=Worth(goods_minor, freight_minor, cost_minor),
                state=PackageState(state),
                version=version,
                back=ReturnCause(back) if back else None,
                condition=Condition(condition) if condition else None,
                due_at=due_at,
                carrier_name=carrier_name,
            )
        )
    return packages
