"""Tables of the schema ``pricing``."""

import sqlalchemy as sa

from weili.kit.db import APPEND_ONLY, metadata
from weili.kit.money import AMOUNT_MINOR_MAX

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
price = sa.Table(
    "price",
    metadata,
    sa.Column("list_id", sa.Uuid, sa.ForeignKey("pricing.price_list.id"), primary_key=True),
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
    schema="pricing",
    info=APPEND_ONLY,
)
cost = sa.Table(
    "cost",
    metadata,
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
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
    schema="pricing",
    info=APPEND_ONLY,
)
freight_rule = sa.Table(
    "freight_rule",
    metadata,
    sa.Column("region_code", sa.Text, sa.ForeignKey("regions.region.code"), primary_key=True),
    sa.Column("base_minor", sa.BigInteger, nullable=False),
    sa.Column("free_from_minor", sa.BigInteger),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(f"base_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="base_minor"),
    sa.CheckConstraint(f"free_from_minor BETWEEN 0 AND {AMOUNT_MINOR_MAX}", name="free_from_minor"),
    schema="pricing",
)
