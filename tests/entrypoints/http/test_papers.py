"""What a supplier prints: the right pieces, and no more of the recipient than may be shown."""

import io
from typing import Any

import pypdf
import pytest
import sqlalchemy as sa

from tests.entrypoints.http.conftest import RECIPIENT, Serving
from tests.entrypoints.http.test_supply import _queued
from weili.kit.ids import id_text
from weili.kit.secrets import mask_room


def read_back(pdf: bytes) -> str:
    """Read the text of all pages, without blanks."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def taken(serving: Serving, quantity: int) -> str:
    """Place an order of tea that the grocer takes; gives its child's id."""
    _, child_id = _queued(serving, quantity)
    serving.ask("grocer", "POST", f"/v1/supply/orders/{child_id}:take", key=True)
    return child_id


def audited(serving: Serving, action: str) -> int:
    """Count how often something was written down."""
    count = sa.text("SELECT count(*) FROM parties.audit WHERE action = :action")
    with serving.market.world.engine.connect() as connection:
        return connection.execute(count, {"action": action}).scalar_one()


def test_a_waybill_shows_no_name_no_number_and_no_room(serving: Serving) -> None:
    # Given a child order, of which one piece has left and one has not
    child_id = taken(serving, 2)
    parcel = {
        "carrier_code": "SF",
        "waybill_number": "SF800001",
        "lines": [{"line_no": 1, "quantity": 1}],
    }
    serving.ask("grocer", "POST", f"/v1/supply/orders/{child_id}:ship", parcel, key=True)
    before = audited(serving, "paper.waybill")
    # When its waybills are printed, as data and as pages
    body: dict[str, Any] = {"child_ids": [child_id]}
    items = serving.ask("grocer", "POST", "/v1/supply/papers:waybills", body).json()["items"]
    pages = serving.ask("grocer", "POST", "/v1/supply/papers:waybills", body | {"format": "pdf"})
    # Then there is one for the package and one for what is left, with the recipient masked
    assert [(one["waybill_number"], one["goods"][0]["quantity"]) for one in items] == [
        ("SF800001", 1),
        (None, 1),
    ]
    assert items[0]["recipient"] == {
        "name": "欧***",
        "phone": "199******78",
        "area": "浙江省杭州市西湖区",
        "address": "文三路 1 号 ****",
    }
    # And the pages say the same, and nothing of what is hidden
    assert pages.headers["content-type"] == "application/pdf"
    text = read_back(pages.content)
    for shown in ("顺丰速运", "SF800001", "欧***", "199******78", "文三路1号", "明前龙井250g罐装"):
        assert shown in text
    for hidden in (RECIPIENT["name"], "小美", RECIPIENT["phone"], "912345", "301", "2幢"):
        assert hidden not in text
    assert audited(serving, "paper.waybill") == before + 2


def test_a_pick_list_counts_by_sku_and_then_by_order(serving: Serving) -> None:
    first, second = taken(serving, 2), taken(serving, 3)
    near = id_text("whs", serving.market.near)
    body = {"warehouse_id": near, "limit": 100}
    before = audited(serving, "paper.pick_list")
    paper = serving.ask("grocer", "POST", "/v1/supply/papers:pickList", body).json()
    [tea] = [row for row in paper["skus"] if row["supplier_code"] == "tea"]
    of = {row["child_id"]: row["quantity"] for row in tea["orders"]}
    assert (of[first], of[second]) == (2, 3)
    assert tea["quantity"] == sum(of.values())
    pages = serving.ask("grocer", "POST", "/v1/supply/papers:pickList", body | {"format": "pdf"})
    text = read_back(pages.content)
    assert "拣货单" in text
    assert first in text
    assert "明前龙井" in text
    assert audited(serving, "paper.pick_list") == before + 2


def test_papers_of_another_supplier_are_as_if_they_did_not_exist(serving: Serving) -> None:
    child_id = taken(serving, 1)
    rows = serving.rows()
    other = serving.ask("farm", "POST", "/v1/supply/papers:waybills", {"child_ids": [child_id]})
    assert other.status_code == 404
    for body in ({}, {"child_ids": []}, {"child_ids": [child_id], "format": "doc"}):
        bad = serving.ask("grocer", "POST", "/v1/supply/papers:waybills", body)
        assert (bad.status_code, bad.json()["code"]) == (400, "input_invalid")
    assert serving.rows() == rows
    near = id_text("whs", serving.market.near)
    none = serving.ask("farm", "POST", "/v1/supply/papers:pickList", {"warehouse_id": near})
    assert none.json()["child_ids"] == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("文三路 1 号 2 幢 301 室", "文三路 1 号 ****"),
        ("解放路88号锦绣花园3-2-1102", "解放路88号锦绣花园 ****"),
        ("中山东路5号院二单元401", "中山东路 ****"),
        ("学院路7号", "学院路7号"),
        ("学院路7号李家超市旁 12", "学院路7号 ****"),
        ("阳光小区东门", "阳光小 ****"),
        ("A座1201", "****"),
    ],
)
def test_the_room_is_hidden_however_it_is_written(address: str, shown: str) -> None:
    assert mask_room(address) == shown
