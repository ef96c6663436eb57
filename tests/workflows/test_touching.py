"""What is set to what it is already is forgotten by nobody; what really changes is."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from tests.market import Market
from weili.kit.context import Ctx
from weili.kit.gathering import ended
from weili.kit.memory import Memory
from weili.modules import catalogue, goods, pricing
from weili.modules.goods import SkuState
from weili.modules.pricing import ChangeDraft, Channel, CompareAtRow, PriceQuote, PriceRow

HOUR = timedelta(hours=1)
Step = Callable[[Ctx, Market, goods.PoolId], object]


def noted(ctx: Ctx) -> set[UUID]:
    """Give the ids that the transaction has touched so far."""
    rows = ctx.db.rows("SELECT ids FROM kit.touched WHERE xid = pg_current_xact_id()::text::bigint")
    return {each for (ids,) in rows for each in ids}


def _list_other(ctx: Ctx) -> pricing.ListId:
    found = pricing.list_by_name(ctx, name="other")
    return found.id if found else pricing.list_open(ctx, name="other", is_default=False).id


STEPS: dict[str, Step] = {
    "a grant": lambda ctx, m, pool: goods.pool_grant(ctx, pool_id=pool, partner_id=m.creator),
    "no grant": lambda ctx, m, pool: goods.pool_revoke(ctx, pool_id=pool, partner_id=m.street),
    "a pool": lambda ctx, m, pool: goods.pool_put(ctx, pool_id=pool, sku_ids=[m.tea, m.cup]),
    "no pool": lambda ctx, m, pool: goods.pool_take(ctx, pool_id=pool, sku_ids=[m.rice]),
    "a list": lambda ctx, m, _: pricing.list_assign(
        ctx, partner_id=m.street, list_id=_list_other(ctx)
    ),
    "a channel's list": lambda ctx, _, __: pricing.channel_list(
        ctx, channel=Channel.CREATOR, list_id=_list_other(ctx)
    ),
    "a channel": lambda ctx, m, _: pricing.channel_assign(
        ctx, partner_id=m.creator, channel=Channel.CREATOR
    ),
    "a state": lambda ctx, m, _: goods.sku_shelve(ctx, sku_ids=[m.tea], state=SkuState.OFF_SHELF),
    "a price": lambda ctx, m, _: pricing.prices_put(
        ctx, list_id=m.price_list, rows=[PriceRow(m.tea, 1, 4_700)]
    ),
    "a struck-out price": lambda ctx, m, _: pricing.compare_at_put(
        ctx, rows=[CompareAtRow(m.tea, 9_900, "厂商建议零售价")]
    ),
    "synonyms": lambda ctx, _, __: catalogue.synonyms_put(ctx, group=["米", "大米"]),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_touches_once_and_the_same_again_touches_nothing(market: Market, name: str) -> None:
    step = STEPS[name]
    with market.world.begin() as ctx:
        pool = goods.pool_open(ctx, name="of the test")
        goods.pool_put(ctx, pool_id=pool, sku_ids=[market.rice])
        goods.pool_grant(ctx, pool_id=pool, partner_id=market.street)
        catalogue.synonyms_put(ctx, group=["大米", "稻米"])
        _list_other(ctx)
    with market.world.begin() as ctx:
        step(ctx, market, pool)
        assert noted(ctx)
    with market.world.begin() as ctx:
        step(ctx, market, pool)
        assert noted(ctx) == set()
        assert ctx.announced == []


def test_a_planned_price_that_comes_to_stand_is_told_from_memory_again(market: Market) -> None:
    # Given a SKU whose price is about to change, which is read by the rules and not by heart
    memory = Memory()
    with market.world.begin() as ctx:
        draft = ChangeDraft(market.price_list, [PriceRow(market.tea, 1, 4_400)], ctx.now + HOUR)
        pricing.change_put(ctx, draft=draft, note="节日")
    assert [told(market, memory) for _ in range(2)] == [(4_500, False), (4_500, False)]

    # When its moment comes
    with market.world.begin() as ctx:
        ctx.now += HOUR
        pricing.changes_sweep(ctx)
        assert market.tea in noted(ctx)

    # Then the new price is what is remembered
    assert [told(market, memory) for _ in range(2)] == [(4_400, True), (4_400, True)]


def told(market: Market, memory: Memory) -> tuple[int, bool]:
    """Give what a partner pays for a tea, and whether that is remembered."""
    with market.world.begin(market.as_partner()) as ctx:
        recall = memory.recall_asked(ctx)()

        def asked(form: Callable[[int, PriceQuote], PriceQuote]) -> PriceQuote:
            steps = pricing.prices_steps(
                ctx,
                recall=recall,
                partner_id=market.street,
                sku_ids=[market.tea],
                quantities=[1],
                form=form,
            )
            [quote] = ended(steps)
            return quote

        quote = asked(lambda _, quote: quote)
        formed: list[int] = []
        asked(lambda place, quote: formed.append(place) or quote)
    assert quote.price is not None
    return quote.price.unit_price_minor, not formed
