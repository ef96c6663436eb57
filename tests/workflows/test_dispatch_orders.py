"""Turns, claims and pauses: what one supplier is asked, and what that costs the others."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.market import Market
from weili.adapters.suppliers import CALL_TIMEOUT_S, Answer, AnswerKind, SupplierEndpoint
from weili.kit.context import PartyId
from weili.kit.world import LOCK_TIMEOUT_MS, clock_turn
from weili.modules import dropship
from weili.workflows.cancel_order import cancel_order
from weili.workflows.dispatch_orders import TURN_S, dispatch_orders, orders_queue
from weili.workflows.place_dropship_orders import place_dropship_orders

TEA_FROM = "http://grocer.example"
EGGS_FROM = "http://farm.example"
YES = Answer(AnswerKind.YES)
SILENT = Answer(AnswerKind.UNKNOWN, "ReadTimeout", is_silent=True)
ERROR = Answer(AnswerKind.UNKNOWN, "HTTP 500")


class Town:
    """Two suppliers' systems: the farm's takes what it is asked, the grocer's says what it must.

    ``during`` happens while the grocer is being asked.
    """

    def __init__(self, says: Answer = YES, during: Callable[[], None] = lambda: None) -> None:
        self.says = says
        self._during = during
        self.asked: list[str] = []
        self.children: list[str] = []

    def submit(self, endpoint: SupplierEndpoint, *, order: Mapping[str, Any]) -> Answer:
        """Note who was asked."""
        self.asked.append(endpoint.base_url)
        self.children.append(order["id"])
        if endpoint.base_url != TEA_FROM:
            return YES
        self._during()
        return self.says

    def cancel(self, endpoint: SupplierEndpoint, *, child_id: str) -> Answer:
        """Note it, and agree."""
        self.asked.append(f"cancel at {endpoint.base_url}")
        return YES


@pytest.fixture
def connected(market: Market) -> Market:
    """Two suppliers with systems of their own."""
    with market.world.begin() as ctx:
        for supplier, url in ((market.grocer, TEA_FROM), (market.farm, EGGS_FROM)):
            dropship.connection_put(
                ctx, supplier_id=supplier, base_url=url, secret="a supplier's secret"
            )
    return market


# --- one that does not answer --------------------------------------------------------------------


def test_a_silent_supplier_is_asked_once_a_turn(connected: Market) -> None:
    _place(connected, ("tea", 3), ("eggs", 2))
    town = Town(SILENT)

    assert dispatch_orders(connected.world.begin, town) == 5

    assert sorted(town.asked) == [EGGS_FROM, EGGS_FROM, TEA_FROM]


def test_a_supplier_that_fails_at_once_is_asked_for_each_order(connected: Market) -> None:
    _place(connected, ("tea", 3), ("eggs", 2))
    town = Town(ERROR)

    dispatch_orders(connected.world.begin, town)

    assert sorted(town.asked) == [EGGS_FROM] * 2 + [TEA_FROM] * 3


@pytest.mark.parametrize("says", [SILENT, ERROR])
def test_a_sick_supplier_is_paused_tried_and_served_again(connected: Market, says: Answer) -> None:
    # Given eight orders for a supplier that gives no answer, when they are sent as long as any is
    # due, then it was asked five times: with one thing at a time, each time another.
    _place(connected, ("tea", 8))
    town = Town(says)
    _dispatch_all(connected, town)
    assert len(town.children) == len(set(town.children)) == dropship.FAILURES_MAX == 5
    health = _health(connected)
    assert (health.failures, health.failure) == (5, says.reason)
    assert health.paused_until is not None
    # Its pause over, it is tried with one order that was never sent; in vain, and paused again.
    _later(connected, dropship.PAUSE_S_MIN)
    _dispatch_all(connected, town)
    assert len(town.children) == len(set(town.children)) == 6
    _later(connected, dropship.PAUSE_S_MIN)
    assert dispatch_orders(connected.world.begin, town) == 0, "the second pause is twice as long"
    # When it is well again, one try shows it, and all the others follow at once.
    town.says = YES
    _later(connected, dropship.PAUSE_S_MIN)
    assert dispatch_orders(connected.world.begin, town) == 1
    assert _health(connected).paused_until is None
    assert dispatch_orders(connected.world.begin, town) == 7
    assert _waiting(connected, connected.grocer) == 0
    assert _health(connected).failures == 0


def test_a_pause_never_grows_beyond_its_bound(connected: Market) -> None:
    _place(connected, ("tea", 1))
    with connected.world.begin() as ctx:
        pauses = [
            dropship.supplier_failed(ctx, supplier_id=connected.grocer, failure="ReadTimeout")
            for _ in range(40)
        ]

    assert pauses[:8] == [0, 0, 0, 0, 5, 10, 20, 40]
    assert set(pauses[11:]) == {dropship.PAUSE_S_MAX}


def test_a_new_address_ends_the_pause(connected: Market) -> None:
    _place(connected, ("tea", 8))
    _dispatch_all(connected, Town(SILENT))

    with connected.world.begin() as ctx:
        dropship.connection_put(
            ctx, supplier_id=connected.grocer, base_url=EGGS_FROM, secret="another"
        )

    assert dispatch_orders(connected.world.begin, Town()) == 8


def test_sick_suppliers_get_no_more_turns_than_are_left_to_them(connected: Market) -> None:
    _place(connected, ("tea", 2), ("eggs", 1))
    with connected.world.begin() as ctx:
        dropship.supplier_failed(ctx, supplier_id=connected.grocer, failure="ReadTimeout")
    with connected.world.begin() as ctx:
        [turn] = dropship.queue_claim(ctx, turns_max=9, suspects_max=0)
        assert (turn.supplier_id, turn.is_suspect) == (connected.farm, False)
        [turn] = dropship.queue_claim(ctx, turns_max=9, suspects_max=9)
        assert (turn.supplier_id, turn.is_suspect) == (connected.grocer, True)
        assert len(turn.items) == 1
        # And not another while it is being tried.
        assert dropship.queue_claim(ctx, turns_max=9, suspects_max=9) == []


# --- fair shares ---------------------------------------------------------------------------------


def test_a_long_queue_does_not_delay_a_short_one(connected: Market) -> None:
    # Given eighty orders of the grocer's, all before one of the farm's
    _place(connected, ("tea", 80), ("eggs", 1))
    with connected.world.begin() as ctx:
        # When there is one free caller at a time, then the farm has its turn by the second.
        turns = [
            turn
            for _ in range(9)
            for turn in dropship.queue_claim(ctx, turns_max=1, suspects_max=1)
        ]
    assert connected.farm in {turn.supplier_id for turn in turns[:2]}
    # And however many callers are free, the grocer is not asked by more than its bound at once.
    sizes = [len(turn.items) for turn in turns if turn.supplier_id == connected.grocer]
    assert sizes == [dropship.TURN_ITEMS_MAX] * dropship.TURNS_AT_ONCE
    claimed = [item.child_id for turn in turns for item in turn.items]
    assert len(claimed) == len(set(claimed))


# --- claims --------------------------------------------------------------------------------------


def test_a_claim_lasts_longer_than_any_asking_and_the_note_of_its_answer() -> None:
    longest_s = TURN_S + CALL_TIMEOUT_S + LOCK_TIMEOUT_MS / 1000
    assert dropship.CLAIM_LASTS.total_seconds() > 2 * longest_s


def test_what_is_being_asked_is_nobody_elses_until_the_claim_is_over(connected: Market) -> None:
    _place(connected, ("tea", 2))
    claimed: list[int] = []

    def during() -> None:
        if not claimed:
            _later(connected, int(TURN_S + CALL_TIMEOUT_S))
            claimed.append(dispatch_orders(connected.world.begin, other))
            _later(connected, int(dropship.CLAIM_LASTS.total_seconds()))
            claimed.append(dispatch_orders(connected.world.begin, other))

    town, other = Town(during=during), Town()
    dispatch_orders(connected.world.begin, town)

    # The longest possible call is not enough for another to take them; a claim's whole time is.
    assert claimed == [0, 2]
    # The late one finds its answer known already, and asks for the second once more, by its id.
    assert set(town.children) <= set(other.children)
    assert _waiting(connected, connected.grocer) == 0


def test_a_cancellation_never_overtakes_the_order_it_is_about(connected: Market) -> None:
    [order_id] = _place(connected, ("tea", 1))

    def during() -> None:
        with connected.world.begin(connected.as_partner()) as ctx:
            cancel_order(ctx, partner_id=connected.street, order_id=order_id)
        assert dispatch_orders(connected.world.begin, town) == 0

    town = Town(during=during)
    dispatch_orders(connected.world.begin, town)
    assert town.asked == [TEA_FROM]
    # As soon as the order was answered for, the cancellation is asked.
    assert dispatch_orders(connected.world.begin, town) == 1
    assert town.asked == [TEA_FROM, f"cancel at {TEA_FROM}"]
    with connected.world.begin() as ctx:
        [order] = dropship.orders_read(ctx, ids=[order_id])
    assert order.state is dropship.OrderState.CANCELLED


def test_what_a_turn_did_not_come_to_was_not_sent(connected: Market) -> None:
    ids = _place(connected, ("tea", 3))
    dispatch_orders(connected.world.begin, Town(SILENT))
    with connected.world.begin() as ctx:
        children = [order.children[0].id for order in dropship.orders_read(ctx, ids=ids)]
        queued = dropship.queue_locked(ctx, child_ids=children)
    assert sorted(item.attempts for item in queued.values()) == [0, 0, 1]


def test_an_order_that_can_not_be_read_keeps_back_no_other(connected: Market) -> None:
    first, *_ = _place(connected, ("tea", 3))
    with connected.world.begin() as ctx:
        ctx.db.run('UPDATE dropship."order" SET recipient_sealed = %b WHERE id = %b', b"?", first)
    town = Town()

    assert dispatch_orders(connected.world.begin, town) == 3

    assert len(town.asked) == 2
    assert _waiting(connected, connected.grocer) == 1
    # It has its next time, and the supplier is not taken for sick.
    assert dispatch_orders(connected.world.begin, town) == 0
    assert _health(connected).failures == 0


def _place(market: Market, *wanted: tuple[str, int]) -> list[dropship.OrderId]:
    skus = {"tea": market.tea, "eggs": market.eggs}
    ids = []
    with market.world.begin() as ctx:
        for what, count in wanted:
            for number in range(count):
                draft = market.draft(f"{ctx.now.timestamp()}-{what}-{number}", (skus[what], 1))
                [outcome] = place_dropship_orders(ctx, commands=[market.command(draft)])
                assert isinstance(outcome, dropship.Placed)
                ids.append(outcome.order_id)
        orders_queue(ctx, order_ids=ids)
    return ids


def _dispatch_all(market: Market, town: Town) -> None:
    """Send as long as anything is due."""
    for _ in range(50):
        if not dispatch_orders(market.world.begin, town):
            return
    raise AssertionError("there is no end to it")


def _later(market: Market, ahead_s: int) -> None:
    with market.world.begin() as ctx:
        clock_turn(ctx, ahead_s=ahead_s)


def _waiting(market: Market, supplier_id: PartyId) -> int:
    with market.world.begin() as ctx:
        page = dropship.queue_page(
            ctx,
            supplier_id=supplier_id,
            states=[dropship.QueueState.WAITING],
            cursor=None,
            limit=100,
        )
    return len(page.items)


def _health(market: Market) -> dropship.QueueStatus:
    with market.world.begin() as ctx:
        return dropship.queue_status(ctx, supplier_id=market.grocer)
