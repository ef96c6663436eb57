"""The operator's work with goods under review, templates, and what pools are made for."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field
from starlette.responses import Response

from weili.entrypoints.http import answers, goods_answers
from weili.entrypoints.http.calls import CallIn, change, read
from weili.entrypoints.http.checks import ASKS_MAX, line_checked
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    TEXT_OR_NONE_PATTERN,
    TEXT_PATTERN,
    AmountIn,
    Body,
    CategoryIdIn,
    CursorIn,
    Document,
    LimitIn,
    PartyIdIn,
    PoolIdIn,
    ReasonIn,
    RevisionIdIn,
)
from weili.entrypoints.http.goods import categories_document
from weili.entrypoints.http.goods_body import (
    ProposalBody,
    RevisionFullOut,
    RevisionIdOut,
    RevisionOut,
    TemplateOut,
    revision_document,
    revision_full,
    template_document,
)
from weili.entrypoints.http.problems import problem_document
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import goods
from weili.workflows.publish_goods import GoodsOutcome, publish_goods

router = APIRouter(tags=["operator: goods"])

NameIn = Annotated[
    str,
    Field(min_length=1, max_length=60, json_schema_extra={"pattern": TEXT_PATTERN}),
    AfterValidator(line_checked),
]
StateQuery = Annotated[goods.RevisionState, Query(description="how far they have come")]
SupplierQuery = Annotated[PartyIdIn | None, Query(description="only this supplier's")]
CategoryQuery = Annotated[CategoryIdIn | None, Query(description="only of this very category")]


class CategoryBody(Body):
    """A category, below another or (null) at the top."""

    name: NameIn
    parent_id: CategoryIdIn | None = None


class AttributeBody(Body):
    """An attribute of a category's goods; ``variant`` ones tell variants apart."""

    name: NameIn
    kind: Annotated[goods.AttributeKind, Field(strict=False)]
    use: Annotated[goods.AttributeUse, Field(strict=False)] = goods.AttributeUse.PLAIN
    is_required: bool = False
    unit: Annotated[str, Field(max_length=10, pattern=TEXT_OR_NONE_PATTERN)] = ""
    choices: Annotated[list[NameIn], Field(max_length=goods.CHOICES_MAX)] = Field(
        default_factory=list
    )


class TemplateBody(Body):
    """The attributes that a category adds, in place of those it added before."""

    attributes: Annotated[list[AttributeBody], Field(max_length=goods.TEMPLATE_MAX)]


class NoteBody(Body):
    """What is wrong with one field: a JSON pointer into the proposal, and what to do."""

    path: Annotated[str, Field(pattern="^/[!-~\\u4e00-\\u9fff]{1,200}$", examples=["/skus/0/gtin"])]
    reason: ReasonIn


class ReturnBody(Body):
    """Why a proposal is sent back, in all and field by field."""

    reason: ReasonIn
    notes: Annotated[list[NoteBody], Field(max_length=ASKS_MAX)] = Field(default_factory=list)


class PublishBody(Body):
    """Up to 100 proposals to publish."""

    revision_ids: Annotated[list[RevisionIdIn], Field(min_length=1, max_length=ASKS_MAX)]


class PublishedOut(Document):
    """What came of one proposal."""

    revision_id: RevisionIdOut
    status: str
    sku_ids: dict[str, answers.SkuIdOut] = Field(default_factory=dict)
    problem: answers.ProblemOut | None = None


class PublishedAllOut(Document):
    """What came of each, in the order they were named."""

    results: list[PublishedOut]


class ProfileBody(Body):
    """What kind of channel a pool is made for; nothing named means any."""

    audience: Annotated[str, Field(max_length=200, pattern=TEXT_OR_NONE_PATTERN)] = ""
    price_min_minor: AmountIn | None = None
    price_max_minor: AmountIn | None = None
    category_ids: Annotated[list[CategoryIdIn], Field(max_length=ASKS_MAX)] = Field(
        default_factory=list
    )
    brand_kinds: list[Annotated[goods.BrandKind, Field(strict=False)]] = Field(
        default_factory=list, max_length=len(goods.BrandKind)
    )


class ProfileOut(Document):
    """The SKUs in the pool, up to 100, that do not fit its profile; they stay in it."""

    unfit: list[answers.SkuIdOut]


@router.post("/v1/operator/categories", response_model=goods_answers.CategoriesOut, status_code=201)
def category_open(call: CallIn, body: CategoryBody) -> Response:
    """Make a category; one of that name in that place is given as it is."""

    def work(ctx: Ctx) -> dict[str, Any]:
        made = goods.category_open(ctx, name=body.name, parent_id=body.parent_id)
        return categories_document([made])

    return change(call, work, status=201)


