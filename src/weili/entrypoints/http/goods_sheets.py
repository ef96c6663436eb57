"""The operator's sheets of goods: what a file is headed, mappings of columns, and the import."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path as File
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from weili.adapters.files import SheetRows, sheet_rows
from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, carry_out, read, respond
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import (
    TEXT_PATTERN,
    Body,
    Document,
    ListIdIn,
    PoolIdIn,
)
from weili.entrypoints.http.price_sheets import SupplierQuery
from weili.entrypoints.http.sheets import (
    SHEET_BODY,
    BadOut,
    SkipQuery,
    bad_documents,
    sheet_kept,
)
from weili.kit.context import SYSTEM, SYSTEM_PARTY, Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.pages import LIMIT_MAX
from weili.kit.problems import NotFound
from weili.modules import goods, imports, inventory, parties
from weili.workflows.import_goods import import_goods
from weili.workflows.open_accounts import supplier_ids

router = APIRouter(tags=["operator: goods"])

SHOWN_ROWS_MAX: Final = 20
SHOWN_TEXT_MAX: Final = 200
COLUMNS_MAX: Final = 100
CountOut = Annotated[int, Field(ge=0)]
NameIn = Annotated[
    str,
    Path(
        min_length=1,
        max_length=60,
        pattern=TEXT_PATTERN,
        description="what the mapping is called",
    ),
]
MappingQuery = Annotated[
    str | None,
    Query(
        max_length=60,
        pattern=TEXT_PATTERN,
        description="a saved mapping; our own headings if none",
    ),
]
ShelfQuery = Annotated[bool, Query(description="put new goods on the shelf, too")]
PreviewQuery = Annotated[bool, Query(description="say what it would do, and change nothing")]
ShownQuery = Annotated[int, Query(ge=0, le=SHOWN_ROWS_MAX, description="how many rows to show")]
ColumnIn = Annotated[str, Field(min_length=1, max_length=60)]


class HeadingOut(Document):
    """What a column is called in the file, and which of ours that is understood as."""

    heading: str
    column: str | None


class SheetHeadOut(Document):
    """What a sheet is headed, its first rows in that order, and the columns that there are."""

    headings: list[HeadingOut]
    rows: list[list[str]]
    columns: list[str]
    required: list[str]


class MappingBody(Body):
    """Of each of our columns where it comes from: the heading of the file, or a rule."""

    columns: Annotated[dict[ColumnIn, Any], Field(max_length=COLUMNS_MAX)]


class MappingOut(Document):
    """A saved mapping."""

    name: str
    columns: dict[str, Any]
    changed_at: answers.MomentOut


class MappingsOut(Document):
    """The saved mappings by name, at most 200."""

    items: list[MappingOut]


class GoodsSheetOut(Document):
    """What came, or would come, of a sheet; rows that were left out."""

    rows: CountOut
    created: CountOut
    updated: CountOut
    unchanged: CountOut
    prices_changed: CountOut
    costs_changed: CountOut
    stock_changed: CountOut
    shelved: CountOut
    pooled: CountOut
    bad_rows: CountOut
    bad_count: CountOut
    bad: list[BadOut]


@router.post("/v1/operator/sheets:read", response_model=SheetHeadOut, openapi_extra=SHEET_BODY)
def sheet_read(call: CallIn, rows: ShownQuery = 5) -> Response:
    """Say what a sheet (csv or xlsx) is headed, with its first rows; nothing is kept of it."""
    carry_out(call, lambda _: None)
    with sheet_kept(call) as file:
        understood = {
            heading: column
            for column, heading in sheet_rows(file, aliases=goods.SHEET_ALIASES).headings.items()
            if column in goods.SHEET_COLUMNS
        }
        sheet = sheet_rows(file)
        names = {column: heading for column, heading in sheet.headings.items() if column}
        shown = [
            [cells.get(column, "")[:SHOWN_TEXT_MAX] for column in names]
            for _, cells in islice(sheet, rows)
        ]
    return respond(
        {
            "headings": [
                {"heading": heading, "column": understood.get(heading)}
                for heading in names.values()
            ],
            "rows": shown,
            "columns": list(goods.SHEET_COLUMNS),
            "required": list(goods.SHEET_REQUIRED),
        }
    )


@router.get("/v1/operator/sheet-mappings", response_model=MappingsOut)
def mapping_list(call: CallIn) -> Response:
    """List the operator's saved mappings."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = imports.mapping_list(ctx, party_id=SYSTEM_PARTY)
        return {"items": [_mapping_document(each) for each in found]}

    return read(call, work)


