"""The key ring: encryption at rest, blind indexes, hashes of tokens and passwords, and masks.

Personal data is sealed with AES-256-GCM under the ring's active key, bound to the row it belongs
to (associated data), so a blob moved to another row does not open. An old key stays on the ring
until nothing sealed with it is left. The ring lies in a file of its own, never in the database.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

_VERSION: Final = 1
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_HEADER_BYTES: Final = 2
MASK: Final = "*"
KEY_NUMBER_MAX: Final = 255
_PHONE_HEAD: Final = 3
_PHONE_TAIL: Final = 2
_NUMERAL: Final = "0-9A-Za-z０-９零一二三四五六七八九十百"
_BUILDING: Final = re.compile(
    rf"[{_NUMERAL}]+\s*(?:幢|栋|座|号楼|号院|单元|门|室|楼|层|户|房)"
    rf"|[{_NUMERAL}#]+\s*[-－—#]\s*[{_NUMERAL}]"
)
_ROAD: Final = re.compile("[路街道巷弄里村镇乡组号]")


_HASHER: Final = PasswordHasher(
    time_cost=3, memory_cost=64 * 1024, parallelism=1, hash_len=32, salt_len=16
)
"""Argon2id, 64 MiB and three passes, in one thread, since one is what a sign-in is given.

Source: RFC 9106, section 4, the second choice, with one lane in the place of four.
"""
_NO_PASSWORD: Final = f"$argon2id$v=19$m=65536,t=3,p=1${'A' * 22}${'A' * 43}"
"""The hash of no password: what is compared with where there is none, so that it takes as long."""


class KeyRingError(RuntimeError):
    """The key ring is missing, damaged, or lacks the key that something was sealed with."""


class KeyRing:
    """Keys by number, one of them active, and one more for blind indexes."""

    def __init__(self, *, active: int, keys: dict[int, bytes], index_key: bytes) -> None:
        self._active = active
        self._aead = {number: AESGCM(key) for number, key in keys.items()}
        self._keys = keys
        self._index_key = index_key

    @classmethod
    def fresh(cls) -> "KeyRing":
        """Make a ring with one new key."""
        return cls(
            active=1,
            keys={1: secrets.token_bytes(_KEY_BYTES)},
            index_key=secrets.token_bytes(_KEY_BYTES),
        )

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Read a ring from its file.

        Raises: KeyRingError, saying what is wrong with the file.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            keys = {int(n): base64.b64decode(k) for n, k in document["keys"].items()}
            ring = cls(
                active=int(document["active"]),
                keys=keys,
                index_key=base64.b64decode(document["index_key"]),
            )
        except FileNotFoundError:
            raise KeyRingError(
                f"there is no key ring at {path}; restore it from the back-up: without it the "
                "personal data in the database can't be read"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise KeyRingError(f"the key ring at {path} is damaged: {error!r}") from None
        if ring._active not in keys:
            raise KeyRingError(f"the key ring at {path} names an active key that it lacks")
        return ring

    def save(self, path: Path) -> None:
        """Write the ring to a new file that only its owner can read."""
        document = {
            "active": self._active,
            "keys": {str(n): base64.b64encode(k).decode() for n, k in self._keys.items()},
            "index_key": base64.b64encode(self._index_key).decode(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())

    def replace(self, path: Path) -> None:
        """Write the ring in the place of the one that is there: whole, or not at all.

        One at a time, which the caller sees to. Whoever reads the file meanwhile finds one ring or
        the other; a copy half written by one that was killed is thrown away.
        """
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        try:
            self.save(fresh)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        # The new name lasts through a power cut once its folder is written too.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @property
    def active(self) -> int:
        """The number of the key that seals."""
        return self._active

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all keys that open, in order."""
        return tuple(sorted(self._keys))

    def holds(self, other: "KeyRing") -> bool:
        """Say whether whatever the other opens and finds, this ring does as well."""
        index_key, keys = other._index_key, other._keys  # noqa: SLF001 - of the same class
        return self._index_key == index_key and keys.items() <= self._keys.items()

    def rotated(self) -> "KeyRing":
        """Give a ring with a new active key that still opens what the old ones sealed."""
        number = max(self._keys) + 1
        if number > KEY_NUMBER_MAX:
            raise KeyRingError("the ring is full; drop keys that nothing is sealed with")
        return KeyRing(
            active=number,
            keys={**self._keys, number: secrets.token_bytes(_KEY_BYTES)},
            index_key=self._index_key,
        )

    def seal(self, plain: bytes, *, bound_to: bytes) -> bytes:
        """Encrypt for one row; ``bound_to`` names the row."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._aead[self._active].encrypt(nonce, plain, bound_to)
        return bytes((_VERSION, self._active)) + nonce + sealed

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes:
        """Decrypt what was sealed for the same row.

        Raises: KeyRingError when it was sealed for another row, with another ring, or altered.
        """
        body = _HEADER_BYTES + _NONCE_BYTES
        aead = self._aead.get(sealed[1]) if len(sealed) > body else None
        if aead is None or sealed[0] != _VERSION:
            raise KeyRingError("sealed with a key that this ring lacks")
        try:
            return aead.decrypt(sealed[_HEADER_BYTES:body], sealed[body:], bound_to)
        except InvalidTag:
            raise KeyRingError("altered, or sealed for another row") from None

    def blind_index(self, text: str) -> bytes:
        """Give a keyed digest by which an exact value can be found without being stored."""
        return hmac.digest(self._index_key, text.encode(), "sha256")[:16]


def new_token() -> str:
    """Make a secret that is shown once: 256 bits, URL-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Hash a token for storage. A token has 256 bits of its own, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).digest()


