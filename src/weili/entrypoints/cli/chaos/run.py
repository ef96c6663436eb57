"""Runs the chaos once: a house, its trade, the faults, and what is found when it is over."""

import asyncio
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from weili.adapters.suppliers.dice import Dice
from weili.adapters.suppliers.hosting import SimulatorHost
from weili.adapters.suppliers.http1 import HttpClient
from weili.adapters.suppliers.platform_api import NoAnswerError
from weili.adapters.suppliers.simulator import SupplierAccount, SupplierSimulator
from weili.adapters.suppliers.unkindness import Unkindness
from weili.entrypoints.cli.chaos.checks import (
    Evidence,
    PartnerEvidence,
    Scarce,
    SupplierEvidence,
    Violation,
    violations,
)
from weili.entrypoints.cli.chaos.faults import OVER_TCP, POINTS, Strain, Strains, killed_at
from weili.entrypoints.cli.chaos.house import House, StuckError, Victim
from weili.entrypoints.cli.chaos.market import (
    ATTEMPTS_MAX,
    balances_read,
    market_of,
    market_open,
    secrets_of,
    suppliers_connect,
)
from weili.entrypoints.cli.chaos.proxy import Ends, Proxy
from weili.entrypoints.cli.chaos.trade import AREA, CLIENTS, Book, Trade
from weili.entrypoints.cli.demo.reading import Books, books_read, pages_read

ROUND: Final = 40
"""Orders that are given to the clients for each fault."""
RESTOCK: Final = 4
LATER_MS_MAX: Final = 40
CONNECTIONS: Final = 24
GOES_ON_S: Final = 300.0
STALLED_S: Final = 180.0
DRAIN_S: Final = 3_600.0
TURN_S: Final = 60
LOOK_S: Final = 0.02
KEEP_S: Final = 0.05
STRAIN_PER_MILLE: Final = 333
POINT_PER_MILLE: Final = 300
DRAIN_LOOK_S: Final = 1.0
QUIET_LOOKS: Final = 2
UNDER_WAY: Final = ("held", "confirmed", "released", "cancelling", "part_shipped", "shipped")
PATIENT_SUPPLIER: Final = Unkindness(refusal=0, part_refusal=0, short_pick=0, late_shipping=0)
"""Rude as real ones are, but it sends whatever was ordered: so each piece can be accounted for."""

Report = Callable[[int, int], None]
"""Is told how many faults are over, and how many orders were answered."""


