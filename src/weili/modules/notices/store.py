"""All SQL of ``notices``."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from weili.kit.context import Ctx, PartyId
from weili.modules.notices.model import Kind, Notice, NoticeId, NoticeState, Way
from weili.modules.parties import PersonId


@dataclass(frozen=True, slots=True)
class Due:
    """A mail as it lies in the queue."""

    notice: Notice
    tries: int
    values: dict[str, str] = field(repr=False)


def notices_insert(ctx: Ctx, *, rows: Sequence[Notice]) -> int:
    """Write notices down, each once for its person, kind, subject and way; says how many are new.

    They are written in one order, so that two who tell the same people wait, and never deadlock.
    """
    new = 0
    for row in sorted(rows, key=lambda each: (each.person_id, each.kind, each.subject, each.way)):
        new += ctx.db.run(
            "INSERT INTO notices.notice (id, person_id, party_id, kind, subject, way, language,"
            " values_sealed, state, tries, created_at, due_at, expires_at)"
            " VALUES (%b, %b, %b, %b, %b, %b, %b, %b, %b, 0, %b, %b, %b)"
            " ON CONFLICT ON CONSTRAINT uq_notice_once DO NOTHING",
            row.id,
            row.person_id,
            row.party_id,
            str(row.kind),
            row.subject,
            str(row.way),
            row.language,
            ctx.keyring.seal(msgspec.json.encode(row.values), bound_to=row.id.bytes),
            str(NoticeState.SHOWN if row.way is Way.APP else NoticeState.DUE),
            row.created_at,
            row.created_at,
            row.expires_at,
        ).rowcount
    return new


def mails_take(ctx: Ctx, *, limit: int) -> list[Due]:
    """Hold mails that are due, the longest due first; those that another holds are left to it."""
    rows = ctx.db.rows(
        "SELECT id, person_id, party_id, kind, subject, way, created_at, expires_at, language,"
        " values_sealed, read_at, tries FROM notices.notice WHERE state = 'due' AND due_at <= %b"
        " ORDER BY due_at LIMIT %b FOR UPDATE SKIP LOCKED",
        ctx.now,
        limit,
    )
    found = [(_notice(ctx, row), row[11]) for row in rows]
    return [Due(notice, tries, notice.values) for notice, tries in found]


def mail_put_off(ctx: Ctx, *, notice_id: NoticeId, tries: int, due_at: datetime) -> None:
    """Count a try, and say when the next one is."""
    ctx.db.run(
        "UPDATE notices.notice SET tries = %b, due_at = %b WHERE id = %b AND state = 'due'",
        tries,
        due_at,
        notice_id,
    )


def mail_end(ctx: Ctx, *, notice_id: NoticeId, state: NoticeState) -> None:
    """End a mail that is due; what it said is forgotten."""
    ctx.db.run(
        "UPDATE notices.notice SET state = %b, values_sealed = NULL"
        " WHERE id = %b AND state = 'due'",
        str(state),
        notice_id,
    )


def notice_page(
    ctx: Ctx, *, person_id: PersonId, before: UUID | None, is_unread: bool, limit: int
) -> list[Notice]:
    """Give what somebody is shown, the newest first."""
    rows = ctx.db.rows(
        "SELECT id, person_id, party_id, kind, subject, way, created_at, expires_at, language,"
        " values_sealed, read_at FROM notices.notice"
        " WHERE person_id = %b AND way = 'app' AND (%b::uuid IS NULL OR id < %b)"
        " AND (NOT %b OR read_at IS NULL) ORDER BY id DESC LIMIT %b",
        person_id,
        before,
        before,
        is_unread,
        limit,
    )
    return [_notice(ctx, row) for row in rows]


def unread_count(ctx: Ctx, *, person_id: PersonId, limit: int) -> int:
    """Count what somebody has not read, so far as ``limit``."""
    [[count]] = ctx.db.rows(
        "SELECT count(*) FROM (SELECT 1 FROM notices.notice WHERE person_id = %b AND way = 'app'"
        " AND read_at IS NULL LIMIT %b) AS unread",
        person_id,
        limit,
    )
    return int(count)


def read_mark(ctx: Ctx, *, person_id: PersonId, ids: Collection[NoticeId] | None) -> int:
    """Mark some of a person's notices as read, or all; says how many were not."""
    return ctx.db.run(
        "UPDATE notices.notice SET read_at = %b WHERE person_id = %b AND way = 'app'"
        " AND read_at IS NULL AND (%b OR id = ANY (%b::uuid[]))",
        ctx.now,
        person_id,
        ids is None,
        list(ids or ()),
    ).rowcount


def choices_read(
    ctx: Ctx, *, person_ids: Collection[PersonId]
) -> dict[PersonId, tuple[str, list[str]]]:
    """Give the language and what is off of those people who have chosen."""
    rows = ctx.db.rows(
        "SELECT person_id, language, off FROM notices.choice WHERE person_id = ANY (%b::uuid[])",
        list(person_ids),
    )
    return {PersonId(person_id): (language, off) for person_id, language, off in rows}


def choice_put(ctx: Ctx, *, person_id: PersonId, language: str, off: Sequence[str]) -> None:
    """Write down what somebody has chosen."""
    ctx.db.run(
        "INSERT INTO notices.choice (person_id, language, off) VALUES (%b, %b, %b::text[])"
        " ON CONFLICT (person_id) DO UPDATE SET language = excluded.language, off = excluded.off",
        person_id,
        language,
        list(off),
    )


def followed_lock(ctx: Ctx) -> int | None:
    """Give how far the log was read, held; None while another reads."""
    rows = ctx.db.rows("SELECT position FROM notices.followed WHERE id = 1 FOR UPDATE SKIP LOCKED")
    return rows[0][0] if rows else None


def followed_set(ctx: Ctx, *, position: int) -> None:
    """Say how far the log was read."""
    ctx.db.run("UPDATE notices.followed SET position = %b WHERE id = 1", position)


def notices_sweep(ctx: Ctx, *, before: datetime, limit: int) -> int:
    """Forget old notices, a bounded number."""
    return ctx.db.run(
        "DELETE FROM notices.notice WHERE id IN (SELECT id FROM notices.notice"
        " WHERE created_at < %b ORDER BY created_at LIMIT %b FOR UPDATE SKIP LOCKED)",
        before,
        limit,
    ).rowcount


def _notice(ctx: Ctx, row: Sequence[Any]) -> Notice:
    sealed = row[9]
    opened = ctx.keyring.open(sealed, bound_to=row[0].bytes) if sealed is not None else b"{}"
    return Notice(
        NoticeId(row[0]),
        PersonId(row[1]),
        PartyId(row[2]),
        Kind(row[3]),
        row[4],
        Way(row[5]),
        row[6],
        row[7],
        row[8],
        msgspec.json.decode(opened, type=dict[str, str]),
        row[10],
    )
