"""Settings to worlds to faces: the only place that wires.

A face is imported when it is opened: the command line, which opens none, starts in half the time.
"""

import gc
import logging
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from weili import migrations
from weili.adapters.files.media import FolderMediaStore, MediaStore
from weili.adapters.postgres import Server, databases, embedded
from weili.adapters.search import TantivyIndex, TantivyWriter
from weili.kit.far_ends import DRAIN_S, FarEnd
from weili.kit.problems import Kind, Problem, Said, machine_said
from weili.kit.secrets import KeyRing
from weili.kit.world import LIVE, Plans, World, in_transaction
from weili.workflows.open_accounts import ground_open

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from weili.entrypoints.http.looking import Looking, LookLane
    from weili.entrypoints.http.meter import Meter
    from weili.entrypoints.http.placing import PlaceLane, Placing
    from weili.entrypoints.jobs import Worker

EMBEDDED_DATABASE: Final = "weili"
SANDBOX: Final = "sandbox"
PORT_DEFAULT: Final = 8000
PORT_MAX: Final = 65_535
SWITCH_S: Final = 0.0005
COLLECT_AT: Final = (20_000, 20, 20)
FAR_END_COLLECT_AT: Final = (200_000, 20, 20)
LOOKERS_MAX: Final = 4
PLACERS_MAX: Final = 2
_log = logging.getLogger(__name__)
_WORLD_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,30}")

Worlds = Mapping[str, World]
"""The open worlds by name."""


class SettingInvalid(Problem):
    """A setting in the environment can't be used."""

    kind = Kind.INVALID
    code = "setting_invalid"
    en = "{name} is {value!r}, but should be {expected}."
    zh = "环境变量 {name} 的值为 {value!r}，应为 {expected}。"


class KeyRingMissing(Problem):
    """There is no key ring, and one may not be made silently."""

    kind = Kind.UNAVAILABLE
    code = "key_ring_missing"
    en = (
        "There is no key ring at {path}. If the databases hold data, restore it from the back-up:"
        " without it the personal data in them can't be read. For a new deployment make it with"
        " `weili key ring`, and keep a copy of it apart from the database's."
    )
    zh = (
        "{path} 处没有密钥环。若数据库中已有数据，请从备份恢复密钥环，否则其中的个人信息无法读取。"
        "全新部署请运行 `weili key ring` 生成，并与数据库备份分开保存一份。"
    )


class SchemaOld(Problem):
    """A database waits to be brought to the shape that this version needs."""

    kind = Kind.UNAVAILABLE
    code = "schema_old"
    en = "The database of {world} is at step {found}, this version needs {needed}: {cure}."
    zh = "{world} 的数据库版本为 {found}，本版本需要 {needed}：{cure}。"


