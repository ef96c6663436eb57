"""Tables that are cut by time: a partition for each month, made ahead, taken out when it is old.

An id says when it was made, so a range of ids is a month (of the business zone), and no statement
has to say more than it did. A partition begins where the one before it ends, so there are no gaps;
what is newer than all of them lies in the default one until the next partition takes it in.

Who may take a month out is the database's owner (``adapters.postgres.months``). What a table leaves
behind for it, its module says (``Cut``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from weili.kit.context import Ctx
from weili.kit.db import metadata
from weili.kit.findings import Finding
from weili.kit.ids import id_least
from weili.kit.problems import Said
from weili.kit.zone import day_begins_at, day_of

BY_MONTH: Final = ("inventory.movement",)
"""The tables that are cut by the time of their ids."""
MONTHS_AHEAD: Final = 2
ASTRAY_MAX: Final = 1_000
"""How many rows are counted that lie in no month."""
PARTITION_WORD: Final = Said("partition", "分区", code="partition")
_NAME: Final = "%Y_%m"

partition = sa.Table(
    "partition",
    metadata,
    sa.Column("parent", sa.Text, primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("bound", sa.Text, nullable=False),
    # What was taken out, when, and the digest by which its file is known again.
    sa.Column("row_count", sa.BigInteger),
    sa.Column("sha256", sa.Text),
    sa.Column("out_at", sa.DateTime(timezone=True)),
    sa.UniqueConstraint("parent", "name"),
    sa.CheckConstraint("num_nulls(row_count, sha256, out_at) IN (0, 3)", name="out"),
    schema="kit",
    info={"app_may": "SELECT"},
)


class Partition(NamedTuple):
    """A partition: its table, the last of its months, and how much of it is in the database."""

    parent: str
    name: str
    size_bytes: int
    rows_estimated: int
    out_at: datetime | None
    rows_out: int | None

    @property
    def fullname(self) -> str:
        """Name it as the database does."""
        return f"{self.parent}_{self.name}"

    @property
    def ends_at(self) -> datetime:
        """Say when its last month is over."""
        return _month_ends_at(date.fromisoformat(f"{self.name.replace('_', '-')}-01"))


@dataclass(frozen=True, slots=True)
class Cut:
    """What of a table's partition is taken out, and what is left in its place.

    All but ``table`` is SQL: which rows go, in what order, which columns are summed for comparison,
    what is left for those that go (``{part}`` and ``{last}`` stand for the partition and its last
    millisecond's least id), and which rows that is.
    """

    table: str
    goes: str
    order: str
    sums: tuple[str, ...]
    leave: str
    left: str


def partitions_ahead(ctx: Ctx) -> int:
    """Make the partitions of this month and the next ones, where they lack; says how many."""
    return partitions_make(ctx, now=ctx.now)


def partitions_make(ctx: Ctx, *, now: datetime) -> int:
    """Make what ``partitions_ahead`` does, for a moment that a clock is being turned to.

    The months since the last partition, if any, are one with the month before this.
    """
    made = 0
    bounds = ctx.db.rows("SELECT parent, max(bound) FROM kit.partition GROUP BY parent")
    for parent, last in bounds:
        month = _month_before(day_of(now).replace(day=1))
        for _ in range(MONTHS_AHEAD + 2):
            bound = str(id_least(_month_ends_at(month)))
            if bound > last:
                name = month.strftime(_NAME)
                [[is_made]] = ctx.db.rows(
                    "SELECT kit.partition_add(%b, %b, %b)", parent, name, bound
                )
                made += is_made
            month = _month_after(month)
    return made


def partitions_read(ctx: Ctx) -> list[Partition]:
    """Read which partitions there are, oldest first."""
    rows = ctx.db.rows(
        "SELECT p.parent, p.name, pg_total_relation_size(c.oid),"
        " greatest(c.reltuples, 0)::bigint, p.out_at, p.row_count"
        " FROM kit.partition p JOIN pg_class c ON c.oid = (p.parent || '_' || p.name)::regclass"
        " ORDER BY p.parent, p.no"
    )
    return [Partition(*row) for row in rows]


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find rows that lie in no month: their table can't be taken out by months then."""
    for table in BY_MONTH:
        [[count]] = ctx.db.rows(
            f"SELECT count(*) FROM (SELECT FROM {table}_default LIMIT {ASTRAY_MAX}) AS few"  # noqa: S608 - ours
        )
        if count:
            yield Finding(
                "rows_in_a_month",
                table,
                f"{count} row(s) lie in no month's partition",
                "run the worker, which makes the months' partitions and takes the rows in",
            )


def _month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _month_ends_at(month: date) -> datetime:
    return day_begins_at(_month_after(month))
