"""SQL that reads SKUs: one by one and in pages, as they are offered, listed and shown."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.modules.goods.model import (
    TERMS_DEFAULT,
    BrandKind,
    BundlePart,
    CategoryId,
    PoolId,
    ReturnPolicy,
    SaleTerms,
    Sku,
    SkuId,
    SkuKey,
    SkuKind,
    SkuListing,
    SkuOffer,
    SkuState,
    SkuStep,
    SpuId,
)

_RETURN_POLICIES: Final = {policy.value: policy for policy in ReturnPolicy}
"""A look-up that costs a tenth of the enum's own; ``visible`` is hot."""
STATES: Final = {state.value: state for state in SkuState}
KINDS: Final = {kind.value: kind for kind in SkuKind}
_BRAND_KINDS: Final = {kind.value: kind for kind in BrandKind}
_VISIBLE: Final = (
    "SELECT x.partner_id, s.id, s.supplier_id, s.supplier_code, s.title, s.variant,"
    "  s.tax_rate_bps, s.return_policy, s.weight_g, s.unit, s.compare_at_minor,"
    "  s.quantity_min, s.quantity_max, s.pack_size, s.areas_allowed, s.areas_excluded,"
    "  CASE WHEN s.kind = 'bundle' THEN ARRAY(SELECT b.sku_id FROM goods.bundle_part b"
    "   WHERE b.bundle_id = s.id ORDER BY b.sku_id) END,"
    "  CASE WHEN s.kind = 'bundle' THEN ARRAY(SELECT b.quantity FROM goods.bundle_part b"
    "   WHERE b.bundle_id = s.id ORDER BY b.sku_id) END"
    " FROM unnest(%b::uuid[], %b::uuid[]) AS x (partner_id, sku_id)"
    " JOIN goods.sku s ON s.id = x.sku_id"
    " WHERE s.state = 'on_shelf' AND EXISTS (SELECT FROM goods.pool_sku p"
    "  JOIN goods.pool_grant g ON g.pool_id = p.pool_id"
    "  WHERE p.sku_id = x.sku_id AND g.partner_id = x.partner_id)"
)
_SKU_SELECT: Final = (
    "SELECT s.id, s.supplier_id, s.supplier_code, s.spu_id, u.code, s.title, s.variant,"
    "  array_remove(ARRAY[c1.name, c2.name, c3.name], NULL), b.name, u.brand_kind, u.attributes,"
    "  s.gtin, s.unit, s.weight_g, s.tax_rate_bps, s.return_policy, s.compare_at_minor,"
    "  s.quantity_min, s.quantity_max, s.pack_size, s.areas_allowed, s.areas_excluded, s.kind,"
    "  s.variant_values, s.state, s.created_at, s.updated_at"
    " FROM goods.sku s JOIN goods.spu u ON u.id = s.spu_id"
    " JOIN goods.category c3 ON c3.id = u.category_id"
    " LEFT JOIN goods.category c2 ON c2.id = c3.parent_id"
    " LEFT JOIN goods.category c1 ON c1.id = c2.parent_id"
    " LEFT JOIN goods.brand b ON b.id = u.brand_id"
)
_SKUS_READ: Final = _SKU_SELECT + " WHERE s.id = ANY (%b::uuid[])"
_SKUS_PAGE: Final = (
    _SKU_SELECT + " WHERE s.id > %b"  # noqa: S608 - two constants of ours
    " AND (%b::uuid IS NULL OR s.state = 'on_shelf' AND EXISTS ("
    "  SELECT FROM goods.pool_sku p JOIN goods.pool_grant g ON g.pool_id = p.pool_id"
    "  WHERE p.sku_id = s.id AND g.partner_id = %b::uuid))"
    " AND (%b::text IS NULL OR strpos(lower(s.title), lower(%b::text)) > 0)"
    " AND (%b::uuid IS NULL OR %b::uuid IN (c1.id, c2.id, c3.id))"
    " AND (%b::uuid IS NULL OR EXISTS ("
    "  SELECT FROM goods.pool_sku p WHERE p.sku_id = s.id AND p.pool_id = %b::uuid))"
    " AND (%b::text IS NULL OR s.state = %b::text)"
    " AND (%b::uuid IS NULL OR s.supplier_id = %b::uuid)"
    " ORDER BY s.id LIMIT %b"
)
_STEPS: Final = (
    "SELECT kind, state, changes, actor, occurred_at FROM goods.sku_history"
    " WHERE sku_id = %b ORDER BY id DESC LIMIT %b"
)


def parts_read(ctx: Ctx, bundle_ids: Collection[SkuId]) -> dict[SkuId, tuple[BundlePart, ...]]:
    """Read what bundles are made of, each in the order of its parts' ids."""
    rows = ctx.db.rows(
        "SELECT bundle_id, array_agg(sku_id ORDER BY sku_id), array_agg(quantity ORDER BY sku_id)"
        " FROM goods.bundle_part WHERE bundle_id = ANY (%b::uuid[]) GROUP BY bundle_id",
        list(bundle_ids),
    )
    return {row[0]: tuple(map(BundlePart, row[1], row[2])) for row in rows}


