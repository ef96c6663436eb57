"""The ledger's tables, in the schema ``ledger``."""

from typing import Final

import sqlalchemy as sa

from weili.kit.db import APPEND_ONLY, metadata
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.kit.states import one_of
from weili.modules.ledger.model import (
    CORRECTION_STATES,
    DEPOSIT_STATES,
    REFERENCE_LENGTH_MAX,
    TOP_UP_MINOR_MAX,
    WITHDRAWAL_STATES,
    AccountKind,
    Channel,
    Side,
    TransferKind,
)

SCHEMA: Final = "ledger"


account = sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("normal_side", sa.Text, nullable=False),
    sa.Column("currency", sa.CHAR(3), nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("party_id", "kind"),
    sa.CheckConstraint(one_of("kind", AccountKind), name="kind"),
    sa.CheckConstraint(one_of("normal_side", Side), name="normal_side"),
    schema=SCHEMA,
    info=APPEND_ONLY,
)

# The one row of the ledger that orders wait for each other on. Pages are left half empty so that
# its many new versions find room beside the old ones and no index is touched.
balance = sa.Table(
    "balance",
    metadata,
    sa.Column("account_id", sa.Uuid, primary_key=True),
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("posted_minor", sa.BigInteger, nullable=False),
    sa.Column("held_minor", sa.BigInteger, nullable=False),
    sa.Column("floor_minor", sa.BigInteger, nullable=False),
    sa.Column("alarm_minor", sa.BigInteger),
    sa.Column("short_minor", sa.BigInteger),
    sa.ForeignKeyConstraint(["account_id", "party_id"], [account.c.id, account.c.party_id]),
    sa.CheckConstraint("held_minor >= 0", name="held"),
    sa.CheckConstraint("posted_minor - held_minor >= floor_minor", name="floor"),
    sa.CheckConstraint("alarm_minor >= 0", name="alarm"),
    sa.CheckConstraint("short_minor > 0", name="short"),
    schema=SCHEMA,
    postgresql_with={"fillfactor": 50},
)

