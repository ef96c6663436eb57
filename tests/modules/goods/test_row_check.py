"""Rows of a supplier's sheet: what is read from them, and what is refused."""

from uuid import UUID

import pytest

from weili import sample
from weili.adapters.files import sheet_rows
from weili.kit.context import PartyId
from weili.modules import goods
from weili.modules.goods import BrandKind, ReturnPolicy, SheetRow

HEYU = PartyId(UUID(int=1))
GOOD = {
    "supplier_code": "HY1",
    "supplier": "禾屿",
    "category": "粮油调味 > 米面杂粮 > 大米",
    "brand": "禾屿田",
    "brand_kind": "factory",
    "spu_code": "S1",
    "title": "稻花软香米",
    "variant": "规格=5kg",
    "attributes": "产地=黑龙江五常;等级=一级",
    "gtin": "2001000010370",
    "tax_rate_bps": "900",
    "return_policy": "no_return_perishable",
    "weight_g": "5080",
    "cost": "26.50",
    "price": "31.90",
    "compare_at_price": "39.9",
    "stock": "1800",
    "unit": "袋",
}
ONLY_REQUIRED = {name: GOOD[name] for name in goods.SHEET_REQUIRED}


def told(found: object) -> list[tuple[int, str, str, str]]:
    """Give what is wrong with a row, in English."""
    assert isinstance(found, list)
    return [(one.row, one.column, one.got, one.expected.en) for one in found]


def columns_at_fault(raw: dict[str, str]) -> list[str]:
    found = goods.row_check(2, raw)
    assert isinstance(found, list)
    return [problem.column for problem in found]


def test_good_row_is_read_in_full() -> None:
    assert goods.row_check(7, GOOD) == SheetRow(
        row=7,
        supplier="禾屿",
        supplier_code="HY1",
        category=("粮油调味", "米面杂粮", "大米"),
        brand="禾屿田",
        brand_kind=BrandKind.FACTORY,
        spu_code="S1",
        title="稻花软香米",
        variant="规格=5kg",
        attributes={"产地": "黑龙江五常", "等级": "一级"},
        gtin="2001000010370",
        tax_rate_bps=900,
        return_policy=ReturnPolicy.NO_RETURN_PERISHABLE,
        weight_g=5080,
        cost_minor=2650,
        price_minor=3190,
        compare_at_minor=3990,
        stock=1800,
        unit="袋",
    )


def test_row_with_the_required_columns_alone_gets_plain_defaults() -> None:
    row = goods.row_check(2, ONLY_REQUIRED)

    assert isinstance(row, SheetRow)
    assert (row.supplier, row.brand, row.spu_code, row.gtin) == ("", "", "HY1", None)
    assert (row.return_policy, row.weight_g, row.unit) == ("seven_days_no_reason", 0, "件")
    assert (row.compare_at_minor, row.stock, row.attributes) == (None, None, {})


def test_every_wrong_column_of_a_row_is_listed() -> None:
    raw = dict.fromkeys(GOOD, "?") | {"supplier_code": "", "title": "", "category": "A>B>C>D"}

    assert columns_at_fault(raw) == [
        "supplier_code",
        "category",
        "brand_kind",
        "title",
        "attributes",
        "gtin",
        "tax_rate_bps",
        "return_policy",
        "weight_g",
        "cost",
        "price",
        "compare_at_price",
        "stock",
    ]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("supplier_code", "A B"),
        ("supplier_code", "A" * 65),
        ("category", ""),
        ("category", "A > > C"),
        ("title", "<b>米</b>"),
        ("title", "米&nbsp;面"),
        ("title", "米" * 121),
        ("attributes", "产地"),
        ("attributes", "产地=甲;产地=乙"),
        ("gtin", "2001000010371"),
        ("gtin", "200100001037"),
        ("gtin", "２００１００００１０３７０"),
        ("tax_rate_bps", "13%"),
        ("tax_rate_bps", "1200"),
        ("weight_g", "1.5"),
        ("weight_g", "-1"),
        ("cost", "26.505"),
        ("cost", "-1"),
        ("cost", "1e3"),
        ("cost", "１２"),
        ("cost", "10000000000000.01"),
        ("price", "0"),
        ("price", "31,90"),
        ("stock", "-1"),
        ("stock", "many"),
        ("stock", "1000000001"),
    ],
)
def test_cell_out_of_form_is_refused_alone(column: str, text: str) -> None:
    assert columns_at_fault(GOOD | {column: text}) == [column]


