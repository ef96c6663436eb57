"""Pools: what is in them, for whom they are made, and to whom they are granted."""

from collections.abc import Mapping, Sequence
from typing import Final

from weili.kit.context import Ctx, EventType, PartyId
from weili.kit.ids import id_text, ids_sorted, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules.goods import listing
from weili.modules.goods.events import (
    POOL_GRANTED,
    POOL_REVOKED,
    POOL_SKU_ADDED,
    POOL_SKU_REMOVED,
)
from weili.modules.goods.model import (
    POOL_PREFIX,
    SHOWN_STATES,
    SKU_PREFIX,
    Pool,
    PoolId,
    PoolProfile,
    SkuId,
    SkuState,
)
from weili.modules.goods.problems import PoolNameTaken, PoolUnfit, SkuUnknown
from weili.modules.goods.service import (
    BEFORE_ALL,
    SCOPE_ADMIN,
    announce_skus,
    pool_known,
    reading_require,
)
from weili.modules.goods.store import categories, skus
from weili.modules.goods.store import pools as store

UNFIT_SHOWN_MAX: Final = 100
_A_CATEGORY: Final = Said("the id of a category", "类目的 id")


def pool_open(ctx: Ctx, *, name: str) -> PoolId:
    """Open an empty pool.

    Raises: Forbidden; PoolNameTaken.
    """
    ctx.require(SCOPE_ADMIN)
    pool = Pool(PoolId(new_id(ctx.now)), name)
    if not store.pool_insert(ctx, pool):
        raise PoolNameTaken(name=name)
    return pool.id


def pool_by_name(ctx: Ctx, *, name: str) -> Pool | None:
    """Find a pool by its name."""
    ctx.require(SCOPE_ADMIN)
    return store.pool_read(ctx, name=name)


def pool_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Pool]:
    """List the pools that are granted to a partner, or (``partner_id`` None) all.

    Raises: Forbidden; CursorInvalid.
    """
    reading_require(ctx, partner_id)
    rows = store.pools_page(
        ctx,
        partner_id=partner_id,
        after=PoolId(cursor_id(cursor) or BEFORE_ALL),
        limit=(limit := limit_bounded(limit)) + 1,
    )
    return page_of(rows, limit=limit, key=lambda pool: pool.id.hex)


def pool_profile_put(ctx: Ctx, *, pool_id: PoolId, profile: PoolProfile) -> list[SkuId]:
    """Say what kind of channel a pool is made for; gives up to 100 SKUs in it that do not fit.

    They stay until somebody takes them out: what partners sell does not vanish by a setting.

    Raises: Forbidden; PoolUnknown; InputInvalid.
    """
    ctx.require(SCOPE_ADMIN)
    pool_known(ctx, pool_id)
    known = categories.categories_known(ctx, profile.category_ids)
    faults = [
        FieldProblem(f"/category_ids/{index}", "unknown", _A_CATEGORY)
        for index, category_id in enumerate(profile.category_ids)
        if category_id not in known
    ]
    low_minor, high_minor = profile.price_min_minor, profile.price_max_minor
    if low_minor is not None and high_minor is not None and low_minor > high_minor:
        expected = Said(f"at least {low_minor}", f"不小于 {low_minor}")
        faults.append(FieldProblem("/price_max_minor", "out_of_range", expected))
    if faults:
        raise InputInvalid(fields=tuple(faults))
    store.profile_set(ctx, pool_id, profile)
    return store.pool_unfit(ctx, pool_id, None, limit=UNFIT_SHOWN_MAX)


def pool_get(ctx: Ctx, *, pool_id: PoolId) -> Pool:
    """Give a pool.

    Raises: Forbidden; PoolUnknown.
    """
    ctx.require(SCOPE_ADMIN)
    return pool_known(ctx, pool_id)


def pool_partners(ctx: Ctx, *, pool_id: PoolId) -> list[PartyId]:
    """Say to whom a pool is granted, in the order of their ids."""
    ctx.require(SCOPE_ADMIN)
    return store.pool_partners(ctx, pool_id)


