"""Counts what was sold, so that a search can be sorted by it."""

from collections import Counter
from datetime import date
from typing import Final

from weili.kit import outbox, zone
from weili.kit.context import Ctx
from weili.kit.ids import id_parse
from weili.modules import catalogue, dropship
from weili.modules.goods import SkuId

ORDERS_MAX: Final = 200
"""Orders in one step."""
FOLLOWER: Final = "dropship sales"
"""Its name among those who follow the log."""
_PLACED: Final = "order.placed"


def sales_count(ctx: Ctx) -> int:
    """Count the pieces of the orders that were placed since the last time; says how many orders.

    The position is written with the counts, so that each order is counted once. What is cancelled
    later stays counted: it was wanted.
    """
    after = catalogue.sales_followed_to(ctx, name=FOLLOWER)
    if after is None:
        return 0
    messages, reached = outbox.log_after(ctx, after=after, types=[_PLACED], limit=ORDERS_MAX)
    if reached == after:
        return 0
    ids = [
        dropship.OrderId(id_parse(dropship.ORDER_PREFIX, message.event.data["order_id"]))
        for message in messages
    ]
    pieces: Counter[tuple[SkuId, date]] = Counter()
    for order in dropship.orders_read(ctx, ids=ids) if ids else ():
        for child in order.children:
            for line in child.lines:
                pieces[line.sku_id, zone.day_of(order.placed_at)] += line.quantity
    catalogue.sales_add(ctx, name=FOLLOWER, position=reached, pieces=dict(pieces))
    return len(messages)
