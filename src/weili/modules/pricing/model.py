"""Price lists, prices, costs and freight as values. Every amount is whole fen, tax included."""

from dataclasses import dataclass
from typing import Final, NewType
from uuid import UUID

from weili.kit.context import EventType
from weili.modules.goods import SkuId

ListId = NewType("ListId", UUID)
LIST_PREFIX: Final = "lst"

CHANGED_MAX: Final = 100
"""SKUs in one message; a message stays small enough to be read and retried whole."""

PRICE_CHANGED: Final = EventType(
    name="price.changed",
    promise=(
        "A price that the receiving partner pays has changed, or is there for the first time. "
        f"At most {CHANGED_MAX} SKUs a message; each with the tiers that changed, no others."
    ),
    data={
        "list_id": "the price list that changed",
        "currency": "of all amounts, ISO 4217",
        "prices": "list of {sku_id, quantity_min, unit_price_minor, version}",
    },
)
EVENTS: Final[tuple[EventType, ...]] = (PRICE_CHANGED,)


@dataclass(frozen=True, slots=True)
class PriceList:
    """A named set of prices. One list is the default: it fills the gaps of all others."""

    id: ListId
    name: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What one piece costs a partner who takes at least ``quantity_min`` of them."""

    sku_id: SkuId
    quantity_min: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True)
class Price:
    """A price in force: its tier, and which version of that tier it is (1, 2, 3 …)."""

    unit_price_minor: int
    version: int
    quantity_min: int


@dataclass(frozen=True, slots=True)
class PriceAsk:
    """The question what one piece costs when so many are taken."""

    sku_id: SkuId
    quantity: int


@dataclass(frozen=True, slots=True)
class PriceQuote:
    """The answer: the price (None where there is none for this partner), and all tiers."""

    sku_id: SkuId
    quantity: int
    price: Price | None
    tiers: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one piece costs the platform: what its supplier is owed."""

    sku_id: SkuId
    unit_cost_minor: int


@dataclass(frozen=True, slots=True)
class FreightRow:
    """Freight to a region: a fee an order, and from which goods amount it is free (None: never)."""

    region_code: str
    base_minor: int
    free_from_minor: int | None


@dataclass(frozen=True, slots=True)
class PutCount:
    """How many rows were really changed by a put, and how many stood there already."""

    changed: int
    unchanged: int
