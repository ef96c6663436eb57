"""Bundles that are refused, come back or are lost: their parts are where the story says.

A gift is one tea and two cups at 60.00. Ten cups lie near and ten far, 100 teas near and 50 far.
"""

from collections.abc import Iterator

import pytest

from tests.market import BALANCE_FEN, CUP_COST_FEN, Market
from tests.workflows.test_order_life import deliver, place, read, release, ship
from tests.workflows.test_order_ways import partner, supplier
from tests.workflows.test_stock_promises import GIFT_CUPS, gift_of
from weili.kit import outbox
from weili.kit.world import in_transaction
from weili.modules import dropship, goods
from weili.workflows.cancel_order import cancel_order
from weili.workflows.lose_package import lose_package
from weili.workflows.refuse_child import refuse_child
from weili.workflows.return_package import package_refused, package_returned
from weili.workflows.verify_world import verify_world

S = dropship.OrderState
GIFT_FEN = 6_000


@pytest.fixture
def gift(market: Market) -> Iterator[goods.SkuId]:
    """Offer the gift, and see after each story that the whole world is sound."""
    yield gift_of(market)
    in_transaction(market.world.begin, outbox.relay)
    with market.world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []


def shelves(market: Market, *, near: bool) -> tuple[tuple[int, int], tuple[int, int]]:
    """Read (on hand, reserved) of teas and of cups in one warehouse."""
    warehouse = market.near if near else market.far
    return market.stock(market.tea, warehouse), market.stock(market.cup, warehouse)


def sent(market: Market, gift: goods.SkuId, count: int) -> dropship.Order:
    """Place and ship an order of gifts in one package."""
    order = release(market, place(market, market.draft("G-1", (gift, count))))
    ship(market, order.children[0], "SF1", (1, count))
    return read(market, order.id)


def test_refused_gifts_come_from_elsewhere_as_long_as_their_parts_lie_there(
    market: Market, gift: goods.SkuId
) -> None:
    # Given four gifts from the near warehouse, and two single cups of the far one promised
    order = release(market, place(market, market.draft("G-1", (gift, 4))))
    other = place(market, market.draft("C-1", (market.cup, 4)))
    [child] = order.children
    assert {c.warehouse_id for c in other.children} == {market.far}
    assert shelves(market, near=True) == ((100, 4), (10, 8))

    # When all four are refused, then the six cups that the far one has left make three gifts
    assert supplier(market, refuse_child, child_id=child.id) is S.SPLIT
    order = read(market, order.id)
    assert {(c.warehouse_id, c.state): c.lines[0].quantity for c in order.children[1:]} == {
        (market.far, S.CONFIRMED): 3,
        (market.near, S.CANCELLED): 1,
    }
    assert shelves(market, near=True) == ((100, 0), (10, 0))
    assert shelves(market, near=False) == ((50, 3), (10, 4 + 3 * GIFT_CUPS))

    # And cancelling them gives back what makes them
    partner(market, cancel_order, order_id=order.id)
    assert shelves(market, near=False) == ((50, 0), (10, 4))


@pytest.mark.parametrize("condition", list(dropship.Condition))
def test_returned_gifts_lie_there_as_their_parts_or_are_written_off_as_these(
    market: Market, gift: goods.SkuId, condition: dropship.Condition
) -> None:
    order = sent(market, gift, 2)
    assert shelves(market, near=True) == ((98, 0), (6, 0))
    [package] = order.packages
    supplier(market, package_refused, package_id=package.id)

    for _ in range(2):
        supplier(market, package_returned, package_id=package.id, condition=condition)

    is_good = condition is dropship.Condition.GOOD
    assert shelves(market, near=True) == (((100, 0), (10, 0)) if is_good else ((98, 0), (6, 0)))
    assert market.stock(gift, market.near) == (0, 0)
    assert market.balance() == (BALANCE_FEN, 0)
    assert market.owed() == 0


def test_lost_gifts_are_sent_again_from_where_their_parts_lie(
    market: Market, gift: goods.SkuId
) -> None:
    # Given four gifts lost, after which two cups lie near: the far warehouse sends them again
    order = sent(market, gift, 4)
    for _ in range(2):
        supplier(market, lose_package, package_id=order.packages[0].id, send_again=True)
    assert shelves(market, near=True) == ((96, 0), (2, 0))
    assert shelves(market, near=False) == ((50, 4), (10, 8))
    order = release(market, read(market, order.id))
    again = order.children[1]
    package = ship(market, again, "SF2", (1, 4))
    deliver(market, again, package)
    assert shelves(market, near=False) == ((46, 0), (2, 0))
    assert market.balance() == (BALANCE_FEN - 4 * GIFT_FEN, 0)
    assert market.owed() == 4 * CUP_COST_FEN


def test_lost_gifts_that_nobody_can_send_again_stay_where_they_are(
    market: Market, gift: goods.SkuId
) -> None:
    order = sent(market, gift, 5)
    place(market, market.draft("C-1", (market.cup, 1)))
    before = market.balance(), shelves(market, near=True), shelves(market, near=False)
    with pytest.raises(dropship.StockShort) as refused:
        supplier(market, lose_package, package_id=order.packages[0].id, send_again=True)
    assert refused.value.members["available"] == 4
    assert (market.balance(), shelves(market, near=True), shelves(market, near=False)) == before
    # When it is refunded instead, the parts are gone and nothing of them is promised
    supplier(market, lose_package, package_id=order.packages[0].id, send_again=False)
    assert shelves(market, near=True) == ((95, 0), (0, 0))
    assert read(market, order.id).state is S.REFUNDED
    assert market.balance()[0] == BALANCE_FEN
