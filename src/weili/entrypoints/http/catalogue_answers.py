"""What the catalogue's routes answer."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from weili.entrypoints.http.answers import Fen, MomentOut, SkuIdOut, SuggestedPrice
from weili.entrypoints.http.fields import Document, id_pattern
from weili.modules import catalogue, goods

NDJSON: Final = "application/x-ndjson"
SelectionIdOut = Annotated[str, Field(pattern=id_pattern(catalogue.SELECTION_PREFIX))]


class NamedOut(Document):
    """A category or brand with its name."""

    id: str
    name: str


class FoundOut(Document):
    """A found SKU at the price that you pay now."""

    sku_id: SkuIdOut
    title: str
    variant: str
    category: list[NamedOut]
    brand: NamedOut | None
    brand_kind: goods.BrandKind | None
    state: goods.SkuState
    unit_price_minor: Fen | None
    price_version: int | None
    suggested_price_minor: SuggestedPrice


class FacetOut(Document):
    """A value that would narrow the search, and how many found SKUs have it."""

    key: str
    name: str
    count: int


class BandOut(Document):
    """How many found SKUs have a price in a band; `below_minor` null is without end."""

    from_minor: Fen
    below_minor: Fen | None
    count: int


class FacetsOut(Document):
    """What narrows the search: of categories those right below the chosen one."""

    category: list[FacetOut]
    brand: list[FacetOut]
    brand_kind: list[FacetOut]
    state: list[FacetOut]
    price: list[BandOut]


class SearchOut(Document):
    """What was found. `relaxed`: no SKU has all the words, these have some.

    `default_prices`: the filter, bands and order by price or margin are those of the default list,
    for yours is not in the index; each item has your own price.
    """

    count: int
    relaxed: bool
    default_prices: bool
    items: list[FoundOut]
    facets: FacetsOut


class ChangeOut(Document):
    """An SKU as it is for you now. `version` counts the changes that you could see."""

    sku_id: SkuIdOut
    version: int
    state: catalogue.OfferState
    unit_price_minor: Fen | None
    price_version: int | None
    changed_at: MomentOut


class FeedOut(Document):
    """Changes in order. Go on with `next_after`, later too when there is no more now."""

    items: list[ChangeOut]
    next_after: str
    has_more: bool


class SelectionOut(Document):
    """A selection of yours."""

    id: SelectionIdOut
    name: str
    created_at: MomentOut


class SelectedOut(Document):
    """A selected SKU; when it is offered no more, only its id and `offered` false."""

    sku_id: SkuIdOut
    offered: bool
    title: str | None
    variant: str | None
    unit_cost_minor: Fen | None
    retail_price_minor: Fen | None
    below_cost_reason: str | None
    suggested_price_minor: SuggestedPrice


class SelectedPutOut(Document):
    """How many SKUs really came and went."""

    added: int
    removed: int


class MarkupOut(Document):
    """A mark-up rule: of one SKU, of a category, or of the whole selection."""

    kind: catalogue.MarkupKind
    amount: int
    rounding: catalogue.Rounding
    category_id: str | None
    sku_id: SkuIdOut | None
    below_cost_reason: str | None


class MarkupsOut(Document):
    """A selection's rules in the order in which they were put."""

    rules: list[MarkupOut]


class SynonymsOut(Document):
    """Words that stand for each other in a search."""

    words: list[str]


def streamed(media_type: str, what: str) -> dict[int | str, dict[str, Any]]:
    """State an answer that is no JSON document."""
    schema: dict[str, Literal["string"]] = {"type": "string"}
    return {200: {"description": what, "content": {media_type: {"schema": schema}}}}
