"""Warehouses, coverage, stock and its movements as values. Quantities are whole pieces."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, NewType
from uuid import UUID

from weili.kit.context import PartyId
from weili.modules.goods import SkuId

WarehouseId = NewType("WarehouseId", UUID)
WAREHOUSE_PREFIX: Final = "whs"

FUZZY_MAX: Final = 50
"""Up to here a quantity is told exactly; from here on it means "so many or more".

Source: DOMAIN.md, JD VOP stock by area (``remainNum`` is real only below 50).
"""

QUANTITY_MAX: Final = 1_000_000_000
"""Bound on a quantity: far inside a 64-bit column when summed."""

Place = tuple[SkuId, WarehouseId]
"""Where one SKU lies in one warehouse: the key of stock, and the order in which it is locked."""


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A place from which a supplier's goods leave; ``code`` is the supplier's own name for it."""

    id: WarehouseId
    code: str
    supplier_id: PartyId
    name: str
    region_code: str


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """A region that a warehouse serves; the lowest ``priority`` is asked first."""

    region_code: str
    priority: int
    lead_days: int


@dataclass(frozen=True, slots=True)
class StockChange:
    """A change of what lies in a place.

    Either ``on_hand`` (what was counted) or ``on_hand_delta`` (what came or went) or neither;
    ``safety`` is what is never promised to anyone, and stays as it is when None.
    """

    sku_id: SkuId
    warehouse_id: WarehouseId
    subject: str
    on_hand: int | None = None
    on_hand_delta: int | None = None
    safety: int | None = None


@dataclass(frozen=True, slots=True)
class StockLevel:
    """What lies in a place, and how much of it is promised or held back."""

    sku_id: SkuId
    warehouse_id: WarehouseId
    on_hand: int
    reserved: int
    safety: int

    @property
    def available(self) -> int:
        """Say how much may still be promised; below zero where safety was raised later."""
        return self.on_hand - self.reserved - self.safety


class MoveKind(StrEnum):
    """Why stock moved."""

    RECEIPT = "receipt"
    ADJUST = "adjust"
    RESERVE = "reserve"
    RELEASE = "release"
    ISSUE = "issue"


class Move(NamedTuple):
    """A movement that trade makes: reserve, release or issue of a positive quantity.

    A plain tuple, since an order's batch makes a thousand of them.
    """

    kind: MoveKind
    sku_id: SkuId
    warehouse_id: WarehouseId
    quantity: int
    subject: str


@dataclass(slots=True)
class Part:
    """A piece of an order's line that one warehouse takes."""

    line_index: int
    sku_id: SkuId
    warehouse_id: WarehouseId
    supplier_id: PartyId
    quantity: int
    lead_days: int


@dataclass(frozen=True, slots=True)
class AvailabilityAsk:
    """The question whether so many can be had in an area."""

    sku_id: SkuId
    quantity: int
    area_code: str


class StockState(StrEnum):
    """Whether a quantity can be had in an area."""

    IN_STOCK = "in_stock"
    SHORT = "short"
    NONE = "none"
    NOT_SERVED = "not_served"


@dataclass(frozen=True, slots=True)
class Availability:
    """The answer; ``lead_days`` only where the quantity can be had."""

    sku_id: SkuId
    quantity: int
    area_code: str
    state: StockState
    quantity_fuzzy: int
    lead_days: int | None
