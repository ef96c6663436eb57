"""An order's whole life: each step moves what it says, and saying it twice moves it once."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.market import (
    BALANCE_FEN,
    CUP_TIER_FEN,
    EGGS_FEN,
    FREIGHT_FEN,
    LHASA,
    TEA_COST_FEN,
    TEA_FEN,
    Market,
)
from weili.adapters.suppliers import Answer, AnswerKind, SupplierEndpoint
from weili.kit import outbox
from weili.kit.context import Ctx
from weili.kit.problems import Problem, StateConflict
from weili.kit.world import clock_turn, in_transaction
from weili.modules import dropship, inventory, ledger
from weili.workflows.cancel_order import cancel_order
from weili.workflows.confirm_order import confirm_order
from weili.workflows.confirm_receipt import confirm_receipt
from weili.workflows.dispatch_orders import dispatch_orders, orders_queue
from weili.workflows.expire_orders import complete_orders, expire_holds
from weili.workflows.place_dropship_orders import place_dropship_orders
from weili.workflows.render_dropship_order import render_dropship_order
from weili.workflows.ship_package import deliver_package, ship_package
from weili.workflows.supplier_answers import cancel_answered

S = dropship.OrderState


class Scripted:
    """A gateway to suppliers who give the answers of a script, and remember what they were asked.

    It stands where the network is; the real one is tried against the simulator.
    """

    def __init__(self, *answers: AnswerKind) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    def submit(self, endpoint: SupplierEndpoint, *, order: Mapping[str, Any]) -> Answer:
        """Answer as the script says."""
        self.asked.append(("submit", order["id"]))
        return Answer(self.answers.pop(0))

    def cancel(self, endpoint: SupplierEndpoint, *, child_id: str) -> Answer:
        """Answer as the script says."""
        self.asked.append(("cancel", child_id))
        return Answer(self.answers.pop(0))


def place(market: Market, draft: dropship.OrderDraft) -> dropship.Order:
    """Place one order and read it back."""
    with market.world.begin() as ctx:
        [outcome] = place_dropship_orders(ctx, commands=[market.command(draft)])
    assert isinstance(outcome, dropship.Placed)
    return read(market, outcome.order_id)


def read(market: Market, order_id: dropship.OrderId) -> dropship.Order:
    """Read an order as it is now."""
    with market.world.begin() as ctx:
        return dropship.order_get(ctx, partner_id=market.street, order_id=order_id)


def release(market: Market, order: dropship.Order) -> dropship.Order:
    """Take an order to its suppliers, who have no system and find it in their list."""
    with market.world.begin() as ctx:
        orders_queue(ctx, order_ids=[order.id])
    dispatch_orders(market.world.begin, Scripted())
    return read(market, order.id)


def connect(market: Market) -> None:
    """Give the grocer a system of its own."""
    with market.world.begin() as ctx:
        dropship.connection_put(
            ctx, supplier_id=market.grocer, base_url="http://127.0.0.1:9", secret="of the grocer"
        )


def turn(market: Market, *, days: int = 0, minutes: int = 0) -> None:
    """Turn the world's clock ahead."""
    with market.world.begin() as ctx:
        clock_turn(ctx, ahead_s=days * 86_400 + minutes * 60)


def ship(
    market: Market, child: dropship.Child, waybill: str, *counts: tuple[int, int]
) -> dropship.Package:
    """Ship pieces of a child order."""
    with market.world.begin(market.as_supplier(child.supplier_id)) as ctx:
        return ship_package(
            ctx,
            supplier_id=child.supplier_id,
            child_id=child.id,
            carrier_code="SF",
            waybill_number=waybill,
            lines=[dropship.PackageLine(line_no, quantity) for line_no, quantity in counts],
        )


def deliver(market: Market, child: dropship.Child, package: dropship.Package) -> None:
    """Deliver a package."""
    with market.world.begin(market.as_supplier(child.supplier_id)) as ctx:
        deliver_package(ctx, supplier_id=child.supplier_id, package_id=package.id)


