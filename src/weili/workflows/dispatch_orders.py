"""Takes confirmed child orders to their suppliers, with no transaction open while it asks."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import structlog

from weili.adapters.suppliers import Answer, AnswerKind, SupplierEndpoint, SupplierGateway
from weili.kit.context import Begin, Ctx
from weili.kit.ids import id_text
from weili.kit.tracing import traced
from weili.kit.world import in_transaction
from weili.modules import dropship, pricing
from weili.modules.parties import PARTY_PREFIX
from weili.workflows.supplier_answers import cancel_answered, child_taken

TURNS_MAX: Final = 64
TURN_S: Final = 5.0
"""In a turn nothing more is asked after so long. With the longest call and the note of its answer
it is far less than a claim lasts, so that nobody asks what somebody else still waits for."""

Run = Callable[[dropship.Turn, Callable[[], None]], None]
"""Has a supplier's turn done, now or soon."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Errand:
    """One thing to ask of one supplier, with all that is needed to ask it."""

    item: dropship.Queued
    endpoint: SupplierEndpoint | None
    document: dict[str, Any] = field(default_factory=dict)
    flaw: Exception | None = None


def orders_queue(ctx: Ctx, *, order_ids: Sequence[dropship.OrderId]) -> None:
    """Put the confirmed children of these orders into their suppliers' queues.

    With that, what the goods were sold for is noted: here the orders are at hand, and many of them
    at once. At placing it would make every order of an SKU wait for the same row.
    """
    orders = dropship.orders_locked(ctx, ids=order_ids)
    dropship.queue_feed(ctx, orders=orders)
    pricing.traded_note(
        ctx,
        rows=[
            pricing.TradedRow(line.sku_id, order.placed_at, line.unit_price_minor)
            for order in orders
            for child in order.children
            if child.state is not dropship.OrderState.CANCELLED
            for line in child.lines
        ],
    )


def _at_once(_turn: dropship.Turn, serve: Callable[[], None]) -> None:
    serve()


def dispatch_orders(
    begin: Begin,
    gateway: SupplierGateway,
    *,
    turns_max: int = TURNS_MAX,
    suspects_max: int = TURNS_MAX,
    run: Run = _at_once,
) -> int:
    """Send what is due in the suppliers' queues; says how many were claimed, a bounded number.

    Each supplier of whom something is due gets a turn, and ``run`` has it done: at once and one
    after another, or by a caller of its own, so that none waits for the other. What a turn will
    ask is claimed and counted as tried before anything is sent, in a transaction of its own: if
    this process dies at any point, the next one asks again when the claim is over, and the
    supplier knows the child order by its id. Suppliers without a system of their own find it in
    their list.

    A turn ends with the first question to which nobody answers. A supplier that gives no answers
    is asked one thing at a time, then paused, then tried again.
    """
    until_s = time.monotonic() + TURN_S

    def claim(ctx: Ctx) -> list[tuple[dropship.Turn, list[_Errand]]]:
        turns = dropship.queue_claim(ctx, turns_max=turns_max, suspects_max=suspects_max)
        return _errands(ctx, turns) if turns else []

    turns = in_transaction(begin, claim)
    for turn, errands in turns:
        run(turn, partial(_serve, begin, gateway, turn, errands, until_s))
    return sum(len(errands) for _, errands in turns)


def _errands(ctx: Ctx, turns: Sequence[dropship.Turn]) -> list[tuple[dropship.Turn, list[_Errand]]]:
    connections = dropship.connections(ctx, supplier_ids=[turn.supplier_id for turn in turns])
    order_ids = {item.order_id for turn in turns for item in turn.items}
    orders = {order.id: order for order in dropship.orders_read(ctx, ids=list(order_ids))}
    errands = []
    for turn in turns:
        connection = connections.get(turn.supplier_id)
        endpoint = SupplierEndpoint(connection.base_url, connection.secret) if connection else None
        errands.append(
            (turn, [_errand(ctx, item, orders[item.order_id], endpoint) for item in turn.items])
        )
    return errands


