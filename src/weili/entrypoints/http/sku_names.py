"""What SKUs are called, for whoever may know of them."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.fields import Document
from weili.entrypoints.http.goods import SkusBody
from weili.kit.context import Actor, Ctx
from weili.kit.ids import id_text
from weili.modules import goods, parties

router = APIRouter(tags=["goods"])


class SkuNameOut(Document):
    """What an SKU is called; the supplier's code is its supplier's and the operator's to know."""

    sku_id: answers.SkuIdOut
    title: str
    variant: str
    supplier_code: str | None


class SkuNamesOut(Document):
    """The SKUs that you may know of, in the order of asking; others are left out."""

    items: list[SkuNameOut]


@router.post("/v1/sku-names:batchGet", response_model=SkuNamesOut)
def sku_names(call: CallIn, body: SkusBody) -> Response:
    """Say what up to 100 SKUs are called.

    The operator's staff may ask of any, a supplier of its own, a partner of what it may order.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        found = _known(ctx, call.actor, list(dict.fromkeys(body.sku_ids)))
        is_partner = call.actor.role == parties.PartyKind.PARTNER
        return {
            "items": [
                {
                    "sku_id": id_text(goods.SKU_PREFIX, sku.id),
                    "title": sku.title,
                    "variant": sku.variant,
                    "supplier_code": None if is_partner else sku.supplier_code,
                }
                for sku in found
            ]
        }

    return read(call, work)


def _known(ctx: Ctx, actor: Actor, asked: Sequence[goods.SkuId]) -> list[goods.Sku]:
    """Give those of the SKUs that an actor may know of."""
    if actor.role == parties.PartyKind.OPERATOR:
        skus = goods.skus_get(ctx, sku_ids=asked)
    elif actor.role == parties.PartyKind.SUPPLIER:
        every = goods.skus_get(ctx, sku_ids=asked)
        skus = {key: sku for key, sku in every.items() if sku.supplier_id == actor.party_id}
    else:
        seen = goods.skus_visible(ctx, pairs=[(actor.party_id, sku_id) for sku_id in asked])
        skus = goods.skus_get(ctx, sku_ids=[sku_id for _, sku_id in seen])
    return [skus[sku_id] for sku_id in asked if sku_id in skus]
