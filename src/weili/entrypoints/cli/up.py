"""``weili up``: the database, the sample, the server and the worker, and keeps them running."""

import fcntl
import json
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from weili.entrypoints.cli import say
from weili.entrypoints.cli.children import STOP_S, Child, bound_log

if TYPE_CHECKING:
    import socket

    from weili.bootstrap import Settings
    from weili.kit.world import World

LOOK_S: Final = 0.2
DATABASE_LOOK_S: Final = 1.0
READY_S: Final = 120.0
PORT_PATIENCE_S: Final = 40.0
"""How long the processes of a supervisor that was killed may take to finish and leave the port."""
_LOG_LOOK_S: Final = 60.0


def up() -> None:
    """Start everything, keep it running until Ctrl-C, and say what to open."""
    from weili import bootstrap

    settings = bootstrap.Settings.read(os.environ)
    bootstrap.home_make(settings)
    with ExitStack() as stack:
        lock = stack.enter_context((settings.home / "up.lock").open("a"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say_running(settings)
            return
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: stopping.set())
        Supervisor(settings, stopping, stack).run()


class Supervisor:
    """Starts the parts in order, watches them, and ends them in the other order."""

    def __init__(self, settings: "Settings", stopping: threading.Event, stack: ExitStack) -> None:
        self._settings = settings
        self._stopping = stopping
        self._stack = stack
        self._note = settings.home / "up.json"
        self._before = _note_read(self._note)
        self._url = ""
        self._samples: dict[str, dict[str, Any]] = {}

    def run(self) -> None:
        """Bring everything up, stay until told to stop, and bring it down."""
        from weili import bootstrap

        listening = self._stack.enter_context(self._port_taken())
        host, port = reachable(self._settings.host), listening.getsockname()[1]
        self._url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        say.note("weili: starting the database …", "weili：正在启动数据库……")
        server = bootstrap.server_up(self._settings)
        if server is not None and server.adopted and self._before is None:
            self._say_found(server.pid)
        elif server is not None:
            self._stack.callback(self._database_down)
        worlds = bootstrap.open_worlds(self._settings, server=server, upgrade=True)
        try:
            for world in worlds.values():
                if world.is_sandbox:
                    self._sample(world)
        finally:
            for world in worlds.values():
                world.close()
        children = self._children(listening.fileno())
        self._note_write(children)
        try:
            if self._until_ready(children, host, port):
                self._say_ready()
                self._watch(children)
        finally:
            self._end(children)
            self._note.unlink(missing_ok=True)

    # --- starting -----------------------------------------------------------------------------

    def _port_taken(self) -> "socket.socket":
        """Take the port; one that our own processes still hold, orphaned by a kill, is waited for.

        The socket is ours and is inherited by the server. So nobody is refused while the server
        is started again: they wait in the socket's queue.
        """
        from weili import bootstrap

        deadline = time.monotonic() + PORT_PATIENCE_S
        is_told = False
        while True:
            try:
                return bootstrap.listen(self._settings)
            except OSError as error:
                orphans = [process for process in _processes(self._before) if process.is_alive]
                if not orphans or self._stopping.is_set():
                    raise bootstrap.port_problem(self._settings, error) from None
                if time.monotonic() > deadline:
                    for process in orphans:
                        process.send(signal.SIGKILL)
                if not is_told:
                    is_told = True
                    say.note(
                        "weili: the server of an earlier start is finishing …",
                        "weili：上一次启动的服务正在收尾……",
                    )
                time.sleep(LOOK_S)

    def _sample(self, world: "World") -> None:
        """Load the sample into an empty sandbox, and see that its keys are at hand."""
        from weili.entrypoints.cli.sample_keys import sample_read, sample_write
        from weili.kit.world import in_transaction
        from weili.modules import parties
        from weili.workflows import load_sample

        path = self._settings.sample_path(world.name)
        state = in_transaction(world.begin, load_sample.sample_state)
        states = load_sample.SampleState
        if state is states.FOREIGN:
            return

        def keep(made: load_sample.SampleWorld) -> None:
            sample_write(path, world.name, made)

        kept = sample_read(path)
        if state is states.DONE and kept is not None:
            key_id = str(kept["operator"]["key_id"])
            if in_transaction(world.begin, lambda ctx: parties.keys_find(ctx, key_ids=[key_id])):
                self._samples[world.name] = kept
                return
        if state is states.DONE:
            load_sample.renew_keys(world.begin, keep=keep)
        else:
            say.note(
                f"weili: filling the {world.name} world with sample goods and partners …",
                f"weili：正在为 {world.name} 环境装入示例商品与渠道商……",
            )
            load_sample.load_sample(world.begin, keep=keep)
        self._samples[world.name] = sample_read(path) or {}

    def _children(self, socket_fd: int) -> list[Child]:
        logs = self._settings.home / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        # The other end is never written to: its closing tells the children that we are gone.
        lifeline, ours = os.pipe()
        self._stack.callback(os.close, ours)
        self._stack.callback(os.close, lifeline)
        return [
            Child(
                "serve",
                ["serve", "--socket-fd", str(socket_fd), "--lifeline-fd", str(lifeline)],
                log=logs / "serve.log",
                environ=os.environ,
                descriptors=(socket_fd, lifeline),
            ),
            Child(
                "work",
                ["work", "--lifeline-fd", str(lifeline)],
                log=logs / "work.log",
                environ=os.environ,
                descriptors=(lifeline,),
            ),
        ]

    def _until_ready(self, children: list[Child], host: str, port: int) -> bool:
        """Watch until the server is ready to trade; False when told to stop before."""
        deadline = time.monotonic() + READY_S
        while not self._stopping.is_set():
            self._look(children)
            if _is_healthy(host, port):
                return True
            if time.monotonic() > deadline:
                self._give_up(children[0])
            self._stopping.wait(0.05)
        return False

    # --- running ------------------------------------------------------------------------------

    def _watch(self, children: list[Child]) -> None:
        database_at = logs_at = time.monotonic()
        while not self._stopping.wait(LOOK_S):
            self._look(children)
            now = time.monotonic()
            if now >= database_at:
                rest_s = DATABASE_LOOK_S if self._database_kept() else 5 * DATABASE_LOOK_S
                database_at = now + rest_s
            if now >= logs_at:
                logs_at = now + _LOG_LOOK_S
                for child in children:
                    bound_log(child.log)

    def _look(self, children: list[Child]) -> None:
        pids = [child.pid for child in children]
        for child in children:
            child.look(_say_died)
            if child.is_hopeless:
                self._give_up(child)
        if pids != [child.pid for child in children]:
            self._note_write(children)

    def _database_kept(self) -> bool:
        """Start the embedded server again if it was ended; says whether it runs."""
        from weili import bootstrap
        from weili.adapters.postgres import EmbeddedPostgresError

        try:
            server = bootstrap.server_up(self._settings)
        except EmbeddedPostgresError as error:
            say.err.print(f"weili: {error}", markup=False)
            return False
        if server is not None and not server.adopted:
            say.note(
                "weili: the database had ended; it runs again",
                "weili：数据库曾意外退出，现已恢复运行",
            )
        return True

    def _give_up(self, child: Child) -> None:
        say.fail(
            say.words(
                f"`weili {child.name}` does not stay up. The end of its log ({child.log}):\n",
                f"`weili {child.name}` 无法保持运行，其日志（{child.log}）末尾为：\n",
            )
            + child.tail(8)
        )

    # --- ending -------------------------------------------------------------------------------

    def _end(self, children: list[Child]) -> None:
        say.note("weili: finishing what is under way …", "weili：正在完成进行中的工作……")
        deadline = time.monotonic() + STOP_S
        for child in children:
            child.terminate()
        for child in children:
            if not child.end(deadline):
                say.note(
                    f"weili: `weili {child.name}` took too long and was ended; nothing is lost",
                    f"weili：`weili {child.name}` 超时被终止，数据未丢失",
                )

    def _database_down(self) -> None:
        from weili.adapters.postgres import embedded

        embedded.down(self._settings.postgres_home)

    # --- telling ------------------------------------------------------------------------------

    def _say_found(self, pid: int) -> None:
        """Say of a database that another command has started that it is not ours to end."""
        say.note(
            f"weili: the database ran already (pid {pid}), and is left running at the end",
            f"weili：数据库已在运行（进程 {pid}），结束时将保持其运行",
        )
        self._stack.callback(
            say.note,
            f"weili: the database still runs, as it did before; `kill -INT {pid}` ends it",
            f"weili：数据库仍在运行（启动前即已运行）；可用 `kill -INT {pid}` 停止",
        )

    def _note_write(self, children: list[Child]) -> None:
        from weili.adapters.postgres import processes

        found = [processes.find(child.pid) for child in children if child.pid]
        note = {
            "pid": os.getpid(),
            "url": self._url,
            "children": [[one.pid, one.started_ticks] for one in found if one],
        }
        fresh = self._note.with_suffix(".json.new")
        fresh.write_text(json.dumps(note), encoding="utf-8")
        fresh.replace(self._note)

    def _say_ready(self) -> None:
        say.line(
            f"\nWeili is ready: {self._url}  (health: {self._url}/healthz, "
            f"API: {self._url}/openapi.json)",
            f"\n微力已就绪：{self._url}（健康检查：{self._url}/healthz，"
            f"接口文档：{self._url}/openapi.json）",
        )
        for name, kept in self._samples.items():
            partner = kept["partners"][0]
            path = self._settings.sample_path(name)
            say.line(
                f"Keys of the {name} world's sample parties: {path}",
                f"{name} 环境示例账户的密钥：{path}",
            )
            say.line(
                f"Try it as the partner {partner['name']}:",
                f"以渠道商「{partner['name']}」的身份试一试：",
            )
            token = f"'Authorization: Bearer {partner['bearer']}'"
            say.out.print(f"  curl -H {token} '{self._url}/v1/skus?limit=3'\n", markup=False)
            say.line(
                f"Its people sign in at {self._url}/console/ with the password "
                f"{kept['password']} as:",
                f"示例人员在 {self._url}/console/ 登录，密码为 {kept['password']}，邮箱如下：",
            )
            for one in kept["staff"]:
                line = f"  {one['email']:<32}{one['name']}  {one['party']}"
                say.out.print(line, markup=False)
            say.out.print()
        say.line("Ctrl-C ends it.", "按 Ctrl-C 结束。")
        sys.stdout.flush()


def running(settings: "Settings") -> dict[str, Any] | None:
    """Say what `weili up` has running on this state folder; None when none does."""
    path = settings.home / "up.lock"
    if not path.exists():
        return None
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            note = _note_read(settings.home / "up.json")
            return {"url": note["url"], "pid": note["pid"]} if note else {"url": "", "pid": 0}
    return None


def _say_running(settings: "Settings") -> None:
    note = _note_read(settings.home / "up.json")
    if note is None:
        say.line(
            "Weili is just being started by another `weili up`.", "另一个 `weili up` 正在启动。"
        )
    else:
        say.line(
            f"Weili runs already: {note['url']} (pid {note['pid']})",
            f"微力已在运行：{note['url']}（进程 {note['pid']}）",
        )


def _say_died(child: Child, code: int, rest_s: float) -> None:
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    cause = f"信号 {-code}" if code < 0 else f"退出码 {code}"
    again = f"in {rest_s:g} s" if rest_s else "now"
    wait = f"{rest_s:g} 秒后" if rest_s else "立即"
    say.note(
        f"weili: `weili {child.name}` ended ({how}; see {child.log}); starting it again {again}",
        f"weili：`weili {child.name}` 已退出（{cause}；日志：{child.log}），{wait}重启",
    )


def _note_read(path: Path) -> dict[str, Any] | None:
    """Read what a supervisor noted; None when there is no note, or it is not whole."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        note = dict(json.loads(path.read_text(encoding="utf-8")))
        return {"pid": int(note["pid"]), "url": str(note["url"]), "children": note["children"]}
    return None


def _processes(note: dict[str, Any] | None) -> list[Any]:
    """Find the processes of a note that still run; a number alone proves nothing."""
    from weili.adapters.postgres import processes

    found = []
    for pid, started_ticks in note["children"] if note else ():
        process = processes.find(pid)
        if process is not None and process.started_ticks == started_ticks:
            found.append(process)
    return found


def _is_healthy(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def reachable(host: str) -> str:
    """Give an address of this machine for one that stands for all of them."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound to
