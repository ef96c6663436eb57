"""Our order API as it is delivered: the real server process, and a load client beside it."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench import load
from weili import bootstrap
from weili.kit.world import World

CONNECTIONS: Final = 64
BATCH_CONNECTIONS: Final = 4
CHECKOUT: Final = Path(__file__).parents[1]
_SERVE: Final = (sys.executable, "-m", "weili.entrypoints.cli", "serve")
_START_TIMEOUT_S: Final = 90.0
_RUN_TIMEOUT_S: Final = 120


class Api:
    """A running server, and what is sent to it."""

    def __init__(self, world: World, market: Path, port: int, pid: int) -> None:
        """Measure the server on ``port``, whose orders are written to ``world``."""
        self._world = world
        self._market = market
        self.port = port
        self.pid = pid

    def run(self, kind: str, *, connections: int, seconds: float, size: int = 1) -> load.Run:
        """Send one kind of load; every acknowledged order must be there, and no other.

        Raises: RuntimeError when one was refused, or counts differ.
        """
        before = orders_count(self._world)
        plan = load.Plan(str(self._market), self.port, kind, connections, seconds, size)
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            input=json.dumps(asdict(plan)),
            capture_output=True,
            text=True,
            check=False,
            cwd=CHECKOUT,
            timeout=_RUN_TIMEOUT_S,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the load client failed:\n{done.stderr}")
        run = load.Run(**json.loads(done.stdout))
        if run.refusal:
            raise RuntimeError(f"a request was refused:\n{run.refusal}")
        stored = orders_count(self._world) - before
        if stored != run.orders:
            raise RuntimeError(f"{run.orders} orders were acknowledged, {stored} are stored")
        return run


@contextmanager
def api(settings: bootstrap.Settings, world: World, market: Path) -> Iterator[Api]:
    """Run ``weili serve`` for the block."""
    with bootstrap.listen(settings) as listening:
        descriptor, port = listening.fileno(), listening.getsockname()[1]
        log = settings.home / "serve.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*_SERVE, "--socket-fd", str(descriptor)],
                pass_fds=[descriptor],
                stderr=stream,
                env=os.environ
                | {
                    "WEILI_HOME": str(settings.home),
                    "WEILI_WORLDS": world.name,
                    # The port may be taken by the server that trades here.
                    "WEILI_METRICS_PORT": "",
                },
                cwd=CHECKOUT,
            )
    try:
        _await_ready(process, port, log)
        yield Api(world, market, port, process.pid)
    finally:
        process.terminate()
        process.wait(_START_TIMEOUT_S)


def orders_count(world: World) -> int:
    """Count the orders of a world."""
    with world.begin(snapshot=True) as ctx:
        [[count]] = ctx.db.rows('SELECT count(*) FROM dropship."order"')
    return int(count)


def _await_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not get ready:\n{log.read_text(errors='replace')[-4000:]}")
