"""Import goods from the rows of a supplier's sheet: facts, cost, price and stock, all or nothing.

The whole sheet is checked before a transaction is opened, so a sheet with a mistake in it touches
nothing and holds nobody up, and the transaction is short and can be done again. In it, stock comes
last and in the order of SKU ids: orders lock stock in that order too, and wait for it least so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from weili.kit.context import Begin, Ctx, PartyId
from weili.kit.problems import FieldProblem, Kind, Problem, Said
from weili.kit.world import in_transaction
from weili.modules import goods, inventory, pricing
from weili.modules.goods import PoolId, RowProblem, SheetRow, SkuId, SkuState
from weili.modules.inventory import StockChange, WarehouseId
from weili.modules.pricing import CostRow, ListId, PriceRow

CHUNK_ROWS: Final = 1_000
ROWS_MAX: Final = 200_000
"""Bound on one import, which is held in memory and written in one transaction."""

PROBLEMS_SHOWN_MAX: Final = 1_000
SUBJECT: Final = "import"
"""What the movements of stock name as their reason."""

_NO_WAREHOUSE: Final = Said(
    "empty, since this supplier has no warehouse", "留空（该供应商没有仓库）"
)

Good = tuple[PartyId, SheetRow]
T = TypeVar("T")


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


class ImportTooLarge(Problem):
    """The sheet has more rows than one import takes."""

    kind = Kind.TOO_LARGE
    code = "import_too_large"
    en = "The sheet has more than {rows_max} rows; split it."
    zh = "表格超过 {rows_max} 行；请拆分后再导入。"


def import_goods(
    begin: Begin,
    *,
    rows: Iterable[tuple[int, Mapping[str, str]]],
    suppliers: Mapping[str, PartyId],
    warehouses: Mapping[PartyId, Sequence[WarehouseId]],
    price_list_id: ListId,
    pool_id: PoolId,
    default_supplier: PartyId | None = None,
    on_shelf: bool = True,
    skip_bad: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Import a sheet's rows, all of them or none; the same sheet again changes nothing.

    ``suppliers`` are known by the names that the sheet uses. Stock is set to what the sheet says,
    in the first warehouse of the row's supplier. Prices go to one price list, for one piece and
    up. With ``on_shelf`` goods that are drafts go on the shelf; what was taken off it stays off.
    With ``skip_bad`` rows that are wrong are left out, and listed. ``progress`` is told how many
    rows are written so far, and again from the start when the database undid the transaction.

    Raises: Forbidden; ImportRefused, listing what is wrong; ImportTooLarge; PoolUnknown; NotFound,
    when there is no such price list or warehouse; StockBelowReserved; Busy. Then nothing has
    changed. What reading ``rows`` raises passes through.
    """
    sheet = goods.SheetCheck(suppliers=suppliers, default_supplier=default_supplier)
    good, checked = _checked(rows, sheet, warehouses)
    if checked.bad_count and not skip_bad:
        raise ImportRefused(checked)

    def work(ctx: Ctx) -> ImportReport:
        for scope in ("admin:goods", "admin:prices", "admin:stock"):
            ctx.require(scope)
        state = SkuState.ON_SHELF if on_shelf else SkuState.DRAFT
        report, done = checked, 0
        stock: list[StockChange] = []
        for chunk in _chunks(good):
            put = goods.goods_put(
                ctx, rows=[row.goods(supplier_id) for supplier_id, row in chunk], state=state
            )
            sku_ids = [put.sku_ids[supplier_id, row.supplier_code] for supplier_id, row in chunk]
            report = _prices_write(ctx, chunk, sku_ids, _counted(report, put), price_list_id)
            drafts = sorted(put.drafts) if on_shelf else ()
            shelved = goods.sku_shelve(ctx, sku_ids=drafts, state=state)
            pooled = goods.pool_put(ctx, pool_id=pool_id, sku_ids=sku_ids)
            report = replace(
                report, shelved=report.shelved + shelved, pooled=report.pooled + pooled
            )
            stock += [
                StockChange(sku_id, warehouses[supplier_id][0], SUBJECT, on_hand=row.stock)
                for (supplier_id, row), sku_id in zip(chunk, sku_ids, strict=True)
                if row.stock is not None
            ]
            done += len(chunk)
            progress(done)
        stock.sort(key=lambda change: change.sku_id)
        for changes in _chunks(stock):
            moved = _stock_write(ctx, changes)
            report = replace(report, stock_changed=report.stock_changed + moved)
        return report

    return in_transaction(begin, work)


def _checked(
    rows: Iterable[tuple[int, Mapping[str, str]]],
    sheet: goods.SheetCheck,
    warehouses: Mapping[PartyId, Sequence[WarehouseId]],
) -> tuple[list[Good], ImportReport]:
    """Read the sheet to its end: the good rows, and a report of the others."""
    good: list[Good] = []
    bad: list[RowProblem] = []
    count = bad_rows = bad_count = 0
    for count, (row_number, raw) in enumerate(rows, start=1):
        if count > ROWS_MAX:
            raise ImportTooLarge(rows_max=ROWS_MAX)
        found = sheet.check(row_number, raw)
        if not isinstance(found, list):
            supplier_id, row = found
            if row.stock is None or warehouses.get(supplier_id):
                good.append(found)
                continue
            found = [RowProblem(row_number, "stock", str(row.stock), _NO_WAREHOUSE)]
        bad_rows += 1
        bad_count += len(found)
        bad += found[: PROBLEMS_SHOWN_MAX - len(bad)]
    return good, ImportReport(count, bad_rows=bad_rows, bad_count=bad_count, bad=bad)


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
    rows = [(sku_id, row) for sku_id, (_, row) in zip(sku_ids, chunk, strict=True)]
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


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK_ROWS):
        yield items[start : start + CHUNK_ROWS]
