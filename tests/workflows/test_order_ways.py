"""The ways an order may go beside the straight one, each told with exact figures.

Freight to Hangzhou is 8.00, free from 99.00 on; to Tianjin always 13.01.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

import pytest

from tests.market import (
    BALANCE_FEN,
    FREIGHT_FEN,
    HEXI,
    LHASA,
    NORTH_FREIGHT_FEN,
    TEA_COST_FEN,
    TEA_FEN,
    XIHU,
    Market,
)
from tests.workflows.test_order_life import deliver, place, read, release, ship, turn
from weili.kit import outbox
from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.ids import new_id
from weili.kit.problems import Problem, StateConflict
from weili.kit.world import in_transaction
from weili.kit.zone import day_of
from weili.modules import dropship, inventory, ledger
from weili.workflows.cancel_order import CancelOutcome, cancel_order
from weili.workflows.change_address import change_address
from weili.workflows.confirm_receipt import confirm_receipt
from weili.workflows.expire_orders import expire_holds
from weili.workflows.intercept_order import (
    intercept_answered,
    intercept_order,
    intercepts_expire,
)
from weili.workflows.lose_package import lose_package
from weili.workflows.pick_child import pick_child
from weili.workflows.refuse_child import refuse_child
from weili.workflows.release_waiting import release_waiting
from weili.workflows.return_package import package_refused, package_returned, returns_expire
from weili.workflows.verify_world import verify_world

T = TypeVar("T")
S = dropship.OrderState
P = dropship.PackageState
MERGED = "330104"
"""Hangzhou's Jianggan district, which ended in 2021."""
ELSEWHERE = dropship.Recipient("张三", "13800000000", "解放路 9 号")


@pytest.fixture(autouse=True)
def sound(market: Market) -> Iterator[None]:
    """See after each story that the whole world is sound."""
    yield
    in_transaction(market.world.begin, outbox.relay)
    with market.world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []


def said(market: Market, order: dropship.Order) -> list[str]:
    """Give the names of what was announced of an order."""
    in_transaction(market.world.begin, outbox.relay)
    with market.world.begin(market.as_partner()) as ctx:
        return [
            message.event.type
            for message in outbox.messages(ctx, party_id=market.street, limit=100)
            if message.event.data.get("order_id") == dropship.order_document(order)["id"]
        ]


def partner(market: Market, verb: Callable[..., T], **words: object) -> T:
    """Let the partner do something."""
    with market.world.begin(market.as_partner()) as ctx:
        return verb(ctx, partner_id=market.street, **words)


def supplier(
    market: Market, verb: Callable[..., T], who: PartyId | None = None, **words: object
) -> T:
    """Let a supplier do something."""
    with market.world.begin(market.as_supplier(who)) as ctx:
        return verb(ctx, supplier_id=who or market.grocer, **words)


def sweep(market: Market, verb: Callable[[Ctx], int]) -> int:
    """Let a deadline act."""
    with market.world.begin() as ctx:
        return verb(ctx)


def sent(market: Market, count: int = 2, number: str = "A-1") -> dropship.Order:
    """Place and ship an order of teas in one package."""
    order = release(market, place(market, market.draft(number, (market.tea, count))))
    ship(market, order.children[0], f"SF-{number}", (1, count))
    return read(market, order.id)


# --- waiting for funds ---------------------------------------------------------------------------


