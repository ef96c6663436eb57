"""Processes that work at the far ends of lanes: what is lost is started anew, within a bound.

Only what is lost: the process that holds the near ends goes on, and so do the other far ends. It is
no second supervisor, since it knows nothing of waiting longer each time: what does not stay up for
more than moments is given up, and then whoever keeps the whole running decides.
"""

import logging
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

LOSSES_MAX: Final = 5
LOSSES_WITHIN_S: Final = 60
"""A process that is lost so often within this time is not started anew."""
ENDING_S: Final = 1.0
"""How long a process that has let go of its link may take to say why, and to end."""
DRAIN_S: Final = 10
"""How long a process may take to finish what it was given."""

_log = logging.getLogger(__name__)


class FarEnd:
    """A process at the far end of a lane, and each that takes its place.

    ``words`` are its command, which the number of its link's descriptor is added to. ``give_up`` is
    called when too many are lost.
    """

    def __init__(self, words: Sequence[str], *, name: str, give_up: Callable[[], None]) -> None:
        self.name = name
        self._words = words
        self._give_up = give_up
        self._losses: deque[float] = deque(maxlen=LOSSES_MAX)
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None

    def start(self) -> socket.socket:
        """Start the process; gives our end of its link."""
        self._link, theirs = socket.socketpair()
        with theirs:
            words = [*self._words, str(theirs.fileno())]
            self._process = subprocess.Popen(words, pass_fds=[theirs.fileno()])
        return self._link

    def anew(self) -> socket.socket | None:
        """Start another in the place of one that is lost; None when it is given up.

        It returns when the lost one has ended for certain, so it may take a moment.
        """
        code = self._ended(ENDING_S)
        self._losses.append(monotonic())
        if len(self._losses) == LOSSES_MAX and self._losses[-1] - self._losses[0] < LOSSES_WITHIN_S:
            _log.error(
                "%s was lost (exit code %s), the last of %d within %d s; it is given up",
                *(self.name, code, LOSSES_MAX, LOSSES_WITHIN_S),
            )
            self._give_up()
            return None
        _log.error("%s was lost (exit code %s); it is started anew", self.name, code)
        try:
            return self.start()
        except OSError:
            _log.exception("%s can't be started anew; it is given up", self.name)
            self._give_up()
            return None

    def end(self) -> None:
        """Close the link and let the process finish what it has; end it if that takes long."""
        if self._link is not None:
            self._link.close()
        self._ended(DRAIN_S)

    def _ended(self, patience_s: float) -> int | None:
        """Wait for the end of the process, then make it end; gives its exit code."""
        if self._process is None:
            return None
        try:
            return self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
