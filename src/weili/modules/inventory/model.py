"""Warehouses, coverage, stock and its movements as values. Quantities are whole pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple, NewType
from uuid import UUID

import msgspec

from weili.kit.context import PartyId
from weili.kit.problems import Problem
from weili.kit.states import StateTable
from weili.modules.goods import SkuId

WarehouseId = NewType("WarehouseId", UUID)
ArrivalId = NewType("ArrivalId", UUID)
TransferId = NewType("TransferId", UUID)
CountId = NewType("CountId", UUID)
ShareId = NewType("ShareId", UUID)

WAREHOUSE_PREFIX: Final = "whs"
ARRIVAL_PREFIX: Final = "arv"
TRANSFER_PREFIX: Final = "stf"
COUNT_PREFIX: Final = "cnt"
SHARE_PREFIX: Final = "shr"

FUZZY_MAX: Final = 50
"""Up to here a quantity is told exactly; from here on it means "so many or more".

Source: DOMAIN.md, JD VOP stock by area (``remainNum`` is real only below 50).
"""

QUANTITY_MAX: Final = 1_000_000_000
"""Bound on a quantity: far inside a 64-bit column when summed."""

Place = tuple[SkuId, WarehouseId]
"""Where one SKU lies in one warehouse: the key of stock, and the order in which it is locked."""


MINUTES_A_DAY: Final = 1_440
CUTOFF_DEFAULT: Final = 16 * 60
"""Minutes after midnight, business time, up to which an order still leaves on the same day.

Source: the hour by which couriers commonly collect; a warehouse states its own.
"""
EVERY_DAY: Final = 0b111_1111
DAYS_MAX: Final = 400
"""Days that a warehouse's calendar may name: a year of holidays and their make-up days."""
PROMISE_DAYS_MAX: Final = 60
"""How far ahead a working day is looked for; a warehouse closed for longer promises nothing."""
LINES_MAX: Final = 1_000
"""SKUs in one transfer or count."""
HOLDERS_MAX: Final = 1_000
"""Partners that may sell one share between them."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a warehouse ships.

    What is ordered before ``cutoff_minute`` (minutes after midnight, business time) of a working
    day leaves on it, else on the next. ``work_days`` has a bit for each day of the week, Monday
    the lowest; ``closed_on`` and ``open_on`` name the days that differ: holidays, and the weekend
    days that are worked in exchange.
    """

    cutoff_minute: int = CUTOFF_DEFAULT
    work_days: int = EVERY_DAY
    closed_on: Sequence[date] = ()
    open_on: Sequence[date] = ()


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A place from which a supplier's goods leave; ``code`` is the supplier's own name for it."""

    id: WarehouseId
    code: str
    supplier_id: PartyId
    name: str
    region_code: str
    calendar: Calendar = Calendar()


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """A region that a warehouse serves; the lowest ``priority`` is asked first."""

    region_code: str
    priority: int
    lead_days: int


class StockChange(NamedTuple):
    """A change of what lies in a place.

    Either ``on_hand`` (what was counted) or ``on_hand_delta`` (what came or went) or neither;
    ``safety`` is what is never promised to anyone, and stays as it is when None; so does
    ``low_below``, under which the supplier is told that the place runs low (0: never). ``version``
    is the one that the change was made from, when that matters.
    """

    sku_id: SkuId
    warehouse_id: WarehouseId
    subject: str
    on_hand: int | None = None
    on_hand_delta: int | None = None
    safety: int | None = None
    low_below: int | None = None
    version: int | None = None


class OpeningStock(NamedTuple):
    """What lies of an SKU that was only just made."""

    sku_id: SkuId
    warehouse_id: WarehouseId
    on_hand: int


class StockLevel(NamedTuple):
    """What lies in a place, and how much of it is promised or held back.

    ``shared`` is kept for partners that hold a share of it. ``version`` goes up whenever
    ``on_hand`` does not stay as it was, or the supplier changes anything; reserving leaves it.
    """

    sku_id: SkuId
    warehouse_id: WarehouseId
    on_hand: int
    reserved: int
    safety: int
    shared: int = 0
    low_below: int = 0
    version: int = 0

    @property
    def available(self) -> int:
        """Say how much may still be promised to anyone; below zero where safety was raised."""
        return self.on_hand - self.reserved - self.shared - self.safety

    @property
    def unpromised(self) -> int:
        """Say how many pieces no order has taken: what runs low."""
        return self.on_hand - self.reserved


class StockRow(NamedTuple):
    """A place as it is listed: what lies there, what is on its way to it, when it last changed."""

    level: StockLevel
    in_transit: int
    changed_at: datetime


class StockNeed(StrEnum):
    """Which places of a list need a look: those that run low, or have nothing to promise."""

    LOW = "low"
    OUT = "out"


class ChangeOutcome(StrEnum):
    """What came of one row of an update."""

    DONE = "done"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of one row of an update: the place as it is then, or why it was refused."""

    outcome: ChangeOutcome
    level: StockLevel | None
    problem: Problem | None = None


