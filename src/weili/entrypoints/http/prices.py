"""What a partner pays."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import ASKS_MAX, Body, QuantityIn, SkuIdIn
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.money import CURRENCY, tax_inside_half_up
from weili.modules import goods, pricing

router = APIRouter(tags=["prices"])


class PriceAskBody(Body):
    """What one piece costs when so many are taken."""

    sku_id: SkuIdIn
    quantity: QuantityIn = 1


class PriceAsksBody(Body):
    """Up to 100 questions."""

    items: Annotated[list[PriceAskBody], Field(min_length=1, max_length=ASKS_MAX)]


@router.post("/v1/prices:batchGet", response_model=answers.PricesOut)
def prices_get(call: CallIn, body: PriceAsksBody) -> Response:
    """Say what you pay, in the order of the questions; null where there is no price for you."""

    def work(ctx: Ctx) -> dict[str, Any]:
        asks = [pricing.PriceAsk(item.sku_id, item.quantity) for item in body.items]
        quotes = pricing.prices_of(ctx, partner_id=call.actor.party_id, asks=asks)
        return {
            "items": [
                quote_document(id_text(goods.SKU_PREFIX, ask.sku_id), ask.quantity, quote)
                for ask, quote in zip(asks, quotes, strict=True)
            ]
        }

    return read(call, work)


class TierDocument(msgspec.Struct, frozen=True):
    """Shows a price a piece: gross, the tax inside it (half up), and what is left, the net."""

    quantity_min: int
    unit_price_minor: int
    unit_tax_minor: int
    unit_net_minor: int
    version: int


class QuoteDocument(msgspec.Struct, frozen=True):
    """Shows what a SKU costs, in the order of the fields."""

    sku_id: str
    quantity: int
    unit_price_minor: int | None = None
    unit_tax_minor: int | None = None
    unit_net_minor: int | None = None
    tax_rate_bps: int | None = None
    price_version: int | None = None
    quantity_min: int | None = None
    valid_until: str | None = None
    compare_at_minor: int | None = None
    compare_at_explanation: str | None = None
    currency: str = CURRENCY
    tiers: Sequence[TierDocument] = ()


def quote_document(sku_id: str, quantity: int, quote: pricing.PriceQuote) -> QuoteDocument:
    """Show what so many of a SKU cost."""
    price, tiers, tax_rate_bps, valid_until, shown = quote
    shown_tiers = [_tier(tier, tax_rate_bps) for tier in tiers]
    if price is None:
        until = moment(valid_until)
        return QuoteDocument(sku_id, quantity, valid_until=until, tiers=shown_tiers)
    paid = shown_tiers[tiers.index(price)]
    return QuoteDocument(
        sku_id,
        quantity,
        paid.unit_price_minor,
        paid.unit_tax_minor,
        paid.unit_net_minor,
        tax_rate_bps,
        paid.version,
        paid.quantity_min,
        moment(valid_until),
        shown.compare_at_minor if shown else None,
        shown.explanation if shown else None,
        CURRENCY,
        shown_tiers,
    )


def _tier(tier: pricing.Price, tax_rate_bps: int) -> TierDocument:
    gross_minor, version, quantity_min = tier
    tax_minor = tax_inside_half_up(gross_minor, tax_rate_bps)
    return TierDocument(quantity_min, gross_minor, tax_minor, gross_minor - tax_minor, version)
