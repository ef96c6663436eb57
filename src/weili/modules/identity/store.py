"""All SQL of ``identity``."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.modules.identity.model import Session, SessionId
from weili.modules.parties import PersonId

_SESSION: Final = (
    "SELECT id, person_id, party_id, created_at, seen_at, expires_at, token_hash"
    " FROM identity.session"
)
_FACTOR: Final = (
    "SELECT secret_sealed, confirmed_at, last_step FROM identity.second_factor WHERE person_id = %b"
)


# --- tries ---------------------------------------------------------------------------------------


def try_count(ctx: Ctx, *, mark: bytes, now: datetime, since: datetime) -> tuple[datetime, int]:
    """Count one try more; gives when the first of them was, and how many there are.

    Tries that began before ``since`` are forgotten first.
    """
    [(began_at, count)] = ctx.db.rows(
        "INSERT INTO identity.attempt AS a (mark, began_at, count) VALUES (%b, %b, 1)"
        " ON CONFLICT (mark) DO UPDATE SET"
        " began_at = CASE WHEN a.began_at <= %b THEN excluded.began_at ELSE a.began_at END,"
        " count = CASE WHEN a.began_at <= %b THEN 1 ELSE a.count + 1 END"
        " RETURNING began_at, count",
        mark,
        now,
        since,
        since,
    )
    return began_at, count


def tries_forget(ctx: Ctx, *, mark: bytes) -> None:
    """Forget the tries of a mark."""
    ctx.db.run("DELETE FROM identity.attempt WHERE mark = %b", mark)


def try_give_back(ctx: Ctx, *, mark: bytes) -> None:
    """Count one try less."""
    ctx.db.run("UPDATE identity.attempt SET count = greatest(count - 1, 0) WHERE mark = %b", mark)


def tries_sweep(ctx: Ctx, *, before: datetime, limit: int) -> int:
    """Forget tries that count no more, a bounded number."""
    return ctx.db.run(
        "DELETE FROM identity.attempt WHERE mark IN"
        " (SELECT mark FROM identity.attempt WHERE began_at < %b"
        " ORDER BY mark LIMIT %b FOR UPDATE SKIP LOCKED)",
        before,
        limit,
    ).rowcount


# --- passwords -----------------------------------------------------------------------------------


def passwords_read(ctx: Ctx, *, person_ids: Collection[PersonId]) -> dict[PersonId, str]:
    """Give the hashes of the passwords of those people who have one."""
    rows = ctx.db.rows(
        "SELECT person_id, hash FROM identity.password WHERE person_id = ANY (%b::uuid[])",
        list(person_ids),
    )
    return {PersonId(person_id): hashed for person_id, hashed in rows}


def password_lock(ctx: Ctx, *, person_id: PersonId) -> str | None:
    """Give the hash of a person's password, held until the transaction's end."""
    rows = ctx.db.rows(
        "SELECT hash FROM identity.password WHERE person_id = %b FOR UPDATE", person_id
    )
    return rows[0][0] if rows else None


def password_put(ctx: Ctx, *, person_id: PersonId, hashed: str, now: datetime) -> None:
    """Set a person's password."""
    ctx.db.run(
        "INSERT INTO identity.password (person_id, hash, changed_at) VALUES (%b, %b, %b)"
        " ON CONFLICT (person_id) DO UPDATE"
        " SET hash = excluded.hash, changed_at = excluded.changed_at",
        person_id,
        hashed,
        now,
    )


def password_delete(ctx: Ctx, *, person_id: PersonId) -> None:
    """Remove a person's password."""
    ctx.db.run("DELETE FROM identity.password WHERE person_id = %b", person_id)


# --- second factors ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Factor:
    """A person's second factor as it is kept."""

    sealed: bytes = field(repr=False)
    confirmed_at: datetime | None
    last_step: int


def factor_begin(ctx: Ctx, *, person_id: PersonId, sealed: bytes, now: datetime) -> bool:
    """Add a second factor, in the place of one that was not confirmed; False where one was."""
    return (
        ctx.db.run(
            "INSERT INTO identity.second_factor AS f"
            " (person_id, secret_sealed, created_at, last_step) VALUES (%b, %b, %b, 0)"
            " ON CONFLICT (person_id) DO UPDATE"
            " SET secret_sealed = excluded.secret_sealed, created_at = excluded.created_at"
            " WHERE f.confirmed_at IS NULL",
            person_id,
            sealed,
            now,
        ).rowcount
        > 0
    )


def factor_read(ctx: Ctx, *, person_id: PersonId) -> Factor | None:
    """Give a person's second factor."""
    return _factor(ctx.db.rows(_FACTOR, person_id))


def factor_lock(ctx: Ctx, *, person_id: PersonId) -> Factor | None:
    """Give a person's second factor, held until the transaction's end."""
    return _factor(ctx.db.rows(_FACTOR + " FOR UPDATE", person_id))


