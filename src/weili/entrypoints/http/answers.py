"""What the API answers, stated for its document. The tests hold the real answers to it."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import ConfigDict, Field

from weili.entrypoints.http.fields import Document, id_pattern
from weili.modules import dropship, goods, inventory, ledger, parties, pricing
from weili.workflows.cancel_order import CancelOutcome

T = TypeVar("T")


OrderIdOut = Annotated[str, Field(pattern=id_pattern(dropship.ORDER_PREFIX))]
ChildIdOut = Annotated[str, Field(pattern=id_pattern(dropship.CHILD_PREFIX))]
PackageIdOut = Annotated[str, Field(pattern=id_pattern(dropship.PACKAGE_PREFIX))]
RemarkIdOut = Annotated[str, Field(pattern=id_pattern(dropship.REMARK_PREFIX))]
SkuIdOut = Annotated[str, Field(pattern=id_pattern(goods.SKU_PREFIX))]
SpuIdOut = Annotated[str, Field(pattern=id_pattern(goods.SPU_PREFIX))]
PoolIdOut = Annotated[str, Field(pattern=id_pattern(goods.POOL_PREFIX))]
PartyIdOut = Annotated[str, Field(pattern=id_pattern(parties.PARTY_PREFIX))]
PersonIdOut = Annotated[str, Field(pattern=id_pattern(parties.PERSON_PREFIX))]
CategoryIdOut = Annotated[str, Field(pattern=id_pattern(goods.CATEGORY_PREFIX))]
KeyIdOut = Annotated[str, Field(pattern=id_pattern(parties.KEY_PREFIX))]
ListIdOut = Annotated[str, Field(pattern=id_pattern(pricing.LIST_PREFIX))]
TemplateIdOut = Annotated[str, Field(pattern=id_pattern(pricing.TEMPLATE_PREFIX))]
WarehouseIdOut = Annotated[str, Field(pattern=id_pattern(inventory.WAREHOUSE_PREFIX))]
TransferIdOut = Annotated[str, Field(pattern=id_pattern(ledger.TRANSFER_PREFIX))]
MomentOut = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
DayOut = Annotated[
    str, Field(json_schema_extra={"format": "date"}, description="a day in China's time")
]
Fen = Annotated[int, Field(description="in fen")]
SuggestedPrice = Annotated[
    int | None,
    Field(
        description="what the supplier suggests as a retail price, in fen; a price to be crossed "
        "out is told by `POST /v1/prices:batchGet` alone, held to the trade of seven days"
    ),
]


class FieldOut(Document):
    """One field that is wrong."""

    path: Annotated[
        str, Field(description="a JSON pointer; ?name in the query; {name} in the path")
    ]
    code: str
    expected: str


class ProblemOut(Document):
    """A refusal (RFC 9457). Nothing was changed, unless the text says that it may have been."""

    model_config = ConfigDict(title="Problem", extra="forbid")

    type: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    title: str
    status: int
    code: Annotated[str, Field(description="stable; see the catalogue of problems")]
    detail: str
    repeatable: Annotated[bool, Field(description="the same request may be sent again unchanged")]
    fields: list[FieldOut] = Field(default_factory=list)
    members: dict[str, Any] = Field(default_factory=dict)


class PageOut(Document, Generic[T]):
    """A bounded number of rows; ``next_cursor`` is null on the last page."""

    items: list[T]
    next_cursor: str | None


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
    """An order as the operator sees it."""

    partner_id: PartyIdOut


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


class AccountOut(Document):
    """What stands on an account."""

    kind: str
    posted_minor: Fen
    held_minor: Fen
    available_minor: Fen
    currency: Literal["CNY"]


class StandingOut(Document):
    """What stood on an account at a moment."""

    posted_minor: Fen
    held_minor: Fen


class EntryOut(Document):
    """One transfer as the account sees it."""

    transfer_id: TransferIdOut
    kind: str
    purpose: str
    subject: str
    subject_kind: Literal[
        "order", "child", "package", "deposit", "withdrawal", "correction", "reference"
    ]
    order_id: OrderIdOut | None
    child_id: ChildIdOut | None
    order_number: str | None
    occurred_at: MomentOut
    posted_minor: Fen
    held_minor: Fen
    posted_after_minor: Fen
    held_after_minor: Fen


class PurposeTotalOut(Document):
    """What all entries of one purpose come to in the period."""

    purpose: str
    count: int
    posted_minor: Fen
    held_minor: Fen


class StatementOut(Document):
    """An account's entries; opening, totals and closing are of the whole period on every page."""

    kind: str
    from_at: MomentOut
    to_at: MomentOut
    currency: Literal["CNY"]
    opening: StandingOut
    totals: list[PurposeTotalOut]
    items: list[EntryOut]
    closing: StandingOut
    next_cursor: str | None


