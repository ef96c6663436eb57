"""``weili import proposals``: what a supplier proposes, from its sheet."""

from pathlib import Path
from typing import TYPE_CHECKING

from weili.entrypoints.cli import say
from weili.entrypoints.cli.goods import (
    MappingOption,
    bad_lines,
    columns_named,
    refusal,
    report_json,
)
from weili.entrypoints.cli.opened import (
    JsonOption,
    SheetArgument,
    SkipBadOption,
    SupplierNameOption,
    WorldOption,
    supplier_begin,
    world_opened,
)
from weili.kit.problems import ANSWERS

if TYPE_CHECKING:
    from weili.adapters.files import SheetRows
    from weili.modules.imports import Columns


def import_proposals(  # noqa: PLR0917 - typer passes options by name
    file: SheetArgument,
    supplier: SupplierNameOption,
    skip_bad: SkipBadOption = False,
    mapping: MappingOption = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write down what a supplier proposes, each SPU as a draft: all rows or none."""
    from weili.kit.world import in_transaction
    from weili.workflows import import_proposals as workflow
    from weili.workflows.import_goods import ImportRefused

    with world_opened(world) as opened:
        supplier_id, begin = supplier_begin(opened, supplier)
        columns = in_transaction(opened.begin, lambda ctx: columns_named(ctx, mapping, supplier_id))
        try:
            sheet = _rows(file, columns)
            report = workflow.import_proposals(
                begin,
                rows=sheet,
                headings=sheet.headings,
                supplier_id=supplier_id,
                skip_bad=skip_bad,
            )
        except ImportRefused as refused:
            if as_json:
                say.document(report_json(refused.report))
            say.fail(refusal(refused), ANSWERS[refused.kind].exit_code)
    if as_json:
        say.document(report_json(report))
        return
    say.line(
        f"{report.rows} rows, by SPU: {report.created} proposed, {report.updated} changed,"
        f" {report.unchanged} the same; {report.bad_rows} rows left out.",
        f"共 {report.rows} 行，按 SPU 计：新送审单 {report.created}，更新 {report.updated}，"
        f"无变化 {report.unchanged}；跳过 {report.bad_rows} 行。",
    )
    if report.created or report.updated:
        say.line(
            "They are drafts: see `weili goods list --state draft`, then `weili goods submit`.",
            "均为草稿：可用 `weili goods list --state draft` 查看，用 `weili goods submit` 送审。",
        )
    for text in bad_lines(report):
        say.line(text, text)


def _rows(file: Path, columns: "Columns | None") -> "SheetRows":
    """Read a file's rows as rows of proposals."""
    from weili.adapters.files import SheetRows, sheet_rows
    from weili.modules import goods, imports

    aliases = goods.PROPOSAL_ALIASES
    if columns is None:
        return sheet_rows(file, aliases=aliases, required=goods.PROPOSAL_REQUIRED)
    sheet = sheet_rows(file, required=sorted(imports.headings_of(columns)))

    def ours(cells: dict[str, str]) -> dict[str, str]:
        return {aliases.get(name, name): cell for name, cell in cells.items()}

    return SheetRows(
        ours(imports.headings_named(columns, sheet.headings)),
        ((number, ours(imports.mapped(columns, raw))) for number, raw in sheet),
    )
