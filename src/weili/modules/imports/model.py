"""What a mapping is made of, and what a daily file says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import msgspec

from weili.kit.context import PartyId
from weili.modules.goods import SkuId

NAME_MAX: Final = 60
TEXT_MAX: Final = 200
VALUES_MAX: Final = 5_000
NAMES_MAX: Final = 50
SHARE_BPS_MAX: Final = 100_000
DAILY_COLUMNS: Final = ("day", "sale_count", "comment_count")
"""Columns that a daily file has beside those of a sheet of goods."""


class Unit(StrEnum):
    """In what a file writes amounts."""

    YUAN = "yuan"
    FEN = "fen"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where one of our cells comes from.

    Of a heading, a fixed value, a share of another column, or several named parts (attributes),
    exactly one is given. What follows them is done to the cell in this order.
    """

    heading: str | None = None
    value: str | None = None
    share_of: str | None = None
    share_bps: int | None = None
    names: dict[str, "Rule"] | None = None
    html: bool = False
    """Whether the cell is HTML, of which only the text is wanted."""
    values: dict[str, str] | None = None
    """What the file's own codes mean; one that is not listed stays as it is."""
    unit: Unit = Unit.YUAN
    prefix: str = ""


Columns = Mapping[str, Rule]
"""A rule for each of our columns that the file has, or that has a fixed value."""


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """A mapping as a party saved it."""

    party_id: PartyId
    name: str
    columns: Columns
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a daily file says of one SKU on one day. Counts are running totals, None if not told."""

    sku_id: SkuId
    on: date
    price_minor: int
    sale_count: int | None
    comment_count: int | None
