"""Facts on their way out: written in the transaction, given their place in the log after commit.

A sequence taken inside a transaction would let a late commit slip behind a reader's cursor. So a
fact first lies in ``kit.outbox``; one relay at a time moves what is committed into ``kit.event``
and gives it the next position there. The log is append-only by grant, has no gaps, and serves
the message pool (read and acknowledge) of every party.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.clock import wall_now
from weili.kit.context import Ctx, Event, PartyId
from weili.kit.db import APPEND_ONLY, QUEUE, Transaction, metadata
from weili.kit.ids import id_least
from weili.kit.partitions import LOG, Cut
from weili.kit.problems import Kind, Problem
from weili.kit.tallies import NOBODY, Hashed, Tally

_RELAY_LOCK: Final = 7_305_001
RELAY_MAX: Final = 2_000
MESSAGES_MAX: Final = 100
ACKS_AHEAD_MAX: Final = 10_000
_TOLD_WITHIN: Final = timedelta(seconds=1)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("party_id", sa.Uuid, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("data", pgt.JSONB, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    schema="kit",
    info=QUEUE,
    # What lies here for a moment is not worth compressing.
    postgresql_with={"toast_tuple_target": "8160"},
)
event = sa.Table(
    "event",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("party_id", sa.Uuid, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("data", pgt.JSONB, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    # No key: no partition could promise it for another. An id is made once, and its row comes here
    # once, in the transaction that takes it out of the outbox.
    sa.Index(None, "id"),
    sa.Index(None, "party_id", "position"),
    schema="kit",
    info=APPEND_ONLY,
    postgresql_partition_by="RANGE (position)",
)
feed = sa.Table(
    "feed",
    metadata,
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("acked_to", sa.BigInteger, nullable=False),
    schema="kit",
)
feed_ack = sa.Table(
    "feed_ack",
    metadata,
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    schema="kit",
    info=QUEUE,
)


_FLUSH: Final = (
    "INSERT INTO kit.outbox (id, type, party_id, subject, occurred_at, data)"
    " SELECT i, t, p, s, o, d::jsonb FROM unnest(%b::uuid[], %b::text[], %b::uuid[],"
    " %b::text[], %b::timestamptz[], %b::text[]) AS x (i, t, p, s, o, d)"
)
_FLUSH_SHARED: Final = (
    "INSERT INTO kit.outbox (id, type, party_id, subject, occurred_at, data)"
    " SELECT i, t, p, s, o, (ARRAY(SELECT d::jsonb FROM unnest(%b::text[]) AS d))[n]"
    " FROM unnest(%b::uuid[], %b::text[], %b::uuid[],"
    " %b::text[], %b::timestamptz[], %b::int[]) AS x (i, t, p, s, o, n)"
)


EVENTS: Final = Cut(
    table=LOG,
    # What its party has not acknowledged stays for it, however old.
    goes=("r.position <= (SELECT f.acked_to FROM kit.feed f WHERE f.party_id = r.party_id)"),
    order="position",
    sums=("position",),
)
"""What is taken out of old stretches of the log."""

_RANGES: Final = (
    "SELECT coalesce(lag(bound) OVER (ORDER BY no), '1')::bigint AS first, bound::bigint AS bound,"
    " out_at, row_count FROM kit.partition WHERE parent = 'kit.event'"
)


class AcksTooFarAhead(Problem):
    """Too many messages were acknowledged while an older one was left lying."""

    kind = Kind.CONFLICT
    code = "acks_too_far_ahead"
    en = (
        "More than {bound} newer messages are acknowledged while an older one is not; "
        "acknowledge the oldest messages first."
    )
    zh = "已有超过 {bound} 条较新的消息被确认，而更早的消息尚未确认；请先确认最早的消息。"


@dataclass(frozen=True, slots=True)
class Message:
    """An event in the log, with its position."""

    position: int
    event: Event


def flush(db: Transaction, events: Sequence[Event]) -> None:
    """Write what a transaction announced, as one statement. Called by the world before commit.

    What many parties are told in the same words is written and read as JSON once.
    """
    if not events:
        return
    said = {id(e.data): e.data for e in events}
    texts = [msgspec.json.encode(data).decode() for data in said.values()]
    head = (
        [e.id for e in events],
        [e.type for e in events],
        [e.party_id for e in events],
        [e.subject for e in events],
        [e.occurred_at for e in events],
    )
    if len(said) == len(events):
        db.run(_FLUSH, *head, texts)
    else:
        places = {key: place for place, key in enumerate(said, start=1)}
        db.run(_FLUSH_SHARED, texts, *head, [places[id(e.data)] for e in events])


def relay(ctx: Ctx, *, limit: int = RELAY_MAX) -> list[Message]:
    """Give committed facts their positions; returns them in order, at most ``limit``.

    One relay works at a time: another that comes meanwhile gets an empty list.
    """
    if not ctx.db.rows("SELECT pg_try_advisory_xact_lock(%b)", _RELAY_LOCK)[0][0]:
        return []
    rows = ctx.db.rows(
        "WITH moved AS ("
        " DELETE FROM kit.outbox WHERE seq = ANY (ARRAY("
        "  SELECT seq FROM kit.outbox ORDER BY seq LIMIT %b)) RETURNING *"
        "), last AS (SELECT coalesce(max(position), 0) AS position FROM kit.event)"
        " INSERT INTO kit.event (position, id, type, party_id, subject, data, occurred_at)"
        " SELECT last.position + row_number() OVER (ORDER BY seq), id, type, party_id, subject,"
        "  data, occurred_at FROM moved CROSS JOIN last"
        " RETURNING position, id, type, party_id, subject, data, occurred_at",
        limit,
    )
    return sorted((_message(row) for row in rows), key=lambda message: message.position)


def log_after(
    ctx: Ctx, *, after: int, types: Sequence[str], limit: int
) -> tuple[list[Message], int]:
    """Read the log on from a position, whoever the facts are addressed to: some types only.

    Gives at most ``limit`` messages in order, and the position up to which nothing was left out:
    there the reader goes on. Positions are given after commit, so none appears behind it later.
    """
    # The end is read first: what comes between the two statements is left to the next reading.
    [[end]] = ctx.db.rows("SELECT coalesce(max(position), 0) FROM kit.event")
    rows = ctx.db.rows(
        "SELECT position, id, type, party_id, subject, data, occurred_at FROM kit.event"
        " WHERE position > %b AND position <= %b AND type = ANY (%b::text[])"
        " ORDER BY position LIMIT %b",
        *(after, end, list(types), limit),
    )
    found = [_message(row) for row in rows]
    return found, found[-1].position if len(found) == limit else max(after, end)


def told_of(
    ctx: Ctx, *, subject: str, moments: Sequence[datetime], limit: int
) -> list[tuple[datetime, str, PartyId]]:
    """Give what was announced of a subject at some moments: when, what, and to whom.

    Nothing of the log is looked through but what was announced within a second of these moments:
    ids are made of their times.
    """
    rows = ctx.db.rows(
        "SELECT e.occurred_at, e.type, e.party_id FROM unnest(%b::uuid[], %b::uuid[]) AS m (a, b)"
        " CROSS JOIN LATERAL (SELECT * FROM kit.event WHERE id >= m.a AND id < m.b) AS e"
        " WHERE e.subject = %b ORDER BY e.id LIMIT %b",
        [id_least(at) for at in moments],
        [id_least(at + _TOLD_WITHIN) for at in moments],
        subject,
        limit,
    )
    return list(dict.fromkeys((at, name, PartyId(party_id)) for at, name, party_id in rows))


def types_waiting(ctx: Ctx, *, types: Sequence[str]) -> bool:
    """Say whether facts of some types are still on their way to the log."""
    return bool(
        ctx.db.rows("SELECT 1 FROM kit.outbox WHERE type = ANY (%b::text[]) LIMIT 1", list(types))
    )


def messages(
    ctx: Ctx, *, party_id: PartyId, types: Sequence[str] = (), limit: int = MESSAGES_MAX
) -> list[Message]:
    """Give a party's oldest messages that it has not acknowledged, in order."""
    rows = ctx.db.rows(
        "SELECT position, id, type, party_id, subject, data, occurred_at FROM kit.event e"
        " WHERE party_id = %b AND position > coalesce("
        "  (SELECT acked_to FROM kit.feed WHERE party_id = %b), 0)"
        " AND (cardinality(%b::text[]) = 0 OR type = ANY (%b::text[]))"
        " AND NOT EXISTS (SELECT FROM kit.feed_ack a"
        "  WHERE a.party_id = e.party_id AND a.position = e.position)"
        " ORDER BY position LIMIT %b",
        party_id,
        party_id,
        list(types),
        list(types),
        min(limit, MESSAGES_MAX),
    )
    return [_message(row) for row in rows]


