"""Every route, asked by every kind of key, by none, and by one that was revoked."""

import pytest

from tests.entrypoints.http.conftest import Serving
from weili.entrypoints.http.policy import APPLICANT, OPEN, POLICY, PUBLIC
from weili.modules import parties

ID = "01jd3f8k2m4n6p8q0r2s4t6v8w"
PARTS = {
    "{carrier_code}": "SF",
    "{code}": "330106",
    "{selection_id}": f"sel_{ID}",
    "{word}": "tea",
    "{sku_id}": f"sku_{ID}",
    "{order_id}": f"ord_{ID}",
    "{number}": "A-1",
    "{name}": "a-sheet",
    "{child_id}": f"chd_{ID}",
    "{package_id}": f"pkg_{ID}",
    "{party_id}": f"pty_{ID}",
    "{deposit_id}": f"dep_{ID}",
    "{withdrawal_id}": f"wdr_{ID}",
    "{correction_id}": f"cor_{ID}",
    "{month}": "2026-10",
    "{list_name}": "new",
    "{person_id}": f"per_{ID}",
    "{key_id}": f"key_{ID}",
    "{pool_id}": f"pol_{ID}",
    "{category_id}": f"cat_{ID}",
    "{revision_id}": f"rev_{ID}",
    "{spu_code}": "CF",
    "{address}": "0" * 64 + ".png",
    "{list_id}": f"lst_{ID}",
    "{template_id}": f"frt_{ID}",
    "{change_id}": f"chg_{ID}",
    "{proposal_id}": f"cpr_{ID}",
    "{channel}": "creator",
    "{warehouse_id}": f"whs_{ID}",
    "{arrival_id}": f"arv_{ID}",
    "{transfer_id}": f"stf_{ID}",
    "{count_id}": f"cnt_{ID}",
    "{share_id}": f"shr_{ID}",
    "{session_id}": f"ses_{ID}",
    "{job_id}": "7",
    "{application_id}": f"apl_{ID}",
    "{document_id}": f"doc_{ID}",
    "{terms_id}": f"trm_{ID}",
}
KINDS = {
    "street": parties.PartyKind.PARTNER,
    "grocer": parties.PartyKind.SUPPLIER,
    "operator": parties.PartyKind.OPERATOR,
}


def _target(path: str) -> str:
    for part, value in PARTS.items():
        path = path.replace(part, value)
    return path


@pytest.mark.parametrize("who", KINDS)
def test_each_kind_of_party_reaches_its_own_routes_alone(serving: Serving, who: str) -> None:
    scopes = parties.ROLE_SCOPES[KINDS[who]]
    rows = serving.rows()
    for (method, path), scope in POLICY.items():
        # An empty body is malformed everywhere, so that what is admitted still changes nothing.
        response = serving.ask(who, method, _target(path), {} if method != "GET" else None)
        is_admitted = not scope or scope in scopes
        assert (response.status_code != 403) == is_admitted, (method, path, response.text)
        if not is_admitted:
            assert response.json()["code"] == "forbidden"
            assert response.json()["members"]["needs"] == scope
    assert serving.rows() == rows


def test_nobody_reaches_anything_without_a_key_or_with_a_revoked_one(serving: Serving) -> None:
    key_id, credentials = serving.key(
        serving.market.street, parties.ROLE_SCOPES[parties.PartyKind.PARTNER]
    )
    with serving.market.world.begin() as ctx:
        parties.key_revoke(ctx, key_id=key_id, reason="test")
    rows = serving.rows()
    for method, path in POLICY:
        target = _target(path)
        assert serving.http.request(method, target).status_code == 401, path
        headers = credentials.headers(method, target, b"")
        revoked = serving.http.request(method, target, headers=headers)
        assert revoked.status_code == 401, path
        assert "revoked" in revoked.json()["detail"]
    assert serving.rows() == rows


def test_a_key_with_one_scope_reaches_the_routes_of_that_scope_alone(serving: Serving) -> None:
    for scope in sorted(parties.ROLE_SCOPES[parties.PartyKind.PARTNER]):
        key_id, serving.keys[scope] = serving.key(serving.market.street, frozenset({scope}))
        for (method, path), needs in POLICY.items():
            body = {} if method != "GET" else None
            response = serving.ask(scope, method, _target(path), body)
            assert (response.status_code != 403) == (needs in {"", scope}), (method, path, scope)
        with serving.market.world.begin() as ctx:
            parties.key_revoke(ctx, key_id=key_id, reason="test over")


def test_the_table_names_every_route_and_only_scopes_that_exist(serving: Serving) -> None:
    document = serving.http.get("/openapi.json").json()
    routes = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert routes == {*POLICY, *OPEN, *(("GET", path) for path in PUBLIC - {"/openapi.json"})}
    known = frozenset().union(*parties.ROLE_SCOPES.values())
    assert set(POLICY.values()) - {""} <= known | {APPLICANT}
    # No key and no session may be given what the link of an application gives.
    assert APPLICANT not in known
