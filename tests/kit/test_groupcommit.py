"""Group commit: what arrives while one batch is under way goes together in the next."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing

import pytest

from weili.kit.groupcommit import (
    BATCH_WEIGHT_MAX,
    LANE_WEIGHT_MAX,
    LANE_WEIGHT_MIN,
    QUICK_S,
    Anew,
    Lane,
    LaneFailedError,
    Lanes,
    Pace,
    never,
    work_lane,
)
from weili.kit.problems import (
    Busy,
    FieldProblem,
    InputInvalid,
    NotFound,
    Problem,
    Said,
    Unavailable,
)

Numbers = Lane[int, int]


class Desk:
    """The far end: does batches when it is let, and remembers them. -1 breaks its whole batch."""

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.batches: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.refusal: Problem = NotFound(what="number", id="0")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self.far:
            work_lane(self.far, self.work, read=_read, write=_write)

    def work(self, commands: Sequence[int]) -> list[int | Problem]:
        """Double each command; refuse 0 by itself."""
        self.begun.release()
        assert self.let.acquire(timeout=10)
        self.batches.append(list(commands))
        if -1 in commands:
            raise ZeroDivisionError
        return [n * 2 if n else self.refusal for n in commands]

    def ask(
        self,
        talk: Callable[[Numbers], Awaitable[object]],
        *,
        is_heavy: bool = False,
        anew: Anew = never,
    ) -> object:
        """Open a lane, talk, and close it."""

        async def whole() -> object:
            lane: Numbers = Lane(
                self.near,
                write=_write,
                read=_read,
                weigh=abs if is_heavy else lambda _: 1,
                anew=anew,
            )
            await lane.open()
            try:
                return await talk(lane)
            finally:
                lane.close()
                await asyncio.sleep(0)

        return asyncio.run(whole())

    def end(self) -> None:
        """Let everything go on, until the thread has ended."""
        self.let.release(1_000)
        self.near.close()
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()


def _write(n: int) -> bytes:
    return str(n).encode()


def _read(data: bytes) -> int:
    return int(data)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Give a far end that waits to be let, and see that it ends with the near end."""
    desk = Desk()
    with closing(desk.near):
        yield desk
        desk.end()


@pytest.fixture
def next_desk() -> Iterator[Desk]:
    """Give a far end that may come in the place of another."""
    desk = Desk()
    with closing(desk.near):
        yield desk
        desk.end()


async def _until(done: Callable[[], bool]) -> None:
    """Let the event loop turn until something that is told to nobody is so."""
    while not done():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.01)


def _queued(desk: Desk, *later: int) -> list[object]:
    """Ask for 1, and while that is under way for the others; then let everything go on."""

    async def talk(lane: Numbers) -> list[object]:
        tasks = [asyncio.create_task(lane.ask(1))]
        await asyncio.to_thread(desk.begun.acquire)
        tasks += [asyncio.create_task(lane.ask(n)) for n in later]
        await asyncio.sleep(0.05)  # The event loop writes, and what it wrote lies in the socket.
        desk.let.release(100)
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    answers = desk.ask(talk)
    assert isinstance(answers, list)
    return answers


def test_a_lone_command_does_not_wait_and_the_rest_goes_together(desk: Desk) -> None:
    assert _queued(desk, 2, 3, 4) == [2, 4, 6, 8]
    assert desk.batches == [[1], [2, 3, 4]]


def test_a_refusal_is_one_commands_result(desk: Desk) -> None:
    first, refused, last = _queued(desk, 0, 3)

    assert (first, last) == (2, 6)
    assert isinstance(refused, NotFound)
    assert refused.members == {"what": "number", "id": "0"}


def test_a_command_that_breaks_its_batch_takes_no_neighbour_down(desk: Desk) -> None:
    results = _queued(desk, 2, -1, 3)

    assert [r for r in results if not isinstance(r, BaseException)] == [2, 4, 6]
    assert isinstance(results[2], LaneFailedError)
    assert desk.batches == [[1], [2, -1, 3], [2], [-1], [3]]


