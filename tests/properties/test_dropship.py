"""The life of many orders at once, against a model that only counts.

Every step is drawn at random: placing with and without hold, confirming, cancelling, taking and
refusing by suppliers, packages of any size, deliveries, time. After each the books, the shelves
and the orders must be what the model counts, and every check of ``verify`` must be clean.
"""

import contextlib
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import RollBack
from tests.market import BALANCE_FEN, HEXI, LHASA, XIHU, Market, market_open_in
from weili.kit.context import Actor, Ctx
from weili.kit.problems import Problem
from weili.kit.world import World
from weili.modules import dropship, goods, inventory, ledger
from weili.workflows.cancel_order import cancel_order
from weili.workflows.confirm_order import confirm_order
from weili.workflows.confirm_receipt import confirm_receipt
from weili.workflows.dispatch_orders import orders_queue
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
from weili.workflows.return_package import package_refused, package_returned, returns_expire
from weili.workflows.ship_package import deliver_package, ship_package
from weili.workflows.supplier_answers import cancel_answered, child_taken

S = dropship.OrderState
P = dropship.PackageState
OPEN = {S.HELD, S.CONFIRMED, S.RELEASED, S.PICKING, S.CANCELLING, S.PART_SHIPPED}

STEPS = 60
NUMBERS = 12
"""Fewer than are drawn, so that some orders are placed twice, or with another body."""
WEIGHTS = {
    "place": 6,
    "confirm": 3,
    "cancel": 2,
    "receipt": 1,
    "take": 6,
    "refuse": 3,
    "yes": 1,
    "no": 1,
    "ship": 12,
    "deliver": 6,
    "pick": 2,
    "refuse_some": 3,
    "way": 6,
    "wait": 2,
}


def drawn(chance: random.Random) -> tuple[Any, ...]:
    """Draw a step; most of them possible, all of them likely to meet one another."""
    verb = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    number, which = chance.randrange(NUMBERS), chance.randrange(2)
    match verb:
        case "place":
            most = chance.choice([3, 9, 60])
            basket = [
                (chance.randrange(4), chance.randint(1, most)) for _ in range(chance.randint(1, 3))
            ]
            area = chance.choice([XIHU, HEXI, HEXI, LHASA])
            return verb, number, basket, area, chance.random() < 0.3
        case "confirm" | "cancel" | "receipt":
            return verb, number
        case "take" | "refuse" | "yes" | "no":
            return verb, number, which
        case "ship":
            return verb, number, which, chance.randrange(3), chance.randint(1, 4)
        case "deliver":
            return verb, number, chance.randrange(4)
        case "pick":
            return verb, number, chance.randrange(2)
        case "refuse_some":
            return verb, number, chance.randrange(2), chance.randrange(3), chance.randint(1, 4)
        case "way":
            ways = ["ask", "stopped", "passed", "refused", "good", "damaged", "lost", "again"]
            return verb, number, chance.randrange(4), chance.choice(ways)
    return verb, chance.choice([1, 5, 40, 11_000])