def acknowledge(ctx: Ctx, *, party_id: PartyId, ids: Sequence[UUID]) -> int:
    """Take messages out of a party's pool; says how many were newly acknowledged.

    Ids that are not this party's, or were acknowledged before, change nothing.

    Raises: AcksTooFarAhead, when an old message lies unacknowledged below too many others.
    """
    ctx.db.run(
        "INSERT INTO kit.feed (party_id, acked_to) VALUES (%b, 0) ON CONFLICT DO NOTHING", party_id
    )
    [[acked_to]] = ctx.db.rows(
        "SELECT acked_to FROM kit.feed WHERE party_id = %b FOR UPDATE", party_id
    )
    acked = ctx.db.run(
        "INSERT INTO kit.feed_ack (party_id, position) SELECT party_id, position FROM kit.event"
        " WHERE id = ANY (%b::uuid[]) AND party_id = %b AND position > %b ON CONFLICT DO NOTHING",
        list(ids),
        party_id,
        acked_to,
    ).rowcount
    [[reached]] = ctx.db.rows(
        "SELECT coalesce("
        " (SELECT min(position) - 1 FROM kit.event e WHERE party_id = %b AND position > %b"
        "  AND NOT EXISTS (SELECT FROM kit.feed_ack a"
        "   WHERE a.party_id = e.party_id AND a.position = e.position)),"
        " (SELECT max(position) FROM kit.feed_ack WHERE party_id = %b), %b)",
        party_id,
        acked_to,
        party_id,
        acked_to,
    )
    ctx.db.run("UPDATE kit.feed SET acked_to = %b WHERE party_id = %b", reached, party_id)
    ctx.db.run("DELETE FROM kit.feed_ack WHERE party_id = %b AND position <= %b", party_id, reached)
    [[ahead]] = ctx.db.rows("SELECT count(*) FROM kit.feed_ack WHERE party_id = %b", party_id)
    if ahead > ACKS_AHEAD_MAX:
        raise AcksTooFarAhead(bound=ACKS_AHEAD_MAX)
    return acked


