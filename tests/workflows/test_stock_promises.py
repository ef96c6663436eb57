"""Stock through the whole of trade: bundles, shares, buyers all at once, and why from where."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from tests.market import CUP_COST_FEN, XIHU, Market
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import dropship, goods, inventory, pricing
from weili.modules.dropship import Placed
from weili.modules.inventory import StockChange
from weili.workflows.cancel_order import cancel_order
from weili.workflows.dispatch_orders import orders_queue
from weili.workflows.place_dropship_orders import place_dropship_orders
from weili.workflows.render_dropship_order import render_dropship_order
from weili.workflows.ship_package import ship_package
from weili.workflows.supplier_answers import child_taken
from weili.workflows.verify_world import verify_world

GIFT_CUPS = 2


def gift_of(market: Market) -> goods.SkuId:
    """Offer a bundle of one tea and two cups."""
    with market.world.begin() as ctx:
        return gift_in(ctx, market)


def gift_in(ctx: Ctx, market: Market) -> goods.SkuId:
    """Offer the bundle inside a transaction."""
    parts = (("tea", 1), ("cup", GIFT_CUPS))
    row = goods.GoodsRow(market.grocer, "gift", "茶礼盒", ("食品", "茶", "绿茶"), parts=parts)
    put = goods.goods_put(ctx, rows=[row], state=goods.SkuState.ON_SHELF)
    gift = put.sku_ids[market.grocer, "gift"]
    pricing.prices_put(ctx, list_id=market.price_list, rows=[pricing.PriceRow(gift, 1, 6_000)])
    pricing.costs_put(ctx, rows=[pricing.CostRow(gift, CUP_COST_FEN)])
    pool = goods.pool_open(ctx, name="gifts")
    goods.pool_put(ctx, pool_id=pool, sku_ids=[gift])
    goods.pool_grant(ctx, pool_id=pool, partner_id=market.street)
    return gift


def placed(market: Market, *commands: dropship.PlaceOrder) -> list[dropship.Outcome]:
    with market.world.begin() as ctx:
        return place_dropship_orders(ctx, commands=commands)


def sound(market: Market) -> bool:
    with market.world.begin() as ctx:
        return verify_world(ctx) == []


def test_a_bundle_reserves_gives_back_and_sends_its_parts(market: Market) -> None:
    # Given a gift of one tea and two cups; ten cups lie near, ten far
    gift = gift_of(market)
    with market.world.begin(market.as_partner()) as ctx:
        [told] = inventory.availability(ctx, asks=[inventory.AvailabilityAsk(gift, 5, XIHU)])
    assert (told.state, told.quantity_fuzzy) == (inventory.StockState.IN_STOCK, 10)

    # When gifts and single cups are ordered, more than there are cups together
    first = market.command(market.draft("G-1", (gift, 3), (market.cup, 2)))
    second = market.command(market.draft("G-2", (gift, 6)))
    third = market.command(market.draft("G-3", (gift, 1)))
    outcomes = placed(market, first, second, third)

    # Then 3 × 2 + 2 and 6 × 2 are promised, and no third order takes what is promised
    assert [isinstance(outcome, Placed) for outcome in outcomes] == [True, True, False]
    assert isinstance(outcomes[2], dropship.StockShort)
    assert market.stock(market.cup, market.near) == (10, 10)
    assert market.stock(market.cup, market.far) == (10, 10)
    assert sound(market)

    # When one is cancelled and two gifts of the other leave
    with market.world.begin() as ctx:
        order = dropship.order_by_number(ctx, partner_id=market.street, number="G-1")
        orders_queue(ctx, order_ids=[order.id])
    with market.world.begin(market.as_partner()) as ctx:
        other = dropship.order_by_number(ctx, partner_id=market.street, number="G-2")
        cancel_order(ctx, partner_id=market.street, order_id=other.id)
    [child] = order.children
    with market.world.begin(market.as_supplier()) as ctx:
        child_taken(ctx, supplier_id=market.grocer, child_id=child.id, accepted=True)
        ship_package(
            ctx,
            supplier_id=market.grocer,
            child_id=child.id,
            carrier_code="SF",
            waybill_number="SF1",
            lines=[dropship.PackageLine(1, 2)],
        )
    teas = market.stock(market.tea, child.warehouse_id)
    assert market.stock(market.cup, child.warehouse_id) == (6, 4)  # 10 - 2 × 2 left, 8 - 4 to go
    assert teas[1] == 1
    assert sound(market)


def test_two_hundred_buyers_of_fifty_pieces_get_exactly_fifty(market: Market) -> None:
    # Given fifty cups, thirty of them kept for one of two partners
    with market.world.begin() as ctx:
        inventory.stock_change(
            ctx,
            changes=[
                StockChange(market.cup, market.near, "count", on_hand=50, low_below=10),
                StockChange(market.cup, market.far, "count", on_hand=0),
            ],
        )
        inventory.shares_open(
            ctx,
            shares=[
                inventory.NewShare(
                    market.cup, market.near, [market.creator], 30, ctx.now + timedelta(days=1)
                )
            ],
        )

    # When two hundred orders of one cup come at once, a hundred from each
    def buy(number: int) -> tuple[bool, bool]:
        partner = market.creator if number % 2 else market.street
        command = market.command(market.draft(f"B-{number}", (market.cup, 1)), partner)
        return bool(number % 2), isinstance(placed(market, command)[0], Placed)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(buy, range(200)))

    # Then fifty are sold, and the one without a share has had no more than the other twenty
    assert sum(is_sold for _, is_sold in outcomes) == 50
    assert sum(is_sold for is_creator, is_sold in outcomes if not is_creator) <= 20
    assert market.stock(market.cup, market.near) == (50, 50)
    assert sound(market)
    with market.world.begin() as ctx:
        lows = ctx.db.rows("SELECT count(*) FROM kit.outbox WHERE type = 'stock.low'")
    assert lows == [(1,)]


def test_a_cancelled_order_gives_its_share_back(market: Market) -> None:
    with market.world.begin() as ctx:
        ends_at = ctx.now + timedelta(days=1)
        new = inventory.NewShare(market.cup, market.near, [market.street], 4, ends_at)
        [share] = inventory.shares_open(ctx, shares=[new])
    placed(market, market.command(market.draft("S-1", (market.cup, 6))))
    assert sound(market)

    with market.world.begin(market.as_partner()) as ctx:
        assert inventory.share_page(ctx).items == [replace(share, unsold=0)]
        order = dropship.order_by_number(ctx, partner_id=market.street, number="S-1")
        cancel_order(ctx, partner_id=market.street, order_id=order.id)
        assert inventory.share_page(ctx).items == [share]
    assert sound(market)


def test_a_render_says_why_each_warehouse_sends_or_does_not(market: Market) -> None:
    lines = ((market.tea, 1), (market.rice, 1))
    with market.world.begin(market.as_partner()) as ctx:
        shown = render_dropship_order(
            ctx, partner_id=market.street, draft=market.draft("R-1", *lines)
        )
        document = dropship.render_document(shown, language="en")

    assert [
        (note["warehouse_id"], note["distance"], note["verdict"], note["line_nos"])
        for note in document["sourcing"]
    ] == [
        (id_text(inventory.WAREHOUSE_PREFIX, market.near), 0, "too_little", [2]),
        (id_text(inventory.WAREHOUSE_PREFIX, market.far), 4, "takes_all", [1, 2]),
        (id_text(inventory.WAREHOUSE_PREFIX, market.barn), 4, "has_none", [1, 2]),
    ]
    [child] = document["children"]
    assert child["ships_on"] <= child["arrives_on"]
