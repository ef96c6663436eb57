"""What inventory refuses."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

WAREHOUSE_WORD: Final = Said("warehouse", "仓库", code="warehouse")


class StockBelowReserved(Problem):
    """A change would leave less in a place than is promised from it."""

    kind = Kind.CONFLICT
    code = "stock_below_reserved"
    en = (
        "SKU {sku_id} in warehouse {warehouse_id} has {on_hand} on hand, {reserved} of them "
        "reserved for orders; it can't be brought to {asked}."
    )
    zh = (
        "仓库 {warehouse_id} 中 SKU {sku_id} 现有 {on_hand} 件，其中 {reserved} 件已被订单预占，"
        "不能改为 {asked} 件。"
    )


class WarehouseCodeTaken(Problem):
    """The supplier has a warehouse of that code."""

    kind = Kind.CONFLICT
    code = "warehouse_code_taken"
    en = "This supplier has a warehouse with the code {warehouse_code} already."
    zh = "该供应商已有编码为 {warehouse_code} 的仓库。"
