"""Orders keep to the terms of what they ask for."""

import pytest

from tests.market import HEXI, Market
from tests.workflows.test_place_dropship_orders import codes, place
from weili.modules import goods
from weili.modules.goods import GoodsRow, SaleTerms


@pytest.fixture
def tea_by_pairs(market: Market) -> Market:
    """Give a market in which tea is sold in pairs, two to six of it, and not to Tianjin."""
    terms = SaleTerms(2, 6, 2, areas_excluded=("120000",))
    row = GoodsRow(
        market.grocer,
        "tea",
        "明前龙井 250g 罐装",
        ("食品", "茶", "绿茶"),
        brand="溪山",
        terms=terms,
    )
    with market.world.begin() as ctx:
        goods.goods_put(ctx, rows=[row])
    return market


def test_an_order_beyond_the_terms_is_refused_and_reserves_nothing(tea_by_pairs: Market) -> None:
    market, tea = tea_by_pairs, tea_by_pairs.tea
    drafts = [
        market.draft("one", (tea, 1)),
        market.draft("odd", (tea, 3)),
        market.draft("many", (tea, 8)),
        market.draft("split in two", (tea, 4), (tea, 4)),
        market.draft("north", (tea, 2), area_code=HEXI),
        market.draft("right", (tea, 4), (market.cup, 1)),
    ]

    outcomes = place(market, *map(market.command, drafts))

    assert codes(outcomes) == [
        "quantity_too_small",
        "quantity_not_in_packs",
        "quantity_too_large",
        "quantity_too_large",
        "area_not_on_sale",
        "placed",
    ]
    assert market.stock(tea, market.near) == (100, 4)
