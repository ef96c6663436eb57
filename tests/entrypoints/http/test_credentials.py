"""Who asks is proved, once, now, and by a key that may; else nothing changes."""

import hashlib
import hmac
import json
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from weili_client import Signer

from tests.entrypoints.http.conftest import Serving
from weili.modules import parties

PARTNER_SCOPES = parties.ROLE_SCOPES[parties.PartyKind.PARTNER]


def _signed(signer: Signer, body: bytes, **changes: object) -> dict[str, str]:
    """Sign a placing by hand, so that any part of it can be bent."""
    timestamp = str(changes.get("timestamp", int(time.time())))
    nonce = str(changes.get("nonce", uuid.uuid4().hex))
    method, target = changes.get("method", "POST"), changes.get("target", "/v1/orders")
    digest = hashlib.sha256(changes.get("signed_body", body)).hexdigest()
    text = f"{method}\n{target}\n{timestamp}\n{nonce}\n{digest}"
    secret = changes.get("secret", signer.secret)
    return {
        "weili-key": changes.get("key_id", signer.key_id),
        "weili-timestamp": timestamp,
        "weili-nonce": nonce,
        "weili-signature": hmac.digest(secret.encode(), text.encode(), "sha256").hex(),
    }


def _signer(serving: Serving, who: str = "street") -> Signer:
    signer = serving.keys[who]
    assert isinstance(signer, Signer)
    return signer


def _refused(serving: Serving, headers: dict[str, str], body: bytes) -> tuple[int, str, str]:
    rows = serving.rows()
    response = serving.http.post("/v1/orders", content=body, headers=headers)
    assert serving.rows() == rows
    problem = response.json()
    if response.status_code == 401:
        assert response.headers["www-authenticate"] == "Bearer"
    return response.status_code, problem["code"], problem["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "another secret"},
        {"signed_body": b"{}"},
        {"method": "PUT"},
        {"target": "/v1/orders?x=1"},
        {"key_id": "key_01jd3f8k2m4n6p8q0r2s4t6v8w"},
    ],
    ids=["secret", "body", "method", "target", "key"],
)
def test_a_forged_signature_is_refused_in_the_same_words(
    serving: Serving, changes: dict[str, Any]
) -> None:
    body = json.dumps(serving.order()).encode()
    status, code, detail = _refused(serving, _signed(_signer(serving), body, **changes), body)
    assert (status, code) == (401, "unauthenticated")
    assert "the key or its proof is wrong" in detail


@pytest.mark.parametrize("off_s", [-301, 302])
def test_a_signature_outside_the_window_is_refused(serving: Serving, off_s: int) -> None:
    body = json.dumps(serving.order()).encode()
    headers = _signed(_signer(serving), body, timestamp=int(time.time()) + off_s)
    status, code, detail = _refused(serving, headers, body)
    assert (status, code) == (401, "unauthenticated")
    assert "300 s" in detail


@pytest.mark.parametrize("missing", parties.SIGNING_HEADERS)
def test_a_signature_that_lacks_a_header_is_refused(serving: Serving, missing: str) -> None:
    body = json.dumps(serving.order()).encode()
    headers = _signed(_signer(serving), body)
    del headers[missing]
    status, code, detail = _refused(serving, headers, body)
    assert (status, code) == (401, "unauthenticated")
    assert missing in detail


def test_a_request_that_was_sent_before_is_refused_on_the_hot_way(serving: Serving) -> None:
    body = json.dumps(serving.order()).encode()
    headers = _signed(_signer(serving), body)
    assert serving.http.post("/v1/orders", content=body, headers=headers).status_code == 201
    assert _refused(serving, headers, body)[:2] == (401, "nonce_replayed")


def test_a_refused_request_stays_refused_when_it_is_sent_again(serving: Serving) -> None:
    order = serving.placed()
    target = f"/v1/orders/{order['id']}:confirmReceipt"
    headers = _signed(_signer(serving), b"", target=target)
    headers["idempotency-key"] = uuid.uuid4().hex
    rows = serving.rows()
    first = serving.http.post(target, headers=headers)
    assert (first.status_code, first.json()["code"]) == (409, "state_conflict")
    again = serving.http.post(target, headers=headers)
    assert (again.status_code, again.json()["code"]) == (401, "nonce_replayed")
    assert serving.rows() == rows


def test_a_look_up_that_was_sent_before_is_refused_too(serving: Serving) -> None:
    headers = _signed(_signer(serving), b"", method="GET", target="/v1/account")
    assert serving.http.get("/v1/account", headers=headers).status_code == 200
    again = serving.http.get("/v1/account", headers=headers)
    assert (again.status_code, again.json()["code"]) == (401, "nonce_replayed")


