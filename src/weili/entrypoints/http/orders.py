"""Orders as a partner sees them. Placing them is in ``hot``."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import order_answers
from weili.entrypoints.http.calls import Call, CallIn, change, read
from weili.entrypoints.http.fields import (
    AreaIn,
    Body,
    NumberIn,
    OrderIdIn,
    PackageIdIn,
    ReasonIn,
)
from weili.entrypoints.http.order_body import OrderBody, RecipientBody
from weili.entrypoints.http.order_shown import cancelled, revealed, shown
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import dropship
from weili.workflows.cancel_order import cancel_order
from weili.workflows.change_address import change_address
from weili.workflows.confirm_order import confirm_order
from weili.workflows.confirm_receipt import confirm_receipt
from weili.workflows.intercept_order import intercept_order
from weili.workflows.render_dropship_order import render_dropship_order

router = APIRouter(tags=["orders"])


class ReasonBody(Body):
    """Why; it is written down."""

    reason: ReasonIn


class InterceptBody(Body):
    """What to stop: one package, or if none is named all that are on their way."""

    package_id: PackageIdIn | None = None


class AddressBody(Body):
    """Where the order is to go instead."""

    area_code: AreaIn
    recipient: RecipientBody


class RemarkBody(Body):
    """What is to be said, and to whom."""

    audience: Annotated[dropship.Audience, Field(strict=False)]
    text: Annotated[str, Field(min_length=1, max_length=dropship.REMARK_LENGTH_MAX)]


class OrderSettingsBody(Body):
    """What becomes of an order that the balance does not cover."""

    low_balance: Annotated[dropship.LowBalance, Field(strict=False)]


@router.post("/v1/orders:render", response_model=order_answers.RenderOut)
def order_render(call: CallIn, body: OrderBody) -> Response:
    """Show what an order would become if it were placed now; takes nothing."""

    def work(ctx: Ctx) -> dict[str, Any]:
        assessment = render_dropship_order(ctx, partner_id=call.actor.party_id, draft=body.draft())
        return dropship.render_document(assessment, language=call.language)

    return read(call, work)


@router.get("/v1/orders/by-number/{number}", response_model=order_answers.OrderOut)
def order_by_number(call: CallIn, number: NumberIn) -> Response:
    """Give the order that your own number names: what to ask when an answer was lost."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return shown(
            ctx, dropship.order_by_number(ctx, partner_id=call.actor.party_id, number=number)
        )

    return read(call, work)


@router.get("/v1/orders/{order_id}", response_model=order_answers.OrderOut)
def order_get(call: CallIn, order_id: OrderIdIn) -> Response:
    """Give one of your orders."""
    return read(call, lambda ctx: shown(ctx, _mine(ctx, call, order_id)))


@router.post("/v1/orders/{order_id}:confirm", response_model=order_answers.OrderOut)
def order_confirm(call: CallIn, order_id: OrderIdIn) -> Response:
    """Confirm an order that was placed on hold."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return shown(ctx, confirm_order(ctx, partner_id=call.actor.party_id, order_id=order_id))

    return change(call, work)


@router.post("/v1/orders/{order_id}:cancel", response_model=order_answers.CancelledOut)
def order_cancel(call: CallIn, order_id: OrderIdIn) -> Response:
    """Cancel what can be of an order, and say what came of it for each child order.

    What a supplier already has is `accepted`: it is `cancelling` until the supplier answers. What
    has shipped is `refused`; ask to intercept it.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        done = cancel_order(ctx, partner_id=call.actor.party_id, order_id=order_id)
        return cancelled(ctx, *done)

    return change(call, work)


