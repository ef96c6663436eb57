"""The verbs of dropship orders that touch nothing but orders.

Verbs that also move stock and money are workflows; they call these inside their transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import id_text, new_id
from weili.kit.problems import Problem
from weili.modules.dropship import events, rules
from weili.modules.dropship.carriers import OTHER
from weili.modules.dropship.documents import order_document
from weili.modules.dropship.model import (
    CHILD_PREFIX,
    COMPLETES_AFTER,
    ORDER_PREFIX,
    PACKAGE_PREFIX,
    WAITING_MAX,
    Accepted,
    Child,
    ChildId,
    Order,
    OrderDraft,
    OrderId,
    Package,
    PackageId,
    Placed,
    PlaceOrder,
    Recipient,
    Step,
)
from weili.modules.dropship.problems import NumberReused, OrderUnknown, WaybillTaken
from weili.modules.dropship.states import (
    CHILD_STATES,
    PACKAGE_STATES,
    ROOT_STATES,
    OrderState,
    PackageState,
)
from weili.modules.dropship.store import orders as store
from weili.modules.dropship.store import packages as package_store
from weili.modules.dropship.store import tracks as track_store

Outcome = Placed | Problem

SWEEP_MAX: Final = 200


# --- placing -------------------------------------------------------------------------------------


def numbers_answered_asked(
    ctx: Ctx, *, commands: Sequence[PlaceOrder]
) -> Asked[tuple[dict[int, Outcome], dict[PartyId, int]]]:
    """Answer the commands whose number already names an order: replayed, or refused as reused.

    Also gives the partners who let orders wait for their balance, with how many wait now.
    """
    keys = [(command.partner_id, command.draft.number) for command in commands]
    found = store.numbers_read(ctx, keys, waiting_max=WAITING_MAX)

    def answered() -> tuple[dict[int, Outcome], dict[PartyId, int]]:
        taken, waiting = found()
        if not taken:
            return {}, waiting
        answers = {
            index: _answered(command, *taken[key])
            for index, (key, command) in enumerate(zip(keys, commands, strict=True))
            if key in taken
        }
        return answers, waiting

    return answered


def order_sealed(
    ctx: Ctx, *, partner_id: PartyId, draft: OrderDraft, children: Sequence[Child]
) -> Order:
    """Make the order that an accepted draft becomes, its recipient sealed."""
    order_id = rules.order_id_for(ctx.now)
    to = draft.recipient
    plain = msgspec.json.encode([to.name, to.phone, to.address])
    return Order(
        id=order_id,
        partner_id=partner_id,
        number=draft.number,
        state=children[0].state,
        area_code=draft.area_code,
        recipient_sealed=ctx.keyring.seal(plain, bound_to=rules.sealed_to(partner_id, order_id)),
        phone_index=ctx.keyring.blind_index(to.phone),
        placed_at=ctx.now,
        due_at=rules.due_at(children[0].state, ctx.now),
        children=children,
    )


def numbers_claim(ctx: Ctx, *, accepted: Sequence[Accepted]) -> None:
    """Take the accepted orders' numbers. Fetches nothing: it may run inside a pipeline.

    They were found free under the lock on their partners' balances, which is still held.
    """
    store.numbers_claim(
        ctx,
        [
            (a.order.partner_id, a.order.number, a.order.id, a.digest, a.answer_json)
            for a in accepted
        ],
    )


def orders_insert(ctx: Ctx, *, orders: Sequence[Order]) -> None:
    """Write new orders and announce them. Fetches nothing: it may run inside a pipeline."""
    store.orders_insert(ctx, orders)
    for order in orders:
        ctx.announce(
            events.ORDER_PLACED,
            party_id=order.partner_id,
            subject=id_text(ORDER_PREFIX, order.id),
            data={**_order_data(order), "total_minor": order.goods_minor + order.freight_minor},
        )


def answer_of(order: Order) -> str:
    """Write the answer that placing an order gives, the first time and every time."""
    return msgspec.json.encode(order_document(order)).decode()


def _answered(command: PlaceOrder, order_id: OrderId, digest: bytes, answer: str) -> Outcome:
    if digest == command.digest:
        return Placed(order_id, answer, is_replay=True)
    return NumberReused(number=command.draft.number, order_id=id_text(ORDER_PREFIX, order_id))


# --- reading -------------------------------------------------------------------------------------


def order_get(ctx: Ctx, *, partner_id: PartyId, order_id: OrderId) -> Order:
    """Give a partner's order with children and packages.

    Raises: OrderUnknown, also for an order of another partner.
    """
    return _mine(store.orders_load(ctx, [order_id]), partner_id, order_id)


def orders_read(ctx: Ctx, *, ids: Sequence[OrderId]) -> list[Order]:
    """Give orders of whatever partner as they are now, without locking them (the system)."""
    return store.orders_load(ctx, ids)


def order_by_number(ctx: Ctx, *, partner_id: PartyId, number: str) -> Order:
    """Give the order that a partner's own number names: what to ask after an unknown outcome.

    Raises: OrderUnknown.
    """
    order_id = store.order_find(ctx, partner_id=partner_id, number=number)
    if order_id is None:
        raise OrderUnknown(order=number)
    return order_get(ctx, partner_id=partner_id, order_id=order_id)


def child_get(ctx: Ctx, *, supplier_id: PartyId, child_id: ChildId) -> tuple[Order, Child]:
    """Give a supplier's child order and the order it belongs to, without locking anything.

    Raises: OrderUnknown, also for a child order of another supplier.
    """
    order_id = _order_of(ctx, supplier_id=supplier_id, child_id=child_id)
    [order] = store.orders_load(ctx, [order_id])
    return order, _child_of(order, child_id)


def recipient_open(ctx: Ctx, *, order: Order) -> Recipient:
    """Open an order's recipient. Whoever shows it to a person audits that first."""
    sealed = order.recipient_sealed
    plain = ctx.keyring.open(sealed, bound_to=rules.sealed_to(order.partner_id, order.id))
    return Recipient(*msgspec.json.decode(plain))


