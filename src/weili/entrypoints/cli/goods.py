"""``weili import``: what others have in files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import (
    JsonOption,
    SheetArgument,
    SkipBadOption,
    WorldOption,
    world_opened,
)
from weili.kit.problems import ANSWERS

if TYPE_CHECKING:
    from weili.adapters.files import SheetRows
    from weili.kit.context import Ctx, PartyId
    from weili.modules.goods import CategoryNames, RowProblem
    from weili.modules.imports import Columns
    from weili.workflows.import_daily import DayReport
    from weili.workflows.import_goods import ImportRefused, ImportReport
    from weili.workflows.import_prices import PricesReport
    from weili.workflows.import_proposals import ProposalsReport

app = typer.Typer(help="Bring in what others have in files.", no_args_is_help=True)
mappings = typer.Typer(help="Say where files have our columns, once for all.", no_args_is_help=True)
app.add_typer(mappings, name="mapping")
BAD_SHOWN_MAX = 50

PoolOption = Annotated[str, typer.Option("--pool", help="The pool they go into.")]
PriceListOption = Annotated[str, typer.Option("--price-list", help="The list their prices go to.")]
MappingOption = Annotated[
    str | None,
    typer.Option("--mapping", help="The saved mapping that says where the file has our columns."),
]
SupplierOption = Annotated[
    str | None, typer.Option("--supplier", help="Whose mapping it is; the operator's if left out.")
]
NameArgument = Annotated[str, typer.Argument(help="The mapping's name.")]


@app.callback()
def importing() -> None:
    """Bring in what others have in files."""


@app.command("goods")
def import_goods(  # noqa: PLR0917 - typer passes options by name
    file: SheetArgument,
    supplier: Annotated[
        str | None, typer.Option("--supplier", help="Whose goods they are, where no column says.")
    ] = None,
    skip_bad: SkipBadOption = False,
    pool: PoolOption = "default",
    price_list: PriceListOption = "standard",
    mapping: MappingOption = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a supplier's goods with costs, prices and stock: all rows or none."""
    from weili import bootstrap
    from weili.kit.world import in_transaction
    from weili.workflows import import_goods as workflow

    with world_opened(world) as opened, _progress() as progress:
        bootstrap.forget_garbage()
        task = progress.add_task(say.words("reading", "读取中"), total=None)
        place = in_transaction(opened.begin, lambda ctx: _place(ctx, supplier, pool, price_list))
        columns = in_transaction(
            opened.begin, lambda ctx: columns_named(ctx, mapping, place["default_supplier"])
        )

        def told(rows: int) -> None:
            text = say.words(f"{rows} rows written", f"已写入 {rows} 行")
            progress.update(task, description=text)

        try:
            sheet = _rows(file, columns)
            report = workflow.import_goods(
                opened.begin,
                rows=sheet,
                headings=sheet.headings,
                categories=in_transaction(opened.begin, lambda ctx: _categories(ctx, columns)),
                skip_bad=skip_bad,
                progress=told,
                **place,
            )
        except workflow.ImportRefused as refused:
            progress.stop()
            if as_json:
                say.document(report_json(refused.report))
            say.fail(refusal(refused), ANSWERS[refused.kind].exit_code)
    _report_say(report, as_json)


