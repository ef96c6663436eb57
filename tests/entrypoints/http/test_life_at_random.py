"""The whole life of orders against a plain model, through the HTTP API."""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import database_create, database_drop, database_url
from tests.entrypoints.http.conftest import RECIPIENT, Serving, serving_of
from tests.properties.life import Door, LifeMachine
from tests.properties.test_life import SWEEPS
from tests.workflows.test_stock_promises import gift_of
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.secrets import KeyRing
from weili.kit.world import World, in_transaction
from weili.modules import dropship

STEPS: Mapping[str, tuple[str, object]] = {
    "take": ("orders/{}:take", None),
    "pick": ("orders/{}:pick", None),
    "cancel_yes": ("orders/{}:acceptCancel", None),
    "cancel_no": ("orders/{}:refuseCancel", None),
    "deliver": ("packages/{}:deliver", None),
    "stopped": ("packages/{}:intercepted", None),
    "passed": ("packages/{}:notIntercepted", None),
    "refused": ("packages/{}:refused", None),
    "good": ("packages/{}:returned", {"condition": "good"}),
    "damaged": ("packages/{}:returned", {"condition": "damaged"}),
    "lost": ("packages/{}:lost", {"outcome": "refund"}),
    "again": ("packages/{}:lost", {"outcome": "send_again"}),
}


class Outside:
    """Acts by the API of a market of its own; the clock's sweeps are run as the worker does."""

    def __init__(self, opened: AbstractContextManager[Serving]) -> None:
        self._stack = ExitStack()
        self._serving = self._stack.enter_context(opened)
        self.market = self._serving.market
        self.gift = gift_of(self.market)

    def begin(self) -> AbstractContextManager[Ctx]:
        """Open a transaction of the system."""
        return self.market.world.begin()

    def close(self) -> None:
        """Close the market."""
        self._stack.close()

    def place(self, draft: dropship.OrderDraft) -> dropship.OrderId | None:
        """Place an order."""
        body = {
            "number": draft.number,
            "area_code": draft.area_code,
            "recipient": RECIPIENT,
            "hold": draft.hold,
            "lines": [
                {"sku_id": id_text("sku", line.sku_id), "quantity": line.quantity}
                for line in draft.lines
            ],
        }
        if not self._did("street", "orders", body):
            return None
        with self.begin() as ctx:
            partner_id = self.market.street
            return dropship.order_by_number(ctx, partner_id=partner_id, number=draft.number).id

    def partner(
        self,
        verb: str,
        order_id: dropship.OrderId,
        *,
        area: str = "",
        package_id: dropship.PackageId | None = None,
    ) -> bool:
        """Let the partner do something."""
        steps: dict[str, tuple[str, object]] = {
            "confirm": ("confirm", None),
            "cancel": ("cancel", None),
            "receive": ("confirmReceipt", None),
            "intercept": (
                "intercept",
                {"package_id": id_text("pkg", package_id)} if package_id else {},
            ),
            "address": ("changeAddress", {"area_code": area, "recipient": RECIPIENT}),
        }
        step, body = steps[verb]
        return self._did("street", f"orders/{id_text('ord', order_id)}:{step}", body)

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
        name = "grocer" if who == self.market.grocer else "farm"
        lines = [{"line_no": n, "quantity": count} for n, count in (pieces or {}).items()]
        if verb == "refuse":
            step, body = "orders/{}:refuse", {"reason": "none left", "lines": lines}
        elif verb == "ship":
            step = "orders/{}:ship"
            body = {"carrier_code": "SF", "waybill_number": waybill, "lines": lines}
        else:
            step, said = STEPS[verb]
            return self._did(name, f"supply/{step.format(_id(step, target))}", said)
        return self._did(name, f"supply/{step.format(_id(step, target))}", body)

    def turn(self, minutes: int) -> None:
        """Turn the clock."""
        assert self._did("operator", "operator/clock:turn", {"ahead_s": minutes * 60})
        for sweep in SWEEPS:
            in_transaction(self.market.world.begin, sweep)

    def _did(self, who: str, target: str, body: object) -> bool:
        answer = self._serving.ask(who, "POST", f"/v1/{target}", body, key=target != "orders")
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.json()["code"] not in {"input_invalid", "forbidden"}, answer.text
        return answer.status_code < 300


def _id(step: str, target: dropship.ChildId | dropship.PackageId) -> str:
    return id_text("pkg" if step.startswith("packages") else "chd", target)


class OutsideMachine(LifeMachine):
    """The machine that acts by the API."""

    door: Outside

    def teardown(self) -> None:
        """See that all is sound, and close the market."""
        try:
            super().teardown()
        finally:
            self.door.close()


@contextmanager
def _opened(server_url: str, template: str, keyring: KeyRing) -> Iterator[Serving]:
    name = f"weili_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    database_create(server_url, name, template=template)
    world = World("sandbox", database_url(server_url, name), keyring)
    try:
        with serving_of(world) as serving:
            yield serving
    finally:
        world.close()
        database_drop(server_url, name)


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_lives_of_orders_over_http_are_their_plain_model(
    server_url: str, template: str, keyring: KeyRing
) -> None:
    opened = partial(_opened, server_url, template, keyring)

    def door_open() -> Door:
        return Outside(opened())

    machine = type("OutsideMachine", (OutsideMachine,), {"door_open": staticmethod(door_open)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10,
            stateful_step_count=50,
            deadline=None,
            phases=(Phase.reuse, Phase.generate),
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