def test_orders_wait_for_a_top_up_and_go_in_the_order_in_which_they_came(market: Market) -> None:
    # Given 200.00 and an order of 5 teas, 225.00 without freight, and one of one tea behind it
    partner(market, dropship.low_balance_put, choice=dropship.LowBalance.WAIT)
    spend(market, left=20_000)
    first = place(market, market.draft("A-1", (market.tea, 5)))
    small = place(market, market.draft("A-2", (market.tea, 1)))
    assert (first.state, small.state) == (S.WAITING_FUNDS, S.WAITING_FUNDS)
    assert market.stock(market.tea, market.near) == (100, 6)
    assert sweep(market, release_waiting) == 0

    # When 30.00 come in, then 5.00 are left, and 48.00 more pay for the second: 45.00 + 8.00
    top_up(market, 3_000)
    assert sweep(market, release_waiting) == 1
    assert read(market, first.id).state is S.CONFIRMED
    assert read(market, small.id).state is S.WAITING_FUNDS
    top_up(market, 4_800)
    assert sweep(market, release_waiting) == 1
    assert read(market, small.id).state is S.CONFIRMED
    assert said(market, small) == ["order.placed", "order.balance_too_low", "order.confirmed"]


def test_an_order_that_nobody_pays_in_time_gives_its_stock_back(market: Market) -> None:
    partner(market, dropship.low_balance_put, choice=dropship.LowBalance.WAIT)
    spend(market, left=1_000)
    order = place(market, market.draft("A-1", (market.tea, 5)))
    turn(market, minutes=24 * 60 + 1)
    assert sweep(market, expire_holds) == 1
    assert read(market, order.id).state is S.CANCELLED
    assert market.stock(market.tea, market.near) == (100, 0)
    assert said(market, order)[-1] == "order.cancelled"


def spend(market: Market, *, left: int) -> None:
    """Leave so much of the balance."""
    with market.world.begin() as ctx:
        prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, market.street)
        ledger.balances_lock(ctx, account_ids=[prepaid])
        ledger.transfers_write(ctx, transfers=[_bank(ctx, market, prepaid, BALANCE_FEN - left)])


def _bank(
    ctx: Ctx, market: Market, prepaid: ledger.AccountId, amount_minor: int
) -> ledger.NewTransfer:
    return ledger.NewTransfer(
        id=ledger.TransferId(new_id(ctx.now)),
        party_id=market.street,
        kind=ledger.TransferKind.DIRECT,
        debit=prepaid,
        credit=ledger.account_id(ledger.AccountKind.PLATFORM_BANK, SYSTEM_PARTY),
        amount_minor=amount_minor,
        purpose="spent",
        subject="elsewhere",
    )


def top_up(market: Market, amount_minor: int) -> None:
    """Pay in."""
    with market.world.begin() as ctx:
        ledger.top_up(
            ctx, partner_id=market.street, amount_minor=amount_minor, reference=str(amount_minor)
        )


# --- refusals by line ----------------------------------------------------------------------------


def test_pieces_that_a_supplier_lacks_come_from_elsewhere_and_the_rest_is_refunded(
    market: Market,
) -> None:
    # Given 60 teas from the near warehouse; the far one has 50
    order = release(market, place(market, market.draft("A-1", (market.tea, 60))))
    [child] = order.children
    held = market.balance()[1]
    supplier(market, pick_child, child_id=child.id)

    there = supplier(market, refuse_child, child_id=child.id, pieces={1: 55})

    # Then 5 stay, 50 go to the far warehouse, 5 are short and their 225.00 are given back
    assert there is S.PICKING
    order = read(market, order.id)
    assert {(c.warehouse_id, c.state): c.lines[0].quantity for c in order.children} == {
        (market.near, S.PICKING): 5,
        (market.far, S.CONFIRMED): 50,
        (market.near, S.CANCELLED): 5,
    }
    assert order.goods_minor == 60 * TEA_FEN
    assert market.balance() == (BALANCE_FEN, held - 5 * TEA_FEN)
    assert market.stock(market.tea, market.near) == (100, 5)
    assert market.stock(market.tea, market.far) == (50, 50)
    assert said(market, order).count("order.split") == 1

    # And what goes elsewhere has days of its own: the far warehouse takes three to Hangzhou
    [far] = [c for c in order.children if c.warehouse_id == market.far]
    assert far.ships_on is not None
    assert far.arrives_on == far.ships_on + timedelta(days=3)


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_place_that_runs_low_by_what_goes_elsewhere_is_told(
    market: Market, is_lost: bool
) -> None:
    # Given the far warehouse, of whose 50 teas the grocer wants to know when fewer than 45 are left
    mark = inventory.StockChange(market.tea, market.far, "mark", low_below=45)
    none = inventory.StockChange(market.tea, market.near, "sold out", on_hand=0)
    if is_lost:
        order = sent(market, 10)
    else:
        order = release(market, place(market, market.draft("A-1", (market.tea, 10))))
    with market.world.begin() as ctx:
        inventory.stock_change(ctx, changes=[mark, none] if is_lost else [mark])

    # When ten teas must come from there, for the near one has none, or none any more
    if is_lost:
        supplier(market, lose_package, package_id=order.packages[0].id, send_again=True)
    else:
        supplier(market, refuse_child, child_id=order.children[0].id)

    in_transaction(market.world.begin, outbox.relay)
    with market.world.begin(market.as_supplier()) as ctx:
        told = [
            message.event.data["unpromised"]
            for message in outbox.messages(ctx, party_id=market.grocer, limit=100)
            if message.event.type == "stock.low"
        ]
    assert told == [40]


