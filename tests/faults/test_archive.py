"""An archive: how it begins, what may be added, and what a broken-off recovery leaves."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.house import until
from weili.adapters.postgres import Server, archive, embedded, places

SEGMENTS = 4
RECOVERING = """
import os, signal, sys
from pathlib import Path
from weili.adapters.postgres import archive

launched = False

def halt(event, about):
    # Stands still where it first looks for the server that it has launched.
    global launched
    if event == "subprocess.Popen" and "-D" in about[1]:
        launched = True
    elif launched and event == "open" and str(about[0]).endswith("postmaster.pid"):
        launched = False
        os.kill(os.getpid(), signal.SIGSTOP)

# A shell's background processes ignore it, and so do those that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.addaudithook(halt)
archive.recover(Path(sys.argv[1]), Path(sys.argv[2]), to=None)
"""
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


def test_a_copy_is_added_only_when_the_log_up_to_its_end_is_received_here(
    server: Server, tmp_path: Path
) -> None:
    home, folder = tmp_path / "postgres", tmp_path / "archive"
    url = server.url("postgres")
    with received(server, home, folder) as receiver:
        until("it is received", lambda: any((folder / "wal").glob("*.partial")))
        # While it is received nobody else does so, or takes the archive back from under it
        with pytest.raises(archive.ReceiverRuns):
            archive.receive(url, home=home, folder=folder)
        with pytest.raises(archive.ReceiverRuns), archive.held(folder):
            pass
        # Given a receiver that stands still while the copy is made
        receiver.send_signal(signal.SIGSTOP)
        with pytest.raises(archive.LogNotReceived):
            archive.copy_make(url, home=home, folder=folder, received_s=0)
        assert archive.copies(folder) == []
        # When it goes on
        receiver.send_signal(signal.SIGCONT)
        copy = archive.copy_make(url, home=home, folder=folder)
    # Then the archive is free again, and all that the copy was made with is there whole
    with archive.held(folder):
        pass
    logged = {path.name for path in (copy / "pg_wal").glob("0*")}
    assert logged
    assert logged <= {path.name for path in (folder / "wal").iterdir()}
    # And where nobody receives, or somebody does for another folder, nothing is added
    for other in (folder, tmp_path / "other"):
        with pytest.raises(archive.LogNotReceived):
            archive.copy_make(url, home=home, folder=other)
    with received(server, home, folder):
        until("it is received", lambda: any((folder / "wal").glob("*.partial")))
        with pytest.raises(archive.LogNotReceived):
            archive.copy_make(url, home=home, folder=tmp_path / "other", received_s=0)
    assert archive.copies(folder) == [(archive.copies(folder)[0][0], copy)]


def test_a_recovery_that_is_broken_off_leaves_what_was_there_and_one_that_ends_closes_it(
    server: Server, tmp_path: Path
) -> None:
    # Given an archive of one row, others may read, and a second row since
    home, folder = tmp_path / "postgres", tmp_path / "archive"
    url = server.url("postgres")
    with psycopg.connect(url, autocommit=True) as connection, received(server, home, folder):
        until("it is received", lambda: any((folder / "wal").glob("*.partial")))
        connection.execute("CREATE TABLE row (id INTEGER)")
        connection.execute("INSERT INTO row VALUES (1)")
        copy = archive.copy_make(url, home=home, folder=folder)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO row VALUES (2)")
    for path in (copy, *copy.rglob("*"), *(folder / "wal").iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    # and of a segment that the copy has whole a piece, which a receiver left
    piece = folder / "wal" / f"{min(path.name for path in (copy / 'pg_wal').glob('0*'))}.partial"
    piece.touch()
    place = places.find(home.resolve())
    before = place.data.stat().st_ino

    # When a recovery is broken off while its server starts
    recovering = subprocess.Popen(
        [sys.executable, "-c", RECOVERING, str(home), str(copy)], stderr=subprocess.DEVNULL
    )
    _, status = os.waitpid(recovering.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert place.data.stat().st_ino != before
    recovering.send_signal(signal.SIGINT)
    recovering.send_signal(signal.SIGCONT)
    assert recovering.wait(60) != 0
    # Then what was there is there again, and nothing else
    assert rows(home) == [1, 2]
    assert place.data.stat().st_ino == before
    assert list(place.data.parent.glob(f"{place.data.name}.[br]*e*")) == []

    # And when it is not, the first row is there alone, what was there lies aside,
    aside = archive.recover(home, copy, to=None)
    assert rows(home) == [1]
    assert aside is not None
    assert aside.stat().st_ino == before
    # and nobody else may look in, though they might in the archive
    assert stat.S_IMODE(place.data.stat().st_mode) == 0o700
    assert {path.stat().st_uid for path in place.data.rglob("*")} == {place.uid}


def rows(home: Path) -> list[int]:
    """Start the server and read what is in it."""
    with psycopg.connect(embedded.up(home).url("postgres")) as connection:
        return [number for (number,) in connection.execute("SELECT id FROM row ORDER BY id")]
