"""An archive of the embedded server: whole copies, and its log as it is written.

From a copy and what was logged since, the server can be brought to any moment after the copy's end.
The log is received as it is flushed (``pg_receivewal`` with a slot), not by ``archive_command``,
which hands on whole segments: what is lost with the machine is what was on its way, not the last
minutes. The slot keeps what was not received yet, within ``max_slot_wal_keep_size``.

An archive is of one history. Once a server was brought to a moment it logs another one, which gets
a folder of its own; both, mixed, would be neither.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from weili.adapters.postgres import databases, embedded, places
from weili.adapters.postgres import folder as server_folder
from weili.adapters.postgres.places import EmbeddedPostgresError, Place
from weili.kit.clock import wall_now
from weili.kit.problems import Kind, Problem, Said

SLOT: Final = "weili_archive"
RECOVERY_S: Final = 24 * 3600.0
_UNUSED_S: Final = 10.0
RECEIVED_S: Final = 60.0
"""How long the log up to a copy's end may take to be received."""
_LOOK_S: Final = 0.1
_NAME: Final = "base-%Y%m%dT%H%M%SZ"
_START: Final = re.compile(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)$", re.MULTILINE)
_HISTORY: Final = (
    "SELECT (SELECT system_identifier FROM pg_control_system())::text,"
    " left(pg_walfile_name(pg_current_wal_lsn()), 8)"
)
_RECEIVING: Final = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s AND active"
_END: Final = "SELECT pg_current_wal_flush_lsn()::text"
_RECEIVED: Final = (
    "SELECT pg_walfile_name(%(end)s::pg_lsn) FROM pg_replication_slots"
    " WHERE slot_name = %(slot)s AND active AND restart_lsn >= %(end)s::pg_lsn"
)
_LOST_DROP: Final = (
    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
    " WHERE slot_name = %s AND wal_status = 'lost'"
)
_TOO_FAR: Final = "recovery ended before configured recovery target was reached"
_LAST_COMMIT: Final = re.compile(r"last completed transaction was at log time (.+)$", re.MULTILINE)
_OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND backend_type IN ('client backend', 'walsender')"
)


class ArchiveOfAnother(Problem):
    """The folder is the archive of another history."""

    kind = Kind.CONFLICT
    code = "archive_of_another"
    en = (
        "{folder} is the archive of another server, or of what this one was before it was brought"
        " to a moment. Name a new folder, and keep that one as long as it is needed."
    )
    zh = (
        "{folder} 是另一数据库的归档，或本数据库恢复到某一时刻之前的归档。"
        "请另指定一个新目录，并在需要期间保留原目录。"
    )


class LogNotReceived(Problem):
    """Nobody receives the server's log into the archive; what follows a copy would be lost."""

    kind = Kind.UNAVAILABLE
    code = "log_not_received"
    en = (
        "What the server logs is not received into {folder}, so no copy was added: it could be"
        " brought to no moment. See that `weili db receive {folder}` runs."
    )
    zh = (
        "{folder} 没有在接收数据库日志，因此未增加全量备份：那样的备份无法恢复到任何时刻。"
        "请确认 `weili db receive {folder}` 正在运行。"
    )


class CopyNotWhole(Problem):
    """A copy lacks what a whole one has."""

    kind = Kind.INVALID
    code = "copy_not_whole"
    en = "{copy} is no whole copy: its label names no segment of the log."
    zh = "{copy} 不是完整的全量备份：其标签未指明日志段。"


class ReceiverRuns(Problem):
    """Somebody receives the server's log into the archive."""

    kind = Kind.CONFLICT
    code = "receiver_runs"
    en = "`weili db receive {folder}` runs; end it first (Ctrl-C there, or stop `weili-archive`)."
    zh = "`weili db receive {folder}` 正在运行；请先停止（Ctrl-C，或停止 `weili-archive`）。"


class MomentNotReached(Problem):
    """The archive ends before the moment."""

    kind = Kind.INVALID
    code = "moment_not_reached"
    en = (
        "{folder} does not go as far as {moment}: it holds no commit after that moment, and its "
        "last is {last}. All is as it was; name an earlier moment, or none for the archive's end."
    )
    zh = (
        "{folder} 未到达 {moment}：其中没有该时刻之后的提交，最后一次提交{last}。"
        "未作任何更改；请指定更早的时刻，或省略以恢复到归档末尾。"
    )


