"""SQL of pools and their grants."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import IdList, id_keys
from weili.kit.memory import Recall, touch
from weili.modules.goods.model import (
    BrandKind,
    NamedSku,
    Pool,
    PoolFit,
    PoolId,
    PoolProfile,
    SkuId,
)

# What is remembered of goods and of partners; whoever writes what it is made of touches them.
_SHELVED, _GRANTED = b"goods", b"granted"
Shelved = tuple[int, bool, tuple[bytes, ...]]
"""Of a SKU on the shelf: its tax rate, whether it is a bundle, and the pools that hold it."""
_OFF_SHELF: Final[Shelved] = (0, False, ())
# A SKU is named by its place in the list: a number is read many times faster than an id is.
_ON_SHELF: Final = (
    "SELECT (x.place - 1)::int, s.tax_rate_bps, s.kind = 'bundle',"
    " (SELECT string_agg(uuid_send(p.pool_id), '' ORDER BY p.pool_id) FROM goods.pool_sku p"
    "   WHERE p.sku_id = x.sku_id)"
    " FROM unnest(%b::uuid[]) WITH ORDINALITY AS x (sku_id, place)"
    " JOIN goods.sku s ON s.id = x.sku_id AND s.state = 'on_shelf'"
)
_NAMED: Final = (
    "SELECT (x.n - 1)::int, s.title, s.variant, s.compare_at_minor,"
    " (SELECT string_agg(uuid_send(p.pool_id), '' ORDER BY p.pool_id) FROM goods.pool_sku p"
    "   WHERE p.sku_id = x.sku_id)"
    " FROM unnest(%b::uuid[]) WITH ORDINALITY AS x (sku_id, n)"
    " JOIN goods.sku s ON s.id = x.sku_id AND s.state = 'on_shelf'"
)
_GRANTS: Final = "SELECT uuid_send(pool_id) FROM goods.pool_grant WHERE partner_id = %b"
_POOL_SETS_MAX: Final = 4_096


def pool_insert(ctx: Ctx, pool: Pool) -> bool:
    """Write a new pool; says False when the name is taken."""
    return bool(
        ctx.db.run(
            "INSERT INTO goods.pool (id, name, audience, category_ids, brand_kinds)"
            " VALUES (%b, %b, '', '{}', '{}') ON CONFLICT (name) DO NOTHING",
            pool.id,
            pool.name,
        ).rowcount
    )


def pool_read(ctx: Ctx, *, pool_id: PoolId | None = None, name: str | None = None) -> Pool | None:
    """Read a pool by its id or its name."""
    rows = ctx.db.rows(
        "SELECT id, name, audience, price_min_minor, price_max_minor, category_ids, brand_kinds"
        " FROM goods.pool WHERE id = %b::uuid OR name = %b::text",
        pool_id,
        name,
    )
    return _pool(rows[0]) if rows else None


def profile_set(ctx: Ctx, pool_id: PoolId, profile: PoolProfile) -> None:
    """Write what kind of channel a pool is made for."""
    ctx.db.run(
        "UPDATE goods.pool SET audience = %b, price_min_minor = %b, price_max_minor = %b,"
        "  category_ids = %b::uuid[], brand_kinds = %b::text[] WHERE id = %b",
        profile.audience,
        profile.price_min_minor,
        profile.price_max_minor,
        list(profile.category_ids),
        [str(kind) for kind in profile.brand_kinds],
        pool_id,
    )


_FITTED: Final = (
    "SELECT s.id, fits.category, fits.brand_kind"
    " FROM goods.pool p, goods.sku s JOIN goods.spu u ON u.id = s.spu_id"
    " JOIN goods.category c ON c.id = u.category_id"
    " LEFT JOIN goods.category up ON up.id = c.parent_id"
    " CROSS JOIN LATERAL (SELECT p.category_ids = '{}' OR coalesce("
    "   p.category_ids && ARRAY[c.id, c.parent_id, up.parent_id], false) AS category,"
    "  p.brand_kinds = '{}' OR coalesce(u.brand_kind = ANY (p.brand_kinds), false) AS brand_kind)"
    "  AS fits"
)


def pool_fits(ctx: Ctx, pool_id: PoolId, sku_ids: Collection[SkuId]) -> dict[SkuId, PoolFit]:
    """Say of SKUs whether they are of the categories and brand kinds that a pool is made for."""
    rows = ctx.db.rows(
        _FITTED + " WHERE p.id = %b AND s.id = ANY (%b::uuid[])",
        pool_id,
        list(sku_ids),
    )
    return {sku_id: PoolFit(*fits) for sku_id, *fits in rows}


def pool_unfit(
    ctx: Ctx, pool_id: PoolId, sku_ids: Collection[SkuId] | None, *, limit: int
) -> list[SkuId]:
    """Find SKUs (None: those in the pool) of a category or brand kind it is not made for."""
    rows = ctx.db.rows(
        _FITTED + " WHERE p.id = %b AND (s.id = ANY (%b::uuid[])"
        "  OR %b AND EXISTS (SELECT FROM goods.pool_sku x"
        "   WHERE x.pool_id = p.id AND x.sku_id = s.id))"
        "  AND NOT (fits.category AND fits.brand_kind) ORDER BY s.id LIMIT %b",
        pool_id,
        list(sku_ids or ()),
        sku_ids is None,
        limit,
    )
    return [sku_id for sku_id, _, _ in rows]


def pools_missing(ctx: Ctx) -> list[tuple[PoolId, int]]:
    """Find pools that goods are in and that are not there, and how many goods that is."""
    return ctx.db.rows(
        "SELECT s.pool_id, count(*) FROM goods.pool_sku s"
        " LEFT JOIN goods.pool p ON p.id = s.pool_id WHERE p.id IS NULL"
        " GROUP BY s.pool_id ORDER BY s.pool_id"
    )


def is_granted(ctx: Ctx, pool_id: PoolId, partner_id: PartyId) -> bool:
    """Say whether a pool is granted to a partner."""
    return bool(
        ctx.db.rows(
            "SELECT 1 FROM goods.pool_grant WHERE pool_id = %b AND partner_id = %b",
            pool_id,
            partner_id,
        )
    )


def pools_page(ctx: Ctx, *, partner_id: PartyId | None, after: PoolId, limit: int) -> list[Pool]:
    """Read pools in the order of their ids; those granted to one partner, or all of them."""
    rows = ctx.db.rows(
        "SELECT p.id, p.name, p.audience, p.price_min_minor, p.price_max_minor, p.category_ids,"
        "  p.brand_kinds FROM goods.pool p WHERE p.id > %b"
        " AND (%b::uuid IS NULL OR EXISTS (SELECT FROM goods.pool_grant g"
        "  WHERE g.pool_id = p.id AND g.partner_id = %b::uuid)) ORDER BY p.id LIMIT %b",
        *(after, partner_id, partner_id, limit),
    )
    return [_pool(row) for row in rows]


def pool_skus_insert(ctx: Ctx, pool_id: PoolId, sku_ids: Collection[SkuId]) -> list[SkuId]:
    """Put SKUs into a pool; gives those that were not in it."""
    rows = ctx.db.rows(
        "INSERT INTO goods.pool_sku (pool_id, sku_id) SELECT %b, unnest(%b::uuid[])"
        " ON CONFLICT DO NOTHING RETURNING sku_id",
        pool_id,
        list(sku_ids),
    )
    put = [sku_id for (sku_id,) in rows]
    touch(ctx, put)
    return put


def pool_skus_delete(ctx: Ctx, pool_id: PoolId, sku_ids: Collection[SkuId]) -> list[SkuId]:
    """Take SKUs out of a pool; gives those that were in it."""
    rows = ctx.db.rows(
        "DELETE FROM goods.pool_sku WHERE pool_id = %b AND sku_id = ANY (%b::uuid[])"
        " RETURNING sku_id",
        pool_id,
        list(sku_ids),
    )
    taken = [sku_id for (sku_id,) in rows]
    touch(ctx, taken)
    return taken


def grant_insert(ctx: Ctx, pool_id: PoolId, partner_id: PartyId) -> bool:
    """Grant a pool; says False when it was granted before."""
    is_new = bool(
        ctx.db.run(
            "INSERT INTO goods.pool_grant (partner_id, pool_id) VALUES (%b, %b)"
            " ON CONFLICT DO NOTHING",
            partner_id,
            pool_id,
        ).rowcount
    )
    touch(ctx, [partner_id] if is_new else ())
    return is_new


def grant_delete(ctx: Ctx, pool_id: PoolId, partner_id: PartyId) -> bool:
    """Take a grant back; says False when there was none."""
    was_there = bool(
        ctx.db.run(
            "DELETE FROM goods.pool_grant WHERE partner_id = %b AND pool_id = %b",
            partner_id,
            pool_id,
        ).rowcount
    )
    touch(ctx, [partner_id] if was_there else ())
    return was_there


def pool_partners(ctx: Ctx, pool_id: PoolId) -> list[PartyId]:
    """Read to whom a pool is granted, in order."""
    rows = ctx.db.rows(
        "SELECT partner_id FROM goods.pool_grant WHERE pool_id = %b ORDER BY partner_id", pool_id
    )
    return [partner_id for (partner_id,) in rows]


def grants_page(ctx: Ctx, pool_id: PoolId, *, after: UUID | None, limit: int) -> list[PartyId]:
    """Read to whom a pool is granted, in the order of their ids."""
    rows = ctx.db.rows(
        "SELECT partner_id FROM goods.pool_grant"
        " WHERE pool_id = %b AND (%b::uuid IS NULL OR partner_id > %b::uuid)"
        " ORDER BY partner_id LIMIT %b",
        *(pool_id, after, after, limit),
    )
    return [partner_id for (partner_id,) in rows]


def _pool(row: Sequence[Any]) -> Pool:
    pool_id, name, audience, price_min_minor, price_max_minor, category_ids, brand_kinds = row
    kinds = tuple(BrandKind(kind) for kind in brand_kinds)
    profile = PoolProfile(audience, price_min_minor, price_max_minor, tuple(category_ids), kinds)
    return Pool(pool_id, name, profile)


def pools_granted(ctx: Ctx, *, recall: Recall, partner_id: PartyId) -> list[PoolId]:
    """Read which pools are granted to a partner, in the order of their ids. Hot."""
    [granted] = recall.found(_GRANTED, [partner_id.bytes])
    if granted is None:
        granted = frozenset(pool for (pool,) in ctx.db.rows(_GRANTS, partner_id))
        recall.keep(_GRANTED, {partner_id.bytes: granted})
    return [PoolId(UUID(bytes=pool)) for pool in sorted(granted)]


def skus_seen(
    ctx: Ctx, *, recall: Recall, partner_id: PartyId, sku_ids: Sequence[SkuId]
) -> Asked[list[tuple[int, int, bool]]]:
    """Read which on-shelf SKUs a partner may see: (place, tax rate, whether a bundle). Hot."""
    keys = id_keys(sku_ids)
    shelved: list[Shelved | None] = recall.found(_SHELVED, keys)
    missing = [place for place, known in enumerate(shelved) if known is None]
    rows = ctx.db.ask(_ON_SHELF, IdList.of([keys[n] for n in missing])) if missing else None
    [granted] = recall.found(_GRANTED, [partner_id.bytes])
    grants = ctx.db.ask(_GRANTS, partner_id) if granted is None else None

    def read() -> list[tuple[int, int, bool]]:
        pools = granted
        if grants is not None:
            pools = frozenset(pool for (pool,) in grants())
            recall.keep(_GRANTED, {partner_id.bytes: pools})
        if rows is not None:
            fresh = dict.fromkeys([keys[place] for place in missing], _OFF_SHELF)
            for n, tax_rate_bps, is_bundle, held_by in rows():
                known = _shelved(tax_rate_bps, held_by or b"", is_bundle=is_bundle)
                fresh[keys[missing[n]]] = known
            recall.keep(_SHELVED, fresh)
            for place in missing:
                shelved[place] = fresh[keys[place]]
        return [
            (place, known[0], known[1])
            for place, known in enumerate(shelved)
            if known is not None and not pools.isdisjoint(known[2])
        ]

    return read


def named(ctx: Ctx, sku_ids: Sequence[SkuId]) -> Asked[list[NamedSku | None]]:
    """Read the names of SKUs, and the pools that they are in; None for one off the shelf. Hot."""
    rows = ctx.db.ask(_NAMED, sku_ids)

    def read() -> list[NamedSku | None]:
        found: list[NamedSku | None] = [None] * len(sku_ids)
        for place, title, variant, at, held_by in rows():
            found[place] = NamedSku(title, variant, at, _pools_of(held_by or b""))
        return found

    return read


@lru_cache(maxsize=_POOL_SETS_MAX)
def _shelved(tax_rate_bps: int, held_by: bytes, *, is_bundle: bool) -> Shelved:
    """Give what is remembered of a SKU; many are alike, and then share it."""
    return tax_rate_bps, is_bundle, _pools_of(held_by)


@lru_cache(maxsize=_POOL_SETS_MAX)
def _pools_of(held_by: bytes) -> tuple[bytes, ...]:
    """Cut the ids of pools apart; many SKUs are in the same ones, and then share them.

    A tuple of bytes is not looked through for garbage, and so isn't what is remembered with it.
    """
    return tuple(held_by[at : at + 16] for at in range(0, len(held_by), 16))
