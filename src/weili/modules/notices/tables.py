"""Tables of the schema ``notices``."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.db import QUEUE, metadata
from weili.kit.states import one_of
from weili.modules.notices.model import NOTICE_STATES, Way

SCHEMA: Final = "notices"

notice = sa.Table(
    "notice",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("party_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    # Names and links: none is kept of a mail that has gone.
    sa.Column("values_sealed", sa.LargeBinary),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("read_at", sa.DateTime(timezone=True)),
    # Nobody is told the same twice on one way.
    sa.UniqueConstraint("person_id", "kind", "subject", "way", name="uq_notice_once"),
    sa.CheckConstraint(one_of("way", Way), name="way"),
    sa.CheckConstraint(NOTICE_STATES.sql_check("state"), name="state"),
    sa.CheckConstraint("(way = 'app') = (state = 'shown')", name="way_state"),
    sa.CheckConstraint("tries >= 0", name="tries"),
    sa.Index("ix_notice_due", "due_at", postgresql_where=sa.text("state = 'due'")),
    sa.Index("ix_notice_shown", "person_id", "id", postgresql_where=sa.text("way = 'app'")),
    schema=SCHEMA,
    info=QUEUE,
)

choice = sa.Table(
    "choice",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("off", pgt.ARRAY(sa.Text), nullable=False),
    schema=SCHEMA,
)

# How far the log of events has been read; one row.
followed = sa.Table(
    "followed",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    schema=SCHEMA,
)
