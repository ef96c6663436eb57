"""Group commit: what arrives while one batch is under way goes together in the next."""

import asyncio
import threading
from collections.abc import Iterator, Sequence

import pytest

from weili.kit.groupcommit import BATCH_WEIGHT_MAX, QUEUE_WEIGHT_MAX, GroupCommit
from weili.kit.problems import Busy, NotFound, Problem, Unavailable


class Desk:
    """Does batches when it is let, and remembers them. A command -1 breaks its whole batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def work(self, commands: Sequence[int]) -> list[int | Problem]:
        """Double each command; refuse 0 by itself."""
        self.begun.release()
        assert self.let.acquire(timeout=10)
        self.batches.append(list(commands))
        if -1 in commands:
            raise ZeroDivisionError
        return [n * 2 if n else NotFound(what="number", id="0") for n in commands]


@pytest.fixture
def desk() -> Desk:
    """Give a desk that waits to be let."""
    return Desk()


@pytest.fixture
def lane(desk: Desk) -> Iterator[GroupCommit[int, int | Problem]]:
    """Give a lane that works at the desk; each command weighs one."""
    lane = GroupCommit(desk.work, lane="test")
    yield lane
    for _ in range(1_000):
        desk.let.release()
    lane.close()


async def _queued(lane: GroupCommit[int, int | Problem], desk: Desk, *later: int) -> list[object]:
    """Ask for 1, and while that is under way for the others; then let everything go on."""
    tasks = [asyncio.create_task(lane.ask(1))]
    await asyncio.to_thread(desk.begun.acquire)
    tasks += [asyncio.create_task(lane.ask(n)) for n in later]
    await asyncio.sleep(0)
    for _ in range(100):
        desk.let.release()
    return list(await asyncio.gather(*tasks, return_exceptions=True))


def test_a_lone_command_does_not_wait_and_the_rest_goes_together(
    lane: GroupCommit[int, int | Problem], desk: Desk
) -> None:
    assert asyncio.run(_queued(lane, desk, 2, 3, 4)) == [2, 4, 6, 8]
    assert desk.batches == [[1], [2, 3, 4]]


def test_a_refusal_is_one_commands_result(
    lane: GroupCommit[int, int | Problem], desk: Desk
) -> None:
    first, refused, last = asyncio.run(_queued(lane, desk, 0, 3))

    assert (first, last) == (2, 6)
    assert isinstance(refused, NotFound)


def test_a_command_that_breaks_its_batch_takes_no_neighbour_down(
    lane: GroupCommit[int, int | Problem], desk: Desk
) -> None:
    results = asyncio.run(_queued(lane, desk, 2, -1, 3))

    assert [r for r in results if not isinstance(r, BaseException)] == [2, 4, 6]
    assert isinstance(results[2], ZeroDivisionError)
    assert desk.batches == [[1], [2, -1, 3], [2], [-1], [3]]


def test_a_batch_has_a_bound(lane: GroupCommit[int, int | Problem], desk: Desk) -> None:
    later = range(2, BATCH_WEIGHT_MAX + 10)

    asyncio.run(_queued(lane, desk, *later))

    assert [len(batch) for batch in desk.batches] == [1, BATCH_WEIGHT_MAX, 8]


def test_a_full_queue_says_so_at_once_and_loses_nothing(desk: Desk) -> None:
    lane = GroupCommit(desk.work, lane="test", weigh=lambda n: n)
    results: list[object] = []
    first = threading.Thread(target=lambda: results.append(lane.call(1)))
    first.start()
    desk.begun.acquire()
    second = threading.Thread(target=lambda: results.append(lane.call(QUEUE_WEIGHT_MAX)))
    second.start()
    while lane.waiting_weight < QUEUE_WEIGHT_MAX:
        second.join(timeout=0.01)

    with pytest.raises(Busy):
        lane.call(1)

    desk.let.release(10)
    first.join()
    second.join()
    lane.close()
    assert sorted(map(str, results)) == sorted(["2", str(2 * QUEUE_WEIGHT_MAX)])


def test_closing_finishes_what_was_accepted_and_refuses_the_rest(desk: Desk) -> None:
    lane = GroupCommit(desk.work, lane="test")
    results: list[object] = []
    caller = threading.Thread(target=lambda: results.append(lane.call(4)))
    caller.start()
    desk.begun.acquire()
    closing = threading.Thread(target=lane.close)
    closing.start()
    desk.let.release()
    closing.join(timeout=10)
    caller.join(timeout=10)

    assert results == [8]
    with pytest.raises(Unavailable):
        lane.call(1)


def test_a_caller_that_went_away_stops_nobody(
    lane: GroupCommit[int, int | Problem], desk: Desk
) -> None:
    async def leave() -> object:
        gone = asyncio.create_task(lane.ask(1))
        await asyncio.to_thread(desk.begun.acquire)
        gone.cancel()
        stays = asyncio.create_task(lane.ask(2))
        await asyncio.sleep(0)
        desk.let.release(2)
        return await stays

    assert asyncio.run(leave()) == 4
