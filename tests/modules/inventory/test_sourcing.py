"""From where an order is taken: the plain cases by name, and two transactions at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier
from uuid import UUID

import pytest

from tests.modules.pricing.trade import skus_open, supplier_open
from weili.kit.context import PartyId
from weili.kit.world import World
from weili.modules import inventory, regions
from weili.modules.goods import SkuId
from weili.modules.inventory import (
    CoverageRow,
    Move,
    MoveKind,
    NotServed,
    Part,
    Shortage,
    Sourced,
    SourcingBook,
    StockChange,
    WarehouseId,
)

AREA, CITY, PROVINCE, COUNTRY = "330106", "330100", "330000", "000000"
RICE, OIL, TEA = (SkuId(UUID(int=n)) for n in (1, 2, 3))
NEAR, MID, FAR = (WarehouseId(UUID(int=n)) for n in (11, 12, 13))
SUPPLIER = PartyId(UUID(int=21))


NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)

Coverage = tuple[str, WarehouseId, PartyId, int, int]


def book_of(
    *, coverage: list[Coverage], stock: list[tuple[SkuId, WarehouseId, int]], at: str = AREA
) -> SourcingBook:
    """Make a book of warehouses that all stand in one county and ship every day until 16:00."""
    return SourcingBook(
        now=NOW,
        coverage=[(*row, at, 960, 127, None, None) for row in coverage],
        stock=[(*row, None, None, None, None) for row in stock],
    )


def book_with(stock: dict[tuple[SkuId, WarehouseId], int]) -> SourcingBook:
    """Let three warehouses serve the area, near before mid before far."""
    return book_of(
        coverage=[
            (COUNTRY, FAR, SUPPLIER, 30, 5),
            (PROVINCE, MID, SUPPLIER, 20, 3),
            (CITY, NEAR, SUPPLIER, 10, 1),
        ],
        stock=[(sku, warehouse, quantity) for (sku, warehouse), quantity in stock.items()],
    )


def taken(book: SourcingBook, *lines: tuple[SkuId, int]) -> list[tuple[int, WarehouseId, int]]:
    outcome = inventory.source(book, area_code=AREA, lines=lines)
    assert isinstance(outcome, Sourced)
    return [(part.line_index, part.warehouse_id, part.quantity) for part in outcome.parts]


def test_a_part_says_all_that_a_parcel_needs() -> None:
    book = book_with({(RICE, NEAR): 5})

    assert inventory.source(book, area_code=AREA, lines=[(RICE, 5)]) == Sourced(
        [Part(0, RICE, NEAR, SUPPLIER, 5, 1, TODAY, ())]
    )


def test_a_farther_warehouse_that_has_it_all_goes_before_two_near_ones() -> None:
    book = book_with({(RICE, NEAR): 5, (OIL, MID): 5, (RICE, FAR): 5, (OIL, FAR): 5})

    assert taken(book, (RICE, 1), (OIL, 1)) == [(0, FAR, 1), (1, FAR, 1)]


def test_lines_share_a_parcel_where_they_can() -> None:
    # Line by line it would be near for rice, mid for oil, far for tea: three parcels.
    book = book_with({(RICE, NEAR): 5, (RICE, MID): 5, (OIL, MID): 5, (TEA, FAR): 5})

    assert taken(book, (RICE, 1), (OIL, 1), (TEA, 1)) == [(0, MID, 1), (1, MID, 1), (2, FAR, 1)]


def test_a_line_that_nobody_has_whole_is_divided_nearest_first() -> None:
    book = book_with({(RICE, NEAR): 2, (RICE, MID): 3, (RICE, FAR): 4})

    assert taken(book, (RICE, 6)) == [(0, NEAR, 2), (0, MID, 3), (0, FAR, 1)]


def test_a_divided_line_goes_first_with_a_parcel_that_is_sent_anyway() -> None:
    book = book_with({(RICE, NEAR): 2, (RICE, FAR): 2, (RICE, MID): 2, (OIL, FAR): 1})

    assert taken(book, (RICE, 3), (OIL, 1)) == [(0, FAR, 2), (0, NEAR, 1), (1, FAR, 1)]


def test_two_lines_of_the_same_sku_share_one_count() -> None:
    book = book_with({(RICE, NEAR): 3, (RICE, MID): 2})

    assert taken(book, (RICE, 2), (RICE, 2)) == [(0, NEAR, 2), (1, MID, 2)]
    assert inventory.source(book, area_code=AREA, lines=[(RICE, 3), (RICE, 3)]) == Shortage(
        line_index=1, sku_id=RICE, wanted=3, available=2
    )


def test_the_narrowest_coverage_of_a_warehouse_counts() -> None:
    # Given mid before far by country, but far given the city as its own
    book = book_of(
        coverage=[
            (COUNTRY, FAR, SUPPLIER, 30, 5),
            (COUNTRY, MID, SUPPLIER, 20, 3),
            (CITY, FAR, SUPPLIER, 10, 1),
        ],
        stock=[(RICE, MID, 1), (RICE, FAR, 1)],
    )

    assert taken(book, (RICE, 1)) == [(0, FAR, 1)]
    elsewhere = inventory.source(book, area_code="110101", lines=[(RICE, 1)])
    assert elsewhere == Sourced([Part(0, RICE, MID, SUPPLIER, 1, 3, TODAY, ())])


def test_equal_priority_is_decided_by_lead_days_and_then_by_id() -> None:
    book = book_of(
        coverage=[
            (CITY, FAR, SUPPLIER, 1, 2),
            (CITY, MID, SUPPLIER, 1, 2),
            (CITY, NEAR, SUPPLIER, 1, 3),
        ],
        stock=[(RICE, warehouse, 1) for warehouse in (FAR, MID, NEAR)],
    )

    assert taken(book, (RICE, 3)) == [(0, MID, 1), (0, FAR, 1), (0, NEAR, 1)]


@pytest.mark.parametrize("area", ["33010", "杭州", ""])
def test_a_text_that_is_no_area_is_not_served(area: str) -> None:
    outcome = inventory.source(book_with({(RICE, FAR): 1}), area_code=area, lines=[(RICE, 1)])

    assert outcome == NotServed(area)


def test_a_batch_is_decided_order_by_order() -> None:
    book = book_with({(RICE, NEAR): 3})
    first = inventory.source(book, area_code=AREA, lines=[(RICE, 2)])
    assert isinstance(first, Sourced)

    book.take(first.parts)
    assert inventory.source(book, area_code=AREA, lines=[(RICE, 2)]) == Shortage(0, RICE, 2, 1)
    with pytest.raises(ValueError, match="Part"):
        book.take(first.parts)


def test_transactions_over_the_same_places_never_deadlock_and_sell_no_piece_twice(
    world: World,
) -> None:
    # Given 30 SKUs with 18 pieces each, 8 of them promised
    with world.begin() as ctx:
        regions.regions_seed(ctx)
        supplier_id = supplier_open(ctx)
        sku_ids = skus_open(ctx, supplier_id=supplier_id, count=30)
        warehouse_id = inventory.warehouse_open(
            ctx, code="HZ", supplier_id=supplier_id, name="杭州仓", region_code=AREA
        ).id
        inventory.coverage_put(ctx, warehouse_id=warehouse_id, rows=[CoverageRow(CITY, 1, 1)])
        counts = [StockChange(sku_id, warehouse_id, "count", on_hand=18) for sku_id in sku_ids]
        inventory.stock_change(ctx, changes=counts)
        moves = [Move(MoveKind.RESERVE, sku_id, warehouse_id, 8, "before") for sku_id in sku_ids]
        inventory.movements_write(ctx, moves=moves)
    backwards = sku_ids[::-1]
    together = Barrier(4)

    def sell(wanted: list[SkuId]) -> int:
        together.wait()
        return sum(_sold(world, wanted) for _ in range(8))

    def ship() -> int:
        together.wait()
        moves = [Move(MoveKind.ISSUE, sku_id, warehouse_id, 1, "pkg") for sku_id in backwards]
        for _ in range(8):
            with world.begin() as ctx:
                inventory.movements_write(ctx, moves=moves)
        return 0

    def touch() -> int:
        together.wait()
        changes = [StockChange(sku_id, warehouse_id, "safety", safety=0) for sku_id in backwards]
        for _ in range(8):
            with world.begin() as ctx:
                inventory.stock_change(ctx, changes=changes)
        return 0

    # When two sell 8 times, naming the SKUs forwards and backwards, while one ships what was
    # promised before and one changes stock, none of them trying again
    with ThreadPoolExecutor(4) as pool:
        running = [
            pool.submit(sell, sku_ids),
            pool.submit(sell, backwards),
            pool.submit(ship),
            pool.submit(touch),
        ]
        sold = sum(each.result(timeout=60) for each in running)

    # Then of 16 orders the 10 were accepted for which there was stock
    with world.begin() as ctx:
        assert sold == 10
        levels = inventory.stock_of(ctx, sku_ids=sku_ids)
        assert {(level.on_hand, level.reserved) for level in levels} == {(10, 10)}
        assert list(inventory.verify(ctx)) == []


def _sold(world: World, wanted: list[SkuId]) -> int:
    """Sell one piece of each in a transaction of its own; says whether there was enough."""
    with world.begin() as ctx:
        book = inventory.sourcing_book(ctx, area_codes=[AREA], sku_ids=wanted, lock=True)
        outcome = inventory.source(book, area_code=AREA, lines=[(sku, 1) for sku in wanted])
        if not isinstance(outcome, Sourced):
            return 0
        moves = [
            Move(MoveKind.RESERVE, part.sku_id, part.warehouse_id, part.quantity, "ord")
            for part in outcome.parts
        ]
        with ctx.db.pipeline():
            inventory.movements_write(ctx, moves=moves, is_locked=True)
        return 1
