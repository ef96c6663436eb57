"""The module's tables, in the schema ``goods``."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.db import APPEND_ONLY, QUEUE, metadata
from weili.kit.states import one_of
from weili.modules.goods.model import (
    REVISION_STATES,
    SKU_STATES,
    AttributeKind,
    AttributeUse,
    BrandKind,
    MediaKind,
    ReturnPolicy,
    SkuKind,
)

SCHEMA: Final = "goods"


category = sa.Table(
    "category",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("parent_id", sa.Uuid, sa.ForeignKey("goods.category.id")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    # Two roots of one name are the same category, though their parent is null.
    sa.UniqueConstraint("parent_id", "name", postgresql_nulls_not_distinct=True),
    sa.CheckConstraint("level BETWEEN 1 AND 3", name="level"),
    sa.CheckConstraint("(level = 1) = (parent_id IS NULL)", name="root"),
    schema=SCHEMA,
)
brand = sa.Table(
    "brand",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.UniqueConstraint("name"),
    schema=SCHEMA,
)
spu = sa.Table(
    "spu",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("supplier_id", sa.Uuid, sa.ForeignKey("parties.party.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column(
        "category_id", sa.Uuid, sa.ForeignKey("goods.category.id"), nullable=False, index=True
    ),
    sa.Column("brand_id", sa.Uuid, sa.ForeignKey("goods.brand.id")),
    # Of the SPU and not of the brand: a national brand makes goods for one channel alone as well.
    sa.Column("brand_kind", sa.Text),
    sa.Column("attributes", pgt.JSONB, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.UniqueConstraint("supplier_id", "code"),
    sa.CheckConstraint(one_of("brand_kind", BrandKind), name="brand_kind"),
    sa.CheckConstraint("(brand_id IS NULL) = (brand_kind IS NULL)", name="brand"),
    schema=SCHEMA,
)
sku = sa.Table(
    "sku",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    # Its SPU's: the key to that one says that there is such a supplier.
    sa.Column("supplier_id", sa.Uuid, nullable=False),
    sa.Column("supplier_code", sa.Text, nullable=False),
    sa.Column("spu_id", sa.Uuid, sa.ForeignKey("goods.spu.id"), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("variant", sa.Text, nullable=False),
    sa.Column("gtin", sa.Text),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("weight_g", sa.Integer, nullable=False),
    sa.Column("tax_rate_bps", sa.Integer, nullable=False),
    sa.Column("return_policy", sa.Text, nullable=False),
    sa.Column("compare_at_minor", sa.BigInteger),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("quantity_min", sa.Integer, nullable=False),
    sa.Column("quantity_max", sa.Integer),
    sa.Column("pack_size", sa.Integer, nullable=False),
    sa.Column("areas_allowed", pgt.ARRAY(sa.Text), nullable=False),
    sa.Column("areas_excluded", pgt.ARRAY(sa.Text), nullable=False),
    sa.Column("variant_values", pgt.JSONB),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("supplier_id", "supplier_code"),
    # Checked when the statement is over, so that two variants may trade places. Null is no variant.
    # An SPU's SKUs are found by it too.
    sa.UniqueConstraint("spu_id", "variant_values", deferrable=True),
    sa.CheckConstraint("title <> ''", name="title"),
    sa.CheckConstraint("weight_g >= 0", name="weight"),
    sa.CheckConstraint("tax_rate_bps BETWEEN 0 AND 10000", name="tax_rate"),
    sa.CheckConstraint("compare_at_minor >= 0", name="compare_at"),
    sa.CheckConstraint(one_of("return_policy", ReturnPolicy), name="return_policy"),
    sa.CheckConstraint(one_of("kind", SkuKind), name="kind"),
    sa.CheckConstraint("quantity_min >= 1 AND quantity_max >= quantity_min", name="quantities"),
    sa.CheckConstraint("pack_size >= 1", name="pack_size"),
    sa.CheckConstraint(SKU_STATES.sql_check("state"), name="state"),
    schema=SCHEMA,
)
# What a bundle is made of is fixed when it is made: orders name the bundle, stock its parts.
bundle_part = sa.Table(
    "bundle_part",
    metadata,
    sa.Column("bundle_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True),
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True, index=True),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.CheckConstraint("quantity >= 1", name="quantity"),
    sa.CheckConstraint("sku_id <> bundle_id", name="itself"),
    schema=SCHEMA,
    info=APPEND_ONLY,
)
# Like every history it refers to nothing: a reference locks what it names, once for each row.
sku_history = sa.Table(
    "sku_history",
    metadata,
    sa.Column("sku_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("changes", pgt.JSONB, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('created', 'updated', 'reviewed', 'shelved')", name="kind"),
    sa.CheckConstraint(SKU_STATES.sql_check("state"), name="state"),
    schema=SCHEMA,
    info=APPEND_ONLY,
)
pool = sa.Table(
    "pool",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("price_min_minor", sa.BigInteger),
    sa.Column("price_max_minor", sa.BigInteger),
    sa.Column("category_ids", pgt.ARRAY(sa.Uuid), nullable=False),
    sa.Column("brand_kinds", pgt.ARRAY(sa.Text), nullable=False),
    sa.UniqueConstraint("name"),
    sa.CheckConstraint("price_min_minor >= 0 AND price_max_minor >= price_min_minor", name="band"),
    schema=SCHEMA,
)
# Without a key to the pool, which all its goods share (decision 0007).
pool_sku = sa.Table(
    "pool_sku",
    metadata,
    sa.Column("pool_id", sa.Uuid, primary_key=True),
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id"), primary_key=True, index=True),
    schema=SCHEMA,
    info=QUEUE,
)
pool_grant = sa.Table(
    "pool_grant",
    metadata,
    sa.Column("partner_id", sa.Uuid, sa.ForeignKey("parties.party.id"), primary_key=True),
    sa.Column("pool_id", sa.Uuid, sa.ForeignKey("goods.pool.id"), primary_key=True, index=True),
    schema=SCHEMA,
    info=QUEUE,
)
attribute = sa.Table(
    "attribute",
    metadata,
    sa.Column("category_id", sa.Uuid, sa.ForeignKey("goods.category.id"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.SmallInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("use", sa.Text, nullable=False),
    sa.Column("is_required", sa.Boolean, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("choices", pgt.ARRAY(sa.Text), nullable=False),
    sa.CheckConstraint(one_of("kind", AttributeKind), name="kind"),
    sa.CheckConstraint(one_of("use", AttributeUse), name="use"),
    sa.CheckConstraint("(kind = 'enum') = (choices <> '{}')", name="choices"),
    schema=SCHEMA,
    info=QUEUE,
)
media = sa.Table(
    "media",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("supplier_id", sa.Uuid, sa.ForeignKey("parties.party.id"), nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("supplier_id", "address"),
    sa.CheckConstraint(one_of("kind", MediaKind), name="kind"),
    sa.CheckConstraint("size_bytes > 0", name="size"),
    schema=SCHEMA,
    info=APPEND_ONLY,
)
spu_media = sa.Table(
    "spu_media",
    metadata,
    sa.Column("spu_id", sa.Uuid, sa.ForeignKey("goods.spu.id"), primary_key=True),
    sa.Column("position", sa.SmallInteger, primary_key=True),
    sa.Column("media_id", sa.Uuid, sa.ForeignKey("goods.media.id"), nullable=False),
    sa.Column("sku_id", sa.Uuid, sa.ForeignKey("goods.sku.id")),
    sa.Column("alt", sa.Text, nullable=False),
    schema=SCHEMA,
    info=QUEUE,
)
revision = sa.Table(
    "revision",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("supplier_id", sa.Uuid, sa.ForeignKey("parties.party.id"), nullable=False),
    sa.Column("spu_id", sa.Uuid, sa.ForeignKey("goods.spu.id"), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("proposal", pgt.JSONB, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("notes", pgt.JSONB, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(REVISION_STATES.sql_check("state"), name="state"),
    # One proposal at a time is on its way for an SPU.
    sa.Index(
        "uq_revision_spu_id_open",
        "spu_id",
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'in_review')"),
    ),
    sa.Index("ix_revision_state", "state", "id"),
    sa.Index("ix_revision_supplier_id", "supplier_id", "id"),
    schema=SCHEMA,
)
revision_history = sa.Table(
    "revision_history",
    metadata,
    sa.Column("revision_id", sa.Uuid, sa.ForeignKey("goods.revision.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("notes", pgt.JSONB, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint(REVISION_STATES.sql_check("state"), name="state"),
    schema=SCHEMA,
    info=APPEND_ONLY,
)
