"""The worker process: for each world a relay, the jobs, the sweeps and the errands to suppliers."""

import threading
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import structlog

from weili.adapters.carriers import CarrierGateway
from weili.adapters.mail import MailGateway
from weili.adapters.search import TantivyWriter
from weili.adapters.suppliers import SupplierGateway
from weili.entrypoints.jobs.callers import Callers
from weili.entrypoints.jobs.loops import Loop
from weili.entrypoints.jobs.reactions import relay_and_react
from weili.entrypoints.jobs.runner import JobRunner
from weili.entrypoints.jobs.sweeps import sweep_round
from weili.kit import outbox
from weili.kit.world import World, in_transaction
from weili.modules import catalogue
from weili.workflows.ask_carriers import carriers_asked
from weili.workflows.count_sales import sales_count
from weili.workflows.dispatch_orders import dispatch_orders
from weili.workflows.index_goods import STEP_MAX, index_follow
from weili.workflows.send_notices import notices_send
from weili.workflows.tell_people import people_tell

RELAY_REST_S: Final = 0.05
DISPATCH_REST_S: Final = 0.25
SWEEP_REST_S: Final = 1.0
CARRIERS_REST_S: Final = 5.0
FOLLOW_REST_S: Final = 0.2
INDEX_REST_S: Final = 3.0
"""How long the index rests between commits: what was searched is remembered so long."""
MAILS_REST_S: Final = 1.0
TELL_REST_S: Final = 1.0
LOOK_S: Final = 1.0
GRACE_S: Final = 20.0

Part = Loop | JobRunner | Callers

_log = structlog.get_logger(__name__)


class Worker:
    """All that is done behind the faces, for every open world.

    It may be killed at any point: what it does lies in the database, each step is one
    transaction, and each may be done again. Several workers may run beside one another.
    """

    def __init__(
        self,
        worlds: Mapping[str, World],
        gateway: SupplierGateway,
        carriers: CarrierGateway,
        *,
        writers: Mapping[str, TantivyWriter] = MappingProxyType({}),
        mails: Mapping[str, MailGateway] = MappingProxyType({}),
        url: str = "",
    ) -> None:
        """Prepare; ``writers`` are those of the search indexes, for the worlds that have one.

        ``mails`` are the ways to mail servers, likewise; ``url`` is where people reach the console.
        """
        self._parts: list[Part] = []
        for world in worlds.values():
            self._parts += _parts_of(world, gateway, carriers)
            if world.name in writers:
                self._parts.append(_index_loop(world, writers[world.name]))
            if world.name in mails:
                self._parts.append(_mail_loop(world, mails[world.name], url))

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
        # A signal wakes only the thread that the kernel hands it to, which need not be this one;
        # its handler runs here all the same, as soon as we look.
        while not stopping.wait(LOOK_S):
            pass
        return self.stop()


def _parts_of(world: World, gateway: SupplierGateway, carriers: CarrierGateway) -> list[Part]:
    begin = world.begin
    callers = Callers(world.name)

    def relay() -> bool:
        return in_transaction(begin, relay_and_react) >= outbox.RELAY_MAX

    def dispatch() -> bool:
        ended = callers.ended
        if free := callers.free:
            suspects_max = callers.suspects_free
            if dispatch_orders(
                begin, gateway, turns_max=free, suspects_max=suspects_max, run=callers.run
            ):
                return True
        # A turn that ends makes room for another, and its supplier may have more to be asked.
        return callers.wait(ended, DISPATCH_REST_S)

    def follow() -> bool:
        is_more = in_transaction(begin, catalogue.follow) > 0
        return in_transaction(begin, sales_count) > 0 or is_more

    def tell() -> bool:
        return in_transaction(begin, people_tell)

    def sweep() -> bool:
        return sweep_round(begin)

    def ask() -> bool:
        return carriers_asked(begin, carriers)

    return [
        Loop("relay", relay, world=world.name, rest_s=RELAY_REST_S),
        Loop("catalogue", follow, world=world.name, rest_s=FOLLOW_REST_S),
        Loop("notices", tell, world=world.name, rest_s=TELL_REST_S),
        Loop("sweeps", sweep, world=world.name, rest_s=SWEEP_REST_S),
        Loop("carriers", ask, world=world.name, rest_s=CARRIERS_REST_S),
        Loop("dispatch", dispatch, world=world.name, rest_s=DISPATCH_REST_S),
        callers,  # After the loop that gives them turns: they are waited for in this order.
        JobRunner(world),
    ]


def _mail_loop(world: World, gateway: MailGateway, url: str) -> Loop:
    def send() -> bool:
        return notices_send(world.begin, gateway, url=url)

    return Loop("mails", send, world=world.name, rest_s=MAILS_REST_S)


def _index_loop(world: World, writer: TantivyWriter) -> Loop:
    def index() -> bool:
        return index_follow(world.begin, writer) >= STEP_MAX

    return Loop("search index", index, world=world.name, rest_s=INDEX_REST_S)
