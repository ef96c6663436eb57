"""Warehouses and what lies in them, and how it moves."""

from contextlib import nullcontext

import pytest
from psycopg.errors import CheckViolation, NotNullViolation, UniqueViolation

from tests.modules.pricing.trade import acting, partner_open, pool_of, skus_open, supplier_open
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.problems import Forbidden, InputInvalid, NotFound
from weili.modules import inventory, regions
from weili.modules.goods import SkuId, SkuUnknown
from weili.modules.inventory import (
    WAREHOUSE_PREFIX,
    AvailabilityAsk,
    CoverageRow,
    Move,
    MoveKind,
    OpeningStock,
    StockBelowReserved,
    StockChange,
    StockState,
    WarehouseId,
)
from weili.modules.regions import RegionUnknown

HANGZHOU, ZHEJIANG, COUNTRY = "330106", "330000", "000000"


class Place:
    """A supplier with two SKUs and a warehouse that serves Zhejiang."""

    def __init__(self, ctx: Ctx) -> None:
        regions.regions_seed(ctx)
        self.supplier_id: PartyId = supplier_open(ctx)
        self.skus: list[SkuId] = skus_open(ctx, supplier_id=self.supplier_id, count=2)
        self.warehouse_id: WarehouseId = self.warehouse(ctx, "HZ", (ZHEJIANG, 10, 2))

    def warehouse(self, ctx: Ctx, code: str, *rows: tuple[str, int, int]) -> WarehouseId:
        """Open one more warehouse."""
        warehouse = inventory.warehouse_open(
            ctx, code=code, supplier_id=self.supplier_id, name=f"{code} 仓", region_code=HANGZHOU
        )
        inventory.coverage_put(
            ctx, warehouse_id=warehouse.id, rows=[CoverageRow(*row) for row in rows]
        )
        return warehouse.id

    def count(self, ctx: Ctx, on_hand: int, *, safety: int | None = None, n: int = 0) -> None:
        """Say what lies there."""
        change = StockChange(
            self.skus[n], self.warehouse_id, "count", on_hand=on_hand, safety=safety
        )
        inventory.stock_change(ctx, changes=[change])

    def move(self, ctx: Ctx, *moves: tuple[MoveKind, int], n: int = 0) -> None:
        """Move the nth SKU."""
        inventory.movements_write(
            ctx,
            moves=[Move(kind, self.skus[n], self.warehouse_id, q, "ord_1") for kind, q in moves],
        )

    def levels(self, ctx: Ctx) -> list[tuple[int, int]]:
        """Give (on hand, reserved) of the SKUs that lie anywhere."""
        levels = inventory.stock_of(ctx, sku_ids=self.skus)
        return [(level.on_hand, level.reserved) for level in levels]

    def history(self, ctx: Ctx) -> list[tuple[str, int, int]]:
        """Give every movement."""
        return ctx.db.rows(
            "SELECT kind, on_hand_delta, reserved_delta FROM inventory.movement ORDER BY id"
        )


@pytest.fixture
def place(ctx: Ctx) -> Place:
    return Place(ctx)


def test_every_change_of_stock_is_a_movement(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 100)
    place.move(ctx, (MoveKind.RESERVE, 30))
    place.move(ctx, (MoveKind.RELEASE, 10))
    place.move(ctx, (MoveKind.ISSUE, 20))
    receipt = StockChange(place.skus[0], place.warehouse_id, "grn_1", on_hand_delta=7)
    loss = StockChange(place.skus[0], place.warehouse_id, "broken", on_hand_delta=-2)
    inventory.stock_change(ctx, changes=[receipt, loss])
    place.count(ctx, 85)

    assert place.levels(ctx) == [(85, 0)]  # 100 - 20 + 7 - 2 = 85
    assert place.history(ctx) == [
        ("adjust", 100, 0),
        ("reserve", 0, 30),
        ("release", 0, -10),
        ("issue", -20, -20),
        ("receipt", 7, 0),
        ("adjust", -2, 0),
    ]
    assert list(inventory.verify(ctx)) == []


