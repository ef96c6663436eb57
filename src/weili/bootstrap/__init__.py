"""Settings to worlds to faces: the only place that wires.

A face is imported when it is opened: the command line, which opens none, starts in half the time.
"""

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from weili.adapters.files.media import FolderMediaStore, MediaStore
from weili.adapters.mail import MailFolder
from weili.adapters.search import TantivyIndex, TantivyWriter
from weili.bootstrap.settings import (
    PORT_DEFAULT,
    SANDBOX,
    PortTaken,
    SettingInvalid,
    Settings,
    port_problem,
)
from weili.bootstrap.worlds import (
    EMBEDDED_DATABASE,
    KeyRingMissing,
    SchemaNew,
    SchemaOld,
    database_urls,
    home_make,
    is_fit,
    keyring_make,
    keyring_of,
    open_worlds,
    opened,
    schema_step,
    server_up,
    url_of,
    world_served,
)
from weili.kit.far_ends import DRAIN_S, FarEnd
from weili.kit.problems import machine_said
from weili.kit.world import World

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from weili.adapters.mail import MailGateway
    from weili.entrypoints.http.looking import Looking, LookLane
    from weili.entrypoints.http.meter import Meter
    from weili.entrypoints.http.placing import PlaceLane, Placing
    from weili.entrypoints.jobs import Worker

__all__ = [
    "EMBEDDED_DATABASE",
    "PORT_DEFAULT",
    "SANDBOX",
    "KeyRingMissing",
    "PortTaken",
    "SchemaNew",
    "SchemaOld",
    "SettingInvalid",
    "Settings",
    "Worlds",
    "database_urls",
    "far_ends",
    "forget_garbage",
    "forget_young",
    "home_make",
    "http_app",
    "is_fit",
    "keyring_make",
    "keyring_of",
    "listen",
    "look",
    "lookers",
    "mail_gateways",
    "media_store",
    "open_worlds",
    "opened",
    "place",
    "placers",
    "port_problem",
    "schema_step",
    "serve",
    "server_config",
    "server_up",
    "shown",
    "url_of",
    "worker",
    "world_served",
]

SANDBOX_SENDER: Final = "weili@sandbox.example"
SWITCH_S: Final = 0.0005
COLLECT_AT: Final = (20_000, 20, 20)
FAR_END_COLLECT_AT: Final = (200_000, 20, 20)
LOOKERS_MAX: Final = 4
PLACERS_MAX: Final = 2

Worlds = Mapping[str, World]
"""The open worlds by name."""


def http_app(
    worlds: Worlds,
    placing: "Placing",
    looking: "Looking",
    media: MediaStore,
    *,
    settings: Settings | None = None,
    meter: "Meter | None" = None,
) -> "ASGIApp":
    """Give the HTTP face over open worlds, with a lane for each world that takes orders.

    Without ``settings`` nothing is searched: it is not known where the indexes lie.
    """
    from weili.entrypoints.http.app import create_app  # noqa: PLC0415

    indexes = {name: _index(settings, name) for name in worlds if settings is not None}
    mails = {
        name: MailFolder(settings.mail_path(name))
        for name, world in worlds.items()
        if settings is not None and world.is_sandbox
    }
    return create_app(
        worlds=worlds,
        placing=placing,
        looking=looking,
        media=media,
        is_fit=is_fit,
        indexes=indexes,
        mails=mails,
        meter=meter,
    )


def _index(settings: Settings, world: str) -> TantivyIndex:
    def aside(work: Callable[[], None]) -> None:
        Thread(target=work, name="search index", daemon=True).start()

    return TantivyIndex(settings.search_home(world), run=aside)


@contextmanager
def far_ends(worlds: Worlds) -> "Iterator[tuple[Placing, Looking]]":
    """Run for each world processes that place orders and that look up; gives their lanes.

    When such a process is lost, it alone is started anew; when that happens again and again, this
    one is asked to end, and whoever keeps it running starts all of them. When this one is lost,
    however it ends, they finish what they have and end too.
    """
    from weili.entrypoints.http.looking import look_lane  # noqa: PLC0415
    from weili.entrypoints.http.placing import place_lane  # noqa: PLC0415
    from weili.kit.groupcommit import Lanes  # noqa: PLC0415

    with ExitStack() as stack:

        def far_end(verb: str, world: str) -> FarEnd:
            words = [sys.executable, "-m", "weili.entrypoints.cli", verb, world]
            far_end = FarEnd(words, name=f"`weili {verb} {world}`", give_up=_end_in_good_order)
            stack.callback(far_end.end)
            return far_end

        def place(world: str) -> "PlaceLane":
            placer = far_end("place", world)
            return place_lane(placer.start(), anew=placer.anew)

        def look(world: str) -> "LookLane":
            looker = far_end("look", world)
            return look_lane(looker.start(), anew=looker.anew)

        placing = {name: Lanes([place(name) for _ in range(placers())]) for name in worlds}
        looking = {name: Lanes([look(name) for _ in range(lookers())]) for name in worlds}
        yield placing, looking


def placers() -> int:
    """Say how many processes place orders for each world: one decides while another waits."""
    return min(os.cpu_count() or 1, PLACERS_MAX)


def lookers() -> int:
    """Say how many processes look up for each world: they keep the machine's processors busy."""
    return min(os.cpu_count() or 1, LOOKERS_MAX)


