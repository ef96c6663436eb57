"""The threads that ask suppliers: a bounded number, of which sick suppliers get only a part."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from weili.modules import dropship

CALLERS: Final = 24
SUSPECT_CALLERS: Final = 8
"""Callers that may wait for suppliers who gave no answer the last time."""

_log = structlog.get_logger(__name__)


class Callers:
    """Has suppliers' turns done side by side.

    The threads begin when they are first needed. Whoever gives them turns asks before how many
    are free, so that a turn which is claimed begins at once.
    """

    def __init__(self, world: str) -> None:
        self._world = world
        self._pool = ThreadPoolExecutor(CALLERS, thread_name_prefix=f"caller {world}")
        self._state = threading.Condition()
        self._busy = 0
        self._suspects = 0
        self._ended = 0

    def start(self) -> None:
        """Nothing to begin: there is no turn yet."""

    @property
    def free(self) -> int:
        """Tell how many turns may begin now."""
        with self._state:
            return CALLERS - self._busy

    @property
    def suspects_free(self) -> int:
        """Tell how many of them may be turns of suppliers that gave no answer."""
        with self._state:
            return SUSPECT_CALLERS - self._suspects

    @property
    def ended(self) -> int:
        """Count the turns that have ended."""
        with self._state:
            return self._ended

    def run(self, turn: dropship.Turn, serve: Callable[[], None]) -> None:
        """Have a turn done."""
        with self._state:
            self._busy += 1
            self._suspects += turn.is_suspect
        self._pool.submit(self._serve, turn, serve)

    def wait(self, ended: int, timeout_s: float) -> bool:
        """Wait until more turns have ended than so many, but not if none is under way.

        Says whether there was one to wait for.
        """
        with self._state:
            if not self._busy and self._ended == ended:
                return False
            self._state.wait_for(lambda: self._ended > ended, timeout_s)
            return True

    def stop(self) -> None:
        """Let the turns that are under way be the last; returns at once."""

    def join(self, timeout_s: float) -> bool:
        """Wait for the turns under way; says whether they have ended."""
        with self._state:
            is_over = self._state.wait_for(lambda: not self._busy, timeout_s)
        self._pool.shutdown(wait=is_over, cancel_futures=True)
        return is_over

    def _serve(self, turn: dropship.Turn, serve: Callable[[], None]) -> None:
        structlog.contextvars.bind_contextvars(world=self._world, loop="caller")
        try:
            serve()
        except Exception:  # noqa: BLE001 - logged; the work is still there
            # What was not noted is asked again when the claim is over.
            _log.exception("turn_failed")
        finally:
            with self._state:
                self._busy -= 1
                self._suspects -= turn.is_suspect
                self._ended += 1
                self._state.notify_all()
