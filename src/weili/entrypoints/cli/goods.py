"""``weili import``: what others have in files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import JsonOption, WorldOption, world_opened
from weili.kit.problems import ANSWERS

if TYPE_CHECKING:
    from weili.kit.context import Ctx
    from weili.workflows.import_goods import ImportRefused, ImportReport

app = typer.Typer(help="Bring in what others have in files.", no_args_is_help=True)
BAD_SHOWN_MAX = 50


@app.callback()
def importing() -> None:
    """Bring in what others have in files."""


@app.command("goods")
def import_goods(  # noqa: PLR0917 - typer passes options by name
    file: Annotated[Path, typer.Argument(help="A csv or xlsx sheet.", exists=True, dir_okay=False)],
    supplier: Annotated[
        str | None, typer.Option("--supplier", help="Whose goods they are, where no column says.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave wrong rows out instead of refusing all.")
    ] = False,
    pool: Annotated[str, typer.Option("--pool", help="The pool they go into.")] = "default",
    price_list: Annotated[
        str, typer.Option("--price-list", help="The list their prices go to.")
    ] = "standard",
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a supplier's goods with costs, prices and stock: all rows or none."""
    from weili.adapters.files import sheet_rows
    from weili.kit.world import in_transaction
    from weili.modules import goods
    from weili.workflows import import_goods as workflow

    with world_opened(world) as opened, _progress() as progress:
        task = progress.add_task(say.words("reading", "读取中"), total=None)
        place = in_transaction(opened.begin, lambda ctx: _place(ctx, supplier, pool, price_list))

        def told(rows: int) -> None:
            text = say.words(f"{rows} rows written", f"已写入 {rows} 行")
            progress.update(task, description=text)

        try:
            report = workflow.import_goods(
                opened.begin,
                rows=sheet_rows(file, aliases=goods.SHEET_ALIASES, required=goods.SHEET_REQUIRED),
                skip_bad=skip_bad,
                progress=told,
                **place,
            )
        except workflow.ImportRefused as refused:
            progress.stop()
            if as_json:
                say.document(_as_json(refused.report))
            say.fail(_refusal(refused), ANSWERS[refused.kind].exit_code)
    _report_say(report, as_json)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=say.err,
        transient=True,
    )


def _place(ctx: "Ctx", supplier: str | None, pool: str, price_list: str) -> dict[str, Any]:
    """Find what the import refers to by name."""
    from weili.kit.problems import NotFound
    from weili.modules import goods, inventory, parties, pricing
    from weili.workflows.open_accounts import supplier_ids

    suppliers = supplier_ids(ctx)
    if supplier is not None and supplier not in suppliers:
        raise NotFound(what=parties.KIND_WORDS[parties.PartyKind.SUPPLIER], id=supplier)
    found_list = pricing.list_by_name(ctx, name=price_list)
    if found_list is None:
        raise NotFound(what=pricing.LIST_WORD, id=price_list)
    found_pool = goods.pool_by_name(ctx, name=pool)
    if found_pool is None:
        raise NotFound(what=goods.POOL_WORD, id=pool)
    warehouses: dict[Any, list[Any]] = {}
    cursor: str | None = None
    while True:
        page = inventory.warehouse_page(ctx, cursor=cursor, limit=200)
        for warehouse in page.items:
            warehouses.setdefault(warehouse.supplier_id, []).append(warehouse.id)
        cursor = page.next_cursor
        if cursor is None:
            break
    return {
        "suppliers": suppliers,
        "warehouses": warehouses,
        "price_list_id": found_list.id,
        "pool_id": found_pool.id,
        "default_supplier": suppliers[supplier] if supplier else None,
    }


def _as_json(report: "ImportReport") -> dict[str, Any]:
    from dataclasses import asdict

    language = say.language()
    bad = [asdict(bad) | {"expected": bad.expected.text(language)} for bad in report.bad]
    return asdict(report) | {"bad": bad}


def _report_say(report: "ImportReport", as_json: bool) -> None:
    if as_json:
        say.document(_as_json(report))
        return
    say.line(
        f"{report.rows} rows: {report.created} new, {report.updated} changed,"
        f" {report.unchanged} the same, {report.bad_rows} left out."
        f" Changed: {report.prices_changed} prices, {report.costs_changed} costs,"
        f" {report.stock_changed} stock counts.",
        f"共 {report.rows} 行：新增 {report.created}，更新 {report.updated}，"
        f"无变化 {report.unchanged}，跳过 {report.bad_rows}。"
        f"变更价格 {report.prices_changed}、成本 {report.costs_changed}、"
        f"库存 {report.stock_changed} 处。",
    )
    for text in _bad_lines(report):
        say.line(text, text)


def _refusal(refused: "ImportRefused") -> str:
    """Say what is wrong with the sheet, row by row, and what leaves such rows out."""
    hint = say.words("  --skip-bad leaves wrong rows out.", "  加 --skip-bad 可跳过错误行。")
    return "\n".join([refused.text(say.language()), *_bad_lines(refused.report), hint])


def _bad_lines(report: "ImportReport") -> list[str]:
    lines = [
        say.words(
            f"  row {bad.row}, {bad.column}: {bad.got!r}, expected {bad.expected.en}",
            f"  第 {bad.row} 行 {bad.column}：{bad.got!r}，应为{bad.expected.zh}",
        )
        for bad in report.bad[:BAD_SHOWN_MAX]
    ]
    left = report.bad_count - len(lines)
    if left > 0:
        lines.append(say.words(f"  … and {left} more", f"  …… 另有 {left} 处"))
    return lines
