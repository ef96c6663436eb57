"""The load client: a process of its own that sends requests signed beforehand, and nothing else.

Reads what to do as JSON on standard input and writes what came of it as JSON on standard output.
Each connection sends its next request when the answer to the one before is whole; requests are
written as they lie in memory and of an answer only what must be known is read.
"""

import asyncio
import gc
import json
import random
import resource
import secrets
import statistics
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol

import uvloop

from bench.market import Market
from weili.modules import parties

_SINGLES_PER_S: Final = 6_000
_CALLS_PER_S: Final = 40
"""How many requests are made ready for each second; who needs more ends earlier."""
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "
_AFTER: Final = b"retry-after: "
_BUSY: Final = b"429"
_PLACED: Final = b'"status":"placed"'
_TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send: kind ``uniform``, ``hot`` or ``batch``; orders in each call of a batch."""

    market: str
    port: int
    kind: str
    connections: int
    seconds: float
    size: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it. ``processor_share`` is of one core, the client's own.

    ``put_off`` counts the answers that asked to come back later, which the client did.
    """

    clients: int
    orders: int
    requests: int
    orders_per_s: float
    median_ms: float
    p99_ms: float
    processor_share: float
    refusal: str
    put_off: int


def requests_signed(market: Market, kind: str, count: int, size: int = 1) -> list[bytes]:
    """Make so many requests ready: bodies, signatures, nonces."""
    dice = random.Random()
    run = secrets.token_hex(4)
    path = "/v1/orders:batch" if kind == "batch" else "/v1/orders"
    made = []
    for i in range(count):
        orders = [market.body(dice, f"H{run}-{i}-{j}", hot=kind == "hot") for j in range(size)]
        document = {"orders": orders} if kind == "batch" else orders[0]
        body = json.dumps(document, ensure_ascii=False).encode()
        partner = dice.randrange(len(market.key_ids))
        timestamp, nonce = str(int(time.time())), f"{run}{i:016d}"
        signature = parties.sign(
            market.secrets[partner],
            parties.string_to_sign(
                method="POST",
                path=path,
                timestamp=timestamp,
                nonce=nonce,
                body_sha256=parties.body_sha256(body),
            ),
        )
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nWeili-Key: {market.key_ids[partner]}\r\n"
            f"Weili-Timestamp: {timestamp}\r\nWeili-Nonce: {nonce}\r\n"
            f"Weili-Signature: {signature}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


class Connection(asyncio.Protocol, ABC):
    """Carries one request at a time, and cuts its answer out of what comes."""

    def __init__(self) -> None:
        self._buffer = b""
        self._whole = 0
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport; called by the event loop."""
        self.transport = transport  # type: ignore[assignment] # a stream's is a WriteTransport

    def data_received(self, data: bytes) -> None:
        """Hand on an answer when it is whole; called by the event loop."""
        buffer = self._buffer = self._buffer + data if self._buffer else data
        if not self._whole:
            head = buffer.find(_HEAD_END)
            if head < 0:
                return
            at = buffer.find(_LENGTH, 0, head) + len(_LENGTH)
            self._whole = head + len(_HEAD_END) + int(buffer[at : buffer.find(b"\r", at)])
        if len(buffer) >= self._whole:
            self._buffer, self._whole = b"", 0
            self.answered(buffer)

    @abstractmethod
    def answered(self, answer: bytes) -> None:
        """Take a whole answer."""


class Counted(Protocol):
    """What notes each answer and how long it took, the first refusal, and how many came later."""

    refusal: str
    put_off: int

    def note(self, answer: bytes, took_s: float) -> None:
        """Note a whole answer."""


class _InTurn(Connection):
    """Sends one request after another until the time is over; again, later, if it is asked to."""

    def __init__(self, requests: Iterator[bytes], end: float, load: Counted) -> None:
        super().__init__()
        self._requests = requests
        self._end = end
        self._load = load
        self._sent = 0.0
        self._request = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._next()

    def answered(self, answer: bytes) -> None:
        if answer[9:12] == _BUSY:
            self._load.put_off += 1
            at = answer.find(_AFTER) + len(_AFTER)
            later_s = int(answer[at : answer.find(b"\r", at)])
            asyncio.get_running_loop().call_later(later_s, self._send)
            return
        self._load.note(answer, time.perf_counter() - self._sent)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._load.refusal = self._load.refusal or f"the connection was lost: {exc!r}"
            self.done.set_result(None)

    def _next(self) -> None:
        request = next(self._requests, None) if time.perf_counter() < self._end else None
        if request is None:
            self.done.set_result(None)
            return
        self._request, self._sent = request, time.perf_counter()
        self._send()

    def _send(self) -> None:
        if self.transport is not None:
            self.transport.write(self._request)


class _Load:
    """Counts what all connections got."""

    def __init__(self) -> None:
        self.orders = 0
        self.times: list[float] = []
        self.refusal = ""
        self.put_off = 0

    def note(self, answer: bytes, took_s: float) -> None:
        self.times.append(took_s)
        status = answer[9:12]
        if status == b"201":
            self.orders += 1
        elif status == b"200":
            self.orders += answer.count(_PLACED)
        else:
            self.refusal = self.refusal or answer[:2_000].decode(errors="replace")


async def load(plan: Plan) -> Run:
    """Send a plan's requests over its connections for its time."""
    counted = _Load()
    market = Market.load(Path(plan.market))
    per_s = _CALLS_PER_S if plan.kind == "batch" else _SINGLES_PER_S
    requests = requests_signed(market, plan.kind, int(per_s * plan.seconds), plan.size)
    took, share = await driven(iter(requests), counted, plan.port, plan.connections, plan.seconds)
    times = counted.times
    return Run(
        clients=plan.connections,
        orders=counted.orders,
        requests=len(times),
        orders_per_s=round(counted.orders / took, 1),
        median_ms=round(statistics.median(times) * 1e3, 2),
        p99_ms=round(statistics.quantiles(times, n=100)[98] * 1e3, 2),
        processor_share=round(share, 4),
        refusal=counted.refusal,
        put_off=counted.put_off,
    )


async def driven(
    requests: Iterator[bytes], counted: Counted, port: int, connections: int, seconds: float
) -> tuple[float, float]:
    """Send requests over connections for a time; gives that time and this process's share of it.

    The share is of one core.
    """
    gc.collect()
    gc.disable()
    loop = asyncio.get_running_loop()
    cpu_before = cpu_s()
    start = time.perf_counter()
    opened = [
        (
            await loop.create_connection(
                lambda: _InTurn(requests, start + seconds, counted), "127.0.0.1", port
            )
        )
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(protocol.done for _, protocol in opened)), _TIMEOUT_S)
    took = time.perf_counter() - start
    share = (cpu_s() - cpu_before) / took
    for transport, _ in opened:
        transport.close()
    return took, share


def cpu_s() -> float:
    """Give the processor time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    json.dump(asdict(uvloop.run(load(Plan(**json.load(sys.stdin))))), sys.stdout)
