"""A partner's buyer selects goods: search, facets, a selection, retail prices, a sheet."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.faults.house import House

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sample(house: House) -> dict[str, Any]:
    return dict(json.loads((house.home / "sample.json").read_text()))


def buyer_of(sample: dict[str, Any], role: str = "buyer") -> str:
    [email, *_] = [
        one["email"] for one in sample["staff"] if (one["kind"], one["role"]) == ("partner", role)
    ]
    return str(email)


def test_a_buyer_narrows_a_search_keeps_it_and_fills_a_selection_with_retail_prices(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    desk.sign_in(buyer_of(sample), sample["password"])
    page.get_by_role("link", name="选品大厅").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(50)
    # When they look for rice within one category
    page.get_by_label("商品名、品牌、类目或拼音").fill("大米")
    page.get_by_role("button", name="查询").click()
    expect(page).to_have_url(re.compile("q=%E5%A4%A7%E7%B1%B3"))
    expect(rows.first).to_contain_text("米")
    page.get_by_role("button", name=re.compile("^粮油调味")).click()
    expect(page).to_have_url(re.compile("category_id=cat_"))
    at_rest = page.locator("[aria-busy=false]")
    expect(at_rest).to_be_visible()
    expect(rows.first).to_contain_text("粮油调味")
    # And keep these filters under a name, they find the same again by it
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_label("为当前筛选命名").fill("大米")
    page.get_by_role("button", name="保存").click()
    page.keyboard.press("Escape")
    desk.open("/hall")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("button", name="大米", exact=True).click()
    expect(page).to_have_url(re.compile("q=%E5%A4%A7%E7%B1%B3"))
    expect(rows.first).to_contain_text("粮油调味")
    # When they tick two of them, by mouse and by keyboard, and open a selection
    expect(at_rest).to_be_visible()
    rows.nth(0).locator(".pick .el-checkbox").click()
    rows.nth(1).focus()
    page.keyboard.press("Space")
    expect(page.locator(".table-bar")).to_contain_text("已选 2 项")
    page.get_by_role("button", name="加入选品单").click()
    asked = page.get_by_role("dialog", name="加入选品单")
    asked.get_by_label("选品单名称").fill("早餐店")
    asked.get_by_role("button", name="加入选品单").click()
    expect(page.get_by_text("已加入 2 款")).to_be_visible()
    expect(asked).to_be_hidden()
    # Then the selection has both, at their cost
    page.get_by_role("link", name="选品单").click()
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("0.0%")
    # When they add a rule of 20 % that ends in .90
    page.get_by_role("button", name="加价规则").click()
    rules = page.get_by_role("dialog", name="加价规则")
    rules.get_by_role("button", name="添加规则").click()
    rules.get_by_label("加价", exact=True).fill("二成")
    rules.get_by_role("button", name="保存").click()
    expect(rules.get_by_role("alert")).to_contain_text("请填写数字")
    rules.get_by_label("加价", exact=True).fill("20")
    rules.get_by_role("combobox", name="取整").press("Enter")
    page.get_by_role("option", name="尾数 .90").click()
    rules.get_by_role("button", name="保存").click()
    expect(rules).to_be_hidden()
    # Then each has its retail price by it
    expect(rows.first).to_contain_text(re.compile(r"¥\d+\.90"))
    own = page.evaluate("fetch('/v1/selections').then((answer) => answer.json())")
    [selection] = [one for one in own["items"] if one["name"] == "早餐店"]
    path = f"/v1/selections/{selection['id']}/rules"
    told = page.evaluate("(path) => fetch(path).then((answer) => answer.json())", path)
    [rule] = told["rules"]
    assert (rule["kind"], rule["amount"], rule["rounding"]) == ("bps", 2000, "ending_ninety")
    # And the sheet of it can be taken away
    with page.expect_download() as taken:
        page.get_by_role("link", name="导出 Excel").click()
    assert taken.value.suggested_filename == "selection.xlsx"
    assert desk.barriers() == []
    assert desk.complaints == []


def test_goods_are_looked_at_closely_with_prices_by_quantity_and_stock_where_it_is_to_go(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    desk.sign_in(buyer_of(sample), sample["password"])
    desk.open("/hall")
    page.locator("tbody tr").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("table", name="不同数量的供货价")).to_contain_text("¥")
    for level, name in (("省份", "浙江省"), ("城市", "杭州市"), ("区县", "西湖区")):
        drawer.get_by_role("combobox", name=level).fill(name)
        page.get_by_role("option", name=name).click()
    expect(drawer.get_by_role("status")).to_contain_text(re.compile("有货|无货|不配送|库存不足"))
    assert desk.barriers() == []
    assert desk.complaints == []


def test_who_may_not_change_selections_sees_no_way_to(desk: Desk, sample: dict[str, Any]) -> None:
    page = desk.page
    desk.sign_in(buyer_of(sample, "clerk"), sample["password"])
    scopes = page.evaluate(
        "fetch('/v1/session').then((answer) => answer.json()).then((told) => told.scopes)"
    )
    assert "selections:write" not in scopes
    desk.open("/hall")
    expect(page.locator("tbody tr")).to_have_count(50)
    expect(page.locator(".pick")).to_have_count(0)
    page.locator("tbody tr").first.click()
    expect(page.get_by_role("dialog").get_by_role("table", name="不同数量")).to_be_visible()
    expect(page.get_by_role("button", name="加入选品单")).to_have_count(0)
    assert desk.complaints == []
