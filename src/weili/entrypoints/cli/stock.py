"""``weili stock``: what lies in a supplier's warehouses."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import (
    JsonOption,
    SheetArgument,
    SupplierNameOption,
    WorldOption,
    supplier_opened,
)
from weili.kit.problems import Kind, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weili.kit.context import Ctx, PartyId
    from weili.modules.inventory import StockLevel, Warehouse, WarehouseId

app = typer.Typer(help="What lies in a supplier's warehouses.", no_args_is_help=True)

_SERVED_SHOWN_MAX: Final = 4
"""Regions that a line names; some warehouses serve most of the country."""

WarehouseOption = Annotated[
    str, typer.Option("--warehouse", help="The supplier's own code of the warehouse.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")]
CursorOption = Annotated[
    str | None, typer.Option("--cursor", help="Where to go on: what the list before ended with.")
]


@app.callback()
def stocks() -> None:
    """What lies in a supplier's warehouses."""


@app.command("set")
def stock_set(
    file: SheetArgument,
    supplier: SupplierNameOption,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set stock to what a sheet says was counted: all rows or none.

    Its columns are supplier_code, warehouse, on_hand and, where it is to change, safety.
    """
    from weili.adapters.files import sheet_rows
    from weili.kit.world import in_transaction
    from weili.workflows import set_stock as workflow

    with supplier_opened(world, supplier) as (supplier_id, begin):
        sheet = sheet_rows(file, aliases=workflow.ALIASES, required=workflow.REQUIRED)
        rows = list(sheet)

        def work(ctx: "Ctx") -> list[dict[str, Any]]:
            levels = workflow.set_stock(
                ctx,
                supplier_id=supplier_id,
                rows=rows,
                reference="count",
                headings=sheet.headings,
            )
            return _documents(ctx, levels)

        items = in_transaction(begin, work)
    if as_json:
        say.page_document(items)
    else:
        say.line(f"{len(items)} places are set.", f"已设置 {len(items)} 处库存。")


@app.command("warehouses")
def stock_warehouses(
    supplier: SupplierNameOption,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """List a supplier's warehouses by the codes that sheets name, and what they serve."""
    from weili.kit.world import in_transaction
    from weili.modules import inventory

    with supplier_opened(world, supplier) as (supplier_id, begin):

        def work(ctx: "Ctx") -> dict[str, Any]:
            found = inventory.warehouse_page(
                ctx, supplier_id=supplier_id, cursor=cursor, limit=limit
            )
            return {"items": _warehouses(ctx, found.items), "next_cursor": found.next_cursor}

        shown = in_transaction(begin, work)
    if as_json:
        say.document(shown)
        return
    say.table(
        [
            ("code", "编码"),
            ("name", "名称"),
            ("region", "所在地区"),
            ("serves", "覆盖地区"),
        ],
        [
            (item["code"], item["name"], item["region"], _served_said(item["serves"]))
            for item in shown["items"]
        ],
    )
    more_say(shown["next_cursor"])


@app.command("show")
def stock_show(  # noqa: PLR0917 - typer passes options by name
    supplier: SupplierNameOption,
    warehouse: WarehouseOption,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what lies in a warehouse, and how much of it is promised."""
    from weili.kit.world import in_transaction
    from weili.modules import inventory

    with supplier_opened(world, supplier) as (supplier_id, begin):

        def work(ctx: "Ctx") -> dict[str, Any]:
            warehouse_id = warehouse_named(ctx, supplier_id, warehouse)
            found = inventory.stock_page(ctx, warehouse_id=warehouse_id, cursor=cursor, limit=limit)
            return {"items": _documents(ctx, found.items), "next_cursor": found.next_cursor}

        shown = in_transaction(begin, work)
    if as_json:
        say.document(shown)
        return
    say.table(
        [
            ("code", "商品编码"),
            ("title", "商品"),
            ("on hand", "在库"),
            ("promised", "已占用"),
            ("safety", "安全库存"),
            ("kept", "渠道预留"),
        ],
        [[item[name] for name in _SHOWN] for item in shown["items"]],
    )
    more_say(shown["next_cursor"])


class WarehouseCodeUnknown(Problem):
    """A command names a warehouse that the supplier does not have."""

    kind = Kind.NOT_FOUND
    code = "warehouse_code_unknown"
    en = (
        "This supplier has no warehouse {warehouse_code}; `weili stock warehouses` lists those "
        "that it has."
    )
    zh = "该供应商没有仓库 {warehouse_code}；可用 `weili stock warehouses` 列出其仓库。"


def warehouse_named(ctx: "Ctx", supplier_id: "PartyId", code: str) -> "WarehouseId":
    """Find a supplier's warehouse by its own code.

    Raises: WarehouseCodeUnknown.
    """
    from weili.modules import inventory

    found = inventory.warehouses_by_code(ctx, supplier_id=supplier_id, codes=[code])
    if code not in found:
        raise WarehouseCodeUnknown(warehouse_code=code)
    return found[code]


def more_say(cursor: str | None) -> None:
    """Say how a list goes on, if it does."""
    if cursor is not None:
        say.note(f"There is more: --cursor {cursor}", f"还有更多：--cursor {cursor}")


def _warehouses(ctx: "Ctx", found: "Sequence[Warehouse]") -> list[dict[str, Any]]:
    """Show warehouses with the names of where they are and of what they serve."""
    from weili.kit.ids import id_text
    from weili.modules import inventory, regions

    served = inventory.coverage_get(ctx, warehouse_ids=[each.id for each in found])
    codes = {row.region_code for rows in served.values() for row in rows}
    names = regions.full_names(ctx, codes=codes | {each.region_code for each in found})
    return [
        {
            "id": id_text(inventory.WAREHOUSE_PREFIX, each.id),
            "code": each.code,
            "name": each.name,
            "region_code": each.region_code,
            "region": names.get(each.region_code, each.region_code),
            "serves": [
                {
                    "region_code": row.region_code,
                    "region": names.get(row.region_code, row.region_code),
                    "priority": row.priority,
                    "lead_days": row.lead_days,
                }
                for row in served[each.id]
            ],
        }
        for each in found
    ]


def _served_said(serves: "Sequence[Mapping[str, Any]]") -> str:
    """Name some of the regions that a warehouse serves, and say how many more there are."""
    named = [str(each["region"]) for each in serves[:_SERVED_SHOWN_MAX]]
    text = say.words(", ", "、").join(named) or say.words("nobody yet", "尚未设置")
    left = len(serves) - len(named)
    return text if left == 0 else say.words(f"{text} and {left} more", f"{text}等 {len(serves)} 处")


_SHOWN = ("supplier_code", "title", "on_hand", "reserved", "safety", "shared")


def _documents(ctx: "Ctx", levels: "Sequence[StockLevel]") -> list[dict[str, Any]]:
    from weili.kit.ids import id_text
    from weili.modules import goods, inventory

    skus = goods.skus_get(ctx, sku_ids=[level.sku_id for level in levels])
    return [
        {
            "sku_id": id_text(goods.SKU_PREFIX, level.sku_id),
            "supplier_code": skus[level.sku_id].supplier_code,
            "title": skus[level.sku_id].title,
            "warehouse_id": id_text(inventory.WAREHOUSE_PREFIX, level.warehouse_id),
            "on_hand": level.on_hand,
            "reserved": level.reserved,
            "safety": level.safety,
            "shared": level.shared,
            "version": level.version,
        }
        for level in levels
    ]
