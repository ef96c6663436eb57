"""Says what may be taken out of the database: what is over for whoever trades and follows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from weili.kit import outbox, partitions
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.partitions import PARTITION_WORD, Cut, Partition
from weili.kit.problems import Kind, NotFound, Problem
from weili.kit.zone import day_of
from weili.modules import catalogue, dropship, inventory
from weili.workflows.count_sales import FOLLOWER

OPEN_MAX: Final = 1_000
"""Open orders that are counted."""
FOLLOWERS: Final = (FOLLOWER,)
"""What follows the log here, beside what the catalogue does by itself."""
CUTS: Final[Mapping[str, Cut]] = MappingProxyType(
    {cut.table: cut for cut in (inventory.movements_cut(), outbox.EVENTS)}
)
"""What is taken out of each table that is cut by time."""


class MonthNotOver(Problem):
    """The month still goes on, or is yet to come."""

    kind = Kind.CONFLICT
    code = "month_not_over"
    en = "{partition} can be taken out from {ends_on} on, when its last month is over."
    zh = "{partition} 的最后一个月尚未结束，{ends_on} 起方可移出。"


class StretchGoesOn(Problem):
    """The log has not gone on beyond the stretch, or something still follows it there."""

    kind = Kind.CONFLICT
    code = "stretch_goes_on"
    en = (
        "{partition} can be taken out when the log, and all that follows it, has gone on beyond it."
    )
    zh = "{partition} 尚不能移出：事件日志及其跟随者还未越过该分区。"


class MonthOrdersOpen(Problem):
    """Orders that were placed until then have not ended."""

    kind = Kind.CONFLICT
    code = "month_orders_open"
    en = (
        "{partition} can be taken out when all orders placed until then have ended: {count} have "
        "not, the first is {order}."
    )
    zh = "{partition} 截止前的订单须全部结束后方可移出：尚有 {count} 单未结束，首单为 {order}。"


def partition_ended(ctx: Ctx, *, name: str) -> Partition:
    """Find a partition that may be taken out, or was.

    Raises: NotFound; MonthNotOver; StretchGoesOn; MonthOrdersOpen.
    """
    parts = partitions.partitions_read(ctx)
    each = next((part for part in parts if part.fullname == name), None)
    if each is None:
        raise NotFound(what=PARTITION_WORD, id=name)
    if each.out_at:
        return each
    ends_at = each.ends_at or _stretch_end(ctx, parts, each)
    if ctx.now < ends_at:
        raise MonthNotOver(partition=name, ends_on=day_of(ends_at).isoformat())
    orders = dropship.orders_open(ctx, until=ends_at, limit=OPEN_MAX)
    if orders:
        count = str(len(orders)) if len(orders) < OPEN_MAX else f"{OPEN_MAX}+"
        raise MonthOrdersOpen(
            partition=name, count=count, order=id_text(dropship.ORDER_PREFIX, orders[0])
        )
    return each


def _stretch_end(ctx: Ctx, parts: Sequence[Partition], each: Partition) -> datetime:
    bound = int(each.bound)
    bounds = [int(part.bound) for part in parts if part.parent == each.parent]
    start = max((before for before in bounds if before < bound), default=0)
    ends_at = outbox.stretch_end(ctx, start=start, bound=bound)
    if ends_at is None or catalogue.followed_least(ctx, also=FOLLOWERS) < bound - 1:
        raise StretchGoesOn(partition=each.fullname)
    return ends_at
