"""Strain on a server: a table that is held, and connections that are all taken."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from weili.adapters.postgres.strain import StrainError, connections_taken, table_held

CONNECTIONS = 3


@pytest.fixture
def narrow(database: str) -> Iterator[str]:
    """Give the URL of a role that may have three connections."""
    role = f"narrow_{urlsplit(database).path.lstrip('/')}"[:60]
    made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'narrow' CONNECTION LIMIT {}")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(made.format(sql.Identifier(role), CONNECTIONS))
        parts = urlsplit(database)
        where = parts.netloc.rpartition("@")[2]
        yield parts._replace(netloc=f"{role}:narrow@{where}").geturl()
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


HELD = """
    SELECT FROM pg_locks WHERE relation = 'regions.region'::regclass AND mode = 'ExclusiveLock'
    AND granted
"""


def write_once_held(database: str) -> int:
    """Wait until somebody holds the regions, and write to it; says how many rows were written."""
    with psycopg.connect(database, autocommit=True) as connection:
        while not connection.execute(HELD).rowcount:
            pass
        return connection.execute(
            "UPDATE regions.region SET code = code WHERE code = '110000'"
        ).rowcount


def test_who_comes_to_write_waits_until_the_table_is_let_go(database: str) -> None:
    with ThreadPoolExecutor(1) as other:
        writing = other.submit(write_once_held, database)
        with table_held(database, "regions.region", patience_s=60) as is_awaited:
            assert is_awaited
            assert not writing.done()
        assert writing.result(60) == 1


def test_when_nobody_comes_that_is_said(database: str) -> None:
    with table_held(database, "regions.region", patience_s=0.01) as is_awaited:
        assert not is_awaited


def test_a_table_that_is_not_there_can_not_be_held(database: str) -> None:
    with pytest.raises(StrainError), table_held(database, "kit.nothing", patience_s=0.01):
        pass


def test_all_connections_are_taken_and_given_back(narrow: str) -> None:
    with connections_taken(narrow) as taken:
        assert taken == CONNECTIONS
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            psycopg.connect(narrow)
        with pytest.raises(StrainError), connections_taken(narrow):
            pass
    psycopg.connect(narrow).close()
