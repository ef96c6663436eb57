"""Price lists and their tiers, costs, freight, and who hears of a change."""

import pytest
from psycopg.errors import UniqueViolation

from tests.modules.pricing.trade import acting, partner_open, pool_of, skus_open, supplier_open
from weili.kit.context import Begin, Ctx, Event, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.problems import Forbidden, InputInvalid, NotFound
from weili.modules import goods, pricing
from weili.modules.goods import SKU_PREFIX, SkuId, SkuUnknown
from weili.modules.pricing import (
    LIST_PREFIX,
    BelowCost,
    CostRow,
    FirstAmounts,
    ListId,
    Price,
    PriceAsk,
    PriceRow,
    TierKey,
)


@pytest.fixture
def skus(ctx: Ctx) -> list[SkuId]:
    """Two SKUs on the shelf."""
    return skus_open(ctx, supplier_id=supplier_open(ctx), count=2)


def list_with(ctx: Ctx, *rows: PriceRow, name: str = "标准", is_default: bool = True) -> ListId:
    price_list = pricing.list_open(ctx, name=name, is_default=is_default)
    pricing.prices_put(ctx, list_id=price_list.id, rows=rows)
    return price_list.id


def price_changes(ctx: Ctx) -> list[Event]:
    return [event for event in ctx.announced if event.type == "price.changed"]


def test_the_own_list_goes_before_and_the_default_fills_its_gaps(
    ctx: Ctx, skus: list[SkuId]
) -> None:
    rice, flour = skus
    guest, member = partner_open(ctx, 0), partner_open(ctx, 1)
    list_with(ctx, PriceRow(rice, 1, 1_000), PriceRow(rice, 50, 900), PriceRow(flour, 1, 500))
    own = list_with(ctx, PriceRow(rice, 10, 950), name="会员", is_default=False)
    pricing.list_assign(ctx, partner_id=member, list_id=own)

    book = pricing.price_book(ctx, partner_ids=[guest, member], sku_ids=skus)

    assert book.unit_price(guest, rice, 49) == Price(1_000, 1, 1)
    assert book.unit_price(guest, rice, 50) == Price(900, 1, 50)
    assert book.unit_price(member, rice, 9) == Price(1_000, 1, 1)  # below the own lowest tier
    assert book.unit_price(member, rice, 10) == Price(950, 1, 10)
    assert book.unit_price(member, rice, 50) == Price(950, 1, 10)  # the own list, though dearer
    assert book.unit_price(member, flour, 1) == Price(500, 1, 1)  # not on the own list
    assert book.tiers(guest, rice) == (Price(1_000, 1, 1), Price(900, 1, 50))
    assert book.tiers(member, rice) == (Price(1_000, 1, 1), Price(950, 1, 10))


def test_below_the_lowest_tier_and_for_an_unknown_sku_there_is_no_price(
    ctx: Ctx, skus: list[SkuId]
) -> None:
    partner = partner_open(ctx)
    list_with(ctx, PriceRow(skus[0], 10, 950))

    book = pricing.price_book(ctx, partner_ids=[partner], sku_ids=skus)

    assert book.unit_price(partner, skus[0], 9) is None
    assert book.unit_price(partner, skus[1], 9) is None
    assert book.tiers(partner, skus[1]) == ()


def test_without_any_list_there_is_no_price(ctx: Ctx, skus: list[SkuId]) -> None:
    partner = partner_open(ctx)

    book = pricing.price_book(ctx, partner_ids=[partner], sku_ids=skus)

    assert book.unit_price(partner, skus[0], 1) is None


def test_another_list_of_the_partner_takes_the_place_of_the_first(
    ctx: Ctx, skus: list[SkuId]
) -> None:
    partner = partner_open(ctx)
    first = list_with(ctx, PriceRow(skus[0], 1, 800), name="一", is_default=False)
    second = list_with(ctx, PriceRow(skus[0], 1, 700), name="二", is_default=False)
    pricing.list_assign(ctx, partner_id=partner, list_id=first)
    pricing.list_assign(ctx, partner_id=partner, list_id=second)

    book = pricing.price_book(ctx, partner_ids=[partner], sku_ids=skus)

    assert book.unit_price(partner, skus[0], 1) == Price(700, 1, 1)


def test_only_a_real_change_makes_a_new_version(ctx: Ctx, skus: list[SkuId]) -> None:
    rice, flour = skus
    partner = partner_open(ctx)
    price_list = list_with(ctx, PriceRow(rice, 1, 1_000), PriceRow(flour, 1, 500))

    put = pricing.prices_put(
        ctx, list_id=price_list, rows=[PriceRow(rice, 1, 1_000), PriceRow(flour, 1, 480)]
    )

    assert put == pricing.PutCount(changed=1, unchanged=1)
    book = pricing.price_book(ctx, partner_ids=[partner], sku_ids=skus)
    assert book.unit_price(partner, rice, 1) == Price(1_000, 1, 1)
    assert book.unit_price(partner, flour, 1) == Price(480, 2, 1)
    assert list(pricing.verify(ctx)) == []