def test_the_rest_of_a_part_shipped_child_goes_elsewhere_and_its_freight_with_it(
    market: Market,
) -> None:
    # Given 3 teas to Tianjin, from the far warehouse, one of them shipped: 13.01 ÷ 3 = 4.33 taken
    order = release(market, place(market, market.draft("A-1", (market.tea, 3), area_code=HEXI)))
    [child] = order.children
    ship(market, child, "SF1", (1, 1))
    assert market.balance() == (BALANCE_FEN - TEA_FEN - 433, 2 * TEA_FEN + 868)

    there = supplier(market, refuse_child, child_id=child.id)

    # Then nobody else serves Tianjin: the two are short, and all that was held is free
    assert there is S.SHIPPED
    assert market.balance() == (BALANCE_FEN - TEA_FEN - 433, 0)
    order = read(market, order.id)
    assert order.state is S.SHIPPED
    assert (order.goods_minor, order.freight_minor) == (3 * TEA_FEN, NORTH_FREIGHT_FEN)
    deliver(market, order.children[0], order.packages[0])
    assert partner(market, confirm_receipt, order_id=order.id).state is S.COMPLETED


@pytest.mark.parametrize("pieces", [{1: 4}, {2: 1}, {1: 0}])
def test_pieces_that_are_not_there_can_not_be_refused(
    market: Market, pieces: dict[int, int]
) -> None:
    order = release(market, place(market, market.draft("A-1", (market.tea, 3))))
    before = market.balance(), market.stock(market.tea, market.near)
    with pytest.raises(dropship.PiecesNotLeft):
        supplier(market, refuse_child, child_id=order.children[0].id, pieces=pieces)
    assert (market.balance(), market.stock(market.tea, market.near)) == before


# --- packages that do not arrive -----------------------------------------------------------------


def test_what_the_receiver_refuses_comes_back_and_is_settled(market: Market) -> None:
    order = sent(market)  # 2 × 45.00 + 8.00 of freight
    [package] = order.packages
    for _ in range(2):
        supplier(market, package_refused, package_id=package.id)
    assert read(market, order.id).state is S.RETURNING

    for _ in range(2):
        supplier(market, package_returned, package_id=package.id, condition=dropship.Condition.GOOD)

    # Then the goods are paid back and the freight is not; the tea lies there again
    assert read(market, order.id).state is S.REFUNDED
    assert market.balance() == (BALANCE_FEN - FREIGHT_FEN, 0)
    assert market.owed() == 0
    assert market.stock(market.tea, market.near) == (100, 0)
    assert said(market, order)[-3:] == ["order.shipped", "order.returning", "order.refunded"]


