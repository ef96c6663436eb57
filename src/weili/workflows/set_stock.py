"""A supplier's sheet of what was counted becomes the stock of its warehouses."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.problems import FieldProblem, InputInvalid, Said, pointer
from weili.modules import goods, inventory
from weili.workflows.import_goods import OUR_HEADINGS, Row

ROWS_MAX: Final = 10_000
REQUIRED: Final = ("supplier_code", "warehouse", "on_hand")
ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sku": "supplier_code",
        "sku_code": "supplier_code",
        "商品编码": "supplier_code",
        "供应商编码": "supplier_code",
        "仓库": "warehouse",
        "仓库编码": "warehouse",
        "stock": "on_hand",
        "库存": "on_hand",
        "数量": "on_hand",
        "安全库存": "safety",
    }
)
"""Other headings that are understood, in lower case."""

_DIGITS_MAX: Final = len(str(inventory.QUANTITY_MAX))
_COUNT: Final = Said(
    f"a whole number from 0 to {inventory.QUANTITY_MAX}",
    f"0 至 {inventory.QUANTITY_MAX} 之间的整数",
)
_SKU: Final = Said("the code of one of the supplier's SKUs", "该供应商的商品编码")
_WAREHOUSE: Final = Said(
    "the code of one of the supplier's warehouses; `weili stock warehouses` lists them",
    "该供应商的仓库编码；可用 `weili stock warehouses` 列出",
)
_ONCE: Final = Said("a place that no row above names", "前面各行未出现过的商品与仓库组合")
_FEWER: Final = Said(f"at most {ROWS_MAX} rows", f"最多 {ROWS_MAX} 行")


def set_stock(
    ctx: Ctx,
    *,
    supplier_id: PartyId,
    rows: Iterable[Row],
    reference: str,
    headings: Mapping[str, str] = OUR_HEADINGS,
) -> list[inventory.StockLevel]:
    """Set what lies in a supplier's warehouses to what was counted: all rows or none.

    ``supplier_code`` and ``warehouse`` are the supplier's own codes; an empty ``safety`` leaves
    it as it is; ``headings`` says what the file calls them. The same sheet again changes nothing.

    Raises: Forbidden; InputInvalid, naming the rows at fault; StockBelowReserved.
    """
    ctx.require("supply:write")
    taken = list(islice(rows, ROWS_MAX + 1))
    if len(taken) > ROWS_MAX:
        raise InputInvalid(fields=(FieldProblem("/rows", "too_many", _FEWER),))
    changes = _changes(ctx, supplier_id, taken, reference, headings)
    return inventory.stock_change(ctx, changes=changes)


def _changes(
    ctx: Ctx,
    supplier_id: PartyId,
    rows: Sequence[Row],
    reference: str,
    headings: Mapping[str, str],
) -> list[inventory.StockChange]:
    keys = [(supplier_id, _cell(cells, "supplier_code")) for _, cells in rows]
    skus = goods.skus_by_code(ctx, keys=keys)
    codes = [_cell(cells, "warehouse") for _, cells in rows]
    houses = inventory.warehouses_by_code(ctx, supplier_id=supplier_id, codes=codes)
    wrong: list[FieldProblem] = []
    changes: dict[tuple[str, str], inventory.StockChange] = {}
    for (number, cells), key, code in zip(rows, keys, codes, strict=True):
        on_hand, safety = _count(_cell(cells, "on_hand")), _count(_cell(cells, "safety"))
        bad = [
            FieldProblem(pointer("rows", number, headings.get(column, column)), problem, expected)
            for is_bad, column, problem, expected in (
                (key not in skus, "supplier_code", "unknown", _SKU),
                (code not in houses, "warehouse", "unknown", _WAREHOUSE),
                (on_hand is None, "on_hand", "malformed", _COUNT),
                (safety is None and _cell(cells, "safety") != "", "safety", "malformed", _COUNT),
                ((key[1], code) in changes, "supplier_code", "repeated", _ONCE),
            )
            if is_bad
        ]
        wrong += bad
        if not bad:
            changes[key[1], code] = inventory.StockChange(
                skus[key], houses[code], reference, on_hand=on_hand, safety=safety
            )
    if wrong:
        raise InputInvalid(fields=tuple(wrong))
    return list(changes.values())


def _cell(cells: Mapping[str, str], column: str) -> str:
    return cells.get(column, "").strip()


def _count(digits: str) -> int | None:
    """Read a count; None when it is none."""
    is_count = digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS_MAX
    count = int(digits) if is_count else -1
    return count if 0 <= count <= inventory.QUANTITY_MAX else None
