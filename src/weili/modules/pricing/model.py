"""Price lists, prices, costs and freight as values. Every amount is whole fen, tax included."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, NewType
from uuid import UUID

import msgspec

from weili.kit.context import EventType, PartyId
from weili.kit.states import StateTable
from weili.modules.goods import SkuId

ListId = NewType("ListId", UUID)
LIST_PREFIX: Final = "lst"
ChangeId = NewType("ChangeId", UUID)
CHANGE_PREFIX: Final = "chg"
ProposalId = NewType("ProposalId", UUID)
PROPOSAL_PREFIX: Final = "cpr"
TemplateId = NewType("TemplateId", UUID)
TEMPLATE_PREFIX: Final = "frt"
TEMPLATE_DEFAULT: Final = TemplateId(UUID(int=0))
"""The freight template of everything that has none of its own. A migration made it."""

CHANGED_MAX: Final = 100
"""SKUs in one message; a message stays small enough to be read and retried whole."""
ROWS_MAX: Final = 1_000
"""Rows of one put or one change; a change takes effect in one transaction."""
WINDOWS_MAX: Final = 20
"""Prices that one tier may have before it; every order reads them."""

LOWEST_DAYS: Final = 7
"""Over how many days before it a compare-at price is held to the lowest transaction price.

Source: 明码标价和禁止价格欺诈规定 art. 16 (DOMAIN.md §5).
"""
COMPARE_AT_EVERY: Final = timedelta(days=1)
"""How often a compare-at price that nobody explained is held to it again."""


class Channel(StrEnum):
    """What sort of channel a partner is; each may have a price list."""

    COMMUNITY = "community"
    CREATOR = "creator"
    SHOP_CHAIN = "shop_chain"
    ENTERPRISE = "enterprise"


class ChangeState(StrEnum):
    """Where a change of prices stands."""

    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    DONE = "done"
    CANCELLED = "cancelled"


CHANGE_STATES: Final = StateTable(
    "price change",
    frozenset({ChangeState.SCHEDULED, ChangeState.IN_FORCE, ChangeState.DONE}),
    {
        ChangeState.SCHEDULED: frozenset(
            {ChangeState.IN_FORCE, ChangeState.DONE, ChangeState.CANCELLED}
        ),
        ChangeState.IN_FORCE: frozenset({ChangeState.DONE}),
        ChangeState.DONE: frozenset(),
        ChangeState.CANCELLED: frozenset(),
    },
    name_zh="调价单",
)
"""From which state a change may go to which; what has no end is done as soon as it is in force."""


class CostState(StrEnum):
    """Where a cost that a supplier asks for stands."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    IN_FORCE = "in_force"


COST_STATES: Final = StateTable(
    "cost proposal",
    frozenset({CostState.SUBMITTED}),
    {
        CostState.SUBMITTED: frozenset(
            {CostState.APPROVED, CostState.REJECTED, CostState.WITHDRAWN}
        ),
        CostState.APPROVED: frozenset({CostState.IN_FORCE, CostState.WITHDRAWN}),
        CostState.REJECTED: frozenset(),
        CostState.WITHDRAWN: frozenset(),
        CostState.IN_FORCE: frozenset(),
    },
    name_zh="供货价申报",
)
"""From which state a proposal may go to which."""


class CompareAtState(StrEnum):
    """Whether a compare-at price may be shown."""

    STANDING = "standing"
    LAPSED = "lapsed"


COMPARE_AT_STATES: Final = StateTable(
    "compare-at price",
    frozenset({CompareAtState.STANDING}),
    {
        CompareAtState.STANDING: frozenset({CompareAtState.LAPSED}),
        CompareAtState.LAPSED: frozenset({CompareAtState.STANDING}),
    },
    name_zh="划线价",
)
"""From which state a compare-at price may go to which."""


class FreightBasis(StrEnum):
    """What a freight template counts."""

    ORDER = "order"
    WEIGHT = "weight"
    PIECE = "piece"


PRICE_CHANGED: Final = EventType(
    name="price.changed",
    promise=(
        "A price that the receiving partner pays has changed, or is there for the first time; "
        "when a price for a time is over, what is paid after it. Once for each change. "
        f"At most {CHANGED_MAX} SKUs a message; each with the tiers that changed, no others."
    ),
    data={
        "list_id": "the price list that changed",
        "currency": "of all amounts, ISO 4217",
        "prices": (
            "list of {sku_id, quantity_min, unit_price_minor, version}; the last two are null "
            "where the tier is there no more"
        ),
    },
)
COST_DECIDED: Final = EventType(
    name="cost.decided",
    promise="The operator has decided on a cost that the receiving supplier asked for.",
    data={
        "proposal_id": "the proposal",
        "sku_id": "the SKU",
        "unit_cost_minor": "what was asked for, in fen",
        "state": "approved or rejected",
        "valid_from": "from when it holds, if it was approved",
        "reason": "why it was rejected, if it was",
    },
)
COST_CHANGED: Final = EventType(
    name="cost.changed",
    promise="What the receiving supplier is owed a piece has changed. Once for each change.",
    data={
        "costs": "list of {sku_id, unit_cost_minor, version}",
        "currency": "of all amounts, ISO 4217",
    },
)
COMPARE_AT_LAPSED: Final = EventType(
    name="compare_at.lapsed",
    promise=(
        "Compare-at prices may no longer be shown: goods were since sold for less. To the "
        f"partners who see the SKUs; at most {CHANGED_MAX} a message, once for each lapse."
    ),
    data={"sku_ids": "the SKUs whose compare-at price has to be taken off"},
)
LIST_ASSIGNED: Final = EventType(
    name="price.list_assigned",
    promise="Another price list is yours from now on: any of your prices may be another.",
    data={"list_id": "the price list"},
)
EVENTS: Final[tuple[EventType, ...]] = (
    PRICE_CHANGED,
    LIST_ASSIGNED,
    COST_DECIDED,
    COST_CHANGED,
    COMPARE_AT_LAPSED,
)


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