@dataclass
class Life:
    """Runs steps through the product, in one transaction that is never kept."""

    ctx: Ctx
    market: Market
    chance: random.Random
    waybills: int = 0
    orders: dict[int, dropship.OrderId] = field(default_factory=dict)
    states: set[dropship.OrderState] = field(default_factory=set)
    ways: set[dropship.PackageState] = field(default_factory=set)

    def place(self, number: int, lines: list[tuple[int, int]], area: str, hold: bool) -> None:
        """Place an order; the same number again is a replay or a refusal."""
        skus = (self.market.tea, self.market.rice, self.market.cup, self.market.eggs)
        asked = [(skus[which], quantity) for which, quantity in lines]
        draft = self.market.draft(str(number), *asked, area_code=area, hold=hold)
        commands = [self.market.command(draft)]
        [outcome] = place_dropship_orders(self.ctx, commands=commands)
        if isinstance(outcome, dropship.Placed):
            assert outcome.is_replay == (number in self.orders)
            assert self.orders.setdefault(number, outcome.order_id) == outcome.order_id
        elif number in self.orders:
            assert outcome.code == "order_number_reused"

    def act(self, verb: str, number: int) -> None:
        """Let the partner do something with its order."""
        verbs = {"confirm": confirm_order, "cancel": cancel_order, "receipt": confirm_receipt}
        self.ctx.actor = self.market.as_partner()
        verbs[verb](self.ctx, partner_id=self.market.street, order_id=self.orders[number])

    def answer(self, verb: str, number: int, which: int) -> None:
        """Let a supplier answer for a child of an order."""
        fits = S.CONFIRMED if verb in {"take", "refuse"} else S.CANCELLING
        child = self.child(number, which, mostly={fits})
        self.ctx.actor = self.market.as_supplier(child.supplier_id)
        if verb in {"take", "refuse"}:
            if child.state is S.CONFIRMED:
                orders_queue(self.ctx, order_ids=list(self.orders.values()))
            child_taken(
                self.ctx,
                supplier_id=child.supplier_id,
                child_id=child.id,
                accepted=verb == "take",
            )
        else:
            cancel_answered(
                self.ctx,
                supplier_id=child.supplier_id,
                child_id=child.id,
                accepted=verb == "yes",
            )

    def ship(self, number: int, which: int, line: int, quantity: int) -> None:
        """Let a supplier ship some pieces of a line."""
        child = self.child(number, which, mostly={S.RELEASED, S.PART_SHIPPED, S.CANCELLING})
        self.ctx.actor = self.market.as_supplier(child.supplier_id)
        self.waybills += 1
        item = child.lines[line % len(child.lines)]
        if self.chance.random() < 0.8:
            quantity = max(1, min(quantity, item.quantity - item.shipped))
        ship_package(
            self.ctx,
            supplier_id=child.supplier_id,
            child_id=child.id,
            carrier_code="SF",
            waybill_number=f"SF{self.waybills}",
            lines=[dropship.PackageLine(item.line_no, quantity)],
        )

    def deliver(self, number: int, which: int) -> None:
        """Let a package of an order arrive."""
        packages = self.order(number).packages
        if packages:
            package = packages[which % len(packages)]
            children = {child.id: child for child in self.order(number).children}
            supplier_id = children[package.child_id].supplier_id
            self.ctx.actor = self.market.as_supplier(supplier_id)
            deliver_package(self.ctx, supplier_id=supplier_id, package_id=package.id)

    def pick(self, number: int, which: int) -> None:
        """Let a supplier pick a child."""
        child = self.child(number, which, mostly={S.RELEASED})
        self.ctx.actor = self.market.as_supplier(child.supplier_id)
        pick_child(self.ctx, supplier_id=child.supplier_id, child_id=child.id)

    def refuse_some(self, number: int, which: int, line: int, quantity: int) -> None:
        """Let a supplier refuse some pieces of a line, or of all that is left."""
        child = self.child(number, which, mostly={S.RELEASED, S.PICKING, S.PART_SHIPPED})
        self.ctx.actor = self.market.as_supplier(child.supplier_id)
        item = child.lines[line % len(child.lines)]
        pieces = None if self.chance.random() < 0.3 else {item.line_no: quantity}
        refuse_child(self.ctx, supplier_id=child.supplier_id, child_id=child.id, pieces=pieces)

    def way(self, number: int, which: int, what: str) -> None:
        """Let a package of an order go another way than to its receiver."""
        order = self.order(number)
        if not order.packages:
            return
        fitting = self.under_way(number) if self.chance.random() < 0.8 else []
        packages = fitting or order.packages
        package = packages[which % len(packages)]
        owner = next(c.supplier_id for c in order.children if c.id == package.child_id)
        if what == "ask":
            self.ctx.actor = self.market.as_partner()
            intercept_order(
                self.ctx,
                partner_id=self.market.street,
                order_id=order.id,
                package_id=package.id,
            )
            return
        self.ctx.actor = self.market.as_supplier(owner)
        named = {"supplier_id": owner, "package_id": package.id}
        if what in {"stopped", "passed"}:
            intercept_answered(self.ctx, **named, stopped=what == "stopped")
        elif what == "refused":
            package_refused(self.ctx, **named)
        elif what in {"good", "damaged"}:
            package_returned(self.ctx, **named, condition=dropship.Condition(what))
        else:
            lose_package(self.ctx, **named, send_again=what == "again")

    def wait(self, minutes: int) -> None:
        """Let time pass, and the deadlines act."""
        self.ctx.now += timedelta(minutes=minutes)
        expire_holds(self.ctx)
        complete_orders(self.ctx)
        intercepts_expire(self.ctx)
        returns_expire(self.ctx)

    def order(self, number: int) -> dropship.Order:
        """Read an order."""
        order_id = self.orders[number]
        return dropship.order_get(self.ctx, partner_id=self.market.street, order_id=order_id)

    def sent(self) -> list[int]:
        """Give the orders that have parcels under way, or while there are none, all of them."""
        return [number for number in self.orders if self.under_way(number)] or [*self.orders]

    def under_way(self, number: int) -> list[dropship.Package]:
        """Give the packages of an order that have not come to an end."""
        ends = {P.DELIVERED, P.RETURNED, P.LOST}
        return [package for package in self.order(number).packages if package.state not in ends]

    def child(self, number: int, which: int, *, mostly: set[dropship.OrderState]) -> dropship.Child:
        """Read a child of an order, or while there are any, one in the states that fit."""
        fitting = [
            child
            for order in map(self.order, self.orders)
            for child in order.children
            if child.state in mostly
        ]
        if fitting and self.chance.random() < 0.9:
            return self.chance.choice(fitting)
        children = self.order(number).children
        return children[which % len(children)]