def factor_confirm(ctx: Ctx, *, person_id: PersonId, step: int, now: datetime) -> None:
    """Note that a second factor works, and which code showed it."""
    ctx.db.run(
        "UPDATE identity.second_factor SET confirmed_at = %b, last_step = %b WHERE person_id = %b",
        now,
        step,
        person_id,
    )


def factor_step(ctx: Ctx, *, person_id: PersonId, step: int) -> None:
    """Note which code was used last."""
    ctx.db.run(
        "UPDATE identity.second_factor SET last_step = %b WHERE person_id = %b", step, person_id
    )


def factor_delete(ctx: Ctx, *, person_id: PersonId) -> bool:
    """Remove a person's second factor and its recovery codes; says whether there was one."""
    ctx.db.run("DELETE FROM identity.recovery_code WHERE person_id = %b", person_id)
    done = ctx.db.run("DELETE FROM identity.second_factor WHERE person_id = %b", person_id)
    return done.rowcount > 0


def factors_sealed(ctx: Ctx) -> list[tuple[PersonId, bytes]]:
    """Give every second factor as it is sealed, for ``verify``."""
    rows = ctx.db.rows("SELECT person_id, secret_sealed FROM identity.second_factor")
    return [(PersonId(person_id), bytes(sealed)) for person_id, sealed in rows]


def recovery_put(ctx: Ctx, *, person_id: PersonId, hashes: Sequence[bytes]) -> None:
    """Keep a person's recovery codes, in the place of all that were there."""
    ctx.db.run("DELETE FROM identity.recovery_code WHERE person_id = %b", person_id)
    ctx.db.run(
        "INSERT INTO identity.recovery_code (person_id, code_hash)"
        " SELECT %b, h FROM unnest(%b::bytea[]) AS h",
        person_id,
        list(hashes),
    )


def recovery_take(ctx: Ctx, *, person_id: PersonId, code_hash: bytes) -> bool:
    """Use a recovery code up; says whether there was one."""
    done = ctx.db.run(
        "DELETE FROM identity.recovery_code WHERE person_id = %b AND code_hash = %b",
        person_id,
        code_hash,
    )
    return done.rowcount > 0


def _factor(rows: Sequence[Sequence[Any]]) -> Factor | None:
    if not rows:
        return None
    sealed, confirmed_at, last_step = rows[0]
    return Factor(bytes(sealed), confirmed_at, last_step)


# --- links ---------------------------------------------------------------------------------------


def link_put(
    ctx: Ctx,
    *,
    person_id: PersonId,
    token_hash: bytes,
    created_at: datetime,
    expires_at: datetime,
) -> None:
    """Add a person's link, in the place of one that was there."""
    ctx.db.run(
        "INSERT INTO identity.link (person_id, token_hash, created_at, expires_at)"
        " VALUES (%b, %b, %b, %b) ON CONFLICT (person_id) DO UPDATE"
        " SET token_hash = excluded.token_hash, created_at = excluded.created_at,"
        " expires_at = excluded.expires_at",
        person_id,
        token_hash,
        created_at,
        expires_at,
    )


def link_person(ctx: Ctx, *, token_hash: bytes, now: datetime) -> PersonId | None:
    """Say whose link it is, if it still works."""
    rows = ctx.db.rows(
        "SELECT person_id FROM identity.link WHERE token_hash = %b AND expires_at > %b",
        token_hash,
        now,
    )
    return PersonId(rows[0][0]) if rows else None


def link_take(ctx: Ctx, *, token_hash: bytes, now: datetime) -> PersonId | None:
    """Use a link up, if it still works; says whose it was."""
    rows = ctx.db.rows(
        "DELETE FROM identity.link WHERE token_hash = %b AND expires_at > %b RETURNING person_id",
        token_hash,
        now,
    )
    return PersonId(rows[0][0]) if rows else None


def link_delete(ctx: Ctx, *, person_id: PersonId) -> None:
    """Remove a person's link."""
    ctx.db.run("DELETE FROM identity.link WHERE person_id = %b", person_id)


def links_sweep(ctx: Ctx, *, now: datetime, limit: int) -> int:
    """Forget links that work no more, a bounded number."""
    return ctx.db.run(
        "DELETE FROM identity.link WHERE person_id IN"
        " (SELECT person_id FROM identity.link WHERE expires_at <= %b"
        " ORDER BY person_id LIMIT %b FOR UPDATE SKIP LOCKED)",
        now,
        limit,
    ).rowcount


# --- sessions ------------------------------------------------------------------------------------


def session_insert(ctx: Ctx, *, row: Session, token_hash: bytes) -> None:
    """Add a session."""
    ctx.db.run(
        "INSERT INTO identity.session"
        " (id, token_hash, person_id, party_id, created_at, seen_at, expires_at)"
        " VALUES (%b, %b, %b, %b, %b, %b, %b)",
        row.id,
        token_hash,
        row.person_id,
        row.party_id,
        row.created_at,
        row.seen_at,
        row.expires_at,
    )


