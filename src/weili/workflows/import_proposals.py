"""Import what a supplier proposes from the rows of its sheet: all of them or none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from weili.kit.context import Begin, Ctx, PartyId
from weili.kit.world import in_transaction
from weili.modules import goods
from weili.modules.goods import ProposalsPut, RowProblem
from weili.workflows.import_goods import (
    OUR_HEADINGS,
    PROBLEMS_SHOWN_MAX,
    ImportRefused,
    ImportReport,
    ImportTooLarge,
    Row,
)


@dataclass(frozen=True, slots=True)
class ProposalsReport:
    """What a sheet of proposals did: proposals by SPU, and the rows that were left out."""

    rows: int
    created: int
    updated: int
    unchanged: int
    bad_rows: int
    bad_count: int
    bad: Sequence[RowProblem]


def import_proposals(
    begin: Begin,
    *,
    rows: Iterable[Row],
    headings: Mapping[str, str] = OUR_HEADINGS,
    supplier_id: PartyId,
    skip_bad: bool = False,
) -> ProposalsReport:
    """Write down what the rows of a supplier's sheet propose; the same sheet again changes nothing.

    Each SPU becomes a draft, for the supplier to look at and to submit. With ``skip_bad`` rows that
    are wrong are left out, and listed. ``headings`` says what the file calls our columns, for what
    is reported.

    Raises: Forbidden; ImportRefused, listing what is wrong; ImportTooLarge; StateConflict; Busy.
    Then nothing has changed. What reading raises passes through.
    """
    sheet = goods.ProposalSheet()
    wrong: list[RowProblem] = []
    count = 0
    for count, (row_number, raw) in enumerate(rows, start=1):
        if count > goods.PROPOSAL_ROWS_MAX:
            raise ImportTooLarge(rows_max=goods.PROPOSAL_ROWS_MAX)
        wrong += sheet.take(row_number, raw)

    def work(ctx: Ctx) -> ProposalsReport:
        put = goods.proposals_put(ctx, supplier_id=supplier_id, spus=sheet.spus)
        bad = goods.problems_headed([*wrong, *put.wrong], headings)
        report = _report(count, put, sorted(bad, key=lambda each: each.row))
        if report.bad_count and not skip_bad:
            # The transaction ends with it, so that what was written of the good rows is undone.
            raise ImportRefused(
                ImportReport(
                    count, bad_rows=report.bad_rows, bad_count=report.bad_count, bad=report.bad
                )
            )
        return report

    return in_transaction(begin, work)


def _report(rows: int, put: ProposalsPut, wrong: Sequence[RowProblem]) -> ProposalsReport:
    return ProposalsReport(
        rows,
        put.created,
        put.updated,
        put.unchanged,
        bad_rows=len({each.row for each in wrong}),
        bad_count=len(wrong),
        bad=wrong[:PROBLEMS_SHOWN_MAX],
    )
