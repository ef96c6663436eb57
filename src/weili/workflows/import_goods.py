"""Import goods from the rows of a supplier's sheet: facts, cost, price and stock, all or nothing.

The whole sheet is checked before a transaction is opened, so a sheet with a mistake in it touches
nothing and holds nobody up, and the transaction is short and can be done again. The sheet is read
twice for that, the second time a chunk ahead of the database, and never held: what is kept of a
row is some numbers. Stock comes last and in the order of SKU ids: orders lock stock in that order
too, and wait for it least so.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

from weili.kit import outbox
from weili.kit.context import Begin, Ctx, PartyId
from weili.kit.problems import FieldProblem, Kind, Problem, Said
from weili.kit.world import in_transaction
from weili.modules import goods, inventory, pricing
from weili.modules.goods import PoolId, RowProblem, SheetRow, SkuId, SkuState
from weili.modules.inventory import StockChange, WarehouseId
from weili.modules.pricing import CostRow, ListId, PriceRow

CHUNK_ROWS: Final = 1_000
ROWS_MAX: Final = 200_000
"""Bound on one import, which is written in one transaction."""

PROBLEMS_SHOWN_MAX: Final = 1_000
SUBJECT: Final = "import"
"""What the movements of stock name as their reason."""

_NO_WAREHOUSE: Final = Said(
    "empty, since this supplier has no warehouse", "留空（该供应商没有仓库）"
)

Row = tuple[int, Mapping[str, str]]
"""A row's number, as a spreadsheet shows it, and its cells by column."""

Read = Callable[[], Iterable[Row]]
Also = Callable[[Ctx, Sequence[int], Sequence[SkuId]], None]
Good = tuple[int, PartyId, SheetRow]
T = TypeVar("T")

_STOCK: Final = struct.Struct(">16s16sQ")
"""An SKU, a warehouse and a count, to be sorted as bytes: a sheet's stock waits to its end."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    ``created``, ``updated`` and ``unchanged`` count SKUs by their facts; what changed of prices,
    costs and stock, and what went on the shelf and into the pool, is counted beside. ``bad`` lists
    what was wrong, up to a bound; ``bad_count`` counts all of it, and ``bad_rows`` the rows that
    were left out for it.
    """

    rows: int
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    prices_changed: int = 0
    costs_changed: int = 0
    stock_changed: int = 0
    shelved: int = 0
    pooled: int = 0
    bad_rows: int = 0
    bad_count: int = 0
    bad: Sequence[RowProblem] = ()

    @property
    def has_changed(self) -> bool:
        """Say whether the import made any difference."""
        facts = self.created + self.updated + self.prices_changed + self.costs_changed
        return facts + self.stock_changed + self.shelved + self.pooled > 0


class ImportRefused(Problem):
    """Rows of the sheet are wrong, so nothing of it was imported; ``report`` lists them."""

    kind = Kind.UNPROCESSABLE
    code = "import_refused"
    en = (
        "{bad_rows} of {rows} rows are wrong in {bad_count} place(s); nothing was imported. "
        "Mend them, or ask to leave wrong rows out."
    )
    zh = (
        "{rows} 行中有 {bad_rows} 行共 {bad_count} 处错误，未导入任何数据。"
        "请更正，或选择跳过错误行。"
    )

    def __init__(self, report: ImportReport) -> None:
        super().__init__(
            fields=tuple(
                FieldProblem(f"/rows/{bad.row}/{bad.column}", "row_invalid", bad.expected)
                for bad in report.bad
            ),
            rows=report.rows,
            bad_rows=report.bad_rows,
            bad_count=report.bad_count,
        )
        self.report = report


class SheetChanged(Problem):
    """The sheet is not the one that was checked a moment ago."""

    kind = Kind.CONFLICT
    code = "sheet_changed"
    en = "The file was changed while it was read; nothing was imported. Import it again."
    zh = "文件在读取过程中被修改，未导入任何数据。请重新导入。"
    repeatable = True


class ImportTooLarge(Problem):
    """The sheet has more rows than one import takes."""

    kind = Kind.TOO_LARGE
    code = "import_too_large"
    en = "The sheet has more than {rows_max} rows; split it."
    zh = "表格超过 {rows_max} 行；请拆分后再导入。"