def test_stock_is_not_brought_below_what_is_reserved(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    place.move(ctx, (MoveKind.RESERVE, 6))

    for change in (
        StockChange(place.skus[0], place.warehouse_id, "count", on_hand=5),
        StockChange(place.skus[0], place.warehouse_id, "loss", on_hand_delta=-5),
    ):
        with pytest.raises(StockBelowReserved) as refused:
            inventory.stock_change(ctx, changes=[change])
        assert refused.value.members["reserved"] == 6
        assert refused.value.members["on_hand"] == 10
        assert refused.value.members["asked"] == 5
        assert "6" in refused.value.text("zh")

    assert place.levels(ctx) == [(10, 6)]


def test_one_refused_change_refuses_all_of_them(ctx: Ctx, place: Place) -> None:
    changes = [
        StockChange(place.skus[0], place.warehouse_id, "in", on_hand_delta=5),
        StockChange(place.skus[1], place.warehouse_id, "out", on_hand_delta=-1),
    ]

    with pytest.raises(StockBelowReserved):
        inventory.stock_change(ctx, changes=changes)

    assert place.levels(ctx) == [(0, 0), (0, 0)]
    assert place.history(ctx) == []


def test_changes_of_the_same_place_count_one_after_another(ctx: Ctx, place: Place) -> None:
    sku_id = place.skus[0]
    changes = [
        StockChange(sku_id, place.warehouse_id, "count", on_hand=4),
        StockChange(sku_id, place.warehouse_id, "in", on_hand_delta=6),
        StockChange(sku_id, place.warehouse_id, "safety", safety=3),
    ]

    [level] = inventory.stock_change(ctx, changes=changes)

    assert (level.on_hand, level.reserved, level.safety, level.available) == (10, 0, 3, 7)
    assert place.history(ctx) == [("adjust", 4, 0), ("receipt", 6, 0)]
    assert inventory.stock_of(ctx, sku_ids=[sku_id]) == [level]


def test_stock_that_was_put_again_as_it_stands_moves_nothing(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 5)
    place.count(ctx, 5)

    assert place.history(ctx) == [("adjust", 5, 0)]
    assert inventory.stock_change(ctx, changes=[]) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"on_hand": 1, "on_hand_delta": 1}, "/0"),
        ({"on_hand": -1}, "/0/on_hand"),
        ({"on_hand": 10**9 + 1}, "/0/on_hand"),
        ({"on_hand_delta": -(10**9) - 1}, "/0/on_hand_delta"),
        ({"safety": -1}, "/0/safety"),
    ],
)
def test_a_change_out_of_bounds_is_refused(
    ctx: Ctx, place: Place, change: dict[str, int], path: str
) -> None:
    with pytest.raises(InputInvalid) as refused:
        inventory.stock_change(
            ctx, changes=[StockChange(place.skus[0], place.warehouse_id, "s", **change)]
        )

    assert [field.path for field in refused.value.fields] == [path]


@pytest.mark.parametrize(
    "moves",
    [
        [(MoveKind.RESERVE, 5)],
        [(MoveKind.RESERVE, 2), (MoveKind.RESERVE, 3)],
        [(MoveKind.RELEASE, 7)],
        [(MoveKind.ISSUE, 7)],
    ],
)
@pytest.mark.parametrize("is_piped", [False, True])
def test_the_database_itself_refuses_to_oversell(
    ctx: Ctx, place: Place, moves: list[tuple[MoveKind, int]], is_piped: bool
) -> None:
    # Given 10 pieces of which 6 are promised, and one more SKU in the same write
    place.count(ctx, 10)
    place.count(ctx, 3, n=1)
    place.move(ctx, (MoveKind.RESERVE, 6))
    before = place.levels(ctx), place.history(ctx)
    write = [Move(MoveKind.RESERVE, place.skus[1], place.warehouse_id, 1, "ord_2")] + [
        Move(kind, place.skus[0], place.warehouse_id, quantity, "ord_2") for kind, quantity in moves
    ]

    # When more is moved than there is
    savepoint = ctx.db.sa.begin_nested()
    with pytest.raises(CheckViolation), ctx.db.pipeline() if is_piped else nullcontext():
        inventory.movements_write(ctx, moves=write)
    savepoint.rollback()

    # Then nothing has moved
    assert (place.levels(ctx), place.history(ctx)) == before
    assert list(inventory.verify(ctx)) == []


