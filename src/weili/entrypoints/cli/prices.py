"""``weili import prices`` and ``weili prices``: a price list as a file, in and out."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    WorldOption,
    world_opened,
)
from weili.kit.problems import ANSWERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from weili.adapters.files import SheetRows
    from weili.kit.context import Begin, Ctx
    from weili.modules.goods import SkuId
    from weili.modules.imports import Columns
    from weili.modules.pricing import ListId
    from weili.workflows.import_prices import PricesReport

app = typer.Typer(help="Price lists.", no_args_is_help=True)
NOTE_MAX = 120

ListOption = Annotated[str, typer.Option("--list", help="The price list.")]


@app.callback()
def prices() -> None:
    """Price lists."""


def import_prices(  # noqa: PLR0917 - typer passes options by name
    file: SheetArgument,
    price_list: ListOption = "standard",
    supplier: Annotated[
        str | None, typer.Option("--supplier", help="Whose goods they are, where no column says.")
    ] = None,
    valid_from: Annotated[
        str, typer.Option("--valid-from", help="When prices begin, where no column says.")
    ] = "",
    valid_to: Annotated[
        str, typer.Option("--valid-to", help="When prices end, where no column says.")
    ] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what it would do, and change nothing.")
    ] = False,
    skip_bad: SkipBadOption = False,
    mapping: MappingOption = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import prices of a list, by quantity and time: all rows or none."""
    from weili.kit.world import in_transaction
    from weili.workflows import import_prices as workflow
    from weili.workflows.import_goods import ImportRefused

    span = {"valid_from": valid_from, "valid_to": valid_to}
    with world_opened(world) as opened:
        place = in_transaction(opened.begin, lambda ctx: _place(ctx, supplier, price_list))
        columns = in_transaction(
            opened.begin, lambda ctx: columns_named(ctx, mapping, place["default_supplier"])
        )
        try:
            sheet = _rows(file, columns, span)
            report = workflow.import_prices(
                opened.begin,
                rows=sheet,
                headings=sheet.headings,
                note=file.name[:NOTE_MAX],
                skip_bad=skip_bad,
                preview=preview,
                **place,
            )
        except ImportRefused as refused:
            if as_json:
                say.document(report_json(refused.report))
            say.fail(refusal(refused), ANSWERS[refused.kind].exit_code)
    _report_say(report, as_json)


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="The csv file to write.", dir_okay=False)],
    price_list: ListOption = "standard",
    world: WorldOption = None,
) -> None:
    """Write a list's prices as csv, to be changed and imported again."""
    from weili.adapters.files import csv_write
    from weili.kit.world import in_transaction

    with world_opened(world) as opened:
        place = in_transaction(opened.begin, lambda ctx: _place(ctx, None, price_list))
        with file.open("wb") as out:
            csv_write(out, _exported(opened.begin, place["list_id"]))
    say.line(f"{file} is written.", f"已写入 {file}。")


def _exported(begin: "Begin", list_id: "ListId") -> "Iterator[Sequence[str | int]]":
    from weili.kit.world import in_transaction
    from weili.modules import pricing

    yield pricing.PRICE_COLUMNS
    after: SkuId | None = None
    while True:
        page = in_transaction(begin, partial(_page, list_id=list_id, after=after))
        yield from (row for _, row in page)
        if not page:
            return
        after = page[-1][0]


def _page(
    ctx: "Ctx", list_id: "ListId", after: "SkuId | None"
) -> "list[tuple[SkuId, Sequence[str | int]]]":
    from weili.kit.ids import id_text
    from weili.kit.money import yuan_from_fen
    from weili.kit.pages import LIMIT_MAX
    from weili.kit.zone import BUSINESS_ZONE
    from weili.modules import goods, parties, pricing

    tiers = pricing.tiers_after(ctx, list_id=list_id, after=after, limit=LIMIT_MAX)
    skus = goods.skus_get(ctx, sku_ids=list({key.sku_id for key, *_ in tiers}))
    owners = parties.parties_get(ctx, party_ids=list({sku.supplier_id for sku in skus.values()}))
    page: list[tuple[SkuId, Sequence[str | int]]] = []
    for key, price_minor, *span in tiers:
        sku = skus[key.sku_id]
        moments = ("" if at is None else at.astimezone(BUSINESS_ZONE).isoformat(" ") for at in span)
        row: Sequence[str | int] = (
            owners[sku.supplier_id].name,
            sku.supplier_code,
            id_text(goods.SKU_PREFIX, sku.id),
            key.quantity_min,
            yuan_from_fen(price_minor),
            *moments,
        )
        page.append((key.sku_id, row))
    return page


def _place(ctx: "Ctx", supplier: str | None, price_list: str) -> dict[str, Any]:
    """Find what the import refers to by name."""
    from weili.kit.problems import NotFound
    from weili.modules import parties, pricing
    from weili.workflows.open_accounts import supplier_ids

    suppliers = supplier_ids(ctx)
    if supplier is not None and supplier not in suppliers:
        raise NotFound(what=parties.KIND_WORDS[parties.PartyKind.SUPPLIER], id=supplier)
    found = pricing.list_by_name(ctx, name=price_list)
    if found is None:
        raise NotFound(what=pricing.LIST_WORD, id=price_list)
    return {
        "suppliers": suppliers,
        "list_id": found.id,
        "default_supplier": suppliers[supplier] if supplier else None,
    }


def _rows(file: Path, columns: "Columns | None", span: "Mapping[str, str]") -> "SheetRows":
    """Read a file's rows as rows of prices; of a mapping of goods only what is asked here."""
    from weili.adapters.files import SheetRows, sheet_rows
    from weili.modules import imports, pricing

    rules = {
        name: rule
        for name, rule in (columns or {}).items()
        if name in {"supplier", "supplier_code", "price"}
    }
    headings = imports.headings_of(rules)
    aliases = {a: b for a, b in pricing.PRICE_ALIASES.items() if a not in headings}
    required = sorted(headings) if rules else ["price"]
    sheet = sheet_rows(file, aliases=aliases, required=required)

    def cells(raw: dict[str, str]) -> dict[str, str]:
        read = raw | imports.mapped(rules, raw)
        return read | {name: read.get(name) or given for name, given in span.items()}

    return SheetRows(
        {**sheet.headings, **imports.headings_named(rules, sheet.headings)},
        ((number, cells(raw)) for number, raw in sheet),
    )


def _report_say(report: "PricesReport", as_json: bool) -> None:
    if as_json:
        say.document(report_json(report))
        return
    say.line(
        f"{report.rows} rows: {report.first} first prices, {report.dearer} dearer,"
        f" {report.cheaper} cheaper, {report.same} the same, {report.bad_rows} left out;"
        f" {report.partners} partners pay them."
        f" Written: {report.prices_changed} from now on, {report.prices_planned} by time.",
        f"共 {report.rows} 行：首次定价 {report.first}，涨价 {report.dearer}，"
        f"降价 {report.cheaper}，无变化 {report.same}，跳过 {report.bad_rows}；"
        f"涉及合作方 {report.partners} 家。"
        f"写入：即时生效 {report.prices_changed}，按时间生效 {report.prices_planned}。",
    )
    for text in bad_lines(report):
        say.line(text, text)
