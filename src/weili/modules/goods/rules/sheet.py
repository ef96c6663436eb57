"""Pure decisions about goods: what a row of a supplier's sheet must look like.

A row is checked as a whole, so that whoever fills in the sheet sees every wrong column at once.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeVar

from stdnum import ean

from weili.kit.context import PartyId
from weili.kit.money import AMOUNT_MINOR_MAX, fen_from_yuan, yuan_from_fen
from weili.kit.problems import FieldProblem, InputInvalid, Said, either
from weili.modules.goods.model import (
    UNIT_DEFAULT,
    BrandKind,
    CategoryNames,
    ReturnPolicy,
    RowProblem,
    SheetRow,
)
from weili.modules.goods.rules.sale import QUANTITY_TERM_MAX
from weili.modules.goods.rules.seen import Seen

CODE_MAX: Final = 64
NAME_MAX: Final = 60
TITLE_MAX: Final = 120
ATTRIBUTES_MAX: Final = 50
ATTRIBUTE_MAX: Final = 500
UNIT_MAX: Final = 10
LEVELS_MAX: Final = 3
WEIGHT_MAX_G: Final = 100_000_000
STOCK_MAX: Final = 1_000_000_000
GOT_MAX: Final = 80
"""What a problem shows of the cell it found; a cell may hold a whole page."""

TAX_RATES_BPS: Final = (0, 100, 300, 500, 600, 900, 1300)
"""Source: rates of China's VAT on goods and services, with those of small-scale taxpayers."""

SHEET_REQUIRED: Final = ("supplier_code", "category", "title", "tax_rate_bps", "cost", "price")
"""Columns without which a sheet of goods can't be read."""

SHEET_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "商品编码": "supplier_code",
        "供应商编码": "supplier_code",
        "sku": "supplier_code",
        "sku_code": "supplier_code",
        "供应商": "supplier",
        "类目": "category",
        "分类": "category",
        "品牌": "brand",
        "品牌类型": "brand_kind",
        "spu": "spu_code",
        "spu编码": "spu_code",
        "商品名称": "title",
        "标题": "title",
        "name": "title",
        "规格": "variant",
        "属性": "attributes",
        "条码": "gtin",
        "商品条码": "gtin",
        "ean": "gtin",
        "barcode": "gtin",
        "税率": "tax_rate_bps",
        "税率(基点)": "tax_rate_bps",
        "退货政策": "return_policy",
        "重量(g)": "weight_g",
        "重量(克)": "weight_g",
        "供货价": "cost",
        "成本价": "cost",
        "售价": "price",
        "销售价": "price",
        "划线价": "compare_at_price",
        "市场价": "compare_at_price",
        "compare_at": "compare_at_price",
        "库存": "stock",
        "单位": "unit",
    }
)
"""Other headings that are understood, in lower case."""

# Control characters, zero-width ones, and those that turn the direction of what follows.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_MARKUP: Final = re.compile(r"</?[a-zA-Z!][^>]*>|&(?:[a-zA-Z]{2,8}|#\d{1,6});")
_CODE: Final = re.compile(rf"[^\s\x00-\x1f\x7f]{{1,{CODE_MAX}}}")
_WHOLE: Final = re.compile(r"\d{1,12}", re.ASCII)

CATEGORY_KNOWN: Final = Said(
    "the path of a category that there is, from the top", "已有类目的完整路径（自一级起）"
)
_NO_SUPPLIER: Final = Said("no name, for no supplier is known", "留空（尚无供应商）")
_NO_MORE_CELLS: Final = Said(
    "no more cells than the header has; a comma inside a cell needs quotes",
    "单元格数不多于表头；单元格内的逗号须加引号",
)

_CELLS_REMEMBERED: Final = 1_024
"""Most cells come again, row after row or soon; reading them once is enough."""

E = TypeVar("E", bound=StrEnum)


class _Wrong(Exception):
    """A cell is not as expected. Never leaves this file."""

    def __init__(self, expected: Said) -> None:
        super().__init__(expected)
        self.expected = expected


def _wrong(en: str, zh: str) -> _Wrong:
    return _Wrong(Said(en, zh))


def row_check(row_number: int, raw: Mapping[str, str]) -> SheetRow | list[RowProblem]:
    """Read one row of a sheet, or list every column of it that is wrong.

    Amounts are in yuan with at most two decimals. A price below cost is refused, and so is a
    crossed-out price below the price.
    """
    # Most rows are right. They are read in one go; where that fails, each cell by itself.
    cell = raw.get
    try:
        row = SheetRow._make(
            [row_number, *[how(cell(column, "").strip()) for column, how in _READERS]]
        )
    except _Wrong:
        return _cells_wrong(row_number, raw)
    if cell("", "").strip() or _amounts_wrong(
        row.cost_minor, row.price_minor, row.compare_at_minor
    ):
        return _cells_wrong(row_number, raw)
    return row if row.spu_code else row._replace(spu_code=row.supplier_code)


