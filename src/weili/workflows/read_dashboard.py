"""Reads what the operator looks at first: today beside the same day of last week."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from weili.kit import outbox, zone
from weili.kit.context import Ctx
from weili.modules import dropship, inventory, regions

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Two days until the same time of day, and what is so now.

    ``names`` has the full name of each county in the ranking, and the name of each province.
    """

    now: datetime
    today_on: date
    before_on: date
    today: dropship.Day
    before: dropship.Day
    stock_low: int
    behind: outbox.Backlog
    names: Mapping[str, str]


def read_dashboard(ctx: Ctx) -> Dashboard:
    """Read the dashboard, in a number of statements that does not grow with trade.

    Raises: Forbidden.
    """
    ctx.require("admin:dashboard")
    today_on = zone.day_of(ctx.now)
    begin = zone.day_begins_at(today_on)
    today = dropship.day_figures(ctx, begin=begin, until=ctx.now, has_areas=True)
    before = dropship.day_figures(ctx, begin=begin - WEEK, until=ctx.now - WEEK)
    provinces = {cell.code for cell in today.cells}
    return Dashboard(
        ctx.now,
        today_on,
        today_on - WEEK,
        today,
        before,
        inventory.stock_low_count(ctx),
        outbox.backlog(ctx),
        regions.full_names(ctx, codes={area.code for area in today.areas} | provinces),
    )