def run(life: Life, system: Actor, step: tuple[Any, ...]) -> None:
    """Take one drawn step; a refusal is an outcome, and must have moved nothing (see ``check``)."""
    verb, *rest = step
    if verb not in {"place", "wait"}:
        if not life.orders:
            return
        numbers = life.sent() if verb in {"deliver", "way"} else list(life.orders)
        rest[0] = numbers[rest[0] % len(numbers)]
    try:
        # A refusal rolls its own request back, as the face would; the others stay.
        with life.ctx.db.savepoint():
            if verb in {"confirm", "cancel", "receipt"}:
                life.act(verb, *rest)
            elif verb in {"take", "refuse", "yes", "no"}:
                life.answer(verb, *rest)
            else:
                getattr(life, str(verb))(*rest)
    except Problem:
        pass
    finally:
        life.ctx.actor = system


def check(life: Life) -> None:
    """Count every order anew and compare with the books and the shelves."""
    orders = [life.order(number) for number in life.orders]
    reserved: dict[tuple[goods.SkuId, inventory.WarehouseId], int] = {}
    shipped: dict[tuple[goods.SkuId, inventory.WarehouseId], int] = {}
    spent = held = 0
    owed = {life.market.grocer: 0, life.market.farm: 0}
    for order in orders:
        assert order.state is dropship.root_state(child.state for child in order.children)
        life.states |= {child.state for child in order.children}
        life.ways |= {package.state for package in order.packages}
        for child in order.children:
            is_open = child.state in OPEN
            lines = {line.line_no: line for line in child.lines}
            for package in order.packages:
                if package.child_id != child.id or package.state not in {P.RETURNED, P.LOST}:
                    continue
                is_lost_out = package.state is P.LOST and package.back is None
                spent -= package.worth.goods_minor
                spent -= package.worth.freight_minor if is_lost_out else 0
                owed[child.supplier_id] -= package.worth.cost_minor
                if package.condition is dropship.Condition.GOOD:
                    for packed in package.lines:
                        place = (lines[packed.line_no].sku_id, child.warehouse_id)
                        shipped[place] = shipped.get(place, 0) - packed.quantity
            for line in child.lines:
                if not line.quantity:
                    continue
                place = (line.sku_id, child.warehouse_id)
                gone = line.freight_minor * line.shipped // line.quantity
                spent += line.unit_price_minor * line.shipped + gone
                owed[child.supplier_id] += line.unit_cost_minor * line.shipped
                shipped[place] = shipped.get(place, 0) + line.shipped
                if is_open:
                    left = line.quantity - line.shipped
                    reserved[place] = reserved.get(place, 0) + left
                    held += line.unit_price_minor * left + line.freight_minor - gone
    _compare(life, reserved, shipped, (BALANCE_FEN - spent, held), owed)


