"""The catalogue as values: what partners are offered, their selections, what is searched for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, NewType
from uuid import UUID

from weili.kit.context import PartyId
from weili.modules.goods import (
    BrandId,
    BrandKind,
    CategoryId,
    PoolId,
    SkuId,
    SkuListing,
    SkuState,
)
from weili.modules.pricing import ListId

SelectionId = NewType("SelectionId", UUID)
SELECTION_PREFIX: Final = "sel"

FEED_MAX: Final = 5_000
"""Rows of the feed in one answer."""
SALES_DAYS: Final = 30
"""How far back sales count for the order of a search."""
SELECTION_SKUS_MAX: Final = 10_000
SELECTIONS_MAX: Final = 200
RULES_MAX: Final = 500
OFFSET_MAX: Final = 10_000
"""How deep a search may be leafed through; who wants all reads the export."""


class OfferState(StrEnum):
    """How an SKU stands to a partner that has been offered it."""

    ON_SHELF = "on_shelf"
    OFF_SHELF = "off_shelf"
    REMOVED = "removed"


OFFER_STATES: Final = {state.value: state for state in OfferState}
"""A look-up that costs a tenth of the enum's own; a feed is read by the hundred thousand."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a partner was last told of an SKU.

    ``version`` counts the changes that this partner could see (1, 2, 3 …). ``position`` is the
    last one's place in the feed. ``stamp_us`` says when the SKU's own words were last written.
    """

    partner_id: PartyId
    sku_id: SkuId
    position: int
    version: int
    state: OfferState
    unit_price_minor: int | None
    price_version: int | None
    stamp_us: int
    changed_at: datetime

    @property
    def told(self) -> tuple[OfferState, int | None, int | None, int]:
        """Give what makes a change, if it differs."""
        return self.state, self.unit_price_minor, self.price_version, self.stamp_us

    def is_repriced_since(self, before: "Offer") -> bool:
        """Say whether nothing but another price, or another version of it, lies between."""
        return (self.state, self.stamp_us) == (before.state, before.stamp_us) and (
            self.price_version != before.price_version
        )


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Changes in the order of their positions, and where the next page begins."""

    items: Sequence[Offer]
    next_after: int
    has_more: bool


class SearchSort(StrEnum):
    """In which order SKUs are found."""

    RELEVANCE = "relevance"
    SALES = "sales"
    MARGIN = "margin"
    PRICE_UP = "price"
    PRICE_DOWN = "-price"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class SearchAsk:
    """What is looked for. Prices are what the partner pays for one piece, in fen."""

    text: str = ""
    category_id: CategoryId | None = None
    brand_id: BrandId | None = None
    brand_kind: BrandKind | None = None
    state: SkuState | None = None
    price_min_minor: int | None = None
    price_max_minor: int | None = None
    sort: SearchSort = SearchSort.RELEVANCE
    offset: int = 0
    limit: int = 20


@dataclass(frozen=True, slots=True)
class SearchGround:
    """What must be known before a partner's search: what it may see, its prices, and synonyms.

    ``pool_ids`` None lets everything be found, for the operator.
    """

    pool_ids: tuple[PoolId, ...] | None
    list_id: ListId | None
    synonyms: Mapping[str, tuple[str, ...]]


class FoundSku(NamedTuple):
    """A found SKU as it may be ordered at this moment, and what the partner pays for it."""

    sku_id: SkuId
    title: str
    variant: str
    unit_price_minor: int | None
    price_version: int | None
    compare_at_minor: int | None


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """An SKU as a search index takes it in: its listing, with sales, prices and margins.

    Prices and margins are by list; the default list's stand at None. A margin is what lies between
    price and compare-at price, in basis points of the latter.
    """

    listing: SkuListing
    sold: int
    prices_minor: Mapping[ListId | None, int]
    margins_bps: Mapping[ListId | None, int]


class MarkupKind(StrEnum):
    """How a mark-up is stated: a share of what the partner pays, or an amount a piece."""

    BPS = "bps"
    FIXED = "fixed"


class Rounding(StrEnum):
    """To what a retail price is rounded; always up, so that rounding never sells below cost."""

    EXACT = "exact"
    UP_TO_JIAO = "up_to_jiao"
    UP_TO_YUAN = "up_to_yuan"
    ENDING_NINETY = "ending_ninety"
    ENDING_NINETY_NINE = "ending_ninety_nine"


@dataclass(frozen=True, slots=True)
class MarkupRule:
    """A partner's rule for retail prices in a selection.

    For one SKU, for a category and all below it, or (both None) for the whole selection.
    ``amount`` is in basis points or fen by its kind and may be negative only with a reason.
    """

    kind: MarkupKind
    amount: int
    rounding: Rounding = Rounding.EXACT
    category_id: CategoryId | None = None
    sku_id: SkuId | None = None
    below_cost_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """A partner's own list of SKUs that it sells."""

    id: SelectionId
    partner_id: PartyId
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Retail:
    """A retail price and how it came about: the rule, and whether cost held it up."""

    retail_price_minor: int
    rule: MarkupRule | None
    is_below_cost: bool


@dataclass(frozen=True, slots=True)
class SelectedSku:
    """An SKU of a selection as it can be sold now; without ``title`` it is offered no more."""

    sku_id: SkuId
    title: str | None
    variant: str | None
    unit_cost_minor: int | None
    retail: Retail | None
    compare_at_minor: int | None
