"""The operator's work with orders: finding them, what became of them, taking them back."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from weili.entrypoints.http import answers, order_answers
from weili.entrypoints.http.calls import CallIn, change, read
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import LIMIT, CursorIn, LimitIn, OrderIdIn, PartyIdIn
from weili.entrypoints.http.order_lists import (
    FoundByIn,
    OrderCountsOut,
    SoughtIn,
    counts_document,
    export_rows,
    names_of,
    title_of,
    titles_of,
)
from weili.entrypoints.http.order_shown import cancelled, shown
from weili.entrypoints.http.orders import ReasonBody
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import dropship, goods, parties
from weili.workflows.cancel_order import cancel_any_order
from weili.workflows.read_order_story import read_order_story

router = APIRouter(tags=["operator: orders"])

PartnerQuery = Annotated[PartyIdIn | None, Query(description="only this partner's")]


@router.get("/v1/operator/orders", response_model=answers.PageOut[order_answers.OperatorOrderOut])
def operator_orders(
    call: CallIn,
    sought: SoughtIn,
    partner_id: PartnerQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List everybody's orders, the newest first."""
    sought = replace(sought, partner_id=partner_id)

    def work(ctx: Ctx) -> dict[str, Any]:
        found = dropship.orders_page(ctx, sought=sought, cursor=cursor, limit=limit)
        return page(found) | {"items": _documents(ctx, found.items)}

    return read(call, work)


@router.get("/v1/operator/orders:counts", response_model=OrderCountsOut)
def operator_order_counts(
    call: CallIn,
    found: FoundByIn,
    partner_id: PartnerQuery = None,
) -> Response:
    """Count everybody's orders by their states, up to 10,000 of each."""
    sought = replace(found, partner_id=partner_id)
    return read(call, lambda ctx: counts_document(dropship.orders_counted(ctx, sought=sought)))


@router.get("/v1/operator/orders:export", response_class=StreamingResponse, responses=FILE)
def operator_orders_export(
    call: CallIn,
    sought: SoughtIn,
    partner_id: PartnerQuery = None,
    format_: FormatQuery = "csv",
) -> Response:
    """Give all orders that a filter finds as a file, a row for each line, up to 200,000 rows."""
    sought = replace(sought, partner_id=partner_id)

    def rows(ctx: Ctx) -> Iterator[Row]:
        return export_rows(ctx, sought=sought, is_operator=True)

    return file_of(call, "orders", format_, rows)


@router.get("/v1/operator/orders/{order_id}", response_model=order_answers.OperatorOrderOut)
def operator_order(call: CallIn, order_id: OrderIdIn) -> Response:
    """Give an order of any partner."""
    return read(call, lambda ctx: _documents(ctx, [_any(ctx, order_id)])[0])


@router.get("/v1/operator/orders/{order_id}/story", response_model=order_answers.StoryOut)
def operator_order_story(call: CallIn, order_id: OrderIdIn) -> Response:
    """Tell all that became of an order in the order of time, up to 1,000 things.

    What money moved is told to who has `admin:money` as well.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        told = read_order_story(ctx, order=_any(ctx, order_id))
        return {"items": [asdict(each) | {"at": moment(each.at)} for each in told]}

    return read(call, work)


@router.get("/v1/operator/orders/{order_id}/remarks", response_model=order_answers.RemarksOut)
def operator_remarks(call: CallIn, order_id: OrderIdIn) -> Response:
    """List what a partner says of an order to you, the oldest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        _any(ctx, order_id)
        remarks = dropship.remarks_for(ctx, order_id=order_id, audience=dropship.Audience.OPERATOR)
        return {"items": [dropship.remark_document(remark) for remark in remarks]}

    return read(call, work)


@router.post("/v1/operator/orders/{order_id}:cancel", response_model=order_answers.CancelledOut)
def operator_order_cancel(call: CallIn, order_id: OrderIdIn, body: ReasonBody) -> Response:
    """Cancel what can be of an order in its partner's place; why is written down."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return cancelled(ctx, *cancel_any_order(ctx, order_id=order_id, reason=body.reason))

    return change(call, work)


def _any(ctx: Ctx, order_id: dropship.OrderId) -> dropship.Order:
    order = dropship.order_any(ctx, order_id=order_id)
    if order is None:
        raise dropship.OrderUnknown(order=id_text(dropship.ORDER_PREFIX, order_id))
    return order


def _documents(ctx: Ctx, orders: Sequence[dropship.Order]) -> list[dict[str, Any]]:
    skus = titles_of(ctx, orders)
    names = names_of(ctx, {order.partner_id for order in orders})
    documents = []
    for order in orders:
        ids = {line.sku_id for child in order.children for line in child.lines}
        documents.append(
            shown(ctx, order)
            | {
                "partner_id": id_text(parties.PARTY_PREFIX, order.partner_id),
                "partner_name": names.get(order.partner_id, ""),
                "titles": {
                    id_text(goods.SKU_PREFIX, sku_id): title_of(skus[sku_id])
                    for sku_id in sorted(ids)
                    if sku_id in skus
                },
            }
        )
    return documents