def messages(market: Market) -> list[tuple[str, str]]:
    """Give the types and root states of all messages to the street, in order."""
    in_transaction(market.world.begin, outbox.relay)
    with market.world.begin() as ctx:
        return [
            (m.event.type, m.event.data["state"])
            for m in outbox.messages(ctx, party_id=market.street)
            if m.event.type.startswith("order.")
        ]


def test_an_order_goes_from_hold_to_completed_in_two_packages(market: Market) -> None:
    # Given an order on hold: 5 cups at the price of five, and the freight below 99.00.
    order = place(market, market.draft("A-1", (market.cup, 5), hold=True))
    assert order.state is S.HELD
    assert market.balance() == (BALANCE_FEN, 5 * CUP_TIER_FEN + FREIGHT_FEN)

    # When it is confirmed (twice), the money stays held and nothing is taken yet.
    for _ in range(2):
        with market.world.begin(market.as_partner()) as ctx:
            order = confirm_order(ctx, partner_id=market.street, order_id=order.id)
    assert order.state is S.CONFIRMED
    assert market.balance() == (BALANCE_FEN, 5 * CUP_TIER_FEN + FREIGHT_FEN)

    order = release(market, order)
    assert order.state is S.RELEASED
    [child] = order.children

    # Two of five pieces leave: 2 × 11.50, and 2/5 of the freight of 8.00.
    first = ship(market, child, "SF1", (1, 2))
    assert ship(market, child, "SF1", (1, 2)).id == first.id
    assert market.balance() == (
        BALANCE_FEN - 2 * CUP_TIER_FEN - 320,
        3 * CUP_TIER_FEN + 480,
    )
    assert market.stock(market.cup, market.near) == (8, 3)
    assert read(market, order.id).state is S.PART_SHIPPED

    second = ship(market, child, "SF2", (1, 3))
    assert market.balance() == (BALANCE_FEN - 5 * CUP_TIER_FEN - FREIGHT_FEN, 0)
    assert market.stock(market.cup, market.near) == (5, 0)
    assert market.owed() == 5 * 800

    # Then it is delivered with its last package, and done when its time is over.
    deliver(market, child, second)
    deliver(market, child, second)
    assert read(market, order.id).state is S.SHIPPED
    deliver(market, child, first)
    assert read(market, order.id).state is S.DELIVERED
    assert in_transaction(market.world.begin, complete_orders) == 0
    turn(market, days=7)
    assert in_transaction(market.world.begin, complete_orders) == 1
    assert read(market, order.id).state is S.COMPLETED

    assert messages(market) == [
        ("order.placed", "held"),
        ("order.confirmed", "confirmed"),
        ("order.released", "released"),
        ("order.shipped", "part_shipped"),
        ("order.shipped", "shipped"),
        ("order.delivered", "delivered"),
        ("order.completed", "completed"),
    ]


def test_what_is_delivered_later_is_completed_later(market: Market) -> None:
    # Given teas and eggs from two warehouses, the eggs delivered a day after the teas
    draft = market.draft("A-1", (market.tea, 1), (market.eggs, 1))
    order = release(market, place(market, draft))
    for child in order.children:
        deliver(market, child, ship(market, child, f"SF{child.id}", (child.lines[0].line_no, 1)))
        turn(market, days=1)

    # When seven days are over since the teas came, then they are completed and the eggs are not
    turn(market, days=5)
    assert in_transaction(market.world.begin, complete_orders) == 1
    assert in_transaction(market.world.begin, complete_orders) == 0
    order = read(market, order.id)
    assert [child.state for child in order.children] == [S.COMPLETED, S.DELIVERED]
    assert order.state is S.DELIVERED

    turn(market, days=1)
    assert in_transaction(market.world.begin, complete_orders) == 1
    assert read(market, order.id).state is S.COMPLETED


