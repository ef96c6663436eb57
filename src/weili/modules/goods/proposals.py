"""Many proposals of a supplier at once, as a sheet has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.problems import Said
from weili.modules.goods.model import GoodsProposal, Revision, RevisionState, RowProblem
from weili.modules.goods.review import SCOPE_PROPOSE, revision_save
from weili.modules.goods.rules import (
    CATEGORY_KNOWN,
    SKUS_MAX,
    ProposalRow,
    proposal_of,
    variants_expected,
)
from weili.modules.goods.store import review as store
from weili.modules.goods.store import writing

_NOT_IN_REVIEW: Final = Said(
    "goods that are not in review; withdraw the proposal, or wait for the answer",
    "未在审核中的商品；请先撤回送审单，或等待审核结果",
)


@dataclass(slots=True)
class ProposalsPut:
    """What came of proposals, counted by SPU; ``wrong`` are rows that were left out."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    wrong: list[RowProblem] = field(default_factory=list)


def proposals_put(
    ctx: Ctx, *, supplier_id: PartyId, spus: Mapping[str, Sequence[ProposalRow]]
) -> ProposalsPut:
    """Write down what the rows of a sheet propose, by SPU; what is said already stays as it is.

    Each becomes a draft, or replaces what the open one says. Rows that can't be proposed are left
    out and listed; whoever wants all or none undoes the transaction then.

    Raises: Forbidden; StateConflict, when one is submitted at the same moment.
    """
    ctx.require(SCOPE_PROPOSE)
    # Taken before anything is read, so that two sheets do not propose over each other.
    writing.put_lock(ctx)
    paths = {row.category for rows in spus.values() for row in rows}
    categories = store.categories_by_path(ctx, paths)
    latest = store.revisions_latest(ctx, supplier_id, spus)
    put = ProposalsPut()
    for spu_code, rows in spus.items():
        category_id = categories.get(rows[0].category)
        if category_id is None:
            put.wrong += [row.problem("category", CATEGORY_KNOWN) for row in rows]
            continue
        good = _rows_own(ctx, supplier_id, spu_code, rows, put)
        if not good:
            continue
        last = latest.get(spu_code)
        said = None if last is None else last.proposal
        wanted = proposal_of(said, category_id, good, now=ctx.now)
        if wanted == said:
            put.unchanged += 1
        elif expected := _in_the_way(last, wanted):
            put.wrong += [row.problem("spu_code", expected) for row in good]
        else:
            revision_save(ctx, supplier_id=supplier_id, proposal=wanted)
            is_draft = last is not None and last.state is RevisionState.DRAFT
            put.updated += is_draft
            put.created += not is_draft
    return put


def _in_the_way(last: Revision | None, wanted: GoodsProposal) -> Said | None:
    if last is not None and last.state is RevisionState.IN_REVIEW:
        return _NOT_IN_REVIEW
    return variants_expected() if len(wanted.skus) > SKUS_MAX else None


def _rows_own(
    ctx: Ctx,
    supplier_id: PartyId,
    spu_code: str,
    rows: Sequence[ProposalRow],
    put: ProposalsPut,
) -> list[ProposalRow]:
    """Give the rows whose codes are not variants of other goods."""
    codes = {row.supplier_code for row in rows}
    taken = dict(store.codes_elsewhere(ctx, supplier_id, codes, spu_code))
    for row in rows:
        if other := taken.get(row.supplier_code):
            expected = Said(
                f"a code that is not a variant of your goods {other} already",
                f"未被您的商品 {other} 占用的编码",
            )
            put.wrong.append(row.problem("supplier_code", expected))
    return [row for row in rows if row.supplier_code not in taken]
