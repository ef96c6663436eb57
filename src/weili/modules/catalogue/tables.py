"""Tables of the schema ``catalogue``."""

from typing import Final

import sqlalchemy as sa

from weili.kit.db import QUEUE, metadata
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.kit.states import one_of
from weili.modules.catalogue.model import MarkupKind, OfferState, Rounding

SCHEMA: Final = "catalogue"


follower = sa.Table(
    "follower",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    schema=SCHEMA,
)
"""How far the event log has been followed, by what follows it."""

# One row for each SKU, moved to a new position when it changes: whoever reads on from a position
# is given the newest of everything that changed since, and the table never outgrows the goods.
sku_change = sa.Table(
    "sku_change",
    metadata,
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Index("uq_sku_change_position", "position", unique=True),
    schema=SCHEMA,
)
offer = sa.Table(
    "offer",
    metadata,
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("unit_price_minor", sa.BigInteger),
    sa.Column("price_version", sa.BigInteger),
    sa.Column("stamp_us", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("uq_offer_partner_id_position", "partner_id", "position", unique=True),
    sa.Index(None, "sku_id"),
    sa.CheckConstraint("version >= 1", name="version"),
    sa.CheckConstraint(one_of("state", OfferState), name="state"),
    sa.CheckConstraint(
        "(unit_price_minor IS NULL) = (price_version IS NULL)"
        " AND (state = 'on_shelf' OR unit_price_minor IS NULL)",
        name="price",
    ),
    schema=SCHEMA,
)
scan = sa.Table(
    "scan",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, nullable=False),
    sa.Column("pool_id", sa.Uuid),
    sa.Column("after_sku_id", sa.Uuid, nullable=False),
    schema=SCHEMA,
    info=QUEUE,
)
"""Partners whose offers are to be looked through: of a pool that was granted, or all of them."""

sold = sa.Table(
    "sold",
    metadata,
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("sold_on", sa.Date, primary_key=True),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Index(None, "sold_on"),
    sa.CheckConstraint("quantity > 0", name="quantity"),
    schema=SCHEMA,
    info=QUEUE,
)
synonym = sa.Table(
    "synonym",
    metadata,
    sa.Column("word", sa.Text, primary_key=True),
    sa.Column("group_id", sa.Uuid, nullable=False, index=True),
    sa.CheckConstraint("word <> ''", name="word"),
    schema=SCHEMA,
    info=QUEUE,
)
selection = sa.Table(
    "selection",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("partner_id", "name"),
    schema=SCHEMA,
    info=QUEUE,
)
selection_sku = sa.Table(
    "selection_sku",
    metadata,
    sa.Column("selection_id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(
        ["selection_id", "partner_id"],
        ["catalogue.selection.id", "catalogue.selection.partner_id"],
        ondelete="CASCADE",
    ),
    schema=SCHEMA,
    info=QUEUE,
)
markup_rule = sa.Table(
    "markup_rule",
    metadata,
    sa.Column("selection_id", sa.Uuid, primary_key=True),
    sa.Column("partner_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("rounding", sa.Text, nullable=False),
    sa.Column("category_id", sa.Uuid),
    sa.Column("sku_id", sa.Uuid),
    sa.Column("below_cost_reason", sa.Text),
    sa.ForeignKeyConstraint(
        ["selection_id", "partner_id"],
        ["catalogue.selection.id", "catalogue.selection.partner_id"],
        ondelete="CASCADE",
    ),
    sa.CheckConstraint(one_of("kind", MarkupKind), name="kind"),
    sa.CheckConstraint(one_of("rounding", Rounding), name="rounding"),
    sa.CheckConstraint("category_id IS NULL OR sku_id IS NULL", name="scope"),
    sa.CheckConstraint("amount >= 0 OR below_cost_reason IS NOT NULL", name="below_cost"),
    sa.CheckConstraint(f"amount BETWEEN -{AMOUNT_MINOR_MAX} AND {AMOUNT_MINOR_MAX}", name="amount"),
    schema=SCHEMA,
    info=QUEUE,
)
