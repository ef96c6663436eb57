"""The table of regions."""

import sqlalchemy as sa

from weili.kit.db import metadata

region = sa.Table(
    "region",
    metadata,
    # text, not char(6): a char column compared with text loses its index.
    sa.Column("code", sa.Text, sa.CheckConstraint("code ~ '^[0-9]{6}([0-9]{3})?$'", name="code")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parent_code", sa.Text, sa.ForeignKey("regions.region.code"), index=True),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("vintage", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("code"),
    sa.CheckConstraint("level BETWEEN 0 AND 4", name="level"),
    sa.CheckConstraint("(level = 0) = (parent_code IS NULL)", name="parent"),
    schema="regions",
)
