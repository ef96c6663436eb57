"""What a supplier says of a child order: it takes it or not, it cancels it or not."""

from weili.kit.context import Ctx, PartyId
from weili.modules import dropship
from weili.workflows.cancel_order import cancel_children
from weili.workflows.refuse_child import refuse_child

_S = dropship.OrderState


def child_taken(
    ctx: Ctx, *, supplier_id: PartyId, child_id: dropship.ChildId, accepted: bool
) -> dropship.OrderState:
    """Record that a supplier takes a child order, or refuses it whole (see ``refuse_child``).

    An answer that comes twice, or after the child was cancelled, changes nothing. Gives the
    state that the child has then.

    Raises: OrderUnknown.
    """
    ctx.require("supply:write")
    order, child = dropship.child_locked(ctx, supplier_id=supplier_id, child_id=child_id)
    if child.state is not _S.CONFIRMED:
        return child.state
    if not accepted:
        return refuse_child(ctx, supplier_id=supplier_id, child_id=child_id)
    dropship.queue_set(ctx, child_ids=[child_id], state=dropship.QueueState.TAKEN)
    dropship.children_move(ctx, moves=[(order, {child_id: _S.RELEASED})], reason="supplier took it")
    return _S.RELEASED


def cancel_answered(
    ctx: Ctx, *, supplier_id: PartyId, child_id: dropship.ChildId, accepted: bool
) -> dropship.OrderState:
    """Record a supplier's answer to being asked to cancel; gives the child's state then.

    An answer to nothing that was asked (it was shipped or cancelled meanwhile) changes nothing.

    Raises: OrderUnknown.
    """
    ctx.require("supply:write")
    order, child = dropship.child_locked(ctx, supplier_id=supplier_id, child_id=child_id)
    if child.state is not _S.CANCELLING:
        return child.state
    if accepted:
        cancel_children(ctx, moves=[(order, {child_id: _S.CANCELLED})], reason="asked")
        return _S.CANCELLED
    dropship.queue_set(ctx, child_ids=[child_id], state=dropship.QueueState.TAKEN)
    dropship.children_move(
        ctx, moves=[(order, {child_id: _S.RELEASED})], reason="supplier would not cancel"
    )
    _, child = dropship.child_locked(ctx, supplier_id=supplier_id, child_id=child_id)
    dropship.cancel_refused(ctx, order=order, child=child)
    return _S.RELEASED
