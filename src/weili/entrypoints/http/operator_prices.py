"""The operator's work with prices, costs and freight."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers, price_answers
from weili.entrypoints.http.calls import CallIn, change, in_list, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    QUANTITY_MIN_MAX,
    ROWS_MAX,
    UNITS_MAX,
    AmountIn,
    AreaIn,
    Body,
    CursorIn,
    LimitIn,
    ListIdIn,
    PartyIdIn,
    SkuIdIn,
    TemplateIdIn,
    TitleIn,
    UnitsIn,
)
from weili.entrypoints.http.operator_parties import party_of
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import parties, pricing

router = APIRouter(tags=["operator: prices"])


class ListBody(Body):
    """A price list; the one default list fills the gaps of all others."""

    name: TitleIn
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
    """Freight to a region: for the first so many units, and for every further so many begun.

    Units are grams or pieces, as the template counts; one that counts the order asks
    `base_minor` alone. Free from a goods amount or a number of pieces on (null: never). An
    excluded region is not sent to.
    """

    region_code: AreaIn
    base_minor: AmountIn
    first_units: UnitsIn = 0
    next_units: UnitsIn = 0
    next_minor: AmountIn = 0
    free_from_minor: AmountIn | None = None
    free_from_pieces: Annotated[int, Field(ge=1, le=UNITS_MAX)] | None = None
    is_excluded: bool = False

    def row(self) -> pricing.FreightRow:
        """Give the rule as the module knows it."""
        return pricing.FreightRow(**self.model_dump())


class FreightBody(Body):
    """Up to 1,000 rules; a narrower region's goes before a wider one's."""

    rules: Annotated[list[FreightRuleBody], Field(min_length=1, max_length=ROWS_MAX)]


class TemplateBody(Body):
    """A freight template, and what it counts."""

    name: TitleIn
    basis: Annotated[pricing.FreightBasis, Field(strict=False)]


class TemplateOfBody(Body):
    """The freight template that goods travel by."""

    template_id: TemplateIdIn


class TemplateSkusBody(Body):
    """The SKUs that travel by the template whoever supplies them, and those that no longer do."""

    put: Annotated[list[SkuIdIn], Field(max_length=ROWS_MAX)] = Field(default_factory=list)
    take: Annotated[list[SkuIdIn], Field(max_length=ROWS_MAX)] = Field(default_factory=list)


class ListOfPartnerBody(Body):
    """The price list that a partner pays by."""

    list_id: ListIdIn


@router.post("/v1/operator/price-lists", response_model=price_answers.ListOut, status_code=201)
def list_open(call: CallIn, body: ListBody) -> Response:
    """Open an empty price list."""

    def work(ctx: Ctx) -> dict[str, Any]:
        made = pricing.list_open(ctx, name=body.name, is_default=body.is_default)
        return _list_document(made)

    return change(call, work, status=201)


@router.get("/v1/operator/price-lists", response_model=answers.PageOut[price_answers.ListOut])
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

    return read(call, in_list("prices", work))


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

    return read(call, in_list("costs", work))


@router.put("/v1/operator/freight", response_model=answers.PutOut)
def freight_put(call: CallIn, body: FreightBody) -> Response:
    """Set the freight of the default template, which all goods without another travel by."""

    def work(ctx: Ctx) -> dict[str, int]:
        return _put(pricing.freight_put(ctx, rows=[rule.row() for rule in body.rules]))

    return read(call, in_list("rules", work))


@router.post(
    "/v1/operator/freight-templates",
    response_model=price_answers.FreightTemplateOut,
    status_code=201,
)
def template_open(call: CallIn, body: TemplateBody) -> Response:
    """Open a freight template; it sends nowhere until it is given rules."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return _template_document(pricing.template_open(ctx, name=body.name, basis=body.basis))

    return change(call, work, status=201)


@router.get(
    "/v1/operator/freight-templates",
    response_model=answers.PageOut[price_answers.FreightTemplateOut],
)
def template_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List the freight templates, the default one first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = pricing.template_page(ctx, cursor=cursor, limit=limit)
        return page(rows.map(_template_document))

    return read(call, work)


@router.get(
    "/v1/operator/freight-templates/{template_id}/rules",
    response_model=answers.PageOut[price_answers.FreightRuleOut],
)
def template_rules(
    call: CallIn, template_id: TemplateIdIn, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List a freight template's rules by region."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = pricing.freight_page(ctx, template_id=template_id, cursor=cursor, limit=limit)
        return page(rows.map(asdict))

    return read(call, work)


@router.put("/v1/operator/freight-templates/{template_id}/rules", response_model=answers.PutOut)
def template_rules_put(call: CallIn, template_id: TemplateIdIn, body: FreightBody) -> Response:
    """Set a freight template's rules; regions that are not named keep theirs."""

    def work(ctx: Ctx) -> dict[str, int]:
        rows = [rule.row() for rule in body.rules]
        return _put(pricing.freight_put(ctx, rows=rows, template_id=template_id))

    return read(call, in_list("rules", work))


@router.put("/v1/operator/freight-templates/{template_id}/skus", response_model=answers.CountOut)
def template_skus_put(call: CallIn, template_id: TemplateIdIn, body: TemplateSkusBody) -> Response:
    """Let SKUs travel by a template, and others again as their supplier's."""

    def work(ctx: Ctx) -> dict[str, int]:
        changed = pricing.freight_of_skus(
            ctx, template_id=template_id, put=body.put, take=body.take
        )
        return {"changed": changed}

    return read(call, work)


@router.put("/v1/operator/suppliers/{party_id}/freight-template", response_model=answers.DoneOut)
def template_of_supplier(call: CallIn, party_id: PartyIdIn, body: TemplateOfBody) -> Response:
    """Let a supplier's goods travel by a template."""

    def work(ctx: Ctx) -> dict[str, bool]:
        party_of(ctx, party_id, parties.PartyKind.SUPPLIER)
        pricing.freight_of_supplier(ctx, supplier_id=party_id, template_id=body.template_id)
        return {"done": True}

    return read(call, work)


def _put(count: pricing.PutCount) -> dict[str, int]:
    return {"changed": count.changed, "unchanged": count.unchanged}


def _list_document(price_list: pricing.PriceList) -> dict[str, Any]:
    return {
        "id": id_text(pricing.LIST_PREFIX, price_list.id),
        "name": price_list.name,
        "is_default": price_list.is_default,
    }


def _template_document(template: pricing.FreightTemplate) -> dict[str, Any]:
    return {
        "id": id_text(pricing.TEMPLATE_PREFIX, template.id),
        "name": template.name,
        "basis": template.basis.value,
    }
