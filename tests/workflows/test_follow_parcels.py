"""Carriers tell of parcels twice, late and in any order; an order is delivered once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.market import BALANCE_FEN, FREIGHT_FEN, TEA_FEN, Market, market_open_in
from tests.workflows.test_order_life import deliver, messages, place, read, release, ship, turn
from weili.kit.context import Ctx
from weili.kit.problems import Problem
from weili.kit.world import World, in_transaction
from weili.modules import dropship
from weili.workflows.follow_parcels import parcels_followed
from weili.workflows.intercept_order import intercept_order
from weili.workflows.return_package import package_returned
from weili.workflows.ship_package import ship_package
from weili.workflows.verify_world import verify_world

K = dropship.TrackKind
S = dropship.OrderState
T0 = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
WAY = (
    dropship.Track("e1", K.PICKED_UP, T0, "杭州", "已揽收，快递员 13812345678"),
    dropship.Track("e2", K.IN_TRANSIT, T0 + timedelta(hours=3), "杭州转运中心"),
    dropship.Track("e3", K.OUT_FOR_DELIVERY, T0 + timedelta(hours=20), "西湖区"),
    dropship.Track("e4", K.DELIVERED, T0 + timedelta(hours=22), "西湖区", "已签收"),
)


def tell(market: Market, number: str, *tracks: dropship.Track) -> set[str]:
    """Let the carrier tell something, and let what follows from it happen."""
    with market.world.begin() as ctx:
        known = dropship.tracks_told(
            ctx, carrier_code="SF", parcels=[dropship.Parcel(number, tracks)]
        )
    in_transaction(market.world.begin, parcels_followed)
    return known


def shipped(market: Market, number: str, waybill: str) -> dropship.Order:
    """Place an order of one tin and ship it."""
    order = release(market, place(market, market.draft(number, (market.tea, 1))))
    [child] = order.children
    ship(market, child, waybill, (1, 1))
    return read(market, order.id)


def way(market: Market, order: dropship.Order) -> list[str]:
    """Give the kinds of an order's tracks, as they are shown."""
    with market.world.begin() as ctx:
        [package] = dropship.tracks_document(ctx, order=order)["packages"]
    return [track["kind"] for track in package["tracks"]]


def test_a_parcel_is_delivered_by_what_its_carrier_tells_and_once(market: Market) -> None:
    # Given a shipped order of whose parcel nothing is known
    order = shipped(market, "A-1", "SF1")
    # When its carrier tells of its way, the last part first, and each part twice
    for track in (WAY[3], WAY[0], WAY[3], WAY[0], WAY[2], WAY[1]):
        assert tell(market, "SF1", track) == {"SF1"}
    # Then it is delivered once, and its way stands in the order in which it happened
    assert read(market, order.id).state is S.DELIVERED
    assert [name for name, _ in messages(market)].count("order.delivered") == 1
    assert way(market, order) == ["picked_up", "in_transit", "out_for_delivery", "delivered"]


def test_a_late_scan_and_the_suppliers_own_word_change_nothing(market: Market) -> None:
    order = shipped(market, "A-1", "SF1")
    tell(market, "SF1", *WAY)
    [package] = read(market, order.id).packages
    deliver(market, order.children[0], package)
    tell(market, "SF1", dropship.Track("e9", K.IN_TRANSIT, T0 + timedelta(days=2)))
    assert read(market, order.id).packages == [package]
    assert [name for name, _ in messages(market)].count("order.delivered") == 1


def test_a_correction_takes_the_place_of_what_it_corrects_whichever_comes_first(
    market: Market,
) -> None:
    # Given "delivered" was scanned by mistake, and corrected before we heard of the mistake
    order = shipped(market, "A-1", "SF1")
    corrected = replace(WAY[3], kind=K.PROBLEM, text="误扫签收", revision=1)
    tell(market, "SF1", corrected)
    tell(market, "SF1", WAY[3])
    # Then the mistake is not believed
    assert read(market, order.id).state is S.SHIPPED
    assert way(market, order) == ["problem"]


