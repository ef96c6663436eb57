"""``python -m bench.console``: how long an operator waits for the console, with a million orders.

A world is filled with older orders, and its clock is put to a day in their midst. Then a browser
opens the dashboard afresh. Beside that, in the same rounds, the same browser opens the server's
smallest static file, and a bare HTTP client asks for the dashboard's figures.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import sync_playwright

from bench import console_browser, growth_fill, machine, ours
from bench.__main__ import remove
from bench.market import market_open, uscc_made
from weili import bootstrap
from weili.adapters.postgres import embedded
from weili.kit.clock import wall_now
from weili.kit.secrets import new_token, password_hash
from weili.kit.world import World
from weili.modules import identity, parties
from weili.workflows.open_accounts import platform_open

HOME: Final = ours.CHECKOUT / ".weili" / "bench-console"
RESULTS: Final = Path(__file__).with_name("results") / "console.json"
SKUS: Final = 10_000
PARTNERS: Final = 50
"""So few that each has some 20,000 of a million orders."""
BACK_DAYS: Final = growth_fill.LIFE_DAYS + 1
"""How long ago the world's today is: the newest orders were placed then."""
EMAIL: Final = "admin@operator.example"
AIM_MS: Final = 1_500


def main(words: Sequence[str]) -> int:
    """Fill, measure, write the results down."""
    parser = argparse.ArgumentParser(prog="python -m bench.console", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a thousand orders: does it work?")
    parser.add_argument(
        "--orders", type=int, default=1_000_000, help="older orders; a million take 10 GB of disc"
    )
    parser.add_argument("--rounds", type=int, default=9, help="seven at least say something")
    parser.add_argument("--keep", action="store_true", help="take a world kept before, and keep it")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--home", type=Path, default=HOME, help="is emptied first, but with --keep")
    options = parser.parse_args(words)
    orders, rounds = (1_000, 1) if options.quick else (options.orders, options.rounds)
    began, load_before = time.monotonic(), os.getloadavg()
    with (
        _opened(options.home, orders, is_kept=options.keep) as (settings, world, filled),
        ours.api(settings, world, options.home / "market.json") as api,
    ):
        facts = machine.described(world.engine.url.set(drivername="postgresql"))
        roots = {"server": api.pid, "postgres": embedded.up(settings.postgres_home).pid}
        with machine.watched(roots | {"bench": os.getpid()}) as share:
            measured = _measured(api.port, _admin(world), rounds)
    results = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_s": round(time.monotonic() - began),
        "is_quick": options.quick,
        "rounds": rounds,
        "filled": filled,
        "load_average": {"before": load_before, "after": os.getloadavg()},
        "others": share.others,
        "aim_ms": AIM_MS,
        "figures": summed(measured["rounds"]),
        "settings": {**console_browser.VIEW, "chromium": measured["chromium"]},
        "machine": facts,
        "measured": measured["rounds"],
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    options.output.write_text(f"{text}\n", encoding="utf-8")
    shown = {key: value for key, value in results.items() if key not in {"measured", "machine"}}
    print(json.dumps(shown, indent=1, ensure_ascii=False))
    return 0


def summed(rounds: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Reduce rounds to medians and worsts; a ratio to the smallest file is taken within a round."""
    ratios = [each["ms"] / each["baseline_ms"] for each in rounds]
    figures = {
        name: {
            "median": round(statistics.median(each[name] for each in rounds), 1),
            "worst": round(max(each[name] for each in rounds), 1),
        }
        for name in rounds[0]
    }
    return figures | {
        "ratio": {"median": round(statistics.median(ratios), 2), "worst": round(max(ratios), 2)}
    }


def _measured(port: int, password: str, rounds: int) -> dict[str, Any]:
    """Measure all of it, so many rounds after one that is not counted."""
    found: list[dict[str, float]] = []
    with sync_playwright() as playwright:
        browser = console_browser.launched(playwright)
        try:
            chair = console_browser.Chair(browser, f"http://127.0.0.1:{port}")
            chair.sign_in(EMAIL, password)
            for number in range(rounds + 1):
                found.append(chair.dashboard() | {"bare_ms": chair.bare_dashboard()})
                print(f"  {number or 'warm'}: {found[-1]['ms']:.0f} ms", flush=True)
            version = browser.version
        finally:
            browser.close()
    return {"rounds": found[1:], "chromium": version}


def _admin(world: World) -> str:
    """Let the operator's administrator sign in; gives the password."""
    password = new_token()[:16]
    hashed = password_hash(password)
    with world.begin() as ctx:
        operator = platform_open(
            ctx, name="operator", legal_name="operator Ltd", uscc=uscc_made(1_000_000)
        )
        people = parties.person_page(ctx, party_id=operator.id, limit=1).items
        person = next(iter(people), None) or parties.person_add(
            ctx, party_id=operator.id, name="管理员", email=EMAIL, role=parties.PersonRole.ADMIN
        )
        identity.password_set(
            ctx, person_id=person.id, hashed=hashed, reason="bench", now=wall_now()
        )
    return password


@contextmanager
def _opened(
    home: Path, orders: int, *, is_kept: bool
) -> Iterator[tuple[bootstrap.Settings, World, dict[str, Any]]]:
    """Give a world with so many orders: a fresh one, or one that was kept."""
    settings = bootstrap.Settings(None, (bootstrap.SANDBOX,), "127.0.0.1", 0, home)
    note = home / "filled.json"
    if not (is_kept and note.is_file()):
        remove(settings)
    bootstrap.home_make(settings)
    embedded.up(settings.postgres_home)
    try:
        with bootstrap.opened(settings, upgrade=True) as worlds:
            world = worlds[bootstrap.SANDBOX]
            if not note.is_file():
                note.write_text(json.dumps(_filled(world, home, orders)), encoding="utf-8")
            with growth_fill.owner_of(world) as owner:
                owner.execute("ANALYZE")
            yield settings, world, json.loads(note.read_text(encoding="utf-8"))
    finally:
        if not is_kept:
            remove(settings)


def _filled(world: World, home: Path, orders: int) -> dict[str, Any]:
    print(f"filling a world with {orders:,} orders", flush=True)
    with growth_fill.owner_of(world) as owner:
        growth_fill.clock_set(owner, growth_fill.DAYS)
        market = market_open(world, skus=min(SKUS, orders), partners=PARTNERS)
        market.save(home / "market.json")
        filled = growth_fill.fill(world, market, orders=orders)
        growth_fill.clock_set(owner, BACK_DAYS)
    return asdict(filled)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
