"""A supplier's sheet of goods through the front: proposed, the same again, refused, reviewed."""

import io
from typing import Any

import pytest
import xlsxwriter

from tests.entrypoints.http.conftest import Serving
from tests.entrypoints.http.test_goods_review import ask, category, done, upload
from tests.modules.goods.test_media_facts import png

__all__ = ["category"]

TARGET = "/v1/supply/goods:upload"
HEAD = "商品编码,SPU,类目,商品名称,规格,属性,供货价,划线价,起订量,税率(基点),库存"
COFFEE = (
    "CF-250,CF,咖啡豆,云南咖啡豆,净含量=250,烘焙=深,20.00,35,2,1300,7",
    "CF-500,CF,咖啡豆,云南咖啡豆,净含量=500,烘焙=深,36.00,,,1300,7",
)
DRIP = "DRIP,,咖啡豆,挂耳咖啡,净含量=80,烘焙=浅,9.90,,,1300,"

pytestmark = pytest.mark.usefixtures("category")


def sheet(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows, ""]).encode()


def coffee(code: str) -> tuple[str, ...]:
    """Give the rows of coffee under another code."""
    return tuple(row.replace("CF", code) for row in COFFEE)


def put(serving: Serving, *rows: str) -> tuple[int, ...]:
    """Send a sheet that is taken; gives what it opened, changed, left the same, left out."""
    return counts(done(serving.ask("grocer", "POST", TARGET, sheet(*rows))))


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    return tuple(report[name] for name in ("created", "updated", "unchanged", "bad_rows"))


def proposals(serving: Serving) -> dict[str, dict[str, Any]]:
    """Give the grocer's proposals that stand, in full, by the code of the SPU."""
    base = "/v1/supply/goods-revisions"
    items = done(serving.ask("grocer", "GET", base))["items"]
    full = [done(serving.ask("grocer", "GET", f"{base}/{item['id']}")) for item in items]
    return {each["spu_code"]: each for each in full}


def test_a_sheet_becomes_drafts_and_the_same_again_changes_nothing(serving: Serving) -> None:
    first = done(serving.ask("grocer", "POST", TARGET, sheet(*COFFEE, DRIP)))
    assert (first["rows"], counts(first)) == (3, (2, 0, 0, 0))
    found = proposals(serving)
    assert {code: each["state"] for code, each in found.items()} == {"CF": "draft", "DRIP": "draft"}
    said = found["CF"]["proposal"]
    assert (said["title"], said["attributes"]) == ("云南咖啡豆", {"烘焙": "深"})
    small, large = said["skus"]
    assert (small["supplier_code"], small["variant_values"]) == ("CF-250", {"净含量": "250"})
    assert (small["unit_cost_minor"], small["compare_at_minor"]) == (2_000, 3_500)
    assert (small["terms"]["quantity_min"], large["terms"]["quantity_min"]) == (2, 1)

    before = serving.rows()
    again = done(serving.ask("grocer", "POST", TARGET, sheet(*COFFEE, DRIP)))
    assert counts(again) == (0, 0, 2, 0)
    assert serving.rows() == before

    # One variant's cost alone changes; the row says nothing of the other, which stays
    dearer = COFFEE[0].replace("20.00", "21.00")
    assert counts(done(serving.ask("grocer", "POST", TARGET, sheet(dearer)))) == (0, 1, 0, 0)
    skus = proposals(serving)["CF"]["proposal"]["skus"]
    assert [sku["unit_cost_minor"] for sku in skus] == [2_100, 3_600]