def test_price_below_cost_is_refused_and_the_price_at_cost_is_not() -> None:
    assert told(goods.row_check(2, GOOD | {"price": "26.49"})) == [
        (2, "price", "26.49", "at least the cost, 26.50: a sale below cost is refused")
    ]
    assert isinstance(goods.row_check(2, GOOD | {"price": "26.50"}), SheetRow)


def test_crossed_out_price_below_the_price_is_refused() -> None:
    assert told(goods.row_check(2, GOOD | {"compare_at_price": "31.89"})) == [
        (2, "compare_at_price", "31.89", "empty, or at least the price, 31.90")
    ]


def test_cells_beyond_the_header_are_refused() -> None:
    assert columns_at_fault(GOOD | {"": "left over"}) == [""]


def test_what_cannot_be_seen_is_taken_out_of_a_title() -> None:
    row = goods.row_check(2, GOOD | {"title": "\u200b稻花\x07  软香米\u3000新米\u202e"})

    assert isinstance(row, SheetRow)
    assert row.title == "稻花 软香米 新米"


def test_less_than_sign_in_a_title_is_no_markup() -> None:
    row = goods.row_check(2, GOOD | {"title": "电压<36V 甲&乙"})

    assert isinstance(row, SheetRow)
    assert row.title == "电压<36V 甲&乙"


def test_full_width_sign_separates_categories_too() -> None:
    row = goods.row_check(2, GOOD | {"category": "居家＞被枕"})

    assert isinstance(row, SheetRow)
    assert row.category == ("居家", "被枕")


def test_problem_shows_a_bounded_part_of_a_cell() -> None:
    found = goods.row_check(2, GOOD | {"title": "米" * 5_000})

    assert isinstance(found, list)
    assert (len(found[0].got), str(found[0].expected)) == (80, "at most 120 characters, not 5000")


def test_code_may_come_once_for_each_supplier() -> None:
    yunting = PartyId(UUID(int=2))
    check = goods.SheetCheck(suppliers={"禾屿": HEYU, "云汀": yunting})

    first = check.check(2, GOOD)
    other = check.check(3, GOOD | {"supplier": "云汀"})
    twin = check.check(4, GOOD)

    assert isinstance(first, tuple)
    assert isinstance(other, tuple)
    assert (first[0], other[0]) == (HEYU, yunting)
    assert told(twin) == [(4, "supplier_code", "HY1", "each code once; row 2 has it already")]


def test_variants_of_one_spu_must_agree_on_what_they_share() -> None:
    check = goods.SheetCheck(suppliers={"禾屿": HEYU})
    check.check(2, GOOD)
    variant = GOOD | {"supplier_code": "HY2", "variant": "规格=10kg"}

    assert isinstance(check.check(3, variant), tuple)
    found = check.check(4, variant | {"supplier_code": "HY3", "title": "另一种米"})
    assert isinstance(found, list)
    assert [(problem.column, problem.got) for problem in found] == [("spu_code", "S1")]


def test_supplier_must_be_known_or_there_must_be_a_default() -> None:
    nameless = GOOD | {"supplier": ""}
    strict = goods.SheetCheck(suppliers={"禾屿": HEYU})
    lenient = goods.SheetCheck(suppliers={}, default_supplier=HEYU)

    assert told(strict.check(2, GOOD | {"supplier": "云汀"})) == [
        (2, "supplier", "云汀", "one of 禾屿")
    ]
    assert told(strict.check(3, nameless)) == [(3, "supplier", "", "one of 禾屿")]
    found = lenient.check(4, nameless)
    assert isinstance(found, tuple)
    assert found[0] == HEYU


def test_every_row_of_the_sample_catalogue_is_good() -> None:
    names = {supplier.short_name: HEYU for supplier in sample.suppliers()}
    check = goods.SheetCheck(suppliers=names)

    with sample.catalogue_path() as path:
        found = [
            check.check(*row)
            for row in sheet_rows(path, aliases=goods.SHEET_ALIASES, required=goods.SHEET_REQUIRED)
        ]

    assert len(found) == 187
    assert [each for each in found if isinstance(each, list)] == []
