"""What a supplier does with its goods: proposes them, submits them, takes them back."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from weili.adapters.files import sheet_rows
from weili.entrypoints.http import answers, goods_answers
from weili.entrypoints.http.calls import CallIn, carry_out, change, read, respond
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    ROWS_MAX,
    Body,
    CategoryIdIn,
    CursorIn,
    Document,
    LimitIn,
    RevisionIdIn,
    SkuIdIn,
)
from weili.entrypoints.http.goods import ParentQuery, categories_document
from weili.entrypoints.http.goods_body import (
    ProposalBody,
    RevisionFullOut,
    RevisionOut,
    TemplateOut,
    revision_document,
    revision_full,
    template_document,
)
from weili.entrypoints.http.sheets import (
    SHEET_BODY,
    BadOut,
    SkipQuery,
    bad_documents,
    sheet_kept,
)
from weili.kit.context import Ctx
from weili.modules import goods
from weili.workflows.import_proposals import import_proposals

router = APIRouter(tags=["supply: goods"])

SpuCodeIn = Annotated[
    str, Path(pattern="^[0-9A-Za-z._-]{1,64}$", description="your own code of the goods")
]
CountOut = Annotated[int, Field(ge=0)]
StateQuery = Annotated[goods.RevisionState | None, Query(description="all if none")]


class SkuIdsBody(Body):
    """The SKUs that it is about."""

    sku_ids: Annotated[list[SkuIdIn], Field(min_length=1, max_length=ROWS_MAX)]


class ProposalSheetOut(Document):
    """Proposals that were opened, changed, or said the same already; rows that were left out."""

    rows: CountOut
    created: CountOut
    updated: CountOut
    unchanged: CountOut
    bad_rows: CountOut
    bad_count: CountOut
    bad: list[BadOut]


@router.get("/v1/supply/categories", response_model=goods_answers.CategoriesOut)
def supply_categories(call: CallIn, parent_id: ParentQuery = None) -> Response:
    """List the categories right below one, for goods that you propose."""
    return read(
        call,
        lambda ctx: categories_document(goods.categories_for_supply(ctx, parent_id=parent_id)),
    )


@router.get("/v1/supply/categories/{category_id}/template", response_model=TemplateOut)
def supply_template(call: CallIn, category_id: CategoryIdIn) -> Response:
    """Say which attributes goods of a category have."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = goods.template_of(ctx, category_id=category_id)
        return template_document(list(found.values()))

    return read(call, work)


@router.put("/v1/supply/goods/{spu_code}", response_model=RevisionFullOut)
def goods_save(call: CallIn, spu_code: SpuCodeIn, body: ProposalBody) -> Response:
    """Write down what you propose for goods; nothing of it is seen until it is published."""

    def work(ctx: Ctx) -> dict[str, Any]:
        supplier_id = call.actor.party_id
        proposal = body.proposal(spu_code)
        made = goods.revision_save(ctx, supplier_id=supplier_id, proposal=proposal)
        return _shown(ctx, made.id, call)

    return read(call, work)


@router.post("/v1/supply/goods:upload", response_model=ProposalSheetOut, openapi_extra=SHEET_BODY)
def goods_upload(call: CallIn, *, skip_bad: SkipQuery = False) -> Response:
    """Propose goods from a sheet (csv or xlsx), all of its rows or none; each SPU becomes a draft.

    The same sheet again changes nothing, so there is no key to give.
    """
    carry_out(call, lambda ctx: ctx.require("supply:write"))
    with sheet_kept(call) as file:
        aliases, required = goods.PROPOSAL_ALIASES, goods.PROPOSAL_REQUIRED
        rows = sheet_rows(file, aliases=aliases, required=required)
        report = import_proposals(
            call.world.begin_as(call.actor),
            rows=rows,
            headings=rows.headings,
            supplier_id=call.actor.party_id,
            skip_bad=skip_bad,
        )
    return respond(asdict(report) | {"bad": bad_documents(call, report.bad)})


@router.get("/v1/supply/goods-revisions", response_model=answers.PageOut[RevisionOut])
def supply_revisions(
    call: CallIn, state: StateQuery = None, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List your proposals, the oldest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = goods.revision_page(
            ctx,
            supplier_id=call.actor.party_id,
            states=tuple(goods.RevisionState) if state is None else (state,),
            cursor=cursor,
            limit=limit,
        )
        return page(rows.map(revision_document))

    return read(call, work)


@router.get("/v1/supply/goods-revisions/{revision_id}", response_model=RevisionFullOut)
def supply_revision(call: CallIn, revision_id: RevisionIdIn) -> Response:
    """Give one of your proposals: what it says, what was said of it, what it went through."""
    return read(call, lambda ctx: _shown(ctx, revision_id, call))


@router.post("/v1/supply/goods-revisions/{revision_id}:submit", response_model=RevisionOut)
def revision_submit(call: CallIn, revision_id: RevisionIdIn) -> Response:
    """Hand a proposal to the operator; what its category asks for is checked field by field."""

    def work(ctx: Ctx) -> dict[str, Any]:
        supplier_id = call.actor.party_id
        return revision_document(
            goods.revision_submit(ctx, supplier_id=supplier_id, revision_id=revision_id)
        )

    return change(call, work)


@router.post("/v1/supply/goods-revisions/{revision_id}:withdraw", response_model=RevisionOut)
def revision_withdraw(call: CallIn, revision_id: RevisionIdIn) -> Response:
    """Take a proposal back for good; what is on the shelf stays as it is."""

    def work(ctx: Ctx) -> dict[str, Any]:
        supplier_id = call.actor.party_id
        return revision_document(
            goods.revision_withdraw(ctx, supplier_id=supplier_id, revision_id=revision_id)
        )

    return change(call, work)


@router.post("/v1/supply/skus:withdraw", response_model=answers.CountOut)
def skus_withdraw(call: CallIn, body: SkuIdsBody) -> Response:
    """Take SKUs of yours off the shelf, all of them or none; the operator puts them back."""

    def work(ctx: Ctx) -> dict[str, int]:
        supplier_id = call.actor.party_id
        return {"changed": goods.sku_withdraw(ctx, supplier_id=supplier_id, sku_ids=body.sku_ids)}

    return change(call, work)


def _shown(ctx: Ctx, revision_id: goods.RevisionId, call: CallIn) -> dict[str, Any]:
    found = goods.revision_get(ctx, revision_id=revision_id, supplier_id=call.actor.party_id)
    return revision_full(*found)
