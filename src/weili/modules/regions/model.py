"""What a region is."""

from dataclasses import dataclass
from enum import IntEnum
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
    """One division of the country, and the edition of the list that last named it so."""

    code: str
    name: str
    parent_code: str | None
    level: RegionLevel
    vintage: str
