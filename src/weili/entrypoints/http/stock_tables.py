"""What lies where, as tables and files; what an area can have, and why; whom warehouses serve."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from weili.entrypoints.http import answers, stock_answers
from weili.entrypoints.http.calls import Call, CallIn, read
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import (
    LIMIT,
    AreaIn,
    Body,
    CursorIn,
    Document,
    LimitIn,
    QuantityIn,
    SkuIdIn,
    TitleIn,
    WarehouseIdIn,
)
from weili.entrypoints.http.look_documents import availability_document
from weili.entrypoints.http.stock_put import level_document
from weili.kit.context import SYSTEM, Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.pages import LIMIT_MAX, Page
from weili.modules import goods, inventory, parties, regions
from weili.workflows.explain_area import AreaAnswer, explain_areas

router = APIRouter()

ASKED_SKUS_MAX = 20
ASKED_AREAS_MAX = 10
HEAD = (
    "sku_id",
    "supplier_code",
    "title",
    "variant",
    "warehouse_id",
    "warehouse_code",
    "warehouse",
    "on_hand",
    "reserved",
    "shared",
    "safety",
    "available",
    "in_transit",
    "low_below",
    "changed_at",
)

WarehouseQuery = Annotated[WarehouseIdIn | None, Query(description="only what lies there")]
SkuQuery = Annotated[SkuIdIn | None, Query(description="only this SKU")]
WordsQuery = Annotated[
    TitleIn | None,
    Query(description="words in the title; of more than 200 such SKUs the first 200"),
]
NeedQuery = Annotated[
    inventory.StockNeed | None,
    Query(description="only what runs low (below its mark), or has nothing left to promise"),
]


class Filters(NamedTuple):
    """What a table of stock, and the file of it, are filtered by."""

    words: str | None
    sku_id: goods.SkuId | None
    warehouse_id: inventory.WarehouseId | None
    need: inventory.StockNeed | None


async def filters_of(
    q: WordsQuery = None,
    sku_id: SkuQuery = None,
    warehouse_id: WarehouseQuery = None,
    need: NeedQuery = None,
) -> Filters:
    """Read the filters of a request."""
    return Filters(q, sku_id, warehouse_id, need)


FiltersIn = Annotated[Filters, Depends(filters_of)]


class StockRowOut(stock_answers.StockLevelOut):
    """A place with what lies in it, what may be promised, and what is on its way."""

    title: str
    variant: str
    supplier_code: str
    warehouse_code: str
    warehouse: str
    supplier: str
    available: Annotated[int, Field(description="below zero where safety was raised")]
    in_transit: int
    changed_at: answers.MomentOut


class AreasBody(Body):
    """Which SKUs, and where to; so many of each."""

    sku_ids: Annotated[list[SkuIdIn], Field(min_length=1, max_length=ASKED_SKUS_MAX)]
    area_codes: Annotated[list[AreaIn], Field(min_length=1, max_length=ASKED_AREAS_MAX)]
    quantity: QuantityIn = 1


class WarehouseNoteOut(Document):
    """What was thought of a warehouse that serves the area, the one asked first before all."""

    warehouse_id: answers.WarehouseIdOut
    warehouse: str
    rank: int
    priority: int
    lead_days: int
    ships_on: answers.DayOut | None
    verdict: inventory.Verdict


class AreaAnswerOut(stock_answers.AvailabilityOut):
    """Whether so many can be had in an area, and what each warehouse has to do with it."""

    area_name: str
    warehouses: list[WarehouseNoteOut]


class AreaAnswersOut(Document):
    """Answers by SKU, then by area, in the order of the questions."""

    items: list[AreaAnswerOut]


class CoverageOut(Document):
    """A region that a warehouse serves; the lowest priority is asked first."""

    region_code: str
    region_name: str
    priority: int
    lead_days: int


class CoveragesOut(Document):
    """The regions that a warehouse serves, by their codes."""

    items: list[CoverageOut]


@router.get(
    "/v1/operator/stock",
    response_model=answers.PageOut[StockRowOut],
    tags=["operator: stock"],
)
def operator_stock_page(
    call: CallIn,
    filters: FiltersIn,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List what lies where."""
    return _listed(call, None, filters, cursor, limit)


@router.get(
    "/v1/operator/stock:export",
    response_class=StreamingResponse,
    responses=FILE,
    tags=["operator: stock"],
)
def operator_stock_export(
    call: CallIn,
    filters: FiltersIn,
    format_: FormatQuery = "csv",
) -> Response:
    """Give all places that the same filters list, as a file."""
    return _exported(call, None, filters, format_)


