"""Orders are filtered, counted, told of and given as files, to the operator and to partners."""

import csv
import io
from typing import Any

import pytest

from tests.entrypoints.http.conftest import RECIPIENT, Serving
from weili.kit.ids import id_text
from weili.kit.outbox import relay
from weili.modules import dropship


def ask(serving: Serving, target: str, who: str = "operator") -> dict[str, Any]:
    response = serving.ask(who, "GET", target)
    assert response.status_code == 200, response.text
    return dict(response.json())


def numbers(serving: Serving, query: str, who: str = "operator") -> list[str]:
    path = "/v1/operator/orders" if who == "operator" else "/v1/orders"
    return [item["number"] for item in ask(serving, f"{path}?{query}", who)["items"]]


def test_the_operator_filters_all_orders_by_all_that_they_have(serving: Serving) -> None:
    # Given two orders of one partner, of which one is cancelled, and one of another
    first, second = serving.placed(), serving.placed()
    other = serving.placed(who="creator", number=first["number"])
    cancelled = serving.ask("street", "POST", f"/v1/orders/{second['id']}:cancel", key=True)
    assert cancelled.status_code == 200
    street = id_text("pty", serving.market.street)

    # Then each filter finds what it names, the newest first
    mine = [second["number"], first["number"]]
    assert numbers(serving, f"partner_id={street}&limit=2") == mine
    assert numbers(serving, f"number={first['number']}") == [other["number"], first["number"]]
    assert numbers(serving, f"number={first['number']}&partner_id={street}") == [first["number"]]
    assert numbers(serving, f"state=cancelled&number={second['number']}") == [second["number"]]
    assert numbers(serving, f"state=confirmed&number={second['number']}") == []
    phone = RECIPIENT["phone"]
    assert first["number"] in numbers(serving, f"phone={phone}&partner_id={street}")
    assert numbers(serving, "phone=13800000000") == []
    assert numbers(serving, f"from={first['placed_at']}&partner_id={street}") == mine
    assert second["number"] not in numbers(serving, f"to={first['placed_at']}")
    assert numbers(serving, f"needs_attention=true&number={first['number']}") == []

    # And what is listed says whose it is and what its goods are called
    [found] = ask(serving, f"/v1/operator/orders?number={second['number']}")["items"]
    assert found["partner_id"] == street
    assert found["partner_name"] == "street"
    assert list(found["titles"]) == [id_text("sku", serving.market.tea)]
    assert RECIPIENT["phone"] not in str(found)
    assert ask(serving, f"/v1/operator/orders/{second['id']}") == found


def test_a_partner_finds_its_own_orders_alone(serving: Serving) -> None:
    order = serving.placed()
    assert numbers(serving, f"number={order['number']}", "street") == [order["number"]]
    assert numbers(serving, f"number={order['number']}", "creator") == []
    assert order["number"] not in numbers(serving, f"phone={RECIPIENT['phone']}", "creator")
    assert order["number"] in numbers(serving, f"phone={RECIPIENT['phone']}", "street")
    refused = serving.ask("street", "GET", f"/v1/operator/orders/{order['id']}")
    assert refused.status_code == 403


def test_pages_of_several_states_follow_each_other_without_gap(serving: Serving) -> None:
    # Given five orders that were placed long ago and have not left
    placed = [serving.placed()["id"] for _ in range(5)]
    serving.ask("operator", "POST", "/v1/operator/clock:turn", {"ahead_s": 49 * 3_600}, key=True)
    # When they are walked two at a time, with all others that need attention
    found: list[str] = []
    cursor = ""
    while True:
        page = ask(serving, f"/v1/operator/orders?needs_attention=true&limit=2{cursor}")
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    # Then each is there once, the newest first
    assert [order_id for order_id in found if order_id in placed] == placed[::-1]
    assert len(found) == len(set(found))
    assert ask(serving, "/v1/operator/orders:counts")["attention"] == len(found)


def test_counts_say_how_many_there_are_of_each_state(serving: Serving) -> None:
    def counts(target: str, who: str) -> dict[str, int]:
        told = ask(serving, target, who)
        assert not any(one["more"] for one in told["states"])
        return {one["state"]: one["count"] for one in told["states"]}

    before = counts("/v1/orders:counts", "street")
    order = serving.placed()
    after = counts("/v1/orders:counts", "street")
    assert after == before | {"confirmed": before["confirmed"] + 1}
    assert "split" not in after
    named = counts(f"/v1/operator/orders:counts?number={order['number']}", "operator")
    assert sum(named.values()) == named["confirmed"] == 1
    creator = counts(f"/v1/orders:counts?number={order['number']}", "creator")
    assert sum(creator.values()) == 0