class MoveKind(StrEnum):
    """Why stock moved."""

    RECEIPT = "receipt"
    ADJUST = "adjust"
    RESERVE = "reserve"
    RELEASE = "release"
    ISSUE = "issue"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    COUNT_GAIN = "count_gain"
    COUNT_LOSS = "count_loss"
    DAMAGE = "damage"
    RETURN = "return"


class Booking(NamedTuple):
    """A movement of what lies in a place that is none of trade's: why, where, and how many."""

    kind: MoveKind
    sku_id: SkuId
    warehouse_id: WarehouseId
    delta: int
    subject: str


class Move(NamedTuple):
    """A movement that trade makes: a positive quantity reserved, released, issued or returned.

    What comes back damaged is returned and then written off. A plain tuple, since an order's batch
    makes a thousand of them. ``shares`` says how many pieces of a reserve come out of which shares.
    """

    kind: MoveKind
    sku_id: SkuId
    warehouse_id: WarehouseId
    quantity: int
    subject: str
    shares: Sequence[tuple[ShareId, int]] = ()


class Part(msgspec.Struct, gc=False):
    """A piece of an order's line that one warehouse takes, and when it leaves and arrives.

    ``pieces`` are the SKUs that lie in the warehouse, with how many of each make one of the line:
    the SKU itself, or the parts of a bundle. ``shares`` is what is taken out of the asking
    partner's own shares.
    """

    line_index: int
    sku_id: SkuId
    warehouse_id: WarehouseId
    supplier_id: PartyId
    quantity: int
    lead_days: int
    ships_on: date | None
    pieces: Sequence[tuple[SkuId, int]]
    shares: Sequence[tuple[SkuId, ShareId, int]] = ()


class Verdict(StrEnum):
    """Why a warehouse that serves the area is to send something, or is not."""

    TAKES_ALL = "takes_all"
    TAKES_LINES = "takes_lines"
    TAKES_REST = "takes_rest"
    NOT_NEEDED = "not_needed"
    TOO_LITTLE = "too_little"
    HAS_NONE = "has_none"


@dataclass(frozen=True, slots=True)
class WarehouseNote:
    """What was thought of one warehouse: its rank among those that serve the area, and why."""

    warehouse_id: WarehouseId
    rank: int
    priority: int
    distance: int
    lead_days: int
    ships_on: date | None
    verdict: Verdict
    line_indexes: Sequence[int]
    """The lines that it takes, or, where it holds too little, those that it can't take whole."""


@dataclass(frozen=True, slots=True)
class AvailabilityAsk:
    """The question whether so many can be had in an area, and to leave ``on`` a day at latest."""

    sku_id: SkuId
    quantity: int
    area_code: str
    on: date | None = None


class StockState(StrEnum):
    """Whether a quantity can be had in an area.

    Source: DOMAIN.md, JD VOP stock states (in stock, under way, to be transferred, none).
    """

    IN_STOCK = "in_stock"
    IN_TRANSIT = "in_transit"
    TRANSFERABLE = "transferable"
    SHORT = "short"
    NONE = "none"
    NOT_SERVED = "not_served"


