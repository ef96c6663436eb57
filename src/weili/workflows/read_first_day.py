"""Says how far a new house has come: what is there already of all that its first order needs."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from weili.kit.context import Ctx
from weili.modules import dropship, goods, inventory, parties


class FirstStep(StrEnum):
    """What is done on the first day, in this order."""

    HOUSE = "house"
    SUPPLIER = "supplier"
    WAREHOUSE = "warehouse"
    GOODS = "goods"
    PARTNER = "partner"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class FirstDay:
    """The house's name, which is its operator's, and which steps are done."""

    name: str
    steps: dict[FirstStep, bool]


def read_first_day(ctx: Ctx) -> FirstDay:
    """Say which steps of the first day are done: each is, once there is one of its things.

    Raises: Forbidden.
    """
    ctx.require("admin:world")
    kinds = parties.PartyKind
    house = parties.parties_get(ctx, party_ids=[ctx.actor.party_id]).get(ctx.actor.party_id)

    def has(kind: parties.PartyKind) -> bool:
        return bool(parties.party_page(ctx, kind=kind, limit=1).items)

    return FirstDay(
        house.name if house else "",
        {
            FirstStep.HOUSE: house is not None,
            FirstStep.SUPPLIER: has(kinds.SUPPLIER),
            FirstStep.WAREHOUSE: bool(inventory.warehouse_page(ctx, limit=1).items),
            FirstStep.GOODS: bool(
                goods.sku_ids_after(ctx, after=goods.SkuId(UUID(int=0)), limit=1)
            ),
            FirstStep.PARTNER: has(kinds.PARTNER),
            FirstStep.ORDER: dropship.has_orders(ctx),
        },
    )
