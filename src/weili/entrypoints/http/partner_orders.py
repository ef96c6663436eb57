"""A partner's list of orders, with its counts and its file."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from weili.entrypoints.http import answers, order_answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import LIMIT, CursorIn, LimitIn
from weili.entrypoints.http.order_lists import (
    FoundByIn,
    OrderCountsOut,
    SoughtIn,
    counts_document,
    export_rows,
)
from weili.entrypoints.http.order_shown import shown
from weili.kit.context import Ctx
from weili.modules import dropship

router = APIRouter(tags=["orders"])


@router.get("/v1/orders", response_model=answers.PageOut[order_answers.OrderOut])
def order_page(
    call: CallIn,
    sought: SoughtIn,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List your orders, the newest first."""
    sought = replace(sought, partner_id=call.actor.party_id)

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = dropship.orders_page(ctx, sought=sought, cursor=cursor, limit=limit)
        return page(rows.map(lambda order: shown(ctx, order)))

    return read(call, work)


@router.get("/v1/orders:counts", response_model=OrderCountsOut)
def order_counts(
    call: CallIn,
    found: FoundByIn,
) -> Response:
    """Count your orders by their states, up to 10,000 of each."""
    sought = replace(found, partner_id=call.actor.party_id)
    return read(call, lambda ctx: counts_document(dropship.orders_counted(ctx, sought=sought)))


@router.get("/v1/orders:export", response_class=StreamingResponse, responses=FILE)
def orders_export(
    call: CallIn,
    sought: SoughtIn,
    format_: FormatQuery = "csv",
) -> Response:
    """Give all your orders that a filter finds as a file, a row for each line."""
    sought = replace(sought, partner_id=call.actor.party_id)

    def rows(ctx: Ctx) -> Iterator[Row]:
        return export_rows(ctx, sought=sought, is_operator=False)

    return file_of(call, "orders", format_, rows)
