"""The operator opens a trade from nothing over the API, watches it, and checks it."""

from typing import Any

import pytest
from weili_client import Refused, Signer

from tests import market as markets
from tests.entrypoints.http.conftest import RECIPIENT, Serving
from weili.entrypoints.http import operator_world
from weili.kit.context import Ctx
from weili.kit.findings import Finding
from weili.kit.ids import id_text
from weili.modules import parties

PARTNER_SCOPES = ["account:read", "orders:read", "orders:write", "goods:read"]


def _post(serving: Serving, path: str, body: object, status: int = 201) -> dict[str, Any]:
    response = serving.ask("operator", "POST", f"/v1/operator{path}", body, key=True)
    assert response.status_code == status, response.text
    return response.json()


def _put(serving: Serving, path: str, body: object = None) -> dict[str, Any]:
    response = serving.ask("operator", "PUT", f"/v1/operator{path}", body)
    assert response.status_code == 200, response.text
    return response.json()


def _company(name: str, number: int) -> dict[str, str]:
    return {"name": name, "legal_name": f"{name} Ltd", "uscc": markets._uscc(number)}


def test_a_new_partner_trades_after_a_few_calls(serving: Serving) -> None:
    partner = _post(serving, "/partners", _company("newcomer", 21))
    party = partner["id"]
    pool = _post(serving, "/pools", {"name": "only tea"})
    tea = id_text("sku", serving.market.tea)
    assert _put(serving, f"/pools/{pool['id']}/skus", {"put": [tea]})["changed"] == 1
    assert _put(serving, f"/pools/{pool['id']}/grants/{party}") == {"done": True}
    prices = _post(serving, "/price-lists", {"name": "newcomer"})
    row = {"sku_id": tea, "unit_price_minor": 4_000}
    put = _put(serving, f"/price-lists/{prices['id']}/prices", {"prices": [row]})
    assert put == {"changed": 1, "unchanged": 0}
    _put(serving, f"/partners/{party}/price-list", {"list_id": prices["id"]})
    top_up = {"amount_minor": 100_000, "reference": "bank-1"}
    assert _post(serving, f"/partners/{party}:topUp", top_up)["amount_minor"] == 100_000
    assert _post(serving, f"/partners/{party}:topUp", top_up)["reference"] == "bank-1"
    key = _post(
        serving,
        "/keys",
        {"party_id": party, "kind": "hmac", "scopes": PARTNER_SCOPES, "label": "shop"},
    )
    serving.keys["newcomer"] = Signer(key["id"], key["secret"])
    with serving.client("newcomer") as newcomer:
        line = {"sku_id": tea, "quantity": 2}
        order = newcomer.order_place(
            number="1", area_code=markets.XIHU, recipient=RECIPIENT, lines=[line]
        )
        assert order["goods_minor"] == 2 * 4_000
        # 1,000.00 were paid in once, although the same payment was reported twice.
        assert newcomer.account()["posted_minor"] == 100_000
        with pytest.raises(Refused, match=r"403 forbidden: .* messages:read"):
            newcomer.request("GET", "/v1/messages")
    statement = serving.ask("operator", "GET", f"/v1/operator/parties/{party}/statement").json()
    assert statement["closing"]["posted_minor"] == 100_000
    [found] = [
        item
        for item in serving.ask(
            "operator", "GET", f"/v1/operator/orders?phone={RECIPIENT['phone']}"
        ).json()["items"]
        if item["partner_id"] == party
    ]
    assert found["id"] == order["id"]
    assert found["recipient"]["phone"] == "199******78"


def test_a_supplier_gets_a_warehouse_that_serves_and_a_system_that_takes_orders(
    serving: Serving,
) -> None:
    supplier = _post(serving, "/suppliers", _company("mill", 22))["id"]
    warehouse = _post(
        serving,
        "/warehouses",
        {"supplier_id": supplier, "code": "MILL", "name": "mill", "region_code": markets.XIHU},
    )["id"]
    region = {"region_code": "540000", "priority": 1, "lead_days": 5}
    assert _put(serving, f"/warehouses/{warehouse}/coverage", {"regions": [region]})
    system = {"base_url": "http://127.0.0.1:9/erp", "secret": "s" * 32}
    assert _put(serving, f"/suppliers/{supplier}/connection", system) == {"done": True}
    street = id_text("pty", serving.market.street)
    wrong = serving.ask("operator", "PUT", f"/v1/operator/suppliers/{street}/connection", system)
    assert wrong.status_code == 404
    tea = id_text("sku", serving.market.tea)
    change = {"sku_id": tea, "warehouse_id": warehouse, "on_hand": 7}
    assert _put(serving, "/stock", {"changes": [change]})["items"][0]["on_hand"] == 7
    assert _put(serving, "/costs", {"costs": [{"sku_id": tea, "unit_cost_minor": 3_100}]}) == {
        "changed": 1,
        "unchanged": 0,
    }
    rule = {"region_code": "540000", "base_minor": 3_000}
    assert _put(serving, "/freight", {"rules": [rule]})["changed"] == 1
    lhasa = {"sku_id": tea, "quantity": 7, "area_code": markets.LHASA}
    stock = serving.ask("street", "POST", "/v1/stock:batchGet", {"items": [lhasa]}).json()
    assert stock["items"][0]["state"] == "in_stock"
    assert stock["items"][0]["lead_days"] == 5
    for path in ("suppliers", "warehouses", "price-lists", "pools", "skus"):
        page = serving.ask("operator", "GET", f"/v1/operator/{path}?limit=1").json()
        assert len(page["items"]) == 1
        assert page["next_cursor"] is not None
        target = f"/v1/operator/{path}?limit=1&cursor={page['next_cursor']}"
        after = serving.ask("operator", "GET", target).json()
        assert after["items"][0]["id"] > page["items"][0]["id"]


