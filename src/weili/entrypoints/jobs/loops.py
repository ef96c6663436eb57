"""A loop in a thread of its own, which goes on whatever a round of it meets."""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from weili.kit.problems import ANSWERS, Problem

BACKOFF_S_MAX: Final = 10.0

_log = structlog.get_logger(__name__)


class Loop:
    """Repeats ``step`` until it is stopped.

    A step says whether there is more to do at once; otherwise the loop rests for ``rest_s``. A
    step that fails is logged and tried again, more slowly each time: its work lies in the
    database and is still there.
    """

    def __init__(self, name: str, step: Callable[[], bool], *, world: str, rest_s: float) -> None:
        self._name = name
        self._step = step
        self._world = world
        self._rest_s = rest_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{name} {world}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let the step that is under way be the last; returns at once."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the last step; says whether it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        structlog.contextvars.bind_contextvars(world=self._world, loop=self._name)
        failures = 0
        while not self._stopping.is_set():
            try:
                has_more = self._step()
            except Exception as error:  # noqa: BLE001 - logged; the work is still there
                failures += 1
                rest_s = min(self._rest_s * 2**failures, BACKOFF_S_MAX)
                _report(error, rest_s)
                self._stopping.wait(rest_s)
            else:
                failures = 0
                if not has_more:
                    self._stopping.wait(self._rest_s)


def _report(error: Exception, rest_s: float) -> None:
    """Log a problem that passes by itself in a line, anything else with where it happened."""
    if isinstance(error, Problem) and ANSWERS[error.kind].job_retries:
        _log.warning("loop_waits", problem=error.code, rest_s=rest_s)
    else:
        _log.error("loop_failed", rest_s=rest_s, exc_info=error)
