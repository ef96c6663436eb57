"""What is read of many goods at once: for a catalogue that is derived from them, and hot look-ups.

A catalogue also needs the fact that says when.
"""

from collections.abc import Collection, Mapping, Sequence

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import ids_sorted, ids_text
from weili.kit.memory import Recall
from weili.modules.goods.events import SKU_CHANGED, SKUS_PER_EVENT_MAX
from weili.modules.goods.model import SKU_PREFIX, PoolFit, PoolId, SkuId, SkuListing, SpuId
from weili.modules.goods.store import pools
from weili.modules.goods.store import skus as store


def changes_tell(ctx: Ctx, *, sku_ids: Collection[SkuId], spu_ids: Collection[SpuId] = ()) -> None:
    """Tell the platform that SKUs changed, and all variants of some SPUs with them."""
    variants = store.variants_read(ctx, spu_ids) if spu_ids else ()
    texts = ids_text(SKU_PREFIX, ids_sorted([*sku_ids, *variants]))
    for start in range(0, len(texts), SKUS_PER_EVENT_MAX):
        part = texts[start : start + SKUS_PER_EVENT_MAX]
        ctx.announce(SKU_CHANGED, party_id=SYSTEM_PARTY, subject=part[0], data={"sku_ids": part})


def sku_listings(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> list[SkuListing]:
    """Give SKUs in any state with the pools that hold them; an unknown id is absent."""
    return store.listings_read(ctx, sku_ids)


def sku_ids_after(
    ctx: Ctx, *, after: SkuId, limit: int, pool_id: PoolId | None = None
) -> list[SkuId]:
    """Give the ids that follow one, of all SKUs or of those in a pool, in order."""
    return store.sku_ids_after(ctx, after=after, limit=limit, pool_id=pool_id)


def pool_fits(ctx: Ctx, *, pool_id: PoolId, sku_ids: Collection[SkuId]) -> Mapping[SkuId, PoolFit]:
    """Say of SKUs whether they are of the categories and brand kinds that a pool is made for."""
    return pools.pool_fits(ctx, pool_id, sku_ids)


def skus_stamped(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> Mapping[SkuId, int]:
    """Say when SKUs were last written, in microseconds since 1970; an unknown id is absent."""
    return store.stamps_read(ctx, sku_ids)


def pools_granted(ctx: Ctx, *, recall: Recall, partner_id: PartyId) -> list[PoolId]:
    """Say which pools a partner may see."""
    return pools.pools_granted(ctx, recall=recall, partner_id=partner_id)


def skus_seen_asked(
    ctx: Ctx, *, recall: Recall, partner_id: PartyId, sku_ids: Sequence[SkuId]
) -> Asked[list[tuple[int, int, bool]]]:
    """Ask which of many SKUs a partner may order, without waiting for it.

    Of each its place in ``sku_ids``, its tax rate in basis points, and whether it is a bundle.
    """
    return pools.skus_seen(ctx, recall=recall, partner_id=partner_id, sku_ids=sku_ids)


def skus_count(ctx: Ctx) -> int:
    """Count all SKUs, in whatever state."""
    return store.skus_count(ctx)
