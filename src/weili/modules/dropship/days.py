"""A day's figures, for a workflow that has asked for its own scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from weili.kit.context import Ctx
from weili.modules.dropship.figures import AreaFigure, DayFigures, HourFigure
from weili.modules.dropship.store import figures as store


@dataclass(frozen=True, slots=True)
class Day:
    """What is said of one day: of its orders, of what left on it, and of what was refused on it.

    ``sent_after_s`` is the median over the packages that left, of the newest 10,000 at most; None
    when none did. ``refusals`` are child orders that suppliers refused in whole or in part. Both,
    and the sums of ``orders``, are until the moment that was asked for.
    """

    orders: DayFigures
    sent_after_s: int | None
    refusals: int
    areas: Sequence[AreaFigure]
    cells: Sequence[HourFigure]


def day_figures(ctx: Ctx, *, begin: datetime, until: datetime, has_areas: bool = False) -> Day:
    """Give the figures of the day that begins at a moment, until another; in three statements."""
    orders, areas, cells = store.orders_of_day(ctx, begin=begin, until=until, has_areas=has_areas)
    return Day(
        orders,
        store.sent_after_s(ctx, begin=begin, until=until),
        store.refusals_count(ctx, begin=begin, until=until),
        areas,
        cells,
    )


def has_orders(ctx: Ctx) -> bool:
    """Say whether there has ever been an order."""
    return store.has_orders(ctx)
