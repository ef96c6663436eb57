"""Failures at named moments: before, inside and after each transaction of a multi-step verb."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

import pytest

from weili.kit.context import Begin, Ctx


class Moment(StrEnum):
    """When the process is taken to die."""

    BEFORE = "before"
    INSIDE = "inside"
    AFTER = "after"


class Died(BaseException):
    """The process died here: nothing may catch it."""


class DyingBegin:
    """Opens transactions, and dies at a given moment of the n-th one (counted from 1).

    Dying inside loses the transaction, as a killed process would; dying after leaves it
    committed, with nobody told.
    """

    def __init__(self, begin: Begin, *, nth: int, moment: Moment) -> None:
        self._begin = begin
        self._nth = nth
        self._moment = moment
        self.count = 0

    @contextmanager
    def __call__(self) -> Iterator[Ctx]:
        """Open the next transaction."""
        self.count += 1
        dies = self.count == self._nth
        if dies and self._moment is Moment.BEFORE:
            raise Died
        with self._begin() as ctx:
            yield ctx
            if dies and self._moment is Moment.INSIDE:
                raise Died
        if dies:
            raise Died


def dying(begin: Begin, act: Callable[[Ctx], object], moment: Moment) -> None:
    """Take a step that is one transaction, and die at a moment of it."""
    with pytest.raises(Died), DyingBegin(begin, nth=1, moment=moment)() as ctx:
        act(ctx)
