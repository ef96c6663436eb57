"""Data of embedded servers whose homes are gone: found, and deleted where somebody says so.

Only for root does data lie elsewhere than in its home, so only there does it outlive it. A home
that is not found may also have been moved and not started since, or lie on a disc that is not
mounted, or in another container: so nothing is ever deleted unasked, and only what is named.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from weili.adapters.postgres import places
from weili.adapters.postgres.places import EmbeddedPostgresError, Place

_NOTE: Final = ".home"


@dataclass(frozen=True, slots=True)
class Leftover:
    """The data of a home that is not where it was when its server last started."""

    id: str
    home: Path
    size_bytes: int
    used_at: datetime
    is_running: bool


def leftovers() -> list[Leftover]:
    """Find what homes that are gone have left, the largest first; changes nothing."""
    found = []
    for note in places.SYSTEM_ROOT.glob(f"*{_NOTE}"):
        identity = note.name.removesuffix(_NOTE)
        if places.is_id(identity) and (home := _home_gone(note, identity)) is not None:
            paths = _paths(identity)
            found.append(
                Leftover(
                    identity,
                    home,
                    sum(map(_size_bytes, paths)),
                    _used_at(note, identity),
                    _is_running(identity),
                )
            )
    return sorted(found, key=lambda each: (-each.size_bytes, each.id))


def leftover_remove(identity: str) -> None:
    """Delete what a home that is gone has left, for good.

    Raises: EmbeddedPostgresError, when the home is there again, or a server uses the data.
    """
    data = _data(identity)
    note = data.with_name(identity + _NOTE)
    busy = f"A server still runs on {data}. Stop it first."
    with places.locked(_running(identity), timeout_s=0, busy=busy):
        if _home_gone(note, identity) is None:
            message = f"The home of {data} is there again, or its note is gone."
            raise EmbeddedPostgresError(message)
        if data.exists():
            at = data.stat()
            sockets = Place(data, data, data, at.st_uid, at.st_gid).sockets
            shutil.rmtree(sockets, ignore_errors=True)
            # A home that comes back must find all of it or nothing.
            data.rename(data.with_name(f"{identity}.removing"))
        for path in _paths(identity):
            places.delete(path)
        # Last, so that what a power cut leaves is found again.
        note.unlink()


def _home_gone(note: Path, identity: str) -> Path | None:
    """Give where a home was, if it is no longer there; who can't look does not know."""
    try:
        home = Path(note.read_text().strip("\n"))
    except OSError:
        return None
    try:
        is_there = (home / "id").read_text().strip() == identity
    except (FileNotFoundError, NotADirectoryError):
        is_there = False
    except OSError:
        is_there = True
    return None if is_there else home


def _data(identity: str) -> Path:
    return places.SYSTEM_ROOT / identity


def _running(identity: str) -> Path:
    return places.SYSTEM_ROOT / f"{identity}.running"


def _paths(identity: str) -> list[Path]:
    """Give all that belongs to an id, but the note of its home."""
    beside = places.SYSTEM_ROOT.glob(f"{identity}.*")
    data = _data(identity)
    return [path for path in (data, *beside) if path.exists() and path.suffix != _NOTE]


def _size_bytes(path: Path) -> int:
    if not path.is_dir():
        return path.lstat().st_size
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            # A server that runs takes files away meanwhile.
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - of thousands of files
    return total


def _used_at(note: Path, identity: str) -> datetime:
    """Say when a server last wrote its control file, which it does at each stop."""
    control = _data(identity) / "global" / "pg_control"
    at = (control if control.exists() else note).stat().st_mtime
    return datetime.fromtimestamp(at, UTC)


def _is_running(identity: str) -> bool:
    """Say whether a process holds the lock that every process of a server inherits."""
    if not _running(identity).exists():
        return False
    try:
        with places.locked(_running(identity), timeout_s=0):
            return False
    except EmbeddedPostgresError:
        return True
