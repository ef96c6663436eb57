"""People sign in over HTTP, and do what their role lets them, with a cookie and no key."""

import base64
import logging
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from argon2 import PasswordHasher

from tests.entrypoints.http.conftest import Serving
from weili.entrypoints.http import desk
from weili.entrypoints.http.front import OPEN_BYTES_MAX
from weili.entrypoints.http.policy import OF_SESSIONS, POLICY
from weili.kit.clock import wall_now
from weili.kit.ids import id_text, new_id
from weili.kit.secrets import totp_code
from weili.modules import identity, parties
from weili.modules.identity import store, tries

PASSWORD = "tea in the rain"
CONSOLE = {"weili-console": "1"}
ROLES = {
    "clerk": ("street", parties.PersonRole.CLERK),
    "owner": ("street", parties.PersonRole.OWNER),
    "rival": ("creator", parties.PersonRole.OWNER),
    "packer": ("grocer", parties.PersonRole.WAREHOUSE),
    "admin": ("operator", parties.PersonRole.ADMIN),
    "leaver": ("street", parties.PersonRole.BUYER),
    "guard": ("street", parties.PersonRole.FINANCE),
    "money": ("operator", parties.PersonRole.FINANCE),
}


@dataclass(slots=True)
class Browser:
    """Somebody's browser: it keeps what cookie it is given, and sends it back."""

    serving: Serving
    cookie: str = ""

    def ask(self, method: str, target: str, body: object = None, **headers: str) -> httpx2.Response:
        sent = {**CONSOLE, **headers}
        if self.cookie:
            sent["cookie"] = f"theme=dark; weili_session={self.cookie}"
        response = self.serving.ask(None, method, target, body, headers=sent)
        if "set-cookie" in response.headers:
            named = response.headers["set-cookie"].partition(";")[0]
            self.cookie = named.removeprefix("weili_session=")
        self.serving.http.cookies.clear()
        return response

    def sign_in(self, who: str, password: str = PASSWORD, **more: object) -> httpx2.Response:
        return self.ask("POST", "/v1/session", {"email": email(who), "password": password, **more})


def email(who: str) -> str:
    return f"{who}@example.cn"


@pytest.fixture(scope="module")
def staff(serving: Serving) -> dict[str, parties.Person]:
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    party_ids = {
        "street": serving.market.street,
        "creator": serving.market.creator,
        "grocer": serving.market.grocer,
        "operator": serving.operator,
    }
    people = {}
    with serving.market.world.begin() as ctx:
        for who, (party, role) in ROLES.items():
            people[who] = parties.person_add(
                ctx, party_id=party_ids[party], name=who, email=email(who), role=role
            )
            identity.password_set(
                ctx, person_id=people[who].id, hashed=hashed, reason="test", now=wall_now()
            )
    return people


@pytest.fixture
def browser(serving: Serving, staff: dict[str, parties.Person]) -> Browser:
    return Browser(serving)


def test_who_signs_in_gets_a_cookie_and_is_told_who_they_are(
    browser: Browser, staff: dict[str, parties.Person]
) -> None:
    signed_in = browser.sign_in("clerk")

    assert signed_in.status_code == 201, signed_in.text
    assert signed_in.headers["cache-control"] == "no-store"
    name, *flags = signed_in.headers["set-cookie"].split("; ")
    assert name.startswith("weili_session=sandbox.")
    assert flags == ["Path=/", "Max-Age=1209600", "HttpOnly", "SameSite=Strict"]
    document = signed_in.json()
    assert document["person"] == {
        "id": id_text("per", staff["clerk"].id),
        "name": "clerk",
        "email_masked": "c***@example.cn",
        "role": "clerk",
    }
    assert (document["party"]["kind"], document["world"]) == ("partner", "sandbox")
    assert document["scopes"] == sorted(parties.PERSON_SCOPES[parties.PartyKind.PARTNER]["clerk"])
    assert browser.ask("GET", "/v1/session").json() == document


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "weili.example.cn"},
        {"x-forwarded-for": "203.0.113.7"},
        {"x-forwarded-proto": "https"},
        {"forwarded": "for=203.0.113.7"},
    ],
)
def test_only_this_very_machine_gets_a_cookie_for_plain_http(
    browser: Browser, headers: dict[str, str]
) -> None:
    body = {"email": email("clerk"), "password": PASSWORD}
    signed_in = browser.ask("POST", "/v1/session", body, **headers)

    cookie = signed_in.headers["set-cookie"]
    assert cookie.startswith("__Host-weili_session=sandbox.")
    assert cookie.endswith("; Path=/; Max-Age=1209600; HttpOnly; SameSite=Strict; Secure")


