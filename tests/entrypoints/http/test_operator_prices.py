"""Price changes, costs, compare-at prices and freight templates through the front."""

from tests.entrypoints.http.conftest import Serving
from weili.kit.ids import id_text


def test_a_change_is_previewed_scheduled_shown_and_cancelled(serving: Serving) -> None:
    market = serving.market
    rice, list_id = id_text("sku", market.rice), id_text("lst", market.price_list)
    body = {
        "prices": [{"sku_id": rice, "unit_price_minor": 5_000}],
        "valid_from": "2090-01-01T08:00:00+08:00",
        "valid_to": "2090-01-02T08:00:00+08:00",
    }
    path = f"/v1/operator/price-lists/{list_id}/changes"
    rows = serving.rows()
    seen = serving.ask("operator", "POST", f"{path}:preview", body)
    assert seen.status_code == 200, seen.text
    [line] = seen.json()["lines"]
    assert (line["old_minor"], line["new_minor"], line["margin_minor"]) == (6_990, 5_000, -200)
    assert line["is_below_cost"]
    refused = serving.ask("operator", "POST", path, body | {"note": "sale"}, key=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "below_cost")
    assert serving.rows() == rows

    reasoned = body | {"note": "sale", "below_cost_reason": "surplus"}
    made = serving.ask("operator", "POST", path, reasoned, key=True)
    assert made.status_code == 201, made.text
    assert made.json()["valid_from"] == "2090-01-01T00:00:00.000000Z"
    change = f"/v1/operator/price-changes/{made.json()['id']}"
    overlap = serving.ask("operator", "POST", path, reasoned, key=True)
    assert overlap.json()["code"] == "price_windows_overlap"
    with serving.client() as client:
        [price] = client.prices([{"sku_id": rice, "quantity": 2}])
    assert (price["unit_price_minor"], price["unit_tax_minor"]) == (6_990, 577)
    assert price["unit_net_minor"] == 6_413
    assert price["valid_until"] == "2090-01-01T00:00:00.000000Z"

    assert serving.ask("operator", "GET", change).json()["prices"][0]["version"] == 2
    cancelled = serving.ask("operator", "POST", f"{change}:cancel", key=True)
    assert cancelled.json()["state"] == "cancelled"
    listed = serving.ask("operator", "GET", "/v1/operator/price-changes?state=cancelled")
    assert made.json()["id"] in [row["id"] for row in listed.json()["items"]]
    history = serving.ask(
        "operator", "GET", f"/v1/operator/price-lists/{list_id}/skus/{rice}/history"
    )
    assert [row["version"] for row in history.json()["items"]] == [1, 2]


def test_a_supplier_asks_for_a_cost_and_the_operator_approves_it(serving: Serving) -> None:
    rice = id_text("sku", serving.market.rice)
    costs = [{"sku_id": rice, "unit_cost_minor": 5_100}]
    with serving.client("grocer") as client:
        [asked] = client.costs_propose(costs, valid_from="2090-01-01T00:00:00Z")
    assert asked["state"] == "submitted"
    foreign = serving.ask("farm", "POST", "/v1/supply/costs", {"costs": costs}, key=True)
    assert foreign.status_code == 404
    own = serving.ask("grocer", "GET", "/v1/supply/costs").json()["items"]
    assert [row["id"] for row in own] == [asked["id"]]
    assert serving.ask("farm", "GET", "/v1/supply/costs").json()["items"] == []
    path = f"/v1/operator/cost-proposals/{asked['id']}"
    approved = serving.ask("operator", "POST", f"{path}:approve", key=True)
    assert approved.json()["state"] == "approved"
    again = serving.ask("operator", "POST", f"{path}:reject", {"reason": "no"}, key=True)
    assert again.json()["code"] == "state_conflict"
    withdrawn = serving.ask("grocer", "POST", f"/v1/supply/costs/{asked['id']}:withdraw", key=True)
    assert withdrawn.json()["state"] == "withdrawn"
    listed = serving.ask("operator", "GET", "/v1/operator/cost-proposals").json()["items"]
    assert [row["state"] for row in listed] == ["withdrawn"]


def test_channels_compare_at_and_freight_templates_are_kept(serving: Serving) -> None:
    market = serving.market
    rice, farm = id_text("sku", market.rice), id_text("pty", market.farm)
    body = {"list_id": id_text("lst", market.price_list)}
    asked = serving.ask("operator", "PUT", "/v1/operator/channels/creator/price-list", body)
    assert asked.json() == {"done": True}
    unknown = serving.ask("operator", "PUT", "/v1/operator/channels/moon/price-list", body)
    assert unknown.status_code == 400
    path = f"/v1/operator/partners/{id_text('pty', market.creator)}/channel"
    assert serving.ask("operator", "PUT", path, {"channel": "creator"}).json() == {"done": True}

    row = {"sku_id": rice, "compare_at_minor": 9_900}
    path = "/v1/operator/compare-at"
    high = serving.ask("operator", "PUT", path, {"rows": [row]})
    assert (high.status_code, high.json()["code"]) == (409, "compare_at_too_high")
    said = serving.ask("operator", "PUT", path, {"rows": [row | {"explanation": "指导价"}]})
    assert said.json() == {"changed": 1, "unchanged": 0}
    [listed] = serving.ask("operator", "GET", path).json()["items"]
    assert listed["explanation"] == "指导价"
    days = serving.ask("operator", "GET", f"/v1/operator/skus/{rice}/transaction-prices")
    assert days.json() == {"items": []}

    path = "/v1/operator/freight-templates"
    made = serving.ask("operator", "POST", path, {"name": "重", "basis": "weight"}, key=True)
    template = made.json()["id"]
    rule = {"region_code": "000000", "base_minor": 800, "first_units": 1_000, "next_units": 500}
    wrong = serving.ask("operator", "PUT", "/v1/operator/freight", {"rules": [rule]})
    assert wrong.status_code == 400
    done = serving.ask("operator", "PUT", f"{path}/{template}/rules", {"rules": [rule]})
    assert done.json() == {"changed": 1, "unchanged": 0}
    [kept] = serving.ask("operator", "GET", f"{path}/{template}/rules").json()["items"]
    assert (kept["first_units"], kept["is_excluded"]) == (1_000, False)
    body = {"template_id": template}
    path_of = f"/v1/operator/suppliers/{farm}/freight-template"
    assert serving.ask("operator", "PUT", path_of, body).json() == {"done": True}
    skus = serving.ask("operator", "PUT", f"{path}/{template}/skus", {"put": [rice]})
    assert skus.json() == {"changed": 1}
    order = serving.order((market.rice, 1))
    render = serving.ask("street", "POST", "/v1/orders:render", order).json()
    assert [problem["code"] for problem in render["problems"]] == ["weight_missing"]
