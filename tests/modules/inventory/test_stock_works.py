"""What comes in, is moved, is counted, breaks, runs low, and is kept for partners."""

import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.modules.inventory.test_inventory import HANGZHOU, Place
from tests.modules.pricing.trade import acting, partner_open, pool_of, supplier_open
from weili.kit import zone
from weili.kit.context import Ctx, PartyId
from weili.kit.problems import Forbidden, InputInvalid, NotFound, StateConflict
from weili.kit.world import World, in_transaction
from weili.modules import inventory
from weili.modules.inventory import (
    Arrival,
    ArrivalState,
    AvailabilityAsk,
    Calendar,
    Counted,
    Damage,
    Move,
    MoveKind,
    NewArrival,
    NewShare,
    Share,
    StockBelowReserved,
    StockChange,
    StockState,
)


@pytest.fixture
def place(ctx: Ctx) -> Place:
    return Place(ctx)


def today(ctx: Ctx) -> date:
    return zone.day_of(ctx.now)


def announced(ctx: Ctx, name: str) -> list[dict[str, object]]:
    return [dict(event.data) for event in ctx.announced if event.type == name]


def expected(ctx: Ctx, place: Place, quantity: int, *, days: int = 3) -> Arrival:
    [arrival] = inventory.arrivals_announce(
        ctx,
        arrivals=[
            NewArrival(
                place.skus[0],
                place.warehouse_id,
                quantity,
                today(ctx) + timedelta(days=days),
                "po_7",
            )
        ],
    )
    return arrival


def told(
    ctx: Ctx, place: Place, quantity: int, *, on: date | None = None
) -> inventory.Availability:
    [answer] = inventory.availability(
        ctx, asks=[AvailabilityAsk(place.skus[0], quantity, HANGZHOU, on)]
    )
    return answer


def kept(ctx: Ctx, place: Place, quantity: int, *partners: PartyId, hours: int = 24) -> Share:
    [share] = inventory.shares_open(
        ctx,
        shares=[
            NewShare(
                place.skus[0],
                place.warehouse_id,
                partners,
                quantity,
                ctx.now + timedelta(hours=hours),
            )
        ],
    )
    return share


def test_goods_under_way_are_told_with_their_day_and_come_in_as_a_receipt(
    ctx: Ctx, place: Place
) -> None:
    place.count(ctx, 4)
    arrival = expected(ctx, place, 10)

    answer = told(ctx, place, 12)
    assert (answer.state, answer.quantity_fuzzy) == (StockState.IN_TRANSIT, 4)
    assert answer.expected_on == answer.ships_on == today(ctx) + timedelta(days=3)
    assert answer.arrives_on == today(ctx) + timedelta(days=5)  # two lead days
    assert told(ctx, place, 12, on=today(ctx) + timedelta(days=2)).state is StockState.SHORT
    assert told(ctx, place, 15).state is StockState.SHORT

    done = inventory.arrival_receive(ctx, arrival_id=arrival.id, received=9, reason="one broken")
    assert (done.state, done.received) == (ArrivalState.RECEIVED, 9)
    assert inventory.arrival_receive(ctx, arrival_id=arrival.id, received=9).received == 9
    with pytest.raises(StateConflict):
        inventory.arrival_receive(ctx, arrival_id=arrival.id, received=10)
    with pytest.raises(StateConflict):
        inventory.arrival_cancel(ctx, arrival_id=arrival.id, reason="late")
    assert place.levels(ctx) == [(13, 0)]  # 4 + 9
    assert place.history(ctx)[-1] == ("receipt", 9, 0)
    assert told(ctx, place, 12).state is StockState.IN_STOCK


def test_an_arrival_that_was_cancelled_is_no_longer_under_way(ctx: Ctx, place: Place) -> None:
    arrival = expected(ctx, place, 10)

    for _ in range(2):
        gone = inventory.arrival_cancel(ctx, arrival_id=arrival.id, reason="sold out")
        assert gone.state is ArrivalState.CANCELLED
    assert told(ctx, place, 1).state is StockState.NONE
    assert inventory.arrival_page(ctx, state=ArrivalState.EXPECTED).items == []


