"""What was found in the commits of an index, up to a number of bytes.

All commits of a process share it. What was found in one that is gone is never asked for again, so
it is the first to make room, bit by bit. A memory for each commit took 20 ms and more to be let go
of at once, every few seconds, while nobody was answered.
"""

import threading
from collections import OrderedDict
from typing import Any, Final

BYTES_MAX: Final = 64_000_000

Key = tuple[Any, ...]
"""A commit, and what was asked of it."""


class Memory:
    """Remembers up to a number of bytes; what was not asked for longest is forgotten first."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._known: OrderedDict[Key, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Any:  # noqa: ANN401 - the caller knows what it put there
        """Give what is remembered, or None."""
        with self._lock:
            known = self._known.get(key)
            if known is None:
                return None
            self._known.move_to_end(key)
            return known[0]

    def latest(self, commit: object) -> list[Any]:
        """Give all values of a commit, those that were asked for last first."""
        with self._lock:
            known = reversed(self._known.items())
            return [value for key, (value, _) in known if key[0] is commit]

    def put(self, key: Key, value: object, size: int) -> None:
        """Remember a value of about so many bytes."""
        with self._lock:
            before = self._known.pop(key, None)
            self._bytes += size - (before[1] if before else 0)
            self._known[key] = (value, size)
            self._shrink()

    def grow(self, key: Key, size: int) -> None:
        """Count what was added to a value that is remembered."""
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known[key] = (known[0], known[1] + size)
                self._bytes += size
                self._shrink()

    def _shrink(self) -> None:
        while self._bytes > self._bytes_max and self._known:
            self._bytes -= self._known.popitem(last=False)[1][1]
