"""Tell our server processes from everybody else's; a pid is a number, not an identity.

A process is ours when it is named postgres, its working directory is our data folder and its
executable is ours, all compared by device and inode, so that a moved checkout or an upgraded
environment is still recognised. Nothing else is ever signalled.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from weili.adapters.postgres.places import TOOL_TIMEOUT_S, Place, environment, write


@dataclass(frozen=True)
class Process:
    """A process at one moment; pid and start together never come back within one boot."""

    pid: int
    started_ticks: int
    state: str
    name: str

    @property
    def is_postmaster(self) -> bool:
        """Say whether the process is a postmaster; its children retitle themselves."""
        with suppress(OSError):
            return not Path(f"/proc/{self.pid}/cmdline").read_bytes().startswith(b"postgres: ")
        return False

    @property
    def is_alive(self) -> bool:
        """Say whether this very process still runs."""
        now = find(self.pid)
        return now is not None and now.started_ticks == self.started_ticks

    @property
    def is_stopped(self) -> bool:
        """Say whether somebody halted it, so that it can't answer."""
        return self.state == "T"

    @property
    def started_epoch_s(self) -> int:
        """The start in seconds of the calendar, as the kernel sees it now."""
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith("btime "):
                return int(line.split()[1]) + self.started_ticks // os.sysconf("SC_CLK_TCK")
        return 0

    def send(self, *numbers: signal.Signals) -> None:
        """Signal this very process, or nobody."""
        for number in numbers:
            if self.is_alive:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)


def find(pid: int) -> Process | None:
    """Read a process; a zombie is dead, whether or not its parent has noticed."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] in "ZXx":
        return None
    return Process(pid, int(fields[19]), fields[0], name)


def ours(place: Place, pids: Iterable[int]) -> list[Process]:
    """Pick the processes proven to be servers on our data folder."""
    named = [found for pid in pids if (found := find(pid)) and found.name == "postgres"]
    if not named:
        return []
    record = record_read(place)
    executables = {_inode(place.postgres), str(record.get("executable", ""))}
    paths = [f"/proc/{found.pid}/{link}" for found in named for link in ("cwd", "exe")]
    inodes = _inodes(place, paths)
    data = _inode(place.data)
    return [
        found
        for found in named
        if inodes.get(f"/proc/{found.pid}/cwd") == data
        and inodes.get(f"/proc/{found.pid}/exe") in executables
        and found.is_alive
    ]


def _inode(path: str | Path) -> str:
    at = Path(path).stat()
    return f"{at.st_dev}:{at.st_ino}"


def _inodes(place: Place, paths: Iterable[str]) -> dict[str, str]:
    """Identify files by device and inode; what is gone or not ours to see is left out."""
    found: dict[str, str] = {}
    closed: list[str] = []
    for path in paths:
        try:
            found[path] = _inode(path)
        except PermissionError:
            closed.append(path)
        except OSError:
            continue
    if closed and place.identity:
        # Root in a container lacks the capability to look into the processes of other users, so
        # the server's own user looks for us.
        seen = subprocess.run(
            ["/usr/bin/stat", "-L", "-c", "%n %d:%i", *closed],
            capture_output=True,
            text=True,
            cwd="/",
            env=environment(),
            timeout=TOOL_TIMEOUT_S,
            check=False,
            **place.identity,
        )
        found |= dict(line.split() for line in seen.stdout.splitlines())
    return found


def ours_everywhere(place: Place) -> list[Process]:
    """Pick the processes proven to be servers on our data folder, of all there are."""
    return ours(place, [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()])


def record_read(place: Place) -> dict[str, object]:
    """Read what we noted about the last server of this boot."""
    with suppress(OSError, ValueError):
        record = json.loads(place.record.read_text())
        if isinstance(record, dict) and record.get("boot") == _boot():
            return record
    return {}


def is_recorded(place: Place, process: Process) -> bool:
    """Say whether this very process, by its start and not by its number alone, is the noted one."""
    record = record_read(place)
    known = (record.get("pid"), record.get("started_ticks"))
    return known == (process.pid, process.started_ticks)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def record_write(place: Place, process: Process) -> None:
    """Note which process serves, for the next one who asks."""
    note = {
        "pid": process.pid,
        "started_ticks": process.started_ticks,
        "boot": _boot(),
        "executable": _inodes(place, [f"/proc/{process.pid}/exe"]).get(
            f"/proc/{process.pid}/exe", ""
        ),
        "data_directory": str(place.data),
    }
    write(place.record, json.dumps(note) + "\n")