@pytest.mark.parametrize("who", ROLES)
def test_a_role_reaches_the_routes_of_its_scopes_and_is_refused_all_others(
    browser: Browser, who: str
) -> None:
    scopes = frozenset(browser.sign_in(who).json()["scopes"])
    rows = browser.serving.rows()

    for (method, path), scope in POLICY.items():
        if "{" in path or (method, path) in OF_SESSIONS:
            continue
        response = browser.ask(method, path, {} if method != "GET" else None)
        if response.status_code == 403:
            # A route may need a second scope for a part of what it does.
            assert response.json()["members"]["needs"] not in scopes, (method, path)
        else:
            assert not scope or scope in scopes, (method, path)
    assert browser.serving.rows() == rows


def test_a_session_sees_its_own_partys_orders_only(browser: Browser) -> None:
    order = browser.serving.placed()
    browser.sign_in("owner")
    assert browser.ask("GET", f"/v1/orders/{order['id']}").status_code == 200
    own = [item["id"] for item in browser.ask("GET", "/v1/orders").json()["items"]]
    assert order["id"] in own

    browser.sign_in("rival")
    assert browser.ask("GET", f"/v1/orders/{order['id']}").status_code == 404
    assert order["id"] not in browser.ask("GET", "/v1/orders").text


def test_a_hot_route_is_as_open_to_who_has_signed_in_as_to_a_key(browser: Browser) -> None:
    browser.sign_in("owner")
    search = "/v1/search/skus?q=%E9%BE%99%E4%BA%95&limit=5"
    found = browser.ask("GET", search)
    assert found.json()["items"]
    assert found.json() == browser.serving.ask("street", "GET", search).json()

    draft = browser.serving.order()
    placed = browser.ask("POST", "/v1/orders", draft)
    assert placed.status_code == 201
    assert browser.ask("POST", "/v1/orders", draft).headers["idempotent-replayed"] == "true"
    # And by a key although a cookie comes with it
    both = browser.serving.ask("street", "GET", search, headers={"cookie": "theme=dark"})
    assert both.json() == found.json()


def test_what_is_changed_by_cookie_needs_the_header_that_no_foreign_page_sends(
    browser: Browser,
) -> None:
    browser.sign_in("owner")
    rows = browser.serving.rows()
    cookie = {"cookie": f"weili_session={browser.cookie}"}

    for method, target in [
        ("PUT", "/v1/account/alarm"),
        ("DELETE", "/v1/session"),
        ("POST", "/v1/password"),
    ]:
        refused = browser.serving.ask(None, method, target, {}, headers=cookie)
        assert (refused.status_code, refused.json()["code"]) == (403, "console_header_missing")
    assert browser.serving.ask(None, "GET", "/v1/session", headers=cookie).status_code == 200
    body = {"email": email("owner"), "password": PASSWORD}
    planted = browser.serving.ask(None, "POST", "/v1/session", body)
    assert (planted.status_code, planted.json()["code"]) == (403, "console_header_missing")
    assert browser.serving.rows() == rows