def test_a_hold_that_nobody_confirms_gives_everything_back(market: Market) -> None:
    order = place(market, market.draft("A-1", (market.tea, 3), (market.eggs, 1), hold=True))
    assert in_transaction(market.world.begin, expire_holds) == 0

    turn(market, minutes=31)

    assert in_transaction(market.world.begin, expire_holds) == 1
    assert in_transaction(market.world.begin, expire_holds) == 0
    assert read(market, order.id).state is S.CANCELLED
    assert market.balance() == (BALANCE_FEN, 0)
    assert market.stock(market.tea, market.near) == (100, 0)
    assert market.stock(market.eggs, market.barn) == (30, 0)
    with market.world.begin(market.as_partner()) as ctx, pytest.raises(StateConflict):
        confirm_order(ctx, partner_id=market.street, order_id=order.id)


def test_a_confirmed_order_that_nobody_has_seen_is_cancelled_at_once(market: Market) -> None:
    order = place(market, market.draft("A-1", (market.tea, 3)))

    for _ in range(2):
        with market.world.begin(market.as_partner()) as ctx:
            gone, _ = cancel_order(ctx, partner_id=market.street, order_id=order.id)
        assert gone.state is S.CANCELLED
    assert market.balance() == (BALANCE_FEN, 0)
    assert market.stock(market.tea, market.near) == (100, 0)
    # Its number is spent: the same order again is a replay of the first answer.
    with market.world.begin() as ctx:
        draft = market.draft("A-1", (market.tea, 3))
        [again] = place_dropship_orders(ctx, commands=[market.command(draft)])
    assert isinstance(again, dropship.Placed)
    assert again.is_replay


def test_a_supplier_is_asked_before_its_order_is_cancelled_and_may_refuse(market: Market) -> None:
    connect(market)
    kept = place(market, market.draft("kept", (market.tea, 1)))
    gone = place(market, market.draft("gone", (market.tea, 1)))
    for order in (kept, gone):
        with market.world.begin() as ctx:
            orders_queue(ctx, order_ids=[order.id])
    dispatch_orders(market.world.begin, Scripted(AnswerKind.YES, AnswerKind.YES))
    for order in (kept, gone):
        with market.world.begin(market.as_partner()) as ctx:
            asked, _ = cancel_order(ctx, partner_id=market.street, order_id=order.id)
        assert asked.state is S.CANCELLING
    assert market.balance()[1] == 2 * (TEA_FEN + FREIGHT_FEN)

    gateway = Scripted(AnswerKind.NO, AnswerKind.YES)
    dispatch_orders(market.world.begin, gateway)

    states = {read(market, kept.id).state, read(market, gone.id).state}
    assert states == {S.RELEASED, S.CANCELLED}
    assert [verb for verb, _ in gateway.asked] == ["cancel", "cancel"]
    assert market.balance() == (BALANCE_FEN, TEA_FEN + FREIGHT_FEN)
    assert market.stock(market.tea, market.near) == (100, 1)


@pytest.mark.parametrize(("is_cancelled", "state"), [(True, S.CANCELLED), (False, S.RELEASED)])
def test_a_supplier_that_must_ask_its_warehouse_answers_later(
    market: Market, is_cancelled: bool, state: dropship.OrderState
) -> None:
    # Given an order that its supplier has taken and is asked to cancel
    connect(market)
    order = place(market, market.draft("A-1", (market.tea, 1)))
    with market.world.begin() as ctx:
        orders_queue(ctx, order_ids=[order.id])
    dispatch_orders(market.world.begin, Scripted(AnswerKind.YES))
    with market.world.begin(market.as_partner()) as ctx:
        cancel_order(ctx, partner_id=market.street, order_id=order.id)
    # When it says that it will answer later, it is asked again after a while, and nothing moves
    gateway = Scripted(AnswerKind.LATER, AnswerKind.LATER)
    for _ in range(2):
        assert dispatch_orders(market.world.begin, gateway) == 1
        assert dispatch_orders(market.world.begin, gateway) == 0
        assert read(market, order.id).state is S.CANCELLING
        turn(market, minutes=10)
    # Then its answer through the API counts, and counts once
    [child] = order.children
    for answer in (is_cancelled, not is_cancelled):
        with market.world.begin(market.as_supplier()) as ctx:
            cancel_answered(ctx, supplier_id=market.grocer, child_id=child.id, accepted=answer)
        assert read(market, order.id).state is state
    assert dispatch_orders(market.world.begin, gateway) == 0
    held = 0 if is_cancelled else TEA_FEN + FREIGHT_FEN
    assert market.balance() == (BALANCE_FEN, held)


