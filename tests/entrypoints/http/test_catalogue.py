"""Selecting goods over HTTP: search, feed, export, selections, each for its partner alone."""

import json
from collections.abc import Iterator

import pytest

from tests.entrypoints.http.conftest import Client, Serving
from tests.market import CUP_FEN, TEA_FEN
from weili.kit.ids import id_text
from weili.modules import goods


@pytest.fixture
def client(serving: Serving) -> Iterator[Client]:
    with serving.client() as client:
        yield client


def test_a_partner_searches_at_its_own_prices(serving: Serving, client: Client) -> None:
    found = client.skus_search("龙井", sort="price")
    [item] = found["items"]
    assert (item["sku_id"], item["unit_price_minor"]) == (
        id_text("sku", serving.market.tea),
        TEA_FEN,
    )
    assert [each["name"] for each in item["category"]] == ["食品", "茶", "绿茶"]
    assert found["count"] == 1
    assert client.skus_search("未授权")["items"] == []


def test_a_feed_is_followed_and_an_export_begins_it(serving: Serving, client: Client) -> None:
    serving.relayed()
    text = serving.ask("street", "GET", "/v1/export/skus").text
    first, *lines, last = [json.loads(line) for line in text.splitlines()]
    assert last == {"end": True, "count": len(lines)}
    assert client.skus_feed(after=first["next_after"])["items"] == []

    every, after = [], None
    while True:
        page = client.skus_feed(after=after, limit=2)
        every += page["items"]
        after = page["next_after"]
        if not page["has_more"]:
            break
    offered = {i["sku_id"]: i["unit_price_minor"] for i in every if i["state"] == "on_shelf"}
    assert offered == {line["id"]: line["unit_price_minor"] for line in lines}
    assert len({item["sku_id"] for item in every}) == len(every)


@pytest.mark.parametrize("after", ["x", "WzEsICItMSJd", "WzEsICJ4Il0"])
def test_a_cursor_of_another_making_is_refused(serving: Serving, after: str) -> None:
    refused = serving.ask("street", "GET", f"/v1/feed/skus?after={after}")
    assert (refused.status_code, refused.json()["code"]) == (400, "cursor_invalid")


def test_a_selection_sells_at_its_rules_and_never_below_cost_unexplained(
    serving: Serving, client: Client
) -> None:
    # Given a selection of tea and cups
    market = serving.market
    tea, cup = (id_text("sku", each) for each in (market.tea, market.cup))
    selection = client.selection_open(serving.number())["id"]
    assert client.selection_put(selection, add=[tea, cup]) == {"added": 2, "removed": 0}

    # When everything is marked up by 12.5 % to .90, and tea by 3.00
    client.selection_rules_put(
        selection,
        [
            {"kind": "bps", "amount": 1250, "rounding": "ending_ninety"},
            {"kind": "fixed", "amount": 300, "sku_id": tea},
        ],
    )

    # Then the cup is 12.90 + 1.6125, up to 14.90; tea 45.00 + 3.00
    items = {item["sku_id"]: item for item in client.selection_skus(selection)["items"]}
    assert (items[cup]["unit_cost_minor"], items[cup]["retail_price_minor"]) == (CUP_FEN, 1_490)
    assert items[tea]["retail_price_minor"] == TEA_FEN + 300
    sheet = serving.ask("street", "GET", f"/v1/selections/{selection}/export").text
    assert "45.00,48.00," in sheet

    # And selling below cost is refused without a reason, with the rules as they were
    below = {"rules": [{"kind": "fixed", "amount": -500}]}
    path = f"/v1/selections/{selection}/rules"
    refused = serving.ask("street", "PUT", path, below)
    assert refused.json()["code"] == "below_cost_unexplained"
    assert len(serving.ask("street", "GET", path).json()["rules"]) == 2
    below["rules"][0]["below_cost_reason"] = "临期清仓"
    assert serving.ask("street", "PUT", path, below).status_code == 200
    [one, two] = client.selection_skus(selection)["items"]
    assert {one["retail_price_minor"], two["retail_price_minor"]} == {TEA_FEN - 500, CUP_FEN - 500}
    assert one["below_cost_reason"] == "临期清仓"


def test_what_a_search_finds_is_exported_at_the_partners_own_prices(serving: Serving) -> None:
    path = "/v1/search/skus:export?q=%E9%BE%99%E4%BA%95"
    head, row = serving.ask("street", "GET", path).text.splitlines()
    assert head.removeprefix("\ufeff").startswith("sku_id,title,variant,unit_price_minor,")
    assert row.startswith(id_text("sku", serving.market.tea))
    assert f",{TEA_FEN}," in row
    sheet = serving.ask("street", "GET", path + "&format=xlsx")
    assert sheet.content.startswith(b"PK")
    # And what it may not order is not there for it
    everything = serving.ask("street", "GET", "/v1/search/skus:export").text
    assert row in everything
    assert id_text("sku", serving.market.hidden) not in everything


def test_a_selection_is_its_partners_alone_and_takes_what_that_one_may_order(
    serving: Serving, client: Client
) -> None:
    selection = client.selection_open(serving.number())["id"]
    for method, target, body in (
        ("GET", f"/v1/selections/{selection}/skus", None),
        ("GET", f"/v1/selections/{selection}/export", None),
        ("GET", f"/v1/selections/{selection}/export?format=xlsx", None),
        ("PUT", f"/v1/selections/{selection}/rules", {"rules": []}),
        ("DELETE", f"/v1/selections/{selection}", None),
    ):
        assert serving.ask("creator", method, target, body).status_code == 404, target

    before = serving.rows()
    hidden = id_text(goods.SKU_PREFIX, serving.market.hidden)
    body = {"add": [hidden]}
    refused = serving.ask("street", "PUT", f"/v1/selections/{selection}/skus", body)
    assert (refused.status_code, refused.json()["code"]) == (404, "sku_unknown")
    assert serving.rows() == before


def test_the_operator_edits_synonyms(serving: Serving, client: Client) -> None:
    words = ["茗", "龙井"]
    assert client.skus_search("茗")["count"] == 0
    put = serving.ask("operator", "PUT", "/v1/operator/synonyms", {"words": words})
    assert sorted(put.json()["words"]) == sorted(words)
    assert client.skus_search("茗")["count"] == 1
    gone = serving.ask("operator", "DELETE", "/v1/operator/synonyms/%E8%8C%97")
    assert gone.status_code == 200
    assert client.skus_search("茗")["count"] == 0
