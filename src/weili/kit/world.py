"""Worlds: the live one, and sandboxes whose clock can be turned; each a database of its own.

One transaction lives in one world, so ``ctx.now`` has one value. This is the only place that
opens, commits and rolls back.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from enum import Enum
from functools import partial
from time import monotonic
from typing import Final, TypeVar

import psycopg
import sqlalchemy as sa

from weili.kit import outbox, partitions
from weili.kit.clock import turned, wall_now
from weili.kit.context import SYSTEM, Actor, Begin, Ctx
from weili.kit.db import APP_ROLE, WIRE, Transaction, as_problem, metadata, retried
from weili.kit.problems import SandboxOnly
from weili.kit.secrets import KeyRing
from weili.kit.wire import Wire

LIVE: Final = "live"
LOCK_TIMEOUT_MS: Final = 5_000
STATEMENT_TIMEOUT_MS: Final = 30_000
IDLE_TIMEOUT_MS: Final = 60_000
SNAPSHOT_TIMEOUT_MS: Final = 900_000
"""A snapshot reads whole tables and holds nobody up, so it may take its time."""
CONNECTIONS_DEFAULT: Final = 12
PING_AFTER_S: Final = 0.1
TURN_MAX_S: Final = 10 * 366 * 86_400
_SNAPSHOT_LIMITS: Final = (
    "SELECT set_config('statement_timeout', %b, true),"
    " set_config('idle_in_transaction_session_timeout', %b, true)"
)

T = TypeVar("T")


def worker_name(world: str) -> str:
    """Name the connections of a world's worker, by which others see that there is one."""
    return f"weili jobs {world}"


clock = sa.Table(
    "clock",
    metadata,
    sa.Column("one", sa.Boolean, sa.CheckConstraint("one", name="one"), primary_key=True),
    sa.Column("offset_s", sa.BigInteger, nullable=False),
    schema="kit",
)


class Plans(Enum):
    """How PostgreSQL plans a prepared statement (its ``plan_cache_mode``)."""

    AUTO = "auto"
    """For the values that come, where it thinks that this pays."""
    ONCE = "force_generic_plan"
    """Once for each connection: for who sends few statements, often, whose plans never differ."""


