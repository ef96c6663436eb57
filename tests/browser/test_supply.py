"""Journeys of who looks after goods, prices and stock, from the click to what the API then says."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.test_console import email_of
from tests.faults.house import House

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sample(house: House) -> dict[str, Any]:
    return dict(json.loads((house.home / "sample.json").read_text()))


class Api:
    """What the API says to a key, which is asked beside the browser."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http
        self.count = 0

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        self.count += 1
        headers = {"idempotency-key": f"journey-{id(self)}-{self.count}"}
        answer = self.http.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
def operator(house: House, sample: dict[str, Any]) -> Iterator[Api]:
    with client(house, sample["operator"]["bearer"]) as http:
        yield Api(http)


@pytest.fixture(scope="module")
def supplier(house: House, sample: dict[str, Any]) -> Iterator[Api]:
    with client(house, sample["suppliers"][0]["bearer"]) as http:
        yield Api(http)


def client(house: House, bearer: str) -> httpx2.Client:
    return httpx2.Client(base_url=house.url, headers={"authorization": f"Bearer {bearer}"})


def proposed(supplier: Api, code: str, title: str) -> str:
    """Hand in a proposal; gives its id."""
    top = supplier.ask("GET", "/v1/supply/categories")["items"][0]
    [category, *_] = supplier.ask("GET", f"/v1/supply/categories?parent_id={top['id']}")["items"]
    sku = {"supplier_code": code, "unit_cost_minor": 2_000, "weight_g": 250}
    body = {"title": title, "category_id": category["id"], "skus": [sku]}
    made = supplier.ask("PUT", f"/v1/supply/goods/{code}", body)
    supplier.ask("POST", f"/v1/supply/goods-revisions/{made['id']}:submit", {})
    return str(made["id"])


def test_a_merchandiser_publishes_one_proposal_and_sends_another_back(
    desk: Desk, sample: dict[str, Any], supplier: Api
) -> None:
    page = desk.page
    good, bad = proposed(supplier, "CF-250", "云南咖啡豆"), proposed(supplier, "CF-1", "咖啡豆")
    desk.sign_in(email_of(sample, "operator", "merchandiser"), sample["password"])
    page.get_by_role("link", name="商品审核").click()
    page.locator("tr", has_text="云南咖啡豆").click()
    drawer = page.get_by_role("dialog", name="云南咖啡豆")
    changes = drawer.get_by_role("table", name="公共信息对比")
    expect(changes.locator("tr", has_text="商品名称")).to_contain_text("云南咖啡豆")
    expect(drawer).to_contain_text("新增")
    expect(drawer).to_contain_text("¥20.00")
    assert desk.barriers() == []
    drawer.get_by_role("button", name="通过并发布").click()
    page.locator(".el-popconfirm").get_by_role("button").last.click()
    expect(drawer).to_be_hidden()
    assert supplier.ask("GET", f"/v1/supply/goods-revisions/{good}")["state"] == "published"
    page.locator("tr", has_text="CF-1").click()
    drawer = page.get_by_role("dialog", name="咖啡豆")
    drawer.get_by_role("button", name="退回修改").click()
    asked = page.get_by_role("dialog", name="退回给供应商修改")
    asked.locator("#reason").fill("标题过于笼统")
    asked.get_by_role("button", name="退回修改").click()
    expect(asked).to_be_hidden()
    back = supplier.ask("GET", f"/v1/supply/goods-revisions/{bad}")
    assert (back["state"], back["reason"]) == ("draft", "标题过于笼统")
    assert desk.complaints == []


def test_a_merchandiser_reads_all_of_an_sku_and_takes_it_off_the_shelf(
    desk: Desk, sample: dict[str, Any], operator: Api
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "operator", "merchandiser"), sample["password"])
    desk.open("/operator/goods?state=on_shelf")
    page.locator("tbody tr").first.click()
    sku_id = re.findall("open=(sku_[0-9a-z]+)", page.url)[0]
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text(sku_id)
    for tab, table in (("价格", "价格"), ("库存", "库存")):
        drawer.get_by_role("tab", name=tab, exact=True).click()
        expect(drawer.get_by_role("table", name=table, exact=True)).to_be_visible()
        assert desk.barriers() == []
    drawer.get_by_role("button", name="下架").click()
    page.locator(".el-popconfirm").get_by_role("button").last.click()
    expect(drawer.get_by_role("button", name="上架")).to_be_visible()
    found = operator.ask("GET", f"/v1/operator/skus/{sku_id}")
    assert (found["state"], found["history"][0]["kind"]) == ("off_shelf", "shelved")
    operator.ask("POST", "/v1/operator/skus:shelve", {"sku_ids": [sku_id], "state": "on_shelf"})
    assert desk.complaints == []


