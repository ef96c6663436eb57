"""The body of an order, read twice over: fast, and so that every fault is named.

msgspec reads the body of nearly every request, and stops at the first fault. Only a body that it
refuses is read again by the Pydantic models, which list all faults and also make the document of
the API. ``tests/properties/test_order_body.py`` holds the two together.
"""

from typing import Annotated, Any, Final, TypeVar

import msgspec
from pydantic import Field, ValidationError

from weili.entrypoints.http import fields
from weili.entrypoints.http.checks import (
    area_checked,
    line_checked,
    number_checked,
    phone_checked,
)
from weili.entrypoints.http.fields import (
    AddressIn,
    AmountIn,
    AreaIn,
    Body,
    NumberIn,
    PhoneIn,
    RecipientNameIn,
    SkuIdIn,
)
from weili.entrypoints.http.problems import body_invalid
from weili.kit.ids import id_parse
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.kit.problems import Problem
from weili.modules import dropship, goods

ORDERS_MAX: Final = 500


class RecipientBody(Body):
    """Whom the order is sent to."""

    name: RecipientNameIn
    phone: PhoneIn
    address: AddressIn


class LineBody(Body):
    """One line; with ``unit_price_minor`` the order is refused if the price is another."""

    sku_id: SkuIdIn
    quantity: Annotated[int, Field(ge=1, le=dropship.QUANTITY_MAX)]
    unit_price_minor: AmountIn | None = None


class OrderBody(Body):
    """An order. With ``hold`` it keeps stock and money for half an hour, until it is confirmed."""

    number: NumberIn
    area_code: AreaIn
    recipient: RecipientBody
    lines: Annotated[list[LineBody], Field(min_length=1, max_length=dropship.LINES_MAX)]
    hold: bool = False

    def draft(self) -> dropship.OrderDraft:
        """Give the draft that the body asks for."""
        to = self.recipient
        return dropship.OrderDraft(
            number=self.number,
            area_code=self.area_code,
            recipient=dropship.Recipient(to.name, to.phone, to.address),
            lines=tuple(
                dropship.LineDraft(line.sku_id, line.quantity, line.unit_price_minor)
                for line in self.lines
            ),
            hold=self.hold,
        )


class OrderBatchBody(Body):
    """Up to 500 orders, decided in this order, each with an outcome of its own."""

    orders: Annotated[list[OrderBody], Field(min_length=1, max_length=ORDERS_MAX)]


class RecipientFast(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """The fast twin of ``RecipientBody``."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=fields.NAME_MAX)]
    phone: str
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=fields.ADDRESS_MAX)]

    def __post_init__(self) -> None:
        line_checked(self.name)
        phone_checked(self.phone)
        line_checked(self.address)


class LineFast(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """The fast twin of ``LineBody``."""

    sku_id: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=dropship.QUANTITY_MAX)]
    unit_price_minor: Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MINOR_MAX)] | None = None


class OrderFast(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The fast twin of ``OrderBody``."""

    number: str
    area_code: str
    recipient: RecipientFast
    lines: Annotated[list[LineFast], msgspec.Meta(min_length=1, max_length=dropship.LINES_MAX)]
    hold: bool = False

    def __post_init__(self) -> None:
        number_checked(self.number)
        area_checked(self.area_code)

    def draft(self) -> dropship.OrderDraft:
        """Give the draft that the body asks for.

        Raises: IdMalformed.
        """
        to = self.recipient
        return dropship.OrderDraft(
            number=self.number,
            area_code=self.area_code,
            recipient=dropship.Recipient(to.name, to.phone, to.address),
            lines=tuple(
                dropship.LineDraft(
                    goods.SkuId(id_parse(goods.SKU_PREFIX, line.sku_id)),
                    line.quantity,
                    line.unit_price_minor,
                )
                for line in self.lines
            ),
            hold=self.hold,
        )


class OrderBatchFast(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The fast twin of ``OrderBatchBody``."""

    orders: Annotated[list[OrderFast], msgspec.Meta(min_length=1, max_length=ORDERS_MAX)]


_ORDER = msgspec.json.Decoder(OrderFast)
_BATCH = msgspec.json.Decoder(OrderBatchFast)
# What the fast readers raise: a RecursionError for brackets without end, a ValueError for a field
# or for bytes that are no UTF-8, a Problem for an id.
_REFUSALS: Final = (msgspec.MsgspecError, ValueError, RecursionError, Problem)

M = TypeVar("M", bound=Body)


def order_read(body: bytes) -> dropship.OrderDraft:
    """Read one order.

    Raises: InputInvalid, naming every field at fault; BodyUnreadable.
    """
    try:
        return _ORDER.decode(body).draft()
    except _REFUSALS:
        return _slowly(OrderBody, body).draft()


def orders_read(body: bytes) -> list[dropship.OrderDraft]:
    """Read a batch of orders.

    Raises: InputInvalid, naming every field at fault; BodyUnreadable.
    """
    try:
        return [order.draft() for order in _BATCH.decode(body).orders]
    except _REFUSALS:
        return [order.draft() for order in _slowly(OrderBatchBody, body).orders]


def _slowly(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise body_invalid(error) from None


def example() -> dict[str, Any]:
    """Give an order as a reader might send it."""
    return {
        "number": "A-1001",
        "area_code": "330106",
        "recipient": {
            "name": "欧阳小美",
            "phone": "13812345678",
            "address": "文三路 1 号 2 幢 301 室",
        },
        "lines": [{"sku_id": "sku_01jd3f8k2m4n6p8q0r2s4t6v8w", "quantity": 2}],
    }
