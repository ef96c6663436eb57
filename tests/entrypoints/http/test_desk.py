"""The desk does one thing at a time, and lets only so many wait."""

import asyncio
import threading

import pytest

from weili.entrypoints.http.desk import LINE_MAX, Desk
from weili.kit.problems import Busy


def test_a_flood_has_one_worker_and_a_line_that_ends() -> None:
    at_once: list[int] = []
    working = threading.Semaphore(LINE_MAX)
    is_open = threading.Event()

    def work() -> None:
        assert working.acquire(blocking=False)
        is_open.wait(10)
        at_once.append(LINE_MAX - working._value)
        working.release()

    async def flood() -> list[object]:
        desk = Desk()
        asked = [asyncio.ensure_future(desk.do(work)) for _ in range(3 * LINE_MAX)]
        await asyncio.sleep(0)
        is_open.set()
        return list(await asyncio.gather(*asked, return_exceptions=True))

    done = asyncio.run(flood())

    assert sum(isinstance(each, Busy) for each in done) == 2 * LINE_MAX
    assert at_once == [1] * LINE_MAX


def test_who_fails_or_goes_away_leaves_their_place_to_the_next() -> None:
    async def try_all() -> None:
        desk = Desk()
        for _ in range(2 * LINE_MAX):
            with pytest.raises(ZeroDivisionError):
                await desk.do(lambda: 1 // 0)
        assert await desk.do(lambda: 7) == 7

    asyncio.run(try_all())