def grant_page(
    ctx: Ctx, *, pool_id: PoolId, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[PartyId]:
    """List to whom a pool is granted, in the order of their ids.

    Raises: Forbidden; PoolUnknown; CursorInvalid.
    """
    ctx.require(SCOPE_ADMIN)
    pool_known(ctx, pool_id)
    limit = limit_bounded(limit)
    rows = store.grants_page(ctx, pool_id, after=cursor_id(cursor), limit=limit + 1)
    return page_of(rows, limit=limit, key=lambda partner_id: partner_id.hex)


def pool_put(ctx: Ctx, *, pool_id: PoolId, sku_ids: Sequence[SkuId]) -> int:
    """Put SKUs into a pool, and tell the partners who have it; says how many are new there.

    A draft is not told of: partners hear of it when it goes on the shelf.

    Categories and brand kinds of the pool's profile are enforced: all are put in, or none.

    Raises: Forbidden; PoolUnknown; SkuUnknown; PoolUnfit.
    """
    ctx.require(SCOPE_ADMIN)
    pool = pool_known(ctx, pool_id)
    wanted = ids_sorted(sku_ids)
    states = skus.states_read(ctx, wanted)
    if len(states) < len(wanted):
        unknown = next(sku_id for sku_id in wanted if sku_id not in states)
        raise SkuUnknown(sku_id=id_text(SKU_PREFIX, unknown))
    is_bound = bool(pool.profile.category_ids or pool.profile.brand_kinds)
    if is_bound and (unfit := store.pool_unfit(ctx, pool_id, wanted, limit=UNFIT_SHOWN_MAX)):
        raise PoolUnfit(name=pool.name, sku_ids=[id_text(SKU_PREFIX, sku_id) for sku_id in unfit])
    added = store.pool_skus_insert(ctx, pool_id, wanted)
    _announce_pool(ctx, POOL_SKU_ADDED, pool_id, added, states)
    return len(added)


def pool_take(ctx: Ctx, *, pool_id: PoolId, sku_ids: Sequence[SkuId]) -> int:
    """Take SKUs out of a pool, and tell the partners who have it; says how many were in it.

    Raises: Forbidden; PoolUnknown.
    """
    ctx.require(SCOPE_ADMIN)
    pool_known(ctx, pool_id)
    removed = store.pool_skus_delete(ctx, pool_id, sorted(set(sku_ids)))
    _announce_pool(ctx, POOL_SKU_REMOVED, pool_id, removed, skus.states_read(ctx, removed))
    return len(removed)


def pool_grant(ctx: Ctx, *, pool_id: PoolId, partner_id: PartyId) -> None:
    """Let a partner see a pool and order from it. Granting it again changes nothing.

    Raises: Forbidden; PoolUnknown.
    """
    ctx.require(SCOPE_ADMIN)
    pool = pool_known(ctx, pool_id)
    if store.grant_insert(ctx, pool_id, partner_id):
        _announce_grant(ctx, POOL_GRANTED, partner_id, pool)


def pool_revoke(ctx: Ctx, *, pool_id: PoolId, partner_id: PartyId) -> None:
    """Take a pool back from a partner. Without a grant nothing changes.

    Raises: Forbidden; PoolUnknown.
    """
    ctx.require(SCOPE_ADMIN)
    pool = pool_known(ctx, pool_id)
    if store.grant_delete(ctx, pool_id, partner_id):
        _announce_grant(ctx, POOL_REVOKED, partner_id, pool)


def _announce_pool(
    ctx: Ctx,
    event_type: EventType,
    pool_id: PoolId,
    sku_ids: Sequence[SkuId],
    states: Mapping[SkuId, SkuState],
) -> None:
    """Tell everyone who has the pool what came or went, but for what was never on the shelf.

    The platform is told of that as well.
    """
    listing.changes_tell(ctx, sku_ids=sku_ids)
    told = ids_sorted(sku_id for sku_id in sku_ids if states[sku_id] in SHOWN_STATES)
    if told:
        data = {"pool_id": id_text(POOL_PREFIX, pool_id)}
        announce_skus(ctx, event_type, store.pool_partners(ctx, pool_id), told, data)


def _announce_grant(ctx: Ctx, event_type: EventType, partner_id: PartyId, pool: Pool) -> None:
    pool_id = id_text(POOL_PREFIX, pool.id)
    ctx.announce(
        event_type,
        party_id=partner_id,
        subject=pool_id,
        data={"pool_id": pool_id, "name": pool.name},
    )
