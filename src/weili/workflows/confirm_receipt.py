"""The partner says that its customer has everything."""

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.modules import dropship

_S = dropship.OrderState


def confirm_receipt(ctx: Ctx, *, partner_id: PartyId, order_id: dropship.OrderId) -> dropship.Order:
    """Complete an order of which everything is delivered. Saying it again changes nothing.

    Raises: OrderUnknown; StateConflict, while something is still on its way.
    """
    ctx.require("orders:write")
    order = dropship.order_locked(ctx, partner_id=partner_id, order_id=order_id)
    if order.state is _S.COMPLETED:
        return order
    label = id_text(dropship.ORDER_PREFIX, order.id)
    dropship.ROOT_STATES.require(order.state, {_S.DELIVERED}, label=label)
    delivered = {child.id: _S.COMPLETED for child in order.children if child.state is _S.DELIVERED}
    dropship.children_move(ctx, moves=[(order, delivered)], reason="receipt confirmed")
    return dropship.order_get(ctx, partner_id=partner_id, order_id=order_id)