def test_a_pool_is_opened_filled_granted_and_taken_back(
    desk: Desk, sample: dict[str, Any], operator: Api
) -> None:
    page = desk.page
    partner = sample["partners"][0]
    sku = operator.ask("GET", "/v1/operator/skus?limit=1&state=on_shelf")["items"][0]
    desk.sign_in(email_of(sample, "operator", "merchandiser"), sample["password"])
    desk.open("/operator/pools")
    page.get_by_role("button", name="新建商品池").first.click()
    page.locator("#pool-name").fill("社区团购池")
    page.get_by_role("dialog").get_by_role("button", name="新建商品池").click()
    drawer = page.get_by_role("dialog", name="社区团购池")
    expect(drawer).to_contain_text("池内还没有商品")
    drawer.locator("#pool-words").fill(sku["title"])
    drawer.get_by_role("button", name="查询").click()
    drawer.get_by_role("button", name="加入").first.click()
    expect(drawer.get_by_role("button", name="移出")).to_have_count(1)
    pool_id = re.findall("open=(pol_[0-9a-z]+)", page.url)[0]
    assert len(operator.ask("GET", f"/v1/operator/skus?pool_id={pool_id}")["items"]) == 1
    drawer.get_by_role("tab", name="授权渠道商").click()
    drawer.locator(".el-select", has=page.locator("#grant")).click()
    page.get_by_role("option", name=partner["name"]).click()
    drawer.get_by_role("button", name="授权", exact=True).click()
    expect(drawer.get_by_role("table", name="已授权")).to_contain_text(partner["name"])
    assert desk.barriers() == []
    path = f"/v1/operator/pools/{pool_id}/grants"
    assert [each["name"] for each in operator.ask("GET", path)["items"]] == [partner["name"]]
    drawer.get_by_role("button", name="取消授权").click()
    page.locator(".el-popconfirm").get_by_role("button").last.click()
    expect(drawer).to_contain_text("尚未授权给任何渠道商")
    assert operator.ask("GET", path)["items"] == []
    assert desk.complaints == []


def test_a_warehouse_worker_counts_a_place_and_sees_whom_a_warehouse_serves(
    desk: Desk, sample: dict[str, Any], operator: Api
) -> None:
    page = desk.page
    place = operator.ask("GET", "/v1/operator/stock?limit=1")["items"][0]
    path = f"/v1/operator/stock?sku_id={place['sku_id']}&warehouse_id={place['warehouse_id']}"
    desk.sign_in(email_of(sample, "operator", "warehouse"), sample["password"])
    expect(page.get_by_role("link", name="价盘")).to_have_count(0)
    expect(page.get_by_role("link", name="商品审核")).to_have_count(0)
    page.get_by_role("link", name="库存", exact=True).click()
    page.locator("tbody tr").first.click()
    drawer = page.get_by_role("dialog")
    drawer.locator("#on-hand").fill(str(place["on_hand"] + 7))
    drawer.locator("#stock-reason").fill("复盘")
    # Somebody else counts the same place meanwhile: the first word stands, and this one is told
    other = {name: place[name] for name in ("sku_id", "warehouse_id")} | {"on_hand_delta": 1}
    operator.ask("POST", "/v1/operator/stock:update", {"rows": [other], "reference": "other"})
    drawer.get_by_role("button", name="保存").click()
    expect(drawer.get_by_role("alert")).to_be_visible()
    assert operator.ask("GET", path)["items"][0]["on_hand"] == place["on_hand"] + 1
    page.reload()
    drawer.locator("#on-hand").fill(str(place["on_hand"] + 7))
    assert desk.barriers() == []
    drawer.get_by_role("button", name="保存").click()
    expect(page.get_by_text("库存已更新")).to_be_visible()
    assert operator.ask("GET", path)["items"][0]["on_hand"] == place["on_hand"] + 7
    desk.open("/operator/stock?tab=warehouses")
    page.locator("tbody tr").first.click()
    expect(page.get_by_role("table", name="配送范围").locator("tbody tr").first).to_be_visible()
    assert desk.barriers() == []
    assert desk.complaints == []