def _compare(
    life: Life,
    reserved: dict[tuple[goods.SkuId, inventory.WarehouseId], int],
    shipped: dict[tuple[goods.SkuId, inventory.WarehouseId], int],
    prepaid: tuple[int, int],
    owed: dict[object, int],
) -> None:
    market, ctx = life.market, life.ctx
    account = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, market.street)
    balance = ledger.balances_read(ctx, account_ids=[account])[account]
    assert (balance.posted_minor, balance.held_minor) == prepaid
    for supplier_id in (market.grocer, market.farm):
        payable = ledger.account_id(ledger.AccountKind.SUPPLIER_PAYABLE, supplier_id)
        found = ledger.balances_read(ctx, account_ids=[payable])[payable]
        assert found.posted_minor == owed[supplier_id]
    first = {
        (market.tea, market.near): 100,
        (market.tea, market.far): 50,
        (market.rice, market.far): 40,
        (market.cup, market.near): 10,
        (market.cup, market.far): 10,
        (market.eggs, market.barn): 30,
    }
    skus = [market.tea, market.rice, market.cup, market.eggs]
    for level in inventory.stock_of(ctx, sku_ids=skus):
        place = (level.sku_id, level.warehouse_id)
        assert level.on_hand == first[place] - shipped.get(place, 0)
        assert level.reserved == reserved.get(place, 0)
    for module in (ledger, inventory, dropship):
        assert list(module.verify(ctx)) == []


def _walk(world: World, seed: int) -> Life:
    chance = random.Random(seed)
    with contextlib.suppress(RollBack), world.begin() as ctx:
        life = Life(ctx, market_open_in(ctx, world), chance)
        system = ctx.actor
        for _ in range(STEPS):
            run(life, system, drawn(chance))
            check(life)
        raise RollBack
    return life


STATES = set(S) - {S.WAITING_FUNDS}
"""What children of very many lives must have come to. The partner of these refuses what it can't
pay, so that nothing waits for funds: that is lived in ``life``."""


@pytest.mark.timeout(600)
def test_any_lives_of_orders_keep_books_and_shelves(rolled_back_world: World) -> None:
    lives = [_walk(rolled_back_world, seed) for seed in range(8)]
    # One life may come to little; of eight some must have been sent, given up and delivered.
    reached = set[dropship.OrderState]().union(*(life.states for life in lives))
    assert {S.CONFIRMED, S.RELEASED, S.PART_SHIPPED, S.SHIPPED, S.CANCELLED} <= reached
    assert P.DELIVERED in set[dropship.PackageState]().union(*(life.ways for life in lives))


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_very_many_lives_of_orders_keep_books_and_shelves(rolled_back_world: World) -> None:
    lives = [_walk(rolled_back_world, seed) for seed in range(1_000, 1_080)]
    # Else the walks would find nothing wrong because nothing happens.
    assert set[dropship.OrderState]().union(*(life.states for life in lives)) >= STATES
    assert set[dropship.PackageState]().union(*(life.ways for life in lives)) == set(P)
