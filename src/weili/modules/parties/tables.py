"""The tables of parties, their people, their keys, and the audit log."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.db import APPEND_ONLY, QUEUE, metadata
from weili.kit.states import one_of
from weili.modules.parties.model import PARTY_STATES, KeyKind, PartyKind, PersonRole

party = sa.Table(
    "party",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("legal_name", sa.Text, nullable=False),
    sa.Column("uscc", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    # By kind: the same company may supply and sell, under two roofs with two purses.
    sa.UniqueConstraint("kind", "name"),
    sa.UniqueConstraint("uscc", "kind"),
    sa.CheckConstraint(one_of("kind", PartyKind), name="kind"),
    sa.CheckConstraint(PARTY_STATES.sql_check("state"), name="state"),
    schema="parties",
)

person = sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("party_id", sa.Uuid, sa.ForeignKey("parties.party.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email_sealed", sa.LargeBinary, nullable=False),
    # By itself too: who signs in names an address, and no party.
    sa.Column("email_index", sa.LargeBinary, nullable=False, index=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("party_id", "email_index"),
    sa.CheckConstraint(one_of("role", PersonRole), name="role"),
    schema="parties",
)

api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("party_id", sa.Uuid, sa.ForeignKey("parties.party.id"), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.LargeBinary),
    sa.Column("secret_sealed", sa.LargeBinary),
    sa.Column("scopes", pgt.ARRAY(sa.Text), nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(one_of("kind", KeyKind), name="kind"),
    sa.CheckConstraint(
        "(kind = 'bearer') = (secret_hash IS NOT NULL)"
        " AND (kind = 'hmac') = (secret_sealed IS NOT NULL)",
        name="secret",
    ),
    sa.CheckConstraint("cardinality(scopes) > 0", name="scopes"),
    schema="parties",
)

# Unlogged: half the cost, and all that a crash loses is ten minutes of nonces, in which a signed
# request could be sent again; the idempotency rules then answer it with the first answer.
request_nonce = sa.Table(
    "request_nonce",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("nonce", sa.Text, primary_key=True),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
    schema="parties",
    prefixes=["UNLOGGED"],
    info=QUEUE,
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("actor_party_id", sa.Uuid, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    schema="parties",
    info=APPEND_ONLY,
)
