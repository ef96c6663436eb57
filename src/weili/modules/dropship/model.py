"""What a dropship order is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from weili.kit.context import PartyId
from weili.modules.dropship.states import OrderState, PackageState
from weili.modules.goods import SkuId
from weili.modules.inventory import WarehouseId
from weili.modules.ledger import TransferId

OrderId = NewType("OrderId", UUID)
ChildId = NewType("ChildId", UUID)
PackageId = NewType("PackageId", UUID)
ClaimId = NewType("ClaimId", UUID)
RemarkId = NewType("RemarkId", UUID)

ORDER_PREFIX: Final = "ord"
CHILD_PREFIX: Final = "chd"
PACKAGE_PREFIX: Final = "pkg"
REMARK_PREFIX: Final = "rmk"

PURPOSE_GOODS_BACK: Final = "goods_back"
PURPOSE_FREIGHT_BACK: Final = "freight_back"
PURPOSE_COST_BACK: Final = "cost_back"
"""What the transfers are for that settle a package which came back or was lost."""

LINES_MAX: Final = 50
QUANTITY_MAX: Final = 100_000
NUMBER_LENGTH_MAX: Final = 64
HOLD_LASTS: Final = timedelta(minutes=30)
"""How long an unconfirmed order keeps its stock and money."""
COMPLETES_AFTER: Final = timedelta(days=7)
"""When a delivered order is done by itself. Source: the no-reason return window of seven days."""
UNPAID_LASTS: Final = timedelta(hours=24)
"""How long an order waits for its partner's balance, with its stock kept."""
WAITING_MAX: Final = 1_000
"""Orders of one partner that may wait for its balance; each of them keeps stock from others."""
INTERCEPT_LASTS: Final = timedelta(days=3)
"""After that nobody has stopped the package: it goes on."""
RETURN_LASTS: Final = timedelta(days=15)
"""How long a package that comes back may take; then it counts as lost on the way back."""
CHILDREN_MAX: Final = 200
"""How many children an order may have come to have, those that were split included."""
PACKAGES_MAX: Final = 200
"""Packages of one child order: a line may have 100,000 pieces, and nobody packs each by itself."""
REMARK_LENGTH_MAX: Final = 300
REMARKS_MAX: Final = 50
"""Remarks on one order."""
DUE_COUNT_MAX: Final = 10_000
CLAIM_LASTS: Final = timedelta(seconds=45)
"""How long what is being asked of a supplier is nobody else's; longer than any asking lasts."""


