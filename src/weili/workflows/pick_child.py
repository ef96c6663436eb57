"""A supplier begins to pick a child order."""

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.modules import dropship

_S = dropship.OrderState


def pick_child(
    ctx: Ctx, *, supplier_id: PartyId, child_id: dropship.ChildId
) -> dropship.OrderState:
    """Record that a child order is being picked: from now on it goes where it was to go.

    Saying it again, or when it was asked back or shipped meanwhile, changes nothing. Gives the
    state that the child has then.

    Raises: OrderUnknown; StateConflict, while the supplier has not taken it.
    """
    ctx.require("supply:write")
    order, child = dropship.child_locked(ctx, supplier_id=supplier_id, child_id=child_id)
    if child.state is _S.CONFIRMED:
        label = id_text(dropship.CHILD_PREFIX, child.id)
        dropship.CHILD_STATES.check(child.state, _S.PICKING, label=label)
    if child.state is not _S.RELEASED:
        return child.state
    dropship.children_move(ctx, moves=[(order, {child_id: _S.PICKING})], reason="picking")
    return _S.PICKING
