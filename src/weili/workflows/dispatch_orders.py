"""Takes confirmed child orders to their suppliers, with no transaction open while it asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from weili.adapters.suppliers import AnswerKind, SupplierEndpoint, SupplierGateway
from weili.kit.context import Begin, Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.world import in_transaction
from weili.modules import dropship
from weili.workflows.supplier_answers import cancel_answered, child_taken


@dataclass(frozen=True, slots=True)
class _Errand:
    """One thing to ask of one supplier, with all that is needed to ask it."""

    item: dropship.Queued
    endpoint: SupplierEndpoint | None
    document: dict[str, Any]


def orders_queue(ctx: Ctx, *, order_ids: Sequence[dropship.OrderId]) -> None:
    """Put the confirmed children of these orders into their suppliers' queues."""
    dropship.queue_feed(ctx, orders=dropship.orders_locked(ctx, ids=order_ids))


def dispatch_orders(begin: Begin, gateway: SupplierGateway) -> int:
    """Send what is due in the suppliers' queues; says how many were asked, a bounded number.

    Each is counted as tried and given its next time before anything is sent, in a transaction of
    its own: if this process dies at any point, the next one asks again, and the supplier knows
    the child order by its id. Suppliers without a system of their own find it in their list.

    A supplier that gives no answer keeps the others waiting once and not for each of its orders;
    those it was not asked about have their next time, as if it had been. What was tried least
    goes first: new orders do not wait behind those of a supplier that has been away for long.
    """
    items = in_transaction(begin, dropship.queue_due)
    if not items:
        return 0
    errands = in_transaction(begin, lambda ctx: _errands(ctx, items))
    silent: set[PartyId] = set()
    for errand in sorted(errands, key=lambda errand: errand.item.attempts):
        supplier_id = PartyId(errand.item.supplier_id)
        if supplier_id not in silent and not _run(begin, gateway, errand):
            silent.add(supplier_id)
    return len(items)


def _errands(ctx: Ctx, items: Sequence[dropship.Queued]) -> list[_Errand]:
    connections = dropship.connections(ctx, supplier_ids=[item.supplier_id for item in items])
    orders = {
        order.id: order
        for order in dropship.orders_read(ctx, ids=list({item.order_id for item in items}))
    }
    errands = []
    for item in items:
        order = orders[item.order_id]
        child = next(child for child in order.children if child.id == item.child_id)
        connection = connections.get(item.supplier_id)
        endpoint = SupplierEndpoint(connection.base_url, connection.secret) if connection else None
        to = dropship.recipient_open(ctx, order=order)
        document = dropship.supplier_document(child, order=order) | {
            "recipient": {"name": to.name, "phone": to.phone, "address": to.address}
        }
        errands.append(_Errand(item, endpoint, document))
    return errands


def _run(begin: Begin, gateway: SupplierGateway, errand: _Errand) -> bool:
    """Send one order, or ask to cancel it; says whether the supplier can be asked more."""
    item = errand.item
    if item.state is dropship.QueueState.CANCELLING:
        return _ask_cancel(begin, gateway, errand)
    accepted = True
    if errand.endpoint is not None:
        answer = gateway.submit(errand.endpoint, order=errand.document)
        if answer.kind is AnswerKind.UNKNOWN:
            return not answer.is_silent
        accepted = answer.kind is AnswerKind.YES
    in_transaction(
        begin,
        lambda ctx: child_taken(
            ctx, supplier_id=item.supplier_id, child_id=item.child_id, accepted=accepted
        ),
    )
    return True


def _ask_cancel(begin: Begin, gateway: SupplierGateway, errand: _Errand) -> bool:
    """Ask to cancel. A supplier without a system of its own answers through the API instead."""
    item = errand.item
    if errand.endpoint is None:
        return True
    child_id = id_text(dropship.CHILD_PREFIX, item.child_id)
    answer = gateway.cancel(errand.endpoint, child_id=child_id)
    if answer.kind is AnswerKind.UNKNOWN:
        return not answer.is_silent
    in_transaction(
        begin,
        lambda ctx: cancel_answered(
            ctx,
            supplier_id=PartyId(item.supplier_id),
            child_id=item.child_id,
            accepted=answer.kind is AnswerKind.YES,
        ),
    )
    return True