def singles_by_key(ctx: Ctx, keys: Collection[SkuKey]) -> dict[SkuKey, SkuId]:
    """Read which of the keys name SKUs that are no bundles."""
    rows = ctx.db.rows(
        "SELECT s.supplier_id, s.supplier_code, s.id FROM goods.sku s"
        " JOIN unnest(%b::uuid[], %b::text[]) AS x (supplier_id, code)"
        "  ON s.supplier_id = x.supplier_id AND s.supplier_code = x.code"
        " WHERE s.kind = 'single'",
        [supplier_id for supplier_id, _ in keys],
        [code for _, code in keys],
    )
    return {(row[0], row[1]): row[2] for row in rows}


def visible(
    ctx: Ctx, pairs: Sequence[tuple[PartyId, SkuId]]
) -> Asked[dict[tuple[PartyId, SkuId], SkuOffer]]:
    """Read the on-shelf SKUs among the pairs that the partner of the pair may see."""
    rows = ctx.db.ask(
        _VISIBLE,
        [partner_id for partner_id, _ in pairs],
        [sku_id for _, sku_id in pairs],
    )
    return lambda: {
        (row[0], row[1]): SkuOffer(
            row[1],
            row[2],
            row[3],
            row[4],
            row[5],
            row[6],
            _RETURN_POLICIES[row[7]],
            row[8],
            row[9],
            row[10],
            terms_of(*row[11:16]),
            tuple(map(BundlePart, row[16], row[17])) if row[16] else (),
        )
        for row in rows()
    }


def states_read(ctx: Ctx, sku_ids: Collection[SkuId]) -> dict[SkuId, SkuState]:
    """Read the states of SKUs; an unknown id is absent."""
    rows = ctx.db.rows("SELECT id, state FROM goods.sku WHERE id = ANY (%b::uuid[])", list(sku_ids))
    return {sku_id: STATES[state] for sku_id, state in rows}


def skus_known(ctx: Ctx, sku_ids: Collection[SkuId]) -> frozenset[SkuId]:
    """Say which of the ids are SKUs."""
    rows = ctx.db.rows("SELECT id FROM goods.sku WHERE id = ANY (%b::uuid[])", list(sku_ids))
    return frozenset(sku_id for (sku_id,) in rows)


def skus_suppliers(ctx: Ctx, sku_ids: Collection[SkuId]) -> dict[SkuId, PartyId]:
    """Read whose the SKUs are."""
    query: Final = "SELECT id, supplier_id FROM goods.sku WHERE id = ANY (%b::uuid[])"
    return dict(ctx.db.rows(query, list(sku_ids)))


def skus_read(ctx: Ctx, sku_ids: Collection[SkuId]) -> dict[SkuId, Sku]:
    """Read SKUs in full."""
    rows = ctx.db.rows(_SKUS_READ, list(sku_ids))
    return {row[0]: _sku(row) for row in rows}


def skus_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    after: SkuId,
    limit: int,
    query: str | None,
    category_id: CategoryId | None,
    pool_id: PoolId | None,
    state: SkuState | None,
    supplier_id: PartyId | None,
) -> list[Sku]:
    """Read SKUs in the order of their ids; of one partner's pools, or all of them."""
    rows = ctx.db.rows(
        _SKUS_PAGE,
        after,
        *(partner_id, partner_id),
        *(query, query),
        *(category_id, category_id),
        *(pool_id, pool_id),
        *(state and str(state),) * 2,
        *(supplier_id, supplier_id),
        limit,
    )
    return [_sku(row) for row in rows]


def steps_read(ctx: Ctx, *, sku_id: SkuId, limit: int) -> list[SkuStep]:
    """Read what an SKU went through, the last first."""
    return [
        SkuStep(kind, STATES[state], tuple(sorted(changes)), actor, at)
        for kind, state, changes, actor, at in ctx.db.rows(_STEPS, sku_id, limit)
    ]


def seeing(ctx: Ctx, sku_ids: Collection[SkuId]) -> dict[SkuId, frozenset[PartyId]]:
    """Read which partners have been granted a pool that holds an SKU they have heard of."""
    rows = ctx.db.rows(
        "SELECT s.id, array_agg(DISTINCT g.partner_id) FROM goods.sku s"
        " JOIN goods.pool_sku p ON p.sku_id = s.id JOIN goods.pool_grant g ON g.pool_id = p.pool_id"
        " WHERE s.id = ANY (%b::uuid[]) AND s.state IN ('on_shelf', 'off_shelf') GROUP BY s.id",
        list(sku_ids),
    )
    return {sku_id: frozenset(partner_ids) for sku_id, partner_ids in rows}


