"""All SQL on regions."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from weili.kit.context import Ctx
from weili.kit.db import Asked
from weili.modules.regions.model import Region, RegionLevel
from weili.modules.regions.tables import region


def regions_put(ctx: Ctx, *, regions: Sequence[Region]) -> int:
    """Write the list; says how many rows were new or different."""
    return ctx.db.run(
        "INSERT INTO regions.region AS r (code, name, parent_code, level, vintage)"
        " SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::int2[], %b::text[])"
        " ON CONFLICT (code) DO UPDATE SET name = excluded.name, vintage = excluded.vintage"
        " WHERE (r.name, r.vintage) IS DISTINCT FROM (excluded.name, excluded.vintage)",
        [r.code for r in regions],
        [r.name for r in regions],
        [r.parent_code for r in regions],
        [int(r.level) for r in regions],
        [r.vintage for r in regions],
    ).rowcount


def regions_known(ctx: Ctx, *, codes: Collection[str]) -> frozenset[str]:
    """Give those of the codes that the list has."""
    rows = ctx.db.rows("SELECT code FROM regions.region WHERE code = ANY (%b::text[])", list(codes))
    return frozenset(code for (code,) in rows)


def regions_addressable(ctx: Ctx, *, codes: Collection[str]) -> Asked[frozenset[str]]:
    """Give those of the codes that are towns or counties, or have no county below them."""
    rows = ctx.db.ask(
        "SELECT code FROM regions.region r WHERE code = ANY (%b::text[])"
        " AND (level >= 3 OR NOT EXISTS (SELECT FROM regions.region below"
        "  WHERE below.parent_code = r.code AND below.level <= 3))",
        list(codes),
    )
    return lambda: frozenset(code for (code,) in rows())


def names(ctx: Ctx, *, codes: Collection[str]) -> dict[str, str]:
    """Give the names of the codes that the list has."""
    rows = ctx.db.rows(
        "SELECT code, name FROM regions.region WHERE code = ANY (%b::text[])", list(codes)
    )
    return dict(rows)


def region_read(ctx: Ctx, *, code: str) -> Region | None:
    """Give one region."""
    row = ctx.db.sa.execute(sa.select(region).where(region.c.code == code)).one_or_none()
    return None if row is None else _region(row)


def region_children(ctx: Ctx, *, code: str) -> list[Region]:
    """Give the regions directly below one, by code."""
    rows = ctx.db.sa.execute(
        sa.select(region).where(region.c.parent_code == code).order_by(region.c.code)
    )
    return [_region(row) for row in rows]


def region_all(ctx: Ctx) -> list[Region]:
    """Give the whole list, by code."""
    return [_region(row) for row in ctx.db.sa.execute(sa.select(region).order_by(region.c.code))]


def _region(row: sa.Row[*tuple[Any, ...]]) -> Region:
    return Region(row.code, row.name, row.parent_code, RegionLevel(row.level), row.vintage)
