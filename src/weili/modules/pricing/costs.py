"""Costs: what suppliers are owed a piece, put by the operator or asked for and approved."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text, ids_sorted, ids_text, new_id
from weili.kit.money import CURRENCY
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said
from weili.modules import goods
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.pricing import rules
from weili.modules.pricing.model import (
    CHANGED_MAX,
    COST_CHANGED,
    COST_DECIDED,
    COST_STATES,
    PROPOSAL_PREFIX,
    CostProposal,
    CostRow,
    CostState,
    ProposalId,
    PutCount,
)
from weili.modules.pricing.problems import PROPOSAL_WORD, CostProposed
from weili.modules.pricing.store import costs as store

_SWEEP_MAX: Final = 500
_LATER: Final = Said("now or later", "不早于当前时间")


def costs_put(ctx: Ctx, *, rows: Sequence[CostRow]) -> PutCount:
    """Set what suppliers are owed a piece, from now on.

    Raises: Forbidden; InputInvalid; SkuUnknown.
    """
    ctx.require("admin:prices")
    rules.cost_rows_check(rows)
    sku_ids = [row.sku_id for row in rows]
    suppliers = _suppliers_get(ctx, sku_ids)
    # What was to hold before this moment comes before this, not after it.
    _take_effect(ctx, store.proposals_due(ctx, sku_ids=sku_ids, limit=None))
    changed = _costs_write(ctx, rows, suppliers)
    return PutCount(changed, len(rows) - changed)


def cost_propose(
    ctx: Ctx, *, rows: Sequence[CostRow], valid_from: datetime | None = None
) -> list[CostProposal]:
    """Ask, as their supplier, for other costs from a moment on (None: as soon as approved).

    Raises: Forbidden; InputInvalid; SkuUnknown, also for another supplier's; CostProposed.
    """
    ctx.require("supply:write")
    rules.cost_rows_check(rows)
    if valid_from is not None and valid_from < ctx.now:
        raise InputInvalid(fields=(FieldProblem("/valid_from", "past", _LATER),))
    supplier_id = ctx.actor.party_id
    suppliers = goods.skus_suppliers(ctx, sku_ids=[row.sku_id for row in rows])
    for row in rows:
        if suppliers.get(row.sku_id) != supplier_id:
            raise goods.SkuUnknown(sku_id=id_text(SKU_PREFIX, row.sku_id))
    proposals = [
        CostProposal(
            ProposalId(new_id(ctx.now)),
            row.sku_id,
            supplier_id,
            row.unit_cost_minor,
            valid_from or ctx.now,
            CostState.SUBMITTED,
            "",
            ctx.now,
            None,
        )
        for row in rows
    ]
    made = store.proposals_insert(ctx, proposals)
    for proposal in proposals:
        if proposal.id not in made:
            raise CostProposed(sku_id=id_text(SKU_PREFIX, proposal.sku_id))
    return proposals


def cost_approve(ctx: Ctx, *, proposal_id: ProposalId) -> CostProposal:
    """Agree to a cost; it holds from when it was asked for, but never from before now.

    Orders of earlier moments keep the cost that they were placed at.

    Raises: Forbidden; NotFound; StateConflict.
    """
    ctx.require("admin:prices")
    asked = _proposal_get(ctx, proposal_id, None)
    _check(asked, CostState.APPROVED)
    approved = replace(
        asked,
        state=CostState.APPROVED,
        valid_from=max(asked.valid_from, ctx.now),
        decided_at=ctx.now,
    )
    store.proposal_move(ctx, approved)
    _decided_tell(ctx, approved)
    if approved.valid_from > ctx.now:
        return approved
    _take_effect(ctx, store.proposals_due(ctx, sku_ids=[asked.sku_id], limit=None))
    return replace(approved, state=CostState.IN_FORCE)


def cost_agree(ctx: Ctx, *, row: CostRow, valid_from: datetime) -> CostProposal:
    """Agree to a cost from a later moment on that was asked for along with the goods.

    Agreed to already it stays as it is; the same asked for by itself is agreed to.

    Raises: Forbidden; InputInvalid; SkuUnknown; CostProposed, where another cost is asked for or
    agreed to from that moment on.
    """
    ctx.require("admin:prices")
    rules.cost_rows_check([row])
    if valid_from <= ctx.now:
        raise InputInvalid(fields=(FieldProblem("/valid_from", "past", _LATER),))
    asked = CostProposal(
        ProposalId(new_id(ctx.now)),
        row.sku_id,
        _suppliers_get(ctx, [row.sku_id])[row.sku_id],
        row.unit_cost_minor,
        valid_from,
        CostState.SUBMITTED,
        "",
        ctx.now,
        None,
    )
    if not store.proposals_insert(ctx, [asked]):
        asked = store.proposal_open(ctx, sku_id=row.sku_id, valid_from=valid_from)
        if asked.unit_cost_minor != row.unit_cost_minor:
            raise CostProposed(sku_id=id_text(SKU_PREFIX, row.sku_id))
    if asked.state is CostState.APPROVED:
        return asked
    return cost_approve(ctx, proposal_id=asked.id)


def cost_reject(ctx: Ctx, *, proposal_id: ProposalId, reason: str) -> CostProposal:
    """Decline a cost, and say why.

    Raises: Forbidden; NotFound; StateConflict.
    """
    ctx.require("admin:prices")
    asked = _proposal_get(ctx, proposal_id, None)
    _check(asked, CostState.REJECTED)
    rejected = replace(asked, state=CostState.REJECTED, reason=reason, decided_at=ctx.now)
    store.proposal_move(ctx, rejected)
    _decided_tell(ctx, rejected)
    return rejected


def cost_withdraw(ctx: Ctx, *, proposal_id: ProposalId) -> CostProposal:
    """Take back, as its supplier, what was asked for and does not hold yet.

    Raises: Forbidden; NotFound, also for another supplier's; StateConflict.
    """
    ctx.require("supply:write")
    asked = _proposal_get(ctx, proposal_id, ctx.actor.party_id)
    if asked.state is CostState.APPROVED and asked.valid_from <= ctx.now:
        _take_effect(ctx, [asked])
        asked = replace(asked, state=CostState.IN_FORCE)
    _check(asked, CostState.WITHDRAWN)
    withdrawn = replace(asked, state=CostState.WITHDRAWN, decided_at=ctx.now)
    store.proposal_move(ctx, withdrawn)
    return withdrawn


def costs_of(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, int]:
    """Give what SKUs cost now; one without a cost is absent, and so is another supplier's.

    Raises: Forbidden.
    """
    if ctx.actor.scopes.isdisjoint({"admin:prices", "*"}):
        ctx.require("supply:read")
        own = ctx.actor.party_id
        owners = goods.skus_suppliers(ctx, sku_ids=sku_ids)
        sku_ids = [sku_id for sku_id in sku_ids if owners.get(sku_id) == own]
    found: dict[SkuId, tuple[datetime | None, int]] = {}
    for sku_id, begins, amount_minor in store.costs_read(ctx, sku_ids):
        if begins is not None and begins > ctx.now:
            continue
        before = found.get(sku_id)
        if before is None or before[0] is None or (begins is not None and begins >= before[0]):
            found[sku_id] = begins, amount_minor
    return {sku_id: amount_minor for sku_id, (_, amount_minor) in found.items()}


def cost_page(
    ctx: Ctx,
    *,
    supplier_id: PartyId | None,
    state: CostState | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[CostProposal]:
    """List what a supplier has asked for, or (``supplier_id`` None) all of them; newest first.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require("admin:prices" if supplier_id is None else "supply:read")
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.proposal_page(
        ctx,
        supplier_id=supplier_id,
        state=state,
        after=None if after is None else ProposalId(after),
        limit=limit + 1,
    )
    return page_of(rows, limit=limit, key=lambda proposal: proposal.id.hex)


