"""An archive begins anew when the one before fell too far behind."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.house import until
from weili.adapters.postgres import Server, archive, embedded

SEGMENTS = 4
SLOT = "SELECT active, wal_status FROM pg_replication_slots WHERE slot_name = %s"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Start a server that keeps one segment of its log, of 16 MB, for who fell behind."""
    home = tmp_path / "postgres"
    try:
        yield embedded.up(home, settings={"max_slot_wal_keep_size": "16MB"})
    finally:
        embedded.remove(home)


@contextmanager
def received(server: Server, home: Path, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = archive.receive(server.url("postgres"), home=home, folder=folder)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def test_a_new_archive_is_begun_after_one_that_fell_too_far_behind(
    server: Server, tmp_path: Path
) -> None:
    home = tmp_path / "postgres"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:

        def slot() -> tuple[bool, str] | None:
            found = connection.execute(SLOT, [archive.SLOT]).fetchone()
            return None if found is None else (found[0], found[1])

        # Given an archive of which nobody received what was logged, for far too long
        with received(server, home, tmp_path / "first"):
            until("it is received", lambda: slot() == (True, "reserved"))
        for _ in range(SEGMENTS):
            connection.execute("SELECT txid_current(), pg_switch_wal()")
        connection.execute("CHECKPOINT")
        assert slot() == (False, "lost")
        # When a new one is begun
        with received(server, home, tmp_path / "second") as receiver:
            # Then it receives
            until("it is received", lambda: slot() == (True, "reserved"))
            assert receiver.poll() is None
            assert list((tmp_path / "second" / "wal").iterdir())
