"""Runs the demo once, from an empty database to the last check."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final
from uuid import UUID

from weili import sample
from weili.adapters.suppliers.hosting import SimulatorHost
from weili.adapters.suppliers.simulator import SupplierAccount, SupplierSimulator
from weili.entrypoints.cli.demo.checks import all_checked
from weili.entrypoints.cli.demo.course import Course, Outcome, Report
from weili.entrypoints.cli.demo.figures import Figures, figures_of
from weili.entrypoints.cli.demo.ground import Ground, ground
from weili.entrypoints.cli.demo.market import Market, market_open, served_areas
from weili.entrypoints.cli.demo.plan import Plan, plan_made
from weili.kit.findings import Finding
from weili.kit.ids import id_text
from weili.modules import goods, regions
from weili.workflows.verify_world import CHECKS, READERS, verify_world

HIDDEN_SKU: Final = id_text(goods.SKU_PREFIX, UUID(int=0))
"""An SKU that nobody has."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of trade that is over, as its programs remember it, and what was found afterwards."""

    plan: Plan
    market: Market
    simulators: Sequence[SupplierSimulator]
    outcome: Outcome
    findings: Sequence[Finding]
    setup_s: float
    whole_s: float

    def figures(self) -> Figures:
        """Sum the day up, and hold all counts against each other."""
        return figures_of(
            plan=self.plan,
            market=self.market,
            outcome=self.outcome,
            simulators=self.simulators,
            verified=[name for name, _ in CHECKS],
            findings=self.findings,
            off=list(all_checked(self.outcome, self.plan, self.simulators)),
            setup_s=self.setup_s,
            whole_s=self.whole_s,
        )


def run(
    environ: Mapping[str, str], *, catalogue: Path | None, orders: int, seed: int, report: Report
) -> Day:
    """Run the demo; ``report`` is told how far each step is.

    Raises: Problem, when the catalogue can't be imported or the settings are wrong; what starting
    the database raises; ProcessDiedError.
    """
    began = time.monotonic()
    report("start", 0, 1)
    with ground(environ) as open_ground:
        report("start", 1, 1)
        report("import", 0, 1)
        market = market_open(open_ground.world.begin, catalogue=catalogue)
        plan = _plan(market, orders=orders, seed=seed)
        report("import", 1, 1)
        simulators = _simulators(open_ground, market, seed=seed)
        setup_s = time.monotonic() - began
        with SimulatorHost(simulators):
            course = Course(open_ground, market, plan, simulators, report)
            outcome = asyncio.run(course.run())
        findings = _verified(open_ground, report)
        open_ground.look()
        whole_s = time.monotonic() - began
        return Day(plan, market, simulators, outcome, findings, setup_s, whole_s)


def _plan(market: Market, *, orders: int, seed: int) -> Plan:
    served = {name: served_areas(name) for name in market.suppliers}
    return plan_made(
        seed=seed,
        orders=orders,
        items=market.items,
        partners=len(market.partners),
        people=sample.people(),
        serves=lambda supplier, area_code: (
            not served[supplier].isdisjoint(regions.ancestors(area_code))
        ),
        hidden=HIDDEN_SKU,
    )


def _simulators(open_ground: Ground, market: Market, *, seed: int) -> list[SupplierSimulator]:
    return [
        SupplierSimulator(
            name=name,
            secret=supplier.secret,
            account=SupplierAccount(
                open_ground.host, open_ground.port, supplier.trader.credentials
            ),
            seed=seed,
            is_open=False,
        )
        for name, supplier in market.suppliers.items()
    ]


def _verified(open_ground: Ground, report: Report) -> list[Finding]:
    done = count(1)

    @contextmanager
    def running(_: str) -> Iterator[None]:
        yield
        report("verify", next(done), len(CHECKS))

    report("verify", 0, len(CHECKS))
    with open_ground.world.snapshots(count=READERS) as readers:
        return verify_world(*readers, running=running)
