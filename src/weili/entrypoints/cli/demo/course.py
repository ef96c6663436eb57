"""The course of the demo: what happens one after another, all of it over HTTP."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from weili.adapters.suppliers.http1 import HttpClient
from weili.adapters.suppliers.platform_api import PlatformApi
from weili.adapters.suppliers.simulator import SupplierSimulator
from weili.entrypoints.cli.demo.ground import Ground
from weili.entrypoints.cli.demo.market import Market, Trader
from weili.entrypoints.cli.demo.plan import Plan, PriceChange
from weili.entrypoints.cli.demo.reading import Books, books_read, messages_read, pages_read
from weili.entrypoints.cli.demo.themes.course import themes_tried
from weili.entrypoints.cli.demo.themes.desk import Desk
from weili.entrypoints.cli.demo.themes.lists import compared, partner_lists, supplier_lists
from weili.entrypoints.cli.demo.trade import Document, PartnerProgram

SENDERS: Final = 32
READERS: Final = 16
ROWS_MAX: Final = 500
STUCK_S: Final = 60.0
LOOK_S: Final = 0.25
HOLDS_LAPSE_S: Final = 31 * 60
RETRY_S: Final = 60
TURN_EVERY_S: Final = 2.0
RETURNS_END_S: Final = 8 * 86_400
UNSHIPPED: Final = (
    "held",
    "confirmed",
    "released",
    "cancelling",
    "part_shipped",
    "shipped",
)

Report = Callable[[str, int, int], None]
"""Is told how far the step of this name is: done, of how many."""


@dataclass(slots=True)
class Outcome:
    """All that the demo's programs know when it is over."""

    programs: Sequence[PartnerProgram]
    desk: Desk
    partners: dict[str, Books] = field(default_factory=dict)
    suppliers: dict[str, Books] = field(default_factory=dict)
    placing_s: float = 0.0
    placed_while_placing: int = 0
    wrong: list[str] = field(default_factory=list)


