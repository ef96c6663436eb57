"""Dispatching dies at each step, or repeats each step; every child is taken and moved once."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.faults.failing import Died, DyingBegin, Moment
from tests.market import BALANCE_FEN, FREIGHT_FEN, TEA_FEN, Market
from weili.adapters.suppliers import Answer, AnswerKind, SupplierEndpoint
from weili.kit.world import clock_turn
from weili.modules import dropship, inventory, ledger
from weili.workflows.cancel_order import cancel_order
from weili.workflows.dispatch_orders import dispatch_orders, orders_queue
from weili.workflows.place_dropship_orders import place_dropship_orders

S = dropship.OrderState


class Remembering:
    """A supplier's system as it must be: it knows by its id what it has seen, and says the same."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.cancelled: set[str] = set()

    def submit(self, endpoint: SupplierEndpoint, *, order: Mapping[str, Any]) -> Answer:
        """Take an order unless it was cancelled here before."""
        if order["id"] in self.cancelled:
            return Answer(AnswerKind.NO, "cancelled")
        self.taken.add(order["id"])
        return Answer(AnswerKind.YES)

    def cancel(self, endpoint: SupplierEndpoint, *, child_id: str) -> Answer:
        """Cancel, also what was never heard of."""
        self.cancelled.add(child_id)
        self.taken.discard(child_id)
        return Answer(AnswerKind.YES)


@pytest.fixture
def order(market: Market) -> dropship.Order:
    """Give an order in the queue of a supplier with a system of its own."""
    with market.world.begin() as ctx:
        dropship.connection_put(
            ctx, supplier_id=market.grocer, base_url="http://127.0.0.1:9", secret="of the grocer"
        )
        command = market.command(market.draft("A-1", (market.tea, 1)))
        [outcome] = place_dropship_orders(ctx, commands=[command])
        assert isinstance(outcome, dropship.Placed)
        orders_queue(ctx, order_ids=[outcome.order_id])
    return _read(market, outcome.order_id)


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("nth", [1, 2])
def test_a_dispatch_that_dies_is_finished_by_the_next(
    market: Market, order: dropship.Order, nth: int, moment: Moment
) -> None:
    supplier = Remembering()
    with pytest.raises(Died):
        dispatch_orders(DyingBegin(market.world.begin, nth=nth, moment=moment), supplier)

    _dispatch_all(market, supplier)

    assert _read(market, order.id).state is S.RELEASED
    assert len(supplier.taken) == 1
    _check(market, held=TEA_FEN + FREIGHT_FEN)


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("nth", [1, 2])
def test_a_cancellation_that_dies_while_asking_is_finished_by_the_next(
    market: Market, order: dropship.Order, nth: int, moment: Moment
) -> None:
    supplier = Remembering()
    _dispatch_all(market, supplier)
    with market.world.begin(market.as_partner()) as ctx:
        cancel_order(ctx, partner_id=market.street, order_id=order.id)
    with pytest.raises(Died):
        dispatch_orders(DyingBegin(market.world.begin, nth=nth, moment=moment), supplier)

    _dispatch_all(market, supplier)

    assert _read(market, order.id).state is S.CANCELLED
    assert supplier.taken == set()
    _check(market, held=0)


@pytest.mark.parametrize("moment", list(Moment))
def test_a_cancellation_that_meets_a_dispatch_whose_answer_was_lost_asks_the_supplier(
    market: Market, order: dropship.Order, moment: Moment
) -> None:
    # Given a dispatch that died around recording the supplier's yes.
    supplier = Remembering()
    with pytest.raises(Died):
        dispatch_orders(DyingBegin(market.world.begin, nth=2, moment=moment), supplier)

    with market.world.begin(market.as_partner()) as ctx:
        asked, _ = cancel_order(ctx, partner_id=market.street, order_id=order.id)
    assert asked.state is S.CANCELLING
    _dispatch_all(market, supplier)

    assert _read(market, order.id).state is S.CANCELLED
    assert supplier.taken == set()
    _check(market, held=0)


def test_each_step_done_twice_is_done_once(market: Market, order: dropship.Order) -> None:
    supplier = Remembering()
    for _ in range(2):
        with market.world.begin() as ctx:
            orders_queue(ctx, order_ids=[order.id])
        _dispatch_all(market, supplier)

    assert _read(market, order.id).state is S.RELEASED
    assert _read(market, order.id).children[0].version == 1
    _check(market, held=TEA_FEN + FREIGHT_FEN)


def _dispatch_all(market: Market, supplier: Remembering) -> None:
    """Dispatch again and again, as the worker does, with time passing between."""
    for _ in range(3):
        with market.world.begin() as ctx:
            clock_turn(ctx, ahead_s=3_600)
        dispatch_orders(market.world.begin, supplier)


def _read(market: Market, order_id: dropship.OrderId) -> dropship.Order:
    with market.world.begin() as ctx:
        return dropship.order_get(ctx, partner_id=market.street, order_id=order_id)


def _check(market: Market, *, held: int) -> None:
    assert market.balance() == (BALANCE_FEN, held)
    assert market.stock(market.tea, market.near) == (100, 1 if held else 0)
    with market.world.begin() as ctx:
        for module in (ledger, inventory, dropship):
            assert list(module.verify(ctx)) == []