class Recipient(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Whom it is sent to. Personal data: lives sealed, is shown masked."""

    name: str
    phone: str
    address: str


class LineDraft(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A line as it is asked for; ``unit_price_minor`` is what the partner believes it costs."""

    sku_id: SkuId
    quantity: int
    unit_price_minor: int | None = None


class OrderDraft(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An order as it is asked for."""

    number: str
    area_code: str
    recipient: Recipient
    lines: tuple[LineDraft, ...]
    hold: bool = False


class Line(msgspec.Struct, frozen=True, gc=False):
    """One order line, or the part of it that one child carries. Amounts in fen, tax included."""

    line_no: int
    sku_id: SkuId
    quantity: int
    unit_price_minor: int
    price_version: int
    freight_minor: int
    unit_cost_minor: int
    tax_rate_bps: int
    return_policy: str
    shipped: int = 0

    @property
    def amount_minor(self) -> int:
        """What the goods of the line come to."""
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True, slots=True)
class PackageLine:
    """How many pieces of a line are in a package."""

    line_no: int
    quantity: int


@dataclass(frozen=True, slots=True)
class TradedLines:
    """What an SKU's order lines of a day say of its transaction prices.

    ``sure`` are the lowest and highest of those whose child has been with its supplier, and when
    the last of these was placed (None: there is none); ``any`` of all of them.
    """

    sure: tuple[int, int, datetime] | None
    any: tuple[int, int, datetime]
    last: tuple[int, int]
    """The lowest and highest of those that were placed last."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What pieces move in the books, in fen.

    Goods and freight are the partner's; the cost is owed to the supplier.
    """

    goods_minor: int
    freight_minor: int
    cost_minor: int


class ReturnCause(StrEnum):
    """Why a package comes back."""

    REFUSED = "refused"
    INTERCEPTED = "intercepted"


class Condition(StrEnum):
    """How a package came back."""

    GOOD = "good"
    DAMAGED = "damaged"


class LowBalance(StrEnum):
    """What becomes of a partner's order that its balance does not cover."""

    REFUSE = "refuse"
    WAIT = "wait"


class Audience(StrEnum):
    """Whom a remark is for."""

    OPERATOR = "operator"
    SUPPLIER = "supplier"


@dataclass(frozen=True, slots=True)
class Remark:
    """What a partner wants said of an order: for the operator, or for those who ship it."""

    id: RemarkId
    order_id: OrderId
    audience: Audience
    text: str
    actor: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Package:
    """What left the warehouse under one waybill."""

    id: PackageId
    child_id: ChildId
    carrier_code: str
    waybill_number: str
    lines: Sequence[PackageLine]
    shipped_at: datetime
    delivered_at: datetime | None
    worth: Worth
    state: PackageState = PackageState.SHIPPED
    version: int = 0
    back: ReturnCause | None = None
    condition: Condition | None = None
    due_at: datetime | None = None
    carrier_name: str | None = None


class Child(msgspec.Struct, frozen=True, gc=False):
    """The part of an order that one warehouse ships.

    ``split_from`` is the child that its pieces were taken from, when a supplier would not send
    them; ``replaces`` the lost package whose pieces it sends again. ``ships_on`` and ``arrives_on``
    are the days that were promised when it was made.
    """

    id: ChildId
    supplier_id: PartyId
    warehouse_id: WarehouseId
    state: OrderState
    lead_days: int
    goods_hold_id: TransferId
    freight_hold_id: TransferId | None
    lines: Sequence[Line]
    version: int = 0
    split_from: ChildId | None = None
    replaces: PackageId | None = None
    ships_on: date | None = None
    arrives_on: date | None = None

    @property
    def goods_minor(self) -> int:
        """What its goods come to."""
        return sum([line.quantity * line.unit_price_minor for line in self.lines])

    @property
    def freight_minor(self) -> int:
        """Its share of the order's freight."""
        return sum([line.freight_minor for line in self.lines])


class Order(msgspec.Struct, frozen=True, gc=False):
    """A root order with its flat set of children. A root is never shipped itself."""

    id: OrderId
    partner_id: PartyId
    number: str
    state: OrderState
    area_code: str
    recipient_sealed: bytes
    phone_index: bytes
    placed_at: datetime
    due_at: datetime | None
    children: Sequence[Child]
    packages: Sequence[Package] = ()
    version: int = 0

    @property
    def goods_minor(self) -> int:
        """What all goods come to."""
        return sum([child.goods_minor for child in self._counted()])

    @property
    def freight_minor(self) -> int:
        """The whole order's freight."""
        return sum([child.freight_minor for child in self._counted()])

    def _counted(self) -> list[Child]:
        # What was split lives on in other children, and what is sent again was counted before.
        split = OrderState.SPLIT
        return [c for c in self.children if c.state is not split and c.replaces is None]


class Placed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The outcome of a placed order: its answer as it was given the first time."""

    order_id: OrderId
    answer_json: str
    is_replay: bool


class PlaceOrder(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The command to place one order."""

    partner_id: PartyId
    draft: OrderDraft
    digest: bytes


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """An order that was decided on and not yet written: which command, and what it becomes."""

    index: int
    order: Order
    digest: bytes
    answer_json: str


class QueueState(StrEnum):
    """Where a child order stands in its supplier's queue."""

    WAITING = "waiting"
    TAKEN = "taken"
    CANCELLING = "cancelling"
    CLOSED = "closed"


QUEUE_OPEN: Final = tuple(state for state in QueueState if state is not QueueState.CLOSED)
"""The states in which a supplier has something to do: not all shipped, refused or cancelled."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A child order in its supplier's queue; ``attempts`` counts how often it was sent there."""

    supplier_id: PartyId
    child_id: ChildId
    order_id: OrderId
    state: QueueState
    attempts: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What one caller asks of one supplier, one thing after another, while its claim lasts.

    ``is_suspect`` says that the supplier's last answer was none: it is asked one thing at a time.
    """

    claim_id: ClaimId
    supplier_id: PartyId
    is_suspect: bool
    items: Sequence[Queued]


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """How a supplier's system has answered of late, and how much there is to ask of it.

    ``failures`` counts the askings in vain since its last answer, ``failure`` says how the last of
    them went, and until ``paused_until`` it is not asked; then with one thing, to try it.
    """

    failures: int
    failure: str
    paused_until: datetime | None
    due_count: int
    """At most ``DUE_COUNT_MAX``: more are not counted."""


@dataclass(frozen=True, slots=True)
class SupplierConnection:
    """Where a supplier's own system takes orders, and the secret that requests are signed with."""

    supplier_id: PartyId
    base_url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a root's or a child's state, for its history."""

    subject_id: UUID
    order_id: OrderId
    partner_id: PartyId
    version: int
    here: OrderState
    there: OrderState
    reason: str


class TrackKind(StrEnum):
    """What a carrier tells of a parcel."""

    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    REFUSED = "refused"
    LOST = "lost"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Track:
    """One thing that a carrier tells of a parcel, under the carrier's own id.

    A correction comes under the same id with a higher ``revision``, and takes its place.
    """

    event_id: str
    kind: TrackKind
    occurred_at: datetime
    place: str = ""
    text: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a carrier tells of the parcel with one of its numbers."""

    waybill_number: str
    tracks: Sequence[Track]


@dataclass(frozen=True, slots=True)
class CarrierConnection:
    """Where a carrier is asked about its parcels, and the secret that requests are signed with."""

    carrier_code: str
    base_url: str
    secret: str


@dataclass(frozen=True, slots=True)
class CarrierTurn:
    """The numbers that one carrier is to be asked about next, some claimed for a while."""

    connection: CarrierConnection
    waybill_numbers: Sequence[str]
