"""``weili db``: the databases' shape, and their back-ups."""

import fcntl
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import JsonOption, WorldAmbiguous, WorldOption
from weili.kit.problems import Kind, NotFound, Problem, Said
from weili.kit.zone import BUSINESS_ZONE

if TYPE_CHECKING:
    from weili.adapters.postgres import Leftover
    from weili.bootstrap import Settings

app = typer.Typer(help="The databases' shape, and their back-ups.", no_args_is_help=True)

FORMAT: Final = 1
MEMBERS: Final = ("manifest.json", "keyring.json", "database.dump")
_LEFTOVER_WORD: Final = Said("leftover database", "遗留数据目录", code="leftover")


class BackupUnreadable(Problem):
    """The file is no back-up of ours, or not whole."""

    kind = Kind.INVALID
    code = "backup_unreadable"
    en = "{file} is not a whole back-up made by `weili db backup`: {why}."
    zh = "{file} 不是由 `weili db backup` 生成的完整备份：{why}。"


class BackupFileThere(Problem):
    """A file of that name is there and is not overwritten."""

    kind = Kind.CONFLICT
    code = "backup_file_there"
    en = "{file} is there already; name another file."
    zh = "{file} 已存在；请换一个文件名。"


class BackupFolderMissing(Problem):
    """The folder that the file would lie in is not there."""

    kind = Kind.INVALID
    code = "backup_folder_missing"
    en = "There is no folder {folder}; make it first, or name another file."
    zh = "文件夹 {folder} 不存在；请先建立，或换一个文件名。"


class DatabaseNotEmpty(Problem):
    """What would be replaced holds data."""

    kind = Kind.CONFLICT
    code = "database_not_empty"
    en = "This would replace {what}; with --force it does. Make a back-up of it first."
    zh = "将被替换：{what}。确认请加 --force，并请先做好备份。"


class StillRunning(Problem):
    """Weili runs, and would go on with what it had read before."""

    kind = Kind.CONFLICT
    code = "still_running"
    en = "Weili runs here; end it first (Ctrl-C where `weili up`, `serve` or `work` runs)."
    zh = "微力正在运行；请先停止（在运行 `weili up`、`serve` 或 `work` 的终端按 Ctrl-C）。"


class LeftoverRunning(Problem):
    """A server still uses the data that would be deleted."""

    kind = Kind.CONFLICT
    code = "leftover_running"
    en = "A server still runs on the data of {id}; end its processes first."
    zh = "{id} 的数据仍有服务器在使用；请先结束其进程。"


class LeftoversKept(Problem):
    """Data would be deleted for good, and nobody has said yes to that."""

    kind = Kind.CONFLICT
    code = "leftovers_kept"
    en = (
        "This would delete {count} database folder(s) of {megabytes} MB for good; with --yes it "
        "does. A home that was moved and not started since looks gone too: start it first."
    )
    zh = (
        "将永久删除 {count} 个数据目录（{megabytes} 兆字节）；确认请加 --yes。"
        "移动后尚未启动过的目录也会显示为不存在：请先启动一次。"
    )


@app.command("upgrade")
def upgrade() -> None:
    """Make the databases and bring them to the shape that this version needs."""
    from weili import bootstrap

    settings = bootstrap.Settings.read(os.environ)
    bootstrap.home_make(settings)
    with bootstrap.opened(settings, upgrade=True) as worlds:
        for name, world in worlds.items():
            step = bootstrap.schema_step(name, bootstrap.url_of(world))
            say.line(f"{name}: {step}", f"{name}：{step}")


@app.command("status")
def status(as_json: JsonOption = False) -> None:
    """Say at which step each database is, and which one this version needs."""
    from weili import bootstrap, migrations

    settings = bootstrap.Settings.read(os.environ)
    urls = bootstrap.database_urls(settings, bootstrap.server_up(settings))
    steps = {name: bootstrap.schema_step(name, url) for name, url in urls.items()}
    if as_json:
        say.document({"needed": migrations.head(), "worlds": steps})
        return
    say.table(
        [("world", "环境"), ("step", "当前版本"), ("needed", "需要版本")],
        [(name, step or "-", migrations.head()) for name, step in steps.items()],
    )


