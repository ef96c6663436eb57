"""``python -m bench.overload``: five times as many orders as can be placed, for two minutes.

The database is held to a known rate: each order that is written sleeps for some milliseconds. Then
orders come in an open loop. Those that are let in are to be answered within a second, all others at
once, with the moment to come back; the server's memory is not to grow; and what comes after is to
be placed as before. At last the server is asked to stop in the middle of another flood.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import flood, machine, ours
from bench.__main__ import remove
from bench.growth_fill import owner_of
from bench.market import market_open
from weili import bootstrap
from weili.adapters.postgres import embedded
from weili.kit.groupcommit import RETRY_AFTER_S
from weili.kit.world import World
from weili.workflows.verify_world import verify_world

HOME: Final = ours.CHECKOUT / ".weili" / "bench-overload"
RESULTS: Final = Path(__file__).with_name("results") / "overload.json"
TIMES: Final = 5
HELD_S: Final = 0.005
"""What each order that is written sleeps for, in its transaction."""
KNOWN_S: Final = 5
STOPPED_S: Final = 4
_MEMORY_EVERY_S: Final = 1.0

_HOLD: Final = """
CREATE FUNCTION public.held() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_catalog.pg_sleep({seconds}); RETURN NULL; END $$;
CREATE TRIGGER held AFTER INSERT ON dropship."order"
    FOR EACH ROW EXECUTE FUNCTION public.held();
"""


def main(words: Sequence[str]) -> int:
    """Measure, write the results down, and say what they came to."""
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds: does it work?")
    parser.add_argument("--seconds", type=int, default=120, help="how long the flood lasts")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--home", type=Path, default=HOME, help="is emptied first")
    options = parser.parse_args(words)
    seconds = 4 if options.quick else options.seconds
    market = options.home / "market.json"
    with _opened(options.home) as (settings, world):
        facts = machine.described(world.engine.url.set(drivername="postgresql"))
        with ours.api(settings, world, market) as api:
            found = _overloaded(api, world, market, seconds)
            before = ours.orders_count(world)
            stopped = _stopped(api, market, found["known_per_s"])
        stored = ours.orders_count(world) - before
        with world.begin(snapshot=True) as ctx:
            findings = [asdict(each) for each in verify_world(ctx)]
    results = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "is_quick": options.quick,
        **found,
        "stopped": {**asdict(stopped), "stored": stored},
        "verify_findings": findings,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**results, "machine": facts}, indent=1, ensure_ascii=False)
    options.output.write_text(f"{text}\n", encoding="utf-8")
    print(json.dumps(results, indent=1, ensure_ascii=False))
    return 1 if findings else 0


def _overloaded(api: ours.Api, world: World, market: Path, seconds: float) -> dict[str, Any]:
    """Measure the known rate, the flood, and what comes after it."""
    known = api.run("uniform", connections=ours.CONNECTIONS, seconds=KNOWN_S)
    print(f"held to {known.orders_per_s:,.0f} orders/s; now {TIMES} times as many", flush=True)
    before = ours.orders_count(world)
    flooding = _flood(market, api.port, known.orders_per_s * TIMES, seconds)
    with _memory_watched(api.pid) as memory_mb, machine.watched({"server": api.pid}) as share:
        run = _flooded(flooding)
    stored = ours.orders_count(world) - before
    time.sleep(RETRY_AFTER_S)
    after = api.run("uniform", connections=ours.CONNECTIONS, seconds=KNOWN_S)
    return {
        "known_per_s": known.orders_per_s,
        "before": asdict(known),
        "flood": {**asdict(run), "stored": stored, "server_share": share.ours["server"]},
        "after": asdict(after),
        "memory_mb": memory_mb,
    }


def _stopped(api: ours.Api, market: Path, known_per_s: float) -> flood.Run:
    """Ask the server to end in the middle of a flood."""
    flooding = _flood(market, api.port, known_per_s * TIMES, STOPPED_S)
    time.sleep(STOPPED_S / 2)
    os.kill(api.pid, signal.SIGTERM)
    return _flooded(flooding)


def _flood(market: Path, port: int, per_s: float, seconds: float) -> "subprocess.Popen[str]":
    """Start a flood; returns when its first order is about to be sent."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.flood"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ours.CHECKOUT,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    json.dump(asdict(flood.Plan(str(market), port, per_s, seconds)), process.stdin)
    process.stdin.close()
    process.stdout.readline()
    return process


def _flooded(process: "subprocess.Popen[str]") -> flood.Run:
    """Wait for the end of a flood.

    Raises: RuntimeError when the client failed.
    """
    said = process.stdout.read() if process.stdout else ""
    if process.wait() != 0:
        raise RuntimeError("the flood's client failed")
    return flood.Run(**json.loads(said))


@contextmanager
def _memory_watched(root: int) -> Iterator[list[float]]:
    """Note every second what a process and its children hold in memory, in MB."""
    noted: list[float] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_MEMORY_EVERY_S):
            noted.append(machine.memory_mb(root))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield noted
    finally:
        is_over.set()
        thread.join()


@contextmanager
def _opened(home: Path) -> Iterator[tuple[bootstrap.Settings, World]]:
    """Make a fresh server with a market whose orders are held to a rate."""
    settings = bootstrap.Settings(None, (bootstrap.SANDBOX,), "127.0.0.1", 0, home)
    remove(settings)
    bootstrap.home_make(settings)
    embedded.up(settings.postgres_home)
    try:
        with bootstrap.opened(settings, upgrade=True) as worlds:
            world = worlds[bootstrap.SANDBOX]
            market = market_open(world, skus=1_000, partners=200)
            market.save(home / "market.json")
            with owner_of(world) as owner:
                owner.execute(_HOLD.format(seconds=HELD_S).encode())
            yield settings, world
    finally:
        remove(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
