"""What several ask of the database in one transaction, asked in one statement for each kind.

Look-ups that share a transaction ask the same of different things. A statement costs more than the
rows that it brings, most of all of the driver. So an ask waits until somebody in its transaction
wants an answer; then all that wait are sent in one journey, those of a kind in one statement.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, Generic, TypeVar

from weili.kit.context import Ctx
from weili.kit.db import Asked

A = TypeVar("A")
T = TypeVar("T")

Together = Callable[[Ctx, Sequence[A]], Asked[Sequence[T]]]
"""Asks many at once, whoever is acting; gives their answers in their order."""


class _Batch(Generic[A, T]):
    """Asks of one kind, which are sent once."""

    def __init__(self, together: Together[A, T]) -> None:
        self.asks: list[A] = []
        self._together = together
        self._asked: Asked[Sequence[T]] | None = None
        self._answers: Sequence[T] | None = None

    def send(self, ctx: Ctx) -> Asked[Sequence[T]]:
        """Send what has come together, and give what waits for the answers."""
        if self._asked is None:
            self._asked = self._together(ctx, self.asks)
        return self._asked

    def answered(self, ctx: Ctx) -> Sequence[T]:
        """Give all answers; for the first that are wanted, all batches are sent."""
        if self._answers is None:
            waiting: list[_Batch[Any, Any]] = list(ctx.db.gathered.values())
            ctx.db.gathered.clear()
            with ctx.db.pipeline():
                for batch in waiting:
                    batch.send(ctx)
            self._answers = self.send(ctx)()
        return self._answers


def gather(ctx: Ctx, together: Together[A, T], asks: Sequence[A]) -> Asked[Sequence[T]]:
    """Ask together with others of the same transaction, when the first answer is wanted."""
    if not asks:
        return tuple
    batch: _Batch[A, T] = ctx.db.gathered.setdefault(together, _Batch(together))
    start = len(batch.asks)
    batch.asks += asks
    end = len(batch.asks)
    return lambda: batch.answered(ctx)[start:end]


def ended(steps: Generator[None, None, T]) -> T:
    """Take the steps of one look-up to their end, for who does it alone."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: T = end.value
            return answer
