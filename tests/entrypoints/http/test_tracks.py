"""A parcel's way as its carrier pushes it and as the partner reads it."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.entrypoints.http.conftest import Serving
from tests.entrypoints.http.test_supply import _queued
from weili.adapters.carriers.simulator import CarrierSimulator
from weili.adapters.suppliers.platform_api import Credentials
from weili.kit.world import in_transaction
from weili.modules import parties
from weili.workflows.follow_parcels import parcels_followed

EVENT = {
    "event_id": "e1",
    "kind": "delivered",
    "occurred_at": "2026-11-20T18:00:00+08:00",
    "place": "西湖区",
    "text": "已签收",
}


def push(
    serving: Serving, number: str, *events: dict[str, Any], who: str = "operator"
) -> dict[str, Any]:
    """Push what a carrier tells, as the carrier's own key would."""
    body = {
        "carrier_code": "SF",
        "parcels": [{"waybill_number": number, "events": list(events)}],
    }
    response = serving.ask(who, "POST", "/v1/tracks:push", body)
    assert response.status_code == 200, response.text
    return response.json()


def sent(serving: Serving, number: str) -> dict[str, Any]:
    """Place an order and ship it under a waybill number."""
    order, child_id = _queued(serving, 1)
    path = f"/v1/supply/orders/{child_id}"
    serving.ask("grocer", "POST", f"{path}:take", key=True)
    body = {
        "carrier_code": "SF",
        "waybill_number": number,
        "lines": [{"line_no": 1, "quantity": 1}],
    }
    assert serving.ask("grocer", "POST", f"{path}:ship", body, key=True).status_code == 201
    return order


def test_a_carriers_key_pushes_and_the_partner_reads(serving: Serving) -> None:
    # Given a parcel under way, and a key that may do nothing but push
    order = sent(serving, "SF700001")
    _, serving.keys["carrier"] = serving.key(serving.operator, frozenset({"tracks:write"}))
    # When the carrier tells twice that it arrived, and then of a late scan
    late = EVENT | {"event_id": "e2", "kind": "in_transit", "occurred_at": "2026-11-21T01:00:00Z"}
    for event in (EVENT, EVENT, late):
        assert push(serving, "SF700001", event, who="carrier") == {
            "known": ["SF700001"],
            "unknown": [],
        }
        in_transaction(serving.market.world.begin, parcels_followed)
    # Then the partner sees it delivered, and the whole way in the carrier's time
    seen = serving.ask("street", "GET", f"/v1/orders/{order['id']}").json()
    assert seen["state"] == "delivered"
    [package] = serving.ask("street", "GET", f"/v1/orders/{order['id']}/tracks").json()["packages"]
    assert (package["carrier_name"], package["state"]) == ("顺丰速运", "delivered")
    assert [(track["kind"], track["occurred_at"]) for track in package["tracks"]] == [
        ("delivered", "2026-11-20T10:00:00.000000Z"),
        ("in_transit", "2026-11-21T01:00:00.000000Z"),
    ]
    # And nobody else sees that there is such an order
    assert serving.ask("creator", "GET", f"/v1/orders/{order['id']}/tracks").status_code == 404


def test_a_push_that_can_not_be_read_changes_nothing(serving: Serving) -> None:
    sent(serving, "SF700002")
    rows = serving.rows()
    bad: list[dict[str, Any]] = [
        {"kind": "eaten"},
        {"occurred_at": "2026-11-20T18:00:00"},
        {"occurred_at": "1970-01-01T00:00:00Z"},
        {"event_id": ""},
        {"revision": -1},
        {"text": "x" * 301},
        {"text": "two\nlines"},
        {"place": "\0"},
        {"surprise": 1},
    ]
    for change in bad:
        parcel = {"waybill_number": "SF700002", "events": [EVENT | change]}
        body = {"carrier_code": "SF", "parcels": [parcel]}
        response = serving.ask("operator", "POST", "/v1/tracks:push", body)
        assert (response.status_code, response.json()["code"]) == (400, "input_invalid"), change
    for code in ("NONE", "other"):
        parcel = {"waybill_number": "SF700002", "events": [EVENT]}
        body = {"carrier_code": code, "parcels": [parcel]}
        response = serving.ask("operator", "POST", "/v1/tracks:push", body)
        assert response.json()["code"] == "carrier_unknown"
    assert push(serving, "SF-nobodys", EVENT) == {"known": [], "unknown": ["SF-nobodys"]}
    assert serving.rows() == rows


