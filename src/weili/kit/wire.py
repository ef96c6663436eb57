"""Prepared statements on one connection, in libpq's own pipeline.

psycopg's cursors are made for one statement at a time, with types found anew for each: 30 to 60 µs
of processor before the server has heard of it, where libpq takes 2. An order takes some twenty
statements and a look-up six, so here they are sent by psycopg's own ``pq`` layer, while types
are written and read, and errors named, by psycopg as ever. Its cursors may be used in between.
"""

import re
import select
from collections import OrderedDict, deque
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import errors as pg
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from weili.kit.arrays import ARRAY_TYPES, ArrayType

if TYPE_CHECKING:
    from psycopg.abc import Transformer as Adapter

PREPARED_MAX: Final = 300
"""Statements that a connection keeps prepared; each takes some ten kilobytes of the server's."""
_TEXTS_MAX: Final = 2_048
_CANCEL_S: Final = 5.0

_PLACEHOLDER: Final = re.compile(r"%%|%b(?:::([a-z0-9]+)\[\])?")

_Key = tuple[bytes, tuple[int, ...]]
"""A statement's text and its parameters' types: what the server prepares a plan for."""


class Answer:
    """What a statement comes to; asked for before it is there, it is waited for."""

    __slots__ = ("_count", "_is_there", "_rows", "_wire")

    def __init__(self, wire: "Wire") -> None:
        """Await the answer to what was just sent."""
        self._wire = wire
        self._is_there = False
        self._rows: list[Any] = []
        self._count = 0

    def rows(self) -> list[Any]:
        """Give every row.

        Raises: psycopg's error, as ``Wire.receive`` does.
        """
        self._wait()
        return self._rows

    @property
    def rowcount(self) -> int:
        """How many rows were found or changed.

        Raises: as ``rows``.
        """
        self._wait()
        return self._count

    def take(self, result: PGresult, adapter: "Adapter") -> None:
        """Keep what a result says."""
        self._is_there = True
        self._count = result.command_tuples or 0
        if result.ntuples:
            adapter.set_pgresult(result)
            self._rows = adapter.load_rows(0, result.ntuples, tuple)

    def fail(self) -> None:
        """Keep nothing: the statement, or one before it, was refused."""

    def _wait(self) -> None:
        if not self._is_there:
            self._wire.receive()
            if not self._is_there:
                raise pg.PipelineAborted("this statement, or one before it, was refused")


class _Preparing(Answer):
    """The preparing of a statement; one that was refused is not known by its name."""

    __slots__ = ("_key", "_name", "_prepared")

    def __init__(self, wire: "Wire", prepared: "_Prepared", key: _Key, name: bytes) -> None:
        super().__init__(wire)
        self._prepared = prepared
        self._key = key
        self._name = name

    def take(self, result: PGresult, adapter: "Adapter") -> None:
        super().take(result, adapter)
        self._prepared.there.add(self._name)

    def fail(self) -> None:
        if self._prepared.names.get(self._key) == self._name:
            del self._prepared.names[self._key]


class _LettingGo(Answer):
    """The end of a prepared statement; behind a refusal it stays, and is to be let go of later."""

    __slots__ = ("_name", "_prepared")

    def __init__(self, wire: "Wire", prepared: "_Prepared", name: bytes) -> None:
        super().__init__(wire)
        self._prepared = prepared
        self._name = name

    def take(self, result: PGresult, adapter: "Adapter") -> None:
        super().take(result, adapter)
        self._prepared.there.discard(self._name)

    def fail(self) -> None:
        # Its preparing may have been refused too: what is not there can't be let go of.
        if self._name in self._prepared.there:
            self._prepared.left.append(self._name)


class _Prepared:
    """The statements of a connection: in use, used long ago first; there; and to be let go of."""

    __slots__ = ("left", "names", "there")

    def __init__(self) -> None:
        self.names: OrderedDict[_Key, bytes] = OrderedDict()
        self.there: set[bytes] = set()
        self.left: list[bytes] = []

    def surplus(self) -> bytes | None:
        """Give the one to be let go of before another is prepared, if there are enough.

        What is prepared behind the letting go of another is refused if that is: so the server has
        never more than ``PREPARED_MAX``, whatever was refused.
        """
        if len(self.names) + len(self.left) < PREPARED_MAX:
            return None
        return self.left.pop() if self.left else self.names.popitem(last=False)[1]


class _Ending(Answer):
    """The end of a transaction; of one that was refused something a COMMIT makes a ROLLBACK."""

    __slots__ = ("is_undone",)

    def __init__(self, wire: "Wire") -> None:
        super().__init__(wire)
        self.is_undone = False

    def take(self, result: PGresult, adapter: "Adapter") -> None:
        super().take(result, adapter)
        self.is_undone = result.command_status == b"ROLLBACK"


def _error_of(refused: PGresult) -> psycopg.Error:
    """Make the error of a refusal, without the detail: that tells what the rows hold."""
    error = pg.error_from_result(refused)
    error.args = (error.diag.message_primary,)
    return error