@app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; readable by you alone.")],
    world: WorldOption = None,
) -> None:
    """Write a world's database and the key ring into one file, as of one moment.

    Whoever has the file can read everything, personal data too. Keep it accordingly.
    """
    from weili import bootstrap, migrations
    from weili.adapters.postgres import databases
    from weili.kit.clock import wall_now

    if file.exists():
        raise BackupFileThere(file=str(file))
    if not file.absolute().parent.is_dir():
        raise BackupFolderMissing(folder=str(file.absolute().parent))
    settings = bootstrap.Settings.read(os.environ)
    name, url = _database(settings, world)
    step = bootstrap.schema_step(name, url)
    ring = settings.keyring_path
    if not ring.exists():
        raise bootstrap.KeyRingMissing(path=str(ring))
    with tempfile.TemporaryDirectory(dir=file.absolute().parent) as folder:
        dump = Path(folder) / "database.dump"
        databases.dump(url, home=settings.postgres_home, to=dump)
        manifest = {
            "format": FORMAT,
            "world": name,
            "schema": step,
            "head": migrations.head(),
            "made_at": wall_now().isoformat(),
            "sha256": _sha256(dump),
        }
        whole = Path(folder) / "backup.tar"
        handle = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            with tarfile.open(fileobj=stream, mode="w") as tar:
                _add(tar, "manifest.json", json.dumps(manifest, indent=2).encode())
                _add(tar, "keyring.json", ring.read_bytes())
                tar.add(dump, "database.dump", filter=_plain)
            stream.flush()
            os.fsync(handle)
        # A link, unlike a rename, never takes the place of a file that came meanwhile.
        file.hardlink_to(whole)
    say.line(
        f"{file}: {name} at step {step}, {file.stat().st_size} bytes, with the key ring.",
        f"{file}：{name}（版本 {step}），{file.stat().st_size} 字节，含密钥环。",
    )


@app.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(help="A back-up.", exists=True, dir_okay=False)],
    world: WorldOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a database, or a key ring, that is there.")
    ] = False,
) -> None:
    """Put a world's database and key ring back from a file."""
    from weili import bootstrap
    from weili.adapters.postgres import databases
    from weili.adapters.search import rebuild_ask

    settings = bootstrap.Settings.read(os.environ)
    with stopped(settings), _unpacked(file) as folder:
        name, url = _database(settings, world)
        if databases.in_use(url):
            raise StillRunning
        if not force and not databases.is_empty(url):
            raise DatabaseNotEmpty(what=Said(f"the database of {name}", f"{name} 的数据库"))
        ring_check(settings, folder / "keyring.json", force=force)
        databases.restore(url, home=settings.postgres_home, source=folder / "database.dump")
        ring_put(settings, folder / "keyring.json")
        # What is in the index is of another past, however far that went.
        rebuild_ask(settings.search_home(name))
    say.line(
        f"{name} is as it was in {file}. `weili verify` checks it.",
        f"{name} 已恢复为 {file} 的内容。可用 `weili verify` 校验。",
    )


@app.command("leftovers")
def leftovers(as_json: JsonOption = False) -> None:
    """List data of the embedded PostgreSQL whose home is gone; only as root can there be any.

    A home that was moved and not started since looks gone too, and so does one on a disc that is
    not mounted.
    """
    from weili.adapters import postgres

    found = postgres.leftovers()
    if as_json:
        say.page_document(_leftover_document(each) for each in found)
        return
    say.table(
        [
            ("id", "编号"),
            ("home", "原目录"),
            ("MB", "大小（兆字节）"),
            ("last used", "最后使用"),
            ("", ""),
        ],
        [
            (
                each.id,
                each.home,
                f"{each.size_bytes / 1_000_000:.1f}",
                each.used_at.astimezone(BUSINESS_ZONE).isoformat(" ", "minutes"),
                say.words("running", "运行中") if each.is_running else "",
            )
            for each in found
        ],
    )
    if found:
        say.note(
            "`weili db prune` with ids deletes them for good.",
            "用 `weili db prune` 加编号可永久删除。",
        )


