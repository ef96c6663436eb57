"""Idempotency keys: the same request twice is one effect and the same answer.

The key is claimed by inserting its row, and the answer is stored in that row, both in the
transaction that does the work. So there is no moment at which the effect is there and the key is
not. A request that comes while the first is under way waits for it, within the lock timeout.
Orders have a rule of their own (their number is the key); see ``modules/dropship``.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx
from weili.kit.db import QUEUE, metadata
from weili.kit.problems import InFlight, KeyMissing, KeyReused

KEY_LENGTH_MAX: Final = 255
KEPT: Final = timedelta(hours=72)
SWEEP_MAX: Final = 10_000

idempotency_key = sa.Table(
    "idempotency_key",
    metadata,
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body_hash", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.SmallInteger),
    sa.Column("answer", pgt.JSONB),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index(None, "created_at"),
    schema="kit",
    info=QUEUE,
)


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer that was given the first time."""

    status: int
    answer: Any


def request_hash(method: str, path: str, body: bytes) -> bytes:
    """Say in 32 bytes what is asked, so that the same key can't stand for two things."""
    head = f"{method} {path}\n".encode()
    return hashlib.sha256(head + body).digest()


def claim(ctx: Ctx, *, key: str | None, body_hash: bytes) -> Replay | None:
    """Claim the actor's key for this request, or give the first answer back.

    Raises: KeyMissing; KeyReused (another body); InFlight (the first is still under way).
    """
    if key is None or not 0 < len(key) <= KEY_LENGTH_MAX:
        raise KeyMissing
    party_id = ctx.actor.party_id
    try:
        claimed = ctx.db.run(
            "INSERT INTO kit.idempotency_key (party_id, key, body_hash, created_at)"
            " VALUES (%b, %b, %b, %b) ON CONFLICT DO NOTHING",
            party_id,
            key,
            body_hash,
            ctx.now,
        ).rowcount
    except pg.LockNotAvailable:
        raise InFlight from None
    if claimed:
        return None
    [(hash_then, status, answer)] = ctx.db.rows(
        "SELECT body_hash, status, answer FROM kit.idempotency_key"
        " WHERE party_id = %b AND key = %b",
        party_id,
        key,
    )
    if bytes(hash_then) != body_hash:
        raise KeyReused(key=key)
    return Replay(status, answer)


def store(ctx: Ctx, *, key: str, status: int, answer_json: str) -> None:
    """Keep the answer beside the claim."""
    ctx.db.run(
        "UPDATE kit.idempotency_key SET status = %b, answer = %b::text::jsonb"
        " WHERE party_id = %b AND key = %b",
        status,
        answer_json,
        ctx.actor.party_id,
        key,
    )


def release(ctx: Ctx, *, key: str) -> None:
    """Give up a claim of this transaction, whose work was refused: the key may be tried again."""
    ctx.db.run(
        "DELETE FROM kit.idempotency_key WHERE party_id = %b AND key = %b",
        ctx.actor.party_id,
        key,
    )


def sweep(ctx: Ctx) -> int:
    """Forget keys older than 72 hours, a bounded number at a time."""
    before: datetime = ctx.now - KEPT
    return ctx.db.run(
        "DELETE FROM kit.idempotency_key WHERE (party_id, key) IN ("
        " SELECT party_id, key FROM kit.idempotency_key WHERE created_at < %b LIMIT %b)",
        before,
        SWEEP_MAX,
    ).rowcount
