"""The desk does one thing at a time, and lets only so many wait."""

import asyncio
import threading

import pytest

from weili.entrypoints.http.desk import LINE_MAX, LINE_OF_ONE_MAX, Desk
from weili.kit.problems import Busy


def test_a_flood_has_one_worker_and_a_line_that_ends() -> None:
    working = threading.Lock()
    is_open = threading.Event()

    def work() -> bool:
        is_alone = working.acquire(blocking=False)
        is_open.wait(10)
        if is_alone:
            working.release()
        return is_alone

    async def flood() -> list[object]:
        desk = Desk()
        asked = [asyncio.ensure_future(desk.do(work, whose="")) for _ in range(3 * LINE_MAX)]
        await asyncio.sleep(0)
        is_open.set()
        return list(await asyncio.gather(*asked, return_exceptions=True))

    done = asyncio.run(flood())

    assert sum(isinstance(each, Busy) for each in done) == 2 * LINE_MAX
    assert [each for each in done if not isinstance(each, Busy)] == [True] * LINE_MAX


def test_who_fails_leaves_their_place_to_the_next() -> None:
    async def try_all() -> None:
        desk = Desk()
        for _ in range(2 * LINE_MAX):
            with pytest.raises(ZeroDivisionError):
                await desk.do(lambda: 1 // 0, whose="a")
        assert await desk.do(lambda: 7, whose="a") == 7

    asyncio.run(try_all())


def test_one_address_leaves_the_rest_of_the_line_to_others() -> None:
    is_open = threading.Event()

    async def flood() -> tuple[list[object], int]:
        desk = Desk()
        asked = [
            asyncio.ensure_future(desk.do(lambda: is_open.wait(10), whose="203.0.113.7"))
            for _ in range(LINE_MAX)
        ]
        await asyncio.sleep(0)
        other = asyncio.ensure_future(desk.do(lambda: 7, whose="192.0.2.1"))
        await asyncio.sleep(0)
        is_open.set()
        return list(await asyncio.gather(*asked, return_exceptions=True)), await other

    done, other = asyncio.run(flood())

    assert sum(isinstance(each, Busy) for each in done) == LINE_MAX - LINE_OF_ONE_MAX
    assert other == 7


def test_who_is_refused_at_the_look_waits_for_no_work_of_others() -> None:
    is_open = threading.Event()

    async def refused() -> None:
        desk = Desk()
        working = asyncio.ensure_future(desk.do(lambda: is_open.wait(10), whose="192.0.2.1"))
        with pytest.raises(ZeroDivisionError):
            await desk.do_looked(lambda: 1 // 0, lambda one: one, whose="203.0.113.7")
        assert not working.done()
        looked = asyncio.ensure_future(
            desk.do_looked(lambda: 3, lambda one: one + 4, whose="203.0.113.7")
        )
        is_open.set()
        assert await working
        assert await looked == 7

    asyncio.run(refused())
