"""A whole `weili up` for tests: started, looked at, and hit where it hurts."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from weili.adapters.postgres import embedded, processes
from weili.entrypoints.cli.chaos.house import children_named, words_of

CHECKOUT = Path(__file__).parents[2]
PATIENCE_S = 90.0
open_directly = build_opener(ProxyHandler({})).open


def until(what: str, done: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + patience_s
    while not done():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


@dataclass
class House:
    """A state folder, and the `weili up` that was last started on it."""

    home: Path
    port: int = 0
    url: str = ""
    process: "subprocess.Popen[str] | None" = None
    extra: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, str]:
        """Give the environment that the commands run in."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("WEILI_")}
        return kept | {
            "PYTHONPATH": str(CHECKOUT / "src"),
            "WEILI_HOME": str(self.home),
            "WEILI_PORT": str(self.port),
            "LANG": "C.UTF-8",
            **self.extra,
        }

    def command(self, *words: str, timeout_s: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "weili.entrypoints.cli", *words],
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def start(self) -> None:
        """Start `weili up` and wait until it trades."""
        self.spawn()
        until("weili up is ready", self.is_announced)
        self.url = self.note()["url"]
        assert self.health() == 200

    def spawn(self) -> None:
        """Start `weili up` without waiting."""
        with (self.home.parent / "up.out").open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "weili.entrypoints.cli", "up"],
                env=self.environ(),
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def is_announced(self) -> bool:
        """Say whether it has told what to open."""
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        return "is ready" in self.said()

    def said(self) -> str:
        """Give all that `weili up` printed."""
        return (self.home.parent / "up.out").read_text()

    def note(self) -> dict[str, Any]:
        """Read what the supervisor notes of itself."""
        return dict(json.loads((self.home / "up.json").read_text()))

    def child(self, name: str) -> int:
        """Give the pid of the server or the worker."""
        for pid, _ in self.note()["children"]:
            if name in words_of(pid):
                return int(pid)
        raise AssertionError(name)

    def far_ends(self, name: str) -> list[int]:
        """Give the pids of the processes that place, or look up, for the server."""
        return children_named(self.child("serve"), name)

    def far_end(self, name: str) -> int:
        """Give the pid of one of them."""
        until(f"the server has one to {name}", lambda: bool(self.far_ends(name)))
        return self.far_ends(name)[0]

    def health(self) -> int:
        """Ask whether it trades; 0 when nobody answers."""
        return self.get("/healthz")[0]

    def get(self, path: str, *, bearer: str = "") -> tuple[int, Any]:
        """Ask for a document; 0 when nobody answers."""
        return self._ask("GET", path, None, _headers(bearer))

    def post(self, path: str, body: object, *, bearer: str) -> tuple[int, Any]:
        """Send a document."""
        headers = _headers(bearer) | {"content-type": "application/json"}
        return self._ask("POST", path, json.dumps(body), headers)

    def _ask(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", int(self.url.rpartition(":")[2]), timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, HTTPException, ValueError):
            return 0, None
        finally:
            connection.close()

    def figure(self, name: str) -> float:
        """Give a figure that the server shows, named with its labels."""
        url = f"http://127.0.0.1:{self.extra['WEILI_METRICS_PORT']}/metrics"
        with open_directly(url, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        [value] = [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]
        return float(value)

    def bearer(self) -> str:
        """Give the key of the first sample partner."""
        kept = json.loads((self.home / "sample.json").read_text())
        return str(kept["partners"][0]["bearer"])

    def place(self, number: str, *, hold: bool = False) -> tuple[int, Any]:
        """Place an order of one piece of the first goods, to be confirmed later with ``hold``."""
        status, page = self.get("/v1/skus?limit=1", bearer=self.bearer())
        if status != 200:
            return status, page
        order = {
            "number": number,
            "area_code": "330106",
            "recipient": {"name": "欧阳小美", "phone": "19912345678", "address": "文三路 1 号"},
            "lines": [{"sku_id": page["items"][0]["id"], "quantity": 1}],
            "hold": hold,
        }
        return self.post("/v1/orders", order, bearer=self.bearer())

    def state_of(self, number: str) -> str:
        """Ask where an order stands."""
        status, order = self.get(f"/v1/orders/by-number/{number}", bearer=self.bearer())
        return str(order["state"]) if status == 200 else ""

    def postmaster(self) -> int:
        """Give the pid of the embedded server; 0 when it does not run."""
        server = embedded.status(self.home / "postgres")
        return server.pid if server else 0

    def kill(self, pid: int) -> None:
        """End a process the hard way, and see it gone."""
        os.kill(pid, signal.SIGKILL)
        if self.process is not None and pid == self.process.pid:
            self.process.wait(30)
        until(f"{pid} is gone", lambda: processes.find(pid) is None)

    def stop(self) -> int:
        """End `weili up` as Ctrl-C does; gives its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def clear(self) -> None:
        """End everything and remove the data."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        embedded.remove(self.home / "postgres")


def _headers(bearer: str) -> dict[str, str]:
    return {"authorization": f"Bearer {bearer}"} if bearer else {}