def test_a_change_is_announced_to_those_who_see_the_sku_and_pay_by_that_list(
    ctx: Ctx, skus: list[SkuId]
) -> None:
    rice = skus[0]
    guest, member, stranger = (partner_open(ctx, n) for n in range(3))
    pool_of(ctx, sku_ids=[rice], partner_ids=[guest, member])
    default = list_with(ctx, PriceRow(rice, 1, 1_000), PriceRow(rice, 50, 900))
    own = list_with(ctx, PriceRow(rice, 10, 950), name="会员", is_default=False)
    for partner_id in (member, stranger):
        pricing.list_assign(ctx, partner_id=partner_id, list_id=own)
    ctx.announced.clear()

    pricing.prices_put(
        ctx, list_id=default, rows=[PriceRow(rice, 1, 1_100), PriceRow(rice, 50, 890)]
    )
    pricing.prices_put(ctx, list_id=own, rows=[PriceRow(rice, 10, 940)])
    pricing.prices_put(ctx, list_id=own, rows=[PriceRow(rice, 10, 940)])

    heard = [(e.party_id, e.data["list_id"], e.data["prices"]) for e in price_changes(ctx)]
    sku = id_text(SKU_PREFIX, rice)
    tiers = [
        {"sku_id": sku, "quantity_min": n, "unit_price_minor": p, "version": 2}
        for n, p in ((1, 1_100), (50, 890), (10, 940))
    ]
    assert (
        sorted(heard, key=repr)
        == sorted(
            [
                (guest, id_text("lst", default), tiers[:2]),
                (member, id_text("lst", default), tiers[:1]),  # from 10 on it pays by its own list
                (member, id_text("lst", own), tiers[2:]),
            ],
            key=repr,
        )
    )


def test_a_message_holds_at_most_a_hundred_skus(ctx: Ctx) -> None:
    skus = skus_open(ctx, supplier_id=supplier_open(ctx), count=201)
    partner = partner_open(ctx)
    pool_of(ctx, sku_ids=skus, partner_ids=[partner])
    ctx.announced.clear()

    list_with(ctx, *(PriceRow(sku, n, 100 - n) for sku in skus for n in (1, 10)))

    messages = [event.data["prices"] for event in price_changes(ctx)]
    assert [len(prices) for prices in messages] == [200, 200, 2]  # two tiers a SKU
    assert len({price["sku_id"] for prices in messages for price in prices}) == 201


@pytest.mark.parametrize(
    ("rows", "path"),
    [
        ([(0, 100)], "/0/quantity_min"),
        ([(1_000_001, 100)], "/0/quantity_min"),
        ([(1, -1)], "/0/unit_price_minor"),
        ([(1, 10**15 + 1)], "/0/unit_price_minor"),
        ([(1, 100), (1, 90)], "/1"),
    ],
)
def test_a_price_out_of_bounds_is_refused_and_nothing_is_written(
    ctx: Ctx, skus: list[SkuId], rows: list[tuple[int, int]], path: str
) -> None:
    price_list = pricing.list_open(ctx, name="标准", is_default=True)

    with pytest.raises(InputInvalid) as refused:
        pricing.prices_put(
            ctx, list_id=price_list.id, rows=[PriceRow(skus[0], n, p) for n, p in rows]
        )

    assert [field.path for field in refused.value.fields] == [path]
    assert (
        pricing.price_book(ctx, partner_ids=[], sku_ids=skus).tiers(partner_open(ctx), skus[0])
        == ()
    )


def test_prices_are_not_put_on_a_list_or_for_a_sku_that_does_not_exist(
    ctx: Ctx, skus: list[SkuId]
) -> None:
    price_list = list_with(ctx)
    nobody = new_id(ctx.now)

    with pytest.raises(NotFound):
        pricing.prices_put(ctx, list_id=ListId(nobody), rows=[PriceRow(skus[0], 1, 1)])
    with pytest.raises(SkuUnknown):
        pricing.prices_put(ctx, list_id=price_list, rows=[PriceRow(SkuId(nobody), 1, 1)])
    with pytest.raises(SkuUnknown):
        pricing.costs_put(ctx, rows=[CostRow(SkuId(nobody), 1)])