@router.get("/v1/supply/stock", response_model=answers.PageOut[StockRowOut], tags=["supply"])
def supply_stock_page(
    call: CallIn,
    filters: FiltersIn,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List what lies in your warehouses."""
    own = call.actor.party_id
    return _listed(call, own, filters, cursor, limit)


@router.get(
    "/v1/supply/stock:export",
    response_class=StreamingResponse,
    responses=FILE,
    tags=["supply"],
)
def supply_stock_export(
    call: CallIn,
    filters: FiltersIn,
    format_: FormatQuery = "csv",
) -> Response:
    """Give all places of yours that the same filters list, as a file."""
    return _exported(call, call.actor.party_id, filters, format_)


@router.post(
    "/v1/operator/availability:explain", response_model=AreaAnswersOut, tags=["operator: stock"]
)
def availability_explain(call: CallIn, body: AreasBody) -> Response:
    """Say what areas can have of SKUs, and which warehouse is to send it or why it is not.

    Answered as for a partner that holds no share. Nothing is promised: only an order reserves.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        found = explain_areas(
            ctx, sku_ids=body.sku_ids, area_codes=body.area_codes, quantity=body.quantity
        )
        names = regions.full_names(ctx, codes=body.area_codes)
        houses = inventory.warehouses_get(
            ctx, warehouse_ids=[note.warehouse_id for each in found for note in each.notes]
        )
        return {
            "items": [
                _answer(each, names.get(each.area_code, ""), houses, body.quantity)
                for each in found
            ]
        }

    return read(call, work)


@router.get(
    "/v1/operator/warehouses/{warehouse_id}/coverage",
    response_model=CoveragesOut,
    tags=["operator: stock"],
)
def coverage_get(call: CallIn, warehouse_id: WarehouseIdIn) -> Response:
    """Say which regions a warehouse serves."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = inventory.coverage_get(ctx, warehouse_ids=[warehouse_id])[warehouse_id]
        names = regions.full_names(ctx, codes=[row.region_code for row in rows])
        return {
            "items": [
                {
                    "region_code": row.region_code,
                    "region_name": names.get(row.region_code, ""),
                    "priority": row.priority,
                    "lead_days": row.lead_days,
                }
                for row in rows
            ]
        }

    return read(call, work)


def _listed(
    call: Call, supplier_id: PartyId | None, filters: Filters, cursor: str | None, limit: int
) -> Response:
    def work(ctx: Ctx) -> dict[str, Any]:
        rows = _rows(ctx, supplier_id, filters, cursor, limit)
        return page(Page(_documents(ctx, rows.items), rows.next_cursor))

    return read(call, work)


def _exported(call: Call, supplier_id: PartyId | None, filters: Filters, format_: str) -> Response:
    def rows(ctx: Ctx) -> Iterator[Row]:
        yield HEAD
        cursor: str | None = None
        while True:
            found = _rows(ctx, supplier_id, filters, cursor, LIMIT_MAX)
            for each in _documents(ctx, found.items):
                yield [each[name] for name in HEAD]
            cursor = found.next_cursor
            if cursor is None:
                return

    return file_of(call, "stock", format_, rows)


def _rows(
    ctx: Ctx, supplier_id: PartyId | None, filters: Filters, cursor: str | None, limit: int
) -> Page[inventory.StockRow]:
    words, sku_id, warehouse_id, need = filters
    sku_ids: list[goods.SkuId] | None = None if sku_id is None else [sku_id]
    if words is not None:
        # Who counts stock may find what lies there, and need not keep the goods.
        found = goods.sku_page(
            ctx.acting(SYSTEM),
            partner_id=None,
            supplier_id=supplier_id,
            query=words,
            limit=LIMIT_MAX,
        )
        ids = [sku.id for sku in found.items]
        sku_ids = ids if sku_ids is None else [each for each in ids if each in sku_ids]
    return inventory.stock_rows(
        ctx,
        supplier_id=supplier_id,
        warehouse_id=warehouse_id,
        sku_ids=sku_ids,
        need=need,
        cursor=cursor,
        limit=limit,
    )


def _documents(ctx: Ctx, rows: Sequence[inventory.StockRow]) -> list[dict[str, Any]]:
    skus = goods.skus_get(ctx, sku_ids=list({row.level.sku_id for row in rows}))
    houses = inventory.warehouses_get(ctx, warehouse_ids=[row.level.warehouse_id for row in rows])
    owners = parties.parties_get(ctx, party_ids={house.supplier_id for house in houses.values()})
    return [
        level_document(row.level)
        | {
            "title": skus[row.level.sku_id].title,
            "variant": skus[row.level.sku_id].variant,
            "supplier_code": skus[row.level.sku_id].supplier_code,
            "warehouse_code": houses[row.level.warehouse_id].code,
            "warehouse": houses[row.level.warehouse_id].name,
            "supplier": owners[houses[row.level.warehouse_id].supplier_id].name,
            "available": row.level.available,
            "in_transit": row.in_transit,
            "changed_at": moment(row.changed_at),
        }
        for row in rows
    ]


def _answer(
    each: AreaAnswer,
    area_name: str,
    houses: dict[inventory.WarehouseId, inventory.Warehouse],
    quantity: int,
) -> dict[str, Any]:
    sku_id = id_text(goods.SKU_PREFIX, each.sku_id)
    told = availability_document(sku_id, quantity, each.area_code, each.found)
    return msgspec.structs.asdict(told) | {
        "area_name": area_name,
        "warehouses": [
            {
                "warehouse_id": id_text(inventory.WAREHOUSE_PREFIX, note.warehouse_id),
                "warehouse": houses[note.warehouse_id].name,
                "rank": note.rank,
                "priority": note.priority,
                "lead_days": note.lead_days,
                "ships_on": note.ships_on and note.ships_on.isoformat(),
                "verdict": str(note.verdict),
            }
            for note in each.notes
        ],
    }
