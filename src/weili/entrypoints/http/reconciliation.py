"""The daily lists that both sides compare, and what packages earned their suppliers."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from weili.entrypoints.http import money_answers
from weili.entrypoints.http.account import FromIn, ToIn, period_of
from weili.entrypoints.http.calls import Call, CallIn, read
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import LIMIT, AmountIn, Body, CursorIn, DayIn, LimitIn
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.money import CURRENCY
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules import dropship, goods, ledger

router = APIRouter(tags=["reconciliation"])

SHOWN_MAX: Final = 5_000
OnQuery = Annotated[DayIn, Query(description="a business day, in Shanghai's time")]


class ComparedBody(Body):
    """One order of your list: a partner's own number, or a supplier's child id, and its amount."""

    key: Annotated[str, Field(pattern="^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$")]
    amount_minor: AmountIn


class CompareBody(Body):
    """Your whole list of the day."""

    on: DayIn
    items: Annotated[list[ComparedBody], Field(max_length=dropship.COMPARE_MAX)]


@router.get(
    "/v1/reconciliation/{list_name}:export",
    response_class=StreamingResponse,
    responses=FILE,
)
def day_list_export(
    call: CallIn, list_name: dropship.ListName, on: OnQuery, format_: FormatQuery = "csv"
) -> Response:
    """Give a day's whole list as a file."""
    # Stands before the route of the page, whose path would take this one too.
    side = _side(call)

    def rows(ctx: Ctx) -> Iterator[Row]:
        return _rows(dropship.day_list_whole(ctx, side=side, name=list_name, on=on), call)

    return file_of(call, f"{list_name.value}-{on.isoformat()}", format_, rows)


@router.get("/v1/reconciliation/{list_name}", response_model=money_answers.DayListOut)
def day_list(
    call: CallIn,
    list_name: dropship.ListName,
    on: OnQuery,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List the child orders that came to something on a day, with the sums of the whole list."""
    side = _side(call)

    def work(ctx: Ctx) -> dict[str, Any]:
        found = dropship.day_list(ctx, side=side, name=list_name, on=on, cursor=cursor, limit=limit)
        totals = found.totals
        paid_minor = totals.goods_minor + totals.freight_minor
        return {
            "name": found.name,
            "on": found.on.isoformat(),
            "currency": CURRENCY,
            "totals": {
                "count": totals.count,
                "amount_minor": totals.cost_minor if side.is_supplier else paid_minor,
            },
            "items": [_listed(each, is_supplier=side.is_supplier) for each in found.items],
            "next_cursor": found.next_cursor,
        }

    return read(call, work)


@router.post("/v1/reconciliation/{list_name}:compare", response_model=money_answers.DifferencesOut)
def day_compare(call: CallIn, list_name: dropship.ListName, body: CompareBody) -> Response:
    """Hold your list of a day against ours; gives what is missing on either side, and what differs.

    Nothing is changed, so it needs no Idempotency-Key.
    """
    theirs = _theirs(body)

    def work(ctx: Ctx) -> dict[str, Any]:
        found = dropship.day_compare(
            ctx, side=_side(call), name=list_name, on=body.on, theirs=theirs
        )
        sorts = {
            "missing_here": found.missing_here,
            "missing_there": found.missing_there,
            "amount_differs": found.amount_differs,
        }
        return {
            "name": list_name,
            "on": body.on.isoformat(),
            "agrees": not any(sorts.values()),
            "ours": {"count": found.ours_count, "amount_minor": found.ours_minor},
            "theirs": {"count": found.theirs_count, "amount_minor": found.theirs_minor},
            **{f"{name}_count": len(each) for name, each in sorts.items()},
            **{
                name: [
                    {
                        "key": one.key,
                        "ours_minor": one.ours_minor,
                        "theirs_minor": one.theirs_minor,
                    }
                    for one in each[:SHOWN_MAX]
                ]
                for name, each in sorts.items()
            },
        }

    return read(call, work)


@router.get("/v1/supply/payables", response_model=money_answers.PayablesOut)
def payables(
    call: CallIn,
    from_at: FromIn = None,
    to_at: ToIn = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List what your packages earned, each by its order lines with their costs."""

    def work(ctx: Ctx) -> dict[str, Any]:
        begins_at, ends_at = period_of(ctx, (from_at, to_at))
        found = ledger.statement(
            ctx,
            party_id=call.actor.party_id,
            kind=ledger.AccountKind.SUPPLIER_PAYABLE,
            from_at=begins_at,
            to_at=ends_at,
            purposes=[COST],
            cursor=cursor,
            limit=limit,
        )
        lines = dropship.package_lines_costed(
            ctx, subjects=[entry.transfer.subject for entry in found.entries]
        )
        return {
            "from_at": moment(found.from_at),
            "to_at": moment(found.to_at),
            "currency": CURRENCY,
            "total_minor": sum(t.posted_minor for t in found.totals if t.purpose == COST),
            "items": [
                {
                    "transfer_id": id_text(ledger.TRANSFER_PREFIX, entry.transfer.id),
                    "package_id": entry.transfer.subject,
                    "occurred_at": moment(entry.transfer.occurred_at),
                    "amount_minor": entry.posted_minor,
                    "lines": [
                        {
                            "order_id": id_text(dropship.ORDER_PREFIX, line.order_id),
                            "child_id": id_text(dropship.CHILD_PREFIX, line.child_id),
                            "line_no": line.line_no,
                            "sku_id": id_text(goods.SKU_PREFIX, line.sku_id),
                            "quantity": line.quantity,
                            "unit_cost_minor": line.unit_cost_minor,
                            "cost_minor": line.cost_minor,
                        }
                        for line in lines.get(entry.transfer.subject, ())
                    ],
                }
                for entry in found.entries
            ],
            "next_cursor": found.next_cursor,
        }

    return read(call, work)


COST: Final = "cost"
"""The purpose of what a supplier is credited for a package."""


def _side(call: Call) -> Any:  # noqa: ANN401 - dropship's own
    if call.actor.role == "supplier":
        return dropship.supplier_side(call.actor.party_id)
    return dropship.partner_side(call.actor.party_id)


def _theirs(body: CompareBody) -> list[tuple[str, int]]:
    """Give the other side's list.

    Raises: InputInvalid, when an order is in it twice.
    """
    seen: set[str] = set()
    twice = []
    for at, item in enumerate(body.items):
        if item.key in seen:
            expected = Said("each order once", "每个订单只出现一次")
            twice.append(FieldProblem(f"/items/{at}/key", "twice", expected))
        seen.add(item.key)
    if twice:
        raise InputInvalid(fields=tuple(twice[:50]))
    return [(item.key, item.amount_minor) for item in body.items]


def _listed(each: dropship.Listed, *, is_supplier: bool) -> dict[str, Any]:
    paid_minor = each.goods_minor + each.freight_minor
    return {
        "at": moment(each.at),
        "order_id": id_text(dropship.ORDER_PREFIX, each.order_id),
        "child_id": id_text(dropship.CHILD_PREFIX, each.child_id),
        "number": None if is_supplier else each.number,
        "goods_minor": None if is_supplier else each.goods_minor,
        "freight_minor": None if is_supplier else each.freight_minor,
        "amount_minor": each.cost_minor if is_supplier else paid_minor,
    }


def _rows(found: Iterator[dropship.Listed], call: Call) -> Iterator[Row]:
    names = ("at", "order_id", "child_id", "number", "goods_minor", "freight_minor", "amount_minor")
    yield names
    for each in found:
        document = _listed(each, is_supplier=call.actor.role == "supplier")
        yield [document[name] for name in names]