def test_an_unknown_answer_is_asked_for_again_and_never_taken_for_a_no(market: Market) -> None:
    connect(market)
    order = place(market, market.draft("A-1", (market.tea, 1)))
    with market.world.begin() as ctx:
        orders_queue(ctx, order_ids=[order.id])

    gateway = Scripted(AnswerKind.UNKNOWN, AnswerKind.YES)
    dispatch_orders(market.world.begin, gateway)
    assert read(market, order.id).state is S.CONFIRMED
    assert dispatch_orders(market.world.begin, gateway) == 0
    turn(market, minutes=1)
    dispatch_orders(market.world.begin, gateway)

    assert read(market, order.id).state is S.RELEASED
    assert len(gateway.asked) == 2
    assert len(set(gateway.asked)) == 1


def test_what_a_supplier_refuses_comes_from_elsewhere_until_nobody_has_it(market: Market) -> None:
    connect(market)
    order = place(market, market.draft("A-1", (market.tea, 1), (market.eggs, 2)))
    with market.world.begin() as ctx:
        orders_queue(ctx, order_ids=[order.id])

    # Given the near warehouse refuses the tea, which the far one has, and refuses as well.
    dispatch_orders(market.world.begin, Scripted(AnswerKind.NO))
    assert read(market, order.id).state is S.CONFIRMED
    assert market.balance() == (BALANCE_FEN, TEA_FEN + 2 * EGGS_FEN + FREIGHT_FEN)
    dispatch_orders(market.world.begin, Scripted(AnswerKind.NO))

    order = read(market, order.id)
    assert order.state is S.RELEASED
    assert {child.warehouse_id: child.state for child in order.children} == {
        market.near: S.SPLIT,
        market.far: S.CANCELLED,
        market.barn: S.RELEASED,
    }
    # Only the eggs and their share of the freight of 8.00 stay held: 8.00 × 50 ÷ 95 = 4.21.
    assert market.balance() == (BALANCE_FEN, 2 * EGGS_FEN + 421)


def test_a_parcel_that_leaves_while_it_is_being_cancelled_wins(market: Market) -> None:
    connect(market)
    order = place(market, market.draft("A-1", (market.tea, 2)))
    with market.world.begin() as ctx:
        orders_queue(ctx, order_ids=[order.id])
    dispatch_orders(market.world.begin, Scripted(AnswerKind.YES))
    with market.world.begin(market.as_partner()) as ctx:
        cancel_order(ctx, partner_id=market.street, order_id=order.id)

    ship(market, order.children[0], "SF1", (1, 2))
    dispatch_orders(market.world.begin, Scripted(AnswerKind.YES))

    assert read(market, order.id).state is S.SHIPPED
    assert market.owed() == 2 * TEA_COST_FEN
    with market.world.begin(market.as_partner()) as ctx, pytest.raises(dropship.CancelTooLate):
        cancel_order(ctx, partner_id=market.street, order_id=order.id)


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ([(1, 4)], "package_overfull"),
        ([(1, 2), (1, 2)], "package_overfull"),
        ([(1, 0)], "package_empty"),
        ([(1, -1)], "package_empty"),
        ([(2, 1)], "package_empty"),
        ([], "package_empty"),
    ],
)
def test_a_package_that_can_not_be_moves_nothing(
    market: Market, counts: list[tuple[int, int]], code: str
) -> None:
    order = release(market, place(market, market.draft("A-1", (market.tea, 3))))
    before = market.balance(), market.stock(market.tea, market.near), market.owed()

    with pytest.raises(Problem) as refused:
        ship(market, order.children[0], "SF1", *counts)

    assert refused.value.code == code
    assert (market.balance(), market.stock(market.tea, market.near), market.owed()) == before


