"""All SQL on regions."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from weili.kit.context import Ctx
from weili.kit.db import Asked
from weili.modules.regions.model import (
    COUNTRY,
    Change,
    ChangeKind,
    ChangeRow,
    Region,
    RegionLevel,
)
from weili.modules.regions.tables import change, region

_REFRESH_LOCK: Final = 7_305_004


def refresh_lock(ctx: Ctx) -> None:
    """Let one refresh at a time read the list and write it."""
    ctx.db.run("SELECT pg_advisory_xact_lock(%b)", _REFRESH_LOCK)


def vintage(ctx: Ctx) -> str | None:
    """Say to which edition the list was brought last."""
    rows = ctx.db.rows("SELECT vintage FROM regions.region WHERE code = %b", COUNTRY)
    return rows[0][0] if rows else None


def regions_put(ctx: Ctx, *, regions: Sequence[Region]) -> int:
    """Write the list; says how many rows were new or different."""
    return ctx.db.run(
        "INSERT INTO regions.region AS r (code, name, parent_code, level, vintage, until_year)"
        " SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::int2[], %b::text[],"
        "  %b::int2[])"
        " ON CONFLICT (code) DO UPDATE SET name = excluded.name, vintage = excluded.vintage,"
        "  until_year = excluded.until_year"
        " WHERE (r.name, r.vintage, r.until_year)"
        "  IS DISTINCT FROM (excluded.name, excluded.vintage, excluded.until_year)",
        [r.code for r in regions],
        [r.name for r in regions],
        [r.parent_code for r in regions],
        [int(r.level) for r in regions],
        [r.vintage for r in regions],
        [r.until_year for r in regions],
    ).rowcount


def regions_end(ctx: Ctx, *, vintage: str, year: int) -> int:
    """End the codes in force that the edition of that name did not bring; says how many."""
    return ctx.db.run(
        "UPDATE regions.region SET until_year = %b::int2"
        " WHERE until_year IS NULL AND vintage <> %b",
        year,
        vintage,
    ).rowcount


def successions_put(ctx: Ctx, *, successions: Mapping[str, Sequence[str]]) -> None:
    """Write which codes took the place of which, in place of what was known of them before."""
    pairs = [(code, to) for code, successors in successions.items() for to in successors]
    codes, successors = [code for code, _ in pairs], [to for _, to in pairs]
    ctx.db.run(
        "DELETE FROM regions.succession WHERE code = ANY (%b::text[])"
        " AND (code, successor_code) NOT IN (SELECT * FROM unnest(%b::text[], %b::text[]))",
        codes,
        codes,
        successors,
    )
    ctx.db.run(
        "INSERT INTO regions.succession (code, successor_code)"
        " SELECT * FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING",
        codes,
        successors,
    )


def successions(ctx: Ctx) -> dict[str, list[str]]:
    """Give the successors of every code that has any."""
    rows = ctx.db.rows(
        "SELECT code, array_agg(successor_code ORDER BY successor_code) FROM regions.succession"
        " GROUP BY code"
    )
    return dict(rows)


def successors(ctx: Ctx, *, code: str) -> tuple[str, ...]:
    """Give the successors of one code."""
    rows = ctx.db.rows(
        "SELECT successor_code FROM regions.succession WHERE code = %b ORDER BY 1", code
    )
    return tuple(successor for (successor,) in rows)


def changes_insert(ctx: Ctx, *, changes: Sequence[Change], vintage: str) -> list[ChangeRow]:
    """Append changes to the feed, in their order."""
    last = ctx.db.rows("SELECT coalesce(max(position), 0) FROM regions.change")[0][0]
    rows = [ChangeRow(last + n, change, vintage) for n, change in enumerate(changes, 1)]
    ctx.db.run(
        "INSERT INTO regions.change"
        " (position, year, kind, code, name, successor_code, successor_name, vintage)"
        " SELECT * FROM unnest(%b::bigint[], %b::int2[], %b::text[], %b::text[], %b::text[],"
        "  %b::text[], %b::text[], %b::text[])",
        [row.position for row in rows],
        [row.change.year for row in rows],
        [row.change.kind.value for row in rows],
        [row.change.code for row in rows],
        [row.change.name for row in rows],
        [row.change.successor_code for row in rows],
        [row.change.successor_name for row in rows],
        [row.vintage for row in rows],
    )
    return rows


def change_page(ctx: Ctx, *, after: int, limit: int) -> list[ChangeRow]:
    """Give the changes after a position, oldest first."""
    rows = ctx.db.sa.execute(
        sa.select(change).where(change.c.position > after).order_by(change.c.position).limit(limit)
    )
    return [_change(row) for row in rows]


def change_all(ctx: Ctx) -> list[ChangeRow]:
    """Give every change, oldest first."""
    return [
        _change(row) for row in ctx.db.sa.execute(sa.select(change).order_by(change.c.position))
    ]


def regions_known(ctx: Ctx, *, codes: Collection[str]) -> frozenset[str]:
    """Give those of the codes that the list has, in force or not."""
    rows = ctx.db.rows("SELECT code FROM regions.region WHERE code = ANY (%b::text[])", list(codes))
    return frozenset(code for (code,) in rows)


def regions_ended(ctx: Ctx, *, codes: Collection[str]) -> frozenset[str]:
    """Give those of the codes that are no longer in force."""
    rows = ctx.db.rows(
        "SELECT code FROM regions.region WHERE code = ANY (%b::text[]) AND until_year IS NOT NULL",
        list(codes),
    )
    return frozenset(code for (code,) in rows)


def areas_below(ctx: Ctx, *, code: str) -> list[str]:
    """Give the codes in force, at or below one, that an address can be in."""
    rows = ctx.db.rows(
        "WITH RECURSIVE down AS (SELECT code, level FROM regions.region"
        "  WHERE code = %b AND until_year IS NULL"
        "  UNION ALL SELECT r.code, r.level FROM regions.region r"
        "  JOIN down d ON r.parent_code = d.code WHERE r.until_year IS NULL)"
        " SELECT code FROM down WHERE level >= 3 OR NOT EXISTS (SELECT FROM regions.region below"
        "  WHERE below.parent_code = down.code AND below.level <= 3) ORDER BY code",
        code,
    )
    return [area for (area,) in rows]


def regions_addressable(ctx: Ctx, *, codes: Collection[str]) -> Asked[dict[str, tuple[str, ...]]]:
    """Give those of the codes that are towns or counties, or have no county below them.

    A code in force has no successors; one that is not and that has none is left out.
    """
    rows = ctx.db.ask(
        "SELECT code, ARRAY(SELECT successor_code FROM regions.succession s"
        "  WHERE s.code = r.code ORDER BY 1)"
        " FROM regions.region r WHERE code = ANY (%b::text[])"
        " AND (level >= 3 OR NOT EXISTS (SELECT FROM regions.region below"
        "  WHERE below.parent_code = r.code AND below.level <= 3))"
        " AND (until_year IS NULL OR EXISTS (SELECT FROM regions.succession s"
        "  WHERE s.code = r.code))",
        list(codes),
    )
    return lambda: {code: tuple(successors) for code, successors in rows()}


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
    """Give the regions in force directly below one, by code."""
    rows = ctx.db.sa.execute(
        sa.select(region)
        .where(region.c.parent_code == code, region.c.until_year.is_(None))
        .order_by(region.c.code)
    )
    return [_region(row) for row in rows]


def region_all(ctx: Ctx) -> Iterator[Region]:
    """Give the whole list, each region after its parent."""
    rows = ctx.db.rows(
        "SELECT code, name, parent_code, level, vintage, until_year FROM regions.region"
        " ORDER BY level, code"
    )
    for code, name, parent_code, level, vintage, until_year in rows:
        yield Region(code, name, parent_code, RegionLevel(level), vintage, until_year)


def _region(row: sa.Row[*tuple[Any, ...]]) -> Region:
    return Region(
        row.code, row.name, row.parent_code, RegionLevel(row.level), row.vintage, row.until_year
    )


def _change(row: sa.Row[*tuple[Any, ...]]) -> ChangeRow:
    return ChangeRow(
        row.position,
        Change(
            row.year,
            ChangeKind(row.kind),
            row.code,
            row.name,
            row.successor_code,
            row.successor_name,
        ),
        row.vintage,
    )
