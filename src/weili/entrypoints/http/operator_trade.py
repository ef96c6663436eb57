"""The operator's work with goods, prices and stock."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, change, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    QUANTITY_MIN_MAX,
    RANK_MAX,
    ROWS_MAX,
    AmountIn,
    AreaIn,
    Body,
    CodeIn,
    CursorIn,
    LimitIn,
    ListIdIn,
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
from weili.modules import goods, inventory, parties, pricing

router = APIRouter(tags=["operator: trade"])


class SkuIdsBody(Body):
    """The SKUs that it is about."""

    sku_ids: Annotated[list[SkuIdIn], Field(min_length=1, max_length=ROWS_MAX)]


class ShelveBody(SkuIdsBody):
    """The SKUs to put on the shelf or take off it."""

    state: Literal["on_shelf", "off_shelf"]


class PoolSkusBody(Body):
    """What to put into a pool and what to take out of it."""

    put: Annotated[list[SkuIdIn], Field(max_length=ROWS_MAX)] = Field(default_factory=list)
    take: Annotated[list[SkuIdIn], Field(max_length=ROWS_MAX)] = Field(default_factory=list)


class NameBody(Body):
    """Something that has a name."""

    name: TitleIn


class ListBody(NameBody):
    """A price list; the one default list fills the gaps of all others."""

    is_default: bool = False


class PriceBody(Body):
    """What one piece costs a partner who takes at least ``quantity_min``."""

    sku_id: SkuIdIn
    quantity_min: Annotated[int, Field(ge=1, le=QUANTITY_MIN_MAX)] = 1
    unit_price_minor: AmountIn


class PricesBody(Body):
    """Up to 1,000 prices; tiers that are not named stay."""

    prices: Annotated[list[PriceBody], Field(min_length=1, max_length=ROWS_MAX)]


class CostBody(Body):
    """What one piece costs the platform."""

    sku_id: SkuIdIn
    unit_cost_minor: AmountIn


class CostsBody(Body):
    """Up to 1,000 costs."""

    costs: Annotated[list[CostBody], Field(min_length=1, max_length=ROWS_MAX)]


class FreightRuleBody(Body):
    """Freight to a region: a fee an order, free from a goods amount on (null: never)."""

    region_code: AreaIn
    base_minor: AmountIn
    free_from_minor: AmountIn | None = None


class FreightBody(Body):
    """Up to 1,000 rules; a narrower region's goes before a wider one's."""

    rules: Annotated[list[FreightRuleBody], Field(min_length=1, max_length=ROWS_MAX)]


class ListOfPartnerBody(Body):
    """The price list that a partner pays by."""

    list_id: ListIdIn


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


@router.get("/v1/operator/categories", response_model=answers.CategoriesOut)
def operator_category_children(call: CallIn, parent_id: ParentQuery = None) -> Response:
    """List all categories right below one."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = goods.category_children(ctx, partner_id=None, parent_id=parent_id)
        return categories_document(found)

    return read(call, work)


