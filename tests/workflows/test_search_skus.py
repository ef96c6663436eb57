"""Searching: what is found by which words, what is counted, and what happens to the index."""

import json
import math
import shutil
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import pytest

from tests.market import CUP_FEN, EGGS_FEN, RICE_FEN, TEA_FEN, Market
from weili.adapters.search import SearchNotReady, TantivyIndex, TantivyWriter, rebuild_ask
from weili.adapters.search.commit import RUN
from weili.adapters.search.tantivy_index import SLOTS_MAX
from weili.kit import outbox, zone
from weili.kit.context import PartyId
from weili.kit.ids import id_parse
from weili.kit.memory import Memory
from weili.kit.wire import Wire
from weili.kit.world import clock_turn, in_transaction
from weili.modules import catalogue, goods, pricing
from weili.modules.catalogue import FoundSku, SearchAsk, SearchSort
from weili.modules.goods import SkuState
from weili.workflows.count_sales import sales_count
from weili.workflows.index_goods import index_build, index_follow, index_verify
from weili.workflows.place_dropship_orders import place_dropship_orders
from weili.workflows.search_skus import SearchResult, search_skus, search_steps

Found = SearchResult[FoundSku]


def as_it_is(sku: FoundSku) -> FoundSku:
    return sku


@dataclass(slots=True)
class Searching:
    """A market with an index, and a worker that is run by hand."""

    market: Market
    home: Path
    writer: TantivyWriter
    index: TantivyIndex
    memory: Memory

    def settle(self) -> None:
        """Let facts reach the log, the feeds and the index."""
        begin = self.market.world.begin
        for step in (outbox.relay, catalogue.follow, sales_count):
            while in_transaction(begin, step):
                pass
        while index_follow(begin, self.writer):
            pass

    def find(self, ask: SearchAsk | str, partner_id: PartyId | None = None) -> Found:
        ask = SearchAsk(text=ask) if isinstance(ask, str) else ask
        actor = self.market.as_partner(partner_id)
        with self.market.world.begin(actor) as ctx:
            alone = search_skus(ctx, self.index, partner_id=actor.party_id, ask=ask, form=as_it_is)
        # Whoever remembers since long ago finds the same.
        with self.market.world.begin(actor) as ctx:
            recall = self.memory.recall_asked(ctx)()
            [found] = _in_turn(
                [
                    search_steps(
                        ctx,
                        self.index,
                        recall=recall,
                        partner_id=actor.party_id,
                        ask=ask,
                        form=as_it_is,
                    )
                ]
            )
        assert found.items == alone.items
        return found

    def names(self, ask: SearchAsk | str, partner_id: PartyId | None = None) -> list[str]:
        names = {
            getattr(self.market, name): name for name in ("tea", "rice", "cup", "eggs", "hidden")
        }
        return [names[item.told.sku_id] for item in self.find(ask, partner_id).items]

    def findings(self) -> list[str]:
        with self.market.world.begin(snapshot=True) as ctx:
            return [finding.check for finding in index_verify(ctx, self.index)]


@pytest.fixture
def searching(market: Market, tmp_path: Path) -> Iterator[Searching]:
    home = tmp_path / "search"
    made = Searching(market, home, TantivyWriter(home), TantivyIndex(home), Memory())
    made.settle()
    yield made
    made.writer.close()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("龙井", ["tea"]),
        ("明前龙井", ["tea"]),
        ("前龙", ["tea"]),  # two characters that are no word
        ("茶", ["tea"]),  # a category, and one character
        ("longjing", ["tea"]),
        ("lj", ["tea"]),
        ("LONGJING 250G", ["tea"]),
        ("溪山", ["tea"]),  # the brand
        ("xishan", ["tea"]),
        ("大米5kg", ["rice"]),
        ("五常 大米", ["rice"]),
        ("350ml 马克杯", ["cup"]),
        ("食品", ["tea", "rice", "eggs"]),
        ("ｋｇ", ["rice"]),  # full-width letters
        ("未授权", []),
        ("没有这种东西吗", []),
        ("？！", []),
        ("😀", []),
        ("カメラ", []),
    ],
)
def test_goods_are_found_by_words_characters_and_pinyin(
    searching: Searching, words: str, found: list[str]
) -> None:
    assert sorted(searching.names(words)) == sorted(found)
    assert searching.find(words).count == len(found)