def receive(url: str, *, home: Path, folder: Path) -> "subprocess.Popen[bytes]":
    """Begin to receive what the server logs; the process goes on until it is ended.

    It waits for a server that is away, and goes on where it was.

    Raises: ReceiverRuns; ArchiveOfAnother; DatabaseError.
    """
    _joined(url, folder)
    with held(folder) as lock:
        return _receiver(url, home, folder, lock)


def _receiver(url: str, home: Path, folder: Path, lock: int) -> "subprocess.Popen[bytes]":
    if not any((folder / "wal").iterdir()):
        # An archive that begins may follow one that fell too far behind; its slot keeps nothing.
        with _connected(url) as connection:
            connection.execute(_LOST_DROP, [SLOT])
    words = ["--directory", str(folder / "wal"), "--slot", SLOT]
    databases.run_tool(home, "pg_receivewal", [*words, "--create-slot", "--if-not-exists"], url)
    return subprocess.Popen(
        [embedded.tool(home, "pg_receivewal"), "--no-password", "--synchronous", *words],
        stdin=subprocess.DEVNULL,
        env=places.environment() | databases.tool_settings(url),
        umask=0o077,
        cwd=os.sep,
        pass_fds=(lock,),
    )


@contextmanager
def held(folder: Path) -> Iterator[int]:
    """Hold an archive for the block, and for as long as a process that was given the lock lives.

    Raises: ReceiverRuns, when another does; OSError, when there is no such folder.
    """
    # Of the folder itself: an archive may be mounted where nothing can be written.
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReceiverRuns(folder=str(folder)) from None
        yield lock
    finally:
        os.close(lock)


def copy_make(url: str, *, home: Path, folder: Path, received_s: float = RECEIVED_S) -> Path:
    """Add a whole copy of the server, which trades on, and check it; gives where it lies.

    Raises: ArchiveOfAnother; LogNotReceived, before the copy or when the log up to its end has not
    arrived here within ``received_s``; DatabaseError.
    """
    _joined(url, folder)
    with _connected(url) as connection:
        [count] = connection.execute(_RECEIVING, [SLOT]).fetchone() or (0,)
    if not count:
        raise LogNotReceived(folder=str(folder))
    fresh = folder / "base.new"
    places.delete(fresh)
    words = ["--pgdata", str(fresh), "--checkpoint=fast", "--wal-method=stream"]
    databases.run_tool(home, "pg_basebackup", words, url)
    databases.run_tool(home, "pg_verifybackup", ["--quiet", str(fresh)], None)
    # From here on the archive goes on where the copy ends, whatever became of the receiver.
    _received_wait(url, folder, received_s)
    # It can be brought to any moment after this one.
    copy = folder / wall_now().strftime(_NAME)
    fresh.rename(copy)
    return copy


def copies(folder: Path) -> list[tuple[datetime, Path]]:
    """List the whole copies of an archive with the moments of their ends, oldest first."""
    return sorted(
        (datetime.strptime(path.name, _NAME).replace(tzinfo=UTC), path)
        for path in folder.glob("base-*Z")
    )


def prune(home: Path, folder: Path, *, keep: int) -> list[Path]:
    """Delete all but the newest copies, and the log before the oldest that is kept."""
    old = [path for _, path in copies(folder)[:-keep]]
    for path in old:
        places.delete(path)
    if old:
        first = _first_segment(copies(folder)[0][1])
        databases.run_tool(home, "pg_archivecleanup", [str(folder / "wal"), first], None)
    return old


def in_use(url: str) -> bool:
    """Say whether anybody else is connected to the server."""
    with _connected(url) as connection:
        return databases.counts_on(connection, _OTHERS)


def recover(home: Path, copy: Path, *, to: datetime | None) -> Path | None:
    """Bring the server to a moment, from a copy and what was logged since; it is left stopped.

    Without a moment it is brought as far as the archive goes. The data that was there is set aside,
    and its place is given. When the moment can't be reached it is put back.

    Raises: MomentNotReached; EmbeddedPostgresError.
    """
    embedded.down(home)
    place = places.find(home.resolve())
    fresh = place.data.with_name(f"{place.data.name}.recovering")
    _lay_out(place, copy, fresh)
    with _locked(place):
        aside = _set_aside(place)
        fresh.rename(place.data)
    settings = {
        # The log lies in the server's own folder already, where it looks after the archive.
        "restore_command": "false",
        "hot_standby": "off",
        "recovery_target_action": "promote",
    }
    if to is not None:
        settings["recovery_target_time"] = to.isoformat()
    begun = server_folder.log_size(place)
    try:
        embedded.up(home, settings=settings, patience_s=RECOVERY_S)
    except BaseException as error:
        # Also when it is broken off: what was there is there again, whatever ran by then is ended.
        with suppress(EmbeddedPostgresError):
            embedded.down(home, mode="immediate")
        with _locked(place):
            places.delete(place.data)
            if aside is not None:
                aside.rename(place.data)
        if to is not None and isinstance(error, EmbeddedPostgresError):
            _reached_check(copy.parent, to, server_folder.log_since(place, begun))
        raise
    embedded.down(home)
    return aside


