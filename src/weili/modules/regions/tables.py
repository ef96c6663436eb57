"""The tables of regions."""

import sqlalchemy as sa

from weili.kit.db import APPEND_ONLY, QUEUE, metadata
from weili.kit.states import one_of
from weili.modules.regions.model import ChangeKind

region = sa.Table(
    "region",
    metadata,
    # text, not char(6): a char column compared with text loses its index.
    sa.Column("code", sa.Text, sa.CheckConstraint("code ~ '^[0-9]{6}([0-9]{3})?$'", name="code")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parent_code", sa.Text, sa.ForeignKey("regions.region.code"), index=True),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("vintage", sa.Text, nullable=False),
    sa.Column("until_year", sa.SmallInteger),
    sa.PrimaryKeyConstraint("code"),
    sa.CheckConstraint("level BETWEEN 0 AND 4", name="level"),
    sa.CheckConstraint("(level = 0) = (parent_code IS NULL)", name="parent"),
    schema="regions",
)

succession = sa.Table(
    "succession",
    metadata,
    sa.Column("code", sa.Text, sa.ForeignKey("regions.region.code"), primary_key=True),
    sa.Column("successor_code", sa.Text, sa.ForeignKey("regions.region.code"), primary_key=True),
    sa.CheckConstraint("code <> successor_code", name="other"),
    schema="regions",
    info=QUEUE,
)
"""The codes in force that took the place of each code that no longer is."""

change = sa.Table(
    "change",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("year", sa.SmallInteger, nullable=False),
    sa.Column(
        "kind",
        sa.Text,
        sa.CheckConstraint(one_of("kind", ChangeKind), name="kind"),
        nullable=False,
    ),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("successor_code", sa.Text),
    sa.Column("successor_name", sa.Text),
    sa.Column("vintage", sa.Text, nullable=False),
    schema="regions",
    info=APPEND_ONLY,
)
"""What changed, in the order in which we learned of it."""
