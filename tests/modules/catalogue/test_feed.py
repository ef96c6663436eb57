"""The feed of changes: what a partner may see, as it comes, changes and goes, and nothing else."""

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.market import CUP_FEN, EGGS_FEN, RICE_FEN, TEA_FEN, Market, market_open_in
from tests.modules.pricing.trade import rolled_back
from weili.kit import outbox
from weili.kit.context import Ctx, PartyId
from weili.kit.world import World
from weili.modules import catalogue, goods, pricing
from weili.modules.catalogue import OfferState
from weili.modules.goods import SkuId, SkuState

Seen = dict[SkuId, int | None]


def settled(ctx: Ctx) -> None:
    """Let what was announced reach the log, and the log be followed to its end."""
    outbox.flush(ctx.db, ctx.announced)
    ctx.announced.clear()
    while outbox.relay(ctx):
        pass
    while catalogue.follow(ctx):
        pass


def feed(
    ctx: Ctx, partner_id: PartyId, after: int = 0, limit: int = 2
) -> tuple[list[catalogue.Offer], int]:
    """Read a feed to its end, page by page."""
    items: list[catalogue.Offer] = []
    while True:
        page = catalogue.feed_after(ctx, partner_id=partner_id, after=after, limit=limit)
        items += page.items
        after = page.next_after
        if not page.has_more:
            return items, after


def replayed(seen: Seen, items: Sequence[catalogue.Offer]) -> None:
    for item in items:
        if item.state is OfferState.ON_SHELF:
            seen[item.sku_id] = item.unit_price_minor
        else:
            seen.pop(item.sku_id, None)


def visible(ctx: Ctx, partner_id: PartyId, sku_ids: Sequence[SkuId]) -> Seen:
    pairs = [(partner_id, sku_id) for sku_id in sku_ids]
    book = pricing.price_book(ctx, partner_ids=[partner_id], sku_ids=sku_ids)
    return {
        sku_id: price.unit_price_minor if price else None
        for _, sku_id in goods.skus_visible(ctx, pairs=pairs)
        for price in [book.unit_price(partner_id, sku_id, 1)]
    }


def test_a_new_reader_is_given_all_that_it_may_order_and_nothing_else(
    ctx: Ctx, rolled_back_world: World
) -> None:
    market = market_open_in(ctx, rolled_back_world)
    settled(ctx)

    items, _ = feed(ctx, market.street)

    assert {item.sku_id: item.unit_price_minor for item in items} == {
        market.tea: TEA_FEN,
        market.rice: RICE_FEN,
        market.cup: CUP_FEN,
        market.eggs: EGGS_FEN,
    }
    assert {(item.state, item.version) for item in items} == {(OfferState.ON_SHELF, 1)}


def test_each_change_moves_its_sku_to_the_end_with_a_new_version(
    ctx: Ctx, rolled_back_world: World
) -> None:
    # Given a partner that has read its feed to the end
    market = market_open_in(ctx, rolled_back_world)
    settled(ctx)
    _, end = feed(ctx, market.street)

    # When tea gets another price, cups leave the shelf, and a second tier of tea's price changes
    lists = market.price_list
    pricing.prices_put(ctx, list_id=lists, rows=[pricing.PriceRow(market.tea, 1, 4_400)])
    goods.sku_shelve(ctx, sku_ids=[market.cup], state=SkuState.OFF_SHELF)
    settled(ctx)

    # Then both are told, once each, in their order
    items, end = feed(ctx, market.street, end)
    assert [
        (i.sku_id, i.version, i.state, i.unit_price_minor, i.price_version) for i in items
    ] == sorted(
        [
            (market.tea, 2, OfferState.ON_SHELF, 4_400, 2),
            (market.cup, 2, OfferState.OFF_SHELF, None, None),
        ]
    )
    positions = [item.position for item in items]
    assert positions == sorted(positions)

    # And when nothing more changes, nothing more is told
    settled(ctx)
    assert feed(ctx, market.street, end) == ([], end)


def test_what_is_taken_away_is_told_as_removed_to_those_who_knew_it_only(
    ctx: Ctx, rolled_back_world: World
) -> None:
    # Given a pool of one SKU that the street alone is granted
    market = market_open_in(ctx, rolled_back_world)
    pool = goods.pool_open(ctx, name="preview")
    goods.pool_put(ctx, pool_id=pool, sku_ids=[market.hidden])
    goods.pool_grant(ctx, pool_id=pool, partner_id=market.street)
    settled(ctx)
    _, street_end = feed(ctx, market.street)
    creator_all, creator_end = feed(ctx, market.creator)
    assert market.hidden not in {item.sku_id for item in creator_all}

    # When the grant is taken back
    goods.pool_revoke(ctx, pool_id=pool, partner_id=market.street)
    settled(ctx)

    # Then the street is told that it is gone, and the creator still nothing
    items, street_end = feed(ctx, market.street, street_end)
    assert [(i.sku_id, i.state, i.unit_price_minor) for i in items] == [
        (market.hidden, OfferState.REMOVED, None)
    ]
    assert feed(ctx, market.creator, creator_end) == ([], creator_end)

    # And what later happens to it concerns neither
    pricing.prices_put(
        ctx, list_id=market.price_list, rows=[pricing.PriceRow(market.hidden, 1, 999)]
    )
    supplier_row = goods.GoodsRow(market.grocer, "hidden", "另一个名字", ("家居",))
    goods.goods_put(ctx, rows=[supplier_row])
    settled(ctx)
    assert feed(ctx, market.street, street_end) == ([], street_end)


