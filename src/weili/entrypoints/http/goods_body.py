"""Goods as suppliers propose them: the body, and how a proposal under review is shown."""

from collections.abc import Sequence
from datetime import UTC
from typing import Annotated, Any

from pydantic import Field

from weili.entrypoints.http import answers
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import (
    AmountIn,
    Body,
    CategoryIdIn,
    CodeIn,
    Document,
    MediaIdIn,
    MomentIn,
    RegionsIn,
    TitleIn,
    id_pattern,
)
from weili.entrypoints.http.goods import terms_document
from weili.kit.ids import id_text
from weili.modules import goods, parties

CODE_MAX = 64
WEIGHT_MAX_G = 100_000_000
QUANTITY_TERM_MAX = 1_000_000
DESCRIPTION_MAX = 20_000
LATER_COSTS_MAX = 24

AttributeNameIn = Annotated[str, Field(min_length=1, max_length=60)]
AttributeValueIn = Annotated[str, Field(min_length=1, max_length=500)]
AltIn = Annotated[str, Field(max_length=200, description="what is seen, for who can't see it")]
CountIn = Annotated[int, Field(ge=1, le=QUANTITY_TERM_MAX)]
MediaIdOut = Annotated[str, Field(pattern=id_pattern(goods.MEDIA_PREFIX))]
RevisionIdOut = Annotated[str, Field(pattern=id_pattern(goods.REVISION_PREFIX))]


class TermsBody(Body):
    """How many an order may ask for, and where to; the narrowest region named decides."""

    quantity_min: CountIn = 1
    quantity_max: CountIn | None = None
    pack_size: CountIn = 1
    areas_allowed: RegionsIn = Field(default_factory=list)
    areas_excluded: RegionsIn = Field(default_factory=list)


class PartBody(Body):
    """How many of another of your SKUs are in a bundle."""

    supplier_code: CodeIn
    quantity: CountIn


class DatedCostBody(Body):
    """A cost that holds from a moment on."""

    valid_from: MomentIn
    unit_cost_minor: AmountIn

    def cost(self) -> goods.DatedCost:
        """Give what is proposed."""
        return goods.DatedCost(self.valid_from.astimezone(UTC), self.unit_cost_minor)


class SkuProposalBody(Body):
    """One variant. ``parts`` make it a bundle; what that is made of never changes afterwards."""

    supplier_code: CodeIn
    variant_values: dict[AttributeNameIn, AttributeValueIn] = Field(default_factory=dict)
    gtin: Annotated[str | None, Field(max_length=14)] = None
    unit: Annotated[str, Field(min_length=1, max_length=10)] = "件"
    weight_g: Annotated[int, Field(ge=0, le=WEIGHT_MAX_G)] = 0
    tax_rate_bps: Annotated[int, Field(ge=0, le=10_000)] = 1300
    return_policy: Annotated[goods.ReturnPolicy, Field(strict=False)] = (
        goods.ReturnPolicy.SEVEN_DAYS_NO_REASON
    )
    compare_at_minor: AmountIn | None = None
    terms: TermsBody = TermsBody()
    parts: Annotated[list[PartBody], Field(max_length=20)] = Field(default_factory=list)
    unit_cost_minor: Annotated[
        AmountIn | None, Field(description="what you ask for a piece, from its publication on")
    ] = None
    later_costs: Annotated[
        list[DatedCostBody],
        Field(
            max_length=LATER_COSTS_MAX,
            description="what you ask for from later moments on, the first to come first; they are "
            "agreed to with the publication",
        ),
    ] = Field(default_factory=list)

    def proposal(self) -> goods.SkuProposal:
        """Give what is proposed."""
        terms = self.terms
        return goods.SkuProposal(
            supplier_code=self.supplier_code,
            variant_values=self.variant_values,
            gtin=self.gtin,
            unit=self.unit,
            weight_g=self.weight_g,
            tax_rate_bps=self.tax_rate_bps,
            return_policy=self.return_policy,
            compare_at_minor=self.compare_at_minor,
            terms=goods.SaleTerms(
                terms.quantity_min,
                terms.quantity_max,
                terms.pack_size,
                tuple(terms.areas_allowed),
                tuple(terms.areas_excluded),
            ),
            parts=tuple((part.supplier_code, part.quantity) for part in self.parts),
            unit_cost_minor=self.unit_cost_minor,
            later_costs=tuple(cost.cost() for cost in self.later_costs),
        )


class MediaLinkBody(Body):
    """A file in its place; of the variant with that code, or of all of them."""

    media_id: MediaIdIn
    alt: AltIn = ""
    supplier_code: CodeIn | None = None


