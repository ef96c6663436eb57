"""An order's other ways over a real connection: each does what it says, and nobody else's moves."""

from typing import Any

import httpx2
import pytest

from tests.entrypoints.http.conftest import RECIPIENT, Serving
from tests.market import (
    FREIGHT_FEN,
    HEXI,
    LHASA,
    NORTH_FREIGHT_FEN,
    RICE_FEN,
    TEA_COST_FEN,
    TEA_FEN,
    XIHU,
)
from weili.kit import outbox
from weili.kit.context import SYSTEM_PARTY, Ctx
from weili.kit.ids import id_text, new_id
from weili.kit.world import in_transaction
from weili.kit.zone import day_of
from weili.modules import dropship, ledger
from weili.workflows.dispatch_orders import orders_queue
from weili.workflows.release_waiting import release_waiting

ELSEWHERE = {"name": "张三", "phone": "13800000000", "address": "解放路 9 号"}
UNKNOWN = "01jd3f8k2m4n6p8q0r2s4t6v8w"
Parcel = tuple[dict[str, Any], str, str]
"""An order, the id of its child and that of its package."""


def taken(serving: Serving, quantity: int = 2) -> tuple[dict[str, Any], str]:
    """Place an order of teas that the grocer takes; gives it and its child's id."""
    order = serving.placed((serving.market.tea, quantity))
    [child] = order["children"]
    with serving.market.world.begin() as ctx:
        found = dropship.order_by_number(
            ctx, partner_id=serving.market.street, number=order["number"]
        )
        orders_queue(ctx, order_ids=[found.id])
    assert supply(serving, f"orders/{child['id']}:take").status_code == 200
    return order, child["id"]


def sent(serving: Serving, quantity: int = 2) -> Parcel:
    """Have an order of teas leave in one package."""
    order, child_id = taken(serving, quantity)
    body = {
        "carrier_code": "SF",
        "waybill_number": serving.number("SF").replace("-", "0000000000"),
        "lines": [{"line_no": 1, "quantity": quantity}],
    }
    shipped = supply(serving, f"orders/{child_id}:ship", body)
    assert shipped.status_code == 201, shipped.text
    return order, child_id, shipped.json()["id"]


def supply(
    serving: Serving, target: str, body: object = None, *, who: str = "grocer"
) -> httpx2.Response:
    """Let a supplier do something."""
    return serving.ask(who, "POST", f"/v1/supply/{target}", body, key=True)


def partner(serving: Serving, target: str, body: object = None) -> httpx2.Response:
    """Let the street do something with its order."""
    return serving.ask("street", "POST", f"/v1/orders/{target}", body, key=True)


def seen(serving: Serving, order: dict[str, Any]) -> dict[str, Any]:
    """Read an order as its partner sees it."""
    response = serving.ask("street", "GET", f"/v1/orders/{order['id']}")
    assert response.status_code == 200, response.text
    return response.json()


def spent(serving: Serving) -> tuple[int, int]:
    """Read what the street has spent and what is held of it, in fen."""
    posted, held = serving.market.balance()
    return -posted, held


# --- a partner's ways ----------------------------------------------------------------------------


def test_an_order_is_sent_elsewhere_with_another_freight(serving: Serving) -> None:
    held = spent(serving)[1]
    order = serving.placed((serving.market.rice, 1))
    body = {"area_code": HEXI, "recipient": ELSEWHERE}

    changed = partner(serving, f"{order['id']}:changeAddress", body).json()

    assert (changed["area_code"], changed["recipient"]["name"]) == (HEXI, "张*")
    assert changed["total_minor"] == RICE_FEN + NORTH_FREIGHT_FEN
    assert spent(serving)[1] - held == RICE_FEN + NORTH_FREIGHT_FEN


