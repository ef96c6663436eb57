"""Looks for goods that contradict themselves. Part of ``weili verify``."""

from collections.abc import Iterator
from itertools import pairwise

from weili.kit.context import Ctx
from weili.kit.findings import Finding
from weili.kit.ids import id_text
from weili.modules.goods.model import (
    CATEGORY_PREFIX,
    POOL_PREFIX,
    REVISION_PREFIX,
    SKU_PREFIX,
    SKU_STATES,
    SPU_PREFIX,
)
from weili.modules.goods.store import categories, pools, review
from weili.modules.goods.store import checks as store


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find what breaks an invariant of goods, of what is under review, and of bundles."""
    yield from _verify_histories(ctx)
    yield from _verify_revisions(ctx)
    yield from _verify_shape(ctx)


def _verify_histories(ctx: Ctx) -> Iterator[Finding]:
    for sku_id, state, before in store.histories(ctx):
        steps_ok = (
            before[:1]
            and before[0] in SKU_STATES.initial
            and all(
                here is there or SKU_STATES.allows(here, there) for here, there in pairwise(before)
            )
        )
        if not steps_ok or before[-1] is not state:
            yield Finding(
                "sku_history",
                id_text(SKU_PREFIX, sku_id),
                f"state {state}; history {', '.join(before) or 'empty'}",
                "shelve it again: the right state is written to both",
            )


def _verify_revisions(ctx: Ctx) -> Iterator[Finding]:
    for revision_id, what in review.crooked_revisions(ctx):
        yield Finding(
            "revision_history",
            id_text(REVISION_PREFIX, revision_id),
            what,
            "set the revision's state and version to what its history came to",
        )
    for sku_id in review.skus_unreviewed(ctx):
        yield Finding(
            "sku_in_review",
            id_text(SKU_PREFIX, sku_id),
            "it is in review, but no revision of its SPU is",
            "shelve it if it was approved; else have its supplier propose it again",
        )


def _verify_shape(ctx: Ctx) -> Iterator[Finding]:
    for sku_id, spu_id in store.foreign_spus(ctx):
        yield Finding(
            "sku_spu",
            id_text(SKU_PREFIX, sku_id),
            f"its SPU {id_text(SPU_PREFIX, spu_id)} is another supplier's",
            "put the supplier's row of this SKU again",
        )
    for category_id in categories.crooked_categories(ctx):
        yield Finding(
            "category_level",
            id_text(CATEGORY_PREFIX, category_id),
            "its level is not one below its parent's",
            "set the level to the parent's plus one",
        )
    for pool_id, count in pools.pools_missing(ctx):
        yield Finding(
            "pool_there",
            id_text(POOL_PREFIX, pool_id),
            f"there is no such pool, but {count} SKU(s) in it",
            "bring the pool back from a back-up, or take the SKUs out of it",
        )
    for bundle_id in store.crooked_bundles(ctx):
        yield Finding(
            "bundle_parts",
            id_text(SKU_PREFIX, bundle_id),
            "it has no parts, or one that is a bundle, another supplier's, or of no bundle at all",
            "take it off the shelf and put it again under a code of its own",
        )
