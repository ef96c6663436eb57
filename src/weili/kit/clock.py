"""The one place that reads the clock.

A transaction asks its world for the time once, as ``ctx.now``. A sandbox world's clock can be
turned ahead, so that a test or a trial sees deadlines act without waiting for them.
"""

from datetime import UTC, datetime, timedelta


def wall_now() -> datetime:
    """Read the machine's clock, in UTC."""
    return datetime.now(UTC)


def turned(now: datetime, offset_s: int) -> datetime:
    """Give the time of a world whose clock stands ``offset_s`` seconds ahead."""
    return now + timedelta(seconds=offset_s)
