"""What a partner pays."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import price_answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.checks import ASKS_MAX
from weili.entrypoints.http.fields import Body, QuantityIn, SkuIdIn
from weili.entrypoints.http.look_documents import quote_document
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import goods, pricing

router = APIRouter(tags=["prices"])


class PriceAskBody(Body):
    """What one piece costs when so many are taken."""

    sku_id: SkuIdIn
    quantity: QuantityIn = 1


class PriceAsksBody(Body):
    """Up to 100 questions."""

    items: Annotated[list[PriceAskBody], Field(min_length=1, max_length=ASKS_MAX)]


@router.post("/v1/prices:batchGet", response_model=price_answers.PricesOut)
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
