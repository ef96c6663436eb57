"""The ground of the demo: a world, a server and a worker of its own, gone when it ends.

A running ``weili up`` is not disturbed: the database is another one on the same server, the port
is whichever is free, and the key ring lies in a folder that is removed again.
"""

import asyncio
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from weili.adapters.postgres import databases, embedded
from weili.adapters.suppliers.http1 import HttpClient
from weili.bootstrap import (
    EMBEDDED_DATABASE,
    SANDBOX,
    Settings,
    home_make,
    listen,
    open_worlds,
    server_up,
)
from weili.entrypoints.cli.children import STOP_S, Child
from weili.kit.world import World

READY_S: Final = 60.0
LOOK_S: Final = 0.05
HOST: Final = "127.0.0.1"
HTTP_OK: Final = 200


class ProcessDiedError(RuntimeError):
    """The demo's own server or worker did not stay up."""


@dataclass(slots=True)
class Ground:
    """The open world, and where the API is."""

    world: World
    host: str
    port: int
    children: list[Child]

    def look(self) -> None:
        """See that the server and the worker live.

        Raises: ProcessDiedError, with the end of the log.
        """
        for child in self.children:
            child.look(_died)


@contextmanager
def ground(environ: Mapping[str, str]) -> Iterator[Ground]:
    """Make the ground for the block, and remove it."""
    settings = Settings.read(environ)
    with ExitStack() as stack:
        base = _server(settings, stack)
        name = databases.scratch_name(f"{databases.name_of(base)}_demo")
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weili-demo-")))
        own = replace(
            settings,
            database_url=databases.url_with(base, database=name),
            worlds=(SANDBOX,),
            host=HOST,
            port=0,
            home=home,
        )
        world_url = databases.url_with(base, database=f"{name}_{SANDBOX}")
        stack.callback(databases.drop, world_url)
        world = open_worlds(own, upgrade=True)[SANDBOX]
        stack.callback(world.close)
        yield _started(own, world, environ, stack)


def _server(settings: Settings, stack: ExitStack) -> str:
    """Give the URL of a database on the server; one that we start is stopped at the end."""
    home_make(settings)
    server = server_up(settings)
    if server is None:
        return str(settings.database_url)
    if not server.adopted:
        stack.callback(_server_down, settings)
    return server.url(EMBEDDED_DATABASE)


def _server_down(settings: Settings) -> None:
    """Stop the server that we started, unless ``weili up`` has taken it over meanwhile."""
    with (settings.home / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        embedded.down(settings.postgres_home)


def _started(
    settings: Settings, world: World, environ: Mapping[str, str], stack: ExitStack
) -> Ground:
    """Start the server and the worker, and wait until they are ready to trade."""
    listening = stack.enter_context(listen(settings))
    port = int(listening.getsockname()[1])
    # Nobody writes to the pipe; its closing tells the children that we are gone, however we went.
    lifeline, ours = os.pipe()
    stack.callback(os.close, ours)
    stack.callback(os.close, lifeline)
    own_environ = {
        **environ,
        "WEILI_DATABASE_URL": str(settings.database_url),
        "WEILI_WORLDS": SANDBOX,
        "WEILI_HOST": HOST,
        "WEILI_PORT": str(port),
        "WEILI_METRICS_PORT": "",
        "WEILI_HOME": str(settings.home),
    }
    fd = listening.fileno()
    children = [
        Child(
            name,
            [name, *words, "--lifeline-fd", str(lifeline)],
            log=settings.home / f"{name}.log",
            environ=own_environ,
            descriptors=(fd, lifeline),
        )
        for name, words in (("serve", ["--socket-fd", str(fd)]), ("work", []))
    ]
    started = Ground(world, HOST, port, children)
    stack.callback(_end, children)
    started.look()
    asyncio.run(_until_healthy(started))
    return started


def _end(children: list[Child]) -> None:
    deadline = time.monotonic() + STOP_S
    for child in children:
        child.terminate()
    for child in children:
        child.end(deadline)


def _died(child: Child, code: int, rest_s: float) -> None:
    raise ProcessDiedError(
        f"`weili {child.name}` ended with {code} after {child.deaths} start(s), next in {rest_s} s;"
        f" the end of its log:\n{child.tail(20)}"
    )


async def _until_healthy(started: Ground) -> None:
    client = HttpClient(started.host, started.port, connections=1)
    deadline = time.monotonic() + READY_S
    while True:
        started.look()
        try:
            answer = await client.ask("GET", "/healthz", headers=dict)
        except OSError:
            pass
        else:
            if answer.status == HTTP_OK:
                await client.close()
                return
        if time.monotonic() > deadline:
            raise ProcessDiedError(f"the server is not ready:\n{started.children[0].tail(20)}")
        await asyncio.sleep(LOOK_S)
