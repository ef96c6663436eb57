"""SQL of warehouses and of what they serve."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.memory import touch
from weili.modules.goods import SkuId
from weili.modules.inventory.model import Calendar, CoverageRow, Warehouse, WarehouseId
from weili.modules.inventory.rules.availability import Prospect
from weili.modules.inventory.rules.book import CoverageOf, StockOf

_WAREHOUSE: Final = (
    "SELECT id, code, supplier_id, name, region_code, cutoff_minute, work_days, closed_on, open_on"
    " FROM inventory.warehouse"
)
# Places that have nothing to give are left out, so that nobody waits for them. What is kept for
# partners comes in the same statement: a share changes only under the lock of its place, so the
# places are locked first, and a share is then read as it is and not as it was when this began.
_ASKED: Final = (
    "WITH sku AS MATERIALIZED (SELECT ARRAY(SELECT unnest(%b::uuid[]) UNION ALL"
    " SELECT part FROM inventory.parts_of(%b::uuid[]) AS part) AS ids)"
)
_PLACES: Final = (
    "SELECT sku_id, warehouse_id, greatest(on_hand - reserved - shared - safety, 0) AS available,"
    " CASE WHEN low_below > 0 THEN on_hand - reserved END AS unpromised,"
    " nullif(low_below, 0) AS low_below"
    " FROM inventory.stock WHERE sku_id = ANY ((SELECT ids FROM sku)::uuid[])"
    " AND warehouse_id = ANY (ARRAY("
    "  SELECT warehouse_id FROM inventory.coverage WHERE region_code = ANY (%b::text[])))"
    " AND (on_hand - reserved - shared > safety OR shared > 0)"
)
_SHARES: Final = (
    "SELECT sku_id, warehouse_id, unsold, id, partner_ids, ends_at FROM inventory.share"
    " WHERE sku_id = ANY ((SELECT ids FROM sku)::uuid[]) AND ended_at IS NULL AND unsold > 0"
    " AND ends_at > %b::timestamptz"
)
_BOOK_HEAD: Final = _ASKED + ", place AS MATERIALIZED ("
_BOOK_MIDDLE: Final = "), share AS MATERIALIZED ("
_BOOK_TAIL: Final = (
    ") SELECT sku_id, warehouse_id, available, unpromised, low_below, NULL::uuid, NULL::uuid[]"
    " FROM place UNION ALL (SELECT sku_id, warehouse_id, unsold, NULL, NULL, id, partner_ids"
    " FROM share ORDER BY ends_at, id)"
)
_BOOK: Final = _BOOK_HEAD + _PLACES + _BOOK_MIDDLE + _SHARES + _BOOK_TAIL
_BOOK_LOCK: Final = (
    _BOOK_HEAD
    + _PLACES
    + " ORDER BY sku_id, warehouse_id FOR UPDATE"
    + _BOOK_MIDDLE
    + _SHARES
    + " ORDER BY id FOR UPDATE"
    + _BOOK_TAIL
)
_ON_THE_WAY: Final = (
    " SELECT a.sku_id, a.warehouse_id, w.supplier_id, a.quantity, a.expected_on"
    " FROM inventory.arrival a JOIN inventory.warehouse w ON w.id = a.warehouse_id"
    " WHERE a.sku_id = ANY ((SELECT ids FROM sku)::uuid[]) AND a.state = 'expected'"
)
_ANYWHERE: Final = (
    " UNION ALL SELECT s.sku_id, s.warehouse_id, w.supplier_id,"
    "  s.on_hand - s.reserved - s.shared - s.safety, NULL"
    " FROM inventory.stock s JOIN inventory.warehouse w ON w.id = s.warehouse_id"
    " WHERE s.sku_id = ANY ((SELECT ids FROM sku)::uuid[])"
    " AND s.on_hand - s.reserved - s.shared > s.safety"
)
_PROSPECTS: Final = _ASKED + _ON_THE_WAY + _ANYWHERE
_COVERAGE: Final = (
    "SELECT c.region_code, c.warehouse_id, w.supplier_id, c.priority, c.lead_days,"
    " w.region_code, w.cutoff_minute, w.work_days, nullif(w.closed_on, '{}'),"
    " nullif(w.open_on, '{}')"
    " FROM inventory.coverage c JOIN inventory.warehouse w ON w.id = c.warehouse_id"
    " WHERE c.region_code = ANY (%b::text[])"
)
COVERAGE_ID: Final = UUID("6a1f4c52-8d0e-4b7a-9c35-2f9be07d1a64")
"""What is touched when a warehouse serves other regions, or ships at other times."""


def warehouse_insert(ctx: Ctx, warehouse: Warehouse) -> bool:
    """Write a warehouse; says no when its supplier has one of that code."""
    calendar = warehouse.calendar
    rows = ctx.db.rows(
        "INSERT INTO inventory.warehouse (id, code, supplier_id, name, region_code, created_at,"
        " cutoff_minute, work_days, closed_on, open_on)"
        " VALUES (%b, %b, %b, %b, %b, %b, %b::int, %b::int, %b::date[], %b::date[])"
        " ON CONFLICT (supplier_id, code) DO NOTHING RETURNING id",
        warehouse.id,
        warehouse.code,
        warehouse.supplier_id,
        warehouse.name,
        warehouse.region_code,
        ctx.now,
        calendar.cutoff_minute,
        calendar.work_days,
        calendar.closed_on,
        calendar.open_on,
    )
    return bool(rows)


def calendar_write(ctx: Ctx, *, warehouse_id: WarehouseId, calendar: Calendar) -> None:
    """Write when a warehouse ships."""
    ctx.db.run(
        "UPDATE inventory.warehouse SET cutoff_minute = %b::int, work_days = %b::int,"
        " closed_on = %b::date[], open_on = %b::date[] WHERE id = %b",
        calendar.cutoff_minute,
        calendar.work_days,
        calendar.closed_on,
        calendar.open_on,
        warehouse_id,
    )
    touch(ctx, [COVERAGE_ID])


def coverage_all(ctx: Ctx) -> list[tuple[PartyId, WarehouseId, str]]:
    """Read which regions each warehouse serves, with its supplier."""
    return ctx.db.rows(
        "SELECT w.supplier_id, w.id, c.region_code FROM inventory.coverage c"
        " JOIN inventory.warehouse w ON w.id = c.warehouse_id ORDER BY 1, 2, 3"
    )


def days_twofold(ctx: Ctx) -> list[tuple[WarehouseId, date]]:
    """Find days that a warehouse's calendar has as open and as closed."""
    return ctx.db.rows(
        "SELECT w.id, d FROM inventory.warehouse w, unnest(w.open_on) AS x (d)"
        " WHERE d = ANY (w.closed_on) ORDER BY 1, 2"
    )


