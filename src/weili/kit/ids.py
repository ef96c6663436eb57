"""Ids: UUIDv7 inside, ``prefix_`` and 26 letters outside.

The written form follows the TypeID convention (lower-case Crockford base 32), so that an id sorts
like the moment it was made, says what it names, and survives a double click.
"""

import os
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from struct import Struct
from typing import Final, TypeVar, overload
from uuid import UUID, SafeUUID

from weili.kit.problems import IdMalformed, Said

Id = TypeVar("Id", bound=UUID)

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [a + b for a in _ALPHABET for b in _ALPHABET]
_DIGITS: Final = bytes.maketrans(
    bytes(range(256)),
    bytes(
        ord("0123456789abcdefghijklmnopqrstuv"[_ALPHABET.index(chr(byte))])
        if chr(byte) in _ALPHABET
        else ord("!")
        for byte in range(256)
    ),
)
"""From our letters to the digits that ``int`` reads in base 32, and all else to one it refuses."""
_LENGTH: Final = 26
_FIRST_MAX: Final = "7"
"""The highest first letter: 26 letters have two bits more than an id."""
_SEQUENCE_BITS: Final = 12
_NOISE: Final = Struct("512Q")
_TEXTS_REMEMBERED: Final = 32_768
"""Written ids that are kept: an order's own is written three times, a SKU's is read and written
in many orders."""


class _Sequence:
    """Counts within one millisecond, so that ids made in a burst keep their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = 0
        self._count = 0
        self._noise: list[int] = []
        # Two processes must not go on from the same chance.
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._noise = []

    def take(self, ms: int) -> tuple[int, int, int]:
        """Give the moment and count of the next id, and 64 bits of chance."""
        with self._lock:
            if not self._noise:
                # Asked of the kernel for many ids at once: it takes longer to ask than to answer.
                self._noise = list(_NOISE.unpack(os.urandom(_NOISE.size)))
            noise = self._noise.pop()
            if ms > self._last_ms or self._last_ms - ms > _STALE_MS:
                # A sandbox clock may be turned back by design of a test; then begin again there.
                self._last_ms, self._count = ms, 0
            else:
                self._count += 1
                if self._count >= 1 << _SEQUENCE_BITS:
                    self._last_ms, self._count = self._last_ms + 1, 0
            return self._last_ms, self._count, noise


_STALE_MS: Final = 60_000
_sequence = _Sequence()


def new_id(now: datetime) -> UUID:
    """Make a UUIDv7 of the given moment, in order within this process.

    Source: RFC 9562, section 5.7 (method 1: a counter in rand_a).
    """
    ms, count, chance = _sequence.take(int(now.timestamp() * 1000))
    return id_of_number((ms << 80) | (0x7 << 76) | (count << 64) | (0b10 << 62) | chance >> 2)


def id_least(moment: datetime) -> UUID:
    """Give what is less than every id made from a moment on."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def id_past(moment: datetime) -> UUID:
    """Give what is more than every id made until a moment.

    A clock that is turned back a little does not turn the ids back: they run ahead of it for as
    long as a minute.
    """
    return UUID(int=(int(moment.timestamp() * 1000) + _STALE_MS + 1) << 80)


def id_of_number(number: int) -> UUID:
    """Make a UUID of a number that is known to be one: ``__init__`` takes thrice as long."""
    made = _new(UUID)
    _set(made, "int", number)
    _set(made, "is_safe", _UNKNOWN)
    return made


_UNKNOWN: Final = SafeUUID.unknown
_new: Final = object.__new__
_set: Final = object.__setattr__


def ids_sorted(ids: Iterable[Id]) -> list[Id]:
    """Give ids in their order, each once: the order in which rows are locked.

    A UUID compares and hashes by a method written in Python, which for a sheet of a thousand rows
    takes longer than most of what is done with them; its number does so by itself.
    """
    by_number = {each.int: each for each in ids}
    return [by_number[number] for number in sorted(by_number)]


@lru_cache(maxsize=_TEXTS_REMEMBERED)
def id_text(prefix: str, value: UUID) -> str:
    """Write an id for the outside: ``ord_01jd…``."""
    return _text(prefix, value.int)


def ids_text(prefix: str, values: Iterable[UUID]) -> list[str]:
    """Write many ids out, of which none is remembered: a sheet has thousands that come once."""
    return [_text(prefix, value.int) for value in values]