def test_one_waybill_is_one_package(market: Market) -> None:
    order = release(market, place(market, market.draft("A-1", (market.tea, 3))))
    ship(market, order.children[0], "SF1", (1, 1))

    with pytest.raises(dropship.WaybillReused):
        ship(market, order.children[0], "SF1", (1, 2))


def test_nothing_ships_before_it_is_released_or_for_another_supplier(market: Market) -> None:
    order = place(market, market.draft("A-1", (market.tea, 3)))
    with pytest.raises(StateConflict):
        ship(market, order.children[0], "SF1", (1, 3))
    order = release(market, order)

    with (
        market.world.begin(market.as_supplier(market.farm)) as ctx,
        pytest.raises(dropship.OrderUnknown),
    ):
        ship_package(
            ctx,
            supplier_id=market.farm,
            child_id=order.children[0].id,
            carrier_code="SF",
            waybill_number="SF1",
            lines=[dropship.PackageLine(1, 3)],
        )


def test_another_partner_never_meets_the_order(market: Market) -> None:
    order = place(market, market.draft("A-1", (market.tea, 1), hold=True))
    with market.world.begin(market.as_partner(market.creator)) as ctx:
        for verb in (confirm_order, cancel_order, confirm_receipt, dropship.order_get):
            with pytest.raises(dropship.OrderUnknown):
                verb(ctx, partner_id=market.creator, order_id=order.id)
        with pytest.raises(dropship.OrderUnknown):
            dropship.order_by_number(ctx, partner_id=market.creator, number="A-1")


def test_receipt_is_confirmed_only_when_everything_has_arrived(market: Market) -> None:
    order = release(market, place(market, market.draft("A-1", (market.tea, 1))))
    [child] = order.children
    package = ship(market, child, "SF1", (1, 1))
    with market.world.begin(market.as_partner()) as ctx, pytest.raises(StateConflict):
        confirm_receipt(ctx, partner_id=market.street, order_id=order.id)
    deliver(market, child, package)

    for _ in range(2):
        with market.world.begin(market.as_partner()) as ctx:
            done = confirm_receipt(ctx, partner_id=market.street, order_id=order.id)
        assert done.state is S.COMPLETED


def test_rendering_lists_all_that_speaks_against_an_order_and_takes_nothing(
    market: Market,
) -> None:
    bad = market.draft("-", (market.hidden, 1), (market.tea, 1), prices=(0, 1), area_code=LHASA)
    good = market.draft("-", (market.tea, 2), (market.eggs, 1))
    with market.world.begin(market.as_partner()) as ctx:
        refused = render_dropship_order(ctx, partner_id=market.street, draft=bad)
        shown = render_dropship_order(ctx, partner_id=market.street, draft=good)

    assert [problem.code for problem in refused.problems] == ["goods_not_on_sale", "price_changed"]
    assert shown.problems == []
    assert shown.goods_minor == 2 * TEA_FEN + EGGS_FEN
    assert shown.freight_minor == 0
    assert len(shown.children) == 2
    assert market.balance() == (BALANCE_FEN, 0)
    assert market.stock(market.tea, market.near) == (100, 0)


def test_the_books_and_the_shelves_agree_with_the_orders_at_every_step(market: Market) -> None:
    held = place(market, market.draft("held", (market.tea, 3), hold=True))
    order = release(market, place(market, market.draft("A-1", (market.cup, 7), (market.eggs, 2))))
    for child in order.children:
        ship(market, child, f"SF{child.lines[0].line_no}", (child.lines[0].line_no, 1))
    with market.world.begin() as ctx:
        _agree(ctx)
    with market.world.begin(market.as_partner()) as ctx:
        cancel_order(ctx, partner_id=market.street, order_id=held.id)
        _agree(ctx)


def _agree(ctx: Ctx) -> None:
    """Check what ``verify`` checks across modules, and that no module finds anything by itself."""
    for module in (ledger, inventory, dropship):
        assert list(module.verify(ctx)) == []
    reserved = {
        (sku_id, warehouse_id): count
        for sku_id, warehouse_id, count in inventory.reserved_by_place(ctx)
        if count
    }
    assert dropship.open_quantities(ctx) == reserved
