"""What is answered about orders, to those who place, ship and watch them."""

from typing import Annotated, Literal

from pydantic import Field

from weili.entrypoints.http.answers import (
    ChildIdOut,
    DayOut,
    Fen,
    MomentOut,
    OrderIdOut,
    PackageIdOut,
    PartyIdOut,
    ProblemOut,
    RemarkIdOut,
    SkuIdOut,
    TemplateIdOut,
    WarehouseIdOut,
)
from weili.entrypoints.http.fields import Document
from weili.modules import dropship, inventory, pricing
from weili.workflows.cancel_order import CancelOutcome
from weili.workflows.read_order_story import StoryKind


class MaskedRecipientOut(Document):
    """Whom the order is sent to, masked."""

    name: str
    phone: str
    address: str


class RecipientOut(Document):
    """Whom the order is sent to, revealed for the reason that was written down."""

    name: str
    phone: str
    address: str


class LineOut(Document):
    """A line of a child order."""

    line_no: int
    sku_id: SkuIdOut
    quantity: int
    unit_price_minor: Fen
    amount_minor: Fen
    freight_minor: Fen
    tax_rate_bps: int
    return_policy: str
    shipped: int


class ChildOut(Document):
    """The part of an order that one warehouse ships."""

    id: ChildIdOut
    state: dropship.OrderState
    warehouse_id: WarehouseIdOut
    lead_days: int
    ships_on: DayOut | None
    arrives_on: DayOut | None
    goods_minor: Fen
    freight_minor: Fen
    lines: list[LineOut]


class PackageLineOut(Document):
    """How many pieces of a line are in a package."""

    line_no: int
    quantity: int


class PackageOut(Document):
    """What left the warehouse under one waybill."""

    id: PackageIdOut
    child_id: ChildIdOut
    carrier_code: str
    carrier_name: str
    waybill_number: str
    shipped_at: MomentOut
    delivered_at: MomentOut | None
    state: dropship.PackageState
    back: dropship.ReturnCause | None
    condition: dropship.Condition | None
    due_at: Annotated[
        MomentOut | None,
        Field(description="when a request to stop it, or its way back, is given up"),
    ]
    lines: list[PackageLineOut]


class PlacedOut(Document):
    """An order as it was placed; the same text every time it is placed again."""

    id: OrderIdOut
    number: str
    state: dropship.OrderState
    area_code: str
    placed_at: MomentOut
    hold_expires_at: MomentOut | None
    unpaid_expires_at: MomentOut | None
    goods_minor: Fen
    freight_minor: Fen
    total_minor: Fen
    currency: Literal["CNY"]
    children: list[ChildOut]


class OrderOut(PlacedOut):
    """An order as it stands now."""

    packages: list[PackageOut] = Field(default_factory=list)
    recipient: MaskedRecipientOut


class CancelOutcomeOut(Document):
    """What came of asking to cancel one child order."""

    child_id: ChildIdOut
    outcome: Annotated[
        CancelOutcome,
        Field(description="done; accepted (the supplier is asked); refused (it has shipped)"),
    ]


class CancelledOut(OrderOut):
    """An order of which what could be was cancelled."""

    outcomes: list[CancelOutcomeOut]


class RemarkOut(Document):
    """What a partner said of an order, for the operator or for those who ship it."""

    id: RemarkIdOut
    audience: dropship.Audience
    text: str
    written_at: MomentOut


class RemarksOut(Document):
    """The remarks on an order, the oldest first."""

    items: list[RemarkOut]


class OrderSettingsOut(Document):
    """What becomes of an order that the balance does not cover."""

    low_balance: dropship.LowBalance


class OperatorOrderOut(OrderOut):
    """An order as the operator sees it; ``titles`` says what its goods are called, by SKU."""

    partner_id: PartyIdOut
    partner_name: str
    titles: dict[str, str]


class StoryItemOut(Document):
    """One thing that became of an order.

    Of a `step` of an order, child order or package ``name`` is the state, ``before`` the one before
    and ``text`` the reason; of a `package` that left, its waybill number and carrier; of a `track`,
    its kind; of a `remark`, whom it is for; of `money`, the purpose, and ``before`` says whether it
    was held, posted, given back (`void`) or moved at once (`direct`); of an `event`, its type.
    """

    at: MomentOut
    kind: StoryKind
    subject: str
    name: str
    before: str
    text: str
    actor: str
    amount_minor: Fen | None


class StoryOut(Document):
    """All that became of an order, the oldest first."""

    items: list[StoryItemOut]


class BatchResultOut(Document):
    """What came of one order of a batch: ``order`` when placed, ``problem`` when refused."""

    number: str
    status: Literal["placed", "refused"]
    replayed: bool
    order: PlacedOut | None = None
    problem: ProblemOut | None = None


class BatchOut(Document):
    """What came of each order, in the order they were sent."""

    results: list[BatchResultOut]


class RenderLineOut(Document):
    """A line as placing it now would be."""

    line_no: int
    sellable: bool
    unit_price_minor: Fen | None
    price_version: int | None


class RenderChildOut(Document):
    """A part that one warehouse would ship."""

    warehouse_id: WarehouseIdOut
    lead_days: int
    ships_on: DayOut | None
    arrives_on: DayOut | None
    goods_minor: Fen
    freight_minor: Fen
    lines: list[LineOut]


class FreightChargeOut(Document):
    """What one freight template asks for the lines that travel by it."""

    template_id: TemplateIdOut
    basis: pricing.FreightBasis
    line_nos: list[int]
    amount_minor: Fen


class WarehouseNoteOut(Document):
    """What was thought of one warehouse that serves the area, and why.

    `takes_all`, `takes_lines` and `takes_rest` (of lines that nobody has whole) are sent from
    there; `not_needed`, `too_little` (for the lines named) and `has_none` were passed over.
    """

    warehouse_id: WarehouseIdOut
    rank: int
    priority: int
    distance: Annotated[
        int,
        Field(ge=0, le=4, description="0 county, 1 city, 2 province, 3 neighbouring, 4 elsewhere"),
    ]
    lead_days: int
    ships_on: DayOut | None
    verdict: inventory.Verdict
    line_nos: list[int]


class RenderOut(Document):
    """What an order would become, or all that speaks against it."""

    sellable: bool
    goods_minor: Fen
    freight_minor: Fen
    total_minor: Fen
    currency: Literal["CNY"]
    freight: Annotated[list[FreightChargeOut], Field(description="sums to freight_minor")]
    lines: list[RenderLineOut]
    problems: list[ProblemOut]
    sourcing: list[WarehouseNoteOut]
    children: list[RenderChildOut]


class SupplyLineOut(Document):
    """A line of a child order as its supplier sees it."""

    line_no: int
    sku_id: SkuIdOut
    quantity: int
    shipped: int
    unit_cost_minor: Fen


class SupplyOrderOut(Document):
    """A child order as its supplier sees it."""

    id: ChildIdOut
    order_id: OrderIdOut
    partner_id: PartyIdOut
    state: dropship.OrderState
    warehouse_id: WarehouseIdOut
    area_code: str
    ships_on: DayOut | None
    arrives_on: DayOut | None
    placed_at: MomentOut
    lines: list[SupplyLineOut]
    recipient: MaskedRecipientOut
    packages: list[PackageOut]


class ChildStateOut(Document):
    """Where a child order stands now."""

    id: ChildIdOut
    state: dropship.OrderState
