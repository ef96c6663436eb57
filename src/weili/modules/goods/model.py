"""What goods are: categories, brands, SPUs and SKUs, and the pools that partners may see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, NewType
from uuid import UUID

import msgspec

from weili.kit.context import PartyId
from weili.kit.problems import Said, pointer
from weili.kit.states import StateTable

CategoryId = NewType("CategoryId", UUID)
BrandId = NewType("BrandId", UUID)
SpuId = NewType("SpuId", UUID)
SkuId = NewType("SkuId", UUID)
PoolId = NewType("PoolId", UUID)
MediaId = NewType("MediaId", UUID)
RevisionId = NewType("RevisionId", UUID)
CategoryNames = tuple[str, ...]
"""A category by its names from the top."""

CATEGORY_PREFIX: Final = "cat"
BRAND_PREFIX: Final = "brd"
SPU_PREFIX: Final = "spu"
SKU_PREFIX: Final = "sku"
POOL_PREFIX: Final = "pol"
MEDIA_PREFIX: Final = "med"
REVISION_PREFIX: Final = "rev"

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
    IN_REVIEW = "in_review"
    ON_SHELF = "on_shelf"
    OFF_SHELF = "off_shelf"


SKU_STATES: Final = StateTable(
    "sku",
    frozenset({SkuState.DRAFT, SkuState.ON_SHELF}),
    {
        SkuState.DRAFT: frozenset({SkuState.IN_REVIEW, SkuState.ON_SHELF}),
        SkuState.IN_REVIEW: frozenset({SkuState.DRAFT, SkuState.ON_SHELF}),
        SkuState.ON_SHELF: frozenset({SkuState.OFF_SHELF}),
        SkuState.OFF_SHELF: frozenset({SkuState.ON_SHELF}),
    },
    name_zh="商品",
)
"""From which state an SKU may go to which. A draft goes on the shelf at once when it is the
operator's own doing; what a supplier submits goes by way of the review."""

SHOWN_STATES: Final = frozenset({SkuState.ON_SHELF, SkuState.OFF_SHELF})
"""In which partners have heard of an SKU."""


class RevisionState(StrEnum):
    """How far a supplier's proposal has come."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


REVISION_STATES: Final = StateTable(
    "goods_revision",
    frozenset({RevisionState.DRAFT}),
    {
        RevisionState.DRAFT: frozenset({RevisionState.IN_REVIEW, RevisionState.WITHDRAWN}),
        RevisionState.IN_REVIEW: frozenset(
            {RevisionState.DRAFT, RevisionState.PUBLISHED, RevisionState.WITHDRAWN}
        ),
        RevisionState.PUBLISHED: frozenset(),
        RevisionState.WITHDRAWN: frozenset(),
    },
    name_zh="商品送审单",
)
"""From which state a revision may go to which; sent back, it is a draft again."""


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


class GoodsRow(NamedTuple):
    """One SKU as its supplier describes it, together with the SPU that it is a variant of.

    An empty ``spu_code`` makes the SKU an SPU of its own; an empty ``brand`` is no brand. A
    weight of 0 g is one that nobody has stated. ``terms`` None leaves them as they are, and a new
    SKU without limits; so it is with ``variant_values``. ``parts`` make it a bundle: the
    supplier's codes of other SKUs, and how many of each; what a bundle is made of never changes.
    """

    supplier_id: PartyId
    supplier_code: str
    title: str
    category: CategoryNames
    brand: str = ""
    brand_kind: BrandKind = BrandKind.NATIONAL
    spu_code: str = ""
    variant: str = ""
    attributes: Mapping[str, str] = MappingProxyType({})
    gtin: str | None = None
    unit: str = UNIT_DEFAULT
    weight_g: int = 0
    tax_rate_bps: int = TAX_RATE_DEFAULT_BPS
    return_policy: ReturnPolicy = ReturnPolicy.SEVEN_DAYS_NO_REASON
    compare_at_minor: int | None = None
    terms: SaleTerms | None = None
    parts: tuple[tuple[str, int], ...] = ()
    variant_values: Mapping[str, str] | None = None


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
    category: CategoryNames
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
    variant_values: Mapping[str, str]
    state: SkuState
    created_at: datetime
    updated_at: datetime


class NamedSku(NamedTuple):
    """How a SKU is called, its compare-at price in fen, and the ids of its pools, 16 bytes each."""

    title: str
    variant: str
    compare_at_minor: int | None
    pools: tuple[bytes, ...]


class SkuOffer(msgspec.Struct, frozen=True, gc=False):
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
class PoolProfile:
    """What kind of channel a pool is made for.

    Categories (with all below them) and brand kinds are enforced when SKUs are put in; none named
    means any. The price band is reported (``fit_pools``), since prices change after; the audience
    is told.
    """

    audience: str = ""
    price_min_minor: int | None = None
    price_max_minor: int | None = None
    category_ids: tuple[CategoryId, ...] = ()
    brand_kinds: tuple[BrandKind, ...] = ()


PROFILE_DEFAULT: Final = PoolProfile()
"""Any goods at any price."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of SKUs that is granted to partners as a whole."""

    id: PoolId
    name: str
    profile: PoolProfile = PROFILE_DEFAULT


