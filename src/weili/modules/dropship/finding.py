"""Finding orders: for lists with tabs and counts, for files, and one order's whole story."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_least, id_past, id_text
from weili.kit.pages import Page, cursor_id, limit_bounded, page_of
from weili.modules.dropship.model import CHILD_PREFIX, ORDER_PREFIX, PACKAGE_PREFIX, Order, OrderId
from weili.modules.dropship.states import ROOT_STATES, OrderState
from weili.modules.dropship.store import finding as store
from weili.modules.dropship.store import orders as order_store

COUNT_MAX: Final = 10_000
"""Of what is more than this it is only said that it is more."""
LATE_AFTER: Final = timedelta(hours=48)
"""Of what has not left by then somebody should know why."""
STEPS_MAX: Final = 1_000
WALK_ORDERS: Final = 500

_S = OrderState
WAITS_FOR_SOMEBODY: Final = (_S.WAITING_FUNDS, _S.CANCELLING, _S.INTERCEPTING, _S.RETURNING)
NOT_SENT: Final = (_S.CONFIRMED, _S.RELEASED, _S.PICKING)
_ZERO: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which orders are meant; what is None is not asked about. Of all partners without one.

    ``needs_attention`` are those that wait for money or for an answer, are on their way back, or
    have not left two days after they were placed.
    """

    partner_id: PartyId | None = None
    state: OrderState | None = None
    needs_attention: bool = False
    number: str | None = None
    phone: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many orders there are of each state, and that need attention: at most ``COUNT_MAX``.

    ``more`` names the states of which there are more than were counted.
    """

    states: dict[OrderState, int]
    attention: int
    more: frozenset[OrderState]
    is_attention_more: bool


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One step of an order, of a child order or of a package."""

    subject: str
    here: str
    there: str
    at: datetime
    actor: str
    reason: str


def orders_page(ctx: Ctx, *, sought: Sought, cursor: str | None, limit: int) -> Page[Order]:
    """Give the orders that are sought, newest first.

    Raises: Forbidden; CursorInvalid.
    """
    _require(ctx, sought)
    limit = limit_bounded(limit)
    ids = _ids(ctx, sought, named=_named(ctx, sought), before=cursor_id(cursor), limit=limit + 1)
    return page_of(order_store.orders_load(ctx, ids), limit=limit, key=lambda order: order.id.hex)


def orders_walk(ctx: Ctx, *, sought: Sought) -> Iterator[Order]:
    """Give all orders that are sought, newest first, some at a time.

    Raises: Forbidden.
    """
    _require(ctx, sought)
    named = _named(ctx, sought)
    before: UUID | None = None
    while ids := _ids(ctx, sought, named=named, before=before, limit=WALK_ORDERS):
        yield from order_store.orders_load(ctx, ids)
        before = ids[-1]


def orders_counted(ctx: Ctx, *, sought: Sought) -> Counted:
    """Count the orders of each state, and those that need attention, whatever state is sought.

    Raises: Forbidden.
    """
    _require(ctx, sought)
    past = _past(ctx, sought, None)
    of_states = [(state.value, past) for state in _STATES]
    of_attention = _stretches(ctx, replace(sought, state=None, needs_attention=True), past)
    found = store.stretches_counted(
        ctx,
        stretches=[*of_states, *of_attention],
        partner_id=sought.partner_id,
        named=_named(ctx, sought),
        least=_least(sought),
        count_max=COUNT_MAX + 1,
    )
    attention = sum(found[len(of_states) :])
    counts = dict(zip(_STATES, found, strict=False))
    return Counted(
        {state: min(count, COUNT_MAX) for state, count in counts.items()},
        min(attention, COUNT_MAX),
        frozenset(state for state, count in counts.items() if count > COUNT_MAX),
        attention > COUNT_MAX,
    )


def order_any(ctx: Ctx, *, order_id: OrderId) -> Order | None:
    """Give an order of whatever partner.

    Raises: Forbidden.
    """
    ctx.require("admin:orders")
    return next(iter(order_store.orders_load(ctx, [order_id])), None)


def steps_of(ctx: Ctx, *, order: Order) -> list[HistoryStep]:
    """Give what an order, its children and its packages went through, the oldest first."""
    prefixes = {"order": ORDER_PREFIX, "child": CHILD_PREFIX, "package": PACKAGE_PREFIX}
    rows = store.steps_of(ctx, order_id=order.id, partner_id=order.partner_id, limit=STEPS_MAX)
    return [
        HistoryStep(id_text(prefixes[what], subject_id), here, there, at, actor, reason)
        for what, subject_id, here, there, at, actor, reason in rows
    ]


_STATES: Final = tuple(state for state in OrderState if state in ROOT_STATES.steps)


def _require(ctx: Ctx, sought: Sought) -> None:
    if sought.partner_id is None or sought.partner_id != ctx.actor.party_id:
        ctx.require("admin:orders")


def _named(ctx: Ctx, sought: Sought) -> Sequence[UUID] | None:
    """Give the orders that a number or a phone number names; None when neither is asked about."""
    if sought.number is None and sought.phone is None:
        return None
    index = None if sought.phone is None else ctx.keyring.blind_index(sought.phone)
    return store.ids_named(
        ctx, number=sought.number, phone_index=index, partner_id=sought.partner_id
    )


def _ids(
    ctx: Ctx,
    sought: Sought,
    *,
    named: Sequence[UUID] | None,
    before: UUID | None,
    limit: int,
) -> list[OrderId]:
    past, least = _past(ctx, sought, before), _least(sought)
    if sought.state is None and not sought.needs_attention:
        return store.ids_found(
            ctx, partner_id=sought.partner_id, named=named, least=least, past=past, limit=limit
        )
    return store.ids_in_states(
        ctx,
        stretches=_stretches(ctx, sought, past),
        partner_id=sought.partner_id,
        named=named,
        least=least,
        limit=limit,
    )


def _stretches(ctx: Ctx, sought: Sought, past: UUID) -> list[store.Stretch]:
    if not sought.needs_attention:
        return [] if sought.state is None else [(sought.state.value, past)]
    late = min(past, id_least(ctx.now - LATE_AFTER))
    stretches = [(state, past) for state in WAITS_FOR_SOMEBODY]
    stretches += [(state, late) for state in NOT_SENT]
    return [(s.value, upto) for s, upto in stretches if sought.state in {None, s}]


def _least(sought: Sought) -> UUID:
    return _ZERO if sought.placed_from is None else id_least(sought.placed_from)


def _past(ctx: Ctx, sought: Sought, before: UUID | None) -> UUID:
    to = id_past(ctx.now) if sought.placed_to is None else id_least(sought.placed_to)
    return to if before is None else min(to, before)
