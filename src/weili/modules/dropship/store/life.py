"""SQL of what may happen to an order between placing and its end."""

from collections.abc import Sequence
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.modules.dropship.model import (
    Audience,
    Child,
    LowBalance,
    Order,
    OrderId,
    Remark,
    RemarkId,
)


def children_resize(ctx: Ctx, *, order: Order, children: Sequence[Child]) -> None:
    """Write the lines, amounts and days that children of a locked order have from now on."""
    lines = [(child, line) for child in children for line in child.lines]
    ctx.db.run(
        "UPDATE dropship.line l SET quantity = x.q, freight_minor = x.f"
        " FROM unnest(%b::uuid[], %b::smallint[], %b::int[], %b::bigint[]) AS x (c, n, q, f)"
        " WHERE l.child_id = x.c AND l.line_no = x.n AND l.partner_id = %b",
        [child.id for child, _ in lines],
        [line.line_no for _, line in lines],
        [line.quantity for _, line in lines],
        [line.freight_minor for _, line in lines],
        order.partner_id,
    )
    ctx.db.run(
        "UPDATE dropship.child c SET goods_minor = x.g, freight_minor = x.f, lead_days = x.l,"
        " arrives_on = x.a FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::smallint[],"
        " %b::date[]) AS x (c, g, f, l, a) WHERE c.id = x.c AND c.partner_id = %b",
        [child.id for child in children],
        [child.goods_minor for child in children],
        [child.freight_minor for child in children],
        [child.lead_days for child in children],
        [child.arrives_on for child in children],
        order.partner_id,
    )


def address_write(
    ctx: Ctx, *, order: Order, area_code: str, sealed: bytes, phone_index: bytes, freight_minor: int
) -> None:
    """Write where a locked order goes from now on, over what was there."""
    ctx.db.run(
        'UPDATE dropship."order" SET area_code = %b, recipient_sealed = %b, phone_index = %b,'
        " freight_minor = %b WHERE id = %b AND partner_id = %b",
        area_code,
        sealed,
        phone_index,
        freight_minor,
        order.id,
        order.partner_id,
    )


def partners_waiting(ctx: Ctx, *, limit: int) -> list[tuple[PartyId, int]]:
    """Give partners with orders that wait for funds, and what the first comes to, in fen."""
    rows = ctx.db.rows(
        "SELECT DISTINCT ON (partner_id) partner_id, goods_minor + freight_minor"
        " FROM dropship.\"order\" WHERE state = 'waiting_funds' ORDER BY partner_id, id LIMIT %b",
        limit,
    )
    return [(PartyId(partner_id), needed_minor) for partner_id, needed_minor in rows]


def orders_waiting(ctx: Ctx, *, partner_ids: Sequence[PartyId], limit: int) -> list[OrderId]:
    """Give the orders of partners that wait for their balance, in the order in which they came."""
    rows = ctx.db.rows(
        "SELECT id FROM dropship.\"order\" WHERE state = 'waiting_funds'"
        " AND partner_id = ANY (%b::uuid[]) ORDER BY id LIMIT %b",
        list(partner_ids),
        limit,
    )
    return [OrderId(order_id) for (order_id,) in rows]


def low_balance_read(ctx: Ctx, *, partner_id: PartyId) -> LowBalance:
    """Read what becomes of a partner's order that its balance does not cover."""
    rows = ctx.db.rows(
        "SELECT low_balance FROM dropship.partner_setting WHERE partner_id = %b", partner_id
    )
    return LowBalance(rows[0][0]) if rows else LowBalance.REFUSE


def low_balance_write(ctx: Ctx, *, partner_id: PartyId, choice: LowBalance) -> None:
    """Write what becomes of a partner's order that its balance does not cover."""
    ctx.db.run(
        "INSERT INTO dropship.partner_setting (partner_id, low_balance) VALUES (%b, %b)"
        " ON CONFLICT (partner_id) DO UPDATE SET low_balance = excluded.low_balance",
        partner_id,
        choice.value,
    )


def remark_insert(ctx: Ctx, *, partner_id: PartyId, remark: Remark) -> None:
    """Write a remark."""
    ctx.db.run(
        "INSERT INTO dropship.remark (id, partner_id, order_id, audience, text, actor, written_at)"
        " VALUES (%b, %b, %b, %b, %b, %b, %b)",
        remark.id,
        partner_id,
        remark.order_id,
        remark.audience.value,
        remark.text,
        remark.actor,
        remark.written_at,
    )


def remarks_read(
    ctx: Ctx, *, order_id: OrderId, audience: Audience | None, limit: int
) -> list[Remark]:
    """Read the remarks on an order, oldest first; those for one audience, or all."""
    rows = ctx.db.rows(
        "SELECT id, order_id, audience, text, actor, written_at FROM dropship.remark"
        " WHERE order_id = %b AND (%b::text IS NULL OR audience = %b) ORDER BY id LIMIT %b",
        order_id,
        audience.value if audience else None,
        audience.value if audience else None,
        limit,
    )
    return [
        Remark(RemarkId(remark_id), OrderId(of), Audience(to), text, actor, written_at)
        for remark_id, of, to, text, actor, written_at in rows
    ]


def suppliers_connected(ctx: Ctx, supplier_ids: Sequence[PartyId]) -> set[UUID]:
    """Say which suppliers have a system of their own."""
    rows = ctx.db.rows(
        "SELECT supplier_id FROM dropship.supplier_connection WHERE supplier_id = ANY (%b::uuid[])",
        list(supplier_ids),
    )
    return {supplier_id for (supplier_id,) in rows}


def order_of_any_package(ctx: Ctx, *, package_id: UUID) -> OrderId | None:
    """Find the root of a package, whoever sent it."""
    rows = ctx.db.rows(
        "SELECT c.order_id FROM dropship.package p JOIN dropship.child c ON c.id = p.child_id"
        " AND c.partner_id = p.partner_id WHERE p.id = %b",
        package_id,
    )
    return OrderId(rows[0][0]) if rows else None
