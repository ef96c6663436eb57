"""The kinds of field that bodies, paths and queries are made of, each with its bounds stated."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from weili.entrypoints.http.checks import (
    AREA_PATTERN,
    NUMBER_PATTERN,
    PHONE_PATTERN,
    UnfitError,
    area_checked,
    day_read,
    line_checked,
    moment_read,
    number_checked,
    phone_checked,
)
from weili.kit.ids import id_parse
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.kit.pages import LIMIT_DEFAULT, LIMIT_MAX
from weili.kit.problems import IdMalformed
from weili.modules import catalogue, dropship, goods, inventory, ledger, parties, pricing

TEXT_PATTERN: Final = (
    "^[^\\u0000-\\u001f\\u007f]*[^\\u0000-\\u0020\\u007f][^\\u0000-\\u001f\\u007f]*$"
)
TEXT_OR_NONE_PATTERN: Final = "^[^\\u0000-\\u001f\\u007f]*$"
NAME_MAX: Final = 50
ADDRESS_MAX: Final = 200
REASON_MAX: Final = 500
TITLE_MAX: Final = 100
CURSOR_MAX: Final = 4_096
ROWS_MAX: Final = 1_000
STOCK_MAX: Final = 1_000_000_000
QUANTITY_MIN_MAX: Final = 1_000_000
UNITS_MAX: Final = 1_000_000_000
RANK_MAX: Final = 10_000


class Body(BaseModel):
    """A body that is taken exactly as stated: no unknown field, no text for a number."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Document(BaseModel):
    """Something that is answered; stated for the reader, and held to by the tests."""

    model_config = ConfigDict(extra="forbid")


def utc(at: datetime | None) -> datetime | None:
    """Give a moment as all are kept and shown, wherever its clock stood."""
    return at and at.astimezone(UTC)


def _id_reader(prefix: str) -> Callable[[object], object]:
    def read(value: object) -> object:
        if not isinstance(value, str):
            raise UnfitError("a text", "文本")
        try:
            return id_parse(prefix, value)
        except IdMalformed as problem:
            raise UnfitError(problem.expected.en, problem.expected.zh) from None

    return read


def id_pattern(prefix: str) -> str:
    """Give the pattern of a written id."""
    return f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"


def _id_schema(prefix: str) -> WithJsonSchema:
    example = f"{prefix}_01jd3f8k2m4n6p8q0r2s4t6v8w"
    return WithJsonSchema({"type": "string", "pattern": id_pattern(prefix), "examples": [example]})


