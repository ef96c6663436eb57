"""One transaction on PostgreSQL, in two voices.

``Transaction.sa`` is a SQLAlchemy Core connection for statements that are built; ``rows`` and
``run`` send plain prepared SQL on the very same connection for the few statements that are hot.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, LiteralString, TypeVar, cast

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg

from weili.kit.problems import Busy, Problem, Unavailable

APP_ROLE: Final = "weili_app"
"""The role the application works as; it owns nothing and may only do what it was granted."""

ATTEMPTS_MAX: Final = 4
RETRY_AFTER_S: Final = 1

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of every module, each in its module's own schema."""

APPEND_ONLY: Final = {"app_may": "SELECT, INSERT"}
"""``info`` of a table whose rows are never changed: the application's role can't."""

QUEUE: Final = {"app_may": "SELECT, INSERT, UPDATE, DELETE"}
"""``info`` of a table whose rows come and go: queues, claims that lapse."""

CHANGING: Final = "SELECT, INSERT, UPDATE"
"""What the application may do with any other table: rows change, but none is removed."""

T = TypeVar("T")


class Transaction:
    """An open transaction. Ended by whoever opened it, never by a verb."""

    __slots__ = ("_raw", "sa")

    def __init__(self, connection: sa.Connection) -> None:
        self.sa = connection
        self._raw = cast("psycopg.Connection[Any]", connection.connection.driver_connection)

    def rows(self, statement: LiteralString, *params: object) -> list[Any]:
        """Run a prepared statement and fetch every row."""
        return self._raw.execute(statement, params, prepare=True, binary=True).fetchall()

    def run(self, statement: LiteralString, *params: object) -> psycopg.Cursor[Any]:
        """Run a prepared statement for its effect; inside ``pipeline`` it is only queued."""
        return self._raw.execute(statement, params, prepare=True, binary=True)

    def pipeline(self) -> AbstractContextManager[object]:
        """Send the statements of the block without waiting for each; errors come at its end."""
        return self._raw.pipeline()


def is_transient(error: BaseException) -> bool:
    """Say whether the database undid the transaction for a reason that passes by itself."""
    cause = getattr(error, "orig", error)
    return isinstance(cause, pg.SerializationFailure | pg.DeadlockDetected)


def is_lost(error: BaseException) -> bool:
    """Say whether the database went away, so that the outcome may be unknown."""
    cause = getattr(error, "orig", error)
    if isinstance(error, sa.exc.TimeoutError):
        return True
    return isinstance(cause, psycopg.OperationalError) and (
        cause.sqlstate is None or cause.sqlstate[:2] in {"08", "53", "57"}
    )


def as_problem(error: BaseException) -> Problem | None:
    """Turn what the database refuses for reasons of load or outage into a problem."""
    cause = getattr(error, "orig", error)
    if isinstance(cause, pg.LockNotAvailable | pg.QueryCanceled) or is_transient(error):
        return Busy(retry_after_s=RETRY_AFTER_S)
    if is_lost(error):
        return Unavailable(retry_after_s=RETRY_AFTER_S)
    return None


def retried(work: Callable[[], T]) -> T:
    """Do a whole transaction again, a bounded number of times, while the database undoes it."""
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return work()
        except Problem as problem:
            if problem.__cause__ is None or not is_transient(problem.__cause__):
                raise
    return work()
