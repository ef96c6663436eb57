"""What may happen to an order between placing and its end, as far as it touches orders alone."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from weili.kit.context import Ctx, EventType, PartyId
from weili.kit.ids import id_text, new_id
from weili.modules.dropship import events, parting, rules, service
from weili.modules.dropship.model import (
    CHILD_PREFIX,
    ORDER_PREFIX,
    PACKAGE_PREFIX,
    REMARK_LENGTH_MAX,
    REMARKS_MAX,
    Audience,
    Child,
    ChildId,
    LowBalance,
    Order,
    OrderId,
    Package,
    PackageId,
    Recipient,
    Remark,
    RemarkId,
)
from weili.modules.dropship.problems import (
    OrderUnknown,
    RemarkPersonal,
    RemarksTooMany,
    RemarkUnwritable,
)
from weili.modules.dropship.states import OrderState, PackageState
from weili.modules.dropship.store import life as life_store
from weili.modules.dropship.store import orders as store
from weili.modules.dropship.store import packages as package_store

PARTNERS_MAX: Final = 10_000
"""Partners looked at in one sweep for whom a top-up may release orders."""
RELEASES_MAX: Final = 100
"""Orders released in one transaction."""

_PERSONAL: Final = re.compile(r"\d{7,}|(?:\d[ -]?){11,}|[^\s@]+@[^\s@]+\.[^\s@]+")
"""What looks like a telephone, card or identity number, or an address of electronic mail."""

# --- other children ------------------------------------------------------------------------------


def children_change(
    ctx: Ctx, *, order: Order, changed: Sequence[Child], added: Sequence[Child]
) -> Order:
    """Write other lines of some children of a locked order, and new children; gives it then.

    The new children are still to be announced (``order_split``) and their root to be derived
    (``children_move``).
    """
    if changed:
        life_store.children_resize(ctx, order=order, children=changed)
    store.children_insert(ctx, [(order, child) for child in added])
    [order] = store.orders_load(ctx, [order.id])
    return order


def child_shrunk(ctx: Ctx, *, order: Order, child_id: ChildId, is_gone: bool) -> OrderState:
    """Move a child of which pieces were taken to where it stands without them, and its root.

    One that has nothing any more is split; one that has shipped all it still has stands where its
    packages do. Gives its state then.
    """
    child = next(child for child in order.children if child.id == child_id)
    packages = [package for package in order.packages if package.child_id == child.id]
    there = OrderState.SPLIT if is_gone else child.state
    if not is_gone and not parting.pieces_left(child):
        there = rules.child_state([package.state for package in packages])
    arrived = [package for package in packages if package.delivered_at is not None]
    is_told = there is OrderState.DELIVERED
    service.children_move(
        ctx,
        moves=[(order, {} if there is child.state else {child.id: there})],
        reason="pieces taken off",
        data={"package_id": id_text(PACKAGE_PREFIX, arrived[-1].id)} if is_told else None,
        is_told=is_told,
    )
    return there


def order_split(ctx: Ctx, *, order_id: OrderId) -> Order:
    """Announce that an order has other children than before; only the root is named."""
    [order] = store.orders_load(ctx, [order_id])
    _tell(ctx, events.ORDER_SPLIT, order)
    return order


# --- packages ------------------------------------------------------------------------------------


def package_any_locked(
    ctx: Ctx, *, supplier_id: PartyId | None, package_id: PackageId
) -> tuple[Order, Package]:
    """Lock the order of a package: of one supplier, or for the operator of whomever.

    Raises: OrderUnknown.
    """
    if supplier_id is not None:
        return service.package_locked(ctx, supplier_id=supplier_id, package_id=package_id)
    order_id = life_store.order_of_any_package(ctx, package_id=package_id)
    if order_id is None:
        raise OrderUnknown(order=id_text(PACKAGE_PREFIX, package_id))
    [order] = service.orders_locked(ctx, ids=[order_id])
    return order, next(package for package in order.packages if package.id == package_id)


def packages_overdue(ctx: Ctx, *, state: PackageState) -> list[Order]:
    """Lock orders with packages in a state that have been there too long; a bounded number."""
    ids = package_store.packages_due(ctx, state=state, limit=service.SWEEP_MAX)
    return service.orders_locked(ctx, ids=ids)


def is_overdue(package: Package, now: datetime) -> bool:
    """Say whether a package's time is over."""
    return package.due_at is not None and package.due_at <= now


def package_told(
    ctx: Ctx,
    event_type: EventType,
    *,
    order: Order,
    package_id: PackageId,
    data: Mapping[str, Any] | None = None,
) -> Package:
    """Announce what has happened to a package of an order, as both stand now; gives the package."""
    package = next(package for package in order.packages if package.id == package_id)
    child = next(child for child in order.children if child.id == package.child_id)
    _tell(
        ctx,
        event_type,
        order,
        child_id=id_text(CHILD_PREFIX, child.id),
        child_state=child.state.value,
        package_id=id_text(PACKAGE_PREFIX, package.id),
        **(data or {}),
    )
    return package


# --- money that is not there yet -----------------------------------------------------------------


def low_balance_get(ctx: Ctx, *, partner_id: PartyId) -> LowBalance:
    """Say what becomes of a partner's order that its balance does not cover."""
    return life_store.low_balance_read(ctx, partner_id=partner_id)


