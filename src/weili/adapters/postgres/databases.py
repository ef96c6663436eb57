"""Databases on a server: made, looked at, copied out and put back.

The tools for back-ups come from the wheel of the embedded server, and work for any server that
can be reached without TLS; the wheel is built without it.
"""

import os
import secrets
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, LiteralString, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from weili.adapters.postgres import embedded, places

VERSION_MIN: Final = 150_000
CONNECT_TIMEOUT_S: Final = 10
TOOL_TIMEOUT_S: Final = 24 * 3600.0
_LISTED_S: Final = 1.0
"""How much longer than they are there the server may list those who left."""
_LOOK_S: Final = 0.05
_ENTRANCES: Final = ("postgres", "template1")
_ENVIRONMENT: Final[Mapping[str, str]] = {
    "dbname": "PGDATABASE",
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "password": "PGPASSWORD",
    "port": "PGPORT",
    "sslmode": "PGSSLMODE",
    "user": "PGUSER",
}
_OURS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND application_name LIKE 'weili %'"
)
"""By the name that each process of ours gives its connections; whoever else reads is let be."""
_NAMED: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = %s"
)
_APP_ROLE_MAKE: Final = (
    "DO $$ BEGIN CREATE ROLE weili_app NOLOGIN; "
    "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
)

T = TypeVar("T")


class DatabaseError(RuntimeError):
    """The server can't be reached, is too old, or did not let us do what is needed."""


