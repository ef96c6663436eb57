"""What is answered about prices and freight, costs, and the changes of both."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from weili.entrypoints.http.answers import (
    Fen,
    ListIdOut,
    MomentOut,
    PartyIdOut,
    SkuIdOut,
    TemplateIdOut,
)
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import Document, id_pattern
from weili.kit.ids import id_text
from weili.modules import goods, parties, pricing

ChangeIdOut = Annotated[str, Field(pattern=id_pattern(pricing.CHANGE_PREFIX))]
ProposalIdOut = Annotated[str, Field(pattern=id_pattern(pricing.PROPOSAL_PREFIX))]


class TierOut(Document):
    """What one piece costs from a quantity on; tax and net sum to the price."""

    quantity_min: int
    unit_price_minor: Fen
    unit_tax_minor: Annotated[int, Field(description="inside the price, rounded half up; in fen")]
    unit_net_minor: Fen
    version: int


class PriceOut(Document):
    """What one piece costs when so many are taken; null where there is no price."""

    sku_id: SkuIdOut
    quantity: int
    unit_price_minor: Annotated[int | None, Field(description="gross, in fen")]
    unit_tax_minor: Annotated[
        int | None, Field(description="inside the price, rounded half up; in fen")
    ]
    unit_net_minor: Fen | None
    tax_rate_bps: int | None
    price_version: int | None
    quantity_min: Annotated[int | None, Field(description="of the tier that it is")]
    valid_until: Annotated[
        MomentOut | None, Field(description="when it is known to become another")
    ]
    compare_at_minor: Annotated[
        int | None, Field(description="may be shown struck out beside the price; in fen")
    ]
    compare_at_explanation: str | None
    currency: Literal["CNY"]
    tiers: list[TierOut]


class PricesOut(Document):
    """Answers in the order of the questions."""

    items: list[PriceOut]


class ListOut(Document):
    """A price list."""

    id: ListIdOut
    name: str
    is_default: bool


class FreightTemplateOut(Document):
    """A set of freight rules, and what they count."""

    id: TemplateIdOut
    name: str
    basis: pricing.FreightBasis


class FreightRuleOut(Document):
    """Freight to a region."""

    region_code: str
    base_minor: Fen
    first_units: int
    next_units: int
    next_minor: Fen
    free_from_minor: Fen | None
    free_from_pieces: int | None
    is_excluded: bool


class ChangeOut(Document):
    """A set of prices that begin together, and end together or hold on."""

    id: ChangeIdOut
    list_id: ListIdOut
    note: str
    below_cost_reason: str | None
    valid_from: MomentOut
    valid_to: MomentOut | None
    state: pricing.ChangeState
    created_at: MomentOut
    created_by: str


class PriceVersionOut(Document):
    """One version of a tier, as it was written."""

    sku_id: SkuIdOut
    quantity_min: int
    version: int
    unit_price_minor: Fen
    valid_from: MomentOut
    valid_to: MomentOut | None
    changed_at: MomentOut
    changed_by: str
    change_id: ChangeIdOut | None


class ChangeFullOut(ChangeOut):
    """A change with the prices that it sets."""

    prices: list[PriceVersionOut]


class ChangeLineOut(Document):
    """What a change would do to one tier."""

    sku_id: SkuIdOut
    quantity_min: int
    old_minor: Annotated[
        int | None, Field(description="what the list asks at that quantity when it begins; in fen")
    ]
    new_minor: Fen
    unit_cost_minor: Fen | None
    margin_minor: Annotated[int | None, Field(description="new price less cost; in fen")]
    is_below_cost: Annotated[bool, Field(description="needs `below_cost_reason`")]
    partner_ids: Annotated[list[PartyIdOut], Field(description="who would pay it")]


class PreviewOut(Document):
    """Whom and what a change would touch; nothing has changed."""

    partner_ids: list[PartyIdOut]
    lines: list[ChangeLineOut]


class ProposalOut(Document):
    """A cost that a supplier asks for."""

    id: ProposalIdOut
    sku_id: SkuIdOut
    supplier_id: PartyIdOut
    unit_cost_minor: Fen
    valid_from: MomentOut
    state: pricing.CostState
    reason: str
    submitted_at: MomentOut
    decided_at: MomentOut | None


class ProposalsOut(Document):
    """What was asked for, in the order that it came."""

    items: list[ProposalOut]


class CompareAtOut(Document):
    """A price that may be shown struck out, while it stands."""

    sku_id: SkuIdOut
    compare_at_minor: Fen
    explanation: str | None
    state: pricing.CompareAtState
    version: int


class TradedDayOut(Document):
    """What an SKU was sold for on a day of China's time."""

    traded_on: date
    lowest_minor: Fen
    highest_minor: Fen
    last_minor: Fen


class TradedOut(Document):
    """The last days on which it was sold, the last first."""

    items: list[TradedDayOut]


def change_document(change: pricing.PriceChange) -> dict[str, Any]:
    """Show a change."""
    return {
        "id": id_text(pricing.CHANGE_PREFIX, change.id),
        "list_id": id_text(pricing.LIST_PREFIX, change.list_id),
        "note": change.note,
        "below_cost_reason": change.below_cost_reason,
        "valid_from": moment(change.valid_from),
        "valid_to": moment(change.valid_to),
        "state": change.state.value,
        "created_at": moment(change.created_at),
        "created_by": change.created_by,
    }


def version_document(row: pricing.PriceVersion) -> dict[str, Any]:
    """Show one version of a tier."""
    return {
        "sku_id": id_text(goods.SKU_PREFIX, row.key.sku_id),
        "quantity_min": row.key.quantity_min,
        "version": row.version,
        "unit_price_minor": row.unit_price_minor,
        "valid_from": moment(row.valid_from),
        "valid_to": moment(row.valid_to),
        "changed_at": moment(row.changed_at),
        "changed_by": row.changed_by,
        "change_id": row.change_id and id_text(pricing.CHANGE_PREFIX, row.change_id),
    }


def line_document(line: pricing.ChangeLine) -> dict[str, Any]:
    """Show what a change would do to one tier."""
    return {
        "sku_id": id_text(goods.SKU_PREFIX, line.row.sku_id),
        "quantity_min": line.row.quantity_min,
        "old_minor": line.old_minor,
        "new_minor": line.row.unit_price_minor,
        "unit_cost_minor": line.unit_cost_minor,
        "margin_minor": line.margin_minor,
        "is_below_cost": line.is_below_cost,
        "partner_ids": [id_text(parties.PARTY_PREFIX, found) for found in line.partner_ids],
    }


def proposal_document(proposal: pricing.CostProposal) -> dict[str, Any]:
    """Show a cost that a supplier asks for."""
    return {
        "id": id_text(pricing.PROPOSAL_PREFIX, proposal.id),
        "sku_id": id_text(goods.SKU_PREFIX, proposal.sku_id),
        "supplier_id": id_text(parties.PARTY_PREFIX, proposal.supplier_id),
        "unit_cost_minor": proposal.unit_cost_minor,
        "valid_from": moment(proposal.valid_from),
        "state": proposal.state.value,
        "reason": proposal.reason,
        "submitted_at": moment(proposal.submitted_at),
        "decided_at": moment(proposal.decided_at),
    }


def compare_at_document(row: pricing.CompareAt) -> dict[str, Any]:
    """Show a compare-at price."""
    return {
        "sku_id": id_text(goods.SKU_PREFIX, row.sku_id),
        "compare_at_minor": row.compare_at_minor,
        "explanation": row.explanation,
        "state": row.state.value,
        "version": row.version,
    }
