"""The load client of ``bench.catalogue``: requests signed beforehand, in a process of its own.

Reads what to do as JSON on standard input and writes what came of it as JSON on standard output.
The feed and the export are read by one client, whose next request depends on the answer before.
"""

import http.client
import json
import random
import re
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import uvloop

from bench.load import driven
from weili.modules import parties

ASKS: Final = 100
READ_PAGE: Final = 5_000
COMMON: Final = "家用"
"""The word that a fifth of all titles has."""
_PER_S: Final = {"search": 2_000, "common": 2_000, "by_price": 2_000, "prices": 600, "stock": 600}
"""How many requests are made ready for each second; who needs more ends earlier."""
_DEPTHS: Final = 500
_LENGTHS: Final = range(20, 40)
_CURSOR: Final = re.compile(rb'"next_after":"([^"]*)"')
_EMPTY: Final = b'"count":0,'


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a load client must know to ask for goods."""

    key_ids: list[str]
    secrets: list[str]
    sku_ids: list[str]
    area_codes: list[str]
    queries: list[str]

    @classmethod
    def load(cls, path: Path) -> "Shelf":
        """Read it from a file."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send: a kind of look-up over connections, or ``feed`` or ``export`` by one client."""

    shelf: str
    port: int
    kind: str
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it. ``processor_share`` is of one core, the client's own.

    ``items`` are SKUs that were read; of searches, those that found something. ``put_off`` counts
    the answers that asked to come back later.
    """

    clients: int
    requests: int
    items: int
    took_s: float
    requests_per_s: float
    median_ms: float
    p99_ms: float
    kb_per_answer: float
    processor_share: float
    refusal: str
    put_off: int


class _Answers:
    """Counts what all connections got."""

    def __init__(self, kind: str) -> None:
        self.items = 0
        self.size = 0
        self.times: list[float] = []
        self.refusal = ""
        self.put_off = 0
        self._is_search = kind in {"search", "common", "by_price"}

    def note(self, answer: bytes, took_s: float) -> None:
        self.times.append(took_s)
        self.size += len(answer)
        if answer[9:12] != b"200":
            self.refusal = self.refusal or answer[:2_000].decode(errors="replace")
        elif self._is_search:
            self.items += _EMPTY not in answer
        else:
            self.items += ASKS


def signed(shelf: Shelf, partner: int, method: str, target: str, body: bytes) -> Mapping[str, str]:
    """Give the headers that a partner signs a request with."""
    timestamp, nonce = str(int(time.time())), secrets.token_hex(10)
    signature = parties.sign(
        shelf.secrets[partner],
        parties.string_to_sign(
            method=method,
            path=target,
            timestamp=timestamp,
            nonce=nonce,
            body_sha256=parties.body_sha256(body),
        ),
    )
    return {
        "Weili-Key": shelf.key_ids[partner],
        "Weili-Timestamp": timestamp,
        "Weili-Nonce": nonce,
        "Weili-Signature": signature,
    }


def requests_made(plan: Plan, shelf: Shelf) -> list[bytes]:
    """Make requests ready, each as one of the partners: they differ in grants and prices."""
    dice = random.Random()
    asked = _ASKED[plan.kind]
    made = []
    for i in range(int(_PER_S[plan.kind] * plan.seconds)):
        method, target, document = asked(shelf, dice, i)
        body = json.dumps(document).encode() if document else b""
        headers = {
            "Host": "bench",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **signed(shelf, dice.randrange(len(shelf.key_ids)), method, target, body),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        made.append(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body)
    return made


def _search(shelf: Shelf, dice: random.Random, _: int) -> tuple[str, str, None]:
    return "GET", f"/v1/search/skus?q={quote(dice.choice(shelf.queries))}", None


def _common(sort: str) -> Callable[[Shelf, random.Random, int], tuple[str, str, None]]:
    def asked(_: Shelf, dice: random.Random, __: int) -> tuple[str, str, None]:
        offset, limit = dice.randrange(_DEPTHS), dice.choice(_LENGTHS)
        query = urlencode({"q": COMMON, "sort": sort, "offset": offset, "limit": limit})
        return "GET", f"/v1/search/skus?{query}", None

    return asked


def _asks(shelf: Shelf, dice: random.Random, **also: str) -> dict[str, Any]:
    return {
        "items": [
            {"sku_id": sku_id, "quantity": dice.randint(1, 3), **also}
            for sku_id in dice.choices(shelf.sku_ids, k=ASKS)
        ]
    }


def _prices(shelf: Shelf, dice: random.Random, _: int) -> tuple[str, str, dict[str, Any]]:
    return "POST", "/v1/prices:batchGet", _asks(shelf, dice)


def _stock(shelf: Shelf, dice: random.Random, _: int) -> tuple[str, str, dict[str, Any]]:
    area_code = dice.choice(shelf.area_codes)
    return "POST", "/v1/stock:batchGet", _asks(shelf, dice, area_code=area_code)


_ASKED: Final[Mapping[str, Callable[..., tuple[str, str, dict[str, Any] | None]]]] = {
    "search": _search,
    "common": _common("relevance"),
    "by_price": _common("price"),
    "prices": _prices,
    "stock": _stock,
}


async def looked_up(plan: Plan, shelf: Shelf) -> Run:
    """Send look-ups over all connections for the time."""
    answers = _Answers(plan.kind)
    took, share = await driven(
        iter(requests_made(plan, shelf)), answers, plan.port, plan.connections, plan.seconds
    )
    return _run(plan, answers, took, share)


def read_through(plan: Plan, shelf: Shelf) -> Run:
    """Read the feed from its start, or the export, until the time is over or it ends."""
    answers = _Answers(plan.kind)
    cpu_before = time.process_time()
    start = time.perf_counter()
    link = http.client.HTTPConnection("127.0.0.1", plan.port, timeout=60)
    for took_s, size, items in _PARTS[plan.kind](link, shelf, start + plan.seconds):
        answers.times.append(took_s)
        answers.size += size
        answers.items += items
    took = time.perf_counter() - start
    link.close()
    return _run(plan, answers, took, (time.process_time() - cpu_before) / took)


def _feed(
    link: http.client.HTTPConnection, shelf: Shelf, end: float
) -> Iterator[tuple[float, int, int]]:
    after = b""
    while time.perf_counter() < end:
        target = f"/v1/feed/skus?limit={READ_PAGE}"
        target += f"&after={quote(after.decode())}" if after else ""
        sent = time.perf_counter()
        answer = _got(link, shelf, target).read()
        yield time.perf_counter() - sent, len(answer), answer.count(b'"sku_id"')
        found = _CURSOR.search(answer)
        if found is None or b'"has_more":false' in answer:
            return
        after = found[1]


def _export(
    link: http.client.HTTPConnection, shelf: Shelf, end: float
) -> Iterator[tuple[float, int, int]]:
    sent = time.perf_counter()
    answer = _got(link, shelf, "/v1/export/skus")
    while (part := answer.read1(1 << 20)) and time.perf_counter() < end:
        yield time.perf_counter() - sent, len(part), part.count(b'"price_version"')
        sent = time.perf_counter()


_PARTS: Final = {"feed": _feed, "export": _export}


def _got(link: http.client.HTTPConnection, shelf: Shelf, target: str) -> http.client.HTTPResponse:
    """Ask as the first partner, which sees all goods."""
    link.request("GET", target, headers=dict(signed(shelf, 0, "GET", target, b"")))
    answer = link.getresponse()
    if answer.status != http.client.OK:
        raise RuntimeError(f"a request was refused:\n{answer.read().decode()}")
    return answer


def _run(plan: Plan, answers: _Answers, took: float, share: float) -> Run:
    times: Sequence[float] = answers.times * (2 if len(answers.times) == 1 else 1)
    return Run(
        clients=plan.connections,
        requests=len(answers.times),
        items=answers.items,
        took_s=round(took, 3),
        requests_per_s=round(len(answers.times) / took, 1),
        median_ms=round(statistics.median(times) * 1e3, 2),
        p99_ms=round(statistics.quantiles(times, n=100)[98] * 1e3, 2),
        kb_per_answer=round(answers.size / len(answers.times) / 1e3, 1),
        processor_share=round(share, 4),
        refusal=answers.refusal,
        put_off=answers.put_off,
    )


def main() -> None:
    """Do what standard input says."""
    plan = Plan(**json.load(sys.stdin))
    shelf = Shelf.load(Path(plan.shelf))
    run = read_through(plan, shelf) if plan.kind in _PARTS else uvloop.run(looked_up(plan, shelf))
    json.dump(asdict(run), sys.stdout)


if __name__ == "__main__":
    main()