@router.get("/v1/operator/categories/{category_id}/template", response_model=TemplateOut)
def template_get(call: CallIn, category_id: CategoryIdIn) -> Response:
    """Say which attributes goods of a category have."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = goods.template_of(ctx, category_id=category_id)
        return template_document(list(found.values()))

    return read(call, work)


@router.put("/v1/operator/categories/{category_id}/template", response_model=TemplateOut)
def template_put(call: CallIn, category_id: CategoryIdIn, body: TemplateBody) -> Response:
    """Say which attributes a category adds; gives all that then hold there."""

    def work(ctx: Ctx) -> dict[str, Any]:
        attributes = [
            goods.Attribute(
                each.name, each.kind, each.use, each.is_required, each.unit, tuple(each.choices)
            )
            for each in body.attributes
        ]
        found = goods.template_put(ctx, category_id=category_id, attributes=attributes)
        return template_document(list(found.values()))

    return read(call, work)


@router.get("/v1/operator/goods-revisions", response_model=answers.PageOut[RevisionOut])
def operator_revisions(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    state: StateQuery = goods.RevisionState.IN_REVIEW,
    supplier_id: SupplierQuery = None,
    category_id: CategoryQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List proposals, those in review unless another state is named, the oldest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = goods.revision_page(
            ctx,
            supplier_id=supplier_id,
            is_all=True,
            states=(state,),
            category_id=category_id,
            cursor=cursor,
            limit=limit,
        )
        return page(rows.map(revision_document))

    return read(call, work)


@router.get("/v1/operator/goods-revisions/{revision_id}", response_model=RevisionFullOut)
def operator_revision(call: CallIn, revision_id: RevisionIdIn) -> Response:
    """Give a proposal: what it says and what it went through."""
    return read(call, lambda ctx: _shown(ctx, revision_id))


@router.put("/v1/operator/goods-revisions/{revision_id}", response_model=RevisionFullOut)
def revision_edit(call: CallIn, revision_id: RevisionIdIn, body: ProposalBody) -> Response:
    """Mend a proposal that is in review; the history says which members of it were changed."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found, _ = goods.revision_get(ctx, revision_id=revision_id, supplier_id=None)
        proposal = body.proposal(found.proposal.spu_code)
        goods.revision_edit(ctx, revision_id=revision_id, proposal=proposal)
        return _shown(ctx, revision_id)

    return read(call, work)


@router.post("/v1/operator/goods-revisions/{revision_id}:return", response_model=RevisionOut)
def revision_return(call: CallIn, revision_id: RevisionIdIn, body: ReturnBody) -> Response:
    """Send a proposal back to its supplier, with what is to be mended."""

    def work(ctx: Ctx) -> dict[str, Any]:
        notes = [goods.ReviewNote(note.path, note.reason) for note in body.notes]
        return revision_document(
            goods.revision_return(ctx, revision_id=revision_id, reason=body.reason, notes=notes)
        )

    return change(call, work)


@router.post("/v1/operator/goods-revisions:publish", response_model=PublishedAllOut)
def revisions_publish(call: CallIn, body: PublishBody) -> Response:
    """Publish proposals, each whole or not at all; one that fails hinders no other.

    What they cost holds from now on, so the key also needs `admin:prices`.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        outcomes = publish_goods(ctx, revision_ids=body.revision_ids)
        return {"results": [_outcome(outcome, call.language) for outcome in outcomes]}

    return change(call, work)


@router.put("/v1/operator/pools/{pool_id}/profile", response_model=ProfileOut)
def pool_profile_put(call: CallIn, pool_id: PoolIdIn, body: ProfileBody) -> Response:
    """Say what kind of channel a pool is made for.

    Categories and brand kinds are enforced when SKUs are put in. The price band is reported, then
    and by the pool's misfits, since prices change after. The audience is for whoever fills it.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        profile = goods.PoolProfile(
            body.audience,
            body.price_min_minor,
            body.price_max_minor,
            tuple(body.category_ids),
            tuple(body.brand_kinds),
        )
        unfit = goods.pool_profile_put(ctx, pool_id=pool_id, profile=profile)
        return {"unfit": [id_text(goods.SKU_PREFIX, sku_id) for sku_id in unfit]}

    return read(call, work)


def _shown(ctx: Ctx, revision_id: goods.RevisionId) -> dict[str, Any]:
    return revision_full(*goods.revision_get(ctx, revision_id=revision_id, supplier_id=None))


def _outcome(outcome: GoodsOutcome, language: str) -> dict[str, Any]:
    revision_id = id_text(goods.REVISION_PREFIX, outcome.revision_id)
    if outcome.published is None:
        problem = outcome.problem and problem_document(outcome.problem, language)
        return {"revision_id": revision_id, "status": "refused", "problem": problem}
    skus = {
        code: id_text(goods.SKU_PREFIX, sku_id)
        for code, sku_id in outcome.published.sku_ids.items()
    }
    return {"revision_id": revision_id, "status": "published", "sku_ids": skus}
