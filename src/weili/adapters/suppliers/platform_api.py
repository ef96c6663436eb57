"""The platform's public API as somebody outside calls it: signed, and insisting on an answer.

It shares no code with the platform on purpose: it signs by the written rules, as a partner's or a
supplier's own program would.
"""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from weili.adapters.suppliers.http1 import ConnectionCut, HttpClient
from weili.kit.clock import wall_now
from weili.kit.ids import new_id

ATTEMPTS_MAX: Final = 40
PAUSE_S: Final = 0.05
PAUSE_S_MAX: Final = 1.0
_ASK_AGAIN: Final = frozenset({429, 503})


class NoAnswerError(RuntimeError):
    """The platform gave no lasting answer in as many attempts as are bearable."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, whether it is a replay of an earlier one, and its document.

    What is no JSON (a paper) has no document; it is in the body.
    """

    status: int
    is_replay: bool
    document: dict[str, Any]
    body: bytes = b""

    @property
    def code(self) -> str:
        """Give the problem's code, or nothing when it is none."""
        return str(self.document.get("code", "")) if self.status >= 400 else ""  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key and the secret that requests are signed with."""

    key_id: str
    secret: str


class PlatformApi:
    """Calls the API with one key. ``troubles`` counts what made it ask again."""

    def __init__(
        self, client: HttpClient, credentials: Credentials, *, attempts_max: int = ATTEMPTS_MAX
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._attempts_max = attempts_max
        self.troubles: Counter[str] = Counter()

    async def ask(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        key: str | None = None,
        leaves_early: bool = False,
    ) -> Reply:
        """Ask once; ``key`` is the idempotency key.

        Raises: OSError (ConnectionCut among them) or TimeoutError, when there is no whole answer.
        """
        body = b"" if document is None else _json(document)
        more = {"content-type": "application/json"} if body else {}
        if key is not None:
            more["idempotency-key"] = key

        def headers() -> dict[str, str]:
            return _signed(self._credentials, method, path, body) | more

        answer = await self._client.ask(
            method, path, headers=headers, body=body, leaves_early=leaves_early
        )
        is_json = "json" in answer.headers.get("content-type", "")
        return Reply(
            answer.status,
            answer.headers.get("idempotent-replayed", "") == "true",
            json.loads(answer.body) if answer.body and is_json else {},
            answer.body,
        )

    async def insist(
        self, method: str, path: str, document: object = None, *, key: str | None = None
    ) -> Reply:
        """Ask until there is a lasting answer, a bounded number of times.

        Only for what may be repeated: reads, and what carries a key or a number of its own.

        Raises: NoAnswerError.
        """
        pause_s = PAUSE_S
        for _ in range(self._attempts_max):
            try:
                reply = await self.ask(method, path, document, key=key)
            except ConnectionCut:
                self.troubles["cut"] += 1
            except (OSError, TimeoutError) as error:
                self.troubles[type(error).__name__] += 1
            else:
                if reply.status not in _ASK_AGAIN and not reply.document.get("repeatable", False):
                    return reply
                self.troubles[reply.code or str(reply.status)] += 1
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, PAUSE_S_MAX)
        raise NoAnswerError(f"{method} {path}: {dict(self.troubles)}")


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _signed(credentials: Credentials, method: str, path: str, body: bytes) -> dict[str, str]:
    """Sign the five lines: method, path, time, nonce, digest of the body."""
    now = wall_now()
    timestamp, nonce = str(int(now.timestamp())), new_id(now).hex
    lines = "\n".join((method, path, timestamp, nonce, hashlib.sha256(body).hexdigest()))
    return {
        "weili-key": credentials.key_id,
        "weili-timestamp": timestamp,
        "weili-nonce": nonce,
        "weili-signature": hmac.digest(credentials.secret.encode(), lines.encode(), "sha256").hex(),
    }