def test_another_price_list_changes_every_price_that_differs(
    ctx: Ctx, rolled_back_world: World
) -> None:
    market = market_open_in(ctx, rolled_back_world)
    settled(ctx)
    _, end = feed(ctx, market.street)
    _, other_end = feed(ctx, market.creator)

    own = pricing.list_open(ctx, name="street's own")
    pricing.prices_put(ctx, list_id=own.id, rows=[pricing.PriceRow(market.rice, 1, 6_500)])
    pricing.list_assign(ctx, partner_id=market.street, list_id=own.id)
    settled(ctx)

    items, _ = feed(ctx, market.street, end)
    assert [(item.sku_id, item.unit_price_minor) for item in items] == [(market.rice, 6_500)]
    assert feed(ctx, market.creator, other_end) == ([], other_end)


def test_a_feed_that_tells_something_else_is_found(ctx: Ctx, rolled_back_world: World) -> None:
    market = market_open_in(ctx, rolled_back_world)
    settled(ctx)
    assert list(catalogue.verify(ctx)) == []

    ctx.db.run(
        "UPDATE catalogue.offer SET unit_price_minor = 1 WHERE sku_id = %b AND partner_id = %b",
        market.tea,
        market.street,
    )

    assert [finding.check for finding in catalogue.verify(ctx)] == ["feed_tells_truth"]


def test_while_facts_are_on_their_way_nothing_is_found(ctx: Ctx, rolled_back_world: World) -> None:
    market = market_open_in(ctx, rolled_back_world)
    settled(ctx)
    goods.sku_shelve(ctx, sku_ids=[market.tea], state=SkuState.OFF_SHELF)
    outbox.flush(ctx.db, ctx.announced)
    ctx.announced.clear()

    assert not catalogue.is_caught_up(ctx)
    assert list(catalogue.verify(ctx)) == []


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("shelve"), st.integers(0, 4), st.booleans()),
        st.tuples(st.just("pool"), st.integers(0, 4), st.booleans()),
        st.tuples(st.just("grant"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("price"), st.integers(0, 4), st.integers(10_001, 10_003)),
        st.tuples(st.just("own_price"), st.integers(0, 4), st.integers(10_001, 10_003)),
        st.tuples(st.just("assign"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("rename"), st.integers(0, 4), st.integers(1, 3)),
        st.tuples(st.just("settle"), st.just(0), st.just(0)),
        st.tuples(st.just("read"), st.integers(0, 1), st.just(0)),
    ),
    max_size=14,
)


class Shop:
    """A market in which things happen, and two readers who follow it."""

    def __init__(self, ctx: Ctx, market: Market) -> None:
        self.ctx = ctx
        self.skus = [market.tea, market.rice, market.cup, market.eggs, market.hidden]
        self.partners = [market.street, market.creator]
        self.list_id = market.price_list
        self.own = pricing.list_open(ctx, name="own").id
        self.pool = goods.pool_open(ctx, name="second")
        self.grocer = market.grocer
        self.seen: list[Seen] = [{}, {}]
        self.at = [0, 0]

    def move(self, what: str, which: int, how: int) -> None:
        ctx = self.ctx
        match what:
            case "shelve":
                state = SkuState.ON_SHELF if how else SkuState.OFF_SHELF
                goods.sku_shelve(ctx, sku_ids=[self.skus[which]], state=state)
            case "pool":
                change = goods.pool_put if how else goods.pool_take
                change(ctx, pool_id=self.pool, sku_ids=[self.skus[which]])
            case "grant":
                change = goods.pool_grant if how else goods.pool_revoke
                change(ctx, pool_id=self.pool, partner_id=self.partners[which])
            case "price" | "own_price":
                list_id = self.list_id if what == "price" else self.own
                rows = [pricing.PriceRow(self.skus[which], 1, how)]
                pricing.prices_put(ctx, list_id=list_id, rows=rows)
            case "assign":
                pricing.list_assign(ctx, partner_id=self.partners[which], list_id=self.own)
            case "rename":
                row = goods.GoodsRow(self.grocer, "cup", f"杯子 {how}", ("家居",))
                goods.goods_put(ctx, rows=[row])
            case "settle":
                settled(ctx)
            case "read":
                self.read(which)

    def read(self, which: int) -> None:
        items, self.at[which] = feed(self.ctx, self.partners[which], self.at[which])
        replayed(self.seen[which], items)


@given(MOVES)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_replaying_a_feed_gives_what_may_be_seen(
    rolled_back_world: World, moves: list[tuple[str, int, int]]
) -> None:
    with rolled_back(rolled_back_world) as ctx:
        shop = Shop(ctx, market_open_in(ctx, rolled_back_world))
        for what, which, how in moves:
            shop.move(what, which, how)
        settled(ctx)
        for which, partner_id in enumerate(shop.partners):
            shop.read(which)
            assert shop.seen[which] == visible(ctx, partner_id, shop.skus)
        assert list(catalogue.verify(ctx)) == []
