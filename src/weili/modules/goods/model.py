"""What goods are: categories, brands, SPUs and SKUs, and the pools that partners may see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

from weili.kit.context import PartyId
from weili.kit.problems import Said
from weili.kit.states import StateTable

CategoryId = NewType("CategoryId", UUID)
BrandId = NewType("BrandId", UUID)
SpuId = NewType("SpuId", UUID)
SkuId = NewType("SkuId", UUID)
PoolId = NewType("PoolId", UUID)

CATEGORY_PREFIX: Final = "cat"
BRAND_PREFIX: Final = "brd"
SPU_PREFIX: Final = "spu"
SKU_PREFIX: Final = "sku"
POOL_PREFIX: Final = "pol"

UNIT_DEFAULT: Final = "件"
TAX_RATE_DEFAULT_BPS: Final = 1300

SkuKey = tuple[PartyId, str]
"""How a supplier's own system names an SKU: the supplier, and its code for it."""


class BrandKind(StrEnum):
    """Whose brand it is and for whom it is made; one brand may have goods of several kinds."""

    NATIONAL = "national"
    CHANNEL_EXCLUSIVE = "channel_exclusive"
    OWN_LABEL = "own_label"
    FACTORY = "factory"
    CUSTOM_MADE = "custom_made"


class ReturnPolicy(StrEnum):
    """Whether a consumer may send goods back without a reason, and if not, why not."""

    SEVEN_DAYS_NO_REASON = "seven_days_no_reason"
    NO_RETURN_MADE_TO_ORDER = "no_return_made_to_order"
    NO_RETURN_PERISHABLE = "no_return_perishable"
    NO_RETURN_OPENED_MEDIA = "no_return_opened_media"
    NO_RETURN_PRESS = "no_return_press"
    NO_RETURN_CONFIRMED = "no_return_confirmed"


class SkuKind(StrEnum):
    """Whether an SKU is one thing, or a bundle of others."""

    SINGLE = "single"
    BUNDLE = "bundle"


class SkuState(StrEnum):
    """Whether an SKU is offered."""

    DRAFT = "draft"
    ON_SHELF = "on_shelf"
    OFF_SHELF = "off_shelf"


SKU_STATES: Final = StateTable(
    "sku",
    frozenset({SkuState.DRAFT, SkuState.ON_SHELF}),
    {
        SkuState.DRAFT: frozenset({SkuState.ON_SHELF}),
        SkuState.ON_SHELF: frozenset({SkuState.OFF_SHELF}),
        SkuState.OFF_SHELF: frozenset({SkuState.ON_SHELF}),
    },
    name_zh="商品",
)
"""From which state an SKU may go to which."""


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """How many an order line may ask for, and where to.

    ``quantity_max`` None is no limit. Areas are region codes of any level, for all that lies below
    them; the narrowest one that is named decides. With ``areas_allowed`` it is sold there alone.
    """

    quantity_min: int = 1
    quantity_max: int | None = None
    pack_size: int = 1
    areas_allowed: tuple[str, ...] = ()
    areas_excluded: tuple[str, ...] = ()


TERMS_DEFAULT: Final = SaleTerms()
"""Any number, anywhere."""


@dataclass(frozen=True, slots=True)
class BundlePart:
    """How many pieces of an SKU are in one bundle."""

    sku_id: SkuId
    quantity: int


@dataclass(frozen=True, slots=True)
class GoodsRow:
    """One SKU as its supplier describes it, together with the SPU that it is a variant of.

    An empty ``spu_code`` makes the SKU an SPU of its own; an empty ``brand`` is no brand. A
    weight of 0 g is one that nobody has stated. ``terms`` None leaves them as they are, and a new
    SKU without limits. ``parts`` make it a bundle: the supplier's codes of other SKUs, and how
    many of each; what a bundle is made of never changes.
    """

    supplier_id: PartyId
    supplier_code: str
    title: str
    category: tuple[str, ...]
    brand: str = ""
    brand_kind: BrandKind = BrandKind.NATIONAL
    spu_code: str = ""
    variant: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    gtin: str | None = None
    unit: str = UNIT_DEFAULT
    weight_g: int = 0
    tax_rate_bps: int = TAX_RATE_DEFAULT_BPS
    return_policy: ReturnPolicy = ReturnPolicy.SEVEN_DAYS_NO_REASON
    compare_at_minor: int | None = None
    terms: SaleTerms | None = None
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class GoodsPut:
    """What came of putting rows: ids by supplier and code, and which of them changed.

    ``drafts`` are the SKUs, new or old, that have never been on the shelf.
    """

    sku_ids: Mapping[SkuKey, SkuId]
    created: frozenset[SkuId]
    updated: frozenset[SkuId]
    unchanged: frozenset[SkuId]
    drafts: frozenset[SkuId]