def test_telephone_numbers_in_a_carriers_words_are_masked(market: Market) -> None:
    order = shipped(market, "A-1", "SF1")
    tell(market, "SF1", WAY[0])
    with market.world.begin() as ctx:
        [package] = dropship.tracks_document(ctx, order=order)["packages"]
    assert package["tracks"][0]["text"] == "已揽收，快递员 138******78"


def test_a_number_that_is_nobodys_is_not_kept_and_found_when_it_is_told_again(
    market: Market,
) -> None:
    # The carrier scans the parcel before its supplier has told us of it.
    assert tell(market, "SF1", WAY[0]) == set()
    order = shipped(market, "A-1", "SF1")
    assert way(market, order) == []
    assert tell(market, "SF1", WAY[0]) == {"SF1"}
    assert way(market, order) == ["picked_up"]


def test_two_parcels_in_one_bag_arrive_together(market: Market) -> None:
    first, second = shipped(market, "A-1", "SF1"), shipped(market, "A-2", "SF1")
    tell(market, "SF1", *WAY)
    assert [read(market, order.id).state for order in (first, second)] == [S.DELIVERED] * 2


def test_who_may_not_tell_is_refused(market: Market) -> None:
    shipped(market, "A-1", "SF1")
    for actor in (market.as_supplier(), market.as_partner()):
        with market.world.begin(actor) as ctx, pytest.raises(Problem) as refused:
            dropship.tracks_told(ctx, carrier_code="SF", parcels=[dropship.Parcel("SF1", WAY)])
        assert refused.value.code == "forbidden"


def test_tracks_of_a_package_have_a_bound(market: Market) -> None:
    order = shipped(market, "A-1", "SF1")
    many = [
        dropship.Track(f"x{n:04}", K.IN_TRANSIT, T0 + timedelta(seconds=n))
        for n in range(dropship.TRACKS_MAX)
    ]
    tell(market, "SF1", *many)
    tell(market, "SF1", WAY[0])
    assert way(market, order) == ["in_transit"] * dropship.TRACKS_MAX
    # A correction of what is known is taken, and so is how the way ends
    tell(market, "SF1", replace(many[0], kind=K.OUT_FOR_DELIVERY, revision=1))
    tell(market, "SF1", WAY[3])
    assert way(market, order) == [
        "out_for_delivery",
        *["in_transit"] * (dropship.TRACKS_MAX - 1),
        "delivered",
    ]
    assert read(market, order.id).state is S.DELIVERED


def test_one_telling_does_not_pass_the_bound_and_its_last_word_counts(market: Market) -> None:
    order = shipped(market, "A-1", "SF1")
    ends = [
        dropship.Track(f"x{n:04}", K.REFUSED, T0 + timedelta(seconds=n))
        for n in range(dropship.TRACKS_MAX + 5)
    ]
    tell(market, "SF1", *ends, WAY[3])
    assert way(market, order) == ["refused"] * (dropship.TRACKS_MAX - 1) + ["delivered"]
    assert read(market, order.id).state is S.DELIVERED


def test_a_waybill_is_one_suppliers_while_its_package_is_under_way(market: Market) -> None:
    # Given the grocer's parcel under way
    first = shipped(market, "A-1", "SF1")
    order = release(market, place(market, market.draft("A-2", (market.eggs, 1))))
    [child] = order.children
    assert child.supplier_id == market.farm
    # When the farm names the same number
    with pytest.raises(dropship.WaybillTaken):
        ship(market, child, "SF1", (1, 1))
    assert not read(market, order.id).packages
    # Then what the carrier tells is the grocer's, and an old number may come again
    tell(market, "SF1", *WAY)
    assert read(market, first.id).state is S.DELIVERED
    ship(market, child, "SF1", (1, 1))


