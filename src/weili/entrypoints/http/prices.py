"""What a partner pays."""

from typing import Annotated, Any

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
        return {"items": [quote_document(quote) for quote in quotes]}

    return read(call, work)


def quote_document(quote: pricing.PriceQuote) -> dict[str, Any]:
    """Show what a SKU costs."""
    price, shown = quote.price, quote.compare_at
    return {
        "sku_id": id_text(goods.SKU_PREFIX, quote.sku_id),
        "quantity": quote.quantity,
        **unit_price(price.unit_price_minor if price else None, quote.tax_rate_bps),
        "tax_rate_bps": quote.tax_rate_bps if price else None,
        "price_version": price.version if price else None,
        "quantity_min": price.quantity_min if price else None,
        "valid_until": moment(quote.valid_until),
        "compare_at_minor": shown.compare_at_minor if shown and price else None,
        "compare_at_explanation": shown.explanation if shown and price else None,
        "currency": CURRENCY,
        "tiers": [
            {
                "quantity_min": tier.quantity_min,
                **unit_price(tier.unit_price_minor, quote.tax_rate_bps),
                "version": tier.version,
            }
            for tier in quote.tiers
        ],
    }


def unit_price(gross_minor: int | None, tax_rate_bps: int) -> dict[str, int | None]:
    """Show a price a piece: gross, the tax inside it (half up), and what is left, the net."""
    if gross_minor is None:
        return {"unit_price_minor": None, "unit_tax_minor": None, "unit_net_minor": None}
    tax_minor = tax_inside_half_up(gross_minor, tax_rate_bps)
    return {
        "unit_price_minor": gross_minor,
        "unit_tax_minor": tax_minor,
        "unit_net_minor": gross_minor - tax_minor,
    }
