"""Stands between two that talk over TCP, and does to them what a bad network does.

It copies bytes until it is told to hold them back, to cut, or to close one direction only. A
request to a supplier's system can also be sent once more, as a network that repeats would seem to
do; TCP itself repeats nothing that a program could see.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

CHUNK_BYTES: Final = 64 * 1024
REQUEST_BYTES_MAX: Final = 1024 * 1024
REPEAT_S: Final = 10.0
_NO_LINGER: Final = struct.pack("ii", 1, 0)

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True, eq=False)
class _Link:
    """A connection: towards who asks, towards who answers, and the request of the moment."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    request: bytearray = field(default_factory=bytearray)
    is_answered: bool = False
    closed: list[asyncio.StreamWriter] = field(default_factory=list)

    def abort(self) -> None:
        for writer in (self.near, self.far):
            _reset(writer)


class Proxy:
    """Copies between whoever connects to its port and what ``reach`` opens."""

    def __init__(self, reach: Callable[[], Awaitable[Ends]]) -> None:
        self.repeated = 0
        self._reach = reach
        self._links: set[_Link] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._repeats_left = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Say where it listens."""
        if self._server is None:
            raise RuntimeError("the proxy is not started")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Open a port of its own on this machine."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        """Close the port and cut what is open."""
        if self._server is not None:
            self._server.close()
        self.cut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A closed connection lets go of its socket in the next round of the loop.
        await asyncio.sleep(0)

    # --- what a bad network does ----------------------------------------------------------------

    def delay(self, seconds: float) -> int:
        """Hold all bytes back for a while; says how many connections that befalls."""
        self._flows.clear()
        asyncio.get_running_loop().call_later(seconds, self._flows.set)
        return len(self._links)

    def cut(self) -> int:
        """Cut every connection, on both sides; says how many."""
        links = list(self._links)
        for link in links:
            link.abort()
        return len(links)

    def half_close(self, *, towards_near: bool) -> int:
        """Close one direction of every connection; what still comes for it is lost."""
        links = list(self._links)
        for link in links:
            _end(link, link.near if towards_near else link.far)
        return len(links)

    def repeat(self, requests: int) -> int:
        """Send so many of the next requests once more; says how many are to be."""
        self._repeats_left = requests
        return requests

    # --- copying --------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.current_task())
        try:
            far_reader, far_writer = await self._reach()
        except OSError:
            _reset(writer)
            return
        link = _Link(writer, far_writer)
        self._links.add(link)
        try:
            await asyncio.gather(
                self._copy(link, reader, far_writer, is_asking=True),
                self._copy(link, far_reader, writer, is_asking=False),
            )
        except (OSError, asyncio.CancelledError):
            link.abort()
        finally:
            self._links.discard(link)
            writer.close()
            far_writer.close()

    async def _copy(
        self,
        link: _Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_asking: bool,
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._flows.wait()
            self._noticed(link, data, is_asking=is_asking)
            if writer not in link.closed:
                writer.write(data)
                await writer.drain()
        _end(link, writer)

    def _noticed(self, link: _Link, data: bytes, *, is_asking: bool) -> None:
        """Keep the request of the moment, and send it once more when its answer begins."""
        if is_asking:
            if link.is_answered:
                link.request.clear()
                link.is_answered = False
            if len(link.request) + len(data) <= REQUEST_BYTES_MAX:
                link.request += data
        elif not link.is_answered:
            link.is_answered = True
            if self._repeats_left:
                self._repeats_left -= 1
                self._keep(asyncio.create_task(self._again(bytes(link.request))))

    def _keep(self, task: "asyncio.Task[None] | None") -> None:
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _again(self, request: bytes) -> None:
        """Send a request a second time, on a connection of its own; nobody hears the answer."""
        with suppress(OSError, TimeoutError):
            reader, writer = await self._reach()
            try:
                writer.write(request)
                async with asyncio.timeout(REPEAT_S):
                    await reader.read(CHUNK_BYTES)
                self.repeated += 1
            finally:
                writer.transport.abort()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Cut a connection so that the other end is told of it as of a failure, not of an end."""
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


def _end(link: _Link, writer: asyncio.StreamWriter) -> None:
    """Close a direction, once."""
    if writer not in link.closed:
        link.closed.append(writer)
        with suppress(OSError):
            if not writer.transport.is_closing() and writer.can_write_eof():
                writer.write_eof()
