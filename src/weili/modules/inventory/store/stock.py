"""SQL of places and movements."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import new_id
from weili.modules.goods import SkuId
from weili.modules.inventory.model import (
    Booking,
    Move,
    OpeningStock,
    Place,
    StockLevel,
    StockNeed,
    StockRow,
    WarehouseId,
)
from weili.modules.inventory.rules.stock import move_deltas
from weili.modules.inventory.store.shelves import touch_shelves

_PLACES_LOCK: Final = (
    "SELECT s.sku_id, s.warehouse_id, s.on_hand, s.reserved, s.safety, s.shared, s.low_below,"
    " s.version FROM inventory.stock s"
    " JOIN unnest(%b::uuid[], %b::uuid[]) AS x (k, w) ON s.sku_id = x.k AND s.warehouse_id = x.w"
    " ORDER BY s.sku_id, s.warehouse_id FOR UPDATE OF s"
)
# A SKU's first movement has its id: nobody else gives that one away. Nobody knows the SKU yet, so
# nobody remembers its shelf.
_PLACES_OPEN: Final = (
    "WITH opened AS ("
    " INSERT INTO inventory.stock"
    "  (sku_id, warehouse_id, on_hand, reserved, safety, shared, low_below, version, changed_at)"
    " SELECT k, w, h, 0, 0, 0, 0, (h <> 0)::int, %b::timestamptz"
    "  FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[]) AS x (k, w, h)"
    " RETURNING sku_id, warehouse_id, on_hand, changed_at)"
    " INSERT INTO inventory.movement"
    "  (id, sku_id, warehouse_id, kind, on_hand_delta, reserved_delta, subject, occurred_at)"
    " SELECT sku_id, sku_id, warehouse_id, 'adjust', on_hand, 0, %b::text, changed_at"
    "  FROM opened WHERE on_hand <> 0"
)
_STOCK_MOVE: Final = (
    "UPDATE inventory.stock s SET on_hand = s.on_hand + x.h, reserved = s.reserved + x.r,"
    " shared = s.shared + x.s, version = s.version + (x.h <> 0)::int,"
    " changed_at = %b::timestamptz"
    " FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::bigint[], %b::bigint[])"
    "  AS x (k, w, h, r, s)"
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

_ROWS_PAGE: Final = (
    "SELECT s.sku_id, s.warehouse_id, s.on_hand, s.reserved, s.safety, s.shared, s.low_below,"
    "  s.version, coalesce((SELECT sum(a.quantity) FROM inventory.arrival a"
    "   WHERE a.state = 'expected' AND a.sku_id = s.sku_id AND a.warehouse_id = s.warehouse_id),"
    "  0)::bigint, s.changed_at"
    " FROM inventory.stock s JOIN inventory.warehouse w ON w.id = s.warehouse_id"
    " WHERE (%b::uuid IS NULL OR w.supplier_id = %b::uuid)"
    " AND (%b::uuid IS NULL OR s.warehouse_id = %b::uuid)"
    " AND (%b::uuid[] IS NULL OR s.sku_id = ANY (%b::uuid[]))"
    " AND (%b::text IS NULL OR CASE %b::text WHEN 'low' THEN s.on_hand - s.reserved < s.low_below"
    "  ELSE s.on_hand - s.reserved - s.shared <= s.safety END)"
    " AND (%b::uuid IS NULL OR (s.sku_id, s.warehouse_id) > (%b::uuid, %b::uuid))"
    " ORDER BY s.sku_id, s.warehouse_id LIMIT %b"
)


def places_make(ctx: Ctx, places: Sequence[Place]) -> None:
    """Make the places that are not there yet, empty, so that there is a row to lock."""
    ctx.db.run(
        "INSERT INTO inventory.stock"
        " (sku_id, warehouse_id, on_hand, reserved, safety, shared, low_below, version, changed_at)"
        " SELECT k, w, 0, 0, 0, 0, 0, 0, %b::timestamptz"
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


def skus_lock(ctx: Ctx, sku_ids: Sequence[SkuId]) -> None:
    """Lock all places of SKUs in their one order."""
    ctx.db.rows(
        "SELECT 1 FROM inventory.stock WHERE sku_id = ANY (%b::uuid[])"
        " ORDER BY sku_id, warehouse_id FOR UPDATE",
        sku_ids,
    )


def places_open(ctx: Ctx, *, rows: Sequence[OpeningStock], subject: str) -> None:
    """Make places with what lies in them, and the movement of each that is not empty."""
    ctx.db.run(
        _PLACES_OPEN,
        ctx.now,
        [row.sku_id for row in rows],
        [row.warehouse_id for row in rows],
        [row.on_hand for row in rows],
        subject,
    )


def levels_write(ctx: Ctx, *, levels: Collection[StockLevel]) -> None:
    """Write locked places as they are after a change."""
    ctx.db.run(
        "UPDATE inventory.stock s SET on_hand = x.h, safety = x.f, shared = x.s, low_below = x.l,"
        " version = x.v, changed_at = %b::timestamptz"
        " FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::bigint[], %b::bigint[],"
        "  %b::bigint[], %b::bigint[]) AS x (k, w, h, f, s, l, v)"
        " WHERE s.sku_id = x.k AND s.warehouse_id = x.w AND s.version <> x.v",
        ctx.now,
        [level.sku_id for level in levels],
        [level.warehouse_id for level in levels],
        [level.on_hand for level in levels],
        [level.safety for level in levels],
        [level.shared for level in levels],
        [level.low_below for level in levels],
        [level.version for level in levels],
    )
    touch_shelves(ctx, list({level.sku_id for level in levels}))


def bookings_write(ctx: Ctx, *, bookings: Sequence[Booking]) -> None:
    """Write the movements that brought places to where they are."""
    if not bookings:
        return
    ctx.db.run(
        _MOVEMENTS,
        ctx.now,
        [new_id(ctx.now) for _ in bookings],
        [booking.sku_id for booking in bookings],
        [booking.warehouse_id for booking in bookings],
        [str(booking.kind) for booking in bookings],
        [booking.delta for booking in bookings],
        [0] * len(bookings),
        [booking.subject for booking in bookings],
    )


def moves_write(
    ctx: Ctx,
    *,
    moves: Sequence[Move],
    sums: Sequence[tuple[Place, int, int, int]],
    is_locked: bool,
) -> None:
    """Move stock and write why; fetches nothing, so that it may be pipelined. Hot."""
    sku_ids = [place[0] for place, _, _, _ in sums]
    warehouse_ids = [place[1] for place, _, _, _ in sums]
    if not is_locked:
        # An UPDATE locks in whatever order its plan visits the rows; this fixes the order.
        ctx.db.run(_PLACES_LOCK, sku_ids, warehouse_ids)
    ctx.db.run(
        _STOCK_MOVE,
        ctx.now,
        sku_ids,
        warehouse_ids,
        [on_hand for _, on_hand, _, _ in sums],
        [reserved for _, _, reserved, _ in sums],
        [shared for _, _, _, shared in sums],
    )
    touch_shelves(ctx, sku_ids)
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
        "SELECT sku_id, warehouse_id, on_hand, reserved, safety, shared, low_below, version"
        " FROM inventory.stock"
        " WHERE sku_id = ANY (%b::uuid[]) ORDER BY sku_id, warehouse_id",
        sku_ids,
    )
    return [StockLevel(*row) for row in rows]


def levels_in(
    ctx: Ctx, *, warehouse_id: WarehouseId, after: UUID | None, limit: int
) -> list[StockLevel]:
    """Read what lies in a warehouse, in the order of the SKUs' ids."""
    rows = ctx.db.rows(
        "SELECT sku_id, warehouse_id, on_hand, reserved, safety, shared, low_below, version"
        " FROM inventory.stock WHERE warehouse_id = %b AND (%b::uuid IS NULL OR sku_id > %b)"
        " ORDER BY sku_id LIMIT %b",
        warehouse_id,
        after,
        after,
        limit,
    )
    return [StockLevel(*row) for row in rows]


def low_count(ctx: Ctx) -> int:
    """Count the places that run low; only those with a mark are looked at."""
    [[count]] = ctx.db.rows(
        "SELECT count(*) FROM inventory.stock"
        " WHERE low_below > 0 AND on_hand - reserved < low_below"
    )
    return int(count)


def rows_page(
    ctx: Ctx,
    *,
    supplier_id: PartyId | None,
    warehouse_id: WarehouseId | None,
    sku_ids: Sequence[SkuId] | None,
    need: StockNeed | None,
    after: Place | None,
    limit: int,
) -> list[StockRow]:
    """Read places in the order of SKU and warehouse, with what is on its way to them."""
    sku_id, warehouse_after = after or (None, None)
    rows = ctx.db.rows(
        _ROWS_PAGE,
        *(supplier_id, supplier_id),
        *(warehouse_id, warehouse_id),
        *(sku_ids, sku_ids),
        *(need and str(need),) * 2,
        *(sku_id, sku_id, warehouse_after),
        limit,
    )
    return [StockRow(StockLevel(*row[:8]), int(row[8]), row[9]) for row in rows]


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
