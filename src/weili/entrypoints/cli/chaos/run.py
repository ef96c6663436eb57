"""Runs the chaos once: a house, its trade, the faults, and what is found when it is over."""

import asyncio
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from weili.adapters.suppliers.dice import Dice
from weili.adapters.suppliers.hosting import SimulatorHost
from weili.adapters.suppliers.http1 import HttpClient
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
from weili.entrypoints.cli.chaos.house import House, StuckError, Victim
from weili.entrypoints.cli.chaos.market import (
    balances_read,
    market_of,
    market_open,
    patient,
    secrets_of,
    suppliers_connect,
)
from weili.entrypoints.cli.chaos.trade import AREA, CLIENTS, Book, Trade
from weili.entrypoints.cli.demo.reading import Books, books_read, pages_read

ROUND: Final = 40
"""Orders that are given to the clients for each fault."""
RESTOCK: Final = 4
LATER_MS_MAX: Final = 40
CONNECTIONS: Final = 24
GOES_ON_S: Final = 180.0
DRAIN_S: Final = 900.0
TURN_S: Final = 60
LOOK_S: Final = 0.01
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
        counted = {"faults": dict(self.faults), "asked_again": dict(self.asked_again)}
        plain = asdict(replace(self, faults=Counter(), asked_again=Counter()))
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
    is_over = False
    try:
        house.start()
        Chaos(house, summary, kills=kills, report=report).run()
        summary.whole_s = round(time.monotonic() - began, 1)
        is_over = True
    finally:
        house.end()
        if is_over and summary.is_well:
            house.remove()
            shutil.rmtree(home)
        else:
            summary.kept = str(home)
    return summary


class Chaos:
    """The trade, the faults, and the reckoning."""

    def __init__(self, house: House, summary: Summary, *, kills: int, report: Report) -> None:
        self._house = house
        self._summary = summary
        self._kills = kills
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
            )
            for party, secret in zip(self._market.suppliers, secrets_of(self._market), strict=True)
        ]

    def run(self) -> None:
        """Trade, hit, drain and check."""
        with SimulatorHost(self._simulators):
            evidence = asyncio.run(self._run())
        self._summary.violations = violations(evidence)

    async def _run(self) -> Evidence:
        try:
            await market_open(self._market)
            await suppliers_connect(self._market, self._simulators)
            stood = await self._stands()
            trade = Trade(self._market, self._summary.seed)
            trade.open()
            for nth in range(self._kills):
                await self._fault(trade, nth)
                self._report(nth + 1, trade.answered)
            await self._drained(trade)
            await trade.close()
            return await self._evidence(trade, stood)
        finally:
            await self._client.close()

    async def _stands(self) -> dict[str, tuple[int, int]]:
        return await balances_read([*self._market.partners, *self._market.suppliers])

    # --- faults -------------------------------------------------------------------------------

    async def _fault(self, trade: Trade, nth: int) -> None:
        """Hit something while orders are being placed, and see that the trade goes on."""
        dice = Dice(self._summary.seed, "fault", nth)
        victim = dice.pick(list(Victim))
        given = trade.give(ROUND)
        begun = given - dice.between(1, ROUND - CLIENTS // 2)
        await self._until(trade, lambda: trade.begun >= begun, "orders are begun")
        await asyncio.sleep(dice.between(0, LATER_MS_MAX) / 1000)
        trade.gap_begins()
        killed = await asyncio.to_thread(self._house.strike, victim, dice.pick)
        self._summary.faults[victim.value] += 1
        self._summary.processes_killed += killed
        await self._until(
            trade, lambda: trade.answered >= given, f"all orders are answered after {victim}"
        )
        if trade.gap_s > self._summary.outage_s:
            self._summary.outage_s = round(trade.gap_s, 2)
            self._summary.outage_after = victim.value
        await self._market.restock(RESTOCK, f"restock-{nth}")

    async def _until(self, trade: Trade, done: Callable[[], bool], what: str) -> None:
        """Keep the house running until something is done.

        Raises: StuckError, when it takes longer than is bearable; whatever a client failed with.
        """
        deadline = time.monotonic() + GOES_ON_S
        while not done():
            self._house.keep()
            trade.look()
            if time.monotonic() > deadline:
                raise StuckError(f"waited {GOES_ON_S:g} s in vain: {what}; see {self._house.home}")
            await asyncio.sleep(LOOK_S)

    # --- the reckoning ------------------------------------------------------------------------

    async def _drained(self, trade: Trade) -> None:
        """Wait until every order has gone its way and every message was taken.

        The clock is turned meanwhile: who did not answer is asked again after some time.
        """
        deadline = time.monotonic() + DRAIN_S
        quiet = 0
        while quiet < QUIET_LOOKS:
            self._house.keep()
            trade.look()
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
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(DRAIN_LOOK_S)

    async def _is_under_way(self, books: Sequence[Book]) -> bool:
        for book in books:
            for state in UNDER_WAY:
                path = f"/v1/orders?state={state}&limit=1"
                if (await patient(book.party.api, "GET", path)).document["items"]:
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
        reply = await patient(api, "POST", "/v1/stock:batchGet", {"items": asks})
        return {
            item["sku_id"]: Scarce(self._market.scarce[item["sku_id"]], item["available"])
            for item in reply.document["items"]
        }

    def _summed(self, evidence: Evidence, trade: Trade) -> None:
        summary = self._summary
        for book in trade.books:
            summary.acknowledged += len(book.placed)
            summary.refused += len(book.refused)
            summary.replayed += book.counts["replayed"]
            summary.messages += len(book.messages)
            summary.asked_again.update(book.party.api.troubles)
        summary.cancelled = sum(
            order["state"] == "cancelled"
            for partner in evidence.partners
            for order in partner.books.orders
        )
        summary.restarts = self._house.restarts
