"""Look-ups that arrive together go through one transaction together.

A signed look-up writes its nonce, so on its own it would open a transaction, wait for the disk, and
make five journeys to the database besides those it is made for. Those that wait while others are
under way share all of that, and each journey carries the statements of all of them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Final, NamedTuple

import anyio.to_thread

from weili.entrypoints.http.calls import Call
from weili.kit.context import Ctx
from weili.kit.memory import Memory, Recall
from weili.kit.problems import Busy, Problem, Unavailable
from weili.kit.world import World, in_transaction
from weili.modules import parties

WAITING_MAX: Final = 1_000
RETRY_AFTER_S: Final = 1

Steps = Generator[None, None, bytes]
"""A look-up that asks the database and yields, reads what came and may ask again, and answers."""
Work = Callable[[Ctx, Recall], Steps]
Waiting = tuple[Call, Work, "asyncio.Future[bytes]"]

_log = logging.getLogger(__name__)


class Manner(NamedTuple):
    """How look-ups of a kind share transactions."""

    group_max: int
    """Look-ups in one transaction: the first waits for the last."""
    groups_max: int
    """Transactions at once: while some wait for the database or the index, another decides."""


SEARCHING: Final = Manner(4, 4)
"""Four of four gave a tenth more answers on two cores than two of eight."""
RECALLING: Final = Manner(8, 2)
"""What is remembered takes less processor time than a transaction does, and none to wait for: in
groups of eight a look-up of prices took a fifth less of it than in groups of four, one of stock a
twelfth less."""


class Reading:
    """The look-ups of one kind in one world, for one event loop."""

    def __init__(self, world: World, manner: Manner) -> None:
        self._world = world
        self._manner = manner
        self._memory = Memory()
        self._waiting: deque[Waiting] = deque()
        self._groups: set[asyncio.Task[None]] = set()

    async def ask(self, call: Call, work: Work) -> bytes:
        """Have a look-up done and give its answer.

        Raises: NonceReplayed; Busy when too many wait; what ``work`` raises.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise Busy(retry_after_s=RETRY_AFTER_S)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        self._waiting.append((call, work, future))
        if len(self._groups) < self._manner.groups_max:
            group = loop.create_task(self._go())
            self._groups.add(group)
            group.add_done_callback(self._groups.discard)
        return await future

    async def _go(self) -> None:
        while self._waiting:
            count = min(len(self._waiting), self._manner.group_max)
            group = [self._waiting.popleft() for _ in range(count)]
            answers = await anyio.to_thread.run_sync(
                together, self._world, self._memory, [(call, work) for call, work, _ in group]
            )
            for (_, _, future), answer in zip(group, answers, strict=True):
                if future.done():  # The caller went away.
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)


Readings = Mapping[str, Reading]
"""The look-ups of each world."""


def together(
    world: World, memory: Memory, group: Sequence[tuple[Call, Work]]
) -> list[bytes | Exception]:
    """Do look-ups in one transaction; each has its own answer or its own refusal.

    An unexpected error undoes all of them, so each is then done by itself.
    """
    try:
        return in_transaction(world.begin, lambda ctx: _done(ctx, memory, group))
    except (Busy, Unavailable) as problem:
        return [problem for _ in group]
    except Exception as error:  # noqa: BLE001 - whatever it is, only its own look-up may fail
        if len(group) == 1:
            return [error]
        _log.warning("a group of %d failed and is done singly", len(group), exc_info=True)
    return [answer for one in group for answer in together(world, memory, [one])]


def _done(ctx: Ctx, memory: Memory, group: Sequence[tuple[Call, Work]]) -> list[bytes | Exception]:
    """Claim all nonces, ask what may still be recalled, and take all look-ups on together.

    A journey for each step of all of them.
    """
    signed = [place for place, (call, _) in enumerate(group) if call.signed is not None]
    pairs = [call.signed for call, _ in group if call.signed is not None]
    answers: list[bytes | Exception] = [parties.NonceReplayed()] * len(group)
    with ctx.db.pipeline():
        claimed = parties.nonces_claim_asked(ctx, pairs=pairs)
        recall_asked = memory.recall_asked(ctx)
    recall = recall_asked()
    replayed = {place for place, free in zip(signed, claimed(), strict=True) if not free}
    under_way = {
        place: work(ctx.acting(call.actor), recall)
        for place, (call, work) in enumerate(group)
        if place not in replayed
    }
    while under_way:
        with ctx.db.pipeline():
            _step(under_way, answers)
    return answers


def _step(under_way: dict[int, Steps], answers: list[bytes | Exception]) -> None:
    """Take each look-up one step on; those that have ended leave their answers or refusals."""
    for place, steps in list(under_way.items()):
        try:
            next(steps)
        except StopIteration as end:
            answers[place] = end.value
            del under_way[place]
        except Problem as problem:
            answers[place] = problem
            del under_way[place]
