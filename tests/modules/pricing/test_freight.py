"""Freight templates: by order, weight and piece, free thresholds, whose goods travel by which."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market import EGGS_FEN, FREIGHT_FEN, TEA_FEN, XIHU, Market
from tests.modules.pricing.trade import acting, partner_open, skus_open, supplier_open
from weili.kit.context import SYSTEM, Ctx
from weili.kit.ids import id_text, new_id
from weili.kit.problems import Forbidden, InputInvalid, NotFound
from weili.modules import dropship, pricing, regions
from weili.modules.goods import SKU_PREFIX, SkuId, SkuUnknown
from weili.modules.pricing import (
    TEMPLATE_DEFAULT,
    CostRow,
    FreightBasis,
    FreightBook,
    FreightLine,
    FreightRow,
    TemplateId,
)
from weili.modules.regions import RegionUnknown
from weili.workflows.place_dropship_orders import place_dropship_orders
from weili.workflows.render_dropship_order import render_dropship_order

COUNTRY = "000000"
OTHER = TemplateId(UUID(int=1))


def sku(n: int) -> SkuId:
    return SkuId(UUID(int=n))


def line(amount_fen: int, *, quantity: int = 1, weight_g: int = 0, n: int = 0) -> FreightLine:
    return FreightLine(sku(n), quantity, weight_g, amount_fen)


def book_of(basis: FreightBasis, *rows: FreightRow) -> FreightBook:
    return FreightBook(
        templates={},
        bases={TEMPLATE_DEFAULT: basis},
        rules={(TEMPLATE_DEFAULT, row.region_code): row for row in rows},
    )


def freight_fen(book: FreightBook, area: str, *lines: FreightLine) -> int:
    return sum(charge.amount_minor for charge in book.freight_minor(area, lines))


@pytest.mark.parametrize(
    ("area", "goods_fen", "fee_fen"),
    [
        ("330106", 4_899, 400),  # 西湖区: by 杭州市, 4 yuan below 49
        ("330106", 4_900, 0),
        ("330206", 4_900, 500),  # 宁波: by 浙江省
        ("542400", 1, 2_800),  # 西藏: never free
        ("542400", 10**9, 2_800),
        ("110101", 12_899, 1_000),  # by the country
        ("110101", 12_900, 0),
    ],
)
def test_freight_is_by_the_narrowest_rule_and_free_from_its_amount(
    ctx: Ctx, area: str, goods_fen: int, fee_fen: int
) -> None:
    regions.regions_seed(ctx)
    put = pricing.freight_put(
        ctx,
        rows=[
            FreightRow(COUNTRY, 1_000, 12_900),
            FreightRow("330000", 500, 5_900),
            FreightRow("330100", 400, 4_900),
            FreightRow("540000", 2_800, None),
        ],
    )

    book = pricing.freight_book(ctx, area_codes=[area])

    assert put.changed == 4
    assert [freight_fen(book, area, line(goods_fen)) for _ in range(2)] == [fee_fen, fee_fen]


def test_a_freight_rule_that_stands_already_is_no_change(ctx: Ctx) -> None:
    regions.regions_seed(ctx)
    rules = [FreightRow(COUNTRY, 1_000, None), FreightRow("330000", 500, None)]
    pricing.freight_put(ctx, rows=rules)

    again = pricing.freight_put(ctx, rows=[*rules[:1], FreightRow("330000", 500, 5_900)])

    assert again == pricing.PutCount(changed=1, unchanged=1)
    shown = pricing.freight_page(ctx, template_id=TEMPLATE_DEFAULT)
    assert list(shown.items) == [rules[0], FreightRow("330000", 500, 5_900)]


@pytest.mark.parametrize("area", ["330106", "33010", "x' OR 1"])
def test_goods_are_not_sent_free_because_a_rule_is_missing(ctx: Ctx, area: str) -> None:
    book = pricing.freight_book(ctx, area_codes=[area])

    with pytest.raises(pricing.FreightNotSet):
        book.freight_minor(area, [line(100)])


@pytest.mark.parametrize(
    ("quantity", "fee_fen"),
    [
        (1, 800),  # 900 g: within the first kilogram
        (2, 1_000),  # 1,800 g: 800 + one half-kilogram begun twice, 2 × 100
        (5, 1_500),  # 4,500 g: 800 + 7 × 100
    ],
)
def test_by_weight_the_first_step_and_each_further_step_begun_are_charged(
    quantity: int, fee_fen: int
) -> None:
    row = FreightRow(COUNTRY, 800, first_units=1_000, next_units=500, next_minor=100)
    book = book_of(FreightBasis.WEIGHT, row)

    assert freight_fen(book, XIHU, line(5_000, quantity=quantity, weight_g=900)) == fee_fen


def test_by_piece_all_lines_of_the_template_are_counted_together() -> None:
    row = FreightRow(COUNTRY, 600, first_units=2, next_units=3, next_minor=250, free_from_pieces=10)
    book = book_of(FreightBasis.PIECE, row)

    # 2 + 4 = 6 pieces: 600 + ceil(4 / 3) × 250
    assert freight_fen(book, XIHU, line(1, quantity=2), line(1, quantity=4, n=1)) == 1_100
    assert freight_fen(book, XIHU, line(1, quantity=2), line(1, quantity=8, n=1)) == 0


def test_goods_without_a_stated_weight_are_not_sent_for_too_little() -> None:
    row = FreightRow(COUNTRY, 800, first_units=1_000, next_units=500, next_minor=100)
    book = book_of(FreightBasis.WEIGHT, row)

    with pytest.raises(pricing.WeightMissing) as refused:
        book.freight_minor(XIHU, [line(1, weight_g=10), line(1, n=7)])

    assert refused.value.members["sku_ids"] == [id_text(SKU_PREFIX, sku(7))]


def test_an_excluded_area_is_said_with_the_goods_that_do_not_go_there() -> None:
    book = book_of(
        FreightBasis.ORDER, FreightRow(COUNTRY, 800), FreightRow("330000", 0, is_excluded=True)
    )

    assert freight_fen(book, "120103", line(1)) == 800
    with pytest.raises(pricing.AreaExcluded) as refused:
        book.freight_minor(XIHU, [line(1), line(1, n=3), line(2)])

    assert refused.value.members == {
        "area_code": XIHU,
        "sku_ids": [id_text(SKU_PREFIX, sku(0)), id_text(SKU_PREFIX, sku(3))],
    }


def test_an_sku_travels_by_its_own_template_else_by_its_suppliers_else_by_the_default(
    ctx: Ctx,
) -> None:
    regions.regions_seed(ctx)
    supplier = supplier_open(ctx)
    plain = skus_open(ctx, supplier_id=supplier, count=2)
    other = skus_open(ctx, supplier_id=supplier_open(ctx, 1), count=1)
    pricing.costs_put(ctx, rows=[CostRow(sku_id, 1) for sku_id in (*plain, *other)])
    by_piece = pricing.template_open(ctx, name="按件", basis=FreightBasis.PIECE)
    by_order = pricing.template_open(ctx, name="易碎", basis=FreightBasis.ORDER)
    pricing.freight_put(ctx, rows=[FreightRow(COUNTRY, 1_000)])
    pricing.freight_put(
        ctx,
        template_id=by_piece.id,
        rows=[FreightRow(COUNTRY, 300, first_units=1, next_units=1, next_minor=50)],
    )
    pricing.freight_put(ctx, template_id=by_order.id, rows=[FreightRow(COUNTRY, 2_000)])
    pricing.freight_of_supplier(ctx, supplier_id=supplier, template_id=by_piece.id)
    assert pricing.freight_of_skus(ctx, template_id=by_order.id, put=plain[1:]) == 1
    assert pricing.freight_of_skus(ctx, template_id=by_order.id, put=plain[1:]) == 0

    def fees() -> list[int]:
        sku_ids = [*plain, *other]
        book = pricing.freight_book(ctx, area_codes=[XIHU], sku_ids=sku_ids)
        lines = [FreightLine(sku_id, 3, 0, 100) for sku_id in sku_ids]
        return [charge.amount_minor for charge in book.freight_minor(XIHU, lines)]

    assert fees() == [300 + 2 * 50, 2_000, 1_000]  # each template asks for its own line

    pricing.freight_of_skus(ctx, template_id=by_order.id, put=[], take=plain[1:])
    assert fees() == [300 + 5 * 50, 1_000]
    pricing.freight_of_supplier(ctx, supplier_id=supplier, template_id=TEMPLATE_DEFAULT)
    assert fees() == [1_000]
    assert [row.name for row in pricing.template_page(ctx).items] == ["default", "按件", "易碎"]


def test_an_order_of_two_suppliers_bears_the_sum_and_each_line_its_share(market: Market) -> None:
    with market.world.begin(SYSTEM) as ctx:
        farm = pricing.template_open(ctx, name="生鲜", basis=FreightBasis.PIECE)
        row = FreightRow(COUNTRY, 1_500, first_units=1, next_units=1, next_minor=200)
        pricing.freight_put(ctx, template_id=farm.id, rows=[row])
        pricing.freight_of_supplier(ctx, supplier_id=market.farm, template_id=farm.id)
    draft = market.draft("two", (market.tea, 2), (market.eggs, 3))
    command = market.command(draft)

    with market.world.begin(market.as_partner()) as ctx:
        shown = render_dropship_order(ctx, partner_id=market.street, draft=draft)
        [placed] = place_dropship_orders(ctx, commands=[command])

    # The tea by the default template, 9,000 fen of goods: 800. The eggs: 1,500 + 2 × 200.
    assert [charge.amount_minor for charge in shown.charges] == [FREIGHT_FEN, 1_900]
    assert (shown.goods_minor, shown.freight_minor) == (2 * TEA_FEN + 3 * EGGS_FEN, 2_700)
    freights = {
        item.line_no: item.freight_minor for child in shown.children for item in child.lines
    }
    assert freights == {1: FREIGHT_FEN, 2: 1_900}
    assert isinstance(placed, dropship.Placed)
    assert market.balance()[1] == shown.total_minor


def test_an_excluded_area_refuses_the_order_and_nothing_moves(market: Market) -> None:
    with market.world.begin(SYSTEM) as ctx:
        pricing.freight_put(ctx, rows=[FreightRow("330000", 0, is_excluded=True)])
    before = (market.stock(market.tea, market.near), market.balance())

    with market.world.begin(market.as_partner()) as ctx:
        command = market.command(market.draft("no", (market.tea, 1)))
        [refused] = place_dropship_orders(ctx, commands=[command])

    assert isinstance(refused, pricing.AreaExcluded)
    assert (market.stock(market.tea, market.near), market.balance()) == before


def test_freight_is_not_put_wrongly(ctx: Ctx) -> None:
    by_weight = pricing.template_open(ctx, name="按重", basis=FreightBasis.WEIGHT)

    with pytest.raises(InputInvalid) as refused:
        pricing.freight_put(ctx, rows=[FreightRow("330000", -1, -1), FreightRow("330000", 1)])
    assert [field.path for field in refused.value.fields] == [
        "/0/base_minor",
        "/0/free_from_minor",
        "/1",
    ]
    with pytest.raises(InputInvalid) as refused:
        pricing.freight_put(ctx, rows=[FreightRow(COUNTRY, 1, first_units=1, free_from_pieces=0)])
    assert [field.path for field in refused.value.fields] == ["/0/free_from_pieces", "/0"]
    with pytest.raises(InputInvalid) as refused:
        pricing.freight_put(ctx, template_id=by_weight.id, rows=[FreightRow(COUNTRY, 1)])
    assert [field.path for field in refused.value.fields] == ["/0/first_units", "/0/next_units"]
    with pytest.raises(RegionUnknown):
        pricing.freight_put(ctx, rows=[FreightRow("990000", 1)])
    with pytest.raises(pricing.TemplateNameTaken):
        pricing.template_open(ctx, name="按重", basis=FreightBasis.ORDER)


def test_a_template_and_an_sku_that_do_not_exist_are_said(ctx: Ctx) -> None:
    nowhere = TemplateId(new_id(ctx.now))

    with pytest.raises(NotFound):
        pricing.freight_put(ctx, template_id=nowhere, rows=[])
    with pytest.raises(NotFound):
        pricing.freight_page(ctx, template_id=nowhere)
    with pytest.raises(NotFound):
        pricing.freight_of_supplier(ctx, supplier_id=supplier_open(ctx), template_id=nowhere)
    with pytest.raises(SkuUnknown):
        pricing.freight_of_skus(ctx, template_id=TEMPLATE_DEFAULT, put=[SkuId(nowhere)])


def test_a_partners_key_may_not_set_freight(ctx: Ctx) -> None:
    partner = partner_open(ctx)
    asking = acting(ctx, partner, "prices:read")

    for refused in (
        lambda: pricing.freight_put(asking, rows=[]),
        lambda: pricing.template_open(asking, name="我的", basis=FreightBasis.ORDER),
        lambda: pricing.template_page(asking),
        lambda: pricing.freight_page(asking, template_id=TEMPLATE_DEFAULT),
        lambda: pricing.freight_of_skus(asking, template_id=TEMPLATE_DEFAULT, put=[]),
        lambda: pricing.freight_of_supplier(
            asking, supplier_id=partner, template_id=TEMPLATE_DEFAULT
        ),
    ):
        with pytest.raises(Forbidden):
            refused()


AMOUNTS = st.integers(0, 10**6)
LINES = st.lists(
    st.builds(
        line,
        AMOUNTS,
        quantity=st.integers(1, 200),
        weight_g=st.integers(1, 5_000),
        n=st.integers(0, 3),
    ),
    min_size=1,
    max_size=5,
)
RULES = st.builds(
    FreightRow,
    st.just(COUNTRY),
    AMOUNTS,
    first_units=st.integers(1, 3_000),
    next_units=st.integers(1, 1_500),
    next_minor=AMOUNTS,
)


def stepped_fen(rule: FreightRow, units: int) -> int:
    """Count the steps one by one, as a clerk would."""
    fee, covered = rule.base_minor, rule.first_units
    while covered < units:
        fee, covered = fee + rule.next_minor, covered + rule.next_units
    return fee


@given(rule=RULES, lines=LINES, basis=st.sampled_from([FreightBasis.WEIGHT, FreightBasis.PIECE]))
def test_the_fee_is_what_a_clerk_counts_and_never_falls_with_another_piece(
    rule: FreightRow, lines: list[FreightLine], basis: FreightBasis
) -> None:
    book = book_of(basis, rule)
    each = [item.weight_g if basis is FreightBasis.WEIGHT else 1 for item in lines]
    units = sum(n * item.quantity for n, item in zip(each, lines, strict=True))
    if units < 200_000:
        fee = freight_fen(book, XIHU, *lines)
        assert fee == stepped_fen(rule, units)
        assert freight_fen(book, XIHU, *lines, line(0, weight_g=1, n=9)) >= fee


@given(lines=LINES, mine=st.sets(st.integers(0, 3)), rules=st.tuples(RULES, RULES))
def test_the_charges_cover_each_line_once_and_sum_to_what_each_template_asks_alone(
    lines: list[FreightLine], mine: set[int], rules: tuple[FreightRow, FreightRow]
) -> None:
    templates = {sku(n): OTHER for n in mine}
    book = FreightBook(
        templates=templates,
        bases={TEMPLATE_DEFAULT: FreightBasis.PIECE, OTHER: FreightBasis.WEIGHT},
        rules={(TEMPLATE_DEFAULT, COUNTRY): rules[0], (OTHER, COUNTRY): rules[1]},
    )

    charges = book.freight_minor(XIHU, lines)

    assert sorted(i for charge in charges for i in charge.line_indexes) == list(range(len(lines)))
    for charge in charges:
        alone = book.freight_minor(XIHU, [lines[i] for i in charge.line_indexes])
        assert [one.amount_minor for one in alone] == [charge.amount_minor]
        assert {templates.get(lines[i].sku_id, TEMPLATE_DEFAULT) for i in charge.line_indexes} == {
            charge.template_id
        }