def event_gaps(ctx: Ctx) -> list[tuple[int, str]]:
    """Find positions where the log is not 1, 2, 3 …: (position, what is wrong), for ``verify``."""
    rows = ctx.db.rows(
        "SELECT here, before FROM (SELECT position AS here,"  # noqa: S608 - ours
        "  lag(position, 1, 0::bigint) OVER (ORDER BY position) AS before FROM kit.event) AS step"
        f" WHERE here <> before + 1 AND (SELECT bool_and(r.out_at IS NOT NULL) FROM ({_RANGES}) r"
        "  WHERE r.bound > before + 1 AND r.first < here) IS NOT TRUE ORDER BY here"
    )
    out = ctx.db.rows(
        f"SELECT r.first, r.bound - r.first, r.row_count, count(e.position) FROM ({_RANGES}) r"  # noqa: S608 - ours
        " LEFT JOIN kit.event e ON e.position >= r.first AND e.position < r.bound"
        " WHERE r.out_at IS NOT NULL GROUP BY 1, 2, 3"
        " HAVING count(e.position) + r.row_count <> r.bound - r.first ORDER BY 1"
    )
    return [(here, f"follows {before}") for here, before in rows] + [
        (first, f"begins {width} positions, of which {gone} were taken out and {left} are here")
        for first, width, gone, left in out
    ]


def stories_told(ctx: Ctx, *, story: str, first: str, since: str) -> Tally[str, str]:
    """Say how the story of each subject begins: subject, of nobody, ``story_told``.

    A story is a subject's events of the types that are like ``story``, in the log and on their
    way to it; of subjects that are written less than ``since`` none. Reads the whole log; for
    ``verify``.
    """
    return Tally(
        ctx,
        "WITH told AS ("
        " SELECT subject, type, position FROM kit.event WHERE type LIKE %b"
        " UNION ALL SELECT subject, type, seq + (1::bigint << 62) FROM kit.outbox"
        "  WHERE type LIKE %b"
        ") SELECT subject AS key, %b::uuid AS of, count(*) FILTER (WHERE type = %b)"
        " || ' times, begins with ' || CASE WHEN min(position) FILTER (WHERE type = %b)"
        "  = min(position) THEN %b::text ELSE 'another' END AS value FROM told"
        ' WHERE subject COLLATE "C" >= %b GROUP BY subject',
        (story, story, NOBODY, first, first, first, since),
        Hashed.TEXT,
        Hashed.TEXT,
    )


def story_told(*, firsts: int, begins: str) -> str:
    """Say how a story begins: how often it has its first event, and with which it begins."""
    return f"{firsts} times, begins with {begins}"


