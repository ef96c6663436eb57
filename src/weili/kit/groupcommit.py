"""Group commit: while one transaction is under way, what arrives waits and goes together next.

Concurrency becomes batch size, so a hot row is locked once per batch and not once per command. A
lone command never waits for company. Each world (and, past one machine, each shard) has lanes, and
at the far end of each a process of its own: deciding and writing a batch takes a processor for
itself, and would else share one interpreter with the event loop that asks. What comes goes down the
lane with the least under way (``Lanes``); what far ends do at once the database puts in order.

The two ends are joined by a stream socket. ``Lane`` is the near end, in the event loop; its bound
is the most work that may be ahead of another command, past it the caller is told at once. It is as
much as the far end does in half a second, by what it did last (``Pace``), so whoever is let in is
answered soon, however slow the database has become. ``work_lane`` is the far end: it reads what has
arrived, does it as one batch, and writes the answers back in one go.

When a far end is lost, nobody knows what it had done of what it was given: whoever waits is told so
and may ask again with the same number. The lane never asks again by itself. It gets a new far end
as soon as the lost one has ended for certain, until when callers are told to come back; what comes
while the new one starts waits for it, within the same bound.

An unexpected error undoes the whole batch, so its commands are then done one by one: a command
that can't be done takes no neighbour down with it.
"""

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from weili.kit.clock import wall_now
from weili.kit.ids import id_text, new_id
from weili.kit.packing import PackedProblem
from weili.kit.problems import Busy, Problem, Unavailable

BATCH_WEIGHT_MAX: Final = 500
LANE_WEIGHT_MAX: Final = 4_000
"""What a batch, and all that is ahead of a command in a lane, may weigh, unless a lane is made for
less."""
WAIT_MAX_S: Final = 0.5
"""How long what is ahead of a command may take, at the pace of the far end."""
LANE_WEIGHT_MIN: Final = 32
"""What may be ahead however slow the far end is: one lone command says little about many."""
QUICK_S: Final = WAIT_MAX_S / 10
"""A far end that answers within this time is not what anybody waits for."""
PACE_HALF_S: Final = 0.5
"""After this time what a far end did counts for half."""
RETRY_AFTER_S: Final = 1

_HEAD: Final = struct.Struct("!III")
"""Of a command: its length in bytes, its number, its weight; of an answer: length, number, kind."""
_READ_BYTES: Final = 1 << 18
_READY, _RESULT, _REFUSAL, _FAILURE = range(4)

C = TypeVar("C")
R = TypeVar("R")

_log = logging.getLogger(__name__)

Anew = Callable[[], socket.socket | None]
"""Gives the link to a new far end in the place of one that is lost; None if there is to be none."""


def never() -> None:
    """Put nothing in the place of a far end that is lost."""


class LaneFailedError(Exception):
    """A command failed at the far end for a reason that is in its log."""


class _Waiting(NamedTuple):
    weight: int
    since_s: float
    future: "asyncio.Future[bytes]"


class Pace:
    """How fast a far end works by its last answers, and so how much may be ahead of a command.

    While it answers quickly only ``weight_max`` bounds it: a batch of one takes nearly as long as
    one of many, so what little it does while little is asked does not tell what it can.
    """

    def __init__(self, weight_max: int) -> None:
        self._weight_max = weight_max
        self._done = 0.0
        self._busy_s = 0.0
        self._longest_s = 0.0
        self._since_s = 0.0

    def begin(self, now_s: float) -> None:
        """Note that the far end has something to do from now on."""
        self._forget(now_s)

    def note(self, weight: int, now_s: float) -> None:
        """Note that the far end has answered for so much."""
        took_s = self._forget(now_s)
        self._done += weight
        self._busy_s += took_s
        self._longest_s = max(self._longest_s, took_s)

    def bound(self, now_s: float, *, is_busy: bool) -> int:
        """Give what may be ahead of another command.

        What a busy far end has not answered for yet counts as well: one that hangs has no pace.
        """
        passed_s = now_s - self._since_s
        kept = _kept(passed_s)
        waited_s = passed_s if is_busy else 0.0
        if max(self._longest_s * kept, waited_s) < QUICK_S:
            return self._weight_max
        in_time = int(self._done * kept / (self._busy_s * kept + waited_s) * WAIT_MAX_S)
        return min(self._weight_max, max(LANE_WEIGHT_MIN, in_time))

    def _forget(self, now_s: float) -> float:
        """Let time pass; gives how much has."""
        passed_s = now_s - self._since_s
        self._since_s = now_s
        kept = _kept(passed_s)
        self._done *= kept
        self._busy_s *= kept
        self._longest_s *= kept
        return passed_s


def _kept(passed_s: float) -> float:
    kept: float = 0.5 ** (passed_s / PACE_HALF_S)
    return kept


