"""Placing orders: each has an outcome of its own, and what is refused has moved nothing."""

from tests.market import (
    BALANCE_FEN,
    CUP_FEN,
    FREIGHT_FEN,
    LHASA,
    RICE_FEN,
    TEA_FEN,
    Market,
)
from weili.modules import dropship
from weili.modules.dropship import Placed
from weili.workflows.place_dropship_orders import place_dropship_orders


def place(market: Market, *commands: dropship.PlaceOrder) -> list[dropship.Outcome]:
    """Place orders in one transaction, as a group commit would."""
    with market.world.begin() as ctx:
        return place_dropship_orders(ctx, commands=commands)


def codes(outcomes: list[dropship.Outcome]) -> list[str]:
    """Name each outcome: placed, replayed, or the problem's code."""
    return [
        ("replayed" if o.is_replay else "placed") if isinstance(o, Placed) else o.code
        for o in outcomes
    ]


def test_an_order_reserves_its_stock_and_holds_its_money(market: Market) -> None:
    draft = market.draft("A-1", (market.tea, 2), (market.cup, 1))

    assert codes(place(market, market.command(draft))) == ["placed"]

    # 2 × 45.00 + 12.90 = 102.90, free of freight from 99.00 on.
    assert market.balance() == (BALANCE_FEN, 2 * TEA_FEN + CUP_FEN)
    assert market.stock(market.tea, market.near) == (100, 2)
    assert market.stock(market.cup, market.near) == (10, 1)


def test_the_same_order_again_gets_its_first_answer_and_another_under_its_number_is_refused(
    market: Market,
) -> None:
    first = market.command(market.draft("A-1", (market.tea, 1)))
    other = market.command(market.draft("A-1", (market.tea, 2)))
    elsewhere = market.command(market.draft("A-1", (market.tea, 2)), market.creator)

    [placed] = place(market, first)
    again, reused, not_ours = place(market, first, other, elsewhere)

    assert isinstance(placed, Placed)
    assert isinstance(again, Placed)
    assert codes([placed, again, reused, not_ours]) == [
        "placed",
        "replayed",
        "order_number_reused",
        "placed",
    ]
    assert again.answer_json == placed.answer_json
    assert market.stock(market.tea, market.near) == (100, 3)
    assert market.balance() == (BALANCE_FEN, TEA_FEN + FREIGHT_FEN)


def test_twins_in_one_batch_are_one_order(market: Market) -> None:
    first = market.command(market.draft("A-1", (market.tea, 1)))
    other = market.command(market.draft("A-1", (market.tea, 2)))

    outcomes = place(market, first, first, other)

    assert codes(outcomes) == ["placed", "replayed", "order_number_reused"]
    assert market.stock(market.tea, market.near) == (100, 1)


def test_a_refused_order_never_fails_its_neighbours_and_stores_nothing(market: Market) -> None:
    outcomes = place(
        market,
        market.command(market.draft("ok-1", (market.tea, 1))),
        market.command(market.draft("too many", (market.rice, 41))),
        market.command(market.draft("not for us", (market.hidden, 1))),
        market.command(market.draft("nobody goes there", (market.tea, 1), area_code=LHASA)),
        market.command(market.draft("no such place", (market.tea, 1), area_code="999999")),
        market.command(market.draft("no more", (market.tea, 1), area_code="330103")),
        market.command(market.draft("old price", (market.tea, 1), prices=(TEA_FEN - 1,))),
        market.command(market.draft("right price", (market.tea, 1), prices=(TEA_FEN,))),
    )

    assert codes(outcomes) == [
        "placed",
        "stock_short",
        "goods_not_on_sale",
        "area_not_served",
        "area_unknown",
        "area_replaced",
        "price_changed",
        "placed",
    ]
    assert market.stock(market.tea, market.near) == (100, 2)
    assert market.stock(market.rice, market.far) == (40, 0)

    # What was refused may be tried again under its number.
    assert codes(place(market, market.command(market.draft("too many", (market.rice, 40))))) == [
        "placed"
    ]


def test_more_than_fifty_are_told_as_fifty_where_too_many_are_asked_for(market: Market) -> None:
    [short] = place(market, market.command(market.draft("too many", (market.tea, 5_000))))

    assert isinstance(short, dropship.StockShort)
    assert (short.members["quantity"], short.members["available"]) == (5_000, 50)


def test_a_batch_sees_what_its_earlier_orders_took(market: Market) -> None:
    commands = [market.command(market.draft(f"R-{i}", (market.rice, 15))) for i in range(4)]

    assert codes(place(market, *commands)) == ["placed", "placed", "stock_short", "stock_short"]
    assert market.stock(market.rice, market.far) == (40, 30)


def test_one_line_named_twice_shares_one_stock(market: Market) -> None:
    draft = market.draft("twice", (market.rice, 25), (market.rice, 25))

    assert codes(place(market, market.command(draft))) == ["stock_short"]


def test_the_balance_is_a_limit(market: Market) -> None:
    commands = [market.command(market.draft(f"B-{i}", (market.tea, 50))) for i in range(2)]
    commands += [market.command(market.draft("B-2", (market.tea, 50)))]
    commands += [market.command(market.draft("B-3", (market.rice, 40)))]
    commands += [market.command(market.draft("B-4", (market.cup, 10)))]
    commands += [market.command(market.draft("B-5", (market.eggs, 30)))]

    outcomes = place(market, *commands)

    # 3 × 50 × 45.00 + 40 × 69.90 = 9,546.00 of 10,000.00; 10 × 11.50 fit into what is left,
    # 30 × 25.00 then do not.
    assert codes(outcomes[:4]) == ["placed"] * 4
    assert BALANCE_FEN - 3 * 50 * TEA_FEN - 40 * RICE_FEN == 45_400
    assert codes(outcomes[4:]) == ["placed", "balance_too_low"]


def test_an_order_over_two_warehouses_becomes_two_children_that_sum_to_it(market: Market) -> None:
    draft = market.draft("two", (market.cup, 1), (market.eggs, 1))

    [outcome] = place(market, market.command(draft))

    assert isinstance(outcome, Placed)
    with market.world.begin() as ctx:
        order = dropship.order_get(ctx, partner_id=market.street, order_id=outcome.order_id)
    assert [c.supplier_id for c in order.children] == [market.grocer, market.farm]
    # 12.90 + 25.00 with 8.00 freight, shared out by value: 8.00 × 1290 ÷ 3790 = 2.72.
    assert [c.goods_minor for c in order.children] == [1_290, 2_500]
    assert [c.freight_minor for c in order.children] == [272, 528]
    assert market.balance() == (BALANCE_FEN, 3_790 + FREIGHT_FEN)
