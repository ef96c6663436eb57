"""Confirms an order that was placed on hold."""

from msgspec.structs import replace

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.modules import dropship, ledger
from weili.workflows.place_dropship_orders import holds_for

_S = dropship.OrderState


def confirm_order(ctx: Ctx, *, partner_id: PartyId, order_id: dropship.OrderId) -> dropship.Order:
    """Confirm a held order, so that it goes to its suppliers. Confirming again changes nothing.

    The holds on the money had the order's deadline; they are given back and set anew without
    one, in the same transaction, since nothing in the ledger is ever changed.

    Raises: OrderUnknown; StateConflict, when the hold has lapsed or the order was cancelled.
    """
    ctx.require("orders:write")
    order = dropship.order_locked(ctx, partner_id=partner_id, order_id=order_id)
    held = [child for child in order.children if child.state is _S.HELD]
    if not held:
        if order.state is _S.CANCELLED:
            dropship.ROOT_STATES.check(
                order.state, _S.CONFIRMED, label=id_text(dropship.ORDER_PREFIX, order.id)
            )
        return order
    renewed = [
        replace(
            child,
            goods_hold_id=ledger.TransferId(new_id(ctx.now)),
            freight_hold_id=ledger.TransferId(new_id(ctx.now)) if child.freight_hold_id else None,
        )
        for child in held
    ]
    ledger.holds_settle(
        ctx,
        settlements=[
            ledger.Settlement(
                hold_id=hold.id,
                party_id=partner_id,
                post_minor=0,
                void_rest=True,
                subject=hold.subject,
                purpose="confirmed",
            )
            for hold in ledger.holds_open(
                ctx, subjects=[id_text(dropship.CHILD_PREFIX, child.id) for child in held]
            )
        ],
    )
    ledger.transfers_write(
        ctx, transfers=holds_for([replace(order, children=renewed, due_at=None)])
    )
    dropship.holds_replace(ctx, order=order, children=renewed)
    dropship.children_move(
        ctx, moves=[(order, {child.id: _S.CONFIRMED for child in held})], reason="confirmed"
    )
    dropship.order_confirmed(ctx, order=order)
    return dropship.order_get(ctx, partner_id=partner_id, order_id=order_id)
