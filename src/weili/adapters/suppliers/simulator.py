"""A supplier's own system, as rude as real ones are, speaking the wire form of ``gateway``.

It is a real HTTP server: it checks the signature of what comes in, knows the child orders it has
seen by their id, packs and ships in parts, and reports through the platform's public API like
any supplier. Its unkindness follows from a seed, so that the same order of arrival meets the
same fate: answers that come late, as errors, or never; connections cut before and after it wrote
the order down; reports sent twice and out of their order; refusals, in whole, in part or when a
pick finds too few, also of cancellations.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from weili.adapters.suppliers.dice import Dice
from weili.adapters.suppliers.http1 import (
    HEAD_BYTES_MAX,
    HttpClient,
    Message,
    answer_bytes,
    message_read,
)
from weili.adapters.suppliers.platform_api import ATTEMPTS_MAX, Credentials, PlatformApi, Reply
from weili.adapters.suppliers.unkindness import Trouble, Unkindness
from weili.kit.clock import wall_now

WINDOW_S: Final = 300
REPORTS_AT_ONCE: Final = 2
REPORT_ATTEMPTS_MAX: Final = 300
REPORT_PAUSE_S: Final = 0.5
CARRIERS: Final = ("SF", "ZTO", "YTO", "YUNDA", "STO")


class Stage(StrEnum):
    """How far the supplier is with a child order."""

    TAKEN = "taken"
    PACKED = "packed"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    GIVEN_UP = "given_up"


@dataclass(slots=True)
class _Job:
    """A child order in the supplier's own books."""

    child_id: str
    lines: Sequence[tuple[int, int]]
    costs_minor: Mapping[int, int]
    dice: Dice
    shelf: Dice
    stage: Stage
    asks_first: bool = False
    ships_late: bool = False
    packages: list[str] = field(default_factory=list)
    is_asked_back: bool = False
    cost_minor: int = 0


@dataclass(frozen=True, slots=True)
class SupplierAccount:
    """What a supplier's system knows of the platform: where it is, and its own key."""

    host: str
    port: int
    credentials: Credentials


