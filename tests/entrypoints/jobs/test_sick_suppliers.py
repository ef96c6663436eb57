"""One supplier that hangs and one that is not there, beside three that are well: over real HTTP."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import weili
from tests.market import EGGS_COST_FEN, EGGS_FEN, XIHU, Market
from weili.adapters.carriers import HttpCarrierGateway
from weili.adapters.suppliers import HttpSupplierGateway
from weili.adapters.suppliers.hosting import SimulatorHost
from weili.adapters.suppliers.platform_api import Credentials
from weili.adapters.suppliers.simulator import SupplierAccount, SupplierSimulator
from weili.adapters.suppliers.unkindness import KIND
from weili.entrypoints.jobs import Worker
from weili.kit.context import Ctx, PartyId
from weili.kit.world import clock_turn
from weili.modules import dropship, goods, inventory, ledger, parties, pricing
from weili.workflows.dispatch_orders import dispatch_orders, orders_queue
from weili.workflows.place_dropship_orders import place_dropship_orders

PATIENCE_S = 60.0
SECRET = "a supplier's secret"
ORDERS, MANY = 6, 24
NEVER_PACKS = replace(KIND, packing_ms_max=1, slow_packing=1_000, slow_packing_ms=3_600_000)
NOBODY = SupplierAccount("127.0.0.1", 9, Credentials("key_none", "none"))
USCC = ("91330100MA2AA0101Q", "91330100MA2AA0102U", "91330100MA2AA0103Y")


@dataclass
class Hanging:
    """A supplier's system that takes connections and says nothing until it is let go."""

    url: str
    asked: int = 0


@contextmanager
def hanging() -> Iterator[Hanging]:
    """Run it for the block; at its end every caller is cut off."""
    kept: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                kept.append(connection)
                system.asked += 1

    with socket.create_server(("127.0.0.1", 0)) as listening:
        system = Hanging(f"http://127.0.0.1:{listening.getsockname()[1]}")
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield system
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


def gone() -> str:
    """Give the address of a system that refuses every connection."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def well(number: int) -> SupplierSimulator:
    """Give a supplier's system with which nothing goes wrong."""
    return SupplierSimulator(
        name=f"well {number}", secret=SECRET, account=NOBODY, seed=number, unkindness=NEVER_PACKS
    )


def until(what: str, done: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def test_sick_suppliers_do_not_delay_those_that_are_well(market: Market) -> None:
    simulators = [well(number) for number in range(3)]
    # A call to the one that hangs lasts longer than the whole story.
    with (
        SimulatorHost(simulators),
        closing(HttpSupplierGateway(call_timeout_s=10 * PATIENCE_S)) as gateway,
    ):
        worker = Worker({"sandbox": market.world}, gateway, HttpCarrierGateway())
        with hanging() as system:
            # Given five suppliers, the sick ones with many orders before the others' few
            skus = {market.grocer: market.tea, market.farm: market.eggs} | _three_more(market)
            well_ones = list(skus)[2:]
            urls = [system.url, gone(), *(simulator.base_url for simulator in simulators)]
            _connect(market, dict(zip(skus, urls, strict=True)))
            for supplier, sku in skus.items():
                _place(market, sku, ORDERS if supplier in well_ones else MANY)
            # When a worker runs
            worker.start()
            # Then all orders of those that are well get there,
            until("all taken", lambda: not any(_waiting(market, one) for one in well_ones))
            assert [simulator.counts for simulator in simulators] == [{"taken": ORDERS}] * 3
            # while the first calls to the one that hangs still wait, each of its callers with one,
            assert 0 < system.asked <= dropship.TURNS_AT_ONCE
            assert _health(market, market.grocer).failures == 0
            # and the one that is not there is paused.
            until("paused", lambda: _health(market, market.farm).paused_until is not None)
            assert _health(market, market.farm).failures >= dropship.FAILURES_MAX
            assert [_waiting(market, one) for one in list(skus)[:2]] == [MANY, MANY]
        assert worker.stop()


def test_a_supplier_that_comes_back_gets_each_order_once(market: Market) -> None:
    simulator = well(1)
    with closing(HttpSupplierGateway(call_timeout_s=0.2)) as gateway:
        _place(market, market.tea, ORDERS)
        # Given a supplier that hung until it was paused
        with hanging() as system:
            _connect(market, {market.grocer: system.url})
            while dispatch_orders(market.world.begin, gateway):
                pass
        assert system.asked == dropship.FAILURES_MAX
        assert _health(market, market.grocer).paused_until is not None
    with SimulatorHost([simulator]), closing(HttpSupplierGateway()) as gateway:
        # When its address is another, then it is served at once
        _connect(market, {market.grocer: simulator.base_url})
        while dispatch_orders(market.world.begin, gateway):
            pass
    assert simulator.counts == {"taken": ORDERS}
    assert _health(market, market.grocer).failures == 0


KILLED = textwrap.dedent("""
    import os, pathlib, signal, sys
    from weili.adapters.suppliers import HttpSupplierGateway
    from weili.kit.secrets import KeyRing
    from weili.kit.world import World
    from weili.workflows.dispatch_orders import dispatch_orders

    class Killed(HttpSupplierGateway):
        def submit(self, endpoint, *, order):
            print(super().submit(endpoint, order=order).kind, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    url, keyring = sys.argv[1:]
    dispatch_orders(World("sandbox", url, KeyRing.load(pathlib.Path(keyring))).begin, Killed())
""")


def test_a_process_killed_between_answer_and_note_makes_no_second_order(
    market: Market, database: str, tmp_path: Path
) -> None:
    simulator = well(1)
    market.world.keyring.save(tmp_path / "keyring")
    with SimulatorHost([simulator]), closing(HttpSupplierGateway()) as gateway:
        _connect(market, {market.grocer: simulator.base_url})
        _place(market, market.tea, 1)
        # Given a dispatcher that is killed as soon as the supplier has said yes
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, database, str(tmp_path / "keyring")],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(weili.__file__).parents[1])},
        )
        assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "yes\n"), killed.stderr
        assert _waiting(market, market.grocer) == 1
        # Then nobody asks while its claim lasts, and after that the next asks for the same
        assert dispatch_orders(market.world.begin, gateway) == 0
        with market.world.begin() as ctx:
            clock_turn(ctx, ahead_s=int(dropship.CLAIM_LASTS.total_seconds()))
        assert dispatch_orders(market.world.begin, gateway) == 1
        # and the supplier, who knows it by its id, has one order.
        assert simulator.counts == {"taken": 1, "seen_again": 1}
        assert len(simulator.stages) == 1
    assert _waiting(market, market.grocer) == 0


