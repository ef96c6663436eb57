"""All SQL of ``goods``."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import new_id
from weili.kit.memory import touch
from weili.modules.goods import tables as t
from weili.modules.goods.model import (
    TERMS_DEFAULT,
    BrandKind,
    BundlePart,
    CategoryId,
    GoodsRow,
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
    SpuFacts,
    SpuId,
)

_PUT_LOCK: Final = 7_305_003

SpuKey = tuple[PartyId, str]


class SkuBefore(NamedTuple):
    """An SKU as it stands before it is put again; ``fields`` are its ``SKU_FIELDS``."""

    sku_id: SkuId
    state: SkuState
    spu_id: SpuId
    fields: tuple[Any, ...]
    terms: SaleTerms
    variant_values: Mapping[str, str] | None
    kind: SkuKind


class SkuWrite(NamedTuple):
    """An SKU to be written, with the terms and the variant's values that it then has."""

    sku_id: SkuId
    spu_id: SpuId
    row: GoodsRow
    terms: SaleTerms
    variant_values: Mapping[str, str] | None


SKU_FIELDS: Final = (
    "title",
    "variant",
    "gtin",
    "unit",
    "weight_g",
    "tax_rate_bps",
    "return_policy",
    "compare_at_minor",
)
"""The columns of an SKU that a supplier's row sets, as they stand in ``GoodsRow`` too."""
TERM_FIELDS: Final = tuple(SaleTerms.__dataclass_fields__)

_RETURN_POLICIES: Final = {policy.value: policy for policy in ReturnPolicy}
"""A look-up that costs a tenth of the enum's own; ``visible`` is hot."""
_STATES: Final = {state.value: state for state in SkuState}
_KINDS: Final = {kind.value: kind for kind in SkuKind}
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
    " ORDER BY s.id LIMIT %b"
)


def put_lock(ctx: Ctx) -> None:
    """Let one put of goods work at a time, so that two never make the same category twice."""
    ctx.db.run("SELECT pg_advisory_xact_lock(%b)", _PUT_LOCK)


def spus_read(ctx: Ctx, keys: Collection[SpuKey]) -> dict[SpuKey, tuple[SpuId, SpuFacts]]:
    """Read SPUs by supplier and code."""
    rows = ctx.db.rows(
        "SELECT s.supplier_id, s.code, s.id, s.title, s.category_id, s.brand_id, s.brand_kind,"
        "  s.attributes FROM unnest(%b::uuid[], %b::text[]) AS x (supplier_id, code)"
        " JOIN goods.spu s ON s.supplier_id = x.supplier_id AND s.code = x.code",
        [supplier_id for supplier_id, _ in keys],
        [code for _, code in keys],
    )
    return {(row[0], row[1]): (row[2], SpuFacts(*row[3:])) for row in rows}


def spus_insert(ctx: Ctx, spus: Sequence[tuple[SpuId, SpuKey, SpuFacts]]) -> None:
    """Write new SPUs."""
    ctx.db.run(
        "INSERT INTO goods.spu"
        "  (id, supplier_id, code, title, category_id, brand_id, brand_kind, attributes,"
        "  description)"
        " SELECT i, s, c, t, k, b, n, a::jsonb, '' FROM unnest(%b::uuid[], %b::uuid[], %b::text[],"
        "  %b::text[], %b::uuid[], %b::uuid[], %b::text[], %b::text[])"
        "  AS x (i, s, c, t, k, b, n, a)",
        [spu_id for spu_id, _, _ in spus],
        [supplier_id for _, (supplier_id, _), _ in spus],
        [code for _, (_, code), _ in spus],
        *_spu_columns([facts for _, _, facts in spus]),
    )


def spu_open(
    ctx: Ctx, supplier_id: PartyId, code: str, title: str, category_id: CategoryId
) -> SpuId:
    """Write an SPU that has no SKUs yet: those that are proposed are all bundles."""
    spu_id = SpuId(new_id(ctx.now))
    facts = SpuFacts(title, category_id, None, None, {})
    spus_insert(ctx, [(spu_id, (supplier_id, code), facts)])
    return spu_id