def test_a_sheet_is_matched_tried_and_its_good_rows_imported(
    desk: Desk, sample: dict[str, Any], operator: Api
) -> None:
    page = desk.page
    head = "货号,类目,商品名称,税率(基点),供货价,售价,库存"
    good, bad = "JAM-1,食品 > 果酱,草莓酱,1300,8.00,12.50,30", "JAM-2,食品 > 果酱,,1300,x,9,1"
    text = f"{head}\n{good}\n{bad}\n".encode()
    desk.sign_in(email_of(sample, "operator", "merchandiser"), sample["password"])
    page.get_by_role("link", name="批量导入").click()
    page.locator("#sheet").set_input_files(
        {"name": "果酱.csv", "mimeType": "text/csv", "buffer": text}
    )
    page.locator(".el-select", has=page.locator("#import-supplier")).click()
    page.get_by_role("option", name=sample["suppliers"][0]["name"]).click()
    page.locator(".el-select", has=page.locator("#import-pool")).click()
    page.get_by_role("option", name="default").click()
    assert desk.barriers() == []
    page.get_by_role("button", name="下一步").click()
    # The file's own heading of the code is none of ours: it is matched, and the match kept
    expect(page.get_by_text("还缺少必填列：supplier_code")).to_be_visible()
    page.locator(".el-select", has=page.locator("#col-supplier_code")).click()
    page.get_by_role("option", name="货号").click()
    page.locator("#mapping-name").fill("果酱厂")
    assert desk.barriers() == []
    page.get_by_role("button", name="试导入").click()
    report = page.get_by_role("table", name="逐行检查结果")
    expect(report.locator("tbody tr")).to_have_count(2)
    expect(report).to_contain_text("供货价")
    found = "/v1/operator/skus?q=%E8%8D%89%E8%8E%93%E9%85%B1&limit=200"
    assert operator.ask("GET", found)["items"] == []
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="下载检查结果").click()
    assert "商品名称" in downloaded.value.path().read_text(encoding="utf-8-sig")
    page.get_by_role("button", name="跳过错误行，导入 1 行").click()
    expect(page.get_by_text("新增 1，更新 0，无变化 0，跳过 1 行")).to_be_visible()
    assert [sku["supplier_code"] for sku in operator.ask("GET", found)["items"]] == ["JAM-1"]
    saved = operator.ask("GET", "/v1/operator/sheet-mappings")["items"]
    assert "果酱厂" in [each["name"] for each in saved]
    assert desk.complaints == []


def test_a_supplier_changes_its_stock_and_asks_for_a_cost_that_it_withdraws(
    desk: Desk, sample: dict[str, Any], supplier: Api
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "supplier", "owner"), sample["password"])
    page.get_by_role("link", name="库存", exact=True).click()
    before = supplier.ask("GET", "/v1/supply/stock?limit=1")["items"][0]
    page.locator("tbody tr").first.click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_text("增减", exact=True).click()
    drawer.locator("#delta").fill("5")
    drawer.get_by_role("button", name="保存").click()
    expect(page.get_by_text("库存已更新")).to_be_visible()
    after = supplier.ask("GET", "/v1/supply/stock?limit=1")["items"][0]
    assert after["on_hand"] == before["on_hand"] + 5
    desk.open("/supply/costs")
    page.locator("tbody tr").first.click()
    page.locator("#cost").fill("27.35")
    assert desk.barriers() == []
    page.get_by_role("button", name="提交申报").click()
    row = page.get_by_role("table", name="申报记录").locator("tbody tr").first
    expect(row).to_contain_text("¥27.35")
    assert supplier.ask("GET", "/v1/supply/costs?limit=1")["items"][0]["unit_cost_minor"] == 2_735
    row.get_by_role("button", name="撤回").click()
    page.locator(".el-popconfirm").get_by_role("button").last.click()
    expect(row).to_contain_text("已撤回")
    assert supplier.ask("GET", "/v1/supply/costs?limit=1")["items"][0]["state"] == "withdrawn"
    assert desk.complaints == []


def test_who_may_only_read_a_suppliers_stock_sees_nothing_to_change_it_with(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "supplier", "finance"), sample["password"])
    desk.open("/supply/stock")
    page.locator("tbody tr").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("可售库存")
    expect(page.get_by_role("dialog").locator("form")).to_have_count(0)
    desk.open("/supply/costs")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.locator("tbody tr").first.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert desk.complaints == []
