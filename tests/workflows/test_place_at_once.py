"""Orders that are placed at the same moment by several processes."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from psycopg.errors import DeadlockDetected

from tests.market import BALANCE_FEN, FREIGHT_FEN, TEA_FEN, Market
from tests.waiting import until_somebody_waits
from tests.workflows.test_order_ways import partner, spend
from weili.kit.problems import Busy
from weili.kit.world import in_transaction
from weili.modules import dropship, goods
from weili.modules.inventory.store import warehouses
from weili.workflows.place_dropship_orders import place_dropship_orders

TEA_ORDER_FEN = TEA_FEN + FREIGHT_FEN


def placed(market: Market, command: dropship.PlaceOrder) -> dropship.Outcome:
    """Place one order in a transaction of its own, as one placer does."""
    [outcome] = in_transaction(
        market.world.begin, lambda ctx: place_dropship_orders(ctx, commands=[command])
    )
    return outcome


@contextmanager
def meanwhile(
    market: Market, first: dropship.PlaceOrder, second: dropship.PlaceOrder
) -> Iterator[tuple[dropship.Outcome, "Future[dropship.Outcome]"]]:
    """Place a second order while the first is decided, but not committed."""
    with ThreadPoolExecutor(1) as pool:
        with market.world.begin() as ctx:
            [outcome] = place_dropship_orders(ctx, commands=[first])
            later = pool.submit(placed, market, second)
            until_somebody_waits(market.world)
        yield outcome, later


@pytest.mark.parametrize("is_same", [True, False])
def test_a_number_that_is_just_being_taken_is_waited_for(market: Market, is_same: bool) -> None:
    first = market.command(market.draft("A-1", (market.tea, 1)))
    # Another order under the number shares no goods with it, only the partner
    other = first if is_same else market.command(market.draft("A-1", (market.cup, 1)))

    with meanwhile(market, first, other) as (outcome, later):
        answer = later.result()

    assert isinstance(outcome, dropship.Placed)
    if is_same:
        assert answer == dropship.Placed(outcome.order_id, outcome.answer_json, is_replay=True)
    else:
        assert isinstance(answer, dropship.NumberReused)
    assert market.balance() == (BALANCE_FEN, TEA_ORDER_FEN)
    assert market.stock(market.cup, market.near) == (10, 0)


def test_an_order_waits_behind_one_that_has_just_begun_to_wait(market: Market) -> None:
    # Given a partner who lets orders wait, and has 200.00
    partner(market, dropship.low_balance_put, choice=dropship.LowBalance.WAIT)
    spend(market, left=20_000)
    # When a small order comes while one that is too large is decided: 225.00 without freight
    many = market.command(market.draft("A-1", (market.tea, 5)))
    small = market.command(market.draft("A-2", (market.cup, 1)))
    with meanwhile(market, many, small) as (outcome, later):
        answer = later.result()
    # Then both wait, in the order in which they came
    for each in (outcome, answer):
        assert isinstance(each, dropship.Placed)
        assert '"state":"waiting_funds"' in each.answer_json


def deadlocks(market: Market, *, placers: int, batches: int) -> int:
    """Place batches of the same few goods at once; says how many were undone for a deadlock.

    Nobody begins another one after the first deadlock.
    """
    lined_up = threading.Barrier(placers)
    is_found = threading.Event()

    def place(placer: int) -> int:
        dice, undone = random.Random(placer), 0
        lined_up.wait()
        for batch in range(batches):
            if is_found.is_set():
                break
            commands = [
                market.command(
                    market.draft(
                        f"{placer}-{batch}-{i}",
                        *((sku_id, 1) for sku_id in dice.sample(market_goods(market), 3)),
                    ),
                    dice.choice([market.street, market.creator]),
                )
                for i in range(3)
            ]
            try:
                with market.world.begin() as ctx:
                    place_dropship_orders(ctx, commands=commands)
            except Busy as busy:
                if isinstance(busy.__cause__, DeadlockDetected):
                    undone += 1
                    is_found.set()
        return undone

    with ThreadPoolExecutor(placers) as pool:
        return sum(pool.map(place, range(placers)))


def market_goods(market: Market) -> list[goods.SkuId]:
    return [market.tea, market.rice, market.cup, market.eggs]


def test_batches_of_the_same_goods_never_lock_each_other_out(market: Market) -> None:
    assert deadlocks(market, placers=4, batches=20) == 0


def test_without_the_order_of_locks_they_would(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    locking = warehouses._BOOK_LOCK
    in_disorder = locking.replace("ORDER BY sku_id, warehouse_id FOR", "ORDER BY random() FOR")
    assert in_disorder != locking
    monkeypatch.setattr(warehouses, "_BOOK_LOCK", in_disorder)
    assert deadlocks(market, placers=4, batches=200) > 0