@dataclass(frozen=True, slots=True)
class SkuStep:
    """A thing that happened to an SKU: its kind, the state since then, and what changed of it."""

    kind: str
    state: SkuState
    changes: tuple[str, ...]
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PoolFit:
    """Whether an SKU is of the categories and brand kinds that a pool is made for."""

    is_category_fit: bool
    is_brand_kind_fit: bool


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One column of one row of a sheet that is not as expected.

    ``heading`` is what the file calls the column, empty where that is not known or there is none.
    """

    row: int
    column: str
    got: str
    expected: Said
    heading: str = ""

    @property
    def path(self) -> str:
        """Point at the cell, in the words of the file."""
        return pointer("rows", self.row, self.heading or self.column)


class SheetRow(NamedTuple):
    """A row of a supplier's sheet that was found good.

    ``supplier`` is the name in the sheet, empty when it has none; ``stock`` is None when the sheet
    is silent about it. Cost, price and stock belong to other modules and are only carried here.
    """

    row: int
    supplier_code: str
    supplier: str
    category: CategoryNames
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
            supplier_id,
            self.supplier_code,
            self.title,
            self.category,
            self.brand,
            self.brand_kind,
            self.spu_code,
            self.variant,
            self.attributes,
            self.gtin,
            self.unit,
            self.weight_g,
            self.tax_rate_bps,
            self.return_policy,
            self.compare_at_minor,
        )


class AttributeKind(StrEnum):
    """What the values of an attribute look like."""

    TEXT = "text"
    NUMBER = "number"
    ENUM = "enum"
    BOOL = "bool"


class AttributeUse(StrEnum):
    """What an attribute is for: telling variants apart, narrowing a list, or only to be read."""

    VARIANT = "variant"
    FILTER = "filter"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute that goods of a category have, and of all categories below it.

    ``unit`` is what a number is counted in; ``choices`` are what an enum may say.
    """

    name: str
    kind: AttributeKind
    use: AttributeUse = AttributeUse.PLAIN
    is_required: bool = False
    unit: str = ""
    choices: tuple[str, ...] = ()


class MediaKind(StrEnum):
    """What a piece of media is."""

    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What a file was found to be, by its content; its address is made of that content too."""

    kind: MediaKind
    content_type: str
    suffix: str
    digest: str
    size_bytes: int
    width: int | None = None
    height: int | None = None

    @property
    def address(self) -> str:
        """Give the name under which it is kept and served."""
        return f"{self.digest}.{self.suffix}"


@dataclass(frozen=True, slots=True)
class Media:
    """A piece of media that a supplier has sent."""

    id: MediaId
    supplier_id: PartyId
    address: str
    kind: MediaKind
    content_type: str
    size_bytes: int
    width: int | None
    height: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MediaLink:
    """A place of a piece of media in the goods' own order; of one variant, or of all of them."""

    media_id: MediaId
    alt: str
    supplier_code: str | None = None


@dataclass(frozen=True, slots=True)
class ShownMedia:
    """A picture, video or document as it is shown beside an SKU."""

    address: str
    kind: MediaKind
    content_type: str
    alt: str
    width: int | None
    height: int | None
    sku_id: SkuId | None


@dataclass(frozen=True, slots=True)
class DatedCost:
    """A cost that holds from a moment on."""

    valid_from: datetime
    unit_cost_minor: int


@dataclass(frozen=True, slots=True)
class SkuProposal:
    """One variant as its supplier proposes it.

    The cost holds from its publication on, each of the later ones from its own moment.
    """

    supplier_code: str
    variant_values: Mapping[str, str] = field(default_factory=dict)
    gtin: str | None = None
    unit: str = UNIT_DEFAULT
    weight_g: int = 0
    tax_rate_bps: int = TAX_RATE_DEFAULT_BPS
    return_policy: ReturnPolicy = ReturnPolicy.SEVEN_DAYS_NO_REASON
    compare_at_minor: int | None = None
    terms: SaleTerms = TERMS_DEFAULT
    parts: tuple[tuple[str, int], ...] = ()
    unit_cost_minor: int | None = None
    later_costs: tuple[DatedCost, ...] = ()

    def cost_at(self, moment: datetime) -> int | None:
        """Give the cost that holds at a moment from its publication on."""
        begun = [cost for cost in self.later_costs if cost.valid_from <= moment]
        return begun[-1].unit_cost_minor if begun else self.unit_cost_minor

    def costs_after(self, moment: datetime) -> list[DatedCost]:
        """Give the costs that are to hold later than a moment, the first to come first."""
        return [cost for cost in self.later_costs if cost.valid_from > moment]


@dataclass(frozen=True, slots=True)
class GoodsProposal:
    """An SPU with its variants as its supplier proposes it, the whole of it each time."""

    spu_code: str
    title: str
    category_id: CategoryId
    skus: tuple[SkuProposal, ...]
    brand: str = ""
    brand_kind: BrandKind = BrandKind.NATIONAL
    attributes: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    media: tuple[MediaLink, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewNote:
    """What a reviewer says of one field: its JSON pointer, and what to do about it."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Revision:
    """A proposal on its way; ``notes`` are why it was last sent back."""

    id: RevisionId
    supplier_id: PartyId
    spu_id: SpuId
    state: RevisionState
    version: int
    proposal: GoodsProposal
    reason: str
    notes: tuple[ReviewNote, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RevisionStep:
    """A step that a revision took: who, when, and why."""

    version: int
    state: RevisionState
    actor: str
    reason: str
    notes: tuple[ReviewNote, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """What came of publishing a revision."""

    revision: Revision
    sku_ids: Mapping[str, SkuId]
    shelved: frozenset[SkuId]
