"""The kinds of field that bodies, paths and queries are made of, each with its bounds stated.

A check that a JSON schema's pattern can't say the same way in every engine is a function here,
shared by both readers of an order's body.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from weili.kit.ids import id_parse
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.kit.pages import LIMIT_DEFAULT, LIMIT_MAX
from weili.kit.problems import IdMalformed, Said
from weili.modules import catalogue, dropship, goods, inventory, ledger, parties, pricing

NUMBER_PATTERN: Final = "[0-9A-Za-z][0-9A-Za-z._-]{0,63}"
PHONE_PATTERN: Final = r"\+?[0-9][0-9 -]{3,22}[0-9]"
AREA_PATTERN: Final = "[0-9]{6}([0-9]{3})?"
TEXT_PATTERN: Final = (
    "^[^\\u0000-\\u001f\\u007f]*[^\\u0000-\\u0020\\u007f][^\\u0000-\\u001f\\u007f]*$"
)
NAME_MAX: Final = 50
ADDRESS_MAX: Final = 200
REASON_MAX: Final = 500
TITLE_MAX: Final = 100
CURSOR_MAX: Final = 4_096
ASKS_MAX: Final = 100
ROWS_MAX: Final = 1_000
STOCK_MAX: Final = 1_000_000_000
QUANTITY_MIN_MAX: Final = 1_000_000
UNITS_MAX: Final = 1_000_000_000
RANK_MAX: Final = 10_000
YEAR_MIN: Final = 2000
YEAR_MAX: Final = 2100

_NUMBER = re.compile(NUMBER_PATTERN)
_PHONE = re.compile(PHONE_PATTERN)
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AREA = re.compile(AREA_PATTERN)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Body(BaseModel):
    """A body that is taken exactly as stated: no unknown field, no text for a number."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Document(BaseModel):
    """Something that is answered; stated for the reader, and held to by the tests."""

    model_config = ConfigDict(extra="forbid")


class UnfitError(ValueError):
    """A field is not as expected; both readers of a body list it, and say what was."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.expected = Said(en, zh)


def number_checked(text: str) -> str:
    """Refuse what can't be a partner's own order number.

    Raises: UnfitError.
    """
    if not _NUMBER.fullmatch(text):
        raise UnfitError(
            "1 to 64 letters, digits, '.', '_' or '-', a letter or digit first",
            "1 至 64 位字母、数字、“.”、“_”或“-”，以字母或数字开头",
        )
    return text


def phone_checked(text: str) -> str:
    """Refuse what can't be a phone number.

    Raises: UnfitError.
    """
    if not _PHONE.fullmatch(text):
        raise UnfitError(
            "5 to 26 digits, with '-' or spaces between them and '+' before",
            "5 至 26 位数字，中间可有“-”或空格，开头可有“+”",
        )
    return text


def area_checked(text: str) -> str:
    """Refuse what can't be a region's code.

    Raises: UnfitError.
    """
    if not _AREA.fullmatch(text):
        raise UnfitError("six digits, or nine for a town", "六位数字，乡镇街道为九位")
    return text


def line_checked(text: str) -> str:
    """Refuse text that is blank or holds control characters.

    Raises: UnfitError.
    """
    if _CONTROL.search(text) or not text.strip(" "):
        raise UnfitError("one line of text that is not blank", "非空白的单行文字")
    return text


def moment_read(value: object) -> datetime:
    """Read a moment that says where its clock stands.

    Raises: UnfitError.
    """
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not YEAR_MIN < at.year < YEAR_MAX:
        raise UnfitError(
            f"RFC 3339 with an offset, as 2026-11-20T08:00:00Z, from {YEAR_MIN} to {YEAR_MAX}",
            f"带时区的 RFC 3339 时间，如 2026-11-20T08:00:00Z，{YEAR_MIN} 至 {YEAR_MAX} 年",
        )
    return at


def day_read(value: object) -> date:
    """Read a day as it is written in China.

    Raises: UnfitError.
    """
    try:
        day = (
            date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
        )
    except ValueError:
        day = None
    if day is None or not YEAR_MIN < day.year < YEAR_MAX:
        raise UnfitError(
            f"a day as 2026-11-20, from {YEAR_MIN} to {YEAR_MAX}",
            f"日期，如 2026-11-20，{YEAR_MIN} 至 {YEAR_MAX} 年",
        )
    return day


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
