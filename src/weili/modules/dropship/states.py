"""Where orders, child orders and packages stand, and the steps between."""

from enum import StrEnum
from typing import Final

from weili.kit.states import StateTable


class OrderState(StrEnum):
    """Where a root order or a child order stands."""

    WAITING_FUNDS = "waiting_funds"
    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    PICKING = "picking"
    CANCELLING = "cancelling"
    PART_SHIPPED = "part_shipped"
    SHIPPED = "shipped"
    INTERCEPTING = "intercepting"
    RETURNING = "returning"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    SPLIT = "split"


class PackageState(StrEnum):
    """Where a package is."""

    SHIPPED = "shipped"
    INTERCEPTING = "intercepting"
    RETURNING = "returning"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


_S = OrderState
_P = PackageState

CHILD_STATES: Final[StateTable[OrderState]] = StateTable(
    name="child order",
    name_zh="子单",
    initial=frozenset({_S.WAITING_FUNDS, _S.HELD, _S.CONFIRMED}),
    steps={
        _S.WAITING_FUNDS: frozenset({_S.CONFIRMED, _S.CANCELLED}),
        _S.HELD: frozenset({_S.CONFIRMED, _S.CANCELLED}),
        _S.CONFIRMED: frozenset({_S.RELEASED, _S.CANCELLING, _S.CANCELLED, _S.SPLIT}),
        _S.RELEASED: frozenset(
            {_S.PICKING, _S.CANCELLING, _S.CANCELLED, _S.SPLIT, _S.PART_SHIPPED, _S.SHIPPED}
        ),
        _S.PICKING: frozenset({_S.CANCELLING, _S.CANCELLED, _S.SPLIT, _S.PART_SHIPPED, _S.SHIPPED}),
        _S.CANCELLING: frozenset({_S.CANCELLED, _S.RELEASED, _S.PART_SHIPPED, _S.SHIPPED}),
        _S.PART_SHIPPED: frozenset(
            {_S.SHIPPED, _S.INTERCEPTING, _S.RETURNING, _S.DELIVERED, _S.REFUNDED}
        ),
        _S.SHIPPED: frozenset({_S.INTERCEPTING, _S.RETURNING, _S.DELIVERED, _S.REFUNDED}),
        _S.INTERCEPTING: frozenset({_S.SHIPPED, _S.RETURNING, _S.DELIVERED, _S.REFUNDED}),
        _S.RETURNING: frozenset({_S.DELIVERED, _S.REFUNDED}),
        _S.DELIVERED: frozenset({_S.COMPLETED}),
        _S.COMPLETED: frozenset(),
        _S.REFUNDED: frozenset(),
        _S.CANCELLED: frozenset(),
        _S.SPLIT: frozenset(),
    },
)
"""From the last package on, a child's state follows from its packages (``rules.child_state``). A
child whose pieces all went to other children is ``split`` and no longer one of the order's."""

ROOT_STATES: Final[StateTable[OrderState]] = StateTable(
    name="order",
    name_zh="订单",
    initial=CHILD_STATES.initial,
    steps={
        _S.WAITING_FUNDS: frozenset({_S.CONFIRMED, _S.CANCELLED}),
        _S.HELD: frozenset({_S.CONFIRMED, _S.CANCELLED}),
        _S.CONFIRMED: frozenset(
            {_S.RELEASED, _S.PICKING, _S.CANCELLING, _S.PART_SHIPPED, _S.REFUNDED, _S.CANCELLED}
        ),
        _S.RELEASED: frozenset(
            {
                _S.CONFIRMED,
                _S.PICKING,
                _S.CANCELLING,
                _S.PART_SHIPPED,
                _S.SHIPPED,
                _S.REFUNDED,
                _S.CANCELLED,
            }
        ),
        _S.PICKING: frozenset(
            {_S.CONFIRMED, _S.CANCELLING, _S.PART_SHIPPED, _S.SHIPPED, _S.REFUNDED, _S.CANCELLED}
        ),
        _S.CANCELLING: frozenset(
            {
                _S.CONFIRMED,
                _S.RELEASED,
                _S.PICKING,
                _S.PART_SHIPPED,
                _S.SHIPPED,
                _S.REFUNDED,
                _S.CANCELLED,
            }
        ),
        _S.PART_SHIPPED: frozenset(
            {
                _S.CONFIRMED,
                _S.RELEASED,
                _S.PICKING,
                _S.CANCELLING,
                _S.SHIPPED,
                _S.INTERCEPTING,
                _S.RETURNING,
                _S.DELIVERED,
                _S.COMPLETED,
                _S.REFUNDED,
            }
        ),
        _S.SHIPPED: frozenset(
            {
                _S.CONFIRMED,
                _S.PART_SHIPPED,
                _S.INTERCEPTING,
                _S.RETURNING,
                _S.DELIVERED,
                _S.COMPLETED,
                _S.REFUNDED,
            }
        ),
        _S.INTERCEPTING: frozenset(
            {
                _S.CONFIRMED,
                _S.PART_SHIPPED,
                _S.SHIPPED,
                _S.RETURNING,
                _S.DELIVERED,
                _S.COMPLETED,
                _S.REFUNDED,
            }
        ),
        _S.RETURNING: frozenset({_S.DELIVERED, _S.COMPLETED, _S.REFUNDED}),
        _S.DELIVERED: frozenset({_S.COMPLETED}),
        _S.COMPLETED: frozenset(),
        _S.REFUNDED: frozenset(),
        _S.CANCELLED: frozenset(),
    },
)
"""A root's state is a function of its children's (``rules.root_state``); these are the steps that
function can take. While some children wait, others may have gone further, and a lost parcel that
is sent again begins anew."""

PACKAGE_STATES: Final[StateTable[PackageState]] = StateTable(
    name="package",
    name_zh="包裹",
    initial=frozenset({_P.SHIPPED}),
    steps={
        _P.SHIPPED: frozenset({_P.INTERCEPTING, _P.RETURNING, _P.DELIVERED, _P.LOST}),
        _P.INTERCEPTING: frozenset({_P.SHIPPED, _P.RETURNING, _P.DELIVERED, _P.LOST}),
        _P.RETURNING: frozenset({_P.RETURNED, _P.LOST}),
        _P.DELIVERED: frozenset(),
        _P.RETURNED: frozenset(),
        _P.LOST: frozenset(),
    },
)
