"""All SQL of ``inventory``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import new_id
from weili.modules.goods import SkuId
from weili.modules.inventory import tables as t
from weili.modules.inventory.model import (
    CoverageRow,
    Move,
    Place,
    StockChange,
    StockLevel,
    Warehouse,
    WarehouseId,
)
from weili.modules.inventory.rules import change_kind, move_deltas

# Places that have nothing to give are left out, so that nobody waits for them.
_STOCK: Final = (
    "SELECT sku_id, warehouse_id, on_hand - reserved - safety FROM inventory.stock"
    " WHERE sku_id = ANY (%b::uuid[]) AND warehouse_id = ANY (ARRAY("
    "  SELECT warehouse_id FROM inventory.coverage WHERE region_code = ANY (%b::text[])))"
    " AND on_hand - reserved > safety"
)
_PLACES_LOCK: Final = (
    "SELECT s.sku_id, s.warehouse_id, s.on_hand, s.reserved, s.safety FROM inventory.stock s"
    " JOIN unnest(%b::uuid[], %b::uuid[]) AS x (k, w) ON s.sku_id = x.k AND s.warehouse_id = x.w"
    " ORDER BY s.sku_id, s.warehouse_id FOR UPDATE OF s"
)
_STOCK_MOVE: Final = (
    "UPDATE inventory.stock s SET on_hand = s.on_hand + x.h, reserved = s.reserved + x.r,"
    " changed_at = %b::timestamptz"
    " FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::bigint[]) AS x (k, w, h, r)"
    " WHERE s.sku_id = x.k AND s.warehouse_id = x.w"
)
# The place is looked up again for each movement: one that does not exist leaves a null where
# none may be, so a movement without stock is refused by constraint. A foreign key would say the
# same, but locks the place in every transaction that only writes history.
_MOVEMENTS: Final = (
    "INSERT INTO inventory.movement"
    " (id, sku_id, warehouse_id, kind, on_hand_delta, reserved_delta, subject, occurred_at)"
    " SELECT x.i, x.k, s.warehouse_id, x.n, x.h, x.r, x.j, %b::timestamptz"
    " FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::bigint[], %b::bigint[],"
    "  %b::text[]) AS x (i, k, w, n, h, r, j)"
    " LEFT JOIN inventory.stock s ON s.sku_id = x.k AND s.warehouse_id = x.w"
)
_VERIFY: Final = (
    "SELECT coalesce(s.sku_id, m.sku_id), coalesce(s.warehouse_id, m.warehouse_id),"
    "  s.on_hand, s.reserved, coalesce(m.on_hand, 0), coalesce(m.reserved, 0)"
    " FROM inventory.stock s FULL JOIN ("
    "  SELECT sku_id, warehouse_id, sum(on_hand_delta)::bigint AS on_hand,"
    "   sum(reserved_delta)::bigint AS reserved"
    "  FROM inventory.movement GROUP BY sku_id, warehouse_id) m"
    " ON m.sku_id = s.sku_id AND m.warehouse_id = s.warehouse_id"
    " WHERE (s.on_hand, s.reserved) IS DISTINCT FROM"
    "  (coalesce(m.on_hand, 0), coalesce(m.reserved, 0))"
    " OR s.on_hand < 0 OR s.reserved < 0 OR s.reserved > s.on_hand"
    " ORDER BY 1, 2"
)


def warehouse_insert(ctx: Ctx, warehouse: Warehouse) -> bool:
    """Write a warehouse; says no when its supplier has one of that code."""
    made = ctx.db.sa.execute(
        pgt.insert(t.warehouse)
        .values(
            id=warehouse.id,
            code=warehouse.code,
            supplier_id=warehouse.supplier_id,
            name=warehouse.name,
            region_code=warehouse.region_code,
            created_at=ctx.now,
        )
        .on_conflict_do_nothing(index_elements=["supplier_id", "code"])
        .returning(t.warehouse.c.id)
    )
    return made.first() is not None


def warehouses_get(ctx: Ctx, *, ids: Sequence[WarehouseId]) -> dict[WarehouseId, Warehouse]:
    """Read warehouses; one that does not exist is absent."""
    rows = ctx.db.rows(
        "SELECT id, code, supplier_id, name, region_code FROM inventory.warehouse"
        " WHERE id = ANY (%b::uuid[])",
        ids,
    )
    return {row[0]: Warehouse(*row) for row in rows}


def warehouse_page(
    ctx: Ctx, *, supplier_id: PartyId | None, after: WarehouseId | None, limit: int
) -> list[Warehouse]:
    """Read warehouses in the order they were opened."""
    query = sa.select(t.warehouse).order_by(t.warehouse.c.id).limit(limit)
    if supplier_id is not None:
        query = query.where(t.warehouse.c.supplier_id == supplier_id)
    if after is not None:
        query = query.where(t.warehouse.c.id > after)
    return [_warehouse(row) for row in ctx.db.sa.execute(query)]


def coverage_upsert(ctx: Ctx, *, warehouse_id: WarehouseId, rows: Sequence[CoverageRow]) -> None:
    """Write the regions that a warehouse serves."""
    ctx.db.run(
        "INSERT INTO inventory.coverage (warehouse_id, region_code, priority, lead_days)"
        " SELECT %b::uuid, r, p, d FROM unnest(%b::text[], %b::int[], %b::int[]) AS x (r, p, d)"
        " ORDER BY r ON CONFLICT (warehouse_id, region_code)"
        " DO UPDATE SET priority = excluded.priority, lead_days = excluded.lead_days",
        warehouse_id,
        [row.region_code for row in rows],
        [row.priority for row in rows],
        [row.lead_days for row in rows],
    )


def coverage_delete(ctx: Ctx, *, warehouse_id: WarehouseId, region_codes: Sequence[str]) -> int:
    """Remove regions from those that a warehouse serves; says how many it did serve."""
    return ctx.db.run(
        "DELETE FROM inventory.coverage WHERE warehouse_id = %b AND region_code = ANY (%b::text[])",
        warehouse_id,
        region_codes,
    ).rowcount


def coverage_of(
    ctx: Ctx, *, region_codes: Sequence[str]
) -> Asked[list[tuple[str, WarehouseId, PartyId, int, int]]]:
    """Read (region, warehouse, supplier, priority, lead days) of these regions. Hot."""
    return ctx.db.ask(
        "SELECT c.region_code, c.warehouse_id, w.supplier_id, c.priority, c.lead_days"
        " FROM inventory.coverage c JOIN inventory.warehouse w ON w.id = c.warehouse_id"
        " WHERE c.region_code = ANY (%b::text[])",
        region_codes,
    )


def stock_of(
    ctx: Ctx, *, sku_ids: Sequence[SkuId], region_codes: Sequence[str], lock: bool
) -> Asked[list[tuple[SkuId, WarehouseId, int]]]:
    """Read (SKU, warehouse, available) where warehouses that serve the regions have any. Hot.

    In lock order when locking.
    """
    if lock:
        return ctx.db.ask(
            _STOCK + " ORDER BY sku_id, warehouse_id FOR UPDATE", sku_ids, region_codes
        )
    return ctx.db.ask(_STOCK, sku_ids, region_codes)


def places_make(ctx: Ctx, places: Sequence[Place]) -> None:
    """Make the places that are not there yet, empty, so that there is a row to lock."""
    ctx.db.run(
        "INSERT INTO inventory.stock"
        " (sku_id, warehouse_id, on_hand, reserved, safety, changed_at)"
        " SELECT k, w, 0, 0, 0, %b::timestamptz"
        " FROM unnest(%b::uuid[], %b::uuid[]) AS x (k, w) ORDER BY k, w ON CONFLICT DO NOTHING",
        ctx.now,
        [sku_id for sku_id, _ in places],
        [warehouse_id for _, warehouse_id in places],
    )


def places_lock(ctx: Ctx, places: Sequence[Place]) -> dict[Place, StockLevel]:
    """Lock places in their one order and read them."""
    rows = ctx.db.rows(
        _PLACES_LOCK,
        [sku_id for sku_id, _ in places],
        [warehouse_id for _, warehouse_id in places],
    )
    return {(row[0], row[1]): StockLevel(*row) for row in rows}


def levels_write(
    ctx: Ctx,
    *,
    levels: Mapping[Place, StockLevel],
    deltas: Sequence[tuple[StockChange, int]],
) -> None:
    """Write locked places as they are after a change, and the movements that brought them there."""
    ctx.db.run(
        "UPDATE inventory.stock s SET on_hand = x.h, safety = x.f, changed_at = %b::timestamptz"
        " FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::bigint[]) AS x (k, w, h, f)"
        " WHERE s.sku_id = x.k AND s.warehouse_id = x.w"
        " AND (s.on_hand, s.safety) IS DISTINCT FROM (x.h, x.f)",
        ctx.now,
        [level.sku_id for level in levels.values()],
        [level.warehouse_id for level in levels.values()],
        [level.on_hand for level in levels.values()],
        [level.safety for level in levels.values()],
    )
    moved = [(change, delta) for change, delta in deltas if delta]
    if moved:
        ctx.db.run(
            _MOVEMENTS,
            ctx.now,
            [new_id(ctx.now) for _ in moved],
            [change.sku_id for change, _ in moved],
            [change.warehouse_id for change, _ in moved],
            [str(change_kind(change)) for change, _ in moved],
            [delta for _, delta in moved],
            [0] * len(moved),
            [change.subject for change, _ in moved],
        )


def moves_write(
    ctx: Ctx,
    *,
    moves: Sequence[Move],
    sums: Sequence[tuple[Place, int, int]],
    is_locked: bool,
) -> None:
    """Move stock and write why; fetches nothing, so that it may be pipelined. Hot."""
    sku_ids = [place[0] for place, _, _ in sums]
    warehouse_ids = [place[1] for place, _, _ in sums]
    if not is_locked:
        # An UPDATE locks in whatever order its plan visits the rows; this fixes the order.
        ctx.db.run(_PLACES_LOCK, sku_ids, warehouse_ids)
    ctx.db.run(
        _STOCK_MOVE,
        ctx.now,
        sku_ids,
        warehouse_ids,
        [on_hand for _, on_hand, _ in sums],
        [reserved for _, _, reserved in sums],
    )
    deltas = [move_deltas(move) for move in moves]
    ctx.db.run(
        _MOVEMENTS,
        ctx.now,
        [new_id(ctx.now) for _ in moves],
        [move.sku_id for move in moves],
        [move.warehouse_id for move in moves],
        [str(move.kind) for move in moves],
        [on_hand for on_hand, _ in deltas],
        [reserved for _, reserved in deltas],
        [move.subject for move in moves],
    )


def levels_read(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> list[StockLevel]:
    """Read what lies where of these SKUs."""
    rows = ctx.db.rows(
        "SELECT sku_id, warehouse_id, on_hand, reserved, safety FROM inventory.stock"
        " WHERE sku_id = ANY (%b::uuid[]) ORDER BY sku_id, warehouse_id",
        sku_ids,
    )
    return [StockLevel(*row) for row in rows]


def reserved_by_place(ctx: Ctx) -> Iterator[tuple[SkuId, WarehouseId, int]]:
    """Read how much is promised where."""
    yield from ctx.db.rows(
        "SELECT sku_id, warehouse_id, reserved FROM inventory.stock"
        " WHERE reserved <> 0 ORDER BY sku_id, warehouse_id"
    )


def places_off(ctx: Ctx) -> Iterator[tuple[SkuId, WarehouseId, int | None, int | None, int, int]]:
    """Find places that their movements don't explain.

    Gives (SKU, warehouse, on_hand, reserved, on_hand moved, reserved moved), with None where
    there are movements but no place.
    """
    yield from ctx.db.rows(_VERIFY)


def _warehouse(row: sa.Row[Any]) -> Warehouse:
    return Warehouse(
        WarehouseId(row.id), row.code, PartyId(row.supplier_id), row.name, row.region_code
    )
