"""What inventory refuses."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

WAREHOUSE_WORD: Final = Said("warehouse", "仓库", code="warehouse")
ARRIVAL_WORD: Final = Said("arrival", "到货单", code="arrival")
TRANSFER_WORD: Final = Said("stock transfer", "调拨单", code="stock_transfer")
COUNT_WORD: Final = Said("stock count", "盘点单", code="stock_count")
SHARE_WORD: Final = Said("share of stock", "渠道专享库存", code="share")


class StockBelowReserved(Problem):
    """A change would leave less in a place than is promised from it."""

    kind = Kind.CONFLICT
    code = "stock_below_reserved"
    en = (
        "SKU {sku_id} in warehouse {warehouse_id} has {on_hand} on hand, {reserved} of them "
        "reserved for orders and {shared} kept for partners; it can't be brought to {asked}."
    )
    zh = (
        "仓库 {warehouse_id} 中 SKU {sku_id} 现有 {on_hand} 件，其中 {reserved} 件已被订单预占、"
        "{shared} 件为渠道专享，不能改为 {asked} 件。"
    )


class VersionStale(Problem):
    """A change was made from a version of the place that is no longer the latest."""

    kind = Kind.CONFLICT
    code = "stock_version_stale"
    en = (
        "SKU {sku_id} in warehouse {warehouse_id} is at version {version} now, not {asked}; "
        "read it and decide again."
    )
    zh = "仓库 {warehouse_id} 中 SKU {sku_id} 现为版本 {version}，而非 {asked}；请重新读取后再改。"


class TransferClosed(Problem):
    """A transfer was received before, with other numbers."""

    kind = Kind.CONFLICT
    code = "stock_transfer_closed"
    en = "Transfer {transfer_id} was received before, with other numbers; count the place instead."
    zh = "调拨单 {transfer_id} 已按其他数量收货；如有差异请做盘点。"


class ShareTooLarge(Problem):
    """A share would keep more than is free in its place."""

    kind = Kind.CONFLICT
    code = "share_too_large"
    en = (
        "SKU {sku_id} in warehouse {warehouse_id} has {available} pieces that can be kept for a "
        "partner; {asked} are asked for."
    )
    zh = "仓库 {warehouse_id} 中 SKU {sku_id} 可划作专享的有 {available} 件，而要求 {asked} 件。"


class WarehouseCodeTaken(Problem):
    """The supplier has a warehouse of that code."""

    kind = Kind.CONFLICT
    code = "warehouse_code_taken"
    en = "This supplier has a warehouse with the code {warehouse_code} already."
    zh = "该供应商已有编码为 {warehouse_code} 的仓库。"