def test_a_key_goes_before_a_cookie(browser: Browser) -> None:
    browser.sign_in("rival")
    cookie = {"cookie": f"weili_session={browser.cookie}"}
    order = browser.serving.placed()

    shown = browser.serving.ask("street", "GET", f"/v1/orders/{order['id']}", headers=cookie)

    assert shown.status_code == 200


@pytest.mark.parametrize(
    "cookie",
    ["", "sandbox.", "sandbox", ".x", "live." + "x" * 43, "sandbox." + "x" * 43, "x" * 5000],
)
def test_a_cookie_that_is_none_of_ours_lets_nobody_in(browser: Browser, cookie: str) -> None:
    response = browser.serving.ask(
        None, "GET", "/v1/session", headers={"cookie": f"weili_session={cookie}"}
    )

    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("who", ["street", "grocer", "operator"])
def test_a_key_is_no_session(browser: Browser, who: str) -> None:
    rows = browser.serving.rows()
    for method, path in OF_SESSIONS:
        target = path.replace("{session_id}", id_text("ses", new_id(wall_now())))
        target = target.replace("{key_id}", id_text("key", new_id(wall_now())))
        response = browser.serving.ask(who, method, target, {} if method == "POST" else None)

        assert (response.status_code, response.json()["code"]) == (401, "unauthenticated"), path
        assert "a key is no session" in response.json()["detail"]
    assert browser.serving.rows() == rows


@pytest.mark.parametrize("is_planted_first", [True, False])
def test_what_another_host_of_the_domain_planted_is_not_taken_for_the_session(
    browser: Browser, is_planted_first: bool
) -> None:
    browser.sign_in("owner")
    planter = Browser(browser.serving)
    planter.sign_in("rival")
    cookies = [f"weili_session={planter.cookie}", f"__Host-weili_session={browser.cookie}"]
    sent = "; ".join(cookies if is_planted_first else reversed(cookies))

    shown = browser.serving.ask(None, "GET", "/v1/session", headers={"cookie": sent})

    assert shown.json()["person"]["name"] == "owner"


def test_who_signs_out_is_out_and_so_is_every_copy_of_the_cookie(browser: Browser) -> None:
    browser.sign_in("owner")
    copied = Browser(browser.serving, browser.cookie)

    signed_out = browser.ask("DELETE", "/v1/session")

    assert signed_out.status_code == 204
    assert signed_out.headers["set-cookie"].startswith("weili_session=; Path=/; Max-Age=0")
    assert copied.ask("GET", "/v1/session").status_code == 401
    ended = {"cookie": f"weili_session={copied.cookie}"}
    planted = browser.serving.ask(None, "DELETE", "/v1/session", headers=ended)
    assert (planted.status_code, planted.json()["code"]) == (403, "console_header_missing")
    again = copied.ask("DELETE", "/v1/session")
    assert again.status_code == 204
    assert again.headers["set-cookie"].startswith("weili_session=; Path=/; Max-Age=0")


def test_each_sign_in_has_a_token_of_its_own_and_what_was_planted_is_not_taken(
    browser: Browser,
) -> None:
    browser.sign_in("owner")
    first = browser.cookie
    browser.sign_in("owner")

    assert browser.cookie != first
    planted = Browser(browser.serving, "sandbox." + "p" * 43)
    planted.sign_in("owner")
    assert planted.cookie != "sandbox." + "p" * 43


def test_a_person_ends_a_session_that_was_left_open_elsewhere(browser: Browser) -> None:
    left_open = Browser(browser.serving)
    left_open.sign_in("money")
    browser.sign_in("money")

    items = browser.ask("GET", "/v1/sessions").json()["items"]
    assert [item["is_this"] for item in items[:2]] == [True, False]
    rival = Browser(browser.serving)
    rival.sign_in("rival")
    assert rival.ask("DELETE", f"/v1/sessions/{items[1]['id']}").status_code == 404
    assert browser.ask("DELETE", f"/v1/sessions/{items[1]['id']}").status_code == 204
    assert left_open.ask("GET", "/v1/session").status_code == 401
    assert browser.ask("GET", "/v1/session").status_code == 200


