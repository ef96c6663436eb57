"""SQL of templates, media, and goods under review."""

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from weili.kit.context import Ctx, PartyId
from weili.modules.goods.model import (
    Attribute,
    AttributeKind,
    AttributeUse,
    Category,
    CategoryId,
    CategoryNames,
    GoodsProposal,
    Media,
    MediaFacts,
    MediaId,
    MediaKind,
    ReviewNote,
    Revision,
    RevisionId,
    RevisionState,
    RevisionStep,
    ShownMedia,
    SkuId,
    SkuState,
    SpuId,
)

_REVISION: Final = (
    "SELECT id, supplier_id, spu_id, state, version, proposal, reason, notes, created_at,"
    "  updated_at FROM goods.revision"
)
_REVISION_READ: Final = _REVISION + " WHERE id = %b"
_REVISION_LOCK: Final = _REVISION + " WHERE id = %b FOR UPDATE"
_REVISION_OPEN: Final = (
    _REVISION + " WHERE spu_id = %b AND state IN ('draft', 'in_review') FOR UPDATE"
)
_REVISIONS_PAGE: Final = (
    _REVISION + " WHERE id > %b AND state = ANY (%b::text[])"
    " AND (%b::uuid IS NULL OR supplier_id = %b::uuid)"
    " AND (%b::text IS NULL OR proposal ->> 'category_id' = %b::text)"
    " ORDER BY id LIMIT %b"
)


def category_path(ctx: Ctx, category_id: CategoryId) -> list[Category]:
    """Read a category and those above it, the top first; nothing where there is none."""
    rows = ctx.db.rows(
        "WITH RECURSIVE up AS (SELECT id, parent_id, name, level FROM goods.category WHERE id = %b"
        "  UNION ALL SELECT c.id, c.parent_id, c.name, c.level FROM goods.category c"
        "  JOIN up ON c.id = up.parent_id)"
        " SELECT id, parent_id, name, level FROM up ORDER BY level",
        category_id,
    )
    return [Category(*row) for row in rows]


def categories_by_path(
    ctx: Ctx, paths: Collection[CategoryNames]
) -> dict[CategoryNames, CategoryId]:
    """Find categories by their names from the top; a path that leads nowhere is absent."""
    rows = ctx.db.rows(
        "WITH RECURSIVE down AS (SELECT id, ARRAY[name] AS path FROM goods.category"
        "  WHERE parent_id IS NULL AND name = ANY (%b::text[])"
        "  UNION ALL SELECT c.id, d.path || c.name FROM goods.category c"
        "  JOIN down d ON d.id = c.parent_id WHERE c.name = ANY (%b::text[]))"
        " SELECT path, id FROM down",
        sorted({path[0] for path in paths}),
        sorted({name for path in paths for name in path[1:]}),
    )
    found = {tuple(path): category_id for path, category_id in rows}
    return {path: found[path] for path in paths if path in found}


def templates_read(
    ctx: Ctx, category_ids: Collection[CategoryId]
) -> dict[CategoryId, list[Attribute]]:
    """Read the attributes that categories add themselves, in their order."""
    rows = ctx.db.rows(
        "SELECT category_id, name, kind, use, is_required, unit, choices FROM goods.attribute"
        " WHERE category_id = ANY (%b::uuid[]) ORDER BY category_id, position",
        list(category_ids),
    )
    found: dict[CategoryId, list[Attribute]] = {}
    for category_id, name, kind, use, is_required, unit, choices in rows:
        attribute = Attribute(
            name, AttributeKind(kind), AttributeUse(use), is_required, unit, tuple(choices)
        )
        found.setdefault(category_id, []).append(attribute)
    return found


def template_set(ctx: Ctx, category_id: CategoryId, attributes: Sequence[Attribute]) -> None:
    """Write the attributes that a category adds, in place of those it had."""
    ctx.db.run("DELETE FROM goods.attribute WHERE category_id = %b", category_id)
    if not attributes:
        return
    ctx.db.run(
        "INSERT INTO goods.attribute"
        "  (category_id, name, position, kind, use, is_required, unit, choices)"
        " SELECT %b, a ->> 'name', n, a ->> 'kind', a ->> 'use', (a ->> 'is_required')::boolean,"
        "  a ->> 'unit', ARRAY(SELECT jsonb_array_elements_text(a -> 'choices'))"
        " FROM jsonb_array_elements(%b::text::jsonb) WITH ORDINALITY AS x (a, n)",
        category_id,
        _json(attributes),
    )