def test_a_child_order_has_a_bound_of_packages(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropship, "PACKAGES_MAX", 2)
    order = release(market, place(market, market.draft("A-1", (market.tea, 3))))
    [child] = order.children
    ship(market, child, "SF1", (1, 1))
    ship(market, child, "SF2", (1, 1))
    with pytest.raises(dropship.PackagesTooMany) as refused:
        ship(market, child, "SF3", (1, 1))
    assert refused.value.members["packages_max"] == 2
    assert ship(market, child, "SF2", (1, 1)) in read(market, order.id).packages


# --- parcels that do not arrive ------------------------------------------------------------------

REFUSED = dropship.Track("e5", K.REFUSED, T0 + timedelta(hours=21), "西湖区", "收件人拒收")
LOST = dropship.Track("e6", K.LOST, T0 + timedelta(hours=23), "杭州转运中心", "快件遗失")


def said(market: Market, name: str) -> int:
    """Count how often something was announced, and see that the world is sound."""
    counted = [one for one, _ in messages(market)].count(name)
    with market.world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []
    return counted


def test_a_parcel_that_its_receiver_refuses_comes_back_once(market: Market) -> None:
    # Given a shipped order; one tin of 45.00 and 8.00 of freight
    order = shipped(market, "A-1", "SF1")
    # When its carrier tells that it was refused, twice, and after that what it scanned before
    for track in (REFUSED, REFUSED, WAY[2], WAY[0]):
        tell(market, "SF1", track)
    # Then it comes back, which is told once and pays nothing back yet
    assert read(market, order.id).state is S.RETURNING
    assert read(market, order.id).packages[0].back is dropship.ReturnCause.REFUSED
    assert said(market, "order.returning") == 1
    assert market.balance() == (BALANCE_FEN - TEA_FEN - FREIGHT_FEN, 0)
    # And what is "delivered" after that came back to its sender, who has the last word
    tell(market, "SF1", replace(WAY[3], occurred_at=T0 + timedelta(days=3)))
    [package] = read(market, order.id).packages
    assert package.state is dropship.PackageState.RETURNING
    with market.world.begin(market.as_supplier()) as ctx:
        package_returned(
            ctx,
            supplier_id=market.grocer,
            package_id=package.id,
            condition=dropship.Condition.GOOD,
        )
    tell(market, "SF1", replace(REFUSED, revision=1))
    assert read(market, order.id).state is S.REFUNDED
    assert (said(market, "order.delivered"), said(market, "order.returning")) == (0, 1)
    assert market.balance() == (BALANCE_FEN - FREIGHT_FEN, 0)


def test_a_parcel_that_its_carrier_loses_is_refunded_once(market: Market) -> None:
    # Given a shipped order that its partner asked to stop
    order = shipped(market, "A-1", "SF1")
    with market.world.begin(market.as_partner()) as ctx:
        intercept_order(ctx, partner_id=market.street, order_id=order.id)
    # When its carrier tells that it is lost, twice, and later finds and delivers it after all
    for track in (LOST, LOST, replace(LOST, revision=1), WAY[1]):
        tell(market, "SF1", track)
    tell(market, "SF1", replace(WAY[3], occurred_at=T0 + timedelta(days=9)))
    # Then its goods and its freight are paid back, once, and that stays
    assert read(market, order.id).state is S.REFUNDED
    assert market.balance() == (BALANCE_FEN, 0)
    assert market.owed() == 0
    names = ("order.parcel_lost", "order.refunded", "order.delivered")
    assert [said(market, name) for name in names] == [1, 1, 0]


def test_a_parcel_lost_on_its_way_back_is_refunded_without_its_freight(market: Market) -> None:
    order = shipped(market, "A-1", "SF1")
    tell(market, "SF1", REFUSED)
    tell(market, "SF1", LOST)
    assert read(market, order.id).state is S.REFUNDED
    assert market.balance() == (BALANCE_FEN - FREIGHT_FEN, 0)
    assert said(market, "order.refunded") == 1


