"""When a warehouse ships: the day an order leaves it and the day it arrives."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from weili.kit import zone
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules.inventory.model import (
    DAYS_MAX,
    EVERY_DAY,
    MINUTES_A_DAY,
    PROMISE_DAYS_MAX,
    Calendar,
)

_DAY: Final = timedelta(days=1)
_ONE_KIND: Final = Said("a day either in closed_on or in open_on", "一天只能是休息日或上班日之一")


def is_working(calendar: Calendar, day: date) -> bool:
    """Say whether a warehouse ships on a day."""
    if day in calendar.closed_on:
        return False
    return day in calendar.open_on or bool(calendar.work_days >> day.weekday() & 1)


def ships_on(calendar: Calendar, now: datetime) -> date | None:
    """Say on which day an order that comes now leaves.

    None when no working day is near enough to be promised.
    """
    day = zone.day_of(now)
    if zone.minute_of(now) >= calendar.cutoff_minute:
        day += _DAY
    return working_day_from(calendar, day)


def working_day_from(calendar: Calendar, day: date) -> date | None:
    """Give the first working day that is not before a day, None when it is too far."""
    for ahead in range(PROMISE_DAYS_MAX):
        there = day + ahead * _DAY
        if is_working(calendar, there):
            return there
    return None


def arrives_on(shipped_on: date | None, lead_days: int) -> date | None:
    """Say on which day a parcel arrives."""
    return None if shipped_on is None else shipped_on + timedelta(days=lead_days)


def calendar_check(calendar: Calendar) -> None:
    """Refuse a calendar outside its bounds, or with a day that is both open and closed.

    Raises: InputInvalid, naming each field at fault.
    """
    wrong: list[FieldProblem] = []
    for name, value, high in (
        ("cutoff_minute", calendar.cutoff_minute, MINUTES_A_DAY),
        ("work_days", calendar.work_days, EVERY_DAY),
    ):
        if not 0 <= value <= high:
            expected = Said(f"0 to {high}", f"0 至 {high}")
            wrong.append(FieldProblem(f"/{name}", "out_of_range", expected))
    for name, days in (("closed_on", calendar.closed_on), ("open_on", calendar.open_on)):
        if len(days) > DAYS_MAX:
            expected = Said(f"at most {DAYS_MAX} days", f"最多 {DAYS_MAX} 天")
            wrong.append(FieldProblem(f"/{name}", "too_many", expected))
    if set(calendar.closed_on) & set(calendar.open_on):
        wrong.append(FieldProblem("/open_on", "both", _ONE_KIND))
    if wrong:
        raise InputInvalid(fields=tuple(wrong))


def days_kept(days: Sequence[date], *, now: datetime) -> tuple[date, ...]:
    """Give a calendar's days without those that are past, each once, in order."""
    today = zone.day_of(now)
    return tuple(sorted({day for day in days if day >= today}))