def variants_read(ctx: Ctx, spu_ids: Collection[SpuId]) -> set[SkuId]:
    """Read the SKUs of SPUs."""
    rows = ctx.db.rows("SELECT id FROM goods.sku WHERE spu_id = ANY (%b::uuid[])", list(spu_ids))
    return {sku_id for (sku_id,) in rows}


def listings_read(ctx: Ctx, sku_ids: Sequence[SkuId]) -> list[SkuListing]:
    """Read what a catalogue is made from."""
    rows = ctx.db.rows(
        "SELECT s.id, s.title, s.variant, array_remove(ARRAY[c1.id, c2.id, c3.id], NULL),"
        "  array_remove(ARRAY[c1.name, c2.name, c3.name], NULL), b.id, b.name, u.brand_kind,"
        "  u.attributes, s.gtin, s.compare_at_minor, s.state, s.created_at,"
        "  s.updated_at, ARRAY(SELECT p.pool_id FROM goods.pool_sku p WHERE p.sku_id = s.id"
        "   ORDER BY p.pool_id)"
        " FROM goods.sku s JOIN goods.spu u ON u.id = s.spu_id"
        " JOIN goods.category c3 ON c3.id = u.category_id"
        " LEFT JOIN goods.category c2 ON c2.id = c3.parent_id"
        " LEFT JOIN goods.category c1 ON c1.id = c2.parent_id"
        " LEFT JOIN goods.brand b ON b.id = u.brand_id WHERE s.id = ANY (%b::uuid[])",
        sku_ids,
    )
    return [
        SkuListing(
            id=row[0],
            title=row[1],
            variant=row[2],
            categories=tuple(zip(row[3], row[4], strict=True)),
            brand=(row[5], row[6]) if row[5] else None,
            brand_kind=_BRAND_KINDS.get(row[7]),
            attributes=row[8],
            gtin=row[9],
            compare_at_minor=row[10],
            state=STATES[row[11]],
            created_at=row[12],
            updated_at=row[13],
            pool_ids=tuple(row[14]),
        )
        for row in rows
    ]


def sku_ids_after(ctx: Ctx, *, after: SkuId, limit: int, pool_id: PoolId | None) -> list[SkuId]:
    """Read ids in their order, of all SKUs or of a pool."""
    if pool_id is None:
        rows = ctx.db.rows(
            "SELECT id FROM goods.sku WHERE id > %b ORDER BY id LIMIT %b", after, limit
        )
    else:
        rows = ctx.db.rows(
            "SELECT sku_id FROM goods.pool_sku WHERE pool_id = %b AND sku_id > %b"
            " ORDER BY sku_id LIMIT %b",
            *(pool_id, after, limit),
        )
    return [sku_id for (sku_id,) in rows]


def skus_count(ctx: Ctx) -> int:
    """Count all SKUs."""
    [[count]] = ctx.db.rows("SELECT count(*) FROM goods.sku")
    return int(count)


def stamps_read(ctx: Ctx, sku_ids: Sequence[SkuId]) -> dict[SkuId, int]:
    """Read when SKUs were last written, in microseconds."""
    rows = ctx.db.rows(
        "SELECT id, (extract(epoch FROM updated_at) * 1000000)::bigint FROM goods.sku"
        " WHERE id = ANY (%b::uuid[])",
        sku_ids,
    )
    return dict(rows)


def _sku(row: Sequence[Any]) -> Sku:
    sku_id, supplier_id, supplier_code, spu_id, spu_code, title, variant, *rest = row
    category, brand, brand_kind, attributes, gtin, unit, weight_g, tax_rate_bps, *rest = rest
    return_policy, compare_at_minor, *terms, kind, variant_values, state = rest[:-2]
    created_at, updated_at = rest[-2:]
    return Sku(
        id=sku_id,
        supplier_id=supplier_id,
        supplier_code=supplier_code,
        spu_id=spu_id,
        spu_code=spu_code,
        title=title,
        variant=variant,
        category=tuple(category),
        brand=brand or "",
        brand_kind=_BRAND_KINDS.get(brand_kind),
        attributes=attributes,
        gtin=gtin,
        unit=unit,
        weight_g=weight_g,
        tax_rate_bps=tax_rate_bps,
        return_policy=_RETURN_POLICIES[return_policy],
        compare_at_minor=compare_at_minor,
        terms=terms_of(*terms),
        kind=KINDS[kind],
        variant_values=variant_values or {},
        state=STATES[state],
        created_at=created_at,
        updated_at=updated_at,
    )


def terms_of(
    quantity_min: int,
    quantity_max: int | None,
    pack_size: int,
    areas_allowed: list[str],
    areas_excluded: list[str],
) -> SaleTerms:
    """Give terms; the one object that says there are none, where there are none."""
    if (
        quantity_min == pack_size == 1
        and quantity_max is None
        and not areas_allowed
        and not areas_excluded
    ):
        return TERMS_DEFAULT
    return SaleTerms(
        quantity_min, quantity_max, pack_size, tuple(areas_allowed), tuple(areas_excluded)
    )
