"""Looks through the log of events for whoever runs the house, the newest first.

A page looks at a bounded number of positions, whatever is searched: what is seldom is found by
going on, and never by one statement that reads the whole log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from weili.kit.context import Ctx, Event, PartyId
from weili.kit.outbox import Message

WINDOW: Final = 20_000
"""Positions that one page looks at."""
_LATE: Final = timedelta(minutes=10)
"""How much later than it happened an event may have its place; by so much more is looked at."""

# Where the first event that happened at a moment or later lies, in twenty look-ups or so.
_FIND: Final = (
    "WITH RECURSIVE half AS ("
    " SELECT coalesce(min(position), 1) AS low, coalesce(max(position), 0) + 1 AS high"
    "  FROM kit.event"
    " UNION ALL SELECT CASE WHEN at < %b::timestamptz THEN middle + 1 ELSE low END,"
    "  CASE WHEN at < %b::timestamptz THEN high ELSE middle END FROM ("
    "   SELECT low, high, (low + high) / 2 AS middle, (SELECT occurred_at FROM kit.event"
    "    WHERE position >= (low + high) / 2 ORDER BY position LIMIT 1) AS at"
    "   FROM half WHERE low < high) AS step"
    ") SELECT low FROM half WHERE low >= high"
)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; nothing for whatever there is. ``from_at`` is included, ``to_at`` not."""

    types: Sequence[str] = ()
    subject: str | None = None
    party_id: PartyId | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


def log_search(
    ctx: Ctx, *, search: Search, before: int | None, limit: int
) -> tuple[list[Message], int | None]:
    """Give events below a position, the newest first, and where to go on; None at the end.

    A page may hold fewer than asked for, or none, and still go on.
    """
    top = _top(ctx, search, before)
    least = 1 if search.from_at is None else max(_position_of(ctx, search.from_at - _LATE), 1)
    floor = max(top - WINDOW, least)
    rows = ctx.db.rows(
        "SELECT position, id, type, party_id, subject, data, occurred_at FROM kit.event"
        " WHERE position < %b::bigint AND position >= %b::bigint"
        " AND (cardinality(%b::text[]) = 0 OR type = ANY (%b::text[]))"
        " AND (%b::text IS NULL OR subject = %b::text)"
        " AND (%b::uuid IS NULL OR party_id = %b::uuid)"
        " AND (%b::timestamptz IS NULL OR occurred_at >= %b::timestamptz)"
        " AND (%b::timestamptz IS NULL OR occurred_at < %b::timestamptz)"
        " ORDER BY position DESC LIMIT %b",
        *(top, floor, list(search.types), list(search.types)),
        *(search.subject, search.subject, search.party_id, search.party_id),
        *(search.from_at, search.from_at, search.to_at, search.to_at, limit),
    )
    found = [
        Message(position, Event(event_id, name, PartyId(party_id), subject, data, at))
        for position, event_id, name, party_id, subject, data, at in rows
    ]
    if len(found) == limit:
        return found, found[-1].position
    return found, floor if floor > least else None


def _top(ctx: Ctx, search: Search, before: int | None) -> int:
    if before is not None:
        return before
    if search.to_at is not None:
        return _position_of(ctx, search.to_at + _LATE)
    [[end]] = ctx.db.rows("SELECT coalesce(max(position), 0) FROM kit.event")
    return int(end) + 1


def _position_of(ctx: Ctx, moment: datetime) -> int:
    [[position]] = ctx.db.rows(_FIND, moment, moment)
    return int(position)
