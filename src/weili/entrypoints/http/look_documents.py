"""How the hot look-ups are answered, by the framework's routes and past them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec

from weili.entrypoints.http.documents import moment
from weili.kit.money import CURRENCY, tax_inside_half_up
from weili.modules import catalogue, inventory, pricing
from weili.workflows.search_skus import SearchResult

HITS_MAX: Final = 100
_FACETS: Final = ("category", "brand", "brand_kind", "state")


class ToldDocument(msgspec.Struct):
    """What is told of a found SKU, beside what the index shows of it."""

    title: str
    variant: str
    unit_price_minor: int | None
    price_version: int | None
    suggested_price_minor: int | None


class FoundDocument(msgspec.Struct):
    """What was found as it is answered."""

    count: int
    relaxed: bool
    default_prices: bool
    items: list[msgspec.Raw]
    facets: msgspec.Raw


def told_written(sku: catalogue.FoundSku) -> bytes:
    """Write what is told of a found SKU: the end of an object that ``found_document`` begins."""
    document = ToldDocument(
        sku.title,
        sku.variant,
        sku.unit_price_minor,
        sku.price_version,
        sku.compare_at_minor,
    )
    return b"," + msgspec.json.encode(document)[1:]


def found_document(result: SearchResult[bytes], facets: msgspec.Raw) -> FoundDocument:
    """Show what was found as ``told_written`` has it, with facets as ``facets_written`` has them.

    What the index shows of each, an object that is not empty, goes first.
    """
    items = [msgspec.Raw(item.shown[:-1] + item.told) for item in result.items]
    return FoundDocument(result.count, result.is_relaxed, result.is_by_default, items, facets)


def facets_written(result: SearchResult[bytes]) -> msgspec.Raw:
    """Write what narrows a search, which is the same on each page of what was found."""
    found = result.facets
    facets: dict[str, Any] = {name: found.get(name, ()) for name in _FACETS}
    return msgspec.Raw(msgspec.json.encode({**facets, "price": result.bands}))


class TierDocument(msgspec.Struct, frozen=True):
    """Shows a price a piece: gross, the tax inside it (half up), and what is left, the net."""

    quantity_min: int
    unit_price_minor: int
    unit_tax_minor: int
    unit_net_minor: int
    version: int


class QuoteDocument(msgspec.Struct, frozen=True):
    """Shows what a SKU costs, in the order of the fields."""

    sku_id: str
    quantity: int
    unit_price_minor: int | None = None
    unit_tax_minor: int | None = None
    unit_net_minor: int | None = None
    tax_rate_bps: int | None = None
    price_version: int | None = None
    quantity_min: int | None = None
    valid_until: str | None = None
    compare_at_minor: int | None = None
    compare_at_explanation: str | None = None
    currency: str = CURRENCY
    tiers: Sequence[TierDocument] = ()


def quote_document(sku_id: str, quantity: int, quote: pricing.PriceQuote) -> QuoteDocument:
    """Show what so many of a SKU cost."""
    price, tiers, tax_rate_bps, valid_until, shown = quote
    shown_tiers = [_tier(tier, tax_rate_bps) for tier in tiers]
    if price is None:
        until = moment(valid_until)
        return QuoteDocument(sku_id, quantity, valid_until=until, tiers=shown_tiers)
    paid = shown_tiers[tiers.index(price)]
    return QuoteDocument(
        sku_id,
        quantity,
        paid.unit_price_minor,
        paid.unit_tax_minor,
        paid.unit_net_minor,
        tax_rate_bps,
        paid.version,
        paid.quantity_min,
        moment(valid_until),
        shown.compare_at_minor if shown else None,
        shown.explanation if shown else None,
        CURRENCY,
        shown_tiers,
    )


def _tier(tier: pricing.Price, tax_rate_bps: int) -> TierDocument:
    gross_minor, version, quantity_min = tier
    tax_minor = tax_inside_half_up(gross_minor, tax_rate_bps)
    return TierDocument(quantity_min, gross_minor, tax_minor, gross_minor - tax_minor, version)


class AvailabilityDocument(msgspec.Struct, frozen=True):
    """Shows what can be had, in the order of the fields."""

    sku_id: str
    quantity: int
    area_code: str
    state: inventory.StockState
    available: int
    lead_days: int | None
    ships_on: date | None
    arrives_on: date | None
    expected_on: date | None


def availability_document(
    sku_id: str, quantity: int, area_code: str, found: inventory.Availability
) -> AvailabilityDocument:
    """Show what can be had of so many in an area."""
    return AvailabilityDocument(sku_id, quantity, area_code, *found)
