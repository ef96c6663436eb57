"""Goods from a supplier's first picture to a partner's view of them, over HTTP."""

from typing import Any

import httpx2
import pytest

from tests.entrypoints.http.conftest import Serving
from tests.modules.goods.test_media_facts import PDF, png
from weili.kit.ids import id_text

SKUS = [
    {
        "supplier_code": f"CF-{weight}",
        "variant_values": {"净含量": weight},
        "gtin": "6901234567892",
        "terms": {"quantity_max": 10, "areas_excluded": ["120000"]},
        "unit_cost_minor": 2_000,
    }
    for weight in ("250", "500")
]


def done(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code < 300, response.text
    return response.json()


def ask(
    serving: Serving, who: str, method: str, target: str, sent: object = None
) -> httpx2.Response:
    """Ask as somebody; what changes something has a key of its own."""
    return serving.ask(who, method, target, sent, key=method == "POST")


def upload(serving: Serving, content: bytes, who: str = "grocer") -> httpx2.Response:
    return serving.ask(who, "POST", "/v1/supply/media:upload", content, key=True)


@pytest.fixture
def category(serving: Serving) -> str:
    """Give a category whose goods come by weight."""
    found = done(ask(serving, "operator", "POST", "/v1/operator/categories", {"name": "咖啡豆"}))
    category_id = found["items"][0]["id"]
    weight = {"name": "净含量", "kind": "number", "use": "variant", "unit": "g"}
    roast = {"name": "烘焙", "kind": "enum", "choices": ["浅", "深"], "is_required": True}
    path = f"/v1/operator/categories/{category_id}/template"
    done(ask(serving, "operator", "PUT", path, {"attributes": [weight, roast]}))
    return category_id


def proposal(category_id: str, **changes: object) -> dict[str, Any]:
    said = {"title": "云南咖啡豆", "category_id": category_id, "attributes": {"烘焙": "深"}}
    return {**said, "skus": SKUS, **changes}


def test_goods_go_from_a_supplier_to_a_partner(serving: Serving, category: str) -> None:
    # Given a picture and a proposal that shows it
    picture = png(30, 20)
    media = done(upload(serving, picture))
    assert (media["content_type"], media["width"], media["height"]) == ("image/png", 30, 20)
    template = done(ask(serving, "grocer", "GET", f"/v1/supply/categories/{category}/template"))
    assert [each["name"] for each in template["attributes"]] == ["净含量", "烘焙"]
    link = {"media_id": media["id"], "alt": "一袋咖啡豆"}
    body = proposal(category, media=[link], description="水洗，中深烘焙")
    draft = done(ask(serving, "grocer", "PUT", "/v1/supply/goods/CF", body))
    base = "/v1/supply/goods-revisions"

    # When it is submitted, sent back, submitted again and published
    done(ask(serving, "grocer", "POST", f"{base}/{draft['id']}:submit", {}))
    queue = done(ask(serving, "operator", "GET", "/v1/operator/goods-revisions"))
    assert [row["id"] for row in queue["items"]] == [draft["id"]]
    path = f"/v1/operator/goods-revisions/{draft['id']}"
    note = {"path": "/title", "reason": "标题请写明产季"}
    done(ask(serving, "operator", "POST", f"{path}:return", {"reason": "待补充", "notes": [note]}))
    back = done(ask(serving, "grocer", "GET", f"{base}/{draft['id']}"))
    assert (back["state"], back["notes"]) == ("draft", [note])
    done(ask(serving, "grocer", "PUT", "/v1/supply/goods/CF", body | {"title": "云南咖啡豆 新季"}))
    done(ask(serving, "grocer", "POST", f"{base}/{draft['id']}:submit", {}))
    ids = {"revision_ids": [draft["id"], "rev_01jd3f8k2m4n6p8q0r2s4t6v8w"]}
    published = done(ask(serving, "operator", "POST", "/v1/operator/goods-revisions:publish", ids))

    # Then it says what came of each, and a partner who is granted it sees all of it
    first, second = published["results"]
    assert (first["status"], second["status"]) == ("published", "refused")
    assert second["problem"]["code"] == "revision_unknown"
    sku_id = first["sku_ids"]["CF-250"]
    assert ask(serving, "street", "GET", f"/v1/skus/{sku_id}").status_code == 404
    pools = done(ask(serving, "operator", "GET", "/v1/operator/pools"))["items"]
    path = f"/v1/operator/pools/{pools[0]['id']}/skus"
    done(ask(serving, "operator", "PUT", path, {"put": [sku_id]}))
    sku = done(ask(serving, "street", "GET", f"/v1/skus/{sku_id}"))
    assert (sku["title"], sku["description"]) == ("云南咖啡豆 新季", "水洗，中深烘焙")
    assert (sku["variant_values"], sku["terms"]["quantity_max"]) == ({"净含量": "250"}, 10)
    [shown] = sku["media"]
    assert (shown["address"], shown["alt"]) == (media["address"], "一袋咖啡豆")
    fetched = ask(serving, "street", "GET", f"/v1/media/{shown['address']}")
    assert fetched.content == picture
    assert fetched.headers["content-type"] == "image/png"
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in fetched.headers["content-security-policy"]

    # And its supplier takes it off the shelf, but nobody else's
    taken = {"sku_ids": [sku_id]}
    assert ask(serving, "farm", "POST", "/v1/supply/skus:withdraw", taken).status_code == 404
    assert done(ask(serving, "grocer", "POST", "/v1/supply/skus:withdraw", taken)) == {"changed": 1}
    assert ask(serving, "street", "GET", f"/v1/skus/{sku_id}").status_code == 404


def test_what_is_wrong_is_named_field_by_field_and_moves_nothing(
    serving: Serving, category: str
) -> None:
    sku = {"supplier_code": "X", "gtin": "6901234567890", "tax_rate_bps": 1234}
    body = proposal(category, attributes={"烘焙": "中"}, skus=[sku])
    draft = done(ask(serving, "grocer", "PUT", "/v1/supply/goods/BAD", body))
    rows = serving.rows()

    path = f"/v1/supply/goods-revisions/{draft['id']}"
    refused = ask(serving, "grocer", "POST", f"{path}:submit", {})

    assert refused.status_code == 422
    assert [field["path"] for field in refused.json()["fields"]] == [
        "/attributes/烘焙",
        "/skus/0/gtin",
        "/skus/0/tax_rate_bps",
    ]
    for who, method, target, sent in (
        ("farm", "GET", path, None),
        ("farm", "POST", f"{path}:submit", {}),
        ("grocer", "PUT", "/v1/supply/goods/BAD", proposal(category, skus=[])),
        ("grocer", "PUT", "/v1/supply/goods/BAD", proposal(category, gift=True)),
        ("grocer", "PUT", "/v1/supply/goods/B$D", proposal(category)),
    ):
        assert ask(serving, who, method, target, sent).status_code in {400, 404}, target
    assert serving.rows() == rows


def test_only_known_files_are_taken_and_only_addresses_are_served(serving: Serving) -> None:
    rows = serving.rows()
    refused = upload(serving, b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")
    assert (refused.status_code, refused.json()["code"]) == (422, "media_unfit")
    assert serving.rows() == rows
    document = done(upload(serving, PDF))
    served = ask(serving, "street", "GET", f"/v1/media/{document['address']}")
    assert served.headers["content-disposition"].startswith("attachment")
    unknown = ask(serving, "street", "GET", f"/v1/media/{'0' * 64}.png")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "media_unknown")
    assert ask(serving, "street", "GET", "/v1/media/..%2Fkeyring.json").status_code in {400, 404}
    assert done(ask(serving, "farm", "GET", "/v1/supply/media"))["items"] == []


def test_a_pool_takes_what_it_is_made_for(serving: Serving, category: str) -> None:
    pools = done(ask(serving, "operator", "GET", "/v1/operator/pools"))["items"]
    path = f"/v1/operator/pools/{pools[0]['id']}"
    profile = {"audience": "社区团长", "category_ids": [category], "price_max_minor": 9_900}
    unfit = done(ask(serving, "operator", "PUT", f"{path}/profile", profile))["unfit"]
    assert len(unfit) == 4

    hidden = id_text("sku", serving.market.hidden)
    misfits = done(ask(serving, "operator", "GET", f"{path}/misfits"))["items"]
    assert [m["sku_id"] for m in misfits if "category" in m["reasons"]] == unfit
    refused = ask(serving, "operator", "PUT", f"{path}/skus", {"put": [hidden]})
    assert (refused.status_code, refused.json()["code"]) == (409, "pool_unfit")
    done(ask(serving, "operator", "PUT", f"{path}/profile", {}))


def test_what_no_text_can_hold_is_refused_wherever_somebody_writes(
    serving: Serving, category: str
) -> None:
    pools = done(ask(serving, "operator", "GET", "/v1/operator/pools"))["items"]
    lists = done(ask(serving, "operator", "GET", "/v1/operator/price-lists"))["items"]
    attribute = {"name": "净含量", "kind": "number", "unit": "g\0"}
    sent: list[tuple[str, str, object]] = [
        ("PUT", f"/v1/operator/pools/{pools[0]['id']}/profile", {"audience": "团长\0"}),
        (
            "PUT",
            f"/v1/operator/categories/{category}/template",
            {"attributes": [attribute]},
        ),
        ("POST", f"/v1/operator/price-lists/{lists[0]['id']}/prices:upload?note=a%00b", b"sku\n"),
    ]
    rows = serving.rows()
    for method, target, body in sent:
        refused = ask(serving, "operator", method, target, body)
        assert (refused.status_code, refused.json()["code"]) == (400, "input_invalid"), target
    assert serving.rows() == rows


def test_costs_of_later_moments_are_agreed_to_with_the_publication(
    serving: Serving, category: str
) -> None:
    # Given coffee that costs 20 yuan from its publication on, 22 from May and 21 from June 2099
    def saved(unit_cost_minor: int) -> dict[str, Any]:
        later = [
            {"valid_from": "2099-05-01T00:00:00+08:00", "unit_cost_minor": unit_cost_minor},
            {"valid_from": "2099-06-01T00:00:00+08:00", "unit_cost_minor": 2_100},
        ]
        sku = {**SKUS[0], "supplier_code": "LC-1", "later_costs": later}
        asked = proposal(category, skus=[sku])
        return done(ask(serving, "grocer", "PUT", "/v1/supply/goods/LATER", asked))

    def published() -> dict[str, Any]:
        path = f"/v1/supply/goods-revisions/{saved(2_200)['id']}:submit"
        revision = done(ask(serving, "grocer", "POST", path))
        body = {"revision_ids": [revision["id"]]}
        path = "/v1/operator/goods-revisions:publish"
        return done(ask(serving, "operator", "POST", path, body))["results"][0]

    def costs() -> list[tuple[int, str, str]]:
        found = done(ask(serving, "grocer", "GET", "/v1/supply/costs"))["items"]
        return sorted(
            (each["unit_cost_minor"], each["valid_from"], each["state"])
            for each in found
            if each["sku_id"] == sku_id
        )

    shown = saved(2_200)["proposal"]["skus"][0]["later_costs"]
    assert shown[0] == {"valid_from": "2099-04-30T16:00:00.000000Z", "unit_cost_minor": 2_200}
    # When it is published, the later costs are agreed to and wait for their time
    sku_id = published()["sku_ids"]["LC-1"]
    agreed = [
        (2_100, "2099-05-31T16:00:00.000000Z", "approved"),
        (2_200, "2099-04-30T16:00:00.000000Z", "approved"),
    ]
    assert costs() == agreed
    # And published once more they are the same
    assert published()["status"] == "published"
    assert costs() == agreed
    # But another cost from the same moment on contradicts what is agreed to, and nothing moves
    revision = saved(2_300)
    done(ask(serving, "grocer", "POST", f"/v1/supply/goods-revisions/{revision['id']}:submit"))
    body = {"revision_ids": [revision["id"]]}
    path = "/v1/operator/goods-revisions:publish"
    [refused] = done(ask(serving, "operator", "POST", path, body))["results"]
    assert (refused["status"], refused["problem"]["code"]) == ("refused", "cost_proposed")
    assert costs() == agreed
    done(ask(serving, "grocer", "POST", f"/v1/supply/goods-revisions/{revision['id']}:withdraw"))


def test_later_costs_come_one_after_another(serving: Serving, category: str) -> None:
    later = [{"valid_from": "2099-05-01T00:00:00Z", "unit_cost_minor": 1}] * 2
    sku = {**SKUS[0], "supplier_code": "LC-2", "later_costs": later}
    saved = ask(
        serving, "grocer", "PUT", "/v1/supply/goods/ODD", proposal(category, skus=[sku])
    ).json()
    path = f"/v1/supply/goods-revisions/{saved['id']}:submit"
    refused = ask(serving, "grocer", "POST", path)
    assert refused.json()["code"] == "goods_unfit"
    [fault] = refused.json()["fields"]
    assert fault["path"] == "/skus/0/later_costs/1/valid_from"


def test_what_leaves_a_pools_price_band_is_reported_and_stays(serving: Serving) -> None:
    # Given a pool of things from 30 to 50 yuan; tea costs 45, the hidden thing 25
    market = serving.market
    [pool] = done(ask(serving, "operator", "GET", "/v1/operator/pools"))["items"]
    path = f"/v1/operator/pools/{pool['id']}"
    tea, hidden = id_text("sku", market.tea), id_text("sku", market.hidden)
    band = {"audience": "社区团长", "price_min_minor": 3_000, "price_max_minor": 5_000}
    done(ask(serving, "operator", "PUT", f"{path}/profile", band))
    before = done(ask(serving, "operator", "GET", f"{path}/misfits"))["items"]
    assert tea not in {misfit["sku_id"] for misfit in before}
    # When something cheaper is put in, it is in, and the answer says what is wrong
    filled = done(ask(serving, "operator", "PUT", f"{path}/skus", {"put": [tea, hidden]}))
    assert filled["changed"] == 1
    [misfit] = filled["misfits"]
    assert (misfit["sku_id"], misfit["reasons"]) == (hidden, ["price_below"])
    # When a price leaves the band, the look-up says so, page by page
    prices = {"prices": [{"sku_id": tea, "quantity_min": 1, "unit_price_minor": 9_900}]}
    prices_path = f"/v1/operator/price-lists/{id_text('lst', market.price_list)}/prices"
    done(ask(serving, "operator", "PUT", prices_path, prices))
    seen, cursor = [], ""
    while cursor is not None:
        found = done(ask(serving, "operator", "GET", f"{path}/misfits?limit=1{cursor}"))
        seen += found["items"]
        cursor = found["next_cursor"] and f"&cursor={found['next_cursor']}"
    assert len(seen) == len(before) + 2
    [dear] = [misfit for misfit in seen if misfit["sku_id"] == tea]
    assert dear == {
        "sku_id": tea,
        "reasons": ["price_above"],
        "price_lowest_minor": 9_900,
        "price_highest_minor": 9_900,
    }
    # And for a pool that is made for anything nothing is a misfit
    done(ask(serving, "operator", "PUT", f"{path}/profile", {"audience": "任何人"}))
    assert done(ask(serving, "operator", "GET", f"{path}/misfits"))["items"] == []
    prices["prices"][0]["unit_price_minor"] = 4_500
    done(ask(serving, "operator", "PUT", prices_path, prices))
    done(ask(serving, "operator", "PUT", f"{path}/skus", {"take": [hidden]}))
    path = f"/v1/operator/pools/{id_text('pol', market.tea)}/misfits"
    gone = ask(serving, "operator", "GET", path)
    assert (gone.status_code, gone.json()["code"]) == (404, "pool_unknown")


def test_the_client_proposes_and_publishes(serving: Serving, category: str) -> None:
    with serving.client("grocer") as supplier, serving.client("operator") as operator:
        media = supplier.media_upload(png(4, 4))
        link = {"media_id": media["id"]}
        draft = supplier.goods_save("TEA", proposal(category, skus=[TEA], media=[link]))
        assert supplier.revision_submit(draft["id"])["state"] == "in_review"
        [result] = operator.revisions_publish([draft["id"]])
        assert result["status"] == "published"
        again = supplier.goods_save("TEA", proposal(category, skus=[TEA], title="新名"))
        assert supplier.revision_withdraw(again["id"])["state"] == "withdrawn"


TEA = {"supplier_code": "TEA-1", "variant_values": {"净含量": "50"}}
