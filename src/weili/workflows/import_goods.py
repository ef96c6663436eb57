"""Import goods from the rows of a supplier's sheet: facts, cost, price and stock, all or nothing.

The whole sheet is checked before a transaction is opened, so a sheet with a mistake in it touches
nothing and holds nobody up, and the transaction is short and can be done again. Rows that were
found good are put aside on disc meanwhile: the sheet is read once and never held.

Rows are written in lots. What is written and asks nothing back is sent and not waited for, so that
the database works on it while the next statement, or the next lot, is made.

New goods get their stock with their lot. What lies in places that were there before comes last and
in the order of SKU ids: orders lock stock in that order too, and wait for it least so.
"""

import struct
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import islice
from types import MappingProxyType
from typing import Final
from uuid import UUID

from weili.kit import outbox
from weili.kit.context import Begin, Ctx, PartyId
from weili.kit.problems import FieldProblem, Kind, Problem, Said
from weili.kit.spool import Spool
from weili.kit.world import in_transaction
from weili.modules import goods, inventory, pricing
from weili.modules.goods import CategoryNames, PoolId, RowProblem, SheetRow, SkuId, SkuState
from weili.modules.inventory import OpeningStock, Place, StockChange, WarehouseId
from weili.modules.pricing import CostRow, FirstAmounts, ListId, PriceRow

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

OUR_HEADINGS: Final[Mapping[str, str]] = MappingProxyType({})
"""What a sheet calls our columns, where nothing else is known: as we do."""

Also = Callable[[Ctx, Sequence[int], Sequence[SkuId]], None]
_Sku = tuple[SkuId, PartyId, SheetRow]

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
            fields=tuple(FieldProblem(bad.path, "row_invalid", bad.expected) for bad in report.bad),
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
    rows: Iterable[Row],
    headings: Mapping[str, str] = OUR_HEADINGS,
    suppliers: Mapping[str, PartyId],
    warehouses: Mapping[PartyId, Sequence[WarehouseId]],
    price_list_id: ListId,
    pool_id: PoolId,
    default_supplier: PartyId | None = None,
    categories: Collection[CategoryNames] | None = None,
    on_shelf: bool = True,
    skip_bad: bool = False,
    progress: Callable[[int], None] = lambda _: None,
    also: Also = lambda _, __, ___: None,
    preview: bool = False,
) -> ImportReport:
    """Import a sheet's rows, all of them or none; the same sheet again changes nothing.

    ``suppliers`` are known by the names that the sheet uses. Stock is set to what the sheet says,
    in the first warehouse of the row's supplier. Prices go to one price list, for one piece and up.
    Of ``categories``, if given, rows may name no other; else those they name come into being.
    With ``on_shelf`` goods that are drafts go on the shelf; what was taken off it stays off. With
    ``skip_bad`` rows that are wrong are left out, and listed. ``progress`` is told how many rows
    are written so far, and again from the start when the database undid the transaction. ``also``
    is told of each lot in the same transaction. A ``preview`` does all of it and then undoes it, so
    that what it says is what would have come. ``headings`` says what the file calls our columns,
    for what is reported.

    Raises: Forbidden; ImportRefused, listing what is wrong; ImportTooLarge; PoolUnknown; NotFound,
    when there is no such price list or warehouse; StockBelowReserved; Busy. Then nothing has
    changed. What reading raises passes through.
    """
    sheet = goods.SheetCheck(
        suppliers=suppliers, default_supplier=default_supplier, categories=categories
    )
    owners = {**suppliers, **({"": default_supplier} if default_supplier else {})}
    with closing(Spool(SheetRow)) as spool:
        checked = _checked(rows, sheet, warehouses, spool)
        checked = replace(checked, bad=goods.problems_headed(checked.bad, headings))
        if checked.bad_count and not skip_bad:
            raise ImportRefused(checked)

        def work(ctx: Ctx) -> ImportReport:
            for scope in ("admin:goods", "admin:prices", "admin:stock"):
                ctx.require(scope)
            trade = _Trade(ctx, owners, warehouses, price_list_id, pool_id, on_shelf, also, checked)
            with ctx.db.pipeline():
                for lot in spool.lots():
                    trade.write(lot)
                    progress(trade.done)
                trade.stock_end()
            if preview:
                raise _Seen(trade.report)
            return trade.report

        try:
            return in_transaction(begin, work)
        except _Seen as seen:
            return seen.report


