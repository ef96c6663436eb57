"""The worker process: for each world a relay, the jobs, the sweeps and the errands to suppliers."""

import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog

from weili.adapters.suppliers import SupplierGateway
from weili.entrypoints.jobs.loops import Loop
from weili.entrypoints.jobs.reactions import relay_and_react
from weili.entrypoints.jobs.runner import JobRunner
from weili.entrypoints.jobs.sweeps import sweep_round
from weili.kit import outbox
from weili.kit.world import World, in_transaction
from weili.workflows.dispatch_orders import dispatch_orders

RELAY_REST_S: Final = 0.05
DISPATCH_REST_S: Final = 0.25
SWEEP_REST_S: Final = 1.0
DISPATCHERS: Final = 4
"""Suppliers are asked side by side, so that a slow one keeps only some of us waiting."""
GRACE_S: Final = 20.0

_log = structlog.get_logger(__name__)


class Worker:
    """All that is done behind the faces, for every open world.

    It may be killed at any point: what it does lies in the database, each step is one
    transaction, and each may be done again. Several workers may run beside one another.
    """

    def __init__(self, worlds: Mapping[str, World], gateway: SupplierGateway) -> None:
        self._parts: list[Loop | JobRunner] = []
        for world in worlds.values():
            self._parts += _parts_of(world, gateway)

    def start(self) -> None:
        """Begin to work."""
        for part in self._parts:
            part.start()
        _log.info("worker_started")

    def stop(self) -> bool:
        """Finish what is under way, and say whether that was done in time."""
        for part in self._parts:
            part.stop()
        deadline = time.monotonic() + GRACE_S
        # Each is waited for, even after one that was late.
        ended = [part.join(max(deadline - time.monotonic(), 0.0)) for part in self._parts]
        _log.info("worker_stopped", in_time=all(ended))
        return all(ended)

    def run(self, stopping: threading.Event) -> bool:
        """Work until told to stop; says whether everything under way was finished in time."""
        self.start()
        stopping.wait()
        return self.stop()


def _parts_of(world: World, gateway: SupplierGateway) -> list[Loop | JobRunner]:
    begin = world.begin

    def relay() -> bool:
        return in_transaction(begin, relay_and_react) >= outbox.RELAY_MAX

    def dispatch() -> bool:
        return dispatch_orders(begin, gateway) > 0

    def sweep() -> bool:
        return sweep_round(begin)

    return [
        Loop("relay", relay, world=world.name, rest_s=RELAY_REST_S),
        Loop("sweeps", sweep, world=world.name, rest_s=SWEEP_REST_S),
        *(
            Loop(f"dispatch {number}", dispatch, world=world.name, rest_s=DISPATCH_REST_S)
            for number in range(1, DISPATCHERS + 1)
        ),
        JobRunner(world),
    ]
