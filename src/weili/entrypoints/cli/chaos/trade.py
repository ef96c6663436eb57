"""The clients: partners' programs that place, repeat until there is an answer, cancel and read.

They keep books of their own, which is what the platform is held against afterwards.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from weili.adapters.suppliers.dice import Dice
from weili.entrypoints.cli.chaos.market import Document, Market, Party

CLIENTS: Final = 12
AREA: Final = "330106"
LINES_MAX: Final = 3
PIECES_MAX: Final = 3
SCARCE_PER_MILLE: Final = 250
CANCEL_PER_MILLE: Final = 150
BATCH_PER_MILLE: Final = 120
LOOK_PER_MILLE: Final = 300
BATCH_MAX: Final = 6
CREATED: Final = 201
OK: Final = 200
EXPECTED_REFUSALS: Final = frozenset({"stock_short"})
CANCEL_REFUSALS: Final = frozenset({"cancel_too_late", "state_conflict"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order that a partner wants."""

    number: str
    lines: tuple[tuple[str, int], ...]
    phone: str
    is_cancelled: bool
    is_looked_up: bool

    def document(self) -> Document:
        """Give what is sent; the same each time."""
        return {
            "number": self.number,
            "area_code": AREA,
            "recipient": {"name": "欧阳小美", "phone": self.phone, "address": "文三路 1 号"},
            "lines": [{"sku_id": sku_id, "quantity": count} for sku_id, count in self.lines],
        }


@dataclass(slots=True)
class Book:
    """What one partner's program knows: what it wanted, what was answered, what it was told."""

    party: Party
    wanted: dict[str, Wanted] = field(default_factory=dict)
    placed: dict[str, Document] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    messages: list[Document] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    replayed: int = 0

    async def place(self, wanted: Sequence[Wanted]) -> None:
        """Place orders, one alone or several in one call, until each has a lasting answer."""
        self.wanted |= {one.number: one for one in wanted}
        left = list(wanted)
        if len(left) > 1:
            left = await self._place_together(left)
        for one in left:
            reply = await self.party.api.insist("POST", "/v1/orders", one.document())
            if reply.status == CREATED:
                self._note(one, reply.document, is_replay=reply.is_replay)
            else:
                self._refused(one, reply.status, reply.document)

    async def cancel(self, wanted: Wanted) -> None:
        """Ask to cancel an order that was placed; it may be too late."""
        path = f"/v1/orders/{self.placed[wanted.number]['id']}:cancel"
        reply = await self.party.api.insist("POST", path, key=f"cancel-{wanted.number}")
        if reply.status != OK and reply.code not in CANCEL_REFUSALS:
            self.wrong.append(f"{path}: {reply.status} {reply.document}")

    async def look_up(self) -> None:
        """Look something up."""
        reply = await self.party.api.insist("GET", "/v1/search/skus?limit=3")
        if reply.status != OK:
            self.wrong.append(f"a search was answered {reply.status} {reply.document}")

    async def messages_take(self) -> int:
        """Take the messages that wait, and acknowledge them; says how many there were."""
        items: list[Document] = (await self.party.api.insist("GET", "/v1/messages")).document[
            "items"
        ]
        if items:
            self.messages += items
            ids = [item["id"] for item in items]
            await self.party.api.insist("POST", "/v1/messages:ack", {"ids": ids})
        return len(items)

    async def _place_together(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Send orders in one call; gives those that must be sent again."""
        document = {"orders": [one.document() for one in wanted]}
        reply = await self.party.api.insist("POST", "/v1/orders:batch", document)
        if reply.status != OK:
            self.wrong.append(f"a batch was answered {reply.status} {reply.document}")
            return list(wanted)
        again = []
        for one, result in zip(wanted, reply.document["results"], strict=True):
            if result["status"] == "placed":
                self._note(one, result["order"], is_replay=result["replayed"])
            elif result["problem"]["repeatable"]:
                again.append(one)
            else:
                self._refused(one, OK, result["problem"])
        return again

    def _note(self, one: Wanted, answer: Document, *, is_replay: bool) -> None:
        self.replayed += is_replay
        known = self.placed.setdefault(one.number, answer)
        if known != answer:
            self.wrong.append(f"{one.number} was answered in two ways")

    def _refused(self, one: Wanted, status: int, problem: Document) -> None:
        code = str(problem.get("code"))
        self.refused[one.number] = code
        if code not in EXPECTED_REFUSALS:
            self.wrong.append(f"{one.number}: {status} {problem}")


class Trade:
    """Clients that place what they are given, as fast as they are answered, and no more."""

    def __init__(self, market: Market, seed: int) -> None:
        self.books = [Book(party) for party in market.partners]
        self.begun = 0
        self.answered = 0
        self.gap_s = 0.0
        self._market = market
        self._seed = seed
        self._given = 0
        self._last_s = time.monotonic()
        self._queue: asyncio.Queue[tuple[Book, list[Wanted]]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Let the clients begin."""
        self._tasks = [asyncio.create_task(self._client()) for _ in range(CLIENTS)]
        self._tasks.append(asyncio.create_task(self._reader()))

    async def close(self) -> None:
        """See that no client has failed, and let them end.

        Raises: NoAnswerError; whatever a client failed with.
        """
        self.look()
        await self.abandon()

    async def abandon(self) -> None:
        """End the clients, whatever they are at; for when something else has failed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def look(self) -> None:
        """See that all clients are still there.

        Raises: NoAnswerError; whatever a client failed with.
        """
        for task in self._tasks:
            if task.done():
                task.result()

    def gap_begins(self) -> None:
        """Measure the longest time without an acknowledged order from now on."""
        self.gap_s, self._last_s = 0.0, time.monotonic()

    def give(self, orders: int) -> int:
        """Give the clients so many orders more to place; says how many they were given so far."""
        until = self._given + orders
        while self._given < until:
            dice = Dice(self._seed, "send", self._given)
            book = dice.pick(self.books)
            size = dice.between(2, BATCH_MAX) if dice.happens(BATCH_PER_MILLE) else 1
            wanted = [self._wanted(index) for index in range(self._given, self._given + size)]
            self._given += size
            self._queue.put_nowait((book, wanted))
        return self._given

    def _wanted(self, index: int) -> Wanted:
        dice = Dice(self._seed, "order", index)
        skus = dice.shuffled(self._market.plenty)[: dice.between(1, LINES_MAX)]
        lines = [(sku_id, dice.between(1, PIECES_MAX)) for sku_id in skus]
        if dice.happens(SCARCE_PER_MILLE):
            lines[0] = (dice.pick(list(self._market.homes)), 1)
        return Wanted(
            number=f"CHAOS-{self._seed}-{index}",
            lines=tuple(lines),
            phone=f"199{index % 100_000_000:08}",
            is_cancelled=dice.happens(CANCEL_PER_MILLE),
            is_looked_up=dice.happens(LOOK_PER_MILLE),
        )

    async def _client(self) -> None:
        while True:
            book, wanted = await self._queue.get()
            self.begun += len(wanted)
            await book.place(wanted)
            self.answered += len(wanted)
            now = time.monotonic()
            self.gap_s, self._last_s = max(self.gap_s, now - self._last_s), now
            for one in wanted:
                if one.is_cancelled and one.number in book.placed:
                    await book.cancel(one)
                if one.is_looked_up:
                    await book.look_up()

    async def _reader(self) -> None:
        """Read every partner's messages, over and over."""
        while True:
            for book in self.books:
                await book.messages_take()
            await asyncio.sleep(0.2)
