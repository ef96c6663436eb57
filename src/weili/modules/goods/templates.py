"""Categories and the attributes that goods of them have."""

from collections.abc import Sequence

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.problems import InputInvalid
from weili.modules.goods.model import (
    CATEGORY_PREFIX,
    Attribute,
    Category,
    CategoryId,
    CategoryNames,
)
from weili.modules.goods.problems import CategoryTooDeep, CategoryUnknown
from weili.modules.goods.rules import LEVELS_MAX, category_checked, template_faults, template_merged
from weili.modules.goods.service import SCOPE_ADMIN, reading_require
from weili.modules.goods.store import categories, writing
from weili.modules.goods.store import review as store


def category_open(ctx: Ctx, *, name: str, parent_id: CategoryId | None = None) -> Category:
    """Make a category, the first of three levels without a parent; one that is there is given.

    Raises: Forbidden; CategoryUnknown; CategoryTooDeep.
    """
    ctx.require(SCOPE_ADMIN)
    level = 1
    if parent_id is not None:
        level = len(category_path(ctx, category_id=parent_id)) + 1
    if level > LEVELS_MAX:
        raise CategoryTooDeep(levels_max=LEVELS_MAX)
    writing.put_lock(ctx)
    known = categories.categories_put(ctx, [(CategoryId(new_id(ctx.now)), parent_id, name, level)])
    return Category(known[parent_id, name], parent_id, name, level)


def category_path_open(ctx: Ctx, *, path: str) -> Category:
    """Make the category that is written as ``A > B > C``, and those above it that are missing.

    Raises: Forbidden; InputInvalid, when nothing can be called that.
    """
    top, *below = category_checked(path)
    made = category_open(ctx, name=top)
    for name in below:
        made = category_open(ctx, name=name, parent_id=made.id)
    return made


def category_paths(ctx: Ctx) -> list[CategoryNames]:
    """Give all categories, each by its names from the top.

    Raises: Forbidden.
    """
    ctx.require(SCOPE_ADMIN)
    return categories.category_paths(ctx)


def category_path(ctx: Ctx, *, category_id: CategoryId) -> list[Category]:
    """Give a category and those above it, the top first.

    Raises: CategoryUnknown.
    """
    found = store.category_path(ctx, category_id)
    if not found:
        raise CategoryUnknown(category_id=id_text(CATEGORY_PREFIX, category_id))
    return found


def template_put(
    ctx: Ctx, *, category_id: CategoryId, attributes: Sequence[Attribute]
) -> dict[str, Attribute]:
    """Say which attributes a category adds, in place of those it added; gives all that hold there.

    Goods that stand stay as they are: what they lack is asked for when they are next submitted.

    Raises: Forbidden; CategoryUnknown; InputInvalid.
    """
    ctx.require(SCOPE_ADMIN)
    category_path(ctx, category_id=category_id)
    if faults := tuple(template_faults(attributes)):
        raise InputInvalid(fields=faults)
    store.template_set(ctx, category_id, attributes)
    return template_of(ctx, category_id=category_id)


def template_of(ctx: Ctx, *, category_id: CategoryId) -> dict[str, Attribute]:
    """Give the attributes that hold for goods of a category, those of the levels above included.

    Raises: CategoryUnknown.
    """
    path = [category.id for category in category_path(ctx, category_id=category_id)]
    own = store.templates_read(ctx, path)
    return template_merged([own.get(each, []) for each in path])


def category_children(
    ctx: Ctx, *, partner_id: PartyId | None, parent_id: CategoryId | None = None
) -> list[Category]:
    """List the categories right below one, or the roots; of one that is unknown, none.

    A partner is given those in which, or below which, there is something that it may order; with
    ``partner_id`` None all are given.

    Raises: Forbidden.
    """
    reading_require(ctx, partner_id)
    return categories.categories_below(ctx, parent_id, partner_id=partner_id)


def categories_for_supply(ctx: Ctx, *, parent_id: CategoryId | None = None) -> list[Category]:
    """List the categories right below one, or the roots, for who proposes goods.

    Raises: Forbidden.
    """
    ctx.require("supply:read")
    return categories.categories_below(ctx, parent_id, partner_id=None)