def test_one_list_is_the_default_and_names_are_taken_once(ctx: Ctx) -> None:
    opened = pricing.list_open(ctx, name="标准", is_default=True)

    with pytest.raises(pricing.ListNameTaken):
        pricing.list_open(ctx, name="标准")
    with pytest.raises(pricing.DefaultListExists):
        pricing.list_open(ctx, name="另一", is_default=True)

    assert pricing.list_by_name(ctx, name="标准") == opened
    assert pricing.list_by_name(ctx, name="另一") is None


def test_lists_are_paged_in_the_order_they_were_opened(ctx: Ctx) -> None:
    opened = [pricing.list_open(ctx, name=f"{n}") for n in range(3)]

    first = pricing.list_page(ctx, limit=2)
    second = pricing.list_page(ctx, limit=2, cursor=first.next_cursor)

    assert [*first.items, *second.items] == opened
    assert second.next_cursor is None


def test_a_list_is_assigned_to_a_party_that_exists(ctx: Ctx) -> None:
    price_list = list_with(ctx)
    partner = partner_open(ctx)

    with pytest.raises(NotFound):
        pricing.list_assign(ctx, partner_id=partner, list_id=ListId(new_id(ctx.now)))
    with pytest.raises(NotFound):
        pricing.list_assign(ctx, partner_id=type(partner)(int=7), list_id=price_list)


def test_a_partner_is_told_prices_only_of_what_it_sees(ctx: Ctx, skus: list[SkuId]) -> None:
    rice, flour = skus
    partner = partner_open(ctx)
    pool_of(ctx, sku_ids=[rice], partner_ids=[partner])
    list_with(ctx, PriceRow(rice, 1, 1_000), PriceRow(rice, 5, 900), PriceRow(flour, 1, 500))
    asking = acting(ctx, partner, "prices:read")

    told = pricing.prices_of(
        asking, partner_id=partner, asks=[PriceAsk(flour, 1), PriceAsk(rice, 6)]
    )

    assert [(quote.price, len(quote.tiers)) for quote in told] == [
        (None, 0),
        (Price(900, 1, 5), 2),
    ]


def test_costs_keep_their_history_and_are_read_with_the_prices(ctx: Ctx, skus: list[SkuId]) -> None:
    first = pricing.costs_put(ctx, rows=[CostRow(skus[0], 600), CostRow(skus[1], 300)])
    second = pricing.costs_put(ctx, rows=[CostRow(skus[0], 610), CostRow(skus[1], 300)])

    assert (first.changed, first.unchanged) == (2, 0)
    assert (second.changed, second.unchanged) == (1, 1)
    book = pricing.price_book(ctx, partner_ids=[], sku_ids=skus)
    assert [book.unit_cost_minor(sku) for sku in skus] == [610, 300]
    assert book.unit_cost_minor(SkuId(new_id(ctx.now))) is None
    assert list(pricing.verify(ctx)) == []


def test_a_partners_key_may_not_set_prices(ctx: Ctx, skus: list[SkuId]) -> None:
    price_list = list_with(ctx)
    partner = partner_open(ctx)
    asking = acting(ctx, partner, "prices:read")

    for refused in (
        lambda: pricing.list_open(asking, name="我的"),
        lambda: pricing.list_page(asking),
        lambda: pricing.list_by_name(asking, name="标准"),
        lambda: pricing.list_assign(asking, partner_id=partner, list_id=price_list),
        lambda: pricing.prices_put(asking, list_id=price_list, rows=[PriceRow(skus[0], 1, 1)]),
        lambda: pricing.costs_put(asking, rows=[CostRow(skus[0], 1)]),
        lambda: pricing.prices_of(acting(ctx, partner), partner_id=partner, asks=[]),
    ):
        with pytest.raises(Forbidden):
            refused()


def supplier_of(ctx: Ctx, skus: list[SkuId]) -> PartyId:
    """Say whose the SKUs are."""
    return goods.skus_suppliers(ctx, sku_ids=skus)[skus[0]]


def test_new_goods_are_given_their_first_cost_and_price_at_once(
    ctx: Ctx, skus: list[SkuId]
) -> None:
    supplier, list_id = supplier_of(ctx, skus), list_with(ctx)
    rows = [FirstAmounts(skus[0], supplier, 600, 1_000), FirstAmounts(skus[1], supplier, 700, 700)]

    pricing.amounts_open(ctx, list_id=list_id, rows=rows)

    # They stand with their histories, as any that was put, and the supplier was told of the costs
    book = pricing.price_book(ctx, partner_ids=[partner_open(ctx)], sku_ids=skus)
    assert [book.unit_cost_minor(sku_id) for sku_id in skus[:2]] == [600, 700]
    assert [book.list_price(TierKey(list_id, each, 1)) for each in skus[:2]] == [1_000, 700]
    [told] = [event for event in ctx.announced if event.type == "cost.changed"]
    assert told.party_id == supplier
    assert [cost["unit_cost_minor"] for cost in told.data["costs"]] == [600, 700]
    assert list(pricing.verify(ctx)) == []
    # And the next of each is the second version
    pricing.costs_put(ctx, rows=[CostRow(skus[0], 650)])
    pricing.prices_put(ctx, list_id=list_id, rows=[PriceRow(skus[0], 1, 1_100)])
    assert list(pricing.verify(ctx)) == []
    versions = pricing.history_page(ctx, list_id=list_id, sku_id=skus[0]).items
    assert [(row.version, row.unit_price_minor) for row in versions] == [(1, 1_000), (2, 1_100)]