class World:
    """One database with one clock and one key ring."""

    def __init__(
        self,
        name: str,
        url: str,
        keyring: KeyRing,
        *,
        connections: int = CONNECTIONS_DEFAULT,
        plans: Plans = Plans.AUTO,
    ) -> None:
        """Prepare the pool; nothing is opened until the first transaction.

        ``connections`` is also the number of threads that may work at once: one number, so that
        a thread never waits for a connection that another waiting thread holds.
        """
        self.name = name
        self.is_sandbox = name != LIVE
        self.keyring = keyring
        self.connections = connections
        self.engine = _engine(
            name,
            url,
            plans,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=LOCK_TIMEOUT_MS / 1000,
        )
        self._unpooled = _engine(name, url, plans, poolclass=sa.pool.NullPool)
        sa.event.listen(self.engine, "checkin", _note_idle)
        sa.event.listen(self.engine, "checkout", _ping_idle)

    @contextmanager
    def begin(self, actor: Actor = SYSTEM, *, snapshot: bool = False) -> Iterator[Ctx]:
        """Open a transaction: commits at the end of the block, rolls back on any error.

        With ``snapshot`` it reads one moment of the database throughout and can write nothing.

        Raises: Busy or Unavailable, when the database can't take or finish the work now.
        """
        try:
            with self.engine.connect() as connection:
                if snapshot:
                    connection.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                with connection.begin():
                    db = Transaction(connection)
                    if snapshot:
                        db.run(_SNAPSHOT_LIMITS, *[str(SNAPSHOT_TIMEOUT_MS)] * 2)
                    ctx = Ctx(db, actor, self._now(db), self.name, self.is_sandbox, self.keyring)
                    try:
                        yield ctx
                        with db.pipeline():
                            outbox.flush(db, ctx.announced)
                            db.commit()
                    except BaseException:
                        db.settle()
                        raise
        except (psycopg.Error, sa.exc.SQLAlchemyError) as error:
            problem = as_problem(error)
            if problem is None:
                raise
            raise problem from error

    @contextmanager
    def snapshots(self, actor: Actor = SYSTEM, *, count: int) -> Iterator[tuple[Ctx, ...]]:
        """Open snapshots, all of one moment of the database.

        Each may be used by a thread of its own. Only the first is of the pool: who holds one of its
        connections never waits for another.

        Raises: as ``begin``.
        """
        with self.begin(actor, snapshot=True) as first, ExitStack() as beside:
            [[name]] = first.db.rows("SELECT pg_export_snapshot()")
            others = [beside.enter_context(self._beside(first, name)) for _ in range(1, count)]
            yield first, *others

    def begin_as(self, actor: Actor) -> Begin:
        """Give a ``begin`` that opens transactions for this actor."""
        return partial(self.begin, actor)

    @property
    def connections_taken(self) -> int:
        """How many connections of the pool somebody works with."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, sa.QueuePool) else 0

    def close(self) -> None:
        """Close every connection of the pool."""
        self.engine.dispose()

    @contextmanager
    def _beside(self, first: Ctx, snapshot: str) -> Iterator[Ctx]:
        """Open a transaction on the snapshot that another one has exported, and undo it after."""
        with self._unpooled.connect() as connection:
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            # A SET takes no parameters; what the server calls a snapshot has no quotes in it.
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            db = Transaction(connection)
            db.run(_SNAPSHOT_LIMITS, *[str(SNAPSHOT_TIMEOUT_MS)] * 2)
            try:
                yield replace(first, db=db, announced=[])
            finally:
                db.settle()

    def _now(self, db: Transaction) -> datetime:
        if not self.is_sandbox:
            return wall_now()
        rows = db.rows("SELECT offset_s FROM kit.clock")
        return turned(wall_now(), rows[0][0] if rows else 0)


def _engine(name: str, url: str, plans: Plans, **pool: object) -> sa.Engine:
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        hide_parameters=True,  # An error's text goes to the log, and what was written may not.
        connect_args={
            "connect_timeout": 5,
            "application_name": f"weili {name}",
            # psycopg's own preparing ends in a DEALLOCATE ALL, which the wire's would share.
            "prepare_threshold": None,
            "options": (
                f"-c role={APP_ROLE} -c lock_timeout={LOCK_TIMEOUT_MS}"
                f" -c statement_timeout={STATEMENT_TIMEOUT_MS}"
                f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS}"
                # The jobs' own statements name no schema; all of ours do.
                " -c search_path=public,procrastinate -c timezone=UTC -c jit=off"
                f" -c plan_cache_mode={plans.value}"
            ),
        },
        **pool,
    )
    sa.event.listen(engine, "connect", _wire_lay)
    return engine


def _wire_lay(
    connection: "psycopg.Connection[object]", record: sa.pool.ConnectionPoolEntry
) -> None:
    record.info[WIRE] = Wire(connection)


def _note_idle(_: object, record: sa.pool.ConnectionPoolEntry) -> None:
    record.info["idle_since_s"] = monotonic()


def _ping_idle(
    connection: "psycopg.Connection[object]", record: sa.pool.ConnectionPoolEntry, _: object
) -> None:
    """Ask a connection that lay idle whether it still lives; a dead one is replaced in silence.

    One that worked a moment ago is not asked: a lone order would wait a twentieth longer for it,
    and if the server went away just then, the caller is told as if it had a moment later.
    """
    if monotonic() - record.info.get("idle_since_s", 0.0) < PING_AFTER_S:
        return
    try:
        connection.execute("")
        connection.rollback()
    except psycopg.Error as error:
        raise sa.exc.DisconnectionError from error


def clock_turn(ctx: Ctx, *, ahead_s: int) -> None:
    """Turn a sandbox's clock ahead, from the next transaction on.

    Raises: SandboxOnly in the live world; ValueError outside 0 to ten years.
    """
    if not ctx.is_sandbox:
        raise SandboxOnly
    if not 0 <= ahead_s <= TURN_MAX_S:
        raise ValueError(ahead_s)
    ctx.db.run(
        "INSERT INTO kit.clock (one, offset_s) VALUES (true, %b)"
        " ON CONFLICT (one) DO UPDATE SET offset_s = clock.offset_s + excluded.offset_s",
        ahead_s,
    )
    # Nobody may be trading yet when a month is turned to, and no sweep may have run.
    partitions.partitions_make(ctx, now=turned(ctx.now, ahead_s))


def in_transaction(begin: Begin, work: Callable[[Ctx], T]) -> T:
    """Do work in one transaction, and the whole of it again if the database undid it.

    Raises: what ``work`` raises; Busy when a deadlock or a lost serialisation comes back each
    time.
    """

    def once() -> T:
        with begin() as ctx:
            return work(ctx)

    return retried(once)
