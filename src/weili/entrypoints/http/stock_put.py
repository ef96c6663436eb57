"""Counting stock, for suppliers and the operator alike."""

from typing import Annotated, Any

from pydantic import Field

from weili.entrypoints.http.fields import ROWS_MAX, Body, CountIn, SkuIdIn, TitleIn, WarehouseIdIn
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import goods, inventory


class StockCountBody(Body):
    """How many pieces lie in one place; ``safety`` of them are promised to nobody."""

    sku_id: SkuIdIn
    warehouse_id: WarehouseIdIn
    on_hand: CountIn
    safety: CountIn | None = None


class StockPutBody(Body):
    """Up to 1,000 counts, all of them or none; ``reference`` is written beside each movement."""

    changes: Annotated[list[StockCountBody], Field(min_length=1, max_length=ROWS_MAX)]
    reference: TitleIn = "count"


def stock_put(ctx: Ctx, body: StockPutBody) -> dict[str, Any]:
    """Set stock to what was counted."""
    levels = inventory.stock_change(
        ctx,
        changes=[
            inventory.StockChange(
                item.sku_id,
                item.warehouse_id,
                body.reference,
                on_hand=item.on_hand,
                safety=item.safety,
            )
            for item in body.changes
        ],
    )
    return {"items": [level_document(level) for level in levels]}


def level_document(level: inventory.StockLevel) -> dict[str, Any]:
    """Show what lies in a place."""
    return {
        "sku_id": id_text(goods.SKU_PREFIX, level.sku_id),
        "warehouse_id": id_text(inventory.WAREHOUSE_PREFIX, level.warehouse_id),
        "on_hand": level.on_hand,
        "reserved": level.reserved,
        "safety": level.safety,
        "shared": level.shared,
        "low_below": level.low_below,
        "version": level.version,
    }