OrderIdIn = Annotated[
    dropship.OrderId,
    BeforeValidator(_id_reader(dropship.ORDER_PREFIX)),
    _id_schema(dropship.ORDER_PREFIX),
]
ChildIdIn = Annotated[
    dropship.ChildId,
    BeforeValidator(_id_reader(dropship.CHILD_PREFIX)),
    _id_schema(dropship.CHILD_PREFIX),
]
PackageIdIn = Annotated[
    dropship.PackageId,
    BeforeValidator(_id_reader(dropship.PACKAGE_PREFIX)),
    _id_schema(dropship.PACKAGE_PREFIX),
]
SkuIdIn = Annotated[
    goods.SkuId, BeforeValidator(_id_reader(goods.SKU_PREFIX)), _id_schema(goods.SKU_PREFIX)
]
PoolIdIn = Annotated[
    goods.PoolId, BeforeValidator(_id_reader(goods.POOL_PREFIX)), _id_schema(goods.POOL_PREFIX)
]
MediaIdIn = Annotated[
    goods.MediaId, BeforeValidator(_id_reader(goods.MEDIA_PREFIX)), _id_schema(goods.MEDIA_PREFIX)
]
RevisionIdIn = Annotated[
    goods.RevisionId,
    BeforeValidator(_id_reader(goods.REVISION_PREFIX)),
    _id_schema(goods.REVISION_PREFIX),
]
CategoryIdIn = Annotated[
    goods.CategoryId,
    BeforeValidator(_id_reader(goods.CATEGORY_PREFIX)),
    _id_schema(goods.CATEGORY_PREFIX),
]
BrandIdIn = Annotated[
    goods.BrandId, BeforeValidator(_id_reader(goods.BRAND_PREFIX)), _id_schema(goods.BRAND_PREFIX)
]
SelectionIdIn = Annotated[
    catalogue.SelectionId,
    BeforeValidator(_id_reader(catalogue.SELECTION_PREFIX)),
    _id_schema(catalogue.SELECTION_PREFIX),
]
ListIdIn = Annotated[
    pricing.ListId,
    BeforeValidator(_id_reader(pricing.LIST_PREFIX)),
    _id_schema(pricing.LIST_PREFIX),
]
ChangeIdIn = Annotated[
    pricing.ChangeId,
    BeforeValidator(_id_reader(pricing.CHANGE_PREFIX)),
    _id_schema(pricing.CHANGE_PREFIX),
]
ProposalIdIn = Annotated[
    pricing.ProposalId,
    BeforeValidator(_id_reader(pricing.PROPOSAL_PREFIX)),
    _id_schema(pricing.PROPOSAL_PREFIX),
]
TemplateIdIn = Annotated[
    pricing.TemplateId,
    BeforeValidator(_id_reader(pricing.TEMPLATE_PREFIX)),
    _id_schema(pricing.TEMPLATE_PREFIX),
]
WarehouseIdIn = Annotated[
    inventory.WarehouseId,
    BeforeValidator(_id_reader(inventory.WAREHOUSE_PREFIX)),
    _id_schema(inventory.WAREHOUSE_PREFIX),
]
ArrivalIdIn = Annotated[
    inventory.ArrivalId,
    BeforeValidator(_id_reader(inventory.ARRIVAL_PREFIX)),
    _id_schema(inventory.ARRIVAL_PREFIX),
]
StockTransferIdIn = Annotated[
    inventory.TransferId,
    BeforeValidator(_id_reader(inventory.TRANSFER_PREFIX)),
    _id_schema(inventory.TRANSFER_PREFIX),
]
CountIdIn = Annotated[
    inventory.CountId,
    BeforeValidator(_id_reader(inventory.COUNT_PREFIX)),
    _id_schema(inventory.COUNT_PREFIX),
]
ShareIdIn = Annotated[
    inventory.ShareId,
    BeforeValidator(_id_reader(inventory.SHARE_PREFIX)),
    _id_schema(inventory.SHARE_PREFIX),
]
TransferIdIn = Annotated[
    ledger.TransferId,
    BeforeValidator(_id_reader(ledger.TRANSFER_PREFIX)),
    _id_schema(ledger.TRANSFER_PREFIX),
]
DepositIdIn = Annotated[
    ledger.DepositId,
    BeforeValidator(_id_reader(ledger.DEPOSIT_PREFIX)),
    _id_schema(ledger.DEPOSIT_PREFIX),
]
WithdrawalIdIn = Annotated[
    ledger.WithdrawalId,
    BeforeValidator(_id_reader(ledger.WITHDRAWAL_PREFIX)),
    _id_schema(ledger.WITHDRAWAL_PREFIX),
]
CorrectionIdIn = Annotated[
    ledger.CorrectionId,
    BeforeValidator(_id_reader(ledger.CORRECTION_PREFIX)),
    _id_schema(ledger.CORRECTION_PREFIX),
]
PartyIdIn = Annotated[
    Any, BeforeValidator(_id_reader(parties.PARTY_PREFIX)), _id_schema(parties.PARTY_PREFIX)
]
MESSAGE_PREFIX: Final = "msg"
MessageIdIn = Annotated[
    Any, BeforeValidator(_id_reader(MESSAGE_PREFIX)), _id_schema(MESSAGE_PREFIX)
]
KeyIdIn = Annotated[str, Path(pattern=id_pattern(parties.KEY_PREFIX))]