def test_what_comes_back_damaged_is_paid_back_and_written_off(market: Market) -> None:
    order = sent(market)
    [package] = order.packages
    supplier(market, package_refused, package_id=package.id)
    with pytest.raises(StateConflict):
        deliver(market, order.children[0], package)
    supplier(market, package_returned, package_id=package.id, condition=dropship.Condition.DAMAGED)
    assert market.stock(market.tea, market.near) == (98, 0)
    assert market.balance() == (BALANCE_FEN - FREIGHT_FEN, 0)


def test_an_interception_is_answered_later_either_way(market: Market) -> None:
    order = sent(market)
    [package] = order.packages
    for _ in range(2):
        assert partner(market, intercept_order, order_id=order.id).state is S.INTERCEPTING
    supplier(market, intercept_answered, package_id=package.id, stopped=False)
    assert read(market, order.id).state is S.SHIPPED

    partner(market, intercept_order, order_id=order.id, package_id=package.id)
    for _ in range(2):
        supplier(market, intercept_answered, package_id=package.id, stopped=True)
    assert read(market, order.id).state is S.RETURNING
    assert said(market, order)[-2:] == ["order.intercept_failed", "order.returning"]


def test_an_interception_that_nobody_answers_and_a_return_that_never_comes_end(
    market: Market,
) -> None:
    order = sent(market)
    [package] = order.packages
    partner(market, intercept_order, order_id=order.id)
    turn(market, days=3, minutes=1)
    assert sweep(market, intercepts_expire) == 1
    assert read(market, order.id).state is S.SHIPPED

    supplier(market, package_refused, package_id=package.id)
    turn(market, days=15, minutes=1)
    assert sweep(market, returns_expire) == 1
    assert read(market, order.id).packages[0].state is P.LOST
    assert market.balance() == (BALANCE_FEN - FREIGHT_FEN, 0)
    assert market.stock(market.tea, market.near) == (98, 0)


def test_a_lost_parcel_is_refunded_with_its_freight(market: Market) -> None:
    order = sent(market)
    for _ in range(2):
        supplier(market, lose_package, package_id=order.packages[0].id, send_again=False)
    assert read(market, order.id).state is S.REFUNDED
    assert market.balance() == (BALANCE_FEN, 0)
    assert market.owed() == 0
    assert said(market, order)[-2:] == ["order.parcel_lost", "order.refunded"]


def test_a_lost_parcel_is_sent_again_as_a_new_child(market: Market) -> None:
    order = sent(market)
    for _ in range(2):
        supplier(market, lose_package, package_id=order.packages[0].id, send_again=True)

    order = read(market, order.id)
    assert [child.state for child in order.children] == [S.REFUNDED, S.CONFIRMED]
    assert order.goods_minor + order.freight_minor == 2 * TEA_FEN + FREIGHT_FEN
    assert market.balance() == (BALANCE_FEN, 2 * TEA_FEN + FREIGHT_FEN)
    assert said(market, order)[-2:] == ["order.parcel_lost", "order.split"]
    order = release(market, order)
    package = ship(market, order.children[1], "SF2", (1, 2))
    deliver(market, order.children[1], package)
    assert read(market, order.id).state is S.DELIVERED
    assert market.balance() == (BALANCE_FEN - 2 * TEA_FEN - FREIGHT_FEN, 0)
    assert market.owed() == 2 * TEA_COST_FEN


def test_an_order_of_which_a_parcel_is_sent_again_waits_for_it(market: Market) -> None:
    # Given two teas in a parcel each, both on their way
    order = release(market, place(market, market.draft("A-1", (market.tea, 2))))
    [tea] = order.children
    first, _ = (ship(market, tea, f"SF{n}", (1, 1)) for n in range(2))

    supplier(market, lose_package, package_id=first.id, send_again=True)

    # Then the child is still on its way, and the order no longer is as a whole
    order = read(market, order.id)
    assert [child.state for child in order.children] == [S.SHIPPED, S.CONFIRMED]
    assert order.state is S.PART_SHIPPED