def costs_sweep(ctx: Ctx) -> int:
    """Write down approved costs whose time has come; says how many, a bounded number.

    Orders do not wait for it: the price book goes by the time alone.
    """
    due = store.proposals_due(ctx, sku_ids=None, limit=_SWEEP_MAX)
    _take_effect(ctx, due)
    return len(due)


def _take_effect(ctx: Ctx, due: Sequence[CostProposal]) -> None:
    """Let costs stand; of several of one SKU each gets its version, the earlier first."""
    for _, group in groupby(due, key=lambda proposal: proposal.valid_from):
        proposals = {proposal.sku_id: proposal for proposal in group}
        _costs_write(
            ctx,
            [CostRow(sku_id, found.unit_cost_minor) for sku_id, found in proposals.items()],
            {sku_id: found.supplier_id for sku_id, found in proposals.items()},
        )
    if due:
        store.proposals_done(ctx, [proposal.id for proposal in due])


def _costs_write(ctx: Ctx, rows: Sequence[CostRow], suppliers: dict[SkuId, PartyId]) -> int:
    changed = store.costs_upsert(ctx, rows, suppliers)
    costs_tell(ctx, changed)
    return len(changed)


def costs_tell(ctx: Ctx, changed: Sequence[tuple[PartyId, SkuId, int, int]]) -> None:
    """Tell suppliers of the costs that are now: (supplier, SKU, cost, version), in order of SKU."""
    by_supplier: dict[PartyId, list[dict[str, object]]] = {}
    texts = ids_text(SKU_PREFIX, [sku_id for _, sku_id, _, _ in changed])
    for text, (supplier_id, _, unit_cost_minor, version) in zip(texts, changed, strict=True):
        cost = {
            "sku_id": text,
            "unit_cost_minor": unit_cost_minor,
            "version": version,
        }
        by_supplier.setdefault(supplier_id, []).append(cost)
    for supplier_id in sorted(by_supplier):
        costs = by_supplier[supplier_id]
        for start in range(0, len(costs), CHANGED_MAX):
            part = costs[start : start + CHANGED_MAX]
            ctx.announce(
                COST_CHANGED,
                party_id=supplier_id,
                subject=str(part[0]["sku_id"]),
                data={"costs": part, "currency": CURRENCY},
            )


