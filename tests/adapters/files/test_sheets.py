"""Sheets are read as people save them, and refused with a reason when they can't be."""

import random
import zipfile
from pathlib import Path
from types import GeneratorType

import pytest
import xlsxwriter

from weili.adapters import files
from weili.adapters.files import workbooks

ALIASES = {"商品编码": "code", "名称": "title"}


def read(path: Path, *required: str) -> list[tuple[int, dict[str, str]]]:
    return list(files.sheet_rows(path, aliases=ALIASES, required=required))


def csv_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "goods.csv"
    path.write_bytes(text.encode(encoding))
    return path


def xlsx_file(folder: Path, rows: list[list[object]]) -> Path:
    path = folder / "goods.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows):
            sheet.write_row(number, 0, cells)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_each_encoding_that_people_save(tmp_path: Path, encoding: str) -> None:
    path = csv_file(tmp_path, "商品编码,名称\r\nA1,稻花香米\r\n", encoding)

    assert read(path, "code", "title") == [(2, {"code": "A1", "title": "稻花香米"})]


def test_one_wrong_byte_late_in_the_file_is_seen_before_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "goods.csv"
    path.write_bytes(b"code\n" + "米\n".encode() * 600_000 + b"\xff\xff\n")

    with pytest.raises(files.SheetNoText) as caught:
        files.sheet_rows(path)
    assert caught.value.members["encodings"] == "utf-8, utf-8-sig, gb18030"


def test_csv_is_read_as_a_stream(tmp_path: Path) -> None:
    rows = iter(files.sheet_rows(csv_file(tmp_path, "code\n" + "A\n" * 5)))

    assert isinstance(rows, GeneratorType)
    assert next(rows) == (2, {"code": "A"})
    rows.close()


def test_row_numbers_are_those_a_spreadsheet_shows(tmp_path: Path) -> None:
    path = csv_file(tmp_path, 'code,title\nA,"two\nlines"\n\n,,\nB,x\n')

    assert [(number, row["code"]) for number, row in read(path)] == [(2, "A"), (5, "B")]


def test_headings_are_matched_without_case_blanks_and_by_alias(tmp_path: Path) -> None:
    path = csv_file(tmp_path, " CODE , 名称,,\nA,x,,\n")

    assert read(path, "code", "title") == [(2, {"code": "A", "title": "x"})]


def test_cells_beyond_the_header_come_under_no_name(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "code,title\nA,x,y,z\nB\n")

    assert read(path) == [(2, {"code": "A", "title": "x", "": "yz"}), (3, {"code": "B"})]


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(files.SheetColumnMissing) as caught:
        read(csv_file(tmp_path, "title,stock\n"), "code", "title", "price")

    assert caught.value.members["columns"] == "code / 商品编码, price"
    assert caught.value.members["found"] == "title, stock"


@pytest.mark.parametrize("heading", ["税率(基点)", "税率（基点）", " 税率（基点) "])
def test_heading_is_understood_in_full_width_and_in_half(tmp_path: Path, heading: str) -> None:
    path = csv_file(tmp_path, f"{heading},备注（一）\n900,x\n")
    rows = files.sheet_rows(path, aliases={"税率(基点)": "rate"}, required=["rate"])

    assert list(rows) == [(2, {"rate": "900", "备注（一）": "x"})]
    assert rows.headings["rate"] == heading.strip()


@pytest.mark.parametrize("text", ["", "\n", ",,\nA,B,C\n"])
def test_sheet_without_a_header_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(files.SheetColumnMissing):
        read(csv_file(tmp_path, text))


def test_column_that_comes_twice_under_two_headings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(files.SheetColumnTwice) as caught:
        read(csv_file(tmp_path, "code,商品编码\n"))

    assert str(caught.value.members["headings"]) == "'code' and '商品编码'"
    assert "'code' 与 '商品编码'" in caught.value.text("zh")


def test_quote_that_never_ends_is_refused_with_its_row(tmp_path: Path) -> None:
    rows = iter(files.sheet_rows(csv_file(tmp_path, 'code\nA\n"B\nC\n')))

    assert next(rows) == (2, {"code": "A"})
    with pytest.raises(files.SheetBroken) as caught:
        next(rows)
    assert caught.value.members["row"] == 2


def test_quote_that_never_ends_in_the_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(files.SheetBroken):
        read(csv_file(tmp_path, '"code\nA\n'))


