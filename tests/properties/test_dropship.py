"""The life of many orders at once, against a model that only counts.

Every step is drawn at random: placing with and without hold, confirming, cancelling, taking and
refusing by suppliers, packages of any size, deliveries, time. After each the books, the shelves
and the orders must be what the model counts, and every check of ``verify`` must be clean.
"""

import contextlib
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from weili.workflows.place_dropship_orders import place_dropship_orders
from weili.workflows.ship_package import deliver_package, ship_package
from weili.workflows.supplier_answers import cancel_answered, child_taken

S = dropship.OrderState
OPEN = {S.HELD, S.CONFIRMED, S.RELEASED, S.CANCELLING, S.PART_SHIPPED}

numbers = st.integers(0, 3)
children = st.integers(0, 1)
baskets = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=3)
bought = st.tuples(st.just("place"), numbers, baskets, st.sampled_from([XIHU, HEXI]), st.booleans())
greedy = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 90)), min_size=1, max_size=3)
shipped = st.tuples(st.just("ship"), numbers, children, st.integers(0, 2), st.integers(1, 4))
taken = st.tuples(st.just("take"), numbers, children)
steps = st.builds(
    lambda *parts: [step for part in parts for step in part],
    st.lists(bought, min_size=2, max_size=4),
    st.lists(st.one_of(taken, st.tuples(st.just("confirm"), numbers)), min_size=3, max_size=6),
    st.lists(
        st.one_of(
            st.tuples(
                st.just("place"),
                numbers,
                greedy,
                st.sampled_from([XIHU, HEXI, LHASA]),
                st.booleans(),
            ),
            st.tuples(st.sampled_from(["confirm", "cancel", "receipt"]), numbers),
            st.tuples(st.sampled_from(["take", "refuse", "yes", "no"]), numbers, children),
            taken,
            shipped,
            shipped,
            shipped,
            st.tuples(st.just("deliver"), numbers, st.integers(0, 3)),
            st.tuples(st.just("wait"), st.sampled_from([5, 40, 11_000])),
        ),
        min_size=5,
        max_size=20,
    ),
)


@dataclass
class Life:
    """Runs steps through the product, in one transaction that is never kept."""

    ctx: Ctx
    market: Market
    waybills: int = 0
    orders: dict[int, dropship.OrderId] = field(default_factory=dict)

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
        child = self.child(number, which)
        self.ctx.actor = self.market.as_supplier(child.supplier_id)
        if verb in {"take", "refuse"}:
            if child.state is S.CONFIRMED:
                orders_queue(self.ctx, order_ids=[self.orders[number]])
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
        child = self.child(number, which)
        self.ctx.actor = self.market.as_supplier(child.supplier_id)
        self.waybills += 1
        ship_package(
            self.ctx,
            supplier_id=child.supplier_id,
            child_id=child.id,
            carrier_code="SF",
            waybill_number=f"SF{self.waybills}",
            lines=[dropship.PackageLine(child.lines[line % len(child.lines)].line_no, quantity)],
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

    def wait(self, minutes: int) -> None:
        """Let time pass, and the deadlines act."""
        self.ctx.now += timedelta(minutes=minutes)
        expire_holds(self.ctx)
        complete_orders(self.ctx)

    def order(self, number: int) -> dropship.Order:
        """Read an order."""
        order_id = self.orders[number]
        return dropship.order_get(self.ctx, partner_id=self.market.street, order_id=order_id)

    def child(self, number: int, which: int) -> dropship.Child:
        """Read a child of an order."""
        children = self.order(number).children
        return children[which % len(children)]


def run(life: Life, system: Actor, step: tuple[object, ...]) -> None:
    """Take one drawn step; a refusal is an outcome, and must have moved nothing (see ``check``)."""
    verb, *rest = step
    if verb not in {"place", "wait"} and rest[0] not in life.orders:
        return
    try:
        # A refusal rolls its own request back, as the face would; the others stay.
        with life.ctx.db.sa.begin_nested():
            if verb in {"confirm", "cancel", "receipt"}:
                life.act(verb, *rest)  # type: ignore[arg-type]
            elif verb in {"take", "refuse", "yes", "no"}:
                life.answer(verb, *rest)  # type: ignore[arg-type]
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
        for child in order.children:
            is_open = child.state in OPEN
            for line in child.lines:
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


def _example(world: World, drawn: list[tuple[object, ...]]) -> None:
    with contextlib.suppress(RollBack), world.begin() as ctx:
        life = Life(ctx, market_open_in(ctx, world))
        system = ctx.actor
        for step in drawn:
            run(life, system, step)
            check(life)
        raise RollBack


quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
thorough = settings(quick, max_examples=600)


@quick
@given(drawn=steps)
def test_any_lives_of_orders_keep_books_and_shelves(
    rolled_back_world: World, drawn: list[tuple[object, ...]]
) -> None:
    _example(rolled_back_world, drawn)


@pytest.mark.long
@pytest.mark.timeout(900)
@thorough
@given(drawn=steps)
def test_very_many_lives_of_orders_keep_books_and_shelves(
    rolled_back_world: World, drawn: list[tuple[object, ...]]
) -> None:
    _example(rolled_back_world, drawn)