def _connect(market: Market, urls: Mapping[PartyId, str]) -> None:
    with market.world.begin() as ctx:
        for supplier, url in urls.items():
            dropship.connection_put(ctx, supplier_id=supplier, base_url=url, secret=SECRET)


def _place(market: Market, sku_id: goods.SkuId, count: int) -> None:
    with market.world.begin() as ctx:
        ids = []
        for number in range(count):
            draft = market.draft(f"{sku_id}-{number}", (sku_id, 1))
            [outcome] = place_dropship_orders(ctx, commands=[market.command(draft)])
            assert isinstance(outcome, dropship.Placed)
            ids.append(outcome.order_id)
        orders_queue(ctx, order_ids=ids)


def _three_more(market: Market) -> dict[PartyId, goods.SkuId]:
    """Open three more suppliers, each with one SKU in a warehouse of its own."""
    with market.world.begin() as ctx:
        return dict(_one_more(ctx, market, number) for number in range(3))


def _one_more(ctx: Ctx, market: Market, number: int) -> tuple[PartyId, goods.SkuId]:
    kind = parties.PartyKind.SUPPLIER
    name = f"well {number}"
    supplier = parties.party_open(
        ctx, kind=kind, name=name, legal_name=f"{name} Ltd", uscc=USCC[number]
    ).id
    ledger.account_open(ctx, kind=ledger.AccountKind.SUPPLIER_PAYABLE, party_id=supplier)
    row = goods.GoodsRow(supplier, name, "散养土鸡蛋 30 枚", ("食品", "生鲜", "蛋类"))
    [sku] = goods.goods_put(ctx, rows=[row]).sku_ids.values()
    goods.sku_shelve(ctx, sku_ids=[sku], state=goods.SkuState.ON_SHELF)
    pool = goods.pool_open(ctx, name=name)
    goods.pool_put(ctx, pool_id=pool, sku_ids=[sku])
    goods.pool_grant(ctx, pool_id=pool, partner_id=market.street)
    warehouse = inventory.warehouse_open(
        ctx, code=f"WELL{number}", supplier_id=supplier, name=name, region_code=XIHU
    ).id
    coverage = [inventory.CoverageRow("330000", 1, 1)]
    inventory.coverage_put(ctx, warehouse_id=warehouse, rows=coverage)
    change = inventory.StockChange(sku, warehouse, "first count", on_hand=100)
    inventory.stock_change(ctx, changes=[change])
    price = pricing.PriceRow(sku, 1, EGGS_FEN)
    pricing.prices_put(ctx, list_id=market.price_list, rows=[price])
    pricing.costs_put(ctx, rows=[pricing.CostRow(sku, EGGS_COST_FEN)])
    return supplier, sku


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


def _health(market: Market, supplier_id: PartyId) -> dropship.QueueStatus:
    with market.world.begin() as ctx:
        return dropship.queue_status(ctx, supplier_id=supplier_id)
