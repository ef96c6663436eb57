"""What the API answers, stated for its document. The tests hold the real answers to it."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import ConfigDict, Field

from weili.entrypoints.http.fields import Document, id_pattern
from weili.modules import dropship, goods, inventory, ledger, parties, pricing

T = TypeVar("T")


OrderIdOut = Annotated[str, Field(pattern=id_pattern(dropship.ORDER_PREFIX))]
ChildIdOut = Annotated[str, Field(pattern=id_pattern(dropship.CHILD_PREFIX))]
PackageIdOut = Annotated[str, Field(pattern=id_pattern(dropship.PACKAGE_PREFIX))]
SkuIdOut = Annotated[str, Field(pattern=id_pattern(goods.SKU_PREFIX))]
PoolIdOut = Annotated[str, Field(pattern=id_pattern(goods.POOL_PREFIX))]
PartyIdOut = Annotated[str, Field(pattern=id_pattern(parties.PARTY_PREFIX))]
KeyIdOut = Annotated[str, Field(pattern=id_pattern(parties.KEY_PREFIX))]
ListIdOut = Annotated[str, Field(pattern=id_pattern(pricing.LIST_PREFIX))]
WarehouseIdOut = Annotated[str, Field(pattern=id_pattern(inventory.WAREHOUSE_PREFIX))]
TransferIdOut = Annotated[str, Field(pattern=id_pattern(ledger.TRANSFER_PREFIX))]
MomentOut = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Fen = Annotated[int, Field(description="in fen")]


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
    waybill_number: str
    shipped_at: MomentOut
    delivered_at: MomentOut | None
    lines: list[PackageLineOut]


class PlacedOut(Document):
    """An order as it was placed; the same text every time it is placed again."""

    id: OrderIdOut
    number: str
    state: dropship.OrderState
    area_code: str
    placed_at: MomentOut
    hold_expires_at: MomentOut | None
    goods_minor: Fen
    freight_minor: Fen
    total_minor: Fen
    currency: Literal["CNY"]
    children: list[ChildOut]


class OrderOut(PlacedOut):
    """An order as it stands now."""

    packages: list[PackageOut] = Field(default_factory=list)
    recipient: MaskedRecipientOut


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
    goods_minor: Fen
    freight_minor: Fen
    lines: list[LineOut]


class RenderOut(Document):
    """What an order would become, or all that speaks against it."""

    sellable: bool
    goods_minor: Fen
    freight_minor: Fen
    total_minor: Fen
    currency: Literal["CNY"]
    lines: list[RenderLineOut]
    problems: list[ProblemOut]
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
    occurred_at: MomentOut
    posted_minor: Fen
    held_minor: Fen
    posted_after_minor: Fen
    held_after_minor: Fen


class StatementOut(Document):
    """An account's entries; opening and closing are of the whole period on every page."""

    kind: str
    from_at: MomentOut
    to_at: MomentOut
    currency: Literal["CNY"]
    opening: StandingOut
    items: list[EntryOut]
    closing: StandingOut
    next_cursor: str | None


class MessageOut(Document):
    """Something that has happened."""

    id: Annotated[str, Field(pattern=id_pattern("msg"))]
    position: int
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
