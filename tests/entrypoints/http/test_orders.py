"""Orders over a real connection: placed, repeated, seen, confirmed, cancelled, revealed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.entrypoints.http.conftest import RECIPIENT, Serving
from tests.market import CUP_FEN, CUP_TIER_FEN, FREIGHT_FEN, RICE_FEN, TEA_FEN
from weili.kit.ids import id_text
from weili.modules import parties

UNKNOWN_SKU = "sku_01jd3f8k2m4n6p8q0r2s4t6v8w"


def test_an_order_is_placed_and_the_same_again_gets_the_same_bytes(serving: Serving) -> None:
    body = serving.order((serving.market.tea, 2))
    first = serving.ask("street", "POST", "/v1/orders", body)
    rows = serving.rows()
    again = serving.ask("street", "POST", "/v1/orders", body)
    assert first.status_code == again.status_code == 201
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    assert serving.rows() == rows
    order = first.json()
    # 2 tins at 45.00 are below the 99.00 from which freight is free: 8.00 are added.
    assert order["goods_minor"] == 2 * TEA_FEN
    assert order["freight_minor"] == FREIGHT_FEN
    assert order["total_minor"] == 2 * TEA_FEN + FREIGHT_FEN
    assert order["state"] == "confirmed"


def test_the_same_number_with_another_body_is_refused_and_changes_nothing(
    serving: Serving,
) -> None:
    placed = serving.placed()
    rows = serving.rows()
    body = serving.order((serving.market.tea, 3), number=placed["number"])
    response = serving.ask("street", "POST", "/v1/orders", body)
    assert response.status_code == 422
    assert response.json()["code"] == "order_number_reused"
    assert response.json()["members"]["order_id"] == placed["id"]
    assert serving.rows() == rows


def test_two_partners_may_use_the_same_number(serving: Serving) -> None:
    number = serving.number("SHARED")
    mine = serving.placed(number=number)
    theirs = serving.placed(number=number, who="creator")
    assert mine["id"] != theirs["id"]


def test_a_refused_order_stores_nothing_and_its_number_may_be_tried_again(
    serving: Serving,
) -> None:
    rows = serving.rows()
    number = serving.number("SHORT")
    body = serving.order((serving.market.tea, 1_000), number=number)
    response = serving.ask("street", "POST", "/v1/orders", body)
    assert response.status_code == 409
    assert response.json()["code"] == "stock_short"
    assert serving.rows() == rows
    assert serving.placed(number=number)["number"] == number


def test_a_batch_gives_each_order_an_outcome_of_its_own(serving: Serving) -> None:
    twice = serving.order((serving.market.tea, 1))
    orders = [
        twice,
        serving.order((serving.market.tea, 1_000)),
        twice,
        serving.order((serving.market.rice, 1)),
        {**twice, "hold": True},
    ]
    response = serving.ask("street", "POST", "/v1/orders:batch", {"orders": orders})
    assert response.status_code == 200
    results = response.json()["results"]
    assert [r["number"] for r in results] == [o["number"] for o in orders]
    assert [r["status"] for r in results] == ["placed", "refused", "placed", "placed", "refused"]
    assert [r["replayed"] for r in results] == [False, False, True, False, False]
    assert results[0]["order"] == results[2]["order"]
    assert results[1]["problem"]["code"] == "stock_short"
    assert results[3]["order"]["total_minor"] == RICE_FEN + FREIGHT_FEN
    assert results[4]["problem"]["code"] == "order_number_reused"
    assert results[4]["problem"]["status"] == 422
    by_number = serving.ask("street", "GET", f"/v1/orders/by-number/{orders[3]['number']}")
    assert by_number.json()["id"] == results[3]["order"]["id"]


def test_many_at_once_with_duplicates_make_each_order_once(serving: Serving) -> None:
    bodies = [serving.order((serving.market.tea, 1), number=f"BUSY-{i % 10}") for i in range(30)]
    barrier = threading.Barrier(10)

    def place(body: dict[str, Any]) -> tuple[int, str, bool]:
        barrier.wait()
        response = serving.ask("street", "POST", "/v1/orders", body)
        is_replay = response.headers.get("idempotent-replayed") == "true"
        return response.status_code, response.json()["id"], is_replay

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(place, bodies))
    assert {status for status, _, _ in answers} == {201}
    assert len({order_id for _, order_id, _ in answers}) == 10
    assert sum(not is_replay for _, _, is_replay in answers) == 10


def test_render_shows_an_order_without_placing_it(serving: Serving) -> None:
    rows = serving.rows()
    cup = serving.market.cup
    fine = serving.ask("street", "POST", "/v1/orders:render", serving.order((cup, 5)))
    assert fine.status_code == 200
    assert fine.json()["sellable"] is True
    # From 5 cups on, one costs 11.50 and not 12.90.
    assert fine.json()["total_minor"] == 5 * CUP_TIER_FEN + FREIGHT_FEN
    wrong = serving.order((cup, 1))
    wrong["lines"][0]["unit_price_minor"] = CUP_FEN - 1
    wrong["lines"].append({"sku_id": UNKNOWN_SKU, "quantity": 1})
    refused = serving.ask(
        "street", "POST", "/v1/orders:render", wrong, headers={"accept-language": "zh-CN,zh"}
    ).json()
    assert refused["sellable"] is False
    assert [p["code"] for p in refused["problems"]] == ["price_changed", "goods_not_on_sale"]
    assert "单价" in refused["problems"][0]["detail"]
    assert serving.rows() == rows


def test_a_held_order_is_confirmed_then_cancelled_and_gives_everything_back(
    serving: Serving,
) -> None:
    before = serving.market.balance()
    order = serving.placed((serving.market.tea, 2), hold=True)
    assert order["state"] == "held"
    assert order["hold_expires_at"] is not None
    path = f"/v1/orders/{order['id']}"
    confirmed = serving.ask("street", "POST", f"{path}:confirm", key=True)
    assert confirmed.status_code == 200
    assert confirmed.json()["state"] == "confirmed"
    held = serving.market.balance()[1] - before[1]
    assert held == 2 * TEA_FEN + FREIGHT_FEN
    cancelled = serving.ask("street", "POST", f"{path}:cancel", key=True)
    assert cancelled.json()["state"] == "cancelled"
    assert serving.market.balance() == before
    late = serving.ask("street", "POST", f"{path}:confirmReceipt", key=True)
    assert (late.status_code, late.json()["code"]) == (409, "state_conflict")


def test_a_change_is_answered_the_same_for_its_key_and_needs_one(serving: Serving) -> None:
    order = serving.placed(hold=True)
    path = f"/v1/orders/{order['id']}:confirm"
    missing = serving.ask("street", "POST", path)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    key = {"idempotency-key": f"confirm {order['id']}"}
    first = serving.ask("street", "POST", path, headers=key)
    serving.ask("street", "POST", f"/v1/orders/{order['id']}:cancel", key=True)
    again = serving.ask("street", "POST", path, headers=key)
    assert again.status_code == first.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    other = serving.ask("street", "POST", f"/v1/orders/{order['id']}:cancel", headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_orders_are_listed_newest_first_in_pages_with_masked_recipients(
    serving: Serving,
) -> None:
    with serving.client("creator") as creator:
        ids = [serving.placed(who="creator")["id"] for _ in range(3)]
        first = creator.orders_page(limit=2)
        assert [order["id"] for order in first["items"]] == [ids[2], ids[1]]
        second = creator.orders_page(limit=2, cursor=first["next_cursor"])
        assert second["items"][0]["id"] == ids[0]
        assert creator.orders_page(state="held")["items"] == []
        masked = {"name": "欧***", "phone": "199******78", "address": "********"}
        assert first["items"][0]["recipient"] == masked
        assert RECIPIENT["phone"] not in str(first)


def test_a_recipient_is_revealed_for_a_reason_that_is_written_down(serving: Serving) -> None:
    order = serving.placed()
    path = f"/v1/orders/{order['id']}:revealRecipient"
    shown = serving.ask("street", "POST", path, {"reason": "the courier called"})
    assert shown.status_code == 200
    assert shown.json() == RECIPIENT
    with serving.market.world.begin() as ctx:
        [entry] = parties.audit_page(ctx, search=parties.AuditSearch(subject=order["id"])).items
    assert (entry.action, entry.reason) == ("recipient.reveal", "the courier called")
    assert entry.actor == f"partner:{serving.key_ids['street']}"
    silent = serving.ask("street", "POST", path, {"reason": "   "})
    assert (silent.status_code, silent.json()["fields"][0]["path"]) == (400, "/reason")


def test_messages_come_in_order_until_they_are_acknowledged(serving: Serving) -> None:
    with serving.client("creator") as creator:
        serving.relayed()
        while waiting := creator.messages():
            creator.messages_ack([message["id"] for message in waiting])
        order = serving.placed(hold=True, who="creator")
        creator.order_confirm(order["id"])
        serving.relayed()
        messages = creator.messages(types=["order.placed", "order.confirmed"])
        assert [m["type"] for m in messages] == ["order.placed", "order.confirmed"]
        assert {m["subject"] for m in messages} == {order["id"]}
        assert all("position" not in m for m in messages)
        ids = [m["id"] for m in messages]
        with serving.client("street") as street:
            assert street.messages_ack(ids) == 0
        assert creator.messages_ack(ids) == 2
        assert creator.messages_ack(ids) == 0
        assert creator.messages() == []


def test_the_account_and_its_statement_agree(serving: Serving) -> None:
    with serving.client() as street:
        serving.placed()
        account = street.account()
        assert (account["posted_minor"], account["held_minor"]) == serving.market.balance()
        statement = street.request("GET", "/v1/account/statement", query={"limit": 200})
        assert statement["closing"]["posted_minor"] == account["posted_minor"]
        assert statement["closing"]["held_minor"] == account["held_minor"]
        assert statement["items"][-1]["held_after_minor"] == account["held_minor"]
    with serving.client("grocer") as grocer:
        assert grocer.account()["kind"] == "supplier_payable"


def test_the_catalogue_is_what_is_granted_and_no_more(serving: Serving) -> None:
    hidden = id_text("sku", serving.market.hidden)
    tea = id_text("sku", serving.market.tea)
    cup = id_text("sku", serving.market.cup)
    with serving.client() as street:
        skus = street.request("GET", "/v1/skus", query={"limit": 2})
        rest = street.request("GET", "/v1/skus", query={"cursor": skus["next_cursor"]})
        seen = {sku["id"] for sku in skus["items"] + rest["items"]}
        assert len(seen) == 4
        assert hidden not in seen
        [found] = street.request("GET", "/v1/skus", query={"q": "龙井"})["items"]
        assert found["id"] == tea
        assert "supplier_id" not in found
        got = street.request("POST", "/v1/skus:batchGet", body={"sku_ids": [hidden, tea]})
        assert [sku["id"] for sku in got["items"]] == [tea]
        assert got["missing"] == [hidden]
        prices = street.request(
            "POST",
            "/v1/prices:batchGet",
            body={"items": [{"sku_id": cup, "quantity": 5}, {"sku_id": hidden}]},
        )["items"]
        assert [p["unit_price_minor"] for p in prices] == [CUP_TIER_FEN, None]
        stock = street.request(
            "POST",
            "/v1/stock:batchGet",
            body={
                "items": [
                    {"sku_id": cup, "quantity": 5, "area_code": "330106"},
                    {"sku_id": cup, "quantity": 500, "area_code": "330106"},
                    {"sku_id": cup, "quantity": 1, "area_code": "540102"},
                    {"sku_id": hidden, "quantity": 1, "area_code": "330106"},
                ]
            },
        )["items"]
        assert [s["state"] for s in stock] == ["in_stock", "short", "not_served", "none"]
        assert [pool["name"] for pool in street.request("GET", "/v1/pools")["items"]] == [
            "everyday"
        ]
        areas = street.request("GET", "/v1/areas", query={"parent": "330100"})["items"]
        assert "330106" in {area["code"] for area in areas}
        xihu = street.request("GET", "/v1/areas/330106")
        assert xihu["full_name"] == "浙江省杭州市西湖区"
        assert xihu["level"] == "county"


def test_a_partner_chooses_to_wait_for_funds_and_remarks_on_an_order(serving: Serving) -> None:
    chosen = serving.ask("street", "PUT", "/v1/order-settings", {"low_balance": "wait"})
    assert (chosen.status_code, chosen.json()) == (200, {"low_balance": "wait"})
    rows = serving.rows()
    refused = serving.ask("street", "PUT", "/v1/order-settings", {"low_balance": "no"})
    assert refused.status_code == 400
    assert serving.rows() == rows
    serving.ask("street", "PUT", "/v1/order-settings", {"low_balance": "refuse"})

    order = serving.ask("street", "POST", "/v1/orders", serving.order((serving.market.tea, 1)))
    path = f"/v1/orders/{order.json()['id']}/remarks"
    said = {"audience": "supplier", "text": "请轻放"}
    remark = serving.ask("street", "POST", path, said, key=True)
    assert (remark.status_code, remark.json()["audience"]) == (201, "supplier")
