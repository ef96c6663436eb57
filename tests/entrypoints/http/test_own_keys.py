"""Whoever owns a party makes and revokes its keys, signed in: within their own walls and scopes."""

import uuid
from typing import Any

import httpx2
import pytest
from argon2 import PasswordHasher
from weili_client import Signer

from tests.entrypoints.http.conftest import Serving
from tests.entrypoints.http.test_sessions import PASSWORD, Browser, email
from weili.kit.clock import wall_now
from weili.kit.ids import id_text
from weili.modules import identity, parties

ROLES = {
    "keys-owner": ("street", parties.PersonRole.OWNER),
    "keys-rival": ("creator", parties.PersonRole.OWNER),
    "keys-farm": ("farm", parties.PersonRole.OWNER),
    "keys-buyer": ("street", parties.PersonRole.BUYER),
    "keys-admin": ("operator", parties.PersonRole.ADMIN),
}


@pytest.fixture(scope="module")
def desks(serving: Serving) -> dict[str, Browser]:
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    market = serving.market
    party_ids = {
        "street": market.street,
        "creator": market.creator,
        "farm": market.farm,
        "operator": serving.operator,
    }
    with serving.market.world.begin() as ctx:
        for who, (party, role) in ROLES.items():
            person = parties.person_add(
                ctx, party_id=party_ids[party], name=who, email=email(who), role=role
            )
            identity.password_set(
                ctx, person_id=person.id, hashed=hashed, reason="test", now=wall_now()
            )
    found = {who: Browser(serving) for who in ROLES}
    for who, browser in found.items():
        assert browser.sign_in(who).status_code == 201
    return found


def send(browser: Browser, target: str, body: object) -> httpx2.Response:
    return browser.ask("POST", target, body, **{"idempotency-key": uuid.uuid4().hex})


def made(browser: Browser, *scopes: str, label: str = "ERP") -> dict[str, Any]:
    body = {"kind": "hmac", "scopes": list(scopes), "label": label}
    response = send(browser, "/v1/keys", body)
    assert response.status_code == 201, response.text
    return dict(response.json())


def test_an_owner_makes_a_key_that_works_until_it_is_revoked(
    serving: Serving, desks: dict[str, Browser]
) -> None:
    owner = desks["keys-owner"]
    key = made(owner, "orders:read")
    assert key["party_id"] == id_text("pty", serving.market.street)
    # It works for what it was made for, and for nothing else
    serving.keys["made"] = Signer(key["id"], key["secret"])
    assert serving.ask("made", "GET", "/v1/orders").status_code == 200
    assert serving.ask("made", "GET", "/v1/account").status_code == 403
    # It is listed, and its secret nowhere
    listed = owner.ask("GET", "/v1/keys?limit=200")
    assert key["id"] in [one["id"] for one in listed.json()["items"]]
    assert key["secret"] not in listed.text
    # Once revoked it works no more, and both acts are written down with who did them
    revoked = send(owner, f"/v1/keys/{key['id']}:revoke", {"reason": "ERP 更换"})
    assert revoked.json()["revoked_at"] is not None
    assert serving.ask("made", "GET", "/v1/orders").status_code == 401
    with serving.market.world.begin() as ctx:
        acts = parties.audit_page(ctx, search=parties.AuditSearch(subject=key["id"])).items
    assert [(act.action, act.reason) for act in acts] == [
        ("key.revoke", "ERP 更换"),
        ("key.issue", "ERP"),
    ]
    assert all(act.actor.startswith("partner:per_") for act in acts)


@pytest.mark.parametrize("stranger", ["keys-rival", "keys-farm"])
def test_nobody_sees_or_revokes_another_partys_key(
    desks: dict[str, Browser], stranger: str
) -> None:
    key = made(desks["keys-owner"], "orders:read")
    browser = desks[stranger]
    listed = browser.ask("GET", "/v1/keys?limit=200").json()["items"]
    assert key["id"] not in [one["id"] for one in listed]
    refused = send(browser, f"/v1/keys/{key['id']}:revoke", {"reason": "mine"})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    body = {"kind": "hmac", "scopes": ["orders:read"], "label": "x", "party_id": key["party_id"]}
    assert send(browser, "/v1/keys", body).status_code == 400
    mine = desks["keys-owner"].ask("GET", "/v1/keys?limit=200").json()["items"]
    assert [one["revoked_at"] for one in mine if one["id"] == key["id"]] == [None]


def test_a_supplier_has_keys_of_its_own_and_of_its_own_kind(desks: dict[str, Browser]) -> None:
    farm = desks["keys-farm"]
    assert made(farm, "supply:read")["scopes"] == ["supply:read"]
    body = {"kind": "hmac", "scopes": ["orders:write"], "label": "x"}
    refused = send(farm, "/v1/keys", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "scope_not_allowed")


def test_neither_another_role_nor_a_key_makes_keys(
    serving: Serving, desks: dict[str, Browser]
) -> None:
    body = {"kind": "hmac", "scopes": ["orders:read"], "label": "x"}
    buyer = send(desks["keys-buyer"], "/v1/keys", body)
    assert (buyer.status_code, buyer.json()["members"]["needs"]) == (403, "keys:write")
    assert desks["keys-buyer"].ask("GET", "/v1/keys").status_code == 403
    # A key with every scope is still no session
    by_key = serving.ask("street", "POST", "/v1/keys", body, key=True)
    assert by_key.status_code == 401


def test_the_operator_makes_a_key_for_a_partner(
    serving: Serving, desks: dict[str, Browser]
) -> None:
    party_id = id_text("pty", serving.market.street)
    body = {"kind": "hmac", "scopes": ["orders:read"], "label": "ops", "party_id": party_id}
    response = send(desks["keys-admin"], "/v1/operator/keys", body)
    assert response.status_code == 201, response.text
    assert response.json()["party_id"] == party_id