def test_a_push_with_a_forged_signature_is_nobodys(serving: Serving) -> None:
    body = b'{"carrier_code":"SF","parcels":[]}'
    headers = serving.keys["operator"].headers("POST", "/v1/tracks:push", b"{}")
    response = serving.http.request("POST", "/v1/tracks:push", content=body, headers=headers)
    assert response.status_code == 401


def test_whatever_a_carrier_and_strangers_push_each_parcel_ends_once(serving: Serving) -> None:
    # Given three parcels of a carrier that pushes rudely, and strangers who push in its name
    ends = {"SF720001": "delivered", "SF720002": "delivered", "SF720003": "refused"}
    orders = {number: sent(serving, number) for number in ends}
    _, signer = serving.key(serving.operator, frozenset({"tracks:write"}))
    address = urlsplit(serving.url)
    carrier = CarrierSimulator(
        seed=5, secret="not asked here", began_at=datetime(2026, 11, 20, tzinfo=UTC)
    )
    with carrier:
        for number, end in ends.items():
            carrier.carry(number, end=end)
        # When it tells everything, much of it twice and the last things first, and then once more
        for _ in range(2):
            carrier.push(
                host=str(address.hostname),
                port=int(address.port or 0),
                credentials=Credentials(signer.key_id, signer.secret),
                carrier_code="SF",
            )
            in_transaction(serving.market.world.begin, parcels_followed)
    # Then every push was known, every forged one refused, and each parcel ended as it did
    counts = carrier.counts
    assert counts["forged"] == counts["forged_refused"] > 0
    assert counts["pushes_cut"] > 0
    assert counts["pushed"] == counts["pushes_known"]
    for number, order in orders.items():
        path = f"/v1/orders/{order['id']}/tracks"
        [package] = serving.ask("street", "GET", path).json()["packages"]
        kinds = [track["kind"] for track in package["tracks"]]
        # Each of its five events once, in the order in which they happened.
        assert (len(kinds), kinds[0], kinds[-1]) == (5, "picked_up", ends[number])
        assert package["state"] == {"refused": "returning"}.get(ends[number], ends[number])


def test_carriers_are_listed_and_one_without_a_code_is_named(serving: Serving) -> None:
    items = serving.ask("grocer", "GET", "/v1/carriers").json()["items"]
    assert {"code": "SF", "name": "顺丰速运", "name_en": "SF Express"} in items
    _, child_id = _queued(serving, 1)
    path = f"/v1/supply/orders/{child_id}"
    serving.ask("grocer", "POST", f"{path}:take", key=True)
    parcel = {"waybill_number": "X1", "lines": [{"line_no": 1, "quantity": 1}]}
    rows = serving.rows()
    for named, code in (
        ({"carrier_code": "NONE"}, "carrier_unknown"),
        ({"carrier_code": "other"}, "carrier_name_amiss"),
        ({"carrier_code": "SF", "carrier_name": "城际冷链"}, "carrier_name_amiss"),
        ({"carrier_code": "SF", "waybill_number": "YT1"}, "waybill_malformed"),
    ):
        response = serving.ask("grocer", "POST", f"{path}:ship", parcel | named, key=True)
        assert (response.status_code, response.json()["code"]) == (400, code)
    assert serving.rows() == rows
    named = parcel | {"carrier_code": "other", "carrier_name": "城际冷链"}
    package = serving.ask("grocer", "POST", f"{path}:ship", named, key=True).json()
    assert (package["carrier_code"], package["carrier_name"]) == ("other", "城际冷链")


@pytest.mark.parametrize("code", ["NONE", "other"])
def test_only_a_known_carrier_has_a_connection(serving: Serving, code: str) -> None:
    body = {"base_url": "https://tracks.example", "secret": "sixteen-letters-or-more"}
    path = f"/v1/operator/carriers/{code}/connection"
    rows = serving.rows()
    assert serving.ask("operator", "PUT", path, body).json()["code"] == "carrier_unknown"
    assert serving.rows() == rows
    known = serving.ask("operator", "PUT", "/v1/operator/carriers/SF/connection", body)
    assert known.json() == {"carrier_code": "SF", "base_url": "https://tracks.example"}


def test_the_scope_of_pushing_is_the_operators_to_give() -> None:
    kinds = [kind for kind, scopes in parties.ROLE_SCOPES.items() if "tracks:write" in scopes]
    assert kinds == [parties.PartyKind.OPERATOR]
