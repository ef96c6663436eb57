"""A partner's selections: what it sells, and at what retail price."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import NotFound, Said
from weili.modules import goods
from weili.modules.catalogue import rules, store
from weili.modules.catalogue.model import (
    SELECTION_PREFIX,
    SELECTION_SKUS_MAX,
    SELECTIONS_MAX,
    MarkupRule,
    SelectedSku,
    Selection,
    SelectionId,
)
from weili.modules.catalogue.problems import SELECTION_WORD, SelectionFull, SelectionNameTaken
from weili.modules.catalogue.service import skus_found
from weili.modules.goods import SkuId

SCOPE_READ: Final = "goods:read"
SCOPE_WRITE: Final = "selections:write"
_BEFORE_ALL: Final = UUID(int=0)
_SELECTIONS: Final = Said("selections", "个选品单")
_SKUS: Final = Said("SKUs in a selection", "个商品（每个选品单）")


def selection_open(ctx: Ctx, *, name: str) -> Selection:
    """Open an empty selection for the partner that asks.

    Raises: Forbidden; SelectionNameTaken; SelectionFull.
    """
    ctx.require(SCOPE_WRITE)
    partner_id = ctx.actor.party_id
    selection = Selection(SelectionId(new_id(ctx.now)), partner_id, name, ctx.now)
    if not store.selection_insert(ctx, selection):
        raise SelectionNameTaken(name=name)
    if store.selections_count(ctx, partner_id) > SELECTIONS_MAX:
        raise SelectionFull(bound=SELECTIONS_MAX, what=_SELECTIONS)
    return selection


def selection_page(
    ctx: Ctx, *, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[Selection]:
    """List the selections of the partner that asks.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require(SCOPE_READ)
    limit = limit_bounded(limit)
    after = SelectionId(cursor_id(cursor) or _BEFORE_ALL)
    rows = store.selections_page(ctx, ctx.actor.party_id, after, limit + 1)
    return page_of(rows, limit=limit, key=lambda row: row.id.hex)


def selection_drop(ctx: Ctx, *, selection_id: SelectionId) -> None:
    """Remove a selection with its SKUs and rules.

    Raises: Forbidden; NotFound.
    """
    ctx.require(SCOPE_WRITE)
    store.selection_delete(ctx, _selection(ctx, selection_id, lock=True))


def selected_put(
    ctx: Ctx, *, selection_id: SelectionId, add: Sequence[SkuId], remove: Sequence[SkuId]
) -> tuple[int, int]:
    """Take SKUs out of a selection and put others in; says how many really came and went.

    Raises: Forbidden; NotFound; SkuUnknown, also for one that the partner may not see;
    SelectionFull. Then nothing has changed.
    """
    ctx.require(SCOPE_WRITE)
    selection = _selection(ctx, selection_id, lock=True)
    partner_id = selection.partner_id
    visible = goods.skus_visible(ctx, pairs=[(partner_id, sku_id) for sku_id in add])
    for sku_id in add:
        if (partner_id, sku_id) not in visible:
            raise goods.SkuUnknown(sku_id=id_text(goods.SKU_PREFIX, sku_id))
    removed = store.selected_remove(ctx, selection, remove)
    added = store.selected_add(ctx, selection, set(add))
    if store.selected_count(ctx, selection) > SELECTION_SKUS_MAX:
        raise SelectionFull(bound=SELECTION_SKUS_MAX, what=_SKUS)
    return added, removed


def markup_put(ctx: Ctx, *, selection_id: SelectionId, markups: Sequence[MarkupRule]) -> None:
    """Set a selection's mark-up rules in the place of those it had.

    Raises: Forbidden; NotFound; InputInvalid; BelowCostUnexplained. Then nothing has changed.
    """
    ctx.require(SCOPE_WRITE)
    selection = _selection(ctx, selection_id, lock=True)
    rules.rules_check(markups)
    store.rules_replace(ctx, selection, markups)


def markup_read(ctx: Ctx, *, selection_id: SelectionId) -> list[MarkupRule]:
    """Give a selection's mark-up rules.

    Raises: Forbidden; NotFound.
    """
    ctx.require(SCOPE_READ)
    return store.rules_read(ctx, _selection(ctx, selection_id))


def selected_page(
    ctx: Ctx,
    *,
    selection_id: SelectionId,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[SelectedSku]:
    """List a selection's SKUs with what they cost the partner now and what it sells them for.

    One that the partner may order no more stays listed, without words and prices.

    Raises: Forbidden; NotFound; CursorInvalid.
    """
    ctx.require(SCOPE_READ)
    selection = _selection(ctx, selection_id)
    limit = limit_bounded(limit)
    after = SkuId(cursor_id(cursor) or _BEFORE_ALL)
    sku_ids = store.selected_page(ctx, selection, after, limit + 1)
    page = page_of(sku_ids, limit=limit, key=lambda sku_id: sku_id.hex)
    priced = _priced(ctx, selection.partner_id, store.rules_read(ctx, selection), page.items)
    return page.map(lambda sku_id: priced[sku_id])


def _priced(
    ctx: Ctx, partner_id: PartyId, markups: Sequence[MarkupRule], sku_ids: Sequence[SkuId]
) -> dict[SkuId, SelectedSku]:
    found = {sku.sku_id: sku for sku in skus_found(ctx, partner_id=partner_id, sku_ids=sku_ids)}
    paths = {
        listing.id: [category_id for category_id, _ in listing.categories]
        for listing in goods.sku_listings(ctx, sku_ids=list(found))
    }
    priced = {}
    for sku_id in sku_ids:
        sku = found.get(sku_id)
        if sku is None:
            priced[sku_id] = SelectedSku(sku_id, None, None, None, None, None)
            continue
        cost_minor = sku.unit_price_minor
        retail = None
        if cost_minor is not None:
            retail = rules.retail_of(cost_minor, rules.rule_for(markups, sku_id, paths[sku_id]))
        priced[sku_id] = SelectedSku(
            sku_id, sku.title, sku.variant, cost_minor, retail, sku.compare_at_minor
        )
    return priced


def _selection(ctx: Ctx, selection_id: SelectionId, *, lock: bool = False) -> Selection:
    selection = store.selection_read(ctx, ctx.actor.party_id, selection_id, lock=lock)
    if selection is None:
        raise NotFound(what=SELECTION_WORD, id=id_text(SELECTION_PREFIX, selection_id))
    return selection