# --- moving --------------------------------------------------------------------------------------


def orders_locked(ctx: Ctx, *, ids: Sequence[OrderId]) -> list[Order]:
    """Lock orders, in the order of their ids, and read them as they are now."""
    ids = sorted(ids)
    store.orders_lock(ctx, ids)
    return store.orders_load(ctx, ids)


def order_locked(ctx: Ctx, *, partner_id: PartyId, order_id: OrderId) -> Order:
    """Lock a partner's order.

    Raises: OrderUnknown.
    """
    return _mine(orders_locked(ctx, ids=[order_id]), partner_id, order_id)


def child_locked(ctx: Ctx, *, supplier_id: PartyId, child_id: ChildId) -> tuple[Order, Child]:
    """Lock the order that a supplier's child order belongs to.

    Raises: OrderUnknown, also for a child order of another supplier.
    """
    order_id = _order_of(ctx, supplier_id=supplier_id, child_id=child_id)
    [order] = orders_locked(ctx, ids=[order_id])
    return order, _child_of(order, child_id)


def package_locked(
    ctx: Ctx, *, supplier_id: PartyId, package_id: PackageId
) -> tuple[Order, Package]:
    """Lock the order that a supplier's package belongs to.

    Raises: OrderUnknown, also for a package of another supplier.
    """
    order_id = store.order_of_package(ctx, package_id=package_id, supplier_id=supplier_id)
    if order_id is None:
        raise OrderUnknown(order=id_text(PACKAGE_PREFIX, package_id))
    [order] = orders_locked(ctx, ids=[order_id])
    return order, next(package for package in order.packages if package.id == package_id)


def children_move(
    ctx: Ctx,
    *,
    moves: Sequence[tuple[Order, Mapping[ChildId, OrderState]]],
    reason: str,
    data: Mapping[str, Any] | None = None,
    is_told: bool = True,
) -> None:
    """Move children of locked orders, and with them their roots; keep history; announce.

    ``data`` is added to what each child's event says (a package, a reason); without ``is_told``
    the caller announces what has happened, of which the new states are but a consequence.

    Raises: StateConflict, when a step is not in the table; then nothing has moved.
    """
    roots: list[Step] = []
    children: list[Step] = []
    announced: list[tuple[Order, Child, OrderState, OrderState]] = []
    for order, to in moves:
        after = [to.get(child.id, child.state) for child in order.children]
        root = rules.root_state(after)
        for child in order.children:
            there = to.get(child.id, child.state)
            if there is not child.state:
                children.append(_child_step(order, child, there, reason))
            if child.id in to:
                announced.append((order, child, there, root))
        if root is not order.state:
            ROOT_STATES.check(order.state, root, label=id_text(ORDER_PREFIX, order.id))
            roots.append(
                Step(
                    subject_id=order.id,
                    order_id=order.id,
                    partner_id=order.partner_id,
                    version=order.version + 1,
                    here=order.state,
                    there=root,
                    reason=reason,
                )
            )
    due = {
        step.subject_id: ctx.now + COMPLETES_AFTER
        for step in children
        if step.there is OrderState.DELIVERED
    }
    if roots or children:
        store.steps_write(ctx, roots=roots, children=children, child_due_at=due)
    for order, child, there, root in announced if is_told else ():
        if event_type := events.CHILD_MOVED.get(there):
            ctx.announce(
                event_type,
                party_id=order.partner_id,
                subject=id_text(ORDER_PREFIX, order.id),
                data={
                    **_order_data(order),
                    "state": root.value,
                    "child_id": id_text(CHILD_PREFIX, child.id),
                    "child_state": there.value,
                    **(data or {}),
                },
            )


def order_confirmed(ctx: Ctx, *, order: Order) -> None:
    """Announce that a held order is confirmed."""
    data = {**_order_data(order), "state": OrderState.CONFIRMED.value}
    subject = id_text(ORDER_PREFIX, order.id)
    ctx.announce(events.ORDER_CONFIRMED, party_id=order.partner_id, subject=subject, data=data)


