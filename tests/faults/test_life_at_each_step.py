"""Every step of an order's life dies before, inside and after its transaction, and is repeated.

Each is one transaction: what dies before its commit has moved nothing and can be done again; what
dies after it has moved everything once, and doing it again moves nothing more.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import database_create, database_leave, database_url
from tests.faults.failing import Moment, dying
from tests.market import BALANCE_FEN, HEXI, Market, market_open
from tests.workflows.test_order_life import release, ship, turn
from weili.kit.context import SYSTEM, SYSTEM_PARTY, Actor, Ctx
from weili.kit.ids import new_id
from weili.kit.secrets import KeyRing
from weili.kit.world import World
from weili.modules import dropship, ledger
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
from weili.workflows.supplier_answers import cancel_answered
from weili.workflows.verify_world import verify_world

S = dropship.OrderState
P = dropship.PackageState
Act = Callable[[Ctx], object]
COUNTED = sa.text(
    "SELECT (SELECT count(*) FROM ledger.transfer), (SELECT count(*) FROM inventory.movement),"
    " (SELECT count(*) FROM dropship.history), (SELECT count(*) FROM dropship.package_history),"
    " (SELECT count(*) FROM dropship.child), (SELECT count(*) FROM dropship.package),"
    " (SELECT count(*) FROM kit.outbox), (SELECT sum(posted_minor) FROM ledger.balance),"
    " (SELECT sum(held_minor) FROM ledger.balance), (SELECT sum(reserved) FROM inventory.stock),"
    " (SELECT sum(on_hand) FROM inventory.stock), (SELECT count(*) FROM parties.audit)"
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is about to be taken: who takes it, and how."""

    actor: Actor
    act: Act


@dataclass(frozen=True, slots=True)
class Stage:
    """One market for all steps, each of which has orders of its own."""

    market: Market

    def placed(self, *, count: int = 2, hold: bool = False, rice: bool = False) -> dropship.Order:
        """Place an order with a number of its own."""
        market = self.market
        sku_id = market.rice if rice else market.tea
        draft = market.draft(uuid.uuid4().hex, (sku_id, count), hold=hold)
        with market.world.begin() as ctx:
            [outcome] = place_dropship_orders(ctx, commands=[market.command(draft)])
        assert isinstance(outcome, dropship.Placed)
        return self.read(outcome.order_id)

    def read(self, order_id: dropship.OrderId) -> dropship.Order:
        """Read an order as it is now."""
        with self.market.world.begin() as ctx:
            [order] = dropship.orders_read(ctx, ids=[order_id])
        return order

    def released(self) -> dropship.Order:
        """Place an order that its supplier takes."""
        return release(self.market, self.placed())

    def sent(self) -> dropship.Package:
        """Place an order that leaves in one package."""
        [child] = self.released().children
        return ship(self.market, child, waybill(), (1, 2))

    def delivered(self) -> dropship.OrderId:
        """Place an order that arrives."""
        order = self.released()
        package = ship(self.market, order.children[0], waybill(), (1, 2))
        self.did(self.supplier(deliver_package, package_id=package.id))
        return order.id

    def turned(self) -> dropship.Package:
        """Place an order whose package is refused at the door."""
        package = self.sent()
        self.did(self.supplier(package_refused, package_id=package.id))
        return package

    def stopping(self) -> dropship.Package:
        """Place an order whose package is to be stopped."""
        order = self.released()
        package = ship(self.market, order.children[0], waybill(), (1, 2))
        self.did(self.partner(intercept_order, order_id=order.id))
        return package

    def waiting(self) -> None:
        """Place an order that the balance does not cover."""
        self.did(self.partner(dropship.low_balance_put, choice=dropship.LowBalance.WAIT))
        self.did(Step(SYSTEM, self.spend))
        assert self.placed().state is S.WAITING_FUNDS

    def spend(self, ctx: Ctx) -> None:
        """Leave the partner no money."""
        prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, self.market.street)
        balance = ledger.balances_lock(ctx, account_ids=[prepaid])[prepaid]
        transfer = ledger.NewTransfer(
            id=ledger.TransferId(new_id(ctx.now)),
            party_id=self.market.street,
            kind=ledger.TransferKind.DIRECT,
            debit=prepaid,
            credit=ledger.account_id(ledger.AccountKind.PLATFORM_BANK, SYSTEM_PARTY),
            amount_minor=balance.available_minor,
            purpose="spent",
            subject="elsewhere",
        )
        ledger.transfers_write(ctx, transfers=[transfer])

    def pay_in(self) -> None:
        """Fill the partner's balance again."""
        with self.market.world.begin() as ctx:
            ledger.top_up(
                ctx,
                partner_id=self.market.street,
                amount_minor=BALANCE_FEN,
                reference=uuid.uuid4().hex,
            )

    def partner(self, verb: Callable[..., object], **words: object) -> Step:
        """Make a step of the partner's."""
        market = self.market
        return Step(market.as_partner(), lambda ctx: verb(ctx, partner_id=market.street, **words))

    def supplier(self, verb: Callable[..., object], **words: object) -> Step:
        """Make a step of the grocer's."""
        market = self.market
        return Step(market.as_supplier(), lambda ctx: verb(ctx, supplier_id=market.grocer, **words))

    def did(self, step: Step) -> None:
        """Take a step."""
        with self.market.world.begin(step.actor) as ctx:
            step.act(ctx)

    def dies(self, step: Step, moment: Moment) -> None:
        """Take a step and die at a moment of it."""
        dying(self.market.world.begin_as(step.actor), step.act, moment)

    def counted(self) -> tuple[Any, ...]:
        """Count everything that a step can move."""
        with self.market.world.engine.connect() as connection:
            return tuple(connection.execute(COUNTED).one())


