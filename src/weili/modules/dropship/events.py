"""What is announced of orders, to the partner whose they are."""

from collections.abc import Mapping
from typing import Final

from weili.kit.context import EventType
from weili.modules.dropship.model import OrderState

_AFTER = "once for each change, after every earlier message of the same order"
_ORDER = {"order_id": "the order", "number": "the partner's own number", "state": "its state"}
_CHILD = {**_ORDER, "child_id": "the child order", "child_state": "the child order's state"}

ORDER_PLACED: Final = EventType(
    "order.placed",
    "once for each order, before any other message of it",
    {**_ORDER, "total_minor": "goods and freight, in fen"},
)
ORDER_CONFIRMED: Final = EventType("order.confirmed", _AFTER, _ORDER)
ORDER_RELEASED: Final = EventType("order.released", _AFTER, _CHILD)
ORDER_SHIPPED: Final = EventType(
    "order.shipped",
    _AFTER,
    {
        **_CHILD,
        "package_id": "the package",
        "carrier_code": "who carries it",
        "waybill_number": "the carrier's number",
    },
)
ORDER_DELIVERED: Final = EventType(
    "order.delivered", _AFTER, {**_CHILD, "package_id": "the package"}
)
ORDER_COMPLETED: Final = EventType("order.completed", _AFTER, _CHILD)
ORDER_CANCELLED: Final = EventType(
    "order.cancelled",
    _AFTER,
    {**_CHILD, "reason": "asked, hold_expired or supplier_refused"},
)
CANCEL_REFUSED: Final = EventType("order.cancel_refused", _AFTER, _CHILD)

EVENTS: Final = (
    ORDER_PLACED,
    ORDER_CONFIRMED,
    ORDER_RELEASED,
    ORDER_SHIPPED,
    ORDER_DELIVERED,
    ORDER_COMPLETED,
    ORDER_CANCELLED,
    CANCEL_REFUSED,
)

CHILD_MOVED: Final[Mapping[OrderState, EventType]] = {
    OrderState.RELEASED: ORDER_RELEASED,
    OrderState.PART_SHIPPED: ORDER_SHIPPED,
    OrderState.SHIPPED: ORDER_SHIPPED,
    OrderState.DELIVERED: ORDER_DELIVERED,
    OrderState.COMPLETED: ORDER_COMPLETED,
    OrderState.CANCELLED: ORDER_CANCELLED,
}
"""What is announced when a child order comes to a state."""
