"""What changed of an offer, and what a selected SKU sells for: pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from weili.kit.context import PartyId
from weili.kit.money import AMOUNT_MINOR_MAX, BPS
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules.catalogue.model import (
    MarkupKind,
    MarkupRule,
    Offer,
    OfferState,
    Retail,
    Rounding,
)
from weili.modules.catalogue.problems import BelowCostUnexplained
from weili.modules.goods import CategoryId, SkuId
from weili.modules.pricing import PriceBook

_ROUND_TO: Final[Mapping[Rounding, tuple[int, int]]] = {
    Rounding.EXACT: (1, 0),
    Rounding.UP_TO_JIAO: (10, 0),
    Rounding.UP_TO_YUAN: (100, 0),
    Rounding.ENDING_NINETY: (100, 90),
    Rounding.ENDING_NINETY_NINE: (100, 99),
}
"""To which step a price is rounded up, and what is left when it is divided by that."""

BPS_MAX: Final = 100_000
_ONE_SCOPE: Final = Said(
    "one rule for each SKU, each category and the whole", "每个 SKU、每个类目及整体各一条规则"
)

Pair = tuple[PartyId, SkuId]


def offers_changed(
    *,
    pairs: Iterable[Pair],
    known: Mapping[Pair, Offer],
    visible: Iterable[Pair],
    seeing: Mapping[SkuId, frozenset[PartyId]],
    stamps: Mapping[SkuId, int],
    book: PriceBook,
    at: datetime,
) -> list[Offer]:
    """Give the offers that are not what their partners were last told.

    What a partner never saw stays untold: a SKU enters a feed when it can first be ordered.
    """
    orderable = frozenset(visible)
    changed: list[Offer] = []
    for partner_id, sku_id in sorted(set(pairs)):
        before = known.get((partner_id, sku_id))
        price = None
        if (partner_id, sku_id) in orderable:
            state = OfferState.ON_SHELF
            price = book.unit_price(partner_id, sku_id, 1)
        elif before is None:
            continue
        elif partner_id in seeing.get(sku_id, frozenset()):
            state = OfferState.OFF_SHELF
        else:
            state = OfferState.REMOVED
        # What is written of goods that were removed is no business of the partner's any more.
        is_gone = before is not None and state is OfferState.REMOVED
        after = Offer(
            partner_id=partner_id,
            sku_id=sku_id,
            position=0,
            version=before.version + 1 if before else 1,
            state=state,
            unit_price_minor=price.unit_price_minor if price else None,
            price_version=price.version if price else None,
            stamp_us=before.stamp_us if before and is_gone else stamps[sku_id],
            changed_at=at,
        )
        if before is None or before.told != after.told:
            changed.append(after)
    return changed


def margin_bps(price_minor: int, compare_at_minor: int | None) -> int:
    """Give what lies between a price and the compare-at price, of the latter; at least 0."""
    if not compare_at_minor or compare_at_minor <= price_minor:
        return 0
    return (compare_at_minor - price_minor) * BPS // compare_at_minor


def rules_check(rules: Sequence[MarkupRule]) -> None:
    """Refuse rules out of bounds, two for one thing, and selling below cost without a reason.

    Raises: InputInvalid; BelowCostUnexplained.
    """
    wrong: list[FieldProblem] = []
    scopes: set[tuple[CategoryId | None, SkuId | None]] = set()
    for i, rule in enumerate(rules):
        bound = BPS_MAX if rule.kind is MarkupKind.BPS else AMOUNT_MINOR_MAX
        least = -BPS if rule.kind is MarkupKind.BPS else -bound
        if not least <= rule.amount <= bound:
            expected = Said(f"{least} to {bound}", f"{least} 至 {bound}")
            wrong.append(FieldProblem(f"/rules/{i}/amount", "out_of_range", expected))
        scope = (rule.category_id, rule.sku_id)
        if scope in scopes or None not in scope:
            wrong.append(FieldProblem(f"/rules/{i}", "twice", _ONE_SCOPE))
        scopes.add(scope)
    if wrong:
        raise InputInvalid(fields=tuple(wrong))
    for i, rule in enumerate(rules):
        if rule.amount < 0 and not rule.below_cost_reason:
            raise BelowCostUnexplained(rule=i)


def rule_for(
    rules: Iterable[MarkupRule], sku_id: SkuId, categories: Sequence[CategoryId]
) -> MarkupRule | None:
    """Give the narrowest rule: the SKU's own, its lowest category's, the selection's."""
    by_scope = {(rule.category_id, rule.sku_id): rule for rule in rules}
    scopes = [(None, sku_id), *((each, None) for each in reversed(categories)), (None, None)]
    return next((by_scope[scope] for scope in scopes if scope in by_scope), None)


def retail_of(unit_cost_minor: int, rule: MarkupRule | None) -> Retail:
    """Give what a partner sells for when it pays so much itself; without a rule, just that.

    A share is rounded up to the fen, the price up to the rule's rounding. Below cost only a rule
    with a reason gets, and below nothing none does.
    """
    if rule is None:
        return Retail(unit_cost_minor, None, is_below_cost=False)
    if rule.kind is MarkupKind.BPS:
        added_minor = -(-unit_cost_minor * rule.amount // BPS)
    else:
        added_minor = rule.amount
    step, left = _ROUND_TO[rule.rounding]
    least_minor = 0 if rule.below_cost_reason else unit_cost_minor
    wanted_minor = max(unit_cost_minor + added_minor, least_minor)
    retail_minor = wanted_minor + (left - wanted_minor) % step
    return Retail(retail_minor, rule, is_below_cost=retail_minor < unit_cost_minor)
