"""The whole life of orders against a plain model, through the workflows themselves."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.market import Market, market_open_in
from tests.properties.life import Door, LifeMachine
from tests.workflows.test_stock_promises import gift_in
from weili.kit.context import Actor, Ctx, PartyId
from weili.kit.partitions import partitions_ahead
from weili.kit.problems import Problem
from weili.kit.world import World
from weili.modules import dropship
from weili.modules.goods import SkuId
from weili.workflows.cancel_order import cancel_order
from weili.workflows.change_address import change_address
from weili.workflows.confirm_order import confirm_order
from weili.workflows.confirm_receipt import confirm_receipt
from weili.workflows.expire_orders import complete_orders, expire_holds
from weili.workflows.intercept_order import (
    intercept_answered,
    intercept_order,
    intercepts_expire,
)
from weili.workflows.lose_package import lose_package
from weili.workflows.pick_child import pick_child
from weili.workflows.place_dropship_orders import place_dropship_orders
from weili.workflows.refuse_child import refuse_child
from weili.workflows.release_waiting import release_waiting
from weili.workflows.return_package import package_refused, package_returned, returns_expire
from weili.workflows.ship_package import deliver_package, ship_package
from weili.workflows.supplier_answers import cancel_answered, child_taken

ELSEWHERE = dropship.Recipient("张三", "13800000000", "解放路 9 号")
OF_CHILD: Mapping[str, tuple[Callable[..., object], Mapping[str, Any]]] = {
    "take": (child_taken, {"accepted": True}),
    "pick": (pick_child, {}),
    "refuse": (refuse_child, {}),
    "ship": (ship_package, {}),
    "cancel_yes": (cancel_answered, {"accepted": True}),
    "cancel_no": (cancel_answered, {"accepted": False}),
}
OF_PACKAGE: Mapping[str, tuple[Callable[..., object], Mapping[str, Any]]] = {
    "deliver": (deliver_package, {}),
    "stopped": (intercept_answered, {"stopped": True}),
    "passed": (intercept_answered, {"stopped": False}),
    "refused": (package_refused, {}),
    "good": (package_returned, {"condition": dropship.Condition.GOOD}),
    "damaged": (package_returned, {"condition": dropship.Condition.DAMAGED}),
    "lost": (lose_package, {"send_again": False}),
    "again": (lose_package, {"send_again": True}),
}
SWEEPS = (
    expire_holds,
    complete_orders,
    release_waiting,
    intercepts_expire,
    returns_expire,
    partitions_ahead,
)


class Inside:
    """Acts by the workflows, in one transaction that is never kept."""

    def __init__(self, world: World) -> None:
        self._opened: AbstractContextManager[Ctx] = world.begin()
        self._ctx = self._opened.__enter__()
        self._system = self._ctx.actor
        self.market: Market = market_open_in(self._ctx, world)
        self.gift: SkuId = gift_in(self._ctx, self.market)

    @contextmanager
    def begin(self) -> Iterator[Ctx]:
        """Give the one transaction, to the system."""
        yield self._ctx
        self._ctx.actor = self._system

    def close(self) -> None:
        """Keep nothing."""
        ended = RuntimeError("rolled back")
        self._opened.__exit__(RuntimeError, ended, None)

    def place(self, draft: dropship.OrderDraft) -> dropship.OrderId | None:
        """Place an order."""
        commands = [self.market.command(draft)]
        [outcome] = place_dropship_orders(self._ctx, commands=commands)
        return outcome.order_id if isinstance(outcome, dropship.Placed) else None

    def partner(
        self,
        verb: str,
        order_id: dropship.OrderId,
        *,
        area: str = "",
        package_id: dropship.PackageId | None = None,
    ) -> bool:
        """Let the partner do something."""
        verbs: dict[str, tuple[Callable[..., object], dict[str, object]]] = {
            "confirm": (confirm_order, {}),
            "cancel": (cancel_order, {}),
            "receive": (confirm_receipt, {}),
            "intercept": (intercept_order, {"package_id": package_id}),
            "address": (change_address, {"area_code": area, "recipient": ELSEWHERE}),
        }
        act, said = verbs[verb]
        partner_id = self.market.street
        actor = self.market.as_partner()
        return self._did(actor, act, partner_id=partner_id, order_id=order_id, **said)

    def supplier(
        self,
        verb: str,
        who: PartyId,
        target: dropship.ChildId | dropship.PackageId,
        *,
        pieces: Mapping[int, int] | None = None,
        waybill: str = "",
    ) -> bool:
        """Let a supplier do something."""
        actor = self.market.as_supplier(who)
        if verb in OF_PACKAGE:
            act, said = OF_PACKAGE[verb]
            return self._did(actor, act, supplier_id=who, package_id=target, **said)
        act, said = OF_CHILD[verb]
        if verb == "refuse":
            said = {"pieces": pieces}
        elif verb == "ship":
            lines = [dropship.PackageLine(*piece) for piece in (pieces or {}).items()]
            said = {"carrier_code": "SF", "waybill_number": waybill, "lines": lines}
        return self._did(actor, act, supplier_id=who, child_id=target, **said)

    def turn(self, minutes: int) -> None:
        """Turn the clock."""
        self._ctx.now += timedelta(minutes=minutes)
        for sweep in SWEEPS:
            sweep(self._ctx)

    def _did(self, actor: Actor, verb: Callable[..., object], **words: object) -> bool:
        """Do something; a refusal rolls its own request back, as the face would."""
        ctx = self._ctx
        announced = len(ctx.announced)
        ctx.actor = actor
        try:
            with ctx.db.savepoint():
                done = verb(ctx, **words)
        except Problem:
            del ctx.announced[announced:]
            return False
        finally:
            ctx.actor = self._system
        return not isinstance(done, Problem)


class InsideMachine(LifeMachine):
    """The machine that acts by the workflows."""

    door: Inside

    def teardown(self) -> None:
        """See that all is sound, and keep nothing."""
        try:
            super().teardown()
        finally:
            self.door.close()


def run(world: World, *, examples: int, steps: int, phases: tuple[Phase, ...]) -> None:
    """Live many lives."""

    def door_open() -> Door:
        return Inside(world)

    machine = type("InsideMachine", (InsideMachine,), {"door_open": staticmethod(door_open)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=phases,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_lives_of_orders_are_their_plain_model(rolled_back_world: World) -> None:
    # A failure is told as it was met: making it short takes minutes, and is the long run's work.
    run(rolled_back_world, examples=5, steps=40, phases=(Phase.reuse, Phase.generate))


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_lives_of_orders_are_their_plain_model_at_length(rolled_back_world: World) -> None:
    run(rolled_back_world, examples=60, steps=60, phases=tuple(Phase))
