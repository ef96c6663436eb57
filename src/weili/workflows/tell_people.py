"""Tells people of what happened to their party: reads the log of events on, and writes notices."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weili.kit import outbox
from weili.kit.context import Ctx
from weili.kit.ids import id_parse
from weili.kit.money import yuan_from_fen
from weili.modules import dropship, goods, inventory, ledger, notices, parties
from weili.modules.parties import PersonRole

EVENTS_MAX: Final = 500
PEOPLE_MAX: Final = 50
"""People of a party who are told of one thing."""

_REFUSED: Final = frozenset({"supplier_refused", "short"})
"""Why a child order is cancelled that its partner did not ask for."""

ROLES: Final[Mapping[notices.Kind, frozenset[PersonRole]]] = MappingProxyType(
    {
        notices.Kind.BALANCE_LOW: frozenset({PersonRole.OWNER, PersonRole.FINANCE}),
        notices.Kind.BALANCE_SHORT: frozenset({PersonRole.OWNER, PersonRole.FINANCE}),
        notices.Kind.ORDER_REFUSED: frozenset({PersonRole.OWNER, PersonRole.BUYER}),
        notices.Kind.STOCK_LOW: frozenset({PersonRole.OWNER, PersonRole.WAREHOUSE}),
    }
)
"""Whose work each is."""
KINDS: Final[Mapping[str, notices.Kind]] = MappingProxyType(
    {
        ledger.BALANCE_LOW.name: notices.Kind.BALANCE_LOW,
        ledger.BALANCE_SHORT.name: notices.Kind.BALANCE_SHORT,
        dropship.ORDER_CANCELLED.name: notices.Kind.ORDER_REFUSED,
        inventory.STOCK_LOW.name: notices.Kind.STOCK_LOW,
    }
)
"""Which events are told of, and as what."""


def people_tell(ctx: Ctx) -> bool:
    """Tell of the events that came since last time; says whether there may be more.

    Events are read in the order of the log, and how far they were is written in the same
    transaction as the notices; another that reads meanwhile leaves it to this one.
    """
    position = notices.followed(ctx)
    if position is None:
        return False
    found, reached = outbox.log_after(ctx, after=position, types=list(KINDS), limit=EVENTS_MAX)
    for message in found:
        event = message.event
        kind = KINDS[event.type]
        values = _values(ctx, kind, event.data)
        if values is not None:
            people = parties.people_of(
                ctx, party_id=event.party_id, roles=ROLES[kind], limit=PEOPLE_MAX
            )
            notices.tell(
                ctx,
                people=people,
                kind=kind,
                subject=str(event.id),
                values=values,
                since=event.occurred_at,
            )
    if reached != position:
        notices.follow_to(ctx, position=reached)
    return len(found) == EVENTS_MAX


def _values(ctx: Ctx, kind: notices.Kind, data: Mapping[str, str | int]) -> dict[str, str] | None:
    """Give what is put into the words, or None for an event that nobody is told of."""
    match kind:
        case notices.Kind.BALANCE_LOW:
            return {
                "available": yuan_from_fen(int(data["available_minor"])),
                "alarm": yuan_from_fen(int(data["alarm_minor"])),
            }
        case notices.Kind.BALANCE_SHORT:
            return {
                "available": yuan_from_fen(int(data["available_minor"])),
                "needed": yuan_from_fen(int(data["needed_minor"])),
            }
        case notices.Kind.ORDER_REFUSED:
            return {"number": str(data["number"])} if data["reason"] in _REFUSED else None
        case _:
            return _stock_values(ctx, data)


def _stock_values(ctx: Ctx, data: Mapping[str, str | int]) -> dict[str, str]:
    """Name the goods and the warehouse as their people do; by id where they are gone."""
    sku_id = goods.SkuId(id_parse(goods.SKU_PREFIX, str(data["sku_id"])))
    place_id = inventory.WarehouseId(
        id_parse(inventory.WAREHOUSE_PREFIX, str(data["warehouse_id"]))
    )
    sku = goods.skus_get(ctx, sku_ids=[sku_id]).get(sku_id)
    place = inventory.warehouses_get(ctx, warehouse_ids=[place_id]).get(place_id)
    return {
        "sku": str(data["sku_id"]) if sku is None else f"{sku.title} {sku.variant}".strip(),
        "warehouse": str(data["warehouse_id"]) if place is None else place.name,
        "unpromised": str(data["unpromised"]),
        "mark": str(data["low_below"]),
    }
