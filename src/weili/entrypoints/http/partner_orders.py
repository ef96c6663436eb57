"""A partner's list of orders, with its counts and its file."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from weili.entrypoints.http import answers, order_answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import LIMIT, CursorIn, LimitIn
from weili.entrypoints.http.order_lists import (
    AttentionQuery,
    FromQuery,
    NumberQuery,
    OrderCountsOut,
    PhoneQuery,
    StateQuery,
    ToQuery,
    counts_document,
    export_rows,
    period_check,
)
from weili.entrypoints.http.order_shown import shown
from weili.kit.context import Ctx
from weili.modules import dropship

router = APIRouter(tags=["orders"])


@router.get("/v1/orders", response_model=answers.PageOut[order_answers.OrderOut])
def order_page(
    call: CallIn,
    *,
    state: StateQuery = None,
    is_attention: AttentionQuery = False,
    number: NumberQuery = None,
    phone: PhoneQuery = None,
    from_at: FromQuery = None,
    to_at: ToQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List your orders, the newest first."""
    period_check(from_at, to_at)
    mine = call.actor.party_id
    sought = dropship.Sought(mine, state, is_attention, number, phone, from_at, to_at)

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = dropship.orders_page(ctx, sought=sought, cursor=cursor, limit=limit)
        return page(rows.map(lambda order: shown(ctx, order)))

    return read(call, work)


@router.get("/v1/orders:counts", response_model=OrderCountsOut)
def order_counts(
    call: CallIn,
    *,
    number: NumberQuery = None,
    phone: PhoneQuery = None,
    from_at: FromQuery = None,
    to_at: ToQuery = None,
) -> Response:
    """Count your orders by their states, up to 10,000 of each."""
    period_check(from_at, to_at)
    sought = dropship.Sought(
        call.actor.party_id, number=number, phone=phone, placed_from=from_at, placed_to=to_at
    )
    return read(call, lambda ctx: counts_document(dropship.orders_counted(ctx, sought=sought)))


@router.get("/v1/orders:export", response_class=StreamingResponse, responses=FILE)
def orders_export(
    call: CallIn,
    *,
    state: StateQuery = None,
    is_attention: AttentionQuery = False,
    number: NumberQuery = None,
    phone: PhoneQuery = None,
    from_at: FromQuery = None,
    to_at: ToQuery = None,
    format_: FormatQuery = "csv",
) -> Response:
    """Give all your orders that a filter finds as a file, a row for each line."""
    period_check(from_at, to_at)
    mine = call.actor.party_id
    sought = dropship.Sought(mine, state, is_attention, number, phone, from_at, to_at)

    def rows(ctx: Ctx) -> Iterator[Row]:
        return export_rows(ctx, sought=sought, is_operator=False)

    return file_of(call, "orders", format_, rows)
