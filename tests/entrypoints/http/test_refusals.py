"""Bad input gets the right problem, and changes nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.entrypoints.http.conftest import Serving
from weili.kit.ids import id_text
from weili.modules import goods

MEDIA_TYPE = "application/problem+json"

Change = Callable[[dict[str, Any]], object]


def _line(body: dict[str, Any]) -> dict[str, Any]:
    return body["lines"][0]


BAD_ORDERS: dict[str, tuple[Change, str]] = {
    "no number": (lambda b: b.pop("number"), "/number"),
    "an unknown field": (lambda b: b.update(gift=True), "/gift"),
    "an unknown field of a line": (lambda b: _line(b).update(colour="red"), "/lines/0/colour"),
    "a number with a space": (lambda b: b.update(number="A 1"), "/number"),
    "a number that is too long": (lambda b: b.update(number="A" * 65), "/number"),
    "a number with a newline after it": (lambda b: b.update(number="A1\n"), "/number"),
    "an area of five digits": (lambda b: b.update(area_code="33010"), "/area_code"),
    "an area of eight digits": (lambda b: b.update(area_code="33010610"), "/area_code"),
    "an area in other digits": (lambda b: b.update(area_code="३३०१०६"), "/area_code"),
    "no lines": (lambda b: b.update(lines=[]), "/lines"),
    "51 lines": (lambda b: b.update(lines=b["lines"] * 51), "/lines"),
    "a quantity of zero": (lambda b: _line(b).update(quantity=0), "/lines/0/quantity"),
    "a negative quantity": (lambda b: _line(b).update(quantity=-1), "/lines/0/quantity"),
    "a quantity as text": (lambda b: _line(b).update(quantity="5"), "/lines/0/quantity"),
    "a quantity as a float": (lambda b: _line(b).update(quantity=1.0), "/lines/0/quantity"),
    "a quantity as a truth": (lambda b: _line(b).update(quantity=True), "/lines/0/quantity"),
    "a quantity beyond all bounds": (
        lambda b: _line(b).update(quantity=10**30),
        "/lines/0/quantity",
    ),
    "a negative price": (
        lambda b: _line(b).update(unit_price_minor=-1),
        "/lines/0/unit_price_minor",
    ),
    "an id of another kind": (
        lambda b: _line(b).update(sku_id=b["lines"][0]["sku_id"].replace("sku", "spu")),
        "/lines/0/sku_id",
    ),
    "an id that is too short": (lambda b: _line(b).update(sku_id="sku_1"), "/lines/0/sku_id"),
    "a blank name": (lambda b: b["recipient"].update(name="  "), "/recipient/name"),
    "a name with a NUL": (lambda b: b["recipient"].update(name="a\0b"), "/recipient/name"),
    "a phone that is none": (lambda b: b["recipient"].update(phone="call me"), "/recipient/phone"),
    "an address without end": (
        lambda b: b["recipient"].update(address="长" * 201),
        "/recipient/address",
    ),
    "no recipient": (lambda b: b.update(recipient=None), "/recipient"),
    "hold as text": (lambda b: b.update(hold="yes"), "/hold"),
}


@pytest.mark.parametrize("name", BAD_ORDERS)
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders:batch", "/v1/orders:render"])
def test_a_malformed_order_is_refused_with_the_field_at_fault(
    serving: Serving, name: str, path: str
) -> None:
    change, pointer = BAD_ORDERS[name]
    body = serving.order()
    body["lines"] = [dict(line) for line in body["lines"]]
    body["recipient"] = dict(body["recipient"])
    change(body)
    sent: Any = {"orders": [serving.order(), body]} if path.endswith("batch") else body
    rows = serving.rows()
    response = serving.ask("street", "POST", path, sent)
    assert response.status_code == 400
    assert response.headers["content-type"] == MEDIA_TYPE
    problem = response.json()
    assert problem["code"] == "input_invalid"
    prefix = "/orders/1" if path.endswith("batch") else ""
    assert prefix + pointer in [field["path"] for field in problem["fields"]]
    assert serving.rows() == rows


def test_every_field_at_fault_is_listed_not_only_the_first(serving: Serving) -> None:
    body = {"number": "", "area_code": 330106, "recipient": {"name": "甲"}, "lines": [{}]}
    problem = serving.ask("street", "POST", "/v1/orders", body).json()
    assert [field["path"] for field in problem["fields"]] == [
        "/number",
        "/area_code",
        "/recipient/phone",
        "/recipient/address",
        "/lines/0/sku_id",
        "/lines/0/quantity",
    ]


NO_JSON: dict[str, bytes] = {
    "nothing": b"",
    "half of it": b'{"number": "A-1", ',
    "no UTF-8": b'{"number": "\xff\xfe"}',
    "half a letter": b'{"number": "\\ud800"}',
    "brackets without end": b"[" * 100_000,
    "braces without end": b'{"a":' * 100_000,
    "two documents": b"{}{}",
    "not a number": b'{"number": NaN}',
    "XML": b"<order/>",
    "another shape": b'["A-1"]',
    "nothing at all": b"null",
}


@pytest.mark.parametrize("name", NO_JSON)
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders:batch", "/v1/orders:render"])
def test_what_is_no_json_is_refused(serving: Serving, name: str, path: str) -> None:
    rows = serving.rows()
    response = serving.ask("street", "POST", path, NO_JSON[name])
    assert response.status_code == 400, response.text
    assert response.json()["code"] in {"body_unreadable", "input_invalid"}
    assert serving.rows() == rows


def test_a_body_beyond_the_bound_is_refused_unread(serving: Serving) -> None:
    rows = serving.rows()
    mib = 1024 * 1024
    large = serving.ask("street", "POST", "/v1/orders", b" " * (mib + 1))
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert large.json()["members"]["bytes_max"] == mib
    batch = serving.ask("street", "POST", "/v1/orders:batch", b" " * (4 * mib + 1))
    assert batch.status_code == 413
    fits = serving.ask("street", "POST", "/v1/orders:batch", b" " * (2 * mib))
    assert fits.status_code == 400
    pieces = serving.http.post("/v1/orders", content=iter([b" " * mib, b" "]))
    assert pieces.status_code == 413
    assert serving.rows() == rows


def test_a_batch_of_501_is_refused(serving: Serving) -> None:
    orders = [serving.order() for _ in range(501)]
    response = serving.ask("street", "POST", "/v1/orders:batch", {"orders": orders})
    assert response.status_code == 400
    assert response.json()["fields"][0]["path"] == "/orders"


def test_goods_that_are_not_granted_are_as_if_they_did_not_exist(serving: Serving) -> None:
    rows = serving.rows()
    hidden = serving.ask("street", "POST", "/v1/orders", serving.order((serving.market.hidden, 1)))
    made_up = serving.order()
    made_up["lines"] = [{"sku_id": "sku_01jd3f8k2m4n6p8q0r2s4t6v8w", "quantity": 1}]
    unknown = serving.ask("street", "POST", "/v1/orders", made_up)
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json()["code"] == unknown.json()["code"] == "goods_not_on_sale"
    sku = serving.ask("street", "GET", f"/v1/skus/{id_text('sku', serving.market.hidden)}")
    assert (sku.status_code, sku.json()["code"]) == (404, "sku_unknown")
    assert serving.rows() == rows


def test_a_pool_that_is_not_granted_is_as_if_it_did_not_exist(serving: Serving) -> None:
    # Given a pool of the creator's alone, in a category of its own goods
    with serving.market.world.begin() as ctx:
        pool = goods.pool_open(ctx, name="creator's own")
        goods.pool_put(ctx, pool_id=pool, sku_ids=[serving.market.hidden])
        goods.pool_grant(ctx, pool_id=pool, partner_id=serving.market.creator)
    mine = serving.ask("creator", "GET", f"/v1/skus?pool_id={id_text('pol', pool)}").json()
    assert [item["id"] for item in mine["items"]] == [id_text("sku", serving.market.hidden)]
    # Then another partner is told of it what it is told of none
    made_up = "pol_01jd3f8k2m4n6p8q0r2s4t6v8w"
    alike = {"weili-request-id": "asked-twice"}
    target = f"/v1/skus?pool_id={id_text('pol', pool)}"
    foreign = serving.ask("street", "GET", target, headers=alike)
    unknown = serving.ask("street", "GET", f"/v1/skus?pool_id={made_up}", headers=alike)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text.replace(id_text("pol", pool), made_up) == unknown.text


def test_a_category_without_goods_for_one_is_as_if_it_did_not_exist(serving: Serving) -> None:
    # Given a category of which only the creator has been granted anything
    with serving.market.world.begin() as ctx:
        row = goods.GoodsRow(serving.market.farm, "hen", "芦花鸡", ("活禽", "鸡", "母鸡"))
        [sku_id] = goods.goods_put(ctx, rows=[row]).sku_ids.values()
        goods.sku_shelve(ctx, sku_ids=[sku_id], state=goods.SkuState.ON_SHELF)
        pool = goods.pool_open(ctx, name="poultry")
        goods.pool_put(ctx, pool_id=pool, sku_ids=[sku_id])
        goods.pool_grant(ctx, pool_id=pool, partner_id=serving.market.creator)

    def tree(who: str, path: str) -> dict[str, str]:
        items = serving.ask(who, "GET", path).json()["items"]
        return {item["name"]: item["id"] for item in items}

    # Then the street community's tree is without it, and it has nothing below it
    everything = tree("operator", "/v1/operator/categories")
    assert set(everything) == {"食品", "家居", "活禽"}
    assert tree("creator", "/v1/categories") == everything
    assert set(tree("street", "/v1/categories")) == {"食品", "家居"}
    below = f"/v1/categories?parent_id={everything['活禽']}"
    assert set(tree("creator", below)) == {"鸡"}
    assert tree("street", below) == {}


def test_another_partners_order_is_as_if_it_did_not_exist(serving: Serving) -> None:
    order = serving.placed(hold=True)
    rows = serving.rows()
    path = f"/v1/orders/{order['id']}"
    answers = [
        serving.ask("creator", "GET", path),
        serving.ask("creator", "GET", f"/v1/orders/by-number/{order['number']}"),
        serving.ask("creator", "POST", f"{path}:confirm", key=True),
        serving.ask("creator", "POST", f"{path}:cancel", key=True),
        serving.ask("creator", "POST", f"{path}:confirmReceipt", key=True),
        serving.ask("creator", "POST", f"{path}:revealRecipient", {"reason": "curious"}),
    ]
    assert [a.status_code for a in answers] == [404] * 6
    assert {a.json()["code"] for a in answers} == {"order_unknown"}
    assert serving.rows() == rows


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/v1/orders?limit=0", "?limit"),
        ("/v1/orders?limit=201", "?limit"),
        ("/v1/orders?limit=ten", "?limit"),
        ("/v1/orders?state=lost", "?state"),
        ("/v1/orders?sort=asc", "?sort"),
        ("/v1/orders/ord_1", "{order_id}"),
        ("/v1/orders/by-number/%00", "{number}"),
        ("/v1/skus?q=%00", "?q"),
        ("/v1/areas?parent=33", "?parent"),
        ("/v1/account/statement?from=yesterday", "?from"),
        ("/v1/account/statement?from=2026-01-01T00:00:00", "?from"),
        ("/v1/account/statement?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "?from"),
        ("/v1/messages?types=no-type", "?types"),
    ],
)
def test_a_bad_parameter_is_named(serving: Serving, target: str, path: str) -> None:
    response = serving.ask("street", "GET", target)
    assert response.status_code == 400, response.text
    assert [field["path"] for field in response.json()["fields"]] == [path]


@pytest.mark.parametrize(
    "target",
    [
        "/v1/orders?cursor=%00",
        "/v1/orders?cursor=WzEsICJcdTAwMDAiXQ",
        "/v1/skus?cursor=abc",
        "/v1/pools?cursor=W10",
        "/v1/account/statement?cursor=WzEsICJ4Il0",
    ],
)
def test_a_cursor_of_ones_own_making_is_refused(serving: Serving, target: str) -> None:
    response = serving.ask("street", "GET", target)
    assert (response.status_code, response.json()["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("list_of", ["partners", "skus", "price-lists", "warehouses"])
def test_every_list_of_the_operator_refuses_a_foreign_cursor_alike(
    serving: Serving, list_of: str
) -> None:
    target = f"/v1/operator/{list_of}?cursor=WzEsICJ4Il0"
    response = serving.ask("operator", "GET", target)
    assert (response.status_code, response.json()["code"]) == (400, "cursor_invalid")


def test_unknown_paths_and_methods_have_problems_of_their_own(serving: Serving) -> None:
    path = serving.ask("street", "GET", "/v1/nothing")
    assert (path.status_code, path.json()["code"]) == (404, "path_unknown")
    method = serving.ask("street", "PUT", "/v1/orders", {})
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in method.headers["allow"]


def test_a_refusal_speaks_the_language_that_was_asked_for(serving: Serving) -> None:
    chinese = serving.http.get("/v1/orders", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    english = serving.http.get("/v1/orders", headers={"accept-language": "de, en;q=0.5, zh;q=0.1"})
    assert "凭证" in chinese.json()["detail"]
    assert "credentials" in english.json()["detail"]


def test_every_answer_has_a_request_id_and_keeps_the_one_it_was_given(serving: Serving) -> None:
    assert serving.http.get("/healthz").headers["weili-request-id"].startswith("req_")
    given = serving.http.get("/v1/orders", headers={"weili-request-id": "trace-0001"})
    assert given.headers["weili-request-id"] == "trace-0001"
    odd = serving.http.get("/healthz", headers={"weili-request-id": "no id"})
    assert odd.headers["weili-request-id"].startswith("req_")


def test_the_idempotency_key_has_bounds(serving: Serving) -> None:
    order = serving.placed()
    rows = serving.rows()
    for key in ("", "k" * 256, "schlüssel"):
        response = serving.ask(
            "street",
            "POST",
            f"/v1/orders/{order['id']}:cancel",
            headers={"idempotency-key": key.encode()},
        )
        assert response.json()["code"] == "idempotency_key_missing"
    assert serving.rows() == rows


def test_the_problem_document_has_what_the_standard_asks_for(serving: Serving) -> None:
    response = serving.ask("street", "POST", "/v1/orders", json.dumps({}).encode())
    problem = response.json()
    assert problem["type"].endswith("/input_invalid")
    assert problem["status"] == response.status_code == 400
    assert problem["title"]
    assert problem["detail"]
    assert problem["repeatable"] is False


SUPPLIED = [{"sku_id": "{sku}", "unit_cost_minor": cost} for cost in (100, 200)]


@pytest.mark.parametrize(
    ("who", "call", "body", "at"),
    [
        ("operator", "PUT /v1/operator/costs", {"costs": SUPPLIED}, "/costs/1"),
        ("grocer", "POST /v1/supply/costs", {"costs": SUPPLIED}, "/costs/1"),
        (
            "operator",
            "PUT /v1/operator/freight",
            {"rules": [{"region_code": "330106", "base_minor": minor} for minor in (100, 200)]},
            "/rules/1",
        ),
        (
            "operator",
            "PUT /v1/operator/compare-at",
            {"rows": [{"sku_id": "{sku}", "compare_at_minor": minor} for minor in (100, 200)]},
            "/rows/1",
        ),
    ],
)
def test_what_is_refused_of_a_row_names_the_list_that_it_stands_in(
    serving: Serving, who: str, call: str, body: dict[str, Any], at: str
) -> None:
    sku_id = id_text(goods.SKU_PREFIX, serving.market.rice)
    sent = json.dumps(body).replace("{sku}", sku_id).encode()

    refused = serving.ask(who, *call.split(), sent, key=True)

    assert refused.json()["code"] == "input_invalid", refused.text
    assert [field["path"] for field in refused.json()["fields"]] == [at]
