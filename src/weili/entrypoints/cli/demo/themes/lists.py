"""Both sides' lists of each day, held together: what partners were told, what suppliers sent."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from weili.adapters.suppliers.platform_api import PlatformApi
from weili.entrypoints.cli.demo.reading import Books
from weili.entrypoints.cli.demo.trade import Document
from weili.kit.zone import day_of
from weili.modules.dropship import COMPARE_MAX

DayList = dict[str, int]
Lists = Mapping[tuple[str, date], DayList]

TOLD = {"order.completed": "completed", "order.cancelled": "cancelled"}


def day_of_text(moment: str) -> date:
    """Say on which business day a moment lies."""
    return day_of(datetime.fromisoformat(moment))


def partner_lists(books: Books) -> Lists:
    """Make a partner's own lists: from its orders and what it was told of them."""
    lists: dict[tuple[str, date], DayList] = defaultdict(lambda: defaultdict(int))
    children: dict[str, tuple[str, Document]] = {}
    for order in books.orders:
        day = day_of_text(order["placed_at"])
        lists["new", day][order["number"]] += order["total_minor"]
        children |= {child["id"]: (order["number"], child) for child in order["children"]}
    for message in books.messages:
        name = TOLD.get(message["type"])
        if name is not None:
            number, child = children[message["data"]["child_id"]]
            day = day_of_text(message["occurred_at"])
            lists[name, day][number] += child["goods_minor"] + child["freight_minor"]
    return lists


def supplier_lists(shipped: Iterable[tuple[str, tuple[str, int]]]) -> Lists:
    """Make a supplier's own lists: child orders by when the last of them left, and their cost."""
    lists: dict[tuple[str, date], DayList] = defaultdict(dict)
    for child_id, (at, cost_minor) in shipped:
        lists["shipped", day_of_text(at)][child_id] = cost_minor
    return lists


async def compared(api: PlatformApi, lists: Lists) -> tuple[int, int, Sequence[str]]:
    """Have lists compared with the platform's; gives lists, orders, and what differs."""
    count, orders, off = 0, 0, []
    for (name, day), items in sorted(lists.items()):
        if len(items) > COMPARE_MAX:
            continue
        said = {
            "on": day.isoformat(),
            "items": [{"key": key, "amount_minor": amount} for key, amount in items.items()],
        }
        reply = await api.insist("POST", f"/v1/reconciliation/{name}:compare", said)
        count, orders = count + 1, orders + len(items)
        if not reply.document.get("agrees", False):
            off.append(f"the list {name} of {day} differs: {reply.document}")
    return count, orders, off
