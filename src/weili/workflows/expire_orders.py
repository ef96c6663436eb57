"""What deadlines do by themselves: a hold or a debt lapses, a delivered order is completed."""

from weili.kit.context import Ctx
from weili.modules import dropship
from weili.workflows.cancel_order import cancel_for

_S = dropship.OrderState


def expire_holds(ctx: Ctx) -> int:
    """Cancel orders that nobody confirmed, or paid, in time; says how many, a bounded number."""
    orders = dropship.orders_expired(ctx)
    moves = {
        reason: [
            (order, {child.id: _S.CANCELLED for child in order.children if child.state is waits_in})
            for order in orders
            if order.state is waits_in
        ]
        for waits_in, reason in ((_S.HELD, "hold_expired"), (_S.WAITING_FUNDS, "unpaid_expired"))
    }
    cancel_for(ctx, moves=moves)
    return len(orders)


def complete_orders(ctx: Ctx) -> int:
    """Complete children that were delivered long enough ago; says how many orders it touched."""
    moves = [
        (order, dict.fromkeys(child_ids, _S.COMPLETED))
        for order, child_ids in dropship.orders_done(ctx)
    ]
    if moves:
        dropship.children_move(ctx, moves=moves, reason="time")
    return len(moves)
