"""What the API answers, stated for its document; the tests hold the real answers to it.

Here is what answers of all sorts are made of, and those about parties, messages and this process.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import ConfigDict, Field

from weili.entrypoints.http.fields import Document, id_pattern
from weili.modules import dropship, goods, inventory, ledger, parties, pricing

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
    request_id: Annotated[
        str, Field(description="of the request refused as a whole, as in Weili-Request-Id")
    ] = ""


class PageOut(Document, Generic[T]):
    """A bounded number of rows; ``next_cursor`` is null on the last page."""

    items: list[T]
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


class PutOut(Document):
    """How many rows were really changed, and how many stood there already."""

    changed: int
    unchanged: int


class CountOut(Document):
    """How many were really changed."""

    changed: int


class DoneOut(Document):
    """It is so now."""

    done: Literal[True]


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
