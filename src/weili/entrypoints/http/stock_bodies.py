"""What is sent and answered about the works of stock: arrivals, transfers, counts, shares."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from weili.entrypoints.http.answers import (
    DayOut,
    MomentOut,
    PartyIdOut,
    ProblemOut,
    SkuIdOut,
    WarehouseIdOut,
)
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import (
    ROWS_MAX,
    Body,
    CountIn,
    DayIn,
    Document,
    MomentIn,
    PartyIdIn,
    PiecesIn,
    ReasonIn,
    SkuIdIn,
    TitleIn,
    WarehouseIdIn,
    id_pattern,
)
from weili.entrypoints.http.stock_answers import StockLevelOut
from weili.entrypoints.http.stock_put import level_document
from weili.kit.ids import id_text
from weili.modules import goods, inventory, parties


class StockUpdateRowBody(Body):
    """One row: what is there now (`on_hand`) or what came or went (`on_hand_delta`).

    With `version` it is done only if the place is still at that version.
    """

    sku_id: SkuIdIn
    warehouse_id: WarehouseIdIn
    on_hand: CountIn | None = None
    on_hand_delta: Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)] | None = None
    safety: CountIn | None = None
    low_below: CountIn | None = None
    version: Annotated[int, Field(ge=0)] | None = None

    def change(self, reference: str) -> inventory.StockChange:
        """Give the change."""
        return inventory.StockChange(
            self.sku_id,
            self.warehouse_id,
            reference,
            on_hand=self.on_hand,
            on_hand_delta=self.on_hand_delta,
            safety=self.safety,
            low_below=self.low_below,
            version=self.version,
        )


class StockUpdateBody(Body):
    """Up to 1,000 rows, each with an outcome of its own."""

    rows: Annotated[list[StockUpdateRowBody], Field(min_length=1, max_length=ROWS_MAX)]
    reference: TitleIn = "update"


class ArrivalBody(Body):
    """Goods that will come in."""

    sku_id: SkuIdIn
    warehouse_id: WarehouseIdIn
    quantity: PiecesIn
    expected_on: DayIn
    reference: TitleIn


class ArrivalsBody(Body):
    """Up to 1,000 arrivals, all of them or none."""

    arrivals: Annotated[list[ArrivalBody], Field(min_length=1, max_length=ROWS_MAX)]


class ReceiveBody(Body):
    """How many have really come, and why that differs if it does."""

    received: CountIn
    reason: ReasonIn | None = None


class WhyBody(Body):
    """Why."""

    reason: ReasonIn


class PiecesBody(Body):
    """So many of a SKU."""

    sku_id: SkuIdIn
    quantity: PiecesIn


class TransferBody(Body):
    """Goods that go from one of your warehouses to another."""

    from_warehouse_id: WarehouseIdIn
    to_warehouse_id: WarehouseIdIn
    expected_on: DayIn
    reference: TitleIn
    lines: Annotated[list[PiecesBody], Field(min_length=1, max_length=inventory.LINES_MAX)]


class ReceivedBody(Body):
    """How many of a SKU have really come."""

    sku_id: SkuIdIn
    received: CountIn


class TransferReceiveBody(Body):
    """What has come; a SKU that is not named came whole."""

    lines: Annotated[list[ReceivedBody], Field(max_length=inventory.LINES_MAX)] = Field(
        default_factory=list
    )
    reason: ReasonIn | None = None


class CountOpenBody(Body):
    """What is to be counted: the SKUs named, or all that lies in the warehouse."""

    warehouse_id: WarehouseIdIn
    reference: TitleIn
    sku_ids: Annotated[list[SkuIdIn], Field(max_length=inventory.LINES_MAX)] = Field(
        default_factory=list
    )


class CountedBody(Body):
    """What was counted; a difference needs a reason."""

    sku_id: SkuIdIn
    counted: CountIn
    reason: ReasonIn | None = None


class CountBookBody(Body):
    """What was found; a SKU that is not named stays as it is."""

    lines: Annotated[list[CountedBody], Field(min_length=1, max_length=inventory.LINES_MAX)]


class DamageRowBody(Body):
    """Pieces that can no longer be sold."""

    sku_id: SkuIdIn
    warehouse_id: WarehouseIdIn
    quantity: PiecesIn
    reason: ReasonIn


class DamageBody(Body):
    """Up to 1,000 rows, all of them or none."""

    rows: Annotated[list[DamageRowBody], Field(min_length=1, max_length=ROWS_MAX)]
    reference: TitleIn


class ShareBody(Body):
    """Pieces that only these partners may sell until a moment."""

    sku_id: SkuIdIn
    warehouse_id: WarehouseIdIn
    partner_ids: Annotated[list[PartyIdIn], Field(min_length=1, max_length=inventory.HOLDERS_MAX)]
    quantity: PiecesIn
    ends_at: MomentIn


class SharesBody(Body):
    """Up to 100 shares, all of them or none."""

    shares: Annotated[list[ShareBody], Field(min_length=1, max_length=100)]


class CalendarBody(Body):
    """When the warehouse ships; minutes and days in China's time, Monday is 1."""

    cutoff_minute: Annotated[int, Field(ge=0, le=inventory.MINUTES_A_DAY)]
    work_days: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(max_length=7)]
    closed_on: Annotated[list[DayIn], Field(max_length=inventory.DAYS_MAX)] = Field(
        default_factory=list
    )
    open_on: Annotated[list[DayIn], Field(max_length=inventory.DAYS_MAX)] = Field(
        default_factory=list
    )

    def calendar(self) -> inventory.Calendar:
        """Give the calendar."""
        bits = sum(1 << (day - 1) for day in set(self.work_days))
        return inventory.Calendar(
            self.cutoff_minute, bits, tuple(self.closed_on), tuple(self.open_on)
        )


