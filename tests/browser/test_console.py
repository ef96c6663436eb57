"""First journeys in the console: each party's staff sign in, do their work and sign out."""

import base64
import json
import re
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Route, expect

from tests.browser.conftest import Desk
from tests.faults.house import House

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

# Every page is seen in both languages and both themes: (locale, colour scheme).
LOOKS = [("zh-CN", "light"), ("zh-CN", "dark"), ("en-GB", "light"), ("en-GB", "dark")]


@pytest.fixture(scope="module")
def sample(house: House) -> dict[str, Any]:
    return dict(json.loads((house.home / "sample.json").read_text()))


def email_of(sample: dict[str, Any], kind: str, role: str) -> str:
    wanted = kind, role
    [email] = [one["email"] for one in sample["staff"] if (one["kind"], one["role"]) == wanted]
    return str(email)


@pytest.fixture(scope="module")
def order(house: House) -> str:
    """An order of the first sample partner."""
    status, placed = house.place("BROWSER-1")
    assert status == 201
    return str(placed["id"])


def test_a_buyer_signs_in_reads_an_order_and_signs_out(
    desk: Desk, sample: dict[str, Any], order: str
) -> None:
    page = desk.page
    # Given somebody who follows a colleague's link to an order
    desk.open(f"/orders?open={order}")
    expect(page).to_have_url(re.compile("/console/sign-in[?]next=/orders"))
    # When they mistype their password, they are told, in their language, and may try again
    page.locator("#email").fill(email_of(sample, "partner", "buyer"))
    page.locator("#password").fill("not the password")
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("alert")).to_contain_text("密码")
    page.locator("#password").fill(sample["password"])
    page.locator("button[type=submit]").click()
    # Then they are where the link led, with the order open
    drawer = page.get_by_role("dialog", name="订单详情")
    expect(drawer).to_contain_text(order)
    expect(drawer).to_contain_text("BROWSER-1")
    # And the recipient is masked until they say why they look
    expect(drawer).not_to_contain_text("19912345678")
    drawer.get_by_role("button", name="查看明文").click()
    asked = page.get_by_role("dialog", name="查看收货人明文")
    asked.locator("#reason").fill("客户来电核对地址")
    asked.get_by_role("button", name="查看明文").click()
    expect(asked).to_be_hidden()
    expect(drawer).to_contain_text("19912345678")
    # When they sign out, the same page asks to sign in again
    page.keyboard.press("Escape")
    page.locator(".who").click()
    page.get_by_role("menuitem", name="退出登录").click()
    expect(page.locator("#password")).to_be_visible()
    assert [cookie["name"] for cookie in page.context.cookies()] == []
    desk.open("/orders")
    expect(page.locator("#password")).to_be_visible()
    assert desk.complaints == []


def test_a_page_of_another_role_is_not_shown_and_its_route_refuses(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "partner", "finance"), sample["password"])
    expect(page.get_by_role("link", name="账户")).to_be_visible()
    expect(page.get_by_role("link", name="供应商")).to_have_count(0)
    desk.open("/operator/goods")
    expect(page.get_by_text("此页面不存在，或您的角色无权查看。")).to_be_visible()
    status = page.evaluate("fetch('/v1/operator/skus').then((answer) => answer.status)")
    assert status == 403
    # A change by cookie without the console's header is refused, whatever the role
    status = page.evaluate(
        "fetch('/v1/session', {method: 'DELETE'}).then((answer) => answer.status)"
    )
    assert status == 403
    assert desk.complaints == []


def test_a_table_is_walked_by_keyboard_and_filters_stay_in_the_address(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "operator", "merchandiser"), sample["password"])
    desk.open("/operator/goods")
    rows = page.locator("tbody tr")
    at_rest = page.locator("[aria-busy=false]")
    expect(rows).to_have_count(50)
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("PageDown")
    expect(page).to_have_url(re.compile("cursor="))
    expect(at_rest).to_be_visible()
    page.go_back()
    expect(page).not_to_have_url(re.compile("cursor="))
    expect(at_rest).to_be_visible()
    title = rows.first.locator(".first").first.inner_text()
    rows.first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text(title)
    page.reload()
    expect(page.get_by_role("dialog")).to_contain_text(title)
    assert desk.complaints == []