def media_insert(ctx: Ctx, media_id: MediaId, supplier_id: PartyId, facts: MediaFacts) -> None:
    """Write down a file that a supplier has sent; one it has sent before stays as it is."""
    ctx.db.run(
        "INSERT INTO goods.media (id, supplier_id, address, kind, content_type, size_bytes, width,"
        "  height, created_at) VALUES (%b, %b, %b, %b, %b, %b, %b, %b, %b)"
        " ON CONFLICT (supplier_id, address) DO NOTHING",
        media_id,
        supplier_id,
        facts.address,
        str(facts.kind),
        facts.content_type,
        facts.size_bytes,
        facts.width,
        facts.height,
        ctx.now,
    )


def media_by_address(ctx: Ctx, supplier_id: PartyId, address: str) -> Media | None:
    """Read a supplier's file by its address."""
    rows = ctx.db.rows(
        "SELECT id, supplier_id, address, kind, content_type, size_bytes, width, height, created_at"
        " FROM goods.media WHERE supplier_id = %b AND address = %b",
        supplier_id,
        address,
    )
    return _media(rows[0]) if rows else None


def media_count(ctx: Ctx, supplier_id: PartyId) -> int:
    """Count a supplier's files."""
    [(count,)] = ctx.db.rows("SELECT count(*) FROM goods.media WHERE supplier_id = %b", supplier_id)
    return int(count)


def media_page(ctx: Ctx, supplier_id: PartyId, *, after: MediaId, limit: int) -> list[Media]:
    """Read a supplier's files in the order of their ids."""
    rows = ctx.db.rows(
        "SELECT id, supplier_id, address, kind, content_type, size_bytes, width, height, created_at"
        " FROM goods.media WHERE supplier_id = %b AND id > %b ORDER BY id LIMIT %b",
        supplier_id,
        after,
        limit,
    )
    return [_media(row) for row in rows]


def media_owned(
    ctx: Ctx, supplier_id: PartyId, media_ids: Collection[MediaId]
) -> frozenset[MediaId]:
    """Say which of the ids are files of a supplier."""
    rows = ctx.db.rows(
        "SELECT id FROM goods.media WHERE supplier_id = %b AND id = ANY (%b::uuid[])",
        supplier_id,
        list(media_ids),
    )
    return frozenset(media_id for (media_id,) in rows)


def links_set(
    ctx: Ctx, spu_id: SpuId, links: Sequence[tuple[MediaId, SkuId | None, str]], description: str
) -> None:
    """Write what is shown beside an SPU, in place of what was."""
    ctx.db.run("UPDATE goods.spu SET description = %b WHERE id = %b", description, spu_id)
    ctx.db.run("DELETE FROM goods.spu_media WHERE spu_id = %b", spu_id)
    if links:
        ctx.db.run(
            "INSERT INTO goods.spu_media (spu_id, position, media_id, sku_id, alt)"
            " SELECT %b, n, m, s, a FROM unnest(%b::uuid[], %b::uuid[], %b::text[])"
            "  WITH ORDINALITY AS x (m, s, a, n)",
            spu_id,
            [media_id for media_id, _, _ in links],
            [sku_id for _, sku_id, _ in links],
            [alt for _, _, alt in links],
        )


def shown(ctx: Ctx, spu_ids: Collection[SpuId]) -> dict[SpuId, tuple[str, list[ShownMedia]]]:
    """Read the description and the media of SPUs, the media in their order."""
    texts = ctx.db.rows(
        "SELECT id, description FROM goods.spu WHERE id = ANY (%b::uuid[])", list(spu_ids)
    )
    found: dict[SpuId, tuple[str, list[ShownMedia]]] = {row[0]: (row[1], []) for row in texts}
    rows = ctx.db.rows(
        "SELECT l.spu_id, m.address, m.kind, m.content_type, l.alt, m.width, m.height, l.sku_id"
        " FROM goods.spu_media l JOIN goods.media m ON m.id = l.media_id"
        " WHERE l.spu_id = ANY (%b::uuid[]) ORDER BY l.spu_id, l.position",
        list(spu_ids),
    )
    for spu_id, address, kind, *rest in rows:
        found[spu_id][1].append(ShownMedia(address, MediaKind(kind), *rest))
    return found


