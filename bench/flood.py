"""The client of ``bench.overload``: sends orders at a rate, whether or not they are answered.

Each order has its moment; it goes out over a connection that is free, or over a new one. How long
it took counts from that moment, so nothing is hidden by a client that came to send too late. Reads
what to do as JSON on standard input; writes a line when all is signed, then what came of it as
JSON.
"""

import asyncio
import gc
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import uvloop

from bench.load import Connection, cpu_s, requests_signed
from bench.market import Market

CONNECTIONS_MAX: Final = 4_000
_TICK_S: Final = 0.005
_PLACED: Final = b"201"
_AFTER: Final = b"\nretry-after: "
_ANSWERS_MAX_S: Final = 30
"""How long answers may come after the last request."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send: so many orders a second for so long."""

    market: str
    port: int
    per_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it. ``processor_share`` is of one core, the client's own.

    ``refused`` counts answers by status, ``unclean`` those of them that did not say when to come
    back, ``unanswered`` the orders whose connection was lost or could not be opened.
    """

    sent: int
    sent_per_s: float
    placed: int
    placed_per_s: float
    placed_ms: dict[str, float]
    placed_late: list[int]
    refused: dict[str, int]
    refused_ms: dict[str, float]
    unclean: int
    unanswered: int
    connections: int
    processor_share: float


class _Flood:
    """All connections, and what they were answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.idle: list[_Call] = []
        self.opened = 0
        self.under_way = 0
        self.placed: list[tuple[float, float]] = []
        self.refused: Counter[str] = Counter()
        self.refused_s: list[float] = []
        self.unclean = 0
        self.unanswered = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._is_done = asyncio.Event()

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at a moment."""
        self.under_way += 1
        if self.idle:
            self.idle.pop().send(request, due)
        elif self.opened < CONNECTIONS_MAX:
            self.opened += 1
            task = asyncio.get_running_loop().create_task(self._open(request, due))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self.lost()

    async def _open(self, request: bytes, due: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, call = await loop.create_connection(lambda: _Call(self), "127.0.0.1", self._port)
        except OSError:
            self.opened -= 1
            self.lost()
        else:
            call.send(request, due)

    async def done(self) -> None:
        """Wait until nothing is under way."""
        while self.under_way:
            self._is_done.clear()
            await self._is_done.wait()

    def lost(self) -> None:
        """Note that a request will never be answered."""
        self._ended()
        self.unanswered += 1

    def note(self, answer: bytes, due: float) -> None:
        """Note an answer to a request that was due at a moment."""
        self._ended()
        took_s, status = time.perf_counter() - due, answer[9:12]
        if status == _PLACED:
            self.placed.append((due, took_s))
            return
        self.refused[status.decode()] += 1
        self.refused_s.append(took_s)
        self.unclean += _AFTER not in answer.lower()

    def _ended(self) -> None:
        self.under_way -= 1
        if not self.under_way:
            self._is_done.set()


class _Call(Connection):
    """One connection of the flood; it is free again when it is answered."""

    def __init__(self, flood: _Flood) -> None:
        super().__init__()
        self._flood = flood
        self._due: float | None = None

    def send(self, request: bytes, due: float) -> None:
        """Send a request."""
        self._due = due
        if self.transport is not None:
            self.transport.write(request)

    def answered(self, answer: bytes) -> None:
        if self._due is not None:
            self._flood.note(answer, self._due)
        self._due = None
        self._flood.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the loop gives it
        self._flood.opened -= 1
        if self._due is not None:
            self._flood.lost()
        elif self in self._flood.idle:
            self._flood.idle.remove(self)


async def flood(plan: Plan) -> Run:
    """Send a plan's orders, and wait for their answers."""
    count = int(plan.per_s * plan.seconds)
    requests = requests_signed(Market.load(Path(plan.market)), "uniform", count)
    gc.collect()
    gc.disable()
    print("signed", flush=True)
    all_of = _Flood(plan.port)
    cpu_before, start, sent = cpu_s(), time.perf_counter(), 0
    while sent < count:
        due = min(count, int((time.perf_counter() - start) * plan.per_s) + 1)
        for number in range(sent, due):
            all_of.send(requests[number], start + number / plan.per_s)
        sent = due
        await asyncio.sleep(_TICK_S)
    took = time.perf_counter() - start
    share = (cpu_s() - cpu_before) / took
    with suppress(TimeoutError):
        await asyncio.wait_for(all_of.done(), _ANSWERS_MAX_S)
    times = [took_s for _, took_s in all_of.placed]
    return Run(
        sent=sent,
        sent_per_s=round(sent / took, 1),
        placed=len(times),
        placed_per_s=round(len(times) / took, 1),
        placed_ms=_spread(times),
        placed_late=_by_tenth(all_of.placed, start, took),
        refused=dict(all_of.refused),
        refused_ms=_spread(all_of.refused_s),
        unclean=all_of.unclean,
        unanswered=all_of.unanswered + all_of.under_way,
        connections=all_of.opened,
        processor_share=round(share, 4),
    )


def _by_tenth(placed: Sequence[tuple[float, float]], start: float, took: float) -> list[int]:
    """Give the longest time, in ms, of each tenth of the run."""
    longest = [0.0] * 10
    for due, took_s in placed:
        tenth = min(9, int((due - start) / took * 10))
        longest[tenth] = max(longest[tenth], took_s)
    return [round(each * 1e3) for each in longest]


def _spread(times: Sequence[float]) -> dict[str, float]:
    if len(times) < 2:
        return {}
    parts = statistics.quantiles(times, n=100)
    found = {"median": parts[49], "p99": parts[98], "longest": max(times)}
    return {name: round(each * 1e3, 1) for name, each in found.items()}


def main() -> None:
    """Do what standard input says."""
    plan = Plan(**json.load(sys.stdin))
    json.dump(asdict(uvloop.run(flood(plan))), sys.stdout)


if __name__ == "__main__":
    main()
