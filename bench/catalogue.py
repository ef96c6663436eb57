"""``python -m bench.catalogue``: how fast goods are found, priced and read in full.

Fills a world with made-up SKUs, builds the search index, and serves the API as it is delivered.
Clients in a process of their own then ask, 16 at a time, what partners ask all day; while they
search, goods change and the index is committed as often as in life, whereupon nothing is
remembered. One client reads the feed from its start, and the export. A figure counts when others
left the machine alone: their share of its processors stands beside it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import machine, ours
from bench.catalogue_index import Commits, built, followed, unremembered
from bench.catalogue_load import Plan
from bench.catalogue_shelf import shelf_open
from weili import bootstrap
from weili.adapters.postgres import embedded
from weili.kit.world import LIVE, World

HOME: Final = ours.CHECKOUT / ".weili" / "bench-catalogue"
RESULTS: Final = Path(__file__).with_name("results") / "catalogue.json"
SKUS_LEAST: Final = 100_000
"""Of fewer SKUs no results are kept: small indexes say nothing of large ones."""
CONNECTIONS: Final = 16
WARM_UP_S: Final = 1.0
REMEMBERED_S: Final = 15.0
"""By then nearly all that partners ask the prices of all day is remembered by each looker (ADR 0017
and 0020)."""
READING_S: Final = 60.0
"""The longest that the feed or the export is read."""
SEARCHES: Final = ("search", "common", "by_price")
LOOK_UPS: Final = (*SEARCHES, "prices", "stock")
PHASES: Final = (*LOOK_UPS, "feed", "export")


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


def measured(
    world: World, index_home: Path, roots: dict[str, int], plans: Sequence[Plan]
) -> list[dict[str, Any]]:
    """Measure every kind of look-up after a short warm-up, then the feed and the export."""
    phases = []
    for plan in plans:
        kind = plan.kind
        if kind in LOOK_UPS:
            run(replace(plan, seconds=WARM_UP_S if kind in SEARCHES else REMEMBERED_S))
        following = followed(world, index_home) if kind in SEARCHES else nullcontext(Commits())
        with following as commits, machine.watched(roots) as share:
            found = run(plan)
        per = found["requests"] if kind in LOOK_UPS else found["items"] / 1_000
        phases.append(
            {
                "name": kind,
                **found,
                "items_per_s": round(found["items"] / found["took_s"]),
                "index_commits": commits.count,
                "processor_ms": {
                    part: round(share.ours_s[part] / per * 1e3, 2)
                    for part in ("server", "postgres")
                },
                "others_share": share.others,
            }
        )
        print(_line(phases[-1]), flush=True)
    return phases


def _plans(shelf: Path, port: int, kinds: Sequence[str], seconds: float) -> list[Plan]:
    return [
        Plan(str(shelf), port, kind, CONNECTIONS, seconds)
        if kind in LOOK_UPS
        else Plan(str(shelf), port, kind, 1, READING_S)
        for kind in kinds
    ]


def opened(skus: int, seconds: float, kinds: Sequence[str]) -> dict[str, Any]:
    """Fill a fresh world, build its index, serve it, and measure."""
    settings = bootstrap.Settings(None, (LIVE,), "127.0.0.1", 0, HOME)
    _remove(settings)
    bootstrap.keyring_make(settings)
    server = embedded.up(settings.postgres_home)
    try:
        with bootstrap.opened(settings, upgrade=True) as worlds:
            world = worlds[LIVE]
            shelf = HOME / "shelf.json"
            began = time.monotonic()
            shelf_open(world, skus=skus, path=shelf)
            filled_s = time.monotonic() - began
            print(f"{skus:,} SKUs were made in {filled_s:.0f} s", flush=True)
            index_home = settings.search_home(world.name)
            index = built(world, index_home)
            print(f"their index was built in {index['took_s']} s", flush=True)
            index["unremembered"] = unremembered(world, index_home)
            print(f"the common word, nothing remembered: {index['unremembered']}", flush=True)
            with ours.api(settings, world, shelf) as api:
                roots = {"bench": os.getpid(), "postgres": server.pid, "server": api.pid}
                phases = measured(world, index_home, roots, _plans(shelf, api.port, kinds, seconds))
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


def table(results: dict[str, Any]) -> str:
    """Give the results as a table in Markdown."""
    head = (
        f"{results['skus']:,} SKUs, {results['connections']} clients (feed and export: one).\n\n"
        "| what | requests/s | median ms | p99 ms | SKUs/s | server ms | PostgreSQL ms | others |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|\n"
    )
    return head + "\n".join(
        f"| {phase['name']} | {phase['requests_per_s']:,} | {phase['median_ms']} |"
        f" {phase['p99_ms']} | {phase['items_per_s'] if phase['name'] not in SEARCHES else ''} |"
        f" {phase['processor_ms']['server']} | {phase['processor_ms']['postgres']} |"
        f" {phase['others_share']:.0%} |"
        for phase in results["phases"]
    )


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
    parser.add_argument(
        "--phases", default=",".join(PHASES), help="what to measure, with commas between"
    )
    options = parser.parse_args(words)
    kinds = options.phases.split(",")
    if unknown := set(kinds) - set(PHASES):
        parser.error(f"there is no phase {', '.join(sorted(unknown))}")
    if options.output == RESULTS and (options.skus < SKUS_LEAST or len(kinds) < len(PHASES)):
        parser.error(
            f"results of fewer than {SKUS_LEAST:,} SKUs, or of some phases, are not kept: name an"
            " --output"
        )
    results = opened(options.skus, options.seconds, kinds)
    options.output.write_text(
        json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