def test_without_words_everything_that_may_be_ordered_is_found(searching: Searching) -> None:
    assert searching.find("\u3000 ").count == 4
    result = searching.find("")
    assert result.count == 4
    facets = {name: {f.name: f.count for f in facets} for name, facets in result.facets.items()}
    assert facets["category"] == {"食品": 3, "家居": 1}
    assert facets["brand"] == {"溪山": 1}
    assert facets["brand_kind"] == {"national": 1}
    assert facets["state"] == {"on_shelf": 4}
    # Tea 45.00, eggs 25.00 from 20 to 50; rice 69.90 to 100; the cup 12.90 below 20.
    assert [(band.from_minor, band.below_minor, band.count) for band in result.bands] == [
        (0, 2_000, 1),
        (2_000, 5_000, 2),
        (5_000, 10_000, 1),
    ]


def test_a_category_narrows_and_shows_what_lies_below(searching: Searching) -> None:
    [food] = [f for f in searching.find("").facets["category"] if f.name == "食品"]
    category_id = id_parse(goods.CATEGORY_PREFIX, food.key)

    result = searching.find(SearchAsk(category_id=goods.CategoryId(category_id)))

    assert result.count == 3
    assert {f.name for f in result.facets["category"]} == {"茶", "粮油", "生鲜"}


def test_prices_narrow_and_sort_by_what_the_partner_itself_pays(searching: Searching) -> None:
    market = searching.market
    up = SearchAsk(sort=SearchSort.PRICE_UP)
    assert searching.names(up) == ["cup", "eggs", "tea", "rice"]
    assert searching.names(replace(up, price_min_minor=CUP_FEN + 1, price_max_minor=TEA_FEN)) == [
        "eggs",
        "tea",
    ]

    # Given a list of its own on which rice is cheapest
    with market.world.begin() as ctx:
        own = pricing.list_open(ctx, name="own").id
        pricing.costs_put(ctx, rows=[pricing.CostRow(market.rice, 50)])
        pricing.prices_put(ctx, list_id=own, rows=[pricing.PriceRow(market.rice, 1, 100)])
        pricing.list_assign(ctx, partner_id=market.street, list_id=own)
    searching.settle()

    # Then its own order changes, and nobody else's
    assert searching.names(up) == ["rice", "cup", "eggs", "tea"]
    assert searching.names(up, market.creator) == ["cup", "eggs", "tea", "rice"]
    assert [i.told.unit_price_minor for i in searching.find(up).items] == [
        100,
        CUP_FEN,
        EGGS_FEN,
        TEA_FEN,
    ]
    down = SearchAsk(sort=SearchSort.PRICE_DOWN, offset=1, limit=2)
    assert searching.names(down, market.creator) == ["tea", "eggs"]


def test_where_a_list_has_no_place_in_the_index_the_answer_says_so(searching: Searching) -> None:
    # Given a partner with a list of its own, on which rice is cheapest, and that is in the index
    market = searching.market
    with market.world.begin() as ctx:
        own = pricing.list_open(ctx, name="own").id
        pricing.costs_put(ctx, rows=[pricing.CostRow(market.rice, 50)])
        pricing.prices_put(ctx, list_id=own, rows=[pricing.PriceRow(market.rice, 1, 100)])
        pricing.list_assign(ctx, partner_id=market.street, list_id=own)
    searching.settle()
    up = SearchAsk(sort=SearchSort.PRICE_UP)
    assert not searching.find(up).is_by_default

    # When another index is built, with no room for it
    lists = [f"{number:032x}" for number in range(SLOTS_MAX - 1)]
    state = searching.home / (searching.home / "current").read_text() / "state.json"
    told = json.loads(state.read_text())
    places = {name: place for place, name in enumerate(["", *lists])}
    state.write_text(json.dumps(told | {"slots": places}))
    index = TantivyIndex(searching.home)

    # Then its order is that of the default list, which is told; its prices are its own
    with market.world.begin(market.as_partner()) as ctx:
        found = search_skus(ctx, index, partner_id=market.street, ask=up, form=as_it_is)
    assert found.is_by_default
    prices = {item.told.sku_id: item.told.unit_price_minor for item in found.items}
    assert list(prices) == [market.cup, market.eggs, market.tea, market.rice]
    assert prices[market.rice] == 100

    # And it is told to nobody who has no such list
    with market.world.begin(market.as_partner(market.creator)) as ctx:
        found = search_skus(ctx, index, partner_id=market.creator, ask=up, form=as_it_is)
    assert not found.is_by_default


