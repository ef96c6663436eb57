"""What is remembered of goods and prices, held to what the database says after each change."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

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
from weili.kit.context import Ctx, PartyId
from weili.kit.gathering import ended
from weili.kit.memory import Memory
from weili.kit.problems import Problem
from weili.kit.world import World, clock_turn
from weili.modules import catalogue, goods, pricing
from weili.modules.goods import GoodsRow, SkuId, SkuState
from weili.modules.pricing import ChangeDraft, Channel, CompareAtRow, PriceRow

EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
HOUR = timedelta(hours=1)
SKUS, TWO = 3, st.integers(0, 1)
SKU, LIST, FEN = st.integers(0, SKUS - 1), st.integers(0, 2), st.integers(1, 99)
CHANNELS = (Channel.CREATOR, Channel.COMMUNITY)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("price"), LIST, SKU, st.sampled_from([1, 5]), FEN),
        st.tuples(st.just("change"), LIST, SKU, FEN, st.integers(1, 3), st.integers(0, 2)),
        st.tuples(st.just("cancel")),
        st.tuples(st.just("hours"), st.integers(1, 3)),
        st.tuples(st.just("compare"), SKU, FEN, st.booleans()),
        st.tuples(st.just("own"), TWO, LIST),
        st.tuples(st.just("channel"), TWO, TWO),
        st.tuples(st.just("channel_list"), TWO, LIST),
        st.tuples(st.just("shelve"), SKU, st.booleans()),
        st.tuples(st.just("pool"), TWO, SKU, st.booleans()),
        st.tuples(st.just("grant"), TWO, TWO, st.booleans()),
        st.tuples(st.just("tax"), SKU, st.sampled_from([600, 900, 1300])),
        st.tuples(st.just("title"), SKU, st.sampled_from(["新米", "陈米"])),
    ),
    min_size=1,
    max_size=12,
)


@dataclass(slots=True)
class Shop:
    """Three SKUs, two pools, two partners and three lists, of which the first is the default."""

    ctx: Ctx
    supplier: PartyId
    partners: list[PartyId]
    skus: list[SkuId]
    lists: list[pricing.ListId]
    pools: list[goods.PoolId]
    changes: list[pricing.ChangeId] = field(default_factory=list)

    def price(self, of_list: int, sku: int, tier: int, fen: int) -> None:
        row = PriceRow(self.skus[sku], tier, fen)
        pricing.prices_put(self.ctx, list_id=self.lists[of_list], rows=[row])

    def change(self, of_list: int, sku: int, fen: int, begins: int, lasts: int) -> None:
        begins_at = self.ctx.now + begins * HOUR
        ends_at = begins_at + lasts * HOUR if lasts else None
        rows = [PriceRow(self.skus[sku], 1, fen)]
        draft = ChangeDraft(self.lists[of_list], rows, begins_at, ends_at)
        self.changes.append(pricing.change_put(self.ctx, draft=draft, note="节日").id)

    def cancel(self) -> None:
        if self.changes:
            pricing.change_cancel(self.ctx, change_id=self.changes.pop())

    def hours(self, count: int) -> None:
        pricing.changes_sweep(replace(self.ctx, now=self.ctx.now + count * HOUR))
        clock_turn(self.ctx, ahead_s=count * 3_600)

    def compare(self, sku: int, fen: int, is_explained: bool) -> None:
        row = CompareAtRow(self.skus[sku], fen, "厂商建议零售价" if is_explained else None)
        pricing.compare_at_put(self.ctx, rows=[row])

    def own(self, partner: int, of_list: int) -> None:
        partner_id, list_id = self.partners[partner], self.lists[of_list]
        pricing.list_assign(self.ctx, partner_id=partner_id, list_id=list_id)

    def channel(self, partner: int, channel: int) -> None:
        partner_id = self.partners[partner]
        pricing.channel_assign(self.ctx, partner_id=partner_id, channel=CHANNELS[channel])

    def channel_list(self, channel: int, of_list: int) -> None:
        list_id = self.lists[of_list]
        pricing.channel_list(self.ctx, channel=CHANNELS[channel], list_id=list_id)

    def shelve(self, sku: int, is_on: bool) -> None:
        state = SkuState.ON_SHELF if is_on else SkuState.OFF_SHELF
        goods.sku_shelve(self.ctx, sku_ids=[self.skus[sku]], state=state)

    def pool(self, pool: int, sku: int, is_in: bool) -> None:
        move = goods.pool_put if is_in else goods.pool_take
        move(self.ctx, pool_id=self.pools[pool], sku_ids=[self.skus[sku]])

    def grant(self, pool: int, partner: int, is_given: bool) -> None:
        move = goods.pool_grant if is_given else goods.pool_revoke
        move(self.ctx, pool_id=self.pools[pool], partner_id=self.partners[partner])

    def tax(self, sku: int, rate_bps: int) -> None:
        self._put(sku, f"东北大米 {sku + 1} 公斤", rate_bps)

    def title(self, sku: int, title: str) -> None:
        self._put(sku, title, 900)

    def _put(self, sku: int, title: str, rate_bps: int) -> None:
        row = GoodsRow(*(self.supplier, f"S{sku}", title, ("粮油", "米")), tax_rate_bps=rate_bps)
        goods.goods_put(self.ctx, rows=[row])


def opened(ctx: Ctx) -> Shop:
    supplier = supplier_open(ctx)
    shop = Shop(
        ctx,
        supplier,
        [partner_open(ctx, n) for n in range(2)],
        skus_open(ctx, supplier_id=supplier, count=SKUS),
        [pricing.list_open(ctx, name=str(n), is_default=n == 0).id for n in range(3)],
        [goods.pool_open(ctx, name=str(n)) for n in range(2)],
    )
    # Half of it is there, so that one step is often enough to change an answer.
    for sku in range(SKUS):
        shop.price(0, sku, 1, 100 + sku)
        shop.pool(0, sku, is_in=True)
    shop.pool(1, 0, is_in=True)
    shop.grant(0, 0, is_given=True)
    shop.grant(1, 1, is_given=True)
    shop.own(1, 1)
    return shop


def told(world: World, shop: Shop, memory: Memory) -> list[Any]:
    """Give what both partners pay for three of each, and what they see."""
    answers: list[Any] = []
    for partner_id in shop.partners:
        for part in told_to(world, shop, memory, partner_id):
            answers += part
    return answers


def told_to(
    world: World, shop: Shop, memory: Memory, partner_id: PartyId
) -> tuple[list[Any], list[Any], list[Any]]:
    """Give what a partner pays for three of each, what it sees, and what a search tells it."""
    with world.begin() as ctx:
        recall = memory.recall_asked(ctx)()
        paid = ended(
            pricing.prices_steps(
                acting(ctx, partner_id, "prices:read"),
                recall=recall,
                partner_id=partner_id,
                sku_ids=shop.skus,
                quantities=[3] * len(shop.skus),
                form=lambda _, quote: quote,
            )
        )
        seen = goods.skus_seen_asked(ctx, recall=recall, partner_id=partner_id, sku_ids=shop.skus)()
        found = ended(
            catalogue.skus_found_steps(
                ctx,
                recall=recall,
                partner_id=partner_id,
                pool_ids=goods.pools_granted(ctx, recall=recall, partner_id=partner_id),
                sku_ids=shop.skus,
                form=lambda sku: sku,
            )
        )
    return list(paid), list(seen), list(found)


def take(world: World, shop: Shop, step: tuple[Any, ...]) -> None:
    name, *values = step
    with suppress(Problem), world.begin() as ctx:
        shop.ctx = ctx
        getattr(shop, name)(*values)


@pytest.fixture
def shop(world: World) -> Shop:
    with world.begin() as ctx:
        return opened(ctx)


@EXAMPLES
@given(taken=steps)
def test_after_each_change_is_told_what_the_database_says(
    world: World, shop: Shop, taken: list[tuple[Any, ...]]
) -> None:
    memory = Memory()
    assert told(world, shop, memory) == told(world, shop, Memory())
    for step in taken:
        take(world, shop, step)

        assert told(world, shop, memory) == told(world, shop, Memory())


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ((), ("price", 0, 0, 1, 7)),
        ((), ("price", 1, 0, 1, 7)),
        ((), ("change", 0, 0, 7, 1, 1)),
        ((("change", 0, 0, 7, 1, 0),), ("hours", 2)),
        ((("change", 0, 0, 7, 1, 0),), ("cancel",)),
        ((), ("compare", 0, 700, True)),
        ((), ("own", 0, 1)),
        ((), ("channel", 0, 1)),
        ((), ("channel_list", 0, 2)),
        ((), ("shelve", 0, False)),
        ((), ("pool", 0, 0, False)),
        ((("pool", 0, 0, False),), ("pool", 0, 0, True)),
        ((), ("grant", 0, 1, True)),
        ((), ("grant", 0, 0, False)),
        ((), ("tax", 0, 600)),
        ((), ("title", 0, "新米")),
    ],
)
def test_each_sort_of_change_alters_an_answer_that_was_remembered(
    world: World, shop: Shop, before: tuple[tuple[Any, ...], ...], step: tuple[Any, ...]
) -> None:
    # Given a partner of a channel that has a list, and prices on every list
    for each in (
        *(("channel", 0, 0), ("channel_list", 1, 2), ("price", 1, 0, 1, 5)),
        *(("price", 2, 0, 1, 6), *before),
    ):
        take(world, shop, each)
    memory = Memory()
    remembered = told(world, shop, memory)

    take(world, shop, step)

    assert told(world, shop, memory) == told(world, shop, Memory()) != remembered


def test_a_default_list_that_is_opened_late_is_paid_by_at_once(world: World) -> None:
    with world.begin() as ctx:
        supplier, partner = supplier_open(ctx), partner_open(ctx)
        [sku] = skus_open(ctx, supplier_id=supplier, count=1)
        pool_of(ctx, sku_ids=[sku], partner_ids=[partner])
        early = pricing.list_open(ctx, name="early").id
        pricing.prices_put(ctx, list_id=early, rows=[PriceRow(sku, 1, 5)])
    shop = Shop(ctx, supplier, [partner], [sku], [early], [])
    memory = Memory()
    [nothing, *_] = told(world, shop, memory)
    assert nothing.price is None

    with world.begin() as ctx:
        late = pricing.list_open(ctx, name="late", is_default=True).id
        pricing.prices_put(ctx, list_id=late, rows=[PriceRow(sku, 1, 7)])

    [quote, *_] = told(world, shop, memory)
    assert quote.price.unit_price_minor == 7


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_was_told_to_one_is_not_told_to_another_who_may_not_see_it(
    world: World, shop: Shop, order: tuple[int, int]
) -> None:
    # Given two who pay by the same lists; of the three SKUs the second sees the first alone
    take(world, shop, ("own", 0, 1))
    memory = Memory()

    # When one asks, and then the other, of what is remembered by then
    told_by = {n: told_to(world, shop, memory, shop.partners[n]) for n in order}

    # Then each has its own answer
    paid, _, found = told_by[0]
    assert [quote.price is not None for quote in paid] == [True, True, True]
    assert [sku is not None for sku in found] == [True, True, True]
    paid, _, found = told_by[1]
    assert [quote.tiers != () for quote in paid] == [True, False, False]
    assert [sku is not None for sku in found] == [True, False, False]


def test_a_list_given_between_two_steps_is_not_remembered_as_the_one_before(
    world: World, shop: Shop
) -> None:
    # Given two partners who see one SKU and pay by one list
    for step in (
        *(("price", of_list, 0, 1, of_list + 1) for of_list in range(3)),
        *(("own", partner, 1) for partner in range(2)),
    ):
        take(world, shop, step)
    memory = Memory()

    # When one of them is given another while it looks
    with world.begin() as ctx:
        steps = catalogue.skus_found_steps(
            ctx,
            recall=memory.recall_asked(ctx)(),
            partner_id=shop.partners[0],
            pool_ids=shop.pools,
            sku_ids=shop.skus[:1],
            form=lambda sku: sku,
        )
        next(steps)
        take(world, shop, ("own", 0, 2))
        [found] = ended(steps)

    # Then the other one is still told what it pays itself
    assert found is not None
    assert found.unit_price_minor == 3
    assert told(world, shop, memory) == told(world, shop, Memory())
