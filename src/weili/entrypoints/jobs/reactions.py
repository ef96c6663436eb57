"""What follows from facts: the relay gives them their places and, with that, defers the jobs."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from procrastinate import App, SyncPsycopgConnector

from weili.kit import outbox
from weili.kit.context import Ctx
from weili.kit.ids import id_parse
from weili.modules import dropship
from weili.workflows.dispatch_orders import orders_queue

QUEUE_ORDERS: Final = "dispatch.queue"
"""The job that puts confirmed orders into their suppliers' queues."""
LANE: Final = "dispatch"
ORDERS_MAX: Final = 100
"""Orders in one job: they are locked together, so they are few."""

_PLACED: Final = "order.placed"
_CONFIRMED: Final = "order.confirmed"
_deferring: Final = App(connector=SyncPsycopgConnector())
"""Never opened: it writes jobs over the connection of the transaction that it is given."""


def relay_and_react(ctx: Ctx) -> int:
    """Move committed facts into the log, and defer what follows from them; says how many moved.

    Both are one transaction: a fact that is in the log has had its jobs deferred, and once.
    """
    messages = outbox.relay(ctx)
    chunks: list[dict[str, Any]] = [
        {"order_ids": list(chunk)} for chunk in _chunks(orders_to_queue(messages), ORDERS_MAX)
    ]
    if chunks:
        _deferring.configure_task(
            QUEUE_ORDERS, queue=LANE, connection=ctx.db.sa.connection.driver_connection
        ).batch_defer(*chunks)
    return len(messages)


def orders_to_queue(messages: Sequence[outbox.Message]) -> list[str]:
    """Pick the orders that have just become ready to be sent to their suppliers."""
    confirmed = dropship.OrderState.CONFIRMED.value
    return [
        message.event.data["order_id"]
        for message in messages
        if message.event.type == _CONFIRMED
        or (message.event.type == _PLACED and message.event.data["state"] == confirmed)
    ]


def orders_queued(ctx: Ctx, order_ids: Sequence[str]) -> None:
    """Do the job. Again or twice at once it changes nothing: an order is queued once."""
    orders_queue(
        ctx,
        order_ids=[
            dropship.OrderId(id_parse(dropship.ORDER_PREFIX, order_id)) for order_id in order_ids
        ],
    )


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