class SupplierSimulator:
    """One supplier's system.

    ``counts`` tells what it met and did, ``owed_minor`` what it has shipped at its own prices,
    ``shipped`` when the last package of each child order left and what the order costs, and
    ``unexpected`` what should never have been answered.
    """

    def __init__(
        self,
        *,
        name: str,
        secret: str,
        account: SupplierAccount,
        seed: int,
        unkindness: Unkindness | None = None,
        is_open: bool = True,
        attempts_max: int = ATTEMPTS_MAX,
    ) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self.owed_minor = 0
        self.shipped: dict[str, tuple[str, int]] = {}
        self._secret = secret
        self._seed = seed
        self._unkindness = unkindness or Unkindness()
        self._client = HttpClient(account.host, account.port, connections=REPORTS_AT_ONCE)
        self._api = PlatformApi(self._client, account.credentials, attempts_max=attempts_max)
        self._jobs: dict[str, _Job] = {}
        self._troubles: dict[str, list[Trouble]] = {}
        self._waybills = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened = asyncio.Event()
        if is_open:
            self._opened.set()

    @property
    def base_url(self) -> str:
        """Say where the platform reaches it."""
        if self._server is None:
            raise RuntimeError("the simulator is not started")
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    @property
    def stages(self) -> Mapping[str, Stage]:
        """Tell how far it is with each child order that it has seen."""
        return {child_id: job.stage for child_id, job in list(self._jobs.items())}

    @property
    def is_quiet(self) -> bool:
        """Say whether nothing is left to pack, ship or report."""
        return not self._tasks

    @property
    def troubles(self) -> Counter[str]:
        """Count what made its own reports to the platform go out again."""
        return self._api.troubles

    async def start(self) -> None:
        """Open a port of its own and begin to work."""
        self._loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=HEAD_BYTES_MAX, backlog=128
        )

    def open(self) -> None:
        """Let the warehouse pack what it has taken so far; may be called from any thread."""
        if self._loop is None:
            raise RuntimeError("the simulator is not started")
        self._loop.call_soon_threadsafe(self._opened.set)

    async def stop(self) -> None:
        """Close the port and drop what is under way."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    # --- what comes in ---------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (message := await message_read(reader)) is not None:
                answer = await self._answer(message)
                if answer is None:
                    writer.transport.abort()
                    return
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, ValueError):
            self.counts["broken_requests"] += 1
        except asyncio.CancelledError:
            return
        finally:
            writer.close()

    async def _answer(self, message: Message) -> bytes | None:
        """Answer a request, or None to cut the connection."""
        method, _, target = message.first.partition(" ")
        path = target.partition(" ")[0]
        if method != "POST" or not self._is_signed(message):
            self.counts["unsigned"] += 1
            return answer_bytes(401, b'{"reason":"the signature does not fit"}')
        act: Callable[[], bytes]
        if path == "/orders":
            try:
                document = json.loads(message.body)
            except ValueError:
                return answer_bytes(400, b'{"reason":"no JSON"}')
            act = lambda: self._take(document)  # noqa: E731 - both ways end in one call below
        elif path.startswith("/orders/") and path.endswith("/cancel"):
            child_id = path.removeprefix("/orders/").removesuffix("/cancel")
            act = lambda: self._cancel(child_id)  # noqa: E731
        else:
            return answer_bytes(404, b'{"reason":"there is nothing here"}')
        return await self._answer_rudely(message.headers["webhook-id"], act)

    async def _answer_rudely(self, message_id: str, act: Callable[[], bytes]) -> bytes | None:
        trouble = self._trouble(message_id)
        if trouble is not None:
            self.counts[f"trouble_{trouble}"] += 1
        if trouble is Trouble.CUT_BEFORE:
            return None
        if trouble is Trouble.ERROR:
            return answer_bytes(500, b'{"reason":"our system is being looked after"}')
        answer = act()
        if trouble is Trouble.LATE:
            dice = Dice(self._seed, self.name, "late", self.counts["trouble_late"])
            await asyncio.sleep(dice.between(1, self._unkindness.late_ms_max) / 1000)
        return None if trouble is Trouble.CUT_AFTER else answer

    def _trouble(self, message_id: str) -> Trouble | None:
        """Give the trouble that this request meets; how often it will, is thrown the first time."""
        if message_id not in self._troubles:
            dice = Dice(self._seed, self.name, "trouble", len(self._troubles))
            troubles: list[Trouble] = []
            while dice.happens(self._unkindness.trouble):
                troubles.append(dice.pick(list(Trouble)))
            self._troubles[message_id] = troubles
        left = self._troubles[message_id]
        return left.pop() if left else None

    def _is_signed(self, message: Message) -> bool:
        """Check a request's signature. Source: Standard Webhooks 1.0.0, symmetric."""
        try:
            sent_id = message.headers["webhook-id"]
            timestamp = message.headers["webhook-timestamp"]
            given = message.headers["webhook-signature"]
            age_s = abs(wall_now().timestamp() - int(timestamp))
        except (KeyError, ValueError):
            return False
        content = b".".join((sent_id.encode(), timestamp.encode(), message.body))
        mac = hmac.new(self._secret.encode(), content, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(mac).decode()}"
        return age_s <= WINDOW_S and any(
            hmac.compare_digest(expected, one) for one in given.split(" ")
        )

    def _take(self, document: Mapping[str, Any]) -> bytes:
        child_id = str(document["id"])
        job = self._jobs.get(child_id)
        if job is not None:
            self.counts["seen_again"] += 1
        else:
            dice = Dice(self._seed, self.name, "order", len(self._jobs))
            refuses = dice.happens(self._unkindness.refusal)
            lines = [(int(line["line_no"]), int(line["quantity"])) for line in document["lines"]]
            costs = {int(line["line_no"]): line["unit_cost_minor"] for line in document["lines"]}
            stage = Stage.REFUSED if refuses else Stage.TAKEN
            # Dice of its own, so that what the warehouse does changes nothing else.
            warehouse = Dice(self._seed, self.name, "warehouse", len(self._jobs))
            shelf = Dice(self._seed, self.name, "shelf", len(self._jobs))
            asks_first = warehouse.happens(self._unkindness.cancel_later)
            ships_late = warehouse.happens(self._unkindness.late_shipping)
            job = _Job(child_id, lines, costs, dice, shelf, stage, asks_first, ships_late)
            self._jobs[child_id] = job
            self.counts[stage.value] += 1
            if refuses:
                self.counts["pieces_refused"] += _pieces(lines)
            else:
                self._spawn(self._fulfil(job))
        if job.stage in {Stage.REFUSED, Stage.CANCELLED}:
            return _no("the goods on the shelf are damaged")
        return answer_bytes(202, b'{"accepted":true}')

    def _cancel(self, child_id: str) -> bytes:
        job = self._jobs.get(child_id)
        if job is None:
            # The order never got here, or was cut off before it was written down. Should it
            # still come, it must not be packed.
            dice = Dice(self._seed, self.name, "order", len(self._jobs))
            self._jobs[child_id] = _Job(child_id, (), {}, dice, dice, Stage.CANCELLED)
            self.counts["cancelled_unseen"] += 1
        elif job.stage is Stage.TAKEN:
            if job.asks_first:
                if not job.is_asked_back:
                    job.is_asked_back = True
                    self.counts["cancels_answered_later"] += 1
                    self._spawn(self._cancel_later(job))
                return answer_bytes(202, b'{"reason":"the warehouse is asked"}')
            job.stage = Stage.CANCELLED
            self.counts["cancelled"] += 1
        elif job.stage not in {Stage.CANCELLED, Stage.REFUSED}:
            self.counts["cancel_refused"] += 1
            return _no("it is packed already")
        return answer_bytes(200, b'{"cancelled":true}')

    # --- what goes out ---------------------------------------------------------------------------

    async def _cancel_later(self, job: _Job) -> None:
        """Tell through the platform's API whether an order is cancelled; it may be packed by now.

        Asked again meanwhile, the supplier says the same.
        """
        dice = Dice(self._seed, self.name, "answer", self.counts["cancels_answered_later"])
        await asyncio.sleep(dice.between(0, self._unkindness.cancel_later_ms_max) / 1000)
        is_cancelled = job.stage is Stage.TAKEN
        if is_cancelled:
            job.stage = Stage.CANCELLED
        self.counts["cancelled" if is_cancelled else "cancel_refused"] += 1
        verb = "acceptCancel" if is_cancelled else "refuseCancel"
        path = f"/v1/supply/orders/{job.child_id}:{verb}"
        await self._report(path, None, key=f"{verb}-{job.child_id}", dice=dice)

    def _spawn(self, work: "Awaitable[None]") -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Future[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.unexpected.append(repr(error))

    async def _fulfil(self, job: _Job) -> None:
        """Pack what there is of a child order, ship it in packages, and see each arrive."""
        ways, dice = self._unkindness, job.dice
        if job.shelf.happens(ways.part_refusal):
            await self._refuse_part(job)
        if not dice.happens(ways.early):
            await self._opened.wait()
        pause_ms = dice.between(0, ways.packing_ms_max)
        if dice.happens(ways.slow_packing):
            pause_ms += ways.slow_packing_ms
        await asyncio.sleep(pause_ms / 1000)
        if job.stage is not Stage.TAKEN:
            return
        job.stage = Stage.PACKED
        if job.ships_late:
            self.counts["shipped_late"] += 1
            await asyncio.sleep(ways.late_shipping_ms / 1000)
        if job.shelf.happens(ways.short_pick):
            await self._pick_short(job)
            if job.stage is not Stage.PACKED:
                return
        parts = _parts(job.lines, dice, is_split=dice.happens(ways.parts))
        for part in parts:
            if not await self._ship(job, part):
                job.stage = Stage.GIVEN_UP
                self.unexpected.append(f"gave up shipping {job.child_id}")
                return
        # The last package may well arrive first.
        arriving = dice.shuffled(job.packages)
        if arriving != job.packages:
            self.counts["delivered_out_of_order"] += 1
        for package_id in arriving:
            await self._deliver(package_id, dice)
        job.stage = Stage.DONE
        self.counts["done"] += 1

    async def _refuse_part(self, job: _Job) -> None:
        """Say of an order that was taken that some pieces won't be sent, though others will."""
        line_no, quantity = _missing(job.lines, job.shelf)
        quantity = min(quantity, _pieces(job.lines) - 1)
        if quantity and await self._refuse(job, line_no, quantity, "some are promised to others"):
            self.counts["refused_in_part"] += 1

    async def _pick_short(self, job: _Job) -> None:
        """Begin to pick, and find fewer pieces than were ordered; perhaps none."""
        path = f"/v1/supply/orders/{job.child_id}:pick"
        await self._report(path, None, key=f"pick-{job.child_id}", dice=job.shelf)
        line_no, quantity = _missing(job.lines, job.shelf)
        if not await self._refuse(job, line_no, quantity, "the shelf holds fewer than it should"):
            job.stage = Stage.GIVEN_UP
            self.unexpected.append(f"gave up refusing what {job.child_id} lacks")
            return
        self.counts["picked_short"] += 1
        if not job.lines:
            job.stage = Stage.REFUSED

    async def _refuse(self, job: _Job, line_no: int, quantity: int, reason: str) -> bool:
        """Refuse pieces of an order; says whether the platform has taken that in.

        Only its key tells a refusal of pieces from another of as many, so it is never said again
        under a new one. If the order is cancelled meanwhile there is nothing to be refused.
        """
        document = {"reason": reason, "lines": [{"line_no": line_no, "quantity": quantity}]}
        path = f"/v1/supply/orders/{job.child_id}:refuse"
        key = f"refuse-{job.stage}-{job.child_id}"
        answer = await self._report(
            path,
            document,
            key=key,
            again=key,
            dice=job.shelf,
            is_moot=lambda: job.stage is Stage.CANCELLED,
        )
        if answer is None:
            return False
        self.counts["pieces_refused"] += quantity
        left = [(no, count - quantity if no == line_no else count) for no, count in job.lines]
        job.lines = [line for line in left if line[1]]
        return True

    async def _ship(self, job: _Job, part: Sequence[tuple[int, int]]) -> bool:
        """Report a package; says whether the platform has it in its books."""
        self._waybills += 1
        carrier = job.dice.pick(CARRIERS)
        tag = hashlib.sha256(self.name.encode()).digest()[0]
        document = {
            "carrier_code": carrier,
            "waybill_number": f"{carrier}{tag:03}{self._waybills:09}",
            "lines": [{"line_no": line_no, "quantity": quantity} for line_no, quantity in part],
        }
        path = f"/v1/supply/orders/{job.child_id}:ship"
        key = str(document["waybill_number"])
        answer = await self._report(path, document, key=key, dice=job.dice)
        if answer is None:
            return False
        job.packages.append(str(answer["id"]))
        self.counts["packages_shipped"] += 1
        self.counts["pieces_shipped"] += _pieces(part)
        cost_minor = sum(job.costs_minor[line_no] * quantity for line_no, quantity in part)
        self.owed_minor += cost_minor
        job.cost_minor += cost_minor
        self.shipped[job.child_id] = (str(answer["shipped_at"]), job.cost_minor)
        return True

    async def _deliver(self, package_id: str, dice: Dice) -> None:
        path = f"/v1/supply/packages/{package_id}:deliver"
        answer = await self._report(path, None, key=f"deliver-{package_id}", dice=dice)
        if answer is not None:
            self.counts["packages_delivered"] += 1

    async def _report(
        self,
        path: str,
        document: Mapping[str, Any] | None,
        *,
        key: str,
        dice: Dice,
        again: str | None = None,
        is_moot: Callable[[], bool] = lambda: False,
    ) -> Mapping[str, Any] | None:
        """Report until the platform has taken it in; now and then rudely or twice.

        Twice is under another key unless ``again`` names it. The platform may not know yet that
        the order was taken, since the answer was lost; until it has asked again it refuses what
        comes too early, and the report waits.
        """
        ways = self._unkindness
        if dice.happens(ways.report_cut):
            self.counts["reports_cut"] += 1
            with contextlib.suppress(OSError):
                await self._api.ask("POST", path, document, key=key, leaves_early=True)
        for _ in range(REPORT_ATTEMPTS_MAX):
            if is_moot():
                return None
            reply = await self._api.insist("POST", path, document, key=key)
            if reply.status < 300:  # noqa: PLR2004 - any 2xx is a yes
                if dice.happens(ways.report_twice):
                    await self._report_again(
                        path, document, key=again or f"again-{key}", first=reply
                    )
                return reply.document
            self.counts[f"report_{reply.code}"] += 1
            if reply.code != "state_conflict":
                self.unexpected.append(f"{path}: {reply.status} {reply.document}")
                return None
            await asyncio.sleep(REPORT_PAUSE_S)
        return None

    async def _report_again(
        self, path: str, document: Mapping[str, Any] | None, *, key: str, first: Reply
    ) -> None:
        """Send a report a second time: the platform knows it by its key, or by the waybill."""
        self.counts["reports_twice"] += 1
        reply = await self._api.insist("POST", path, document, key=key)
        if reply.document.get("id") != first.document.get("id"):
            self.unexpected.append(f"{path} again: {reply.status} {reply.document}")


def _no(reason: str) -> bytes:
    return answer_bytes(409, json.dumps({"reason": reason}).encode())


def _pieces(lines: Sequence[tuple[int, int]]) -> int:
    return sum(quantity for _, quantity in lines)


def _missing(lines: Sequence[tuple[int, int]], shelf: Dice) -> tuple[int, int]:
    """Say of which line how many pieces are not there; at least one."""
    line_no, quantity = shelf.pick(lines)
    return line_no, shelf.between(1, quantity)


def _parts(
    lines: Sequence[tuple[int, int]], dice: Dice, *, is_split: bool
) -> list[list[tuple[int, int]]]:
    """Divide an order's pieces into packages: one, or two if there is more than one piece."""
    if not is_split or _pieces(lines) == 1:
        return [list(lines)]
    first = [(line_no, dice.between(0, quantity)) for line_no, quantity in lines]
    second = [
        (line_no, quantity - taken)
        for (line_no, quantity), (_, taken) in zip(lines, first, strict=True)
    ]
    parts = [[line for line in part if line[1] > 0] for part in (first, second)]
    return [part for part in parts if part]