@router.get("/v1/operator/skus", response_model=answers.PageOut[answers.OperatorSkuOut])
def operator_sku_page(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    q: QueryIn = None,
    category_id: CategoryQuery = None,
    pool_id: PoolQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List all SKUs in whatever state."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = goods.sku_page(
            ctx,
            partner_id=None,
            cursor=cursor,
            limit=limit,
            query=q,
            category_id=category_id,
            pool_id=pool_id,
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


@router.post("/v1/operator/pools", response_model=answers.PoolOut, status_code=201)
def pool_open(call: CallIn, body: NameBody) -> Response:
    """Open an empty pool."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return pool_document(goods.Pool(goods.pool_open(ctx, name=body.name), body.name))

    return change(call, work, status=201)


@router.get("/v1/operator/pools", response_model=answers.PageOut[answers.PoolOut])
def operator_pool_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List all pools."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return page(
            goods.pool_page(ctx, partner_id=None, cursor=cursor, limit=limit).map(pool_document)
        )

    return read(call, work)


@router.put("/v1/operator/pools/{pool_id}/skus", response_model=answers.CountOut)
def pool_skus_put(call: CallIn, pool_id: PoolIdIn, body: PoolSkusBody) -> Response:
    """Put SKUs into a pool and take others out; says how many came or went."""

    def work(ctx: Ctx) -> dict[str, int]:
        changed = goods.pool_put(ctx, pool_id=pool_id, sku_ids=body.put)
        if body.take:
            changed += goods.pool_take(ctx, pool_id=pool_id, sku_ids=body.take)
        return {"changed": changed}

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


@router.post("/v1/operator/price-lists", response_model=answers.ListOut, status_code=201)
def list_open(call: CallIn, body: ListBody) -> Response:
    """Open an empty price list."""

    def work(ctx: Ctx) -> dict[str, Any]:
        made = pricing.list_open(ctx, name=body.name, is_default=body.is_default)
        return _list_document(made)

    return change(call, work, status=201)


@router.get("/v1/operator/price-lists", response_model=answers.PageOut[answers.ListOut])
def list_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List the price lists."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return page(pricing.list_page(ctx, cursor=cursor, limit=limit).map(_list_document))

    return read(call, work)


@router.put("/v1/operator/price-lists/{list_id}/prices", response_model=answers.PutOut)
def prices_put(call: CallIn, list_id: ListIdIn, body: PricesBody) -> Response:
    """Set prices; the partners who pay them are told of those that changed."""

    def work(ctx: Ctx) -> dict[str, int]:
        rows = [
            pricing.PriceRow(price.sku_id, price.quantity_min, price.unit_price_minor)
            for price in body.prices
        ]
        return _put(pricing.prices_put(ctx, list_id=list_id, rows=rows))

    return read(call, work)


@router.put("/v1/operator/partners/{party_id}/price-list", response_model=answers.DoneOut)
def list_assign(call: CallIn, party_id: PartyIdIn, body: ListOfPartnerBody) -> Response:
    """Give a partner a price list of its own."""

    def work(ctx: Ctx) -> dict[str, bool]:
        party_of(ctx, party_id, parties.PartyKind.PARTNER)
        pricing.list_assign(ctx, partner_id=party_id, list_id=body.list_id)
        return {"done": True}

    return read(call, work)


@router.put("/v1/operator/costs", response_model=answers.PutOut)
def costs_put(call: CallIn, body: CostsBody) -> Response:
    """Set what suppliers are owed a piece."""

    def work(ctx: Ctx) -> dict[str, int]:
        rows = [pricing.CostRow(cost.sku_id, cost.unit_cost_minor) for cost in body.costs]
        return _put(pricing.costs_put(ctx, rows=rows))

    return read(call, work)


@router.put("/v1/operator/freight", response_model=answers.PutOut)
def freight_put(call: CallIn, body: FreightBody) -> Response:
    """Set the freight to regions."""

    def work(ctx: Ctx) -> dict[str, int]:
        rows = [
            pricing.FreightRow(rule.region_code, rule.base_minor, rule.free_from_minor)
            for rule in body.rules
        ]
        return _put(pricing.freight_put(ctx, rows=rows))

    return read(call, work)


@router.post("/v1/operator/warehouses", response_model=answers.WarehouseOut, status_code=201)
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


@router.get("/v1/operator/warehouses", response_model=answers.PageOut[answers.WarehouseOut])
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

    return read(call, work)


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


@router.put("/v1/operator/stock", response_model=answers.StockLevelsOut)
def operator_stock_put(call: CallIn, body: StockPutBody) -> Response:
    """Say how many pieces lie where: what was counted, not what was moved."""
    return read(call, lambda ctx: stock_put(ctx, body))


def _put(count: pricing.PutCount) -> dict[str, int]:
    return {"changed": count.changed, "unchanged": count.unchanged}


def _list_document(price_list: pricing.PriceList) -> dict[str, Any]:
    return {
        "id": id_text(pricing.LIST_PREFIX, price_list.id),
        "name": price_list.name,
        "is_default": price_list.is_default,
    }
