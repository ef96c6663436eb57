"""Tables that are cut by time: partitions made ahead, and taken out when they are old.

An id says when it was made, so a range of ids is a month (of the business zone); the log of events
is cut by position instead, by which it is read. No statement has to say more than it did. A
partition begins where the one before it ends, so there are no gaps; what is newer than all of them
lies in the default one until the next partition takes it in.

Who may take a partition out is the database's owner (``adapters.postgres.months``). What a table
leaves behind for it, its module says (``Cut``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from weili.kit.context import Ctx
from weili.kit.db import metadata
from weili.kit.findings import Finding
from weili.kit.ids import id_least, id_past
from weili.kit.problems import Said
from weili.kit.zone import day_begins_at, day_of

LOG: Final = "kit.event"
"""The table that is cut by position; all others are by the time of their ids."""
POSITIONS_EACH: Final = 5_000_000
"""Events in a partition of the log: those of about a million orders."""
POSITIONS_LEFT_MIN: Final = 1_000_000
"""Fewer positions are left in the last partition when the next one is made."""
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
    # When the newest of it happened: of what began before, not all is there.
    sa.Column("newest_at", sa.DateTime(timezone=True)),
    sa.UniqueConstraint("parent", "name"),
    sa.CheckConstraint("num_nulls(row_count, sha256, out_at) IN (0, 3)", name="out"),
    schema="kit",
    info={"app_may": "SELECT"},
)


class Partition(NamedTuple):
    """A partition: its table, the last of its months or positions, and how much of it is there."""

    parent: str
    name: str
    bound: str
    size_bytes: int
    rows_estimated: int
    out_at: datetime | None
    rows_out: int | None

    @property
    def fullname(self) -> str:
        """Name it as the database does."""
        return f"{self.parent}_{self.name}"

    @property
    def ends_at(self) -> datetime | None:
        """Say when its last month is over, if it is one of months."""
        if self.parent == LOG:
            return None
        return _month_ends_at(date.fromisoformat(f"{self.name.replace('_', '-')}-01"))


@dataclass(frozen=True, slots=True)
class Cut:
    """What of a table's partition is taken out, and what is left in its place.

    All but ``table`` is SQL: which rows ``r`` go, in what order, which columns are summed for
    comparison, what is left for those that go, if anything (``{part}`` and ``{last}`` stand for
    the partition and the least id of its last millisecond), and which rows that is.
    """

    table: str
    goes: str
    order: str
    sums: tuple[str, ...]
    leave: str = ""
    left: str = "false"


def partitions_ahead(ctx: Ctx) -> int:
    """Make the partitions of this month and the next ones, where they lack; says how many."""
    return partitions_make(ctx, now=ctx.now)


def partitions_make(ctx: Ctx, *, now: datetime) -> int:
    """Make what ``partitions_ahead`` does, for a moment that a clock is being turned to.

    The months since the last partition, if any, are one with the month before this.
    """
    made = 0
    for parent, last in ctx.db.rows(
        "SELECT DISTINCT ON (parent) parent, bound FROM kit.partition ORDER BY parent, no DESC"
    ):
        due = _positions_due(ctx, int(last)) if parent == LOG else _months_due(now, last)
        for name, bound in due:
            [[is_made]] = ctx.db.rows("SELECT kit.partition_add(%b, %b, %b)", parent, name, bound)
            if not is_made:
                break  # The next would take in its months, and be waited for as long.
            made += 1
    return made


def _months_due(now: datetime, last: str) -> Iterator[tuple[str, str]]:
    month = _month_before(day_of(now).replace(day=1))
    for _ in range(MONTHS_AHEAD + 2):
        bound = str(id_least(_month_ends_at(month)))
        if bound > last:
            yield month.strftime(_NAME), bound
        month = _month_after(month)


def _positions_due(ctx: Ctx, last: int) -> Iterator[tuple[str, str]]:
    """Name the next partition when little is left of the last."""
    [[end]] = ctx.db.rows("SELECT coalesce(max(position), 0) FROM kit.event")
    if last - end < POSITIONS_LEFT_MIN:
        yield str(last + POSITIONS_EACH - 1), str(last + POSITIONS_EACH)


def partitions_read(ctx: Ctx) -> list[Partition]:
    """Read which partitions there are, oldest first.

    Without a log's first one, if nothing had been told when it was cut: no position lies in it.
    """
    rows = ctx.db.rows(
        "SELECT p.parent, p.name, p.bound, pg_total_relation_size(c.oid),"
        " greatest(c.reltuples, 0)::bigint, p.out_at, p.row_count"
        " FROM kit.partition p JOIN pg_class c ON c.oid = (p.parent || '_' || p.name)::regclass"
        " WHERE NOT (p.parent = %b AND p.bound = '1') ORDER BY p.parent, p.no",
        LOG,
    )
    return [Partition(*row) for row in rows]


def told_since(ctx: Ctx) -> UUID:
    """Give an id from which on all that was told is still in the log: of what was made since."""
    [[newest_at]] = ctx.db.rows(
        "SELECT max(newest_at) FROM kit.partition WHERE parent = %b AND out_at IS NOT NULL", LOG
    )
    return id_past(newest_at) if newest_at else UUID(int=0)


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find rows that lie in no partition that can be taken out."""
    for (table,) in ctx.db.rows("SELECT DISTINCT parent FROM kit.partition ORDER BY parent"):
        [[count]] = ctx.db.rows(
            f"SELECT count(*) FROM (SELECT FROM {table}_default LIMIT {ASTRAY_MAX}) AS few"  # noqa: S608 - ours
        )
        if count:
            yield Finding(
                "rows_in_a_partition",
                table,
                f"{count} row(s) lie in the default partition",
                "run the worker, which makes the partitions ahead and takes the rows in",
            )


def _month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _month_ends_at(month: date) -> datetime:
    return day_begins_at(_month_after(month))
