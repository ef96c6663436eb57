"""A partner's selections: what it sells, and at what retail price."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BeforeValidator, Field
from starlette.responses import Response, StreamingResponse

from weili.entrypoints.http import answers
from weili.entrypoints.http import catalogue_answers as shapes
from weili.entrypoints.http.calls import CallIn, change, read
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import (
    LIMIT,
    ROWS_MAX,
    Body,
    CategoryIdIn,
    CursorIn,
    LimitIn,
    ReasonIn,
    RecipientNameIn,
    SelectionIdIn,
    SkuIdIn,
)
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.money import AMOUNT_MINOR_MAX, yuan_from_fen
from weili.kit.pages import LIMIT_MAX, Page
from weili.modules import catalogue, goods
from weili.modules.catalogue import MarkupKind, MarkupRule, Rounding, SelectedSku

router = APIRouter(tags=["selections"])

_HEADINGS: Final = (
    "sku_id",
    "title",
    "variant",
    "cost_yuan",
    "retail_yuan",
    "suggested_price_yuan",
)


class SelectionBody(Body):
    """A new selection."""

    name: RecipientNameIn


class SelectedBody(Body):
    """SKUs to be put in, and SKUs to be taken out."""

    add: Annotated[list[SkuIdIn], Field(max_length=ROWS_MAX, default_factory=list)]
    remove: Annotated[list[SkuIdIn], Field(max_length=ROWS_MAX, default_factory=list)]


def _enumerated(kind: type[MarkupKind | Rounding]) -> BeforeValidator:
    """Take the text of a member, which a strict body would refuse."""
    return BeforeValidator(
        lambda value: kind(value) if isinstance(value, str) and value in set(kind) else value
    )


class MarkupBody(Body):
    """A rule: for one SKU, for a category and all below it, or for the whole selection."""

    kind: Annotated[MarkupKind, _enumerated(MarkupKind)]
    amount: Annotated[
        int,
        Field(
            ge=-AMOUNT_MINOR_MAX,
            le=AMOUNT_MINOR_MAX,
            description="basis points of your cost, or fen a piece; below 0 only with a reason",
        ),
    ]
    rounding: Annotated[Rounding, _enumerated(Rounding)] = Rounding.EXACT
    category_id: CategoryIdIn | None = None
    sku_id: SkuIdIn | None = None
    below_cost_reason: ReasonIn | None = None


class MarkupsBody(Body):
    """All rules of a selection."""

    rules: Annotated[list[MarkupBody], Field(max_length=catalogue.RULES_MAX)]


@router.post("/v1/selections", response_model=shapes.SelectionOut, status_code=201)
def selection_open(call: CallIn, body: SelectionBody) -> Response:
    """Open an empty selection."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return _selection(catalogue.selection_open(ctx, name=body.name))

    return change(call, work, status=201)


@router.get("/v1/selections", response_model=answers.PageOut[shapes.SelectionOut])
def selection_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List your selections."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return page(catalogue.selection_page(ctx, cursor=cursor, limit=limit).map(_selection))

    return read(call, work)


@router.delete("/v1/selections/{selection_id}", response_model=answers.DoneOut)
def selection_drop(call: CallIn, selection_id: SelectionIdIn) -> Response:
    """Remove a selection with what is in it."""

    def work(ctx: Ctx) -> dict[str, Any]:
        catalogue.selection_drop(ctx, selection_id=selection_id)
        return {"done": True}

    return read(call, work)


