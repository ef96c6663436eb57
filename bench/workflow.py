"""The order's way without HTTP: group commit and the workflow, in this process.

What HTTP, signatures and the server process cost is the distance between this and the API.
"""

import asyncio
import gc
import random
import secrets
import socket
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bench.market import Market
from weili.entrypoints.http.placing import PlaceRequest, place_lane, place_work
from weili.kit.context import PartyId
from weili.kit.world import World, in_transaction
from weili.modules import dropship
from weili.workflows.place_dropship_orders import place_dropship_orders


@dataclass(frozen=True, slots=True)
class Run:
    """What one run in this process came to."""

    clients: int
    orders_per_s: float
    median_ms: float
    p99_ms: float
    orders: int


def commands(
    market: Market, dice: random.Random, *, hot: bool, count: int, partner: int | None = None
) -> list[dropship.PlaceOrder]:
    """Draft orders of random partners, or of one, under numbers not used before."""
    run = secrets.token_hex(4)
    made = []
    for i in range(count):
        chosen = dice.randrange(len(market.partner_ids)) if partner is None else partner
        draft = market.draft(dice, f"W{run}-{i}", hot=hot)
        partner_id = PartyId(UUID(market.partner_ids[chosen]))
        made.append(dropship.PlaceOrder(partner_id, draft, dropship.digest(draft)))
    return made


def sample(market: Market, *, lines: int) -> dropship.PlaceOrder:
    """Draft an order of so many lines."""
    dice = random.Random()
    while True:
        [command] = commands(market, dice, hot=False, count=1)
        if len(command.draft.lines) == lines:
            return command


def fill(world: World, market: Market, *, orders: int, size: int) -> None:
    """Place orders in batches, so that the tables are not empty."""
    for _ in range(orders // size):
        place(world, commands(market, random.Random(), hot=False, count=size))


def singles(world: World, market: Market, *, hot: bool, clients: int, seconds: float) -> Run:
    """Place single orders by ``clients`` that each wait for their answer.

    Raises: RuntimeError when an order is refused: here there is plenty of everything.
    """
    todo = iter(commands(market, random.Random(), hot=hot, count=int(8_000 * seconds)))
    times: list[float] = []
    _forget_garbage()

    async def client(end: float) -> None:
        for command in todo:
            before = time.perf_counter()
            if before > end:
                break
            outcomes = await lane.ask(PlaceRequest((command,)))
            times.append(time.perf_counter() - before)
            _placed_check(outcomes)

    async def clients_all() -> float:
        await lane.open()
        start = time.perf_counter()
        await asyncio.gather(*(client(start + seconds) for _ in range(clients)))
        lane.close()
        return time.perf_counter() - start

    near, far = socket.socketpair()
    with near, far:
        lane = place_lane(near)
        worker = threading.Thread(target=place_work, args=(world, far))
        worker.start()
        took = asyncio.run(clients_all())
        worker.join()
    return _run(clients, times, len(times), took)


def batches(world: World, market: Market, *, size: int, seconds: float) -> Run:
    """Place batches of one partner's orders, one after another.

    Raises: RuntimeError when an order is refused.
    """
    dice = random.Random()
    many = [
        commands(market, dice, hot=False, count=size, partner=dice.randrange(len(market.key_ids)))
        for _ in range(int(60 * seconds))
    ]
    times: list[float] = []
    _forget_garbage()
    start = time.perf_counter()
    for batch in many:
        before = time.perf_counter()
        if before - start > seconds:
            break
        _placed_check(place(world, batch))
        times.append(time.perf_counter() - before)
    return _run(1, times, len(times) * size, time.perf_counter() - start)


def place(world: World, batch: Sequence[dropship.PlaceOrder]) -> list[dropship.Outcome]:
    """Place a batch in one transaction, as the server does."""
    return in_transaction(world.begin, lambda ctx: place_dropship_orders(ctx, commands=batch))


def _placed_check(outcomes: Sequence[dropship.Outcome]) -> None:
    refused = [outcome for outcome in outcomes if not isinstance(outcome, dropship.Placed)]
    if refused:
        raise RuntimeError(refused[0])


def _forget_garbage() -> None:
    """Keep the collector from walking over the orders made ready, which a server never holds."""
    gc.collect()
    gc.freeze()


def _run(clients: int, times: list[float], orders: int, took_s: float) -> Run:
    return Run(
        clients,
        round(orders / took_s, 1),
        round(statistics.median(times) * 1e3, 2),
        round(statistics.quantiles(times, n=100)[98] * 1e3, 2),
        orders,
    )