def test_what_a_sheet_has_no_column_for_stays_through_review_and_publication(
    serving: Serving,
) -> None:
    # Given a proposal with a picture, of which a sheet says nothing
    kept = coffee("KEPT")
    assert put(serving, *kept) == (1, 0, 0, 0)
    draft = proposals(serving)["KEPT"]
    media = done(upload(serving, png(30, 20)))
    body = draft["proposal"] | {"media": [{"media_id": media["id"]}], "description": "水洗"}
    done(serving.ask("grocer", "PUT", "/v1/supply/goods/KEPT", body))
    assert put(serving, *kept) == (0, 0, 1, 0)

    # When it is in review, the same is no change and another is refused
    base = f"/v1/supply/goods-revisions/{draft['id']}"
    done(ask(serving, "grocer", "POST", f"{base}:submit", {}))
    assert put(serving, *kept) == (0, 0, 1, 0)
    others = [row.replace("云南", "普洱") for row in kept]
    other = sheet(*others, DRIP.replace("DRIP", "BAG"))
    before = serving.rows()
    refused = serving.ask("grocer", "POST", TARGET, other)
    assert (refused.status_code, refused.json()["code"]) == (422, "import_refused")
    assert [each["path"] for each in refused.json()["fields"]] == [
        "/rows/2/SPU",
        "/rows/3/SPU",
    ]
    assert serving.rows() == before
    skipped = done(serving.ask("grocer", "POST", f"{TARGET}?skip_bad=true", other))
    assert counts(skipped) == (1, 0, 0, 2)

    # Then what was published is what a new proposal begins from
    ids = {"revision_ids": [draft["id"]]}
    done(ask(serving, "operator", "POST", "/v1/operator/goods-revisions:publish", ids))
    assert put(serving, *kept) == (0, 0, 1, 0)
    assert counts(done(serving.ask("grocer", "POST", TARGET, other))) == (1, 0, 1, 0)
    news = proposals(serving)["KEPT"]
    assert (news["state"], news["proposal"]["title"]) == ("draft", "普洱咖啡豆")
    assert news["proposal"]["media"][0]["media_id"] == media["id"]
    assert news["proposal"]["description"] == "水洗"


def test_wrong_rows_are_named_by_row_and_column_and_nothing_is_proposed(serving: Serving) -> None:
    # The market's rice is a variant of goods of its own already
    rows = [
        *coffee("BAD"),
        "BAD-1,BAD,咖啡豆,别的咖啡,净含量=1,烘焙=深,1,,,1300,",
        "BAD-250,BAD9,咖啡豆,云南咖啡豆,,,1,,,1300,",
        "X-1,,没有 > 此类目,某物,,,1,,,1300,",
        "rice,OTHER,咖啡豆,某米,,,1,,,1300,",
        "X-2,,咖啡豆,某物,大号,,free,,0,1300,,more",
    ]
    before, known = serving.rows(), set(proposals(serving))
    refused = serving.ask("grocer", "POST", TARGET, sheet(*rows), headers={"accept-language": "zh"})
    assert (refused.status_code, refused.json()["code"]) == (422, "import_refused")
    assert [each["path"] for each in refused.json()["fields"]] == [
        "/rows/4/SPU",
        "/rows/5/商品编码",
        "/rows/6/类目",
        "/rows/7/商品编码",
        "/rows/8/供货价",
        "/rows/8/规格",
        "/rows/8/起订量",
        "/rows/8/",
    ]
    assert serving.rows() == before

    skipped = done(serving.ask("grocer", "POST", f"{TARGET}?skip_bad=true", sheet(*rows)))
    assert (skipped["rows"], skipped["bad_count"], counts(skipped)) == (7, 8, (1, 0, 0, 5))
    assert set(proposals(serving)) - known == {"BAD"}


def test_a_workbook_is_a_sheet_too(serving: Serving) -> None:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["supplier_code", "category", "title", "cost"])
        page.write_row(1, 0, ["MUG", "咖啡豆", "马克杯", 12.5])
    assert counts(done(serving.ask("grocer", "POST", TARGET, written.getvalue())))[0] == 1
    [sku] = proposals(serving)["MUG"]["proposal"]["skus"]
    assert (sku["supplier_code"], sku["unit_cost_minor"]) == ("MUG", 1_250)


def test_what_is_no_sheet_and_who_may_not_propose_are_refused(serving: Serving) -> None:
    before = serving.rows()
    answers = [
        serving.ask("grocer", "POST", TARGET, b"\x00\x01"),
        serving.ask("grocer", "POST", TARGET, b"supplier_code,title\nA,B\n"),
        serving.ask("grocer", "POST", f"{TARGET}?skip_bad=maybe", sheet(DRIP)),
        serving.ask("street", "POST", TARGET, sheet(DRIP)),
        serving.ask("operator", "POST", TARGET, sheet(DRIP)),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (400, "sheet_not_a_sheet"),
        (400, "sheet_column_missing"),
        (400, "input_invalid"),
        (403, "forbidden"),
        (403, "forbidden"),
    ]
    assert serving.rows() == before
