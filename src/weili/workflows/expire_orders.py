"""What deadlines do by themselves: a hold lapses, a delivered order is completed."""

from weili.kit.context import Ctx
from weili.modules import dropship
from weili.workflows.cancel_order import cancel_children

_S = dropship.OrderState


def expire_holds(ctx: Ctx) -> int:
    """Cancel held orders whose time is over; says how many, at most a bounded number."""
    orders = dropship.orders_expired(ctx)
    if orders:
        moves = [
            (
                order,
                {child.id: _S.CANCELLED for child in order.children if child.state is _S.HELD},
            )
            for order in orders
        ]
        cancel_children(ctx, moves=moves, reason="hold_expired")
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