class Price(NamedTuple):
    """A price in force: its tier, and which version of that tier it is (1, 2, 3 …).

    A plain tuple, since a batch of look-ups makes hundreds of them.
    """

    unit_price_minor: int
    version: int
    quantity_min: int


class TierKey(NamedTuple):
    """Which tier of which list."""

    list_id: ListId
    sku_id: SkuId
    quantity_min: int


@dataclass(frozen=True, slots=True)
class Window:
    """A price that holds from a moment on, up to another or (None) until something follows."""

    unit_price_minor: int
    version: int
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class PriceAsk:
    """The question what one piece costs when so many are taken."""

    sku_id: SkuId
    quantity: int


@dataclass(frozen=True, slots=True)
class CompareAtRow:
    """A price to be shown struck out, and in words what it is, if it is not held to the trade."""

    sku_id: SkuId
    compare_at_minor: int
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class CompareAt:
    """A price that a partner may show struck out beside its own, and why if that is said."""

    sku_id: SkuId
    compare_at_minor: int
    explanation: str | None
    state: CompareAtState
    version: int


class UnitPrice(NamedTuple):
    """What one piece costs now, gross.

    ``standing_by`` names the lists that the partner pays by at that moment, as ``paying_key`` does;
    None while a change is to come or holds, in any of them, of any tier of the SKU.
    """

    amount_minor: int
    version: int
    standing_by: bytes | None


class PriceQuote(NamedTuple):
    """The answer: the price (None where there is none for this partner), and all tiers.

    ``valid_until`` is when the price is known to change; ``compare_at`` is there while it may be
    shown.
    """

    price: Price | None
    tiers: tuple[Price, ...]
    tax_rate_bps: int = 0
    valid_until: datetime | None = None
    compare_at: CompareAt | None = None


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A set of prices that begin together, and end together or hold on (``valid_to`` None)."""

    id: ChangeId
    list_id: ListId
    note: str
    below_cost_reason: str | None
    valid_from: datetime
    valid_to: datetime | None
    state: ChangeState
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """What a change would do to one tier.

    ``old`` is what the list asks at that quantity when the change begins. The margin is what is
    left of the new price after the cost of that moment, None without a cost.
    """

    row: PriceRow
    old_minor: int | None
    unit_cost_minor: int | None
    partner_ids: Sequence[PartyId]

    @property
    def margin_minor(self) -> int | None:
        """What is left of a piece."""
        if self.unit_cost_minor is None:
            return None
        return self.row.unit_price_minor - self.unit_cost_minor

    @property
    def is_below_cost(self) -> bool:
        """Whether a piece is sold for less than it costs."""
        return self.margin_minor is not None and self.margin_minor < 0


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """One version of a tier, as it was written."""

    key: TierKey
    version: int
    unit_price_minor: int
    valid_from: datetime
    valid_to: datetime | None
    changed_at: datetime
    changed_by: str
    change_id: ChangeId | None


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one piece costs the platform: what its supplier is owed."""

    sku_id: SkuId
    unit_cost_minor: int


class FirstAmounts(NamedTuple):
    """What one piece of an SKU that was only just made is owed for, to whom, and sold at."""

    sku_id: SkuId
    supplier_id: PartyId
    unit_cost_minor: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True)
class CostProposal:
    """A cost that a supplier asks for, from a moment on."""

    id: ProposalId
    sku_id: SkuId
    supplier_id: PartyId
    unit_cost_minor: int
    valid_from: datetime
    state: CostState
    reason: str
    submitted_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class TradedRow:
    """A piece of an SKU was sold at a price."""

    sku_id: SkuId
    traded_at: datetime
    unit_price_minor: int


@dataclass(frozen=True, slots=True)
class TradedDay:
    """What an SKU was sold for on a day of the business's time."""

    sku_id: SkuId
    traded_on: date
    lowest_minor: int
    highest_minor: int
    last_minor: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FreightTemplate:
    """A named set of freight rules, and what they count."""

    id: TemplateId
    name: str
    basis: FreightBasis


@dataclass(frozen=True, slots=True)
class FreightRow:
    """Freight to a region: a fee for the first so many units, and one for every further so many.

    Units are grams or pieces, as the template counts; a template that counts the order asks
    ``base_minor`` alone. It is free from a goods amount or a number of pieces on (None: never).
    An excluded region is not sent to.
    """

    region_code: str
    base_minor: int
    free_from_minor: int | None = None
    first_units: int = 0
    next_units: int = 0
    next_minor: int = 0
    free_from_pieces: int | None = None
    is_excluded: bool = False


class FreightLine(msgspec.Struct, frozen=True, gc=False):
    """A line of an order, as far as freight goes."""

    sku_id: SkuId
    quantity: int
    weight_g: int
    amount_minor: int


class FreightCharge(msgspec.Struct, frozen=True, gc=False):
    """What one template asks for the lines of an order that travel by it."""

    template_id: TemplateId
    basis: FreightBasis
    line_indexes: Sequence[int]
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PutCount:
    """How many rows were really changed by a put, and how many stood there already."""

    changed: int
    unchanged: int
