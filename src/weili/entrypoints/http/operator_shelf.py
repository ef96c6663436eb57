"""What the operator sees of goods and pools, one by one and as files."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from weili.entrypoints.http import answers, goods_answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import (
    LIMIT,
    CursorIn,
    Document,
    LimitIn,
    PoolIdIn,
    RevisionIdIn,
    SkuIdIn,
)
from weili.entrypoints.http.goods import (
    CategoryQuery,
    PoolQuery,
    QueryIn,
    media_document,
    operator_sku_document,
    pool_document,
)
from weili.entrypoints.http.operator_trade import StateQuery, SupplierQuery
from weili.kit.context import SYSTEM, Ctx
from weili.kit.ids import id_text
from weili.kit.pages import LIMIT_MAX
from weili.modules import goods, parties

router = APIRouter(tags=["operator: goods"])

HEAD = (
    "sku_id",
    "supplier_code",
    "state",
    "title",
    "variant",
    "category",
    "brand",
    "brand_kind",
    "gtin",
    "unit",
    "weight_g",
    "tax_rate_bps",
    "return_policy",
    "suggested_price_minor",
    "quantity_min",
    "quantity_max",
    "pack_size",
    "supplier_id",
    "updated_at",
)


class SkuStepOut(Document):
    """A thing that happened to an SKU, and what changed of it."""

    kind: str
    state: goods.SkuState
    changes: list[str]
    actor: str
    at: answers.MomentOut


class OperatorSkuFullOut(goods_answers.OperatorSkuOut):
    """An SKU with all that is known of it: what is shown, where it is offered, its history."""

    description: str
    media: list[goods_answers.ShownMediaOut]
    parts: list[goods_answers.BundlePartOut]
    pool_ids: list[answers.PoolIdOut]
    history: list[SkuStepOut]


class LiveOut(Document):
    """What stands now of goods that a proposal is about, and where it would put them.

    Drafts are among the variants.
    """

    proposed_category: list[str]
    description: str
    skus: list[goods_answers.OperatorSkuOut]


class PoolProfileOut(Document):
    """What kind of channel a pool is made for; nothing named means any."""

    audience: str
    price_min_minor: int | None
    price_max_minor: int | None
    category_ids: list[answers.CategoryIdOut]
    brand_kinds: list[goods.BrandKind]


class PoolFullOut(goods_answers.PoolOut):
    """A pool with the profile that it is made for."""

    profile: PoolProfileOut


class NamedPartyOut(Document):
    """A party by its name, and whether it may work now."""

    party_id: answers.PartyIdOut
    name: str
    state: parties.PartyState


KindQuery = Annotated[parties.PartyKind, Query(description="partners or suppliers")]


@router.get("/v1/operator/skus:export", response_class=StreamingResponse, responses=FILE)
def operator_sku_export(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    q: QueryIn = None,
    category_id: CategoryQuery = None,
    pool_id: PoolQuery = None,
    state: StateQuery = None,
    supplier_id: SupplierQuery = None,
    format_: FormatQuery = "csv",
) -> Response:
    """Give all SKUs that the same filters list, as a file."""

    def rows(ctx: Ctx) -> Iterator[Row]:
        yield HEAD
        cursor: str | None = None
        while True:
            found = goods.sku_page(
                ctx,
                partner_id=None,
                cursor=cursor,
                limit=LIMIT_MAX,
                query=q,
                category_id=category_id,
                pool_id=pool_id,
                state=state,
                supplier_id=supplier_id,
            )
            yield from map(_row, found.items)
            cursor = found.next_cursor
            if cursor is None:
                return

    return file_of(call, "goods", format_, rows)


@router.get("/v1/operator/skus/{sku_id}", response_model=OperatorSkuFullOut)
def operator_sku_get(call: CallIn, sku_id: SkuIdIn) -> Response:
    """Give an SKU in whatever state, with its pools and the last 100 things it went through."""

    def work(ctx: Ctx) -> dict[str, Any]:
        sku = goods.sku_get(ctx, sku_id=sku_id, partner_id=None)
        description, media = goods.shown_of(ctx, spu_ids=[sku.spu_id])[sku.spu_id]
        parts = goods.bundle_parts(ctx, sku_ids=[sku_id]).get(sku_id, ())
        [listing] = goods.sku_listings(ctx, sku_ids=[sku_id])
        return operator_sku_document(sku) | {
            "description": description,
            "media": [media_document(each) for each in media if each.sku_id in {None, sku_id}],
            "parts": [
                {"sku_id": id_text(goods.SKU_PREFIX, part.sku_id), "quantity": part.quantity}
                for part in parts
            ],
            "pool_ids": [id_text(goods.POOL_PREFIX, pool_id) for pool_id in listing.pool_ids],
            "history": [_step(step) for step in goods.sku_steps(ctx, sku_id=sku_id)],
        }

    return read(call, work)


@router.get("/v1/operator/goods-revisions/{revision_id}/live", response_model=LiveOut)
def revision_live(call: CallIn, revision_id: RevisionIdIn) -> Response:
    """Give what stands now of the goods that a proposal would change, to be laid beside it."""

    def work(ctx: Ctx) -> dict[str, Any]:
        description, skus, path = goods.revision_live(ctx, revision_id=revision_id)
        return {
            "proposed_category": [category.name for category in path],
            "description": description,
            "skus": [operator_sku_document(sku) for sku in skus],
        }

    return read(call, work)


@router.get("/v1/operator/pools/{pool_id}", response_model=PoolFullOut)
def operator_pool_get(call: CallIn, pool_id: PoolIdIn) -> Response:
    """Give a pool and what kind of channel it is made for."""

    def work(ctx: Ctx) -> dict[str, Any]:
        pool = goods.pool_get(ctx, pool_id=pool_id)
        profile = pool.profile
        shown = {
            "audience": profile.audience,
            "price_min_minor": profile.price_min_minor,
            "price_max_minor": profile.price_max_minor,
            "category_ids": [id_text(goods.CATEGORY_PREFIX, i) for i in profile.category_ids],
            "brand_kinds": [str(kind) for kind in profile.brand_kinds],
        }
        return pool_document(pool) | {"profile": shown}

    return read(call, work)


@router.get("/v1/operator/pools/{pool_id}/grants", response_model=answers.PageOut[NamedPartyOut])
def pool_grant_page(
    call: CallIn, pool_id: PoolIdIn, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List the partners that may order from a pool."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = goods.grant_page(ctx, pool_id=pool_id, cursor=cursor, limit=limit)
        known = parties.parties_get(ctx, party_ids=rows.items)
        return page(rows.map(lambda party_id: _named(known[party_id])))

    return read(call, work)


@router.get("/v1/operator/party-names", response_model=answers.PageOut[NamedPartyOut])
def party_names(
    call: CallIn, kind: KindQuery, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List parties of a kind by name alone, for who gives pools and prices to them."""

    def work(ctx: Ctx) -> dict[str, Any]:
        # Who may grant pools need not keep the parties.
        rows = parties.party_page(ctx.acting(SYSTEM), kind=kind, cursor=cursor, limit=limit)
        return page(rows.map(_named))

    return read(call, work)


def _named(party: parties.Party) -> dict[str, str]:
    return {
        "party_id": id_text(parties.PARTY_PREFIX, party.id),
        "name": party.name,
        "state": str(party.state),
    }


def _step(step: goods.SkuStep) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "state": str(step.state),
        "changes": list(step.changes),
        "actor": step.actor.partition(":")[0],
        "at": moment(step.at),
    }


def _row(sku: goods.Sku) -> Row:
    return (
        id_text(goods.SKU_PREFIX, sku.id),
        sku.supplier_code,
        str(sku.state),
        sku.title,
        sku.variant,
        " > ".join(sku.category),
        sku.brand,
        sku.brand_kind and str(sku.brand_kind),
        sku.gtin,
        sku.unit,
        sku.weight_g,
        sku.tax_rate_bps,
        str(sku.return_policy),
        sku.compare_at_minor,
        sku.terms.quantity_min,
        sku.terms.quantity_max,
        sku.terms.pack_size,
        id_text(parties.PARTY_PREFIX, sku.supplier_id),
        moment(sku.updated_at),
    )