def test_a_replayed_request_takes_no_neighbour_down(serving: Serving) -> None:
    order = serving.order()
    body = json.dumps({"orders": [order]}).encode()
    headers = _signed(_signer(serving), body, target="/v1/orders:batch")
    assert serving.http.post("/v1/orders:batch", content=body, headers=headers).is_success
    again = serving.http.post("/v1/orders:batch", content=body, headers=headers)
    assert (again.status_code, again.json()["code"]) == (401, "nonce_replayed")
    assert serving.placed()["state"] == "confirmed"


def test_a_bearer_token_works_in_the_sandbox_and_only_whole(serving: Serving) -> None:
    order = serving.order()
    body = json.dumps(order).encode()
    good = serving.keys["bearer"].headers("POST", "/v1/orders", body)
    token = good["authorization"]
    altered = token[:-1] + ("A" if token[-1] != "A" else "B")
    for wrong in (
        altered,
        token.replace("wl_sandbox", "wl_live"),
        token + "x",
        "Bearer",
        "Basic eDp5",
    ):
        status, code, _ = _refused(serving, {"authorization": wrong}, body)
        assert (status, code) == (401, "unauthenticated")
    assert serving.http.post("/v1/orders", content=body, headers=good).status_code == 201


def test_a_token_for_another_world_does_not_hide_the_key_from_its_own(serving: Serving) -> None:
    _, credentials = serving.key(serving.market.street, PARTNER_SCOPES, kind=parties.KeyKind.BEARER)
    good = credentials.headers("GET", "/v1/account", b"")
    wrong = {"authorization": good["authorization"].replace("wl_sandbox", "wl_elsewhere")}
    assert serving.http.get("/v1/account", headers=wrong).status_code == 401
    assert serving.http.get("/v1/account", headers=good).status_code == 200


def test_both_kinds_of_proof_at_once_are_refused(serving: Serving) -> None:
    body = json.dumps(serving.order()).encode()
    both = _signed(_signer(serving), body) | serving.keys["bearer"].headers("", "", b"")
    assert _refused(serving, both, body)[0] == 401


def test_a_key_without_the_scope_is_refused_with_the_scope_it_needs(serving: Serving) -> None:
    _, credentials = serving.key(serving.market.street, frozenset({"orders:read"}))
    body = json.dumps(serving.order()).encode()
    headers = credentials.headers("POST", "/v1/orders", body)
    status, code, detail = _refused(serving, headers, body)
    assert (status, code) == (403, "forbidden")
    assert "orders:write" in detail


def test_a_revoked_key_is_refused_at_once_where_it_was_revoked(serving: Serving) -> None:
    key_id, credentials = serving.key(serving.market.street, PARTNER_SCOPES)
    headers = credentials.headers("GET", "/v1/account", b"")
    assert serving.http.get("/v1/account", headers=headers).status_code == 200
    revoked = serving.ask(
        "operator", "POST", f"/v1/operator/keys/{key_id}:revoke", {"reason": "lost"}, key=True
    )
    assert revoked.json()["revoked_at"] is not None
    body = json.dumps(serving.order()).encode()
    status, code, detail = _refused(serving, credentials.headers("POST", "/v1/orders", body), body)
    assert (status, code) == (401, "unauthenticated")
    assert "revoked" in detail


def test_a_suspended_party_is_refused_until_it_is_resumed(serving: Serving) -> None:
    partner = serving.ask("operator", "GET", "/v1/operator/partners").json()["items"][1]
    assert partner["name"] == "creator"
    path = f"/v1/operator/parties/{partner['id']}"
    assert serving.placed(who="creator")
    suspended = serving.ask("operator", "POST", f"{path}:suspend", {"reason": "late"}, key=True)
    assert suspended.json()["state"] == "suspended"
    body = json.dumps(serving.order()).encode()
    headers = serving.keys["creator"].headers("POST", "/v1/orders", body)
    assert _refused(serving, headers, body)[:2] == (403, "party_suspended")
    serving.ask("operator", "POST", f"{path}:resume", {"reason": "paid"}, key=True)
    assert serving.placed(who="creator")


def test_an_expired_key_is_refused(serving: Serving) -> None:
    with serving.market.world.begin() as ctx:
        issued = parties.key_issue(
            ctx,
            party_id=serving.market.street,
            kind=parties.KeyKind.HMAC,
            scopes=PARTNER_SCOPES,
            label="short",
            expires_at=ctx.now + timedelta(milliseconds=100),
        )
    time.sleep(0.2)
    body = json.dumps(serving.order()).encode()
    signer = Signer(issued.key.id, issued.secret)
    status, code, detail = _refused(serving, _signed(signer, body), body)
    assert (status, code) == (401, "unauthenticated")
    assert "expired" in detail


def test_a_mistyped_path_is_named_before_any_key_is_blamed(serving: Serving) -> None:
    mistyped = serving.http.get("/v1/ordres")
    assert (mistyped.status_code, mistyped.json()["code"]) == (404, "path_unknown")
    there = serving.http.get("/v1/orders/ord_1")
    assert (there.status_code, there.json()["code"]) == (401, "unauthenticated")