class MessageOut(Document):
    """Something that has happened."""

    id: Annotated[str, Field(pattern=id_pattern("msg"))]
    type: str
    subject: str
    occurred_at: MomentOut
    data: dict[str, Any]


class MessagesOut(Document):
    """The oldest messages that were not acknowledged, in order."""

    items: list[MessageOut]


class AckOut(Document):
    """How many were newly acknowledged."""

    acknowledged: int


class AreaOut(Document):
    """A province, city, county or town."""

    code: str
    name: str
    parent_code: str | None
    level: Literal["country", "province", "city", "county", "town"]


class AreaFullOut(AreaOut):
    """An area with its name in full, and what took its place if it is no longer in force."""

    full_name: str
    ancestors: list[str]
    until_year: int | None
    successors: list[str]
    vintage: str


class AreaChangeOut(Document):
    """One change; of a split or a replacement there is one for each successor."""

    position: int
    year: int
    kind: Literal["created", "renamed", "replaced", "split", "reassigned", "abolished"]
    code: str
    name: str
    successor_code: str | None
    successor_name: str | None
    vintage: str


class AreaChangesOut(Document):
    """The changes after a position, oldest first."""

    items: list[AreaChangeOut]


class AddressOtherOut(Document):
    """An area that the text may mean as well."""

    code: str
    full_name: str
    confidence: float


class AddressOut(Document):
    """What a text was read as: codes of all levels named or implied, and what is left of it."""

    name: str | None
    phone: str | None
    area_code: str | None
    full_name: str
    province_code: str | None
    city_code: str | None
    county_code: str | None
    town_code: str | None
    named: list[Literal["province", "city", "county", "town"]]
    rest: str
    confidence: float
    alternatives: list[AddressOtherOut]


class AddressesOut(Document):
    """One answer for each text, in their order."""

    items: list[AddressOut]


class AreasOut(Document):
    """The areas right below one."""

    items: list[AreaOut]


class CategoryOut(Document):
    """A category of goods; level 1 is the top."""

    id: CategoryIdOut
    parent_id: CategoryIdOut | None
    name: str
    level: Literal[1, 2, 3]


class CategoriesOut(Document):
    """The categories right below one."""

    items: list[CategoryOut]


class PoolOut(Document):
    """A pool of SKUs."""

    id: PoolIdOut
    name: str


class TermsOut(Document):
    """How many an order may ask for, and where to; the narrowest region named decides."""

    quantity_min: int
    quantity_max: int | None
    pack_size: int
    areas_allowed: list[str]
    areas_excluded: list[str]


class SkuOut(Document):
    """An SKU as a partner sees it."""

    id: SkuIdOut
    spu_id: SpuIdOut
    title: str
    variant: str
    category: list[str]
    brand: str
    brand_kind: goods.BrandKind | None
    attributes: dict[str, str]
    gtin: str | None
    unit: str
    weight_g: int
    tax_rate_bps: int
    return_policy: goods.ReturnPolicy
    suggested_price_minor: SuggestedPrice
    kind: goods.SkuKind
    variant_values: dict[str, str]
    terms: TermsOut
    state: goods.SkuState
    updated_at: MomentOut


class ShownMediaOut(Document):
    """A picture, video or document; fetch it at `/v1/media/{address}`."""

    address: str
    kind: goods.MediaKind
    content_type: str
    alt: str
    width: int | None
    height: int | None


class BundlePartOut(Document):
    """How many pieces of an SKU are in one bundle; parts that you may not order are left out."""

    sku_id: SkuIdOut
    quantity: int


class SkuFullOut(SkuOut):
    """An SKU with all that is shown beside it."""

    description: str
    media: list[ShownMediaOut]
    parts: list[BundlePartOut]