def _end_in_good_order() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def place(world: World, link: socket.socket) -> None:
    """Place a world's orders, batch by batch, until the other end of the link is closed."""
    from weili.entrypoints.http.placing import place_work  # noqa: PLC0415

    forget_garbage()
    # What placing an order makes refers to nothing in a circle, so looking for that is for seldom.
    gc.set_threshold(*FAR_END_COLLECT_AT)
    place_work(world, link)


def look(settings: Settings, world: World, link: socket.socket) -> None:
    """Look up what is asked in a world, group by group, until the link's other end is closed."""
    from weili.entrypoints.http.look_readers import look_readers  # noqa: PLC0415
    from weili.entrypoints.http.looking import look_work  # noqa: PLC0415

    forget_garbage()
    gc.set_threshold(*FAR_END_COLLECT_AT)
    look_work(world, look_readers(_index(settings, world.name)), link, between=forget_young)


def media_store(settings: Settings) -> MediaStore:
    """Give the place where the bytes of media lie."""
    return FolderMediaStore(settings.media_path)


def serve(settings: Settings, worlds: Worlds, listening: socket.socket, media: MediaStore) -> None:
    """Serve the HTTP face on a socket until SIGTERM or SIGINT, then finish what is under way.

    Raises: PortTaken, of the port for figures.
    """
    import uvicorn  # noqa: PLC0415

    from weili.entrypoints.http.gazetteers import gazetteers_make  # noqa: PLC0415
    from weili.entrypoints.http.meter import Meter  # noqa: PLC0415

    meter = Meter()
    with shown(settings, meter), far_ends(worlds) as (placing, looking):
        app = http_app(worlds, placing, looking, media, settings=settings, meter=meter)
        # Before what is there by now is left out of what is looked through for garbage.
        gazetteers_make(worlds.values())
        # The event loop shares its interpreter with the threads of slower routes.
        sys.setswitchinterval(SWITCH_S)
        forget_garbage()
        uvicorn.Server(server_config(app)).run(sockets=[listening])


@contextmanager
def shown(settings: Settings, meter: "Meter") -> Iterator[None]:
    """Show a process's figures at the address of the settings, if there is one, for the block.

    Raises: PortTaken.
    """
    if settings.metrics_port is None:
        yield
        return
    from weili.entrypoints.http.meter_port import MeterServer  # noqa: PLC0415

    host, port = settings.metrics_host, settings.metrics_port
    try:
        server = MeterServer((host, port), meter.registry)
    except OSError as error:
        raise PortTaken(
            port=port, host=host, why=machine_said(error), setting="WEILI_METRICS_PORT"
        ) from None
    thread = Thread(target=server.serve_forever, name="figures", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def forget_garbage() -> None:
    """What was loaded by now is never garbage, and what a request makes is mostly gone early.

    It is not looked through once more either: of a server's 900,000 things 3,000 are garbage.
    """
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)
    gc.enable()


def forget_young() -> None:
    """Throw away what a group has left in circles, and look never again at what is left.

    Between two groups that is what is remembered, which goes when nothing refers to it any more.
    Else garbage is looked for in the middle of a group, among all that was remembered since the
    last time: 50 ms and more, for which everybody waits.
    """
    gc.collect(0)
    gc.freeze()


def server_config(app: "ASGIApp") -> "uvicorn.Config":
    """Say how the server runs: one process, the fast loop and parser, our own logs."""
    import uvicorn  # noqa: PLC0415

    options: dict[str, Any] = {
        "access_log": False,
        "http": "httptools",
        "lifespan": "auto",
        "log_config": None,
        "loop": "uvloop",
        "proxy_headers": False,
        "server_header": False,
        "timeout_graceful_shutdown": DRAIN_S,
        "timeout_keep_alive": 30,
        "ws": "none",
    }
    return uvicorn.Config(app, **options)


def listen(settings: Settings) -> socket.socket:
    """Take the port.

    Raises: OSError when it is taken, or may not be taken.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    return listening


@contextmanager
def worker(settings: Settings, worlds: Worlds) -> "Iterator[Worker]":
    """Give the worker over the open worlds."""
    from weili.adapters.carriers import HttpCarrierGateway  # noqa: PLC0415
    from weili.adapters.suppliers import HttpSupplierGateway  # noqa: PLC0415
    from weili.entrypoints.jobs import Worker  # noqa: PLC0415

    gateway = HttpSupplierGateway()
    try:
        writers = {name: TantivyWriter(settings.search_home(name)) for name in worlds}
        with mail_gateways(settings, worlds) as mails:
            carriers = HttpCarrierGateway()
            yield Worker(worlds, gateway, carriers, writers=writers, mails=mails, url=settings.url)
    finally:
        gateway.close()


@contextmanager
def mail_gateways(settings: Settings, worlds: Worlds) -> "Iterator[dict[str, MailGateway]]":
    """Give the way to a mail server of each world, for the block.

    A sandbox's mails go to a simulator of its own, whatever the settings say: whoever plays in it
    writes to nobody. Those of a live world stay until a server is named, or they are late.
    """
    from weili.adapters.mail import MailServer, MailSimulator, SmtpGateway  # noqa: PLC0415

    with ExitStack() as stack:
        gateways: dict[str, MailGateway] = {}
        for name, world in worlds.items():
            if world.is_sandbox:
                simulator = MailSimulator(MailFolder(settings.mail_path(name)))
                simulator.start()
                stack.callback(simulator.stop)
                server = MailServer("127.0.0.1", simulator.port, SANDBOX_SENDER, is_plain=True)
                gateways[name] = SmtpGateway(server)
            elif settings.mail is not None:
                gateways[name] = SmtpGateway(settings.mail)
        yield gateways