def low_balance_put(ctx: Ctx, *, partner_id: PartyId, choice: LowBalance) -> None:
    """Choose what becomes of a partner's order that its balance does not cover.

    Orders that wait already go on waiting.

    Raises: Forbidden.
    """
    ctx.require("orders:write")
    life_store.low_balance_write(ctx, partner_id=partner_id, choice=choice)


def order_waits(ctx: Ctx, *, order: Order, available_minor: int) -> None:
    """Announce that a new order waits for its partner's balance."""
    _tell(
        ctx,
        events.BALANCE_TOO_LOW,
        order,
        needed_minor=order.goods_minor + order.freight_minor,
        available_minor=available_minor,
    )


def partners_waiting(ctx: Ctx) -> list[tuple[PartyId, int]]:
    """Give the partners with orders that wait, and what the oldest of each comes to, in fen."""
    return life_store.partners_waiting(ctx, limit=PARTNERS_MAX)


def orders_waiting_locked(ctx: Ctx, *, partner_ids: Sequence[PartyId]) -> list[Order]:
    """Lock orders that wait for these partners' balances, in the order in which they came."""
    ids = life_store.orders_waiting(ctx, partner_ids=partner_ids, limit=RELEASES_MAX)
    orders = service.orders_locked(ctx, ids=ids)
    return [order for order in orders if order.state is OrderState.WAITING_FUNDS]


# --- where it goes -------------------------------------------------------------------------------


def suppliers_connected(ctx: Ctx, *, supplier_ids: Sequence[PartyId]) -> frozenset[PartyId]:
    """Say which of the suppliers have a system of their own, which was sent the address."""
    found = life_store.suppliers_connected(ctx, supplier_ids)
    return frozenset(PartyId(supplier_id) for supplier_id in found)


def address_change(
    ctx: Ctx, *, order: Order, area_code: str, recipient: Recipient, children: Sequence[Child]
) -> Order:
    """Write where a locked order goes from now on, and the freight of its children.

    The new seal takes the place of the old, which is gone: nothing keeps whom it went to before.
    """
    if children:
        life_store.children_resize(ctx, order=order, children=children)
    now = {child.id: child for child in children}
    freight_minor = replace(
        order, children=[now.get(child.id, child) for child in order.children]
    ).freight_minor
    plain = msgspec.json.encode([recipient.name, recipient.phone, recipient.address])
    sealed = ctx.keyring.seal(plain, bound_to=rules.sealed_to(order.partner_id, order.id))
    life_store.address_write(
        ctx,
        order=order,
        area_code=area_code,
        sealed=sealed,
        phone_index=ctx.keyring.blind_index(recipient.phone),
        freight_minor=freight_minor,
    )
    [order] = store.orders_load(ctx, [order.id])
    _tell(
        ctx,
        events.ADDRESS_CHANGED,
        order,
        area_code=area_code,
        freight_minor=freight_minor,
    )
    return order


# --- remarks -------------------------------------------------------------------------------------


def remark_write(
    ctx: Ctx, *, partner_id: PartyId, order_id: OrderId, audience: Audience, text: str
) -> Remark:
    """Write a partner's remark on its order, for the operator or for those who ship it.

    Remarks are kept and shown in plain, so that what looks like a telephone, card or identity
    number or like a mail address is refused: whom it goes to stands sealed in the order.

    Raises: Forbidden; OrderUnknown; RemarkUnwritable; RemarkPersonal; RemarksTooMany.
    """
    ctx.require("orders:write")
    order = service.order_locked(ctx, partner_id=partner_id, order_id=order_id)
    text = text.strip()
    if not 1 <= len(text) <= REMARK_LENGTH_MAX or not text.replace("\n", " ").isprintable():
        raise RemarkUnwritable(length_max=REMARK_LENGTH_MAX)
    if _PERSONAL.search(text):
        raise RemarkPersonal
    if len(remarks_all(ctx, order_id=order.id)) >= REMARKS_MAX:
        raise RemarksTooMany(count_max=REMARKS_MAX)
    remark = Remark(RemarkId(new_id(ctx.now)), order.id, audience, text, ctx.actor.label(), ctx.now)
    life_store.remark_insert(ctx, partner_id=partner_id, remark=remark)
    return remark


def remarks_get(ctx: Ctx, *, partner_id: PartyId, order_id: OrderId) -> list[Remark]:
    """Give a partner the remarks on its order, oldest first.

    Raises: OrderUnknown.
    """
    order = service.order_get(ctx, partner_id=partner_id, order_id=order_id)
    return remarks_all(ctx, order_id=order.id)


def remarks_for(ctx: Ctx, *, order_id: OrderId, audience: Audience) -> list[Remark]:
    """Give the remarks on an order that are meant for one audience, oldest first."""
    return life_store.remarks_read(ctx, order_id=order_id, audience=audience, limit=REMARKS_MAX)


def remarks_all(ctx: Ctx, *, order_id: OrderId) -> list[Remark]:
    """Give all remarks on an order, oldest first."""
    return life_store.remarks_read(ctx, order_id=order_id, audience=None, limit=REMARKS_MAX)


def _tell(ctx: Ctx, event_type: EventType, order: Order, **data: object) -> None:
    subject = id_text(ORDER_PREFIX, order.id)
    said = {
        "order_id": subject,
        "number": order.number,
        "state": order.state.value,
        **data,
    }
    ctx.announce(event_type, party_id=order.partner_id, subject=subject, data=said)
