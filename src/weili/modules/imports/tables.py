"""Tables of the schema ``imports``."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.db import QUEUE, metadata

SCHEMA: Final = "imports"

mapping = sa.Table(
    "mapping",
    metadata,
    sa.Column("party_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("columns", pgt.JSONB, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.CheckConstraint("name <> ''", name="name"),
    schema=SCHEMA,
    # A mapping that is not needed any more is removed.
    info=QUEUE,
)
sighting = sa.Table(
    "sighting",
    metadata,
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("seen_on", sa.Date, primary_key=True),
    sa.Column("price_minor", sa.BigInteger, nullable=False),
    sa.Column("sale_count", sa.BigInteger),
    sa.Column("comment_count", sa.BigInteger),
    sa.CheckConstraint("price_minor >= 0", name="price"),
    sa.CheckConstraint("sale_count >= 0 AND comment_count >= 0", name="counts"),
    schema=SCHEMA,
)
