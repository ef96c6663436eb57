"""The gateway, asked to talk to what is no decent supplier's system."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from uuid import UUID

import pytest

from weili.adapters.suppliers import Answer, AnswerKind, HttpSupplierGateway, SupplierEndpoint
from weili.kit.tracing import traced

SECRET = "a supplier's secret"
MEBIBYTE = b" " * 1024 * 1024
MEBIBYTES = 256


@pytest.fixture
def gateway() -> Iterator[HttpSupplierGateway]:
    gateway = HttpSupplierGateway()
    yield gateway
    gateway.close()


@contextmanager
def flooding(head: bytes) -> Iterator[tuple[str, list[int]]]:
    """Answer one request with a head and then far more than anybody wants; counts what went."""
    sent: list[int] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(head)
            for _ in range(MEBIBYTES):
                connection.sendall(MEBIBYTE)
                sent.append(len(MEBIBYTE))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", sent
        thread.join()


@pytest.mark.parametrize(
    ("status", "kind"), [("200 OK", AnswerKind.YES), ("409 Conflict", AnswerKind.NO)]
)
def test_an_answer_without_end_is_cut_off_and_its_status_believed(
    gateway: HttpSupplierGateway, status: str, kind: AnswerKind
) -> None:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {MEBIBYTES * len(MEBIBYTE)}\r\n\r\n"
    with flooding(head.encode()) as (url, sent):
        answer = gateway.cancel(SupplierEndpoint(url, SECRET), child_id="chd_1")

    assert answer == Answer(kind)
    # What the two sides' sockets hold went too, but nothing like the whole.
    assert sum(sent) < MEBIBYTES * len(MEBIBYTE) // 4


def test_an_answer_that_claims_to_be_compressed_is_not_unpacked(
    gateway: HttpSupplierGateway,
) -> None:
    head = b"HTTP/1.1 409 Conflict\r\ncontent-encoding: gzip\r\ncontent-length: 999999999\r\n\r\n"
    with flooding(head) as (url, _):
        answer = gateway.cancel(SupplierEndpoint(url, SECRET), child_id="chd_1")

    assert answer == Answer(AnswerKind.NO)


def test_a_redirect_is_not_followed(gateway: HttpSupplierGateway) -> None:
    head = b"HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:9/\r\n\r\n"
    with flooding(head) as (url, _):
        answer = gateway.cancel(SupplierEndpoint(url, SECRET), child_id="chd_1")

    assert answer == Answer(AnswerKind.UNKNOWN, "HTTP 307")


@contextmanager
def dripping(head: bytes) -> Iterator[str]:
    """Answer one request with a head and then a byte now and then, as long as anybody listens."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(head)
            connection.settimeout(0.02)
            while True:
                connection.sendall(b"x")
                with suppress(TimeoutError):
                    # What is asked is read and forgotten; nothing at all is the end.
                    while connection.recv(65_536):
                        pass
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        # Not even its head comes to an end.
        (
            b"HTTP/1.1 200 OK\r\nx-slow: ",
            Answer(AnswerKind.UNKNOWN, "TimeoutError", is_silent=True),
        ),
        # Its body does not, but its status is there.
        (b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n", Answer(AnswerKind.YES)),
        (b"HTTP/1.1 409 Conflict\r\ncontent-length: 60000\r\n\r\n", Answer(AnswerKind.NO)),
    ],
)
def test_an_answer_that_drips_is_given_up_when_the_calls_time_is_over(
    head: bytes, answer: Answer
) -> None:
    """No read of it is late, so that only the limit of the whole call can end it."""
    with closing(HttpSupplierGateway(call_timeout_s=0.5)) as impatient, dripping(head) as url:
        assert impatient.cancel(SupplierEndpoint(url, SECRET), child_id="chd_1") == answer


@pytest.mark.parametrize(
    "url", ["http://a..b", f"http://{'a' * 64}.example", "http://[::1", "http://?", "http://a:b"]
)
def test_an_address_that_is_none_is_an_unknown_answer(
    gateway: HttpSupplierGateway, url: str
) -> None:
    answer = gateway.cancel(SupplierEndpoint(url, SECRET), child_id="chd_1")

    assert answer.kind is AnswerKind.UNKNOWN


def test_a_system_that_is_not_there_is_silent(gateway: HttpSupplierGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    answer = gateway.cancel(SupplierEndpoint(f"http://127.0.0.1:{port}", SECRET), child_id="chd_1")

    assert answer == Answer(AnswerKind.UNKNOWN, "ConnectError", is_silent=True)


def test_what_is_asked_in_a_trace_carries_it_on(gateway: HttpSupplierGateway) -> None:
    heads: list[bytes] = []

    def serve() -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            with connection:
                heads.append(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")

    trace = UUID("0af7651916cd43dd8448eb211c80319c")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        endpoint = SupplierEndpoint(f"http://127.0.0.1:{listening.getsockname()[1]}", SECRET)
        with traced(trace):
            gateway.submit(endpoint, order={"id": "chd_1"})
        gateway.submit(endpoint, order={"id": "chd_2"})
        thread.join()

    assert f"traceparent: 00-{trace.hex}-".encode() in heads[0].lower()
    assert b"traceparent" not in heads[1].lower()