def test_an_address_refused_for_funds_is_told_and_its_key_may_be_tried_again(
    serving: Serving,
) -> None:
    # Given an order, and less than its freight to Tianjin is dearer
    order = serving.placed((serving.market.rice, 1))
    posted, held = serving.market.balance()
    account = {"holder": "街坊商行", "bank": "工商银行", "account_number": "6222020000000000"}
    body = {"amount_minor": posted - held - 1, **account}
    taken_out = serving.ask("street", "POST", "/v1/account/withdrawals", body, key=True)
    assert taken_out.status_code == 201, taken_out.text
    before = serving.market.balance()

    # When it is asked for twice under one key
    target = f"/v1/orders/{order['id']}:changeAddress"
    address = {"area_code": HEXI, "recipient": ELSEWHERE}
    key = {"idempotency-key": "far away"}
    refused = [serving.ask("street", "POST", target, address, headers=key).json() for _ in range(2)]

    # Then both are refused, the partner is told once, and nothing has moved
    short = {"needed_minor": NORTH_FREIGHT_FEN - FREIGHT_FEN, "available_minor": 1}
    assert [(one["code"], one["members"]) for one in refused] == [("balance_too_low", short)] * 2
    serving.relayed()
    with serving.market.world.begin(serving.market.as_partner()) as ctx:
        told = [
            message.event.data
            for message in outbox.messages(ctx, party_id=serving.market.street, limit=1_000)
            if message.event.type == "balance.short"
        ]
    assert told == [{"number": order["number"], "currency": "CNY", **short}]
    assert serving.market.balance() == before
    assert seen(serving, order)["area_code"] == XIHU

    # And when there is money again, the same request is carried out
    name = taken_out.json()["id"]
    target_out = f"/v1/account/withdrawals/{name}:cancel"
    assert serving.ask("street", "POST", target_out, key=True).status_code == 200
    changed = serving.ask("street", "POST", target, address, headers=key)
    assert (changed.status_code, changed.json()["area_code"]) == (200, HEXI)


def test_a_parcel_is_stopped_at_the_second_try_and_settled_when_it_is_back(
    serving: Serving,
) -> None:
    gone, held = spent(serving)
    order, _, package_id = sent(serving)
    stop = f"{order['id']}:intercept"
    assert partner(serving, stop, {}).json()["state"] == "intercepting"
    supply(serving, f"packages/{package_id}:notIntercepted")
    assert seen(serving, order)["state"] == "shipped"
    assert partner(serving, stop, {"package_id": package_id}).json()["state"] == "intercepting"
    coming = supply(serving, f"packages/{package_id}:intercepted").json()
    assert (coming["state"], coming["back"]) == ("returning", "intercepted")
    assert coming["due_at"] is not None

    back = supply(serving, f"packages/{package_id}:returned", {"condition": "good"})

    assert (back.json()["state"], back.json()["condition"]) == ("returned", "good")
    assert seen(serving, order)["state"] == "refunded"
    # The goods' 90.00 are back, the 8.00 of the way are not.
    assert spent(serving) == (gone + FREIGHT_FEN, held)


def test_an_order_waits_for_funds_when_its_partner_chose_so(serving: Serving) -> None:
    asked = serving.ask("creator", "PUT", "/v1/order-settings", {"low_balance": "wait"})
    assert asked.json() == {"low_balance": "wait"}
    assert serving.ask("creator", "GET", "/v1/order-settings").json() == asked.json()
    assert serving.ask("street", "GET", "/v1/order-settings").json() == {"low_balance": "refuse"}
    # Given all of the creator's money held but for 3.00: the tea waits
    posted, held = serving.market.balance(serving.market.creator)
    with serving.market.world.begin() as ctx:
        _spend(ctx, serving, posted - held - 300)
    order = serving.placed((serving.market.tea, 1), who="creator")
    assert order["state"] == "waiting_funds"
    with serving.market.world.begin() as ctx:
        ledger.top_up(
            ctx, partner_id=serving.market.creator, amount_minor=5_000, reference="enough"
        )

    assert in_transaction(serving.market.world.begin, release_waiting) == 1

    there = serving.ask("creator", "GET", f"/v1/orders/{order['id']}").json()
    assert there["state"] == "confirmed"


def _spend(ctx: Ctx, serving: Serving, amount_minor: int) -> None:
    prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, serving.market.creator)
    ledger.balances_lock(ctx, account_ids=[prepaid])
    bank = ledger.account_id(ledger.AccountKind.PLATFORM_BANK, SYSTEM_PARTY)
    transfer = ledger.NewTransfer(
        id=ledger.TransferId(new_id(ctx.now)),
        party_id=serving.market.creator,
        kind=ledger.TransferKind.DIRECT,
        debit=prepaid,
        credit=bank,
        amount_minor=amount_minor,
        purpose="spent",
        subject="elsewhere",
    )
    ledger.transfers_write(ctx, transfers=[transfer])


def test_a_remark_is_read_by_those_it_is_for(serving: Serving) -> None:
    order, child_id = taken(serving)
    for audience, text in (("supplier", "请放冰袋"), ("operator", "贵客")):
        said = partner(serving, f"{order['id']}/remarks", {"audience": audience, "text": text})
        assert said.status_code == 201

    def texts(who: str, target: str) -> list[str]:
        items = serving.ask(who, "GET", f"/v1/{target}/remarks").json()["items"]
        return [item["text"] for item in items]

    assert texts("street", f"orders/{order['id']}") == ["请放冰袋", "贵客"]
    assert texts("grocer", f"supply/orders/{child_id}") == ["请放冰袋"]
    assert texts("operator", f"operator/orders/{order['id']}") == ["贵客"]


