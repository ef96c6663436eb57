"""A mapping turns a stranger's row into one of ours."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weili.kit.problems import InputInvalid
from weili.modules import imports
from weili.modules.goods import SHEET_REQUIRED

JD = {
    "supplier_code": {"heading": "id", "prefix": "JD"},
    "title": "title",
    "category": {"heading": "cid", "values": {"560": "手机通讯 > 手机"}},
    "attributes": {"names": {"卖点": {"heading": "sell_point", "html": True}}},
    "price": {"heading": "price", "unit": "fen"},
    "cost": {"share_of": "price", "share_bps": 8000},
    "tax_rate_bps": {"value": "1300"},
}


def _columns(**changes: object) -> imports.Columns:
    return imports.columns_read(json.dumps(JD | changes).encode())


def test_a_row_in_fen_and_html_becomes_a_row_of_ours() -> None:
    raw = {
        "id": "679533",
        "title": "阿尔卡特 (OT-986+)",
        "cid": "560",
        "sell_point": '少量库存；<a target="blank" href="http://x">“领券更优惠！”</a><script>1</script>',
        "price": "49905",
    }
    assert imports.mapped(_columns(), raw) == {
        "supplier_code": "JD679533",
        "title": "阿尔卡特 (OT-986+)",
        "category": "手机通讯 > 手机",
        "attributes": "卖点=少量库存， “领券更优惠！”",
        "price": "499.05",
        # 80 % of 499.05 is 399.24 exactly.
        "cost": "399.24",
        "tax_rate_bps": "1300",
    }


def test_what_cannot_be_turned_is_left_for_the_check_to_name() -> None:
    row = imports.mapped(_columns(), {"id": "1", "title": "x", "cid": "999", "price": "dear"})
    assert (row["category"], row["price"], row["cost"]) == ("999", "dear", "dear")


def test_cells_beyond_the_header_stay_where_they_are_refused() -> None:
    assert imports.mapped(_columns(), {"id": "1", "": "beyond"})[""] == "beyond"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"colour": "red"}, "/colour"),
        ({"title": {}}, "/title"),
        ({"title": {"heading": "a", "value": "b"}}, "/title"),
        ({"cost": {"share_of": "title", "share_bps": 1}}, "/cost/share_of"),
        ({"cost": {"share_of": "cost", "share_bps": 1}}, "/cost/share_of"),
        ({"cost": {"share_of": "price"}}, "/cost"),
        ({"cost": {"share_of": "price", "share_bps": 0}}, "/cost/share_bps"),
        ({"title": {"heading": "a", "unit": "fen"}}, "/title/unit"),
        ({"title": {"names": {"a": {"value": "b"}}}}, "/title/names"),
        ({"title": "x" * 201}, "/title"),
        ({"title": "x\0"}, "/title"),
        ({"title": {"heading": "a", "values": {"b": "\0"}}}, "/title"),
        ({"attributes": {"names": {"\0": {"heading": "a"}}}}, "/attributes"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_where_it_does(
    changes: dict[str, object], path: str
) -> None:
    with pytest.raises(InputInvalid) as caught:
        _columns(**changes)
    assert path in {field.path for field in caught.value.fields}


def test_a_mapping_lacks_nothing_that_a_sheet_needs() -> None:
    with pytest.raises(InputInvalid) as caught:
        imports.columns_read(b"{}")
    assert {field.path for field in caught.value.fields} == {f"/{name}" for name in SHEET_REQUIRED}


@pytest.mark.parametrize(
    "text", [b"", b"[]", b'{"title": 1}', b'{"title": {"hedding": "x"}}', b"\xff"]
)
def test_what_is_no_mapping_is_refused(text: bytes) -> None:
    with pytest.raises(imports.MappingUnreadable):
        imports.columns_read(text)


def test_a_mapping_is_written_as_it_is_read() -> None:
    columns = _columns()
    assert imports.columns_read(imports.columns_write(columns)) == columns


@given(st.text(max_size=60), st.text(max_size=60))
def test_of_html_no_tag_is_left(before: str, inside: str) -> None:
    text = imports.html_text(f"{before}<b>{inside}</b>")
    assert "<b>" not in text or "<b" in before + inside


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("2016/11/5", date(2016, 11, 5)),
        ("2016-11-05", date(2016, 11, 5)),
        ("2016.11.05", date(2016, 11, 5)),
        ("20161105", date(2016, 11, 5)),
        ("2016-11-05 00:00:00", date(2016, 11, 5)),
        ("2016-13-05", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_day_is_read_as_people_write_it(text: str, on: date | None) -> None:
    assert imports.day_read(text) == on
