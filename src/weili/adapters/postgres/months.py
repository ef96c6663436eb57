"""Old partitions written out into files, and read back.

A file is a zip of a table's rows as csv, and a manifest that says what they are. It is whole on the
disc before a row leaves the database, which happens in one transaction: whoever is killed between
the two has both, and does it again. The same rows make the same file to the byte.

Rows are deleted, and the partition is packed afterwards. Rejected: to truncate or detach it, which
is done at once, but for those too who read an older moment: a back-up that runs meanwhile would
have neither the rows nor what is left for them.
"""

import hashlib
import io
import json
import os
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from weili.adapters.postgres.databases import DatabaseError
from weili.kit.partitions import PARTITION_WORD, Cut, Partition
from weili.kit.problems import Kind, NotFound, Problem, Said
from weili.kit.zone import day_of

FORMAT: Final = 1
LOCK_TIMEOUT_MS: Final = 10_000
BLOCK: Final = 1 << 20
MANIFEST_BYTES_MAX: Final = 1 << 16
_MILLISECOND: Final = 1 << 80
"""By how much the ids of one differ from those of the next."""
_ROWS, _MANIFEST = "rows.csv", "manifest.json"
_WHOLE: Final = "month.zip"
"""The file before it has its own name."""
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
_PACKED: Final = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
"""How a member may be packed: others are unpacked by the whole, however large that is."""
_DAMAGED: Final = (
    *(EOFError, KeyError, OSError, OverflowError, RuntimeError, ValueError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.]{0,63}")
"""What the names in a manifest are of: they are shown to the reader."""
_COLUMNS: Final = (
    "SELECT attname, attnotnull AND NOT atthasdef FROM pg_attribute"
    " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)


class MonthFileThere(Problem):
    """Another file of that name is there and is not overwritten."""

    kind = Kind.CONFLICT
    code = "month_file_there"
    en = "{file} is there already and holds something else; name another file."
    zh = "{file} 已存在且内容不同；请换一个文件名。"


class MonthFileUnreadable(Problem):
    """The file is none that a month was written into, or not whole."""

    kind = Kind.INVALID
    code = "month_file_unreadable"
    en = "{file} is not a whole file made by `weili db take-out`: {why}."
    zh = "{file} 不是由 `weili db take-out` 生成的完整文件：{why}。"


class MonthFileDiffers(Problem):
    """The file is not what was taken out of this database."""

    kind = Kind.CONFLICT
    code = "month_file_differs"
    en = "{file} is not what was taken out of {partition}: {why}. Nothing was changed."
    zh = "{file} 与 {partition} 移出的内容不符：{why}。未作任何更改。"


class MonthOut(Problem):
    """The month was taken out before."""

    kind = Kind.CONFLICT
    code = "month_out"
    en = "{partition} was taken out already, on {out_at}."
    zh = "{partition} 已于 {out_at} 移出。"


class MonthIn(Problem):
    """The month is in the database: there is nothing to put back."""

    kind = Kind.CONFLICT
    code = "month_in"
    en = "{partition} was not taken out of this database; there is nothing to put back."
    zh = "{partition} 未从该数据库移出，无需放回。"


class MonthsBusy(Problem):
    """Somebody else takes out or puts back, or holds what has to be locked for it."""

    kind = Kind.BUSY
    code = "months_busy"
    en = "Others work on these partitions. Nothing was changed; do it again later."
    zh = "这些分区正被占用。未作任何更改；请稍后再试。"


class MonthUnpacked(Problem):
    """The month is out and its file whole, but somebody read the partition too long to pack it."""

    kind = Kind.BUSY
    code = "month_unpacked"
    en = (
        "{partition} is out and {file} is whole, but its room on the disc is not given back yet, "
        "since somebody reads it. Do this later: `weili db take-out {partition} {file}`"
    )
    zh = (
        "{partition} 已移出，{file} 完整；但该分区正被读取，磁盘空间尚未释放。"
        "请稍后执行：`weili db take-out {partition} {file}`"
    )


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file holds, and of which database it is."""

    world: str
    schema: str
    table: str
    partition: str
    columns: list[str]
    row_count: int
    sums: dict[str, int]
    sha256: str
    format: int = FORMAT


def take_out(
    url: str, *, cut: Cut, part: Partition, to: Path, now: datetime, about: Mapping[str, str]
) -> Manifest:
    """Write what goes of a partition into a file, and leave in its place what stays for it.

    ``about`` is the world and the schema's step, for the manifest. One that is out, in this very
    file, is packed once more.

    Raises: MonthOut; MonthFileThere; MonthFileUnreadable; MonthsBusy; MonthUnpacked; OSError;
    DatabaseError.
    """
    name = part.fullname
    with _owner(url) as connection:
        with connection.transaction():
            found = _locked(connection, part.parent, part.name)
            if found is None:
                manifest = _written(connection, cut, name, to, about)
                newest_at = _newest_at(connection, cut, name)
                if cut.leave:
                    last = UUID(int=UUID(part.bound).int - _MILLISECOND)
                    connection.execute(cut.leave.format(part=name, last=last).encode())
                connection.execute(f"DELETE FROM {name} AS r WHERE {cut.goes}".encode())  # noqa: S608 - ours
                out = manifest.row_count, manifest.sha256, now, newest_at
                _note(connection, part.parent, part.name, out)
            else:
                manifest = _known(to, part, found)
        try:
            # Locks out readers of this partition alone, and keeps what older snapshots still see.
            connection.execute(f"VACUUM (FULL, ANALYZE) {name}".encode())
        except psycopg.errors.LockNotAvailable as error:
            raise MonthUnpacked(partition=name, file=str(to)) from error
    return manifest


def _known(file: Path, part: Partition, found: tuple[int, str, datetime]) -> Manifest:
    """Read the manifest of a file that a partition was taken out into.

    Raises: MonthOut when it is another file, or none; MonthFileUnreadable.
    """
    row_count, sha256, out_at = found
    if file.exists():
        with _opened(file) as (_, manifest):
            known = (manifest.table, manifest.partition, manifest.row_count, manifest.sha256)
        if known == (part.parent, part.name, row_count, sha256):
            return manifest
    raise MonthOut(partition=part.fullname, out_at=day_of(out_at).isoformat())


def put_back(url: str, *, cuts: Mapping[str, Cut], source: Path) -> Manifest:
    """Read a partition back from the file that it was written into.

    Columns that have come since are empty, or what they are without being said.

    Raises: MonthFileUnreadable; MonthFileDiffers; MonthIn; MonthsBusy; NotFound; DatabaseError.
    """
    with _opened(source) as (archive, manifest), _owner(url) as connection:
        if manifest.table not in cuts:
            raise NotFound(what=PARTITION_WORD, id=f"{manifest.table}_{manifest.partition}")
        cut, name = cuts[manifest.table], f"{manifest.table}_{manifest.partition}"
        with connection.transaction():
            found = _locked(connection, manifest.table, manifest.partition)
            if found is None:
                raise MonthIn(partition=name)
            if found[:2] != (manifest.row_count, manifest.sha256):
                why = Said("the rows are others than those that went", "其中的行并非移出的行")
                raise MonthFileDiffers(file=str(source), partition=name, why=why)
            if not _fits(manifest, _columns(connection, name)):
                why = Said(
                    f"its columns are those of step {manifest.schema}",
                    f"其列属于数据库版本 {manifest.schema}",
                )
                raise MonthFileDiffers(file=str(source), partition=name, why=why)
            before = _figures(connection, cut, name)
            connection.execute(f"DELETE FROM {name} WHERE {cut.left}".encode())  # noqa: S608 - ours
            _read(connection, archive, name, manifest.columns)
            after = _figures(connection, cut, name)
            if [b - a for a, b in zip(before, after, strict=True)] != [
                manifest.row_count,
                *manifest.sums.values(),
            ]:
                why = Said("its manifest has other sums", "其清单中的合计不符")
                raise MonthFileDiffers(file=str(source), partition=name, why=why)
            _note(connection, manifest.table, manifest.partition, (None,) * 4)
        # The rows are in; if another vacuums just now, the server's own comes by later.
        with suppress(psycopg.errors.LockNotAvailable):
            connection.execute(f"ANALYZE {name}".encode())
    return manifest


def _written(
    connection: psycopg.Connection[Any], cut: Cut, name: str, to: Path, about: Mapping[str, str]
) -> Manifest:
    """Write the file under another name, and give it its own when it is whole on the disc.

    It is read back before that, since it is about to be the only copy.
    """
    row_count, *sums = _figures(connection, cut, name)
    digest = hashlib.sha256()
    prefix = f"weili-{about['world']}-{name}-"
    _leftovers_clear(to.absolute().parent, prefix)
    with tempfile.TemporaryDirectory(
        prefix=prefix, dir=to.absolute().parent, ignore_cleanup_errors=True
    ) as folder:
        whole = Path(folder) / _WHOLE
        handle = os.open(whole, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w+b") as stream:
            with zipfile.ZipFile(stream, "w") as archive:
                rows = _member(_ROWS)
                statement = (
                    f"COPY (SELECT * FROM {name} AS r WHERE {cut.goes} ORDER BY {cut.order})"  # noqa: S608 - ours
                    " TO STDOUT (FORMAT csv, HEADER)"
                )
                with (
                    archive.open(rows, "w", force_zip64=True) as target,
                    connection.cursor().copy(statement.encode()) as sheet,
                ):
                    for block in sheet:
                        digest.update(block)
                        target.write(block)
                manifest = Manifest(
                    world=about["world"],
                    schema=about["schema"],
                    table=cut.table,
                    partition=name.removeprefix(f"{cut.table}_"),
                    columns=list(_columns(connection, name)),
                    row_count=row_count,
                    sums=dict(zip(cut.sums, sums, strict=True)),
                    sha256=digest.hexdigest(),
                )
                archive.writestr(_member(_MANIFEST), json.dumps(asdict(manifest), indent=2))
            stream.flush()
            os.fsync(handle)
        with _opened(whole) as (_, back):
            if back != manifest:
                why = Said("it reads back otherwise than it was written", "读回的内容与写入的不同")
                raise MonthFileUnreadable(file=str(to), why=why)
        _name_give(whole, to)
    return manifest


def _leftovers_clear(folder: Path, prefix: str) -> None:
    """Delete what was left of a file by who was killed while writing it.

    The caller has locked others out, so nobody is writing one of this world and partition. Nothing
    but a file of ours goes: a folder that holds more stays.
    """
    for old in folder.glob(f"{prefix}*"):
        if old.is_dir() and not old.is_symlink():
            with suppress(OSError):
                (old / _WHOLE).unlink(missing_ok=True)
                old.rmdir()


def _name_give(whole: Path, to: Path) -> None:
    """Give a file its name for good, unless another one has it.

    The same file may be there: of who was killed before the rows left the database.
    """
    try:
        # A link, unlike a rename, never takes the place of a file that came meanwhile.
        to.hardlink_to(whole)
    except FileExistsError:
        if _digest(to) != _digest(whole):
            raise MonthFileThere(file=str(to)) from None
    folder = os.open(to.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class _Blocks(io.BufferedReader):
    """A file that is read by blocks, whatever length its own directory claims to have."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(BLOCK if size is None or size < 0 else min(size, BLOCK))


@contextmanager
def _opened(source: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Open a file for the block, and see that its rows are those that its manifest speaks of.

    It may be anybody's: of what it claims nothing is believed, and no more than blocks of it are
    held at once.
    """
    with _Blocks(io.FileIO(source)) as stream:
        try:
            archive = zipfile.ZipFile(stream)
            found = _manifest(archive)
            if isinstance(found, Manifest):
                found = _wrong(archive, found) or found
        except _DAMAGED as error:
            found = Said(str(error) or type(error).__name__, "内容不完整或无法读取")
        if isinstance(found, Said):
            raise MonthFileUnreadable(file=str(source), why=found)
        try:
            yield archive, found
        except (zipfile.BadZipFile, zlib.error) as error:  # It was changed under our hands.
            why = Said(str(error), "内容不完整或无法读取")
            raise MonthFileUnreadable(file=str(source), why=why) from error


def _manifest(archive: zipfile.ZipFile) -> Manifest | Said:
    """Read the manifest, or say what is wrong with it or with what else the file holds."""
    members = archive.infolist()
    if sorted(member.filename for member in members) != [_MANIFEST, _ROWS]:
        return Said(f"it holds other files than {_ROWS} and {_MANIFEST}", "其中含有其他文件")
    if not {member.compress_type for member in members} <= _PACKED:
        return Said("its files are packed in another way", "其中文件的压缩方式不符")
    with archive.open(_MANIFEST) as member:
        text = member.read(MANIFEST_BYTES_MAX + 1)
    if len(text) > MANIFEST_BYTES_MAX:
        return Said("its manifest is too large", "清单过大")
    match json.loads(text):
        case {"format": int() as form} if form != FORMAT:
            return Said(f"its format is {form}", f"其格式为 {form}")
        case {
            "format": int(),
            "world": str() as world,
            "schema": str() as schema,
            "table": str() as table,
            "partition": str() as name,
            "columns": [*columns],
            "row_count": int() as row_count,
            "sums": dict() as sums,
            "sha256": str() as sha256,
            **rest,
        } if not rest:
            plain = world, schema, table, name, *columns, *sums
            if all(isinstance(each, str) and _PLAIN.fullmatch(each) for each in plain) and all(
                isinstance(each, int) for each in sums.values()
            ):
                return Manifest(world, schema, table, name, columns, row_count, sums, sha256)
    return Said("its manifest is not of the right kind", "清单的类型不符")


def _wrong(archive: zipfile.ZipFile, manifest: Manifest) -> Said | None:
    """Say what is wrong with a file's rows by themselves, if anything."""
    with archive.open(_ROWS) as rows:
        if hashlib.file_digest(rows, "sha256").hexdigest() != manifest.sha256:  # type: ignore[arg-type]
            return Said("its rows do not match their own digest", "行内容与摘要不符")
    head = f"{','.join(manifest.columns)}\n".encode()
    with archive.open(_ROWS) as rows:
        if rows.readline(len(head) + 1) != head:
            return Said("its rows have other columns than its manifest", "行的列与清单不符")
    return None


def _fits(manifest: Manifest, there: Mapping[str, bool]) -> bool:
    """Say whether a table has each column of a file, and needs none that the file lacks."""
    needed = {column for column, is_needed in there.items() if is_needed}
    return needed <= set(manifest.columns) <= set(there)


def _read(
    connection: psycopg.Connection[Any],
    archive: zipfile.ZipFile,
    name: str,
    columns: Sequence[str],
) -> None:
    statement = f"COPY {name} ({', '.join(columns)}) FROM STDIN (FORMAT csv, HEADER MATCH)"
    with archive.open(_ROWS) as rows, connection.cursor().copy(statement.encode()) as sheet:
        while block := rows.read(BLOCK):
            sheet.write(block)


@contextmanager
def _owner(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect as the owner; what is written out looks the same whatever the server's settings.

    A transaction works on one snapshot, so what goes is what was written out, whoever writes or
    acknowledges meanwhile.

    Raises: MonthsBusy; DatabaseError.
    """
    options = f"-c timezone=UTC -c datestyle=ISO -c lock_timeout={LOCK_TIMEOUT_MS}"
    try:
        with psycopg.connect(make_conninfo(url, options=options), autocommit=True) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield connection
    except psycopg.errors.LockNotAvailable as error:
        raise MonthsBusy from error
    except psycopg.Error as error:
        raise DatabaseError(f"The database did not do it: {error}") from error


def _locked(
    connection: psycopg.Connection[Any], table: str, name: str
) -> tuple[int, str, datetime] | None:
    """Keep others from doing the same; gives what was taken out of a partition, if it was.

    Raises: NotFound.
    """
    connection.execute("LOCK TABLE kit.partition IN SHARE ROW EXCLUSIVE MODE")
    row = connection.execute(
        "SELECT row_count, sha256, out_at FROM kit.partition WHERE parent = %s AND name = %s",
        [table, name],
    ).fetchone()
    if row is None:
        raise NotFound(what=PARTITION_WORD, id=f"{table}_{name}")
    return None if row[2] is None else row


def _note(
    connection: psycopg.Connection[Any],
    table: str,
    name: str,
    out: Sequence[object],
) -> None:
    connection.execute(
        "UPDATE kit.partition SET row_count = %s, sha256 = %s, out_at = %s, newest_at = %s"
        " WHERE parent = %s AND name = %s",
        [*out, table, name],
    )


def _figures(connection: psycopg.Connection[Any], cut: Cut, name: str) -> list[int]:
    """Count what goes, or has come back, and sum what is summed of it."""
    sums = "".join(f", coalesce(sum({column}), 0)::bigint" for column in cut.sums)
    statement = f"SELECT count(*){sums} FROM {name} AS r WHERE {cut.goes}"  # noqa: S608 - ours
    return list(connection.execute(statement.encode()).fetchone() or ())


def _newest_at(connection: psycopg.Connection[Any], cut: Cut, name: str) -> datetime | None:
    statement = f"SELECT max(occurred_at) FROM {name} AS r WHERE {cut.goes}"  # noqa: S608 - ours
    [newest_at] = connection.execute(statement.encode()).fetchone() or (None,)
    return newest_at


def _columns(connection: psycopg.Connection[Any], name: str) -> dict[str, bool]:
    """Read a table's columns in order, and of each whether a row can't do without saying it."""
    return dict(connection.execute(_COLUMNS, [name]).fetchall())


def _member(name: str) -> zipfile.ZipInfo:
    """Describe a member without the moment it was written at."""
    member = zipfile.ZipInfo(name, _LONG_AGO)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