def test_first_amounts_are_refused_as_any_others_are(ctx: Ctx, skus: list[SkuId]) -> None:
    supplier, list_id = supplier_of(ctx, skus), list_with(ctx)
    good = FirstAmounts(skus[0], supplier, 600, 1_000)

    with pytest.raises(BelowCost):
        pricing.amounts_open(
            ctx, list_id=list_id, rows=[good, FirstAmounts(skus[1], supplier, 601, 600)]
        )
    with pytest.raises(InputInvalid) as refused:
        pricing.amounts_open(
            ctx, list_id=list_id, rows=[good, FirstAmounts(skus[1], supplier, -1, 600)]
        )
    assert [field.path for field in refused.value.fields] == ["/1/unit_cost_minor"]
    with pytest.raises(NotFound):
        pricing.amounts_open(ctx, list_id=ListId(new_id(ctx.now)), rows=[good])
    with pytest.raises(Forbidden):
        pricing.amounts_open(acting(ctx, supplier, "supply:write"), list_id=list_id, rows=[good])
    assert pricing.cost_page(ctx, supplier_id=None).items == []
    assert pricing.tiers_after(ctx, list_id=list_id, after=None) == []


def test_first_amounts_of_what_has_some_are_a_bug(ctx: Ctx, skus: list[SkuId]) -> None:
    list_id = list_with(ctx, PriceRow(skus[0], 1, 1_000))

    with pytest.raises(UniqueViolation), ctx.db.savepoint():
        pricing.amounts_open(
            ctx, list_id=list_id, rows=[FirstAmounts(skus[0], supplier_of(ctx, skus), 1, 2)]
        )

    assert pricing.price_book(ctx, partner_ids=[], sku_ids=skus).unit_cost_minor(skus[0]) is None


def test_verify_finds_a_price_and_a_cost_that_their_history_does_not_tell(
    ctx: Ctx, skus: list[SkuId]
) -> None:
    list_with(ctx, PriceRow(skus[0], 1, 1_000))
    pricing.costs_put(ctx, rows=[CostRow(skus[0], 600)])
    ctx.db.run("UPDATE pricing.price SET unit_price_minor = 1")
    ctx.db.run("UPDATE pricing.cost SET version = 3")

    found = list(pricing.verify(ctx))

    assert [finding.check for finding in found] == ["cost_history", "price_history"]
    assert "price 1 version 1; history 1000 version 1, 1 of 1" in found[1].what


def test_verify_finds_prices_on_a_list_that_is_not_there(ctx: Ctx, skus: list[SkuId]) -> None:
    list_with(ctx, PriceRow(skus[0], 1, 1_000))
    nowhere = ListId(new_id(ctx.now))
    ctx.db.run("UPDATE pricing.price SET list_id = %b", nowhere)

    found = {finding.check: finding for finding in pricing.verify(ctx)}

    assert found["price_list_there"].where == id_text(LIST_PREFIX, nowhere)
    assert found["price_list_there"].what == "there is no such list, but 1 price(s) on it"


def test_whoever_waited_for_the_list_writes_after_whom_it_waited_for(begin: Begin) -> None:
    with begin() as ctx:
        skus = skus_open(ctx, supplier_id=supplier_open(ctx), count=1)
        list_id = list_with(ctx, PriceRow(skus[0], 1, 1_000))
    # Given a transaction of an earlier moment, which comes to write later
    with begin() as earlier:
        with begin() as later:
            assert later.now > earlier.now
            pricing.prices_put(later, list_id=list_id, rows=[PriceRow(skus[0], 1, 1_200)])
        pricing.prices_put(earlier, list_id=list_id, rows=[PriceRow(skus[0], 1, 1_100)])

    with begin() as ctx:
        versions = pricing.history_page(ctx, list_id=list_id, sku_id=skus[0]).items
        assert [row.unit_price_minor for row in versions] == [1_000, 1_200, 1_100]
        assert versions[2].valid_from == versions[1].valid_from == later.now
        assert list(pricing.verify(ctx)) == []