def test_the_counts_end_at_their_bound(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weili.modules.dropship.finding.COUNT_MAX", 1)
    for _ in range(3):
        serving.placed()
    told = ask(serving, "/v1/operator/orders:counts")
    [confirmed] = [one for one in told["states"] if one["state"] == "confirmed"]
    assert confirmed == {"state": "confirmed", "count": 1, "more": True}


def test_an_order_tells_its_story_in_the_order_of_time(serving: Serving) -> None:
    order = serving.placed()
    assert serving.ask("street", "POST", f"/v1/orders/{order['id']}:cancel", key=True).is_success
    with serving.market.world.begin() as ctx:
        relay(ctx)
    story = ask(serving, f"/v1/operator/orders/{order['id']}/story")["items"]
    told = [(one["kind"], one["name"]) for one in story]
    assert told[0] == ("placed", order["number"])
    assert ("step", "cancelled") in told
    assert ("event", "order.placed") in told
    assert ("event", "order.cancelled") in told
    money = [(one["before"], one["amount_minor"]) for one in story if one["kind"] == "money"]
    held = sum(amount for kind, amount in money if kind == "hold")
    assert held == sum(amount for kind, amount in money if kind == "void") == order["total_minor"]
    assert [one["at"] for one in story] == sorted(one["at"] for one in story)

    # Who may not see money is told the rest
    _, serving.keys["clerk"] = serving.key(serving.operator, frozenset({"admin:orders"}))
    clerk = ask(serving, f"/v1/operator/orders/{order['id']}/story", "clerk")["items"]
    assert clerk == [one for one in story if one["kind"] != "money"]


def test_the_operator_cancels_in_a_partners_place_and_says_why(serving: Serving) -> None:
    order = serving.placed()
    target = f"/v1/operator/orders/{order['id']}:cancel"
    assert serving.ask("operator", "POST", target, {}, key=True).status_code == 400
    assert serving.ask("street", "POST", target, {"reason": "x"}, key=True).status_code == 403
    done = serving.ask("operator", "POST", target, {"reason": "买家要求"}, key=True)
    assert done.json()["state"] == "cancelled"
    assert [one["outcome"] for one in done.json()["outcomes"]] == ["done"]
    unknown = f"/v1/operator/orders/{id_text('ord', serving.market.tea)}:cancel"
    refused = serving.ask("operator", "POST", unknown, {"reason": "x"}, key=True)
    assert refused.json()["code"] == "order_unknown"


@pytest.mark.parametrize("who", ["operator", "street"])
def test_a_file_holds_exactly_what_is_filtered(serving: Serving, who: str) -> None:
    order = serving.placed((serving.market.tea, 2))
    serving.placed()
    path = "/v1/operator/orders" if who == "operator" else "/v1/orders"
    target = f"{path}:export?number={order['number']}"
    response = serving.ask(who, "GET", target)
    [row] = csv.DictReader(io.StringIO(response.text))
    assert row["number"] == order["number"]
    assert (row["quantity"], row["shipped"]) == ("2", "0")
    assert int(row["amount_minor"]) == order["goods_minor"]
    assert RECIPIENT["phone"] not in response.text
    assert bool(row["supplier"]) == bool(row["supplier_code"]) == (who == "operator")
    book = serving.ask(who, "GET", f"{target}&format=xlsx")
    assert book.content.startswith(b"PK")


def test_what_is_amiss_in_a_filter_is_refused(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = "from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z"
    for path in ("/v1/operator/orders", "/v1/operator/orders:counts", "/v1/operator/orders:export"):
        refused = serving.ask("operator", "GET", f"{path}?{late}").json()
        assert refused["fields"][0]["path"] == "?from"
    assert serving.ask("operator", "GET", "/v1/operator/orders?state=odd").status_code == 400
    assert serving.ask("operator", "GET", "/v1/operator/orders?cursor=odd").status_code == 400
    serving.placed()
    monkeypatch.setattr("weili.entrypoints.http.order_lists.EXPORT_ROWS_MAX", 0)
    refused = serving.ask("street", "GET", "/v1/orders:export").json()
    assert refused["code"] == "orders_too_many"


def test_nobody_but_the_operator_looks_across_partners(serving: Serving) -> None:
    sought = dropship.Sought()
    with serving.market.world.begin() as ctx:
        for who in (serving.market.street, serving.market.creator):
            actor = ctx.actor.__class__("partner", who, "key", frozenset({"orders:read"}))
            with pytest.raises(Exception, match="admin:orders"):
                dropship.orders_page(ctx.acting(actor), sought=sought, cursor=None, limit=1)