@pytest.mark.parametrize("quantity", [0, -1])
def test_the_database_refuses_a_movement_that_is_none(
    ctx: Ctx, place: Place, quantity: int
) -> None:
    place.count(ctx, 10)
    place.move(ctx, (MoveKind.RESERVE, 5))

    with pytest.raises(CheckViolation), ctx.db.sa.begin_nested():
        place.move(ctx, (MoveKind.RESERVE, quantity))


def test_the_database_refuses_a_movement_where_nothing_ever_lay(ctx: Ctx, place: Place) -> None:
    with pytest.raises(NotNullViolation), ctx.db.sa.begin_nested():
        place.move(ctx, (MoveKind.RESERVE, 1))


def test_only_trade_moves_stock_without_a_change(ctx: Ctx, place: Place) -> None:
    with pytest.raises(KeyError):
        place.move(ctx, (MoveKind.RECEIPT, 1))


def test_moves_are_written_in_a_pipeline(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)

    with ctx.db.pipeline():
        place.move(ctx, (MoveKind.RESERVE, 4))
        inventory.movements_write(
            ctx,
            moves=[Move(MoveKind.ISSUE, place.skus[0], place.warehouse_id, 3, "pkg_1")],
            is_locked=True,
        )
        inventory.movements_write(ctx, moves=[])

    assert place.levels(ctx) == [(7, 1)]
    assert list(inventory.reserved_by_place(ctx)) == [(place.skus[0], place.warehouse_id, 1)]


def test_new_goods_lie_where_they_are_said_to_without_a_look(ctx: Ctx, place: Place) -> None:
    rows = [OpeningStock(place.skus[0], place.warehouse_id, 7)]
    rows.append(OpeningStock(place.skus[1], place.warehouse_id, 0))

    inventory.stock_open(ctx, rows=rows, subject="import")

    # A movement for what lies there; the empty place is made, and nothing has moved
    levels = inventory.stock_of(ctx, sku_ids=place.skus)
    assert [(level.on_hand, level.version) for level in levels] == [(7, 1), (0, 0)]
    moved = ctx.db.rows("SELECT sku_id, kind, on_hand_delta, subject FROM inventory.movement")
    assert moved == [(place.skus[0], "adjust", 7, "import")]
    assert list(inventory.verify(ctx)) == []
    # And both are counted on from there
    place.count(ctx, 5)
    place.count(ctx, 4, n=1)
    assert [level.version for level in inventory.stock_of(ctx, sku_ids=place.skus)] == [2, 1]
    assert list(inventory.verify(ctx)) == []


def test_opening_stock_is_refused_as_any_other_is(ctx: Ctx, place: Place) -> None:
    good = OpeningStock(place.skus[0], place.warehouse_id, 7)
    nowhere = WarehouseId(new_id(ctx.now))

    with pytest.raises(InputInvalid) as refused:
        inventory.stock_open(ctx, rows=[good, good._replace(on_hand=-1)], subject="import")
    assert [field.path for field in refused.value.fields] == ["/1/on_hand"]
    with pytest.raises(NotFound):
        inventory.stock_open(ctx, rows=[good._replace(warehouse_id=nowhere)], subject="import")
    with pytest.raises(Forbidden):
        inventory.stock_open(
            acting(ctx, place.supplier_id, "supply:write"), rows=[good], subject="import"
        )
    inventory.stock_open(ctx, rows=[], subject="import")
    assert inventory.stock_of(ctx, sku_ids=place.skus) == []
    # What is there already is the caller's bug
    place.count(ctx, 1)
    with pytest.raises(UniqueViolation), ctx.db.savepoint():
        inventory.stock_open(ctx, rows=[good], subject="import")
    assert place.levels(ctx) == [(1, 0)]


