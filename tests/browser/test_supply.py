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