def test_what_is_sent_again_is_no_new_order_in_the_list_of_the_day(market: Market) -> None:
    order = sent(market)
    supplier(market, lose_package, package_id=order.packages[0].id, send_again=True)

    with market.world.begin(market.as_partner()) as ctx:
        found = dropship.day_compare(
            ctx,
            side=dropship.partner_side(market.street),
            name=dropship.ListName.NEW,
            on=day_of(order.placed_at),
            theirs=[(order.number, 2 * TEA_FEN + FREIGHT_FEN)],
        )

    assert (found.ours_count, found.ours_minor) == (1, 2 * TEA_FEN + FREIGHT_FEN)
    assert not found.amount_differs


# --- cancelling ----------------------------------------------------------------------------------


def test_cancelling_says_for_each_child_what_came_of_it(market: Market) -> None:
    order = release(market, place(market, market.draft("A-1", (market.tea, 1), (market.eggs, 1))))
    tea, eggs = sorted(order.children, key=lambda child: child.supplier_id != market.grocer)
    ship(market, tea, "SF1", (1, 1))

    _, outcomes = partner(market, cancel_order, order_id=order.id)

    assert outcomes == {tea.id: CancelOutcome.REFUSED, eggs.id: CancelOutcome.ACCEPTED}


# --- another address -----------------------------------------------------------------------------


def test_an_order_goes_elsewhere_and_the_freight_follows(market: Market) -> None:
    # Given one rice to Hangzhou from the far warehouse, which serves Tianjin too
    order = release(market, place(market, market.draft("A-1", (market.rice, 1))))
    before = order.recipient_sealed
    price = order.goods_minor

    order = partner(market, change_address, order_id=order.id, area_code=HEXI, recipient=ELSEWHERE)

    assert (order.area_code, order.freight_minor) == (HEXI, NORTH_FREIGHT_FEN)
    [child] = order.children
    assert child.ships_on is not None
    assert child.arrives_on == child.ships_on + timedelta(days=1)  # and not three, to Hangzhou
    assert market.balance() == (BALANCE_FEN, price + NORTH_FREIGHT_FEN)
    assert order.recipient_sealed != before
    with market.world.begin() as ctx:
        assert dropship.recipient_open(ctx, order=order) == ELSEWHERE
    back = partner(market, change_address, order_id=order.id, area_code=XIHU, recipient=ELSEWHERE)
    assert market.balance() == (BALANCE_FEN, price + FREIGHT_FEN)
    assert said(market, back)[-2:] == ["order.address_changed"] * 2


def test_a_partner_is_told_when_the_freight_of_another_address_brings_its_balance_low(
    market: Market,
) -> None:
    # Given one rice, and an alarm at what is left of the balance with the freight to Hangzhou
    order = release(market, place(market, market.draft("A-1", (market.rice, 1))))
    left_minor = BALANCE_FEN - order.goods_minor - FREIGHT_FEN
    partner(market, ledger.alarm_set, alarm_minor=left_minor)

    partner(market, change_address, order_id=order.id, area_code=HEXI, recipient=ELSEWHERE)

    in_transaction(market.world.begin, outbox.relay)
    with market.world.begin(market.as_partner()) as ctx:
        told = [
            message.event.data["available_minor"]
            for message in outbox.messages(ctx, party_id=market.street, limit=100)
            if message.event.type == "balance.low"
        ]
    assert told == [left_minor - (NORTH_FREIGHT_FEN - FREIGHT_FEN)]


