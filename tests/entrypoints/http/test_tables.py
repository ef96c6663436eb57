"""What the console asks of goods, prices and stock: filters, walls between tenants, files."""

import csv
import io
from typing import Any

import httpx2
import pytest

from tests import market as markets
from tests.entrypoints.http.conftest import Serving
from weili.kit.ids import id_text

GOODS_HEAD = "商品编码,类目,商品名称,税率(基点),供货价,售价,库存"
JAM = "JAM-1,食品 > 果酱,草莓酱,1300,8.00,12.50,30"
SHEET = f"{GOODS_HEAD}\n{JAM}\n".encode()
BAD = f"{GOODS_HEAD}\n{JAM}\nJAM-2,食品 > 果酱,,1300,x,9,1\n".encode()


def done(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return dict(response.json())


def rows_of(response: httpx2.Response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def pool_of(serving: Serving) -> str:
    """Give the pool that has the tea in it."""
    tea = id_text("sku", serving.market.tea)
    return str(done(serving.ask("operator", "GET", f"/v1/operator/skus/{tea}"))["pool_ids"][0])


def upload_target(serving: Serving, **options: str) -> str:
    market = serving.market
    place = {
        "list_id": id_text("lst", market.price_list),
        "pool_id": pool_of(serving),
        "supplier_id": id_text("pty", market.grocer),
        **options,
    }
    return "/v1/operator/goods:upload?" + "&".join(f"{k}={v}" for k, v in place.items())


def test_an_sku_is_shown_whole_with_its_pools_and_history(serving: Serving) -> None:
    tea = id_text("sku", serving.market.tea)
    found = done(serving.ask("operator", "GET", f"/v1/operator/skus/{tea}"))
    assert (found["id"], found["state"]) == (tea, "on_shelf")
    assert len(found["pool_ids"]) == 1
    assert found["history"][-1]["kind"] == "created"
    assert found["supplier_code"]
    unknown = serving.ask("operator", "GET", "/v1/operator/skus/sku_01jd3f8k2m4n6p8q0r2s4t6v8w")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "sku_unknown")


def test_goods_are_filtered_by_state_and_supplier_and_the_file_has_the_same(
    serving: Serving,
) -> None:
    grocer = id_text("pty", serving.market.grocer)
    for filters in (f"supplier_id={grocer}", "state=draft", f"supplier_id={grocer}&state=on_shelf"):
        listed = done(serving.ask("operator", "GET", f"/v1/operator/skus?{filters}"))["items"]
        file = serving.ask("operator", "GET", f"/v1/operator/skus:export?{filters}&format=csv")
        assert [row["sku_id"] for row in rows_of(file)] == [sku["id"] for sku in listed]
        assert {sku["supplier_id"] for sku in listed} <= {grocer} or "supplier" not in filters
    workbook = serving.ask("operator", "GET", "/v1/operator/skus:export?format=xlsx")
    assert workbook.content.startswith(b"PK")


def test_a_pool_is_shown_with_its_profile_and_grants(serving: Serving) -> None:
    pool, street = pool_of(serving), id_text("pty", serving.market.street)
    path = f"/v1/operator/pools/{pool}"
    assert done(serving.ask("operator", "GET", path))["profile"]["brand_kinds"] == []
    granted = done(serving.ask("operator", "GET", f"{path}/grants"))["items"]
    assert street in [party["party_id"] for party in granted]
    done(serving.ask("operator", "DELETE", f"{path}/grants/{street}"))
    left = done(serving.ask("operator", "GET", f"{path}/grants"))["items"]
    assert len(left) == len(granted) - 1
    done(serving.ask("operator", "PUT", f"{path}/grants/{street}"))
    one = done(serving.ask("operator", "GET", f"{path}/grants?limit=1"))
    assert len(one["items"]) == 1
    names = done(serving.ask("operator", "GET", "/v1/operator/party-names?kind=partner"))["items"]
    assert street in [party["party_id"] for party in names]
    assert id_text("pty", serving.market.grocer) not in [party["party_id"] for party in names]


def test_a_list_shows_its_prices_with_costs_and_the_file_has_the_same(serving: Serving) -> None:
    rice, list_id = id_text("sku", serving.market.rice), id_text("lst", serving.market.price_list)
    path = f"/v1/operator/price-lists/{list_id}/prices"
    listed = done(serving.ask("operator", "GET", path))["items"]
    [found] = [sku for sku in listed if sku["sku_id"] == rice]
    assert (found["unit_cost_minor"], found["tiers"][0]["unit_price_minor"]) == (5_200, 6_990)
    assert (found["tiers"][0]["valid_from"], found["tiers"][0]["version"]) == (None, 1)
    assert found["compare_at_minor"] is None
    pages, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = done(serving.ask("operator", "GET", f"{path}?limit=1{more}"))
        pages += [sku["sku_id"] for sku in page["items"]]
        cursor = page["next_cursor"]
    assert pages == [sku["sku_id"] for sku in listed]
    file = rows_of(serving.ask("operator", "GET", f"{path}:export?format=csv"))
    assert [row["sku_id"] for row in file] == [s["sku_id"] for s in listed for _ in s["tiers"]]
    by_words = done(serving.ask("operator", "GET", f"{path}?q=%E7%B1%B3"))["items"]
    assert rice in [sku["sku_id"] for sku in by_words]
    on_all = done(serving.ask("operator", "GET", f"/v1/operator/skus/{rice}/prices"))
    assert list_id in [tier["list_id"] for tier in on_all["tiers"]]
    # What may be shown struck out stands beside its prices, and in the file
    row = {"sku_id": rice, "compare_at_minor": 7_990, "explanation": "厂家建议零售价"}
    done(serving.ask("operator", "PUT", "/v1/operator/compare-at", {"rows": [row]}))
    listed = done(serving.ask("operator", "GET", path))["items"]
    assert {s["sku_id"]: s["compare_at_minor"] for s in listed}[rice] == 7_990
    file = rows_of(serving.ask("operator", "GET", f"{path}:export?format=csv"))
    assert {row["compare_at_minor"] for row in file if row["sku_id"] == rice} == {"7990"}


def test_stock_is_listed_by_need_and_a_supplier_sees_its_own_alone(serving: Serving) -> None:
    listed = done(serving.ask("operator", "GET", "/v1/operator/stock"))["items"]
    assert listed
    for place in listed:
        held = place["reserved"] + place["shared"] + place["safety"]
        assert place["available"] == place["on_hand"] - held
    own = done(serving.ask("grocer", "GET", "/v1/supply/stock"))["items"]
    assert {place["warehouse_id"] for place in own} < {place["warehouse_id"] for place in listed}
    foreign = next(p["warehouse_id"] for p in listed if p not in own)
    refused = serving.ask("grocer", "GET", f"/v1/supply/stock?warehouse_id={foreign}")
    assert refused.status_code == 404
    file = rows_of(serving.ask("grocer", "GET", "/v1/supply/stock:export?format=csv"))
    assert [row["sku_id"] for row in file] == [place["sku_id"] for place in own]
    # What is marked as low below more than lies there runs low, and nothing else does
    place = own[0]
    row = {name: place[name] for name in ("sku_id", "warehouse_id", "version")}
    mark = {"rows": [row | {"low_below": place["on_hand"] + 1}]}
    done(serving.ask("grocer", "POST", "/v1/supply/stock:update", mark, key=True))
    low = done(serving.ask("grocer", "GET", "/v1/supply/stock?need=low"))["items"]
    assert [each["sku_id"] for each in low] == [place["sku_id"]]
    # The same again is made from a version that has passed
    [stale] = done(serving.ask("grocer", "POST", "/v1/supply/stock:update", mark, key=True))[
        "items"
    ]
    assert stale["problem"]["code"] == "stock_version_stale"
    out = done(serving.ask("operator", "GET", "/v1/operator/stock?need=out"))["items"]
    assert all(each["available"] <= 0 for each in out)


def test_stock_pages_come_in_one_order_and_end(serving: Serving) -> None:
    whole = done(serving.ask("operator", "GET", "/v1/operator/stock?limit=200"))["items"]
    walked, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = done(serving.ask("operator", "GET", f"/v1/operator/stock?limit=1{more}"))
        walked += page["items"]
        cursor = page["next_cursor"]
    assert walked == whole
    broken = serving.ask("operator", "GET", "/v1/operator/stock?cursor=WzEsICJ4Il0")
    assert broken.status_code == 400
    assert broken.json()["code"] == "cursor_invalid"


def test_an_area_is_told_what_it_can_have_and_why(serving: Serving) -> None:
    tea = id_text("sku", serving.market.tea)
    body = {"sku_ids": [tea], "area_codes": [markets.XIHU, "650102"], "quantity": 1}
    rows = serving.rows()
    near, far = done(serving.ask("operator", "POST", "/v1/operator/availability:explain", body))[
        "items"
    ]
    assert near["state"] == "in_stock"
    assert near["warehouses"][0]["verdict"] == "takes_all"
    assert near["area_name"]
    assert (far["area_code"], bool(far["warehouses"])) == ("650102", far["state"] != "not_served")
    assert serving.rows() == rows
    unknown = body | {"sku_ids": ["sku_01jd3f8k2m4n6p8q0r2s4t6v8w"]}
    refused = serving.ask("operator", "POST", "/v1/operator/availability:explain", unknown)
    assert refused.status_code == 404
    house = near["warehouses"][0]["warehouse_id"]
    served = done(serving.ask("operator", "GET", f"/v1/operator/warehouses/{house}/coverage"))
    assert all(row["region_name"] for row in served["items"])


def test_a_supplier_lists_its_skus_with_their_costs(serving: Serving) -> None:
    rice = id_text("sku", serving.market.rice)
    own = done(serving.ask("grocer", "GET", "/v1/supply/skus?limit=200"))["items"]
    assert {sku["sku_id"]: sku["unit_cost_minor"] for sku in own}[rice] == 5_200
    foreign = done(serving.ask("farm", "GET", "/v1/supply/skus?limit=200"))["items"]
    assert not {sku["sku_id"] for sku in own} & {sku["sku_id"] for sku in foreign}


def test_a_sheet_is_tried_then_imported_and_the_try_moved_nothing(serving: Serving) -> None:
    rows = serving.rows()
    tried = done(serving.ask("operator", "POST", upload_target(serving, preview="true"), SHEET))
    assert (tried["rows"], tried["created"], tried["stock_changed"]) == (1, 1, 1)
    assert serving.rows() == rows
    made = done(serving.ask("operator", "POST", upload_target(serving), SHEET))
    assert made == tried
    again = done(serving.ask("operator", "POST", upload_target(serving), SHEET))
    assert (again["created"], again["unchanged"], again["stock_changed"]) == (0, 1, 0)


def test_wrong_rows_refuse_a_sheet_whole_unless_they_are_left_out(serving: Serving) -> None:
    rows = serving.rows()
    refused = serving.ask("operator", "POST", upload_target(serving), BAD)
    assert (refused.status_code, refused.json()["code"]) == (422, "import_refused")
    seen = done(
        serving.ask(
            "operator", "POST", upload_target(serving, preview="true", skip_bad="true"), BAD
        )
    )
    assert serving.rows() == rows
    assert (seen["rows"], seen["bad_rows"]) == (2, 1)
    assert {(bad["row"], bad["column"], bad["heading"]) for bad in seen["bad"]} == {
        (3, "title", "商品名称"),
        (3, "cost", "供货价"),
    }


def test_a_mapping_is_saved_used_and_removed(serving: Serving) -> None:
    sheet = "货号,名字,进价\nHONEY-1,蜂蜜,9.90\n".encode()
    head = done(serving.ask("operator", "POST", "/v1/operator/sheets:read", sheet))
    assert [each["heading"] for each in head["headings"]] == ["货号", "名字", "进价"]
    assert head["rows"] == [["HONEY-1", "蜂蜜", "9.90"]]
    assert set(head["required"]) <= set(head["columns"])
    path = "/v1/operator/sheet-mappings/honey"
    columns = {
        "supplier_code": "货号",
        "title": "名字",
        "cost": "进价",
        "price": {"share_of": "cost", "share_bps": 15_000},
        "category": "名字",
        "tax_rate_bps": {"value": "1300"},
    }
    lacking = serving.ask("operator", "PUT", path, {"columns": {"title": "名字"}})
    assert lacking.status_code == 400
    saved = done(serving.ask("operator", "PUT", path, {"columns": columns}))
    assert saved["columns"]["title"] == {"heading": "名字"}
    target = upload_target(serving, mapping="honey")
    assert done(serving.ask("operator", "POST", target, sheet))["created"] == 1
    names = done(serving.ask("operator", "GET", "/v1/operator/sheet-mappings"))["items"]
    assert "honey" in [each["name"] for each in names]
    done(serving.ask("operator", "DELETE", path))
    assert serving.ask("operator", "POST", target, sheet).status_code == 404


@pytest.mark.parametrize("name", ["%00", "honey%00", "%0A"])
def test_no_control_character_is_part_of_a_mappings_name(serving: Serving, name: str) -> None:
    path = f"/v1/operator/sheet-mappings/{name}"
    assert serving.ask("operator", "PUT", path, {"columns": {}}).status_code == 400
    assert serving.ask("operator", "DELETE", path).status_code == 400
    target = upload_target(serving, mapping=name)
    assert serving.ask("operator", "POST", target, SHEET).status_code == 400


@pytest.mark.parametrize("text", [b'"\\u0000"', b'"\\ud800"'])
def test_a_mapping_of_texts_that_cannot_be_kept_is_refused(serving: Serving, text: bytes) -> None:
    body = b'{"columns": {"title": ' + text + b"}}"
    assert serving.ask("operator", "PUT", "/v1/operator/sheet-mappings/x", body).status_code == 400


@pytest.mark.parametrize("lacking", ["admin:prices", "admin:stock"])
def test_an_import_needs_the_right_to_all_that_it_sets(serving: Serving, lacking: str) -> None:
    scopes = frozenset({"admin:goods", "admin:prices", "admin:stock"}) - {lacking}
    _, serving.keys["some"] = serving.key(serving.operator, scopes)
    refused = serving.ask("some", "POST", upload_target(serving), SHEET)
    assert (refused.status_code, refused.json()["members"]["needs"]) == (403, lacking)


def test_names_are_told_to_who_may_know_of_the_goods(serving: Serving) -> None:
    market = serving.market
    ids = [id_text("sku", each) for each in (market.tea, market.eggs, market.hidden)]

    def named(who: str) -> list[str]:
        told = done(serving.ask(who, "POST", "/v1/sku-names:batchGet", {"sku_ids": ids}))
        codes = {each["supplier_code"] is None for each in told["items"]}
        assert codes <= {who == "street"}
        return [each["sku_id"] for each in told["items"]]

    assert named("operator") == ids
    assert set(named("grocer")).isdisjoint(named("farm"))
    assert id_text("sku", market.hidden) not in named("street")
