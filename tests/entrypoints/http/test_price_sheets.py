"""A sheet of prices through the front: looked at, refused, taken in, and the same again."""

import io

import xlsxwriter

from tests.entrypoints.http.conftest import Serving
from weili.kit.ids import id_text

SHEET = "供应商,商品编码,起订量,售价\ngrocer,rice,1,68.00\ngrocer,rice,50,65.00\n"


def path_of(serving: Serving, **query: object) -> str:
    list_id = id_text("lst", serving.market.price_list)
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/v1/operator/price-lists/{list_id}/prices:upload" + (f"?{words}" if words else "")


def price(serving: Serving, quantity: int) -> int:
    rice = id_text("sku", serving.market.rice)
    with serving.client() as client:
        [found] = client.prices([{"sku_id": rice, "quantity": quantity}])
    return int(found["unit_price_minor"])


def test_a_sheet_is_previewed_taken_in_and_taken_in_again(serving: Serving) -> None:
    before = serving.rows()
    sheet = SHEET.encode()

    preview = serving.ask("operator", "POST", path_of(serving, preview="true"), sheet)
    assert preview.status_code == 200, preview.text
    assert (preview.json()["rows"], preview.json()["cheaper"]) == (2, 2)
    assert preview.json()["prices_changed"] == 0
    assert serving.rows() == before
    done = serving.ask("operator", "POST", path_of(serving), sheet)
    again = serving.ask("operator", "POST", path_of(serving), sheet)

    assert (done.json()["prices_changed"], done.json()["bad"]) == (2, [])
    assert (again.json()["same"], again.json()["prices_changed"]) == (2, 0)
    assert (price(serving, 1), price(serving, 50)) == (6_800, 6_500)


def test_a_workbook_is_a_sheet_too_and_its_supplier_may_stand_beside_it(serving: Serving) -> None:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([["supplier_code", "price"], ["rice", 66.6]]):
            sheet.write_row(number, 0, cells)
    supplier_id = id_text("pty", serving.market.grocer)

    target = path_of(serving, supplier_id=supplier_id, note="May")
    done = serving.ask("operator", "POST", target, written.getvalue())

    assert done.json()["prices_changed"] == 1
    assert price(serving, 1) == 6_660


def test_wrong_rows_are_named_and_keep_the_sheet_out_unless_they_are_left_out(
    serving: Serving,
) -> None:
    wrong = "grocer,nothing,1,9.00\nnobody,rice,1,free\n"
    sheet = (SHEET.replace(",6", ",7") + wrong).encode()
    before = serving.rows()

    refused = serving.ask(
        "operator", "POST", path_of(serving), sheet, headers={"accept-language": "zh"}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "import_refused")
    assert {field["path"] for field in refused.json()["fields"]} == {
        "/rows/4/商品编码",
        "/rows/5/售价",
    }
    assert serving.rows() == before
    done = serving.ask("operator", "POST", path_of(serving, skip_bad="true"), sheet)

    assert (done.json()["prices_changed"], done.json()["bad_rows"]) == (2, 2)
    assert [{**bad, "expected": ""} for bad in done.json()["bad"]] == [
        {"row": 5, "column": "price", "heading": "售价", "got": "free", "expected": ""},
        {
            "row": 4,
            "column": "supplier_code",
            "heading": "商品编码",
            "got": "nothing",
            "expected": "",
        },
    ]


def test_what_is_no_sheet_and_whom_it_does_not_concern_are_refused(serving: Serving) -> None:
    before = serving.rows()
    sheet = SHEET.encode()
    partner_id = id_text("pty", serving.market.street)
    other = path_of(serving).replace(
        id_text("lst", serving.market.price_list), id_text("lst", serving.market.rice)
    )

    answers = [
        serving.ask("operator", "POST", path_of(serving), b"\x00\x01"),
        serving.ask("operator", "POST", path_of(serving), b"code,title\nA,B\n"),
        serving.ask("operator", "POST", path_of(serving, supplier_id=partner_id), sheet),
        serving.ask("operator", "POST", other, sheet),
        serving.ask("street", "POST", path_of(serving), sheet),
        serving.ask("operator", "POST", path_of(serving, preview="maybe"), sheet),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (400, "sheet_not_a_sheet"),
        (400, "sheet_column_missing"),
        (404, "not_found"),
        (404, "not_found"),
        (403, "forbidden"),
        (400, "input_invalid"),
    ]
    assert serving.rows() == before


def test_a_sheet_without_a_name_is_called_one_in_the_language_of_who_reads(
    serving: Serving,
) -> None:
    headers = {"accept-language": "zh"}
    said = serving.ask("operator", "POST", path_of(serving), b"\x00\x01", headers=headers)
    assert "表格" in said.json()["detail"].split("作为")[0]
