"""What goods were sold for, and the prices that may be shown struck out beside it."""

from datetime import timedelta

import pytest

from tests.market import TEA_FEN, Market
from tests.modules.pricing.test_changes import Clock
from weili.kit.money import tax_inside_half_up
from weili.modules import dropship, pricing
from weili.modules.pricing import CompareAtRow, CompareAtState, PriceAsk, PriceRow, PutCount
from weili.workflows.dispatch_orders import orders_queue
from weili.workflows.place_dropship_orders import place_dropship_orders

DAY = timedelta(days=1)


@pytest.fixture
def clock(market: Market) -> Clock:
    return Clock(market)


def sold(clock: Clock, number: str) -> dropship.OrderId:
    market = clock.market
    with clock.begin() as ctx:
        [placed] = place_dropship_orders(
            ctx, commands=[market.command(market.draft(number, (market.tea, 1)))]
        )
        assert isinstance(placed, dropship.Placed)
        for _ in range(2):  # the job may run twice
            orders_queue(ctx, order_ids=[placed.order_id])
    return placed.order_id


def shown(clock: Clock) -> int | None:
    with clock.begin() as ctx:
        asks = [PriceAsk(clock.market.tea, 1)]
        [quote] = pricing.prices_of(ctx, partner_id=clock.market.street, asks=asks)
    return quote.compare_at.compare_at_minor if quote.compare_at else None


def put(clock: Clock, compare_at_fen: int, explanation: str | None = None) -> PutCount:
    with clock.begin() as ctx:
        row = CompareAtRow(clock.market.tea, compare_at_fen, explanation)
        return pricing.compare_at_put(ctx, rows=[row])


def test_each_day_keeps_its_lowest_and_highest_transaction_price(clock: Clock) -> None:
    sold(clock, "dear")
    clock.put(PriceRow(clock.market.tea, 1, 3_900))
    sold(clock, "cheap")
    clock.later(DAY)
    sold(clock, "next")

    with clock.begin() as ctx:
        days = pricing.traded_days(ctx, sku_id=clock.market.tea)
    assert [(day.lowest_minor, day.highest_minor, day.last_minor) for day in days] == [
        (3_900, 3_900, 3_900),
        (3_900, TEA_FEN, 3_900),
    ]
    assert days[0].traded_on - days[1].traded_on == DAY


def test_a_compare_at_price_is_held_to_the_lowest_of_the_last_seven_days(clock: Clock) -> None:
    with pytest.raises(pricing.CompareAtTooHigh):
        put(clock, 100)  # never sold: nothing to compare with
    sold(clock, "first")
    with pytest.raises(pricing.CompareAtTooHigh):
        put(clock, TEA_FEN + 1)
    assert shown(clock) is None
    assert put(clock, TEA_FEN) == PutCount(1, 0)
    assert put(clock, TEA_FEN) == PutCount(0, 1)
    assert shown(clock) == TEA_FEN
    with pytest.raises(pricing.CompareAtTooHigh):
        put(clock, TEA_FEN + 1)
    assert put(clock, TEA_FEN + 1, "厂商建议零售价") == PutCount(1, 0)
    assert shown(clock) == TEA_FEN + 1


def test_where_seven_days_had_no_trade_the_very_last_transaction_price_counts(
    clock: Clock,
) -> None:
    # Given a day on which tea was sold for 39.00 first and for 45.00 last
    clock.put(PriceRow(clock.market.tea, 1, 3_900))
    sold(clock, "cheap")
    clock.later(timedelta(seconds=1))
    clock.put(PriceRow(clock.market.tea, 1, TEA_FEN))
    sold(clock, "dear")
    # While the seven days last, the lowest of them counts
    with pytest.raises(pricing.CompareAtTooHigh):
        put(clock, 3_901)
    # When they are over, the last price does, and not the lowest of its day
    clock.later(20 * DAY)
    with pytest.raises(pricing.CompareAtTooHigh):
        put(clock, TEA_FEN + 1)
    assert put(clock, TEA_FEN) == PutCount(1, 0)


def test_what_was_never_sold_needs_words(clock: Clock) -> None:
    with pytest.raises(pricing.CompareAtTooHigh):
        put(clock, 1)
    assert put(clock, TEA_FEN + 1, "厂商建议零售价") == PutCount(1, 0)


def test_one_that_no_longer_holds_lapses_and_those_who_see_it_are_told_once(clock: Clock) -> None:
    market = clock.market
    sold(clock, "first")
    put(clock, TEA_FEN)
    clock.put(PriceRow(market.tea, 1, 3_900))
    sold(clock, "cheaper")
    with clock.begin() as ctx:
        assert pricing.compare_at_sweep(ctx) == 0  # not due yet
    clock.later(DAY)
    with clock.begin() as ctx:
        assert pricing.compare_at_sweep(ctx) == 1
        assert {event.party_id for event in ctx.announced} == {market.street, market.creator}
        assert {event.type for event in ctx.announced} == {"compare_at.lapsed"}
    with clock.begin() as ctx:
        assert pricing.compare_at_sweep(ctx) == 0
        [row] = pricing.compare_at_page(ctx).items
        assert (row.state, row.version) == (CompareAtState.LAPSED, 2)
    assert shown(clock) is None
    put(clock, 3_900)
    assert shown(clock) == 3_900
    clock.later(DAY)
    with clock.begin() as ctx:
        assert pricing.compare_at_sweep(ctx) == 1  # held again, and looked at again tomorrow
        assert ctx.announced == []


@pytest.mark.parametrize(
    ("gross", "rate", "tax"),
    [(4_500, 1_300, 518), (113, 1_300, 13), (100, 0, 0), (1, 1_300, 0), (2_500, 900, 206)],
)
def test_tax_is_inside_the_price_rounded_half_up(gross: int, rate: int, tax: int) -> None:
    # 4,500 × 13 / 113 = 517.7; 2,500 × 9 / 109 = 206.4
    assert tax_inside_half_up(gross, rate) == tax
