"""Shows what an order would become, without placing it."""

from weili.kit.context import Ctx, PartyId
from weili.modules import dropship
from weili.workflows.order_snapshot import order_snapshot


def render_dropship_order(
    ctx: Ctx, *, partner_id: PartyId, draft: dropship.OrderDraft
) -> dropship.Assessment:
    """Decide an order as placing it now would, take nothing, and list all that speaks against it.

    It says of each warehouse that serves the area why it was chosen or passed over.

    Raises: Forbidden.
    """
    ctx.require("orders:read")
    snapshot = order_snapshot(ctx, wanted=[(partner_id, draft)], lock=False)
    return dropship.assess(snapshot, partner_id, draft, explained=True)
