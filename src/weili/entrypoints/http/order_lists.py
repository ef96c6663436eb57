"""What lists of orders are filtered by, their counts and their files, whoever asks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import Depends, Query
from pydantic import Field

from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.exports import Row
from weili.entrypoints.http.fields import Document, MomentIn, NumberIn, PhoneIn
from weili.entrypoints.http.order_shown import masked
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules import dropship, goods, parties

EXPORT_ROWS_MAX: Final = 200_000
"""A file is made in one transaction, within some tens of seconds."""
ORDERS_AT_ONCE: Final = 200

StateQuery = Annotated[dropship.OrderState | None, Query(description="only in this state")]
AttentionQuery = Annotated[
    bool,
    Query(
        alias="needs_attention",
        description="only those that wait for money or for an answer, are on their way back, or "
        "have not left 48 hours after they were placed",
    ),
]
NumberQuery = Annotated[NumberIn | None, Query(description="the partner's own number, whole")]
PhoneQuery = Annotated[PhoneIn | None, Query(description="the recipient's phone number, in full")]
FromQuery = Annotated[MomentIn | None, Query(alias="from", description="placed then or later")]
ToQuery = Annotated[MomentIn | None, Query(alias="to", description="placed before then")]

HEAD: Final = (
    "order_id",
    "number",
    "partner",
    "state",
    "placed_at",
    "recipient_name",
    "recipient_phone",
    "area_code",
    "child_id",
    "child_state",
    "supplier",
    "line_no",
    "sku_id",
    "supplier_code",
    "title",
    "quantity",
    "shipped",
    "unit_price_minor",
    "amount_minor",
    "freight_minor",
    "waybills",
)

CountOut = Annotated[int, Field(ge=0, le=dropship.COUNT_MAX)]


class StateCountOut(Document):
    """How many orders are in a state; ``more``: there are more than this."""

    state: dropship.OrderState
    count: CountOut
    more: bool


class OrderCountsOut(Document):
    """How many orders there are of each state, and that need attention, up to 10,000 of each."""

    states: list[StateCountOut]
    attention: CountOut
    attention_more: bool


async def found_by(
    *,
    number: NumberQuery = None,
    phone: PhoneQuery = None,
    from_at: FromQuery = None,
    to_at: ToQuery = None,
) -> dropship.Sought:
    """Read what orders of any state are found by.

    Raises: InputInvalid for a period that ends before it begins.
    """
    if from_at and to_at and from_at > to_at:
        expected = Said("a moment before `to`", "早于 `to` 的时刻")
        raise InputInvalid(fields=(FieldProblem("?from", "after_to", expected),))
    return dropship.Sought(number=number, phone=phone, placed_from=from_at, placed_to=to_at)


FoundByIn = Annotated[dropship.Sought, Depends(found_by)]
"""What counts of orders are filtered by."""


async def sought_by(
    found: FoundByIn, *, state: StateQuery = None, is_attention: AttentionQuery = False
) -> dropship.Sought:
    """Read what lists of orders are filtered by."""
    return replace(found, state=state, needs_attention=is_attention)


SoughtIn = Annotated[dropship.Sought, Depends(sought_by)]
"""What lists of orders, and files of them, are filtered by."""


def counts_document(counted: dropship.Counted) -> dict[str, Any]:
    """Show counts."""
    return {
        "states": [
            {"state": state.value, "count": count, "more": state in counted.more}
            for state, count in counted.states.items()
        ],
        "attention": counted.attention,
        "attention_more": counted.is_attention_more,
    }


def titles_of(ctx: Ctx, orders: Sequence[dropship.Order]) -> dict[goods.SkuId, goods.Sku]:
    """Give the goods that orders are of."""
    ids = {line.sku_id for order in orders for child in order.children for line in child.lines}
    return goods.skus_get(ctx, sku_ids=sorted(ids)) if ids else {}


def title_of(sku: goods.Sku) -> str:
    """Say what goods are called."""
    return " · ".join(filter(None, (sku.title, sku.variant)))


def names_of(ctx: Ctx, party_ids: set[PartyId]) -> dict[PartyId, str]:
    """Say what parties are called."""
    found = parties.parties_get(ctx, party_ids=party_ids) if party_ids else {}
    return {party_id: party.name for party_id, party in found.items()}


def export_rows(ctx: Ctx, *, sought: dropship.Sought, is_operator: bool) -> Iterator[Row]:
    """Give a row for each line of the orders that are sought.

    A partner sees no supplier and no supplier's code in it.

    Raises: Forbidden; OrdersTooMany.
    """
    yield HEAD
    orders = dropship.orders_walk(ctx, sought=sought)
    count = 0
    while some := list(islice(orders, ORDERS_AT_ONCE)):
        skus = titles_of(ctx, some)
        ids = {order.partner_id for order in some}
        if is_operator:
            ids |= {child.supplier_id for order in some for child in order.children}
        names = names_of(ctx, ids)
        for order in some:
            for row in _rows(ctx, order, skus, names):
                count += 1
                if count > EXPORT_ROWS_MAX:
                    raise dropship.OrdersTooMany(rows_max=EXPORT_ROWS_MAX)
                yield row if is_operator else (*row[:10], None, *row[11:13], None, *row[14:])


def _rows(
    ctx: Ctx,
    order: dropship.Order,
    skus: dict[goods.SkuId, goods.Sku],
    names: dict[PartyId, str],
) -> Iterator[Row]:
    to = masked(ctx, order)
    for child in order.children:
        if child.state is dropship.OrderState.SPLIT:
            continue
        waybills = " ".join(
            package.waybill_number for package in order.packages if package.child_id == child.id
        )
        for line in child.lines:
            sku = skus.get(line.sku_id)
            yield (
                id_text(dropship.ORDER_PREFIX, order.id),
                order.number,
                names.get(order.partner_id),
                order.state.value,
                moment(order.placed_at),
                to["name"],
                to["phone"],
                order.area_code,
                id_text(dropship.CHILD_PREFIX, child.id),
                child.state.value,
                names.get(child.supplier_id),
                line.line_no,
                id_text(goods.SKU_PREFIX, line.sku_id),
                sku.supplier_code if sku else None,
                title_of(sku) if sku else None,
                line.quantity,
                line.shipped,
                line.unit_price_minor,
                line.amount_minor,
                line.freight_minor,
                waybills,
            )
