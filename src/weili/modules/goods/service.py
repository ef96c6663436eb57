"""SKUs are put on the shelf and off it, found, and shown to those who may see them."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from weili.kit.context import Ctx, EventType, PartyId
from weili.kit.db import Asked
from weili.kit.gathering import gather
from weili.kit.ids import id_text, ids_text, new_id
from weili.kit.memory import Recall
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.modules.goods import listing
from weili.modules.goods.events import SKU_STATE_CHANGED, SKUS_PER_EVENT_MAX
from weili.modules.goods.model import (
    POOL_PREFIX,
    SKU_PREFIX,
    SKU_STATES,
    BundlePart,
    CategoryId,
    NamedSku,
    Pool,
    PoolId,
    Sku,
    SkuId,
    SkuKey,
    SkuOffer,
    SkuState,
    SkuStep,
)
from weili.modules.goods.problems import PoolUnknown, SkuUnknown
from weili.modules.goods.store import pools, writing
from weili.modules.goods.store import skus as store

SCOPE_READ: Final = "goods:read"
SCOPE_ADMIN: Final = "admin:goods"
SCOPE_SUPPLY: Final = "supply:read"
STEPS_MAX: Final = 100
BEFORE_ALL: Final = UUID(int=0)


def sku_shelve(ctx: Ctx, *, sku_ids: Sequence[SkuId], state: SkuState) -> int:
    """Put SKUs on or off the shelf; says how many moved. One that is there already stays.

    Raises: Forbidden; SkuUnknown; StateConflict. Then none has moved.
    """
    ctx.require(SCOPE_ADMIN)
    return shelve(ctx, sku_ids, state)


def shelve(ctx: Ctx, sku_ids: Sequence[SkuId], state: SkuState) -> int:
    """Put SKUs on or off the shelf for someone who may.

    Raises: SkuUnknown; StateConflict. Then none has moved.
    """
    states = writing.states_lock(ctx, sku_ids)
    moving: list[SkuId] = []
    for sku_id in sorted(set(sku_ids)):
        if sku_id not in states:
            raise SkuUnknown(sku_id=id_text(SKU_PREFIX, sku_id))
        if states[sku_id] is not state:
            SKU_STATES.check(states[sku_id], state, label=id_text(SKU_PREFIX, sku_id))
            moving.append(sku_id)
    if not moving:
        return 0
    writing.states_set(ctx, moving, state)
    writing.history_insert(
        ctx,
        "shelved",
        [
            (sku_id, new_id(ctx.now), state, {"state": [str(states[sku_id]), str(state)]})
            for sku_id in moving
        ],
    )
    announce_seen(ctx, SKU_STATE_CHANGED, moving, {"state": str(state)})
    listing.changes_tell(ctx, sku_ids=moving)
    return len(moving)


def skus_visible(
    ctx: Ctx, *, pairs: Sequence[tuple[PartyId, SkuId]]
) -> dict[tuple[PartyId, SkuId], SkuOffer]:
    """Give what partners may order: on the shelf, and in a pool that is granted to them.

    A pair that is not so is absent; why it is absent is nobody's business. One statement.
    """
    return skus_visible_asked(ctx, pairs=pairs)()


def skus_visible_asked(
    ctx: Ctx, *, pairs: Sequence[tuple[PartyId, SkuId]]
) -> Asked[dict[tuple[PartyId, SkuId], SkuOffer]]:
    """Ask what ``skus_visible`` gives, without waiting for it."""
    return store.visible(ctx, list(dict.fromkeys(pairs)))


def skus_named_asked(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> Asked[Sequence[NamedSku | None]]:
    """Ask how SKUs are called and which pools they are in; of what is off the shelf, None."""
    return gather(ctx, pools.named, sku_ids)


def sku_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
    query: str | None = None,
    category_id: CategoryId | None = None,
    pool_id: PoolId | None = None,
    state: SkuState | None = None,
    supplier_id: PartyId | None = None,
) -> Page[Sku]:
    """List the SKUs that a partner may order, or (``partner_id`` None) all of them in any state.

    ``query`` is looked for in titles; ``category_id`` holds for everything below it. A supplier
    lists its own.

    Raises: Forbidden; CursorInvalid; PoolUnknown, also when the pool exists but is not granted to
    that partner.
    """
    if supplier_id is None or supplier_id != ctx.actor.party_id:
        reading_require(ctx, partner_id)
    else:
        ctx.require(SCOPE_SUPPLY)
    if pool_id is not None:
        pool_known(ctx, pool_id)
        if partner_id is not None and not pools.is_granted(ctx, pool_id, partner_id):
            raise PoolUnknown(pool_id=id_text(POOL_PREFIX, pool_id))
    rows = store.skus_page(
        ctx,
        partner_id=partner_id,
        after=SkuId(cursor_id(cursor) or BEFORE_ALL),
        limit=(limit := limit_bounded(limit)) + 1,
        query=query,
        category_id=category_id,
        pool_id=pool_id,
        state=state,
        supplier_id=supplier_id,
    )
    return page_of(rows, limit=limit, key=lambda sku: sku.id.hex)


def sku_get(ctx: Ctx, *, sku_id: SkuId, partner_id: PartyId | None) -> Sku:
    """Give an SKU that a partner may order, or (``partner_id`` None) any.

    Raises: Forbidden; SkuUnknown, also when it exists but is not for that partner.
    """
    reading_require(ctx, partner_id)
    is_hidden = partner_id is not None and not store.visible(ctx, [(partner_id, sku_id)])()
    sku = None if is_hidden else store.skus_read(ctx, [sku_id]).get(sku_id)
    if sku is None:
        raise SkuUnknown(sku_id=id_text(SKU_PREFIX, sku_id))
    return sku


def sku_steps(ctx: Ctx, *, sku_id: SkuId) -> list[SkuStep]:
    """Give the last 100 things that an SKU went through, the last first.

    Raises: Forbidden.
    """
    ctx.require(SCOPE_ADMIN)
    return store.steps_read(ctx, sku_id=sku_id, limit=STEPS_MAX)


def skus_get(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, Sku]:
    """Give the SKUs of these ids, whatever their state; an unknown id is absent."""
    return store.skus_read(ctx, sku_ids)


def skus_known(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> frozenset[SkuId]:
    """Say which of the ids are SKUs; much lighter than ``skus_get``."""
    return store.skus_known(ctx, sku_ids)


def skus_by_code(ctx: Ctx, *, keys: Sequence[SkuKey]) -> dict[SkuKey, SkuId]:
    """Find SKUs, bundles aside, by supplier and the supplier's own code; leaves out the unknown."""
    return store.singles_by_key(ctx, keys)


