"""What stands on price lists: tier by tier, of one SKU on all lists, and as a file."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from weili.entrypoints.http import answers
from weili.entrypoints.http.answers import Fen, ListIdOut, MomentOut, SkuIdOut
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import (
    LIMIT,
    CursorIn,
    Document,
    LimitIn,
    ListIdIn,
    SkuIdIn,
    TitleIn,
)
from weili.kit.context import SYSTEM, Ctx
from weili.kit.ids import id_text
from weili.kit.pages import LIMIT_MAX, Page, cursor_id, page_of
from weili.modules import goods, pricing

router = APIRouter(tags=["operator: prices"])

QueryIn = Annotated[
    TitleIn | None, Query(description="words in the title; then SKUs without a price come too")
]
HEAD = (
    "sku_id",
    "supplier_code",
    "title",
    "variant",
    "unit_cost_minor",
    "compare_at_minor",
    "quantity_min",
    "unit_price_minor",
    "valid_from",
    "valid_to",
    "version",
)


class ListTierOut(Document):
    """A price from a quantity on: what holds now (no times), or what holds for a time."""

    list_id: ListIdOut
    quantity_min: int
    unit_price_minor: Fen
    valid_from: MomentOut | None
    valid_to: MomentOut | None
    version: int


class PricedSkuOut(Document):
    """An SKU with its cost and its prices."""

    sku_id: SkuIdOut
    title: str
    variant: str
    supplier_code: str
    state: goods.SkuState
    unit_cost_minor: Fen | None
    compare_at_minor: Annotated[int | None, Field(description="while it stands; in fen")]
    tiers: list[ListTierOut]


@router.get(
    "/v1/operator/price-lists/{list_id}/prices", response_model=answers.PageOut[PricedSkuOut]
)
def list_prices(
    call: CallIn,
    list_id: ListIdIn,
    q: QueryIn = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List the SKUs that a list has prices of, with what they cost."""

    def work(ctx: Ctx) -> dict[str, Any]:
        pricing.list_get(ctx, list_id=list_id)
        rows = _sku_ids(ctx, list_id, q, cursor, limit)
        return {
            "items": _priced(ctx, rows.items, list_id),
            "next_cursor": rows.next_cursor,
        }

    return read(call, work)


@router.get(
    "/v1/operator/price-lists/{list_id}/prices:export",
    response_class=StreamingResponse,
    responses=FILE,
)
def list_prices_export(
    call: CallIn, list_id: ListIdIn, q: QueryIn = None, format_: FormatQuery = "csv"
) -> Response:
    """Give all prices that the same filters list, as a file."""

    def rows(ctx: Ctx) -> Iterator[Row]:
        pricing.list_get(ctx, list_id=list_id)
        yield HEAD
        cursor: str | None = None
        while True:
            found = _sku_ids(ctx, list_id, q, cursor, LIMIT_MAX)
            for sku in _priced(ctx, found.items, list_id):
                about = (
                    sku["sku_id"],
                    sku["supplier_code"],
                    sku["title"],
                    sku["variant"],
                    sku["unit_cost_minor"],
                    sku["compare_at_minor"],
                )
                for tier in sku["tiers"]:
                    yield (
                        *about,
                        tier["quantity_min"],
                        tier["unit_price_minor"],
                        tier["valid_from"],
                        tier["valid_to"],
                        tier["version"],
                    )
            cursor = found.next_cursor
            if cursor is None:
                return

    return file_of(call, "prices", format_, rows)


@router.get("/v1/operator/skus/{sku_id}/prices", response_model=PricedSkuOut)
def sku_prices(call: CallIn, sku_id: SkuIdIn) -> Response:
    """Give what an SKU costs, and its prices on every list."""

    def work(ctx: Ctx) -> dict[str, Any]:
        goods.sku_get(ctx.acting(SYSTEM), sku_id=sku_id, partner_id=None)
        [found] = _priced(ctx, [sku_id], None)
        return found

    return read(call, work)


def _sku_ids(
    ctx: Ctx, list_id: pricing.ListId, q: str | None, cursor: str | None, limit: int
) -> Page[goods.SkuId]:
    """Give a page of the SKUs that a list has prices of, or that have words in their title."""
    if q is not None:
        # Who sets prices may find what they are for, and need not keep the goods.
        found = goods.sku_page(
            ctx.acting(SYSTEM), partner_id=None, query=q, cursor=cursor, limit=limit
        )
        return found.map(lambda sku: sku.id)
    after = cursor_id(cursor)
    tiers = pricing.tiers_after(
        ctx,
        list_id=list_id,
        after=None if after is None else goods.SkuId(after),
        limit=min(limit, LIMIT_MAX - 1) + 1,
    )
    ids = list(dict.fromkeys(key.sku_id for key, *_ in tiers))
    return page_of(ids, limit=min(limit, LIMIT_MAX - 1), key=lambda sku_id: sku_id.hex)


def _priced(
    ctx: Ctx, sku_ids: Sequence[goods.SkuId], list_id: pricing.ListId | None
) -> list[dict[str, Any]]:
    tiers: dict[goods.SkuId, list[dict[str, Any]]] = {sku_id: [] for sku_id in sku_ids}
    for key, amount_minor, begins, ends, version in pricing.tiers_of(
        ctx, sku_ids=list(sku_ids), list_id=list_id
    ):
        tiers[key.sku_id].append(
            {
                "list_id": id_text(pricing.LIST_PREFIX, key.list_id),
                "quantity_min": key.quantity_min,
                "unit_price_minor": amount_minor,
                "valid_from": moment(begins),
                "valid_to": moment(ends),
                "version": version,
            }
        )
    costs = pricing.costs_of(ctx, sku_ids=list(sku_ids))
    compared = pricing.compare_at_of(ctx, sku_ids=list(sku_ids))
    skus = goods.skus_get(ctx, sku_ids=list(sku_ids))
    return [
        {
            "sku_id": id_text(goods.SKU_PREFIX, sku_id),
            "title": skus[sku_id].title,
            "variant": skus[sku_id].variant,
            "supplier_code": skus[sku_id].supplier_code,
            "state": str(skus[sku_id].state),
            "unit_cost_minor": costs.get(sku_id),
            "compare_at_minor": compared[sku_id].compare_at_minor if sku_id in compared else None,
            "tiers": tiers[sku_id],
        }
        for sku_id in sku_ids
    ]
