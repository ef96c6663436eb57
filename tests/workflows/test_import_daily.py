"""A file of many days: prices follow the days, counts are kept as they were seen."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from tests.faults.failing import Died, DyingBegin, Moment
from tests.market import Market
from weili.adapters.files import sheet_rows
from weili.kit.context import Begin
from weili.modules import goods, imports, pricing
from weili.workflows.import_daily import DayReport, DaysTooMany, import_daily
from weili.workflows.import_goods import ImportRefused, import_goods

SHARED = Path(os.environ.get("WEILI_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")
BEAUTY = SHARED / "taobao_d11_beauty" / "cosmetic.csv"
PHONES = SHARED / "jd_items_2015" / "jd_items.csv"

Row = tuple[int, Mapping[str, str]]

FIXED = {"tax_rate_bps": {"value": "1300"}, "category": {"value": "美妆 > 护肤"}}
BEAUTY_MAPPING = {
    "day": "update_time",
    "supplier_code": "id",
    "title": {"heading": "title", "html": True},
    "brand": "店名",
    "brand_kind": {"value": "national"},
    "price": "price",
    "cost": {"share_of": "price", "share_bps": 7000},
    "sale_count": "sale_count",
    "comment_count": "comment_count",
    **FIXED,
}
PHONES_MAPPING = {
    "supplier_code": {"heading": "id", "prefix": "JD"},
    "title": {"heading": "title", "html": True},
    "attributes": {"names": {"卖点": {"heading": "sell_point", "html": True}}},
    "price": {"heading": "price", "unit": "fen"},
    "cost": {"share_of": "price", "share_bps": 8000},
    "category": {
        "heading": "cid",
        "values": {"560": "手机通讯 > 手机", "76": "家用电器 > 平板电视"},
    },
    "tax_rate_bps": {"value": "1300"},
}


def _row(number: int, day: str, code: str, price: str, sold: str = "") -> Row:
    cells = {
        "supplier_code": code,
        "category": "美妆 > 护肤",
        "title": f"精华水 {code}",
        "tax_rate_bps": "1300",
        "cost": "1.00",
        "price": price,
        "day": day,
        "sale_count": sold,
        "comment_count": "",
    }
    return number, cells


def _load(
    market: Market, rows: Sequence[Row], begin: Begin | None = None, *, skip_bad: bool = False
) -> list[DayReport]:
    with market.world.begin() as ctx:
        pool = goods.pool_by_name(ctx, name="everyday")
    assert pool is not None
    return import_daily(
        begin or market.world.begin,
        rows=rows,
        supplier_id=market.grocer,
        price_list_id=market.price_list,
        pool_id=pool.id,
        skip_bad=skip_bad,
    )


def _seen(market: Market, code: str) -> tuple[int | None, list[tuple[int, int, int | None]]]:
    """Give what a listing costs now, and its sightings: (day of the month, price, sold)."""
    with market.world.begin() as ctx:
        sku_id = goods.skus_by_code(ctx, keys=[(market.grocer, code)])[market.grocer, code]
        seen = imports.sightings_of(
            ctx, sku_id=sku_id, from_on=date(2016, 11, 1), to_on=date(2016, 11, 30)
        )
        book = pricing.price_book(ctx, partner_ids=[market.street], sku_ids=[sku_id])
        price = book.unit_price(market.street, sku_id, 1)
    return (
        price and price.unit_price_minor,
        [(one.on.day, one.price_minor, one.sale_count) for one in seen],
    )


def test_prices_follow_the_days_whatever_the_order_of_the_rows(market: Market) -> None:
    first, second = _load(
        market,
        [
            _row(2, "2016/11/6", "A1", "45.00", "12"),
            _row(3, "2016/11/5", "A1", "49.00", "10"),
            _row(4, "2016/11/5", "A2", "9.90"),
        ],
    )
    assert (first.goods.created, first.goods.prices_changed, first.sightings) == (2, 2, 2)
    assert (second.goods.created, second.goods.prices_changed, second.sightings) == (0, 1, 1)
    assert _seen(market, "A1") == (4_500, [(5, 4_900, 10), (6, 4_500, 12)])


def test_the_same_file_again_changes_nothing(market: Market) -> None:
    rows = [_row(2, "2016/11/5", "A1", "49.00", "10"), _row(3, "2016/11/6", "A1", "45.00", "12")]
    _load(market, rows)
    before = _seen(market, "A1")

    first, second = _load(market, rows)

    assert (first.stale, first.goods.rows, second.goods.has_changed) == (1, 0, False)
    assert (first.sightings, second.sightings) == (0, 0)
    assert _seen(market, "A1") == before


def test_repeated_rows_count_once_and_of_contradicting_ones_the_last(market: Market) -> None:
    [day] = _load(
        market,
        [
            _row(2, "2016/11/5", "A1", "49.00", "10"),
            _row(3, "2016/11/5", "A1", "49.00", "10"),
            _row(4, "2016/11/5", "A1", "48.00", "11"),
        ],
    )
    assert (day.repeated, day.contradicted, day.sightings) == (1, 1, 1)
    assert _seen(market, "A1") == (4_800, [(5, 4_800, 11)])


def test_a_count_that_falls_is_kept_and_told(market: Market) -> None:
    days = _load(
        market,
        [_row(2, "2016/11/5", "A1", "49.00", "10"), _row(3, "2016/11/6", "A1", "49.00", "7")],
    )
    assert [day.fallen for day in days] == [0, 1]
    assert _seen(market, "A1")[1] == [(5, 4_900, 10), (6, 4_900, 7)]


def test_one_wrong_row_keeps_all_days_out(market: Market) -> None:
    rows = [
        _row(2, "2016/11/5", "A1", "49.00", "10"),
        _row(3, "someday", "A1", "49.00", "10"),
        _row(4, "2016/11/6", "A2", "cheap", "-3"),
    ]
    with pytest.raises(ImportRefused) as caught:
        _load(market, rows)
    assert [field.path for field in caught.value.fields] == [
        "/rows/3/day",
        "/rows/4/price",
        "/rows/4/sale_count",
    ]
    with market.world.begin() as ctx:
        assert goods.skus_by_code(ctx, keys=[(market.grocer, "A1")]) == {}

    [day, empty] = _load(market, rows, skip_bad=True)
    assert (day.goods.created, empty.goods.created, empty.goods.bad_rows) == (1, 0, 1)


def test_more_days_than_the_bound_are_refused(market: Market) -> None:
    rows = [
        _row(number, f"{2000 + number // 300}-{number % 300 // 28 + 1}-{number % 28 + 1}", "A", "1")
        for number in range(500)
    ]
    with pytest.raises(DaysTooMany):
        _load(market, rows)


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_killed_at_any_step_it_is_finished_by_the_next_import(
    market: Market, nth: int, moment: Moment
) -> None:
    rows = [_row(2, "2016/11/5", "A1", "49.00", "10"), _row(3, "2016/11/6", "A1", "45.00", "12")]
    with pytest.raises(Died):
        _load(market, rows, DyingBegin(market.world.begin, nth=nth, moment=moment))
    _load(market, rows)
    assert _seen(market, "A1") == (4_500, [(5, 4_900, 10), (6, 4_500, 12)])


def _mapped(path: Path, mapping: Mapping[str, object]) -> list[Row]:
    columns = imports.columns_read(json.dumps(mapping).encode())
    required = sorted(imports.headings_of(columns))
    return [(n, imports.mapped(columns, raw)) for n, raw in sheet_rows(path, required=required)]


@pytest.mark.skipif(not BEAUTY.exists(), reason="the real daily file is not beside the checkout")
def test_two_real_days_with_duplicates_and_falling_counts(market: Market) -> None:
    real = _mapped(BEAUTY, BEAUTY_MAPPING)
    rows = [row for row in real if row[1]["day"] in {"2016/11/5", "2016/11/6"}]
    by_day = {day: [c for _, c in rows if c["day"] == day] for day in ("2016/11/5", "2016/11/6")}

    first, second = _load(market, rows, skip_bad=True)

    for report, cells in ((first, by_day["2016/11/5"]), (second, by_day["2016/11/6"])):
        listings = len({cell["supplier_code"] for cell in cells})
        assert len(cells) == listings + report.repeated + report.contradicted
        assert report.sightings == listings - report.goods.bad_rows
    assert second.goods.prices_changed > 0
    assert second.fallen > 0
    again = _load(market, rows, skip_bad=True)
    assert [(day.sightings, day.goods.has_changed) for day in again] == [(0, False)] * 2


@pytest.mark.skipif(not PHONES.exists(), reason="the real listings are not beside the checkout")
def test_real_listings_with_html_and_prices_in_fen(market: Market) -> None:
    rows = _mapped(PHONES, PHONES_MAPPING)
    with market.world.begin() as ctx:
        pool = goods.pool_by_name(ctx, name="everyday")
    assert pool is not None
    report = import_goods(
        market.world.begin,
        rows=rows,
        suppliers={},
        warehouses={},
        price_list_id=market.price_list,
        pool_id=pool.id,
        default_supplier=market.grocer,
        skip_bad=True,
    )
    assert report.rows == 934
    assert report.created + report.bad_rows == 934
    # Titles beyond the bound are all that is wrong with them.
    assert {bad.column for bad in report.bad} <= {"title"}
    assert _price(market, "JD536563") == 2_990


def _price(market: Market, code: str) -> int | None:
    with market.world.begin() as ctx:
        sku_id = goods.skus_by_code(ctx, keys=[(market.grocer, code)])[market.grocer, code]
        book = pricing.price_book(ctx, partner_ids=[market.street], sku_ids=[sku_id])
        price = book.unit_price(market.street, sku_id, 1)
    return price and price.unit_price_minor