def _text(prefix: str, n: int) -> str:
    pairs = _PAIRS
    return (
        f"{prefix}_{pairs[n >> 120]}{pairs[n >> 110 & 1023]}{pairs[n >> 100 & 1023]}"
        f"{pairs[n >> 90 & 1023]}{pairs[n >> 80 & 1023]}{pairs[n >> 70 & 1023]}"
        f"{pairs[n >> 60 & 1023]}{pairs[n >> 50 & 1023]}{pairs[n >> 40 & 1023]}"
        f"{pairs[n >> 30 & 1023]}{pairs[n >> 20 & 1023]}{pairs[n >> 10 & 1023]}{pairs[n & 1023]}"
    )


@lru_cache(maxsize=_TEXTS_REMEMBERED)
def id_parse(prefix: str, text: str, *, path: str = "") -> UUID:
    """Read a written id back.

    Raises: IdMalformed when the prefix is another, or a letter or the length is wrong.
    """
    head, _, tail = text.rpartition("_")
    if head == prefix and len(tail) == _LENGTH and tail[0] <= _FIRST_MAX:
        try:
            return UUID(int=_number(tail))
        except ValueError:
            pass
    raise _malformed(prefix, path)


class IdList(Sequence[UUID]):
    """Ids that were read together; each becomes a UUID only when somebody asks for it.

    ``written`` is what PostgreSQL's binary array holds: of each its length, 16, in four bytes, and
    then its sixteen.
    """

    __slots__ = ("_keys", "written")

    def __init__(self, written: bytes) -> None:
        self.written = written
        self._keys: Sequence[bytes] | None = None

    @classmethod
    def of(cls, keys: Iterable[bytes]) -> "IdList":
        """Take ids as their sixteen bytes each."""
        return cls(b"".join([_LENGTH_BYTES + key for key in keys]))

    def keys(self) -> Sequence[bytes]:
        """Give the sixteen bytes of each, always the same objects, so that they are hashed once."""
        if self._keys is None:
            written = self.written
            self._keys = [written[at : at + 16] for at in range(4, len(written), _WRITTEN)]
        return self._keys

    def __len__(self) -> int:
        return len(self.written) // _WRITTEN

    @overload
    def __getitem__(self, at: int) -> UUID: ...

    @overload
    def __getitem__(self, at: slice) -> list[UUID]: ...

    def __getitem__(self, at: int | slice) -> UUID | list[UUID]:
        places = range(len(self))[at]
        if isinstance(places, range):
            return [self[place] for place in places]
        end = (places + 1) * _WRITTEN
        return UUID(bytes=self.written[end - 16 : end])


_WRITTEN: Final = 20
_LENGTH_BYTES: Final = (16).to_bytes(4)
_LENGTH_LETTERS: Final = "000004"
"""Before 26 letters, of which the first two bits are 0, these 30 bits make a 16 of 32 bits."""


def ids_parse(prefix: str, texts: Sequence[str]) -> IdList:
    """Read many written ids back, as one number.

    One by one, a hundred take longer to read than to look up.

    Raises: IdMalformed when any of them is.
    """
    head = f"{prefix}_"
    start, length = len(head), len(head) + _LENGTH
    for text in texts:
        if not text.startswith(head) or len(text) != length or text[start] > _FIRST_MAX:
            raise _malformed(prefix, "")
    if not texts:
        return IdList(b"")
    try:
        number = _number("".join([_LENGTH_LETTERS + text[start:] for text in texts]))
    except ValueError:
        raise _malformed(prefix, "") from None
    return IdList(number.to_bytes(len(texts) * _WRITTEN))


def id_keys(ids: Sequence[UUID]) -> Sequence[bytes]:
    """Give the sixteen bytes of each id."""
    return ids.keys() if isinstance(ids, IdList) else [each.bytes for each in ids]


def _number(letters: str) -> int:
    return int(letters.encode().translate(_DIGITS), 32)


def _malformed(prefix: str, path: str) -> IdMalformed:
    expected = Said(
        f"{prefix}_ and {_LENGTH} letters or digits", f"{prefix}_ 加 {_LENGTH} 位字母或数字"
    )
    return IdMalformed(path=path, expected=expected)
