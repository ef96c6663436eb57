"""Papers (拣货单、面单): which child orders a supplier prints together, which is called a wave."""

from collections.abc import Sequence
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.modules.dropship.model import CHILD_PREFIX, Child, ChildId, Order
from weili.modules.dropship.problems import OrderUnknown
from weili.modules.dropship.store import orders as order_store
from weili.modules.dropship.store import papers as store
from weili.modules.inventory import WarehouseId

WAVE_MAX: Final = 100
"""Child orders that are printed at once."""


def children_named(
    ctx: Ctx, *, supplier_id: PartyId, child_ids: Sequence[ChildId]
) -> list[tuple[Order, Child]]:
    """Give a supplier's child orders with their roots, in the order in which they are named.

    Raises: Forbidden; OrderUnknown, for the first that is not the supplier's.
    """
    ctx.require("supply:read")
    found = store.children_named(ctx, supplier_id=supplier_id, child_ids=child_ids)
    for child_id in child_ids:
        if child_id not in found:
            raise OrderUnknown(order=id_text(CHILD_PREFIX, child_id))
    orders = order_store.orders_load(ctx, list(dict.fromkeys(found.values())))
    pairs = {child.id: (order, child) for order in orders for child in order.children}
    return [pairs[child_id] for child_id in dict.fromkeys(child_ids)]


def wave_next(
    ctx: Ctx, *, supplier_id: PartyId, warehouse_id: WarehouseId, limit: int
) -> list[tuple[Order, Child]]:
    """Give the child orders that wait longest to be picked in one of a supplier's warehouses.

    Raises: Forbidden.
    """
    ctx.require("supply:read")
    child_ids = store.children_to_pick(
        ctx, supplier_id=supplier_id, warehouse_id=warehouse_id, limit=min(limit, WAVE_MAX)
    )
    return children_named(ctx, supplier_id=supplier_id, child_ids=child_ids)