@router.get(
    "/v1/selections/{selection_id}/skus", response_model=answers.PageOut[shapes.SelectedOut]
)
def selected_page(
    call: CallIn, selection_id: SelectionIdIn, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List a selection's SKUs: what each costs you now, and what you sell it for by your rules."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = catalogue.selected_page(ctx, selection_id=selection_id, cursor=cursor, limit=limit)
        return page(rows.map(_selected))

    return read(call, work)


@router.put("/v1/selections/{selection_id}/skus", response_model=shapes.SelectedPutOut)
def selected_put(call: CallIn, selection_id: SelectionIdIn, body: SelectedBody) -> Response:
    """Put SKUs that you may order into a selection, and take others out."""

    def work(ctx: Ctx) -> dict[str, Any]:
        added, removed = catalogue.selected_put(
            ctx, selection_id=selection_id, add=body.add, remove=body.remove
        )
        return {"added": added, "removed": removed}

    return read(call, work)


@router.get("/v1/selections/{selection_id}/rules", response_model=shapes.MarkupsOut)
def markup_get(call: CallIn, selection_id: SelectionIdIn) -> Response:
    """Read a selection's mark-up rules."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return _markups(catalogue.markup_read(ctx, selection_id=selection_id))

    return read(call, work)


@router.put("/v1/selections/{selection_id}/rules", response_model=shapes.MarkupsOut)
def markup_put(call: CallIn, selection_id: SelectionIdIn, body: MarkupsBody) -> Response:
    """Set all mark-up rules of a selection: the narrowest that fits an SKU counts.

    The price is your cost with the mark-up, rounded up: to the fen, to 10 fen, to the yuan, or to
    the next price that ends in .90 or .99. It is never below your cost, but by a rule that says
    why.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        markups = [MarkupRule(**dict(rule)) for rule in body.rules]
        catalogue.markup_put(ctx, selection_id=selection_id, markups=markups)
        return _markups(markups)

    return read(call, work)


@router.get(
    "/v1/selections/{selection_id}/export", response_class=StreamingResponse, responses=FILE
)
def selected_export(
    call: CallIn, selection_id: SelectionIdIn, format_: FormatQuery = "csv"
) -> Response:
    """Read a selection as a file: what is offered, at cost and retail price in yuan."""

    def rows(ctx: Ctx) -> Iterator[Row]:
        lot = _lot(ctx, selection_id, None)
        yield _HEADINGS
        while True:
            yield from (_row(item) for item in lot.items if item.title is not None)
            if lot.next_cursor is None:
                return
            lot = _lot(ctx, selection_id, lot.next_cursor)

    return file_of(call, "selection", format_, rows)


def _lot(ctx: Ctx, selection_id: catalogue.SelectionId, cursor: str | None) -> Page[SelectedSku]:
    return catalogue.selected_page(ctx, selection_id=selection_id, cursor=cursor, limit=LIMIT_MAX)


def _row(item: SelectedSku) -> Row:
    amounts_minor = (
        item.unit_cost_minor,
        item.retail.retail_price_minor if item.retail else None,
        item.compare_at_minor,
    )
    return (
        id_text(goods.SKU_PREFIX, item.sku_id),
        item.title,
        item.variant,
        *(None if each is None else yuan_from_fen(each) for each in amounts_minor),
    )


def _selection(selection: catalogue.Selection) -> dict[str, Any]:
    return {
        "id": id_text(catalogue.SELECTION_PREFIX, selection.id),
        "name": selection.name,
        "created_at": moment(selection.created_at),
    }


def _selected(item: SelectedSku) -> dict[str, Any]:
    retail = item.retail
    reason = retail.rule.below_cost_reason if retail and retail.rule else None
    return {
        "sku_id": id_text(goods.SKU_PREFIX, item.sku_id),
        "offered": item.title is not None,
        "title": item.title,
        "variant": item.variant,
        "unit_cost_minor": item.unit_cost_minor,
        "retail_price_minor": retail.retail_price_minor if retail else None,
        "below_cost_reason": reason if retail and retail.is_below_cost else None,
        "suggested_price_minor": item.compare_at_minor,
    }


def _markups(rules: list[MarkupRule]) -> dict[str, Any]:
    return {
        "rules": [
            {
                "kind": rule.kind.value,
                "amount": rule.amount,
                "rounding": rule.rounding.value,
                "category_id": rule.category_id
                and id_text(goods.CATEGORY_PREFIX, rule.category_id),
                "sku_id": rule.sku_id and id_text(goods.SKU_PREFIX, rule.sku_id),
                "below_cost_reason": rule.below_cost_reason,
            }
            for rule in rules
        ]
    }
