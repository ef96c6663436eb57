"""Group commit: while one transaction is under way, what arrives waits and goes together next.

Concurrency becomes batch size, so a hot row is locked once per batch and not once per command. A
lone command never waits for company. The queue has a bound; past it the caller is told at once.
There is one lane, with a thread of its own, for each world (and, past one machine, each shard).

An unexpected error undoes the whole batch, so its commands are then done one by one: a command
that can't be done takes no neighbour down with it.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from weili.kit.problems import Busy, Problem, Unavailable

BATCH_WEIGHT_MAX: Final = 500
QUEUE_WEIGHT_MAX: Final = 4_000
RETRY_AFTER_S: Final = 1

C = TypeVar("C")
R = TypeVar("R")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting(Generic[C, R]):
    command: C
    weight: int
    loop: asyncio.AbstractEventLoop | None
    future: "asyncio.Future[R] | Future[R]"


class GroupCommit(Generic[C, R]):
    """Collects commands and hands them, in order of arrival, to ``work`` in batches.

    ``work`` does one batch in one transaction and returns as many results as it was given
    commands; a refusal that concerns one command is a result, not an exception. ``weigh`` says
    how many rows' worth of work a command is (a batch order of 200 weighs 200).
    """

    def __init__(
        self,
        work: Callable[[Sequence[C]], Sequence[R]],
        *,
        lane: str,
        weigh: Callable[[C], int] = lambda _: 1,
    ) -> None:
        self._work = work
        self._weigh = weigh
        self._queue: deque[_Waiting[C, R]] = deque()
        self._queue_weight = 0
        self._ready = threading.Condition()
        self._is_open = True
        self._thread = threading.Thread(target=self._run, name=f"group-commit-{lane}", daemon=True)
        self._thread.start()

    @property
    def waiting_weight(self) -> int:
        """Say how much work waits for the next batches."""
        return self._queue_weight

    async def ask(self, command: C) -> R:
        """Queue a command and wait, without holding a thread, for its own result.

        Raises: Busy when the queue is full; Unavailable while shutting down.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._put(_Waiting(command, self._weigh(command), loop, future))
        return await future

    def call(self, command: C) -> R:
        """Queue a command and hold the calling thread until its result is there.

        Raises: Busy when the queue is full; Unavailable while shutting down.
        """
        future: Future[R] = Future()
        self._put(_Waiting(command, self._weigh(command), None, future))
        return future.result()

    def close(self) -> None:
        """Refuse what comes from now on, finish what was accepted, end the thread."""
        with self._ready:
            self._is_open = False
            self._ready.notify()
        self._thread.join()

    def _put(self, waiting: _Waiting[C, R]) -> None:
        with self._ready:
            if not self._is_open:
                raise Unavailable(retry_after_s=RETRY_AFTER_S)
            if self._queue and self._queue_weight + waiting.weight > QUEUE_WEIGHT_MAX:
                raise Busy(retry_after_s=RETRY_AFTER_S)
            self._queue.append(waiting)
            self._queue_weight += waiting.weight
            self._ready.notify()

    def _take(self) -> list[_Waiting[C, R]]:
        with self._ready:
            while not self._queue and self._is_open:
                self._ready.wait()
            batch: list[_Waiting[C, R]] = []
            weight = 0
            while self._queue and (not batch or weight + self._queue[0].weight <= BATCH_WEIGHT_MAX):
                waiting = self._queue.popleft()
                batch.append(waiting)
                weight += waiting.weight
            self._queue_weight -= weight
            return batch

    def _run(self) -> None:
        while batch := self._take():
            _deliver(batch, self._results(batch))

    def _results(self, batch: Sequence[_Waiting[C, R]]) -> "list[R | BaseException]":
        try:
            return list(self._work([waiting.command for waiting in batch]))
        except Exception as error:  # noqa: BLE001 - whatever it is, only its own command may fail
            if len(batch) == 1 or isinstance(error, Busy | Unavailable):
                if not isinstance(error, Problem):
                    _log.exception("a command failed")
                return [error] * len(batch)
            _log.warning("a batch of %d failed and is done singly", len(batch), exc_info=True)
        return [result for waiting in batch for result in self._results([waiting])]


def _deliver(batch: Sequence[_Waiting[C, R]], results: "Sequence[R | BaseException]") -> None:
    """Wake the callers: one call into each event loop for the whole batch."""
    by_loop: dict[
        asyncio.AbstractEventLoop | None, list[tuple[_Waiting[C, R], R | BaseException]]
    ] = {}
    for waiting, result in zip(batch, results, strict=True):
        by_loop.setdefault(waiting.loop, []).append((waiting, result))
    for loop, pairs in by_loop.items():
        if loop is None:
            _settle(pairs)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: "list[tuple[_Waiting[C, R], R | BaseException]]") -> None:
    for waiting, result in pairs:
        if waiting.future.cancelled():
            continue
        if isinstance(result, BaseException):
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)