def test_an_issued_secret_is_answered_again_but_is_nowhere_in_clear(serving: Serving) -> None:
    body = {
        "party_id": id_text("pty", serving.market.creator),
        "kind": "hmac",
        "scopes": ["orders:read"],
        "label": "till",
    }
    headers = {"idempotency-key": "issue-1"}
    first = serving.ask("operator", "POST", "/v1/operator/keys", body, headers=headers)
    again = serving.ask("operator", "POST", "/v1/operator/keys", body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    secret = first.json()["secret"]
    with serving.market.world.begin() as ctx:
        kept = ctx.db.rows("SELECT answer::text FROM kit.idempotency_key WHERE key = 'issue-1'")
    assert secret not in str(kept)
    listed = serving.ask("operator", "GET", f"/v1/operator/keys?party_id={body['party_id']}")
    assert first.json()["id"] in listed.text
    assert secret not in listed.text


def test_an_issued_secret_is_answered_again_to_no_other_key(serving: Serving) -> None:
    body = {
        "party_id": id_text("pty", serving.operator),
        "kind": "hmac",
        "scopes": ["admin:money"],
        "label": "cashier",
    }
    headers = {"idempotency-key": "issue-2"}
    first = serving.ask("operator", "POST", "/v1/operator/keys", body, headers=headers)
    assert first.status_code == 201
    _, serving.keys["clerk"] = serving.key(serving.operator, frozenset({"admin:parties"}))
    rows = serving.rows()

    refused = serving.ask("clerk", "POST", "/v1/operator/keys", body, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert first.json()["secret"] not in refused.text
    assert serving.rows() == rows
    again = serving.ask("operator", "POST", "/v1/operator/keys", body, headers=headers)
    assert again.content == first.content


def test_what_the_policy_forbids_a_kind_is_refused(serving: Serving) -> None:
    rows = serving.rows()
    body = {
        "party_id": id_text("pty", serving.market.creator),
        "kind": "hmac",
        "scopes": ["admin:money"],
        "label": "greedy",
    }
    response = serving.ask("operator", "POST", "/v1/operator/keys", body, key=True)
    assert (response.status_code, response.json()["code"]) == (422, "scope_not_allowed")
    assert serving.rows() == rows


def test_goods_off_the_shelf_can_not_be_ordered(serving: Serving) -> None:
    eggs = id_text("sku", serving.market.eggs)
    shelve = {"sku_ids": [eggs], "state": "off_shelf"}
    assert _post(serving, "/skus:shelve", shelve, status=200) == {"changed": 1}
    body = serving.order((serving.market.eggs, 1))
    assert serving.ask("street", "POST", "/v1/orders", body).json()["code"] == "goods_not_on_sale"
    _post(serving, "/skus:shelve", {**shelve, "state": "on_shelf"}, status=200)
    assert serving.ask("street", "POST", "/v1/orders", body).status_code == 201


def test_a_pool_that_is_taken_back_is_gone(serving: Serving) -> None:
    pool = _post(serving, "/pools", {"name": "for a while"})["id"]
    hidden = id_text("sku", serving.market.hidden)
    street = id_text("pty", serving.market.street)
    _put(serving, f"/pools/{pool}/skus", {"put": [hidden]})
    _put(serving, f"/pools/{pool}/grants/{street}")
    assert serving.ask("street", "GET", f"/v1/skus/{hidden}").status_code == 200
    gone = serving.ask("operator", "DELETE", f"/v1/operator/pools/{pool}/grants/{street}")
    assert gone.json() == {"done": True}
    assert serving.ask("street", "GET", f"/v1/skus/{hidden}").status_code == 404


def test_the_world_is_sound_and_its_clock_can_be_turned(serving: Serving) -> None:
    held = serving.placed(hold=True)
    serving.relayed()
    found = serving.ask("operator", "POST", "/v1/operator/verify").json()
    assert found == {"sound": True, "findings": []}
    before = held["placed_at"]
    turned = serving.ask("operator", "POST", "/v1/operator/clock:turn", {"ahead_s": 3600}, key=True)
    assert turned.json()["now"] > before
    assert serving.placed()["placed_at"] >= turned.json()["now"]
    back = serving.ask("operator", "POST", "/v1/operator/clock:turn", {"ahead_s": -1}, key=True)
    assert back.status_code == 400


def test_one_check_of_the_world_runs_at_a_time(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, str]] = []

    def another(*_: Ctx) -> list[Finding]:
        refused = serving.ask("operator", "POST", "/v1/operator/verify")
        seen.append((refused.status_code, refused.json()["code"]))
        return []

    monkeypatch.setattr(operator_world, "verify_world", another)
    for _ in range(2):
        assert serving.ask("operator", "POST", "/v1/operator/verify").status_code == 200
    assert [code for _, code in seen] == ["busy", "busy"]


def test_an_area_that_a_warehouse_gives_up_is_served_by_the_rest(serving: Serving) -> None:
    # Given the farm's barn, the only place with eggs for Tianjin
    barn = id_text("whs", serving.market.barn)
    ask = {"sku_id": id_text("sku", serving.market.eggs), "area_code": markets.HEXI}
    assert _stock_state(serving, ask) == "in_stock"
    # When its coverage is taken back, twice
    target = f"/v1/operator/warehouses/{barn}/coverage/120000"
    assert serving.ask("operator", "DELETE", target).json() == {"changed": 1}
    assert serving.ask("operator", "DELETE", target).json() == {"changed": 0}
    # Then nobody who serves it has any, until it is covered again
    assert _stock_state(serving, ask) == "none"
    region = {"region_code": "120000", "priority": 2, "lead_days": 2}
    _put(serving, f"/warehouses/{barn}/coverage", {"regions": [region]})
    assert _stock_state(serving, ask) == "in_stock"
    unknown = "/v1/operator/warehouses/whs_01jd3f8k2m4n6p8q0r2s4t6v8w/coverage/120000"
    assert serving.ask("operator", "DELETE", unknown).status_code == 404


def _stock_state(serving: Serving, ask: dict[str, Any]) -> str:
    found = serving.ask("street", "POST", "/v1/stock:batchGet", {"items": [ask]}).json()
    return str(found["items"][0]["state"])


def test_a_persons_address_is_masked_until_somebody_says_why(serving: Serving) -> None:
    # Given someone who buys for a partner
    street = id_text("pty", serving.market.street)
    people = f"/parties/{street}/people"
    body = {"name": "林晓", "email": "lin@example.cn", "role": "buyer"}
    person = _post(serving, people, body)
    assert person["email_masked"] == "l***@example.cn"
    listed = serving.ask("operator", "GET", f"/v1/operator{people}")
    assert listed.json()["items"] == [person]
    assert "lin@" not in listed.text
    # When her address is asked for: without a reason, of another party, and as it should be
    rows = serving.rows()
    reveal = f"/v1/operator{people}/{person['id']}:revealEmail"
    assert serving.ask("operator", "POST", reveal, {"reason": " "}).status_code == 400
    elsewhere = reveal.replace(street, id_text("pty", serving.market.creator))
    foreign = serving.ask("operator", "POST", elsewhere, {"reason": "statement"})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    assert serving.rows() == rows
    shown = serving.ask("operator", "POST", reveal, {"reason": "send the statement"})
    assert shown.json() == {"email": "lin@example.cn"}
    # Then who looked and why is written down, once
    assert serving.rows() == rows | {"parties.audit": rows["parties.audit"] + 1}
    with serving.market.world.begin() as ctx:
        entry = parties.audit_page(ctx, search=parties.AuditSearch(subject=person["id"])).items[0]
    assert (entry.action, entry.reason) == ("person.email_reveal", "send the statement")
    assert entry.actor_party_id == serving.operator


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"email": "lin"}, 400, "input_invalid"),
        ({"email": "lin@例.cn"}, 400, "input_invalid"),
        ({"role": "boss"}, 400, "input_invalid"),
        ({"role": "merchandiser"}, 422, "role_not_allowed"),
        ({"wage": 1}, 400, "input_invalid"),
    ],
)
def test_a_person_that_can_not_be_is_refused(
    serving: Serving, change: dict[str, Any], status: int, code: str
) -> None:
    rows = serving.rows()
    street = id_text("pty", serving.market.street)
    body = {"name": "周", "email": "zhou@example.cn", "role": "buyer"} | change
    target = f"/v1/operator/parties/{street}/people"
    refused = serving.ask("operator", "POST", target, body, key=True)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert serving.rows() == rows
