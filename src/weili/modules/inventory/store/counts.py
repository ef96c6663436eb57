"""SQL of counts."""

from collections.abc import Sequence
from typing import Any

from weili.kit.context import Ctx, PartyId
from weili.modules.goods import SkuId
from weili.modules.inventory.model import (
    Count,
    Counted,
    CountId,
    CountLine,
    CountState,
    WarehouseId,
)


def count_insert(
    ctx: Ctx,
    *,
    count_id: CountId,
    warehouse_id: WarehouseId,
    reference: str,
    sku_ids: Sequence[SkuId],
) -> None:
    """Write a count with what the books say now; a SKU that never lay there is expected at 0."""
    ctx.db.run(
        "INSERT INTO inventory.count (id, warehouse_id, state, reference, opened_at)"
        " VALUES (%b, %b, 'open', %b, %b)",
        count_id,
        warehouse_id,
        reference,
        ctx.now,
    )
    ctx.db.run(
        "INSERT INTO inventory.count_line (count_id, sku_id, expected, reason)"
        " SELECT %b::uuid, x.k, coalesce(s.on_hand, 0), '' FROM unnest(%b::uuid[]) AS x (k)"
        " LEFT JOIN inventory.stock s ON s.sku_id = x.k AND s.warehouse_id = %b",
        count_id,
        sku_ids,
        warehouse_id,
    )


def stocked_in(ctx: Ctx, *, warehouse_id: WarehouseId, limit: int) -> list[SkuId]:
    """Read which SKUs have a place in a warehouse."""
    rows = ctx.db.rows(
        "SELECT sku_id FROM inventory.stock WHERE warehouse_id = %b ORDER BY sku_id LIMIT %b",
        warehouse_id,
        limit,
    )
    return [row[0] for row in rows]


def count_lock(ctx: Ctx, *, count_id: CountId) -> Count | None:
    """Lock a count and read it with its lines."""
    rows = ctx.db.rows(
        "SELECT id, warehouse_id, state, reference, opened_at, closed_at FROM inventory.count"
        " WHERE id = %b FOR UPDATE",
        count_id,
    )
    return _counts(ctx, rows)[0] if rows else None


def count_page(
    ctx: Ctx, *, supplier_id: PartyId | None, after: CountId | None, limit: int
) -> list[Count]:
    """Read counts in the order they were opened."""
    rows = ctx.db.rows(
        "SELECT c.id, c.warehouse_id, c.state, c.reference, c.opened_at, c.closed_at"
        " FROM inventory.count c JOIN inventory.warehouse w ON w.id = c.warehouse_id"
        " WHERE (%b::uuid IS NULL OR w.supplier_id = %b) AND (%b::uuid IS NULL OR c.id > %b)"
        " ORDER BY c.id LIMIT %b",
        supplier_id,
        supplier_id,
        after,
        after,
        limit,
    )
    return _counts(ctx, rows)


def count_close(
    ctx: Ctx, *, count_id: CountId, state: CountState, counted: Sequence[Counted]
) -> None:
    """Write how a locked count ended, and what was counted."""
    ctx.db.run(
        "UPDATE inventory.count SET state = %b, closed_at = %b WHERE id = %b",
        state.value,
        ctx.now,
        count_id,
    )
    ctx.db.run(
        "UPDATE inventory.count_line l SET counted = x.n, reason = x.r"
        " FROM unnest(%b::uuid[], %b::bigint[], %b::text[]) AS x (k, n, r)"
        " WHERE l.count_id = %b AND l.sku_id = x.k",
        [row.sku_id for row in counted],
        [row.counted for row in counted],
        [row.reason for row in counted],
        count_id,
    )


def _counts(ctx: Ctx, heads: Sequence[Any]) -> list[Count]:
    lines: dict[CountId, list[CountLine]] = {}
    for count_id, *line in ctx.db.rows(
        "SELECT count_id, sku_id, expected, counted, reason FROM inventory.count_line"
        " WHERE count_id = ANY (%b::uuid[]) ORDER BY count_id, sku_id",
        [head[0] for head in heads],
    ):
        lines.setdefault(count_id, []).append(CountLine(*line))
    return [
        Count(
            head[0],
            head[1],
            CountState(head[2]),
            head[3],
            head[4],
            head[5],
            lines.get(head[0], []),
        )
        for head in heads
    ]
