"""A journey of who keeps price lists, from a list to a change that is seen, made and withdrawn."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.test_console import email_of
from tests.browser.test_supply import Api, client
from tests.faults.house import House

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sample(house: House) -> dict[str, Any]:
    return dict(json.loads((house.home / "sample.json").read_text()))


def test_a_price_is_changed_planned_withdrawn_and_brought_by_a_sheet(
    desk: Desk, sample: dict[str, Any], house: House
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "operator", "merchandiser"), sample["password"])
    page.get_by_role("link", name="价盘与调价").click()
    expect(page.get_by_role("link", name="导出 Excel")).to_have_attribute(
        "href", re.compile("/v1/operator/price-lists/lst_[0-9a-z]+/prices:export")
    )
    with client(house, sample["operator"]["bearer"]) as http:
        operator = Api(http)
        lists = operator.ask("GET", "/v1/operator/price-lists")["items"]
        [list_id] = [one["id"] for one in lists if one["is_default"]]
        # A price that holds now: the preview first, then the change
        page.get_by_role("table", name="商品价格").locator("tbody tr").first.click()
        sku_id = re.findall("open=(sku_[0-9a-z]+)", page.url)[0]
        history = f"/v1/operator/price-lists/{list_id}/skus/{sku_id}/history"
        before = operator.ask("GET", history)["items"]
        drawer = page.get_by_role("dialog")
        seen = drawer.get_by_role("table", name="历史价格").locator("tbody tr")
        expect(seen).to_have_count(len(before))
        drawer.locator("#tier-price-0").fill("99.90")
        drawer.get_by_role("button", name="预览影响").click()
        expect(drawer.get_by_role("table", name="调价预览")).to_contain_text("¥99.90")
        expect(drawer.get_by_text("将影响")).to_be_visible()
        assert operator.ask("GET", history)["items"] == before
        assert desk.barriers() == []
        drawer.locator("#change-note").fill("旺季调价")
        drawer.get_by_role("button", name="立即调价").click()
        changes = page.get_by_role("table", name="调价单")
        expect(changes.locator("tr", has_text="旺季调价")).to_contain_text("已执行")
        after = operator.ask("GET", history)["items"]
        assert 9_990 in [one["unit_price_minor"] for one in after if one not in before]
        # One that is to come is seen among the changes, and withdrawn
        price = {"sku_id": sku_id, "unit_price_minor": 8_880}
        body = {"prices": [price], "valid_from": "2099-01-01T00:00:00+08:00", "note": "新年价"}
        made = operator.ask("POST", f"/v1/operator/price-lists/{list_id}/changes", body)
        page.get_by_role("button", name="刷新").click()
        changes.locator("tr", has_text="新年价").click()
        drawer = page.get_by_role("dialog", name="新年价")
        expect(drawer).to_contain_text("¥88.80")
        assert desk.barriers() == []
        drawer.get_by_role("button", name="撤回调价").click()
        page.locator(".el-popconfirm").get_by_role("button").last.click()
        expect(drawer).to_contain_text("已撤回")
        found = operator.ask("GET", f"/v1/operator/price-changes/{made['id']}")
        assert found["state"] == "cancelled"
        page.keyboard.press("Escape")
        # A sheet is tried, and its good row imported
        page.get_by_role("tab", name="表格导入").click()
        text = f"sku_id,售价\n{sku_id},97.50\n{sku_id},x\n".encode()
        page.locator("#price-sheet").set_input_files(
            {"name": "价格.csv", "mimeType": "text/csv", "buffer": text}
        )
        assert desk.barriers() == []
        page.get_by_role("button", name="试导入").click()
        report = page.get_by_role("table", name="逐行检查结果")
        expect(report.locator("tbody tr")).to_have_count(1)
        prices = [one["unit_price_minor"] for one in operator.ask("GET", history)["items"]]
        assert 9_750 not in prices
        page.get_by_role("button", name="跳过错误行，导入 1 行").click()
        expect(page.get_by_text("立即变更 1 个价格")).to_be_visible()
        assert 9_750 in [one["unit_price_minor"] for one in operator.ask("GET", history)["items"]]
    assert desk.complaints == []