class ProposalBody(Body):
    """An SPU with all its variants: the whole of it each time."""

    title: TitleIn
    category_id: CategoryIdIn
    brand: Annotated[str, Field(max_length=60)] = ""
    brand_kind: Annotated[goods.BrandKind, Field(strict=False)] = goods.BrandKind.NATIONAL
    attributes: Annotated[dict[AttributeNameIn, AttributeValueIn], Field(max_length=100)] = Field(
        default_factory=dict
    )
    description: Annotated[str, Field(max_length=DESCRIPTION_MAX)] = ""
    media: Annotated[list[MediaLinkBody], Field(max_length=goods.MEDIA_MAX)] = Field(
        default_factory=list
    )
    skus: Annotated[list[SkuProposalBody], Field(min_length=1, max_length=goods.SKUS_MAX)]

    def proposal(self, spu_code: str) -> goods.GoodsProposal:
        """Give what is proposed for an SPU."""
        return goods.GoodsProposal(
            spu_code=spu_code,
            title=self.title,
            category_id=self.category_id,
            skus=tuple(sku.proposal() for sku in self.skus),
            brand=self.brand,
            brand_kind=self.brand_kind,
            attributes=self.attributes,
            description=self.description,
            media=tuple(
                goods.MediaLink(link.media_id, link.alt, link.supplier_code) for link in self.media
            ),
        )


class NoteOut(Document):
    """What a reviewer says of one field."""

    path: str
    reason: str


class RevisionOut(Document):
    """A proposal on its way; ``notes`` are why it was last sent back."""

    id: RevisionIdOut
    supplier_id: answers.PartyIdOut
    spu_code: str
    title: str
    state: goods.RevisionState
    version: int
    reason: str
    notes: list[NoteOut]
    updated_at: answers.MomentOut


class StepOut(Document):
    """A step that a revision took."""

    version: int
    state: goods.RevisionState
    actor: str
    reason: str
    notes: list[NoteOut]
    at: answers.MomentOut


class RevisionFullOut(RevisionOut):
    """A proposal with all it says, as it was sent, and what it went through."""

    proposal: dict[str, Any]
    history: list[StepOut]


class AttributeOut(Document):
    """An attribute that goods of a category have."""

    name: str
    kind: goods.AttributeKind
    use: goods.AttributeUse
    is_required: bool
    unit: str
    choices: list[str]


class TemplateOut(Document):
    """The attributes that hold for goods of a category, those of the levels above included."""

    attributes: list[AttributeOut]


def revision_document(revision: goods.Revision) -> dict[str, Any]:
    """Show a revision in a list."""
    return {
        "id": id_text(goods.REVISION_PREFIX, revision.id),
        "supplier_id": id_text(parties.PARTY_PREFIX, revision.supplier_id),
        "spu_code": revision.proposal.spu_code,
        "title": revision.proposal.title,
        "state": revision.state,
        "version": revision.version,
        "reason": revision.reason,
        "notes": _notes(revision.notes),
        "updated_at": moment(revision.updated_at),
    }


def revision_full(revision: goods.Revision, steps: Sequence[goods.RevisionStep]) -> dict[str, Any]:
    """Show a revision with all it says, in the form in which it was sent."""
    return revision_document(revision) | {
        "proposal": _proposal(revision.proposal),
        "history": [
            {
                "version": step.version,
                "state": step.state,
                "actor": step.actor.partition(":")[0],
                "reason": step.reason,
                "notes": _notes(step.notes),
                "at": moment(step.at),
            }
            for step in steps
        ],
    }


def template_document(attributes: Sequence[goods.Attribute]) -> dict[str, Any]:
    """Show a template."""
    return {
        "attributes": [
            {
                "name": attribute.name,
                "kind": attribute.kind,
                "use": attribute.use,
                "is_required": attribute.is_required,
                "unit": attribute.unit,
                "choices": list(attribute.choices),
            }
            for attribute in attributes
        ]
    }


def _notes(notes: Sequence[goods.ReviewNote]) -> list[dict[str, str]]:
    return [{"path": note.path, "reason": note.reason} for note in notes]


def _proposal(proposal: goods.GoodsProposal) -> dict[str, Any]:
    return {
        "title": proposal.title,
        "category_id": id_text(goods.CATEGORY_PREFIX, proposal.category_id),
        "brand": proposal.brand,
        "brand_kind": proposal.brand_kind,
        "attributes": dict(proposal.attributes),
        "description": proposal.description,
        "media": [
            {
                "media_id": id_text(goods.MEDIA_PREFIX, link.media_id),
                "alt": link.alt,
                "supplier_code": link.supplier_code,
            }
            for link in proposal.media
        ],
        "skus": [_sku(sku) for sku in proposal.skus],
    }


def _sku(sku: goods.SkuProposal) -> dict[str, Any]:
    return {
        "supplier_code": sku.supplier_code,
        "variant_values": dict(sku.variant_values),
        "gtin": sku.gtin,
        "unit": sku.unit,
        "weight_g": sku.weight_g,
        "tax_rate_bps": sku.tax_rate_bps,
        "return_policy": sku.return_policy,
        "compare_at_minor": sku.compare_at_minor,
        "terms": terms_document(sku.terms),
        "parts": [{"supplier_code": code, "quantity": count} for code, count in sku.parts],
        "unit_cost_minor": sku.unit_cost_minor,
        "later_costs": [
            {
                "valid_from": moment(cost.valid_from),
                "unit_cost_minor": cost.unit_cost_minor,
            }
            for cost in sku.later_costs
        ],
    }
