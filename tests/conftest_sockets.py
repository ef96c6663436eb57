"""A pytest plugin: no test reaches past this machine.

Loopback and unix sockets stay open, since the database, the server and the supplier simulator live
there. Every other address is refused, and so is every name but localhost: resolving it would
already leave the machine. libpq and uvloop open their sockets in C and are not seen here.
"""

import ipaddress
import socket
from collections.abc import Callable

import pytest

AF_UNIX = getattr(socket, "AF_UNIX", None)


class OutsideError(RuntimeError):
    """A test tried to reach past this machine."""


def is_local(family: int, address: object) -> bool:
    """Says whether an address lies on this machine."""
    if family == AF_UNIX:
        return True
    if family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return False
    host = str(address[0])
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _guarded(name: str, *, address_at: int) -> Callable[..., object]:
    original: Callable[..., object] = getattr(socket.socket, name)

    def guarded(self: socket.socket, *args: object) -> object:
        if not is_local(self.family, args[address_at]):
            message = f"tests stay on this machine; refused: {args[address_at]!r}"
            raise OutsideError(message)
        return original(self, *args)

    return guarded


def pytest_configure(config: pytest.Config) -> None:
    """Closes the sockets for the whole run."""
    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", _guarded("connect", address_at=0))
    patch.setattr(socket.socket, "connect_ex", _guarded("connect_ex", address_at=0))
    patch.setattr(socket.socket, "sendto", _guarded("sendto", address_at=-1))
    config.add_cleanup(patch.undo)
