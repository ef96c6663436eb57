"""SQL of what is on its way: arrivals from outside, and transfers between warehouses."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from weili.kit.context import Ctx, PartyId
from weili.modules.inventory.model import (
    TRANSFER_PREFIX,
    Arrival,
    ArrivalId,
    ArrivalState,
    Transfer,
    TransferId,
    WarehouseId,
)
from weili.modules.inventory.store.shelves import touch_shelves

_COLUMNS: Final = (
    "SELECT a.id, a.sku_id, a.warehouse_id, a.quantity, a.expected_on, a.reference, a.transfer_id,"
    " a.state, a.received, a.reason, a.is_late"
)
_ARRIVAL: Final = _COLUMNS + " FROM inventory.arrival a"


def arrivals_insert(ctx: Ctx, arrivals: Sequence[Arrival], *, due_at: Sequence[Any]) -> None:
    """Write goods that are expected."""
    ctx.db.run(
        "INSERT INTO inventory.arrival (id, sku_id, warehouse_id, quantity, expected_on, reference,"
        " transfer_id, state, received, reason, is_late, due_at, changed_at)"
        " SELECT i, k, w, q, e, r, t, 'expected', 0, '', false, d, %b::timestamptz"
        " FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::bigint[], %b::date[], %b::text[],"
        "  %b::uuid[], %b::timestamptz[]) AS x (i, k, w, q, e, r, t, d)",
        ctx.now,
        [arrival.id for arrival in arrivals],
        [arrival.sku_id for arrival in arrivals],
        [arrival.warehouse_id for arrival in arrivals],
        [arrival.quantity for arrival in arrivals],
        [arrival.expected_on for arrival in arrivals],
        [arrival.reference for arrival in arrivals],
        [arrival.transfer_id for arrival in arrivals],
        due_at,
    )
    touch_shelves(ctx, [arrival.sku_id for arrival in arrivals])


def arrivals_lock(ctx: Ctx, *, ids: Sequence[ArrivalId]) -> list[Arrival]:
    """Lock arrivals in the order of their ids."""
    statement = _ARRIVAL + " WHERE a.id = ANY (%b::uuid[]) ORDER BY a.id FOR UPDATE"
    return [_arrival(row) for row in ctx.db.rows(statement, ids)]


def arrivals_close(ctx: Ctx, arrivals: Iterable[Arrival]) -> None:
    """Write how locked arrivals ended."""
    rows = list(arrivals)
    ctx.db.run(
        "UPDATE inventory.arrival a SET state = x.s, received = x.n, reason = x.r, due_at = NULL,"
        " changed_at = %b::timestamptz"
        " FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::text[]) AS x (i, s, n, r)"
        " WHERE a.id = x.i",
        ctx.now,
        [row.id for row in rows],
        [row.state.value for row in rows],
        [row.received for row in rows],
        [row.reason for row in rows],
    )
    touch_shelves(ctx, [row.sku_id for row in rows])


def arrival_page(
    ctx: Ctx,
    *,
    supplier_id: PartyId | None,
    state: ArrivalState | None,
    after: ArrivalId | None,
    limit: int,
) -> list[Arrival]:
    """Read arrivals from outside in the order they were announced."""
    rows = ctx.db.rows(
        _ARRIVAL + " JOIN inventory.warehouse w ON w.id = a.warehouse_id"
        " WHERE a.transfer_id IS NULL AND (%b::uuid IS NULL OR w.supplier_id = %b)"
        " AND (%b::text IS NULL OR a.state = %b) AND (%b::uuid IS NULL OR a.id > %b)"
        " ORDER BY a.id LIMIT %b",
        supplier_id,
        supplier_id,
        state,
        state,
        after,
        after,
        limit,
    )
    return [_arrival(row) for row in rows]


def arrivals_overdue(ctx: Ctx, *, limit: int) -> list[tuple[Arrival, PartyId]]:
    """Lock what should have come in by now, with whose it is; what others hold is left to them."""
    rows = ctx.db.rows(
        _COLUMNS + ", w.supplier_id FROM inventory.arrival a"
        " JOIN inventory.warehouse w ON w.id = a.warehouse_id"
        " WHERE a.due_at <= %b ORDER BY a.due_at LIMIT %b FOR UPDATE OF a SKIP LOCKED",
        ctx.now,
        limit,
    )
    return [(_arrival(row[:11]), row[11]) for row in rows]


def arrivals_late(ctx: Ctx, *, ids: Sequence[ArrivalId]) -> None:
    """Write that locked arrivals are late, and that it has been told."""
    ctx.db.run(
        "UPDATE inventory.arrival SET is_late = true, due_at = NULL, changed_at = %b::timestamptz"
        " WHERE id = ANY (%b::uuid[])",
        ctx.now,
        ids,
    )


def transfer_insert(ctx: Ctx, transfer: Transfer) -> None:
    """Write the head of a transfer."""
    ctx.db.run(
        "INSERT INTO inventory.transfer (id, from_warehouse_id, to_warehouse_id, reference,"
        " shipped_at) VALUES (%b, %b, %b, %b, %b)",
        transfer.id,
        transfer.from_warehouse_id,
        transfer.to_warehouse_id,
        transfer.reference,
        transfer.shipped_at,
    )


def transfer_lock(ctx: Ctx, *, transfer_id: TransferId) -> Transfer | None:
    """Lock a transfer and read it with its lines."""
    rows = ctx.db.rows(
        "SELECT id, from_warehouse_id, to_warehouse_id, reference, shipped_at, received_at"
        " FROM inventory.transfer WHERE id = %b FOR UPDATE",
        transfer_id,
    )
    return _transfers(ctx, rows)[0] if rows else None


def transfer_close(ctx: Ctx, *, transfer_id: TransferId) -> None:
    """Write that a locked transfer has come in."""
    ctx.db.run("UPDATE inventory.transfer SET received_at = %b WHERE id = %b", ctx.now, transfer_id)


def transfer_page(
    ctx: Ctx, *, supplier_id: PartyId | None, after: TransferId | None, limit: int
) -> list[Transfer]:
    """Read transfers in the order they were sent."""
    rows = ctx.db.rows(
        "SELECT t.id, t.from_warehouse_id, t.to_warehouse_id, t.reference, t.shipped_at,"
        " t.received_at FROM inventory.transfer t"
        " JOIN inventory.warehouse w ON w.id = t.from_warehouse_id"
        " WHERE (%b::uuid IS NULL OR w.supplier_id = %b) AND (%b::uuid IS NULL OR t.id > %b)"
        " ORDER BY t.id LIMIT %b",
        supplier_id,
        supplier_id,
        after,
        after,
        limit,
    )
    return _transfers(ctx, rows)


def transfers_summed(ctx: Ctx) -> Iterator[tuple[TransferId, int, int]]:
    """Sum what the lines of each transfer say: (transfer, sent, received)."""
    yield from ctx.db.rows(
        "SELECT transfer_id, sum(quantity)::bigint, sum(received)::bigint FROM inventory.arrival"
        " WHERE transfer_id IS NOT NULL GROUP BY transfer_id ORDER BY transfer_id"
    )


def transfers_moved(ctx: Ctx) -> Iterator[tuple[str, int, int]]:
    """Sum what transfers moved, and what came with them beyond it: (subject, out, in)."""
    yield from ctx.db.rows(
        "SELECT subject,"
        " coalesce(-sum(on_hand_delta) FILTER (WHERE kind = 'transfer_out'), 0)::bigint,"
        " coalesce(sum(on_hand_delta) FILTER (WHERE kind <> 'transfer_out'), 0)::bigint"
        " FROM inventory.movement WHERE kind IN ('transfer_out', 'transfer_in')"
        " OR (kind = 'count_gain' AND starts_with(subject, %b)) GROUP BY subject ORDER BY subject",
        f"{TRANSFER_PREFIX}_",
    )


def _transfers(ctx: Ctx, heads: Sequence[Any]) -> list[Transfer]:
    lines: dict[TransferId, list[Arrival]] = {}
    statement = _ARRIVAL + " WHERE a.transfer_id = ANY (%b::uuid[]) ORDER BY a.id"
    for row in ctx.db.rows(statement, [head[0] for head in heads]):
        lines.setdefault(row[6], []).append(_arrival(row))
    return [
        Transfer(
            TransferId(head[0]),
            WarehouseId(head[1]),
            WarehouseId(head[2]),
            head[3],
            lines[head[0]][0].expected_on,
            head[4],
            head[5],
            lines[head[0]],
        )
        for head in heads
    ]


def _arrival(row: tuple[Any, ...]) -> Arrival:
    values = list(row)
    values[7] = ArrivalState(values[7])
    return Arrival(*values)