class StockOutcomeOut(Document):
    """What came of one row; the place as it is now, or why it was refused."""

    outcome: inventory.ChangeOutcome
    level: StockLevelOut | None
    problem: ProblemOut | None


class StockOutcomesOut(Document):
    """Outcomes in the order of the rows."""

    items: list[StockOutcomeOut]


class ArrivalOut(Document):
    """Goods on their way, or how they came in."""

    id: Annotated[str, Field(pattern=id_pattern(inventory.ARRIVAL_PREFIX))]
    sku_id: SkuIdOut
    warehouse_id: WarehouseIdOut
    quantity: int
    expected_on: DayOut
    reference: str
    state: inventory.ArrivalState
    received: int
    reason: str
    is_late: bool


class ArrivalsOut(Document):
    """The arrivals that were announced."""

    items: list[ArrivalOut]


class TransferOut(Document):
    """Goods between two warehouses; its lines say what has come."""

    id: Annotated[str, Field(pattern=id_pattern(inventory.TRANSFER_PREFIX))]
    from_warehouse_id: WarehouseIdOut
    to_warehouse_id: WarehouseIdOut
    reference: str
    expected_on: DayOut
    shipped_at: MomentOut
    received_at: MomentOut | None
    lines: list[ArrivalOut]


class CountLineOut(Document):
    """What the books said and what was counted."""

    sku_id: SkuIdOut
    expected: int
    counted: int | None
    difference: int
    reason: str


class CountOut(Document):
    """A count of some SKUs in one warehouse."""

    id: Annotated[str, Field(pattern=id_pattern(inventory.COUNT_PREFIX))]
    warehouse_id: WarehouseIdOut
    state: inventory.CountState
    reference: str
    opened_at: MomentOut
    closed_at: MomentOut | None
    lines: list[CountLineOut]


class ShareOut(Document):
    """Pieces that are kept for you, alone or with others."""

    id: Annotated[str, Field(pattern=id_pattern(inventory.SHARE_PREFIX))]
    sku_id: SkuIdOut
    warehouse_id: WarehouseIdOut
    quantity: int
    unsold: int
    ends_at: MomentOut
    ended_at: MomentOut | None


class HeldShareOut(ShareOut):
    """A share with its holders, as the operator sees it."""

    partner_ids: list[PartyIdOut]


class HeldSharesOut(Document):
    """The shares that were opened."""

    items: list[HeldShareOut]


def changed_document(changed: inventory.Changed, *, language: str) -> dict[str, Any]:
    """Show what came of one row."""
    return {
        "outcome": changed.outcome.value,
        "level": level_document(changed.level) if changed.level else None,
        "problem": changed.problem.as_json(language) if changed.problem else None,
    }


def arrival_document(arrival: inventory.Arrival) -> dict[str, Any]:
    """Show an arrival."""
    return {
        "id": id_text(inventory.ARRIVAL_PREFIX, arrival.id),
        "sku_id": id_text(goods.SKU_PREFIX, arrival.sku_id),
        "warehouse_id": id_text(inventory.WAREHOUSE_PREFIX, arrival.warehouse_id),
        "quantity": arrival.quantity,
        "expected_on": _day(arrival.expected_on),
        "reference": arrival.reference,
        "state": arrival.state.value,
        "received": arrival.received,
        "reason": arrival.reason,
        "is_late": arrival.is_late,
    }


def transfer_document(transfer: inventory.Transfer) -> dict[str, Any]:
    """Show a transfer."""
    return {
        "id": id_text(inventory.TRANSFER_PREFIX, transfer.id),
        "from_warehouse_id": id_text(inventory.WAREHOUSE_PREFIX, transfer.from_warehouse_id),
        "to_warehouse_id": id_text(inventory.WAREHOUSE_PREFIX, transfer.to_warehouse_id),
        "reference": transfer.reference,
        "expected_on": _day(transfer.expected_on),
        "shipped_at": moment(transfer.shipped_at),
        "received_at": moment(transfer.received_at),
        "lines": [arrival_document(line) for line in transfer.lines],
    }


def count_document(count: inventory.Count) -> dict[str, Any]:
    """Show a count."""
    return {
        "id": id_text(inventory.COUNT_PREFIX, count.id),
        "warehouse_id": id_text(inventory.WAREHOUSE_PREFIX, count.warehouse_id),
        "state": count.state.value,
        "reference": count.reference,
        "opened_at": moment(count.opened_at),
        "closed_at": moment(count.closed_at),
        "lines": [
            asdict(line)
            | {"sku_id": id_text(goods.SKU_PREFIX, line.sku_id), "difference": line.difference}
            for line in count.lines
        ],
    }


def share_document(share: inventory.Share, *, with_holders: bool) -> dict[str, Any]:
    """Show a share; who else holds it is the operator's to know."""
    shown: dict[str, Any] = {
        "id": id_text(inventory.SHARE_PREFIX, share.id),
        "sku_id": id_text(goods.SKU_PREFIX, share.sku_id),
        "warehouse_id": id_text(inventory.WAREHOUSE_PREFIX, share.warehouse_id),
        "quantity": share.quantity,
        "unsold": share.unsold,
        "ends_at": moment(share.ends_at),
        "ended_at": moment(share.ended_at),
    }
    if with_holders:
        shown["partner_ids"] = [id_text(parties.PARTY_PREFIX, each) for each in share.partner_ids]
    return shown


def _day(on: date) -> str:
    return on.isoformat()