def spus_update(ctx: Ctx, spus: Sequence[tuple[SpuId, SpuFacts]]) -> None:
    """Write what is now said of SPUs."""
    ctx.db.run(
        "UPDATE goods.spu u SET title = x.t, category_id = x.k, brand_id = x.b,"
        "  brand_kind = x.n, attributes = x.a::jsonb"
        " FROM unnest(%b::uuid[], %b::text[], %b::uuid[], %b::uuid[], %b::text[], %b::text[])"
        "  AS x (i, t, k, b, n, a) WHERE u.id = x.i",
        [spu_id for spu_id, _ in spus],
        *_spu_columns([facts for _, facts in spus]),
    )


def skus_read_to_put(ctx: Ctx, keys: Collection[SkuKey]) -> dict[SkuKey, SkuBefore]:
    """Read SKUs by supplier and code, locked against other changes."""
    rows = ctx.db.rows(
        "SELECT s.supplier_id, s.supplier_code, s.id, s.state, s.spu_id, s.title, s.variant,"
        "  s.gtin, s.unit, s.weight_g, s.tax_rate_bps, s.return_policy, s.compare_at_minor,"
        "  s.quantity_min, s.quantity_max, s.pack_size, s.areas_allowed, s.areas_excluded,"
        "  s.variant_values, s.kind"
        " FROM goods.sku s WHERE (s.supplier_id, s.supplier_code) IN ("
        "  SELECT * FROM unnest(%b::uuid[], %b::text[])) ORDER BY s.id FOR UPDATE",
        [supplier_id for supplier_id, _ in keys],
        [code for _, code in keys],
    )
    return {
        (row[0], row[1]): SkuBefore(
            row[2],
            _STATES[row[3]],
            row[4],
            row[5:13],
            _terms(*row[13:18]),
            row[18],
            _KINDS[row[19]],
        )
        for row in rows
    }


def skus_insert(ctx: Ctx, skus: Sequence[SkuWrite], state: SkuState) -> None:
    """Write new SKUs in a state, each with the first row of its history."""
    ctx.db.run(
        "WITH fresh AS (INSERT INTO goods.sku (id, spu_id, supplier_id, supplier_code, kind, title,"
        "  variant, gtin, unit, weight_g, tax_rate_bps, return_policy, compare_at_minor,"
        "  quantity_min, quantity_max, pack_size, areas_allowed, areas_excluded, variant_values,"
        "  state,"
        "  created_at, updated_at)"
        " SELECT i, spu, o, k, b, t, v, g, u, w, r, p, c, n, m, z, string_to_array(a, ','),"
        "  string_to_array(e, ','), q::jsonb, s, y, y"
        " FROM (SELECT %b::text AS s, %b::timestamptz AS y) AS f,"
        "  unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[],"
        "  %b::text[], %b::text[], %b::text[], %b::int[], %b::int[], %b::text[], %b::bigint[],"
        "  %b::int[], %b::int[], %b::int[], %b::text[], %b::text[], %b::text[])"
        "  AS x (i, spu, o, k, b, t, v, g, u, w, r, p, c, n, m, z, a, e, q) RETURNING id, state)"
        " INSERT INTO goods.sku_history (sku_id, id, kind, state, changes, actor, occurred_at)"
        " SELECT id, id, 'created', state, '{}'::jsonb, %b, %b FROM fresh",
        str(state),
        ctx.now,
        [sku.sku_id for sku in skus],
        [sku.spu_id for sku in skus],
        [sku.row.supplier_id for sku in skus],
        [sku.row.supplier_code for sku in skus],
        [str(SkuKind.BUNDLE if sku.row.parts else SkuKind.SINGLE) for sku in skus],
        *_columns(skus),
        ctx.actor.label(),
        ctx.now,
    )


