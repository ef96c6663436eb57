"""The lists that both sides compare each day, and how they are compared. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

from weili.modules.dropship.model import ChildId, OrderId
from weili.modules.dropship.states import OrderState


class ListName(StrEnum):
    """What became of child orders on a day."""

    NEW = "new"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REFUSED = "refused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


LIST_STATES: Final[Mapping[ListName, frozenset[OrderState]]] = MappingProxyType(
    {
        ListName.SHIPPED: frozenset({OrderState.SHIPPED}),
        ListName.DELIVERED: frozenset({OrderState.DELIVERED}),
        ListName.REFUSED: frozenset({OrderState.RETURNING}),
        ListName.COMPLETED: frozenset({OrderState.COMPLETED}),
        ListName.CANCELLED: frozenset({OrderState.CANCELLED}),
    }
)
"""The step that puts a child order into a list. ``new`` is no step: it is being placed, and for a
supplier reaching its queue. ``refused`` are those on their way back because a customer refused."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A child order in a list."""

    at: datetime
    order_id: OrderId
    number: str
    child_id: ChildId
    goods_minor: int
    freight_minor: int
    cost_minor: int


@dataclass(frozen=True, slots=True)
class ListTotals:
    """What all child orders of a list come to."""

    count: int
    goods_minor: int
    freight_minor: int
    cost_minor: int


class Traced(NamedTuple):
    """To which order something belongs."""

    order_id: UUID
    number: str
    child_id: UUID | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One order on which two lists do not agree; None where a list lacks it."""

    key: str
    ours_minor: int | None
    theirs_minor: int | None


@dataclass(frozen=True, slots=True)
class Differences:
    """All that two lists do not agree on, each sort in the order of its keys."""

    ours_count: int
    ours_minor: int
    theirs_count: int
    theirs_minor: int
    missing_here: Sequence[Difference]
    missing_there: Sequence[Difference]
    amount_differs: Sequence[Difference]


def differences(ours: Mapping[str, int], theirs: Mapping[str, int]) -> Differences:
    """Hold their list against ours."""
    both = sorted(ours.keys() & theirs.keys())
    return Differences(
        ours_count=len(ours),
        ours_minor=sum(ours.values()),
        theirs_count=len(theirs),
        theirs_minor=sum(theirs.values()),
        missing_here=[
            Difference(key, None, theirs[key]) for key in sorted(theirs.keys() - ours.keys())
        ],
        missing_there=[
            Difference(key, ours[key], None) for key in sorted(ours.keys() - theirs.keys())
        ],
        amount_differs=[
            Difference(key, ours[key], theirs[key]) for key in both if ours[key] != theirs[key]
        ],
    )