def _cells_wrong(row_number: int, raw: Mapping[str, str]) -> list[RowProblem]:
    """List what is wrong with a row: with cells by themselves, then with one beside another."""
    read, problems = cells_read(row_number, raw, SHEET_COLUMNS)
    amounts = read.get("cost"), read.get("price"), read.get("compare_at_price")
    for column, expected in _amounts_wrong(*amounts):
        problems.append(RowProblem(row_number, column, _got(raw, column), expected))
    return problems


def cells_read(
    row_number: int, raw: Mapping[str, str], columns: Iterable[str]
) -> tuple[dict[str, Any], list[RowProblem]]:
    """Read cells of a row, each by itself: those that are right by column, what is wrong."""
    read: dict[str, Any] = {}
    problems: list[RowProblem] = []
    for column in columns:
        try:
            read[column] = CELL_READERS[column](raw.get(column, "").strip())
        except _Wrong as wrong:
            problems.append(RowProblem(row_number, column, _got(raw, column), wrong.expected))
    if beyond := _got(raw, ""):
        problems.append(RowProblem(row_number, "", beyond, _NO_MORE_CELLS))
    return read, problems


def problems_headed(
    problems: Iterable[RowProblem], headings: Mapping[str, str]
) -> list[RowProblem]:
    """Give what is wrong with rows, with what the file calls each column."""
    return [replace(each, heading=headings.get(each.column, "")) for each in problems]


def _got(raw: Mapping[str, str], column: str) -> str:
    return raw.get(column, "").strip()[:GOT_MAX]


def _amounts_wrong(
    cost_minor: int | None, price_minor: int | None, compare_at_minor: int | None
) -> list[tuple[str, Said]]:
    """Say which amounts do not go with each other; None is one that is not there to compare."""
    wrong: list[tuple[str, Said]] = []
    if price_minor is None:
        return wrong
    if cost_minor is not None and price_minor < cost_minor:
        cost = yuan_from_fen(cost_minor)
        expected = Said(
            f"at least the cost, {cost}: a sale below cost is refused",
            f"不低于成本 {cost}（不接受亏本销售）",
        )
        wrong.append(("price", expected))
    if compare_at_minor is not None and compare_at_minor < price_minor:
        price = yuan_from_fen(price_minor)
        expected = Said(f"empty, or at least the price, {price}", f"留空，或不低于售价 {price}")
        wrong.append(("compare_at_price", expected))
    return wrong


class SheetCheck:
    """Checks the rows of one sheet in turn, each by itself and against those before it.

    ``suppliers`` says whom the sheet's names mean; ``default_supplier`` is meant where a row has
    no name. With ``categories`` a row's must be one of them; without, it may name a new one.
    """

    def __init__(
        self,
        *,
        suppliers: Mapping[str, PartyId],
        default_supplier: PartyId | None = None,
        categories: Collection[CategoryNames] | None = None,
    ) -> None:
        self._suppliers = suppliers
        self._default_supplier = default_supplier
        self._categories = categories
        self._codes = Seen()
        self._spus = Seen()

    def check(
        self, row_number: int, raw: Mapping[str, str]
    ) -> tuple[PartyId, SheetRow] | list[RowProblem]:
        """Give the row and its supplier, or list what is wrong with it.

        A supplier's code may come once, and all variants of an SPU must agree on what they share.
        The row that breaks this is the later one.
        """
        found = self.read(row_number, raw)
        if isinstance(found, list):
            return found
        supplier_id, row = found
        owner = supplier_id.int
        code, spu = hash((owner, row.supplier_code)), hash((owner, row.spu_code))
        shared = _shared(row)
        twin, _ = self._codes.get(code)
        first, shared_before = self._spus.get(spu)
        differs = first > 0 and shared != shared_before
        if twin or differs:
            return list(_against_earlier(row, twin, first if differs else 0))
        self._codes.put(code, row_number)
        if not first:
            self._spus.put(spu, row_number, shared)
        return found

    def read(
        self, row_number: int, raw: Mapping[str, str]
    ) -> tuple[PartyId, SheetRow] | list[RowProblem]:
        """Check a row by itself alone, with its category, and find its supplier."""
        row = row_check(row_number, raw)
        if isinstance(row, list):
            return row
        if self._categories is not None and row.category not in self._categories:
            got = _got(raw, "category")
            return [RowProblem(row_number, "category", got, CATEGORY_KNOWN)]
        supplier_id = self._suppliers.get(row.supplier) if row.supplier else self._default_supplier
        if supplier_id is None:
            expected = either(list(self._suppliers), none=_NO_SUPPLIER)
            return [RowProblem(row_number, "supplier", row.supplier, expected)]
        return supplier_id, row


