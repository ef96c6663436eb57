"""Tables of the schema ``identity``. Their times are the wall clock's, in a sandbox too."""

from typing import Final

import sqlalchemy as sa

from weili.kit.db import QUEUE, metadata

SCHEMA: Final = "identity"

password = sa.Table(
    "password",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    schema=SCHEMA,
    info=QUEUE,
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("person_id", sa.Uuid, nullable=False, index=True),
    sa.Column("party_id", sa.Uuid, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
    schema=SCHEMA,
    info=QUEUE,
)

# Whose tries are counted is told by a keyed digest: no address is kept.
attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("mark", sa.LargeBinary, primary_key=True),
    sa.Column("began_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.CheckConstraint("count >= 0", name="count"),
    schema=SCHEMA,
    info=QUEUE,
)

# One for each person: a new link takes the place of the one before it.
link = sa.Table(
    "link",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
    schema=SCHEMA,
    info=QUEUE,
)

# Whoever asks for a new password: whether anybody has the address is looked up later, so that the
# answer takes the same time.
reset_ask = sa.Table(
    "reset_ask",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("email_sealed", sa.LargeBinary, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    schema=SCHEMA,
    info=QUEUE,
)

second_factor = sa.Table(
    "second_factor",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("confirmed_at", sa.DateTime(timezone=True)),
    # Of the last code that was taken: none is taken twice.
    sa.Column("last_step", sa.BigInteger, nullable=False),
    schema=SCHEMA,
    info=QUEUE,
)

recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("code_hash", sa.LargeBinary, primary_key=True),
    schema=SCHEMA,
    info=QUEUE,
)
