"""The business zone: in which days are counted, and a warehouse's hours are said.

The whole country keeps one time, without summer time since 1992, so a fixed offset is exact and
needs no zone files on the machine.
"""

from datetime import date, datetime, time, timedelta, timezone
from typing import Final

BUSINESS_ZONE: Final = timezone(timedelta(hours=8), "Asia/Shanghai")


def day_of(moment: datetime) -> date:
    """Say on which business day a moment falls."""
    return moment.astimezone(BUSINESS_ZONE).date()


def minute_of(moment: datetime) -> int:
    """Say how many whole minutes of its business day have passed at a moment."""
    local = moment.astimezone(BUSINESS_ZONE)
    return local.hour * 60 + local.minute


def day_begins_at(day: date) -> datetime:
    """Give the moment at which a business day begins."""
    return datetime.combine(day, time(), BUSINESS_ZONE)
