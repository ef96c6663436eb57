"""Sourcing against brute force, and the arithmetic of stock against a plain model."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import CheckViolation

from tests.modules.pricing.trade import partner_open, rolled_back, skus_open, supplier_open
from weili.kit.context import Ctx, PartyId
from weili.kit.world import World
from weili.modules import inventory, regions
from weili.modules.goods import SkuId
from weili.modules.inventory import (
    Move,
    MoveKind,
    NotServed,
    Shortage,
    Sourced,
    SourcingBook,
    StockBelowReserved,
    StockChange,
    WarehouseId,
)

AREA = "330106"
AROUND = ("330106", "330100", "330000", "000000")
ELSEWHERE = "110101"
SKUS = [SkuId(UUID(int=100 + n)) for n in range(4)]
WAREHOUSES = [WarehouseId(UUID(int=200 + n)) for n in range(4)]
SUPPLIER = PartyId(UUID(int=300))
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)

Coverage = list[tuple[str, WarehouseId, PartyId, int, int]]
Stock = dict[tuple[SkuId, WarehouseId], int]
Lines = list[tuple[SkuId, int]]

coverages = st.lists(
    st.tuples(
        st.sampled_from([*AROUND, ELSEWHERE]),
        st.sampled_from(WAREHOUSES),
        st.just(SUPPLIER),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    unique_by=lambda row: row[:2],
    max_size=12,
)
stocks = st.dictionaries(
    st.tuples(st.sampled_from(SKUS), st.sampled_from(WAREHOUSES)), st.integers(1, 6)
)
orders = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 6)), min_size=1, max_size=4)


def book_of(coverage: Coverage, stock: Stock) -> SourcingBook:
    """Make a book of warehouses that all stand in one place and ship every day."""
    return SourcingBook(
        now=NOW,
        coverage=[(*row, AREA, 960, 127, None, None) for row in coverage],
        stock=[(sku, place, n, None, None, None, None) for (sku, place), n in stock.items()],
    )


def serving(coverage: Coverage) -> list[WarehouseId]:
    """Rank by the plainest reading: narrowest row of each warehouse, then the written order."""
    rows = {}
    for warehouse in WAREHOUSES:
        own = [row for row in coverage if row[1] == warehouse and row[0] in AROUND]
        if own:
            rows[warehouse] = min(own, key=lambda row: AROUND.index(row[0]))
    return sorted(rows, key=lambda warehouse: (rows[warehouse][3], rows[warehouse][4], warehouse))


def wanted_of(lines: Lines) -> Counter[SkuId]:
    wanted: Counter[SkuId] = Counter()
    for sku, quantity in lines:
        wanted[sku] += quantity
    return wanted


def can_send_all(warehouse: WarehouseId, stock: Stock, lines: Lines) -> bool:
    return all(stock.get((sku, warehouse), 0) >= n for sku, n in wanted_of(lines).items())


@given(coverages, stocks, orders)
def test_an_order_is_refused_only_when_the_area_truly_has_too_little(
    coverage: Coverage, stock: Stock, lines: Lines
) -> None:
    places = serving(coverage)
    outcome = inventory.source(book_of(coverage, stock), area_code=AREA, lines=lines)

    total = {sku: sum(stock.get((sku, place), 0) for place in places) for sku in SKUS}
    if not places:
        assert outcome == NotServed(AREA)
    elif all(total[sku] >= quantity for sku, quantity in wanted_of(lines).items()):
        assert isinstance(outcome, Sourced)
    else:
        assert isinstance(outcome, Shortage)
        before = wanted_of(lines[: outcome.line_index])[outcome.sku_id]
        assert lines[outcome.line_index] == (outcome.sku_id, outcome.wanted)
        assert outcome.available == total[outcome.sku_id] - before < outcome.wanted


@given(coverages, stocks, orders)
def test_the_parts_sum_to_the_lines_and_never_exceed_the_stock(
    coverage: Coverage, stock: Stock, lines: Lines
) -> None:
    outcome = inventory.source(book_of(coverage, stock), area_code=AREA, lines=lines)

    if isinstance(outcome, Sourced):
        by_line: Counter[int] = Counter()
        by_place: Counter[tuple[SkuId, WarehouseId]] = Counter()
        for part in outcome.parts:
            assert part.quantity > 0
            assert part.sku_id == lines[part.line_index][0]
            assert part.warehouse_id in serving(coverage)
            by_line[part.line_index] += part.quantity
            by_place[part.sku_id, part.warehouse_id] += part.quantity
        assert by_line == {i: quantity for i, (_, quantity) in enumerate(lines)}
        assert all(quantity <= stock[place] for place, quantity in by_place.items())


@given(coverages, stocks, orders)
def test_the_first_warehouse_that_can_send_all_of_it_does(
    coverage: Coverage, stock: Stock, lines: Lines
) -> None:
    outcome = inventory.source(book_of(coverage, stock), area_code=AREA, lines=lines)

    able = [place for place in serving(coverage) if can_send_all(place, stock, lines)]
    if able:
        assert isinstance(outcome, Sourced)
        assert {part.warehouse_id for part in outcome.parts} == {able[0]}
        assert len(outcome.parts) == len(lines)


@given(coverages, stocks, orders)
def test_a_line_is_divided_only_when_nobody_could_send_it_whole(
    coverage: Coverage, stock: Stock, lines: Lines
) -> None:
    outcome = inventory.source(book_of(coverage, stock), area_code=AREA, lines=lines)

    if isinstance(outcome, Sourced) and len({sku for sku, _ in lines}) == len(lines):
        for i, parts in Counter(part.line_index for part in outcome.parts).items():
            sku, quantity = lines[i]
            whole = any(stock.get((sku, place), 0) >= quantity for place in serving(coverage))
            assert (parts == 1) == whole


@given(coverages, stocks, orders)
def test_few_parcels_are_sent_when_one_is_not_enough(
    coverage: Coverage, stock: Stock, lines: Lines
) -> None:
    outcome = inventory.source(book_of(coverage, stock), area_code=AREA, lines=lines)

    is_distinct = len({sku for sku, _ in lines}) == len(lines)
    if isinstance(outcome, Sourced) and is_distinct and len(outcome.parts) == len(lines):
        sent = len({part.warehouse_id for part in outcome.parts})
        fewest = min(
            len(set(choice))
            for choice in product(serving(coverage), repeat=len(lines))
            if _fits(choice, stock, lines)
        )
        assert sent == fewest


def _fits(choice: tuple[WarehouseId, ...], stock: Stock, lines: Lines) -> bool:
    taken: Counter[tuple[SkuId, WarehouseId]] = Counter()
    for (sku, quantity), place in zip(lines, choice, strict=True):
        taken[sku, place] += quantity
    return all(stock.get(place, 0) >= quantity for place, quantity in taken.items())


@given(coverages, stocks, st.lists(orders, max_size=6))
def test_a_batch_never_takes_more_than_there_is(
    coverage: Coverage, stock: Stock, batch: list[Lines]
) -> None:
    book = book_of(coverage, stock)
    left = Counter(stock)
    for lines in batch:
        before = {sku: dict(book.shelf(sku)) for sku in SKUS}
        outcome = inventory.source(book, area_code=AREA, lines=lines)
        assert outcome == inventory.source(book, area_code=AREA, lines=lines)
        assert {sku: dict(book.shelf(sku)) for sku in SKUS} == before
        if isinstance(outcome, Sourced):
            book.take(outcome.parts)
            for part in outcome.parts:
                left[part.sku_id, part.warehouse_id] -= part.quantity
    assert all(quantity >= 0 for quantity in left.values())


@dataclass
class Shelf:
    """The plainest model of a place."""

    on_hand: int = 0
    reserved: int = 0

    def change(self, kind: str, quantity: int) -> bool:
        """Do a step if it is lawful; says whether it was."""
        on_hand, reserved = {
            "receipt": (self.on_hand + quantity, self.reserved),
            "write_off": (self.on_hand - quantity, self.reserved),
            "count": (quantity, self.reserved),
            "reserve": (self.on_hand, self.reserved + quantity),
            "release": (self.on_hand, self.reserved - quantity),
            "issue": (self.on_hand - quantity, self.reserved - quantity),
        }[kind]
        if not 0 <= reserved <= on_hand:
            return False
        self.on_hand, self.reserved = on_hand, reserved
        return True


steps = st.lists(
    st.tuples(
        st.sampled_from(["receipt", "write_off", "count", "reserve", "release", "issue"]),
        st.integers(0, 1),
        st.integers(1, 9),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
def test_stock_does_what_a_plain_model_does_and_its_movements_explain_it(
    rolled_back_world: World, steps: list[tuple[str, int, int]]
) -> None:
    with rolled_back(rolled_back_world) as ctx:
        regions.regions_seed(ctx)
        supplier_id = supplier_open(ctx)
        sku_ids = skus_open(ctx, supplier_id=supplier_id, count=2)
        warehouse = inventory.warehouse_open(
            ctx, code="A", supplier_id=supplier_id, name="仓", region_code=AREA
        )
        shelves = [Shelf(), Shelf()]
        start = [StockChange(sku_id, warehouse.id, "start", on_hand=0) for sku_id in sku_ids]
        inventory.stock_change(ctx, changes=start)
        for kind, n, quantity in steps:
            is_lawful = shelves[n].change(kind, quantity)
            assert was_done(ctx, kind, sku_ids[n], warehouse.id, quantity) == is_lawful

        levels = inventory.stock_of(ctx, sku_ids=sku_ids)
        assert {level.sku_id: (level.on_hand, level.reserved) for level in levels} == {
            sku_id: (shelf.on_hand, shelf.reserved)
            for sku_id, shelf in zip(sku_ids, shelves, strict=True)
        }
        assert list(inventory.verify(ctx)) == []


def was_done(ctx: Ctx, kind: str, sku_id: SkuId, place: WarehouseId, quantity: int) -> bool:
    """Do a step on the real stock, leaving nothing behind when it is refused."""
    change = {
        "receipt": StockChange(sku_id, place, "s", on_hand_delta=quantity),
        "write_off": StockChange(sku_id, place, "s", on_hand_delta=-quantity),
        "count": StockChange(sku_id, place, "s", on_hand=quantity),
    }.get(kind)
    savepoint = ctx.db.sa.begin_nested()
    try:
        if change:
            inventory.stock_change(ctx, changes=[change])
        else:
            move = Move(MoveKind(kind), sku_id, place, quantity, "s")
            inventory.movements_write(ctx, moves=[move])
    except (StockBelowReserved, CheckViolation):
        savepoint.rollback()
        return False
    savepoint.commit()
    return True


kept_steps = st.lists(
    st.tuples(
        st.sampled_from(["one", "two", "bundle", "cancel", "share", "end"]),
        st.integers(0, 1),
        st.integers(1, 6),
    ),
    max_size=20,
)


@dataclass
class Kept:
    """The plainest model of one warehouse: what is anyone's, and what is each partner's."""

    free: list[int]
    own: list[int]
    sold: list[tuple[dict[int, int], int, int]]

    def take(self, who: int, needs: dict[int, int]) -> bool:
        """Take pieces for a partner, its own first; only the first SKU is ever kept."""
        mine = min(needs.get(0, 0), self.own[who])
        rest = {sku: count - (mine if sku == 0 else 0) for sku, count in needs.items()}
        if any(self.free[sku] < count for sku, count in rest.items()):
            return False
        for sku, count in rest.items():
            self.free[sku] -= count
        self.own[who] -= mine
        self.sold.append((needs, who, mine))
        return True

    def cancel(self, n: int, *, is_kept: bool) -> None:
        """Give back what an order took: first to the share, if that lasts."""
        needs, who, mine = self.sold.pop(n)
        for sku, count in needs.items():
            back = mine if sku == 0 and is_kept else 0
            self.free[sku] += count - back
            self.own[who] += back


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=kept_steps)
def test_bundles_parts_and_shares_sold_together_never_oversell(
    rolled_back_world: World, steps: list[tuple[str, int, int]]
) -> None:
    with rolled_back(rolled_back_world) as ctx:
        regions.regions_seed(ctx)
        supplier_id = supplier_open(ctx)
        skus = skus_open(ctx, supplier_id=supplier_id, count=3)
        partners = [partner_open(ctx, n) for n in range(2)]
        house = inventory.warehouse_open(
            ctx, code="A", supplier_id=supplier_id, name="仓", region_code=AREA
        )
        rows = [inventory.CoverageRow(AREA, 1, 1)]
        inventory.coverage_put(ctx, warehouse_id=house.id, rows=rows)
        start = [StockChange(sku_id, house.id, "start", on_hand=12) for sku_id in skus[:2]]
        inventory.stock_change(ctx, changes=start)
        # The third SKU is a bundle of two of the first and one of the second.
        pieces = {"one": {0: 1}, "two": {1: 1}, "bundle": {0: 2, 1: 1}}
        bundles = {skus[2]: [(skus[0], 2), (skus[1], 1)]}
        model = Kept([12, 12], [0, 0], [])
        shares: list[inventory.Share | None] = [None, None]
        labels: list[str] = []
        for step, (what, who, n) in enumerate(steps):
            if what in pieces:
                needs = {sku: each * n for sku, each in pieces[what].items()}
                line = skus[list(pieces).index(what)], n
                book = inventory.sourcing_book(ctx, area_codes=[AREA], sku_ids=skus, lock=True)
                outcome = inventory.source(
                    book,
                    area_code=AREA,
                    lines=[line],
                    partner_id=partners[who],
                    bundles=bundles if what == "bundle" else {},
                )
                assert isinstance(outcome, Sourced) == model.take(who, needs)
                if isinstance(outcome, Sourced):
                    labels.append(f"chd_{step}")
                    subjects = {house.id: labels[-1]}
                    moves = inventory.reservations(outcome.parts, subjects=subjects)
                    inventory.movements_write(ctx, moves=moves, is_locked=True)
            elif what == "cancel" and model.sold:
                at = n % len(model.sold)
                needs, holder, _ = model.sold[at]
                release = MoveKind.RELEASE
                moves = [
                    Move(release, skus[sku], house.id, count, labels[at])
                    for sku, count in needs.items()
                ]
                inventory.movements_write(ctx, moves=moves)
                model.cancel(at, is_kept=shares[holder] is not None)
                labels.pop(at)
            elif what == "share" and shares[who] is None and model.free[0] >= n:
                ends_at = ctx.now + timedelta(days=1)
                new = inventory.NewShare(skus[0], house.id, [partners[who]], n, ends_at)
                [shares[who]] = inventory.shares_open(ctx, shares=[new])
                model.free[0] -= n
                model.own[who] += n
                # What was sold before this share was not taken out of it.
                model.sold = [
                    (needs, holder, 0 if holder == who else mine)
                    for needs, holder, mine in model.sold
                ]
            elif what == "end" and (share := shares[who]):
                inventory.share_end(ctx, share_id=share.id)
                shares[who] = None
                model.free[0] += model.own[who]
                model.own[who] = 0

        levels = {level.sku_id: level for level in inventory.stock_of(ctx, sku_ids=skus)}
        assert [levels[sku_id].available for sku_id in skus[:2]] == model.free
        assert levels[skus[0]].shared == sum(model.own)
        assert list(inventory.verify(ctx)) == []
