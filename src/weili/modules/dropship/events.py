"""What is announced of orders, to the partner whose they are."""

from collections.abc import Mapping
from typing import Final

from weili.kit.context import EventType
from weili.modules.dropship.states import OrderState

_AFTER = "once for each change, after every earlier message of the same order"
_ORDER = {"order_id": "the order", "number": "the partner's own number", "state": "its state"}
_CHILD = {**_ORDER, "child_id": "the child order", "child_state": "the child order's state"}
_PACKAGE = {**_CHILD, "package_id": "the package"}

ORDER_PLACED: Final = EventType(
    "order.placed",
    "once for each order, before any other message of it",
    {**_ORDER, "total_minor": "goods and freight, in fen"},
)
ORDER_CONFIRMED: Final = EventType("order.confirmed", _AFTER, _ORDER)
BALANCE_TOO_LOW: Final = EventType(
    "order.balance_too_low",
    "once for each order that waits for your balance, right after its order.placed",
    {
        **_ORDER,
        "needed_minor": "what the order comes to, in fen",
        "available_minor": "what the balance had for it, in fen",
    },
)
ORDER_SPLIT: Final = EventType(
    "order.split",
    "whenever an order's children are others than before: read the order to see which",
    _ORDER,
)
ADDRESS_CHANGED: Final = EventType(
    "order.address_changed",
    _AFTER,
    {**_ORDER, "area_code": "where it goes now", "freight_minor": "its freight now, in fen"},
)
ORDER_RELEASED: Final = EventType("order.released", _AFTER, _CHILD)
ORDER_PICKING: Final = EventType("order.picking", _AFTER, _CHILD)
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
    "order.delivered",
    "once for each child order, when none of its packages is under way any more",
    {**_CHILD, "package_id": "the package that arrived last"},
)
INTERCEPT_FAILED: Final = EventType(
    "order.intercept_failed", "when a package that was to be stopped goes on", _PACKAGE
)
ORDER_RETURNING: Final = EventType(
    "order.returning",
    "once for each package that turns back",
    {**_PACKAGE, "reason": "refused (by the receiver) or intercepted"},
)
PARCEL_LOST: Final = EventType(
    "order.parcel_lost",
    "once for each package that is lost",
    {**_PACKAGE, "outcome": "refunded, or sent_again by a new child order"},
)
ORDER_REFUNDED: Final = EventType(
    "order.refunded",
    "once for each package whose money went back to the prepaid balance",
    {
        **_PACKAGE,
        "goods_minor": "the goods' amount, in fen",
        "freight_minor": "the freight, in fen; nothing when the package was carried there",
        "reason": "returned or lost",
    },
)
ORDER_COMPLETED: Final = EventType("order.completed", _AFTER, _CHILD)
ORDER_CANCELLED: Final = EventType(
    "order.cancelled",
    _AFTER,
    {**_CHILD, "reason": "asked, hold_expired, unpaid_expired, supplier_refused or short"},
)
CANCEL_REFUSED: Final = EventType("order.cancel_refused", _AFTER, _CHILD)

EVENTS: Final = (
    ORDER_PLACED,
    BALANCE_TOO_LOW,
    ORDER_CONFIRMED,
    ADDRESS_CHANGED,
    ORDER_SPLIT,
    ORDER_RELEASED,
    ORDER_PICKING,
    ORDER_SHIPPED,
    INTERCEPT_FAILED,
    ORDER_RETURNING,
    PARCEL_LOST,
    ORDER_REFUNDED,
    ORDER_DELIVERED,
    ORDER_COMPLETED,
    ORDER_CANCELLED,
    CANCEL_REFUSED,
)

CHILD_MOVED: Final[Mapping[OrderState, EventType]] = {
    OrderState.RELEASED: ORDER_RELEASED,
    OrderState.PICKING: ORDER_PICKING,
    OrderState.PART_SHIPPED: ORDER_SHIPPED,
    OrderState.SHIPPED: ORDER_SHIPPED,
    OrderState.DELIVERED: ORDER_DELIVERED,
    OrderState.COMPLETED: ORDER_COMPLETED,
    OrderState.CANCELLED: ORDER_CANCELLED,
}
"""What is announced when a child order comes to a state."""
