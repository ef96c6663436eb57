"""Rows put aside on disc between two steps, so that they are made once and never held."""

from collections.abc import Iterator, Sequence
from struct import Struct
from tempfile import TemporaryFile
from typing import Final, Generic, TypeVar

import msgspec

_LENGTH: Final = Struct(">Q")

T = TypeVar("T")


class Spool(Generic[T]):
    """Lots of rows of one kind in a file without a name, which goes with the spool's end.

    Written once, read as often as a transaction is done again. It takes about as much of the disc
    as what the rows were read from.
    """

    def __init__(self, kind: type[T]) -> None:
        """Begin with nothing; ``kind`` is what msgspec reads back, such as a NamedTuple."""
        # In what is to be written only mappings that can't be changed are unknown to msgspec.
        self._write = msgspec.msgpack.Encoder(enc_hook=dict).encode
        self._read = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]
        self._file = TemporaryFile()  # noqa: SIM115 - closed by ``close``

    def close(self) -> None:
        """Let go of the file and what is in it."""
        self._file.close()

    def put(self, lot: Sequence[T]) -> None:
        """Put a lot behind those before it."""
        written = self._write(lot)
        self._file.write(_LENGTH.pack(len(written)))
        self._file.write(written)

    def lots(self) -> Iterator[list[T]]:
        """Give the lots in their order, from the first; one reader at a time."""
        self._file.seek(0)
        while head := self._file.read(_LENGTH.size):
            [length] = _LENGTH.unpack(head)
            yield self._read(self._file.read(length))
