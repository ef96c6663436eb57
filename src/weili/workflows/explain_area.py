"""What areas can have of SKUs, and what each warehouse that serves them has to do with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import goods, inventory
from weili.modules.goods import SkuId
from weili.modules.inventory import Availability, AvailabilityAsk, WarehouseNote


@dataclass(frozen=True, slots=True)
class AreaAnswer:
    """Whether so many of an SKU can be had in an area, and what was thought of each warehouse."""

    sku_id: SkuId
    area_code: str
    found: Availability
    notes: Sequence[WarehouseNote]


def explain_areas(
    ctx: Ctx, *, sku_ids: Sequence[SkuId], area_codes: Sequence[str], quantity: int
) -> list[AreaAnswer]:
    """Say what areas can have, as an order of that one line would be sourced now.

    By SKU, then by area. What is kept for partners is not counted.

    Raises: Forbidden; SkuUnknown.
    """
    ctx.require("admin:stock")
    asks = [
        AvailabilityAsk(sku_id, quantity, area_code)
        for sku_id in dict.fromkeys(sku_ids)
        for area_code in dict.fromkeys(area_codes)
    ]
    known = goods.skus_known(ctx, sku_ids=list(sku_ids))
    for sku_id in sku_ids:
        if sku_id not in known:
            raise goods.SkuUnknown(sku_id=id_text(goods.SKU_PREFIX, sku_id))
    found = inventory.availability(ctx, asks=asks)
    bundles = {
        sku_id: [(part.sku_id, part.quantity) for part in parts]
        for sku_id, parts in goods.bundle_parts(ctx, sku_ids=list(sku_ids)).items()
    }
    lying = [part_id for parts in bundles.values() for part_id, _ in parts]
    book = inventory.sourcing_book(
        ctx, area_codes=area_codes, sku_ids=[*sku_ids, *lying], lock=False
    )
    answers = []
    for ask, told in zip(asks, found, strict=True):
        lines = [(ask.sku_id, quantity)]
        outcome = inventory.source(book, area_code=ask.area_code, lines=lines, bundles=bundles)
        notes = inventory.explain(
            book, area_code=ask.area_code, lines=lines, outcome=outcome, bundles=bundles
        )
        answers.append(AreaAnswer(ask.sku_id, ask.area_code, told, notes))
    return answers
