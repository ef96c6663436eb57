"""The proxy of `weili chaos`: it copies faithfully, until it is told to be a bad network."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from weili.entrypoints.cli.chaos.proxy import Ends, Proxy


class Echo:
    """A server that answers every line with itself, and notes all that it was sent."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ended = 0
        self.hears = asyncio.Event()
        self.ends = asyncio.Event()
        self.serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        with suppress(ConnectionError):
            while line := await reader.readline():
                self.heard.append(line)
                self.hears.set()
                writer.write(line)
                await writer.drain()
        self.ended += 1
        self.ends.set()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def between(echo: Echo) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", port))
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
        server.close()
        await asyncio.gather(*echo.serving)


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> bytes:
    writer.write(line)
    return await reader.readline()


@asynccontextmanager
async def connected(proxy: Proxy) -> AsyncIterator[Ends]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def told(story: Callable[[Echo, Proxy], Awaitable[None]]) -> None:
    async def whole() -> None:
        echo = Echo()
        async with between(echo) as proxy:
            await story(echo, proxy)

    asyncio.run(whole())


def test_what_is_said_arrives_as_it_was_said() -> None:
    async def story(echo: Echo, proxy: Proxy) -> None:
        long = b"x" * 50_000 + b"\n"
        async with connected(proxy) as (reader, writer):
            assert await asked(reader, writer, long) == long
            writer.write_eof()
            assert await reader.read() == b""
        assert (echo.heard, echo.ended) == ([long], 1)

    told(story)


def test_a_cut_ends_every_connection_and_the_next_one_is_as_good_as_new() -> None:
    async def story(echo: Echo, proxy: Proxy) -> None:
        async with connected(proxy) as (reader, writer):
            await asked(reader, writer, b"before\n")
            assert proxy.cut() == 1
            with pytest.raises(ConnectionResetError):
                await reader.read()
        async with connected(proxy) as (reader, writer):
            assert await asked(reader, writer, b"after\n") == b"after\n"

    told(story)


def test_a_delay_holds_back_and_loses_nothing() -> None:
    async def story(echo: Echo, proxy: Proxy) -> None:
        async with connected(proxy) as (reader, writer):
            await asked(reader, writer, b"before\n")
            assert proxy.delay(0.05) == 1
            writer.write(b"held\n")
            await writer.drain()
            assert echo.heard == [b"before\n"]
            assert await reader.readline() == b"held\n"

    told(story)


def test_half_closed_towards_who_asks_it_hears_the_end_and_may_still_speak() -> None:
    async def story(echo: Echo, proxy: Proxy) -> None:
        async with connected(proxy) as (reader, writer):
            await asked(reader, writer, b"before\n")
            assert proxy.half_close(towards_near=True) == 1
            assert await reader.read() == b""
            echo.hears.clear()
            writer.write(b"spoken\n")
            await echo.hears.wait()
            assert echo.heard == [b"before\n", b"spoken\n"]

    told(story)


def test_half_closed_towards_who_answers_that_hears_the_end_and_nothing_more() -> None:
    async def story(echo: Echo, proxy: Proxy) -> None:
        async with connected(proxy) as (reader, writer):
            await asked(reader, writer, b"before\n")
            assert proxy.half_close(towards_near=False) == 1
            await echo.ends.wait()
            assert await reader.read() == b""
        assert echo.heard == [b"before\n"]

    told(story)


def test_a_request_is_repeated_as_it_was_and_its_second_answer_is_heard_by_nobody() -> None:
    async def story(echo: Echo, proxy: Proxy) -> None:
        async with connected(proxy) as (reader, writer):
            proxy.repeat(1)
            assert await asked(reader, writer, b"once\n") == b"once\n"
            # What repeats it ends its connection when it has heard the second answer.
            await echo.ends.wait()
            assert proxy.repeated == 1
            assert await asked(reader, writer, b"and on\n") == b"and on\n"
        assert echo.heard == [b"once\n", b"once\n", b"and on\n"]

    told(story)


def test_when_nobody_is_there_to_answer_the_connection_is_cut() -> None:
    async def nobody() -> Ends:
        raise ConnectionRefusedError

    async def story() -> None:
        proxy = Proxy(nobody)
        await proxy.start()
        async with connected(proxy) as (reader, _):
            with pytest.raises(ConnectionResetError):
                await reader.read()
        await proxy.close()

    asyncio.run(story())
