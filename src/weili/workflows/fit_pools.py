"""Fills pools, and reports what lies outside of what a pool is made for.

Categories and brand kinds do not change by themselves, so SKUs of others are refused at the door.
Prices do: an SKU may be put in before it has one, and leave the band by a change that nobody makes
for the pool's sake. A refusal would then depend on the order of two steps, and taking goods out of
a pool because of a price would take them from partners who sell them. So the band is reported, at
the door and whenever asked; whoever runs the pool decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from weili.kit.context import SYSTEM_PARTY, Ctx
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, cursor_text, limit_bounded
from weili.modules import goods, pricing
from weili.modules.goods import PoolId, SkuId

MISFITS_SHOWN_MAX: Final = 100
SCAN_CHUNK: Final = 500
SCAN_MAX: Final = 10_000
"""SKUs that are looked at for one page: a page may be short, or empty, and go on."""
_BEFORE_ALL: Final = SkuId(UUID(int=0))


class Misfit(StrEnum):
    """Why an SKU lies outside of what its pool is made for."""

    CATEGORY = "category"
    BRAND_KIND = "brand_kind"
    PRICE_BELOW = "price_below"
    PRICE_ABOVE = "price_above"
    PRICE_MISSING = "price_missing"


@dataclass(frozen=True, slots=True)
class PoolMisfit:
    """An SKU outside of its pool's profile: why, and the lowest and highest first price paid."""

    sku_id: SkuId
    reasons: tuple[Misfit, ...]
    price_lowest_minor: int | None
    price_highest_minor: int | None


@dataclass(frozen=True, slots=True)
class PoolFilled:
    """How many SKUs came or went, and those put that lie outside of the profile (up to 100)."""

    changed: int
    misfits: Sequence[PoolMisfit]


def fill_pool(
    ctx: Ctx, *, pool_id: PoolId, put: Sequence[SkuId], take: Sequence[SkuId] = ()
) -> PoolFilled:
    """Put SKUs into a pool and take others out; says which of them lie outside of its price band.

    Raises: Forbidden; PoolUnknown; SkuUnknown; PoolUnfit, for other categories or brand kinds.
    """
    changed = goods.pool_put(ctx, pool_id=pool_id, sku_ids=put)
    if take:
        changed += goods.pool_take(ctx, pool_id=pool_id, sku_ids=take)
    taken = frozenset(take)
    kept = [sku_id for sku_id in dict.fromkeys(put) if sku_id not in taken]
    misfits = _misfits(ctx, goods.pool_get(ctx, pool_id=pool_id), kept)
    return PoolFilled(changed, misfits[:MISFITS_SHOWN_MAX])


def pool_misfits(
    ctx: Ctx, *, pool_id: PoolId, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[PoolMisfit]:
    """List the SKUs of a pool that lie outside of its profile as things are now, by id.

    A page may be short although there is more: it ends after a bounded number of SKUs.

    Raises: Forbidden; PoolUnknown; CursorInvalid.
    """
    pool = goods.pool_get(ctx, pool_id=pool_id)
    limit = limit_bounded(limit)
    after = SkuId(cursor_id(cursor) or _BEFORE_ALL)
    found: list[PoolMisfit] = []
    for _ in range(SCAN_MAX // SCAN_CHUNK):
        skus = goods.sku_ids_after(ctx, after=after, limit=SCAN_CHUNK, pool_id=pool_id)
        found += _misfits(ctx, pool, skus)
        if len(found) > limit:
            return Page(found[:limit], cursor_text(found[limit - 1].sku_id.hex))
        if len(skus) < SCAN_CHUNK:
            return Page(found, None)
        after = skus[-1]
    return Page(found, cursor_text(after.hex))


def _misfits(ctx: Ctx, pool: goods.Pool, sku_ids: Sequence[SkuId]) -> list[PoolMisfit]:
    if pool.profile == goods.PoolProfile(audience=pool.profile.audience) or not sku_ids:
        return []
    fits = goods.pool_fits(ctx, pool_id=pool.id, sku_ids=sku_ids)
    partners = goods.pool_partners(ctx, pool_id=pool.id)
    book = pricing.price_book(ctx, partner_ids=partners, sku_ids=sku_ids)
    found = []
    for sku_id in sku_ids:
        # Before anybody has the pool, the default list says what it would cost.
        ladders = [book.tiers(party, sku_id) for party in partners or [SYSTEM_PARTY]]
        first = [tiers[0].unit_price_minor for tiers in ladders if tiers]
        reasons = _reasons(pool.profile, fits[sku_id], first)
        if reasons:
            found.append(
                PoolMisfit(sku_id, reasons, min(first, default=None), max(first, default=None))
            )
    return found


def _reasons(
    profile: goods.PoolProfile, fit: goods.PoolFit, prices: Sequence[int]
) -> tuple[Misfit, ...]:
    low, high = profile.price_min_minor, profile.price_max_minor
    has_band = low is not None or high is not None
    reasons = {
        Misfit.CATEGORY: not fit.is_category_fit,
        Misfit.BRAND_KIND: not fit.is_brand_kind_fit,
        Misfit.PRICE_BELOW: low is not None and any(price < low for price in prices),
        Misfit.PRICE_ABOVE: high is not None and any(price > high for price in prices),
        Misfit.PRICE_MISSING: has_band and not prices,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)