def _against_earlier(row: SheetRow, twin: int, first: int) -> Iterator[RowProblem]:
    """Say what stands against a row: one that has its code, the first of its SPU; 0 for none."""
    if twin:
        expected = Said(
            f"each code once; row {twin} has it already", f"编码不重复；第 {twin} 行已使用"
        )
        yield RowProblem(row.row, "supplier_code", row.supplier_code, expected)
    if first:
        expected = Said(
            f"title, category, brand, its kind and attributes as in row {first}, one SPU",
            f"标题、类目、品牌、品牌类型与属性同第 {first} 行（同属一个 SPU）",
        )
        yield RowProblem(row.row, "spu_code", row.spu_code, expected)


def _shared(row: SheetRow) -> int:
    """Give a digest of what the variants of an SPU share; a sheet's rows are kept nowhere else."""
    attributes = frozenset(row.attributes.items())
    return hash((row.title, row.category, row.brand, row.brand_kind, attributes))


def category_parts(path: str) -> CategoryNames:
    """Split a written path ``A > B > C``; the full-width sign does as well."""
    return tuple(text_cleaned(part) for part in path.replace("＞", ">").split(">"))


def category_checked(path: str) -> CategoryNames:
    """Give the names of a written path, of which each is fit for a category.

    Raises: InputInvalid.
    """
    try:
        return _category(path)
    except _Wrong as wrong:
        fields = (FieldProblem("/category", "malformed", wrong.expected),)
        raise InputInvalid(fields=fields) from None


