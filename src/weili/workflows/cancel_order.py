"""Takes an order back before anything of it has left, and gives stock and money back."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.modules import dropship, inventory, ledger, parties

_S = dropship.OrderState

Moves = Sequence[tuple[dropship.Order, Mapping[dropship.ChildId, dropship.OrderState]]]
"""Locked orders, each with the states that children of it are to have."""


class CancelOutcome(StrEnum):
    """What came of asking to cancel a child order."""

    DONE = "done"
    ACCEPTED = "accepted"
    REFUSED = "refused"


_DONE: Final = CancelOutcome.DONE
_REFUSED: Final = CancelOutcome.REFUSED


def cancel_order(
    ctx: Ctx, *, partner_id: PartyId, order_id: dropship.OrderId
) -> tuple[dropship.Order, Mapping[dropship.ChildId, CancelOutcome]]:
    """Cancel what can be of a partner's order; says what came of it, child by child.

    What no supplier has seen is cancelled at once. A child that was sent to its supplier becomes
    ``cancelling`` until the supplier answers; the answer comes as ``order.cancelled`` or
    ``order.cancel_refused``. What has shipped is refused: it can be intercepted. Asking again
    changes nothing.

    Raises: OrderUnknown; CancelTooLate, when nothing can be cancelled.
    """
    ctx.require("orders:write")
    return _cancel(ctx, dropship.order_locked(ctx, partner_id=partner_id, order_id=order_id))


def cancel_any_order(
    ctx: Ctx, *, order_id: dropship.OrderId, reason: str
) -> tuple[dropship.Order, Mapping[dropship.ChildId, CancelOutcome]]:
    """Cancel what can be of an order in its partner's place; why is written down.

    Raises: Forbidden; OrderUnknown; CancelTooLate, when nothing can be cancelled.
    """
    ctx.require("admin:orders")
    subject = id_text(dropship.ORDER_PREFIX, order_id)
    for order in dropship.orders_locked(ctx, ids=[order_id]):
        parties.audit_write(ctx, action="order.cancel", subject=subject, reason=reason)
        return _cancel(ctx, order)
    raise dropship.OrderUnknown(order=subject)


def _cancel(
    ctx: Ctx, order: dropship.Order
) -> tuple[dropship.Order, Mapping[dropship.ChildId, CancelOutcome]]:
    live = [child for child in order.children if child.state is not _S.SPLIT]
    outcomes = {child.id: _REFUSED for child in live}
    outcomes |= {child.id: _DONE for child in live if child.state is _S.CANCELLED}
    able = [child for child in live if dropship.is_cancellable(child)]
    if not able and order.state is not _S.CANCELLED:
        raise dropship.CancelTooLate(
            order_id=id_text(dropship.ORDER_PREFIX, order.id), state=order.state.value
        )
    queued = dropship.queue_locked(ctx, child_ids=[child.id for child in able])
    to: dict[dropship.ChildId, dropship.OrderState] = {}
    for child in able:
        sent = child.id in queued and queued[child.id].attempts > 0
        is_seen = sent or child.state in {_S.RELEASED, _S.PICKING, _S.CANCELLING}
        outcomes[child.id] = CancelOutcome.ACCEPTED if is_seen else _DONE
        if child.state is not _S.CANCELLING:
            to[child.id] = _S.CANCELLING if is_seen else _S.CANCELLED
    asked = [child_id for child_id, there in to.items() if there is _S.CANCELLING]
    if asked:
        dropship.queue_set(ctx, child_ids=asked, state=dropship.QueueState.CANCELLING, ask_now=True)
    if to:
        cancel_children(ctx, moves=[(order, to)], reason="asked")
    [order] = dropship.orders_read(ctx, ids=[order.id])
    return order, outcomes


def cancel_children(ctx: Ctx, *, moves: Moves, reason: str) -> None:
    """Move children of locked orders; those that become cancelled give back what they hold.

    Raises: StateConflict; then nothing has moved.
    """
    cancel_for(ctx, moves={reason: moves})


def cancel_for(ctx: Ctx, *, moves: Mapping[str, Moves]) -> None:
    """Move children of locked orders for several reasons, as ``cancel_children`` does for one.

    What they hold is given back at once: a second round would lock stock after balances, and
    places before those of the first.

    Raises: StateConflict; then nothing has moved.
    """
    gone = [
        (order, child)
        for of_reason in moves.values()
        for order, to in of_reason
        for child in order.children
        if to.get(child.id) is _S.CANCELLED
    ]
    if gone:
        _give_back(ctx, gone)
        dropship.queue_set(
            ctx,
            child_ids=[child.id for _, child in gone],
            state=dropship.QueueState.CLOSED,
        )
    for reason, of_reason in moves.items():
        if of_reason:
            dropship.children_move(ctx, moves=of_reason, reason=reason, data={"reason": reason})


def _give_back(ctx: Ctx, gone: Sequence[tuple[dropship.Order, dropship.Child]]) -> None:
    inventory.movements_write(
        ctx,
        moves=[
            inventory.Move(
                inventory.MoveKind.RELEASE,
                line.sku_id,
                child.warehouse_id,
                line.quantity - line.shipped,
                id_text(dropship.CHILD_PREFIX, child.id),
            )
            for _, child in gone
            for line in child.lines
            if line.quantity > line.shipped
        ],
    )
    ledger.holds_settle(
        ctx,
        settlements=[
            ledger.Settlement(
                hold_id=hold_id,
                party_id=order.partner_id,
                post_minor=0,
                void_rest=True,
                subject=id_text(dropship.CHILD_PREFIX, child.id),
                purpose="cancelled",
            )
            for order, child in gone
            if child.state is not _S.WAITING_FUNDS
            for hold_id, amount_minor in (
                (child.goods_hold_id, child.goods_minor),
                (child.freight_hold_id, child.freight_minor),
            )
            if hold_id is not None and amount_minor > 0
        ],
    )
