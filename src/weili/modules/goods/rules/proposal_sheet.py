"""Pure decisions about a supplier's sheet of proposals: its rows, and the proposals they become.

A sheet says less than a proposal holds: no media, no bundles, no areas, no later costs. What it has
no column for stays as it was last proposed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from weili.kit.problems import Said
from weili.modules.goods.model import (
    CategoryId,
    CategoryNames,
    GoodsProposal,
    RowProblem,
    SkuProposal,
)
from weili.modules.goods.rules.proposal import SKUS_MAX
from weili.modules.goods.rules.sheet import SHEET_ALIASES, cells_read

PROPOSAL_ROWS_MAX: Final = 500
"""Rows of one sheet: they are written in one transaction, draft by draft, under the lock that all
who write goods wait for. With 5,000 it was held for most of a minute on a busy machine."""

PROPOSAL_REQUIRED: Final = ("supplier_code", "category", "title", "cost")
"""Columns without which goods can't be proposed."""

_SHARED: Final = ("brand", "brand_kind", "attributes")
_TERMS: Final = ("quantity_min", "quantity_max", "pack_size")
_OF_SKU: Final = MappingProxyType(
    {
        "variant_values": "variant_values",
        "gtin": "gtin",
        "unit": "unit",
        "weight_g": "weight_g",
        "tax_rate_bps": "tax_rate_bps",
        "return_policy": "return_policy",
        "compare_at_price": "compare_at_minor",
    }
)
"""Columns, and the member of a variant that each fills."""

PROPOSAL_COLUMNS: Final = (*PROPOSAL_REQUIRED, "spu_code", *_SHARED, *_OF_SKU, *_TERMS)
"""Columns of a sheet of proposals; others are passed over."""

PROPOSAL_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **SHEET_ALIASES,
        "variant": "variant_values",
        "规格": "variant_values",
        "起订量": "quantity_min",
        "限购数量": "quantity_max",
        "整包数量": "pack_size",
    }
)
"""Other headings that are understood, in lower case."""


class ProposalRow(NamedTuple):
    """A row that was found good: the cells of the columns that its sheet has, read."""

    row: int
    spu_code: str
    supplier_code: str
    cells: Mapping[str, Any]

    @property
    def category(self) -> CategoryNames:
        """Give the path of the row's category."""
        path: CategoryNames = self.cells["category"]
        return path

    def problem(self, column: str, expected: Said) -> RowProblem:
        """Say that a cell of the row is not as expected."""
        if column == "category":
            got = " > ".join(self.category)
        else:
            got = {"spu_code": self.spu_code, "supplier_code": self.supplier_code}[column]
        return RowProblem(self.row, column, got, expected)


class ProposalSheet:
    """Takes the rows of one sheet in turn, and keeps the good ones by the code of their SPU."""

    def __init__(self) -> None:
        self.spus: dict[str, list[ProposalRow]] = {}
        self._rows: dict[str, int] = {}

    def take(self, row_number: int, raw: Mapping[str, str]) -> list[RowProblem]:
        """Keep a row, or list what is wrong with it, by itself and beside those before it."""
        columns = [column for column in PROPOSAL_COLUMNS if column in raw]
        missing = [column for column in PROPOSAL_REQUIRED if column not in raw]
        # A row that ends early lacks cells of columns that the sheet has.
        cells, problems = cells_read(row_number, raw, [*columns, *missing])
        if problems:
            return problems
        code = cells["supplier_code"]
        row = ProposalRow(row_number, cells.get("spu_code") or code, code, cells)
        problems = list(self._against(row))
        if not problems:
            self._rows[code] = row_number
            self.spus.setdefault(row.spu_code, []).append(row)
        return problems

    def _against(self, row: ProposalRow) -> Iterator[RowProblem]:
        if twin := self._rows.get(row.supplier_code):
            expected = Said(
                f"each code once; row {twin} has it already", f"编码不重复；第 {twin} 行已使用"
            )
            yield row.problem("supplier_code", expected)
        rows = self.spus.get(row.spu_code, [])
        if rows and _differ(rows[0].cells, row.cells):
            first = rows[0].row
            expected = Said(
                f"title, category, brand, its kind and attributes as in row {first}, one SPU",
                f"标题、类目、品牌、品牌类型与属性同第 {first} 行（同属一个 SPU）",
            )
            yield row.problem("spu_code", expected)
        if len(rows) >= SKUS_MAX:
            yield row.problem("spu_code", variants_expected())


def variants_expected() -> Said:
    """Say how many variants an SPU may have."""
    return Said(f"an SPU of at most {SKUS_MAX} variants", f"规格不超过 {SKUS_MAX} 个的 SPU")


def proposal_of(
    last: GoodsProposal | None,
    category_id: CategoryId,
    rows: Sequence[ProposalRow],
    *,
    now: datetime,
) -> GoodsProposal:
    """Give what the rows of an SPU propose, over what was proposed last.

    Variants that no row names stay, and so does what the sheet has no column for.
    """
    spu_code, first = rows[0].spu_code, rows[0].cells
    base = last or GoodsProposal(spu_code, first["title"], category_id, ())
    skus = {sku.supplier_code: sku for sku in base.skus}
    for row in rows:
        known = skus.get(row.supplier_code) or SkuProposal(row.supplier_code)
        skus[row.supplier_code] = _sku_of(known, row.cells, now)
    return replace(
        base,
        title=first["title"],
        category_id=category_id,
        skus=tuple(skus.values()),
        **_filled(first, dict(zip(_SHARED, _SHARED, strict=True))),
    )


def _sku_of(known: SkuProposal, cells: Mapping[str, Any], now: datetime) -> SkuProposal:
    """Give a variant as a row has it; another cost takes the place of those that have begun."""
    cost = cells["cost"]
    later = known.later_costs if cost == known.unit_cost_minor else tuple(known.costs_after(now))
    terms = {name: cells[name] for name in _TERMS if name in cells}
    return replace(
        known,
        unit_cost_minor=cost,
        later_costs=later,
        terms=replace(known.terms, **terms),
        **_filled(cells, _OF_SKU),
    )


def _differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two rows contradict each other in what variants of an SPU share."""
    shared = [name for name in ("title", "category", *_SHARED) if name in one and name in other]
    return any(one[name] != other[name] for name in shared)


def _filled(cells: Mapping[str, Any], members: Mapping[str, str]) -> dict[str, Any]:
    """Give the members that cells fill, mappings as dicts: a proposal is kept as JSON."""
    return {
        name: dict(cells[column]) if isinstance(cells[column], Mapping) else cells[column]
        for column, name in members.items()
        if column in cells
    }
