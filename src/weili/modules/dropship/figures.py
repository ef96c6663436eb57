"""What is said of a day's orders as a whole. Pure."""

from dataclasses import dataclass
from typing import Final

AREAS_MAX: Final = 20
"""Counties in a ranking."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A day's orders: in all until the moment that was asked for, and those of each of 24 hours.

    Each order that was placed counts, whatever became of it.
    """

    orders: int
    amount_minor: int
    by_hour: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AreaFigure:
    """The orders that went to a county."""

    code: str
    orders: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class HourFigure:
    """The orders of an hour that went to a province."""

    code: str
    hour: int
    orders: int