def test_an_address_that_the_balance_does_not_cover_is_told_once_until_it_does(
    market: Market,
) -> None:
    # Given two rice, and one fen less than the freight to Tianjin is dearer
    first, second = (
        release(market, place(market, market.draft(number, (market.rice, 1))))
        for number in ("A-1", "A-2")
    )
    more_minor = NORTH_FREIGHT_FEN - FREIGHT_FEN
    placed_minor = 2 * (first.goods_minor + FREIGHT_FEN)
    spend(market, left=placed_minor + more_minor - 1)
    before = read(market, first.id)

    # When both are to go there
    for order in (first, second):
        refused = partner(
            market, change_address, order_id=order.id, area_code=HEXI, recipient=ELSEWHERE
        )
        assert isinstance(refused, dropship.BalanceTooLow)
        assert refused.members == {"needed_minor": more_minor, "available_minor": more_minor - 1}

    # Then the first is told of, and nothing has moved
    assert read(market, first.id) == before
    assert market.balance() == (placed_minor + more_minor - 1, placed_minor)
    assert shortages(market) == ["A-1"]

    # What covers it ends the fall, and the next is told of again
    top_up(market, 1)
    there = partner(market, change_address, order_id=first.id, area_code=HEXI, recipient=ELSEWHERE)
    assert there.freight_minor == NORTH_FREIGHT_FEN
    partner(market, change_address, order_id=second.id, area_code=HEXI, recipient=ELSEWHERE)
    assert shortages(market) == ["A-1", "A-2"]


def shortages(market: Market) -> list[str]:
    """Give the numbers of the orders that the partner was told lack money."""
    in_transaction(market.world.begin, outbox.relay)
    with market.world.begin(market.as_partner()) as ctx:
        return [
            message.event.data["number"]
            for message in outbox.messages(ctx, party_id=market.street, limit=100)
            if message.event.type == "balance.short"
        ]


@pytest.mark.parametrize(
    ("area", "is_picked", "code"),
    [
        (HEXI, False, "address_not_served"),
        (LHASA, False, "address_not_served"),
        ("999999", False, "area_unknown"),
        (MERGED, False, "area_replaced"),
        (XIHU, True, "address_fixed"),
    ],
)
def test_an_order_that_can_not_go_elsewhere_stays(
    market: Market, area: str, is_picked: bool, code: str
) -> None:
    order = release(market, place(market, market.draft("A-1", (market.tea, 1))))
    if is_picked:
        supplier(market, pick_child, child_id=order.children[0].id)
    before = read(market, order.id)
    with pytest.raises(Problem) as refused:
        partner(market, change_address, order_id=order.id, area_code=area, recipient=ELSEWHERE)
    assert refused.value.code == code
    assert read(market, order.id) == before


# --- remarks -------------------------------------------------------------------------------------


def test_a_remark_reaches_whom_it_is_for(market: Market) -> None:
    order = place(market, market.draft("A-1", (market.tea, 1)))
    partner(
        market,
        dropship.remark_write,
        order_id=order.id,
        audience=dropship.Audience.SUPPLIER,
        text=" 请放冰袋 ",
    )
    with market.world.begin() as ctx:
        [remark] = dropship.remarks_for(ctx, order_id=order.id, audience=dropship.Audience.SUPPLIER)
        assert remark.text == "请放冰袋"
        of_operator = dropship.Audience.OPERATOR
        assert dropship.remarks_for(ctx, order_id=order.id, audience=of_operator) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("  ", "remark_unwritable"),
        ("x" * 301, "remark_unwritable"),
        ("请打 19912345678", "remark_personal"),
        ("call 199-1234-5678", "remark_personal"),
        ("a@example.com", "remark_personal"),
    ],
)
def test_a_remark_that_may_not_be_written_is_refused(market: Market, text: str, code: str) -> None:
    order = place(market, market.draft("A-1", (market.tea, 1)))
    with pytest.raises(Problem) as refused:
        partner(
            market,
            dropship.remark_write,
            order_id=order.id,
            audience=dropship.Audience.OPERATOR,
            text=text,
        )
    assert refused.value.code == code
