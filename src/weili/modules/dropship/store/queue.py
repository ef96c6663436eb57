"""SQL of the suppliers' queues. A queue is keyed by supplier, never locked across partners."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.modules.dropship.model import ChildId, OrderId, Queued, QueueState


def queue_insert(ctx: Ctx, items: Sequence[tuple[PartyId, ChildId, PartyId, OrderId]]) -> None:
    """Put child orders (supplier, child, partner, order) into the queues; those there stay."""
    ctx.db.run(
        "INSERT INTO dropship.supplier_queue (supplier_id, child_id, partner_id, order_id, state,"
        " attempts, due_at, queued_at) SELECT s, c, p, o, 'waiting', 0, %b, %b FROM"
        " unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[]) AS x (s, c, p, o)"
        " ON CONFLICT DO NOTHING",
        ctx.now,
        ctx.now,
        *(list(column) for column in zip(*items, strict=True)),
    )


def queue_due(ctx: Ctx, *, limit: int) -> list[Queued]:
    """Lock what is due to be sent or asked; what somebody else works on is passed over."""
    rows = ctx.db.rows(
        "SELECT supplier_id, child_id, order_id, state, attempts FROM dropship.supplier_queue"
        " WHERE due_at <= %b ORDER BY due_at LIMIT %b FOR UPDATE SKIP LOCKED",
        ctx.now,
        limit,
    )
    return [_queued(*row) for row in rows]


def queue_lock(ctx: Ctx, child_ids: Sequence[ChildId]) -> dict[ChildId, Queued]:
    """Lock child orders in their queues; waits for whoever is just counting an attempt."""
    rows = ctx.db.rows(
        "SELECT supplier_id, child_id, order_id, state, attempts FROM dropship.supplier_queue"
        " WHERE child_id = ANY (%b::uuid[]) ORDER BY child_id FOR UPDATE",
        list(child_ids),
    )
    return {item.child_id: item for item in (_queued(*row) for row in rows)}


def queue_tried(ctx: Ctx, *, next_at: Mapping[ChildId, datetime]) -> None:
    """Count an attempt for each, and say when the next would be due."""
    ctx.db.run(
        "UPDATE dropship.supplier_queue q SET attempts = attempts + 1, due_at = x.due_at"
        " FROM unnest(%b::uuid[], %b::timestamptz[]) AS x (child_id, due_at)"
        " WHERE q.child_id = x.child_id",
        list(next_at),
        list(next_at.values()),
    )


def queue_set(
    ctx: Ctx, *, child_ids: Sequence[ChildId], state: QueueState, due_at: datetime | None
) -> None:
    """Move child orders to another state of their queues."""
    ctx.db.run(
        "UPDATE dropship.supplier_queue SET state = %b, due_at = %b"
        " WHERE child_id = ANY (%b::uuid[])",
        state.value,
        due_at,
        list(child_ids),
    )


def queue_page(
    ctx: Ctx,
    *,
    supplier_id: PartyId,
    states: Sequence[QueueState],
    after: UUID | None,
    limit: int,
) -> list[Queued]:
    """Give a supplier's child orders in those states, oldest first."""
    rows = ctx.db.rows(
        "SELECT supplier_id, child_id, order_id, state, attempts FROM dropship.supplier_queue"
        " WHERE supplier_id = %b AND state = ANY (%b::text[])"
        " AND (%b::uuid IS NULL OR child_id > %b) ORDER BY child_id LIMIT %b",
        supplier_id,
        [state.value for state in states],
        after,
        after,
        limit,
    )
    return [_queued(*row) for row in rows]


def connection_put(ctx: Ctx, *, supplier_id: PartyId, base_url: str, secret_sealed: bytes) -> None:
    """Set where a supplier's system is."""
    ctx.db.run(
        "INSERT INTO dropship.supplier_connection (supplier_id, base_url, secret_sealed)"
        " VALUES (%b, %b, %b) ON CONFLICT (supplier_id) DO UPDATE"
        " SET base_url = excluded.base_url, secret_sealed = excluded.secret_sealed",
        supplier_id,
        base_url,
        secret_sealed,
    )


def connections_read(ctx: Ctx, supplier_ids: Sequence[PartyId]) -> list[tuple[PartyId, str, bytes]]:
    """Read where the suppliers' systems are: (supplier, base URL, sealed secret)."""
    rows = ctx.db.rows(
        "SELECT supplier_id, base_url, secret_sealed FROM dropship.supplier_connection"
        " WHERE supplier_id = ANY (%b::uuid[])",
        list(supplier_ids),
    )
    return [(PartyId(supplier_id), url, bytes(sealed)) for supplier_id, url, sealed in rows]


def _queued(
    supplier_id: PartyId, child_id: ChildId, order_id: OrderId, state: str, attempts: int
) -> Queued:
    return Queued(supplier_id, child_id, order_id, QueueState(state), attempts)