def test_a_changed_password_ends_all_other_sessions(browser: Browser) -> None:
    other = Browser(browser.serving)
    other.sign_in("packer")
    browser.sign_in("packer")
    new = "a cup of green tea"

    wrong = browser.ask("POST", "/v1/password", {"old": "not mine at all", "new": new})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "password_refused")
    changed = browser.ask("POST", "/v1/password", {"old": PASSWORD, "new": new})
    assert changed.json() == {"done": True}

    assert other.ask("GET", "/v1/session").status_code == 401
    assert browser.ask("GET", "/v1/session").status_code == 200
    assert Browser(browser.serving).sign_in("packer").status_code == 401
    assert browser.ask("POST", "/v1/password", {"old": new, "new": PASSWORD}).status_code == 200


def test_a_pause_says_how_long_it_is(browser: Browser) -> None:
    for _ in range(5):
        refused = browser.sign_in("nobody", "wrong and wrong")
        assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_refused")

    paused = browser.sign_in("nobody", "wrong and wrong")

    assert (paused.status_code, paused.json()["code"]) == (429, "sign_in_paused")
    assert 0 < int(paused.headers["retry-after"]) <= 900


def test_thirty_tries_of_one_who_came_through_this_machines_proxy_pause_that_address(
    browser: Browser,
) -> None:
    with browser.serving.market.world.begin() as ctx:
        mark = tries.address_mark(ctx, "203.0.113.9")
        now = wall_now()
        for _ in range(30):
            store.try_count(ctx, mark=mark, now=now, since=now - identity.TRIES_WITHIN)
    body = {"email": email("clerk"), "password": PASSWORD}

    # What a stranger put before it is not what the proxy says.
    told = {"x-forwarded-for": "198.51.100.1, 203.0.113.9"}
    assert browser.ask("POST", "/v1/session", body, **told).status_code == 429
    elsewhere = {"x-forwarded-for": "203.0.113.9, 198.51.100.1"}
    assert browser.ask("POST", "/v1/session", body, **elsewhere).status_code == 201
    assert browser.ask("POST", "/v1/session", body).status_code == 201


def test_half_of_an_ipv6_address_counts_as_one(browser: Browser) -> None:
    with browser.serving.market.world.begin() as ctx:
        mark = tries.address_mark(ctx, "2001:db8:1:2::/64")
        now = wall_now()
        for _ in range(30):
            store.try_count(ctx, mark=mark, now=now, since=now - identity.TRIES_WITHIN)
    body = {"email": email("clerk"), "password": PASSWORD}

    for told in ("2001:db8:1:2::1", "2001:DB8:1:2:ffff:0:0:9"):
        paused = browser.ask("POST", "/v1/session", body, **{"x-forwarded-for": told})
        assert paused.status_code == 429
    for told in ("2001:db8:1:3::1", "::ffff:203.0.113.44"):
        signed_in = browser.ask("POST", "/v1/session", body, **{"x-forwarded-for": told})
        assert signed_in.status_code == 201


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"email": "not an address", "password": PASSWORD}, "/email"),
        ({"email": "a@b.cn", "password": ""}, "/password"),
        ({"email": "a@b.cn", "password": "x" * 201}, "/password"),
        ({"email": "a@b.cn"}, "/password"),
        ({"email": "a@b.cn", "password": PASSWORD, "world": "live"}, "/world"),
        ({"email": "a@b.cn", "password": PASSWORD, "party": "pty_1"}, "/party"),
        ({"email": "a@b.cn", "password": PASSWORD, "more": 1}, "/more"),
    ],
)
def test_a_malformed_sign_in_is_told_what_is_wrong(
    browser: Browser, body: dict[str, Any], path: str
) -> None:
    refused = browser.ask("POST", "/v1/session", body)

    assert refused.status_code == 400
    assert [field["path"] for field in refused.json()["fields"]] == [path]
    assert PASSWORD not in refused.text