class Availability(NamedTuple):
    """The answer; ``lead_days`` and the days only where the quantity can be had.

    ``ships_on`` is the day on which the last of it leaves, ``arrives_on`` the day on which that
    arrives. Of what is under way, ``expected_on`` is when enough of it is there to be sent.
    """

    state: StockState
    quantity_fuzzy: int
    lead_days: int | None = None
    ships_on: date | None = None
    arrives_on: date | None = None
    expected_on: date | None = None


class ArrivalState(StrEnum):
    """Where goods stand that are to come in."""

    EXPECTED = "expected"
    RECEIVED = "received"
    CANCELLED = "cancelled"


ARRIVAL_STATES: Final = StateTable(
    "arrival",
    frozenset({ArrivalState.EXPECTED}),
    {
        ArrivalState.EXPECTED: frozenset({ArrivalState.RECEIVED, ArrivalState.CANCELLED}),
        ArrivalState.RECEIVED: frozenset(),
        ArrivalState.CANCELLED: frozenset(),
    },
    name_zh="到货单",
)


@dataclass(frozen=True, slots=True)
class NewArrival:
    """Goods that a supplier says will come in."""

    sku_id: SkuId
    warehouse_id: WarehouseId
    quantity: int
    expected_on: date
    reference: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """Goods on their way into a place: from outside, or as a line of a transfer.

    ``received`` differs from ``quantity`` by what got lost or came in excess, for ``reason``.
    """

    id: ArrivalId
    sku_id: SkuId
    warehouse_id: WarehouseId
    quantity: int
    expected_on: date
    reference: str
    transfer_id: TransferId | None
    state: ArrivalState
    received: int
    reason: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class Transfer:
    """Goods that one warehouse sends to another of the same supplier; open until received."""

    id: TransferId
    from_warehouse_id: WarehouseId
    to_warehouse_id: WarehouseId
    reference: str
    expected_on: date
    shipped_at: datetime
    received_at: datetime | None
    lines: Sequence[Arrival]


class CountState(StrEnum):
    """Where a count stands."""

    OPEN = "open"
    BOOKED = "booked"
    CANCELLED = "cancelled"


COUNT_STATES: Final = StateTable(
    "stock count",
    frozenset({CountState.OPEN}),
    {
        CountState.OPEN: frozenset({CountState.BOOKED, CountState.CANCELLED}),
        CountState.BOOKED: frozenset(),
        CountState.CANCELLED: frozenset(),
    },
    name_zh="盘点单",
)


@dataclass(frozen=True, slots=True)
class CountLine:
    """What the books said of one SKU when the count was opened, and what was counted."""

    sku_id: SkuId
    expected: int
    counted: int | None
    reason: str

    @property
    def difference(self) -> int:
        """Say what was found (above zero) or is missing (below)."""
        return 0 if self.counted is None else self.counted - self.expected


@dataclass(frozen=True, slots=True)
class Count:
    """A count of some SKUs in one warehouse."""

    id: CountId
    warehouse_id: WarehouseId
    state: CountState
    reference: str
    opened_at: datetime
    closed_at: datetime | None
    lines: Sequence[CountLine]


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one SKU, and why it differs if it does."""

    sku_id: SkuId
    counted: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Damage:
    """Pieces that can no longer be sold, and why."""

    sku_id: SkuId
    warehouse_id: WarehouseId
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class NewShare:
    """Pieces to be kept for partners until a moment; several partners sell them between them."""

    sku_id: SkuId
    warehouse_id: WarehouseId
    partner_ids: Sequence[PartyId]
    quantity: int
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Share:
    """Pieces of a place that only some partners may sell; what is unsold at its end is anyone's."""

    id: ShareId
    sku_id: SkuId
    warehouse_id: WarehouseId
    partner_ids: Sequence[PartyId]
    quantity: int
    unsold: int
    ends_at: datetime
    ended_at: datetime | None