class _Seen(Exception):
    """A preview has seen what would come: its transaction is undone."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__()
        self.report = report


@dataclass(slots=True)
class _Trade:
    """Gives goods their costs, prices and stock, a lot at a time, and counts what came of it."""

    ctx: Ctx
    owners: Mapping[str, PartyId]
    """Suppliers by the names that rows have; by none, the one that is meant then."""
    warehouses: Mapping[PartyId, Sequence[WarehouseId]]
    price_list_id: ListId
    pool_id: PoolId
    on_shelf: bool
    also: Also
    report: ImportReport
    done: int = 0
    stock: list[bytes] = field(default_factory=list)
    """What is to lie in places that were there before and differs, each lot's packed in order."""

    def write(self, lot: Sequence[SheetRow]) -> None:
        """Write a lot."""
        ctx = self.ctx
        owners = [self.owners[row.supplier] for row in lot]
        put = goods.goods_put(
            ctx,
            rows=[row.goods(owner) for owner, row in zip(owners, lot, strict=True)],
            state=SkuState.ON_SHELF if self.on_shelf else SkuState.DRAFT,
        )
        sku_ids: list[SkuId] = []
        fresh: list[_Sku] = []
        old: list[_Sku] = []
        for owner, row in zip(owners, lot, strict=True):
            sku_ids.append(sku_id := put.sku_ids[owner, row.supplier_code])
            (fresh if sku_id in put.created else old).append((sku_id, owner, row))
        if fresh:
            self._open(fresh)
        if old:
            self._put(old)
        shelved = 0
        if self.on_shelf and put.drafts:
            drafts = sorted(put.drafts)
            shelved = goods.sku_shelve(ctx, sku_ids=drafts, state=SkuState.ON_SHELF)
        # The pool comes after the prices, so that partners are told of goods that have one.
        pooled = goods.pool_put(ctx, pool_id=self.pool_id, sku_ids=sku_ids)
        report = self.report
        self.report = replace(
            report,
            created=report.created + len(put.created),
            updated=report.updated + len(put.updated),
            unchanged=report.unchanged + len(put.unchanged),
            shelved=report.shelved + shelved,
            pooled=report.pooled + pooled,
        )
        self.also(ctx, [row.row for row in lot], sku_ids)
        self.done += len(lot)
        _flush(ctx)

    def _open(self, skus: Sequence[_Sku]) -> None:
        """Give SKUs that were just made their first cost, price and stock."""
        pricing.amounts_open(
            self.ctx,
            list_id=self.price_list_id,
            rows=[
                FirstAmounts(sku_id, owner, row.cost_minor, row.price_minor)
                for sku_id, owner, row in skus
            ],
        )
        lying = [
            OpeningStock(sku_id, self.warehouses[owner][0], row.stock)
            for sku_id, owner, row in skus
            if row.stock is not None
        ]
        inventory.stock_open(self.ctx, rows=lying, subject=SUBJECT)
        moved = sum(row.on_hand != 0 for row in lying)
        self._count(costs=len(skus), prices=len(skus), stock=moved)

    def _put(self, skus: Sequence[_Sku]) -> None:
        """Put costs and prices of SKUs that were there, and keep what lies otherwise to the end."""
        ctx = self.ctx
        costs = pricing.costs_put(
            ctx, rows=[CostRow(each, row.cost_minor) for each, _, row in skus]
        )
        prices = pricing.prices_put(
            ctx,
            list_id=self.price_list_id,
            rows=[PriceRow(each, 1, row.price_minor) for each, _, row in skus],
        )
        changes = [
            StockChange(sku_id, self.warehouses[owner][0], SUBJECT, on_hand=row.stock)
            for sku_id, owner, row in skus
            if row.stock is not None
        ]
        self.stock.append(_stock_packed(_moving(changes, _stock_lying(ctx, changes))))
        self._count(costs=costs.changed, prices=prices.changed)

    def stock_end(self) -> None:
        """Write what is to lie in places that were there before, and what moved of it."""
        coming = merge(*map(_STOCK.iter_unpack, self.stock))
        while part := [_stock_change(*each) for each in islice(coming, CHUNK_ROWS)]:
            lying = _stock_lying(self.ctx, part)
            moving = _moving(part, lying)
            inventory.stock_change(self.ctx, changes=moving)
            # A place that is new and empty is made, but nothing has moved.
            self._count(stock=sum(lying.get(_place(each), 0) != each.on_hand for each in moving))
            _flush(self.ctx)

    def _count(self, *, costs: int = 0, prices: int = 0, stock: int = 0) -> None:
        report = self.report
        self.report = replace(
            report,
            costs_changed=report.costs_changed + costs,
            prices_changed=report.prices_changed + prices,
            stock_changed=report.stock_changed + stock,
        )


