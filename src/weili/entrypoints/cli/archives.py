"""``weili db receive``, ``base`` and ``recover``: an archive that goes back to any moment."""

import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.database import StillRunning, ring_check, ring_put, stopped
from weili.entrypoints.cli.opened import ServerDown
from weili.kit.problems import Kind, Problem

if TYPE_CHECKING:
    from weili.bootstrap import Settings

RING_LOOK_S: Final = 5.0
FolderArgument = Annotated[Path, typer.Argument(help="The archive's folder.", file_okay=False)]


class ServerElsewhere(Problem):
    """The server is not ours to archive or to bring to a moment."""

    kind = Kind.INVALID
    code = "server_elsewhere"
    en = "The database is on a server of your own; archive it by that server's means."
    zh = "数据库在自备的服务器上；请用该服务器自己的手段归档。"


class ReceiverEnded(Problem):
    """What the server logs is not received any more."""

    kind = Kind.UNAVAILABLE
    code = "receiver_ended"
    en = "The receiver of the server's log ended (exit code {code}); what it said stands above."
    zh = "数据库日志的接收进程已退出（退出码 {code}）；原因见上文。"


class MomentNotArchived(Problem):
    """No copy ended before the moment."""

    kind = Kind.INVALID
    code = "moment_not_archived"
    en = "{folder} holds no copy that ended before {moment}; its first ended at {first}."
    zh = "{folder} 中没有在 {moment} 之前完成的全量备份；最早的完成于 {first}。"


def receive(folder: FolderArgument) -> None:
    """Receive what the embedded server logs into an archive, until told to stop.

    The key ring is kept beside it: whoever has the folder can read everything, personal data too.
    """
    from weili import bootstrap
    from weili.adapters.postgres import archive

    settings, url = _server(folder)
    ring = settings.keyring_path
    if not ring.exists():
        raise bootstrap.KeyRingMissing(path=str(ring))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    receiver = archive.receive(url, home=settings.postgres_home, folder=folder.absolute())
    try:
        while receiver.poll() is None and not stopping.is_set():
            _ring_keep(ring, folder)
            stopping.wait(RING_LOOK_S)
    finally:
        receiver.terminate()
        code = receiver.wait()
    if not stopping.is_set():
        say.refuse(ReceiverEnded(code=code))


def base(
    folder: FolderArgument,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="Delete all but so many newest copies.")
    ] = None,
) -> None:
    """Add a whole, checked copy of the embedded server to an archive, while Weili trades."""
    from weili.adapters.postgres import archive

    settings, url = _server(folder)
    copy = archive.copy_make(url, home=settings.postgres_home, folder=folder.absolute())
    _ring_keep(settings.keyring_path, folder)
    say.line(f"{copy}: whole.", f"{copy}：完整。")
    if keep is not None:
        for old in archive.prune(settings.postgres_home, folder.absolute(), keep=keep):
            say.line(f"{old}: deleted.", f"{old}：已删除。")


def recover(
    folder: FolderArgument,
    to: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"],
            help="The moment, with its zone: 2026-11-28T19:30:00+08:00. If not said, the last.",
        ),
    ] = None,
) -> None:
    """Bring the embedded server, all its worlds, and the key ring to a moment of an archive."""
    from weili.adapters.postgres import archive, embedded
    from weili.adapters.search import rebuild_ask

    settings = _settings()
    with stopped(settings), archive.held(folder.absolute()):
        copies = archive.copies(folder.absolute())
        fitting = [path for at, path in copies if to is None or at <= to]
        if not fitting:
            first = copies[0][0].isoformat() if copies else "-"
            moment = (to or datetime.max.replace(tzinfo=UTC)).isoformat()
            raise MomentNotArchived(folder=str(folder), moment=moment, first=first)
        server = embedded.status(settings.postgres_home)
        if server is not None and archive.in_use(server.url()):
            raise StillRunning
        ring_check(settings, folder / "keyring.json", force=True)
        settings.postgres_home.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = archive.recover(settings.postgres_home, fitting[-1], to=to)
        ring_put(settings, folder / "keyring.json")
        for world in settings.worlds:
            # What is in the index is of another past, however far that went.
            rebuild_ask(settings.search_home(world))
    if aside is not None:
        say.line(f"What was there lies in {aside}.", f"原有数据在 {aside}。")
    say.line(
        "The server is as it was at that moment. Start Weili, check it with `weili verify`, and "
        "begin a new archive.",
        "数据库已恢复到该时刻。请启动微力，用 `weili verify` 校验，并另建新的归档。",
    )


def _settings() -> "Settings":
    from weili import bootstrap

    settings = bootstrap.Settings.read(os.environ)
    if settings.database_url is not None:
        raise ServerElsewhere
    return settings


def _server(folder: Path) -> "tuple[Settings, str]":
    """Give the settings and the running server's URL; the folder is made if it is not there.

    It is not started here: under a supervisor it would end with the command that started it.
    """
    from weili import bootstrap
    from weili.adapters.postgres import embedded

    settings = _settings()
    server = embedded.status(settings.postgres_home)
    if server is None:
        raise ServerDown
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return settings, server.url(bootstrap.EMBEDDED_DATABASE)


def _ring_keep(ring: Path, folder: Path) -> None:
    """Keep the newest key ring with the archive: it opens what older ones sealed too."""
    from weili.adapters.postgres import places

    text = ring.read_text(encoding="utf-8")
    kept = folder / "keyring.json"
    if not kept.exists() or kept.read_text(encoding="utf-8") != text:
        places.write(kept, text)
