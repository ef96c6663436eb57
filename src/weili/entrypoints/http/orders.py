"""Orders as a partner sees them. Placing them is in ``hot``."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import Call, CallIn, change, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    Body,
    CursorIn,
    LimitIn,
    NumberIn,
    OrderIdIn,
    ReasonIn,
)
from weili.entrypoints.http.order_body import OrderBody
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.secrets import mask_address, mask_name, mask_phone
from weili.modules import dropship, parties
from weili.workflows.cancel_order import cancel_order
from weili.workflows.confirm_order import confirm_order
from weili.workflows.confirm_receipt import confirm_receipt
from weili.workflows.render_dropship_order import render_dropship_order

router = APIRouter(tags=["orders"])


class ReasonBody(Body):
    """Why; it is written down."""

    reason: ReasonIn


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


@router.post("/v1/orders:render", response_model=answers.RenderOut)
def order_render(call: CallIn, body: OrderBody) -> Response:
    """Show what an order would become if it were placed now; takes nothing."""

    def work(ctx: Ctx) -> dict[str, Any]:
        assessment = render_dropship_order(ctx, partner_id=call.actor.party_id, draft=body.draft())
        return dropship.render_document(assessment, language=call.language)

    return read(call, work)


@router.get("/v1/orders", response_model=answers.PageOut[answers.OrderOut])
def order_page(
    call: CallIn,
    state: Annotated[dropship.OrderState | None, Query()] = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List your orders, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = dropship.order_page(
            ctx, partner_id=call.actor.party_id, state=state, cursor=cursor, limit=limit
        )
        return page(rows.map(lambda order: shown(ctx, order)))

    return read(call, work)


@router.get("/v1/orders/by-number/{number}", response_model=answers.OrderOut)
def order_by_number(call: CallIn, number: NumberIn) -> Response:
    """Give the order that your own number names: what to ask when an answer was lost."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return shown(
            ctx, dropship.order_by_number(ctx, partner_id=call.actor.party_id, number=number)
        )

    return read(call, work)


@router.get("/v1/orders/{order_id}", response_model=answers.OrderOut)
def order_get(call: CallIn, order_id: OrderIdIn) -> Response:
    """Give one of your orders."""
    return read(call, lambda ctx: shown(ctx, _mine(ctx, call, order_id)))


@router.post("/v1/orders/{order_id}:confirm", response_model=answers.OrderOut)
def order_confirm(call: CallIn, order_id: OrderIdIn) -> Response:
    """Confirm an order that was placed on hold."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return shown(ctx, confirm_order(ctx, partner_id=call.actor.party_id, order_id=order_id))

    return change(call, work)


@router.post("/v1/orders/{order_id}:cancel", response_model=answers.OrderOut)
def order_cancel(call: CallIn, order_id: OrderIdIn) -> Response:
    """Cancel an order of which nothing has shipped.

    What a supplier already has becomes `cancelling` until the supplier answers.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        return shown(ctx, cancel_order(ctx, partner_id=call.actor.party_id, order_id=order_id))

    return change(call, work)


@router.post("/v1/orders/{order_id}:confirmReceipt", response_model=answers.OrderOut)
def order_confirm_receipt(call: CallIn, order_id: OrderIdIn) -> Response:
    """Say that your customer has everything, which completes the order."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return shown(ctx, confirm_receipt(ctx, partner_id=call.actor.party_id, order_id=order_id))

    return change(call, work)


@router.post("/v1/orders/{order_id}:revealRecipient", response_model=answers.RecipientOut)
def order_reveal_recipient(call: CallIn, order_id: OrderIdIn, body: ReasonBody) -> Response:
    """Show whom an order is sent to. Who looked and why is written down each time."""

    def work(ctx: Ctx) -> dict[str, str]:
        subject = id_text(dropship.ORDER_PREFIX, order_id)
        return revealed(ctx, _mine(ctx, call, order_id), subject=subject, reason=body.reason)

    return read(call, work)


def _mine(ctx: Ctx, call: Call, order_id: dropship.OrderId) -> dropship.Order:
    return dropship.order_get(ctx, partner_id=call.actor.party_id, order_id=order_id)
