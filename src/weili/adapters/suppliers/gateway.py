"""What is asked of a supplier's system, and its HTTP form.

``POST {base}/orders`` takes a child order and answers 200 or 202 (accepted) or 409 (refused, with
a reason). ``POST {base}/orders/{id}/cancel`` answers 200 (cancelled) or 409 (too late). Anything
else, a timeout or a broken connection is *unknown*: the same request is sent again later, and the
supplier tells by the child order's id that it has seen it before. Requests are signed as Standard
Webhooks are: HMAC-SHA256 over id, time and body; the time is the
machine's own, since the other side knows no sandbox clock.
"""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, Protocol

import httpx2

from weili.kit.clock import wall_now

TIMEOUT_S: Final = 10.0
CONNECT_TIMEOUT_S: Final = 3.0
ANSWER_BYTES_MAX: Final = 64 * 1024
REASON_LENGTH_MAX: Final = 200
CONNECTIONS_MAX: Final = 16


class AnswerKind(StrEnum):
    """What a supplier's system said."""

    YES = "yes"
    NO = "no"
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
    """The HTTP form, over kept connections."""

    def __init__(self) -> None:
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            follow_redirects=False,
            trust_env=False,
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX),
        )

    def submit(self, endpoint: SupplierEndpoint, *, order: Mapping[str, Any]) -> Answer:
        """Ask a supplier to ship a child order."""
        return self._post(endpoint, "/orders", message_id=order["id"], body=order)

    def cancel(self, endpoint: SupplierEndpoint, *, child_id: str) -> Answer:
        """Ask a supplier not to ship a child order that it may have."""
        path = f"/orders/{child_id}/cancel"
        return self._post(endpoint, path, message_id=f"cancel_{child_id}", body={})

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def _post(
        self,
        endpoint: SupplierEndpoint,
        path: str,
        *,
        message_id: str,
        body: Mapping[str, Any],
    ) -> Answer:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        timestamp = int(wall_now().timestamp())
        try:
            with self._client.stream(
                "POST",
                endpoint.base_url.rstrip("/") + path,
                content=content,
                headers={
                    "accept-encoding": "identity",
                    "content-type": "application/json",
                    "webhook-id": message_id,
                    "webhook-timestamp": str(timestamp),
                    "webhook-signature": signature(
                        endpoint.secret, message_id=message_id, timestamp=timestamp, body=content
                    ),
                },
            ) as response:
                return _read(response)
        # A ValueError is a host that can't be written in ASCII: the client finds no name for it.
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            is_silent = isinstance(error, httpx2.TimeoutException | httpx2.ConnectError)
            return Answer(AnswerKind.UNKNOWN, type(error).__name__, is_silent=is_silent)


def _read(response: httpx2.Response) -> Answer:
    content = _start(response)
    if response.status_code in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
        return Answer(AnswerKind.YES)
    if response.status_code != HTTPStatus.CONFLICT:
        return Answer(AnswerKind.UNKNOWN, f"HTTP {response.status_code}")
    try:
        reason = str(json.loads(content)["reason"])
    except (ValueError, KeyError, TypeError):
        reason = ""
    return Answer(AnswerKind.NO, reason[:REASON_LENGTH_MAX])


def _start(response: httpx2.Response) -> bytes:
    """Read an answer's body up to its bound and within its time, as it stands on the wire.

    Read to its end, it leaves the connection free for the next; one that goes on is cut off.
    """
    deadline_s = time.monotonic() + TIMEOUT_S
    content = b""
    for part in response.iter_raw():
        content += part
        if len(content) > ANSWER_BYTES_MAX or time.monotonic() > deadline_s:
            break
    return content[:ANSWER_BYTES_MAX]
