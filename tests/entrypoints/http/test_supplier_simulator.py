"""A supplier's system that lacks pieces, over real HTTP both ways: they come from elsewhere or not.

How many it lacks is thrown from the seed, so the numbers below are those of seed 1.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from tests.entrypoints.http.conftest import Serving
from tests.market import FREIGHT_FEN, TEA_COST_FEN, TEA_FEN
from weili.adapters.suppliers import HttpSupplierGateway
from weili.adapters.suppliers.hosting import SimulatorHost
from weili.adapters.suppliers.platform_api import Credentials
from weili.adapters.suppliers.simulator import SupplierAccount, SupplierSimulator
from weili.adapters.suppliers.unkindness import KIND, Unkindness
from weili.kit.ids import id_text
from weili.modules import dropship, parties
from weili.workflows.dispatch_orders import dispatch_orders, orders_queue
from weili.workflows.verify_world import verify_world

SECRET = "a-secret-of-the-supplier"
PATIENCE_S = 30.0
ENDS = {"delivered", "cancelled"}


@contextmanager
def lacking(serving: Serving, name: str, unkindness: Unkindness) -> Iterator[SupplierSimulator]:
    """Connect a system of the grocer's, which reports through the platform's API.

    Its waybills are told by its name, so each system of a test file has another.
    """
    scopes = parties.ROLE_SCOPES[parties.PartyKind.SUPPLIER]
    _, signer = serving.key(serving.market.grocer, scopes)
    address = urlsplit(serving.url)
    simulator = SupplierSimulator(
        name=name,
        secret=SECRET,
        account=SupplierAccount(
            str(address.hostname), int(address.port or 0), Credentials(signer.key_id, signer.secret)
        ),
        seed=1,
        unkindness=unkindness,
    )
    supplier = id_text(parties.PARTY_PREFIX, serving.market.grocer)
    with SimulatorHost([simulator]):
        said = {"base_url": simulator.base_url, "secret": SECRET}
        path = f"/v1/operator/suppliers/{supplier}/connection"
        connected = serving.ask("operator", "PUT", path, said)
        assert connected.status_code == 200, connected.text
        yield simulator


def traded(serving: Serving, simulator: SupplierSimulator, quantity: int) -> dict[str, Any]:
    """Place an order of tea and dispatch it until it has come to an end; gives it then."""
    order = serving.placed((serving.market.tea, quantity))
    with serving.market.world.begin() as ctx:
        found = dropship.order_by_number(
            ctx, partner_id=serving.market.street, number=order["number"]
        )
        orders_queue(ctx, order_ids=[found.id])
    deadline = time.monotonic() + PATIENCE_S
    with closing(HttpSupplierGateway()) as gateway:
        while True:
            dispatch_orders(serving.market.world.begin, gateway)
            now: dict[str, Any] = serving.ask("street", "GET", f"/v1/orders/{order['id']}").json()
            assert simulator.unexpected == []
            if simulator.is_quiet and now["state"] in ENDS:
                return now
            assert time.monotonic() < deadline, now
            time.sleep(0.02)


def parts(serving: Serving, order: dict[str, Any]) -> set[tuple[str, str, int]]:
    """Give each child order as (warehouse, state, pieces)."""
    market = serving.market
    names = {id_text("whs", market.near): "near", id_text("whs", market.far): "far"}
    return {
        (names[child["warehouse_id"]], child["state"], line["quantity"])
        for child in order["children"]
        for line in child["lines"]
    }


def assert_books(
    serving: Serving, before: tuple[int, int, tuple[int, int]], *, sent: int, freight_minor: int
) -> None:
    """See that just what was sent is paid for and owed, and that nothing is held any more."""
    market = serving.market
    owed, on_hand, (posted, held) = before
    assert market.owed() - owed == sent * TEA_COST_FEN
    assert market.balance() == (posted - sent * TEA_FEN - freight_minor, held)
    places = [market.stock(market.tea, one) for one in (market.near, market.far)]
    assert (sum(there for there, _ in places), [kept for _, kept in places]) == (
        on_hand - sent,
        [0, 0],
    )
    with market.world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []


def books(serving: Serving) -> tuple[int, int, tuple[int, int]]:
    """Give what the grocer is owed, its teas on hand, and the street's balance."""
    market = serving.market
    places = [market.stock(market.tea, one) for one in (market.near, market.far)]
    return market.owed(), sum(there for there, _ in places), market.balance()


def test_what_a_pick_does_not_find_comes_from_elsewhere_or_is_given_back(serving: Serving) -> None:
    # Given a supplier whose picks always find too few, and that says everything rudely and twice
    ways = replace(KIND, short_pick=1_000, report_twice=1_000, report_cut=1_000)
    before = books(serving)
    with lacking(serving, "谷仓", ways) as simulator:
        # When twelve tins are ordered
        order = traded(serving, simulator, 12)
    # Then the near warehouse lacks six of twelve, the far one three of these six
    assert parts(serving, order) == {
        ("near", "delivered", 6),
        ("far", "delivered", 3),
        ("far", "cancelled", 3),
    }
    # Each child order that sends has days: Xihu is reached from near in one day, from far in three.
    for child in order["children"]:
        if child["state"] == "delivered":
            left, there = (date.fromisoformat(child[day]) for day in ("ships_on", "arrives_on"))
            assert (there - left).days == child["lead_days"]
    counts = simulator.counts
    assert (counts["picked_short"], counts["pieces_refused"]) == (2, 6 + 3)
    assert counts["pieces_shipped"] == 12 - 3
    # 540.00 yuan of tea go freight free.
    assert (order["state"], order["freight_minor"]) == ("delivered", 0)
    assert_books(serving, before, sent=9, freight_minor=0)


def test_what_is_refused_in_part_comes_from_elsewhere_or_is_given_back(serving: Serving) -> None:
    # Given a supplier that takes orders but never for all of their pieces
    ways = replace(KIND, part_refusal=1_000, report_twice=1_000, report_cut=1_000)
    before = books(serving)
    with lacking(serving, "米仓", ways) as simulator:
        # When two tins are ordered, of which it keeps back one and, of one alone, none
        order = traded(serving, simulator, 2)
    # Then each warehouse sends one, and the freight is what it was
    assert parts(serving, order) == {("near", "delivered", 1), ("far", "delivered", 1)}
    assert (simulator.counts["refused_in_part"], simulator.counts["pieces_refused"]) == (1, 1)
    assert (order["state"], order["freight_minor"]) == ("delivered", FREIGHT_FEN)
    assert_books(serving, before, sent=2, freight_minor=FREIGHT_FEN)


def test_a_pick_that_finds_nothing_anywhere_ends_the_order(serving: Serving) -> None:
    ways = replace(KIND, short_pick=1_000)
    before = books(serving)
    with lacking(serving, "茶仓", ways) as simulator:
        # One tin is missing near, and then far: of one piece no fewer can be found than none.
        order = traded(serving, simulator, 1)
    assert parts(serving, order) == {("far", "cancelled", 1)}
    assert order["state"] == "cancelled"
    assert simulator.counts["packages_shipped"] == 0
    assert_books(serving, before, sent=0, freight_minor=0)