def warehouses_missing(ctx: Ctx) -> list[tuple[WarehouseId, int]]:
    """Find warehouses that stock lies in and that are not there, and in how many places."""
    return ctx.db.rows(
        "SELECT s.warehouse_id, count(*) FROM inventory.stock s"
        " LEFT JOIN inventory.warehouse w ON w.id = s.warehouse_id WHERE w.id IS NULL"
        " GROUP BY s.warehouse_id ORDER BY s.warehouse_id"
    )


def warehouses_get(ctx: Ctx, *, ids: Sequence[WarehouseId]) -> dict[WarehouseId, Warehouse]:
    """Read warehouses; one that does not exist is absent."""
    rows = ctx.db.rows(_WAREHOUSE + " WHERE id = ANY (%b::uuid[])", ids)
    return {row[0]: _warehouse(row) for row in rows}


def warehouse_page(
    ctx: Ctx, *, supplier_id: PartyId | None, after: WarehouseId | None, limit: int
) -> list[Warehouse]:
    """Read warehouses in the order they were opened."""
    rows = ctx.db.rows(
        _WAREHOUSE + " WHERE (%b::uuid IS NULL OR supplier_id = %b)"
        " AND (%b::uuid IS NULL OR id > %b) ORDER BY id LIMIT %b",
        supplier_id,
        supplier_id,
        after,
        after,
        limit,
    )
    return [_warehouse(row) for row in rows]