@router.put("/v1/operator/sheet-mappings/{name}", response_model=MappingOut)
def mapping_put(call: CallIn, name: NameIn, body: MappingBody) -> Response:
    """Save a mapping under a name; one of that name is replaced."""

    def work(ctx: Ctx) -> dict[str, Any]:
        # Written with escapes: half a character, which no text is made of, is refused as read.
        text = json.dumps(body.columns).encode()
        saved = imports.mapping_put(ctx, party_id=SYSTEM_PARTY, name=name, text=text)
        return _mapping_document(saved)

    return read(call, work)


@router.delete("/v1/operator/sheet-mappings/{name}", response_model=answers.DoneOut)
def mapping_remove(call: CallIn, name: NameIn) -> Response:
    """Remove a mapping."""

    def work(ctx: Ctx) -> dict[str, bool]:
        imports.mapping_remove(ctx, party_id=SYSTEM_PARTY, name=name)
        return {"done": True}

    return read(call, work)


@router.post("/v1/operator/goods:upload", response_model=GoodsSheetOut, openapi_extra=SHEET_BODY)
def operator_goods_upload(
    call: CallIn,
    *,
    list_id: Annotated[ListIdIn, Query(description="where prices go")],
    pool_id: Annotated[PoolIdIn, Query(description="which pool the goods go into")],
    supplier_id: SupplierQuery = None,
    mapping: MappingQuery = None,
    on_shelf: ShelfQuery = True,
    skip_bad: SkipQuery = False,
    preview: PreviewQuery = False,
) -> Response:
    """Import goods with costs, prices and stock from a sheet (csv or xlsx), all rows or none.

    The same sheet again changes nothing, so there is no key to give. It sets prices and stock, so
    the key also needs `admin:prices` and `admin:stock`.
    """
    place = carry_out(call, lambda ctx: _place(ctx, supplier_id, mapping))
    with sheet_kept(call) as file:
        sheet = _rows(file, place.columns)
        report = import_goods(
            call.world.begin_as(call.actor),
            rows=sheet,
            headings=sheet.headings,
            suppliers=place.suppliers,
            warehouses=place.warehouses,
            price_list_id=list_id,
            pool_id=pool_id,
            default_supplier=supplier_id,
            categories=place.categories,
            on_shelf=on_shelf,
            skip_bad=skip_bad,
            preview=preview,
        )
    return respond(asdict(report) | {"bad": bad_documents(call, report.bad)})


class _Place(msgspec.Struct, frozen=True):
    """What an import refers to."""

    suppliers: Mapping[str, PartyId]
    warehouses: Mapping[PartyId, Sequence[inventory.WarehouseId]]
    columns: imports.Columns | None
    categories: frozenset[goods.CategoryNames] | None


def _place(ctx: Ctx, named: PartyId | None, mapping: str | None) -> _Place:
    """Find what an import refers to; the operator's mapping where one is named.

    Raises: Forbidden; NotFound.
    """
    for scope in ("admin:goods", "admin:prices", "admin:stock"):
        ctx.require(scope)
    # Who may import goods may name in them whose they are, and need not keep the parties.
    suppliers = supplier_ids(ctx.acting(SYSTEM))
    if named is not None and named not in suppliers.values():
        word = parties.KIND_WORDS[parties.PartyKind.SUPPLIER]
        raise NotFound(what=word, id=id_text(parties.PARTY_PREFIX, named))
    warehouses: dict[PartyId, list[inventory.WarehouseId]] = {}
    cursor: str | None = None
    while True:
        found = inventory.warehouse_page(ctx, cursor=cursor, limit=LIMIT_MAX)
        for warehouse in found.items:
            warehouses.setdefault(warehouse.supplier_id, []).append(warehouse.id)
        cursor = found.next_cursor
        if cursor is None:
            break
    columns = (
        None
        if mapping is None
        else imports.mapping_get(ctx, party_id=SYSTEM_PARTY, name=mapping).columns
    )
    is_bound = columns is not None and imports.has_own_categories(columns)
    categories = frozenset(goods.category_paths(ctx)) if is_bound else None
    return _Place(suppliers, warehouses, columns, categories)


def _rows(file: File, columns: imports.Columns | None) -> SheetRows:
    """Read a file's rows as rows of our sheet: by a mapping, or by our own headings."""
    if columns is None:
        return sheet_rows(file, aliases=goods.SHEET_ALIASES, required=goods.SHEET_REQUIRED)
    sheet = sheet_rows(file, required=sorted(imports.headings_of(columns)))
    return SheetRows(
        imports.headings_named(columns, sheet.headings),
        ((number, imports.mapped(columns, raw)) for number, raw in sheet),
    )


def _mapping_document(mapping: imports.SheetMapping) -> dict[str, Any]:
    return {
        "name": mapping.name,
        "columns": msgspec.json.decode(imports.columns_write(mapping.columns)),
        "changed_at": moment(mapping.changed_at),
    }
