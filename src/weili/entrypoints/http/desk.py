"""Where passwords are worked on: apart from all other work, and one at a time."""

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from weili.kit.problems import Busy

LINE_MAX: Final = 16
"""So many wait at most; the last of them for three seconds, at a fifth of a second each."""
RETRY_AFTER_S: Final = 3

T = TypeVar("T")


class Desk:
    """Does what takes a processor for a fifth of a second, in a thread of its own.

    However many knock, one processor at most works on passwords, no thread of other routes is
    taken, and who comes when the line is full is told to come back: trade goes on meanwhile.
    """

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(1)
        self._waiting = 0

    async def do(self, work: Callable[[], T]) -> T:
        """Do work when it is its turn.

        Raises: Busy, when the line is full; what the work raises.
        """
        if self._waiting >= LINE_MAX:
            raise Busy(retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._waiting -= 1
