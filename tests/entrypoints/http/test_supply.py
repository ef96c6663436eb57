"""A supplier's day: its queue, two packages, an arrival, its stock, and nobody else's."""

from typing import Any

import httpx2
import pytest

from tests.entrypoints.http.conftest import RECIPIENT, Serving
from tests.market import TEA_COST_FEN, TEA_FEN
from weili.kit.ids import id_text
from weili.modules import dropship
from weili.workflows.dispatch_orders import orders_queue


def _queued(serving: Serving, quantity: int = 3) -> tuple[dict[str, Any], str]:
    """Place an order of tea and put it into the grocer's queue; gives it and its child's id."""
    order = serving.placed((serving.market.tea, quantity))
    [child] = order["children"]
    with serving.market.world.begin() as ctx:
        found = dropship.order_by_number(
            ctx, partner_id=serving.market.street, number=order["number"]
        )
        orders_queue(ctx, order_ids=[found.id])
    return order, child["id"]


def _listed(serving: Serving, child_id: str) -> dict[str, bool]:
    """Say which lists of the grocer's name a child order."""
    paths = ("", "?state=open", "?state=waiting")
    return {
        path: child_id in serving.ask("grocer", "GET", f"/v1/supply/orders{path}").text
        for path in paths
    }


def test_an_order_is_taken_shipped_in_parts_and_delivered(serving: Serving) -> None:
    order, child_id = _queued(serving, 3)
    owed = serving.market.owed()
    path = f"/v1/supply/orders/{child_id}"
    waiting = serving.ask("grocer", "GET", "/v1/supply/orders?state=waiting").json()["items"]
    mine = next(item for item in waiting if item["id"] == child_id)
    assert mine["recipient"]["name"] == "欧***"
    assert mine["lines"][0]["unit_cost_minor"] == TEA_COST_FEN
    assert "unit_price_minor" not in str(mine)
    taken = serving.ask("grocer", "POST", f"{path}:take", key=True)
    assert taken.json() == {"id": child_id, "state": "released"}
    # What is taken waits no more, and is still to be done
    assert _listed(serving, child_id) == {"": True, "?state=open": True, "?state=waiting": False}
    revealed = serving.ask("grocer", "POST", f"{path}:revealRecipient", {"reason": "label"})
    assert revealed.json() == RECIPIENT

    first = _ship(serving, path, "SF1", 2)
    again = _ship(serving, path, "SF1", 2)
    assert again["id"] == first["id"]
    assert _listed(serving, child_id)["?state=open"]
    second = _ship(serving, path, "SF2", 1)
    assert not any(_listed(serving, child_id).values())
    # Three tins at a cost of 30.00 each are owed now.
    assert serving.market.owed() - owed == 3 * TEA_COST_FEN
    seen = serving.ask("street", "GET", f"/v1/orders/{order['id']}").json()
    assert seen["state"] == "shipped"
    assert [p["waybill_number"] for p in seen["packages"]] == ["SF1", "SF2"]

    for package in (first, second):
        arrived = serving.ask(
            "grocer", "POST", f"/v1/supply/packages/{package['id']}:deliver", key=True
        )
        assert arrived.json()["delivered_at"] is not None
    done = serving.ask("street", "POST", f"/v1/orders/{order['id']}:confirmReceipt", key=True)
    assert done.json()["state"] == "completed"
    assert done.json()["goods_minor"] == 3 * TEA_FEN


def test_a_package_that_nobody_wanted_comes_back(serving: Serving) -> None:
    _, child_id = _queued(serving, 1)
    path = f"/v1/supply/orders/{child_id}"
    serving.ask("grocer", "POST", f"{path}:take", key=True)
    package = f"/v1/supply/packages/{_ship(serving, path, 'SF7', 1)['id']}"
    assert serving.ask("grocer", "POST", f"{package}:refused", key=True).status_code == 200

    back = serving.ask("grocer", "POST", f"{package}:returned", {"condition": "good"}, key=True)

    assert (back.json()["state"], back.json()["condition"]) == ("returned", "good")


def test_a_package_that_can_not_be_is_refused_and_changes_nothing(serving: Serving) -> None:
    _, child_id = _queued(serving, 2)
    path = f"/v1/supply/orders/{child_id}"
    serving.ask("grocer", "POST", f"{path}:take", key=True)
    rows = serving.rows()
    for lines, status, code in (
        ([{"line_no": 1, "quantity": 3}], 409, "package_overfull"),
        ([{"line_no": 2, "quantity": 1}], 400, "package_empty"),
        ([{"line_no": 1, "quantity": 1}] * 2, 400, "input_invalid"),
        ([{"line_no": 1, "quantity": -1}], 400, "input_invalid"),
        ([], 400, "input_invalid"),
    ):
        body = {"carrier_code": "SF", "waybill_number": "SF9", "lines": lines}
        response = serving.ask("grocer", "POST", f"{path}:ship", body, key=True)
        assert (response.status_code, response.json()["code"]) == (status, code)
    assert serving.rows() == rows


def test_a_supplier_sees_how_its_system_is_asked(serving: Serving) -> None:
    before = serving.ask("grocer", "GET", "/v1/supply/queue").json()["due_count"]
    _, child_id = _queued(serving, 1)
    with serving.market.world.begin() as ctx:
        for _ in range(dropship.FAILURES_MAX):
            dropship.supplier_failed(ctx, supplier_id=serving.market.grocer, failure="ConnectError")
    seen = serving.ask("grocer", "GET", "/v1/supply/queue").json()
    assert seen.pop("paused_until") is not None
    assert seen == {"due_count": before + 1, "failures": 5, "failure": "ConnectError"}
    # When it is well again, and has taken the order itself
    with serving.market.world.begin() as ctx:
        assert dropship.supplier_answered(ctx, supplier_id=serving.market.grocer)
    serving.ask("grocer", "POST", f"/v1/supply/orders/{child_id}:take", key=True)
    assert serving.ask("grocer", "GET", "/v1/supply/queue").json() == {
        "due_count": before,
        "failures": 0,
        "failure": "",
        "paused_until": None,
    }