def _decided_tell(ctx: Ctx, proposal: CostProposal) -> None:
    is_approved = proposal.state is CostState.APPROVED
    ctx.announce(
        COST_DECIDED,
        party_id=proposal.supplier_id,
        subject=id_text(PROPOSAL_PREFIX, proposal.id),
        data={
            "proposal_id": id_text(PROPOSAL_PREFIX, proposal.id),
            "sku_id": id_text(SKU_PREFIX, proposal.sku_id),
            "unit_cost_minor": proposal.unit_cost_minor,
            "state": proposal.state.value,
            "valid_from": proposal.valid_from.isoformat() if is_approved else None,
            "reason": proposal.reason,
        },
    )


def _check(proposal: CostProposal, state: CostState) -> None:
    COST_STATES.check(proposal.state, state, label=id_text(PROPOSAL_PREFIX, proposal.id))


def _proposal_get(ctx: Ctx, proposal_id: ProposalId, supplier_id: PartyId | None) -> CostProposal:
    proposal = store.proposal_lock(ctx, proposal_id=proposal_id)
    if proposal is None or supplier_id not in {None, proposal.supplier_id}:
        raise NotFound(what=PROPOSAL_WORD, id=id_text(PROPOSAL_PREFIX, proposal_id))
    return proposal


def _suppliers_get(ctx: Ctx, sku_ids: Sequence[SkuId]) -> dict[SkuId, PartyId]:
    asked = ids_sorted(sku_ids)
    suppliers = goods.skus_suppliers(ctx, sku_ids=asked)
    if len(suppliers) < len(asked):
        unknown = next(sku_id for sku_id in sku_ids if sku_id not in suppliers)
        raise goods.SkuUnknown(sku_id=id_text(SKU_PREFIX, unknown))
    return suppliers
