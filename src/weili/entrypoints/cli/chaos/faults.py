"""What is done to a house besides killing at any moment: named points, networks, clock, a crowd."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from weili.adapters.postgres.strain import (
    StrainError,
    clock_turned_back,
    connections_taken,
    table_held,
)
from weili.adapters.suppliers.dice import Dice
from weili.entrypoints.cli.chaos.house import PATIENCE_S, House, StuckError, Victim
from weili.entrypoints.cli.chaos.market import Market
from weili.entrypoints.cli.chaos.proxy import Proxy

AWAITED_S: Final = 2.0
AFTER_MS_MAX: Final = 5
DELAY_MS_MAX: Final = 3_000
DELAY_MS_MIN: Final = 200
CROWD_S: Final = 2.0
REPEATS: Final = 3
TURN_S_MAX: Final = 3_600
BACK_S_MAX: Final = 60
RETRY_S: Final = 0.1
DATABASE_PER_MILLE: Final = 300
HALF: Final = 500


@dataclass(frozen=True, slots=True)
class Point:
    """A moment in the work that is known by the table that is written next, and who writes it."""

    name: str
    table: str
    victim: Victim


POINTS: Final = (
    Point("placing: stock", "inventory.stock", Victim.PLACE),
    Point("placing: money", "ledger.transfer", Victim.PLACE),
    Point("placing: order", "dropship.order", Victim.PLACE),
    Point("placing: number", "dropship.order_number", Victim.PLACE),
    Point("placing: events", "kit.outbox", Victim.PLACE),
    Point("relaying: log", "kit.event", Victim.WORK),
    Point("queueing: prices", "pricing.transaction_day", Victim.WORK),
    Point("dispatching: queue", "dropship.supplier_queue", Victim.WORK),
    Point("cancelling, shipping: key", "kit.idempotency_key", Victim.SERVE),
    Point("cancelling, shipping: story", "dropship.history", Victim.SERVE),
)
"""Where a transaction is held, by its table, before it is killed there or just after it went on."""


def killed_at(house: House, point: Point, dice: Dice) -> tuple[str, int] | None:
    """Hold a table, and kill whoever comes to write to it there, or a moment after it went on.

    Gives what was killed, and how many processes; None when the table could not be held, or when
    nobody came.

    Raises: StuckError.
    """
    url = house.database_url()
    if url is None:
        return None
    victim = Victim.POSTGRES if dice.happens(DATABASE_PER_MILLE) else point.victim
    is_after, after_ms = dice.happens(HALF), dice.between(0, AFTER_MS_MAX)
    killed = 0
    try:
        with table_held(url, point.table, patience_s=AWAITED_S) as is_awaited:
            if not is_awaited:
                return None
            if not is_after:
                killed = house.strike(victim, dice.pick)
    except StrainError:
        return None
    if is_after:
        time.sleep(after_ms / 1000)
        killed = house.strike(victim, dice.pick)
    return victim.value, killed


class Strain(StrEnum):
    """What befalls without anybody being killed at once."""

    SUPPLIERS_DELAYED = "suppliers_delayed"
    SUPPLIERS_CUT = "suppliers_cut"
    SUPPLIERS_HALF_CLOSED = "suppliers_half_closed"
    SUPPLIERS_REPEATED = "suppliers_repeated"
    CONNECTIONS_TAKEN = "connections_taken"
    CLOCK_TURNED = "clock_turned"
    CLOCK_TURNED_BACK = "clock_turned_back"
    DATABASE_DELAYED = "database_delayed"
    DATABASE_CUT = "database_cut"
    DATABASE_HALF_CLOSED = "database_half_closed"


OVER_TCP: Final = frozenset(
    {Strain.DATABASE_DELAYED, Strain.DATABASE_CUT, Strain.DATABASE_HALF_CLOSED}
)
"""What can only befall once the database is reached over a network."""


class Strains:
    """Brings strains about."""

    def __init__(
        self, house: House, market: Market, *, suppliers: Sequence[Proxy], database: Proxy
    ) -> None:
        self._house = house
        self._market = market
        self._suppliers = suppliers
        self._database = database

    async def befall(self, strain: Strain, dice: Dice) -> None:
        """Bring a strain about; it passes by itself.

        Raises: StuckError; NoAnswerError.
        """
        match strain:
            case Strain.CONNECTIONS_TAKEN:
                await asyncio.to_thread(self._persist, lambda url: self._crowd(url, dice))
            case Strain.CLOCK_TURNED_BACK:
                by_s = dice.between(1, BACK_S_MAX)
                await asyncio.to_thread(self._persist, lambda url: clock_turned_back(url, by_s))
            case Strain.CLOCK_TURNED:
                await self._market.clock_turn(dice.between(1, TURN_S_MAX))
            case Strain.SUPPLIERS_REPEATED:
                for proxy in self._suppliers:
                    proxy.repeat(REPEATS)
            case _:
                proxies = [self._database] if strain in OVER_TCP else self._suppliers
                for proxy in proxies:
                    _hit(proxy, strain, dice)

    def _crowd(self, url: str, dice: Dice) -> None:
        """Take all connections that are left, and kill one who needs a new one, for a while."""
        with connections_taken(url):
            self._house.strike(dice.pick([Victim.PLACE, Victim.WORK]), dice.pick)
            time.sleep(CROWD_S)

    def _persist(self, strain: Callable[[str], None]) -> None:
        """Put the database under strain as soon as it answers."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            url = self._house.database_url()
            if url is not None:
                with suppress(StrainError):
                    strain(url)
                    return
            time.sleep(RETRY_S)
        raise StuckError(f"the database did not answer for {PATIENCE_S:g} s")


def _hit(proxy: Proxy, strain: Strain, dice: Dice) -> None:
    if strain in {Strain.SUPPLIERS_CUT, Strain.DATABASE_CUT}:
        proxy.cut()
    elif strain in {Strain.SUPPLIERS_DELAYED, Strain.DATABASE_DELAYED}:
        proxy.delay(dice.between(DELAY_MS_MIN, DELAY_MS_MAX) / 1000)
    else:
        proxy.half_close(towards_near=dice.happens(HALF))