@pytest.mark.parametrize("desk", LOOKS, indirect=True, ids=["-".join(look) for look in LOOKS])
def test_main_pages_have_no_barriers_in_both_languages_and_themes(
    desk: Desk, sample: dict[str, Any], order: str, request: pytest.FixtureRequest
) -> None:
    look = request.node.callspec.id
    page = desk.page
    desk.open("/sign-in")
    expect(page.locator("#password")).to_be_visible()
    # What keeps people out is the same in both languages, but not in both themes.
    has_barriers = desk.barriers if look.startswith("zh") else list
    assert has_barriers() == []
    desk.picture(f"sign-in-{look}")
    walks = {
        ("operator", "admin"): (
            "/operator?stay=1",
            "/operator/start",
            "/operator/orders",
            "/operator/goods",
            "/operator/review",
            "/operator/pools",
            "/operator/import",
            "/operator/prices",
            "/operator/stock",
            "/operator/partners",
            "/operator/suppliers",
            "/operator/applications",
            "/operator/terms",
            "/operator/events",
            "/operator/jobs",
            "/operator/verify",
            "/operator/audit",
            "/people",
            "/keys",
            "/me",
        ),
        ("partner", "owner"): (
            "/orders",
            f"/orders?open={order}",
            "/hall",
            "/selections",
            "/account",
            "/statement",
            "/company",
            "/people",
            "/keys",
        ),
        ("supplier", "owner"): (
            "/supply/orders",
            "/supply/stock",
            "/supply/costs",
            "/account",
            "/statement",
            "/company",
        ),
    }
    for (kind, role), paths in walks.items():
        desk.sign_in(email_of(sample, kind, role), sample["password"])
        for target in paths:
            desk.open(target)
            expect(page.locator("h1")).to_be_visible()
            expect(page.locator(".el-skeleton")).to_have_count(0)
            page.wait_for_load_state("networkidle")
            path, _, is_open = target.partition("?")
            expect(page.locator(".problem")).to_have_count(0)
            assert has_barriers() == [], target
            desk.picture(f"{kind}{path.replace('/', '-')}{'-open' if is_open else ''}-{look}")
        page.context.clear_cookies()
    assert desk.complaints == []


def test_an_owner_adds_a_clerk_who_sets_a_password_by_the_link_and_signs_in(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "partner", "owner"), sample["password"])
    desk.open("/people")
    page.locator("#person-name").fill("安小禾")
    page.locator("#person-email").fill("an@partner.example")
    page.locator(".el-select", has=page.locator("#person-role")).click()
    page.get_by_role("option", name="文员").click()
    page.get_by_role("button", name="添加").click()
    row = page.locator("tr", has_text="安小禾")
    expect(row).to_contain_text("文员")
    row.get_by_role("button", name="邀请").click()
    link = page.locator(".link").inner_text()
    assert link.startswith(f"{desk.url}/console/invitation#sandbox.")
    page.context.clear_cookies()
    # The link is opened in a page of its own; one that is open already would only change its hash.
    page.goto("about:blank")
    page.goto(link)
    page.locator("#password").fill("correct horse battery")
    page.locator("#again").fill("correct horse batterie")
    page.locator("button[type=submit]").click()
    expect(page.get_by_text("两次输入不一致")).to_be_visible()
    page.locator("#again").fill("correct horse battery")
    page.locator("button[type=submit]").click()
    expect(page.locator(".who")).to_contain_text("安小禾")
    # A clerk orders, but does not see the account or the people
    expect(page.get_by_role("link", name="订单")).to_be_visible()
    expect(page.get_by_role("link", name="账户")).to_have_count(0)
    expect(page.get_by_role("link", name="人员")).to_have_count(0)
    # When they leave, the owner shuts them out
    page.context.clear_cookies()
    desk.sign_in(email_of(sample, "partner", "owner"), sample["password"])
    desk.open("/people")
    row.get_by_role("button", name="收回登录权限").click()
    asked = page.get_by_role("dialog", name="收回此人的登录权限")
    asked.locator("#reason").fill("离职")
    asked.get_by_role("button", name="收回登录权限").click()
    expect(page.get_by_text("登录权限已收回")).to_be_visible()
    page.context.clear_cookies()
    desk.open("/sign-in")
    page.locator("#email").fill("an@partner.example")
    page.locator("#password").fill("correct horse battery")
    page.locator("button[type=submit]").click()
    expect(page.locator(".problem")).to_contain_text("密码有误")
    assert desk.complaints == []