@app.command("daily")
def import_daily(  # noqa: PLR0917 - typer passes options by name
    file: SheetArgument,
    supplier: Annotated[str, typer.Option("--supplier", help="Whose listings they are.")],
    mapping: MappingOption = None,
    skip_bad: SkipBadOption = False,
    pool: PoolOption = "default",
    price_list: PriceListOption = "standard",
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a file of many days: what listings cost, and had sold, day by day."""
    from weili.kit.world import in_transaction
    from weili.workflows import import_daily as workflow
    from weili.workflows.import_goods import ImportRefused

    with world_opened(world) as opened, _progress() as progress:
        task = progress.add_task(say.words("reading", "读取中"), total=None)
        place = in_transaction(opened.begin, lambda ctx: _place(ctx, supplier, pool, price_list))
        columns = in_transaction(
            opened.begin, lambda ctx: columns_named(ctx, mapping, place["default_supplier"])
        )
        try:
            sheet = _rows(file, columns)
            days = workflow.import_daily(
                opened.begin,
                rows=sheet,
                headings=sheet.headings,
                supplier_id=place["default_supplier"],
                price_list_id=place["price_list_id"],
                pool_id=place["pool_id"],
                categories=in_transaction(opened.begin, lambda ctx: _categories(ctx, columns)),
                skip_bad=skip_bad,
                told=lambda day: progress.update(task, description=day.on.isoformat()),
            )
        except ImportRefused as refused:
            progress.stop()
            if as_json:
                say.document(report_json(refused.report))
            say.fail(refusal(refused), ANSWERS[refused.kind].exit_code)
    if as_json:
        say.document({"days": [_day_as_json(day) for day in days]})
        return
    for day in days:
        _day_say(day)


@mappings.command("save")
def mapping_save(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="The mapping as JSON.", exists=True, dir_okay=False)],
    supplier: SupplierOption = None,
    world: WorldOption = None,
) -> None:
    """Save a mapping under a name; one of that name is replaced."""
    from weili.kit.world import in_transaction
    from weili.modules import imports

    text = file.read_bytes()
    with world_opened(world) as opened:
        saved = in_transaction(
            opened.begin,
            lambda ctx: imports.mapping_put(
                ctx, party_id=_owner(ctx, supplier), name=name, text=text
            ),
        )
    say.line(
        f"{saved.name}: {len(saved.columns)} columns.", f"{saved.name}：{len(saved.columns)} 列。"
    )


@mappings.command("list")
def mapping_list(
    supplier: SupplierOption = None, world: WorldOption = None, as_json: JsonOption = False
) -> None:
    """List the saved mappings."""
    from weili.kit.world import in_transaction
    from weili.modules import imports

    with world_opened(world) as opened:
        found = in_transaction(
            opened.begin, lambda ctx: imports.mapping_list(ctx, party_id=_owner(ctx, supplier))
        )
    if as_json:
        say.document({"mappings": [one.name for one in found]})
        return
    for one in found:
        say.line(f"{one.name}: {len(one.columns)} columns", f"{one.name}：{len(one.columns)} 列")


@mappings.command("show")
def mapping_show(
    name: NameArgument, supplier: SupplierOption = None, world: WorldOption = None
) -> None:
    """Write a mapping as JSON, to be changed and saved again."""
    import json

    from weili.kit.world import in_transaction
    from weili.modules import imports

    with world_opened(world) as opened:
        found = in_transaction(
            opened.begin,
            lambda ctx: imports.mapping_get(ctx, party_id=_owner(ctx, supplier), name=name),
        )
    say.document(json.loads(imports.columns_write(found.columns)))


@mappings.command("remove")
def mapping_remove(
    name: NameArgument, supplier: SupplierOption = None, world: WorldOption = None
) -> None:
    """Remove a mapping."""
    from weili.kit.world import in_transaction
    from weili.modules import imports

    with world_opened(world) as opened:
        in_transaction(
            opened.begin,
            lambda ctx: imports.mapping_remove(ctx, party_id=_owner(ctx, supplier), name=name),
        )
    say.line(f"{name} is removed.", f"{name} 已删除。")


def _owner(ctx: "Ctx", supplier: str | None) -> "PartyId":
    """Find whose mapping is meant."""
    from weili.kit.context import SYSTEM_PARTY
    from weili.modules import parties

    if supplier is None:
        return SYSTEM_PARTY
    return parties.party_by_name(ctx, kind=parties.PartyKind.SUPPLIER, name=supplier).id


def columns_named(ctx: "Ctx", name: str | None, supplier_id: "PartyId | None") -> "Columns | None":
    """Find a mapping: the supplier's own of that name, or the operator's."""
    from weili.kit.context import SYSTEM_PARTY
    from weili.kit.problems import NotFound
    from weili.modules import imports

    if name is None:
        return None
    if supplier_id is not None:
        try:
            return imports.mapping_get(ctx, party_id=supplier_id, name=name).columns
        except NotFound:
            pass
    return imports.mapping_get(ctx, party_id=SYSTEM_PARTY, name=name).columns


def _categories(ctx: "Ctx", columns: "Columns | None") -> "frozenset[CategoryNames] | None":
    """Give the categories that a file may name; None where it may name new ones.

    A mapping that translates them means ours: a code that it does not list, or whose category is
    gone, is no new category.
    """
    from weili.modules import goods, imports

    if columns is None or not imports.has_own_categories(columns):
        return None
    return frozenset(goods.category_paths(ctx))


def _rows(file: Path, columns: "Columns | None") -> "SheetRows":
    """Read a file's rows as rows of our sheet."""
    from weili.adapters.files import SheetRows, sheet_rows
    from weili.modules import goods, imports

    if columns is None:
        return sheet_rows(file, aliases=goods.SHEET_ALIASES, required=goods.SHEET_REQUIRED)
    sheet = sheet_rows(file, required=sorted(imports.headings_of(columns)))
    return SheetRows(
        imports.headings_named(columns, sheet.headings),
        ((number, imports.mapped(columns, raw)) for number, raw in sheet),
    )


def _day_as_json(day: "DayReport") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(day) | {"on": day.on.isoformat(), "goods": report_json(day.goods)}


def _day_say(day: "DayReport") -> None:
    goods = day.goods
    say.line(
        f"{day.on}: {goods.created} new, {goods.updated} changed, {goods.prices_changed} prices,"
        f" {goods.bad_rows} left out; {day.repeated} repeated, {day.contradicted} contradicted,"
        f" {day.stale} older than known, {day.fallen} counts fell.",
        f"{day.on}：新增 {goods.created}，更新 {goods.updated}，价格变动 {goods.prices_changed}，"
        f"跳过 {goods.bad_rows}；重复 {day.repeated}，前后矛盾 {day.contradicted}，"
        f"早于已知 {day.stale}，计数回落 {day.fallen}。",
    )
    for text in bad_lines(goods):
        say.line(text, text)


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


def report_json(report: "ImportReport | PricesReport | ProposalsReport") -> dict[str, Any]:
    """Give a report as it is written for scripts, what is wrong in the user's language."""
    from dataclasses import asdict

    language = say.language()
    bad = [asdict(bad) | {"expected": bad.expected.text(language)} for bad in report.bad]
    return asdict(report) | {"bad": bad}


def _report_say(report: "ImportReport", as_json: bool) -> None:
    if as_json:
        say.document(report_json(report))
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
    for text in bad_lines(report):
        say.line(text, text)


def refusal(refused: "ImportRefused") -> str:
    """Say what is wrong with the sheet, row by row, and what leaves such rows out."""
    hint = say.words("  --skip-bad leaves wrong rows out.", "  加 --skip-bad 可跳过错误行。")
    return "\n".join([refused.text(say.language()), *bad_lines(refused.report), hint])


def _column_said(bad: "RowProblem") -> str:
    """Name a column as its file does, and as we do where that is something else."""
    if not bad.heading or bad.heading.casefold() == bad.column:
        return bad.heading or bad.column
    return say.words(f"{bad.heading} ({bad.column})", f"{bad.heading}（{bad.column}）")


def bad_lines(report: "ImportReport | PricesReport | ProposalsReport") -> list[str]:
    """Say what is wrong, row by row, up to a bound."""
    lines = [
        say.words(
            f"  row {bad.row}, {_column_said(bad)}: {bad.got!r}, expected {bad.expected.en}",
            f"  第 {bad.row} 行 {_column_said(bad)}：{bad.got!r}，应为{bad.expected.zh}",
        )
        for bad in report.bad[:BAD_SHOWN_MAX]
    ]
    left = report.bad_count - len(lines)
    if left > 0:
        lines.append(say.words(f"  … and {left} more", f"  …… 另有 {left} 处"))
    return lines
