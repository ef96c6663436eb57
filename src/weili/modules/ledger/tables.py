"""The ledger's tables, in the schema ``ledger``."""

from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from weili.kit.db import APPEND_ONLY, metadata
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.modules.ledger.model import (
    REFERENCE_LENGTH_MAX,
    TOP_UP_MINOR_MAX,
    AccountKind,
    Side,
    TransferKind,
)

SCHEMA: Final = "ledger"


def _one_of(column: str, values: type[StrEnum]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


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
    sa.CheckConstraint(_one_of("kind", AccountKind), name="kind"),
    sa.CheckConstraint(_one_of("normal_side", Side), name="normal_side"),
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
    sa.ForeignKeyConstraint(["account_id", "party_id"], [account.c.id, account.c.party_id]),
    sa.CheckConstraint("held_minor >= 0", name="held"),
    sa.CheckConstraint("posted_minor - held_minor >= floor_minor", name="floor"),
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
    sa.CheckConstraint(_one_of("kind", TransferKind), name="kind"),
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
