"""The operator's work with goods, prices and stock."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers, goods_answers, stock_answers
from weili.entrypoints.http.calls import CallIn, change, in_list, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    RANK_MAX,
    ROWS_MAX,
    AreaIn,
    Body,
    CodeIn,
    CursorIn,
    Document,
    LimitIn,
    PartyIdIn,
    PoolIdIn,
    SkuIdIn,
    TitleIn,
    WarehouseIdIn,
)
from weili.entrypoints.http.goods import (
    CategoryQuery,
    ParentQuery,
    PoolQuery,
    QueryIn,
    categories_document,
    operator_sku_document,
    pool_document,
)
from weili.entrypoints.http.operator_parties import party_of
from weili.entrypoints.http.stock_put import StockPutBody, stock_put
from weili.entrypoints.http.warehouses import warehouse_document
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import goods, inventory, parties
from weili.workflows.fit_pools import Misfit, PoolMisfit, fill_pool, pool_misfits

router = APIRouter(tags=["operator: trade"])


class SkuIdsBody(Body):
    """The SKUs that it is about."""

    sku_ids: Annotated[list[SkuIdIn], Field(min_length=1, max_length=ROWS_MAX)]


class ShelveBody(SkuIdsBody):
    """The SKUs to put on the shelf or take off it."""

    state: Literal["on_shelf", "off_shelf"]


class MisfitOut(Document):
    """An SKU outside of its pool's profile: why, and what partners who have the pool pay for one.

    The prices are those of the smallest quantity; before anybody has the pool, the default list's.
    """

    sku_id: answers.SkuIdOut
    reasons: list[Misfit]
    price_lowest_minor: int | None
    price_highest_minor: int | None


class PoolFilledOut(Document):
    """How many came or went; of those put, up to 100 that lie outside of the pool's price band."""

    changed: int
    misfits: list[MisfitOut]


class PoolSkusBody(Body):
    """What to put into a pool and what to take out of it."""

    put: Annotated[list[SkuIdIn], Field(max_length=ROWS_MAX)] = Field(default_factory=list)
    take: Annotated[list[SkuIdIn], Field(max_length=ROWS_MAX)] = Field(default_factory=list)


class NameBody(Body):
    """Something that has a name."""

    name: TitleIn


class WarehouseBody(Body):
    """A place from which a supplier's goods leave; ``code`` is the supplier's own name for it."""

    supplier_id: PartyIdIn
    code: CodeIn
    name: TitleIn
    region_code: AreaIn


class CoverageRowBody(Body):
    """A region that a warehouse serves; the lowest priority is asked first."""

    region_code: AreaIn
    priority: Annotated[int, Field(ge=0, le=RANK_MAX)]
    lead_days: Annotated[int, Field(ge=0, le=RANK_MAX)]


class CoverageBody(Body):
    """Up to 1,000 regions; those that are not named stay as they are."""

    regions: Annotated[list[CoverageRowBody], Field(min_length=1, max_length=ROWS_MAX)]


SupplierQuery = Annotated[PartyIdIn | None, Query(description="only this supplier's")]
StateQuery = Annotated[goods.SkuState | None, Query(description="only what is in this state")]


@router.get("/v1/operator/categories", response_model=goods_answers.CategoriesOut)
def operator_category_children(call: CallIn, parent_id: ParentQuery = None) -> Response:
    """List all categories right below one."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = goods.category_children(ctx, partner_id=None, parent_id=parent_id)
        return categories_document(found)

    return read(call, work)


@router.get("/v1/operator/skus", response_model=answers.PageOut[goods_answers.OperatorSkuOut])
def operator_sku_page(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    q: QueryIn = None,
    category_id: CategoryQuery = None,
    pool_id: PoolQuery = None,
    state: StateQuery = None,
    supplier_id: SupplierQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List all SKUs, in whatever state unless one is named."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = goods.sku_page(
            ctx,
            partner_id=None,
            cursor=cursor,
            limit=limit,
            query=q,
            category_id=category_id,
            pool_id=pool_id,
            state=state,
            supplier_id=supplier_id,
        )
        return page(rows.map(operator_sku_document))

    return read(call, work)


@router.post("/v1/operator/skus:shelve", response_model=answers.CountOut)
def skus_shelve(call: CallIn, body: ShelveBody) -> Response:
    """Put SKUs on the shelf or take them off it, all of them or none."""

    def work(ctx: Ctx) -> dict[str, int]:
        state = goods.SkuState(body.state)
        return {"changed": goods.sku_shelve(ctx, sku_ids=body.sku_ids, state=state)}

    return change(call, work)


@router.post("/v1/operator/pools", response_model=goods_answers.PoolOut, status_code=201)
def pool_open(call: CallIn, body: NameBody) -> Response:
    """Open an empty pool."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return pool_document(goods.Pool(goods.pool_open(ctx, name=body.name), body.name))

    return change(call, work, status=201)


@router.get("/v1/operator/pools", response_model=answers.PageOut[goods_answers.PoolOut])
def operator_pool_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List all pools."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return page(
            goods.pool_page(ctx, partner_id=None, cursor=cursor, limit=limit).map(pool_document)
        )

    return read(call, work)


