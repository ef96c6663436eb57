"""Cancelling an order in the very moment in which it is being sent to its supplier."""

from concurrent.futures import ThreadPoolExecutor

from tests.market import Market
from tests.waiting import until_somebody_waits
from weili.kit.context import Ctx
from weili.kit.world import in_transaction
from weili.modules import dropship
from weili.workflows.cancel_order import cancel_order
from weili.workflows.dispatch_orders import orders_queue
from weili.workflows.place_dropship_orders import place_dropship_orders

S = dropship.OrderState


def queued_order(market: Market) -> dropship.OrderId:
    """Place an order that lies in its supplier's queue, not sent yet."""
    command = market.command(market.draft("A-1", (market.tea, 1)))
    with market.world.begin() as ctx:
        [outcome] = place_dropship_orders(ctx, commands=[command])
        assert isinstance(outcome, dropship.Placed)
        orders_queue(ctx, order_ids=[outcome.order_id])
    return outcome.order_id


def cancelled(market: Market, order_id: dropship.OrderId) -> dropship.OrderState:
    def work(ctx: Ctx) -> dropship.Order:
        return cancel_order(ctx, partner_id=market.street, order_id=order_id)[0]

    return in_transaction(market.world.begin, work).state


def test_an_order_that_is_just_being_sent_is_cancelled_by_asking_the_supplier(
    market: Market,
) -> None:
    """Given a dispatcher that has counted its attempt and is about to send the order,
    when the partner cancels, then the supplier is asked: it may have the order by then.
    """
    order_id = queued_order(market)
    with ThreadPoolExecutor(1) as pool:
        with market.world.begin() as dispatcher:
            [turn] = dropship.queue_claim(dispatcher, turns_max=1, suspects_max=0)
            [item] = turn.items
            state = pool.submit(cancelled, market, order_id)
            until_somebody_waits(market.world)
        assert state.result(timeout=10) is S.CANCELLING
    with market.world.begin() as ctx:
        queued = dropship.queue_locked(ctx, child_ids=[item.child_id])[item.child_id]
    assert (queued.state, queued.attempts) == (dropship.QueueState.CANCELLING, 1)


def test_an_order_that_is_just_being_cancelled_is_not_sent(market: Market) -> None:
    """Given a cancellation under way, when a dispatcher looks for work, it passes it over."""
    order_id = queued_order(market)
    with market.world.begin() as ctx:
        order, _ = cancel_order(ctx, partner_id=market.street, order_id=order_id)
        with market.world.begin() as dispatcher:
            assert dropship.queue_claim(dispatcher, turns_max=1, suspects_max=1) == []
    assert order.state is S.CANCELLED
    with market.world.begin() as dispatcher:
        assert dropship.queue_claim(dispatcher, turns_max=1, suspects_max=1) == []
