"""The tables of dropship orders.

Everything that grows with trade carries the partner's id in its primary key. Ids are UUIDv7, so
rows land at the right-hand end of their indexes. Foreign keys stay within one order: a key to
goods, stock or accounts would lock rows that all orders share.
"""

import sqlalchemy as sa

from weili.kit.db import APPEND_ONLY, metadata
from weili.kit.states import one_of
from weili.modules.dropship.carriers import CARRIER_NAME_MAX
from weili.modules.dropship.model import (
    QUANTITY_MAX,
    REMARK_LENGTH_MAX,
    Audience,
    Condition,
    LowBalance,
    QueueState,
    ReturnCause,
    TrackKind,
)
from weili.modules.dropship.states import CHILD_STATES, PACKAGE_STATES, ROOT_STATES

_NOW_COLUMN = sa.DateTime(timezone=True)


order_number = sa.Table(
    "order_number",
    metadata,
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Uuid, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    schema="dropship",
    info=APPEND_ONLY,
)
# A number is asked for whole, of whatever partner.
sa.Index("ix_order_number_number", order_number.c.number, postgresql_using="hash")

order = sa.Table(
    "order",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(ROOT_STATES.sql_check("state"), name="state"),
        nullable=False,
    ),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("area_code", sa.Text, nullable=False),
    sa.Column("recipient_sealed", sa.LargeBinary, nullable=False),
    sa.Column("phone_index", sa.LargeBinary, nullable=False),
    sa.Column("goods_minor", sa.BigInteger, nullable=False),
    sa.Column("freight_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.CHAR(3), nullable=False),
    sa.Column("placed_at", _NOW_COLUMN, nullable=False),
    sa.Column("due_at", _NOW_COLUMN),
    sa.CheckConstraint("goods_minor >= 0 AND freight_minor >= 0", name="amounts"),
    sa.Index(None, "partner_id", "id"),
    sa.Index("ix_order_state_id", "state", "id"),
    sa.Index("ix_order_partner_id_state_id", "partner_id", "state", "id"),
    sa.Index("ix_order_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    sa.Index("ix_order_phone_index", "phone_index"),
    sa.Index(
        "ix_order_waiting",
        "partner_id",
        "id",
        postgresql_where=sa.text("state = 'waiting_funds'"),
    ),
    schema="dropship",
)

child = sa.Table(
    "child",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("order_id", sa.Uuid, nullable=False),
    sa.Column("supplier_id", sa.Uuid, nullable=False),
    sa.Column("warehouse_id", sa.Uuid, nullable=False),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(CHILD_STATES.sql_check("state"), name="state"),
        nullable=False,
    ),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("lead_days", sa.SmallInteger, nullable=False),
    # What was promised when it was placed; null for what was placed before promises were made,
    # or by a warehouse that is closed for long.
    sa.Column("ships_on", sa.Date),
    sa.Column("arrives_on", sa.Date),
    sa.Column("goods_minor", sa.BigInteger, nullable=False),
    sa.Column("freight_minor", sa.BigInteger, nullable=False),
    sa.Column("goods_hold_id", sa.Uuid, nullable=False),
    sa.Column("freight_hold_id", sa.Uuid),
    sa.Column("due_at", _NOW_COLUMN),
    sa.Column("split_from", sa.Uuid),
    sa.Column("replaces_package_id", sa.Uuid),
    sa.CheckConstraint("goods_minor >= 0 AND freight_minor >= 0", name="amounts"),
    sa.ForeignKeyConstraint(
        ["order_id", "partner_id"], ["dropship.order.id", "dropship.order.partner_id"]
    ),
    sa.Index(None, "order_id"),
    sa.Index("ix_child_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    schema="dropship",
)

line = sa.Table(
    "line",
    metadata,
    sa.Column("child_id", sa.Uuid, primary_key=True),
    sa.Column("line_no", sa.SmallInteger, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("unit_price_minor", sa.BigInteger, nullable=False),
    sa.Column("price_version", sa.BigInteger, nullable=False),
    sa.Column("freight_minor", sa.BigInteger, nullable=False),
    sa.Column("unit_cost_minor", sa.BigInteger, nullable=False),
    sa.Column("tax_rate_bps", sa.Integer, nullable=False),
    sa.Column("return_policy", sa.Text, nullable=False),
    sa.Column("shipped", sa.Integer, nullable=False),
    sa.CheckConstraint(f"quantity BETWEEN 0 AND {QUANTITY_MAX}", name="quantity"),
    sa.CheckConstraint("shipped BETWEEN 0 AND quantity", name="shipped"),
    sa.CheckConstraint(
        "unit_price_minor >= 0 AND freight_minor >= 0 AND unit_cost_minor >= 0", name="amounts"
    ),
    sa.ForeignKeyConstraint(
        ["child_id", "partner_id"], ["dropship.child.id", "dropship.child.partner_id"]
    ),
    schema="dropship",
)

package = sa.Table(
    "package",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("child_id", sa.Uuid, nullable=False),
    sa.Column("carrier_code", sa.Text, nullable=False),
    sa.Column("waybill_number", sa.Text, nullable=False),
    sa.Column("shipped_at", _NOW_COLUMN, nullable=False),
    sa.Column("delivered_at", _NOW_COLUMN),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(PACKAGE_STATES.sql_check("state"), name="state"),
        nullable=False,
    ),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("goods_minor", sa.BigInteger, nullable=False),
    sa.Column("freight_minor", sa.BigInteger, nullable=False),
    sa.Column("cost_minor", sa.BigInteger, nullable=False),
    sa.Column("back", sa.Text, sa.CheckConstraint(one_of("back", ReturnCause), name="back")),
    sa.Column(
        "condition", sa.Text, sa.CheckConstraint(one_of("condition", Condition), name="condition")
    ),
    sa.Column("due_at", _NOW_COLUMN),
    sa.Column(
        "carrier_name",
        sa.Text,
        sa.CheckConstraint(
            f"length(carrier_name) BETWEEN 1 AND {CARRIER_NAME_MAX}", name="carrier_name"
        ),
    ),
    sa.CheckConstraint(
        "goods_minor >= 0 AND freight_minor >= 0 AND cost_minor >= 0", name="amounts"
    ),
    sa.Index("ix_package_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    sa.UniqueConstraint("child_id", "carrier_code", "waybill_number", "partner_id"),
    sa.ForeignKeyConstraint(
        ["child_id", "partner_id"], ["dropship.child.id", "dropship.child.partner_id"]
    ),
    schema="dropship",
)

package_line = sa.Table(
    "package_line",
    metadata,
    sa.Column("package_id", sa.Uuid, primary_key=True),
    sa.Column("line_no", sa.SmallInteger, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.CheckConstraint("quantity > 0", name="quantity"),
    sa.ForeignKeyConstraint(
        ["package_id", "partner_id"], ["dropship.package.id", "dropship.package.partner_id"]
    ),
    schema="dropship",
    info=APPEND_ONLY,
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("subject_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("order_id", sa.Uuid, nullable=False),
    sa.Column("from_state", sa.Text, nullable=False),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("at", _NOW_COLUMN, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index(None, "order_id"),
    # Steps lie in the order they were taken, so a few bytes find the pages of a day.
    sa.Index("ix_history_at", "at", postgresql_using="brin"),
    schema="dropship",
    info=APPEND_ONLY,
)

package_history = sa.Table(
    "package_history",
    metadata,
    sa.Column("package_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("order_id", sa.Uuid, nullable=False),
    sa.Column("from_state", sa.Text, nullable=False),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("at", _NOW_COLUMN, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    schema="dropship",
    info=APPEND_ONLY,
)

remark = sa.Table(
    "remark",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("order_id", sa.Uuid, nullable=False),
    sa.Column(
        "audience",
        sa.Text,
        sa.CheckConstraint(one_of("audience", Audience), name="audience"),
        nullable=False,
    ),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("written_at", _NOW_COLUMN, nullable=False),
    sa.CheckConstraint(f"length(text) BETWEEN 1 AND {REMARK_LENGTH_MAX}", name="text"),
    sa.ForeignKeyConstraint(
        ["order_id", "partner_id"], ["dropship.order.id", "dropship.order.partner_id"]
    ),
    sa.Index(None, "order_id"),
    schema="dropship",
    info=APPEND_ONLY,
)

partner_setting = sa.Table(
    "partner_setting",
    metadata,
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column(
        "low_balance",
        sa.Text,
        sa.CheckConstraint(one_of("low_balance", LowBalance), name="low_balance"),
        nullable=False,
    ),
    schema="dropship",
)

supplier_queue = sa.Table(
    "supplier_queue",
    metadata,
    sa.Column("supplier_id", sa.Uuid, primary_key=True),
    sa.Column("child_id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, nullable=False),
    sa.Column("order_id", sa.Uuid, nullable=False),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(one_of("state", QueueState), name="state"),
        nullable=False,
    ),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", _NOW_COLUMN),
    sa.Column("queued_at", _NOW_COLUMN, nullable=False),
    sa.Column("claim_id", sa.Uuid),
    sa.Column("claimed_until", _NOW_COLUMN),
    sa.CheckConstraint("(claim_id IS NULL) = (claimed_until IS NULL)", name="claim"),
    sa.Index(
        "ix_supplier_queue_due_at",
        "supplier_id",
        "due_at",
        postgresql_where=sa.text("due_at IS NOT NULL"),
    ),
    sa.Index(
        "ix_supplier_queue_claimed",
        "supplier_id",
        postgresql_where=sa.text("claim_id IS NOT NULL"),
    ),
    schema="dropship",
)

supplier_health = sa.Table(
    "supplier_health",
    metadata,
    sa.Column("supplier_id", sa.Uuid, primary_key=True),
    sa.Column(
        "failures", sa.Integer, sa.CheckConstraint("failures >= 0", name="failures"), nullable=False
    ),
    sa.Column("failure", sa.Text, nullable=False),
    sa.Column("paused_until", _NOW_COLUMN),
    sa.Column("served_at", _NOW_COLUMN, nullable=False),
    schema="dropship",
)

supplier_connection = sa.Table(
    "supplier_connection",
    metadata,
    sa.Column("supplier_id", sa.Uuid, primary_key=True),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
    schema="dropship",
)

tracking = sa.Table(
    "tracking",
    metadata,
    sa.Column("package_id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("carrier_code", sa.Text, nullable=False),
    sa.Column("waybill_number", sa.Text, nullable=False),
    sa.Column("due_at", _NOW_COLUMN),
    sa.Column("has_news", sa.Boolean, nullable=False),
    sa.ForeignKeyConstraint(
        ["package_id", "partner_id"], ["dropship.package.id", "dropship.package.partner_id"]
    ),
    sa.Index("ix_tracking_waybill_number", "waybill_number", "carrier_code"),
    sa.Index(
        "ix_tracking_due_at",
        "carrier_code",
        "due_at",
        postgresql_where=sa.text("due_at IS NOT NULL"),
    ),
    sa.Index("ix_tracking_has_news", "package_id", postgresql_where=sa.text("has_news")),
    schema="dropship",
)

track = sa.Table(
    "track",
    metadata,
    sa.Column("package_id", sa.Uuid, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column(
        "revision", sa.Integer, sa.CheckConstraint("revision >= 0", name="revision"), nullable=False
    ),
    sa.Column(
        "kind", sa.Text, sa.CheckConstraint(one_of("kind", TrackKind), name="kind"), nullable=False
    ),
    sa.Column("occurred_at", _NOW_COLUMN, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("received_at", _NOW_COLUMN, nullable=False),
    sa.ForeignKeyConstraint(
        ["package_id", "partner_id"], ["dropship.package.id", "dropship.package.partner_id"]
    ),
    schema="dropship",
)

carrier_connection = sa.Table(
    "carrier_connection",
    metadata,
    sa.Column("carrier_code", sa.Text, primary_key=True),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
    sa.Column(
        "failures", sa.Integer, sa.CheckConstraint("failures >= 0", name="failures"), nullable=False
    ),
    sa.Column("paused_until", _NOW_COLUMN),
    schema="dropship",
)