def import_goods(
    begin: Begin,
    *,
    read: Read,
    suppliers: Mapping[str, PartyId],
    warehouses: Mapping[PartyId, Sequence[WarehouseId]],
    price_list_id: ListId,
    pool_id: PoolId,
    default_supplier: PartyId | None = None,
    on_shelf: bool = True,
    skip_bad: bool = False,
    progress: Callable[[int], None] = lambda _: None,
    also: Also = lambda _, __, ___: None,
) -> ImportReport:
    """Import a sheet's rows, all of them or none; the same sheet again changes nothing.

    ``read`` gives the rows from the first, each time it is called: once to check them all, and
    once to write them. ``suppliers`` are known by the names that the sheet uses. Stock is set to
    what the sheet says, in the first warehouse of the row's supplier. Prices go to one price list,
    for one piece and up. With ``on_shelf`` goods that are drafts go on the shelf; what was taken
    off it stays off. With ``skip_bad`` rows that are wrong are left out, and listed. ``progress``
    is told how many rows are written so far, and again from the start when the database undid the
    transaction. ``also`` is told of each chunk in the same transaction.

    Raises: Forbidden; ImportRefused, listing what is wrong; ImportTooLarge; SheetChanged;
    PoolUnknown; NotFound, when there is no such price list or warehouse; StockBelowReserved; Busy.
    Then nothing has changed. What reading raises passes through.
    """
    sheet = goods.SheetCheck(suppliers=suppliers, default_supplier=default_supplier)
    checked, bad_rows, digest = _checked(read(), sheet, warehouses)
    if checked.bad_count and not skip_bad:
        raise ImportRefused(checked)

    def work(ctx: Ctx) -> ImportReport:
        for scope in ("admin:goods", "admin:prices", "admin:stock"):
            ctx.require(scope)
        state = SkuState.ON_SHELF if on_shelf else SkuState.DRAFT
        report, done, stock = checked, 0, list[bytes]()
        rows = _again(read(), sheet, bad_rows, digest)
        with ThreadPoolExecutor(1, "sheet") as reader:
            chunk = _chunk(rows)
            while chunk:
                put = goods.goods_put(
                    ctx, rows=[row.goods(supplier_id) for _, supplier_id, row in chunk], state=state
                )
                # What follows is mostly the database's work: the next rows are read meanwhile.
                coming = reader.submit(_chunk, rows)
                sku_ids = [put.sku_ids[owner, row.supplier_code] for _, owner, row in chunk]
                report = _prices_write(ctx, chunk, sku_ids, _counted(report, put), price_list_id)
                drafts = sorted(put.drafts) if on_shelf else ()
                shelved = goods.sku_shelve(ctx, sku_ids=drafts, state=state)
                pooled = goods.pool_put(ctx, pool_id=pool_id, sku_ids=sku_ids)
                report = replace(
                    report, shelved=report.shelved + shelved, pooled=report.pooled + pooled
                )
                stock += _stock_packed(chunk, sku_ids, warehouses)
                also(ctx, [number for number, _, _ in chunk], sku_ids)
                # What was announced so far need not wait in memory for the transaction's end.
                outbox.flush(ctx.db, ctx.announced)
                ctx.announced.clear()
                done += len(chunk)
                progress(done)
                chunk = coming.result()
        stock.sort()
        for packed in _chunks(stock):
            moved = _stock_write(ctx, [_stock_change(item) for item in packed])
            report = replace(report, stock_changed=report.stock_changed + moved)
        return report

    return in_transaction(begin, work)