def test_what_is_late_is_told_once(ctx: Ctx, place: Place) -> None:
    arrival = expected(ctx, place, 10, days=1)
    assert inventory.arrivals_late_tell(ctx) == 0
    later = replace(ctx, now=zone.day_begins_at(arrival.expected_on + timedelta(days=1)))

    assert [inventory.arrivals_late_tell(later) for _ in range(2)] == [1, 0]

    [event] = announced(later, "arrival.late")
    assert (event["quantity"], event["expected_on"]) == (10, arrival.expected_on.isoformat())
    assert inventory.arrival_page(ctx).items[0].is_late
    # On its day it was still promised; now that nobody knows when it comes, it is not.
    assert told(replace(ctx, now=zone.day_begins_at(arrival.expected_on)), place, 10).state is (
        StockState.IN_TRANSIT
    )
    assert told(later, place, 10).state is StockState.NONE


def test_a_day_that_is_past_is_no_day_to_expect_anything(ctx: Ctx, place: Place) -> None:
    with pytest.raises(InputInvalid):
        expected(ctx, place, 1, days=-1)


def test_a_transfer_is_under_way_until_it_is_received_and_what_lacks_is_written_down(
    ctx: Ctx, place: Place
) -> None:
    # Given 10 pieces in a warehouse that serves nobody
    cellar = place.warehouse(ctx, "CELLAR")
    sku = place.skus[0]
    inventory.stock_change(ctx, changes=[StockChange(sku, cellar, "count", on_hand=10)])
    place.count(ctx, 1)
    assert told(ctx, place, 5).state is StockState.TRANSFERABLE

    # When 8 are sent over
    transfer = inventory.transfer_ship(
        ctx,
        from_warehouse_id=cellar,
        to_warehouse_id=place.warehouse_id,
        lines=[(sku, 8)],
        expected_on=today(ctx),
        reference="truck 5",
    )
    assert told(ctx, place, 9).state is StockState.IN_TRANSIT
    assert list(inventory.verify(ctx)) == []

    # Then as many are in stock as have really come
    for _ in range(2):
        done = inventory.transfer_receive(
            ctx, transfer_id=transfer.id, received={sku: 7}, reason="a box fell off"
        )
        assert [(line.quantity, line.received) for line in done.lines] == [(8, 7)]
    with pytest.raises(inventory.TransferClosed):
        inventory.transfer_receive(ctx, transfer_id=transfer.id, received={})
    assert sorted(place.levels(ctx)) == [(2, 0), (8, 0)]  # 10 - 8, and 1 + 7
    assert list(inventory.verify(ctx)) == []
    assert inventory.transfer_page(ctx).items[0].lines[0].reason == "a box fell off"


def test_what_came_beyond_what_was_sent_is_counted_more(ctx: Ctx, place: Place) -> None:
    cellar, sku = place.warehouse(ctx, "CELLAR"), place.skus[0]
    inventory.stock_change(ctx, changes=[StockChange(sku, cellar, "count", on_hand=10)])
    transfer = inventory.transfer_ship(
        ctx,
        from_warehouse_id=cellar,
        to_warehouse_id=place.warehouse_id,
        lines=[(sku, 8)],
        expected_on=today(ctx),
        reference="truck 6",
    )

    done = inventory.transfer_receive(ctx, transfer_id=transfer.id, received={sku: 11})

    assert [(line.quantity, line.received) for line in done.lines] == [(8, 11)]
    moved = ctx.db.rows(
        "SELECT kind, on_hand_delta FROM inventory.movement WHERE warehouse_id = %b"
        " ORDER BY on_hand_delta",
        place.warehouse_id,
    )
    assert moved == [("count_gain", 3), ("transfer_in", 8)]
    assert list(inventory.verify(ctx)) == []


def test_more_than_is_free_is_not_transferred(ctx: Ctx, place: Place) -> None:
    other = place.warehouse(ctx, "B")
    place.count(ctx, 5)
    place.move(ctx, (MoveKind.RESERVE, 2))
    with pytest.raises(StockBelowReserved):
        inventory.transfer_ship(
            ctx,
            from_warehouse_id=place.warehouse_id,
            to_warehouse_id=other,
            lines=[(place.skus[0], 4)],
            expected_on=today(ctx),
            reference="t",
        )
    assert inventory.transfer_page(ctx).items == []


def test_verify_finds_a_transfer_that_moved_something_else(ctx: Ctx, place: Place) -> None:
    other = place.warehouse(ctx, "B")
    place.count(ctx, 5)
    inventory.transfer_ship(
        ctx,
        from_warehouse_id=place.warehouse_id,
        to_warehouse_id=other,
        lines=[(place.skus[0], 4)],
        expected_on=today(ctx),
        reference="t",
    )
    ctx.db.run("UPDATE inventory.arrival SET quantity = 3")

    assert [found.check for found in inventory.verify(ctx)] == ["transfers_balance"]


