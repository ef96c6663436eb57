"""Lives of orders drawn at random, and a plain model of their money and pieces beside them.

The machine does not care through which door it acts: ``Door`` is the workflows themselves, or the
HTTP API. The model counts; it knows nothing of children, holds or movements.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.market import (
    BALANCE_FEN,
    CUP_COST_FEN,
    CUP_FEN,
    CUP_TIER_FEN,
    EGGS_COST_FEN,
    EGGS_FEN,
    FREE_FROM_FEN,
    FREIGHT_FEN,
    HEXI,
    NORTH_FREIGHT_FEN,
    TEA_COST_FEN,
    TEA_FEN,
    XIHU,
    Market,
)
from tests.workflows.test_stock_promises import GIFT_CUPS
from weili.kit import outbox
from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.ids import new_id
from weili.modules import dropship, inventory, ledger
from weili.modules.goods import SkuId
from weili.workflows.dispatch_orders import orders_queue
from weili.workflows.verify_world import verify_world

S = dropship.OrderState
P = dropship.PackageState
ORDERS_MAX = 5
GIFT_FEN, GIFT_COST_FEN = 6_000, CUP_COST_FEN
OPEN = {
    S.WAITING_FUNDS,
    S.HELD,
    S.CONFIRMED,
    S.RELEASED,
    S.PICKING,
    S.CANCELLING,
    S.PART_SHIPPED,
}
ON_WAY = {P.SHIPPED, P.INTERCEPTING}
WAYS = {
    "deliver": dict.fromkeys((*ON_WAY, P.DELIVERED), P.DELIVERED),
    "refused": dict.fromkeys((*ON_WAY, P.RETURNING), P.RETURNING) | {P.RETURNED: P.RETURNED},
    "good": {P.RETURNING: P.RETURNED, P.RETURNED: P.RETURNED},
    "damaged": {P.RETURNING: P.RETURNED, P.RETURNED: P.RETURNED},
    "lost": dict.fromkeys((*ON_WAY, P.RETURNING, P.LOST), P.LOST),
    "again": dict.fromkeys((*ON_WAY, P.RETURNING, P.LOST), P.LOST),
    "stopped": {p: p for p in P} | {P.INTERCEPTING: P.RETURNING},
    "passed": {p: p for p in P} | {P.INTERCEPTING: P.SHIPPED},
}
"""What becomes of a package by what is said of it; what is not here is refused."""
Place = tuple[SkuId, inventory.WarehouseId]


class Door(Protocol):
    """The way in which the machine acts on the product."""

    market: Market
    gift: SkuId

    def begin(self) -> AbstractContextManager[Ctx]:
        """Open a transaction of the system."""

    def place(self, draft: dropship.OrderDraft) -> dropship.OrderId | None:
        """Place an order; None when it is refused."""

    def partner(
        self,
        verb: str,
        order_id: dropship.OrderId,
        *,
        area: str = "",
        package_id: dropship.PackageId | None = None,
    ) -> bool:
        """Let the partner do something with an order; false when it is refused."""

    def supplier(
        self,
        verb: str,
        who: PartyId,
        target: dropship.ChildId | dropship.PackageId,
        *,
        pieces: Mapping[int, int] | None = None,
        waybill: str = "",
    ) -> bool:
        """Let a supplier do something with a child or a package; false when it is refused."""

    def turn(self, minutes: int) -> None:
        """Turn the clock and let every deadline act."""


@dataclass
class Parcel:
    """A package as the model knows it."""

    state: dropship.PackageState
    pieces: dict[int, int]
    supplier_id: PartyId
    warehouse_id: inventory.WarehouseId
    freight_minor: int


@dataclass
class Bought:
    """An order as the model knows it: pieces by line."""

    area: str
    skus: dict[int, SkuId]
    prices: dict[int, int]
    freight_minor: int
    open: Counter[int]
    is_paid: bool
    void: int = 0
    parcels: dict[dropship.PackageId, Parcel] = field(default_factory=dict)


numbers = st.integers(0, 40)


class LifeMachine(RuleBasedStateMachine):
    """Does to the product and to the model the same things, and compares them after each."""

    door_open: Callable[[], Door]

    def __init__(self) -> None:
        super().__init__()
        self.door = type(self).door_open()
        self.market = market = self.door.market
        self.orders: dict[dropship.OrderId, Bought] = {}
        self.posted = BALANCE_FEN
        self.owed = {market.grocer: 0, market.farm: 0}
        self.made = 0
        self.on_hand: Counter[Place] = Counter(
            {
                (market.tea, market.near): 100,
                (market.tea, market.far): 50,
                (market.cup, market.near): 10,
                (market.cup, market.far): 10,
                (market.eggs, market.barn): 30,
            }
        )
        self.costs = {
            market.tea: TEA_COST_FEN,
            market.cup: CUP_COST_FEN,
            market.eggs: EGGS_COST_FEN,
            self.door.gift: GIFT_COST_FEN,
        }
        with self.door.begin() as ctx:
            ctx.actor = market.as_partner()
            wait = dropship.LowBalance.WAIT
            dropship.low_balance_put(ctx, partner_id=market.street, choice=wait)

    # --- what the model knows --------------------------------------------------------------------

    def price(self, sku_id: SkuId, quantity: int) -> int:
        """Say what a piece costs the partner."""
        market = self.market
        cup = CUP_TIER_FEN if quantity >= 5 else CUP_FEN
        prices = {market.tea: TEA_FEN, market.cup: cup, market.eggs: EGGS_FEN}
        return prices.get(sku_id, GIFT_FEN)

    def pieces(self, sku_id: SkuId) -> dict[SkuId, int]:
        """Say what lies in places for one of an SKU."""
        if sku_id == self.door.gift:
            return {self.market.tea: 1, self.market.cup: GIFT_CUPS}
        return {sku_id: 1}

    def held_goods(self) -> int:
        """Say what must be held for goods, in fen."""
        return sum(
            bought.prices[line_no] * count
            for bought in self.orders.values()
            if bought.is_paid
            for line_no, count in bought.open.items()
        )

    def lie(self, parcel: Parcel, bought: Bought, sign: int) -> None:
        """Put a parcel's pieces into its warehouse, or take them out."""
        for line_no, count in parcel.pieces.items():
            for sku_id, each in self.pieces(bought.skus[line_no]).items():
                self.on_hand[sku_id, parcel.warehouse_id] += sign * count * each

    def book(self, parcel: Parcel, bought: Bought, sign: int, *, freight: bool) -> None:
        """Pay for a parcel, or give its money back."""
        goods = sum(bought.prices[n] * count for n, count in parcel.pieces.items())
        cost = sum(self.costs[bought.skus[n]] * count for n, count in parcel.pieces.items())
        self.posted -= sign * (goods + (parcel.freight_minor if freight else 0))
        self.owed[parcel.supplier_id] += sign * cost

    def freight(self, area: str, goods_minor: int) -> int:
        """Say what the freight of goods is."""
        if area == HEXI:
            return NORTH_FREIGHT_FEN
        return FREIGHT_FEN if goods_minor < FREE_FROM_FEN else 0

    # --- reading ---------------------------------------------------------------------------------

    def read(self) -> dict[dropship.OrderId, dropship.Order]:
        """Read all orders as they are now."""
        with self.door.begin() as ctx:
            found = dropship.orders_read(ctx, ids=list(self.orders))
        return {order.id: order for order in found}

    def available(self) -> int:
        """Read what the partner may still spend."""
        account = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, self.market.street)
        with self.door.begin() as ctx:
            return ledger.balances_read(ctx, account_ids=[account])[account].available_minor

    def child(
        self, n: int, states: set[dropship.OrderState]
    ) -> tuple[dropship.Order, dropship.Child] | None:
        """Give one of the children in some states."""
        found = [
            (order, child)
            for order in self.read().values()
            for child in order.children
            if child.state in states
        ]
        return found[n % len(found)] if found else None

    def order(self, n: int) -> dropship.OrderId | None:
        """Give one of the orders."""
        return list(self.orders)[n % len(self.orders)] if self.orders else None

    def voided(self, order_id: dropship.OrderId) -> int:
        """Take off the model what was cancelled; gives how many pieces."""
        bought = self.orders[order_id]
        before = bought.open.total()
        bought.open = _open(self.read()[order_id])
        gone = before - bought.open.total()
        assert gone >= 0
        bought.void += gone
        return gone

    # --- the partner -----------------------------------------------------------------------------

    @rule(
        lines=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), min_size=1, max_size=3),
        area=st.sampled_from([XIHU, XIHU, HEXI]),
        is_held=st.sampled_from([False, False, True]),
    )
    def place(self, lines: list[tuple[int, int]], area: str, *, is_held: bool) -> None:
        if len(self.orders) == ORDERS_MAX:
            return
        market = self.market
        skus = (market.tea, market.cup, market.eggs, self.door.gift)
        asked = [(skus[which], quantity) for which, quantity in lines]
        self.made += 1
        draft = market.draft(f"L-{self.made}", *asked, area_code=area, hold=is_held)
        available = self.available()
        # What was cancelled while it waited holds nobody up.
        is_behind = any(not bought.is_paid and +bought.open for bought in self.orders.values())
        order_id = self.door.place(draft)
        prices = {n: self.price(*line) for n, line in enumerate(asked, 1)}
        goods = sum(prices[n] * quantity for n, (_, quantity) in enumerate(asked, 1))
        freight = self.freight(area, goods)
        is_covered = goods + freight <= available
        if order_id is None:
            # A refusal has its reason, or a machine that refuses everything would be right.
            assert (is_held and not is_covered) or self.is_short(asked, area)
            return
        assert is_covered or not is_held
        self.orders[order_id] = Bought(
            area=area,
            skus={n: sku_id for n, (sku_id, _) in enumerate(asked, 1)},
            prices=prices,
            freight_minor=freight,
            open=Counter({n: quantity for n, (_, quantity) in enumerate(asked, 1)}),
            is_paid=is_held or (is_covered and not is_behind),
        )

    def is_short(self, asked: Sequence[tuple[SkuId, int]], area: str) -> bool:
        """Say whether what serves an area may not have all that is asked for.

        A bundle's pieces must lie in one warehouse, so with one of those none may have them all.
        """
        market = self.market
        serving = {market.far, market.barn} | ({market.near} if area == XIHU else set())
        wanted: Counter[SkuId] = Counter()
        for sku_id, quantity in asked:
            for piece, each in self.pieces(sku_id).items():
                wanted[piece] += quantity * each
        with self.door.begin() as ctx:
            levels = inventory.stock_of(ctx, sku_ids=list(wanted))
        there = {
            (level.sku_id, level.warehouse_id): level.on_hand - level.reserved
            for level in levels
            if level.warehouse_id in serving
        }
        if any(sku_id == self.door.gift for sku_id, _ in asked):
            return not any(
                all(there.get((sku_id, place), 0) >= n for sku_id, n in wanted.items())
                for place in serving
            )
        return any(
            sum(n for (of_sku, _), n in there.items() if of_sku == sku_id) < count
            for sku_id, count in wanted.items()
        )

    @rule(n=numbers)
    def confirm(self, n: int) -> None:
        if (found := self.child(n, {S.HELD})) is not None:
            assert self.door.partner("confirm", found[0].id)

    @rule(n=numbers)
    def cancel(self, n: int) -> None:
        if (order_id := self.order(n)) is not None:
            self.door.partner("cancel", order_id)
            self.voided(order_id)

    @rule(n=numbers)
    def receive(self, n: int) -> None:
        if (order_id := self.order(n)) is not None:
            state = self.read()[order_id].state
            is_there = state in {S.DELIVERED, S.COMPLETED}
            assert self.door.partner("receive", order_id) == is_there

    @rule(n=numbers, area=st.sampled_from([XIHU, HEXI]))
    def send_elsewhere(self, n: int, area: str) -> None:
        order_id = self.order(n)
        if order_id is None or not self.door.partner("address", order_id, area=area):
            return
        bought = self.orders[order_id]
        if area != bought.area and bought.open:
            goods = sum(bought.prices[n] * count for n, count in bought.open.items())
            bought.freight_minor = self.freight(area, goods)
        bought.area = area

    # --- suppliers -------------------------------------------------------------------------------

    @rule(n=numbers)
    def take(self, n: int) -> None:
        if (found := self.child(n, {S.CONFIRMED})) is not None:
            order, child = found
            with self.door.begin() as ctx:
                orders_queue(ctx, order_ids=[order.id])
            assert self.door.supplier("take", child.supplier_id, child.id)

    @rule(n=numbers)
    def pick(self, n: int) -> None:
        if (found := self.child(n, {S.RELEASED})) is not None:
            assert self.door.supplier("pick", found[1].supplier_id, found[1].id)

    @rule(n=numbers, line=numbers, quantity=st.integers(1, 4), is_all=st.booleans())
    def refuse(self, n: int, line: int, quantity: int, *, is_all: bool) -> None:
        found = self.child(n, {S.CONFIRMED, S.RELEASED, S.PICKING, S.PART_SHIPPED})
        if found is None:
            return
        order, child = found
        left = {x.line_no: x.quantity - x.shipped for x in child.lines if x.quantity > x.shipped}
        line_no = list(left)[line % len(left)]
        pieces = None if is_all else {line_no: min(quantity, left[line_no])}
        assert self.door.supplier("refuse", child.supplier_id, child.id, pieces=pieces)
        short = self.voided(order.id)
        assert short <= sum((pieces or left).values())

    @rule(n=numbers, is_yes=st.booleans())
    def answer(self, n: int, *, is_yes: bool) -> None:
        if (found := self.child(n, {S.CANCELLING})) is not None:
            order, child = found
            verb = "cancel_yes" if is_yes else "cancel_no"
            assert self.door.supplier(verb, child.supplier_id, child.id)
            left = sum(line.quantity for line in child.lines) if is_yes else 0
            assert self.voided(order.id) == left

    @rule(n=numbers, line=numbers, quantity=st.integers(1, 4), is_all=st.booleans())
    def ship(self, n: int, line: int, quantity: int, *, is_all: bool) -> None:
        found = self.child(n, {S.RELEASED, S.PICKING, S.PART_SHIPPED, S.CANCELLING})
        if found is None:
            return
        order, child = found
        left = {x.line_no: x.quantity - x.shipped for x in child.lines if x.quantity > x.shipped}
        line_no = list(left)[line % len(left)]
        pieces = left if is_all else {line_no: min(quantity, left[line_no])}
        self.made += 1
        assert self.door.supplier(
            "ship", child.supplier_id, child.id, pieces=pieces, waybill=f"SF{self.made:013}"
        )
        [package] = [
            p
            for p in self.read()[order.id].packages
            if p.waybill_number.endswith(f"{self.made:013}")
        ]
        bought = self.orders[order.id]
        parcel = Parcel(
            P.SHIPPED, pieces, child.supplier_id, child.warehouse_id, package.worth.freight_minor
        )
        bought.parcels[package.id] = parcel
        bought.open -= Counter(pieces)
        self.lie(parcel, bought, -1)
        self.book(parcel, bought, 1, freight=True)

    # --- packages --------------------------------------------------------------------------------

    @rule(n=numbers, way=st.sampled_from([*WAYS, "ask"]))
    def go(self, n: int, way: str) -> None:
        found = [
            (order_id, package_id)
            for order_id, bought in self.orders.items()
            for package_id in bought.parcels
        ]
        if not found:
            return
        order_id, package_id = found[n % len(found)]
        bought = self.orders[order_id]
        parcel = bought.parcels[package_id]
        here = parcel.state
        if way == "ask":
            done = self.door.partner("intercept", order_id, package_id=package_id)
            assert done == (here in ON_WAY)
            parcel.state = P.INTERCEPTING if done else here
            return
        there = WAYS[way].get(here)
        done = self.door.supplier(way, parcel.supplier_id, package_id)
        is_again = way == "again" and here in ON_WAY
        assert done == (there is not None) or (is_again and not done)
        if done and there is not None and there is not here:
            parcel.state = there
            self.settled(parcel, bought, was=here, way=way)

    def settled(
        self, parcel: Parcel, bought: Bought, *, was: dropship.PackageState, way: str
    ) -> None:
        """Give the money of a parcel back when its way has ended badly."""
        if parcel.state not in {P.RETURNED, P.LOST}:
            return
        self.book(parcel, bought, -1, freight=was in ON_WAY)
        if way == "again" and was in ON_WAY:
            bought.open += Counter(parcel.pieces)
        if was in ON_WAY:
            parcel.freight_minor = 0
        if way == "good":
            self.lie(parcel, bought, 1)

    # --- time and money --------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 40, 1_500, 5_000, 11_000, 23_000]))
    def turn(self, minutes: int) -> None:
        self.door.turn(minutes)
        for order_id, order in self.read().items():
            bought = self.orders[order_id]
            if order.state is not S.WAITING_FUNDS:
                bought.is_paid = True
            if order.state is S.CANCELLED:
                self.voided(order_id)
            for package in order.packages:
                parcel = bought.parcels[package.id]
                was, parcel.state = parcel.state, package.state
                assert (was, package.state) in {
                    *((state, state) for state in P),
                    (P.INTERCEPTING, P.SHIPPED),
                    (P.RETURNING, P.LOST),
                }
                if was is not package.state:
                    self.settled(parcel, bought, was=was, way="time")

    @rule(left=st.sampled_from([0, 4_000, 12_000, 60_000]))
    def spend(self, left: int) -> None:
        amount = self.available() - left
        if amount > 0:
            with self.door.begin() as ctx:
                prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, self.market.street)
                ledger.balances_lock(ctx, account_ids=[prepaid])
                transfer = ledger.NewTransfer(
                    id=ledger.TransferId(new_id(ctx.now)),
                    party_id=self.market.street,
                    kind=ledger.TransferKind.DIRECT,
                    debit=prepaid,
                    credit=ledger.account_id(ledger.AccountKind.PLATFORM_BANK, SYSTEM_PARTY),
                    amount_minor=amount,
                    purpose="spent",
                    subject="elsewhere",
                )
                ledger.transfers_write(ctx, transfers=[transfer])
            self.posted -= amount

    @rule(amount=st.sampled_from([5_000, 30_000, 200_000]))
    def pay_in(self, amount: int) -> None:
        self.made += 1
        with self.door.begin() as ctx:
            ledger.top_up(
                ctx,
                partner_id=self.market.street,
                amount_minor=amount,
                reference=f"top-up {self.made}",
            )
        self.posted += amount

    # --- comparing -------------------------------------------------------------------------------

    @invariant()
    def everything_is_as_the_model_counts(self) -> None:
        reserved: Counter[Place] = Counter()
        freight_held = 0
        for order_id, order in self.read().items():
            bought = self.orders[order_id]
            assert order.state is dropship.root_state(child.state for child in order.children)
            assert _open(order) == +bought.open
            assert {p.id: p.state for p in order.packages} == {
                package_id: parcel.state for package_id, parcel in bought.parcels.items()
            }
            held = 0
            for child in order.children:
                if child.state in OPEN:
                    self.promised(child, reserved)
                    held += sum(_freight_left(line) for line in child.lines)
            taken = sum(parcel.freight_minor for parcel in bought.parcels.values())
            if not bought.void:
                given_back = sum(
                    p.worth.freight_minor
                    for p in order.packages
                    if p.state is P.LOST
                    and p.back is None
                    and not any(child.replaces == p.id for child in order.children)
                )
                assert held + taken + given_back == bought.freight_minor
            if bought.is_paid:
                freight_held += held
        self.compared(reserved, freight_held)

    def promised(self, child: dropship.Child, reserved: Counter[Place]) -> None:
        """Count what a child's warehouse keeps for it."""
        for line in child.lines:
            for sku_id, each in self.pieces(line.sku_id).items():
                reserved[sku_id, child.warehouse_id] += each * (line.quantity - line.shipped)

    def compared(self, reserved: Counter[Place], freight_held: int) -> None:
        """Hold the books and the shelves against the model."""
        market = self.market
        prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, market.street)
        payable = {
            who: ledger.account_id(ledger.AccountKind.SUPPLIER_PAYABLE, who) for who in self.owed
        }
        with self.door.begin() as ctx:
            found = ledger.balances_read(ctx, account_ids=[prepaid, *payable.values()])
            levels = inventory.stock_of(ctx, sku_ids=list(self.costs))
        money = found[prepaid]
        assert money.posted_minor == self.posted
        assert money.held_minor == self.held_goods() + freight_held
        assert {who: found[account].posted_minor for who, account in payable.items()} == self.owed
        for level in levels:
            place = level.sku_id, level.warehouse_id
            assert (level.on_hand, level.reserved) == (self.on_hand[place], reserved[place])

    def teardown(self) -> None:
        with self.door.begin() as ctx:
            outbox.flush(ctx.db, ctx.announced)
            ctx.announced.clear()
            found = verify_world(ctx)
        assert not found, found


def _open(order: dropship.Order) -> Counter[int]:
    return +Counter(
        {
            line_no: sum(
                line.quantity - line.shipped
                for child in order.children
                if child.state in OPEN
                for line in child.lines
                if line.line_no == line_no
            )
            for line_no in _line_numbers(order.children)
        }
    )


def _line_numbers(children: Sequence[dropship.Child]) -> set[int]:
    return {line.line_no for child in children for line in child.lines}


def _freight_left(line: dropship.Line) -> int:
    if not line.quantity:
        return 0
    return line.freight_minor - line.freight_minor * line.shipped // line.quantity
