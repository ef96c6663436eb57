"""All SQL of ``imports``."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from weili.kit.context import Ctx, PartyId
from weili.modules.goods import SkuId
from weili.modules.imports.model import Columns, Rule, SheetMapping, Sighting

_MAPPING: Final = (
    "SELECT party_id, name, columns, changed_at FROM imports.mapping WHERE party_id = %b"
)


def mapping_upsert(ctx: Ctx, *, party_id: PartyId, name: str, columns: Columns) -> None:
    """Save a mapping, in the place of one of that name."""
    ctx.db.run(
        "INSERT INTO imports.mapping (party_id, name, columns, changed_at, changed_by)"
        " VALUES (%b, %b, %b::text::jsonb, %b, %b) ON CONFLICT (party_id, name) DO UPDATE"
        " SET columns = excluded.columns, changed_at = excluded.changed_at,"
        " changed_by = excluded.changed_by",
        party_id,
        name,
        msgspec.json.encode(dict(columns)).decode(),
        ctx.now,
        ctx.actor.label(),
    )


def mapping_read(ctx: Ctx, *, party_id: PartyId, name: str) -> SheetMapping | None:
    """Find a party's mapping."""
    rows = ctx.db.rows(_MAPPING + " AND name = %b", party_id, name)
    return _mapping(rows[0]) if rows else None


def mappings_read(ctx: Ctx, *, party_id: PartyId, limit: int) -> list[SheetMapping]:
    """Give a party's mappings by name."""
    rows = ctx.db.rows(_MAPPING + " ORDER BY name LIMIT %b", party_id, limit)
    return [_mapping(row) for row in rows]


def mapping_delete(ctx: Ctx, *, party_id: PartyId, name: str) -> bool:
    """Remove a mapping; says whether there was one."""
    done = ctx.db.run(
        "DELETE FROM imports.mapping WHERE party_id = %b AND name = %b", party_id, name
    )
    return done.rowcount > 0


def last_seen(ctx: Ctx, sku_ids: Sequence[SkuId]) -> dict[SkuId, tuple[date, int | None]]:
    """Give for each SKU the last day it was seen, with the count of sales then told."""
    rows = ctx.db.rows(
        "SELECT DISTINCT ON (sku_id) sku_id, seen_on, sale_count FROM imports.sighting"
        " WHERE sku_id = ANY (%b::uuid[]) ORDER BY sku_id, seen_on DESC",
        list(sku_ids),
    )
    return {SkuId(sku_id): (seen_on, sale_count) for sku_id, seen_on, sale_count in rows}


def sightings_insert(ctx: Ctx, sightings: Sequence[Sighting]) -> int:
    """Write what was seen; a day that is there stays as it is. Says how many are new."""
    done = ctx.db.run(
        "INSERT INTO imports.sighting (sku_id, seen_on, price_minor, sale_count, comment_count)"
        " SELECT s, d::date, p, n, c FROM unnest(%b::uuid[], %b::text[], %b::bigint[],"
        " %b::bigint[], %b::bigint[]) AS x (s, d, p, n, c) ON CONFLICT DO NOTHING",
        [seen.sku_id for seen in sightings],
        [seen.on.isoformat() for seen in sightings],
        [seen.price_minor for seen in sightings],
        [seen.sale_count for seen in sightings],
        [seen.comment_count for seen in sightings],
    )
    return done.rowcount


def sightings_read(ctx: Ctx, *, sku_id: SkuId, from_on: date, to_on: date) -> list[Sighting]:
    """Give what was seen of an SKU from one day to another, both included."""
    rows = ctx.db.rows(
        "SELECT sku_id, seen_on, price_minor, sale_count, comment_count FROM imports.sighting"
        " WHERE sku_id = %b AND seen_on BETWEEN %b AND %b ORDER BY seen_on",
        sku_id,
        from_on,
        to_on,
    )
    return [Sighting(SkuId(row[0]), *row[1:]) for row in rows]


def _mapping(row: Sequence[object]) -> SheetMapping:
    party_id, name, columns, changed_at = row
    rules = msgspec.convert(columns, dict[str, Rule])
    return SheetMapping(party_id, name, rules, changed_at)  # type: ignore[arg-type] # as the columns are
