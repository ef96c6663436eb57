"""SQL of costs: what stands, its history, and what suppliers ask for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx, PartyId
from weili.modules.goods import SkuId
from weili.modules.pricing import tables as t
from weili.modules.pricing.model import CostProposal, CostRow, CostState, ProposalId

_COSTS_PUT: Final = (
    "WITH changed AS ("
    " INSERT INTO pricing.cost AS c (sku_id, supplier_id, unit_cost_minor, version, changed_at)"
    " SELECT s, p, u, 1, %b::timestamptz"
    "  FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[]) AS x (s, p, u) ORDER BY s"
    " ON CONFLICT (sku_id) DO UPDATE SET unit_cost_minor = excluded.unit_cost_minor,"
    "  version = c.version + 1, changed_at = excluded.changed_at"
    "  WHERE c.unit_cost_minor <> excluded.unit_cost_minor"
    " RETURNING sku_id, supplier_id, version, unit_cost_minor, changed_at), told AS ("
    " INSERT INTO pricing.cost_history"
    "  (sku_id, version, unit_cost_minor, changed_at, changed_by, valid_from)"
    " SELECT sku_id, version, unit_cost_minor, changed_at, %b, changed_at FROM changed)"
    " SELECT supplier_id, sku_id, unit_cost_minor, version FROM changed ORDER BY sku_id"
)


def costs_upsert(
    ctx: Ctx, rows: Sequence[CostRow], suppliers: Mapping[SkuId, PartyId]
) -> list[tuple[PartyId, SkuId, int, int]]:
    """Write costs and their history; gives (supplier, SKU, cost, version) of real changes."""
    return ctx.db.rows(
        _COSTS_PUT,
        ctx.now,
        [row.sku_id for row in rows],
        [suppliers[row.sku_id] for row in rows],
        [row.unit_cost_minor for row in rows],
        ctx.actor.label(),
    )


def costs_read(ctx: Ctx, sku_ids: Sequence[SkuId]) -> list[tuple[SkuId, datetime | None, int]]:
    """Read costs: (SKU, from when, cost), None for the one that stands."""
    return ctx.db.rows(
        "SELECT sku_id, NULL::timestamptz, unit_cost_minor FROM pricing.cost"
        "  WHERE sku_id = ANY (%b::uuid[])"
        " UNION ALL SELECT sku_id, valid_from, unit_cost_minor FROM pricing.cost_proposal"
        "  WHERE state = 'approved' AND sku_id = ANY (%b::uuid[])",
        sku_ids,
        sku_ids,
    )


def proposals_insert(ctx: Ctx, proposals: Sequence[CostProposal]) -> set[ProposalId]:
    """Write what a supplier asks for; gives those whose place was free."""
    made = ctx.db.sa.execute(
        pgt.insert(t.cost_proposal)
        .values(
            [
                {
                    "id": proposal.id,
                    "sku_id": proposal.sku_id,
                    "supplier_id": proposal.supplier_id,
                    "unit_cost_minor": proposal.unit_cost_minor,
                    "valid_from": proposal.valid_from,
                    "state": proposal.state,
                    "reason": proposal.reason,
                    "submitted_at": proposal.submitted_at,
                    "submitted_by": ctx.actor.label(),
                }
                for proposal in proposals
            ]
        )
        .on_conflict_do_nothing()
        .returning(t.cost_proposal.c.id)
    )
    return {ProposalId(row.id) for row in made}


def proposal_lock(ctx: Ctx, *, proposal_id: ProposalId) -> CostProposal | None:
    """Read a proposal and keep it from being decided by others until the end."""
    query = sa.select(t.cost_proposal).where(t.cost_proposal.c.id == proposal_id)
    row = ctx.db.sa.execute(query.with_for_update()).one_or_none()
    return _proposal(row) if row else None


def proposal_open(ctx: Ctx, *, sku_id: SkuId, valid_from: datetime) -> CostProposal:
    """Read and lock the one that is asked for or approved of an SKU from a moment on."""
    table = t.cost_proposal
    query = sa.select(table).where(
        table.c.sku_id == sku_id,
        table.c.valid_from == valid_from,
        table.c.state.in_([CostState.SUBMITTED, CostState.APPROVED]),
    )
    return _proposal(ctx.db.sa.execute(query.with_for_update()).one())


def proposal_move(ctx: Ctx, proposal: CostProposal) -> None:
    """Write a proposal's new state, from when it holds, and what was said of it."""
    table = t.cost_proposal
    ctx.db.sa.execute(
        sa.update(table)
        .where(table.c.id == proposal.id)
        .values(
            state=proposal.state,
            valid_from=proposal.valid_from,
            reason=proposal.reason,
            decided_at=proposal.decided_at,
            decided_by=ctx.actor.label(),
            due_at=proposal.valid_from if proposal.state is CostState.APPROVED else None,
        )
    )


def proposals_due(
    ctx: Ctx, *, sku_ids: Sequence[SkuId] | None, limit: int | None
) -> list[CostProposal]:
    """Read and lock approved costs whose time has come, the first to come first."""
    rows = ctx.db.rows(
        "SELECT id, sku_id, supplier_id, unit_cost_minor, valid_from, state, reason, submitted_at,"
        "  decided_at FROM pricing.cost_proposal"
        " WHERE due_at <= %b AND (%b::uuid[] IS NULL OR sku_id = ANY (%b::uuid[]))"
        " ORDER BY valid_from, id LIMIT %b FOR UPDATE",
        ctx.now,
        sku_ids,
        sku_ids,
        limit,
    )
    return [
        CostProposal(
            proposal_id, sku_id, owner, cost_minor, begins, CostState(state), reason, asked, decided
        )
        for proposal_id, sku_id, owner, cost_minor, begins, state, reason, asked, decided in rows
    ]


def proposals_done(ctx: Ctx, proposal_ids: Sequence[ProposalId]) -> None:
    """Write that costs are in force."""
    ctx.db.run(
        "UPDATE pricing.cost_proposal SET state = 'in_force', due_at = NULL"
        " WHERE id = ANY (%b::uuid[])",
        list(proposal_ids),
    )


def proposal_page(
    ctx: Ctx,
    *,
    supplier_id: PartyId | None,
    state: CostState | None,
    after: ProposalId | None,
    limit: int,
) -> list[CostProposal]:
    """Read proposals, the newest first."""
    table = t.cost_proposal
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    if supplier_id is not None:
        query = query.where(table.c.supplier_id == supplier_id)
    if state is not None:
        query = query.where(table.c.state == state)
    if after is not None:
        query = query.where(table.c.id < after)
    return [_proposal(row) for row in ctx.db.sa.execute(query)]


def _proposal(row: sa.Row[Any]) -> CostProposal:
    return CostProposal(
        ProposalId(row.id),
        SkuId(row.sku_id),
        PartyId(row.supplier_id),
        row.unit_cost_minor,
        row.valid_from,
        CostState(row.state),
        row.reason,
        row.submitted_at,
        row.decided_at,
    )
