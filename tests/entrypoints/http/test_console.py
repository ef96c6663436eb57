"""The console's files: what a browser is given, for how long, and what it is never given."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.entrypoints.http.conftest import Serving, served
from weili.modules import parties
from weili.modules.dropship.states import CHILD_STATES, OrderState

CONSOLE = Path(__file__).parents[3] / "web" / "console" / "src"
SCRIPT = b"console.log('tea')\n" * 20
INDEX = b"<!doctype html><title>Weili</title>"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build as `make console` leaves it, and what must not be served beside it."""
    built = tmp_path_factory.mktemp("package") / "console_built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_bytes(INDEX)
    (built / "assets" / "index-D1x.js").write_bytes(SCRIPT)
    (built / "assets" / "index-D1x.js.gz").write_bytes(gzip.compress(SCRIPT))
    (built / "assets" / "notes.txt").write_text("not of the build")
    (built.parent / "keyring.js").write_text("secret")
    return built


@pytest.fixture(scope="module")
def browser(serving: Serving, built: Path) -> Iterator[httpx2.Client]:
    with served(serving.market.world, console=built) as url, httpx2.Client(base_url=url) as client:
        yield client


def test_the_page_is_given_without_a_key_is_never_kept_and_lets_nothing_else_in(
    browser: httpx2.Client,
) -> None:
    response = browser.get("/console/")
    assert (response.status_code, response.content) == (200, INDEX)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"


def test_every_page_of_the_application_is_the_same_document(browser: httpx2.Client) -> None:
    for path in ("/console/sign-in", "/console/operator/orders?state=held", "/console/a/b/c.d"):
        assert browser.get(path).content == INDEX
    home = browser.get("/console", follow_redirects=False)
    assert (home.status_code, home.headers["location"]) == (308, "/console/")
    head = browser.head("/console/")
    assert (head.status_code, head.content) == (200, b"")


def test_a_browser_that_opens_the_server_is_led_to_the_console_and_a_program_is_not(
    browser: httpx2.Client,
) -> None:
    accept = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    opened = browser.get("/", headers=accept, follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, "/console/")
    assert browser.get("/").json()["name"] == "weili"


def test_a_named_file_is_kept_for_long_and_packed_for_who_can_unpack(
    browser: httpx2.Client,
) -> None:
    packed = browser.get("/console/assets/index-D1x.js")
    plain = browser.get("/console/assets/index-D1x.js", headers={"accept-encoding": "identity"})
    assert packed.content == plain.content == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    for response in (packed, plain):
        assert response.headers["content-type"] == "text/javascript; charset=utf-8"
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    "name",
    [
        "index-OLD.js",
        "index-D1x.js.gz",
        "notes.txt",
        "../../keyring.js",
        "..%2f..%2fkeyring.js",
        "%2e%2e/%2e%2e/keyring.js",
    ],
)
def test_only_files_of_the_build_are_given(browser: httpx2.Client, name: str) -> None:
    response = browser.get(f"/console/assets/{name}")
    assert b"secret" not in response.content
    assert b"not of the build" not in response.content
    assert response.content == INDEX or response.json()["code"] == "path_unknown"


def test_nothing_is_sent_to_the_console(browser: httpx2.Client) -> None:
    response = browser.post("/console/", content=b"{}")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_a_missing_build_says_what_to_do_and_all_else_works(
    serving: Serving, tmp_path: Path
) -> None:
    with (
        served(serving.market.world, console=tmp_path / "none") as url,
        httpx2.Client(base_url=url) as client,
    ):
        response = client.get("/console/")
        assert client.get("/healthz").status_code == 200
    assert response.status_code == 503
    assert "make console" in response.text
    assert "控制台尚未构建" in response.text


def test_a_path_that_only_looks_like_the_console_is_unknown(serving: Serving) -> None:
    for path in ("/consoles", "/console-x/", "/v1/console/"):
        response = serving.http.get(path)
        assert (response.status_code, response.json()["code"]) == (404, "path_unknown")


def test_the_console_offers_each_kind_of_party_the_roles_that_there_are() -> None:
    source = (CONSOLE / "parts" / "PeopleList.vue").read_text(encoding="utf-8")
    table = re.search(r"const ROLES\b[^=]*= \{(.*?)\n\}", source, re.DOTALL)

    assert table is not None
    offered = {
        kind: _words(roles) for kind, roles in re.findall(r"(\w+): \[(.*?)\]", table[1], re.DOTALL)
    }
    assert offered == {kind.value: set(roles) for kind, roles in parties.PERSON_ROLES.items()}


def test_the_console_offers_to_cancel_what_can_be_cancelled_and_is_not_yet_asked_to_be() -> None:
    source = (CONSOLE / "orders.ts").read_text(encoding="utf-8")
    states = re.search(r"const CANCELLABLE\b.*?\[(.*?)\]", source, re.DOTALL)

    assert states is not None
    assert _words(states[1]) == {
        state.value
        for state, to in CHILD_STATES.steps.items()
        if OrderState.CANCELLED in to and state is not OrderState.CANCELLING
    }


def _words(listed: str) -> set[str]:
    return set(re.findall(r"'(\w+)'", listed))
