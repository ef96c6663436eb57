"""The operator's price changes, what suppliers ask for, and compare-at prices."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers, price_answers
from weili.entrypoints.http.calls import CallIn, change, in_list, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    ROWS_MAX,
    AmountIn,
    Body,
    ChangeIdIn,
    CursorIn,
    LimitIn,
    ListIdIn,
    MomentIn,
    PartyIdIn,
    ProposalIdIn,
    ReasonIn,
    SkuIdIn,
    TitleIn,
    utc,
)
from weili.entrypoints.http.operator_parties import party_of
from weili.entrypoints.http.operator_prices import ListOfPartnerBody, PriceBody
from weili.entrypoints.http.orders import ReasonBody
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import parties, pricing

router = APIRouter(tags=["operator: prices"])


class DraftBody(Body):
    """Prices that are to hold from a moment on (null: now), to another or for good (null)."""

    prices: Annotated[list[PriceBody], Field(min_length=1, max_length=ROWS_MAX)]
    valid_from: MomentIn | None = None
    valid_to: MomentIn | None = None

    def draft(self, list_id: pricing.ListId) -> pricing.ChangeDraft:
        """Give it as the module knows it."""
        rows = [
            pricing.PriceRow(price.sku_id, price.quantity_min, price.unit_price_minor)
            for price in self.prices
        ]
        return pricing.ChangeDraft(list_id, rows, utc(self.valid_from), utc(self.valid_to))


class ChangeBody(DraftBody):
    """A change, what it is for, and why anything is sold below cost, if it is."""

    note: TitleIn
    below_cost_reason: ReasonIn | None = None


class ChannelBody(Body):
    """What sort of channel a partner is."""

    channel: Annotated[pricing.Channel, Field(strict=False)]


class CompareAtRowBody(Body):
    """A price to be shown struck out; with words that say what it is, or held to the trade."""

    sku_id: SkuIdIn
    compare_at_minor: AmountIn
    explanation: ReasonIn | None = None


class CompareAtBody(Body):
    """Up to 1,000 compare-at prices."""

    rows: Annotated[list[CompareAtRowBody], Field(min_length=1, max_length=ROWS_MAX)]


ListQuery = Annotated[ListIdIn | None, Query()]


@router.post(
    "/v1/operator/price-lists/{list_id}/changes:preview", response_model=price_answers.PreviewOut
)
def change_preview(call: CallIn, list_id: ListIdIn, body: DraftBody) -> Response:
    """Show whom and what a change would touch, and its margins; changes nothing."""

    def work(ctx: Ctx) -> dict[str, Any]:
        lines = pricing.change_preview(ctx, draft=body.draft(list_id))
        partner_ids = sorted({partner for line in lines for partner in line.partner_ids})
        return {
            "partner_ids": [id_text(parties.PARTY_PREFIX, found) for found in partner_ids],
            "lines": [price_answers.line_document(line) for line in lines],
        }

    return read(call, in_list("prices", work))


@router.post(
    "/v1/operator/price-lists/{list_id}/changes",
    response_model=price_answers.ChangeOut,
    status_code=201,
)
def change_put(call: CallIn, list_id: ListIdIn, body: ChangeBody) -> Response:
    """Set prices now or from a moment on, for good or for a time."""

    def work(ctx: Ctx) -> dict[str, Any]:
        made = pricing.change_put(
            ctx,
            draft=body.draft(list_id),
            note=body.note,
            below_cost_reason=body.below_cost_reason,
        )
        return price_answers.change_document(made)

    return change(call, in_list("prices", work), status=201)


@router.get("/v1/operator/price-changes", response_model=answers.PageOut[price_answers.ChangeOut])
def change_page(
    call: CallIn,
    list_id: ListQuery = None,
    state: Annotated[pricing.ChangeState | None, Query()] = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List price changes, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = pricing.change_page(ctx, list_id=list_id, state=state, cursor=cursor, limit=limit)
        return page(rows.map(price_answers.change_document))

    return read(call, work)


@router.get("/v1/operator/price-changes/{change_id}", response_model=price_answers.ChangeFullOut)
def change_get(call: CallIn, change_id: ChangeIdIn) -> Response:
    """Give a price change with the prices that it sets."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found, versions = pricing.change_get(ctx, change_id=change_id)
        prices = [price_answers.version_document(row) for row in versions]
        return price_answers.change_document(found) | {"prices": prices}

    return read(call, work)


