"""A console that is built, a whole `weili up` that serves it, and a browser in front of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.faults.house import CHECKOUT, House

AXE = CHECKOUT / "web" / "console" / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2 at level AA, which holds what came before it.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PICTURES = CHECKOUT / ".pytest_cache" / "console"
# A first sign-in after a start, on a machine that starts another house beside it.
expect.set_options(timeout=20_000)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # A build that is fresh may come from elsewhere, without what it was built with.
    build = str(CHECKOUT / "web" / "console" / "build.py")
    subprocess.run([sys.executable, build, "--tools"], check=True)
    house = House(tmp_path_factory.mktemp("console") / "home")
    try:
        house.start()
        yield house
    finally:
        house.clear()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser; it is gone before the next module, since its loop would be in others' way."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert path is not None, "these tests need a browser (Debian: apt-get install chromium)"
    with sync_playwright() as playwright:
        # Its sandbox needs rights that root in a container does not have; the pages are our own.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@dataclass
class Desk:
    """One person's browser, and what its page complained of."""

    page: Page
    url: str
    complaints: list[str]

    def open(self, path: str) -> None:
        """Open a page of the console."""
        self.page.goto(f"{self.url}/console{path}")

    def sign_in(self, email: str, password: str) -> None:
        """Sign in as a person does."""
        self.open("/sign-in")
        self.page.locator("#email").fill(email)
        self.page.locator("#password").fill(password)
        self.page.locator("button[type=submit]").click()
        expect(self.page.locator(".shell")).to_be_visible()

    def barriers(self) -> list[str]:
        """Give what keeps some people from using what is seen now."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
        assert len(found["passes"]) > 10
        return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]

    def picture(self, name: str) -> Path:
        """Keep what is seen now."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path)
        return path


@pytest.fixture
def desk(house: House, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A browser of one's own; nothing in it may complain, least of all its content policy."""
    language, scheme = getattr(request, "param", ("zh-CN", "light"))
    context: BrowserContext = chromium.new_context(
        locale=language,
        color_scheme=scheme,
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
    )
    page = context.new_page()
    complaints: list[str] = []
    outside: list[str] = []
    page.on("console", lambda message: _is_complaint(message) and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: asked.url.startswith(house.url) or outside.append(asked.url),
    )
    yield Desk(page, house.url, complaints)
    context.close()
    assert outside == []


def _is_complaint(message: ConsoleMessage) -> bool:
    """Tell faults of a page from refused requests, which Chromium notes as errors too."""
    is_refusal = message.text.startswith("Failed to load resource")
    return message.type in {"error", "warning"} and not is_refusal