def test_news_of_a_delivered_parcel_comes_too_late(market: Market) -> None:
    order = shipped(market, "A-1", "SF1")
    tell(market, "SF1", *WAY)
    for track in (replace(REFUSED, occurred_at=T0 + timedelta(days=2)), LOST):
        tell(market, "SF1", track)
    assert read(market, order.id).state is S.DELIVERED
    assert [said(market, name) for name in ("order.returning", "order.parcel_lost")] == [0, 0]
    assert market.balance() == (BALANCE_FEN - TEA_FEN - FREIGHT_FEN, 0)


def test_the_parcels_of_one_bag_are_all_lost_and_their_neighbour_arrives(market: Market) -> None:
    # Given two orders in one bag, and another parcel of whom something is told with them
    first, second = shipped(market, "A-1", "SF1"), shipped(market, "A-2", "SF1")
    other = shipped(market, "A-3", "SF3")
    with market.world.begin() as ctx:
        told = [dropship.Parcel("SF1", [LOST]), dropship.Parcel("SF3", WAY)]
        dropship.tracks_told(ctx, carrier_code="SF", parcels=told)
    # When the news is looked at, and once more
    assert in_transaction(market.world.begin, parcels_followed) == 3
    assert in_transaction(market.world.begin, parcels_followed) == 0
    # Then each is where its own carrier's word puts it
    states = [read(market, order.id).state for order in (first, second, other)]
    assert states == [S.REFUNDED, S.REFUNDED, S.DELIVERED]
    assert market.balance() == (BALANCE_FEN - TEA_FEN - FREIGHT_FEN, 0)
    assert said(market, "order.refunded") == 2


def test_news_that_fails_in_the_middle_is_acted_upon_whole_the_next_time(market: Market) -> None:
    # Given a lost parcel of whose news the transaction ends before it is written
    order = shipped(market, "A-1", "SF1")
    with market.world.begin() as ctx:
        dropship.tracks_told(ctx, carrier_code="SF", parcels=[dropship.Parcel("SF1", [LOST])])

    def cut_off(ctx: Ctx) -> None:
        parcels_followed(ctx)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        in_transaction(market.world.begin, cut_off)
    assert read(market, order.id).state is S.SHIPPED
    # Then the next look refunds it
    in_transaction(market.world.begin, parcels_followed)
    assert read(market, order.id).state is S.REFUNDED
    assert market.balance() == (BALANCE_FEN, 0)


# --- asking carriers -----------------------------------------------------------------------------


def turns(market: Market) -> list[dropship.CarrierTurn]:
    """Claim what is to be asked."""
    with market.world.begin() as ctx:
        return dropship.carrier_turns(ctx)


def connect(market: Market, *codes: str) -> None:
    """Say where carriers are asked."""
    with market.world.begin() as ctx:
        for code in codes:
            dropship.carrier_connection_put(
                ctx, carrier_code=code, base_url="http://127.0.0.1:9", secret=f"of {code}"
            )


def test_a_number_is_asked_about_by_one_caller_and_again_after_a_while(market: Market) -> None:
    # Given one parcel and a carrier that can be asked
    order = shipped(market, "A-1", "SF1")
    assert turns(market) == []
    connect(market, "SF", "JD")
    # When it is to be asked, one caller gets the number, and JD has nothing to be asked
    [asked] = turns(market)
    assert (asked.connection.secret, asked.waybill_numbers) == ("of SF", ["SF1"])
    assert turns(market) == []
    # Then the answer counts, and it is asked again half an hour later, but not after its arrival
    with market.world.begin() as ctx:
        dropship.carrier_answered(ctx, turn=asked, parcels=[dropship.Parcel("SF1", WAY[:2])])
    assert turns(market) == []
    turn(market, minutes=31)
    [asked] = turns(market)
    with market.world.begin() as ctx:
        told = [dropship.Parcel("SF1", WAY), dropship.Parcel("SF2", WAY)]
        dropship.carrier_answered(ctx, turn=asked, parcels=told)
    in_transaction(market.world.begin, parcels_followed)
    assert read(market, order.id).state is S.DELIVERED
    turn(market, minutes=31)
    [asked] = turns(market)
    with market.world.begin() as ctx:
        dropship.carrier_answered(ctx, turn=asked, parcels=[])
    turn(market, days=2)
    assert turns(market) == []


