"""SQL of papers: which child orders a supplier means."""

from collections.abc import Sequence

from weili.kit.context import Ctx, PartyId
from weili.modules.dropship.model import ChildId, OrderId
from weili.modules.inventory import WarehouseId


def children_named(
    ctx: Ctx, *, supplier_id: PartyId, child_ids: Sequence[ChildId]
) -> dict[ChildId, OrderId]:
    """Find the orders of those child orders that are the supplier's."""
    rows = ctx.db.rows(
        "SELECT q.child_id, q.order_id FROM dropship.supplier_queue q"
        " WHERE q.supplier_id = %b AND q.child_id = ANY (%b::uuid[])",
        supplier_id,
        list(child_ids),
    )
    return {ChildId(child_id): OrderId(order_id) for child_id, order_id in rows}


def children_to_pick(
    ctx: Ctx, *, supplier_id: PartyId, warehouse_id: WarehouseId, limit: int
) -> list[ChildId]:
    """Find what waits longest to be picked in a warehouse."""
    rows = ctx.db.rows(
        "SELECT q.child_id FROM dropship.supplier_queue q"
        " JOIN dropship.child c ON c.id = q.child_id AND c.partner_id = q.partner_id"
        " WHERE q.supplier_id = %b AND q.state = 'taken' AND c.warehouse_id = %b"
        " AND c.state IN ('released', 'picking', 'part_shipped')"
        " ORDER BY q.queued_at, q.child_id LIMIT %b",
        supplier_id,
        warehouse_id,
        limit,
    )
    return [ChildId(child_id) for (child_id,) in rows]
