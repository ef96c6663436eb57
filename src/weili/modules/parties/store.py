"""All SQL on parties."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import id_least, id_past
from weili.kit.secrets import KeyRing
from weili.modules.parties.model import (
    ApiKey,
    AuditEntry,
    AuditSearch,
    KeyKind,
    KeyRecord,
    Party,
    PartyKind,
    PartyState,
    Person,
    PersonId,
    PersonRole,
)
from weili.modules.parties.rules import email_masked
from weili.modules.parties.tables import api_key, audit, party, person, request_nonce

_KEY_COLUMNS = (
    api_key.c.id,
    api_key.c.party_id,
    api_key.c.kind,
    api_key.c.scopes,
    api_key.c.label,
    api_key.c.created_at,
    api_key.c.revoked_at,
    api_key.c.expires_at,
)


def party_insert(ctx: Ctx, *, row: Party) -> bool:
    """Add a party; False when its kind has one of the same name or code."""
    statement = pgt.insert(party).values(
        id=row.id,
        kind=str(row.kind),
        name=row.name,
        legal_name=row.legal_name,
        uscc=row.uscc,
        state=str(row.state),
        created_at=row.created_at,
    )
    done = ctx.db.sa.execute(statement.on_conflict_do_nothing().returning(party.c.id))
    return done.one_or_none() is not None


def party_lock(ctx: Ctx, *, party_id: PartyId) -> Party | None:
    """Give one party, held until the transaction's end."""
    row = ctx.db.sa.execute(
        sa.select(party).where(party.c.id == party_id).with_for_update(key_share=True)
    ).one_or_none()
    return None if row is None else _party(row)


def party_state_set(ctx: Ctx, *, party_id: PartyId, state: PartyState) -> None:
    """Change a party's state."""
    ctx.db.sa.execute(sa.update(party).where(party.c.id == party_id).values(state=str(state)))


def parties_read(ctx: Ctx, *, party_ids: Collection[PartyId]) -> dict[PartyId, Party]:
    """Give those of the parties that exist."""
    rows = ctx.db.sa.execute(sa.select(party).where(party.c.id.in_(party_ids)))
    return {row.id: _party(row) for row in rows}


def party_by_name(ctx: Ctx, *, kind: PartyKind, name: str) -> Party | None:
    """Give the party of a kind by its name."""
    row = ctx.db.sa.execute(
        sa.select(party).where(party.c.kind == str(kind), party.c.name == name)
    ).one_or_none()
    return None if row is None else _party(row)


def parties_alike(ctx: Ctx, *, name: str, legal_name: str, uscc: str, limit: int) -> list[Party]:
    """Give parties of any kind that share a name, a legal name or a credit code."""
    rows = ctx.db.sa.execute(
        sa.select(party)
        .where(sa.or_(party.c.uscc == uscc, party.c.name == name, party.c.legal_name == legal_name))
        .order_by(party.c.id)
        .limit(limit)
    )
    return [_party(row) for row in rows]


def party_page(ctx: Ctx, *, kind: PartyKind | None, after: UUID | None, limit: int) -> list[Party]:
    """Give parties in the order they were opened."""
    statement = sa.select(party).order_by(party.c.id).limit(limit)
    if kind is not None:
        statement = statement.where(party.c.kind == str(kind))
    if after is not None:
        statement = statement.where(party.c.id > after)
    return [_party(row) for row in ctx.db.sa.execute(statement)]


def person_insert(ctx: Ctx, *, row: Person, email_sealed: bytes, email_index: bytes) -> bool:
    """Add a person; False when the party has one with that e-mail address."""
    statement = pgt.insert(person).values(
        id=row.id,
        party_id=row.party_id,
        name=row.name,
        email_sealed=email_sealed,
        email_index=email_index,
        role=str(row.role),
        created_at=row.created_at,
    )
    done = ctx.db.sa.execute(
        statement.on_conflict_do_nothing(index_elements=["party_id", "email_index"]).returning(
            person.c.id
        )
    )
    return done.one_or_none() is not None


def person_page(ctx: Ctx, *, party_id: PartyId, after: UUID | None, limit: int) -> list[Person]:
    """Give a party's people in the order they came."""
    statement = (
        sa.select(person).where(person.c.party_id == party_id).order_by(person.c.id).limit(limit)
    )
    if after is not None:
        statement = statement.where(person.c.id > after)
    return [_person(row, ctx.keyring) for row in ctx.db.sa.execute(statement)]


def person_by_email(ctx: Ctx, *, party_id: PartyId, email_index: bytes) -> Person | None:
    """Give the person of a party who has an e-mail address."""
    row = ctx.db.sa.execute(
        sa.select(person).where(person.c.party_id == party_id, person.c.email_index == email_index)
    ).one_or_none()
    return None if row is None else _person(row, ctx.keyring)


def people_read(ctx: Ctx, *, person_ids: Collection[PersonId]) -> dict[PersonId, Person]:
    """Give those of the people who exist, of whichever party."""
    rows = ctx.db.sa.execute(sa.select(person).where(person.c.id.in_(person_ids)))
    return {row.id: _person(row, ctx.keyring) for row in rows}