def password_hash(password: str) -> str:
    """Hash a password, which takes a fifth of a second and 64 MiB on purpose."""
    return _HASHER.hash(password)


def password_matches(password: str, hashed: str | None) -> bool:
    """Say whether a password is the one that was hashed; where there is none, after as long."""
    try:
        _HASHER.verify(hashed or _NO_PASSWORD, password)
    except VerifyMismatchError:
        return False
    return hashed is not None


def new_totp_secret() -> bytes:
    """Make what a telephone makes its codes from: 160 bits, as RFC 4226 asks."""
    return secrets.token_bytes(20)


def totp_code(secret: bytes, step: int) -> str:
    """Give the six digits of one step. Source: RFC 6238 over RFC 4226, with HMAC-SHA-1."""
    return HOTP(secret, 6, SHA1()).generate(step).decode()  # noqa: S303 - what telephones have


def new_recovery_code() -> str:
    """Make a code for the drawer: 80 bits, so that its hash alone tells nobody what it is."""
    return secrets.token_hex(10)


def mask_name(name: str) -> str:
    """Keep the first letter of a name: 欧阳小美 → 欧***."""
    return name[:1] + MASK * max(len(name) - 1, 1)


def mask_phone(phone: str) -> str:
    """Hide at least six digits of a phone number: 13812345678 → 138******78.

    Source: the national standard for express waybills (DOMAIN: at least six digits hidden).
    """
    if len(phone) <= _PHONE_HEAD + _PHONE_TAIL + 5:
        return MASK * len(phone)
    hidden = len(phone) - _PHONE_HEAD - _PHONE_TAIL
    return phone[:_PHONE_HEAD] + MASK * hidden + phone[-_PHONE_TAIL:]


def mask_address(address: str) -> str:
    """Hide the street part of an address altogether; its area is shown beside it by code."""
    return MASK * min(max(len(address), 4), 8)


def mask_room(address: str) -> str:
    """Hide the building, unit and room of an address: 文三路 1 号 2 幢 301 室 → 文三路 1 号 ****.

    What names no building is hidden behind its last road, lane or house number; what names not
    even that loses its second half: rather too much is hidden than a room shown.
    Source: the national standard on electronic express waybills (unit and room are hidden).
    """
    found = _BUILDING.search(address)
    if found:
        cut = found.start()
    else:
        ends = [place.end() for place in _ROAD.finditer(address)]
        cut = ends[-1] if ends else len(address) // 2
        if ends and not address[cut:].strip():
            return address
    return f"{address[:cut].rstrip()} {MASK * 4}".lstrip()
