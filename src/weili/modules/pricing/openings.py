"""The first cost and the first price of SKUs that are only being made."""

from collections.abc import Sequence

from weili.kit.context import Ctx
from weili.modules.pricing import rules
from weili.modules.pricing.changes import list_lock, sku_texts
from weili.modules.pricing.costs import costs_tell
from weili.modules.pricing.model import FirstAmounts, ListId
from weili.modules.pricing.problems import BelowCost
from weili.modules.pricing.store import prices as store


def amounts_open(ctx: Ctx, *, list_id: ListId, rows: Sequence[FirstAmounts]) -> None:
    """Set what SKUs that this very transaction has made cost, and on one list are sold at by piece.

    Nobody else knows them: nothing was to hold before, nobody is told of a price, and nobody can
    remember another one. Their suppliers are told of the costs.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such list; BelowCost; the database's
    own refusal where there is a cost or a price, or no such SKU: that is a bug of the caller's.
    """
    ctx.require("admin:prices")
    rules.first_amounts_check(rows)
    list_lock(ctx, list_id)
    below = [row.sku_id for row in rows if row.unit_price_minor < row.unit_cost_minor]
    if below:
        raise BelowCost(sku_ids=sku_texts(below))
    if rows:
        store.amounts_insert(ctx, list_id=list_id, rows=rows)
        costs_tell(ctx, [(row.supplier_id, row.sku_id, row.unit_cost_minor, 1) for row in rows])
