"""What is remembered of shelves, held to what the database says after each change of stock."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import IntegrityError

from tests.modules.pricing.trade import (
    acting,
    partner_open,
    pool_of,
    skus_open,
    supplier_open,
)
from weili.kit import zone
from weili.kit.context import Ctx, PartyId
from weili.kit.memory import Memory, Topic
from weili.kit.problems import Problem
from weili.kit.world import World, clock_turn
from weili.modules import inventory, regions
from weili.modules.goods import SkuId
from weili.modules.inventory import (
    Availability,
    Calendar,
    Counted,
    CoverageRow,
    Damage,
    Move,
    MoveKind,
    NewArrival,
    NewShare,
    StockChange,
)
from weili.modules.inventory.service import availability as service
from weili.modules.inventory.store.warehouses import COVERAGE_ID

EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
XIHU, HEXI = "330106", "120103"
HOUR = timedelta(hours=1)
SKU, HOUSE, TWO, COUNT = (
    *(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1)),
    st.integers(1, 9),
)
MOVES = (MoveKind.RESERVE, MoveKind.RELEASE, MoveKind.ISSUE, MoveKind.RETURN)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("lies"), SKU, HOUSE, st.integers(0, 9), st.integers(0, 2)),
        st.tuples(st.just("move"), SKU, HOUSE, st.sampled_from(MOVES), st.integers(1, 3)),
        st.tuples(st.just("share"), SKU, HOUSE, TWO, st.integers(1, 3), st.integers(1, 30)),
        st.tuples(st.just("share_end")),
        st.tuples(st.just("announce"), SKU, HOUSE, COUNT, st.integers(0, 3)),
        st.tuples(st.just("receive"), COUNT),
        st.tuples(st.just("cancel")),
        st.tuples(st.just("ship"), SKU, HOUSE, st.integers(1, 3)),
        st.tuples(st.just("unload"), SKU, st.integers(1, 3)),
        st.tuples(st.just("count"), SKU, HOUSE, COUNT),
        st.tuples(st.just("damage"), SKU, HOUSE, st.integers(1, 2)),
        st.tuples(st.just("serve"), HOUSE, st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("unserve"), HOUSE),
        st.tuples(st.just("rest"), HOUSE, st.sets(st.integers(0, 3))),
        st.tuples(st.just("hours"), st.integers(1, 30)),
    ),
    min_size=1,
    max_size=12,
)


@dataclass(slots=True)
class Stock:
    """Two SKUs in two warehouses of one supplier, of which the first serves, and two partners."""

    ctx: Ctx
    partners: list[PartyId]
    skus: list[SkuId]
    houses: list[inventory.WarehouseId]
    shares: list[inventory.ShareId] = field(default_factory=list)
    arrivals: list[inventory.ArrivalId] = field(default_factory=list)
    transfers: list[inventory.TransferId] = field(default_factory=list)

    def lies(self, sku: int, house: int, count: int, safety: int) -> None:
        change = StockChange(
            self.skus[sku], self.houses[house], "t", on_hand=count, safety=safety, low_below=2
        )
        inventory.stock_change(self.ctx, changes=[change])

    def move(self, sku: int, house: int, kind: MoveKind, count: int) -> None:
        move = Move(kind, self.skus[sku], self.houses[house], count, "order")
        inventory.movements_write(self.ctx, moves=[move])

    def share(self, sku: int, house: int, partner: int, count: int, hours: int) -> None:
        ends_at = self.ctx.now + hours * HOUR
        share = NewShare(
            *(self.skus[sku], self.houses[house], [self.partners[partner]], count, ends_at)
        )
        self.shares += [each.id for each in inventory.shares_open(self.ctx, shares=[share])]

    def share_end(self) -> None:
        if self.shares:
            inventory.share_end(self.ctx, share_id=self.shares.pop())

    def announce(self, sku: int, house: int, count: int, days: int) -> None:
        expected_on = zone.day_of(self.ctx.now) + timedelta(days)
        arrival = NewArrival(self.skus[sku], self.houses[house], count, expected_on, "po")
        made = inventory.arrivals_announce(self.ctx, arrivals=[arrival])
        self.arrivals += [each.id for each in made]

    def receive(self, count: int) -> None:
        if self.arrivals:
            inventory.arrival_receive(
                self.ctx, arrival_id=self.arrivals.pop(), received=count, reason="清点"
            )

    def cancel(self) -> None:
        if self.arrivals:
            inventory.arrival_cancel(self.ctx, arrival_id=self.arrivals.pop(), reason="停产")

    def ship(self, sku: int, house: int, count: int) -> None:
        shipped = inventory.transfer_ship(
            self.ctx,
            from_warehouse_id=self.houses[house],
            to_warehouse_id=self.houses[1 - house],
            lines=[(self.skus[sku], count)],
            expected_on=zone.day_of(self.ctx.now) + timedelta(1),
            reference="t",
        )
        self.transfers.append(shipped.id)

    def unload(self, sku: int, count: int) -> None:
        if self.transfers:
            inventory.transfer_receive(
                self.ctx,
                transfer_id=self.transfers.pop(),
                received={self.skus[sku]: count},
                reason="清点",
            )

    def count(self, sku: int, house: int, count: int) -> None:
        opened = inventory.count_open(
            self.ctx, warehouse_id=self.houses[house], sku_ids=[self.skus[sku]], reference="盘点"
        )
        counted = [Counted(self.skus[sku], count, "差异")]
        inventory.count_book(self.ctx, count_id=opened.id, counted=counted)

    def damage(self, sku: int, house: int, count: int) -> None:
        damage = Damage(self.skus[sku], self.houses[house], count, "破损")
        inventory.damage_write_off(self.ctx, damages=[damage], reference="t")

    def serve(self, house: int, priority: int, lead_days: int) -> None:
        row = CoverageRow("330000", priority, lead_days)
        inventory.coverage_put(self.ctx, warehouse_id=self.houses[house], rows=[row])

    def unserve(self, house: int) -> None:
        inventory.coverage_take(self.ctx, warehouse_id=self.houses[house], region_codes=["330000"])

    def rest(self, house: int, days: set[int]) -> None:
        today = zone.day_of(self.ctx.now)
        calendar = Calendar(closed_on=[today + timedelta(day) for day in sorted(days)])
        inventory.calendar_put(self.ctx, warehouse_id=self.houses[house], calendar=calendar)

    def hours(self, count: int) -> None:
        inventory.shares_expire(replace(self.ctx, now=self.ctx.now + count * HOUR))
        clock_turn(self.ctx, ahead_s=count * 3_600)


def told(world: World, stock: Stock, memory: Memory) -> list[list[Availability]]:
    """Give what both partners are told of one and of five pieces of each, in two provinces."""
    asked = [
        (sku_id, quantity, area)
        for sku_id in stock.skus
        for quantity in (1, 5)
        for area in (XIHU, HEXI)
    ]
    answers = []
    for partner_id in stock.partners:
        with world.begin() as ctx:
            answers.append(
                inventory.availability_asked(
                    acting(ctx, partner_id, "stock:read"),
                    recall=memory.recall_asked(ctx)(),
                    sku_ids=[sku_id for sku_id, _, _ in asked],
                    quantities=[quantity for _, quantity, _ in asked],
                    area_codes=[area for _, _, area in asked],
                    days=[None] * len(asked),
                )()
            )
    return answers


def take(world: World, stock: Stock, step: tuple[Any, ...]) -> None:
    name, *values = step
    # What would hold less than is promised, or lies nowhere, is refused: by a problem or by the
    # database.
    with suppress(Problem, IntegrityError), world.begin() as ctx:
        stock.ctx = ctx
        getattr(stock, name)(*values)


@pytest.fixture
def stock(world: World) -> Stock:
    with world.begin() as ctx:
        regions.regions_seed(ctx)
        supplier = supplier_open(ctx)
        partners = [partner_open(ctx, n) for n in range(2)]
        skus = skus_open(ctx, supplier_id=supplier, count=2)
        pool_of(ctx, sku_ids=skus, partner_ids=partners)
        houses = [
            inventory.warehouse_open(
                ctx, code=str(n), supplier_id=supplier, name=f"仓 {n}", region_code=XIHU
            ).id
            for n in range(2)
        ]
        opened = Stock(ctx, partners, skus, houses)
        # Half of it is there, so that one step is often enough to change an answer.
        opened.serve(0, 1, 2)
        opened.lies(0, 0, 5, 0)
        opened.lies(1, 1, 3, 0)
    return opened


@EXAMPLES
@given(taken=steps)
def test_after_each_change_is_told_what_the_database_says(
    world: World, stock: Stock, taken: list[tuple[Any, ...]]
) -> None:
    memory = Memory()
    assert told(world, stock, memory) == told(world, stock, Memory())
    for step in taken:
        take(world, stock, step)

        assert told(world, stock, memory) == told(world, stock, Memory())


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ((), ("lies", 0, 0, 9, 0)),
        ((), ("lies", 0, 0, 5, 2)),
        ((), ("lies", 1, 0, 1, 0)),
        ((), ("move", 0, 0, MoveKind.RESERVE, 2)),
        ((("move", 0, 0, MoveKind.RESERVE, 2),), ("move", 0, 0, MoveKind.RELEASE, 2)),
        ((), ("move", 0, 0, MoveKind.RETURN, 2)),
        ((), ("share", 0, 0, 1, 3, 2)),
        ((("share", 0, 0, 1, 3, 2),), ("share_end",)),
        ((("share", 0, 0, 1, 3, 2),), ("hours", 3)),
        ((("lies", 0, 0, 2, 0),), ("announce", 0, 0, 5, 1)),
        ((("lies", 0, 0, 2, 0), ("announce", 0, 0, 5, 1)), ("receive", 5)),
        ((("lies", 0, 0, 2, 0), ("announce", 0, 0, 5, 1)), ("cancel",)),
        ((("lies", 1, 0, 2, 0),), ("ship", 1, 1, 3)),
        ((("ship", 1, 1, 3),), ("unload", 1, 3)),
        ((), ("count", 0, 0, 4)),
        ((), ("damage", 0, 0, 1)),
        ((), ("serve", 0, 1, 3)),
        ((), ("serve", 1, 2, 1)),
        ((), ("unserve", 0)),
        ((), ("rest", 0, {0, 1})),
        ((), ("hours", 24)),
    ],
)
def test_each_sort_of_change_alters_an_answer_that_was_remembered(
    world: World, stock: Stock, before: tuple[tuple[Any, ...], ...], step: tuple[Any, ...]
) -> None:
    for each in before:
        take(world, stock, each)
    memory = Memory()
    remembered = told(world, stock, memory)

    take(world, stock, step)

    assert told(world, stock, memory) == told(world, stock, Memory()) != remembered


def test_who_serves_areas_is_remembered_of_so_many_whatever_codes_are_asked_about(
    world: World, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AREAS_MAX", 5)
    memory = Memory()
    areas = [f"330106{number:03d}" for number in range(9)]

    def told_of(*codes: str) -> set[Availability]:
        with world.begin() as ctx:
            recall = memory.recall_asked(ctx)()
            asked = [
                inventory.availability_asked(
                    acting(ctx, stock.partners[0], "stock:read"),
                    recall=recall,
                    sku_ids=stock.skus[:1],
                    quantities=[1],
                    area_codes=[code],
                    days=[None],
                )
                for code in codes
            ]
            return {each for answer in asked for each in answer()}

    def remembered() -> list[str]:
        with world.begin() as ctx:
            key = COVERAGE_ID.bytes
            [(_, known)] = memory.recall_asked(ctx)().found(service._SERVED, [key])
            return list(known)

    # Those that are asked together are remembered together, up to the bound,
    one_told = told_of(*areas[:4])
    assert (len(one_told), remembered()) == (1, areas[:4])
    # and what is beyond it takes their place, with the same answers
    assert told_of(*areas[4:6]) == one_told
    assert remembered() == [areas[5]]
    assert told_of(*areas) == one_told


def test_a_movement_of_stock_leaves_what_is_remembered_of_goods_and_prices(
    world: World, stock: Stock
) -> None:
    memory = Memory()
    told(world, stock, memory)
    with world.begin() as ctx:
        memory.recall_asked(ctx)().keep(b"price", {stock.skus[0].bytes: 100})
    assert memory.part(Topic.SHELVES).count == 2

    take(world, stock, ("move", 0, 0, MoveKind.RESERVE, 2))

    with world.begin() as ctx:
        recall = memory.recall_asked(ctx)()
    assert recall.found(b"price", [stock.skus[0].bytes]) == [100]
    assert memory.part(Topic.SHELVES).count == 1
