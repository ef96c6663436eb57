"""The little of HTTP/1.1 that a simulator needs, so that it can also be rude.

An ordinary client or server won't close a connection between a request and its answer. This one
does when it is told to, and its answers are as plain as the wire.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

HEAD_BYTES_MAX: Final = 64 * 1024
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
TIMEOUT_S: Final = 30.0

_REASONS: Final = {200: "OK", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized"}


class ConnectionCut(ConnectionError):
    """The other side was gone before the answer was whole: what it did is not known."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: its first line, headers in lower case, and body."""

    first: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def status(self) -> int:
        """Give an answer's status."""
        return int(self.first.split(" ", 2)[1])


async def message_read(reader: asyncio.StreamReader) -> Message | None:
    """Read a message; None when the other side closed instead of beginning one.

    Raises: ConnectionCut, in the middle of one; ValueError, when it is no HTTP or too large.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise ConnectionCut("in the head") from None
    except asyncio.LimitOverrunError:
        raise ValueError("the head is too large") from None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if "transfer-encoding" in headers or not 0 <= length <= BODY_BYTES_MAX:
        raise ValueError("the body has no plain length within the bound")
    try:
        body = await reader.readexactly(length) if length else b""
    except asyncio.IncompleteReadError:
        raise ConnectionCut("in the body") from None
    return Message(first, headers, body)


def message_bytes(first: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Write a message."""
    lines = [first, *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""])
    return head.encode("latin-1") + body


def answer_bytes(status: int, body: bytes) -> bytes:
    """Write a JSON answer."""
    first = f"HTTP/1.1 {status} {_REASONS.get(status, 'Answer')}"
    return message_bytes(first, {"content-type": "application/json"}, body)


class HttpClient:
    """Asks one server over a bounded number of kept connections."""

    def __init__(self, host: str, port: int, *, connections: int) -> None:
        self._host = host
        self._port = port
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = (
            asyncio.LifoQueue()
        )
        for _ in range(connections):
            self._free.put_nowait(None)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Callable[[], Mapping[str, str]],
        body: bytes = b"",
        leaves_early: bool = False,
    ) -> Message:
        """Send a request and give its answer; with ``leaves_early`` hang up instead of reading it.

        Its headers are made when a connection is free: what is signed says when, and is refused
        when it has waited for minutes.

        Raises: ConnectionCut (an ``OSError``) when there is no whole answer, also by one's own
        doing; another OSError when the server can't be reached; TimeoutError.
        """
        kept = await self._free.get()
        try:
            if kept is None:
                kept = await asyncio.open_connection(self._host, self._port, limit=HEAD_BYTES_MAX)
            reader, writer = kept
            kept = None
            request = message_bytes(
                f"{method} {path} HTTP/1.1",
                {"host": f"{self._host}:{self._port}", **headers()},
                body,
            )
            writer.write(request)
            if leaves_early:
                await writer.drain()
                writer.transport.abort()
                raise ConnectionCut("by the client itself")
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    answer = await message_read(reader)
            except BaseException:
                writer.transport.abort()
                raise
            if answer is None:
                writer.close()
                raise ConnectionCut("before the answer")
            if answer.headers.get("connection", "").lower() == "close":
                writer.close()
            else:
                kept = (reader, writer)
            return answer
        finally:
            self._free.put_nowait(kept)

    async def close(self) -> None:
        """Close the kept connections that are free."""
        while not self._free.empty():
            kept = self._free.get_nowait()
            if kept is not None:
                kept[1].close()
                with suppress(OSError):
                    await kept[1].wait_closed()