@pytest.mark.parametrize(
    "content",
    [b"code\nA\0B\n", b"PK\x03\x04 no zip at all", b"\xd0\xcf\x11\xe0 no workbook either"],
)
def test_what_is_no_sheet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "goods.csv"
    path.write_bytes(content)

    with pytest.raises(files.SheetNotASheet):
        read(path)


def test_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "goods.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")

    with pytest.raises(files.SheetNotASheet):
        read(path)


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(files.SheetNotASheet):
        read(tmp_path / "nothing.csv")


def test_workbook_gives_the_texts_a_person_sees(tmp_path: Path) -> None:
    path = xlsx_file(
        tmp_path,
        [
            ["商品编码", "名称", "gtin", "price", "closed"],
            ["A1", "米", 2001000010370, 31.900000000000002, True],
            [],
            ["A2", None, "02001000010370", 12, False],
        ],
    )

    assert read(path, "code") == [
        (
            2,
            {
                "code": "A1",
                "title": "米",
                "gtin": "2001000010370",
                "price": "31.9",
                "closed": "yes",
            },
        ),
        (
            4,
            {
                "code": "A2",
                "title": "",
                "gtin": "02001000010370",
                "price": "12",
                "closed": "no",
            },
        ),
    ]


def test_workbook_is_known_by_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    path = xlsx_file(tmp_path, [["code"], ["A"]]).rename(tmp_path / "goods.csv")

    assert read(path) == [(2, {"code": "A"})]


def test_workbook_above_the_bound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.xlsx"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(files.XLSX_BYTES_MAX + 1)

    with pytest.raises(files.SheetTooLarge):
        read(path)


def test_small_zip_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "UNPACKED_BYTES_MAX", 100_000)
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * 200_000)

    assert path.stat().st_size < 2_000
    with pytest.raises(files.SheetTooLarge):
        read(path)


def cells(*rows: str) -> bytes:
    return f"<worksheet><sheetData>{''.join(rows)}</sheetData></worksheet>".encode()