@dataclass(frozen=True, slots=True)
class Category:
    """A category; level 1 is the top."""

    id: CategoryId
    parent_id: CategoryId | None
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class SpuFacts:
    """What all variants of an SPU share."""

    title: str
    category_id: CategoryId
    brand_id: BrandId | None
    brand_kind: str | None
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sku:
    """An SKU in full."""

    id: SkuId
    supplier_id: PartyId
    supplier_code: str
    spu_id: SpuId
    spu_code: str
    title: str
    variant: str
    category: tuple[str, ...]
    brand: str
    brand_kind: BrandKind | None
    attributes: Mapping[str, str]
    gtin: str | None
    unit: str
    weight_g: int
    tax_rate_bps: int
    return_policy: ReturnPolicy
    compare_at_minor: int | None
    terms: SaleTerms
    kind: SkuKind
    state: SkuState
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SkuOffer:
    """What a partner is offered: the facts of an on-shelf SKU that an order is made from.

    ``parts`` are what a bundle is made of, in the order of their ids; a single SKU has none.
    """

    sku_id: SkuId
    supplier_id: PartyId
    supplier_code: str
    title: str
    variant: str
    tax_rate_bps: int
    return_policy: ReturnPolicy
    weight_g: int
    unit: str
    compare_at_minor: int | None
    terms: SaleTerms = TERMS_DEFAULT
    parts: tuple[BundlePart, ...] = ()


@dataclass(frozen=True, slots=True)
class SkuListing:
    """What a catalogue is made from: an SKU in words, where it stands, and which pools hold it."""

    id: SkuId
    title: str
    variant: str
    categories: tuple[tuple[CategoryId, str], ...]
    brand: tuple[BrandId, str] | None
    brand_kind: BrandKind | None
    attributes: Mapping[str, str]
    gtin: str | None
    compare_at_minor: int | None
    state: SkuState
    created_at: datetime
    updated_at: datetime
    pool_ids: tuple[PoolId, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of SKUs that is granted to partners as a whole."""

    id: PoolId
    name: str


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One column of one row of a sheet that is not as expected."""

    row: int
    column: str
    got: str
    expected: Said


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a supplier's sheet that was found good.

    ``supplier`` is the name in the sheet, empty when it has none; ``stock`` is None when the sheet
    is silent about it. Cost, price and stock belong to other modules and are only carried here.
    """

    row: int
    supplier: str
    supplier_code: str
    category: tuple[str, ...]
    brand: str
    brand_kind: BrandKind
    spu_code: str
    title: str
    variant: str
    attributes: Mapping[str, str]
    gtin: str | None
    tax_rate_bps: int
    return_policy: ReturnPolicy
    weight_g: int
    cost_minor: int
    price_minor: int
    compare_at_minor: int | None
    stock: int | None
    unit: str

    def goods(self, supplier_id: PartyId) -> GoodsRow:
        """Give the part of the row that this module keeps."""
        return GoodsRow(
            supplier_id=supplier_id,
            supplier_code=self.supplier_code,
            title=self.title,
            category=self.category,
            brand=self.brand,
            brand_kind=self.brand_kind,
            spu_code=self.spu_code,
            variant=self.variant,
            attributes=self.attributes,
            gtin=self.gtin,
            unit=self.unit,
            weight_g=self.weight_g,
            tax_rate_bps=self.tax_rate_bps,
            return_policy=self.return_policy,
            compare_at_minor=self.compare_at_minor,
        )