def _flush(ctx: Ctx) -> None:
    """Write down what was announced so far: it need not wait in memory for the end."""
    outbox.flush(ctx.db, ctx.announced)
    ctx.announced.clear()


def _checked(
    rows: Iterable[Row],
    sheet: goods.SheetCheck,
    warehouses: Mapping[PartyId, Sequence[WarehouseId]],
    spool: Spool[SheetRow],
) -> ImportReport:
    """Read the sheet to its end: put good rows aside in lots, and report what is wrong."""
    bad: list[RowProblem] = []
    good: list[SheetRow] = []
    count = bad_rows = bad_count = 0
    for count, (row_number, raw) in enumerate(rows, start=1):
        if count > ROWS_MAX:
            raise ImportTooLarge(rows_max=ROWS_MAX)
        found = sheet.check(row_number, raw)
        if not isinstance(found, list):
            supplier_id, row = found
            if row.stock is None or warehouses.get(supplier_id):
                good.append(row)
                if len(good) == CHUNK_ROWS:
                    spool.put(good)
                    good.clear()
                continue
            found = [RowProblem(row_number, "stock", str(row.stock), _NO_WAREHOUSE)]
        bad_rows += 1
        bad_count += len(found)
        bad += found[: PROBLEMS_SHOWN_MAX - len(bad)]
    if good:
        spool.put(good)
    return ImportReport(count, bad_rows=bad_rows, bad_count=bad_count, bad=bad)


def _stock_lying(ctx: Ctx, changes: Sequence[StockChange]) -> dict[Place, int]:
    levels = inventory.stock_of(ctx, sku_ids=[change.sku_id for change in changes])
    return {(level.sku_id, level.warehouse_id): level.on_hand for level in levels}


def _moving(changes: Sequence[StockChange], lying: Mapping[Place, int]) -> list[StockChange]:
    """Give the changes of what does not lie there already: the others need not even be locked."""
    return [change for change in changes if lying.get(_place(change)) != change.on_hand]


def _place(change: StockChange) -> Place:
    return change.sku_id, change.warehouse_id


def _stock_packed(changes: Sequence[StockChange]) -> bytes:
    packed = [
        _STOCK.pack(change.sku_id.bytes, change.warehouse_id.bytes, change.on_hand)
        for change in changes
    ]
    return b"".join(sorted(packed))


def _stock_change(sku_id: bytes, warehouse_id: bytes, on_hand: int) -> StockChange:
    return StockChange(
        SkuId(UUID(bytes=sku_id)),
        WarehouseId(UUID(bytes=warehouse_id)),
        SUBJECT,
        on_hand=on_hand,
    )