def test_a_batch_has_a_bound(desk: Desk) -> None:
    _queued(desk, *range(2, BATCH_WEIGHT_MAX + 10))

    assert [len(batch) for batch in desk.batches] == [1, BATCH_WEIGHT_MAX, 8]


def test_past_the_bound_a_caller_is_told_at_once_and_nothing_is_lost(desk: Desk) -> None:
    async def talk(lane: Numbers) -> list[int]:
        accepted = [
            asyncio.create_task(lane.ask(1)),
            asyncio.create_task(lane.ask(LANE_WEIGHT_MAX - 1)),
        ]
        await asyncio.to_thread(desk.begun.acquire)
        with pytest.raises(Busy):
            await lane.ask(1)
        desk.let.release(10)
        return list(await asyncio.gather(*accepted))

    assert desk.ask(talk, is_heavy=True) == [2, 2 * (LANE_WEIGHT_MAX - 1)]


def _bound(pace: Pace, now_s: float, *, is_busy: bool = False) -> int:
    return pace.bound(now_s, is_busy=is_busy)


def test_a_quick_far_end_is_given_all_that_the_lane_holds() -> None:
    pace = Pace(LANE_WEIGHT_MAX)
    for second in range(100, 110):
        pace.begin(second)
        pace.note(1, second + 0.004)

    assert _bound(pace, 110, is_busy=True) < LANE_WEIGHT_MAX
    assert _bound(pace, 109.02, is_busy=True) == LANE_WEIGHT_MAX