@app.command("prune")
def prune(
    ids: Annotated[list[str], typer.Argument(help="The ids, as `weili db leftovers` gives them.")],
    yes: Annotated[bool, typer.Option("--yes", help="Delete them for good, unasked.")] = False,
) -> None:
    """Delete data of the embedded PostgreSQL whose home is gone, for good."""
    from weili.adapters import postgres

    found = {each.id: each for each in postgres.leftovers()}
    for each in ids:
        if each not in found:
            raise NotFound(what=_LEFTOVER_WORD, id=each)
        if found[each].is_running:
            raise LeftoverRunning(id=each)
    if not yes:
        megabytes = sum(found[each].size_bytes for each in set(ids)) / 1_000_000
        raise LeftoversKept(count=len(set(ids)), megabytes=f"{megabytes:.1f}")
    for each in dict.fromkeys(ids):
        postgres.leftover_remove(each)
        say.line(
            f"{each} ({found[each].home}) is deleted.", f"{each}（{found[each].home}）已删除。"
        )


def _leftover_document(each: "Leftover") -> dict[str, Any]:
    return {
        "id": each.id,
        "home": str(each.home),
        "size_bytes": each.size_bytes,
        "used_at": each.used_at.isoformat(),
        "is_running": each.is_running,
    }


@contextmanager
def stopped(settings: "Settings") -> Iterator[None]:
    """See for the block that `weili up` does not run here, and nobody else works on its files.

    Raises: StillRunning.
    """
    from weili import bootstrap

    bootstrap.home_make(settings)
    with (settings.home / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StillRunning from None
        yield


def _database(settings: "Settings", world: str | None) -> tuple[str, str]:
    from weili import bootstrap

    name = world or (settings.worlds[0] if len(settings.worlds) == 1 else None)
    if name is None or name not in settings.worlds:
        raise WorldAmbiguous(worlds=", ".join(settings.worlds))
    return name, bootstrap.database_urls(settings, bootstrap.server_up(settings))[name]


@contextmanager
def _unpacked(file: Path) -> Iterator[Path]:
    """Unpack a back-up for the block, and check that it is whole.

    Raises: BackupUnreadable.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            why = _unpack(file, folder)
        except (tarfile.TarError, OSError, KeyError, ValueError, TypeError) as error:
            why = Said(str(error) or type(error).__name__, "内容不完整或无法读取")
        if why is not None:
            raise BackupUnreadable(file=str(file), why=why)
        yield folder


def _unpack(file: Path, folder: Path) -> Said | None:
    """Write the members into a folder; says what is wrong with them, or nothing."""
    with tarfile.open(file, "r:") as tar:
        for name in MEMBERS:
            source = tar.extractfile(name)
            if source is None:
                return Said(f"{name} is no file", f"其中的 {name} 不是文件")
            with source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    if manifest["format"] != FORMAT:
        found = manifest["format"]
        return Said(
            f"its format is {found}, this version reads {FORMAT}",
            f"其格式为 {found}，本版本读取 {FORMAT}",
        )
    if manifest["sha256"] != _sha256(folder / "database.dump"):
        return Said("its database does not match its own digest", "数据库内容与摘要不符")
    return None


def ring_check(settings: "Settings", ring: Path, *, force: bool) -> None:
    """Refuse a back-up's key ring that is damaged, or that the one in place can't stand in for."""
    from weili.kit.secrets import KeyRing

    KeyRing.load(ring)
    there = settings.keyring_path
    if there.exists() and not force and not _ring_serves(there, ring):
        raise DatabaseNotEmpty(
            what=Said(
                f"the key ring {there}, which other worlds may need",
                f"密钥环 {there}（其他环境可能还要用）",
            )
        )


def ring_put(settings: "Settings", ring: Path) -> None:
    """Put the key ring in its place; another that was there is set aside, never lost."""
    from weili.kit.secrets import KeyRing

    there = settings.keyring_path
    if there.exists():
        if _ring_serves(there, ring):
            return
        number = 1
        while (aside := there.with_name(f"{there.name}.before-{number}")).exists():
            number += 1
        aside.hardlink_to(there)
    KeyRing.load(ring).replace(there)


def _ring_serves(there: Path, ring: Path) -> bool:
    """Say whether the ring in place opens all that a back-up's does: the same, or rotated since."""
    from weili.kit.secrets import KeyRing, KeyRingError

    try:
        return KeyRing.load(there).holds(KeyRing.load(ring))
    except KeyRingError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Keep the machine's user names out of the file."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = _plain(tarfile.TarInfo(name))
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
