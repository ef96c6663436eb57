"""One transaction on PostgreSQL, in two voices.

``Transaction.sa`` is a SQLAlchemy Core connection for statements that are built; ``rows`` and
``run`` send plain prepared SQL on the very same connection for the few statements that are hot.
Their placeholders are ``%b``; one that takes a list names the array's type: ``%b::uuid[]``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, LiteralString, TypeVar

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from psycopg.types.json import set_json_loads

from weili.kit.problems import Busy, Problem, Unavailable
from weili.kit.wire import Answer, Wire

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

Asked = Callable[[], T]
"""An answer that is on its way: calling it waits for it."""

# Every JSON column of every answer is read by this: three times as fast as the library's own.
set_json_loads(msgspec.json.decode)

WIRE: Final = "weili.wire"
"""Under what a connection's wire is kept, among what the pool keeps of the connection."""


class Transaction:
    """An open transaction, of one thread. Ended by whoever opened it, never by a verb."""

    __slots__ = ("_depth", "_sa", "_wire", "gathered")

    def __init__(self, connection: sa.Connection) -> None:
        self._sa = connection
        self._wire: Wire = connection.info[WIRE]
        self._depth = 0
        self.gathered: dict[Any, Any] = {}  # what waits to be asked, see kit.gathering

    @property
    def sa(self) -> sa.Connection:
        """The connection for statements that are built; what was sent before is answered first."""
        self._wire.receive()
        return self._sa

    def rows(self, statement: LiteralString, *params: object) -> list[Any]:
        """Run a prepared statement and fetch every row."""
        return self._wire.send(statement, params).rows()

    def run(self, statement: LiteralString, *params: object) -> Answer:
        """Run a prepared statement for its effect; inside ``pipeline`` it is only sent."""
        answer = self._wire.send(statement, params)
        if self._depth:
            self._wire.push()
        else:
            self._wire.receive()
        return answer

    def ask(self, statement: LiteralString, *params: object) -> Asked[list[Any]]:
        """Send a prepared statement, and give what fetches its rows.

        Several that are asked before the first is fetched take one journey to the server between
        them. What one of them is refused for is raised at the next wait, whatever that is for.
        """
        return self._wire.send(statement, params).rows

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Send the statements of the block without waiting for each; errors come at its end.

        Within another it changes nothing: they come at the end of the outer one.
        """
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            self.settle()
            raise
        self._depth -= 1
        if not self._depth:
            self._wire.receive()

    @contextmanager
    def unawaited(self) -> Iterator[None]:
        """Send the statements of the block; errors come at the next wait, at last at the commit.

        For what is written last: it goes to the server in one journey with the commit.
        """
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the block alone when it is refused; the transaction goes on."""
        with self.sa.begin_nested():
            try:
                yield
                self._wire.receive()
            except BaseException:
                self.settle()
                raise

    def settle(self) -> None:
        """Take in what is still on its way, whatever it was refused for: it is to be undone."""
        with suppress(psycopg.Error):
            self._wire.receive()

    def interrupt(self) -> None:
        """Have the server break off what this transaction waits for; for another thread to call.

        Where it can't be reached, nobody waits for it long.
        """
        with suppress(psycopg.Error):
            self._wire.interrupt()

    def commit(self) -> None:
        """Commit, in one journey with what was sent and not yet waited for. The world calls it."""
        self._wire.commit()


def is_transient(error: BaseException) -> bool:
    """Say whether the database undid the transaction for a reason that passes by itself."""
    cause = getattr(error, "orig", error)
    return isinstance(cause, pg.SerializationFailure | pg.DeadlockDetected)


def is_lost(error: BaseException) -> bool:
    """Say whether the database went away, so that the outcome may be unknown."""
    cause = getattr(error, "orig", error)
    if isinstance(error, sa.exc.TimeoutError):
        return True
    if isinstance(cause, pg.PipelineAborted):
        return False
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
