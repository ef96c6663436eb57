"""The list of areas over HTTP: four levels, codes that ended, and the feed of changes."""

import time

from tests.entrypoints.http.conftest import Serving
from weili.entrypoints.http.gazetteers import gazetteer_of, gazetteers_make

PATIENCE_S = 60


def test_a_partner_walks_down_to_the_town_and_orders_to_it(serving: Serving) -> None:
    towns = serving.ask("street", "GET", "/v1/areas?parent=330106").json()["items"]
    sandun = next(town for town in towns if town["name"] == "三墩镇")

    full = serving.ask("street", "GET", f"/v1/areas/{sandun['code']}").json()
    order = serving.placed(area_code=sandun["code"])

    assert (full["level"], full["full_name"]) == ("town", "浙江省杭州市西湖区三墩镇")
    assert full["ancestors"] == ["330106", "330100", "330000", "000000"]
    assert (full["until_year"], full["successors"]) == (None, [])
    # Freight and warehouses are set for the province, and hold for the town.
    assert order["area_code"] == sandun["code"]


def test_an_order_to_a_code_that_ended_is_told_what_took_its_place(serving: Serving) -> None:
    rows = serving.rows()
    old = serving.ask("street", "GET", "/v1/areas/330104").json()
    body = serving.order(area_code="330104")

    refused = serving.ask("street", "POST", "/v1/orders", body)

    assert (old["name"], old["until_year"]) == ("江干区", 2021)
    assert old["successors"] == ["330102", "330114"]
    assert (refused.status_code, refused.json()["code"]) == (400, "area_replaced")
    assert refused.json()["members"]["successors"] == "330102 330114"
    assert serving.rows() == rows
    for successor in old["successors"]:
        again = serving.ask("street", "POST", "/v1/orders", {**body, "area_code": successor})
        if again.status_code == 201:
            return
    raise AssertionError(again.text)


def test_a_town_that_was_abolished_is_explained_and_not_ordered_to(serving: Serving) -> None:
    """Given 睢城镇, which the list marks as abolished, and 下社乡, of which it says no more."""
    town = serving.ask("street", "GET", "/v1/areas/320324601").json()
    other = serving.ask("street", "GET", "/v1/areas/140322202").json()
    orders = [serving.order(area_code=one["code"]) for one in (town, other)]
    refused = [serving.ask("street", "POST", "/v1/orders", body).json() for body in orders]

    assert (town["full_name"], town["until_year"]) == ("江苏省徐州市睢宁县睢城镇", 2026)
    assert (town["successors"], other["successors"]) == (["320324001"], [])
    assert [one["code"] for one in refused] == ["area_replaced", "area_unknown"]
    below = serving.ask("street", "GET", "/v1/areas?parent=320324").json()["items"]
    assert "320324601" not in {one["code"] for one in below}


def test_no_caller_waits_for_a_gazetteer(serving: Serving) -> None:
    # Given a server that has made it before it serves
    world = serving.market.world
    gazetteers_make([world])
    body = {"items": [{"text": "杭州市西湖区三墩镇1号"}]}
    with world.begin() as ctx:
        made = gazetteer_of(world, ctx)
        edition = made.vintage
    answer = serving.ask("street", "POST", "/v1/addresses:resolve", body)
    assert answer.json()["items"][0]["town_code"] == "330106109"
    # When the list is brought to another edition
    with world.begin() as ctx:
        ctx.db.run("UPDATE regions.region SET vintage = 'another' WHERE code = '000000'")
        # Then the one that is there answers, and one of the new edition takes its place by itself
        assert gazetteer_of(world, ctx) is made
    deadline = time.monotonic() + PATIENCE_S
    while made.vintage == edition:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        with world.begin() as ctx:
            made = gazetteer_of(world, ctx)
    assert made.vintage == "another"


def test_the_feed_of_changes_is_read_on_from_where_one_stopped(serving: Serving) -> None:
    seen: list[int] = []
    page = serving.ask("street", "GET", "/v1/areas/changes?limit=200").json()["items"]
    while page:
        seen += [row["position"] for row in page]
        after = f"/v1/areas/changes?limit=200&after={seen[-1]}"
        last, page = page, serving.ask("street", "GET", after).json()["items"]

    assert seen == list(range(1, len(seen) + 1))
    assert {row["kind"] for row in last} <= {"replaced", "split", "renamed", "created", "abolished"}
    hangzhou = serving.ask("street", "GET", "/v1/areas/330104").json()
    assert hangzhou["vintage"] == last[-1]["vintage"]


def test_a_position_below_zero_is_refused_with_its_field(serving: Serving) -> None:
    refused = serving.ask("street", "GET", "/v1/areas/changes?after=-1")

    assert refused.status_code == 400
    assert [fault["path"] for fault in refused.json()["fields"]] == ["?after"]


def test_a_pasted_address_becomes_an_order(serving: Serving) -> None:
    # The first question makes the gazetteer, which takes a busy machine longer than a client waits.
    with serving.market.world.begin() as ctx:
        gazetteer_of(serving.market.world, ctx)
    rows = serving.rows()
    texts = ["王小明 13812345678 浙江杭州西湖区三墩镇紫金港路21号", "鼓楼区中山路1号"]
    body = {"items": [{"text": text} for text in texts]}

    answer = serving.ask("street", "POST", "/v1/addresses:resolve", body)

    assert answer.status_code == 200, answer.text
    pasted, unclear = answer.json()["items"]
    assert serving.rows() == rows
    assert (pasted["area_code"], pasted["rest"]) == (pasted["town_code"], "紫金港路21号")
    assert pasted["full_name"] == "浙江省杭州市西湖区三墩镇"
    assert unclear["area_code"] is None
    assert len(unclear["alternatives"]) == 4
    to = {"name": pasted["name"], "phone": pasted["phone"], "address": pasted["rest"]}
    assert serving.placed(area_code=pasted["area_code"], recipient=to)["area_code"]


def test_too_many_texts_or_too_long_ones_are_refused(serving: Serving) -> None:
    rows = serving.rows()
    for items in ([], [{"text": "a"}] * 101, [{"text": ""}], [{"text": "a" * 301}], [{}]):
        answer = serving.ask("street", "POST", "/v1/addresses:resolve", {"items": items})
        assert answer.status_code == 400, answer.text
        assert answer.json()["code"] == "input_invalid"
    assert serving.rows() == rows
