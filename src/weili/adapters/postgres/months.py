"""Old partitions written out into files, and read back.

A file is a zip of a table's rows as csv, and a manifest that says what they are. It is whole on the
disc before a row leaves the database, which happens in one transaction: whoever is killed between
the two has both, and does it again. The same rows make the same file to the byte.

Rows are deleted, and the partition is packed afterwards. Rejected: to truncate or detach it, which
is done at once, but for those too who read an older moment: a back-up that runs meanwhile would
have neither the rows nor what is left for them.
"""

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from weili.kit.partitions import PARTITION_WORD, Cut, Partition
from weili.kit.problems import Kind, NotFound, Problem, Said
from weili.kit.zone import day_of

FORMAT: Final = 1
LOCK_TIMEOUT_MS: Final = 10_000
BLOCK: Final = 1 << 20
_MILLISECOND: Final = 1 << 80
"""By how much the ids of one differ from those of the next."""
_ROWS, _MANIFEST = "rows.csv", "manifest.json"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
_DAMAGED: Final = (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)
_COLUMNS: Final = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    " AND NOT attisdropped ORDER BY attnum"
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

    ``about`` is the world and the schema's step, for the manifest.

    Raises: MonthOut; MonthFileThere; OSError.
    """
    name = part.fullname
    with _owner(url) as connection:
        with connection.transaction():
            found = _locked(connection, part.parent, part.name)
            if found is not None:
                raise MonthOut(partition=name, out_at=day_of(found[2]).isoformat())
            manifest = _written(connection, cut, name, to, about)
            newest_at = _newest_at(connection, cut, name)
            if cut.leave:
                last = UUID(int=UUID(part.bound).int - _MILLISECOND)
                connection.execute(cut.leave.format(part=name, last=last).encode())
            connection.execute(f"DELETE FROM {name} AS r WHERE {cut.goes}".encode())  # noqa: S608 - ours
            out = manifest.row_count, manifest.sha256, now, newest_at
            _note(connection, part.parent, part.name, out)
        # Locks out readers of this old partition alone, and keeps what older snapshots still see.
        connection.execute(f"VACUUM (FULL, ANALYZE) {name}".encode())
    return manifest


def put_back(url: str, *, cuts: Mapping[str, Cut], source: Path) -> Manifest:
    """Read a partition back from the file that it was written into.

    Raises: MonthFileUnreadable; MonthFileDiffers; MonthIn; NotFound.
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
            if manifest.columns != _columns(connection, name):
                why = Said(
                    f"its columns are those of step {manifest.schema}",
                    f"其列属于数据库版本 {manifest.schema}",
                )
                raise MonthFileDiffers(file=str(source), partition=name, why=why)
            before = _figures(connection, cut, name)
            connection.execute(f"DELETE FROM {name} WHERE {cut.left}".encode())  # noqa: S608 - ours
            _read(connection, archive, name)
            after = _figures(connection, cut, name)
            if [b - a for a, b in zip(before, after, strict=True)] != [
                manifest.row_count,
                *manifest.sums.values(),
            ]:
                why = Said("its manifest has other sums", "其清单中的合计不符")
                raise MonthFileDiffers(file=str(source), partition=name, why=why)
            _note(connection, manifest.table, manifest.partition, (None,) * 4)
        connection.execute(f"ANALYZE {name}".encode())
    return manifest


def _written(
    connection: psycopg.Connection[Any], cut: Cut, name: str, to: Path, about: Mapping[str, str]
) -> Manifest:
    """Write the file under another name, and give it its own when it is whole on the disc."""
    row_count, *sums = _figures(connection, cut, name)
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(dir=to.absolute().parent) as folder:
        whole = Path(folder) / "month.zip"
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
                    columns=_columns(connection, name),
                    row_count=row_count,
                    sums=dict(zip(cut.sums, sums, strict=True)),
                    sha256=digest.hexdigest(),
                )
                archive.writestr(_member(_MANIFEST), json.dumps(asdict(manifest), indent=2))
            stream.flush()
            os.fsync(handle)
        _name_give(whole, to)
    return manifest


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


@contextmanager
def _opened(source: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Open a file for the block, and see that its rows are those that its manifest speaks of."""
    try:
        with zipfile.ZipFile(source) as archive:
            why: Said | None = None
            try:
                manifest = Manifest(**json.loads(archive.read(_MANIFEST)))
                with archive.open(_ROWS) as rows:
                    if hashlib.file_digest(rows, "sha256").hexdigest() != manifest.sha256:  # type: ignore[arg-type]
                        why = Said("its rows do not match their own digest", "行内容与摘要不符")
                if manifest.format != FORMAT:
                    why = Said(f"its format is {manifest.format}", f"其格式为 {manifest.format}")
            except _DAMAGED as error:
                why = Said(str(error) or type(error).__name__, "内容不完整或无法读取")
            if why is not None:
                raise MonthFileUnreadable(file=str(source), why=why)
            yield archive, manifest
    except zipfile.BadZipFile as error:
        why = Said(str(error), "内容不完整或无法读取")
        raise MonthFileUnreadable(file=str(source), why=why) from error


def _read(connection: psycopg.Connection[Any], archive: zipfile.ZipFile, name: str) -> None:
    statement = f"COPY {name} FROM STDIN (FORMAT csv, HEADER MATCH)"
    with archive.open(_ROWS) as rows, connection.cursor().copy(statement.encode()) as sheet:
        while block := rows.read(BLOCK):
            sheet.write(block)


@contextmanager
def _owner(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect as the owner; what is written out looks the same whatever the server's settings.

    A transaction works on one snapshot, so what goes is what was written out, whoever writes or
    acknowledges meanwhile.
    """
    options = f"-c timezone=UTC -c datestyle=ISO -c lock_timeout={LOCK_TIMEOUT_MS}"
    with psycopg.connect(make_conninfo(url, options=options), autocommit=True) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


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


def _columns(connection: psycopg.Connection[Any], name: str) -> list[str]:
    return [column for (column,) in connection.execute(_COLUMNS, [name])]


def _member(name: str) -> zipfile.ZipInfo:
    """Describe a member without the moment it was written at."""
    member = zipfile.ZipInfo(name, _LONG_AGO)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
