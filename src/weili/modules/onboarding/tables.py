"""Tables of the schema ``onboarding``."""

from typing import Final

import sqlalchemy as sa

from weili.kit.db import APPEND_ONLY, metadata
from weili.kit.states import one_of
from weili.modules.onboarding.model import APPLICATION_STATES, DocumentKind
from weili.modules.onboarding.rules import APPLICANTS

SCHEMA: Final = "onboarding"

application = sa.Table(
    "application",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("maker_id", sa.Uuid, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("legal_name", sa.Text, nullable=False),
    sa.Column("uscc", sa.Text, nullable=False, index=True),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("contact_sealed", sa.LargeBinary, nullable=False),
    sa.Column("remark", sa.Text, nullable=False),
    sa.Column("terms_id", sa.Uuid),
    sa.Column("terms_accepted_at", sa.DateTime(timezone=True)),
    sa.Column("party_id", sa.Uuid, sa.ForeignKey("parties.party.id"), unique=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("submitted_at", sa.DateTime(timezone=True)),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    # By the wall clock, as every link: a sandbox's own clock may be turned.
    sa.Column("link_expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(one_of("kind", sorted(APPLICANTS)), name="kind"),
    sa.CheckConstraint(APPLICATION_STATES.sql_check("state"), name="state"),
    sa.CheckConstraint("(state = 'approved') = (party_id IS NOT NULL)", name="party"),
    sa.Index("ix_application_state_id", "state", "id"),
    schema=SCHEMA,
)

step = sa.Table(
    "step",
    metadata,
    sa.Column("application_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("remark", sa.Text, nullable=False),
    sa.CheckConstraint(APPLICATION_STATES.sql_check("state"), name="state"),
    schema=SCHEMA,
    info=APPEND_ONLY,
)

document = sa.Table(
    "document",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("application_id", sa.Uuid, sa.ForeignKey("onboarding.application.id"), index=True),
    sa.Column("party_id", sa.Uuid, sa.ForeignKey("parties.party.id"), index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("expires_on", sa.Date),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("due_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(one_of("kind", DocumentKind), name="kind"),
    sa.CheckConstraint("application_id IS NOT NULL OR party_id IS NOT NULL", name="owner"),
    sa.Index(
        "ix_document_due_at",
        "due_at",
        postgresql_where=sa.text("due_at IS NOT NULL AND ended_at IS NULL"),
    ),
    schema=SCHEMA,
)

terms = sa.Table(
    "terms",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("title_zh", sa.Text, nullable=False),
    sa.Column("title_en", sa.Text, nullable=False),
    sa.Column("text_zh", sa.Text, nullable=False),
    sa.Column("text_en", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("is_binding", sa.Boolean, nullable=False),
    sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("kind", "version"),
    sa.CheckConstraint(one_of("kind", sorted(APPLICANTS)), name="kind"),
    schema=SCHEMA,
    info=APPEND_ONLY,
)

acceptance = sa.Table(
    "acceptance",
    metadata,
    sa.Column("party_id", sa.Uuid, sa.ForeignKey("parties.party.id"), primary_key=True),
    sa.Column("terms_id", sa.Uuid, sa.ForeignKey("onboarding.terms.id"), primary_key=True),
    sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    schema=SCHEMA,
    info=APPEND_ONLY,
)
