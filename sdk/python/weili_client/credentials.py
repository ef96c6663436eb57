"""How a request says who sends it."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Protocol


class Credentials(Protocol):
    """Makes the headers that prove who sends a request."""

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """Give the headers for one sending; ``target`` is the path with its query, as sent."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that is shown whole; sandboxes only."""

    token: str = field(repr=False)

    def headers(
        self,
        method: str,  # noqa: ARG002 - a token proves the same whatever it goes with
        target: str,  # noqa: ARG002
        body: bytes,  # noqa: ARG002
    ) -> dict[str, str]:
        """Give the one header."""
        return {"authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Signer:
    """A key whose secret signs every request anew, with a nonce of its own."""

    key_id: str
    secret: str = field(repr=False)

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """Sign one sending."""
        timestamp = str(int(time.time()))
        nonce = secrets.token_urlsafe(18)
        digest = hashlib.sha256(body).hexdigest()
        lines = f"{method.upper()}\n{target}\n{timestamp}\n{nonce}\n{digest}"
        return {
            "weili-key": self.key_id,
            "weili-timestamp": timestamp,
            "weili-nonce": nonce,
            "weili-signature": hmac.digest(
                self.secret.encode(), lines.encode("latin-1"), "sha256"
            ).hex(),
        }