def test_a_count_books_only_what_differs_from_its_snapshot(ctx: Ctx, place: Place) -> None:
    # Given a count of two SKUs, while trade goes on
    place.count(ctx, 10)
    place.count(ctx, 20, n=1)
    count = inventory.count_open(ctx, warehouse_id=place.warehouse_id, reference="November")
    assert [line.expected for line in count.lines] == [10, 20]
    place.move(ctx, (MoveKind.RESERVE, 3), (MoveKind.ISSUE, 3))

    # When one is one short and the other two over
    counted = [
        Counted(place.skus[0], 9, "one stolen"),
        Counted(place.skus[1], 22, "found behind the shelf"),
    ]
    with pytest.raises(InputInvalid):
        inventory.count_book(ctx, count_id=count.id, counted=[Counted(place.skus[0], 9)])
    for _ in range(2):
        booked = inventory.count_book(ctx, count_id=count.id, counted=counted)
        assert [line.difference for line in booked.lines] == [-1, 2]

    # Then the piece that left meanwhile is not counted as lost a second time
    assert place.levels(ctx) == [(6, 0), (22, 0)]  # 10 - 3 - 1, and 20 + 2
    assert place.history(ctx)[-2:] == [("count_loss", -1, 0), ("count_gain", 2, 0)]
    assert list(inventory.verify(ctx)) == []
    with pytest.raises(StateConflict):
        inventory.count_cancel(ctx, count_id=count.id)


