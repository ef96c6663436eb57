"""The processes that ``weili up`` keeps alive."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

BACKOFF_S: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
DEATHS_MAX: Final = 10
"""Deaths in a row after which it is no accident; one that lived a minute begins at none again."""
LIVED_S: Final = 60.0
LOG_BYTES_MAX: Final = 20 * 1024 * 1024
STOP_S: Final = 25.0
KILL_S: Final = 5.0


class Child:
    """A process that is started again when it dies, more slowly each time."""

    def __init__(
        self,
        name: str,
        words: Sequence[str],
        *,
        log: Path,
        environ: Mapping[str, str],
        descriptors: Sequence[int],
    ) -> None:
        self.name = name
        self.log = log
        self._words = words
        self._environ = dict(environ)
        self._descriptors = tuple(descriptors)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._start_at = 0.0
        self.deaths = 0

    @property
    def pid(self) -> int | None:
        """The process's number while it runs."""
        return self._process.pid if self._process else None

    @property
    def is_hopeless(self) -> bool:
        """Say whether starting it again has been tried often enough."""
        return self.deaths >= DEATHS_MAX

    def look(self, died: Callable[["Child", int, float], None]) -> None:
        """Start it when it is due; when it has died, say so with its exit code and our wait."""
        now = time.monotonic()
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._process = None
            self.deaths = 1 if now - self._started > LIVED_S else self.deaths + 1
            rest_s = BACKOFF_S[min(self.deaths - 1, len(BACKOFF_S) - 1)]
            self._start_at = now + rest_s
            died(self, code, rest_s)
        if now >= self._start_at and not self.is_hopeless:
            self._start(now)

    def _start(self, now: float) -> None:
        bound_log(self.log)
        with self.log.open("ab") as log:
            # A session of its own: the terminal's Ctrl-C reaches the supervisor alone, which
            # then ends its children in order.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "weili.entrypoints.cli", *self._words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environ,
                pass_fds=self._descriptors,
                start_new_session=True,
            )
        self._started = now

    def tail(self, lines: int = 3) -> str:
        """Give the last words of its log."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 4096))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        return ""

    def terminate(self) -> None:
        """Ask it to finish what it does and end."""
        if self._process is not None:
            self._process.terminate()

    def end(self, deadline: float) -> bool:
        """Wait for its end, then make it end; says whether it went by itself."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(KILL_S)
            return False
        return True


def bound_log(path: Path) -> None:
    """Keep one old log; whoever writes appends, so cutting the file under it is safe."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES_MAX:
            path.with_suffix(".log.1").write_bytes(path.read_bytes()[-LOG_BYTES_MAX:])
            os.truncate(path, 0)
