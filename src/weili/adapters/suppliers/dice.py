"""Chance that comes out the same for the same seed, on every machine and Python."""

import hashlib
from collections.abc import Sequence
from typing import Final, TypeVar

PER_MILLE: Final = 1_000

T = TypeVar("T")


class Dice:
    """Throws that follow from a seed alone; for what is simulated, never for secrets.

    Each throw is a digest of the seed and how many were thrown before, so that two dice of
    different names never fall together.
    """

    def __init__(self, *names: object) -> None:
        self._names = ":".join(str(name) for name in names)
        self._throws = 0

    def below(self, bound: int) -> int:
        """Throw a number from 0 to ``bound - 1``."""
        self._throws += 1
        digest = hashlib.sha256(f"{self._names}#{self._throws}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % bound

    def between(self, low: int, high: int) -> int:
        """Throw a number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def happens(self, per_mille: int) -> bool:
        """Say whether something happens that happens so often in a thousand times."""
        return self.below(PER_MILLE) < per_mille

    def pick(self, things: Sequence[T]) -> T:
        """Pick one of several."""
        return things[self.below(len(things))]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """Give the things in another order."""
        rest = list(things)
        for last in range(len(rest) - 1, 0, -1):
            other = self.below(last + 1)
            rest[last], rest[other] = rest[other], rest[last]
        return rest