def skus_update(ctx: Ctx, skus: Sequence[SkuWrite]) -> None:
    """Write what the rows now say of SKUs."""
    ctx.db.run(
        "UPDATE goods.sku s SET spu_id = x.spu, title = x.t, variant = x.v, gtin = x.g,"
        "  unit = x.u, weight_g = x.w, tax_rate_bps = x.r, return_policy = x.p,"
        "  compare_at_minor = x.c, quantity_min = x.n, quantity_max = x.m, pack_size = x.z,"
        "  areas_allowed = string_to_array(x.a, ','), areas_excluded = string_to_array(x.e, ','),"
        "  variant_values = x.q::jsonb, updated_at = %b"
        " FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[],"
        "  %b::int[], %b::int[], %b::text[], %b::bigint[], %b::int[], %b::int[], %b::int[],"
        "  %b::text[], %b::text[], %b::text[])"
        "  AS x (i, spu, t, v, g, u, w, r, p, c, n, m, z, a, e, q) WHERE s.id = x.i",
        ctx.now,
        [sku.sku_id for sku in skus],
        [sku.spu_id for sku in skus],
        *_columns(skus),
    )
    touch(ctx, [sku.sku_id for sku in skus])


def parts_insert(ctx: Ctx, parts: Sequence[tuple[SkuId, BundlePart]]) -> None:
    """Write what new bundles are made of."""
    ctx.db.run(
        "INSERT INTO goods.bundle_part (bundle_id, sku_id, quantity)"
        " SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::int[])",
        [bundle_id for bundle_id, _ in parts],
        [part.sku_id for _, part in parts],
        [part.quantity for _, part in parts],
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


def history_insert(
    ctx: Ctx, kind: str, rows: Sequence[tuple[SkuId, Any, SkuState, Mapping[str, Any]]]
) -> None:
    """Write what happened to SKUs: id, the row's own id, the state after, what changed."""
    ctx.db.run(
        "INSERT INTO goods.sku_history (sku_id, id, kind, state, changes, actor, occurred_at)"
        " SELECT k, i, %b, s, c::jsonb, %b, %b"
        " FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[]) AS x (k, i, s, c)",
        kind,
        ctx.actor.label(),
        ctx.now,
        [sku_id for sku_id, _, _, _ in rows],
        [row_id for _, row_id, _, _ in rows],
        [str(state) for _, _, state, _ in rows],
        [_json(changes) for _, _, _, changes in rows],
    )


def states_lock(ctx: Ctx, sku_ids: Collection[SkuId]) -> dict[SkuId, SkuState]:
    """Lock SKUs in the order of their ids and read their states."""
    rows = ctx.db.rows(
        "SELECT id, state FROM goods.sku WHERE id = ANY (%b::uuid[]) ORDER BY id FOR UPDATE",
        list(sku_ids),
    )
    return {sku_id: _STATES[state] for sku_id, state in rows}


def states_set(ctx: Ctx, sku_ids: Collection[SkuId], state: SkuState) -> None:
    """Put SKUs into a state."""
    ctx.db.run(
        "UPDATE goods.sku SET state = %b, updated_at = %b WHERE id = ANY (%b::uuid[])",
        str(state),
        ctx.now,
        list(sku_ids),
    )
    touch(ctx, sku_ids)


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
            _terms(*row[11:16]),
            tuple(map(BundlePart, row[16], row[17])) if row[16] else (),
        )
        for row in rows()
    }


def states_read(ctx: Ctx, sku_ids: Collection[SkuId]) -> dict[SkuId, SkuState]:
    """Read the states of SKUs; an unknown id is absent."""
    rows = ctx.db.rows("SELECT id, state FROM goods.sku WHERE id = ANY (%b::uuid[])", list(sku_ids))
    return {sku_id: _STATES[state] for sku_id, state in rows}


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
) -> list[Sku]:
    """Read SKUs in the order of their ids; of one partner's pools, or all of them."""
    rows = ctx.db.rows(
        _SKUS_PAGE,
        after,
        *(partner_id, partner_id),
        *(query, query),
        *(category_id, category_id),
        *(pool_id, pool_id),
        limit,
    )
    return [_sku(row) for row in rows]


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
            state=_STATES[row[11]],
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


