"""A price list from a sheet, as ``weili import prices`` takes it in."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from weili.adapters.files import sheet_rows
from weili.entrypoints.http.calls import CallIn, carry_out, respond
from weili.entrypoints.http.fields import (
    TEXT_OR_NONE_PATTERN,
    Document,
    ListIdIn,
    PartyIdIn,
)
from weili.entrypoints.http.sheets import (
    SHEET_BODY,
    BadOut,
    SkipQuery,
    bad_documents,
    sheet_kept,
)
from weili.kit.context import SYSTEM, Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.problems import NotFound
from weili.modules import parties, pricing
from weili.workflows.import_prices import import_prices
from weili.workflows.open_accounts import supplier_ids

router = APIRouter(tags=["operator: prices"])

NOTE_MAX: Final = 120
CountOut = Annotated[int, Field(ge=0)]
SupplierQuery = Annotated[
    PartyIdIn | None, Query(description="whose goods they are, where no column says")
]
PreviewQuery = Annotated[bool, Query(description="say what it would do, and change nothing")]
NoteQuery = Annotated[
    str,
    Query(
        max_length=NOTE_MAX,
        pattern=TEXT_OR_NONE_PATTERN,
        description="what the changes are called",
    ),
]


class PriceSheetOut(Document):
    """Rows by what is asked now; `partners` pay one of them; changed now, or planned by time."""

    rows: CountOut
    first: CountOut
    dearer: CountOut
    cheaper: CountOut
    same: CountOut
    partners: CountOut
    prices_changed: CountOut
    prices_planned: CountOut
    bad_rows: CountOut
    bad_count: CountOut
    bad: list[BadOut]


@router.post(
    "/v1/operator/price-lists/{list_id}/prices:upload",
    response_model=PriceSheetOut,
    openapi_extra=SHEET_BODY,
)
def prices_upload(
    call: CallIn,
    *,
    list_id: ListIdIn,
    supplier_id: SupplierQuery = None,
    skip_bad: SkipQuery = False,
    preview: PreviewQuery = False,
    note: NoteQuery = "",
) -> Response:
    """Set a list's prices from a sheet (csv or xlsx), all of its rows or none.

    The same sheet again changes nothing, so there is no key to give.
    """
    suppliers = carry_out(call, lambda ctx: _suppliers(ctx, supplier_id))
    with sheet_kept(call) as file:
        rows = sheet_rows(file, aliases=pricing.PRICE_ALIASES, required=["price"])
        report = import_prices(
            call.world.begin_as(call.actor),
            rows=rows,
            headings=rows.headings,
            list_id=list_id,
            suppliers=suppliers,
            note=note,
            default_supplier=supplier_id,
            skip_bad=skip_bad,
            preview=preview,
        )
    return respond(asdict(report) | {"bad": bad_documents(call, report.bad)})


def _suppliers(ctx: Ctx, named: PartyId | None) -> Mapping[str, PartyId]:
    """Give the suppliers whom a sheet may name.

    Raises: NotFound, when the one that was named beside it is none of them.
    """
    # Who may set prices may name in them whom they concern, and need not keep the parties.
    suppliers = supplier_ids(ctx.acting(SYSTEM))
    if named is not None and named not in suppliers.values():
        word = parties.KIND_WORDS[parties.PartyKind.SUPPLIER]
        raise NotFound(what=word, id=id_text(parties.PARTY_PREFIX, named))
    return suppliers