def test_a_strangers_body_is_read_within_a_small_bound(browser: Browser) -> None:
    body = {"email": "a@b.cn", "password": "x" * OPEN_BYTES_MAX}

    assert browser.ask("POST", "/v1/session", body).status_code == 413


def test_who_comes_when_the_line_is_full_is_told_to_come_back(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "LINE_MAX", 0)

    busy = browser.sign_in("owner")

    assert (busy.status_code, busy.json()["code"]) == (429, "busy")
    assert browser.serving.placed()["state"]


def test_whoever_asks_is_told_the_worlds(browser: Browser) -> None:
    assert browser.serving.http.get("/v1/worlds").json() == {
        "worlds": [{"name": "sandbox", "is_sandbox": True}]
    }


def test_no_line_of_the_log_has_a_password_or_a_token(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        browser.sign_in("owner")
        token = browser.cookie
        browser.ask("GET", "/v1/session")
        browser.sign_in("owner", "wrong and wrong")
        browser.ask("POST", "/v1/session", {"email": email("owner"), "password": ["a secret"]})

    # The client's own library tells what it sent and got.
    told = [r.getMessage() for r in caplog.records if not r.name.startswith("http")]
    assert "POST /v1/session 201" in told
    for secret in (PASSWORD, token, token.partition(".")[2], "wrong and wrong", "a secret"):
        assert not any(secret in line for line in told)


def test_an_owner_lets_a_colleague_in_by_a_link_that_works_once(
    browser: Browser, staff: dict[str, parties.Person]
) -> None:
    browser.sign_in("owner")
    body = {"name": "新来的", "email": "fresh@example.cn", "role": "clerk"}
    added = browser.ask("POST", "/v1/people", body, **{"idempotency-key": "people-1"})
    assert added.status_code == 201, added.text
    person_id = added.json()["id"]
    assert person_id in browser.ask("GET", "/v1/people").text
    first, second = (
        browser.ask("POST", f"/v1/people/{person_id}:invite").json()["link"] for _ in range(2)
    )

    page, _, token = second.partition("#")
    assert (page, token[:8]) == ("/console/invitation", "sandbox.")
    fresh = Browser(browser.serving)
    accept = "/v1/invitations:accept"
    replaced = {"token": first.partition("#")[2], "password": PASSWORD}
    assert fresh.ask("POST", accept, replaced).json()["code"] == "link_ended"
    weak = fresh.ask("POST", accept, {"token": token, "password": "1234567890"})
    assert [field["code"] for field in weak.json()["fields"]] == ["password_common"]
    accepted = fresh.ask("POST", accept, {"token": token, "password": PASSWORD})
    assert accepted.status_code == 201, accepted.text
    assert accepted.json()["person"]["id"] == person_id
    assert fresh.ask("GET", "/v1/session").json() == accepted.json()
    again = Browser(browser.serving).ask("POST", accept, {"token": token, "password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (404, "link_ended")
    assert Browser(browser.serving).sign_in("fresh").status_code == 201
    # Who made the link could have used it, so the two are one where two must agree.
    with browser.serving.market.world.begin() as ctx:
        assert parties.key_line(ctx, key_id=person_id) == {
            person_id,
            id_text("per", staff["owner"].id),
        }


@pytest.mark.parametrize(
    "token", ["", "sandbox", "sandbox.", "sandbox." + "x" * 43, "live." + "x" * 43, "x" * 201]
)
def test_a_link_that_was_never_made_works_not_at_all(browser: Browser, token: str) -> None:
    rows = browser.serving.rows()
    body = {"token": token, "password": PASSWORD}

    assert browser.ask("POST", "/v1/invitations:accept", body).status_code in {400, 404}
    assert browser.serving.rows() == rows


def test_the_operator_invites_people_of_any_party_and_others_of_their_own_alone(
    browser: Browser, staff: dict[str, parties.Person]
) -> None:
    party_id, person_id = (
        id_text("pty", browser.serving.market.grocer),
        id_text("per", staff["packer"].id),
    )
    browser.sign_in("owner")
    assert browser.ask("POST", f"/v1/people/{person_id}:invite").status_code == 404
    there = f"/v1/operator/parties/{party_id}/people/{person_id}:invite"
    assert browser.ask("POST", there).status_code == 403
    browser.sign_in("admin")
    made = browser.ask("POST", there)
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    elsewhere = there.replace(party_id, id_text("pty", browser.serving.market.street))
    assert browser.ask("POST", elsewhere).status_code == 404


def test_who_sets_up_a_second_factor_is_asked_for_it(browser: Browser) -> None:
    browser.sign_in("guard")
    wrong = browser.ask("POST", "/v1/second-factor", {"password": "not mine at all"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "password_refused")
    elsewhere = Browser(browser.serving)
    elsewhere.sign_in("guard")
    begun = browser.ask("POST", "/v1/second-factor", {"password": PASSWORD})
    assert (begun.status_code, begun.headers["cache-control"]) == (201, "no-store")
    secret = base64.b32decode(begun.json()["secret"])
    step = int(wall_now().timestamp()) // 30
    wrong = browser.ask("POST", "/v1/second-factor:confirm", {"code": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "code_refused")
    confirmed = browser.ask("POST", "/v1/second-factor:confirm", {"code": totp_code(secret, step)})
    codes = confirmed.json()["recovery_codes"]
    assert len(codes) == 10
    assert elsewhere.ask("GET", "/v1/session").status_code == 401
    assert browser.ask("GET", "/v1/session").json()["has_second_factor"] is True

    needed = browser.sign_in("guard")
    assert (needed.status_code, needed.json()["code"]) == (401, "second_factor_needed")
    used = browser.sign_in("guard", code=totp_code(secret, step))
    assert (used.status_code, used.json()["code"]) == (422, "code_refused")
    signed_in = browser.sign_in("guard", code=codes[0])
    assert (signed_in.status_code, signed_in.json()["has_second_factor"]) == (201, True)

    removed = browser.ask("POST", "/v1/second-factor:remove", {"password": PASSWORD})
    assert removed.json() == {"done": True}
    assert browser.sign_in("guard").json()["has_second_factor"] is False


def test_who_leaves_is_out_at_once_and_may_be_invited_again(
    browser: Browser, staff: dict[str, parties.Person]
) -> None:
    leaver = Browser(browser.serving)
    leaver.sign_in("leaver")
    person_id = id_text("per", staff["leaver"].id)
    end = f"/v1/people/{person_id}:endAccess"
    body = {"reason": "left the company"}
    browser.sign_in("rival")
    refused = browser.ask("POST", end, body, **{"idempotency-key": "leaver-1"})
    assert refused.status_code == 404
    assert leaver.ask("GET", "/v1/session").status_code == 200

    browser.sign_in("owner")
    unused = browser.ask("POST", f"/v1/people/{person_id}:invite").json()["link"]
    for key in ("leaver-2", "leaver-3"):
        ended = browser.ask("POST", end, body, **{"idempotency-key": key})
        assert ended.json() == {"done": True}

    assert leaver.ask("GET", "/v1/session").status_code == 401
    assert leaver.sign_in("leaver").status_code == 401
    accept = {"token": unused.partition("#")[2], "password": PASSWORD}
    assert leaver.ask("POST", "/v1/invitations:accept", accept).status_code == 404
    again = browser.ask("POST", f"/v1/people/{person_id}:invite").json()["link"]
    accept["token"] = again.partition("#")[2]
    assert leaver.ask("POST", "/v1/invitations:accept", accept).status_code == 201
