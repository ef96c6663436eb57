"""Lists as PostgreSQL's binary arrays, written in one go.

psycopg asks every element of a list for its type and then for its bytes, which was a third of
what placing a batch of orders cost. A statement names the type of each array it takes, so here a
list is written in that type at once.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from weili.kit.ids import IdList

_HEADER: Final = struct.Struct("!iiIii")
_LENGTH: Final = struct.Struct("!i").pack
_NULL: Final = b"\xff\xff\xff\xff"
_UUID_LENGTH: Final = _LENGTH(16)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_DAY_US: Final = 86_400_000_000
_S_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ArrayType:
    """An array type: its own number in the catalogue, its element's, and how elements are written.

    Source: the numbers are those of PostgreSQL's ``pg_type.dat`` and never change.
    """

    oid: int
    element_oid: int
    write: Callable[[Sequence[object]], bytes]

    def pack(self, values: Sequence[object]) -> bytes:
        """Write a list; None is NULL."""
        if not values:
            return _HEADER.pack(0, 1, self.element_oid, 0, 1)[:12]
        # "May hold nulls" is said always: the server looks for itself.
        return _HEADER.pack(1, 1, self.element_oid, len(values), 1) + self.write(values)


def _uuids(values: Sequence[UUID | None]) -> bytes:
    if type(values) is IdList:
        return values.written
    return b"".join(
        [_UUID_LENGTH + v.int.to_bytes(16, "big") if v is not None else _NULL for v in values]
    )


def _texts(values: Sequence[str | None]) -> bytes:
    return _blobs([None if v is None else v.encode() for v in values])


def _blobs(values: Sequence[bytes | None]) -> bytes:
    return b"".join([_NULL if v is None else _LENGTH(len(v)) + v for v in values])


def _moments(values: Sequence[datetime | None]) -> bytes:
    return _integers("q", [None if v is None else _microseconds(v) for v in values])


def _days(values: Sequence[date | None]) -> bytes:
    return _integers("i", [None if v is None else v.toordinal() - _EPOCH_DAY for v in values])


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return since.days * _DAY_US + since.seconds * _S_US + since.microseconds


def _integers(code: str, values: Sequence[int | None]) -> bytes:
    size = struct.calcsize(f"!{code}")
    if None in values:
        one = struct.Struct(f"!i{code}").pack
        return b"".join([_NULL if v is None else one(size, v) for v in values])
    flat: list[int | None] = [size] * (2 * len(values))
    flat[1::2] = values
    return struct.pack("!" + f"i{code}" * len(values), *flat)


def _writer(code: str) -> Callable[[Sequence[int | None]], bytes]:
    return lambda values: _integers(code, values)


ARRAY_TYPES: Final[Mapping[str, ArrayType]] = {
    name: ArrayType(oid, element_oid, write)  # type: ignore[arg-type] # each takes its own elements
    for name, oid, element_oid, write in (
        ("uuid", 2951, 2950, _uuids),
        ("text", 1009, 25, _texts),
        ("bytea", 1001, 17, _blobs),
        ("smallint", 1005, 21, _writer("h")),
        ("int2", 1005, 21, _writer("h")),
        ("int", 1007, 23, _writer("i")),
        ("bigint", 1016, 20, _writer("q")),
        ("timestamptz", 1185, 1184, _moments),
        ("date", 1182, 1082, _days),
    )
}
"""Array types by the name of the element, as statements write it."""