def test_the_price_shown_is_that_of_the_moment_whatever_the_index_says(
    searching: Searching,
) -> None:
    market = searching.market
    with market.world.begin() as ctx:
        rows = [pricing.PriceRow(market.rice, 1, RICE_FEN + 1)]
        pricing.prices_put(ctx, list_id=market.price_list, rows=rows)

    [item] = searching.find("大米").items
    assert (item.told.unit_price_minor, item.told.price_version) == (RICE_FEN + 1, 2)


def test_what_is_sold_most_comes_first(searching: Searching) -> None:
    market = searching.market
    with market.world.begin() as ctx:
        place_dropship_orders(
            ctx,
            commands=[
                market.command(market.draft("A-1", (market.eggs, 3), (market.cup, 1))),
                market.command(market.draft("A-2", (market.cup, 1))),
            ],
        )
    searching.settle()

    assert searching.names(SearchAsk(sort=SearchSort.SALES))[:2] == ["eggs", "cup"]


def test_a_partner_finds_and_counts_only_what_its_pools_hold(searching: Searching) -> None:
    market = searching.market
    with market.world.begin() as ctx:
        pool = goods.pool_open(ctx, name="preview")
        goods.pool_put(ctx, pool_id=pool, sku_ids=[market.hidden])
        goods.pool_grant(ctx, pool_id=pool, partner_id=market.creator)
    searching.settle()
    assert searching.names("未授权", market.creator) == ["hidden"]
    assert searching.find("", market.creator).count == 5

    # To the other it does not exist: not found, not counted, in no facet
    result = searching.find("")
    assert (result.count, searching.names("未授权")) == (4, [])
    assert {f.name: f.count for f in result.facets["category"]}["家居"] == 1

    # A grant that is taken back counts at once, before anything is followed
    with market.world.begin() as ctx:
        goods.pool_revoke(ctx, pool_id=pool, partner_id=market.creator)
    assert searching.find("", market.creator).count == 4
    assert searching.find("未授权", market.creator).count == 0


def test_what_leaves_the_shelf_is_not_shown_even_before_the_index_knows(
    searching: Searching,
) -> None:
    market = searching.market
    with market.world.begin() as ctx:
        goods.sku_shelve(ctx, sku_ids=[market.tea], state=SkuState.OFF_SHELF)
    assert searching.names("龙井") == []

    searching.settle()
    result = searching.find("")
    assert (result.count, len(result.items)) == (3, 3)
    # The operator finds it in its state
    with market.world.begin() as ctx:
        ask = SearchAsk(text="龙井", state=SkuState.OFF_SHELF)
        assert search_skus(ctx, searching.index, partner_id=None, ask=ask, form=as_it_is).count == 1


def test_synonyms_hold_at_once_and_until_they_are_taken_out(searching: Searching) -> None:
    assert searching.names("鸡子") == []
    with searching.market.world.begin() as ctx:
        catalogue.synonyms_put(ctx, group=["鸡子", "土鸡蛋"])
    assert searching.names("鸡子") == ["eggs"]
    with searching.market.world.begin() as ctx:
        catalogue.synonym_delete(ctx, word="鸡子")
    assert searching.names("鸡子") == []


def test_words_that_are_nowhere_together_are_found_apart_and_that_is_said(
    searching: Searching,
) -> None:
    result = searching.find("龙井 马克杯")
    assert result.is_relaxed
    assert {item.told.sku_id for item in result.items} == {
        searching.market.tea,
        searching.market.cup,
    }


