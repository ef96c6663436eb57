"""Asking an unkind carrier over real HTTP: in the end every parcel's way is known, and once."""

from tests.market import Market
from tests.workflows.test_follow_parcels import T0, S, shipped, way
from tests.workflows.test_order_life import messages, read, turn
from weili.adapters.carriers import HttpCarrierGateway
from weili.adapters.carriers.simulator import CarrierSimulator
from weili.kit.world import in_transaction
from weili.modules import dropship
from weili.workflows.ask_carriers import carriers_asked
from weili.workflows.follow_parcels import parcels_followed

SECRET = "sixteen-letters-or-more"


def connect(market: Market, base_url: str) -> None:
    """Say where SF is asked."""
    with market.world.begin() as ctx:
        dropship.carrier_connection_put(ctx, carrier_code="SF", base_url=base_url, secret=SECRET)


def test_whatever_a_carrier_does_each_order_is_delivered_once(market: Market) -> None:
    # Given four parcels with a carrier that fails, forgets and repeats itself
    orders = [shipped(market, f"A-{n}", f"SF{n}") for n in range(4)]
    gateway = HttpCarrierGateway(call_timeout_s=5)
    with CarrierSimulator(seed=3, secret=SECRET, began_at=T0) as carrier:
        carrier.kind = False
        connect(market, carrier.base_url)
        for n in range(4):
            carrier.carry(f"SF{n}")
        # When it is asked every half hour for some hours
        for _ in range(14):
            carriers_asked(market.world.begin, gateway)
            in_transaction(market.world.begin, parcels_followed)
            turn(market, minutes=31)
    # Then it has been in trouble, and each order is delivered, once
    assert carrier.counts["cut"] + carrier.counts["error"] + carrier.counts["nonsense"] > 0
    assert carrier.counts["unsigned"] == 0
    assert [read(market, order.id).state for order in orders] == [S.DELIVERED] * 4
    assert [name for name, _ in messages(market)].count("order.delivered") == 4
    for order in orders:
        assert way(market, order).count("delivered") == 1


def test_a_carrier_that_is_not_there_is_asked_again_later(market: Market) -> None:
    order = shipped(market, "A-1", "SF1")
    with CarrierSimulator(seed=1, secret=SECRET, began_at=T0, is_kind=True) as carrier:
        gone = carrier.base_url
    connect(market, gone)
    assert carriers_asked(market.world.begin, HttpCarrierGateway(call_timeout_s=2))
    assert not carriers_asked(market.world.begin, HttpCarrierGateway(call_timeout_s=2))
    assert read(market, order.id).state is S.SHIPPED
    turn(market, minutes=1)
    with CarrierSimulator(seed=1, secret=SECRET, began_at=T0, is_kind=True) as carrier:
        carrier.carry("SF1")
        connect(market, carrier.base_url)
        assert carriers_asked(market.world.begin, HttpCarrierGateway(call_timeout_s=5))
    in_transaction(market.world.begin, parcels_followed)
    assert read(market, order.id).state is S.DELIVERED
