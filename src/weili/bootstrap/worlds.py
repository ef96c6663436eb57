"""Settings to open worlds: their databases, brought to shape, and the ring that seals in them."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from weili import migrations
from weili.adapters.postgres import Server, databases, embedded
from weili.bootstrap.settings import Settings
from weili.kit.problems import Kind, Problem, Said
from weili.kit.secrets import KeyRing
from weili.kit.world import LIVE, Plans, World, in_transaction
from weili.workflows.open_accounts import ground_open

EMBEDDED_DATABASE: Final = "weili"
_log = logging.getLogger(__name__)


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


def is_fit(world: World) -> bool:
    """Say whether a world's database has a shape that this version can work with."""
    found = migrations.reached(url_of(world))
    return found is not None and found.is_fit


def url_of(world: World) -> str:
    """Name the database of an open world."""
    url = world.engine.url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)