@pytest.mark.parametrize(
    ("per_s", "bound"), [(5_000, 2_500), (200, 100), (20, LANE_WEIGHT_MIN), (50_000, 4_000)]
)
def test_a_slow_far_end_is_given_what_it_does_in_time(per_s: int, bound: int) -> None:
    pace = Pace(LANE_WEIGHT_MAX)
    pace.begin(100.0)
    for answer in range(1, 11):
        pace.note(per_s // 5, 100 + answer / 5)

    assert _bound(pace, 102) == pytest.approx(bound, rel=0.02)


def test_one_hiccup_is_weighed_with_what_was_done_before_it_and_forgotten() -> None:
    pace = Pace(LANE_WEIGHT_MAX)
    pace.begin(100.0)
    for answer in range(1, 51):
        pace.note(40, 100 + answer / 50)
    pace.note(40, 101.2)
    assert 500 < _bound(pace, 101.2) < 1_000
    assert _bound(pace, 104) == LANE_WEIGHT_MAX


def test_a_far_end_that_becomes_slow_is_given_less_within_two_seconds() -> None:
    pace = Pace(LANE_WEIGHT_MAX)
    pace.begin(100.0)
    for answer in range(1, 101):
        pace.note(40, 100 + answer / 50)
    for answer in range(1, 11):
        pace.note(40, 102 + answer / 5)

    assert _bound(pace, 104) < 200
    for answer in range(1, 101):
        pace.note(40, 104 + answer / 50)
    assert _bound(pace, 106) > 900


def test_a_far_end_that_hangs_is_given_less_though_it_answers_nothing() -> None:
    pace = Pace(LANE_WEIGHT_MAX)
    pace.begin(100.0)
    for answer in range(1, 101):
        pace.note(40, 100 + answer / 50)

    bounds = [_bound(pace, 102 + hung_s, is_busy=True) for hung_s in (0.02, 0.2, 1, 3)]

    assert bounds[0] == LANE_WEIGHT_MAX
    assert 1_000 > bounds[1] > bounds[2] > bounds[3] == LANE_WEIGHT_MIN
    assert _bound(pace, 105) == LANE_WEIGHT_MAX  # There was nothing to do meanwhile.


def test_past_its_pace_a_caller_is_told_at_once(desk: Desk) -> None:
    async def talk(lane: Numbers) -> list[int]:
        first = asyncio.create_task(lane.ask(1))
        await asyncio.to_thread(desk.begun.acquire)
        await asyncio.sleep(4 * QUICK_S)
        desk.let.release()
        await first
        accepted = [asyncio.create_task(lane.ask(1)) for _ in range(LANE_WEIGHT_MIN)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await lane.ask(1)
        desk.let.release(100)
        return list(await asyncio.gather(*accepted))

    assert desk.ask(talk) == [2] * LANE_WEIGHT_MIN


def test_one_command_heavier_than_the_bound_goes_alone(desk: Desk) -> None:
    async def talk(lane: Numbers) -> int:
        desk.let.release(10)
        return await lane.ask(LANE_WEIGHT_MAX * 2)

    assert desk.ask(talk, is_heavy=True) == LANE_WEIGHT_MAX * 4


def test_closing_leaves_no_accepted_command_undone_and_refuses_the_rest(desk: Desk) -> None:
    async def talk(lane: Numbers) -> None:
        asked = [asyncio.create_task(lane.ask(n)) for n in (4, 5)]
        await asyncio.to_thread(desk.begun.acquire)
        await asyncio.sleep(0.05)
        lane.close()
        with pytest.raises(Unavailable):
            await lane.ask(1)
        for task in asked:
            with pytest.raises(Unavailable):
                await task

    asked_anew = threading.Event()
    desk.ask(talk, anew=asked_anew.set)
    desk.end()

    assert [n for batch in desk.batches for n in batch] == [4, 5]
    assert not asked_anew.is_set()


def test_a_far_end_that_is_lost_is_told_to_all_who_wait(desk: Desk) -> None:
    # Given a far end that nothing comes in the place of
    async def talk(lane: Numbers) -> None:
        asked = asyncio.create_task(lane.ask(4))
        await asyncio.to_thread(desk.begun.acquire)
        assert lane.is_ready
        desk.far.shutdown(socket.SHUT_RDWR)
        with pytest.raises(Unavailable):
            await asked
        assert not lane.is_ready
        assert lane.weight == 0
        with pytest.raises(Unavailable):
            await lane.ask(1)

    desk.ask(talk)


def test_a_new_far_end_does_what_comes_and_nothing_of_what_the_lost_one_had(
    desk: Desk, next_desk: Desk
) -> None:
    # Given a far end that is lost while it works, with more in its queue
    async def talk(lane: Numbers) -> list[int]:
        asked = [asyncio.create_task(lane.ask(4))]
        await asyncio.to_thread(desk.begun.acquire)
        asked += [asyncio.create_task(lane.ask(5)), asyncio.create_task(lane.ask(6))]
        await asyncio.sleep(0.05)
        desk.far.shutdown(socket.SHUT_RDWR)
        # Then each who waits is told that nobody knows,
        for task in asked:
            with pytest.raises(Unavailable):
                await task
        # and what comes now is done by the new one, within the whole bound
        await _until(lambda: lane.is_ready)
        next_desk.let.release(100)
        return list(await asyncio.gather(lane.ask(LANE_WEIGHT_MAX - 2), lane.ask(2)))

    answers = desk.ask(talk, is_heavy=True, anew=lambda: next_desk.near)

    assert answers == [2 * (LANE_WEIGHT_MAX - 2), 4]
    assert [n for batch in next_desk.batches for n in batch] == [LANE_WEIGHT_MAX - 2, 2]


def test_a_lane_that_is_closed_meanwhile_lets_its_new_far_end_go(
    desk: Desk, next_desk: Desk
) -> None:
    closed = threading.Event()

    def anew() -> socket.socket:
        assert closed.wait(10)
        return next_desk.near

    async def talk(lane: Numbers) -> None:
        await _until(lambda: lane.is_ready)
        desk.far.shutdown(socket.SHUT_RDWR)
        await _until(lambda: not lane.is_ready)
        lane.close()
        closed.set()
        await _until(lambda: next_desk.near.fileno() < 0)
        with pytest.raises(Unavailable):
            await lane.ask(1)

    desk.ask(talk, anew=anew)
    next_desk.end()


def test_a_caller_that_went_away_stops_nobody(desk: Desk) -> None:
    async def talk(lane: Numbers) -> int:
        gone = asyncio.create_task(lane.ask(1))
        await asyncio.to_thread(desk.begun.acquire)
        gone.cancel()
        stays = asyncio.create_task(lane.ask(2))
        await asyncio.sleep(0)
        desk.let.release(2)
        return await stays

    assert desk.ask(talk) == 4


@pytest.mark.parametrize(
    "said",
    [
        InputInvalid(fields=(FieldProblem("/lines/0", "value_wrong", Said("a number", "数字")),)),
        NotFound(what=Said("party", "主体", code="party"), id="pty_1"),
    ],
)
def test_a_refusal_keeps_all_it_says_on_its_way(desk: Desk, said: Problem) -> None:
    desk.refusal = said

    async def talk(lane: Numbers) -> object:
        desk.let.release()
        with pytest.raises(Problem) as caught:
            await lane.ask(0)
        return caught.value.as_json("zh")

    assert desk.ask(talk) == said.as_json("zh")


async def _joined(desks: Sequence[Desk]) -> Lanes[int, int]:
    """Open lanes to desks, and wait until all work."""
    joined: list[Numbers] = [Lane(each.near, write=_write, read=_read) for each in desks]
    lanes = Lanes(joined)
    await lanes.open()
    await _until(lambda: all(lane.is_ready for lane in joined))
    return lanes


def test_a_lane_that_is_full_refuses_nobody_while_another_has_room() -> None:
    desks = [Desk(), Desk()]

    async def talk() -> list[int]:
        lanes = await _joined(desks)
        slow, free = lanes.lanes
        asked = [asyncio.create_task(slow.ask(1))]
        await asyncio.to_thread(desks[0].begun.acquire)
        await asyncio.sleep(4 * QUICK_S)  # The slow one has a bound of its own from here on.
        for lane, count in ((slow, LANE_WEIGHT_MIN - 1), (free, LANE_WEIGHT_MIN + 10)):
            asked += [asyncio.create_task(lane.ask(1)) for _ in range(count)]
        await asyncio.sleep(0)
        assert (slow.weight, free.weight) == (LANE_WEIGHT_MIN, LANE_WEIGHT_MIN + 10)
        asked.append(asyncio.create_task(lanes.ask(2)))
        await asyncio.sleep(0)
        for desk in desks:
            desk.let.release(100)
        answers = await asyncio.gather(*asked)
        lanes.close()
        await asyncio.sleep(0)
        return answers

    try:
        assert asyncio.run(talk())[-1] == 4
    finally:
        for desk in desks:
            desk.end()


def test_of_several_lanes_the_one_with_the_least_under_way_is_asked() -> None:
    desks = [Desk(), Desk()]

    async def talk() -> list[int]:
        lanes = await _joined(desks)
        tasks = [asyncio.create_task(lanes.ask(n)) for n in (1, 2)]
        for desk in desks:
            await asyncio.to_thread(desk.begun.acquire)
        tasks += [asyncio.create_task(lanes.ask(n)) for n in (3, 4, 5)]
        await asyncio.sleep(0.05)  # The event loop writes, and what it wrote lies in the sockets.
        for desk in desks:
            desk.let.release(100)
        answers = await asyncio.gather(*tasks)
        lanes.close()
        await asyncio.sleep(0)
        return answers

    try:
        assert asyncio.run(talk()) == [2, 4, 6, 8, 10]
    finally:
        for desk in desks:
            desk.end()
    assert [desk.batches for desk in desks] == [[[1], [3, 5]], [[2], [4]]]


def test_of_several_lanes_one_that_is_lost_is_asked_no_more() -> None:
    desks = [Desk(), Desk()]

    async def talk() -> list[int]:
        lanes = await _joined(desks)
        asked = asyncio.create_task(lanes.ask(1))
        await asyncio.to_thread(desks[0].begun.acquire)
        desks[0].far.shutdown(socket.SHUT_RDWR)
        with pytest.raises(Unavailable):
            await asked
        assert lanes.is_ready
        desks[1].let.release(100)
        answers = list(await asyncio.gather(*(lanes.ask(n) for n in (2, 3, 4))))
        lanes.close()
        await asyncio.sleep(0)
        return answers

    try:
        assert asyncio.run(talk()) == [4, 6, 8]
    finally:
        for desk in desks:
            desk.end()
    assert [n for batch in desks[1].batches for n in batch] == [2, 3, 4]