def test_a_warehouse_worker_ships_an_order_and_the_partner_sees_the_package(
    desk: Desk, house: House, sample: dict[str, Any], order: str
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "supplier", "warehouse"), sample["password"])
    desk.open("/supply/orders")
    page.locator("tbody tr").first.click()
    page.locator(".el-select", has=page.locator("#carrier")).click()
    page.get_by_role("option", name="顺丰速运", exact=True).click()
    page.locator("#waybill").fill("SF1234567890123")
    page.get_by_role("button", name="确认发货").click()
    expect(page.get_by_role("dialog", name="子单详情")).to_contain_text("SF1234567890123")
    # What is shipped whole has left the list of what is to be done, and cannot be shipped again
    expect(page.locator("tbody tr")).to_have_count(0)
    expect(page.get_by_role("button", name="确认发货")).to_have_count(0)
    status, told = house.get(f"/v1/orders/{order}", bearer=house.bearer())
    assert (status, told["state"]) == (200, "shipped")
    assert [one["waybill_number"] for one in told["packages"]] == ["SF1234567890123"]
    assert desk.complaints == []


def test_a_server_that_cannot_be_reached_is_told_of_and_asked_again(
    desk: Desk, sample: dict[str, Any], order: str
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "partner", "owner"), sample["password"])
    page.route("**/v1/orders?**", lambda route: route.abort())
    page.route("**/v1/orders", lambda route: route.abort())
    desk.open("/orders")
    expect(page.locator(".problem")).to_contain_text("无法连接服务器")
    expect(page.locator(".problem")).to_contain_text("请检查网络后重试")
    page.unroute_all()
    page.get_by_role("button", name="重试").click()
    expect(page.get_by_role("table", name="订单")).to_contain_text(order)
    expect(page.locator(".problem")).to_have_count(0)
    assert desk.complaints == []


def test_a_fault_while_asking_who_works_here_is_told_of_and_asked_again(
    desk: Desk, sample: dict[str, Any], order: str
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "partner", "owner"), sample["password"])
    page.route("**/v1/session", lambda route: route.abort())
    desk.open("/orders?state=released")
    expect(page.locator(".problem")).to_contain_text("无法连接服务器")
    expect(page.locator("#email")).to_have_count(0)
    page.unroute_all()
    page.get_by_role("button", name="重试").click()
    expect(page.locator(".shell")).to_be_visible()
    assert page.url.endswith("/console/orders?state=released")
    expect(page.locator(".problem")).to_have_count(0)
    assert desk.complaints == []


def test_a_retry_goes_where_the_address_says_though_no_page_is_loaded_yet(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "partner", "owner"), sample["password"])
    # Given a server that is reached by nothing but the frame of the console
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/session", lambda route: route.abort())
    page.route("**/assets/OrdersPage-*.js", hold)
    desk.open("/orders?state=released")
    expect(page.locator(".problem")).to_contain_text("无法连接服务器")
    # When somebody asks again before the page itself has come
    page.unroute("**/v1/session")
    page.get_by_role("button", name="重试").click()
    expect(page.locator(".problem")).to_have_count(0)
    for route in held:
        route.continue_()
    # Then they see what they asked for
    expect(page.locator(".shell")).to_be_visible()
    expect(page).to_have_url(re.compile("/console/orders[?]state=released$"))
    assert desk.complaints == []