def with_sheet(folder: Path, xml: bytes, **more: bytes) -> Path:
    """Give a workbook with a sheet that no honest program writes, and other parts besides."""
    honest = xlsx_file(folder, [["code"], ["A"]])
    path = folder / "bomb.xlsx"
    with (
        zipfile.ZipFile(honest) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for part in source.infolist():
            if part.filename not in {"xl/worksheets/sheet1.xml", *more}:
                archive.writestr(part.filename, source.read(part))
        archive.writestr("xl/worksheets/sheet1.xml", xml)
        for name, content in more.items():
            archive.writestr(name, content)
    return path


FIRST = '<row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c></row>'


@pytest.mark.parametrize(
    "far",
    [
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="2"><c r="XFD2"><v>1</v></c></row><row r="9999"><c r="A9999"><v>1</v></c></row>',
        '<row r="4000000000"><c r="A4000000000"><v>1</v></c></row>',
        '<row r="2000000"><c r="T2000000"><v>1</v></c></row>',
        '<row r="40000000"><c><v>1</v></c></row>',
        "<row r='1048576'><c s='>' r='XFD1048576'><v>1</v></c></row>",
        '<row r="9999">' + "<c t='r=\"A1\"'><v>1</v></c>" * 3_001 + "</row>",
        '<row r="1048576"><x:c r="XFD1048576"><v>1</v></x:c></row>',
        '<row r="1048576"><c\nr="XFD1048576"><v>1</v></c></row>',
    ],
)
def test_sheet_that_reaches_far_is_refused_before_room_is_made(tmp_path: Path, far: str) -> None:
    path = with_sheet(tmp_path, cells(FIRST, far))

    assert path.stat().st_size < 10_000
    with pytest.raises(files.SheetCellsTooMany) as caught:
        read(path)
    assert caught.value.members["cells_max"] == workbooks.CELLS_MAX


@pytest.mark.parametrize(
    "near",
    [
        "<row><c t='inlineStr'><is><t>A</t></is></c></row>",
        '<row r="2"><c r="A2" t="inlineStr"><is><t>A</t></is></c><c r="XFD2"><v></v></c></row>',
        '<row r="2"><c t="inlineStr" r="A2"><is><t>A</t></is></c></row>',
    ],
)
def test_sheet_that_is_written_oddly_and_reaches_not_far_is_read(tmp_path: Path, near: str) -> None:
    assert read(with_sheet(tmp_path, cells(FIRST, near)))[0] == (2, {"code": "A"})


def test_far_cell_is_found_wherever_the_pieces_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_sheet(tmp_path, cells(FIRST, '<row r="1048576"><c r="XFD1048576"/></row>'))

    for size in range(70, 120):
        monkeypatch.setattr(workbooks, "_BLOCK_BYTES", size)
        with pytest.raises(files.SheetProblem):
            workbooks.workbook_check(path)


def shared(*texts: str) -> dict[str, bytes]:
    items = "".join(f"<si><t>{text}</t></si>" for text in texts)
    return {"xl/sharedStrings.xml": f"<sst>{items}</sst>".encode()}


def pointing(at: int, rows: int, *, written: str = '<c r="A{row}" t="s"><v>{at}</v></c>') -> bytes:
    return cells(
        FIRST,
        *(f'<row r="{row}">{written.format(row=row, at=at)}</row>' for row in range(2, rows + 2)),
    )


@pytest.mark.parametrize(
    "written",
    [
        '<c r="A{row}" t="s"><v>{at}</v></c>',
        "<c t='&#115;' r='A{row}'><v ><![CDATA[{at}]]></v></c>",
        '<x:c r="A{row}" t="s"><x:v>{at}</x:v></x:c>',
    ],
)
def test_one_long_text_in_very_many_cells_is_refused_before_it_is_copied(
    tmp_path: Path, written: str
) -> None:
    # 700 cells with a million letters each are 700 MB, from a file of some kilobytes.
    sheet = pointing(1, 700, written=written)
    path = with_sheet(tmp_path, sheet, **shared("a", "x" * 1_000_000))

    assert path.stat().st_size < 20_000
    with pytest.raises(files.SheetTooLarge):
        read(path)


def test_one_long_text_beside_very_many_short_ones_is_read(tmp_path: Path) -> None:
    path = with_sheet(tmp_path, pointing(0, 700), **shared("a", "x" * 1_000_000))

    assert read(path) == [(row, {"code": "a"}) for row in range(2, 702)]


def test_sheet_that_begins_to_the_right_keeps_its_columns_and_the_numbers_of_its_rows(
    tmp_path: Path,
) -> None:
    path = tmp_path / "right.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 1, ["code", "title"])
        sheet.write_row(2, 1, ["A", "米"])
        sheet.write_row(3, 2, ["茶", "beyond"])

    assert read(path) == [
        (3, {"code": "A", "title": "米"}),
        (4, {"code": "", "title": "茶", "": "beyond"}),
    ]


def test_sheet_without_a_first_row_lacks_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "below.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_column(1, 0, ["code", "A"])

    with pytest.raises(files.SheetColumnMissing):
        read(path)


def test_part_that_declares_less_than_it_holds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "UNPACKED_BYTES_MAX", 100_000)
    path = with_sheet(tmp_path, cells(FIRST), strings=b"\0" * 200_000)
    written = path.read_bytes()
    path.write_bytes(written.replace((200_000).to_bytes(4, "little"), (9).to_bytes(4, "little")))

    with pytest.raises(files.SheetTooLarge):
        read(path)


@pytest.mark.parametrize("part", ["content.xml", "xl/workbook.bin", "XL\\Workbook.bin"])
def test_zip_that_is_two_kinds_of_workbook_is_refused(tmp_path: Path, part: str) -> None:
    with pytest.raises(files.SheetNotASheet):
        read(with_sheet(tmp_path, cells(FIRST), **{part: b"<x/>"}))


def test_sheet_among_the_pictures_is_refused(tmp_path: Path) -> None:
    relations = b'<Relationships><Relationship Id="rId1" Target="media/x.png"/></Relationships>'

    with pytest.raises(files.SheetNotASheet):
        read(with_sheet(tmp_path, cells(FIRST), **{"XL/_rels/workbook.xml.rels": relations}))


def test_no_bytes_make_it_fail_but_with_a_problem(tmp_path: Path) -> None:
    chance = random.Random(7)
    path = tmp_path / "noise"
    refused = 0
    for head in (b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"code,title\n", b"\xef\xbb\xbf"):
        for _ in range(40):
            path.write_bytes(head + chance.randbytes(chance.randrange(400)))
            try:
                read(path)
            except files.SheetProblem:
                refused += 1
    assert refused > 100  # Else the noise would be read as sheets, and nothing is tried.
