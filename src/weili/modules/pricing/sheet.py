"""Pure decisions about a sheet of prices: what a row must look like."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from weili.kit.ids import id_parse
from weili.kit.money import AMOUNT_MINOR_MAX, fen_from_yuan
from weili.kit.problems import Problem, Said
from weili.kit.zone import BUSINESS_ZONE
from weili.modules.goods import GOT_MAX, SKU_PREFIX, RowProblem, SkuId
from weili.modules.pricing.rules import QUANTITY_MIN_MAX

PRICE_COLUMNS: Final = (
    "supplier",
    "supplier_code",
    "sku_id",
    "quantity_min",
    "price",
    "valid_from",
    "valid_to",
)
"""The columns of a sheet of prices, in the order that they are written out."""

PRICE_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "供应商": "supplier",
        "商品编码": "supplier_code",
        "供应商编码": "supplier_code",
        "sku": "supplier_code",
        "sku_code": "supplier_code",
        "起订量": "quantity_min",
        "起批量": "quantity_min",
        "售价": "price",
        "销售价": "price",
        "价格": "price",
        "生效时间": "valid_from",
        "失效时间": "valid_to",
    }
)
"""Other headings that are understood, in lower case."""

_YEARS: Final = range(2000, 3000)
_COUNT_DIGITS_MAX: Final = 7
_CODE: Final = Said("the supplier's code, or an SKU id beside it", "商品编码，或填写 SKU 编号")
_SKU_ID: Final = Said(f"an SKU id, {SKU_PREFIX}_…, or nothing", "已有的 SKU 编号，或留空")
_COUNT: Final = Said(
    f"a whole number from 1 to {QUANTITY_MIN_MAX}, or nothing for 1",
    f"1 至 {QUANTITY_MIN_MAX} 的整数，留空为 1",
)
_AMOUNT: Final = Said(
    "yuan of 0 or more with at most two decimals, such as 12.50",
    "不小于 0 的金额（元），最多两位小数，如 12.50",
)
_MOMENT: Final = Said(
    "a moment such as 2026-12-01 08:00 (of Shanghai, unless it says), or nothing",
    "时间，如 2026-12-01 08:00（未注明时区按北京时间），或留空",
)
_AFTER: Final = Said("after valid_from", "晚于生效时间")


class PriceLine(NamedTuple):
    """A row of a sheet of prices that was found good by itself."""

    row: int
    supplier: str
    supplier_code: str
    sku_id: SkuId | None
    quantity_min: int
    unit_price_minor: int
    valid_from: datetime | None
    valid_to: datetime | None


def price_line(row: int, raw: Mapping[str, str]) -> PriceLine | list[RowProblem]:
    """Read one row of a sheet of prices, or list every column of it that is wrong."""
    cells = {name: raw.get(name, "").strip() for name in PRICE_COLUMNS}
    wrong: list[tuple[str, Said]] = []
    sku_id = _sku_id(cells["sku_id"])
    if sku_id is None and cells["sku_id"]:
        wrong.append(("sku_id", _SKU_ID))
    if not cells["supplier_code"] and not cells["sku_id"]:
        wrong.append(("supplier_code", _CODE))
    quantity_min = _count(cells["quantity_min"] or "1")
    if quantity_min is None:
        wrong.append(("quantity_min", _COUNT))
    price_minor = _amount(cells["price"])
    if price_minor is None:
        wrong.append(("price", _AMOUNT))
    moments = [moment_read(cells[name]) for name in ("valid_from", "valid_to")]
    wrong += [
        (name, _MOMENT)
        for name, moment in zip(("valid_from", "valid_to"), moments, strict=True)
        if moment is None and cells[name]
    ]
    valid_from, valid_to = moments
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        wrong.append(("valid_to", _AFTER))
    if wrong or quantity_min is None or price_minor is None:
        return [RowProblem(row, name, cells[name][:GOT_MAX], said) for name, said in wrong]
    return PriceLine(
        row,
        cells["supplier"],
        cells["supplier_code"],
        sku_id,
        quantity_min,
        price_minor,
        valid_from,
        valid_to,
    )


def moment_read(text: str) -> datetime | None:
    """Read a moment as sheets have it; a day alone is its beginning in the business zone."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=BUSINESS_ZONE)


def _sku_id(text: str) -> SkuId | None:
    try:
        return SkuId(id_parse(SKU_PREFIX, text))
    except Problem:
        return None


def _count(text: str) -> int | None:
    """Read a count; a spreadsheet writes 12 as 12.0."""
    text = text.removesuffix(".0")
    if not (text.isascii() and text.isdigit() and len(text) <= _COUNT_DIGITS_MAX):
        return None
    return int(text) if 1 <= int(text) <= QUANTITY_MIN_MAX else None


def _amount(text: str) -> int | None:
    try:
        amount_minor = fen_from_yuan(text)
    except ValueError:
        return None
    return amount_minor if text.isascii() and 0 <= amount_minor <= AMOUNT_MINOR_MAX else None
