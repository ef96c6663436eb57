"""What a supplier prints: pick lists and masked waybills, as pages or as data."""

from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.adapters.papers import Paper, paper_pdf
from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, carry_out, respond
from weili.entrypoints.http.fields import Body, ChildIdIn, Document, WarehouseIdIn
from weili.kit.context import Ctx
from weili.modules import dropship
from weili.workflows.print_papers import pick_list_print, waybills_print

router = APIRouter(tags=["papers"])

PDF: Final = "application/pdf"
_PAGES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}
}


class PaperFormat(StrEnum):
    """How a paper is given."""

    JSON = "json"
    PDF = "pdf"


FormatIn = Annotated[PaperFormat, Field(strict=False)]


class PickListBody(Body):
    """Which wave: what waits longest in a warehouse."""

    warehouse_id: WarehouseIdIn
    limit: Annotated[int, Field(ge=1, le=dropship.WAVE_MAX, description="child orders")] = 20
    format: FormatIn = PaperFormat.JSON


class WaybillsBody(Body):
    """Which child orders."""

    child_ids: Annotated[list[ChildIdIn], Field(min_length=1, max_length=dropship.WAVE_MAX)]
    format: FormatIn = PaperFormat.JSON


class PaperGoodsOut(Document):
    """Pieces of an SKU, by the supplier's own code."""

    sku_id: answers.SkuIdOut
    supplier_code: str
    title: str
    variant: str
    quantity: int


class PickOrderOut(Document):
    """How many of the pieces go to one child order."""

    child_id: answers.ChildIdOut
    quantity: int


class PickSkuOut(PaperGoodsOut):
    """What to fetch of one SKU, and for whom."""

    orders: list[PickOrderOut]


class PickListOut(Document):
    """What to fetch for one wave."""

    warehouse_id: answers.WarehouseIdOut
    printed_at: answers.MomentOut
    child_ids: list[answers.ChildIdOut]
    skus: list[PickSkuOut]


class PaperRecipientOut(Document):
    """A recipient as a paper may show it: name, telephone number and room are hidden."""

    name: str
    phone: str
    area: str
    address: str


class WaybillOut(Document):
    """One waybill with its contents; without a number while the package has not left."""

    child_id: answers.ChildIdOut
    recipient: PaperRecipientOut
    carrier_name: str | None
    waybill_number: str | None
    goods: list[PaperGoodsOut]


class WaybillsOut(Document):
    """Waybills."""

    printed_at: answers.MomentOut
    items: list[WaybillOut]


@router.post("/v1/supply/papers:pickList", response_model=PickListOut, responses=_PAGES)
def paper_pick_list(call: CallIn, body: PickListBody) -> Response:
    """Print what is to be fetched for a warehouse's next wave; who printed is written down."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return pick_list_print(
            ctx,
            supplier_id=call.actor.party_id,
            warehouse_id=body.warehouse_id,
            limit=body.limit,
        )

    return _printed(carry_out(call, work), Paper.PICK_LIST, body.format)


@router.post("/v1/supply/papers:waybills", response_model=WaybillsOut, responses=_PAGES)
def paper_waybills(call: CallIn, body: WaybillsBody) -> Response:
    """Print masked waybills with their contents; who printed is written down for each."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return waybills_print(ctx, supplier_id=call.actor.party_id, child_ids=body.child_ids)

    return _printed(carry_out(call, work), Paper.WAYBILL, body.format)


def _printed(document: dict[str, Any], paper: Paper, form: PaperFormat) -> Response:
    """Answer with a paper; its pages are set after the transaction has ended."""
    if form is PaperFormat.JSON:
        return respond(document)
    return Response(paper_pdf(paper, document), media_type=PDF)