@router.put("/v1/operator/pools/{pool_id}/skus", response_model=PoolFilledOut)
def pool_skus_put(call: CallIn, pool_id: PoolIdIn, body: PoolSkusBody) -> Response:
    """Put SKUs into a pool and take others out; says how many came or went.

    Other categories or brand kinds than the pool's are refused. What lies outside of its price
    band is put in and listed in the answer.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        filled = fill_pool(ctx, pool_id=pool_id, put=body.put, take=body.take)
        return {"changed": filled.changed, "misfits": [*map(_misfit_document, filled.misfits)]}

    return read(call, work)


@router.get("/v1/operator/pools/{pool_id}/misfits", response_model=answers.PageOut[MisfitOut])
def pool_misfits_page(
    call: CallIn, pool_id: PoolIdIn, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List the SKUs of a pool that lie outside of its profile, by the prices of this moment.

    A page may be short, or empty, although there is a `next_cursor`: ask on until there is none.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        found = pool_misfits(ctx, pool_id=pool_id, cursor=cursor, limit=limit)
        return page(found.map(_misfit_document))

    return read(call, work)


@router.put("/v1/operator/pools/{pool_id}/grants/{party_id}", response_model=answers.DoneOut)
def pool_grant(call: CallIn, pool_id: PoolIdIn, party_id: PartyIdIn) -> Response:
    """Let a partner order from a pool."""

    def work(ctx: Ctx) -> dict[str, bool]:
        party_of(ctx, party_id, parties.PartyKind.PARTNER)
        goods.pool_grant(ctx, pool_id=pool_id, partner_id=party_id)
        return {"done": True}

    return read(call, work)


@router.delete("/v1/operator/pools/{pool_id}/grants/{party_id}", response_model=answers.DoneOut)
def pool_revoke(call: CallIn, pool_id: PoolIdIn, party_id: PartyIdIn) -> Response:
    """Take a pool back from a partner."""

    def work(ctx: Ctx) -> dict[str, bool]:
        goods.pool_revoke(ctx, pool_id=pool_id, partner_id=party_id)
        return {"done": True}

    return read(call, work)


@router.post("/v1/operator/warehouses", response_model=stock_answers.WarehouseOut, status_code=201)
def warehouse_open(call: CallIn, body: WarehouseBody) -> Response:
    """Open a warehouse; it serves nobody until it is given coverage."""

    def work(ctx: Ctx) -> dict[str, Any]:
        supplier = party_of(ctx, body.supplier_id, parties.PartyKind.SUPPLIER)
        made = inventory.warehouse_open(
            ctx,
            code=body.code,
            supplier_id=supplier.id,
            name=body.name,
            region_code=body.region_code,
        )
        return warehouse_document(made)

    return change(call, work, status=201)


@router.get("/v1/operator/warehouses", response_model=answers.PageOut[stock_answers.WarehouseOut])
def warehouse_page(
    call: CallIn,
    supplier_id: SupplierQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List warehouses."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = inventory.warehouse_page(ctx, supplier_id=supplier_id, cursor=cursor, limit=limit)
        return page(rows.map(warehouse_document))

    return read(call, work)


@router.put("/v1/operator/warehouses/{warehouse_id}/coverage", response_model=answers.DoneOut)
def coverage_put(call: CallIn, warehouse_id: WarehouseIdIn, body: CoverageBody) -> Response:
    """Let a warehouse serve regions."""

    def work(ctx: Ctx) -> dict[str, bool]:
        rows = [
            inventory.CoverageRow(row.region_code, row.priority, row.lead_days)
            for row in body.regions
        ]
        inventory.coverage_put(ctx, warehouse_id=warehouse_id, rows=rows)
        return {"done": True}

    return read(call, in_list("regions", work))


@router.delete(
    "/v1/operator/warehouses/{warehouse_id}/coverage/{code}", response_model=answers.CountOut
)
def coverage_take(call: CallIn, warehouse_id: WarehouseIdIn, code: AreaIn) -> Response:
    """Let a warehouse no longer serve a region; `changed` is 0 where it did not.

    A wider region that it serves still holds here. Orders that it was to ship stay its own.
    """

    def work(ctx: Ctx) -> dict[str, int]:
        taken = inventory.coverage_take(ctx, warehouse_id=warehouse_id, region_codes=[code])
        return {"changed": taken}

    return read(call, work)


@router.put("/v1/operator/stock", response_model=stock_answers.StockLevelsOut)
def operator_stock_put(call: CallIn, body: StockPutBody) -> Response:
    """Say how many pieces lie where: what was counted, not what was moved."""
    return read(call, in_list("changes", lambda ctx: stock_put(ctx, body)))


def _misfit_document(misfit: PoolMisfit) -> dict[str, Any]:
    return {
        "sku_id": id_text(goods.SKU_PREFIX, misfit.sku_id),
        "reasons": [str(reason) for reason in misfit.reasons],
        "price_lowest_minor": misfit.price_lowest_minor,
        "price_highest_minor": misfit.price_highest_minor,
    }
