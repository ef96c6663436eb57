"""``weili serve`` and ``work``, run by a supervisor; ``weili place`` and ``look``, by serve."""

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    import socket

    from weili.bootstrap import Settings
    from weili.kit.world import World

LOOK_S: Final = 1.0
SocketOption = Annotated[int | None, typer.Option("--socket-fd", hidden=True)]
LifelineOption = Annotated[int | None, typer.Option("--lifeline-fd", hidden=True)]


def serve(socket_fd: SocketOption = None, lifeline_fd: LifelineOption = None) -> None:
    """Serve the HTTP API: one process, logs as JSON on standard error."""
    import socket

    # What is loaded is no garbage; the collector is put to work when all is there.
    gc.disable()
    from weili import bootstrap
    from weili.entrypoints.cli import say
    from weili.entrypoints.cli.logs import logs_to_stderr

    logs_to_stderr()
    settings = bootstrap.Settings.read(os.environ)
    if socket_fd is None:
        try:
            listening = bootstrap.listen(settings)
        except OSError as error:
            say.refuse(bootstrap.port_problem(settings, error))
    else:
        listening = socket.socket(fileno=socket_fd)
    # While it starts a signal ends it at once. Once it serves, the server drains, and then raises
    # the signal once more, which ends what is around it in good order.
    _on_end(_leave)
    watch_lifeline(lifeline_fd)
    with bootstrap.opened(settings) as worlds:
        bootstrap.serve(settings, worlds, listening, bootstrap.media_store(settings))


def place(world: str, link_fd: int) -> None:
    """Place a world's orders for the server that started this process, until it closes the link."""
    with _far_end(world, link_fd) as (_, opened, link):
        from weili import bootstrap

        bootstrap.place(opened, link)


def look(world: str, link_fd: int) -> None:
    """Look things up for the server that started this process, until it closes the link."""
    with _far_end(world, link_fd) as (settings, opened, link):
        from weili import bootstrap

        bootstrap.look(settings, opened, link)


@contextmanager
def _far_end(world: str, link_fd: int) -> "Iterator[tuple[Settings, World, socket.socket]]":
    import socket

    # As in `serve`, before anything large is loaded: whoever uses this loads that in the block.
    gc.disable()
    from weili import bootstrap
    from weili.entrypoints.cli.logs import logs_to_stderr

    logs_to_stderr()
    # A signal to the whole group is the server's to answer: it drains, and closes the link last.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    settings = bootstrap.Settings.read(os.environ)
    with socket.socket(fileno=link_fd) as link, bootstrap.world_served(settings, world) as opened:
        yield settings, opened, link


def work(lifeline_fd: LifelineOption = None) -> None:
    """Do what happens behind the API: relay, jobs, deadlines, errands to suppliers."""
    from weili import bootstrap
    from weili.entrypoints.cli import say
    from weili.entrypoints.cli.logs import logs_to_stderr

    logs_to_stderr()
    settings = bootstrap.Settings.read(os.environ)
    stopping = threading.Event()
    _on_end(stopping.set)
    watch_lifeline(lifeline_fd)
    with bootstrap.opened(settings) as worlds, bootstrap.worker(settings, worlds) as worker:
        if not worker.run(stopping):
            say.fail(
                say.words(
                    "some work was not finished in time; it is taken up at the next start",
                    "部分工作未能按时完成，将在下次启动时继续",
                )
            )


def watch_lifeline(descriptor: int | None) -> None:
    """End in good order when whoever started us is gone.

    It holds the other end of a pipe and never writes; the kernel closes that end with it, however
    it ends.
    """
    if descriptor is None:
        return

    def watch() -> None:
        with suppress(OSError):
            os.read(descriptor, 1)
        # Again and again: one that comes at a bad moment may wake nobody.
        while True:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(LOOK_S)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _leave() -> None:
    """End this process from where it is; whatever else is sent leaves it to its end."""
    _on_end(lambda: None)
    raise SystemExit(0)


def _on_end(act: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: act())