def histories(ctx: Ctx) -> Iterator[tuple[SkuId, SkuState, list[SkuState]]]:
    """Read every SKU's state, and the states its history went through, in order."""
    states = sa.func.array_agg(
        pgt.aggregate_order_by(t.sku_history.c.state, t.sku_history.c.id)
    ).filter(t.sku_history.c.sku_id.is_not(None))
    found = ctx.db.sa.execute(
        sa.select(t.sku.c.id, t.sku.c.state, states)
        .outerjoin(t.sku_history, t.sku_history.c.sku_id == t.sku.c.id)
        .group_by(t.sku.c.id),
        execution_options={"yield_per": 1_000},
    )
    for sku_id, state, before in found:
        yield sku_id, SkuState(state), [SkuState(each) for each in before or ()]


def foreign_spus(ctx: Ctx) -> list[tuple[SkuId, SpuId]]:
    """Find SKUs whose SPU is another supplier's."""
    rows = ctx.db.rows(
        "SELECT s.id, u.id FROM goods.sku s JOIN goods.spu u ON u.id = s.spu_id"
        " WHERE u.supplier_id <> s.supplier_id ORDER BY s.id"
    )
    return [(sku_id, spu_id) for sku_id, spu_id in rows]


def crooked_bundles(ctx: Ctx) -> list[SkuId]:
    """Find bundles without parts, or with parts that can't be; and singles that have some."""
    rows = ctx.db.rows(
        "SELECT s.id FROM goods.sku s WHERE s.kind = 'bundle' AND NOT EXISTS ("
        "  SELECT FROM goods.bundle_part p WHERE p.bundle_id = s.id)"
        " UNION SELECT p.bundle_id FROM goods.bundle_part p"
        "  JOIN goods.sku s ON s.id = p.bundle_id JOIN goods.sku x ON x.id = p.sku_id"
        "  WHERE s.kind <> 'bundle' OR x.kind <> 'single' OR x.supplier_id <> s.supplier_id"
        " ORDER BY 1"
    )
    return [sku_id for (sku_id,) in rows]


def _columns(skus: Sequence[SkuWrite]) -> tuple[list[Any], ...]:
    """Turn what is written into the columns of ``SKU_FIELDS``, ``TERM_FIELDS``, and the variant."""
    return (
        [sku.row.title for sku in skus],
        [sku.row.variant for sku in skus],
        [sku.row.gtin for sku in skus],
        [sku.row.unit for sku in skus],
        [sku.row.weight_g for sku in skus],
        [sku.row.tax_rate_bps for sku in skus],
        [str(sku.row.return_policy) for sku in skus],
        [sku.row.compare_at_minor for sku in skus],
        [sku.terms.quantity_min for sku in skus],
        [sku.terms.quantity_max for sku in skus],
        [sku.terms.pack_size for sku in skus],
        [",".join(sku.terms.areas_allowed) for sku in skus],
        [",".join(sku.terms.areas_excluded) for sku in skus],
        [_json(dict(sku.variant_values)) if sku.variant_values else None for sku in skus],
    )


def _spu_columns(spus: Sequence[SpuFacts]) -> tuple[list[Any], ...]:
    return (
        [facts.title for facts in spus],
        [facts.category_id for facts in spus],
        [facts.brand_id for facts in spus],
        [facts.brand_kind for facts in spus],
        [_json(dict(facts.attributes)) for facts in spus],
    )


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
        terms=_terms(*terms),
        kind=_KINDS[kind],
        variant_values=variant_values or {},
        state=_STATES[state],
        created_at=created_at,
        updated_at=updated_at,
    )


def _terms(
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


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