def _checked(
    rows: Iterable[Row],
    sheet: goods.SheetCheck,
    warehouses: Mapping[PartyId, Sequence[WarehouseId]],
) -> tuple[ImportReport, frozenset[int], int]:
    """Read the sheet to its end: a report of what is wrong, the rows to leave out, a digest."""
    bad: list[RowProblem] = []
    bad_rows: set[int] = set()
    count = bad_count = digest = 0
    for count, (row_number, raw) in enumerate(rows, start=1):
        if count > ROWS_MAX:
            raise ImportTooLarge(rows_max=ROWS_MAX)
        digest = _digest(digest, row_number, raw)
        found = sheet.check(row_number, raw)
        if not isinstance(found, list):
            supplier_id, row = found
            if row.stock is None or warehouses.get(supplier_id):
                continue
            found = [RowProblem(row_number, "stock", str(row.stock), _NO_WAREHOUSE)]
        bad_rows.add(row_number)
        bad_count += len(found)
        bad += found[: PROBLEMS_SHOWN_MAX - len(bad)]
    report = ImportReport(count, bad_rows=len(bad_rows), bad_count=bad_count, bad=bad)
    return report, frozenset(bad_rows), digest


def _again(
    rows: Iterable[Row], sheet: goods.SheetCheck, bad_rows: frozenset[int], digest: int
) -> Iterator[Good]:
    """Read the good rows again, to write them.

    Raises: SheetChanged, when these are not the rows that were checked.
    """
    seen = 0
    for row_number, raw in rows:
        seen = _digest(seen, row_number, raw)
        if row_number in bad_rows:
            continue
        found = sheet.read(row_number, raw)
        if isinstance(found, list):
            raise SheetChanged
        yield row_number, *found
    if seen != digest:
        raise SheetChanged


def _chunk(rows: Iterator[Good]) -> list[Good]:
    return list(islice(rows, CHUNK_ROWS))


def _digest(before: int, row_number: int, raw: Mapping[str, str]) -> int:
    return hash((before, row_number, *raw.values()))


def _counted(report: ImportReport, put: goods.GoodsPut) -> ImportReport:
    return replace(
        report,
        created=report.created + len(put.created),
        updated=report.updated + len(put.updated),
        unchanged=report.unchanged + len(put.unchanged),
    )


def _prices_write(
    ctx: Ctx,
    chunk: Sequence[Good],
    sku_ids: Sequence[SkuId],
    report: ImportReport,
    price_list_id: ListId,
) -> ImportReport:
    """Write what the goods cost and sell for.

    This comes before the pool, so that partners are told of goods that have a price.
    """
    rows = [(sku_id, row) for sku_id, (_, _, row) in zip(sku_ids, chunk, strict=True)]
    costs = pricing.costs_put(ctx, rows=[CostRow(sku_id, row.cost_minor) for sku_id, row in rows])
    prices = pricing.prices_put(
        ctx,
        list_id=price_list_id,
        rows=[PriceRow(sku_id, 1, row.price_minor) for sku_id, row in rows],
    )
    return replace(
        report,
        costs_changed=report.costs_changed + costs.changed,
        prices_changed=report.prices_changed + prices.changed,
    )


def _stock_write(ctx: Ctx, changes: Sequence[StockChange]) -> int:
    """Set what lies in places; says in how many of them that made a difference.

    A place that holds as much already is not even locked.
    """
    sku_ids = [change.sku_id for change in changes]
    before = {
        (level.sku_id, level.warehouse_id): level.on_hand
        for level in inventory.stock_of(ctx, sku_ids=sku_ids)
    }
    moving = [
        change
        for change in changes
        if before.get((change.sku_id, change.warehouse_id)) != change.on_hand
    ]
    inventory.stock_change(ctx, changes=moving)
    # A place that is new and empty is made, but nothing has moved.
    return sum(
        before.get((change.sku_id, change.warehouse_id), 0) != change.on_hand for change in moving
    )


def _stock_packed(
    chunk: Sequence[Good],
    sku_ids: Sequence[SkuId],
    warehouses: Mapping[PartyId, Sequence[WarehouseId]],
) -> list[bytes]:
    return [
        _STOCK.pack(sku_id.bytes, warehouses[owner][0].bytes, row.stock)
        for (_, owner, row), sku_id in zip(chunk, sku_ids, strict=True)
        if row.stock is not None
    ]


def _stock_change(packed: bytes) -> StockChange:
    sku_id, warehouse_id, on_hand = _STOCK.unpack(packed)
    return StockChange(
        SkuId(UUID(bytes=sku_id)),
        WarehouseId(UUID(bytes=warehouse_id)),
        SUBJECT,
        on_hand=on_hand,
    )


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK_ROWS):
        yield items[start : start + CHUNK_ROWS]