class OperatorSkuOut(SkuOut):
    """An SKU as the operator sees it."""

    supplier_id: PartyIdOut
    supplier_code: str


class SkusOut(Document):
    """The SKUs that were found, and the ids of those that were not."""

    items: list[SkuOut]
    missing: list[SkuIdOut]


class TierOut(Document):
    """What one piece costs from a quantity on; tax and net sum to the price."""

    quantity_min: int
    unit_price_minor: Fen
    unit_tax_minor: Annotated[int, Field(description="inside the price, rounded half up; in fen")]
    unit_net_minor: Fen
    version: int


class PriceOut(Document):
    """What one piece costs when so many are taken; null where there is no price."""

    sku_id: SkuIdOut
    quantity: int
    unit_price_minor: Annotated[int | None, Field(description="gross, in fen")]
    unit_tax_minor: Annotated[
        int | None, Field(description="inside the price, rounded half up; in fen")
    ]
    unit_net_minor: Fen | None
    tax_rate_bps: int | None
    price_version: int | None
    quantity_min: Annotated[int | None, Field(description="of the tier that it is")]
    valid_until: Annotated[
        MomentOut | None, Field(description="when it is known to become another")
    ]
    compare_at_minor: Annotated[
        int | None, Field(description="may be shown struck out beside the price; in fen")
    ]
    compare_at_explanation: str | None
    currency: Literal["CNY"]
    tiers: list[TierOut]


class PricesOut(Document):
    """Answers in the order of the questions."""

    items: list[PriceOut]


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


class PartyOut(Document):
    """A company that takes part."""

    id: PartyIdOut
    kind: parties.PartyKind
    name: str
    legal_name: str
    uscc: str
    state: parties.PartyState
    created_at: MomentOut


class PersonOut(Document):
    """Someone who works for a party, the e-mail address masked."""

    id: PersonIdOut
    party_id: PartyIdOut
    name: str
    email_masked: str
    role: parties.PersonRole
    created_at: MomentOut


class EmailOut(Document):
    """A person's e-mail address, revealed for the reason that was written down."""

    email: str


class KeyOut(Document):
    """A key without its secret."""

    id: KeyIdOut
    party_id: PartyIdOut
    kind: parties.KeyKind
    scopes: list[str]
    label: str
    created_at: MomentOut
    revoked_at: MomentOut | None
    expires_at: MomentOut | None


class IssuedKeyOut(KeyOut):
    """A new key with its secret, which is shown this once."""

    secret: str


class ListOut(Document):
    """A price list."""

    id: ListIdOut
    name: str
    is_default: bool


class PutOut(Document):
    """How many rows were really changed, and how many stood there already."""

    changed: int
    unchanged: int


class FreightTemplateOut(Document):
    """A set of freight rules, and what they count."""

    id: TemplateIdOut
    name: str
    basis: pricing.FreightBasis


class FreightRuleOut(Document):
    """Freight to a region."""

    region_code: str
    base_minor: Fen
    first_units: int
    next_units: int
    next_minor: Fen
    free_from_minor: Fen | None
    free_from_pieces: int | None
    is_excluded: bool


class CountOut(Document):
    """How many were really changed."""

    changed: int


class DoneOut(Document):
    """It is so now."""

    done: Literal[True]


class TopUpOut(Document):
    """Money that was paid in."""

    transfer_id: TransferIdOut
    partner_id: PartyIdOut
    amount_minor: Fen
    currency: Literal["CNY"]
    reference: str
    occurred_at: MomentOut


class OperatorOrdersOut(Document):
    """The newest orders sent to a phone number."""

    items: list[OperatorOrderOut]


class FindingOut(Document):
    """Something that is broken, and how it may be repaired."""

    check: str
    where: str
    what: str
    repair: str


class VerifyOut(Document):
    """What the check of the books, the shelves and the orders found, at most 1,000 findings."""

    sound: bool
    findings: list[FindingOut]


class ClockOut(Document):
    """What the sandbox's clock says now."""

    now: MomentOut


class HealthOut(Document):
    """Ready to trade."""

    status: Literal["ready"]
    worlds: list[str]


class WelcomeOut(Document):
    """Where to begin."""

    name: Literal["weili"]
    openapi: str
    health: str
