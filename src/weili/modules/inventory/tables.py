"""Tables of the schema ``inventory``."""

import sqlalchemy as sa

from weili.kit.db import APPEND_ONLY, QUEUE, metadata

warehouse = sa.Table(
    "warehouse",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("supplier_id", sa.Uuid, sa.ForeignKey("parties.party.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("region_code", sa.Text, sa.ForeignKey("regions.region.code"), nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("supplier_id", "code"),
    schema="inventory",
)
coverage = sa.Table(
    "coverage",
    metadata,
    sa.Column("warehouse_id", sa.Uuid, sa.ForeignKey("inventory.warehouse.id"), primary_key=True),
    sa.Column("region_code", sa.Text, sa.ForeignKey("regions.region.code"), primary_key=True),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("lead_days", sa.Integer, nullable=False),
    sa.CheckConstraint("priority >= 0", name="priority"),
    sa.CheckConstraint("lead_days >= 0", name="lead_days"),
    sa.Index(None, "region_code"),
    schema="inventory",
    # A warehouse may stop serving a region: then the row goes.
    info=QUEUE,
)
stock = sa.Table(
    "stock",
    metadata,
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
    sa.Column("warehouse_id", sa.Uuid, sa.ForeignKey("inventory.warehouse.id"), primary_key=True),
    sa.Column("on_hand", sa.BigInteger, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("safety", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    # These three are what makes overselling impossible, whatever the code above them decides.
    sa.CheckConstraint("on_hand >= 0", name="on_hand"),
    sa.CheckConstraint("reserved >= 0", name="reserved"),
    sa.CheckConstraint("reserved <= on_hand", name="reserved_on_hand"),
    sa.CheckConstraint("safety >= 0", name="safety"),
    schema="inventory",
    # Every order writes here; room on each page keeps the new row version beside the old one,
    # so that no index has to be touched (a HOT update).
    postgresql_with={"fillfactor": "70"},
)
movement = sa.Table(
    "movement",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("warehouse_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("on_hand_delta", sa.BigInteger, nullable=False),
    sa.Column("reserved_delta", sa.BigInteger, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(
        "CASE kind"
        " WHEN 'receipt' THEN on_hand_delta > 0 AND reserved_delta = 0"
        " WHEN 'adjust' THEN on_hand_delta <> 0 AND reserved_delta = 0"
        " WHEN 'reserve' THEN on_hand_delta = 0 AND reserved_delta > 0"
        " WHEN 'release' THEN on_hand_delta = 0 AND reserved_delta < 0"
        " WHEN 'issue' THEN on_hand_delta < 0 AND reserved_delta = on_hand_delta"
        " ELSE false END",
        name="kind",
    ),
    schema="inventory",
    info=APPEND_ONLY,
)
