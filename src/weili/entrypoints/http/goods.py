"""What a partner may sell: its pools, and the SKUs in them."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers, goods_answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.checks import ASKS_MAX
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.fields import (
    LIMIT,
    Body,
    CategoryIdIn,
    CursorIn,
    LimitIn,
    PoolIdIn,
    SkuIdIn,
    TitleIn,
)
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import goods, parties

router = APIRouter(tags=["goods"])

QueryIn = Annotated[TitleIn | None, Query(description="words in the title")]
CategoryQuery = Annotated[CategoryIdIn | None, Query(description="this category and all below")]
PoolQuery = Annotated[PoolIdIn | None, Query(description="what is in this pool")]
ParentQuery = Annotated[CategoryIdIn | None, Query(description="the roots if none")]


class SkusBody(Body):
    """The SKUs that are asked for."""

    sku_ids: Annotated[list[SkuIdIn], Field(min_length=1, max_length=ASKS_MAX)]


def sku_document(sku: goods.Sku) -> dict[str, Any]:
    """Show an SKU to a partner: not who supplies it."""
    return {
        "id": id_text(goods.SKU_PREFIX, sku.id),
        "spu_id": id_text(goods.SPU_PREFIX, sku.spu_id),
        "title": sku.title,
        "variant": sku.variant,
        "category": sku.category,
        "brand": sku.brand,
        "brand_kind": sku.brand_kind,
        "attributes": sku.attributes,
        "gtin": sku.gtin,
        "unit": sku.unit,
        "weight_g": sku.weight_g,
        "tax_rate_bps": sku.tax_rate_bps,
        "return_policy": sku.return_policy,
        "suggested_price_minor": sku.compare_at_minor,
        "kind": sku.kind,
        "variant_values": sku.variant_values,
        "terms": terms_document(sku.terms),
        "state": sku.state,
        "updated_at": moment(sku.updated_at),
    }


def operator_sku_document(sku: goods.Sku) -> dict[str, Any]:
    """Show an SKU to the operator."""
    return sku_document(sku) | {
        "supplier_id": id_text(parties.PARTY_PREFIX, sku.supplier_id),
        "supplier_code": sku.supplier_code,
    }


def terms_document(terms: goods.SaleTerms) -> dict[str, Any]:
    """Show the terms that an SKU is sold by."""
    return {
        "quantity_min": terms.quantity_min,
        "quantity_max": terms.quantity_max,
        "pack_size": terms.pack_size,
        "areas_allowed": terms.areas_allowed,
        "areas_excluded": terms.areas_excluded,
    }


def pool_document(pool: goods.Pool) -> dict[str, Any]:
    """Show a pool."""
    return {"id": id_text(goods.POOL_PREFIX, pool.id), "name": pool.name}


def categories_document(found: Sequence[goods.Category]) -> dict[str, Any]:
    """Show categories."""
    return {
        "items": [
            {
                "id": id_text(goods.CATEGORY_PREFIX, each.id),
                "parent_id": each.parent_id and id_text(goods.CATEGORY_PREFIX, each.parent_id),
                "name": each.name,
                "level": each.level,
            }
            for each in found
        ]
    }


@router.get("/v1/categories", response_model=goods_answers.CategoriesOut)
def category_children(call: CallIn, parent_id: ParentQuery = None) -> Response:
    """List the categories right below one in which there is something that you may order."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = goods.category_children(ctx, partner_id=call.actor.party_id, parent_id=parent_id)
        return categories_document(found)

    return read(call, work)


@router.get("/v1/pools", response_model=answers.PageOut[goods_answers.PoolOut])
def pool_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List the pools that are granted to you."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = goods.pool_page(ctx, partner_id=call.actor.party_id, cursor=cursor, limit=limit)
        return page(rows.map(pool_document))

    return read(call, work)


@router.get("/v1/skus", response_model=answers.PageOut[goods_answers.SkuOut])
def sku_page(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    q: QueryIn = None,
    category_id: CategoryQuery = None,
    pool_id: PoolQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List the SKUs that you may order."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = goods.sku_page(
            ctx,
            partner_id=call.actor.party_id,
            cursor=cursor,
            limit=limit,
            query=q,
            category_id=category_id,
            pool_id=pool_id,
        )
        return page(rows.map(sku_document))

    return read(call, work)


@router.get("/v1/skus/{sku_id}", response_model=goods_answers.SkuFullOut)
def sku_get(call: CallIn, sku_id: SkuIdIn) -> Response:
    """Give an SKU that you may order."""

    def work(ctx: Ctx) -> dict[str, Any]:
        sku = goods.sku_get(ctx, sku_id=sku_id, partner_id=call.actor.party_id)
        description, media = goods.shown_of(ctx, spu_ids=[sku.spu_id])[sku.spu_id]
        parts = goods.bundle_parts_seen(ctx, sku_id=sku_id, partner_id=call.actor.party_id)
        return sku_document(sku) | {
            "description": description,
            "media": [media_document(each) for each in media if each.sku_id in {None, sku_id}],
            "parts": [
                {"sku_id": id_text(goods.SKU_PREFIX, part.sku_id), "quantity": part.quantity}
                for part in parts
            ],
        }

    return read(call, work)


@router.post("/v1/skus:batchGet", response_model=goods_answers.SkusOut)
def skus_get(call: CallIn, body: SkusBody) -> Response:
    """Give up to 100 SKUs that you may order; the rest are listed as missing."""

    def work(ctx: Ctx) -> dict[str, Any]:
        asked = list(dict.fromkeys(body.sku_ids))
        partner_id = call.actor.party_id
        visible = goods.skus_visible(ctx, pairs=[(partner_id, sku_id) for sku_id in asked])
        skus = goods.skus_get(ctx, sku_ids=[sku_id for _, sku_id in visible])
        return {
            "items": [sku_document(skus[sku_id]) for sku_id in asked if sku_id in skus],
            "missing": [id_text(goods.SKU_PREFIX, i) for i in asked if i not in skus],
        }

    return read(call, work)


def media_document(media: goods.ShownMedia) -> dict[str, Any]:
    """Show a picture, video or document."""
    return {
        "address": media.address,
        "kind": media.kind,
        "content_type": media.content_type,
        "alt": media.alt,
        "width": media.width,
        "height": media.height,
    }