@router.post("/v1/orders/{order_id}:intercept", response_model=order_answers.OrderOut)
def order_intercept(call: CallIn, order_id: OrderIdIn, body: InterceptBody) -> Response:
    """Ask to stop a package that is on its way, or all of them.

    The answer comes as a message: `order.returning`, or `order.intercept_failed`.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        return shown(
            ctx,
            intercept_order(
                ctx,
                partner_id=call.actor.party_id,
                order_id=order_id,
                package_id=body.package_id,
            ),
        )

    return change(call, work)


@router.post("/v1/orders/{order_id}:changeAddress", response_model=order_answers.OrderOut)
def order_change_address(call: CallIn, order_id: OrderIdIn, body: AddressBody) -> Response:
    """Send an order elsewhere, as long as it is not being picked and the same warehouses serve it.

    The freight becomes that of the new area; whom it went to before is written over.
    """

    def work(ctx: Ctx) -> dict[str, Any] | dropship.BalanceTooLow:
        to = body.recipient
        order = change_address(
            ctx,
            partner_id=call.actor.party_id,
            order_id=order_id,
            area_code=body.area_code,
            recipient=dropship.Recipient(to.name, to.phone, to.address),
        )
        return order if isinstance(order, dropship.BalanceTooLow) else shown(ctx, order)

    return change(call, work)


@router.post(
    "/v1/orders/{order_id}/remarks", response_model=order_answers.RemarkOut, status_code=201
)
def order_remark(call: CallIn, order_id: OrderIdIn, body: RemarkBody) -> Response:
    """Say something of an order to the operator, or to those who ship it. No personal data."""

    def work(ctx: Ctx) -> dict[str, Any]:
        remark = dropship.remark_write(
            ctx,
            partner_id=call.actor.party_id,
            order_id=order_id,
            audience=body.audience,
            text=body.text,
        )
        return dropship.remark_document(remark)

    return change(call, work, status=201)


@router.get("/v1/orders/{order_id}/remarks", response_model=order_answers.RemarksOut)
def order_remarks(call: CallIn, order_id: OrderIdIn) -> Response:
    """List what you said of an order, the oldest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        remarks = dropship.remarks_get(ctx, partner_id=call.actor.party_id, order_id=order_id)
        return {"items": [dropship.remark_document(remark) for remark in remarks]}

    return read(call, work)


@router.get("/v1/order-settings", response_model=order_answers.OrderSettingsOut)
def order_settings_get(call: CallIn) -> Response:
    """Say what becomes of your orders that your balance does not cover."""

    def work(ctx: Ctx) -> dict[str, str]:
        choice = dropship.low_balance_get(ctx, partner_id=call.actor.party_id)
        return {"low_balance": choice.value}

    return read(call, work)


@router.put("/v1/order-settings", response_model=order_answers.OrderSettingsOut)
def order_settings_put(call: CallIn, body: OrderSettingsBody) -> Response:
    """Choose what becomes of your orders that your balance does not cover.

    `refuse` them, or let them `wait`, with their stock kept, for a day; a top-up then releases
    them in the order in which they came.
    """

    def work(ctx: Ctx) -> dict[str, str]:
        dropship.low_balance_put(ctx, partner_id=call.actor.party_id, choice=body.low_balance)
        return {"low_balance": body.low_balance.value}

    return read(call, work)


@router.post("/v1/orders/{order_id}:confirmReceipt", response_model=order_answers.OrderOut)
def order_confirm_receipt(call: CallIn, order_id: OrderIdIn) -> Response:
    """Say that your customer has everything, which completes the order."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return shown(ctx, confirm_receipt(ctx, partner_id=call.actor.party_id, order_id=order_id))

    return change(call, work)


@router.post("/v1/orders/{order_id}:revealRecipient", response_model=order_answers.RecipientOut)
def order_reveal_recipient(call: CallIn, order_id: OrderIdIn, body: ReasonBody) -> Response:
    """Show whom an order is sent to. Who looked and why is written down each time."""

    def work(ctx: Ctx) -> dict[str, str]:
        subject = id_text(dropship.ORDER_PREFIX, order_id)
        return revealed(ctx, _mine(ctx, call, order_id), subject=subject, reason=body.reason)

    return read(call, work)


def _mine(ctx: Ctx, call: Call, order_id: dropship.OrderId) -> dropship.Order:
    return dropship.order_get(ctx, partner_id=call.actor.party_id, order_id=order_id)
