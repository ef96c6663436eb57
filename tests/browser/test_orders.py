"""Journeys over orders: found, looked into, taken back; two at once; and a server that fails."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Desk
from tests.browser.test_console import email_of
from tests.faults.house import House

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sample(house: House) -> dict[str, Any]:
    return dict(json.loads((house.home / "sample.json").read_text()))


@pytest.fixture(scope="module")
def orders(house: House) -> list[str]:
    """Three orders of the first sample partner; gives their ids."""
    placed = [house.place(f"LIST-{number}") for number in range(3)]
    assert [status for status, _ in placed] == [201] * 3
    return [str(order["id"]) for _, order in placed]


def test_the_operator_filters_orders_reads_one_and_saves_a_file(
    desk: Desk, sample: dict[str, Any], orders: list[str], tmp_path: Path
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "operator", "admin"), sample["password"])
    desk.open("/operator/orders")
    rows = page.locator(".table-scroll tbody tr")
    expect(rows.first).to_contain_text("LIST-2")
    expect(
        page.get_by_role("tab", name=re.compile("^已确认 [1-9]|^已接单 [1-9]")).first
    ).to_be_visible()
    # When they look for a number, that order alone is listed, and the address can be sent on
    page.locator("#number").fill("LIST-1")
    page.get_by_role("button", name="查询").click()
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("number=LIST-1"))
    # Then its file holds that order alone
    with page.expect_download() as download:
        page.get_by_role("link", name="导出 CSV").click()
    file = tmp_path / "orders.csv"
    download.value.save_as(file)
    text = file.read_text(encoding="utf-8")
    assert orders[1] in text
    assert orders[0] not in text
    # And what became of it is told, in the goods' own names
    rows.first.locator(".first").first.click()
    drawer = page.get_by_role("dialog", name="订单详情")
    expect(drawer).to_contain_text("渠道商下单，单号 LIST-1")
    expect(drawer).to_contain_text("冻结 货款")
    expect(drawer).not_to_contain_text("sku_")
    assert desk.barriers() == []
    page.keyboard.press("Escape")
    # A phone number finds orders without getting into the address
    page.get_by_role("button", name="清空条件").click()
    page.locator("#phone").fill("13800000000")
    page.get_by_role("button", name="查询").click()
    expect(page.get_by_text("没有符合条件的订单")).to_be_visible()
    assert "13800000000" not in page.url
    assert desk.complaints == []


def test_the_operator_cancels_selected_orders_and_sees_each_outcome(
    desk: Desk, sample: dict[str, Any], house: House
) -> None:
    placed = [house.place(f"BULK-{number}")[1] for number in range(2)]
    page = desk.page
    desk.sign_in(email_of(sample, "operator", "admin"), sample["password"])
    desk.open("/operator/orders")
    for number in range(2):
        box = page.get_by_role("checkbox", name=f"选择订单 BULK-{number}")
        box.locator("xpath=ancestor::label").click()
    page.get_by_role("button", name="批量取消").click()
    dialog = page.get_by_role("dialog", name="批量取消 2 单")
    dialog.locator("#bulk-reason").fill("买家要求")
    assert desk.barriers() == []
    dialog.get_by_role("button", name="开始取消").click()
    expect(dialog).to_contain_text("成功 2 单，被拒 0 单，共 2 单")
    dialog.get_by_role("button", name="关闭", exact=True).click()
    expect(dialog).to_be_hidden()
    for order in placed:
        told = page.evaluate(
            "(id) => fetch(`/v1/operator/orders/${id}`).then((answer) => answer.json())",
            order["id"],
        )
        assert told["state"] in {"cancelled", "cancelling"}
    assert desk.complaints == []


def test_of_two_staff_at_one_order_the_second_is_refused_and_sees_how_it_stands(
    desk: Desk, chromium: Browser, sample: dict[str, Any], house: House
) -> None:
    # Given two of a partner's staff, who both look at an order that is on hold
    status, order = house.place("HELD-1", hold=True)
    assert status == 201
    other_context = chromium.new_context(locale="zh-CN", reduced_motion="reduce")
    other = Desk(other_context.new_page(), house.url, [])
    for each, role in ((desk, "buyer"), (other, "owner")):
        each.sign_in(email_of(sample, "partner", role), sample["password"])
        each.open(f"/orders?open={order['id']}")
        expect(each.page.get_by_role("button", name="确认预占")).to_be_visible()
    # When one cancels it and the other confirms it
    other.page.get_by_role("button", name="取消订单").click()
    other.page.get_by_role("button", name=re.compile("^(确定|OK|Yes)$")).click()
    drawer = other.page.get_by_role("dialog", name="订单详情")
    expect(drawer).to_contain_text("已取消")
    desk.page.get_by_role("button", name="确认预占").click()
    # Then the second is told why not, and sees the order as it is now
    drawer = desk.page.get_by_role("dialog", name="订单详情")
    expect(drawer.get_by_role("alert")).to_be_visible()
    expect(drawer).to_contain_text("已取消")
    expect(desk.page.get_by_role("button", name="确认预占")).to_have_count(0)
    assert desk.complaints == []
    other_context.close()


def test_a_slow_server_shows_that_it_loads_and_a_failing_one_how_to_go_on(
    desk: Desk, sample: dict[str, Any], orders: list[str]
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "operator", "support"), sample["password"])
    waiting: list[Route] = []
    pattern = re.compile(r"/v1/operator/orders(\?|$)")
    page.route(pattern, lambda route: waiting.append(route))  # noqa: PLW0108 - it must be ours
    desk.open("/operator/orders")
    # While the answer is under way, that is said
    expect(page.locator(".table[aria-busy=true]")).to_be_visible()
    expect(page.get_by_text("正在加载")).to_be_visible()
    for route in waiting:
        route.fulfill(
            status=503,
            content_type="application/problem+json",
            body=json.dumps(
                {
                    "type": "about:blank",
                    "title": "busy",
                    "status": 503,
                    "code": "busy",
                    "detail": "系统繁忙，请稍后再试。",
                    "repeatable": True,
                    "members": {},
                }
            ),
        )
    page.unroute(pattern)
    # When it fails, it is said why, and one click tries again
    expect(page.get_by_role("alert")).to_contain_text("系统繁忙")
    page.get_by_role("button", name="重试").click()
    expect(page.locator(".table-scroll tbody tr").first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
