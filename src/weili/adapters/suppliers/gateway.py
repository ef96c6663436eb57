"""What is asked of a supplier's system, and its HTTP form.

``POST {base}/orders`` takes a child order and answers 200 or 202 (accepted) or 409 (refused, with
a reason). ``POST {base}/orders/{id}/cancel`` answers 200 (cancelled), 409 (too late) or 202:
the warehouse is asked, and the answer comes through the platform's API; until then it is asked
again now and then, in case that answer is lost. Anything else, a timeout or a broken connection
is *unknown*: the same request is sent again later, and the supplier tells by the child order's id
that it has seen it before. Requests are signed as Standard Webhooks are: HMAC-SHA256 over id, time
and body; the time is the machine's own, since the other side knows no sandbox clock. They carry the
trace of the errand on (W3C Trace Context).
"""

import asyncio
import base64
import hmac
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, Protocol

import httpx2

from weili.kit.clock import wall_now
from weili.kit.tracing import traceparent_now

CALL_TIMEOUT_S: Final = 10.0
"""How long a whole call may last: name, connection, request, answer."""
CONNECT_TIMEOUT_S: Final = 3.0
ANSWER_BYTES_MAX: Final = 64 * 1024
REASON_LENGTH_MAX: Final = 200
CONNECTIONS_MAX: Final = 256
"""More than there are callers: none may wait for a connection that a silent supplier holds."""


class AnswerKind(StrEnum):
    """What a supplier's system said."""

    YES = "yes"
    NO = "no"
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and the supplier's words for a refusal.

    ``is_silent`` says that nobody was there or nothing came in time: asking the same supplier
    for something else just now would only cost as long again.
    """

    kind: AnswerKind
    reason: str = ""
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class SupplierEndpoint:
    """Where a supplier's system is, and the secret that requests to it are signed with."""

    base_url: str
    secret: str


class SupplierGateway(Protocol):
    """Talks to suppliers' systems. Never called inside a transaction."""

    def submit(self, endpoint: SupplierEndpoint, *, order: Mapping[str, Any]) -> Answer:
        """Ask a supplier to ship a child order."""

    def cancel(self, endpoint: SupplierEndpoint, *, child_id: str) -> Answer:
        """Ask a supplier not to ship a child order that it may have."""


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign a request. Source: Standard Webhooks 1.0.0, symmetric signatures."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()


class HttpSupplierGateway:
    """The HTTP form, over kept connections.

    Calls run in an event loop in a thread of its own: only there can a whole call be given up in
    time. The limits of a blocking client are for each read, and a supplier that sends a byte now
    and then, or a name server that is silent, would keep the caller for as long as it likes.
    """

    def __init__(self, *, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        """Begin; ``call_timeout_s`` bounds a call from looking the name up to the last byte."""
        self._call_timeout_s = call_timeout_s
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(call_timeout_s, connect=min(call_timeout_s, CONNECT_TIMEOUT_S)),
            follow_redirects=False,
            trust_env=False,
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX),
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="supplier-calls", daemon=True
        )
        self._thread.start()

    def submit(self, endpoint: SupplierEndpoint, *, order: Mapping[str, Any]) -> Answer:
        """Ask a supplier to ship a child order."""
        return self._post(endpoint, "/orders", message_id=order["id"], body=order)

    def cancel(self, endpoint: SupplierEndpoint, *, child_id: str) -> Answer:
        """Ask a supplier not to ship a child order that it may have."""
        path = f"/orders/{child_id}/cancel"
        return self._post(
            endpoint, path, message_id=f"cancel_{child_id}", body={}, accepted=AnswerKind.LATER
        )

    def close(self) -> None:
        """Close the kept connections; nobody may be calling any more."""
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        # A closed connection lets go of its socket in the next round of the loop.
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _post(
        self,
        endpoint: SupplierEndpoint,
        path: str,
        *,
        message_id: str,
        body: Mapping[str, Any],
        accepted: AnswerKind = AnswerKind.YES,
    ) -> Answer:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        timestamp = int(wall_now().timestamp())
        headers = {
            "accept-encoding": "identity",
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(
                endpoint.secret, message_id=message_id, timestamp=timestamp, body=content
            ),
            **traceparent_now(f"{message_id} {timestamp}"),
        }
        url = endpoint.base_url.rstrip("/") + path
        asking = self._ask(url, content=content, headers=headers, accepted=accepted)
        return asyncio.run_coroutine_threadsafe(asking, self._loop).result()

    async def _ask(
        self, url: str, *, content: bytes, headers: Mapping[str, str], accepted: AnswerKind
    ) -> Answer:
        until_s = self._loop.time() + self._call_timeout_s
        try:
            request = self._client.build_request("POST", url, content=content, headers=headers)
            async with asyncio.timeout_at(until_s):
                response = await self._client.send(request, stream=True)
            try:
                content = await _start(response, until_s)
                return _read(response.status_code, content, accepted)
            finally:
                await response.aclose()
        # A ValueError is a host that can't be written in ASCII: the client finds no name for it.
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError) as error:
            is_silent = isinstance(
                error, httpx2.TimeoutException | httpx2.ConnectError | TimeoutError
            )
            return Answer(AnswerKind.UNKNOWN, type(error).__name__, is_silent=is_silent)


def _read(status: int, content: bytes, accepted: AnswerKind) -> Answer:
    if status in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
        return Answer(AnswerKind.YES if status == HTTPStatus.OK else accepted)
    if status != HTTPStatus.CONFLICT:
        return Answer(AnswerKind.UNKNOWN, f"HTTP {status}")
    try:
        reason = str(json.loads(content)["reason"])
    except (ValueError, KeyError, TypeError):
        reason = ""
    return Answer(AnswerKind.NO, reason[:REASON_LENGTH_MAX])


async def _start(response: httpx2.Response, until_s: float) -> bytes:
    """Read an answer's body up to its bound and within its time, as it stands on the wire.

    Read to its end, it leaves the connection free for the next; one that goes on is cut off. The
    status, which is there already, is believed all the same.
    """
    content = b""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until_s):
            async for part in response.aiter_raw():
                content += part
                if len(content) > ANSWER_BYTES_MAX:
                    break
    return content[:ANSWER_BYTES_MAX]
