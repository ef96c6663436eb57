"""A supplier applies on a tablet by a link, is sent back, mends, is approved and signs in."""

import base64
import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Desk
from tests.faults.house import House

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
FIELDS = {
    "name": "江南果园",
    "legal-name": "杭州江南果园有限公司",
    "uscc": "91310115MAY1W6PN8E",
    "about": "时令水果，产地直发",
    "contact-name": "林晓",
    "phone": "13812345678",
    "email": "lin@fruit.example",
}


@pytest.fixture(scope="module")
def sample(house: House) -> dict[str, Any]:
    return dict(json.loads((house.home / "sample.json").read_text()))


def email_of(sample: dict[str, Any], kind: str, role: str) -> str:
    [email] = [
        one["email"] for one in sample["staff"] if (one["kind"], one["role"]) == (kind, role)
    ]
    return str(email)


def terms_published(page: Page) -> None:
    page.get_by_role("button", name="发布新版本").click()
    drawer = page.get_by_role("dialog", name="发布新版本")
    drawer.locator("#terms-title-zh").fill("供应商入驻协议")
    drawer.locator("#terms-title-en").fill("Supplier terms")
    drawer.locator("#terms-text-zh").fill("第一条 供货\n第二条 结算")
    drawer.locator("#terms-text-en").fill("1. Supply\n2. Settlement")
    drawer.get_by_role("button", name="发布新版本").click()
    expect(page.get_by_text("已发布第 1 版")).to_be_visible()


def test_a_supplier_applies_is_reviewed_and_signs_in(
    desk: Desk, chromium: Browser, sample: dict[str, Any]
) -> None:
    page = desk.page
    # Given terms that are in force, and a link
    desk.sign_in(email_of(sample, "operator", "admin"), sample["password"])
    desk.open("/operator/terms")
    terms_published(page)
    desk.open("/operator/applications")
    page.get_by_role("button", name="生成申请链接").click()
    made = page.get_by_role("dialog", name="生成申请链接")
    made.locator("#make-note").fill("展会")
    made.get_by_role("button", name="生成申请链接").click()
    link = made.locator("code.link").inner_text()
    # When the applicant opens it on a tablet, with no account
    context = chromium.new_context(
        locale="zh-CN", viewport={"width": 820, "height": 1180}, reduced_motion="reduce"
    )
    tablet = context.new_page()
    tablet.goto(link)
    for name, value in FIELDS.items():
        tablet.locator(f"#apply-{name}").fill(value)
    tablet.get_by_role("button", name="保存").click()
    expect(tablet.get_by_text("已保存")).to_be_visible()
    # And submits too early, what is missing is said
    tablet.get_by_role("button", name="提交申请").click()
    expect(tablet.locator(".problem")).to_contain_text("申请尚不完整")
    # And then with a licence and the terms accepted
    tablet.locator("#document-number").fill("L-1")
    licence = {"name": "licence.png", "mimeType": "image/png", "buffer": PNG}
    tablet.locator("#document-file").set_input_files([licence])
    tablet.get_by_role("button", name="上传文件").click()
    expect(tablet.get_by_role("cell", name=re.compile("营业执照"))).to_be_visible()
    tablet.get_by_text("我已阅读并代表企业接受").click()
    tablet.get_by_role("button", name="提交申请").click()
    expect(tablet.get_by_text("申请已提交")).to_be_visible()
    # Then the operator sees it, and sends it back
    desk.open("/operator/applications")
    page.locator("tbody tr").first.click()
    drawer = page.get_by_role("dialog", name="入驻审核")
    expect(drawer).to_contain_text("138******78")
    expect(drawer).not_to_contain_text(FIELDS["phone"])
    assert desk.barriers() == []
    desk.picture("operator-application")
    drawer.get_by_role("button", name="退回修改").click()
    asked = page.get_by_role("dialog", name="退回给申请企业修改")
    asked.locator("#reason").fill("请写明产地")
    asked.get_by_role("button", name="退回修改").click()
    expect(asked).to_be_hidden()
    # And the applicant reads why, mends it and submits again
    tablet.reload()
    expect(tablet.locator(".el-alert")).to_contain_text("请写明产地")
    tablet.locator("#apply-about").fill("时令水果，浙江产地直发")
    tablet.get_by_text("我已阅读并代表企业接受").click()
    tablet.get_by_role("button", name="提交申请").click()
    expect(tablet.get_by_text("申请已提交")).to_be_visible()
    # When the operator approves it
    desk.open("/operator/applications")
    page.locator("tbody tr").first.click()
    drawer.get_by_role("button", name="通过").click()
    page.locator(".el-popconfirm__action .el-button--primary").click()
    invitation = drawer.locator("code.link").inner_text()
    # Then its owner sets a password, and finds licence and terms under their company
    tablet.goto(invitation)
    for name in ("password", "again"):
        tablet.locator(f"#{name}").fill("orchards in the rain")
    tablet.get_by_role("button", name="设置密码并登录").click()
    expect(tablet.locator(".shell")).to_be_visible()
    tablet.get_by_role("link", name="我的企业").click()
    expect(tablet.get_by_role("cell", name=re.compile("营业执照"))).to_be_visible()
    expect(tablet.get_by_text(re.compile("第 1 版，"))).to_be_visible()
    context.close()
    assert desk.complaints == []
