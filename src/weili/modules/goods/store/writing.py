"""SQL that writes SPUs and SKUs, with what is read and locked to do so."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import new_id
from weili.kit.memory import touch
from weili.modules.goods.model import (
    BundlePart,
    CategoryId,
    GoodsRow,
    SaleTerms,
    SkuId,
    SkuKey,
    SkuKind,
    SkuState,
    SpuFacts,
    SpuId,
)
from weili.modules.goods.store.skus import KINDS, STATES, terms_of

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
            STATES[row[3]],
            row[4],
            row[5:13],
            terms_of(*row[13:18]),
            row[18],
            KINDS[row[19]],
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
    return {sku_id: STATES[state] for sku_id, state in rows}


def states_set(ctx: Ctx, sku_ids: Collection[SkuId], state: SkuState) -> None:
    """Put SKUs into a state."""
    ctx.db.run(
        "UPDATE goods.sku SET state = %b, updated_at = %b WHERE id = ANY (%b::uuid[])",
        str(state),
        ctx.now,
        list(sku_ids),
    )
    touch(ctx, sku_ids)


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


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