@dataclass(slots=True)
class Summary:
    """What happened, and what was found."""

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    processes_killed: int = 0
    restarts: int = 0
    acknowledged: int = 0
    refused: int = 0
    cancelled: int = 0
    replayed: int = 0
    asked_again: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    outage_s: float = 0.0
    outage_after: str = ""
    whole_s: float = 0.0
    kept: str = ""
    violations: list[Violation] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Say whether nothing is off."""
        return not self.violations

    def document(self) -> dict[str, Any]:
        """Give everything for a script."""
        # A counter is made of what it counts, not of pairs as `asdict` would have it.
        counted = {name: dict(getattr(self, name)) for name in ("faults", "points", "asked_again")}
        empty = Counter[str]()
        plain = asdict(replace(self, faults=empty, points=empty, asked_again=empty))
        return {"ok": self.is_well, "fault_count": self.faults.total(), **plain, **counted}


def run(environ: Mapping[str, str], *, kills: int, seed: int, report: Report) -> Summary:
    """Run it; ``report`` is told how far it is.

    Raises: StuckError, when what was killed does not come back.
    """
    began = time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="weili-chaos-"))
    house = House(home / "home", environ)
    house.home.mkdir(mode=0o700)
    summary = Summary(seed)
    is_kept = True
    try:
        house.start()
        Chaos(house, summary, kills=kills, report=report).run()
        is_kept = not summary.is_well
    except KeyboardInterrupt:
        is_kept = False
        raise
    except (StuckError, NoAnswerError) as error:
        raise StuckError(f"seed {seed}: {error}; kept: {home}") from error
    except Exception as error:
        error.add_note(f"seed {seed}; kept: {home}")
        raise
    finally:
        house.end()
        if not is_kept:
            house.remove()
            shutil.rmtree(home)
    summary.kept = str(home) if is_kept else ""
    summary.kills = kills
    summary.whole_s = round(time.monotonic() - began, 1)
    return summary


class Chaos:
    """The trade, the faults, and the reckoning."""

    def __init__(self, house: House, summary: Summary, *, kills: int, report: Report) -> None:
        self._house = house
        self._summary = summary
        self._kills = kills
        self._socket: Path | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._report = report
        self._client = HttpClient("127.0.0.1", house.port, connections=CONNECTIONS)
        self._market = market_of(house.keys(), self._client)
        self._simulators = [
            SupplierSimulator(
                name=party.name,
                secret=secret,
                account=SupplierAccount("127.0.0.1", house.port, party.credentials),
                seed=summary.seed,
                unkindness=PATIENT_SUPPLIER,
                attempts_max=ATTEMPTS_MAX,
            )
            for party, secret in zip(self._market.suppliers, secrets_of(self._market), strict=True)
        ]

    def run(self) -> None:
        """Trade, hit, drain and check."""
        with SimulatorHost(self._simulators):
            evidence = asyncio.run(self._run())
        self._summary.violations = violations(evidence)

    async def _run(self) -> Evidence:
        suppliers = [Proxy(_reach_port(_port_of(one.base_url))) for one in self._simulators]
        database = Proxy(self._reach_database)
        trade = Trade(self._market, self._summary.seed)
        try:
            for proxy in (*suppliers, database):
                await proxy.start()
            await market_open(self._market)
            await suppliers_connect(self._market, [proxy.port for proxy in suppliers])
            stood = await self._stands()
            self._keeper = asyncio.create_task(self._keep())
            trade.open()
            strains = Strains(self._house, self._market, suppliers=suppliers, database=database)
            await self._faults(trade, strains, database)
            await self._drained(trade)
            await trade.close()
            return await self._evidence(trade, stood)
        finally:
            await trade.abandon()
            if self._keeper is not None:
                self._keeper.cancel()
                await asyncio.gather(self._keeper, return_exceptions=True)
            for proxy in (*suppliers, database):
                await proxy.close()
            await self._client.close()

    async def _reach_database(self) -> Ends:
        if self._socket is None:
            raise ConnectionRefusedError
        return await asyncio.open_unix_connection(self._socket)

    async def _keep(self) -> None:
        """Keep the house running, whatever else is waited for."""
        while True:
            await asyncio.to_thread(self._house.keep)
            await asyncio.sleep(KEEP_S)

    def _kept(self, trade: Trade) -> None:
        """See that clients and keeper are there.

        Raises: whatever one of them failed with.
        """
        trade.look()
        if self._keeper is not None and self._keeper.done():
            self._keeper.result()

    async def _stands(self) -> dict[str, tuple[int, int]]:
        return await balances_read([*self._market.partners, *self._market.suppliers])

    # --- faults -------------------------------------------------------------------------------

    async def _faults(self, trade: Trade, strains: Strains, database: Proxy) -> None:
        """Kill so often, with strains in between; halfway the database moves out."""
        for nth in range(self._kills):
            dice = Dice(self._summary.seed, "fault", nth)
            if nth == self._kills // 2:
                self._socket = await asyncio.to_thread(self._house.database_socket)
                await asyncio.to_thread(self._house.database_part, database.port)
            await self._round(trade, dice, self._kill)
            if dice.happens(STRAIN_PER_MILLE):
                is_apart = nth >= self._kills // 2
                possible = [one for one in Strain if is_apart or one not in OVER_TCP]
                strain = dice.pick(possible)

                async def befall(dice: Dice, strain: Strain = strain) -> str:
                    await strains.befall(strain, dice)
                    return strain.value

                await self._round(trade, dice, befall)
            await self._market.restock(RESTOCK, f"restock-{nth}")
            self._report(nth + 1, trade.answered)

    async def _round(
        self, trade: Trade, dice: Dice, strike: Callable[[Dice], Awaitable[str]]
    ) -> None:
        """Hit something while orders are being placed, and see that the trade goes on."""
        given = trade.give(ROUND)
        begun = given - dice.between(1, ROUND - CLIENTS // 2)
        await self._until(trade, lambda: trade.begun >= begun, "orders are begun")
        await asyncio.sleep(dice.between(0, LATER_MS_MAX) / 1000)
        trade.gap_begins()
        name = await strike(dice)
        self._summary.faults[name] += 1
        await self._until(
            trade, lambda: trade.answered >= given, f"all orders are answered after: {name}"
        )
        if trade.gap_s > self._summary.outage_s:
            self._summary.outage_s = round(trade.gap_s, 2)
            self._summary.outage_after = name

    async def _kill(self, dice: Dice) -> str:
        """Kill one that is drawn, or one at a point that is drawn."""
        if dice.happens(POINT_PER_MILLE):
            point = dice.pick(POINTS)
            found = await asyncio.to_thread(killed_at, self._house, point, dice)
            if found is not None:
                name, killed = found
                self._summary.processes_killed += killed
                self._summary.points[point.name] += 1
                return name
        victim = dice.pick(list(Victim))
        killed = await asyncio.to_thread(self._house.strike, victim, dice.pick)
        self._summary.processes_killed += killed
        return victim.value

    async def _until(self, trade: Trade, done: Callable[[], bool], what: str) -> None:
        """Wait until something is done.

        Raises: StuckError, when it takes longer than is bearable; whatever a client failed with.
        """
        deadline = time.monotonic() + GOES_ON_S
        while not done():
            self._kept(trade)
            if time.monotonic() > deadline:
                raise StuckError(f"waited {GOES_ON_S:g} s in vain: {what}")
            await asyncio.sleep(LOOK_S)

    # --- the reckoning ------------------------------------------------------------------------

    async def _drained(self, trade: Trade) -> None:
        """Wait until every order has gone its way and every message was taken.

        The clock is turned meanwhile: who did not answer is asked again after some time. When
        nothing has gone on for a while, what is stuck is for the checks to tell.
        """
        quiet, seen, since = 0, self._gone_on(trade.books), time.monotonic()
        deadline = since + DRAIN_S
        while quiet < QUIET_LOOKS and time.monotonic() < min(since + STALLED_S, deadline):
            self._kept(trade)
            if (gone_on := self._gone_on(trade.books)) != seen:
                seen, since = gone_on, time.monotonic()
            is_quiet = all(simulator.is_quiet for simulator in self._simulators)
            before = sum(len(book.messages) for book in trade.books)
            if is_quiet and not await self._is_under_way(trade.books):
                for book in trade.books:
                    while await book.messages_take():
                        pass
                after = sum(len(book.messages) for book in trade.books)
                quiet = quiet + 1 if after == before else 0
            else:
                await self._market.clock_turn(TURN_S)
            await asyncio.sleep(DRAIN_LOOK_S)

    def _gone_on(self, books: Sequence[Book]) -> tuple[object, ...]:
        """Give what changes as long as suppliers work and messages come."""
        messages = sum(len(book.messages) for book in books)
        return messages, *(Counter(simulator.stages.values()) for simulator in self._simulators)

    async def _is_under_way(self, books: Sequence[Book]) -> bool:
        for book in books:
            for state in UNDER_WAY:
                path = f"/v1/orders?state={state}&limit=1"
                if (await book.party.api.insist("GET", path)).document["items"]:
                    return True
        return False

    async def _evidence(self, trade: Trade, stood: Mapping[str, tuple[int, int]]) -> Evidence:
        stands = await self._stands()
        partners = [
            PartnerEvidence(
                name=book.party.name,
                wanted=book.wanted,
                placed=book.placed,
                refused=book.refused,
                wrong=book.wrong,
                books=await self._books(book),
                stood=stood[book.party.party_id],
                stands=stands[book.party.party_id],
            )
            for book in trade.books
        ]
        suppliers = [
            SupplierEvidence(
                name=party.name,
                stages=dict(simulator.stages),
                owed_minor=simulator.owed_minor,
                unexpected=simulator.unexpected,
                stood=stood[party.party_id],
                stands=stands[party.party_id],
            )
            for party, simulator in zip(self._market.suppliers, self._simulators, strict=True)
        ]
        verified = await asyncio.to_thread(self._house.command, "verify", "--json")
        found = json.loads(verified.stdout)
        evidence = Evidence(
            partners,
            suppliers,
            await self._scarce(),
            [f"{one['check']}: {one['where']}: {one['what']}" for one in found["findings"]],
            found["events_waiting"],
            await asyncio.to_thread(self._house.left_behind),
        )
        self._summed(evidence, trade)
        return evidence

    async def _books(self, book: Book) -> Books:
        books = await books_read(book.party.api)
        books.orders = await pages_read(book.party.api, "/v1/orders?limit=100")
        books.messages = book.messages
        return books

    async def _scarce(self) -> dict[str, Scarce]:
        """Ask what is left of what is scarce; it lies in one place, which serves the area."""
        asks = [{"sku_id": sku_id, "area_code": AREA} for sku_id in self._market.scarce]
        api = self._market.partners[0].api
        reply = await api.insist("POST", "/v1/stock:batchGet", {"items": asks})
        return {
            item["sku_id"]: Scarce(self._market.scarce[item["sku_id"]], item["available"])
            for item in reply.document["items"]
        }

    def _summed(self, evidence: Evidence, trade: Trade) -> None:
        summary = self._summary
        for book in trade.books:
            summary.acknowledged += len(book.placed)
            summary.refused += len(book.refused)
            summary.replayed += book.replayed
            summary.messages += len(book.messages)
            summary.asked_again.update(book.party.api.troubles)
        summary.cancelled = sum(
            order["state"] == "cancelled"
            for partner in evidence.partners
            for order in partner.books.orders
        )
        summary.restarts = self._house.restarts


def _reach_port(port: int) -> Callable[[], Awaitable[Ends]]:
    return lambda: asyncio.open_connection("127.0.0.1", port)


def _port_of(url: str) -> int:
    return int(url.rpartition(":")[2])
