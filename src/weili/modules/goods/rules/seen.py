"""What was seen of a sheet so far, in some bytes for each row.

A sheet has up to 200,000 rows, and a dict of numbers takes over a hundred bytes for each of them.
"""

from array import array
from typing import Final

_SLOTS_FIRST: Final = 1_024


class Seen:
    """Remembers by a key's hash in which row it came first, and another hash beside that.

    That two keys are taken for the same by accident is less likely, in a whole sheet, than one in
    a hundred million.
    """

    def __init__(self) -> None:
        self._count = 0
        self._keys = array("q", bytes(8 * _SLOTS_FIRST))
        self._rows = array("q", self._keys)
        self._beside = array("q", self._keys)

    def get(self, key: int) -> tuple[int, int]:
        """Give the row in which a key came first and the hash beside it; unseen, twice 0."""
        at = self._slot(key or 1)
        return self._rows[at], self._beside[at]

    def put(self, key: int, row: int, beside: int = 0) -> None:
        """Remember a key that was not seen, of a row above 0."""
        if 2 * self._count >= len(self._keys):
            self._grow()
        self._count += 1
        at = self._slot(key or 1)
        self._keys[at], self._rows[at], self._beside[at] = key or 1, row, beside

    def _slot(self, key: int) -> int:
        """Give the slot that holds a key, or the free one where it belongs; 0 marks a free one."""
        keys = self._keys
        last = len(keys) - 1
        at = key & last
        while (there := keys[at]) and there != key:
            at = (at + 1) & last
        return at

    def _grow(self) -> None:
        before = zip(self._keys, self._rows, self._beside, strict=True)
        empty = bytes(16 * len(self._keys))
        self._keys, self._rows, self._beside = (array("q", empty) for _ in range(3))
        for key, row, beside in before:
            if key:
                at = self._slot(key)
                self._keys[at], self._rows[at], self._beside[at] = key, row, beside
