"""What both clients share: how a request is made, read, and when it is sent again."""

import json
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from weili_client.problems import Refused

TRIES_MAX = 5
PAUSE_S = 0.2
PAUSE_S_MAX = 10.0
TIMEOUT_S = 30.0
CONNECTIONS_MAX = 100


@dataclass(frozen=True, slots=True)
class Request:
    """A request that can be sent any number of times; each sending is signed anew."""

    method: str
    target: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered; ``is_replay`` says that an earlier request got this answer first."""

    status: int
    document: Any
    is_replay: bool


def request_of(
    method: str,
    path: str,
    *,
    body: object = None,
    query: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    is_keyed: bool = False,
) -> Request:
    """Make a request. ``is_keyed``: it needs an Idempotency-Key, made here unless one is given."""
    given = {name: value for name, value in (query or {}).items() if value is not None}
    target = f"{path}?{urlencode(given)}" if given else path
    headers = {"accept": "application/json"}
    content = b""
    if body is not None:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers["content-type"] = "application/json"
    if is_keyed or idempotency_key is not None:
        headers["idempotency-key"] = idempotency_key or secrets.token_urlsafe(18)
    return Request(method, target, content, headers)


def part(text: str) -> str:
    """Write a text as one part of a path."""
    return quote(text, safe="")


def reply_of(status: int, headers: Mapping[str, str], content: bytes) -> Reply:
    """Read an answer.

    Raises: Refused.
    """
    try:
        document = json.loads(content) if content else None
    except ValueError:
        document = {"code": "unreadable", "detail": content[:200].decode(errors="replace")}
    if status >= 400:  # noqa: PLR2004
        raise Refused(status, document if isinstance(document, dict) else {})
    return Reply(status, document, headers.get("idempotent-replayed") == "true")


def object_of(reply: Reply) -> dict[str, Any]:
    """Give the document of an answer that is an object."""
    return dict(reply.document)


def pause_s(attempt: int, retry_after: str | None) -> float:
    """Say how long to wait before the next try: what was asked for, or doubling, with jitter."""
    if retry_after is not None and retry_after.isdigit():
        return min(float(retry_after), PAUSE_S_MAX)
    pause = min(PAUSE_S * float(2**attempt), PAUSE_S_MAX)
    return pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no cryptography
