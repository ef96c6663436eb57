"""Whether goods can be had in an area."""

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.fields import ASKS_MAX, AreaIn, Body, DayIn, QuantityIn, SkuIdIn
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


@router.post("/v1/stock:batchGet", response_model=answers.StockOut)
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


class AvailabilityDocument(msgspec.Struct, frozen=True):
    """Shows what can be had, in the order of the fields."""

    sku_id: str
    quantity: int
    area_code: str
    state: inventory.StockState
    available: int
    lead_days: int | None
    ships_on: date | None
    arrives_on: date | None
    expected_on: date | None


def availability_document(
    sku_id: str, quantity: int, area_code: str, found: inventory.Availability
) -> AvailabilityDocument:
    """Show what can be had of so many in an area."""
    return AvailabilityDocument(sku_id, quantity, area_code, *found)
