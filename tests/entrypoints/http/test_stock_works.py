"""A supplier's stock over HTTP: updates by rows, what comes in, transfers, counts, days, shares."""

from datetime import timedelta
from typing import Any

from tests.entrypoints.http.conftest import Serving
from tests.market import XIHU
from weili.kit import zone
from weili.kit.ids import id_text
from weili.modules import goods, inventory, parties


def _ids(serving: Serving) -> tuple[str, str, str]:
    market = serving.market
    return (
        id_text(goods.SKU_PREFIX, market.hidden),
        id_text(inventory.WAREHOUSE_PREFIX, market.near),
        id_text(inventory.WAREHOUSE_PREFIX, market.far),
    )


def _day(serving: Serving, days: int) -> str:
    with serving.market.world.begin() as ctx:
        return (zone.day_of(ctx.now) + timedelta(days=days)).isoformat()


def _post(serving: Serving, path: str, body: dict[str, Any], who: str = "grocer") -> dict[str, Any]:
    response = serving.ask(who, "POST", path, body, key=True)
    assert response.status_code in {200, 201}, response.text
    return dict(response.json())


def test_a_supplier_runs_its_stock(serving: Serving) -> None:
    sku_id, near, far = _ids(serving)
    place = {"sku_id": sku_id, "warehouse_id": near}

    rows = [{**place, "on_hand": 20, "low_below": 5}, {**place, "on_hand": 1, "version": 0}]
    done, refused = _post(serving, "/v1/supply/stock:update", {"rows": rows})["items"]
    assert (done["outcome"], done["level"]["on_hand"]) == ("done", 20)
    assert (refused["outcome"], refused["problem"]["code"]) == ("refused", "stock_version_stale")

    body = {"arrivals": [{**place, "quantity": 5, "expected_on": _day(serving, 2)}]}
    body["arrivals"][0]["reference"] = "po 9"
    [arrival] = _post(serving, "/v1/supply/arrivals", body)["items"]
    came = _post(serving, f"/v1/supply/arrivals/{arrival['id']}:receive", {"received": 5})
    assert (came["state"], came["received"]) == ("received", 5)

    sent = _post(
        serving,
        "/v1/supply/transfers",
        {
            "from_warehouse_id": near,
            "to_warehouse_id": far,
            "expected_on": _day(serving, 1),
            "reference": "truck",
            "lines": [{"sku_id": sku_id, "quantity": 4}],
        },
    )
    lines = [{"sku_id": sku_id, "received": 3}]
    got = _post(
        serving,
        f"/v1/supply/transfers/{sent['id']}:receive",
        {"lines": lines, "reason": "one lost"},
    )
    assert [(line["quantity"], line["received"]) for line in got["lines"]] == [(4, 3)]

    count = _post(
        serving,
        "/v1/supply/counts",
        {"warehouse_id": near, "reference": "nov", "sku_ids": [sku_id]},
    )
    lines = [{"sku_id": sku_id, "counted": 19, "reason": "two missing"}]
    booked = _post(serving, f"/v1/supply/counts/{count['id']}:book", {"lines": lines})
    assert [line["difference"] for line in booked["lines"]] == [-2]  # 20 + 5 - 4 = 21

    broken = {"rows": [{**place, "quantity": 1, "reason": "wet"}], "reference": "flood"}
    [level] = _post(serving, "/v1/supply/stock:writeOff", broken)["items"]
    assert level["on_hand"] == 18
    for path in ("arrivals", "transfers", "counts"):
        assert serving.ask("grocer", "GET", f"/v1/supply/{path}").json()["items"]
        assert serving.ask("operator", "GET", f"/v1/operator/{path}").json()["items"]


def test_a_warehouse_that_is_closed_promises_later_days(serving: Serving) -> None:
    _, near, _ = _ids(serving)
    ask = {
        "items": [
            {
                "sku_id": id_text(goods.SKU_PREFIX, serving.market.tea),
                "area_code": XIHU,
                "on": _day(serving, 9),
            }
        ]
    }
    calendar = {
        "cutoff_minute": 0,
        "work_days": [1, 2, 3, 4, 5, 6, 7],
        "closed_on": [_day(serving, 1)],
    }

    shown = serving.ask("grocer", "PUT", f"/v1/supply/warehouses/{near}/calendar", calendar)

    assert shown.json()["closed_on"] == calendar["closed_on"]
    [told] = serving.ask("street", "POST", "/v1/stock:batchGet", ask).json()["items"]
    assert (told["state"], told["ships_on"]) == ("in_stock", _day(serving, 2))
    assert told["arrives_on"] == _day(serving, 2 + told["lead_days"])


def test_the_operator_keeps_stock_for_a_partner(serving: Serving) -> None:
    sku_id, near = id_text(goods.SKU_PREFIX, serving.market.tea), _ids(serving)[1]
    street = id_text(parties.PARTY_PREFIX, serving.market.street)
    share = {
        "sku_id": sku_id,
        "warehouse_id": near,
        "partner_ids": [street],
        "quantity": 3,
        "ends_at": f"{_day(serving, 1)}T12:00:00Z",
    }

    [made] = _post(serving, "/v1/operator/shares", {"shares": [share]}, "operator")["items"]

    assert made["partner_ids"] == [street]
    [mine] = serving.ask("street", "GET", "/v1/shares").json()["items"]
    assert (mine["id"], mine["unsold"]) == (made["id"], 3)
    assert "partner_ids" not in mine
    _post(serving, f"/v1/operator/shares/{made['id']}:end", {}, "operator")
    [mine] = serving.ask("street", "GET", "/v1/shares").json()["items"]
    assert mine["ended_at"] is not None


def test_a_supplier_can_not_touch_another_suppliers_stock(serving: Serving) -> None:
    sku_id = id_text(goods.SKU_PREFIX, serving.market.eggs)
    barn = id_text(inventory.WAREHOUSE_PREFIX, serving.market.barn)
    rows = serving.rows()
    place = {"sku_id": sku_id, "warehouse_id": barn}
    body = {"arrivals": [{**place, "quantity": 5, "expected_on": _day(serving, 2)}]}
    body["arrivals"][0]["reference"] = "po"

    refused = serving.ask("grocer", "POST", "/v1/supply/arrivals", body, key=True)

    assert refused.status_code == 404
    assert serving.rows() == rows
    [row] = _post(serving, "/v1/supply/stock:update", {"rows": [{**place, "on_hand": 1}]})["items"]
    assert row["problem"]["code"] == "not_found"
