"""One transaction on PostgreSQL, in two voices.

``Transaction.sa`` is a SQLAlchemy Core connection for statements that are built; ``rows`` and
``run`` send plain prepared SQL on the very same connection for the few statements that are hot.
Their placeholders are ``%b``; one that takes a list names the array's type: ``%b::uuid[]``.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, Final, LiteralString, TypeVar, cast

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from psycopg.abc import Dumper
from psycopg.pq import Format
from psycopg.types.json import set_json_loads

from weili.kit.arrays import ARRAY_TYPES, ArrayType
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

Asked = Callable[[], T]
"""An answer that is on its way: calling it waits for it."""

# Every JSON column of every answer is read by this: three times as fast as the library's own.
set_json_loads(msgspec.json.decode)

_PLACEHOLDER: Final = re.compile(r"%%|%[bst](?:::([a-z0-9]+)\[\])?")
_STATEMENTS_MAX: Final = 1_024


class Transaction:
    """An open transaction. Ended by whoever opened it, never by a verb.

    Plain statements may come from several threads, and are run one at a time; what is built, and
    what stands in ``pipeline``, from one alone.
    """

    __slots__ = ("_raw", "gathered", "sa")

    def __init__(self, connection: sa.Connection) -> None:
        self.sa = connection
        self.gathered: dict[Any, Any] = {}  # what waits to be asked, see kit.gathering
        self._raw = cast("psycopg.Connection[Any]", connection.connection.driver_connection)

    def rows(self, statement: LiteralString, *params: object) -> list[Any]:
        """Run a prepared statement and fetch every row."""
        return self.run(statement, *params).fetchall()

    def run(self, statement: LiteralString, *params: object) -> psycopg.Cursor[Any]:
        """Run a prepared statement for its effect; inside ``pipeline`` it is only queued."""
        text, packers = _statement(statement)
        packed = [
            value if pack is None or value is None else pack(value)
            for pack, value in zip(packers, params, strict=True)
        ]
        return self._raw.execute(text, packed, prepare=True, binary=True)

    def ask(self, statement: LiteralString, *params: object) -> Asked[list[Any]]:
        """Send a prepared statement, and give what fetches its rows.

        Several that are asked inside ``pipeline`` before the first is fetched take one journey to
        the server between them.
        """
        return self.run(statement, *params).fetchall

    def pipeline(self) -> AbstractContextManager[object]:
        """Send the statements of the block without waiting for each; errors come at its end.

        Within another it changes nothing: the driver would wait for all that was sent so far, on
        the way in and on the way out.
        """
        if self._raw.pgconn.pipeline_status:
            return nullcontext()
        return self._raw.pipeline()


class _Packed(bytes):
    """An array in binary form; a subclass for each type, by which psycopg finds its number."""

    __slots__ = ()


class _PackedDumper(psycopg.adapt.Dumper):
    format = Format.BINARY

    def dump(self, obj: _Packed) -> bytes:
        return obj


def _packer(array_type: ArrayType) -> Callable[[Any], _Packed]:
    """Make a psycopg type for an array type, and give what turns a list into it."""
    kind = type("_Packed", (_Packed,), {"__slots__": ()})
    dumper: type[Dumper] = type("_PackedDumper", (_PackedDumper,), {"oid": array_type.oid})
    psycopg.adapters.register_dumper(kind, dumper)
    return lambda values: kind(array_type.pack(values))


_PACKERS: Final = {name: _packer(array_type) for name, array_type in ARRAY_TYPES.items()}


@lru_cache(maxsize=_STATEMENTS_MAX)
def _statement(
    text: str,
) -> tuple[bytes, tuple[Callable[[Any], _Packed] | None, ...]]:
    """Give a statement as bytes, and for each placeholder what packs a list for it."""
    found = [match for match in _PLACEHOLDER.finditer(text) if match[0] != "%%"]
    return text.encode(), tuple(_PACKERS[match[1]] if match[1] else None for match in found)


def is_transient(error: BaseException) -> bool:
    """Say whether the database undid the transaction for a reason that passes by itself."""
    cause = getattr(error, "orig", error)
    return isinstance(cause, pg.SerializationFailure | pg.DeadlockDetected)


def is_aftermath(error: BaseException) -> bool:
    """Say whether the database refused only because the transaction had failed before."""
    return isinstance(getattr(error, "orig", error), pg.InFailedSqlTransaction)


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
