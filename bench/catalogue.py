"""``python -m bench.catalogue``: how fast goods are found, priced and read in full.

Fills a world with made-up SKUs, builds the search index, and serves the API as it is delivered.
Clients in a process of their own then ask, 16 at a time, what partners ask all day; one client
reads the feed from its start, and the export. A figure counts when others left the machine alone:
their share of its processors stands beside it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import machine, ours
from bench.catalogue_load import Plan
from bench.catalogue_shelf import shelf_open
from weili import bootstrap
from weili.adapters.postgres import Server, embedded
from weili.adapters.search import TantivyWriter
from weili.kit.world import World
from weili.workflows.index_goods import index_build

HOME: Final = ours.CHECKOUT / ".weili" / "bench-catalogue"
RESULTS: Final = Path(__file__).with_name("results") / "catalogue.json"
SKUS_LEAST: Final = 100_000
"""Of fewer SKUs no results are kept: small indexes say nothing of large ones."""
CONNECTIONS: Final = 16
WARM_UP_S: Final = 1.0
READING_S: Final = 60.0
"""The longest that the feed or the export is read."""
LOOK_UPS: Final = ("search", "common", "by_price", "prices", "stock")
READINGS: Final = ("feed", "export")


def run(plan: Plan) -> dict[str, Any]:
    """Let a load client do its plan.

    Raises: RuntimeError when it failed, or a request was refused.
    """
    done = subprocess.run(
        [sys.executable, "-m", "bench.catalogue_load"],
        input=json.dumps(asdict(plan)),
        capture_output=True,
        text=True,
        check=False,
        cwd=ours.CHECKOUT,
        timeout=READING_S * 3,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the load client failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    if found["refusal"]:
        raise RuntimeError(f"a request was refused:\n{found['refusal']}")
    return found


def measured(server: Server, api: ours.Api, shelf: Path, seconds: float) -> list[dict[str, Any]]:
    """Measure every kind of look-up after a short warm-up, then the feed and the export."""
    roots = {"bench": os.getpid(), "postgres": server.pid, "server": api.pid}
    phases = []
    for kind in (*LOOK_UPS, *READINGS):
        clients, length = (CONNECTIONS, seconds) if kind in LOOK_UPS else (1, READING_S)
        if kind in LOOK_UPS:
            run(Plan(str(shelf), api.port, kind, clients, WARM_UP_S))
        with machine.watched(roots) as share:
            found = run(Plan(str(shelf), api.port, kind, clients, length))
        per = found["requests"] if kind in LOOK_UPS else found["items"] / 1_000
        phases.append(
            {
                "name": kind,
                **found,
                "items_per_s": round(found["items"] / found["took_s"]),
                "processor_ms": {
                    part: round(share.ours_s[part] / per * 1e3, 2)
                    for part in ("server", "postgres")
                },
                "others_share": share.others,
            }
        )
        print(_line(phases[-1]), flush=True)
    return phases


def opened(skus: int, seconds: float) -> dict[str, Any]:
    """Fill a fresh world, build its index, serve it, and measure."""
    settings = bootstrap.Settings(None, (bootstrap.SANDBOX,), "127.0.0.1", 0, HOME)
    _remove(settings)
    bootstrap.home_make(settings)
    server = embedded.up(settings.postgres_home)
    try:
        with bootstrap.opened(settings, upgrade=True) as worlds:
            world = worlds[bootstrap.SANDBOX]
            shelf = HOME / "shelf.json"
            began = time.monotonic()
            shelf_open(world, skus=skus, path=shelf)
            filled_s = time.monotonic() - began
            print(f"{skus:,} SKUs were made in {filled_s:.0f} s", flush=True)
            index = _index_built(settings, world)
            print(f"their index was built in {index['took_s']} s", flush=True)
            with ours.api(settings, world, shelf) as api:
                phases = measured(server, api, shelf, seconds)
            facts = machine.described(world.engine.url.set(drivername="postgresql"))
    finally:
        _remove(settings)
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "skus": skus,
        "connections": CONNECTIONS,
        "phase_s": seconds,
        "filled_s": round(filled_s),
        "index": index,
        "phases": phases,
        "machine": facts,
    }


def _index_built(settings: bootstrap.Settings, world: World) -> dict[str, Any]:
    home = settings.search_home(world.name)
    writer = TantivyWriter(home)
    if not writer.lock():
        raise RuntimeError("another process writes the index")
    began = time.monotonic()
    count = index_build(world.begin, writer)
    took = time.monotonic() - began
    writer.close()
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    return {
        "took_s": round(took, 1),
        "skus_per_s": round(count / took),
        "megabytes": round(size / 1e6),
    }


def table(results: dict[str, Any]) -> str:
    """Give the results as a table in Markdown."""
    head = (
        f"{results['skus']:,} SKUs, {results['connections']} clients (feed and export: one).\n\n"
        "| what | requests/s | median ms | p99 ms | SKUs/s | server ms | PostgreSQL ms | others |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|\n"
    )
    return head + "\n".join(
        f"| {phase['name']} | {phase['requests_per_s']:,} | {phase['median_ms']} |"
        f" {phase['p99_ms']} | {phase['items_per_s'] if phase['name'] not in _SEARCHES else ''} |"
        f" {phase['processor_ms']['server']} | {phase['processor_ms']['postgres']} |"
        f" {phase['others_share']:.0%} |"
        for phase in results["phases"]
    )


_SEARCHES: Final = ("search", "common", "by_price")


def _line(phase: dict[str, Any]) -> str:
    spent = phase["processor_ms"]
    unit = "request" if phase["name"] in LOOK_UPS else "1,000 SKUs"
    return (
        f"  {phase['name']:9} {phase['requests_per_s']:8,.1f} requests/s"
        f"  median {phase['median_ms']:7.2f} ms  p99 {phase['p99_ms']:7.2f} ms"
        f"  {phase['items_per_s']:8,} items/s  server {spent['server']:6.2f} ms"
        f"  postgres {spent['postgres']:6.2f} ms a {unit}  others took {phase['others_share']:.1%}"
    )


def _remove(settings: bootstrap.Settings) -> None:
    embedded.remove(settings.postgres_home)
    shutil.rmtree(settings.home, ignore_errors=True)


def main(words: Sequence[str]) -> int:
    """Measure, write the results down, and say what they came to."""
    parser = argparse.ArgumentParser(prog="python -m bench.catalogue", description=__doc__)
    parser.add_argument("--skus", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each look-up's phase")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(words)
    if options.output == RESULTS and options.skus < SKUS_LEAST:
        parser.error(f"results of fewer than {SKUS_LEAST:,} SKUs are not kept; name an --output")
    results = opened(options.skus, options.seconds)
    options.output.write_text(
        json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
