"""``python -m bench.growth``: what orders cost, and ``verify`` takes, when many lie there.

Two worlds on one server, one with few older orders and one with many, take orders by turns, each
by a server of its own. Then the larger one is verified, once in peace and once while orders come.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import growth_fill, machine, ours, workflow
from bench.__main__ import remove
from bench.market import LINES_MAX, Market, market_open
from weili import bootstrap
from weili.adapters.postgres import Server, embedded
from weili.kit.world import World
from weili.workflows.verify_world import READERS, verify_world

HOME: Final = ours.CHECKOUT / ".weili" / "bench-growth"
RESULTS: Final = Path(__file__).with_name("results") / "growth.json"
FEW, MANY = "few", "many"
FEW_ORDERS: Final = 10_000
WARM_S: Final = 2
VERIFY_LOAD_S: Final = 8
"""How long orders come, at a time, while ``verify`` runs."""


class Growth:
    """Both worlds, served, and what was measured on them."""

    def __init__(self, server: Server, worlds: dict[str, World], apis: dict[str, ours.Api]) -> None:
        """Measure worlds that are filled already."""
        self._server = server
        self.worlds = worlds
        self._apis = apis
        self.phases: list[dict[str, Any]] = []

    def place(self, number: int, name: str, seconds: float, *, connections: int) -> None:
        """Place orders in a world, and note what each took."""
        api = self._apis[name]
        roots = {"server": api.pid, "postgres": self._server.pid, "bench": os.getpid()}
        with machine.watched(roots) as share:
            run = api.run("uniform", connections=connections, seconds=seconds)
        self.phases.append(
            {
                "round": number,
                "world": name,
                **asdict(run),
                "server_us": round(share.ours_s["server"] / run.orders * 1e6),
                "postgres_us": round(share.ours_s["postgres"] / run.orders * 1e6),
                "others": share.others,
            }
        )
        print(
            f"  {name:5} {run.orders_per_s:8,.0f} orders/s, server {self.phases[-1]['server_us']}"
            f" us, PostgreSQL {self.phases[-1]['postgres_us']} us, others {share.others:.1%}",
            flush=True,
        )

    def verify(self, name: str) -> dict[str, Any]:
        """Verify a world; says how long each check took, by the clock and by processors."""
        checks: dict[str, float] = {}

        @contextmanager
        def running(check: str) -> Iterator[None]:
            began = time.monotonic()
            yield
            checks[check] = round(time.monotonic() - began, 2)

        began = time.monotonic()
        roots = {"postgres": self._server.pid, "bench": os.getpid()}
        with (
            machine.watched(roots) as share,
            self.worlds[name].snapshots(count=READERS) as readers,
        ):
            findings = verify_world(*readers, running=running)
        return {
            "took_s": round(time.monotonic() - began, 1),
            "processor_s": share.ours_s,
            "others": share.others,
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "checks_s": checks,
            "findings": [asdict(finding) for finding in findings],
        }

    def verify_loaded(self, name: str) -> dict[str, Any]:
        """Verify a world while orders are placed in it, as long as that takes."""
        found: dict[str, Any] = {}
        thread = threading.Thread(target=lambda: found.update(self.verify(name)))
        before = len(self.phases)
        thread.start()
        while thread.is_alive():
            self.place(0, name, VERIFY_LOAD_S, connections=ours.CONNECTIONS)
        thread.join()
        placed, self.phases[before:] = self.phases[before:], []
        return found | {"placed_meanwhile": placed}


def main(words: Sequence[str]) -> int:
    """Fill, measure, write the results down."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few thousand orders: does it work?")
    parser.add_argument(
        "--orders", type=int, default=1_000_000, help="older orders; a million take 10 GB of disc"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="length of each phase")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--home", type=Path, default=HOME, help="is emptied first")
    options = parser.parse_args(words)
    skus, partners = (1_000, 50) if options.quick else (10_000, 1_000)
    few, many = (500, 5_000) if options.quick else (FEW_ORDERS, options.orders)
    rounds, seconds = (1, 1) if options.quick else (options.rounds, options.seconds)
    began = time.monotonic()
    with _opened(options.home, skus, partners, {FEW: few, MANY: many}) as (growth, filled):
        facts = machine.described(growth.worlds[FEW].engine.url.set(drivername="postgresql"))
        for number in range(1, rounds + 1):
            for name in (FEW, MANY) if number % 2 else (MANY, FEW):
                growth.place(number, name, seconds, connections=ours.CONNECTIONS)
        verified = {
            "in_peace": growth.verify(MANY),
            "under_load": growth.verify_loaded(MANY),
        }
    results = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_s": round(time.monotonic() - began),
        "is_quick": options.quick,
        "filled": filled,
        **summed(growth.phases),
        "verify": verified,
        "machine": facts,
        "phases": growth.phases,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    options.output.write_text(f"{text}\n", encoding="utf-8")
    shown = {key: value for key, value in results.items() if key not in {"phases", "machine"}}
    print(json.dumps(shown, indent=1, ensure_ascii=False))
    return 1 if any(each["findings"] for each in verified.values()) else 0


def summed(phases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Reduce phases to the medians of each world, and the ratios of many to few within a round."""
    names = ("orders_per_s", "server_us", "postgres_us", "median_ms", "p99_ms")
    rounds: dict[int, dict[str, dict[str, Any]]] = {}
    for phase in phases:
        rounds.setdefault(phase["round"], {})[phase["world"]] = phase
    return {
        "figures": {
            world: {
                name: statistics.median(pair[world][name] for pair in rounds.values())
                for name in names
            }
            for world in (FEW, MANY)
        },
        "many_to_few": {
            name: round(
                statistics.median(pair[MANY][name] / pair[FEW][name] for pair in rounds.values()), 3
            )
            for name in names
        },
    }


@contextmanager
def _opened(
    home: Path, skus: int, partners: int, orders: dict[str, int]
) -> Iterator[tuple[Growth, dict[str, Any]]]:
    """Make a fresh server with both worlds, fill and serve them."""
    settings = bootstrap.Settings(None, tuple(orders), "127.0.0.1", 0, home)
    remove(settings)
    bootstrap.home_make(settings)
    server = embedded.up(settings.postgres_home)
    filled: dict[str, Any] = {}
    try:
        with bootstrap.opened(settings, upgrade=True) as worlds, ExitStack() as apis:
            served = {}
            for name, world in worlds.items():
                print(f"filling {name} with {orders[name]:,} orders", flush=True)
                with growth_fill.owner_of(world) as owner:
                    growth_fill.clock_set(owner, growth_fill.DAYS)
                market = market_open(world, skus=skus, partners=partners)
                market.save(home / f"{name}.json")
                filled[name] = asdict(growth_fill.fill(world, market, orders=orders[name]))
                _warm(world, market)
                api = ours.api(settings, world, home / f"{name}.json")
                served[name] = apis.enter_context(api)
                served[name].run("uniform", connections=ours.CONNECTIONS, seconds=WARM_S)
            yield Growth(server, worlds, served), filled
    finally:
        remove(settings)


def _warm(world: World, market: Market) -> None:
    """Let every statement of placing be prepared once in this process."""
    for lines in range(1, LINES_MAX + 1):
        workflow.place(world, [workflow.sample(market, lines=lines)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
