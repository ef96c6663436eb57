"""What is answered about stock, and the places where it lies."""

from typing import Annotated

from pydantic import Field

from weili.entrypoints.http.answers import DayOut, PartyIdOut, SkuIdOut, WarehouseIdOut
from weili.entrypoints.http.fields import Document
from weili.modules import inventory


class AvailabilityOut(Document):
    """Whether so many can be had in an area."""

    sku_id: SkuIdOut
    quantity: int
    area_code: str
    state: inventory.StockState
    available: Annotated[int, Field(description="exact below 50, then 50 or more")]
    lead_days: int | None
    ships_on: DayOut | None
    arrives_on: DayOut | None
    expected_on: Annotated[
        DayOut | None, Field(description="when enough of what is under way is there to be sent")
    ]


class StockOut(Document):
    """Answers in the order of the questions."""

    items: list[AvailabilityOut]


class StockLevelOut(Document):
    """What lies in a place now."""

    sku_id: SkuIdOut
    warehouse_id: WarehouseIdOut
    on_hand: int
    reserved: int
    safety: int
    shared: Annotated[int, Field(description="kept for partners that hold a share")]
    low_below: Annotated[int, Field(description="you are told when less is left; 0: never")]
    version: int


class StockLevelsOut(Document):
    """The places that were counted."""

    items: list[StockLevelOut]


class WarehouseOut(Document):
    """A place from which a supplier's goods leave."""

    id: WarehouseIdOut
    code: str
    supplier_id: PartyIdOut
    name: str
    region_code: str
    cutoff_minute: int
    work_days: list[int]
    closed_on: list[DayOut]
    open_on: list[DayOut]