def url_with(url: str, *, database: str) -> str:
    """Name another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(database, safe='')}"))


def name_of(url: str) -> str:
    """Say which database a URL names.

    Raises: DatabaseError when it names none, or is no URL of PostgreSQL.
    """
    try:
        name = conninfo_to_dict(url).get("dbname")
    except psycopg.ProgrammingError as error:
        raise DatabaseError(f"The database URL can't be read: {error}") from None
    if not isinstance(name, str) or not name:
        raise DatabaseError("The database URL names no database: postgresql://user@host/name")
    return name


def make(url: str) -> bool:
    """Make the database if the server lacks it, and say whether it did.

    Raises: DatabaseError.
    """
    try:
        with _connect(url) as connection:
            _check_version(connection)
            return False
    except errors.InvalidCatalogName:
        pass
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error) or "database" not in str(error):
            raise DatabaseError(f"The database can't be reached: {error}") from error
    name = name_of(url)

    def create(connection: psycopg.Connection[Any]) -> None:
        _check_version(connection)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                sql.Identifier(name)
            )
        )

    try:
        _at_entrance(url, create)
    except errors.DuplicateDatabase:
        return False
    except errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"The database {name} does not exist, and the role of the database URL may not make "
            f"it. Have it made: CREATE DATABASE {name}; or let the role: ALTER ROLE … CREATEDB."
        ) from error
    return True


def scratch_name(prefix: str) -> str:
    """Make a name that no database has."""
    return f"{prefix}_{secrets.token_hex(6)}"


def drop(url: str) -> None:
    """Drop the database that a URL names, if it is there, and whoever is still connected to it.

    Raises: DatabaseError; psycopg.Error when the role may not.
    """
    name = name_of(url)
    _at_entrance(url, lambda connection: _drop(connection, name))


def is_empty(url: str) -> bool:
    """Say whether the database has no table of anybody's, or is not there.

    Raises: DatabaseError.
    """
    try:
        with _connect(url) as connection:
            [count] = connection.execute(
                "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%'"
                " AND n.nspname <> 'information_schema'"
            ).fetchone() or (0,)
            return not count
    except psycopg.OperationalError as error:
        if "does not exist" in str(error):
            return True
        raise DatabaseError(f"The database can't be reached: {error}") from error


def in_use(url: str) -> bool:
    """Say whether a process of Weili's is connected to the database.

    Raises: DatabaseError.
    """
    try:
        with _connect(url) as connection:
            return counts_on(connection, _OURS)
    except psycopg.OperationalError as error:
        if "does not exist" in str(error):
            return False
        raise DatabaseError(f"The database can't be reached: {error}") from error


def is_named(url: str, application: str) -> bool:
    """Say whether anybody of a name is connected to the database now.

    Raises: DatabaseError.
    """
    try:
        with _connect(url) as connection:
            return connection.execute(_NAMED, [application]).fetchone() != (0,)
    except psycopg.OperationalError as error:
        raise DatabaseError(f"The database can't be reached: {error}") from error


def counts_on(connection: psycopg.Connection[Any], statement: LiteralString) -> bool:
    """Say whether a count of connections stays above none, also when those who left are gone."""
    end = time.monotonic() + _LISTED_S
    while connection.execute(statement).fetchone() != (0,):
        if time.monotonic() > end:
            return True
        time.sleep(_LOOK_S)
    return False


def dump(url: str, *, home: Path, to: Path) -> None:
    """Copy a database into a file (pg_dump's custom format), as of one moment.

    What was touched is left out: it goes by transaction numbers, which are this server's own, and
    where it is put back nobody remembers anything yet.

    Raises: DatabaseError; EmbeddedPostgresError when the tools are not there.
    """
    words = ["--format=custom", "--compress=gzip:6", "--exclude-table-data=kit.touched"]
    words += ["--file", str(to)]
    run_tool(home, "pg_dump", words, url)


def restore(url: str, *, home: Path, source: Path) -> None:
    """Put a database back from such a file, in the place of the one that is there.

    It is put into a new database first, which then takes the name: a file that can't be read
    leaves the old one as it was.

    Raises: DatabaseError; EmbeddedPostgresError when the tools are not there.
    """
    name = name_of(url)
    fresh = f"{name}_restoring"
    fresh_url = url_with(url, database=fresh)
    try:
        _at_entrance(url, lambda connection: _drop(connection, fresh))
        make(fresh_url)
        with _connect(fresh_url) as connection:
            connection.execute(_APP_ROLE_MAKE)
            connection.execute("GRANT weili_app TO current_user")
        run_tool(
            home,
            "pg_restore",
            ["--no-owner", "--exit-on-error", "--dbname", fresh, str(source)],
            fresh_url,
        )

        def swap(connection: psycopg.Connection[Any]) -> None:
            _drop(connection, name)
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(fresh), sql.Identifier(name)
                )
            )

        _at_entrance(url, swap)
    except psycopg.Error as error:
        raise DatabaseError(f"The database {name} could not be put back: {error}") from error


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def _connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)


def _at_entrance(url: str, work: Callable[[psycopg.Connection[Any]], T]) -> T:
    """Do something from a database that every server has, since not from the one it is about."""
    said = ""
    for entrance in _ENTRANCES:
        try:
            connection = _connect(url_with(url, database=entrance))
        except psycopg.OperationalError as error:
            said = str(error)
            continue
        with connection:
            return work(connection)
    raise DatabaseError(f"The server can't be reached to make or replace a database: {said}")


def _check_version(connection: psycopg.Connection[Any]) -> None:
    found = connection.info.server_version
    if found < VERSION_MIN:
        raise DatabaseError(
            f"The server is PostgreSQL {found // 10_000}; {VERSION_MIN // 10_000} or newer is "
            "needed."
        )


def tool_settings(url: str) -> dict[str, str]:
    """Say in the environment where a client program finds a server: there nobody reads along."""
    parts = conninfo_to_dict(url)
    return {_ENVIRONMENT[key]: str(value) for key, value in parts.items() if key in _ENVIRONMENT}


def run_tool(home: Path, name: str, words: Sequence[str], url: str | None) -> None:
    """Run a program of PostgreSQL's to its end, one that asks a server if a URL is given.

    Raises: DatabaseError; EmbeddedPostgresError when it is not there.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    asking = ["--no-password"] if url is not None else []
    done = subprocess.run(
        [embedded.tool(home, name), *asking, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=places.environment() | (tool_settings(url) if url is not None else {}),
        umask=0o077,
        timeout=TOOL_TIMEOUT_S,
        check=False,
        cwd=os.sep,
    )
    if done.returncode:
        raise DatabaseError(f"{name} gave up: {done.stderr.strip()[-2000:]}")