def people_by_email(
    ctx: Ctx, *, email_index: bytes, party_id: PartyId | None, limit: int
) -> list[Person]:
    """Give the people of any party, or of one, who have an e-mail address; the first come first."""
    statement = sa.select(person).where(person.c.email_index == email_index)
    if party_id is not None:
        statement = statement.where(person.c.party_id == party_id)
    rows = ctx.db.sa.execute(statement.order_by(person.c.id).limit(limit))
    return [_person(row, ctx.keyring) for row in rows]


def people_of(
    ctx: Ctx, *, party_id: PartyId, roles: Collection[PersonRole], limit: int
) -> list[Person]:
    """Give the people of a party in some roles, the first come first."""
    statement = (
        sa.select(person)
        .where(person.c.party_id == party_id, person.c.role.in_([str(role) for role in roles]))
        .order_by(person.c.id)
        .limit(limit)
    )
    return [_person(row, ctx.keyring) for row in ctx.db.sa.execute(statement)]


def person_email(ctx: Ctx, *, party_id: PartyId, person_id: PersonId) -> str | None:
    """Give a person's e-mail address in clear."""
    row = ctx.db.sa.execute(
        sa.select(person).where(person.c.party_id == party_id, person.c.id == person_id)
    ).one_or_none()
    return None if row is None else _email(row, ctx.keyring)


def key_insert(
    ctx: Ctx, *, row: ApiKey, secret_hash: bytes | None, secret_sealed: bytes | None
) -> None:
    """Add a key."""
    ctx.db.sa.execute(
        sa.insert(api_key).values(
            id=row.id,
            party_id=row.party_id,
            kind=str(row.kind),
            secret_hash=secret_hash,
            secret_sealed=secret_sealed,
            scopes=sorted(row.scopes),
            label=row.label,
            created_at=row.created_at,
            revoked_at=row.revoked_at,
            expires_at=row.expires_at,
        )
    )


def key_lock(ctx: Ctx, *, key_id: str) -> ApiKey | None:
    """Give one key, held until the transaction's end."""
    row = ctx.db.sa.execute(
        sa.select(*_KEY_COLUMNS).where(api_key.c.id == key_id).with_for_update()
    ).one_or_none()
    return None if row is None else _key(row)


def key_revoke(ctx: Ctx, *, key_id: str, revoked_at: datetime) -> None:
    """Mark a key as revoked."""
    ctx.db.sa.execute(
        sa.update(api_key).where(api_key.c.id == key_id).values(revoked_at=revoked_at)
    )


def keys_live(ctx: Ctx, *, party_id: PartyId) -> int:
    """Count a party's keys that work."""
    return ctx.db.sa.execute(
        sa.select(sa.func.count())
        .select_from(api_key)
        .where(
            api_key.c.party_id == party_id,
            api_key.c.revoked_at.is_(None),
            sa.or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > ctx.now),
        )
    ).scalar_one()


