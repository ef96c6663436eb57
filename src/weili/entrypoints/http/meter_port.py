"""The port that a process shows its figures at: few readers at once, each for a short time.

Whoever reaches it may read it, so it must not be a way to hold up the process that it tells of:
a reader has a thread and a connection, and keeps them no longer than it takes to read.
"""

import socket
import threading
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

Request = socket.socket | tuple[bytes, socket.socket]
"""A connection, as `socketserver` hands it on."""
READERS_MAX: Final = 8
"""Readers at once; whoever comes beside them is turned away."""
READER_S: Final = 10.0
"""How long one may take from its connecting on, whether it says nothing or reads nothing."""


class MeterServer(ThreadingMixIn, WSGIServer):
    """Shows a registry, as Prometheus reads it, while ``serve_forever`` runs."""

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        registry: CollectorRegistry,
        *,
        readers: int = READERS_MAX,
        reader_s: float = READER_S,
    ) -> None:
        """Take the port.

        Raises: OSError when it is taken, or may not be taken.
        """
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._room = threading.BoundedSemaphore(readers)
        self._reader_s = reader_s
        super().__init__(address, _Reader)
        self.set_app(make_wsgi_app(registry))

    def process_request(self, request: Request, client_address: object) -> None:
        """Give a reader its thread, if there is room."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # The machine has no thread left.
            self._room.release()
            raise

    def process_request_thread(self, request: Request, client_address: object) -> None:
        """Answer a reader, and cut it off when its time is over."""
        # Not a timeout of the socket, which one who sends a letter now and then never meets.
        cut = threading.Timer(self._reader_s, _cut, [request])
        cut.daemon = True
        try:
            cut.start()
            super().process_request_thread(request, client_address)
        except RuntimeError:  # No thread is left that could cut it off.
            self.shutdown_request(request)
        finally:
            cut.cancel()
            self._room.release()

    def handle_error(self, request: Request, client_address: object) -> None:
        """Say nothing of a reader that went away, or was cut off."""


class _Reader(WSGIRequestHandler):
    """A reader, of whom nothing is logged."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _cut(request: socket.socket) -> None:
    """Wake whoever reads from a connection, or writes to it."""
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)
