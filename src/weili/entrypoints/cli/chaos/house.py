"""A `weili up` of its own, which is hit where it hurts and kept running as a machine's init would.

It is the real thing: the supervisor, the embedded server, `serve` with its far ends, `work`.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from weili.adapters.postgres import EmbeddedPostgresError, embedded, folder, places, processes
from weili.bootstrap import EMBEDDED_DATABASE, SANDBOX

PATIENCE_S: Final = 120.0
STOP_S: Final = 90.0
LOOK_S: Final = 0.02
LEAVE_S: Final = 40.0
MODULE: Final = "weili.entrypoints.cli"


class Victim(StrEnum):
    """What is killed."""

    SERVE = "serve"
    PLACE = "place"
    LOOK = "look"
    WORK = "work"
    POSTGRES = "postgres"
    BACKEND = "backend"
    SUPERVISOR = "supervisor"
    ALL = "all"


class StuckError(RuntimeError):
    """What must come did not come in time."""


class House:
    """A state folder, and the `weili up` that was last started on it."""

    def __init__(self, home: Path, environ: Mapping[str, str]) -> None:
        self.home = home
        self.restarts = 0
        self._environ = {
            name: text for name, text in environ.items() if not name.startswith("WEILI_")
        } | {"WEILI_HOME": str(home), "WEILI_PORT": "0"}
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._postmaster_kept: int | None = None
        """The database that we keep running ourselves, once it is apart."""
        self._keeping = threading.RLock()

    # --- running ------------------------------------------------------------------------------

    @property
    def _postgres_home(self) -> Path:
        return self.home / "postgres"

    @property
    def port(self) -> int:
        """Say where the API is; the same as long as the house stands."""
        return int(self._url.rpartition(":")[2])

    def start(self) -> None:
        """Start `weili up` and wait until it trades.

        Raises: StuckError.
        """
        self._spawn()
        until("`weili up` trades", self._is_trading)
        # The same port from now on: clients know no other.
        self._environ["WEILI_PORT"] = str(self.port)

    def keep(self) -> None:
        """Start `weili up` again if it has ended, and the database if that is ours to keep."""
        with self._keeping:
            if self._postmaster_kept is not None and processes.find(self._postmaster_kept) is None:
                self._postmaster_kept = embedded.up(self._postgres_home).pid
            if self._process is not None and self._process.poll() is not None:
                self.restarts += 1
                self._spawn()

    def database_part(self, port: int) -> None:
        """Let Weili reach its database over TCP at this port from now on, as one of somebody else.

        Raises: StuckError.
        """
        with self._keeping:
            self._up_end()
            server = embedded.up(self._postgres_home)
            self._postmaster_kept = server.pid
            parts = urlsplit(server.url(EMBEDDED_DATABASE))
            user, _, _ = parts.netloc.rpartition("@")
            reached = parts._replace(netloc=f"{user}@127.0.0.1:{port}", query="")
            self._environ["WEILI_DATABASE_URL"] = urlunsplit(reached)
            self._spawn()
        until("`weili up` trades with a database that is apart", self._is_trading)

    def database_url(self) -> str | None:
        """Give the way to the world's database past everything in between, while it answers."""
        with suppress(EmbeddedPostgresError):
            server = embedded.status(self._postgres_home)
            return server.url(f"{EMBEDDED_DATABASE}_{SANDBOX}") if server else None
        return None

    def database_socket(self) -> Path:
        """Say where the database's server listens.

        Raises: StuckError, when it does not run.
        """
        server = embedded.status(self._postgres_home)
        if server is None:
            raise StuckError("the database does not answer")
        return server.socket_directory / f".s.PGSQL.{places.PORT}"

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command on this state folder to its end."""
        return subprocess.run(
            [sys.executable, "-m", MODULE, *words],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def keys(self) -> dict[str, Any]:
        """Give the keys of the sample's parties."""
        return dict(json.loads((self.home / "sample.json").read_text(encoding="utf-8")))

    def left_behind(self) -> list[str]:
        """Name those of earlier starts that are still there after the time they may take to end."""
        deadline = time.monotonic() + LEAVE_S
        while (left := self._strangers()) and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        return left

    def _strangers(self) -> list[str]:
        """Name the processes on our state folder that the supervisor of now knows nothing of."""
        up = self._process.pid if self._process is not None else 0
        ours = [up]
        for pid in ours:
            ours += children_of(pid)
        home = f"WEILI_HOME={self.home}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and int(entry.name) not in ours:
                    words = words_of(int(entry.name))
                    if MODULE in words and home in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(f"process {entry.name}: {' '.join(words[3:])}".rstrip())
        return found

    def end(self) -> None:
        """End `weili up` as Ctrl-C does, and the database with it."""
        self._up_end()
        embedded.down(self._postgres_home)

    def remove(self) -> None:
        """Remove the database's files, wherever they lie."""
        embedded.remove(self._postgres_home)

    def _up_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _spawn(self) -> None:
        with (self.home / "up.out").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, "up"],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _is_trading(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            said = (self.home / "up.out").read_text(encoding="utf-8", errors="replace")
            raise StuckError(f"`weili up` ended at once:\n{said[-2000:]}")
        self._url = str(self._note().get("url", ""))
        return bool(self._url) and _is_healthy(self.port)

    def _note(self) -> dict[str, Any]:
        """Read what the supervisor notes of itself; nothing while it is not there."""
        with suppress(OSError, ValueError):
            return dict(json.loads((self.home / "up.json").read_text(encoding="utf-8")))
        return {}

    # --- being hit ----------------------------------------------------------------------------

    def strike(self, victim: Victim, pick: Callable[[Sequence[int]], int]) -> int:
        """Kill a victim that runs, once there is one; says how many processes were killed.

        Raises: StuckError.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            pids = self._pids(victim)
            if victim is not Victim.ALL and pids:
                pids = [pick(pids)]
            killed = sum(map(_kill, pids))
            if killed:
                return killed
            if time.monotonic() > deadline:
                raise StuckError(f"there was no {victim} to be killed for {PATIENCE_S:g} s")
            time.sleep(LOOK_S)

    def _pids(self, victim: Victim) -> list[int]:
        """Give the pids of those that are this victim now."""
        up = self._process.pid if self._process is not None else 0
        server = self._child("serve")
        match victim:
            case Victim.SUPERVISOR:
                return [up] if processes.find(up) else []
            case Victim.SERVE | Victim.WORK:
                return self._child(victim.value)
            case Victim.PLACE | Victim.LOOK:
                return [pid for one in server for pid in children_named(one, victim.value)]
            case Victim.POSTGRES:
                return self._postmaster()
            case Victim.BACKEND:
                return [pid for one in self._postmaster() for pid in _backends(one)]
            case Victim.ALL:
                ends = [pid for one in server for pid in children_of(one)]
                own = [up] if processes.find(up) else []
                return [*own, *server, *ends, *self._child("work"), *self._postmaster()]

    def _child(self, name: str) -> list[int]:
        """Give the pid of the server or the worker, while it runs."""
        noted = self._note().get("children", [])
        return [int(pid) for pid, _ in noted if name in words_of(int(pid))]

    def _postmaster(self) -> list[int]:
        with suppress(EmbeddedPostgresError):
            server = embedded.status(self._postgres_home)
            return [server.pid] if server else []
        return []


def until(what: str, done: Callable[[], bool]) -> None:
    """Wait for something that must come.

    Raises: StuckError.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise StuckError(f"waited {PATIENCE_S:g} s in vain: {what}")
        time.sleep(LOOK_S)


def children_of(pid: int) -> list[int]:
    """Give the pids of a process's children; none when it is gone."""
    pids: list[int] = []
    # One that was started anew is the child of the thread that did so.
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            pids += map(int, children.read_text().split())
    return pids


def children_named(pid: int, name: str) -> list[int]:
    """Give the children of a process that were started with this word."""
    return [child for child in children_of(pid) if name in words_of(child)]


def words_of(pid: int) -> list[str]:
    """Give the words that a process was started with; none when it has just ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _backends(postmaster: int) -> list[int]:
    """Give the server's processes that work for a client."""
    named = f"postgres: {folder.ROLE} "
    return [
        child for child in children_of(postmaster) if "".join(words_of(child)).startswith(named)
    ]


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
