"""Prices and stock that are read off the tables, held to the rules that orders are decided by."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.modules.pricing.trade import (
    acting,
    partner_open,
    pool_of,
    skus_open,
    supplier_open,
)
from weili.kit import zone
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_parse, id_text, ids_parse, new_id
from weili.kit.problems import IdMalformed
from weili.modules import goods, inventory, pricing, regions
from weili.modules.goods import SkuId, SkuState
from weili.modules.inventory import AvailabilityAsk, NewArrival, NewShare, StockChange, StockState
from weili.modules.inventory.service.availability import availability_by_rules
from weili.modules.pricing import ChangeDraft, Channel, CompareAtRow, PriceAsk, PriceRow
from weili.modules.pricing.quotes import prices_by_book

XIHU, HEXI, LHASA = "330106", "120103", "540102"
HOUR = timedelta(hours=1)
EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

skus = st.integers(0, 6)
tiers = st.sampled_from([1, 2, 5, 10])
lists = st.integers(0, 2)
prices = st.dictionaries(st.tuples(lists, skus, tiers), st.integers(0, 999), max_size=24)
changes = st.lists(
    st.tuples(
        *(lists, skus, tiers, st.integers(0, 999), st.integers(1, 5)),
        st.one_of(st.none(), st.integers(1, 4)),
    ),
    max_size=6,
)
moments = st.integers(0, 10)
price_asks = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 12)), min_size=1, max_size=12)

houses = st.integers(0, 3)
coverages = st.dictionaries(
    st.tuples(houses, st.sampled_from([XIHU, "330000", "000000", HEXI])),
    st.tuples(st.integers(0, 2), st.integers(0, 4)),
    max_size=8,
)
counts = st.dictionaries(
    st.tuples(skus, houses), st.tuples(st.integers(1, 12), st.integers(0, 3)), max_size=16
)
comings = st.lists(st.tuples(skus, houses, st.integers(1, 9), st.integers(0, 5)), max_size=4)
keeps = st.lists(
    st.tuples(skus, houses, st.booleans(), st.integers(1, 4), st.integers(1, 5)), max_size=3
)
stock_asks = st.lists(
    st.tuples(
        *(st.integers(0, 7), st.integers(1, 12), st.sampled_from([XIHU, HEXI, LHASA])),
        st.one_of(st.none(), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=12,
)


@dataclass(frozen=True, slots=True)
class Shop:
    """Seven SKUs and one that is unknown, as the first partner sees them.

    The fifth is off the shelf, the sixth in no pool of its own, the seventh a bundle of the first
    two.
    """

    ctx: Ctx
    suppliers: list[PartyId]
    partners: list[PartyId]
    skus: list[SkuId]
    lists: list[pricing.ListId]
    houses: list[inventory.WarehouseId]


@pytest.fixture
def shop(ctx: Ctx) -> Shop:
    regions.regions_seed(ctx)
    suppliers = [supplier_open(ctx, n) for n in range(2)]
    partners = [partner_open(ctx, n) for n in range(2)]
    singles = skus_open(ctx, supplier_id=suppliers[0], count=6)
    gift = goods.GoodsRow(suppliers[0], "G", "礼盒", ("粮油", "米"), parts=(("S0", 1), ("S1", 2)))
    [bundle] = goods.goods_put(ctx, rows=[gift], state=SkuState.ON_SHELF).sku_ids.values()
    pool_of(ctx, sku_ids=[*singles[:5], bundle], partner_ids=partners)
    goods.sku_shelve(ctx, sku_ids=[singles[4]], state=SkuState.OFF_SHELF)
    return Shop(
        ctx,
        suppliers,
        partners,
        [*singles, bundle, SkuId(new_id(ctx.now))],
        [pricing.list_open(ctx, name=str(n), is_default=n == 0).id for n in range(3)],
        [
            inventory.warehouse_open(
                ctx,
                code=str(n),
                supplier_id=suppliers[n == 3],
                name=f"仓 {n}",
                region_code=(XIHU, "330105", HEXI, XIHU)[n],
            ).id
            for n in range(4)
        ],
    )


@contextmanager
def undone(ctx: Ctx) -> Iterator[None]:
    """Take back what an example writes."""
    savepoint = ctx.db.sa.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


@EXAMPLES
@given(
    listed=prices,
    planned=changes,
    has_own=st.booleans(),
    has_channel=st.booleans(),
    struck_out=st.sets(skus, max_size=3),
    at=moments,
    asked=price_asks,
)
def test_prices_read_as_they_stand_are_those_that_orders_pay(
    shop: Shop,
    *,
    listed: dict[tuple[int, int, int], int],
    planned: list[tuple[int, int, int, int, int, int | None]],
    has_own: bool,
    has_channel: bool,
    struck_out: set[int],
    at: int,
    asked: list[tuple[int, int]],
) -> None:
    ctx, partner = shop.ctx, shop.partners[0]
    with undone(ctx):
        for n, list_id in enumerate(shop.lists):
            rows = [
                PriceRow(shop.skus[sku], tier, fen)
                for (of_list, sku, tier), fen in listed.items()
                if of_list == n
            ]
            pricing.prices_put(ctx, list_id=list_id, rows=rows)
        if has_own:
            pricing.list_assign(ctx, partner_id=partner, list_id=shop.lists[1])
        if has_channel:
            pricing.channel_assign(ctx, partner_id=partner, channel=Channel.CREATOR)
            pricing.channel_list(ctx, channel=Channel.CREATOR, list_id=shop.lists[2])
        for of_list, sku, tier, fen, begins, lasts in planned:
            begins_at = ctx.now + begins * HOUR
            draft = ChangeDraft(
                shop.lists[of_list],
                [PriceRow(shop.skus[sku], tier, fen)],
                begins_at,
                None if lasts is None else begins_at + lasts * HOUR,
            )
            with suppress(pricing.WindowsOverlap):
                pricing.change_put(ctx, draft=draft, note="节日")
        pricing.compare_at_put(
            ctx,
            rows=[CompareAtRow(shop.skus[sku], 1_000 + sku, '原价"1"\n') for sku in struck_out],
        )
        # An instant at which changes begin and end is asked for as often as one between two.
        asking = replace(acting(ctx, partner, "prices:read"), now=ctx.now + at * HOUR / 2)
        asks = [PriceAsk(shop.skus[sku], quantity) for sku, quantity in asked]

        told = pricing.prices_of(asking, partner_id=partner, asks=asks)

        assert told == prices_by_book(asking, partner_id=partner, asks=asks)


@EXAMPLES
@given(coverage=coverages, lying=counts, coming=comings, kept=keeps, at=moments, asked=stock_asks)
def test_stock_read_off_the_shelves_is_what_orders_are_sourced_from(
    shop: Shop,
    *,
    coverage: dict[tuple[int, str], tuple[int, int]],
    lying: dict[tuple[int, int], tuple[int, int]],
    coming: list[tuple[int, int, int, int]],
    kept: list[tuple[int, int, bool, int, int]],
    at: int,
    asked: list[tuple[int, int, str, int | None]],
) -> None:
    ctx, partner = shop.ctx, shop.partners[0]
    today = zone.day_of(ctx.now)
    with undone(ctx):
        for (house, region), (priority, lead_days) in coverage.items():
            row = inventory.CoverageRow(region, priority, lead_days)
            inventory.coverage_put(ctx, warehouse_id=shop.houses[house], rows=[row])
        inventory.stock_change(
            ctx,
            changes=[
                StockChange(shop.skus[sku], shop.houses[house], "t", on_hand=count, safety=safety)
                for (sku, house), (count, safety) in lying.items()
            ],
        )
        inventory.arrivals_announce(
            ctx,
            arrivals=[
                NewArrival(shop.skus[sku], shop.houses[house], n, today + timedelta(days), "po")
                for sku, house, n, days in coming
            ],
        )
        for sku, house, is_mine, count, hours in kept:
            holder, ends_at = shop.partners[not is_mine], ctx.now + hours * HOUR
            share = NewShare(shop.skus[sku], shop.houses[house], [holder], count, ends_at)
            with suppress(inventory.ShareTooLarge):
                inventory.shares_open(ctx, shares=[share])
        asking = replace(acting(ctx, partner, "stock:read"), now=ctx.now + at * HOUR / 2)
        asks = [
            AvailabilityAsk(
                shop.skus[sku], quantity, area, None if on is None else today + timedelta(on)
            )
            for sku, quantity, area, on in asked
        ]

        told = inventory.availability(asking, asks=asks)

        assert told == availability_by_rules(asking, partner_id=partner, asks=asks)


def test_plain_goods_are_answered_off_the_shelves_and_the_rest_by_the_rules(shop: Shop) -> None:
    ctx, partner = shop.ctx, shop.partners[0]
    tea, cup, rice, eggs, hidden, _, gift, unknown = shop.skus
    near, far = shop.houses[:2]
    for house, priority, days in ((near, 1, 1), (far, 2, 3)):
        row = inventory.CoverageRow("330000", priority, days)
        inventory.coverage_put(ctx, warehouse_id=house, rows=[row])
    inventory.stock_change(
        ctx,
        changes=[
            StockChange(sku, house, "t", on_hand=count)
            for sku, house, count in (
                (tea, near, 3),
                (tea, far, 70),
                (cup, far, 2),
                (rice, near, 2),
                (rice, far, 2),
                (hidden, near, 9),
            )
        ],
    )
    asked = ((tea, 3), (tea, 4), (cup, 3), (rice, 3), (eggs, 1), (gift, 1), (hidden, 1), (tea, 74))

    told = inventory.availability(
        acting(ctx, partner, "stock:read"),
        asks=[AvailabilityAsk(sku, quantity, XIHU) for sku, quantity in (*asked, (unknown, 1))],
    )

    assert [(a.state, a.quantity_fuzzy, a.lead_days) for a in told] == [
        (StockState.IN_STOCK, 50, 1),
        (StockState.IN_STOCK, 50, 3),
        (StockState.SHORT, 2, None),
        (StockState.IN_STOCK, 4, 3),  # two from each: the later of both
        (StockState.NONE, 0, None),
        (StockState.IN_STOCK, 1, 3),  # one tea and two cups
        (StockState.NONE, 0, None),
        (StockState.SHORT, 50, None),  # 3 + 70 < 74
        (StockState.NONE, 0, None),
    ]


@given(st.lists(st.uuids(), max_size=8))
def test_ids_read_together_are_those_that_were_written(ids: list[SkuId]) -> None:
    assert list(ids_parse("sku", [id_text("sku", sku_id) for sku_id in ids])) == ids


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sku_",
        "spu_01jd0000000000000000000000",
        "sku_01jd000000000000000000000",
        "sku_01jd00000000000000000000000",
        "sku_81jd0000000000000000000000",  # two bits too many
        "sku_01JD0000000000000000000000",
        "sku_01jd00000000000000000000l0",
        "sku_01jd000000000000 000000000",
        "sku_01jd0000_00000000000000000",
        "sku_+1jd0000000000000000000000",
        "sku_01jd000000000000000000000é",
        "sku_01jd000000000000000000000\ud800",
    ],
)
def test_one_id_that_nobody_wrote_spoils_all(text: str) -> None:
    good = id_text("sku", SkuId(UUID(int=7)))
    with pytest.raises(IdMalformed):
        ids_parse("sku", [good, text])
    with pytest.raises(IdMalformed):
        id_parse("sku", text)