def text_cleaned(text: str) -> str:
    """Take out what can't be seen, and make every run of white space one blank."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(_INVISIBLE.sub("", text).split())


def _code(text: str) -> str:
    if len(text) <= CODE_MAX and text.isalnum():
        return text
    if not _CODE.fullmatch(text) or _INVISIBLE.search(text):
        raise _wrong(f"1 to {CODE_MAX} characters without blanks", f"1 至 {CODE_MAX} 个无空格字符")
    return text


@lru_cache(_CELLS_REMEMBERED)
def _code_or_empty(text: str) -> str:
    return _code(text) if text else ""


def _plain(text: str, length_max: int) -> str:
    cleaned = text_cleaned(text)
    if len(cleaned) > length_max:
        raise _wrong(
            f"at most {length_max} characters, not {len(cleaned)}",
            f"不超过 {length_max} 个字符（现有 {len(cleaned)} 个）",
        )
    if ("<" in cleaned or "&" in cleaned) and _MARKUP.search(cleaned):
        raise _wrong("plain text without HTML", "不含 HTML 的纯文本")
    return cleaned


@lru_cache(_CELLS_REMEMBERED)
def _name(text: str) -> str:
    return _plain(text, NAME_MAX)


def _variant(text: str) -> str:
    return _plain(text, TITLE_MAX)


@lru_cache(_CELLS_REMEMBERED)
def _title(text: str) -> str:
    cleaned = _plain(text, TITLE_MAX)
    if not cleaned:
        raise _wrong(f"a title of 1 to {TITLE_MAX} characters", f"1 至 {TITLE_MAX} 个字符的标题")
    return cleaned


@lru_cache(_CELLS_REMEMBERED)
def _category(text: str) -> CategoryNames:
    parts = tuple(_plain(part, NAME_MAX) for part in category_parts(text))
    if not all(parts) or len(parts) > LEVELS_MAX:
        raise _wrong(
            f"1 to {LEVELS_MAX} levels, written A > B > C", f"1 至 {LEVELS_MAX} 级，写作 A > B > C"
        )
    return parts


@lru_cache(_CELLS_REMEMBERED)
def _attributes(text: str) -> Mapping[str, str]:
    attributes: dict[str, str] = {}
    for pair in text.replace("；", ";").split(";"):
        if not pair.strip():
            continue
        name, sign, value = pair.partition("=")
        name, value = _plain(name, NAME_MAX), _plain(value, ATTRIBUTE_MAX)
        if not (sign and name and value):
            raise _wrong("name=value;name=value", "名称=值;名称=值")
        if name in attributes:
            raise _wrong(f"each name once; {name} comes twice", f"名称不重复；{name} 出现两次")
        attributes[name] = value
    if len(attributes) > ATTRIBUTES_MAX:
        raise _wrong(f"at most {ATTRIBUTES_MAX} attributes", f"不超过 {ATTRIBUTES_MAX} 个属性")
    return MappingProxyType(attributes)


def _gtin(text: str) -> str | None:
    """Check a GTIN of 8, 12, 13 or 14 digits.

    Source: GS1 General Specifications, section 7.9 (the check digit).
    """
    if text and not (text.isascii() and text.isdigit() and ean.is_valid(text)):
        raise _wrong(
            "8, 12, 13 or 14 digits with a right check digit, or empty",
            "8、12、13 或 14 位数字且校验位正确，或留空",
        )
    return text or None


def _whole(text: str, whole_max: int, expected: Said) -> int:
    if not _WHOLE.fullmatch(text) or int(text) > whole_max:
        raise _Wrong(expected)
    return int(text)


@lru_cache(_CELLS_REMEMBERED)
def _tax_rate(text: str) -> int:
    rates = either(TAX_RATES_BPS)
    expected = Said(
        f"{rates.en} (basis points; 13 % is 1300)", f"{rates.zh}（单位为基点，13% 写作 1300）"
    )
    rate_bps = _whole(text, TAX_RATES_BPS[-1], expected)
    if rate_bps not in TAX_RATES_BPS:
        raise _Wrong(expected)
    return rate_bps


@lru_cache(_CELLS_REMEMBERED)
def _weight(text: str) -> int:
    expected = Said(
        f"whole grams from 0 to {WEIGHT_MAX_G}, or empty", f"0 至 {WEIGHT_MAX_G} 的整数克，或留空"
    )
    return _whole(text or "0", WEIGHT_MAX_G, expected)


@lru_cache(_CELLS_REMEMBERED)
def _stock(text: str) -> int | None:
    expected = Said(f"a whole number from 0 to {STOCK_MAX}", f"0 至 {STOCK_MAX} 的整数")
    return _whole(text, STOCK_MAX, expected) if text else None


@lru_cache(_CELLS_REMEMBERED)
def _unit(text: str) -> str:
    return _plain(text, UNIT_MAX) or UNIT_DEFAULT


def _quantity_or_none(text: str) -> int | None:
    expected = Said(
        f"a whole number from 1 to {QUANTITY_TERM_MAX}, or empty",
        f"1 至 {QUANTITY_TERM_MAX} 的整数，或留空",
    )
    quantity = _whole(text, QUANTITY_TERM_MAX, expected) if text else None
    if quantity == 0:
        raise _Wrong(expected)
    return quantity


def _quantity(text: str) -> int:
    return _quantity_or_none(text) or 1


@lru_cache(_CELLS_REMEMBERED)
def _amount(text: str) -> int:
    try:
        amount_minor = fen_from_yuan(text)
    except ValueError:
        amount_minor = -1
    # The money reader takes any Unicode digit; a sheet holds Latin ones or something is off.
    if not text.isascii() or not 0 <= amount_minor <= AMOUNT_MINOR_MAX:
        raise _wrong(
            "yuan of 0 or more with at most two decimals, such as 12.50",
            "不小于 0 的金额（元），最多两位小数，如 12.50",
        )
    return amount_minor


@lru_cache(_CELLS_REMEMBERED)
def _price(text: str) -> int:
    price_minor = _amount(text)
    if price_minor == 0:
        raise _wrong("a price above 0", "大于 0 的价格")
    return price_minor


@lru_cache(_CELLS_REMEMBERED)
def _amount_or_none(text: str) -> int | None:
    return _amount(text) if text else None


def _member(kinds: type[E], text: str) -> E:
    try:
        return kinds(text)
    except ValueError:
        raise _Wrong(either(tuple(kinds))) from None


@lru_cache(_CELLS_REMEMBERED)
def _brand_kind(text: str) -> BrandKind:
    return _member(BrandKind, text) if text else BrandKind.NATIONAL


@lru_cache(_CELLS_REMEMBERED)
def _return_policy(text: str) -> ReturnPolicy:
    return _member(ReturnPolicy, text) if text else ReturnPolicy.SEVEN_DAYS_NO_REASON


_READERS: Final[Sequence[tuple[str, Callable[[str], object]]]] = (
    ("supplier_code", _code),
    ("supplier", _name),
    ("category", _category),
    ("brand", _name),
    ("brand_kind", _brand_kind),
    ("spu_code", _code_or_empty),
    ("title", _title),
    ("variant", _variant),
    ("attributes", _attributes),
    ("gtin", _gtin),
    ("tax_rate_bps", _tax_rate),
    ("return_policy", _return_policy),
    ("weight_g", _weight),
    ("cost", _amount),
    ("price", _price),
    ("compare_at_price", _amount_or_none),
    ("stock", _stock),
    ("unit", _unit),
)
"""What reads each column, in the order of ``SheetRow`` after the row's number."""

SHEET_COLUMNS: Final = tuple(column for column, _ in _READERS)
"""Columns of a sheet of goods; others are passed over."""

CELL_READERS: Final[Mapping[str, Callable[[str], object]]] = MappingProxyType(
    {
        **dict(_READERS),
        "quantity_min": _quantity,
        "quantity_max": _quantity_or_none,
        "pack_size": _quantity,
        "variant_values": _attributes,
    }
)
"""What reads each column that some sheet of goods has."""