def revision_read(ctx: Ctx, revision_id: RevisionId, *, lock: bool) -> Revision | None:
    """Read a revision, and keep others from moving it if asked to."""
    rows = ctx.db.rows(_REVISION_LOCK if lock else _REVISION_READ, revision_id)
    return _revision(rows[0]) if rows else None


def revision_open(ctx: Ctx, spu_id: SpuId) -> Revision | None:
    """Read and lock the one revision of an SPU that is on its way."""
    rows = ctx.db.rows(_REVISION_OPEN, spu_id)
    return _revision(rows[0]) if rows else None


def revisions_latest(
    ctx: Ctx, supplier_id: PartyId, spu_codes: Collection[str]
) -> dict[str, Revision]:
    """Read what last was proposed for SPUs by their codes, unless it was taken back."""
    rows = ctx.db.rows(
        "SELECT DISTINCT ON (r.spu_id) r.id, r.supplier_id, r.spu_id, r.state, r.version,"
        "  r.proposal, r.reason, r.notes, r.created_at, r.updated_at"
        " FROM goods.revision r JOIN goods.spu u ON u.id = r.spu_id"
        " WHERE u.supplier_id = %b AND u.code = ANY (%b::text[]) AND r.state <> 'withdrawn'"
        " ORDER BY r.spu_id, r.id DESC",
        supplier_id,
        list(spu_codes),
    )
    found = [_revision(row) for row in rows]
    return {revision.proposal.spu_code: revision for revision in found}


def revisions_page(
    ctx: Ctx,
    *,
    states: Sequence[RevisionState],
    supplier_id: PartyId | None,
    category_id: CategoryId | None,
    after: RevisionId,
    limit: int,
) -> list[Revision]:
    """Read revisions in the order of their ids."""
    category = None if category_id is None else str(category_id)
    rows = ctx.db.rows(
        _REVISIONS_PAGE,
        after,
        [str(state) for state in states],
        *(supplier_id, supplier_id),
        *(category, category),
        limit,
    )
    return [_revision(row) for row in rows]


def revision_insert(ctx: Ctx, revision: Revision) -> None:
    """Write a new revision with the first step of its history."""
    ctx.db.run(
        "INSERT INTO goods.revision (id, supplier_id, spu_id, state, version, proposal, reason,"
        "  notes, created_at, updated_at)"
        " VALUES (%b, %b, %b, %b, %b, %b::text::jsonb, '', '[]'::jsonb, %b, %b)",
        revision.id,
        revision.supplier_id,
        revision.spu_id,
        str(revision.state),
        revision.version,
        _json(revision.proposal),
        ctx.now,
        ctx.now,
    )
    _step_insert(ctx, revision)


def revision_update(ctx: Ctx, revision: Revision) -> None:
    """Write a revision as it now is, with the step that brought it there."""
    ctx.db.run(
        "UPDATE goods.revision SET state = %b, version = %b, proposal = %b::text::jsonb,"
        "  reason = %b, notes = %b::text::jsonb, updated_at = %b WHERE id = %b",
        str(revision.state),
        revision.version,
        _json(revision.proposal),
        revision.reason,
        _json(revision.notes),
        ctx.now,
        revision.id,
    )
    _step_insert(ctx, revision)


def revision_steps(ctx: Ctx, revision_id: RevisionId) -> list[RevisionStep]:
    """Read what a revision went through, in order."""
    rows = ctx.db.rows(
        "SELECT version, state, actor, reason, notes, occurred_at FROM goods.revision_history"
        " WHERE revision_id = %b ORDER BY version",
        revision_id,
    )
    return [
        RevisionStep(version, RevisionState(state), actor, reason, _notes(notes), at)
        for version, state, actor, reason, notes, at in rows
    ]


def spu_find(ctx: Ctx, supplier_id: PartyId, code: str) -> SpuId | None:
    """Find a supplier's SPU by its code."""
    rows = ctx.db.rows(
        "SELECT id FROM goods.spu WHERE supplier_id = %b AND code = %b", supplier_id, code
    )
    return rows[0][0] if rows else None


def spu_live(ctx: Ctx, spu_id: SpuId) -> tuple[str, CategoryId, str, str | None, dict[str, str]]:
    """Read what is now said of an SPU: title, category, brand, its kind, attributes."""
    [row] = ctx.db.rows(
        "SELECT u.title, u.category_id, coalesce(b.name, ''), u.brand_kind, u.attributes"
        " FROM goods.spu u LEFT JOIN goods.brand b ON b.id = u.brand_id WHERE u.id = %b",
        spu_id,
    )
    title, category_id, brand, brand_kind, attributes = row
    return title, category_id, brand, brand_kind, attributes