def warehouses_by_code(
    ctx: Ctx, *, supplier_id: PartyId, codes: Sequence[str]
) -> dict[str, WarehouseId]:
    """Read a supplier's warehouses by its own codes; one that does not exist is absent."""
    return dict(
        ctx.db.rows(
            "SELECT code, id FROM inventory.warehouse"
            " WHERE supplier_id = %b AND code = ANY (%b::text[])",
            supplier_id,
            codes,
        )
    )


def coverage_upsert(ctx: Ctx, *, warehouse_id: WarehouseId, rows: Sequence[CoverageRow]) -> None:
    """Write the regions that a warehouse serves."""
    ctx.db.run(
        "INSERT INTO inventory.coverage (warehouse_id, region_code, priority, lead_days)"
        " SELECT %b::uuid, r, p, l FROM unnest(%b::text[], %b::int[], %b::int[]) AS x (r, p, l)"
        " ON CONFLICT (warehouse_id, region_code)"
        " DO UPDATE SET priority = excluded.priority, lead_days = excluded.lead_days",
        warehouse_id,
        [row.region_code for row in rows],
        [row.priority for row in rows],
        [row.lead_days for row in rows],
    )
    touch(ctx, [COVERAGE_ID])


def coverage_read(
    ctx: Ctx, *, warehouse_ids: Sequence[WarehouseId]
) -> list[tuple[WarehouseId, CoverageRow]]:
    """Read the regions that warehouses serve, by their codes."""
    rows = ctx.db.rows(
        "SELECT warehouse_id, region_code, priority, lead_days FROM inventory.coverage"
        " WHERE warehouse_id = ANY (%b::uuid[]) ORDER BY region_code, warehouse_id",
        warehouse_ids,
    )
    return [(warehouse_id, CoverageRow(*row)) for warehouse_id, *row in rows]


def coverage_delete(ctx: Ctx, *, warehouse_id: WarehouseId, region_codes: Sequence[str]) -> int:
    """Remove regions from those that a warehouse serves; says how many it did serve."""
    touch(ctx, [COVERAGE_ID])
    return ctx.db.run(
        "DELETE FROM inventory.coverage WHERE warehouse_id = %b AND region_code = ANY (%b::text[])",
        warehouse_id,
        region_codes,
    ).rowcount


def coverage_of(ctx: Ctx, *, region_codes: Sequence[str]) -> Asked[list[CoverageOf]]:
    """Read which warehouses serve these regions, and when they ship. Hot."""
    return ctx.db.ask(_COVERAGE, region_codes)


def stock_of(
    ctx: Ctx, *, sku_ids: Sequence[SkuId], region_codes: Sequence[str], lock: bool
) -> Asked[list[StockOf]]:
    """Read what warehouses that serve the regions may promise, and what of it is kept. Hot.

    In lock order when locking: the places, then the shares in them.
    """
    statement = _BOOK_LOCK if lock else _BOOK
    return ctx.db.ask(statement, sku_ids, sku_ids, region_codes, ctx.now)


def prospects_of(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> Asked[list[Prospect]]:
    """Read what is on its way anywhere, and what lies anywhere."""
    return ctx.db.ask(_PROSPECTS, sku_ids, sku_ids)


def _warehouse(row: tuple[Any, ...]) -> Warehouse:
    warehouse_id, code, supplier_id, name, region_code, cutoff, days, closed, opened = row
    calendar = Calendar(cutoff, days, tuple(closed), tuple(opened))
    return Warehouse(warehouse_id, code, supplier_id, name, region_code, calendar)
