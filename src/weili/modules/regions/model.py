"""What a region is, and how the list of them changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

COUNTRY: Final = "000000"
"""The whole country, above every province."""


class RegionLevel(IntEnum):
    """How deep a region lies."""

    COUNTRY = 0
    PROVINCE = 1
    CITY = 2
    COUNTY = 3
    TOWN = 4


@dataclass(frozen=True, slots=True)
class Region:
    """One division of the country, and the edition of the list that last named it so.

    ``until_year`` is the year from which its code is no longer in force.
    """

    code: str
    name: str
    parent_code: str | None
    level: RegionLevel
    vintage: str
    until_year: int | None = None


class ChangeKind(StrEnum):
    """What happened to a code."""

    CREATED = "created"
    RENAMED = "renamed"
    REPLACED = "replaced"
    SPLIT = "split"
    REASSIGNED = "reassigned"
    ABOLISHED = "abolished"


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change of the list.

    A code is created; renamed (the successor is the same code by its new name); replaced by the
    code that took its place or that it was merged into; split, when a part of it became another;
    reassigned, when the very code now names another place; or abolished with no successor known.
    """

    year: int
    kind: ChangeKind
    code: str
    name: str
    successor_code: str | None = None
    successor_name: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change at its place in the feed, and the edition of the list that told of it."""

    position: int
    change: Change
    vintage: str


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition of the official list: the names in force by code, and what changed until then."""

    vintage: str
    names: Mapping[str, str]
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What bringing the list to an edition did."""

    vintage: str
    rows: int
    changes: Sequence[ChangeRow]