# --- a supplier's ways ---------------------------------------------------------------------------


def test_pieces_that_a_supplier_refuses_come_from_elsewhere(serving: Serving) -> None:
    order, child_id = taken(serving, 3)
    assert supply(serving, f"orders/{child_id}:pick").json()["state"] == "picking"
    body = {"reason": "two are broken", "lines": [{"line_no": 1, "quantity": 2}]}

    refused = supply(serving, f"orders/{child_id}:refuse", body)

    assert refused.json() == {"id": child_id, "state": "picking"}
    children = seen(serving, order)["children"]
    assert {c["warehouse_id"]: c["lines"][0]["quantity"] for c in children} == {
        id_text("whs", serving.market.near): 1,
        id_text("whs", serving.market.far): 2,
    }
    assert seen(serving, order)["goods_minor"] == 3 * TEA_FEN


def test_what_was_refused_completed_or_cancelled_is_in_the_days_lists_of_both_sides(
    serving: Serving,
) -> None:
    # Given three orders of two teas: one is refused, one received, one called back in time
    back, back_id, package_id = sent(serving)
    assert supply(serving, f"packages/{package_id}:refused").json()["state"] == "returning"
    kept, kept_id, package_id = sent(serving)
    assert supply(serving, f"packages/{package_id}:deliver").json()["state"] == "delivered"
    assert partner(serving, f"{kept['id']}:confirmReceipt").json()["state"] == "completed"
    off, off_id = taken(serving)
    assert partner(serving, f"{off['id']}:cancel").json()["state"] == "cancelling"
    assert supply(serving, f"orders/{off_id}:acceptCancel").json()["state"] == "cancelled"
    with serving.market.world.begin() as ctx:
        on = day_of(ctx.now).isoformat()
    in_lists = {
        "refused": (back, back_id),
        "completed": (kept, kept_id),
        "cancelled": (off, off_id),
    }
    for name, (order, child_id) in in_lists.items():
        # Then each side has it in its list of the day under its own key and with its own amount
        theirs = {
            "street": (order["number"], 2 * TEA_FEN + FREIGHT_FEN),
            "grocer": (child_id, 2 * TEA_COST_FEN),
        }
        for who, (key, amount_minor) in theirs.items():
            path = f"/v1/reconciliation/{name}"
            listed = serving.ask(who, "GET", f"{path}?on={on}&limit=200").json()["items"]
            assert [item["child_id"] for item in listed].count(child_id) == 1
            # And whoever counts it with that amount agrees with us about it
            for off_minor in (0, 1):
                mine = {"key": key, "amount_minor": amount_minor + off_minor}
                said = serving.ask(who, "POST", f"{path}:compare", {"on": on, "items": [mine]})
                found = said.json()
                differs = [
                    {"key": key, "ours_minor": amount_minor, "theirs_minor": amount_minor + 1}
                ]
                assert found["amount_differs"] == (differs if off_minor else [])
                assert found["missing_here"] == []


def test_an_order_is_split_again_and_again_and_each_message_names_the_whole_order(
    serving: Serving,
) -> None:
    # Given three teas from the near warehouse, of which the far one has to send two
    order, near_id = taken(serving, 3)
    supply(serving, f"orders/{near_id}:refuse", refused(2))
    [far_id] = [child["id"] for child in seen(serving, order)["children"] if child["id"] != near_id]
    # When the far warehouse lacks one of these as well
    assert supply(serving, f"orders/{far_id}:refuse", refused(1)).status_code == 200

    # Then each split was told of the order itself, whose children are asked for
    serving.relayed()
    with serving.client("street") as street:
        told = street.messages(types=["order.split"])
    splits = [message for message in told if message["subject"] == order["id"]]
    assert len(splits) == 2
    assert all(message["data"]["number"] == order["number"] for message in splits)
    assert all("child_id" not in message["data"] for message in splits)
    now = seen(serving, order)
    near, far = (id_text("whs", each) for each in (serving.market.near, serving.market.far))
    assert [
        (child["warehouse_id"], child["lines"][0]["quantity"], child["state"])
        for child in now["children"]
    ] == [(near, 1, "released"), (far, 1, "confirmed"), (far, 1, "cancelled")]


