"""How an order is shown, whoever asks."""

from collections.abc import Mapping
from typing import Any

from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.secrets import mask_address, mask_name, mask_phone
from weili.modules import dropship, parties
from weili.workflows.cancel_order import CancelOutcome


def masked(ctx: Ctx, order: dropship.Order) -> dict[str, str]:
    """Show an order's recipient masked."""
    to = dropship.recipient_open(ctx, order=order)
    return {
        "name": mask_name(to.name),
        "phone": mask_phone(to.phone),
        "address": mask_address(to.address),
    }


def shown(ctx: Ctx, order: dropship.Order) -> dict[str, Any]:
    """Show an order as it stands now."""
    return dropship.order_document(order) | {"recipient": masked(ctx, order)}


def revealed(ctx: Ctx, order: dropship.Order, *, subject: str, reason: str) -> dict[str, str]:
    """Write down who looks and why, then show an order's recipient."""
    ctx.require("recipients:reveal")
    parties.audit_write(ctx, action="recipient.reveal", subject=subject, reason=reason)
    to = dropship.recipient_open(ctx, order=order)
    return {"name": to.name, "phone": to.phone, "address": to.address}


def cancelled(
    ctx: Ctx, order: dropship.Order, outcomes: Mapping[dropship.ChildId, CancelOutcome]
) -> dict[str, Any]:
    """Show an order of which what could be was cancelled, and what came of each child."""
    return shown(ctx, order) | {
        "outcomes": [
            {"child_id": id_text(dropship.CHILD_PREFIX, child_id), "outcome": outcome.value}
            for child_id, outcome in outcomes.items()
        ]
    }