NumberIn = Annotated[
    str,
    AfterValidator(number_checked),
    WithJsonSchema({"type": "string", "pattern": f"^{NUMBER_PATTERN}$", "examples": ["A-1001"]}),
]
AreaIn = Annotated[
    str,
    AfterValidator(area_checked),
    WithJsonSchema({"type": "string", "pattern": f"^{AREA_PATTERN}$", "examples": ["330106"]}),
]
REGIONS_MAX: Final = 200
RegionsIn = Annotated[list[AreaIn], Field(max_length=REGIONS_MAX)]
PhoneIn = Annotated[
    str,
    AfterValidator(phone_checked),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{PHONE_PATTERN}$", "examples": ["13812345678"]}
    ),
]
MomentIn = Annotated[
    datetime,
    BeforeValidator(moment_read),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
UnitsIn = Annotated[int, Field(ge=0, le=UNITS_MAX, description="grams or pieces")]
DayIn = Annotated[
    date,
    BeforeValidator(day_read),
    WithJsonSchema({"type": "string", "format": "date"}),
]
AmountIn = Annotated[int, Field(ge=0, le=AMOUNT_MINOR_MAX, description="in fen")]


_LINE: Final = AfterValidator(line_checked)
_LINE_SCHEMA: Final = Field(json_schema_extra={"pattern": TEXT_PATTERN})
RecipientNameIn = Annotated[str, Field(min_length=1, max_length=NAME_MAX), _LINE, _LINE_SCHEMA]
AddressIn = Annotated[
    str,
    Field(min_length=1, max_length=ADDRESS_MAX, description="below the area"),
    _LINE,
    _LINE_SCHEMA,
]
ReasonIn = Annotated[str, Field(min_length=1, max_length=REASON_MAX), _LINE, _LINE_SCHEMA]
TitleIn = Annotated[str, Field(min_length=1, max_length=TITLE_MAX), _LINE, _LINE_SCHEMA]

QuantityIn = Annotated[int, Field(ge=1, le=dropship.QUANTITY_MAX)]
PiecesIn = Annotated[int, Field(ge=1, le=STOCK_MAX, description="pieces")]
CountIn = Annotated[int, Field(ge=0, le=STOCK_MAX, description="pieces")]
CarrierIn = Annotated[str, Field(pattern="^[0-9A-Za-z_]{1,32}$", examples=["SF"])]
CarrierNameIn = Annotated[
    str,
    Field(
        min_length=1,
        max_length=dropship.CARRIER_NAME_MAX,
        description="only with the code `other`",
        examples=["城际冷链"],
    ),
    _LINE,
    _LINE_SCHEMA,
]
PlaceIn = Annotated[
    str, Field(min_length=1, max_length=dropship.PLACE_LENGTH_MAX), _LINE, _LINE_SCHEMA
]
TrackTextIn = Annotated[
    str, Field(min_length=1, max_length=dropship.TEXT_LENGTH_MAX), _LINE, _LINE_SCHEMA
]
WaybillIn = Annotated[str, Field(pattern="^[0-9A-Za-z-]{1,64}$", examples=["SF1234567890"])]
UsccIn = Annotated[str, Field(pattern="^[0-9A-Za-z]{18}$", examples=["91330100MA2AA0001L"])]
UrlIn = Annotated[str, Field(pattern="^https?://[!-~]{1,500}$", examples=["https://erp.example"])]
SecretIn = Annotated[str, Field(pattern="^[!-~]{16,256}$")]
ReferenceIn = Annotated[str, Field(pattern="^[!-~]{1,100}$", examples=["bank-20261120-0007"])]
CodeIn = Annotated[str, Field(pattern="^[0-9A-Za-z._-]{1,64}$")]

CursorIn = Annotated[
    str | None, Query(max_length=CURSOR_MAX, description="`next_cursor` of the page before")
]
LimitIn = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="rows at most")]
LIMIT: Final = LIMIT_DEFAULT