def _reached_check(folder: Path, to: datetime, said: str) -> None:
    """See by what the server said that the archive did not end before the moment.

    Raises: MomentNotReached.
    """
    if _TOO_FAR not in said:
        return
    commits = _LAST_COMMIT.findall(said)
    last = Said("that of its newest copy", "即最新全量备份所含")
    if commits:
        last = Said(f"of {commits[-1]}", f"在 {commits[-1]}")
    raise MomentNotReached(folder=str(folder), moment=to.isoformat(), last=last)


def _joined(url: str, folder: Path) -> None:
    """See that the archive is of the history that the server logs; begin it where it is empty."""
    with _connected(url) as connection:
        [system, timeline] = connection.execute(_HISTORY).fetchone() or ("", "")
    history = {"system": system, "timeline": timeline}
    note = folder / "archive.json"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "wal").mkdir(mode=0o700, exist_ok=True)
    if not note.exists():
        places.write(note, json.dumps(history) + "\n")
    elif json.loads(note.read_text()) != history:
        raise ArchiveOfAnother(folder=str(folder))


def _received_wait(url: str, folder: Path, patience_s: float) -> None:
    """Wait until what is logged by now is received, and into this folder."""
    with _connected(url) as connection:
        [end] = connection.execute(_END).fetchone() or ("",)
        deadline = time.monotonic() + patience_s
        while not _is_received(connection, folder, end):
            if time.monotonic() > deadline:
                raise LogNotReceived(folder=str(folder))
            time.sleep(_LOOK_S)


def _is_received(connection: psycopg.Connection[Any], folder: Path, end: str) -> bool:
    found = connection.execute(_RECEIVED, {"slot": SLOT, "end": end}).fetchone()
    return found is not None and any((folder / "wal").glob(f"{found[0]}*"))


def _connected(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        databases.url_with(url, database="postgres"),
        autocommit=True,
        connect_timeout=databases.CONNECT_TIMEOUT_S,
    )


def _first_segment(copy: Path) -> str:
    """Name the first segment of the log that a copy needs."""
    match = _START.search((copy / "backup_label").read_text())
    if match is None:
        raise CopyNotWhole(copy=str(copy))
    return match[1]


def _lay_out(place: Place, copy: Path, fresh: Path) -> None:
    """Lay a copy out beside the server's data, with all of the log that was received since."""
    places.delete(fresh)
    fresh.mkdir(mode=0o700)  # Nobody looks in while modes and owners are not right yet.
    shutil.copytree(copy, fresh, symlinks=True, dirs_exist_ok=True)
    fresh.chmod(0o700)
    first = _first_segment(copy)
    for path in sorted((copy.parent / "wal").iterdir()):
        name = path.name.removesuffix(".partial")
        laid = fresh / "pg_wal" / name
        # What was not received to its end takes no place of what is there whole.
        if name >= first and not (path.suffix and laid.exists()):
            shutil.copyfile(path, laid)
            laid.chmod(0o600)
    (fresh / "recovery.signal").touch(mode=0o600)
    if place.uid != os.geteuid():
        for path in [fresh, *fresh.rglob("*")]:
            os.chown(path, place.uid, place.gid, follow_symlinks=False)
    os.sync()  # A power cut must not leave the final name on empty files.


def _set_aside(place: Place) -> Path | None:
    if not place.data.exists():
        return None
    number = 1
    while (aside := place.data.with_name(f"{place.data.name}.before-{number}")).exists():
        number += 1
    place.data.rename(aside)
    return aside


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    busy = f"A server uses {place.data}; end it first."
    with (
        places.locked(place.home / "lock"),
        places.locked(place.running, timeout_s=_UNUSED_S, busy=busy),
    ):
        yield