def key_page(ctx: Ctx, *, party_id: PartyId, after: str | None, limit: int) -> list[ApiKey]:
    """Give a party's keys in the order they were issued."""
    statement = (
        sa.select(*_KEY_COLUMNS)
        .where(api_key.c.party_id == party_id)
        .order_by(api_key.c.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(api_key.c.id > after)
    return [_key(row) for row in ctx.db.sa.execute(statement)]


def keys_find(ctx: Ctx, *, key_ids: Sequence[str]) -> dict[str, KeyRecord]:
    """Give the records of those keys that exist, their secrets opened."""
    rows = ctx.db.rows(
        "SELECT k.id, k.party_id, p.kind, p.state, k.kind, k.secret_sealed, k.secret_hash,"
        " k.scopes, k.revoked_at, k.expires_at"
        " FROM parties.api_key k JOIN parties.party p ON p.id = k.party_id"
        " WHERE k.id = ANY (%b::text[])",
        list(key_ids),
    )
    return {row[0]: _record(row, ctx.keyring) for row in rows}


def keys_sealed(ctx: Ctx) -> list[tuple[str, PartyKind, bytes | None, frozenset[str]]]:
    """Give every key with its party's kind and sealed secret, for ``verify``."""
    rows = ctx.db.sa.execute(
        sa.select(api_key.c.id, party.c.kind, api_key.c.secret_sealed, api_key.c.scopes)
        .join(party, party.c.id == api_key.c.party_id)
        .where(api_key.c.revoked_at.is_(None))
        .order_by(api_key.c.id)
    )
    return [(row.id, PartyKind(row.kind), row.secret_sealed, frozenset(row.scopes)) for row in rows]


def nonces_claim(
    ctx: Ctx, *, pairs: Sequence[tuple[str, str]], expires_at: datetime
) -> Asked[set[tuple[str, str]]]:
    """Claim pairs that nobody holds; gives those that were free. No pair may come twice. Hot."""
    rows = ctx.db.ask(
        "INSERT INTO parties.request_nonce AS n (key_id, nonce, expires_at)"
        " SELECT k, c, %b::timestamptz FROM unnest(%b::text[], %b::text[]) AS x (k, c)"
        " ON CONFLICT (key_id, nonce) DO UPDATE SET expires_at = excluded.expires_at"
        " WHERE n.expires_at <= %b RETURNING key_id, nonce",
        expires_at,
        [key_id for key_id, _ in pairs],
        [nonce for _, nonce in pairs],
        ctx.now,
    )
    return lambda: set(rows())


def nonces_sweep(ctx: Ctx, *, limit: int) -> int:
    """Forget nonces that have expired, a bounded number."""
    expired = (
        sa.select(request_nonce.c.key_id, request_nonce.c.nonce)
        .where(request_nonce.c.expires_at <= ctx.now)
        .limit(limit)
    )
    statement = sa.delete(request_nonce).where(
        sa.tuple_(request_nonce.c.key_id, request_nonce.c.nonce).in_(expired)
    )
    return ctx.db.sa.execute(statement).rowcount


def audit_insert(ctx: Ctx, *, row: AuditEntry) -> None:
    """Add an entry."""
    ctx.db.run(
        "INSERT INTO parties.audit (id, actor_party_id, at, actor, action, subject, reason)"
        " VALUES (%b, %b, %b, %b, %b, %b, %b)",
        row.id,
        row.actor_party_id,
        row.at,
        row.actor,
        row.action,
        row.subject,
        row.reason,
    )


def key_line(ctx: Ctx, *, key_id: str) -> frozenset[str]:
    """Find the keys that a key comes from, itself among them."""
    rows = ctx.db.rows(
        "WITH RECURSIVE line AS (SELECT %b::text AS key_id"
        "  UNION SELECT split_part(a.actor, ':', 2) FROM line l JOIN parties.audit a"
        "  ON a.subject = l.key_id AND a.action IN ('key.issue', 'person.invite')"
        "  AND a.actor NOT LIKE 'system:%%')"
        " SELECT key_id FROM line",
        key_id,
    )
    return frozenset(key_id for (key_id,) in rows)


def audit_page(
    ctx: Ctx, *, search: AuditSearch, before: UUID | None, limit: int
) -> list[AuditEntry]:
    """Give entries, the newest first."""
    statement = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
    if search.actor is not None:
        # As every kind of party's: who looks for somebody has an id, and no role.
        actors = [f"{kind}:{search.actor}" for kind in (*PartyKind, "system")]
        statement = statement.where(audit.c.actor.in_(actors))
    if search.action is not None:
        statement = statement.where(audit.c.action == search.action)
    if search.subject is not None:
        statement = statement.where(audit.c.subject == search.subject)
    if search.from_at is not None:
        statement = statement.where(
            audit.c.id >= id_least(search.from_at), audit.c.at >= search.from_at
        )
    if search.to_at is not None:
        statement = statement.where(audit.c.id < id_past(search.to_at), audit.c.at < search.to_at)
    if before is not None:
        statement = statement.where(audit.c.id < before)
    return [
        AuditEntry(
            row.id,
            row.at,
            row.actor,
            PartyId(row.actor_party_id),
            row.action,
            row.subject,
            row.reason,
        )
        for row in ctx.db.sa.execute(statement)
    ]


def _party(row: sa.Row[*tuple[Any, ...]]) -> Party:
    return Party(
        PartyId(row.id),
        PartyKind(row.kind),
        row.name,
        row.legal_name,
        row.uscc,
        PartyState(row.state),
        row.created_at,
    )


def _person(row: sa.Row[*tuple[Any, ...]], keyring: KeyRing) -> Person:
    return Person(
        PersonId(row.id),
        PartyId(row.party_id),
        row.name,
        email_masked(_email(row, keyring)),
        PersonRole(row.role),
        row.created_at,
    )


def _email(row: sa.Row[*tuple[Any, ...]], keyring: KeyRing) -> str:
    return keyring.open(row.email_sealed, bound_to=row.id.bytes).decode()


def _key(row: sa.Row[*tuple[Any, ...]]) -> ApiKey:
    return ApiKey(
        row.id,
        PartyId(row.party_id),
        KeyKind(row.kind),
        frozenset(row.scopes),
        row.label,
        row.created_at,
        row.revoked_at,
        row.expires_at,
    )


def _record(row: tuple[Any, ...], keyring: KeyRing) -> KeyRecord:
    key_id, party_id, party_kind, state, kind, sealed, digest, scopes, revoked, expires = row
    secret = None
    if sealed is not None:
        secret = keyring.open(bytes(sealed), bound_to=key_id.encode()).decode()
    return KeyRecord(
        key_id,
        PartyId(party_id),
        PartyKind(party_kind),
        PartyState(state),
        KeyKind(kind),
        secret,
        None if digest is None else bytes(digest),
        frozenset(scopes),
        revoked,
        expires,
    )
