"""SQL of the suppliers' queues. A queue is keyed by supplier, never locked across partners."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.modules.dropship.model import (
    ChildId,
    ClaimId,
    OrderId,
    Queued,
    QueueState,
    QueueStatus,
)


def queue_insert(ctx: Ctx, items: Sequence[tuple[PartyId, ChildId, PartyId, OrderId]]) -> None:
    """Put child orders (supplier, child, partner, order) into the queues; those there stay."""
    ctx.db.run(
        "INSERT INTO dropship.supplier_health (supplier_id, failures, failure, served_at)"
        " SELECT s, 0, '', %b FROM unnest(%b::uuid[]) AS x (s) ON CONFLICT DO NOTHING",
        ctx.now,
        sorted({supplier_id for supplier_id, _, _, _ in items}),
    )
    ctx.db.run(
        "INSERT INTO dropship.supplier_queue (supplier_id, child_id, partner_id, order_id, state,"
        " attempts, due_at, queued_at) SELECT s, c, p, o, 'waiting', 0, %b, %b FROM"
        " unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[]) AS x (s, c, p, o)"
        " ON CONFLICT DO NOTHING",
        ctx.now,
        ctx.now,
        *(list(column) for column in zip(*items, strict=True)),
    )


def suppliers_claim(ctx: Ctx, *, is_suspect: bool, turns_at_once: int, limit: int) -> list[PartyId]:
    """Lock suppliers of whom something is due, those first who have waited longest for a turn.

    Left out are those that are paused, that have their turns already, or that somebody else just
    claims for.
    """
    rows = ctx.db.rows(
        "UPDATE dropship.supplier_health SET served_at = %b WHERE supplier_id IN"
        " (SELECT h.supplier_id FROM dropship.supplier_health h"
        " WHERE (h.failures > 0) = %b AND (h.paused_until IS NULL OR h.paused_until <= %b)"
        " AND EXISTS (SELECT FROM dropship.supplier_queue q WHERE q.supplier_id = h.supplier_id"
        "  AND q.due_at <= %b AND (q.claimed_until IS NULL OR q.claimed_until <= %b))"
        " AND (SELECT count(DISTINCT q.claim_id) FROM dropship.supplier_queue q"
        "  WHERE q.supplier_id = h.supplier_id AND q.claim_id IS NOT NULL"
        "  AND q.claimed_until > %b) < %b"
        " ORDER BY h.served_at, h.supplier_id LIMIT %b FOR UPDATE OF h SKIP LOCKED)"
        " RETURNING supplier_id",
        ctx.now,
        is_suspect,
        *[ctx.now] * 4,
        turns_at_once,
        limit,
    )
    # Another claim may have ended between this statement's view and its lock; now none can.
    busy = ctx.db.rows(
        "SELECT supplier_id FROM dropship.supplier_queue WHERE supplier_id = ANY (%b::uuid[])"
        " AND claim_id IS NOT NULL AND claimed_until > %b"
        " GROUP BY supplier_id HAVING count(DISTINCT claim_id) >= %b",
        [supplier_id for (supplier_id,) in rows],
        ctx.now,
        turns_at_once,
    )
    full = {supplier_id for (supplier_id,) in busy}
    return [PartyId(supplier_id) for (supplier_id,) in rows if supplier_id not in full]


def queue_claim(
    ctx: Ctx, *, claims: Mapping[PartyId, ClaimId], until: datetime, size: int, least_tried: bool
) -> list[Queued]:
    """Claim what is due of each of these suppliers, counting an attempt; of each so many at most.

    What somebody else has locked is passed over. With ``least_tried`` a new child order goes
    before one that may itself be what the supplier fails at.
    """
    before = (
        "WITH due AS MATERIALIZED (SELECT s.claim_id, d.supplier_id, d.child_id FROM"
        " unnest(%b::uuid[], %b::uuid[]) AS s (supplier_id, claim_id) CROSS JOIN LATERAL"
        " (SELECT w.supplier_id, w.child_id FROM dropship.supplier_queue w"
        " WHERE w.supplier_id = s.supplier_id AND w.due_at <= %b"
        " AND (w.claimed_until IS NULL OR w.claimed_until <= %b) ORDER BY "
    )
    after = (
        " LIMIT %b FOR UPDATE SKIP LOCKED) AS d)"
        " UPDATE dropship.supplier_queue q SET attempts = q.attempts + 1,"
        " claim_id = due.claim_id, claimed_until = %b FROM due"
        " WHERE q.supplier_id = due.supplier_id AND q.child_id = due.child_id"
        " RETURNING q.supplier_id, q.child_id, q.order_id, q.state, q.attempts"
    )
    order = "w.attempts, w.due_at, w.child_id" if least_tried else "w.due_at, w.child_id"
    rows = ctx.db.rows(
        before + order + after,
        list(claims),
        list(claims.values()),
        ctx.now,
        ctx.now,
        size,
        until,
    )
    return sorted((_queued(*row) for row in rows), key=lambda item: item.child_id)


def claim_end(ctx: Ctx, *, claim_id: ClaimId, item: Queued, next_at: datetime) -> None:
    """End a claim on a child order; what it was asked and still stands is due again then."""
    ctx.db.run(
        "UPDATE dropship.supplier_queue SET claim_id = NULL, claimed_until = NULL,"
        " due_at = CASE WHEN state = %b AND due_at IS NOT NULL THEN %b ELSE due_at END"
        " WHERE supplier_id = %b AND child_id = %b AND claim_id = %b",
        item.state.value,
        next_at,
        item.supplier_id,
        item.child_id,
        claim_id,
    )


def claim_undo(
    ctx: Ctx, *, claim_id: ClaimId, supplier_id: PartyId, child_ids: Sequence[ChildId]
) -> None:
    """End a claim on child orders that nobody was asked about: the attempt was none."""
    ctx.db.run(
        "UPDATE dropship.supplier_queue SET claim_id = NULL, claimed_until = NULL,"
        " attempts = attempts - 1"
        " WHERE supplier_id = %b AND child_id = ANY (%b::uuid[]) AND claim_id = %b",
        supplier_id,
        list(child_ids),
        claim_id,
    )


def queue_lock(ctx: Ctx, child_ids: Sequence[ChildId]) -> dict[ChildId, Queued]:
    """Lock child orders in their queues; waits for whoever is just counting an attempt."""
    rows = ctx.db.rows(
        "SELECT q.supplier_id, q.child_id, q.order_id, q.state, q.attempts FROM dropship.child c"
        " JOIN dropship.supplier_queue q ON q.supplier_id = c.supplier_id AND q.child_id = c.id"
        " WHERE c.id = ANY (%b::uuid[]) ORDER BY q.child_id FOR UPDATE OF q",
        list(child_ids),
    )
    return {item.child_id: item for item in (_queued(*row) for row in rows)}


def queue_set(
    ctx: Ctx, *, child_ids: Sequence[ChildId], state: QueueState, due_at: datetime | None
) -> None:
    """Move child orders to another state of their queues.

    A queue is found by its supplier: without it all rows that ever were would be looked at.
    """
    ctx.db.run(
        "UPDATE dropship.supplier_queue q SET state = %b, due_at = %b FROM dropship.child c"
        " WHERE c.id = ANY (%b::uuid[]) AND q.supplier_id = c.supplier_id AND q.child_id = c.id",
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


def health_failed(ctx: Ctx, *, supplier_id: PartyId, failure: str) -> int:
    """Count an asking in vain; gives how many there were since the last answer."""
    [[failures]] = ctx.db.rows(
        "UPDATE dropship.supplier_health SET failures = failures + 1, failure = %b"
        " WHERE supplier_id = %b RETURNING failures",
        failure,
        supplier_id,
    )
    return int(failures)


def health_pause(ctx: Ctx, *, supplier_id: PartyId, until: datetime) -> None:
    """Leave a supplier alone until then."""
    ctx.db.run(
        "UPDATE dropship.supplier_health SET paused_until = %b WHERE supplier_id = %b",
        until,
        supplier_id,
    )


def health_restore(ctx: Ctx, *, supplier_id: PartyId) -> bool:
    """Forget the askings in vain, if there were any; says whether the supplier was paused."""
    rows = ctx.db.rows(
        "UPDATE dropship.supplier_health h SET failures = 0, failure = '', paused_until = NULL"
        " FROM (SELECT supplier_id, paused_until FROM dropship.supplier_health"
        "  WHERE supplier_id = %b AND failures > 0 FOR UPDATE) AS was"
        " WHERE h.supplier_id = was.supplier_id RETURNING was.paused_until IS NOT NULL",
        supplier_id,
    )
    return bool(rows and rows[0][0])


def queue_status(ctx: Ctx, *, supplier_id: PartyId, count_max: int) -> QueueStatus | None:
    """Read how a supplier's system is asked; None when there never was anything to ask."""
    rows = ctx.db.rows(
        "SELECT failures, failure, paused_until, (SELECT count(*) FROM (SELECT"
        " FROM dropship.supplier_queue WHERE supplier_id = %b AND due_at IS NOT NULL LIMIT %b)"
        " AS due) FROM dropship.supplier_health WHERE supplier_id = %b",
        supplier_id,
        count_max,
        supplier_id,
    )
    return QueueStatus(*rows[0]) if rows else None


def suppliers_silent_count(ctx: Ctx) -> int:
    """Count the suppliers that are paused, and have not answered since."""
    rows = ctx.db.rows(
        "SELECT count(*) FROM dropship.supplier_health WHERE paused_until IS NOT NULL"
    )
    return int(rows[0][0])


def queue_wake(ctx: Ctx, *, supplier_id: PartyId, limit: int) -> None:
    """Make due what waits for its next attempt at a supplier; what others hold stays."""
    ctx.db.run(
        "UPDATE dropship.supplier_queue SET due_at = %b WHERE supplier_id = %b AND child_id IN"
        " (SELECT child_id FROM dropship.supplier_queue WHERE supplier_id = %b AND due_at > %b"
        " AND claim_id IS NULL ORDER BY due_at LIMIT %b FOR UPDATE SKIP LOCKED)",
        ctx.now,
        supplier_id,
        supplier_id,
        ctx.now,
        limit,
    )


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
