"""What a partner pays."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.fields import ASKS_MAX, Body, QuantityIn, SkuIdIn
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.money import CURRENCY
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
        return {"items": [_quote(quote) for quote in quotes]}

    return read(call, work)


def _quote(quote: pricing.PriceQuote) -> dict[str, Any]:
    price = quote.price
    return {
        "sku_id": id_text(goods.SKU_PREFIX, quote.sku_id),
        "quantity": quote.quantity,
        "unit_price_minor": price.unit_price_minor if price else None,
        "price_version": price.version if price else None,
        "currency": CURRENCY,
        "tiers": [
            {
                "quantity_min": tier.quantity_min,
                "unit_price_minor": tier.unit_price_minor,
                "version": tier.version,
            }
            for tier in quote.tiers
        ],
    }
