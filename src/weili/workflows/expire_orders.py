"""What deadlines do by themselves: a hold or a debt lapses, a delivered order is completed."""

from weili.kit.context import Ctx
from weili.modules import dropship
from weili.workflows.cancel_order import cancel_children

_S = dropship.OrderState


def expire_holds(ctx: Ctx) -> int:
    """Cancel orders that nobody confirmed, or paid, in time; says how many, a bounded number."""
    orders = dropship.orders_expired(ctx)
    for waits_in, reason in ((_S.HELD, "hold_expired"), (_S.WAITING_FUNDS, "unpaid_expired")):
        moves = [
            (order, {child.id: _S.CANCELLED for child in order.children if child.state is waits_in})
            for order in orders
            if order.state is waits_in
        ]
        if moves:
            cancel_children(ctx, moves=moves, reason=reason)
    return len(orders)


def complete_orders(ctx: Ctx) -> int:
    """Complete children that were delivered long enough ago; says how many orders it touched."""
    orders = dropship.orders_done(ctx)
    moves = [
        (
            order,
            {child.id: _S.COMPLETED for child in order.children if child.state is _S.DELIVERED},
        )
        for order in orders
    ]
    if moves:
        dropship.children_move(ctx, moves=moves, reason="time")
    return len(orders)