def test_a_caller_that_dies_is_followed_by_another(market: Market) -> None:
    shipped(market, "A-1", "SF1")
    connect(market, "SF")
    assert len(turns(market)) == 1
    turn(market, minutes=3)
    assert len(turns(market)) == 1


def test_a_carrier_that_gives_no_answer_is_left_alone_longer_each_time(market: Market) -> None:
    shipped(market, "A-1", "SF1")
    connect(market, "SF")
    for minutes in (1, 1, 1, 1, 2):  # 5, 10, 20, 40, 80 seconds
        [asked] = turns(market)
        with market.world.begin() as ctx:
            dropship.carrier_failed(ctx, turn=asked)
        assert turns(market) == []
        turn(market, minutes=minutes)
    assert len(turns(market)) == 1


def test_many_numbers_of_one_carrier_do_not_keep_another_waiting(market: Market) -> None:
    # Given three parcels of one carrier and one of another, of whom two are asked at once
    orders = [
        release(market, place(market, market.draft(f"A-{n}", (market.tea, 1)))) for n in range(4)
    ]
    for n, order in enumerate(orders):
        code = "JD" if n == 3 else "SF"
        with market.world.begin(market.as_supplier()) as ctx:
            ship_package(
                ctx,
                supplier_id=market.grocer,
                child_id=order.children[0].id,
                carrier_code=code,
                waybill_number=f"{code}{n}",
                lines=[dropship.PackageLine(1, 1)],
            )
    connect(market, "SF", "JD")
    asked = {one.connection.carrier_code: one.waybill_numbers for one in turns(market)}
    assert asked == {"JD": ["JD3"], "SF": ["SF0", "SF1", "SF2"]}


# --- whatever the order --------------------------------------------------------------------------

_KINDS = st.sampled_from(sorted(K))
_TRACKS = st.lists(
    st.builds(
        dropship.Track,
        event_id=st.sampled_from(["a", "b", "c", "d"]),
        kind=_KINDS,
        occurred_at=st.integers(0, 5).map(lambda hours: T0 + timedelta(hours=hours)),
        revision=st.integers(0, 3),
    ),
    max_size=8,
    unique_by=lambda track: (track.event_id, track.revision),
)


def kept(tracks: Sequence[dropship.Track]) -> list[dropship.Track]:
    """Say what should be kept: of each id the highest revision, by time."""
    best: dict[str, dropship.Track] = {}
    for track in tracks:
        if track.event_id not in best or track.revision > best[track.event_id].revision:
            best[track.event_id] = track
    return sorted(best.values(), key=lambda track: (track.occurred_at, track.event_id))


def test_what_is_kept_does_not_depend_on_order_or_repetition(world: World) -> None:
    """Any tellings, in any order, cut into any pushes, some twice: the same is kept."""
    with world.begin() as ctx:
        market = market_open_in(ctx, world)
    order = shipped(market, "A-1", "SF1")

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(tracks=_TRACKS, data=st.data())
    def told(tracks: list[dropship.Track], data: st.DataObject) -> None:
        told_as = data.draw(st.permutations(tracks + tracks[: len(tracks) // 2]))
        cuts = data.draw(st.lists(st.integers(0, len(told_as)), max_size=3).map(sorted))
        edges = [0, *cuts, len(told_as)]
        with world.begin() as ctx:
            nothing_kept = ctx.db.sa.begin_nested()
            for low, high in pairwise(edges):
                dropship.tracks_told(
                    ctx, carrier_code="SF", parcels=[dropship.Parcel("SF1", told_as[low:high])]
                )
            [package] = dropship.tracks_document(ctx, order=order)["packages"]
            expected = kept(tracks)
            assert [track["kind"] for track in package["tracks"]] == [
                track.kind.value for track in expected
            ]
            outcomes = dropship.news_take(ctx, orders=dropship.orders_with_news(ctx))
            assert list(outcomes.values()) == ([dropship.track_outcome(expected)] if tracks else [])
            nothing_kept.rollback()

    told()
