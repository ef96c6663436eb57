"""`weili status` says what it sees, and of whom it can't know nothing more."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import psycopg
import pytest

from tests.entrypoints.cli.conftest import Run
from weili.kit.world import worker_name


class Server(BaseHTTPRequestHandler):
    """Whoever answers where the API would."""

    name: ClassVar[object] = "weili"
    health: ClassVar[int] = 200

    def do_GET(self) -> None:
        """Answer as `serve` does at its two addresses that need no key."""
        answer = json.dumps({"name": self.name}).encode()
        self.send_response(self.health if self.path == "/healthz" else 200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Give a port where nobody is, as the one of the settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    monkeypatch.setenv("WEILI_PORT", str(port))
    return port


@contextmanager
def answering(port: int, **how: object) -> Iterator[None]:
    """Answer there for the block."""
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Other", (Server,), how))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(run: Run) -> dict[str, Any]:
    """Ask as a script does."""
    found: dict[str, Any] = json.loads(run("status", "--json").out)
    return found


def test_status_starts_nothing_and_says_what_is_missing(run: Run, port: int) -> None:
    found = status(run)
    assert found["running"] is None
    assert found["api"] == {"url": f"http://127.0.0.1:{port}", "is_ready": None}
    assert found["worlds"]["sandbox"] == {"schema": found["schema_needed"], "has_worker": False}
    said = run("status").out
    assert "Weili does not run; `weili up` starts it." in said
    assert f"API: http://127.0.0.1:{port} (nobody answers)" in said


def test_a_server_that_somebody_else_started_is_found_where_it_answers(
    run: Run, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(port):
        assert status(run)["api"]["is_ready"] is True
        assert "Weili runs, but not by `weili up`." in run("status").out
    with answering(port, health=503):
        assert status(run)["api"]["is_ready"] is False
        monkeypatch.setenv("LANG", "zh_CN.UTF-8")
        assert "有响应但未就绪" in run("status").out
    # Another program there is none of ours
    for name in ("another", ["weili"]):
        with answering(port, name=name):
            assert status(run)["api"]["is_ready"] is None


def test_a_worker_is_found_among_who_is_connected_to_its_world(
    run: Run, sandbox: str, port: int
) -> None:
    # As the worker names its connections, and nobody else does
    for world, is_worker in (("sandbox", True), ("trial", False)):
        with psycopg.connect(sandbox, application_name=worker_name(world)):
            assert status(run)["worlds"]["sandbox"]["has_worker"] is is_worker
    with psycopg.connect(sandbox, application_name=worker_name("sandbox")):
        said = run("status").out
    assert "Weili runs, but not by `weili up`." in said
    assert "connected" in said
    assert f":{port} (nobody answers)" in said