def holds_replace(ctx: Ctx, *, order: Order, children: Sequence[Child]) -> None:
    """Note which holds keep the money of these children from now on."""
    store.holds_replace(
        ctx,
        [
            (order.partner_id, child.id, child.goods_hold_id, child.freight_hold_id)
            for child in children
        ],
    )


def cancel_refused(ctx: Ctx, *, order: Order, child: Child) -> None:
    """Announce that a supplier would not cancel."""
    data = {
        **_order_data(order),
        "child_id": id_text(CHILD_PREFIX, child.id),
        "child_state": child.state.value,
    }
    subject = id_text(ORDER_PREFIX, order.id)
    ctx.announce(events.CANCEL_REFUSED, party_id=order.partner_id, subject=subject, data=data)


def waybill_check(
    ctx: Ctx, *, supplier_id: PartyId, carrier_code: str, waybill_number: str
) -> None:
    """Refuse a waybill that another supplier's package is under way with.

    What the carrier tells of it would end both ways. One supplier may send several packages in
    one bag, and carriers give a number again once it is old.

    Raises: WaybillTaken.
    """
    if carrier_code != OTHER and package_store.waybill_is_taken(
        ctx, supplier_id=supplier_id, carrier_code=carrier_code, waybill_number=waybill_number
    ):
        raise WaybillTaken(carrier_code=carrier_code, waybill_number=waybill_number)


def package_add(ctx: Ctx, *, order: Order, package: Package) -> None:
    """Write a package that has left, and begin to follow it."""
    package_store.package_insert(ctx, partner_id=order.partner_id, package=package)
    track_store.tracking_insert(
        ctx,
        partner_id=order.partner_id,
        package_id=package.id,
        carrier_code=package.carrier_code,
        waybill_number=package.waybill_number,
        due_at=ctx.now,
    )


def package_move(
    ctx: Ctx,
    *,
    order: Order,
    package: Package,
    there: PackageState,
    reason: str,
    due_at: datetime | None = None,
) -> Order:
    """Move a package of a locked order, and with it its child and its root; gives the order then.

    What ``package`` says of why it comes back and in what condition is kept with it.

    Raises: StateConflict; then nothing has moved.
    """
    PACKAGE_STATES.check(package.state, there, label=id_text(PACKAGE_PREFIX, package.id))
    package_store.packages_step(
        ctx, steps=[(order.partner_id, order.id, package, there, due_at)], reason=reason
    )
    child = _child_of(order, package.child_id)
    state = rules.child_after(order, child, package, there)
    # Also when the child stays where it is: a lost parcel may have brought the root a new child.
    children_move(
        ctx,
        moves=[(order, {} if state is child.state else {child.id: state})],
        reason=reason,
        data={"package_id": id_text(PACKAGE_PREFIX, package.id)},
        is_told=state is OrderState.DELIVERED,
    )
    [order] = store.orders_load(ctx, [order.id])
    return order


def package_id_for(ctx: Ctx) -> PackageId:
    """Make the id of a new package."""
    return PackageId(new_id(ctx.now))


def orders_expired(ctx: Ctx) -> list[Order]:
    """Lock orders that wait to be confirmed or paid and whose time is over, a bounded number."""
    return store.orders_load(ctx, store.orders_due(ctx, limit=SWEEP_MAX))


def orders_done(ctx: Ctx) -> list[tuple[Order, list[ChildId]]]:
    """Lock orders with delivered children whose time is over, a bounded number; gives these too.

    Each child has its own time: one that was delivered later is done later.
    """
    due = store.children_due(ctx, limit=SWEEP_MAX)
    done = {child_id for _, child_id in due}
    orders = orders_locked(ctx, ids=list({order_id for order_id, _ in due}))
    return [
        (
            order,
            [
                child.id
                for child in order.children
                if child.id in done and child.state is OrderState.DELIVERED
            ],
        )
        for order in orders
    ]


def _child_step(order: Order, child: Child, there: OrderState, reason: str) -> Step:
    CHILD_STATES.check(child.state, there, label=id_text(CHILD_PREFIX, child.id))
    return Step(
        subject_id=child.id,
        order_id=order.id,
        partner_id=order.partner_id,
        version=child.version + 1,
        here=child.state,
        there=there,
        reason=reason,
    )


def _order_data(order: Order) -> dict[str, Any]:
    return {
        "order_id": id_text(ORDER_PREFIX, order.id),
        "number": order.number,
        "state": order.state.value,
    }


def _order_of(ctx: Ctx, *, supplier_id: PartyId, child_id: ChildId) -> OrderId:
    order_id = store.order_of_child(ctx, child_id=child_id, supplier_id=supplier_id)
    if order_id is None:
        raise OrderUnknown(order=id_text(CHILD_PREFIX, child_id))
    return order_id


def _child_of(order: Order, child_id: ChildId) -> Child:
    return next(child for child in order.children if child.id == child_id)


def _mine(orders: Sequence[Order], partner_id: PartyId, order_id: OrderId) -> Order:
    for order in orders:
        if order.partner_id == partner_id:
            return order
    raise OrderUnknown(order=id_text(ORDER_PREFIX, order_id))
