"""Where passwords are worked on: apart from all other work, and one at a time."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from weili.kit.problems import Busy

LINE_MAX: Final = 16
"""So many wait at most; the last of them for three seconds, at a fifth of a second each."""
LINE_OF_ONE_MAX: Final = 4
"""So many of them at most for one network address or one person, who leave the rest to others."""
LOOKING_MAX: Final = 2
"""So many are looked at, before they wait, at once."""
RETRY_AFTER_S: Final = 3

S = TypeVar("S")
T = TypeVar("T")


class Desk:
    """Does what takes a processor for a fifth of a second, in a thread of its own.

    However many knock, one processor at most works on passwords, no thread of other routes is
    taken, and who comes when the line is full is told to come back: trade goes on meanwhile.
    """

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(1)
        self._looking = anyio.CapacityLimiter(LOOKING_MAX)
        self._waiting: Counter[str] = Counter()

    async def do(self, work: Callable[[], T], *, whose: str) -> T:
        """Do work when it is its turn; ``whose`` it is may be empty, where nobody knows.

        Raises: Busy, when the line is full; what the work raises.
        """
        with self._place(whose):
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)

    async def do_looked(self, look: Callable[[], S], work: Callable[[S], T], *, whose: str) -> T:
        """Do work with what a quick look gave, which waits for no work of others.

        Who is refused at that look has stood in nobody's way.

        Raises: Busy, when the line is full; what the look or the work raises.
        """
        with self._place(whose):
            looked = await anyio.to_thread.run_sync(look, limiter=self._looking)
            return await anyio.to_thread.run_sync(lambda: work(looked), limiter=self._limiter)

    @contextmanager
    def _place(self, whose: str) -> Iterator[None]:
        is_one_too_many = bool(whose) and self._waiting[whose] >= LINE_OF_ONE_MAX
        if is_one_too_many or self._waiting.total() >= LINE_MAX:
            raise Busy(retry_after_s=RETRY_AFTER_S)
        self._waiting[whose] += 1
        try:
            yield
        finally:
            self._waiting[whose] -= 1
            if not self._waiting[whose]:
                del self._waiting[whose]