def test_a_count_that_is_given_up_books_nothing(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    count = inventory.count_open(
        ctx, warehouse_id=place.warehouse_id, reference="x", sku_ids=place.skus
    )
    for _ in range(2):
        inventory.count_cancel(ctx, count_id=count.id)
    with pytest.raises(StateConflict):
        inventory.count_book(ctx, count_id=count.id, counted=[Counted(place.skus[0], 1, "x")])
    assert place.levels(ctx) == [(10, 0)]


def test_what_broke_is_written_off_with_its_reason(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    place.move(ctx, (MoveKind.RESERVE, 7))
    broken = Damage(place.skus[0], place.warehouse_id, 3, "wet")

    inventory.damage_write_off(ctx, damages=[broken], reference="flood")
    with pytest.raises(StockBelowReserved):
        inventory.damage_write_off(ctx, damages=[broken], reference="flood")

    assert place.levels(ctx) == [(7, 7)]
    assert place.history(ctx)[-1] == ("damage", -3, 0)


def test_what_comes_back_is_in_stock_again(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    place.move(ctx, (MoveKind.RESERVE, 4), (MoveKind.ISSUE, 4), (MoveKind.RETURN, 2))

    assert place.levels(ctx) == [(8, 0)]
    assert list(inventory.verify(ctx)) == []


def test_each_row_of_an_update_has_its_own_outcome(ctx: Ctx, place: Place) -> None:
    # Given a place at version 1, and another supplier's
    place.count(ctx, 10)
    other = supplier_open(ctx, 1)
    theirs = inventory.warehouse_open(
        ctx, code="X", supplier_id=other, name="仓", region_code=HANGZHOU
    )
    asking = acting(ctx, place.supplier_id, "supply:read", "supply:write")
    [sku, second] = place.skus
    here = place.warehouse_id

    # When it is changed by rows, some of them from what is no longer so
    changes = [
        StockChange(sku, here, "s", on_hand=12, version=1),
        StockChange(sku, here, "s", on_hand=9, version=1),
        StockChange(sku, here, "s", on_hand_delta=-2, version=2),
        StockChange(sku, theirs.id, "s", on_hand=1),
        StockChange(second, here, "s", on_hand_delta=-1),
        StockChange(sku, here, "s", on_hand=10),
    ]
    outcomes = inventory.stock_update(asking, changes=changes)

    # Then each says what became of it
    assert [(str(o.outcome), o.problem.code if o.problem else "") for o in outcomes] == [
        ("done", ""),
        ("refused", "stock_version_stale"),
        ("done", ""),
        ("refused", "not_found"),
        ("refused", "stock_below_reserved"),
        ("unchanged", ""),
    ]
    [level] = inventory.stock_of(asking, sku_ids=[sku])
    assert (level.on_hand, level.version) == (10, 3)
    place.move(ctx, (MoveKind.RESERVE, 1))
    assert inventory.stock_of(asking, sku_ids=[sku])[0].version == 3
    place.move(ctx, (MoveKind.ISSUE, 1))
    assert inventory.stock_of(asking, sku_ids=[sku])[0].version == 4
    assert list(inventory.verify(ctx)) == []


def test_a_place_that_runs_low_is_told_once_for_each_crossing(ctx: Ctx, place: Place) -> None:
    mark = StockChange(place.skus[0], place.warehouse_id, "s", on_hand=10, low_below=5)
    inventory.stock_change(ctx, changes=[mark])
    for quantity in (5, 4, 3, 8, 2):
        place.count(ctx, quantity)

    events = announced(ctx, "stock.low")
    assert [(event["unpromised"], event["low_below"]) for event in events] == [(4, 5), (2, 5)]


def test_reserving_below_the_mark_is_told_under_the_same_lock(ctx: Ctx, place: Place) -> None:
    mark = StockChange(place.skus[0], place.warehouse_id, "s", on_hand=10, low_below=5)
    inventory.stock_change(ctx, changes=[mark])
    for quantity, told_before in ((4, 0), (2, 1), (2, 1)):
        book = inventory.sourcing_book(ctx, area_codes=[HANGZHOU], sku_ids=place.skus, lock=True)
        moves = [Move(MoveKind.RESERVE, place.skus[0], place.warehouse_id, quantity, "chd_1")]
        inventory.movements_write(ctx, moves=moves, is_locked=True)
        inventory.lows_announce(ctx, book=book, moves=moves)
        assert len(announced(ctx, "stock.low")) == told_before


def test_what_is_kept_for_a_partner_is_promised_to_nobody_else(ctx: Ctx, place: Place) -> None:
    # Given 10 pieces of which 6 are kept for one of two partners
    place.count(ctx, 10)
    holder, other = partner_open(ctx), partner_open(ctx, 1)
    pool_of(ctx, sku_ids=place.skus, partner_ids=[holder, other])
    share = kept(ctx, place, 6, holder)

    assert told(acting(ctx, holder, "stock:read"), place, 10).state is StockState.IN_STOCK
    answer = told(acting(ctx, other, "stock:read"), place, 5)
    assert (answer.state, answer.quantity_fuzzy) == (StockState.SHORT, 4)

    # When the holder takes 7, then gives them back
    book = inventory.sourcing_book(ctx, area_codes=[HANGZHOU], sku_ids=place.skus, lock=True)
    sourced = inventory.source(
        book, area_code=HANGZHOU, lines=[(place.skus[0], 7)], partner_id=holder
    )
    assert isinstance(sourced, inventory.Sourced)
    subjects = {place.warehouse_id: "chd_1"}
    inventory.movements_write(
        ctx, moves=inventory.reservations(sourced.parts, subjects=subjects), is_locked=True
    )
    [level] = inventory.stock_of(ctx, sku_ids=place.skus[:1])
    assert (level.reserved, level.shared, level.available) == (7, 0, 3)
    assert list(inventory.verify(ctx)) == []
    release = Move(MoveKind.RELEASE, place.skus[0], place.warehouse_id, 7, "chd_1")
    inventory.movements_write(ctx, moves=[release])

    # Then they are the holder's again, until the share ends
    [level] = inventory.stock_of(ctx, sku_ids=place.skus[:1])
    assert (level.reserved, level.shared, level.available) == (0, 6, 4)
    assert list(inventory.verify(ctx)) == []
    assert inventory.shares_expire(ctx) == 0
    later = replace(ctx, now=share.ends_at)
    assert [inventory.shares_expire(later) for _ in range(2)] == [1, 0]
    [level] = inventory.stock_of(ctx, sku_ids=place.skus[:1])
    assert (level.shared, level.available) == (0, 10)
    assert [event["unsold"] for event in announced(later, "share.ended")] == [6]
    assert list(inventory.verify(ctx)) == []


def test_a_share_is_no_larger_than_what_is_free_and_ends_once(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10, safety=2)
    place.move(ctx, (MoveKind.RESERVE, 3))
    channel = [partner_open(ctx), partner_open(ctx, 1)]
    with pytest.raises(inventory.ShareTooLarge):
        kept(ctx, place, 6, *channel)

    share = kept(ctx, place, 5, *channel)

    with pytest.raises(StockBelowReserved):
        place.count(ctx, 7)
    assert len(announced(ctx, "share.opened")) == 2
    assert inventory.share_page(acting(ctx, channel[1], "stock:read")).items == [share]
    for _ in range(2):
        assert inventory.share_end(ctx, share_id=share.id).unsold == 0
    assert len(announced(ctx, "share.ended")) == 2
    with pytest.raises(InputInvalid):
        kept(ctx, place, 1)
    with pytest.raises(InputInvalid):
        kept(ctx, place, 1, channel[0], hours=0)


def test_verify_finds_a_place_that_keeps_what_no_share_has(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    ctx.db.run("UPDATE inventory.stock SET shared = 1")

    assert [found.check for found in inventory.verify(ctx)] == ["shares_within_stock"]


def test_another_supplier_reaches_nothing_of_this(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    arrival = expected(ctx, place, 10)
    count = inventory.count_open(ctx, warehouse_id=place.warehouse_id, reference="x")
    other = acting(ctx, supplier_open(ctx, 1), "supply:read", "supply:write")

    for refused in (
        lambda: expected(other, place, 1),
        lambda: inventory.arrival_receive(other, arrival_id=arrival.id, received=1),
        lambda: inventory.arrival_cancel(other, arrival_id=arrival.id, reason="x"),
        lambda: inventory.count_open(other, warehouse_id=place.warehouse_id, reference="x"),
        lambda: inventory.count_book(other, count_id=count.id, counted=[]),
        lambda: inventory.calendar_put(other, warehouse_id=place.warehouse_id, calendar=Calendar()),
        lambda: inventory.damage_write_off(
            other,
            damages=[Damage(place.skus[0], place.warehouse_id, 1, "x")],
            reference="x",
        ),
    ):
        with pytest.raises(NotFound):
            refused()
    for page in (inventory.arrival_page, inventory.transfer_page, inventory.count_page):
        assert page(other).items == []
    with pytest.raises(Forbidden):
        kept(other, place, 1, place.supplier_id)
    assert place.levels(ctx) == [(10, 0)]


def test_a_warehouse_promises_days_by_its_own_calendar(ctx: Ctx, place: Place) -> None:
    place.count(ctx, 10)
    day = today(ctx)
    closed = Calendar(cutoff_minute=0, closed_on=[day + timedelta(days=n) for n in (-1, 1)])

    warehouse = inventory.calendar_put(ctx, warehouse_id=place.warehouse_id, calendar=closed)

    assert list(warehouse.calendar.closed_on) == [day + timedelta(days=1)]
    answer = told(ctx, place, 1)
    # Past the cut-off of today, closed tomorrow: it leaves the day after, and takes two days.
    assert (answer.ships_on, answer.arrives_on) == (
        day + timedelta(days=2),
        day + timedelta(days=4),
    )
    never = Calendar(work_days=0)
    inventory.calendar_put(ctx, warehouse_id=place.warehouse_id, calendar=never)
    assert told(ctx, place, 1).ships_on is None
    with pytest.raises(InputInvalid):
        inventory.calendar_put(
            ctx, warehouse_id=place.warehouse_id, calendar=Calendar(cutoff_minute=1441)
        )


def test_of_two_who_count_a_new_place_at_once_the_second_counts_what_the_first_left(
    world: World,
) -> None:
    # Given goods that have never lain anywhere
    with world.begin() as ctx:
        place = Place(ctx)
        changes = [
            StockChange(sku, place.warehouse_id, "count", on_hand=12) for sku in place.skus[:2]
        ]
        less = [each._replace(on_hand_delta=-2, on_hand=None) for each in changes[:1]]

    # When one has counted them and not committed, and another takes two away
    with world.begin() as ctx:
        inventory.stock_change(ctx, changes=changes)
        second = threading.Thread(
            target=in_transaction,
            args=(world.begin, lambda later: inventory.stock_change(later, changes=less)),
        )
        second.start()
        second.join(timeout=0.3)
        assert second.is_alive()
    second.join()

    # Then both hold: 12 and 12 − 2, and the movements say so
    with world.begin() as ctx:
        levels = inventory.stock_of(ctx, sku_ids=place.skus[:2])
        assert [(level.on_hand, level.version) for level in levels] == [(10, 2), (12, 1)]
        assert list(inventory.verify(ctx)) == []