# No foreign key to account: every order would lock the platform's accounts' rows.
transfer = sa.Table(
    "transfer",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("hold_id", sa.Uuid),
    sa.Column("debit_account_id", sa.Uuid, nullable=False),
    sa.Column("credit_account_id", sa.Uuid, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.CHAR(3), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    sa.ForeignKeyConstraint(
        ["hold_id", "party_id"], ["ledger.transfer.id", "ledger.transfer.party_id"]
    ),
    sa.CheckConstraint(one_of("kind", TransferKind), name="kind"),
    sa.CheckConstraint(f"amount_minor BETWEEN 1 AND {AMOUNT_MINOR_MAX}", name="amount"),
    sa.CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
    sa.CheckConstraint("(kind IN ('post', 'void')) = (hold_id IS NOT NULL)", name="hold"),
    sa.CheckConstraint("expires_at IS NULL OR kind = 'hold'", name="expiry"),
    sa.Index("ix_transfer_party_id", "party_id", "occurred_at"),
    sa.Index(
        "ix_transfer_hold_id",
        "hold_id",
        "party_id",
        postgresql_where=sa.text("hold_id IS NOT NULL"),
    ),
    sa.Index("ix_transfer_subject", "subject", postgresql_where=sa.text("kind = 'hold'")),
    schema=SCHEMA,
    info=APPEND_ONLY,
)

top_up = sa.Table(
    "top_up",
    metadata,
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("reference", sa.Text, primary_key=True),
    sa.Column("transfer_id", sa.Uuid, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(["transfer_id", "party_id"], [transfer.c.id, transfer.c.party_id]),
    sa.CheckConstraint(f"amount_minor BETWEEN 1 AND {TOP_UP_MINOR_MAX}", name="amount"),
    sa.CheckConstraint(f"length(reference) BETWEEN 1 AND {REFERENCE_LENGTH_MAX}", name="reference"),
    schema=SCHEMA,
    info=APPEND_ONLY,
)

_AT = sa.DateTime(timezone=True)

deposit = sa.Table(
    "deposit",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("slip", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("payer_sealed", sa.LargeBinary, nullable=False),
    sa.Column("payer_masked", sa.Text, nullable=False),
    sa.Column("paid_on", sa.Date, nullable=False),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("transfer_id", sa.Uuid),
    sa.Column("created_at", _AT, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(["transfer_id", "party_id"], [transfer.c.id, transfer.c.party_id]),
    sa.CheckConstraint("(state = 'approved') = (transfer_id IS NOT NULL)", name="credited"),
    sa.CheckConstraint(one_of("channel", Channel), name="channel"),
    sa.CheckConstraint(DEPOSIT_STATES.sql_check("state"), name="state"),
    sa.CheckConstraint(f"amount_minor BETWEEN 1 AND {TOP_UP_MINOR_MAX}", name="amount"),
    sa.Index(
        "ix_deposit_slip",
        "party_id",
        "slip",
        unique=True,
        postgresql_where=sa.text("state <> 'refused'"),
    ),
    sa.Index("ix_deposit_party_id", "party_id", "id"),
    sa.Index("ix_deposit_submitted", "id", postgresql_where=sa.text("state = 'submitted'")),
    schema=SCHEMA,
)

# A slip is one payment, whoever claims it: so it is keyed by itself and not by a partner, and is
# spread by itself where tables are spread.
slip = sa.Table(
    "slip",
    metadata,
    sa.Column("slip", sa.Text, primary_key=True),
    sa.Column("party_id", sa.Uuid, nullable=False),
    sa.Column("deposit_id", sa.Uuid, nullable=False),
    sa.Column("credited_at", _AT, nullable=False),
    schema=SCHEMA,
    info=APPEND_ONLY,
)

withdrawal = sa.Table(
    "withdrawal",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("hold_id", sa.Uuid, nullable=False),
    sa.Column("account_sealed", sa.LargeBinary, nullable=False),
    sa.Column("account_masked", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("bank_reference", sa.Text),
    sa.Column("created_at", _AT, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(["hold_id", "party_id"], [transfer.c.id, transfer.c.party_id]),
    sa.CheckConstraint(WITHDRAWAL_STATES.sql_check("state"), name="state"),
    sa.CheckConstraint(f"amount_minor BETWEEN 1 AND {AMOUNT_MINOR_MAX}", name="amount"),
    sa.CheckConstraint("(state = 'paid') = (bank_reference IS NOT NULL)", name="paid"),
    sa.Index(
        "ix_withdrawal_bank_reference",
        "party_id",
        "bank_reference",
        unique=True,
        postgresql_where=sa.text("bank_reference IS NOT NULL"),
    ),
    sa.Index("ix_withdrawal_party_id", "party_id", "id"),
    sa.Index(
        "ix_withdrawal_waiting",
        "id",
        postgresql_where=sa.text("state IN ('requested', 'approved')"),
    ),
    schema=SCHEMA,
)

correction = sa.Table(
    "correction",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("corrects_id", sa.Uuid, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("proposed_by", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("transfer_id", sa.Uuid),
    sa.Column("created_at", _AT, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(["transfer_id", "party_id"], [transfer.c.id, transfer.c.party_id]),
    sa.CheckConstraint("(state = 'posted') = (transfer_id IS NOT NULL)", name="posted"),
    sa.ForeignKeyConstraint(["corrects_id", "party_id"], [transfer.c.id, transfer.c.party_id]),
    sa.CheckConstraint(CORRECTION_STATES.sql_check("state"), name="state"),
    sa.CheckConstraint(f"amount_minor BETWEEN 1 AND {AMOUNT_MINOR_MAX}", name="amount"),
    sa.Index("ix_correction_corrects_id", "corrects_id", "party_id"),
    # One at a time of a transfer, so that two can't both be decided on what is left of it.
    sa.Index(
        "ix_correction_proposed",
        "corrects_id",
        "party_id",
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
    ),
    schema=SCHEMA,
)

paper_history = sa.Table(
    "paper_history",
    metadata,
    sa.Column("subject_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("from_state", sa.Text, nullable=False),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("at", _AT, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    schema=SCHEMA,
    info=APPEND_ONLY,
)

month_close = sa.Table(
    "month_close",
    metadata,
    sa.Column("account_id", sa.Uuid, primary_key=True),
    sa.Column("month_on", sa.Date, primary_key=True),
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("opening_posted_minor", sa.BigInteger, nullable=False),
    sa.Column("opening_held_minor", sa.BigInteger, nullable=False),
    sa.Column("moved_posted_minor", sa.BigInteger, nullable=False),
    sa.Column("moved_held_minor", sa.BigInteger, nullable=False),
    sa.Column("closing_posted_minor", sa.BigInteger, nullable=False),
    sa.Column("closing_held_minor", sa.BigInteger, nullable=False),
    sa.Column("entries", sa.BigInteger, nullable=False),
    sa.Column("closed_at", _AT, nullable=False),
    sa.Column("closed_by", sa.Text, nullable=False),
    sa.CheckConstraint(
        "opening_posted_minor + moved_posted_minor = closing_posted_minor"
        " AND opening_held_minor + moved_held_minor = closing_held_minor",
        name="ties",
    ),
    schema=SCHEMA,
    info=APPEND_ONLY,
)
