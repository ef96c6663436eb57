"""The operator publishes goods that suppliers proposed, with what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from weili.kit.context import Ctx
from weili.kit.problems import Problem
from weili.modules import goods, pricing
from weili.modules.goods import RevisionId


@dataclass(frozen=True, slots=True)
class GoodsOutcome:
    """What came of publishing one revision: what is now on the shelf, or why it is not."""

    revision_id: RevisionId
    published: goods.Published | None
    problem: Problem | None


def publish_goods(ctx: Ctx, *, revision_ids: Sequence[RevisionId]) -> list[GoodsOutcome]:
    """Publish revisions one by one, each whole or not at all; one that fails hinders no other.

    Its costs hold from now on, and those for later moments from these.

    Raises: Forbidden; nothing for a single revision's sake.
    """
    ctx.require("admin:goods")
    ctx.require("admin:prices")
    found: dict[RevisionId, GoodsOutcome] = {}
    # Locks are taken by id, whatever the order of asking.
    for revision_id in sorted(set(revision_ids)):
        announced = len(ctx.announced)
        try:
            with ctx.db.savepoint():
                published = goods.revision_publish(ctx, revision_id=revision_id)
                _costs_put(ctx, published)
        except Problem as problem:
            del ctx.announced[announced:]
            found[revision_id] = GoodsOutcome(revision_id, None, problem)
        else:
            found[revision_id] = GoodsOutcome(revision_id, published, None)
    return [found[revision_id] for revision_id in dict.fromkeys(revision_ids)]


def _costs_put(ctx: Ctx, published: goods.Published) -> None:
    """Hand the costs that were proposed to pricing."""
    skus = published.revision.proposal.skus
    rows = [
        pricing.CostRow(published.sku_ids[sku.supplier_code], unit_cost_minor)
        for sku in skus
        if (unit_cost_minor := sku.cost_at(ctx.now)) is not None
    ]
    if rows:
        pricing.costs_put(ctx, rows=rows)
    for sku in skus:
        for cost in sku.costs_after(ctx.now):
            row = pricing.CostRow(published.sku_ids[sku.supplier_code], cost.unit_cost_minor)
            pricing.cost_agree(ctx, row=row, valid_from=cost.valid_from)