def test_pages_of_any_size_are_parts_of_one_order_through_commits_and_grants(
    searching: Searching,
) -> None:
    market = searching.market
    # Given more goods than are looked up at once, in two pools, committed in several steps
    with market.world.begin() as ctx:
        rows = [
            goods.GoodsRow(market.grocer, f"many-{n}", f"很多东西 {n}", ("家居", "餐厨", "杯具"))
            for n in range(RUN + 50)
        ]
        sku_ids = sorted(goods.goods_put(ctx, rows=rows).sku_ids.values())
        goods.sku_shelve(ctx, sku_ids=sku_ids, state=SkuState.ON_SHELF)
        pools = [goods.pool_open(ctx, name=name) for name in ("even", "odd")]
        for place, pool in enumerate(pools):
            goods.pool_put(ctx, pool_id=pool, sku_ids=sku_ids[place::2])
            goods.pool_grant(ctx, pool_id=pool, partner_id=market.street)
        goods.pool_grant(ctx, pool_id=pools[1], partner_id=market.creator)
    searching.settle()

    def walked(size: int, sort: SearchSort, partner_id: PartyId) -> list[goods.SkuId]:
        asks = [
            SearchAsk(text="很多", sort=sort, offset=start, limit=size)
            for start in range(0, len(rows) + size, size)
        ]
        return [item.told.sku_id for ask in asks for item in searching.find(ask, partner_id).items]

    # Then every walk of any step meets each of them once, and all walks agree on the order
    for sort in (SearchSort.RELEVANCE, SearchSort.NEWEST):
        whole = walked(100, sort, market.street)
        assert sorted(whole) == sku_ids
        assert walked(37, sort, market.street) == whole
        assert sorted(walked(64, sort, market.creator)) == sku_ids[1::2]
    # And what is counted is what is met, before and after some of it has gone
    assert searching.find("很多", market.street).count == len(sku_ids)
    with market.world.begin() as ctx:
        goods.sku_shelve(ctx, sku_ids=sku_ids[:10], state=SkuState.OFF_SHELF)
    searching.settle()
    assert sorted(walked(50, SearchSort.RELEVANCE, market.street)) == sku_ids[10:]
    assert searching.find("很多", market.creator).count == len(sku_ids[11::2])
    # A grant that is taken back narrows at once what was remembered with it
    with market.world.begin() as ctx:
        goods.pool_revoke(ctx, pool_id=pools[0], partner_id=market.street)
    assert searching.find("很多", market.street).count == len(sku_ids[11::2])


