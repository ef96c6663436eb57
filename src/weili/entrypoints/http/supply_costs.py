"""What a supplier asks for its goods."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from weili.entrypoints.http import answers, price_answers
from weili.entrypoints.http.calls import CallIn, change, in_list, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    CursorIn,
    Document,
    LimitIn,
    MomentIn,
    ProposalIdIn,
    utc,
)
from weili.entrypoints.http.goods import QueryIn
from weili.entrypoints.http.operator_prices import CostsBody
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import goods, pricing

router = APIRouter(tags=["supply"])


class ProposeBody(CostsBody):
    """Up to 1,000 costs from a moment on; null: as soon as they are approved."""

    valid_from: MomentIn | None = None


class SupplySkuOut(Document):
    """One of your SKUs, and what you are owed a piece now."""

    sku_id: answers.SkuIdOut
    supplier_code: str
    title: str
    variant: str
    state: goods.SkuState
    unit_cost_minor: answers.Fen | None


@router.get("/v1/supply/skus", response_model=answers.PageOut[SupplySkuOut])
def supply_skus(
    call: CallIn, q: QueryIn = None, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List your SKUs with what they cost."""

    def work(ctx: Ctx) -> dict[str, Any]:
        own = call.actor.party_id
        rows = goods.sku_page(
            ctx, partner_id=None, supplier_id=own, query=q, cursor=cursor, limit=limit
        )
        costs = pricing.costs_of(ctx, sku_ids=[sku.id for sku in rows.items])
        return page(
            rows.map(
                lambda sku: {
                    "sku_id": id_text(goods.SKU_PREFIX, sku.id),
                    "supplier_code": sku.supplier_code,
                    "title": sku.title,
                    "variant": sku.variant,
                    "state": str(sku.state),
                    "unit_cost_minor": costs.get(sku.id),
                }
            )
        )

    return read(call, work)


@router.post("/v1/supply/costs", response_model=price_answers.ProposalsOut, status_code=201)
def cost_propose(call: CallIn, body: ProposeBody) -> Response:
    """Ask for other costs of your SKUs; the operator decides."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = [pricing.CostRow(cost.sku_id, cost.unit_cost_minor) for cost in body.costs]
        asked = pricing.cost_propose(ctx, rows=rows, valid_from=utc(body.valid_from))
        return {"items": [price_answers.proposal_document(row) for row in asked]}

    return change(call, in_list("costs", work), status=201)


@router.get("/v1/supply/costs", response_model=answers.PageOut[price_answers.ProposalOut])
def supply_cost_page(
    call: CallIn,
    state: Annotated[pricing.CostState | None, Query()] = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List what you asked for, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = pricing.cost_page(
            ctx, supplier_id=call.actor.party_id, state=state, cursor=cursor, limit=limit
        )
        return page(rows.map(price_answers.proposal_document))

    return read(call, work)


@router.post("/v1/supply/costs/{proposal_id}:withdraw", response_model=price_answers.ProposalOut)
def cost_withdraw(call: CallIn, proposal_id: ProposalIdIn) -> Response:
    """Take back what you asked for and does not hold yet."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return price_answers.proposal_document(pricing.cost_withdraw(ctx, proposal_id=proposal_id))

    return change(call, work)