class Wire:
    """One connection's statements on their way, and those that its server has prepared."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        """Speak on a connection that nobody else speaks on meanwhile."""
        self._connection = connection
        self._pg = connection.pgconn
        self._adapter = Transformer(connection)
        self._prepared = _Prepared()
        self._names = self._prepared.names
        self._numbers = count(1)
        self._awaited: deque[Answer] = deque()
        self._is_synced = True
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)

    def send(self, statement: str, params: Sequence[object]) -> Answer:
        """Send a statement, in a transaction that is begun if none is; waits for nothing."""
        text, types = _prepared(statement)
        oids: list[int] = []
        packed: list[Buffer | None] = []
        for array_type, value in zip(types, params, strict=True):
            if array_type is not None:
                oids.append(array_type.oid)
                values: Any = value  # A list of what the type is of.
                packed.append(None if value is None else array_type.pack(values))
            elif value is None:
                oids.append(0)
                packed.append(None)
            else:
                dumper = self._adapter.get_dumper(value, PyFormat.BINARY)
                oids.append(dumper.oid)
                packed.append(dumper.dump(value))
        key = text, tuple(oids)
        if self._pg.transaction_status == TransactionStatus.IDLE and not self._awaited:
            self._say(self._begin_text())
        name = self._names.get(key)
        if name is None:
            name = self._prepare(key)
        else:
            self._names.move_to_end(key)
        self._enter()
        self._pg.send_query_prepared(name, packed, [Format.BINARY] * len(packed), Format.BINARY)
        return self._await(Answer(self))

    def commit(self) -> None:
        """End the transaction, if there is one, behind all that was sent; waits for all of it.

        Raises: what any of it was refused for, be it that nobody minded; nothing is committed then.
        """
        if self._awaited or self._pg.transaction_status != TransactionStatus.IDLE:
            ending = _Ending(self)
            self._say(b"COMMIT", ending)
            self.receive()
            if ending.is_undone:
                raise pg.InFailedSqlTransaction("what was refused was passed over in silence")

    def push(self) -> None:
        """Let the server begin with what was sent."""
        self._pg.flush()

    def receive(self) -> None:
        """Wait until everything that was sent is answered.

        Raises: psycopg's error for the first statement that was refused, or for the connection.
        """
        if not self._awaited:
            return
        self._is_synced = False
        try:
            self._pg.pipeline_sync()
            refused = self._received()
        except psycopg.Error:
            self._give_up()
            raise
        except BaseException:
            self._stop()
            raise
        self._pg.exit_pipeline_mode()
        if refused is not None:
            raise _error_of(refused)

    def interrupt(self) -> None:
        """Have the server break off what another thread waits for here; that one is told.

        Raises: psycopg's error, when the server can't be reached for that.
        """
        self._connection.cancel_safe(timeout=_CANCEL_S)

    def _stop(self) -> None:
        """Have the server stop what it is doing, so that the transaction can be rolled back."""
        try:
            self._connection.cancel_safe(timeout=_CANCEL_S)
            if not self._is_synced:
                self._received()
            self._pg.exit_pipeline_mode()
        except psycopg.Error:
            self._give_up()
        except BaseException:
            self._give_up()
            raise

    def _give_up(self) -> None:
        """Close the connection: nobody knows any more which answer would be whose."""
        self._connection.close()
        self._awaited.clear()

    def _received(self) -> PGresult | None:
        """Take answers up to the end of what was sent; gives the first refusal."""
        pgconn, adapter, awaited = self._pg, self._adapter, self._awaited
        while pgconn.flush():
            self._poll.modify(pgconn.socket, select.POLLIN | select.POLLOUT)
            self._poll.poll()
            self._poll.modify(pgconn.socket, select.POLLIN)
            pgconn.consume_input()
        refused = None
        while True:
            while pgconn.is_busy():
                self._poll.poll()
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:  # The end of one statement's answer.
                if pgconn.status == ConnStatus.BAD:
                    raise psycopg.OperationalError("the connection is lost")
                continue
            status = result.status
            if status == ExecStatus.PIPELINE_SYNC:
                self._is_synced = True
                return refused
            if not awaited:
                raise psycopg.OperationalError(result.get_error_message())
            answer = awaited.popleft()
            if status in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
                answer.take(result, adapter)
                continue
            answer.fail()
            if refused is None:
                refused = result

    def _enter(self) -> None:
        if not self._pg.pipeline_status:
            self._pg.enter_pipeline_mode()

    def _say(self, text: bytes, answer: Answer | None = None) -> None:
        self._enter()
        self._pg.send_query_params(text, None)
        self._await(answer or Answer(self))

    def _await(self, answer: Answer) -> Answer:
        self._awaited.append(answer)
        return answer

    def _prepare(self, key: _Key) -> bytes:
        """Have a statement prepared, and let go of the one that was not used for the longest."""
        if (surplus := self._prepared.surplus()) is not None:
            self._say(b"DEALLOCATE " + surplus, _LettingGo(self, self._prepared, surplus))
        name = self._names[key] = b"weili_%d" % next(self._numbers)
        self._enter()
        self._pg.send_prepare(name, key[0], key[1])
        self._await(_Preparing(self, self._prepared, key, name))
        return name

    def _begin_text(self) -> bytes:
        """Write what begins a transaction of the kind that was asked of the connection."""
        level = self._connection.isolation_level
        text = b"BEGIN"
        if level is not None:
            text += b" ISOLATION LEVEL " + level.name.replace("_", " ").encode()
        return text + b" READ ONLY" if self._connection.read_only else text


@lru_cache(maxsize=_TEXTS_MAX)
def _prepared(statement: str) -> tuple[bytes, tuple[ArrayType | None, ...]]:
    """Give a statement as the server reads it, and each placeholder's type if it takes a list."""
    types: list[ArrayType | None] = []

    def numbered(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        types.append(ARRAY_TYPES[match[1]] if match[1] else None)
        return f"${len(types)}{match[0][2:]}"

    return _PLACEHOLDER.sub(numbered, statement).encode(), tuple(types)
