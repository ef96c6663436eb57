"""One supplier's silence is not the others' waiting."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.market import Market
from weili.adapters.suppliers import Answer, AnswerKind, SupplierEndpoint
from weili.modules import dropship
from weili.workflows.dispatch_orders import dispatch_orders, orders_queue
from weili.workflows.place_dropship_orders import place_dropship_orders

SILENT = "http://silent.example"
ANSWERING = "http://answering.example"


class Town:
    """Two suppliers' systems: one takes what it is asked, the other says what it is told to."""

    def __init__(self, says: Answer) -> None:
        self._says = says
        self.asked: list[str] = []

    def submit(self, endpoint: SupplierEndpoint, *, order: Mapping[str, Any]) -> Answer:
        """Note who was asked."""
        self.asked.append(endpoint.base_url)
        return self._says if endpoint.base_url == SILENT else Answer(AnswerKind.YES)

    def cancel(self, endpoint: SupplierEndpoint, *, child_id: str) -> Answer:
        """Agree."""
        return Answer(AnswerKind.YES)


@pytest.fixture
def queued(market: Market) -> Market:
    """Three orders of the silent grocer's, and after them two of the farm's."""
    with market.world.begin() as ctx:
        for supplier, url in ((market.grocer, SILENT), (market.farm, ANSWERING)):
            dropship.connection_put(
                ctx, supplier_id=supplier, base_url=url, secret="a supplier's secret"
            )
    _place(market, ("tea", 3), ("eggs", 2))
    return market


def test_a_silent_supplier_is_asked_once_a_round(queued: Market) -> None:
    town = Town(Answer(AnswerKind.UNKNOWN, "ReadTimeout", is_silent=True))

    assert dispatch_orders(queued.world.begin, town) == 5

    assert sorted(town.asked) == [ANSWERING, ANSWERING, SILENT]
    # And none of its orders is due before its time.
    assert dispatch_orders(queued.world.begin, town) == 0


def test_a_supplier_that_fails_at_once_is_asked_for_each_order(queued: Market) -> None:
    town = Town(Answer(AnswerKind.UNKNOWN, "HTTP 500"))

    dispatch_orders(queued.world.begin, town)

    assert sorted(town.asked) == [ANSWERING] * 2 + [SILENT] * 3


def test_new_orders_go_before_those_that_were_tried_in_vain(queued: Market) -> None:
    # Given a first round in vain, and its orders due again together with a new one of the farm's
    town = Town(Answer(AnswerKind.UNKNOWN, "ReadTimeout", is_silent=True))
    dispatch_orders(queued.world.begin, town)
    with queued.world.begin() as ctx:
        ctx.db.run("UPDATE dropship.supplier_queue SET due_at = queued_at WHERE due_at IS NOT NULL")
    _place(queued, ("eggs", 1))
    town.asked.clear()

    dispatch_orders(queued.world.begin, town)

    assert town.asked == [ANSWERING, SILENT]


def _place(market: Market, *wanted: tuple[str, int]) -> None:
    skus = {"tea": market.tea, "eggs": market.eggs}
    with market.world.begin() as ctx:
        for what, count in wanted:
            for number in range(count):
                draft = market.draft(f"{ctx.now.timestamp()}-{what}-{number}", (skus[what], 1))
                [outcome] = place_dropship_orders(ctx, commands=[market.command(draft)])
                assert isinstance(outcome, dropship.Placed)
                orders_queue(ctx, order_ids=[outcome.order_id])
