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
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, Protocol

import httpx2

from weili.kit.clock import wall_now

TIMEOUT_S: Final = 10.0
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
    """An answer, and the supplier's words for a refusal."""

    kind: AnswerKind
    reason: str = ""


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
            timeout=TIMEOUT_S,
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
            response = self._client.post(
                endpoint.base_url.rstrip("/") + path,
                content=content,
                headers={
                    "content-type": "application/json",
                    "webhook-id": message_id,
                    "webhook-timestamp": str(timestamp),
                    "webhook-signature": signature(
                        endpoint.secret, message_id=message_id, timestamp=timestamp, body=content
                    ),
                },
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Answer(AnswerKind.UNKNOWN, type(error).__name__)
        return _read(response)


def _read(response: httpx2.Response) -> Answer:
    if response.status_code in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
        return Answer(AnswerKind.YES)
    if response.status_code != HTTPStatus.CONFLICT:
        return Answer(AnswerKind.UNKNOWN, f"HTTP {response.status_code}")
    try:
        reason = str(json.loads(response.content[:ANSWER_BYTES_MAX])["reason"])
    except (ValueError, KeyError, TypeError):
        reason = ""
    return Answer(AnswerKind.NO, reason[:REASON_LENGTH_MAX])
