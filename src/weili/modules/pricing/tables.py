"""Tables of the schema ``pricing``."""

import sqlalchemy as sa

from weili.kit.db import APPEND_ONLY, QUEUE, metadata
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.kit.states import one_of
from weili.modules.pricing.model import (
    CHANGE_STATES,
    COMPARE_AT_STATES,
    COST_STATES,
    Channel,
    FreightBasis,
)

price_list = sa.Table(
    "price_list",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("name"),
    sa.Index(
        "uq_price_list_default", "is_default", unique=True, postgresql_where=sa.text("is_default")
    ),
    schema="pricing",
)
price_list_partner = sa.Table(
    "price_list_partner",
    metadata,
    sa.Column("partner_id", sa.Uuid, sa.ForeignKey("parties.party.id"), primary_key=True),
    sa.Column("list_id", sa.Uuid, sa.ForeignKey("pricing.price_list.id"), nullable=False),
    sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index(None, "list_id"),
    schema="pricing",
)
# By which channel's list a partner pays where its own list is silent.
partner_channel = sa.Table(
    "partner_channel",
    metadata,
    sa.Column("partner_id", sa.Uuid, sa.ForeignKey("parties.party.id"), primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(one_of("channel", Channel), name="channel"),
    sa.Index(None, "channel"),
    schema="pricing",
)
price_list_channel = sa.Table(
    "price_list_channel",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("list_id", sa.Uuid, sa.ForeignKey("pricing.price_list.id"), nullable=False),
    sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(one_of("channel", Channel), name="channel"),
    sa.Index(None, "list_id"),
    schema="pricing",
)
# Without a key to the list: whoever writes a price holds its list's lock (decision 0007).
price = sa.Table(
    "price",
    metadata,
    sa.Column("list_id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
    sa.Column("quantity_min", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("unit_price_minor", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("quantity_min >= 1", name="quantity_min"),
    sa.CheckConstraint(
        f"unit_price_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="unit_price_minor"
    ),
    sa.CheckConstraint("version >= 1", name="version"),
    # "What does this SKU cost on any list" is asked when a default price changes.
    sa.Index(None, "sku_id"),
    schema="pricing",
)
price_history = sa.Table(
    "price_history",
    metadata,
    sa.Column("list_id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("quantity_min", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("unit_price_minor", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
    sa.Column("valid_to", sa.DateTime(timezone=True)),
    sa.Column("change_id", sa.Uuid),
    sa.Index(
        "ix_price_history_change_id",
        "change_id",
        postgresql_where=sa.text("change_id IS NOT NULL"),
    ),
    schema="pricing",
    info=APPEND_ONLY,
)
price_change = sa.Table(
    "price_change",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("list_id", sa.Uuid, sa.ForeignKey("pricing.price_list.id"), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("below_cost_reason", sa.Text),
    sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
    sa.Column("valid_to", sa.DateTime(timezone=True)),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", sa.DateTime(timezone=True)),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.CheckConstraint("valid_from < valid_to", name="valid"),
    sa.CheckConstraint(CHANGE_STATES.sql_check("state"), name="state"),
    sa.CheckConstraint("(due_at IS NULL) = (state IN ('done', 'cancelled'))", name="due_at"),
    sa.Index(None, "list_id", "id"),
    sa.Index("ix_price_change_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    schema="pricing",
)
# Only what is still to come or in force for a time: the price book reads it for every order.
price_window = sa.Table(
    "price_window",
    metadata,
    sa.Column("list_id", sa.Uuid, sa.ForeignKey("pricing.price_list.id"), primary_key=True),
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
    sa.Column("quantity_min", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("unit_price_minor", sa.BigInteger, nullable=False),
    sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
    sa.Column("valid_to", sa.DateTime(timezone=True)),
    sa.Column("change_id", sa.Uuid, sa.ForeignKey("pricing.price_change.id"), nullable=False),
    sa.CheckConstraint("quantity_min >= 1", name="quantity_min"),
    sa.CheckConstraint(
        f"unit_price_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="unit_price_minor"
    ),
    sa.CheckConstraint("valid_from < valid_to", name="valid"),
    sa.Index(None, "change_id"),
    schema="pricing",
    info=QUEUE,
)
cost = sa.Table(
    "cost",
    metadata,
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
    # Whom it is owed to, and by whose freight template the SKU travels.
    sa.Column("supplier_id", sa.Uuid, nullable=False),
    sa.Column("unit_cost_minor", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(f"unit_cost_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="unit_cost_minor"),
    sa.CheckConstraint("version >= 1", name="version"),
    schema="pricing",
)
cost_history = sa.Table(
    "cost_history",
    metadata,
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("unit_cost_minor", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
    schema="pricing",
    info=APPEND_ONLY,
)
cost_proposal = sa.Table(
    "cost_proposal",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), nullable=False),
    sa.Column("supplier_id", sa.Uuid, sa.ForeignKey("parties.party.id"), nullable=False),
    sa.Column("unit_cost_minor", sa.BigInteger, nullable=False),
    sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("submitted_by", sa.Text, nullable=False),
    sa.Column("decided_at", sa.DateTime(timezone=True)),
    sa.Column("decided_by", sa.Text),
    sa.Column("due_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(f"unit_cost_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="unit_cost_minor"),
    sa.CheckConstraint(COST_STATES.sql_check("state"), name="state"),
    sa.CheckConstraint("(due_at IS NOT NULL) = (state = 'approved')", name="due_at"),
    sa.Index(None, "supplier_id", "id"),
    sa.Index("ix_cost_proposal_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    sa.Index(
        "ix_cost_proposal_approved",
        "sku_id",
        "valid_from",
        postgresql_where=sa.text("state = 'approved'"),
    ),
    sa.Index(
        "uq_cost_proposal_open",
        "sku_id",
        "valid_from",
        unique=True,
        postgresql_where=sa.text("state IN ('submitted', 'approved')"),
    ),
    schema="pricing",
)
transaction_day = sa.Table(
    "transaction_day",
    metadata,
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("traded_on", sa.Date, primary_key=True),
    sa.Column("lowest_minor", sa.BigInteger, nullable=False),
    sa.Column("highest_minor", sa.BigInteger, nullable=False),
    # Where seven days had no trade, this is what a compare-at price is held to.
    sa.Column("last_minor", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(
        "0 <= lowest_minor AND lowest_minor <= last_minor AND last_minor <= highest_minor",
        name="amounts",
    ),
    schema="pricing",
)
compare_at = sa.Table(
    "compare_at",
    metadata,
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
    sa.Column("compare_at_minor", sa.BigInteger, nullable=False),
    sa.Column("explanation", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(
        f"compare_at_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="compare_at_minor"
    ),
    sa.CheckConstraint(COMPARE_AT_STATES.sql_check("state"), name="state"),
    # What is explained in words stands by its words; what has lapsed is not looked at again.
    sa.CheckConstraint(
        "(due_at IS NOT NULL) = (state = 'standing' AND explanation IS NULL)", name="due_at"
    ),
    sa.Index("ix_compare_at_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    schema="pricing",
)
compare_at_history = sa.Table(
    "compare_at_history",
    metadata,
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("compare_at_minor", sa.BigInteger, nullable=False),
    sa.Column("explanation", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("lowest_minor", sa.BigInteger),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    schema="pricing",
    info=APPEND_ONLY,
)
freight_template = sa.Table(
    "freight_template",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("name"),
    sa.CheckConstraint(one_of("basis", FreightBasis), name="basis"),
    schema="pricing",
)
freight_rule = sa.Table(
    "freight_rule",
    metadata,
    sa.Column(
        "template_id", sa.Uuid, sa.ForeignKey("pricing.freight_template.id"), primary_key=True
    ),
    sa.Column("region_code", sa.Text, sa.ForeignKey("regions.region.code"), primary_key=True),
    sa.Column("base_minor", sa.BigInteger, nullable=False),
    sa.Column("first_units", sa.Integer, nullable=False),
    sa.Column("next_units", sa.Integer, nullable=False),
    sa.Column("next_minor", sa.BigInteger, nullable=False),
    sa.Column("free_from_minor", sa.BigInteger),
    sa.Column("free_from_pieces", sa.Integer),
    sa.Column("is_excluded", sa.Boolean, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(f"base_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="base_minor"),
    sa.CheckConstraint(f"next_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="next_minor"),
    sa.CheckConstraint("first_units >= 0 AND next_units >= 0", name="units"),
    sa.CheckConstraint(f"free_from_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="free_from_minor"),
    sa.CheckConstraint("free_from_pieces >= 1", name="free_from_pieces"),
    schema="pricing",
)
freight_supplier = sa.Table(
    "freight_supplier",
    metadata,
    sa.Column("supplier_id", sa.Uuid, sa.ForeignKey("parties.party.id"), primary_key=True),
    sa.Column("template_id", sa.Uuid, sa.ForeignKey("pricing.freight_template.id"), nullable=False),
    schema="pricing",
    info=QUEUE,
)
freight_sku = sa.Table(
    "freight_sku",
    metadata,
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
    sa.Column("template_id", sa.Uuid, sa.ForeignKey("pricing.freight_template.id"), nullable=False),
    schema="pricing",
    info=QUEUE,
)