def test_one_child_order_is_read_while_somebody_holds_it(serving: Serving) -> None:
    """Reading takes no lock, so it does not wait for one either."""
    order, child_id = _queued(serving, 1)
    with serving.market.world.begin() as ctx:
        found = dropship.order_by_number(
            ctx, partner_id=serving.market.street, number=order["number"]
        )
        dropship.orders_locked(ctx, ids=[found.id])
        seen = serving.ask("grocer", "GET", f"/v1/supply/orders/{child_id}")
    assert (seen.status_code, seen.json()["id"]) == (200, child_id)


def test_another_suppliers_things_are_as_if_they_did_not_exist(serving: Serving) -> None:
    _, child_id = _queued(serving, 1)
    path = f"/v1/supply/orders/{child_id}"
    tea, near = id_text("sku", serving.market.tea), id_text("whs", serving.market.near)
    barn = id_text("whs", serving.market.barn)
    rows = serving.rows()
    ship = {
        "carrier_code": "SF",
        "waybill_number": "SF9",
        "lines": [{"line_no": 1, "quantity": 1}],
    }
    answers = [
        serving.ask("farm", "GET", path),
        serving.ask("farm", "POST", f"{path}:take", key=True),
        serving.ask("farm", "POST", f"{path}:refuse", {"reason": "not mine"}, key=True),
        serving.ask("farm", "POST", f"{path}:acceptCancel", key=True),
        serving.ask("farm", "POST", f"{path}:refuseCancel", key=True),
        serving.ask("farm", "POST", f"{path}:ship", ship, key=True),
        serving.ask("farm", "POST", f"{path}:revealRecipient", {"reason": "curious"}),
        _count(serving, "farm", tea, near),
        _count(serving, "farm", tea, barn),
    ]
    assert [a.status_code for a in answers] == [404] * len(answers)
    assert child_id not in serving.ask("farm", "GET", "/v1/supply/orders").text
    assert serving.rows() == rows


def test_what_one_warehouse_refuses_the_next_is_asked_for_until_none_is_left(
    serving: Serving,
) -> None:
    order, child_id = _queued(serving, 1)
    path = f"/v1/supply/orders/{child_id}"
    refused = serving.ask("grocer", "POST", f"{path}:refuse", {"reason": "broken"}, key=True)
    assert refused.json()["state"] == "split"

    moved = serving.ask("street", "GET", f"/v1/orders/{order['id']}").json()
    [again] = [child for child in moved["children"] if child["state"] != "split"]
    assert (moved["state"], moved["goods_minor"]) == (again["state"], order["goods_minor"])
    assert again["warehouse_id"] == id_text("whs", serving.market.far)

    path = f"/v1/supply/orders/{again['id']}"
    refused = serving.ask("grocer", "POST", f"{path}:refuse", {"reason": "broken"}, key=True)
    assert refused.json()["state"] == "cancelled"
    assert serving.ask("street", "GET", f"/v1/orders/{order['id']}").json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("answer", "state"), [("acceptCancel", "cancelled"), ("refuseCancel", "released")]
)
def test_a_supplier_answers_whether_it_cancels(serving: Serving, answer: str, state: str) -> None:
    order, child_id = _queued(serving, 1)
    path = f"/v1/supply/orders/{child_id}"
    serving.ask("grocer", "POST", f"{path}:take", key=True)
    asked = serving.ask("street", "POST", f"/v1/orders/{order['id']}:cancel", key=True)
    assert asked.json()["state"] == "cancelling"
    answered = serving.ask("grocer", "POST", f"{path}:{answer}", key=True)
    assert answered.json()["state"] == state


def test_stock_is_counted_and_never_below_what_is_promised(serving: Serving) -> None:
    eggs, barn = id_text("sku", serving.market.eggs), id_text("whs", serving.market.barn)
    serving.placed((serving.market.eggs, 4))
    counted = _count(serving, "farm", eggs, barn, on_hand=44)
    assert counted.json()["items"][0]["on_hand"] == 44
    assert counted.json()["items"][0]["reserved"] == 4
    below = _count(serving, "farm", eggs, barn, on_hand=3)
    assert (below.status_code, below.json()["code"]) == (409, "stock_below_reserved")
    negative = _count(serving, "farm", eggs, barn, on_hand=-1)
    assert negative.json()["fields"][0]["path"] == "/changes/0/on_hand"
    assert serving.market.stock(serving.market.eggs, serving.market.barn) == (44, 4)
    [warehouse] = serving.ask("farm", "GET", "/v1/supply/warehouses").json()["items"]
    assert warehouse["id"] == barn


def _ship(serving: Serving, path: str, waybill: str, quantity: int) -> dict[str, Any]:
    body = {
        "carrier_code": "SF",
        "waybill_number": waybill,
        "lines": [{"line_no": 1, "quantity": quantity}],
    }
    response = serving.ask("grocer", "POST", f"{path}:ship", body, key=True)
    assert response.status_code == 201, response.text
    return response.json()


def _count(
    serving: Serving, who: str, sku_id: str, warehouse_id: str, on_hand: int = 1
) -> httpx2.Response:
    change = {"sku_id": sku_id, "warehouse_id": warehouse_id, "on_hand": on_hand}
    return serving.ask(who, "PUT", "/v1/supply/stock", {"changes": [change]})