class SchemaNew(Problem):
    """A database was upgraded by a newer version than this one."""

    kind = Kind.UNAVAILABLE
    code = "schema_new"
    en = (
        "The database of {world} is at step {found}, which works with code from step {works_from}"
        " on; this version knows steps up to {known} only. Run the newer version, or restore a"
        " back-up made before the upgrade."
    )
    zh = (
        "{world} 的数据库版本为 {found}，要求程序版本不低于 {works_from}，本版本只支持到 {known}。"
        "请运行较新的版本，或恢复升级之前的备份。"
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; read once."""

    database_url: str | None
    worlds: tuple[str, ...]
    host: str
    port: int
    home: Path
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    """Where figures are shown, apart from the API, which the world may reach; None for nowhere."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises: SettingInvalid.
        """
        worlds = tuple(environ.get("WEILI_WORLDS", SANDBOX).split(","))
        for name in worlds:
            if not _WORLD_NAME.fullmatch(name) or worlds.count(name) > 1:
                raise SettingInvalid(
                    name="WEILI_WORLDS",
                    value=",".join(worlds),
                    expected=Said(
                        "names of lower-case letters and digits, each once, with commas",
                        "小写字母与数字组成的名称，不重复，以逗号分隔",
                    ),
                )
        metrics_port = environ.get("WEILI_METRICS_PORT")
        return cls(
            database_url=environ.get("WEILI_DATABASE_URL") or None,
            worlds=worlds,
            host=environ.get("WEILI_HOST") or "127.0.0.1",
            port=_port("WEILI_PORT", environ.get("WEILI_PORT", str(PORT_DEFAULT))),
            home=Path(environ.get("WEILI_HOME") or _home_default()).expanduser().absolute(),
            metrics_host=environ.get("WEILI_METRICS_HOST") or "127.0.0.1",
            metrics_port=_port("WEILI_METRICS_PORT", metrics_port) if metrics_port else None,
        )

    @property
    def postgres_home(self) -> Path:
        """Where the embedded server keeps its state."""
        return self.home / "postgres"

    @property
    def keyring_path(self) -> Path:
        """Where the key ring lies."""
        return self.home / "keyring.json"

    @property
    def media_path(self) -> Path:
        """Where the bytes of pictures, videos and documents lie."""
        return self.home / "media"

    def search_home(self, world: str) -> Path:
        """Say where the search index of a world lies; what is in it can always be built anew."""
        return self.home / "search" / world

    def sample_path(self, world: str) -> Path:
        """Say where the keys of a sample world lie."""
        return self.home / ("sample.json" if world == SANDBOX else f"sample-{world}.json")


def _port(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value[:6]) > PORT_MAX:
        raise SettingInvalid(
            name=name, value=value, expected=Said(f"0 to {PORT_MAX}", f"0 至 {PORT_MAX}")
        )
    return int(value)


def _home_default() -> Path:
    """Give the folder for state: in the checkout, or in the user's home when installed."""
    checkout = Path(__file__).parents[2]
    if (checkout / "pyproject.toml").exists() and (checkout / "src" / "weili").exists():
        return checkout / ".weili"
    return Path.home() / ".weili"


# --- databases and worlds ------------------------------------------------------------------------


def server_up(settings: Settings) -> Server | None:
    """Start or adopt the embedded server; None when the database is elsewhere.

    Raises: EmbeddedPostgresError.
    """
    if settings.database_url is not None:
        return None
    home_make(settings)
    return embedded.up(settings.postgres_home)


def home_make(settings: Settings) -> None:
    """Make the folder for state, which nobody else may look into."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)


def database_urls(settings: Settings, server: Server | None) -> dict[str, str]:
    """Name the database of each world.

    Raises: DatabaseError when the database URL names none.
    """
    base = server.url(EMBEDDED_DATABASE) if server else settings.database_url
    if base is None:
        raise ValueError("neither a server nor a URL")
    name = databases.name_of(base)
    return {
        world: databases.url_with(base, database=name if world == LIVE else f"{name}_{world}")
        for world in settings.worlds
    }


def keyring_of(settings: Settings, *, is_fresh: bool) -> KeyRing:
    """Read the key ring; make it where only sandboxes are, and nothing is sealed yet.

    Raises: KeyRingMissing; KeyRingError when the file is damaged.
    """
    path = settings.keyring_path
    if not path.exists():
        if not is_fresh or LIVE in settings.worlds:
            raise KeyRingMissing(path=str(path))
        keyring_make(settings)
    return KeyRing.load(path)


def keyring_make(settings: Settings) -> bool:
    """Make a key ring where there is none, whole or not at all; says whether it did."""
    home_make(settings)
    with tempfile.TemporaryDirectory(dir=settings.home) as folder:
        fresh = Path(folder) / "keyring.json"
        KeyRing.fresh().save(fresh)
        # A link, unlike a rename, never takes the place of a ring that is there.
        with suppress(FileExistsError):
            settings.keyring_path.hardlink_to(fresh)
            return True
    return False


def open_worlds(
    settings: Settings, *, server: Server | None = None, upgrade: bool = False
) -> dict[str, World]:
    """Open every world of the settings, starting the embedded server if it does not run.

    With ``upgrade`` databases are made and brought to the newest shape; without it one that is
    behind is refused, since a second process should not change it under the first. One that newer
    code has brought further, and left fit for this, is opened as it is.

    Raises: EmbeddedPostgresError; DatabaseError; KeyRingMissing; KeyRingError; SchemaOld;
    SchemaNew.
    """
    server = server or server_up(settings)
    urls = database_urls(settings, server)
    if upgrade:
        for url in urls.values():
            databases.make(url)
    steps = {world: schema_step(world, url) for world, url in urls.items()}
    for world, step in steps.items():
        if step is not None and step > migrations.head():
            told = world, step, migrations.head()
            _log.info(
                "the database of %s is at step %s; this code, of step %s, is fit for it", *told
            )
        elif step != migrations.head() and not upgrade:
            cure = Said(
                "run `weili db upgrade`, or `weili up`, which does it by itself",
                "请运行 `weili db upgrade`，或由 `weili up` 自动完成",
            )
            found = step or Said("nothing", "空")
            raise SchemaOld(world=world, found=found, needed=migrations.head(), cure=cure)
    # The ring is made before the first table: whoever is killed in between finds it here.
    keyring = keyring_of(settings, is_fresh=not any(steps.values()))
    worlds = {world: World(world, url, keyring) for world, url in urls.items()}
    if upgrade:
        for name, opened_world in worlds.items():
            step = steps[name]
            if step is not None and step > migrations.head():
                continue  # Its ground was laid by newer code as well.
            if step != migrations.head():
                migrations.upgrade(urls[name])
            in_transaction(opened_world.begin, ground_open)
    return worlds


def schema_step(world: str, url: str) -> str | None:
    """Say which step a database has reached; None when it is empty or not there.

    Raises: DatabaseError; SchemaNew when it has gone further than this version can work with.
    """
    found = None if databases.is_empty(url) else migrations.reached(url)
    if found is None:
        return None
    known = migrations.head()
    if found.step > known and not found.is_fit:
        raise SchemaNew(world=world, found=found.step, works_from=found.works_from, known=known)
    return found.step


@contextmanager
def opened(settings: Settings, *, upgrade: bool = False) -> Iterator[dict[str, World]]:
    """Open the worlds for the block."""
    worlds = open_worlds(settings, upgrade=upgrade)
    try:
        yield worlds
    finally:
        for world in worlds.values():
            world.close()


@contextmanager
def world_served(settings: Settings, name: str) -> Iterator[World]:
    """Open a world for the block, for the far end of a server that saw that its shape is right.

    It sends the same few statements all day, so each is planned once for a connection.
    """
    url = database_urls(settings, server_up(settings))[name]
    world = World(name, url, KeyRing.load(settings.keyring_path), plans=Plans.ONCE)
    try:
        yield world
    finally:
        world.close()


# --- faces ---------------------------------------------------------------------------------------


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
    return create_app(
        worlds=worlds,
        placing=placing,
        looking=looking,
        media=media,
        is_fit=is_fit,
        indexes=indexes,
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


def is_fit(world: World) -> bool:
    """Say whether a world's database has a shape that this version can work with."""
    found = migrations.reached(url_of(world))
    return found is not None and found.is_fit


def url_of(world: World) -> str:
    """Name the database of an open world."""
    url = world.engine.url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


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
        yield Worker(worlds, gateway, HttpCarrierGateway(), writers=writers)
    finally:
        gateway.close()


class PortTaken(Problem):
    """Another program has the port, or it may not be taken."""

    kind = Kind.UNAVAILABLE
    code = "port_taken"
    en = "Port {port} on {host} can't be used ({why}). Choose another: {setting}=8080 weili up"
    zh = "{host} 的端口 {port} 无法使用（{why}）。请换一个端口：{setting}=8080 weili up"


def port_problem(settings: Settings, error: OSError) -> PortTaken:
    """Say in the reader's words why the port can't be had."""
    return PortTaken(
        port=settings.port, host=settings.host, why=machine_said(error), setting="WEILI_PORT"
    )