def test_verify_finds_what_the_movements_do_not_explain(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    place.count(ctx, 4, n=1)
    ctx.db.run("UPDATE inventory.stock SET on_hand = 11 WHERE sku_id = %b", place.skus[0])

    [found] = inventory.verify(ctx)

    assert found.check == "stock_equals_movements"
    assert found.where.startswith(id_text("sku", place.skus[0]))
    assert "on hand 11, movements sum to 10" in found.what


def test_verify_finds_stock_in_a_warehouse_that_is_not_there(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    nowhere = WarehouseId(new_id(ctx.now))
    ctx.db.run("UPDATE inventory.stock SET warehouse_id = %b", nowhere)

    found = {finding.check: finding for finding in inventory.verify(ctx)}

    assert found["warehouse_there"].where == id_text(WAREHOUSE_PREFIX, nowhere)
    assert found["warehouse_there"].what == (
        "there is no such warehouse, but stock of 1 SKU(s) in it"
    )


def ask(ctx: Ctx, sku_id: SkuId, quantity: int, area: str = HANGZHOU) -> inventory.Availability:
    [told] = inventory.availability(ctx, asks=[AvailabilityAsk(sku_id, quantity, area)])
    return told


@pytest.mark.parametrize(
    ("stock", "quantity", "told"),
    [
        ((49, 0), 49, (StockState.IN_STOCK, 49, 2)),
        ((50, 0), 50, (StockState.IN_STOCK, 50, 2)),
        ((700, 0), 500, (StockState.IN_STOCK, 50, 2)),
        ((700, 0), 701, (StockState.SHORT, 50, None)),
        ((10, 3), 7, (StockState.IN_STOCK, 7, 2)),
        ((10, 3), 8, (StockState.SHORT, 7, None)),
        ((3, 3), 1, (StockState.NONE, 0, None)),
        ((2, 3), 1, (StockState.NONE, 0, None)),
    ],
)
def test_availability_is_exact_only_below_fifty_and_keeps_the_safety_stock(
    ctx: Ctx,
    place: Place,
    stock: tuple[int, int],
    quantity: int,
    told: tuple[StockState, int, int | None],
) -> None:
    place.count(ctx, stock[0], safety=stock[1])

    answer = ask(ctx, place.skus[0], quantity)

    assert (answer.state, answer.quantity_fuzzy, answer.lead_days) == told


def test_what_is_reserved_is_not_available(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    place.move(ctx, (MoveKind.RESERVE, 9))

    assert ask(ctx, place.skus[0], 2).state is StockState.SHORT
    assert ask(ctx, place.skus[1], 1).state is StockState.NONE


def test_an_area_that_nobody_serves_is_said_to_be_so(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)

    assert ask(ctx, place.skus[0], 1, "110101").state is StockState.NOT_SERVED
    assert ask(ctx, place.skus[0], 1, "nowhere").state is StockState.NOT_SERVED


def test_the_slowest_parcel_says_the_lead_days(ctx: Ctx, place: Place) -> None:
    far = place.warehouse(ctx, "FAR", (COUNTRY, 90, 7))
    place.count(ctx, 3)
    changes = [StockChange(place.skus[0], far, "count", on_hand=3)]
    inventory.stock_change(ctx, changes=changes)

    assert ask(ctx, place.skus[0], 3).lead_days == 2
    assert ask(ctx, place.skus[0], 4).lead_days == 7


def test_a_partner_is_told_nothing_of_goods_it_does_not_see(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    place.count(ctx, 10, n=1)
    partner = partner_open(ctx)
    pool_of(ctx, sku_ids=place.skus[:1], partner_ids=[partner])
    asking = acting(ctx, partner, "stock:read")

    assert ask(asking, place.skus[0], 1).state is StockState.IN_STOCK
    assert ask(asking, place.skus[1], 1).state is StockState.NONE


def test_a_region_that_is_no_longer_served_is_not_sourced_from(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)

    taken = inventory.coverage_take(
        ctx, warehouse_id=place.warehouse_id, region_codes=[ZHEJIANG, COUNTRY]
    )

    assert taken == 1
    assert ask(ctx, place.skus[0], 1).state is StockState.NOT_SERVED


def test_coverage_is_taken_from_a_warehouse_that_there_is(ctx: Ctx, place: Place) -> None:
    nowhere = inventory.WarehouseId(new_id(ctx.now))
    with pytest.raises(NotFound):
        inventory.coverage_take(ctx, warehouse_id=nowhere, region_codes=[ZHEJIANG])


def test_coverage_that_is_put_again_takes_the_place_of_what_was(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)

    inventory.coverage_put(
        ctx, warehouse_id=place.warehouse_id, rows=[CoverageRow(ZHEJIANG, 10, 5)]
    )

    assert ask(ctx, place.skus[0], 1).lead_days == 5


def test_a_warehouse_is_not_opened_or_covered_wrongly(ctx: Ctx, place: Place) -> None:
    nobody = new_id(ctx.now)

    with pytest.raises(inventory.WarehouseCodeTaken):
        place.warehouse(ctx, "HZ")
    with pytest.raises(RegionUnknown):
        place.warehouse(ctx, "XX", ("990000", 1, 1))
    with pytest.raises(NotFound):
        inventory.warehouse_open(
            ctx, code="A", supplier_id=PartyId(nobody), name="仓", region_code=HANGZHOU
        )
    with pytest.raises(NotFound):
        inventory.coverage_put(ctx, warehouse_id=WarehouseId(nobody), rows=[])
    with pytest.raises(InputInvalid) as refused:
        place.warehouse(ctx, "YY", (ZHEJIANG, -1, 10_001), (ZHEJIANG, 1, 1))
    assert [field.path for field in refused.value.fields] == ["/0/priority", "/0/lead_days", "/1"]


def test_a_supplier_changes_and_sees_only_what_is_its_own(ctx: Ctx, place: Place) -> None:
    # Given a second supplier with goods and a warehouse of its own
    place.count(ctx, 10)
    other = supplier_open(ctx, 1)
    [sku_id] = skus_open(ctx, supplier_id=other, count=1)
    warehouse = inventory.warehouse_open(
        ctx, code="HZ", supplier_id=other, name="仓", region_code=HANGZHOU
    )
    asking = acting(ctx, other, "supply:read", "supply:write")

    # When it changes its own, then others'
    own = StockChange(sku_id, warehouse.id, "count", on_hand=5)
    [level] = inventory.stock_change(asking, changes=[own])

    assert level.on_hand == 5
    with pytest.raises(NotFound):
        inventory.stock_change(
            asking, changes=[StockChange(sku_id, place.warehouse_id, "count", on_hand=5)]
        )
    with pytest.raises(SkuUnknown):
        inventory.stock_change(
            asking, changes=[StockChange(place.skus[0], warehouse.id, "count", on_hand=5)]
        )
    assert inventory.stock_of(asking, sku_ids=[sku_id, *place.skus]) == [level]
    assert inventory.warehouse_page(asking, supplier_id=place.supplier_id).items == [warehouse]


def test_stock_is_not_changed_where_nothing_is(ctx: Ctx, place: Place) -> None:
    nobody = new_id(ctx.now)

    with pytest.raises(NotFound):
        inventory.stock_change(
            ctx, changes=[StockChange(place.skus[0], WarehouseId(nobody), "s", on_hand=1)]
        )
    with pytest.raises(SkuUnknown):
        inventory.stock_change(
            ctx, changes=[StockChange(SkuId(nobody), place.warehouse_id, "s", on_hand=1)]
        )


def test_a_key_without_the_scope_is_refused(ctx: Ctx, place: Place) -> None:
    partner = partner_open(ctx)
    asking = acting(ctx, partner, "orders:write")

    for refused in (
        lambda: place.warehouse(asking, "ZZ"),
        lambda: inventory.warehouse_page(asking),
        lambda: inventory.coverage_put(asking, warehouse_id=place.warehouse_id, rows=[]),
        lambda: inventory.coverage_take(
            asking, warehouse_id=place.warehouse_id, region_codes=[ZHEJIANG]
        ),
        lambda: place.count(asking, 1),
        lambda: inventory.stock_of(asking, sku_ids=place.skus),
        lambda: inventory.availability(asking, asks=[]),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_warehouses_are_paged_and_given_by_id(ctx: Ctx, place: Place) -> None:
    more = [place.warehouse(ctx, code) for code in ("A", "B")]

    first = inventory.warehouse_page(ctx, limit=2)
    second = inventory.warehouse_page(ctx, limit=2, cursor=first.next_cursor)

    assert [warehouse.id for warehouse in [*first.items, *second.items]] == [
        place.warehouse_id,
        *more,
    ]
    assert second.next_cursor is None
    given = inventory.warehouses_get(ctx, warehouse_ids=[more[0], WarehouseId(new_id(ctx.now))])
    assert list(given) == [more[0]]
    assert given[more[0]].supplier_id == place.supplier_id
