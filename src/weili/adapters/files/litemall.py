"""The catalogue of a litemall shop, turned into rows of our own sheet.

litemall is an open-source shop whose tables people export as csv: ``goods.csv`` (a product),
``goods_product.csv`` (its variants with price and stock), ``category.csv`` (two levels),
``brand.csv`` and ``goods_attribute.csv``. What it has not, we have to assume:

- **Cost.** It knows what the consumer pays and a counter price, but not what the supplier gets. We
  take 70 % of the price, rounded half up to the fen; ``cost_bps`` sets another share.
- **Tax and returns.** 13 % VAT, and seven days without a reason, for everything.
- **Supplier.** None is named. Brands are spread evenly over ``suppliers`` in the order in which
  they come, and a product without a brand goes by its category; so one product's variants always
  have one supplier.
- **Weight and GTIN.** Unknown, left empty.

A counter price below a variant's price is left out, since nothing is crossed out for less.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from weili.adapters.files.problems import SheetNotASheet
from weili.adapters.files.sheets import sheet_rows
from weili.kit.money import fen_from_yuan, portion_half_up, yuan_from_fen
from weili.kit.problems import Said

COST_BPS: Final = 7_000
TAX_RATE_BPS: Final = 1_300
ATTRIBUTE_MAX: Final = 200
"""Longer texts are advice to the reader of a page, not attributes."""

_STANDARD: Final = "标准"
_COLUMNS: Final = {
    "goods": ("id", "name", "category_id", "brand_id", "unit", "counter_price", "is_on_sale"),
    "goods_product": ("id", "goods_id", "specifications", "price", "number"),
    "category": ("id", "name", "pid"),
    "brand": ("id", "name"),
    "goods_attribute": ("goods_id", "attribute", "value"),
}

Row = dict[str, str]


def rows_of(
    folder: Path, *, suppliers: Sequence[str] = (), cost_bps: int = COST_BPS
) -> Iterator[tuple[int, Row]]:
    """Give a row for each variant that is for sale; the number is its row in goods_product.csv.

    Raises: as ``sheet_rows``; SheetNotASheet when a variant's price or specification is no such.
    """
    goods = {row["id"]: row for _, row in _table(folder, "goods") if row["is_on_sale"] != "0"}
    categories = {row["id"]: row for _, row in _table(folder, "category")}
    brands = {row["id"]: row["name"] for _, row in _table(folder, "brand")}
    attributes = _attributes(folder)
    supplier_of: dict[str, str] = {}
    for number, product in _table(folder, "goods_product"):
        one = goods.get(product["goods_id"])
        if one is None:
            continue
        brand = brands.get(one["brand_id"], "")
        source = f"brand {brand}" if brand else f"category {one['category_id']}"
        if suppliers:
            supplier_of.setdefault(source, suppliers[len(supplier_of) % len(suppliers)])
        yield (
            number,
            {
                "supplier_code": f"LM{product['id']}",
                "supplier": supplier_of.get(source, ""),
                "category": " > ".join(_path(categories, one["category_id"])),
                "brand": brand,
                "brand_kind": "factory" if brand else "",
                "spu_code": f"LM-G{one['id']}",
                "title": one["name"],
                "attributes": ";".join(attributes.get(one["id"], ())),
                "gtin": "",
                "tax_rate_bps": str(TAX_RATE_BPS),
                "return_policy": "seven_days_no_reason",
                "weight_g": "",
                "stock": product["number"],
                "unit": one["unit"],
                **_offer(number, product, one, cost_bps),
            },
        )


def _offer(number: int, product: Row, one: Row, cost_bps: int) -> Row:
    """Give what differs between the variants of one product: the choice and the prices."""
    try:
        price_fen = fen_from_yuan(product["price"])
        counter_fen = fen_from_yuan(one["counter_price"])
        choices = [str(choice) for choice in json.loads(product["specifications"])]
    except (ValueError, TypeError) as error:
        why = Said(f"row {number}: {error}", f"第 {number} 行的价格或规格无法读取")
        raise SheetNotASheet(file="goods_product.csv", why=why) from None
    return {
        "variant": " ".join(choice for choice in choices if choice != _STANDARD),
        "cost": yuan_from_fen(portion_half_up(price_fen, cost_bps)),
        "price": yuan_from_fen(price_fen),
        "compare_at_price": yuan_from_fen(counter_fen) if counter_fen >= price_fen else "",
    }


def _attributes(folder: Path) -> dict[str, list[str]]:
    """Read each product's attributes as ``name=value``, the first of each name."""
    found: dict[str, dict[str, str]] = {}
    for _, row in _table(folder, "goods_attribute"):
        name, value = (
            " ".join(row[column].replace(";", "，").replace("；", "，").split())
            for column in ("attribute", "value")
        )
        if name and value and "=" not in name and len(value) <= ATTRIBUTE_MAX:
            found.setdefault(row["goods_id"], {}).setdefault(name, value)
    return {
        goods_id: [f"{name}={value}" for name, value in pairs.items()]
        for goods_id, pairs in found.items()
    }


def _path(categories: dict[str, Row], category_id: str) -> list[str]:
    """Give the names from the root down; a parent that is not there, or comes again, ends it."""
    path: list[str] = []
    seen: set[str] = set()
    while category_id in categories and category_id not in seen:
        seen.add(category_id)
        path.insert(0, categories[category_id]["name"])
        category_id = categories[category_id]["pid"]
    return path


def _table(folder: Path, name: str) -> Iterator[tuple[int, Row]]:
    """Read one table of the export, without the rows that the shop has deleted."""
    rows = sheet_rows(folder / f"{name}.csv", required=_COLUMNS[name])
    return ((number, row) for number, row in rows if row.get("deleted", "0") == "0")