def test_an_answer_that_comes_late_does_not_take_the_place_of_what_was_opened_since(
    desk: Desk, sample: dict[str, Any], house: House, order: str
) -> None:
    page = desk.page
    status, other = house.place("BROWSER-LATE")
    assert status == 201
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    desk.sign_in(email_of(sample, "partner", "owner"), sample["password"])
    # Given an order that is asked for and not answered, and another that was opened since
    page.route(f"**/v1/orders/{order}", hold)
    with page.expect_request(f"**/v1/orders/{order}"):
        desk.open(f"/orders?open={order}")
    page.keyboard.press("Escape")
    page.locator("tr", has_text=other["id"]).click()
    expect(page.locator(".el-drawer")).to_contain_text(other["id"])
    # When the answer to the first comes
    with page.expect_response(f"**/v1/orders/{order}"):
        held[0].continue_()
    # Then it is the other that is shown
    page.wait_for_load_state("networkidle")
    expect(page.locator(".el-drawer")).to_contain_text(other["id"])
    expect(page.locator(".el-drawer")).not_to_contain_text(order)
    assert desk.complaints == []


def test_what_is_sent_again_keeps_its_key_and_what_was_changed_has_another(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    keys: list[str] = []

    def lost(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        keys.append(route.request.headers["idempotency-key"])
        route.abort()

    desk.sign_in(email_of(sample, "partner", "owner"), sample["password"])
    desk.open("/people")
    page.route("**/v1/people", lost)
    page.locator("#person-name").fill("新来的")
    page.locator("#person-email").fill("new@example.cn")
    for count, email in enumerate(["new@example.cn", "new@example.cn", "newer@example.cn"], 1):
        page.locator("#person-email").fill(email)
        with page.expect_request(lambda asked: asked.method == "POST"):
            page.locator("form.ship button[type=submit]").click()
        expect(page.locator(".problem")).to_contain_text("无法连接服务器")
        assert len(keys) == count
    assert keys[0] == keys[1] != keys[2]
    assert desk.complaints == []


def test_a_session_that_has_ended_leads_to_signing_in_and_back(
    desk: Desk, sample: dict[str, Any], order: str
) -> None:
    page = desk.page
    buyer = email_of(sample, "partner", "buyer")
    desk.sign_in(buyer, sample["password"])
    desk.open("/orders?state=cancelled")
    expect(page.get_by_text("没有符合条件的订单")).to_be_visible()
    # Given a session that somebody ended at another desk
    page.context.clear_cookies()
    page.get_by_role("tab", name="全部").click()
    # Then the page that was asked for is where signing in leads
    page.locator("#email").fill(buyer)
    page.locator("#password").fill(sample["password"])
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("table", name="订单")).to_contain_text(order)
    assert desk.complaints == []


def test_a_second_factor_is_set_up_and_asked_for_and_a_recovery_code_opens_once(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    email = email_of(sample, "supplier", "finance")
    desk.sign_in(email, sample["password"])
    desk.open("/me")
    page.locator("#second-begin-password").fill(sample["password"])
    page.get_by_role("button", name="开启两步验证").click()
    secret = page.locator(".link").inner_text()
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    totp = TOTP(key, 6, SHA1(), 30)  # noqa: S303 - what authenticator apps speak (RFC 6238)
    page.locator("#second-code").fill(totp.generate(int(time.time())).decode())
    page.get_by_role("button", name="确认开启").click()
    recovery = page.locator(".codes code").first.inner_text()
    page.context.clear_cookies()
    # The password alone no longer opens, and a recovery code does so once
    for told in (".shell", ".problem"):
        desk.open("/sign-in")
        page.locator("#email").fill(email)
        page.locator("#password").fill(sample["password"])
        page.locator("button[type=submit]").click()
        page.locator("#code").fill(recovery)
        page.locator("button[type=submit]").click()
        expect(page.locator(told)).to_be_visible()
        page.context.clear_cookies()
    assert desk.complaints == []