def refused(quantity: int) -> dict[str, Any]:
    """Say that some pieces are broken."""
    return {"reason": "broken", "lines": [{"line_no": 1, "quantity": quantity}]}


def test_a_refused_parcel_that_is_back_damaged_is_written_off(serving: Serving) -> None:
    _, _, package_id = sent(serving)
    stock = serving.market.stock(serving.market.tea, serving.market.near)
    owed = serving.market.owed()
    turned = supply(serving, f"packages/{package_id}:refused").json()
    assert (turned["state"], turned["back"]) == ("returning", "refused")
    supply(serving, f"packages/{package_id}:returned", {"condition": "damaged"})
    assert serving.market.stock(serving.market.tea, serving.market.near) == stock
    assert serving.market.owed() == owed - 2 * TEA_COST_FEN


def test_a_lost_parcel_is_sent_again_once_for_its_key(serving: Serving) -> None:
    before = spent(serving)
    order, _, package_id = sent(serving)
    target = f"/v1/supply/packages/{package_id}:lost"
    key = {"idempotency-key": serving.number("lost")}
    body = {"outcome": "send_again"}
    answers = [serving.ask("grocer", "POST", target, body, headers=key) for _ in range(2)]
    assert answers[0].json()["state"] == "lost"
    assert answers[0].content == answers[1].content
    assert [c["state"] for c in seen(serving, order)["children"]] == ["refunded", "confirmed"]
    total = 2 * TEA_FEN + FREIGHT_FEN
    assert seen(serving, order)["total_minor"] == total
    assert spent(serving) == (before[0], before[1] + total)
    other = serving.ask("grocer", "POST", target, {"outcome": "refund"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_the_operator_settles_parcels_with_the_scope_of_orders_alone(serving: Serving) -> None:
    _, serving.keys["clerk"] = serving.key(serving.operator, frozenset({"admin:orders"}))
    stock = serving.market.stock(serving.market.tea, serving.market.near)[0]
    for verb, body, state in (
        ("returned", {"condition": "damaged"}, "returned"),
        ("returned", {"condition": "good"}, "returned"),
        ("lost", {"outcome": "refund"}, "lost"),
    ):
        _, _, package_id = sent(serving, 1)
        if verb == "returned":
            supply(serving, f"packages/{package_id}:refused")
        target = f"/v1/operator/packages/{package_id}:{verb}"
        settled = serving.ask("clerk", "POST", target, body, key=True)
        assert (settled.status_code, settled.json()["state"]) == (200, state)
    # One of three teas lies there again: one is broken, one is lost.
    assert serving.market.stock(serving.market.tea, serving.market.near)[0] == stock - 2


# --- what is refused -----------------------------------------------------------------------------


def test_what_can_not_be_is_refused_and_moves_nothing(serving: Serving) -> None:
    placed = serving.placed((serving.market.tea, 1))
    picked, child_id = taken(serving)
    supply(serving, f"orders/{child_id}:pick")
    _, _, package_id = sent(serving)
    arrived, _, arrived_id = sent(serving)
    supply(serving, f"packages/{arrived_id}:deliver")
    address = {"area_code": XIHU, "recipient": RECIPIENT}
    line = {"line_no": 1, "quantity": 1}
    many = {"reason": "none left", "lines": [{"line_no": 1, "quantity": 3}]}
    cases: list[tuple[str, str, object, int, str]] = [
        ("street", f"orders/{picked['id']}:changeAddress", address, 409, "address_fixed"),
        (
            "street",
            f"orders/{placed['id']}:changeAddress",
            address | {"area_code": LHASA},
            409,
            "address_not_served",
        ),
        (
            "street",
            f"orders/{placed['id']}:changeAddress",
            address | {"area_code": "999999"},
            400,
            "area_unknown",
        ),
        ("street", f"orders/{placed['id']}:changeAddress", {}, 400, "input_invalid"),
        ("street", f"orders/{placed['id']}:intercept", {}, 409, "nothing_to_intercept"),
        ("street", f"orders/{arrived['id']}:intercept", {}, 409, "nothing_to_intercept"),
        (
            "street",
            f"orders/{placed['id']}:intercept",
            {"package_id": "pkg_1"},
            400,
            "input_invalid",
        ),
        (
            "street",
            f"orders/{placed['id']}/remarks",
            {"audience": "supplier", "text": "打 19912345678"},
            400,
            "remark_personal",
        ),
        (
            "street",
            f"orders/{placed['id']}/remarks",
            {"audience": "courier", "text": "x"},
            400,
            "input_invalid",
        ),
        ("grocer", f"supply/orders/{child_id}:refuse", many, 409, "pieces_not_left"),
        (
            "grocer",
            f"supply/orders/{child_id}:refuse",
            {"reason": "x", "lines": [line, line]},
            400,
            "input_invalid",
        ),
        ("grocer", f"supply/orders/{child_id}:refuse", {"lines": [line]}, 400, "input_invalid"),
        (
            "grocer",
            f"supply/packages/{package_id}:returned",
            {"condition": "good"},
            409,
            "state_conflict",
        ),
        (
            "grocer",
            f"supply/packages/{package_id}:returned",
            {"condition": "wet"},
            400,
            "input_invalid",
        ),
        ("grocer", f"supply/packages/{package_id}:lost", {}, 400, "input_invalid"),
        ("grocer", f"supply/packages/{arrived_id}:refused", None, 409, "state_conflict"),
        (
            "grocer",
            f"supply/packages/{arrived_id}:lost",
            {"outcome": "refund"},
            409,
            "state_conflict",
        ),
        (
            "operator",
            f"operator/packages/{arrived_id}:lost",
            {"outcome": "send_again"},
            409,
            "state_conflict",
        ),
        (
            "operator",
            f"operator/packages/pkg_{UNKNOWN}:returned",
            {"condition": "good"},
            404,
            "order_unknown",
        ),
    ]
    rows = serving.rows()
    balance = serving.market.balance()
    for who, target, body, status, code in cases:
        answer = serving.ask(who, "POST", f"/v1/{target}", body, key=True)
        assert (answer.status_code, answer.json()["code"]) == (status, code), target
    for value in ("maybe", None):
        settings = serving.ask("street", "PUT", "/v1/order-settings", {"low_balance": value})
        assert settings.status_code == 400
    assert serving.rows() == rows
    assert serving.market.balance() == balance


def test_a_change_without_an_idempotency_key_is_refused(serving: Serving) -> None:
    order, _, package_id = sent(serving)
    rows = serving.rows()
    for who, target, body in (
        ("street", f"orders/{order['id']}:intercept", {}),
        ("grocer", f"supply/packages/{package_id}:refused", None),
        ("grocer", f"supply/packages/{package_id}:lost", {"outcome": "refund"}),
        ("operator", f"operator/packages/{package_id}:lost", {"outcome": "refund"}),
    ):
        answer = serving.ask(who, "POST", f"/v1/{target}", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert serving.rows() == rows


@pytest.mark.parametrize("is_supplier", [False, True], ids=["partner", "supplier"])
def test_what_is_another_tenants_is_as_if_it_did_not_exist(
    serving: Serving, *, is_supplier: bool
) -> None:
    order, child_id, package_id = sent(serving)
    partner(serving, f"{order['id']}:intercept", {})
    address = {"area_code": XIHU, "recipient": RECIPIENT}
    remark = {"audience": "supplier", "text": "mine"}
    asked: list[tuple[str, str, object]]
    if is_supplier:
        who = "farm"
        asked = [
            ("POST", f"supply/orders/{child_id}:pick", None),
            ("POST", f"supply/orders/{child_id}:refuse", {"reason": "not mine"}),
            ("GET", f"supply/orders/{child_id}/remarks", None),
            ("POST", f"supply/packages/{package_id}:intercepted", None),
            ("POST", f"supply/packages/{package_id}:notIntercepted", None),
            ("POST", f"supply/packages/{package_id}:refused", None),
            ("POST", f"supply/packages/{package_id}:returned", {"condition": "good"}),
            ("POST", f"supply/packages/{package_id}:lost", {"outcome": "refund"}),
            ("POST", f"supply/packages/{package_id}:deliver", None),
        ]
    else:
        who = "creator"
        asked = [
            ("GET", f"orders/{order['id']}", None),
            ("POST", f"orders/{order['id']}:intercept", {}),
            ("POST", f"orders/{order['id']}:intercept", {"package_id": package_id}),
            ("POST", f"orders/{order['id']}:changeAddress", address),
            ("POST", f"orders/{order['id']}/remarks", remark),
            ("GET", f"orders/{order['id']}/remarks", None),
        ]
    rows = serving.rows()
    for method, target, body in asked:
        answer = serving.ask(who, method, f"/v1/{target}", body, key=method == "POST")
        assert (answer.status_code, answer.json()["code"]) == (404, "order_unknown"), target
    assert serving.rows() == rows


def test_after_all_of_it_the_world_is_sound(serving: Serving) -> None:
    assert serving.ask("operator", "POST", "/v1/operator/verify").json() == {
        "sound": True,
        "findings": [],
    }
