"""Journeys of notices: a forgotten password, the bell, and how one wants to be told."""

import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.test_console import LOOKS, email_of
from tests.faults.house import House
from weili.adapters.mail import KeptMail, MailFolder

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

FRESH = "quiet river stone 7"
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def sample(house: House) -> dict[str, Any]:
    return dict(json.loads((house.home / "sample.json").read_text()))


def mail_to(house: House, email: str, title: str) -> KeptMail:
    """Wait for a mail, which a person would look for too."""
    folder = MailFolder(house.home / "mails" / "sandbox")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for mail in folder.newest(limit=50):
            if mail.to == email and title in mail.title:
                return mail
        time.sleep(0.2)
    raise AssertionError(f"no mail to {email} within {PATIENCE_S} s")


def test_who_forgot_their_password_reads_a_mail_and_is_signed_in(
    desk: Desk, house: House, sample: dict[str, Any]
) -> None:
    page = desk.page
    email = email_of(sample, "partner", "finance")
    # Given somebody who stands before the sign-in page
    desk.open("/sign-in")
    page.get_by_role("link", name="忘记密码").click()
    page.locator("#email").fill(email)
    assert desk.barriers() == []
    page.get_by_role("button", name="发送重置邮件").click()
    expect(page.get_by_role("status")).to_contain_text("重置邮件")
    # When they open the link in the mail
    mail = mail_to(house, email, "重置")
    link = re.search(r"/console(/reset#\S+)", mail.text)
    assert link is not None
    desk.open(link[1])
    page.locator("#password").fill(FRESH)
    page.locator("#again").fill(FRESH)
    assert desk.barriers() == []
    page.get_by_role("button", name="重置密码并登录").click()
    # Then they are signed in, and the bell tells them of it
    expect(page.locator(".shell")).to_be_visible()
    page.get_by_role("button", name="通知，1 条未读").click()
    expect(page.locator(".list li")).to_contain_text("您的密码已修改")
    page.get_by_role("button", name="全部标为已读").click()
    expect(page.get_by_role("button", name="通知，没有未读")).to_be_visible()
    mail_to(house, email, "密码已修改")
    # And the link works no more
    page.context.clear_cookies()
    desk.open("/sign-in")
    desk.open(link[1])
    page.reload()
    page.locator("#password").fill(FRESH + "8")
    page.locator("#again").fill(FRESH + "8")
    page.get_by_role("button", name="重置密码并登录").click()
    expect(page.get_by_role("alert")).to_contain_text("失效")
    assert desk.complaints == []


def test_somebody_chooses_how_they_are_told(desk: Desk, sample: dict[str, Any]) -> None:
    page = desk.page
    desk.sign_in(email_of(sample, "partner", "buyer"), sample["password"])
    desk.open("/me")
    expect(page.get_by_role("checkbox", name="账号安全 · 邮件")).to_be_disabled()
    page.get_by_role("checkbox", name="订单 · 邮件").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="保存设置").click()
    expect(page.get_by_role("status")).to_contain_text("已保存")
    page.reload()
    expect(page.get_by_role("checkbox", name="订单 · 邮件")).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="订单 · 站内")).to_be_checked()
    assert desk.barriers() == []
    assert desk.complaints == []


@pytest.mark.parametrize("desk", LOOKS, indirect=True)
def test_the_pages_are_whole_in_both_languages_and_themes(
    desk: Desk, sample: dict[str, Any]
) -> None:
    page = desk.page
    desk.open("/forgot")
    expect(page.locator("#email")).to_be_visible()
    look = re.sub(
        r"\W+", "-", page.evaluate("document.documentElement.className + navigator.language")
    )
    desk.picture(f"forgot{look}")
    desk.sign_in(email_of(sample, "partner", "owner"), sample["password"])
    desk.open("/notices")
    expect(page.locator(".notices")).to_be_visible()
    assert desk.barriers() == []
    desk.picture(f"notices{look}")
    desk.open("/me")
    expect(page.locator(".notice-settings")).to_be_visible()
    assert desk.barriers() == []
    desk.picture(f"me{look}")
    assert desk.complaints == []
