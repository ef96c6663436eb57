"""What the tests stand on: a real PostgreSQL, and a database of its own for each world.

The server is the embedded one, kept between runs in ``.weili/test`` of the checkout, or the one
that ``WEILI_TEST_DATABASE_URL`` names. A migrated template is made once for each run, and each
test that needs committed work gets a copy of it.
"""

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from tests.market import Market, market_open
from weili import migrations
from weili.adapters.postgres import embedded
from weili.kit.context import Begin, Ctx
from weili.kit.secrets import KeyRing
from weili.kit.world import World
from weili.modules import regions

CHECKOUT = Path(__file__).parents[1]
LEFT_MAX = 32
_left: dict[str, str] = {}
"""The databases that no test needs any more, and the server each is on."""


class RollBack(Exception):
    """Ends the transaction of a test that keeps nothing."""


@pytest.fixture(scope="session")
def server_url() -> str:
    """Give the URL of a server on which databases may be made."""
    given = os.environ.get("WEILI_TEST_DATABASE_URL")
    return given or embedded.up(CHECKOUT / ".weili" / "test").url("postgres")


@pytest.fixture(scope="session")
def template(server_url: str, testrun_uid: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the name of a migrated database with regions, made by whichever worker comes first."""
    name = f"weili_template_{testrun_uid[:12]}"
    shared = tmp_path_factory.getbasetemp().parent / f"{name}.lock"
    with shared.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if not lock.read():
            _drop_leftovers(server_url)
            database_create(server_url, name)
            migrations.upgrade(database_url(server_url, name))
            _regions_seed(database_url(server_url, name))
            lock.write("made")
    return name


@pytest.fixture
def database(server_url: str, template: str) -> Iterator[str]:
    """Give the URL of a migrated database of the test's own."""
    name = f"weili_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    database_create(server_url, name, template=template)
    yield database_url(server_url, name)
    database_leave(server_url, name)


@pytest.fixture(scope="session")
def keyring() -> KeyRing:
    """Give a key ring that all worlds of the run share."""
    return KeyRing.fresh()


@pytest.fixture
def world(database: str, keyring: KeyRing) -> Iterator[World]:
    """Give a sandbox world on a database of its own: what is committed stays until the end."""
    world = World("sandbox", database, keyring)
    yield world
    world.close()


@pytest.fixture
def begin(world: World) -> Begin:
    """Open transactions of the system on the test's own world."""
    return world.begin


@pytest.fixture
def market(world: World) -> Market:
    """Give a small market in a world of the test's own."""
    return market_open(world)


@pytest.fixture(scope="session")
def rolled_back_world(server_url: str, template: str, keyring: KeyRing) -> Iterator[World]:
    """Give a world that a worker's tests share because none of them keeps anything."""
    name = f"weili_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    database_create(server_url, name, template=template)
    world = World("sandbox", database_url(server_url, name), keyring)
    yield world
    world.close()
    database_drop(server_url, name)


@pytest.fixture
def ctx(rolled_back_world: World) -> Iterator[Ctx]:
    """Give a transaction of the system that is rolled back at the end of the test."""
    with contextlib.suppress(RollBack), rolled_back_world.begin() as ctx:
        yield ctx
        raise RollBack


def database_url(server_url: str, name: str) -> str:
    """Give the URL of another database on the same server."""
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def database_create(server_url: str, name: str, *, template: str = "template0") -> None:
    """Make a database as a copy of another, by files: what is logged would be compressed."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


def database_drop(server_url: str, name: str) -> None:
    """Drop a database and whoever is still connected to it."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def database_leave(server_url: str, name: str) -> None:
    """Let a database be dropped some time before the run ends, together with others.

    A file system (ext4) passes over the numbers of files that were deleted in the last seconds, one
    by one, for each file it makes: dropping each when its test ends makes the next take six times
    as long.
    """
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
    _left[name] = server_url
    if len(_left) >= LEFT_MAX:
        _drop_left()


def pytest_sessionfinish() -> None:
    """Drop what is left; called by pytest, in each of its processes."""
    _drop_left()


def _drop_left() -> None:
    while _left:
        name, server_url = _left.popitem()
        database_drop(server_url, name)


def _regions_seed(url: str) -> None:
    """Seed the list of regions, which every world has and no test changes for another."""
    world = World("sandbox", url, KeyRing.fresh())
    with world.begin() as ctx:
        regions.regions_seed(ctx)
    world.close()


def _drop_leftovers(server_url: str) -> None:
    """Drop the databases of earlier runs that were killed before they could."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database d WHERE datname ~ '^weili_(test|template)_'"
            " AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)"
            " AND (pg_stat_file('base/' || d.oid)).modification < now() - interval '2 hours'"
        ).fetchall()
    for (name,) in names:
        database_drop(server_url, name)