def _errand(
    ctx: Ctx, item: dropship.Queued, order: dropship.Order, endpoint: SupplierEndpoint | None
) -> _Errand:
    child = next(child for child in order.children if child.id == item.child_id)
    try:
        to = dropship.recipient_open(ctx, order=order)
    except Exception as flaw:  # noqa: BLE001 - one order that can't be read keeps back no other
        return _Errand(item, endpoint, flaw=flaw)
    document = dropship.supplier_document(child, order=order) | {
        "recipient": {"name": to.name, "phone": to.phone, "address": to.address}
    }
    return _Errand(item, endpoint, document)


def _serve(
    begin: Begin,
    gateway: SupplierGateway,
    turn: dropship.Turn,
    errands: Sequence[_Errand],
    until_s: float,
) -> None:
    """Ask a supplier one thing after another, as long as it answers and the turn lasts."""
    left = list(errands)
    goes_on = True
    while left and goes_on and time.monotonic() < until_s:
        goes_on = _run(begin, gateway, turn, left.pop(0))
    if left:
        rest = [errand.item for errand in left]
        in_transaction(begin, lambda ctx: dropship.claim_undo(ctx, turn=turn, items=rest))


def _run(begin: Begin, gateway: SupplierGateway, turn: dropship.Turn, errand: _Errand) -> bool:
    """Ask one thing and note the answer; says whether the supplier can be asked more just now.

    What fails for a reason of ours is set aside until its next time, so that one child order that
    can't be sent, or whose answer can't be noted, does not keep the supplier from the others.

    All errands of a child order are one trace, named by its id: the request that placed it is long
    answered, and may have placed others.
    """
    child = id_text(dropship.CHILD_PREFIX, errand.item.child_id)
    with traced(errand.item.child_id), structlog.contextvars.bound_contextvars(child=child):
        try:
            answer = _ask(gateway, errand)
            return in_transaction(begin, lambda ctx: _note(ctx, turn, errand, answer))
        except Exception:  # noqa: BLE001 - logged, and tried again
            _log.exception("dispatch_failed")
            in_transaction(begin, lambda ctx: dropship.claim_end(ctx, turn=turn, item=errand.item))
            return True


def _ask(gateway: SupplierGateway, errand: _Errand) -> Answer | None:
    """Send an order, or ask to cancel it; None when the supplier has no system to ask."""
    if errand.endpoint is None:
        return None
    if errand.item.state is dropship.QueueState.CANCELLING:
        child_id = id_text(dropship.CHILD_PREFIX, errand.item.child_id)
        return gateway.cancel(errand.endpoint, child_id=child_id)
    if errand.flaw is not None:
        raise errand.flaw
    return gateway.submit(errand.endpoint, order=errand.document)


def _note(ctx: Ctx, turn: dropship.Turn, errand: _Errand, answer: Answer | None) -> bool:
    """Record an answer, also that there was none; says whether the supplier can be asked more."""
    item = errand.item
    supplier = id_text(PARTY_PREFIX, turn.supplier_id)
    if answer is not None and answer.kind is AnswerKind.UNKNOWN:
        # Nobody was there: that is no fault of this order, so it waits no longer than a pause.
        wait_s_max = dropship.PAUSE_S_MAX if answer.is_silent else dropship.RETRY_S_MAX
        dropship.claim_end(ctx, turn=turn, item=item, wait_s_max=wait_s_max)
        pause_s = dropship.supplier_failed(ctx, supplier_id=turn.supplier_id, failure=answer.reason)
        if pause_s:
            _log.warning(
                "supplier_paused", supplier=supplier, pause_s=pause_s, failure=answer.reason
            )
        return not (answer.is_silent or pause_s)
    is_yes = answer is None or answer.kind is AnswerKind.YES
    if item.state is not dropship.QueueState.CANCELLING:
        child_taken(ctx, supplier_id=turn.supplier_id, child_id=item.child_id, accepted=is_yes)
    elif answer is not None and answer.kind is not AnswerKind.LATER:
        cancel_answered(ctx, supplier_id=turn.supplier_id, child_id=item.child_id, accepted=is_yes)
    # Without a system to ask, or when that must ask its warehouse first, a supplier answers through
    # the API whether it cancels.
    dropship.claim_end(ctx, turn=turn, item=item)
    if answer is not None and dropship.supplier_answered(ctx, supplier_id=turn.supplier_id):
        _log.warning("supplier_back", supplier=supplier)
    return True