def waybill() -> str:
    """Make the number of a waybill that is on no other package."""
    return f"SF{uuid.uuid4().int % 10**13:013}"


def confirm(stage: Stage) -> Step:
    """A held order is confirmed."""
    return stage.partner(confirm_order, order_id=stage.placed(hold=True).id)


def cancel(stage: Stage) -> Step:
    """An order that nobody has seen is cancelled."""
    return stage.partner(cancel_order, order_id=stage.placed().id)


def cancel_asked(stage: Stage) -> Step:
    """An order that its supplier has is to be cancelled."""
    return stage.partner(cancel_order, order_id=stage.released().id)


def cancel_yes(stage: Stage) -> Step:
    """A supplier agrees to cancel."""
    return _cancel_answer(stage, accepted=True)


def cancel_no(stage: Stage) -> Step:
    """A supplier does not cancel."""
    return _cancel_answer(stage, accepted=False)


def _cancel_answer(stage: Stage, *, accepted: bool) -> Step:
    order = stage.released()
    stage.did(stage.partner(cancel_order, order_id=order.id))
    return stage.supplier(cancel_answered, child_id=order.children[0].id, accepted=accepted)


def refuse(stage: Stage) -> Step:
    """A supplier refuses a child, which comes from elsewhere."""
    return stage.supplier(refuse_child, child_id=stage.released().children[0].id)


def refuse_rest(stage: Stage) -> Step:
    """A supplier refuses what it has not shipped."""
    [child] = stage.released().children
    ship(stage.market, child, waybill(), (1, 1))
    return stage.supplier(refuse_child, child_id=child.id)


def pick(stage: Stage) -> Step:
    """A supplier begins to pick."""
    return stage.supplier(pick_child, child_id=stage.released().children[0].id)


def send(stage: Stage) -> Step:
    """A package leaves."""
    return stage.supplier(
        ship_package,
        child_id=stage.released().children[0].id,
        carrier_code="SF",
        waybill_number=waybill(),
        lines=[dropship.PackageLine(1, 1)],
    )


def deliver(stage: Stage) -> Step:
    """A package arrives."""
    return stage.supplier(deliver_package, package_id=stage.sent().id)


def receive(stage: Stage) -> Step:
    """The partner says that everything is there."""
    return stage.partner(confirm_receipt, order_id=stage.delivered())


def intercept(stage: Stage) -> Step:
    """A package is to be stopped."""
    order = stage.released()
    ship(stage.market, order.children[0], waybill(), (1, 2))
    return stage.partner(intercept_order, order_id=order.id)


def stopped(stage: Stage) -> Step:
    """A package was stopped."""
    package = stage.stopping()
    return stage.supplier(intercept_answered, package_id=package.id, stopped=True)


def passed(stage: Stage) -> Step:
    """A package could not be stopped."""
    package = stage.stopping()
    return stage.supplier(intercept_answered, package_id=package.id, stopped=False)


def turn_back(stage: Stage) -> Step:
    """A receiver refuses a package."""
    return stage.supplier(package_refused, package_id=stage.sent().id)


