"""Tables of the schema ``inventory``."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.db import APPEND_ONLY, QUEUE, metadata
from weili.modules.inventory.model import ARRIVAL_STATES, COUNT_STATES, EVERY_DAY, MINUTES_A_DAY

_MOMENT = sa.DateTime(timezone=True)

warehouse = sa.Table(
    "warehouse",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("supplier_id", sa.Uuid, sa.ForeignKey("parties.party.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("region_code", sa.Text, sa.ForeignKey("regions.region.code"), nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False),
    # The calendar stands in the warehouse's own row, so that what is read of it for every batch
    # of orders takes no further look-up. Days that are past leave it.
    sa.Column("cutoff_minute", sa.Integer, nullable=False),
    sa.Column("work_days", sa.Integer, nullable=False),
    sa.Column("closed_on", pgt.ARRAY(sa.Date), nullable=False),
    sa.Column("open_on", pgt.ARRAY(sa.Date), nullable=False),
    sa.CheckConstraint(f"cutoff_minute BETWEEN 0 AND {MINUTES_A_DAY}", name="cutoff_minute"),
    sa.CheckConstraint(f"work_days BETWEEN 0 AND {EVERY_DAY}", name="work_days"),
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
# Without a key to the warehouse, which all its places share (decision 0007).
stock = sa.Table(
    "stock",
    metadata,
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
    sa.Column("warehouse_id", sa.Uuid, primary_key=True),
    sa.Column("on_hand", sa.BigInteger, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("safety", sa.BigInteger, nullable=False),
    sa.Column("shared", sa.BigInteger, nullable=False),
    sa.Column("low_below", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("changed_at", _MOMENT, nullable=False),
    # These four are what makes overselling impossible, whatever the code above them decides.
    sa.CheckConstraint("on_hand >= 0", name="on_hand"),
    sa.CheckConstraint("reserved >= 0", name="reserved"),
    sa.CheckConstraint("shared >= 0", name="shared"),
    sa.CheckConstraint("reserved + shared <= on_hand", name="reserved_on_hand"),
    sa.CheckConstraint("safety >= 0", name="safety"),
    sa.CheckConstraint("low_below >= 0", name="low_below"),
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
    sa.Column("occurred_at", _MOMENT, nullable=False),
    sa.CheckConstraint(
        "CASE kind"
        " WHEN 'receipt' THEN on_hand_delta > 0 AND reserved_delta = 0"
        " WHEN 'adjust' THEN on_hand_delta <> 0 AND reserved_delta = 0"
        " WHEN 'reserve' THEN on_hand_delta = 0 AND reserved_delta > 0"
        " WHEN 'release' THEN on_hand_delta = 0 AND reserved_delta < 0"
        " WHEN 'issue' THEN on_hand_delta < 0 AND reserved_delta = on_hand_delta"
        " WHEN 'transfer_out' THEN on_hand_delta < 0 AND reserved_delta = 0"
        " WHEN 'transfer_in' THEN on_hand_delta > 0 AND reserved_delta = 0"
        " WHEN 'count_gain' THEN on_hand_delta > 0 AND reserved_delta = 0"
        " WHEN 'count_loss' THEN on_hand_delta < 0 AND reserved_delta = 0"
        " WHEN 'damage' THEN on_hand_delta < 0 AND reserved_delta = 0"
        " WHEN 'return' THEN on_hand_delta > 0 AND reserved_delta = 0"
        " WHEN 'carried' THEN on_hand_delta <> 0 OR reserved_delta <> 0"
        " ELSE false END",
        name="kind",
    ),
    schema="inventory",
    info=APPEND_ONLY,
    # By months: an id says when it was made (decision 0022).
    postgresql_partition_by="RANGE (id)",
)
transfer = sa.Table(
    "transfer",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column(
        "from_warehouse_id", sa.Uuid, sa.ForeignKey("inventory.warehouse.id"), nullable=False
    ),
    sa.Column("to_warehouse_id", sa.Uuid, sa.ForeignKey("inventory.warehouse.id"), nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("shipped_at", _MOMENT, nullable=False),
    sa.Column("received_at", _MOMENT),
    sa.CheckConstraint("from_warehouse_id <> to_warehouse_id", name="two_warehouses"),
    sa.Index(None, "from_warehouse_id", "id"),
    sa.Index(None, "to_warehouse_id", "id"),
    schema="inventory",
)
# What comes in from outside, and the lines of transfers: both are pieces on their way to a place.
arrival = sa.Table(
    "arrival",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), nullable=False),
    sa.Column("warehouse_id", sa.Uuid, sa.ForeignKey("inventory.warehouse.id"), nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("expected_on", sa.Date, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("transfer_id", sa.Uuid, sa.ForeignKey("inventory.transfer.id")),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(ARRIVAL_STATES.sql_check("state"), name="state"),
        nullable=False,
    ),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("is_late", sa.Boolean, nullable=False),
    sa.Column("due_at", _MOMENT),
    sa.Column("changed_at", _MOMENT, nullable=False),
    sa.CheckConstraint("quantity > 0", name="quantity"),
    sa.CheckConstraint("received >= 0", name="received"),
    sa.CheckConstraint("state = 'received' OR received = 0", name="received_state"),
    sa.CheckConstraint("state = 'expected' OR due_at IS NULL", name="due_at"),
    sa.Index(None, "warehouse_id", "id"),
    sa.Index(None, "transfer_id"),
    sa.Index("ix_arrival_expected", "sku_id", postgresql_where=sa.text("state = 'expected'")),
    sa.Index("ix_arrival_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    schema="inventory",
)
count = sa.Table(
    "count",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("warehouse_id", sa.Uuid, sa.ForeignKey("inventory.warehouse.id"), nullable=False),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(COUNT_STATES.sql_check("state"), name="state"),
        nullable=False,
    ),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("opened_at", _MOMENT, nullable=False),
    sa.Column("closed_at", _MOMENT),
    sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_at"),
    sa.Index(None, "warehouse_id", "id"),
    schema="inventory",
)
count_line = sa.Table(
    "count_line",
    metadata,
    sa.Column("count_id", sa.Uuid, sa.ForeignKey("inventory.count.id"), primary_key=True),
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
    sa.Column("expected", sa.BigInteger, nullable=False),
    sa.Column("counted", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False),
    sa.CheckConstraint("expected >= 0", name="expected"),
    sa.CheckConstraint("counted >= 0", name="counted"),
    schema="inventory",
)
share = sa.Table(
    "share",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), nullable=False),
    sa.Column("warehouse_id", sa.Uuid, sa.ForeignKey("inventory.warehouse.id"), nullable=False),
    sa.Column("partner_ids", pgt.ARRAY(sa.Uuid), nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("unsold", sa.BigInteger, nullable=False),
    sa.Column("ends_at", _MOMENT, nullable=False),
    sa.Column("due_at", _MOMENT),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("ended_at", _MOMENT),
    sa.CheckConstraint("quantity > 0", name="quantity"),
    sa.CheckConstraint("unsold BETWEEN 0 AND quantity", name="unsold"),
    sa.CheckConstraint("(due_at IS NULL) = (ended_at IS NOT NULL)", name="due_at"),
    sa.CheckConstraint("ended_at IS NULL OR unsold = 0", name="ended"),
    sa.Index("ix_share_sku_id", "sku_id", postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("ix_share_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    schema="inventory",
)
# Who took what out of a share, so that what is given back goes where it came from.
share_use = sa.Table(
    "share_use",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("share_id", sa.Uuid, sa.ForeignKey("inventory.share.id"), primary_key=True),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("returned", sa.BigInteger, nullable=False),
    sa.CheckConstraint("quantity > 0", name="quantity"),
    sa.CheckConstraint("returned BETWEEN 0 AND quantity", name="returned"),
    sa.Index(None, "share_id"),
    schema="inventory",
)
