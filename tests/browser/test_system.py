"""Journeys of those who keep the house: first day, dashboard, keys, what was done and is broken."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.faults.house import House

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

LOOKS = [("zh-CN", "light"), ("zh-CN", "dark"), ("en-GB", "light"), ("en-GB", "dark")]
PAGES = {
    "admin@operator.example": (
        "/operator?stay=1",
        "/operator/start",
        "/operator/events",
        "/operator/jobs",
        "/operator/verify",
        "/operator/audit",
    ),
    "owner@partner.example": ("/keys",),
}


@pytest.fixture(scope="module")
def password(house: House) -> str:
    return str(json.loads((house.home / "sample.json").read_text())["password"])


def test_the_operator_is_led_through_the_first_day_and_then_sees_the_first_order(
    desk: Desk, house: House, password: str
) -> None:
    page = desk.page
    # Given a house without any order, the day begins where the next step is
    desk.sign_in("admin@operator.example", password)
    expect(page).to_have_url(re.compile("/operator/start"))
    first_order = page.get_by_role("listitem", name="第一笔订单")
    expect(first_order).to_contain_text("待完成")
    # When the first order comes
    status, _ = house.place("SYSTEM-1")
    assert status == 201
    page.reload()
    expect(first_order).to_contain_text("已完成")
    # Then the dashboard counts it, and says where it goes
    page.get_by_role("link", name="前往今日概览").click()
    expect(page.get_by_role("region", name="订单数", exact=True)).to_contain_text("1")
    expect(page.get_by_role("table", name="收货区县排行")).to_contain_text("浙江省杭州市西湖区")
    expect(page.get_by_role("table", name="省份 × 时段")).to_contain_text("浙江省")
    page.get_by_text("以表格查看").click()
    expect(page.get_by_role("table", name="每小时订单数").locator("tbody tr")).to_have_count(24)
    assert desk.complaints == []


def test_an_owner_makes_a_key_uses_it_and_revokes_it(
    desk: Desk, house: House, password: str
) -> None:
    page = desk.page
    desk.sign_in("owner@partner.example", password)
    desk.open("/keys")
    page.locator("#key-label").fill("仓库系统")
    page.locator(".el-select:has(#key-kind)").click()
    page.get_by_role("option", name="访问令牌（仅沙箱）").click()
    page.get_by_text("查看订单", exact=True).click()
    page.get_by_role("button", name="新建密钥").click()
    secret = page.locator(".secret").inner_text()
    assert house.get("/v1/orders", bearer=secret)[0] == 200
    assert house.get("/v1/account", bearer=secret)[0] == 403
    page.get_by_role("button", name="我已保存").click()
    expect(page.get_by_text(secret)).to_have_count(0)
    row = page.get_by_role("row").filter(has_text="仓库系统")
    row.get_by_role("button", name="停用").click()
    asked = page.get_by_role("dialog", name="停用密钥")
    asked.locator("#reason").fill("更换系统")
    asked.get_by_role("button", name="停用").click()
    expect(row).to_contain_text("已停用")
    assert house.get("/v1/orders", bearer=secret)[0] == 401


def test_what_was_done_is_found_in_the_audit_log_and_the_world_is_verified(
    desk: Desk, password: str
) -> None:
    page = desk.page
    desk.sign_in("admin@operator.example", password)
    desk.open("/operator/audit?action=key.revoke")
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("更换系统")
    expect(row).to_contain_text("白若溪")
    file = page.get_by_role("link", name="导出 Excel").get_attribute("href")
    assert "action=key.revoke" in str(file)
    status = page.evaluate("(path) => fetch(path).then((answer) => answer.status)", file)
    assert status == 200
    desk.open("/operator/verify")
    page.get_by_role("button", name="开始核对").click()
    expect(page.get_by_text("未发现问题：账、货、单一致。")).to_be_visible(timeout=60_000)


def test_an_event_is_opened_and_leads_to_its_order(desk: Desk, password: str) -> None:
    page = desk.page
    desk.sign_in("support@operator.example", password)
    desk.open("/operator/events?type=order.placed")
    page.locator("tbody tr").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.locator(".payload")).to_contain_text("SYSTEM-1")
    expect(drawer.get_by_role("link", name="查看该订单")).to_be_visible()
    # Support sees events, and neither the audit log nor jobs
    expect(page.get_by_role("link", name="操作审计")).to_have_count(0)
    status = page.evaluate("fetch('/v1/operator/audit').then((answer) => answer.status)")
    assert status == 403


@pytest.mark.parametrize("desk", LOOKS, indirect=True, ids=["-".join(look) for look in LOOKS])
def test_the_pages_have_no_barriers(
    desk: Desk, password: str, request: pytest.FixtureRequest
) -> None:
    look: str = request.node.callspec.id
    broken: dict[str, Any] = {}
    for email, paths in PAGES.items():
        desk.page.context.clear_cookies()
        desk.sign_in(email, password)
        for path in paths:
            desk.open(path)
            desk.page.wait_for_load_state("networkidle")
            name = path.partition("?")[0].strip("/").replace("/", "-")
            desk.picture(f"{name}-{look}")
            if found := desk.barriers():
                broken[path] = found
    assert broken == {}
    assert desk.complaints == []