def skus_suppliers(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, PartyId]:
    """Say whose the SKUs are; an unknown id is absent."""
    return store.skus_suppliers(ctx, sku_ids)


def partners_seeing(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, frozenset[PartyId]]:
    """Say which partners know an SKU: it has been on the shelf, in a pool granted to them.

    One that went off the shelf still counts, since partners keep it in their own systems. An SKU
    that nobody sees is absent.
    """
    return store.seeing(ctx, sku_ids)


def bundle_parts(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, tuple[BundlePart, ...]]:
    """Give what the bundles among the ids are made of; any other id is absent."""
    return store.parts_read(ctx, sku_ids)


def bundle_parts_seen(ctx: Ctx, *, sku_id: SkuId, partner_id: PartyId) -> list[BundlePart]:
    """Give what a bundle is made of, as far as a partner may order the parts by themselves."""
    parts = store.parts_read(ctx, [sku_id]).get(sku_id, ())
    part_ids = [part.sku_id for part in parts]
    seen = pools.skus_seen(ctx, recall=Recall.nothing(), partner_id=partner_id, sku_ids=part_ids)()
    return [parts[place] for place, _, _ in seen]


def reading_require(ctx: Ctx, partner_id: PartyId | None) -> None:
    """Let a partner read for itself, and the operator for anyone."""
    ctx.require(SCOPE_READ if partner_id == ctx.actor.party_id else SCOPE_ADMIN)


def pool_known(ctx: Ctx, pool_id: PoolId) -> Pool:
    """Give a pool.

    Raises: PoolUnknown.
    """
    pool = pools.pool_read(ctx, pool_id=pool_id)
    if pool is None:
        raise PoolUnknown(pool_id=id_text(POOL_PREFIX, pool_id))
    return pool


def announce_seen(
    ctx: Ctx, event_type: EventType, sku_ids: Sequence[SkuId], data: Mapping[str, str]
) -> None:
    """Tell the partners who see SKUs of something, each of those that it sees."""
    for partner_id, seen in _by_partner(ctx, sku_ids).items():
        announce_skus(ctx, event_type, [partner_id], seen, data)


def _by_partner(ctx: Ctx, sku_ids: Sequence[SkuId]) -> dict[PartyId, list[SkuId]]:
    """Turn who sees what around: each partner's SKUs, both in order."""
    seeing = store.seeing(ctx, sku_ids)
    seen: dict[PartyId, list[SkuId]] = {}
    for sku_id in sorted(seeing):
        for partner_id in seeing[sku_id]:
            seen.setdefault(partner_id, []).append(sku_id)
    return {partner_id: seen[partner_id] for partner_id in sorted(seen)}


def announce_skus(
    ctx: Ctx,
    event_type: EventType,
    partner_ids: Sequence[PartyId],
    sku_ids: Sequence[SkuId],
    data: Mapping[str, str],
) -> None:
    """Tell partners of SKUs, a bounded number in each message."""
    if not partner_ids:
        return
    texts = ids_text(SKU_PREFIX, sku_ids)
    starts = range(0, len(texts), SKUS_PER_EVENT_MAX)
    told = [{**data, "sku_ids": texts[start : start + SKUS_PER_EVENT_MAX]} for start in starts]
    for partner_id in partner_ids:
        for part in told:
            ctx.announce(
                event_type,
                party_id=partner_id,
                subject=data.get("pool_id", part["sku_ids"][0]),
                data=part,
            )