@router.post(
    "/v1/operator/price-changes/{change_id}:cancel", response_model=price_answers.ChangeOut
)
def change_cancel(call: CallIn, change_id: ChangeIdIn) -> Response:
    """Take back a price change that has not begun."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return price_answers.change_document(pricing.change_cancel(ctx, change_id=change_id))

    return change(call, work)


@router.get(
    "/v1/operator/price-lists/{list_id}/skus/{sku_id}/history",
    response_model=answers.PageOut[price_answers.PriceVersionOut],
)
def history_page(
    call: CallIn,
    list_id: ListIdIn,
    sku_id: SkuIdIn,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List every version of an SKU's prices on a list, tier by tier."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = pricing.history_page(ctx, list_id=list_id, sku_id=sku_id, cursor=cursor, limit=limit)
        return page(rows.map(price_answers.version_document))

    return read(call, work)


@router.put("/v1/operator/channels/{channel}/price-list", response_model=answers.DoneOut)
def channel_list(call: CallIn, channel: pricing.Channel, body: ListOfPartnerBody) -> Response:
    """Give a sort of channel a price list; it fills the gaps of its partners' own lists."""

    def work(ctx: Ctx) -> dict[str, bool]:
        pricing.channel_list(ctx, channel=channel, list_id=body.list_id)
        return {"done": True}

    return read(call, work)


@router.put("/v1/operator/partners/{party_id}/channel", response_model=answers.DoneOut)
def channel_assign(call: CallIn, party_id: PartyIdIn, body: ChannelBody) -> Response:
    """Say what sort of channel a partner is."""

    def work(ctx: Ctx) -> dict[str, bool]:
        party_of(ctx, party_id, parties.PartyKind.PARTNER)
        pricing.channel_assign(ctx, partner_id=party_id, channel=body.channel)
        return {"done": True}

    return read(call, work)


@router.get(
    "/v1/operator/cost-proposals", response_model=answers.PageOut[price_answers.ProposalOut]
)
def cost_page(
    call: CallIn,
    state: Annotated[pricing.CostState | None, Query()] = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List the costs that suppliers ask for, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = pricing.cost_page(ctx, supplier_id=None, state=state, cursor=cursor, limit=limit)
        return page(rows.map(price_answers.proposal_document))

    return read(call, work)


@router.post(
    "/v1/operator/cost-proposals/{proposal_id}:approve", response_model=price_answers.ProposalOut
)
def cost_approve(call: CallIn, proposal_id: ProposalIdIn) -> Response:
    """Agree to a cost; it holds from when it was asked for, never from before now."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return price_answers.proposal_document(pricing.cost_approve(ctx, proposal_id=proposal_id))

    return change(call, work)


@router.post(
    "/v1/operator/cost-proposals/{proposal_id}:reject", response_model=price_answers.ProposalOut
)
def cost_reject(call: CallIn, proposal_id: ProposalIdIn, body: ReasonBody) -> Response:
    """Decline a cost and say why."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rejected = pricing.cost_reject(ctx, proposal_id=proposal_id, reason=body.reason)
        return price_answers.proposal_document(rejected)

    return change(call, work)


@router.put("/v1/operator/compare-at", response_model=answers.PutOut)
def compare_at_put(call: CallIn, body: CompareAtBody) -> Response:
    """Let prices be shown struck out: explained, or at most what goods lately sold for."""

    def work(ctx: Ctx) -> dict[str, int]:
        rows = [pricing.CompareAtRow(**row.model_dump()) for row in body.rows]
        count = pricing.compare_at_put(ctx, rows=rows)
        return {"changed": count.changed, "unchanged": count.unchanged}

    return read(call, in_list("rows", work))


@router.get("/v1/operator/compare-at", response_model=answers.PageOut[price_answers.CompareAtOut])
def compare_at_page(
    call: CallIn,
    state: Annotated[pricing.CompareAtState | None, Query()] = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List compare-at prices, those that have lapsed too."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = pricing.compare_at_page(ctx, state=state, cursor=cursor, limit=limit)
        return page(rows.map(price_answers.compare_at_document))

    return read(call, work)


@router.get("/v1/operator/skus/{sku_id}/transaction-prices", response_model=price_answers.TradedOut)
def traded_days(call: CallIn, sku_id: SkuIdIn) -> Response:
    """Give the lowest, highest and last transaction price of the last days it was sold on."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return {
            "items": [
                {
                    "traded_on": day.traded_on.isoformat(),
                    "lowest_minor": day.lowest_minor,
                    "highest_minor": day.highest_minor,
                    "last_minor": day.last_minor,
                }
                for day in pricing.traded_days(ctx, sku_id=sku_id)
            ]
        }

    return read(call, work)