# --- the index itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 5])
def test_searches_that_share_a_transaction_share_their_statements(
    searching: Searching, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    # Given searches of two partners that are taken on together, one of which sees nothing
    market, statements = searching.market, []
    send = Wire.send

    def noted(wire: Wire, statement: LiteralString, params: Sequence[object]) -> object:
        statements.append(statement)
        return send(wire, statement, params)

    wanted = [("茶", market.street), ("龙井", PartyId(UUID(int=1)))] * number
    alone = [searching.names(text, partner_id) for text, partner_id in wanted]

    # When their steps are done in turn, by whom only grants, lists and synonyms are remembered
    memory = Memory()

    def found(wanted: Sequence[tuple[str, PartyId]]) -> list[Found]:
        with market.world.begin() as ctx:
            recall = memory.recall_asked(ctx)()
            statements.clear()
            return _in_turn(
                [
                    search_steps(
                        ctx,
                        searching.index,
                        recall=recall,
                        partner_id=partner_id,
                        ask=SearchAsk(text=text, offset=offset),
                        form=as_it_is,
                    )
                    for text, partner_id in wanted
                ]
            )

    offset = 100
    found(wanted)
    offset = 0
    monkeypatch.setattr(Wire, "send", noted)
    results = found(wanted)

    # Then all of them ask as much as one: for names and for prices; and the next for nothing
    assert len(statements) == 2
    assert [len(result.items) for result in results] == list(map(len, alone))
    assert found(wanted) == results
    assert statements == []


def _in_turn(steps: list[Generator[None, None, Found]]) -> list[Found]:
    results: dict[int, Found] = {}
    while len(results) < len(steps):
        for place, each in enumerate(steps):
            if place not in results:
                try:
                    next(each)
                except StopIteration as end:
                    results[place] = end.value
    return [results[place] for place in range(len(steps))]


def test_without_an_index_a_search_is_refused_and_building_it_cures_that(
    searching: Searching,
) -> None:
    shutil.rmtree(searching.home)
    with pytest.raises(SearchNotReady):
        searching.find("龙井")

    searching.settle()
    assert searching.names("龙井") == ["tea"]
    assert searching.findings() == []


@pytest.mark.parametrize("file", ["current", "state.json", "meta.json"])
def test_a_damaged_index_is_built_anew(searching: Searching, file: str) -> None:
    searching.find("龙井")
    searching.writer.close()
    generation = searching.home / (searching.home / "current").read_text()
    path = searching.home / file if file == "current" else generation / file
    path.write_text("")
    searching.settle()
    assert searching.names("龙井") == ["tea"]


def test_an_index_that_is_ahead_of_a_back_up_that_was_put_back_is_built_anew(
    searching: Searching,
) -> None:
    # Given an index that followed what the back-up does not have
    with searching.market.world.begin() as ctx:
        end = catalogue.changes_end(ctx)
    assert searching.writer.position([]) == end
    searching.writer.put([], [searching.market.tea.hex], end + 10)
    assert searching.names("龙井") == []
    # Then it finds what is there
    searching.settle()
    assert searching.names("龙井") == ["tea"]
    assert searching.findings() == []


def test_an_index_that_was_killed_half_built_leaves_the_old_one_serving(
    searching: Searching,
) -> None:
    class Killed(BaseException):
        """Ends the building as a kill would."""

    def die(_: int) -> None:
        raise Killed

    generation = (searching.home / "current").read_text()
    with pytest.raises(Killed):
        index_build(searching.market.world.begin, searching.writer, progress=die)

    assert (searching.home / "current").read_text() == generation
    assert searching.names("龙井") == ["tea"]
    # And asked to be built anew, the next worker does so
    rebuild_ask(searching.home)
    searching.settle()
    assert (searching.home / "current").read_text() != generation
    assert searching.names("龙井") == ["tea"]


def test_a_step_that_was_done_again_puts_nothing_in_twice(searching: Searching) -> None:
    position, count = searching.index.followed_to()
    with searching.market.world.begin() as ctx:
        changes = catalogue.changes_after(ctx, position=0, limit=100)
    # The state on disk says less than the index holds, as after a kill between the two
    state = searching.home / (searching.home / "current").read_text() / "state.json"
    state.write_text(state.read_text().replace(f'"position": {position}', '"position": 0'))
    searching.writer.close()

    searching.settle()

    assert len(changes) == 5
    assert searching.index.followed_to() == (position, count)
    assert searching.findings() == []


def test_one_process_writes_and_others_leave_it_alone(searching: Searching) -> None:
    other = TantivyWriter(searching.home)
    assert not other.lock()
    assert index_follow(searching.market.world.begin, other) == 0
    searching.writer.close()
    assert other.lock()
    other.close()


def test_what_an_index_holds_wrongly_or_not_at_all_is_found(searching: Searching) -> None:
    assert searching.findings() == []
    position, _ = searching.index.followed_to()
    searching.writer.put([], [searching.market.tea.hex], position)
    # Once for the number, once for the SKU
    assert searching.findings() == ["index_equals_goods", "index_equals_goods"]


def test_while_the_index_is_behind_nothing_is_found(searching: Searching) -> None:
    market = searching.market
    with market.world.begin() as ctx:
        goods.sku_shelve(ctx, sku_ids=[market.tea], state=SkuState.OFF_SHELF)
    assert searching.findings() == []


def test_pieces_are_counted_on_the_business_day_on_which_they_were_ordered(
    searching: Searching,
) -> None:
    # Given an order placed half an hour after midnight in China, which is yesterday in UTC
    market = searching.market
    with market.world.begin() as ctx:
        midnight = zone.day_begins_at(zone.day_of(ctx.now) + timedelta(days=1))
        ahead = midnight + timedelta(minutes=30) - ctx.now
        clock_turn(ctx, ahead_s=math.ceil(ahead.total_seconds()))
    with market.world.begin() as ctx:
        draft = market.draft("A-1", (market.tea, 3))
        place_dropship_orders(ctx, commands=[market.command(draft)])

    searching.settle()

    with market.world.begin() as ctx:
        rows = ctx.db.rows("SELECT sold_on, quantity FROM catalogue.sold")
    assert [tuple(row) for row in rows] == [(zone.day_of(midnight), 3)]