def sessions_trim(ctx: Ctx, *, person_id: PersonId, keep: int) -> None:
    """End the oldest sessions of a person, so that no more than some are left."""
    ctx.db.run(
        "DELETE FROM identity.session WHERE id IN (SELECT id FROM identity.session"
        " WHERE person_id = %b ORDER BY created_at DESC, id DESC OFFSET %b)",
        person_id,
        keep,
    )


def sessions_find(ctx: Ctx, *, token_hashes: Collection[bytes]) -> dict[bytes, Session]:
    """Give those sessions that exist, by the hashes of their tokens."""
    rows = ctx.db.rows(_SESSION + " WHERE token_hash = ANY (%b::bytea[])", list(token_hashes))
    return {bytes(row[-1]): _session(row) for row in rows}


def sessions_seen(
    ctx: Ctx,
    *,
    token_hashes: Collection[bytes],
    now: datetime,
    since: datetime,
    before: datetime,
) -> None:
    """Note that sessions are in use, of which that was noted last after ``since``.

    One that was noted after ``before`` stays as it is, and so does one that is held by another.
    """
    ctx.db.run(
        "UPDATE identity.session SET seen_at = %b WHERE id IN (SELECT id FROM identity.session"
        " WHERE token_hash = ANY (%b::bytea[]) AND seen_at > %b AND seen_at < %b"
        " AND expires_at > %b ORDER BY id FOR UPDATE SKIP LOCKED)",
        now,
        list(token_hashes),
        since,
        before,
        now,
    )


def sessions_of(
    ctx: Ctx, *, person_id: PersonId, since: datetime, now: datetime, limit: int
) -> list[Session]:
    """Give the sessions of a person that still last, the newest first."""
    rows = ctx.db.rows(
        _SESSION + " WHERE person_id = %b AND seen_at > %b AND expires_at > %b"
        " ORDER BY created_at DESC, id DESC LIMIT %b",
        person_id,
        since,
        now,
        limit,
    )
    return [_session(row) for row in rows]


def session_delete(ctx: Ctx, *, session_id: SessionId, person_id: PersonId) -> bool:
    """End one session of a person; says whether there was one."""
    done = ctx.db.run(
        "DELETE FROM identity.session WHERE id = %b AND person_id = %b", session_id, person_id
    )
    return done.rowcount > 0


def sessions_delete(ctx: Ctx, *, person_id: PersonId, but: SessionId | None) -> None:
    """End all sessions of a person, but one where one is named."""
    ctx.db.run(
        "DELETE FROM identity.session WHERE person_id = %b AND id IS DISTINCT FROM %b::uuid",
        person_id,
        but,
    )


def sessions_sweep(ctx: Ctx, *, seen_before: datetime, now: datetime, limit: int) -> int:
    """Forget sessions that have ended by themselves, a bounded number."""
    return ctx.db.run(
        "DELETE FROM identity.session WHERE id IN (SELECT id FROM identity.session"
        " WHERE seen_at <= %b OR expires_at <= %b ORDER BY id LIMIT %b FOR UPDATE SKIP LOCKED)",
        seen_before,
        now,
        limit,
    ).rowcount


def people_with_access(ctx: Ctx) -> list[PersonId]:
    """Give everybody who has a password, a session, a link or a second factor, for ``verify``."""
    rows = ctx.db.rows(
        "SELECT person_id FROM identity.password UNION SELECT person_id FROM identity.session"
        " UNION SELECT person_id FROM identity.link"
        " UNION SELECT person_id FROM identity.second_factor"
    )
    return [PersonId(person_id) for (person_id,) in rows]


def _session(row: Sequence[Any]) -> Session:
    session_id, person_id, party_id, created_at, seen_at, expires_at, _ = row
    return Session(
        SessionId(session_id),
        PersonId(person_id),
        PartyId(party_id),
        created_at,
        seen_at,
        expires_at,
    )


# --- asking for a new password -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResetAsk:
    """That somebody asked for a new password."""

    id: UUID
    email_sealed: bytes = field(repr=False)
    language: str
    asked_at: datetime


def reset_ask_insert(ctx: Ctx, *, row: ResetAsk) -> None:
    """Write down that somebody asked."""
    ctx.db.run(
        "INSERT INTO identity.reset_ask (id, email_sealed, language, asked_at)"
        " VALUES (%b, %b, %b, %b)",
        row.id,
        row.email_sealed,
        row.language,
        row.asked_at,
    )


def reset_asks_take(ctx: Ctx, *, limit: int) -> list[ResetAsk]:
    """Take the oldest of those who asked out of the queue."""
    rows = ctx.db.rows(
        "DELETE FROM identity.reset_ask WHERE id IN (SELECT id FROM identity.reset_ask"
        " ORDER BY id LIMIT %b FOR UPDATE SKIP LOCKED)"
        " RETURNING id, email_sealed, language, asked_at",
        limit,
    )
    return sorted((ResetAsk(*row) for row in rows), key=lambda ask: ask.id)
