"""Whether goods can be had in an area."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import stock_answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.checks import ASKS_MAX
from weili.entrypoints.http.fields import AreaIn, Body, DayIn, QuantityIn, SkuIdIn
from weili.entrypoints.http.look_documents import availability_document
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import goods, inventory

router = APIRouter(tags=["stock"])


class StockAskBody(Body):
    """Whether so many can be had in an area."""

    sku_id: SkuIdIn
    quantity: QuantityIn = 1
    area_code: AreaIn
    on: DayIn | None = None


class StockAsksBody(Body):
    """Up to 100 questions."""

    items: Annotated[list[StockAskBody], Field(min_length=1, max_length=ASKS_MAX)]


@router.post("/v1/stock:batchGet", response_model=stock_answers.StockOut)
def stock_get(call: CallIn, body: StockAsksBody) -> Response:
    """Say what can be had where, in the order of the questions.

    `available` is exact below 50 and then means 50 or more. Nothing is promised: only an order
    reserves. With `on`, only what is expected by that day counts as under way.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        asks = [
            inventory.AvailabilityAsk(item.sku_id, item.quantity, item.area_code, item.on)
            for item in body.items
        ]
        return {
            "items": [
                availability_document(
                    id_text(goods.SKU_PREFIX, ask.sku_id), ask.quantity, ask.area_code, found
                )
                for ask, found in zip(asks, inventory.availability(ctx, asks=asks), strict=True)
            ]
        }

    return read(call, work)