def come_back(stage: Stage) -> Step:
    """A package is back and settled."""
    good = dropship.Condition.GOOD
    return stage.supplier(package_returned, package_id=stage.turned().id, condition=good)


def come_back_damaged(stage: Stage) -> Step:
    """A package is back, settled and written off."""
    damaged = dropship.Condition.DAMAGED
    return stage.supplier(package_returned, package_id=stage.turned().id, condition=damaged)


def lose(stage: Stage) -> Step:
    """A package is lost and refunded."""
    return stage.supplier(lose_package, package_id=stage.sent().id, send_again=False)


def send_again(stage: Stage) -> Step:
    """A package is lost and sent again."""
    return stage.supplier(lose_package, package_id=stage.sent().id, send_again=True)


def pay(stage: Stage) -> Step:
    """An order that waited is released by a top-up."""
    stage.waiting()
    stage.pay_in()
    return Step(SYSTEM, release_waiting)


def lapse_unpaid(stage: Stage) -> Step:
    """An order that waited is not paid in time."""
    stage.waiting()
    turn(stage.market, days=1, minutes=1)
    return Step(SYSTEM, expire_holds)


def lapse_held(stage: Stage) -> Step:
    """A held order is not confirmed in time."""
    stage.placed(hold=True)
    turn(stage.market, minutes=31)
    return Step(SYSTEM, expire_holds)


def complete(stage: Stage) -> Step:
    """A delivered order is done by itself."""
    stage.delivered()
    turn(stage.market, days=7, minutes=1)
    return Step(SYSTEM, complete_orders)


def lapse_stopping(stage: Stage) -> Step:
    """Nobody stops a package in time."""
    stage.stopping()
    turn(stage.market, days=3, minutes=1)
    return Step(SYSTEM, intercepts_expire)


def lapse_turned(stage: Stage) -> Step:
    """A package never comes back."""
    stage.turned()
    turn(stage.market, days=15, minutes=1)
    return Step(SYSTEM, returns_expire)


STEPS = (
    confirm,
    cancel,
    cancel_asked,
    cancel_yes,
    cancel_no,
    refuse,
    refuse_rest,
    pick,
    send,
    deliver,
    receive,
    intercept,
    stopped,
    passed,
    turn_back,
    come_back,
    come_back_damaged,
    lose,
    send_again,
    pay,
    lapse_unpaid,
    lapse_held,
    complete,
    lapse_stopping,
    lapse_turned,
)


@pytest.fixture(scope="module")
def stage(server_url: str, template: str, keyring: KeyRing) -> Iterator[Stage]:
    """Open one market for the whole file; at its end the world must be sound."""
    name = f"weili_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    database_create(server_url, name, template=template)
    world = World("sandbox", database_url(server_url, name), keyring)
    yield Stage(market_open(world))
    world.close()
    database_leave(server_url, name)


@pytest.mark.parametrize("prepared", STEPS, ids=lambda step: step.__name__)
def test_a_step_that_dies_moves_everything_once_or_nothing(
    stage: Stage, prepared: Callable[[Stage], Step]
) -> None:
    stage.pay_in()
    step = prepared(stage)
    before = stage.counted()
    for moment in (Moment.BEFORE, Moment.INSIDE):
        stage.dies(step, moment)
        assert stage.counted() == before
    stage.dies(step, Moment.AFTER)
    after = stage.counted()
    assert after != before
    stage.did(step)
    assert stage.counted() == after


def test_an_address_that_changes_twice_moves_the_freight_once(stage: Stage) -> None:
    # Given one rice, whose freight to Tianjin is another one; each asking is written down and told
    stage.pay_in()
    order = stage.placed(count=1, rice=True)
    elsewhere = dropship.Recipient("张三", "13800000000", "解放路 9 号")
    step = stage.partner(change_address, order_id=order.id, area_code=HEXI, recipient=elsewhere)
    before = stage.counted()
    for moment in (Moment.BEFORE, Moment.INSIDE):
        stage.dies(step, moment)
        assert stage.counted() == before
        assert stage.read(order.id) == order
    stage.dies(step, Moment.AFTER)
    there = stage.read(order.id)
    balance = stage.market.balance()
    stage.did(step)
    assert stage.market.balance() == balance
    assert stage.read(order.id).children == there.children


def test_after_all_that_died_the_world_is_sound(stage: Stage) -> None:
    with stage.market.world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []
