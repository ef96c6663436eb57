"""Puts a server under strain, for whoever wants to see how the rest bears it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import psycopg
from psycopg import sql

CONNECT_TIMEOUT_S: Final = 5
HOLD_TIMEOUT_MS: Final = 3_000
CONNECTIONS_MAX: Final = 1_000
_LOOK_S: Final = 0.002


class StrainError(RuntimeError):
    """The server could not be put under strain just now."""


@contextmanager
def table_held(url: str, table: str, *, patience_s: float) -> Iterator[bool]:
    """Keep everybody from writing to a table; says whether somebody came and waits for it.

    The block begins when somebody waits, or when the patience is at its end. The table is named
    with its schema.

    Raises: StrainError, when the server does not answer or others hold the table too long.
    """
    held = sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(*table.split(".")))
    with ExitStack() as stack:
        try:
            connection = psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S)
            # Closing it lets go of the table, also when the server was killed in the block.
            stack.callback(connection.close)
            connection.execute(sql.SQL("SET lock_timeout = {}").format(HOLD_TIMEOUT_MS))
            connection.execute(held)
            is_awaited = _awaited(connection, table, patience_s)
        except psycopg.Error as error:
            raise StrainError(str(error)) from error
        yield is_awaited


@contextmanager
def connections_taken(url: str) -> Iterator[int]:
    """Take connections until the server gives none more; says how many.

    Raises: StrainError, when it gives none at all.
    """
    with ExitStack() as stack:
        taken = 0
        why = ""
        while taken < CONNECTIONS_MAX:
            try:
                connection = psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S)
            except psycopg.OperationalError as error:
                why = str(error)
                break
            stack.callback(connection.close)
            taken += 1
        if not taken:
            raise StrainError(why)
        yield taken


def clock_turned_back(url: str, by_s: int) -> None:
    """Turn a sandbox world's clock back, which no program may: as a machine's clock is set right.

    Raises: StrainError, when the server does not answer.
    """
    back = """INSERT INTO kit.clock (one, offset_s) VALUES (true, %s)
ON CONFLICT (one) DO UPDATE SET offset_s = clock.offset_s + excluded.offset_s"""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.execute(back, (-by_s,))
    except psycopg.Error as error:
        raise StrainError(str(error)) from error


def _awaited(
    connection: "psycopg.Connection[tuple[object, ...]]", table: str, patience_s: float
) -> bool:
    deadline = time.monotonic() + patience_s
    question = "SELECT FROM pg_locks WHERE relation = %s::regclass AND NOT granted LIMIT 1"
    while time.monotonic() < deadline:
        if connection.execute(question, (table,)).rowcount:
            return True
        time.sleep(_LOOK_S)
    return False