class Lane(asyncio.Protocol, Generic[C, R]):
    """The near end: takes commands from many callers of one event loop.

    ``write`` and ``read`` turn a command and its result into bytes and back. ``weigh`` says how
    many rows' worth of work a command is (a batch order of 200 weighs 200). ``anew`` is called, in
    a thread, when the far end is gone though nobody closed the lane.
    """

    def __init__(
        self,
        link: socket.socket,
        *,
        write: Callable[[C], bytes],
        read: Callable[[bytes], R],
        weigh: Callable[[C], int] = lambda _: 1,
        weight_max: int = LANE_WEIGHT_MAX,
        anew: Anew = never,
    ) -> None:
        self._link = link
        self._write = write
        self._read = read
        self._weigh = weigh
        self._pace = Pace(weight_max)
        self._anew = anew
        self._transport: asyncio.Transport | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._is_closed = False
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self.weight = 0
        """How much is under way."""
        self.losses = 0
        """How many far ends went away though nobody closed the lane."""
        self._unsent: list[bytes] = []
        self._frames = _Frames()
        self.is_ready = False
        """Whether the far end has said that it works."""

    @property
    def bound(self) -> int:
        """How much may be under way before another command is refused."""
        return self._pace.bound(monotonic(), is_busy=bool(self.weight))

    @property
    def oldest_s(self) -> float:
        """Say how long what is under way for the longest has been; 0 when nothing is."""
        first = next(iter(self._waiting.values()), None)
        return 0.0 if first is None else monotonic() - first.since_s

    async def open(self) -> None:
        """Join the lane to the running event loop."""
        await asyncio.get_running_loop().create_connection(lambda: self, sock=self._link)

    def close(self) -> None:
        """Refuse what comes from now on; the far end finishes what it was given, and ends."""
        self._is_closed = True
        self._send()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    async def ask(self, command: C) -> R:
        """Send a command and wait for its own result.

        Raises: the command's own refusal; Busy when too much is under way; Unavailable when the
        far end is gone or going; LaneFailedError.
        """
        if self._transport is None:
            raise Unavailable(retry_after_s=RETRY_AFTER_S)
        loop, now_s = asyncio.get_running_loop(), monotonic()
        weight = self._weigh(command)
        if not self.weight:
            self._pace.begin(now_s)
        elif self.weight >= self._pace.bound(now_s, is_busy=True):
            raise Busy(retry_after_s=RETRY_AFTER_S)
        number = next(self._numbers) & 0xFFFFFFFF
        future: asyncio.Future[bytes] = loop.create_future()
        self._waiting[number] = _Waiting(weight, now_s, future)
        self.weight += weight
        body = self._write(command)
        if not self._unsent:
            loop.call_soon(self._send)
        self._unsent += (_HEAD.pack(len(body), number, weight), body)
        return self._read(await future)

    def _send(self) -> None:
        """Write in one go what was asked in one turn of the event loop.

        If the far end was lost in that turn, those who asked were told so with all others, and the
        next far end is not given it.
        """
        unsent, self._unsent = self._unsent, []
        if self._transport is not None:
            self._transport.writelines(unsent)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport; called by the event loop."""
        self._transport = transport  # type: ignore[assignment] # a stream's is a Transport

    def data_received(self, data: bytes) -> None:
        """Give answers to those who wait for them; called by the event loop."""
        now_s, before = monotonic(), self.weight
        for number, kind, body in self._frames.split(data):
            if kind == _READY:
                self.is_ready = True
                self._pace.begin(now_s)  # What it took to start is not its pace.
                continue
            weight, _, future = self._waiting.pop(number)
            self.weight -= weight
            if future.done():  # The caller went away.
                continue
            if kind == _RESULT:
                future.set_result(body)
            elif kind == _REFUSAL:
                future.set_exception(msgspec.msgpack.decode(body, type=PackedProblem).problem())
            else:
                future.set_exception(LaneFailedError(body.decode()))
        if self.weight < before:
            self._pace.note(before - self.weight, now_s)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Tell all who wait that nobody knows what became of it; called by the event loop."""
        self._transport = None
        self.is_ready = False
        for _, _, future in self._waiting.values():
            if not future.done():
                future.set_exception(Unavailable(retry_after_s=RETRY_AFTER_S))
        self._waiting.clear()
        self.weight = 0
        self._frames = _Frames()
        if not self._is_closed:
            self.losses += 1
            self._renewal = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        """Join the lane to a new far end, if there is to be one."""
        link = await asyncio.to_thread(self._anew)
        if link is None:
            return
        self._link = link
        if self._is_closed:
            link.close()
        else:
            await self.open()


