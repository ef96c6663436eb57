"""What is answered about categories, pools and SKUs."""

from typing import Literal

from weili.entrypoints.http.answers import (
    CategoryIdOut,
    MomentOut,
    PartyIdOut,
    PoolIdOut,
    SkuIdOut,
    SpuIdOut,
    SuggestedPrice,
)
from weili.entrypoints.http.fields import Document
from weili.modules import goods


class CategoryOut(Document):
    """A category of goods; level 1 is the top."""

    id: CategoryIdOut
    parent_id: CategoryIdOut | None
    name: str
    level: Literal[1, 2, 3]


class CategoriesOut(Document):
    """The categories right below one."""

    items: list[CategoryOut]


class PoolOut(Document):
    """A pool of SKUs."""

    id: PoolIdOut
    name: str


class TermsOut(Document):
    """How many an order may ask for, and where to; the narrowest region named decides."""

    quantity_min: int
    quantity_max: int | None
    pack_size: int
    areas_allowed: list[str]
    areas_excluded: list[str]


class SkuOut(Document):
    """An SKU as a partner sees it."""

    id: SkuIdOut
    spu_id: SpuIdOut
    title: str
    variant: str
    category: list[str]
    brand: str
    brand_kind: goods.BrandKind | None
    attributes: dict[str, str]
    gtin: str | None
    unit: str
    weight_g: int
    tax_rate_bps: int
    return_policy: goods.ReturnPolicy
    suggested_price_minor: SuggestedPrice
    kind: goods.SkuKind
    variant_values: dict[str, str]
    terms: TermsOut
    state: goods.SkuState
    updated_at: MomentOut


class ShownMediaOut(Document):
    """A picture, video or document; fetch it at `/v1/media/{address}`."""

    address: str
    kind: goods.MediaKind
    content_type: str
    alt: str
    width: int | None
    height: int | None


class BundlePartOut(Document):
    """How many pieces of an SKU are in one bundle; parts that you may not order are left out."""

    sku_id: SkuIdOut
    quantity: int


class SkuFullOut(SkuOut):
    """An SKU with all that is shown beside it."""

    description: str
    media: list[ShownMediaOut]
    parts: list[BundlePartOut]


class OperatorSkuOut(SkuOut):
    """An SKU as the operator sees it."""

    supplier_id: PartyIdOut
    supplier_code: str


class SkusOut(Document):
    """The SKUs that were found, and the ids of those that were not."""

    items: list[SkuOut]
    missing: list[SkuIdOut]