class Course:
    """Runs the plan against the ground."""

    def __init__(
        self,
        ground: Ground,
        market: Market,
        plan: Plan,
        simulators: Sequence[SupplierSimulator],
        report: Report,
    ) -> None:
        self._ground = ground
        self._market = market
        self._plan = plan
        self._simulators = simulators
        self._report = report
        self._client = HttpClient(ground.host, ground.port, connections=SENDERS)
        self._operator = self._api(market.operator)
        self._turns = 0
        self.outcome = Outcome(
            [
                PartnerProgram(trader.name, trader.party_id, self._api(trader))
                for trader in market.partners
            ],
            Desk(
                self._operator,
                self._turn,
                partial(PlatformApi, self._client),
                self._api(market.cashier),
                list_id=market.standard_list_id,
            ),
        )

    async def run(self) -> Outcome:
        """Trade from the first top-up to the last statement."""
        try:
            await self._run()
        finally:
            await self._client.close()
        return self.outcome

    async def _run(self) -> None:
        programs = self.outcome.programs
        await self._prepare()
        await self._place()
        for simulator in self._simulators:
            simulator.open()
        await self._each("cancel", programs, PartnerProgram.cancel_late)
        await self._poor_try_again()
        await self._turn(HOLDS_LAPSE_S)
        await self._until("ship", UNSHIPPED)
        await self._each("receive", programs, PartnerProgram.confirm_receipts)
        await self._turn(RETURNS_END_S)
        await self._until("complete", (*UNSHIPPED, "delivered"))
        await self._each("read", programs, self._partner_reads)
        for name, supplier in self._market.suppliers.items():
            self.outcome.suppliers[name] = await books_read(self._api(supplier.trader))
        await self._lists_compared()
        await themes_tried(
            self.outcome.desk,
            operator_id=self._market.operator.party_id,
            report=lambda done, whole: self._report("themes", done, whole),
        )

    def _api(self, trader: Trader) -> PlatformApi:
        return PlatformApi(self._client, trader.credentials)

    # --- before and while placing ----------------------------------------------------------------

    async def _prepare(self) -> None:
        """Connect suppliers, receive goods, take money in, and let partners read their prices."""
        for simulator in self._simulators:
            supplier = self._market.suppliers[simulator.name]
            path = f"/v1/operator/suppliers/{supplier.trader.party_id}/connection"
            document = {"base_url": simulator.base_url, "secret": supplier.secret}
            await self._operate("PUT", path, document)
        await self._stock_put(self._plan.stock, "received for the demo")
        await self._stock_put(self._plan.elsewhere, "received for the demo", house=1)
        await self._stock_put(self._plan.scarce, "counted again: little is left")
        for index, amount_minor in self._plan.top_ups.items():
            await self._top_up(index, amount_minor, "opening")
        sku_ids = sorted({sku for intent in self._plan.intents for sku, _ in intent.lines})
        await self._each("prepare", self.outcome.programs, lambda one: one.prices_read(sku_ids))

    async def _stock_put(
        self, counts: Mapping[str, int], reference: str, *, house: int = 0
    ) -> None:
        """Count stock in the supplier's first warehouse, where the import put it, or in another.

        What suppliers without that warehouse have is left out.
        """
        homes = {
            item.sku_id: self._market.suppliers[item.supplier].warehouse_ids[house:][:1]
            for item in self._market.items
        }
        changes = [
            {"sku_id": sku_id, "warehouse_id": home, "on_hand": count}
            for sku_id, count in counts.items()
            for home in homes[sku_id]
        ]
        for start in range(0, len(changes), ROWS_MAX):
            document = {"changes": changes[start : start + ROWS_MAX], "reference": reference}
            await self._operate("PUT", "/v1/operator/stock", document)

    async def _top_up(self, index: int, amount_minor: int, reference: str) -> None:
        program = self.outcome.programs[index]
        path = f"/v1/operator/partners/{program.party_id}:topUp"
        key = f"{reference}-{index}"
        await self._operate("POST", path, {"amount_minor": amount_minor, "reference": key}, key)
        program.topped_up_minor += amount_minor

    async def _place(self) -> None:
        """Send everything, many at once, while some prices change."""
        sends = self._plan.sends
        changes = {change.after_sends: change for change in self._plan.price_changes}
        programs = self.outcome.programs
        upcoming = iter(enumerate(sends))
        done = 0

        async def sender() -> None:
            nonlocal done
            for number, send in upcoming:
                if number in changes:
                    await self._prices_put(changes[number])
                await programs[send.intents[0].partner].send(send)
                done += len(send.intents)
                self._report("place", done, len(self._plan.intents))

        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(sender())
        self.outcome.placing_s = time.monotonic() - began
        self.outcome.placed_while_placing = sum(len(program.placed) for program in programs)

    async def _prices_put(self, change: PriceChange) -> None:
        path = f"/v1/operator/price-lists/{self._market.standard_list_id}/prices"
        prices = [
            {"sku_id": sku_id, "quantity_min": 1, "unit_price_minor": price_minor}
            for sku_id, price_minor in change.prices.items()
        ]
        await self._operate("PUT", path, {"prices": prices})

    async def _poor_try_again(self) -> None:
        """Top up those who ran out of money; they send again what was refused."""
        for index, amount_minor in self._plan.later_top_ups.items():
            await self._top_up(index, amount_minor, "later")
            program = self.outcome.programs[index]
            for intent in list(program.refused.values()):
                await program.place(intent)

    # --- until it is quiet -----------------------------------------------------------------------

    async def _turn(self, ahead_s: int) -> datetime:
        """Turn the clock; gives what it shows then."""
        self._turns += 1
        key = f"turn-{self._turns}"
        said = {"ahead_s": ahead_s}
        now = (await self._operate("POST", "/v1/operator/clock:turn", said, key))["now"]
        return datetime.fromisoformat(now)

    async def _until(self, step: str, states: Sequence[str]) -> None:
        """Wait until no order is in one of these states; not for ever when nothing moves.

        The clock is turned on a little meanwhile: a supplier that did not answer is asked again
        after some time, and nobody here wants to wait for it.
        """
        deadline = time.monotonic() + STUCK_S
        turn_at = 0.0
        seen = -1
        while True:
            self._ground.look()
            is_quiet = all(simulator.is_quiet for simulator in self._simulators)
            done, taken = self._count("done"), self._count("taken")
            self._report(step, done, taken)
            if done + taken != seen:
                seen, deadline = done + taken, time.monotonic() + STUCK_S
            if is_quiet and not await self._is_any_in(states):
                self._report(step, taken, taken)
                return
            if time.monotonic() > deadline:
                self.outcome.wrong.append(f"{step}: nothing moved for {STUCK_S:g} s")
                return
            if time.monotonic() > turn_at:
                await self._turn(RETRY_S)
                turn_at = time.monotonic() + TURN_EVERY_S
            await asyncio.sleep(LOOK_S)

    def _count(self, name: str) -> int:
        return sum(simulator.counts[name] for simulator in self._simulators)

    async def _is_any_in(self, states: Sequence[str]) -> bool:
        for program in self.outcome.programs:
            for state in states:
                reply = await program.api.insist("GET", f"/v1/orders?state={state}&limit=1")
                if reply.document["items"]:
                    return True
        return False

    # --- at the end ------------------------------------------------------------------------------

    async def _partner_reads(self, program: PartnerProgram) -> None:
        books = await books_read(program.api)
        books.orders = await pages_read(program.api, "/v1/orders?limit=100")
        await messages_read(program.api, books)
        self.outcome.partners[program.name] = books

    async def _lists_compared(self) -> None:
        """Let all partners and suppliers hold their lists of each day against the platform's."""
        sides = [
            (program.name, program.api, partner_lists(self.outcome.partners[program.name]))
            for program in self.outcome.programs
        ]
        for simulator in self._simulators:
            api = self._api(self._market.suppliers[simulator.name].trader)
            sides.append((simulator.name, api, supplier_lists(simulator.shipped.items())))
        for name, api, lists in sides:
            count, orders, off = await compared(api, lists)
            self.outcome.desk.count(
                "lists", parties=1, lists=count, orders=orders, differences=len(off)
            )
            self.outcome.wrong += [f"{name}: {text}" for text in off]

    async def _operate(
        self, method: str, path: str, document: Mapping[str, Any], key: str | None = None
    ) -> Document:
        """Let the operator do something, which must succeed."""
        reply = await self._operator.insist(method, path, document, key=key)
        if reply.status >= 300:  # noqa: PLR2004 - anything but a 2xx
            raise RuntimeError(f"{method} {path}: {reply.status} {reply.document}")
        return reply.document

    async def _each(
        self,
        step: str,
        programs: Iterable[PartnerProgram],
        verb: Callable[[PartnerProgram], Awaitable[None]],
    ) -> None:
        """Let every partner do something, several at once."""
        rest = list(programs)
        upcoming = iter(rest)
        done = 0

        async def worker() -> None:
            nonlocal done
            for program in upcoming:
                await verb(program)
                done += 1
                self._report(step, done, len(rest))

        async with asyncio.TaskGroup() as group:
            for _ in range(READERS):
                group.create_task(worker())