class Lanes(Generic[C, R]):
    """Several lanes that lead to equals; what is asked goes where least is under way."""

    def __init__(self, lanes: Sequence[Lane[C, R]]) -> None:
        self.lanes = lanes

    async def open(self) -> None:
        """Join all lanes to the running event loop."""
        for lane in self.lanes:
            await lane.open()

    def close(self) -> None:
        """Close all lanes, as ``Lane.close`` does."""
        for lane in self.lanes:
            lane.close()

    @property
    def is_ready(self) -> bool:
        """Whether a far end has said that it works: it does the work of those that don't."""
        return any(lane.is_ready for lane in self.lanes)

    async def ask(self, command: C) -> R:
        """Ask one of them; the first of all while nothing is under way.

        One that does not work yet, or no more, is asked only where none does, and one that is full
        only where all are.

        Raises: as ``Lane.ask``.
        """
        return await min(self.lanes, key=_burden_of).ask(command)


def _burden_of(lane: Lane[C, R]) -> tuple[bool, bool, int]:
    return not lane.is_ready, lane.weight >= lane.bound, lane.weight


class _Frames:
    """Cuts a stream into frames, however its pieces arrive."""

    def __init__(self) -> None:
        self._rest = b""

    def split(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Take a piece and give each frame that is whole by now: number, kind or weight, body."""
        data = self._rest + data if self._rest else data
        at = 0
        while len(data) - at >= _HEAD.size:
            length, number, kind = _HEAD.unpack_from(data, at)
            start = at + _HEAD.size
            if len(data) < start + length:
                break
            yield number, kind, data[start : start + length]
            at = start + length
        self._rest = data[at:]


def work_lane(
    link: socket.socket,
    work: Callable[[Sequence[C]], Sequence[R | Problem]],
    *,
    read: Callable[[bytes], C],
    write: Callable[[R], bytes],
    weight_max: int = BATCH_WEIGHT_MAX,
) -> None:
    """Be the far end of a lane until the near end closes it.

    ``work`` does one batch in one transaction and returns as many results as it was given
    commands; a refusal of one command is a result, not an exception. A batch weighs at most
    ``weight_max``, or is one command.
    """
    inbox = _Inbox(link, weight_max)
    with suppress(ConnectionError):
        link.sendall(_HEAD.pack(0, 0, _READY))
    while batch := inbox.take():
        results = _results(work, [read(body) for _, body in batch])
        answers = [
            _answer(number, result, write)
            for (number, _), result in zip(batch, results, strict=True)
        ]
        # If nobody listens any more, what was accepted is still done to the end.
        with suppress(ConnectionError):
            link.sendall(b"".join(answers))
        # Refusals hold what they came through: none of it is kept beyond its batch.
        del results, answers


class _Inbox:
    """What has arrived at the far end and is not begun."""

    def __init__(self, link: socket.socket, weight_max: int) -> None:
        self._link = link
        self._weight_max = weight_max
        self._frames = _Frames()
        self._queue: deque[tuple[int, int, bytes]] = deque()

    def take(self) -> list[tuple[int, bytes]]:
        """Give the next batch, (number, command) each; empty when the near end is closed."""
        self._fetch(is_patient=not self._queue)
        batch: list[tuple[int, bytes]] = []
        room = self._weight_max
        while self._queue and (not batch or self._queue[0][1] <= room):
            number, weight, body = self._queue.popleft()
            batch.append((number, body))
            room -= weight
        return batch

    def _fetch(self, *, is_patient: bool) -> None:
        """Read all that lies in the socket; wait for a first command if patient."""
        while True:
            try:
                data = self._link.recv(_READ_BYTES, 0 if is_patient else socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ConnectionError:
                data = b""
            if not data:
                return
            self._queue.extend(self._frames.split(data))
            is_patient = not self._queue


def _results(
    work: Callable[[Sequence[C]], Sequence[R | Problem]], commands: Sequence[C]
) -> "list[R | Problem | LaneFailedError]":
    try:
        return list(work(commands))
    except (Busy, Unavailable) as problem:
        return [problem] * len(commands)
    except Exception as error:  # noqa: BLE001 - whatever it is, only its own command may fail
        if len(commands) == 1:
            if isinstance(error, Problem):
                return [error]
            # The near end knows whose request it was: this joins its line and ours.
            fault = id_text("flt", new_id(wall_now()))
            _log.exception("a command failed: %s", fault)
            return [LaneFailedError(f"{type(error).__name__}, {fault}")]
        _log.warning("a batch of %d failed and is done singly", len(commands), exc_info=True)
    return [result for command in commands for result in _results(work, [command])]


def _answer(
    number: int, result: R | Problem | LaneFailedError, write: Callable[[R], bytes]
) -> bytes:
    match result:
        case Problem():
            kind, body = _REFUSAL, msgspec.msgpack.encode(PackedProblem.of(result))
        case LaneFailedError():
            kind, body = _FAILURE, str(result).encode()
        case _:
            kind, body = _RESULT, write(result)
    return _HEAD.pack(len(body), number, kind) + body
