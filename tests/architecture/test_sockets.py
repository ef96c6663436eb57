import socket

import pytest

from tests.conftest_sockets import OutsideError, is_local


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("127.0.0.1", 80)),
        (socket.AF_INET, ("127.8.9.10", 80)),
        (socket.AF_INET, ("localhost", 80)),
        (socket.AF_INET6, ("::1", 80, 0, 0)),
        (socket.AF_UNIX, "/run/some.sock"),
    ],
)
def test_this_machine_is_open(family: int, address: object) -> None:
    assert is_local(family, address)


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("192.0.2.1", 80)),
        (socket.AF_INET, ("10.0.0.1", 80)),
        (socket.AF_INET, ("0.0.0.0", 80)),  # noqa: S104 - an address to refuse, not to bind
        (socket.AF_INET, ("shop.example", 80)),
        (socket.AF_INET6, ("2001:db8::1", 80, 0, 0)),
    ],
)
def test_everything_else_is_closed(family: int, address: object) -> None:
    assert not is_local(family, address)


def test_the_plugin_is_at_work_in_every_run() -> None:
    with socket.socket() as tcp:
        for reach in (tcp.connect, tcp.connect_ex):
            with pytest.raises(OutsideError, match=r"192\.0\.2\.1"):
                reach(("192.0.2.1", 9))
    with (
        socket.socket(type=socket.SOCK_DGRAM) as udp,
        pytest.raises(OutsideError, match=r"192\.0\.2\.1"),
    ):
        udp.sendto(b"", ("192.0.2.1", 9))


def test_loopback_still_works() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        client.sendall(b"x")
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(1) == b"x"
