"""What is remembered, when the database's server is hit."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.faults.house import until
from weili import migrations
from weili.adapters.postgres import databases, embedded, processes
from weili.kit.memory import Memory, touch
from weili.kit.secrets import KeyRing
from weili.kit.world import World

pytestmark = pytest.mark.timeout(120)

THING = UUID(int=1)
KIND = b"thing"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "postgres"
    embedded.remove(tmp_path / "postgres")


def _opened(home: Path) -> World:
    return World("sandbox", embedded.up(home).url("weili"), KeyRing.fresh())


def _numbers_take(world: World) -> None:
    """Take transaction numbers as look-ups do: nobody waits for the disc."""
    for _ in range(300):
        with world.begin() as ctx:
            ctx.db.run("SELECT pg_current_xact_id()")


def test_after_a_crash_nothing_is_told_that_was_remembered_before(home: Path) -> None:
    # Given a memory whose snapshot is of numbers that are not on the disc yet
    server = embedded.up(home)
    databases.make(server.url("weili"))
    migrations.upgrade(server.url("weili"))
    known = Memory()
    world = _opened(home)
    _numbers_take(world)
    with world.begin() as ctx:
        known.recall_asked(ctx)().keep(KIND, {THING.bytes: "as it was"})
    # When the server crashes, and numbers are given again: to a change, and to many more
    os.kill(server.pid, signal.SIGQUIT)
    world.close()
    until("the server is gone", lambda: processes.find(server.pid) is None)
    world = _opened(home)
    with world.begin() as ctx:
        touch(ctx, [THING])
    _numbers_take(world)
    # Then the memory, which sees only younger ones, has not missed the change
    with world.begin() as ctx:
        assert known.recall_asked(ctx)().found(KIND, [THING.bytes]) == [None]
    world.close()
