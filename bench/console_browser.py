"""Sits before the console as a person does, and notes how long the page lets them wait.

Moments are the page's own (``performance.now()``): from the navigation until what was asked for is
painted and can be clicked.
"""

import http.client
import os
import re
import shutil
import time
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Playwright, expect

CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")
VIEW: Final = {"locale": "zh-CN", "width": 1440, "height": 900, "reduced_motion": "reduce"}
DASHBOARD: Final = ".dashboard .figure-row"
LINK: Final = 'a.side-link[href$="/operator/orders"]'
_TIMEOUT_MS: Final = 60_000

_OPENED: Final = """
([shown, link]) => {
  const seen = (found) => {
    const box = found?.getBoundingClientRect()
    if (!box?.width) return false
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return found.contains(top)
  }
  window.isOpened = new Promise((resolve, reject) => {
    const look = () => {
      const root = document.documentElement
      const isThere = shown ? document.querySelector(shown) : document.readyState === 'complete'
      if (root && isThere && (!link || seen(document.querySelector(link)))) {
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))
      } else if (performance.now() > 60000) reject(new Error('nothing is shown'))
      else requestAnimationFrame(look)
    }
    look()
  })
}
"""
"""What is shown lies there, the link is not covered by anything, and the page has painted both."""

_WEIGHT: Final = """
() => {
  const all = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type))
  const bytes = all.reduce((sum, one) => sum + one.transferSize, 0)
  const api = all.filter((one) => one.name.endsWith('/v1/operator/dashboard'))
  return {
    files: all.length,
    kilobytes: Math.round(bytes / 1000),
    asked_ms: api[0].startTime,
    answered_ms: api[0].responseEnd - api[0].startTime,
  }
}
"""

Taken = dict[str, float]


def launched(playwright: Playwright) -> Browser:
    """Start the browser that is on the path.

    Raises: RuntimeError when there is none.
    """
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        raise RuntimeError("this needs a browser (Debian: apt-get install chromium)")
    # Its sandbox needs rights that root in a container does not have; the pages are our own.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=path, args=arguments)


class Chair:
    """Somebody's place before the console."""

    def __init__(self, browser: Browser, url: str) -> None:
        """Sit down before a server's console."""
        self._browser = browser
        self._url = url
        self._kept: Any = None
        self._plain = ""

    def sign_in(self, email: str, password: str) -> None:
        """Sign in as a person does, and keep the session's cookie."""
        context = self._context()
        page = context.new_page()
        page.goto(f"{self._url}/console/sign-in")
        page.locator("#email").fill(email)
        page.locator("#password").fill(password)
        page.locator("button[type=submit]").click()
        expect(page.locator(".shell")).to_be_visible(timeout=_TIMEOUT_MS)
        self._kept = context.storage_state()
        self._plain = str(page.locator("link[rel=icon]").get_attribute("href"))
        context.close()

    def dashboard(self) -> Taken:
        """Open the dashboard with nothing kept but the cookie, beside the smallest file."""
        plain = self._first(self._plain, "", "")
        return self._first("/console/operator", DASHBOARD, LINK) | {"baseline_ms": plain["ms"]}

    def bare_dashboard(self) -> float:
        """Ask for the dashboard's figures by HTTP alone, with the cookie; gives milliseconds."""
        address = urlsplit(self._url)
        cookie = "; ".join(f"{one['name']}={one['value']}" for one in self._kept["cookies"])
        line = http.client.HTTPConnection(str(address.hostname), address.port)
        with closing(line):
            line.connect()
            began = time.perf_counter()
            line.request("GET", "/v1/operator/dashboard", headers={"cookie": cookie})
            answer = line.getresponse()
            answer.read()
            took = time.perf_counter() - began
        if answer.status != http.client.OK:
            raise RuntimeError(f"the dashboard was answered {answer.status}")
        return took * 1_000

    def _context(self) -> BrowserContext:
        return self._browser.new_context(
            locale=str(VIEW["locale"]),
            viewport={"width": 1440, "height": 900},
            reduced_motion="reduce",
            storage_state=self._kept,
        )

    def _first(self, path: str, shown: str, link: str) -> Taken:
        """Open a page in a browser that knows nothing of it; a click proves that it works."""
        context = self._context()
        page = context.new_page()
        page.add_init_script(f"({_OPENED})({[shown, link]!r})")
        page.goto(f"{self._url}{path}", wait_until="commit")
        taken: Taken = {"ms": page.evaluate("window.isOpened")}
        if link:
            taken |= page.evaluate(_WEIGHT)
            page.locator(link).click()
            page.wait_for_url(re.compile("/operator/orders"), timeout=_TIMEOUT_MS)
        context.close()
        return taken