def spu_skus(ctx: Ctx, spu_id: SpuId) -> dict[str, tuple[SkuId, SkuState, dict[str, str]]]:
    """Read an SPU's SKUs by supplier's code: id, state, variant values; locked, by id."""
    rows = ctx.db.rows(
        "SELECT supplier_code, id, state, variant_values FROM goods.sku WHERE spu_id = %b"
        " ORDER BY id FOR UPDATE",
        spu_id,
    )
    return {row[0]: (row[1], SkuState(row[2]), row[3] or {}) for row in rows}


def codes_elsewhere(
    ctx: Ctx, supplier_id: PartyId, codes: Collection[str], spu_code: str
) -> list[tuple[str, str]]:
    """Find which SKU codes are variants of other SPUs of a supplier; gives code and SPU code."""
    rows = ctx.db.rows(
        "SELECT s.supplier_code, u.code FROM goods.sku s JOIN goods.spu u ON u.id = s.spu_id"
        " WHERE s.supplier_id = %b AND s.supplier_code = ANY (%b::text[]) AND u.code <> %b"
        " ORDER BY s.supplier_code",
        supplier_id,
        list(codes),
        spu_code,
    )
    return [(code, other) for code, other in rows]


def crooked_revisions(ctx: Ctx) -> list[tuple[RevisionId, str]]:
    """Find revisions whose state or version is not what their history came to."""
    rows = ctx.db.rows(
        "SELECT r.id, r.state, r.version, h.state, h.version, h.steps FROM goods.revision r"
        " LEFT JOIN (SELECT DISTINCT ON (revision_id) revision_id, state, version,"
        "   count(*) OVER (PARTITION BY revision_id) AS steps FROM goods.revision_history"
        "   ORDER BY revision_id, version DESC) h ON h.revision_id = r.id"
        " WHERE (r.state, r.version, r.version) IS DISTINCT FROM (h.state, h.version, h.steps)"
        " ORDER BY r.id"
    )
    return [
        (
            row[0],
            f"state {row[1]} in version {row[2]}; history {row[3]} in {row[4]}, {row[5]} steps",
        )
        for row in rows
    ]


def skus_unreviewed(ctx: Ctx) -> list[SkuId]:
    """Find SKUs in review although no revision of their SPU is."""
    rows = ctx.db.rows(
        "SELECT s.id FROM goods.sku s WHERE s.state = 'in_review' AND NOT EXISTS ("
        "  SELECT FROM goods.revision r WHERE r.spu_id = s.spu_id AND r.state = 'in_review')"
        " ORDER BY s.id"
    )
    return [sku_id for (sku_id,) in rows]


def variants_defer(ctx: Ctx) -> None:
    """Let variants trade their values within the transaction; its end still finds two alike."""
    ctx.db.run("SET CONSTRAINTS goods.uq_sku_spu_id_variant_values DEFERRED")


def _step_insert(ctx: Ctx, revision: Revision) -> None:
    ctx.db.run(
        "INSERT INTO goods.revision_history"
        "  (revision_id, version, state, actor, reason, notes, occurred_at)"
        " VALUES (%b, %b, %b, %b, %b, %b::text::jsonb, %b)",
        revision.id,
        revision.version,
        str(revision.state),
        ctx.actor.label(),
        revision.reason,
        _json(revision.notes),
        ctx.now,
    )


def _media(row: Sequence[Any]) -> Media:
    media_id, supplier_id, address, kind, *rest = row
    return Media(media_id, supplier_id, address, MediaKind(kind), *rest)


def _revision(row: Sequence[Any]) -> Revision:
    revision_id, supplier_id, spu_id, state, version, proposal, reason, notes, *moments = row
    return Revision(
        revision_id,
        supplier_id,
        spu_id,
        RevisionState(state),
        version,
        msgspec.convert(proposal, GoodsProposal),
        reason,
        _notes(notes),
        *moments,
    )


def _notes(notes: Sequence[dict[str, str]]) -> tuple[ReviewNote, ...]:
    return tuple(ReviewNote(**note) for note in notes)


def _json(value: object) -> str:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