def parts_told(ctx: Ctx, *, part: str, types: Sequence[str], since: str) -> Tally[str, str]:
    """Say what was told of each part of a subject: part, of whom it was told, types in order.

    ``part`` is the member of the events' data that names it; those that are written less than
    ``since`` are left out. Reads the whole log; for ``verify``.
    """
    return Tally(
        ctx,
        "WITH told AS ("
        " SELECT data, party_id, type, position FROM kit.event WHERE type = ANY (%b::text[])"
        " UNION ALL SELECT data, party_id, type, seq + (1::bigint << 62) FROM kit.outbox"
        "  WHERE type = ANY (%b::text[])"
        ") SELECT data ->> %b::text AS key, party_id AS of,"
        " string_agg(type, ' ' ORDER BY position) AS value FROM told"
        ' WHERE data ? %b::text AND (data ->> %b::text) COLLATE "C" >= %b GROUP BY 1, 2',
        (list(types), list(types), part, part, part, since),
        Hashed.TEXT,
        Hashed.TEXT,
    )


def stretch_end(ctx: Ctx, *, start: int, bound: int) -> datetime | None:
    """Say when the newest event of a stretch happened, if the log has gone on beyond it.

    The newest is seldom the last: positions are given after what is told was committed.
    """
    [[end]] = ctx.db.rows("SELECT coalesce(max(position), 0) FROM kit.event")
    if end < bound:
        return None
    rows: list[tuple[datetime | None]] = ctx.db.rows(
        "SELECT max(occurred_at) FROM kit.event WHERE position >= %b AND position < %b",
        start,
        bound,
    )
    return rows[0][0] or ctx.now


def feeds_beyond(ctx: Ctx) -> list[tuple[PartyId, str]]:
    """Find parties that acknowledged what was never told to them: (party, what is wrong).

    What they acknowledged beyond the log's end would be kept from them when it comes.
    """
    rows = ctx.db.rows(
        "WITH last AS (SELECT coalesce(max(position), 0) AS position FROM kit.event)"
        " SELECT f.party_id, 'everything up to ' || f.acked_to || ' is acknowledged, the log ends'"
        "  || ' at ' || l.position FROM kit.feed f CROSS JOIN last l WHERE f.acked_to > l.position"
        " UNION ALL SELECT a.party_id, a.position || ' is acknowledged, which is no message to it'"
        "  FROM kit.feed_ack a LEFT JOIN kit.event e"
        "  ON e.position = a.position AND e.party_id = a.party_id WHERE e.position IS NULL"
        " ORDER BY 1, 2"
    )
    return [(PartyId(party_id), what) for party_id, what in rows]


def jobs_failed(ctx: Ctx) -> list[tuple[int, str]]:
    """Find what followed from a fact and was given up: (job, what it was), for ``verify``.

    The jobs' tables are found by the search path, as their own statements find them.
    """
    rows = ctx.db.rows(
        "SELECT id, task_name, attempts, args::text FROM procrastinate_jobs"
        " WHERE status = 'failed' ORDER BY id"
    )
    return [
        (job_id, f"{task} was given up after {attempts} attempts, with {args}")
        for job_id, task, attempts, args in rows
    ]


class Backlog(NamedTuple):
    """How much is to follow from what has happened, and since when; ages are 0 where nothing is."""

    events: int
    events_age_s: float
    jobs: int
    jobs_age_s: float
    jobs_failed: int


def backlog(ctx: Ctx) -> Backlog:
    """Count the facts without a position, and the jobs that wait or were given up.

    Jobs are dated by the machine's clock, whatever a sandbox's says.
    """
    [[events, occurred_at]] = ctx.db.rows("SELECT count(*), min(occurred_at) FROM kit.outbox")
    [[jobs, deferred_at, failed]] = ctx.db.rows(
        "SELECT count(*) FILTER (WHERE j.status = 'todo'),"
        " min(e.at) FILTER (WHERE j.status = 'todo'),"
        " count(*) FILTER (WHERE j.status = 'failed') FROM procrastinate_jobs j"
        " LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'"
    )
    return Backlog(
        events=events,
        events_age_s=(ctx.now - occurred_at).total_seconds() if events else 0.0,
        jobs=jobs,
        jobs_age_s=(wall_now() - deferred_at).total_seconds() if deferred_at else 0.0,
        jobs_failed=failed,
    )


def waiting(ctx: Ctx) -> int:
    """Count the facts that have no position yet."""
    [[count]] = ctx.db.rows("SELECT count(*) FROM kit.outbox")
    return int(count)


def _message(row: tuple[int, UUID, str, UUID, str, Any, datetime]) -> Message:
    position, event_id, event_type, party_id, subject, data, occurred_at = row
    return Message(
        position, Event(event_id, event_type, PartyId(party_id), subject, data, occurred_at)
    )
