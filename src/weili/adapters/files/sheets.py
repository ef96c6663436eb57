"""Sheets as rows of named texts, read from csv (as a stream) or from a workbook (as a whole).

What a file is, its first bytes say and not its name. A row comes as ``(row_number, cells)``: the
number that a spreadsheet shows, the header being row 1, and the cells by column. Headings are
matched without regard to case or blanks around them, and by the aliases that the caller gives;
whether those are typed in full width or in half, as （ and ( are, makes no difference.
Cells beyond the header come under the name ``""``, so that whoever checks the row can refuse it.
"""

import codecs
import csv
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import python_calamine

from weili.adapters.files.problems import (
    SheetBroken,
    SheetColumnMissing,
    SheetColumnTwice,
    SheetNotASheet,
    SheetNoText,
)
from weili.adapters.files.workbooks import workbook_check
from weili.kit.problems import Said, machine_said

ENCODINGS: Final = ("utf-8", "utf-8-sig", "gb18030")
"""Tried in this order; the second is meant whenever the file begins with a byte order mark."""

_BLOCK_BYTES: Final = 1_000_000
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_BOM: Final = "\ufeff"
_HEADINGS_SHOWN_MAX: Final = 40
_NO_TEXT: Final = Said("it is not text", "它不是文本")
_OLD_WORKBOOK: Final = Said("it is a workbook of an old or a locked kind", "旧格式或加密的工作簿")

Row = tuple[int, dict[str, str]]
Cell = int | float | str | bool | time | date | datetime | timedelta


@dataclass(frozen=True, slots=True)
class SheetRows:
    """A sheet's rows, which are read once, and by column what its heading is in the file."""

    headings: Mapping[str, str]
    rows: Iterator[Row]

    def __iter__(self) -> Iterator[Row]:
        return self.rows


def sheet_rows(
    path: Path, *, aliases: Mapping[str, str] | None = None, required: Collection[str] = ()
) -> SheetRows:
    """Read a sheet row by row; rows without anything in them are passed over.

    The header is checked before the first row is given. Of a workbook the first sheet is read.

    Raises: SheetNotASheet; SheetNoText; SheetTooLarge; SheetCellsTooMany; SheetColumnMissing;
    SheetColumnTwice; while reading, SheetBroken.
    """
    name = path.name
    try:
        with path.open("rb") as file:
            head = file.read(len(_ZIP))
    except OSError as error:
        raise SheetNotASheet(file=name, why=machine_said(error)) from None
    if head == _OLE:
        raise SheetNotASheet(file=name, why=_OLD_WORKBOOK)
    lines = _workbook(path) if head == _ZIP else _csv(path, _encoding(path))
    _, header = next(lines, (1, []))
    columns, headings = _columns(name, header, aliases or {}, required)
    return SheetRows(headings, _rows(lines, columns))


def _rows(lines: Iterable[tuple[int, list[str]]], columns: list[str]) -> Iterator[Row]:
    width = len(columns)
    for number, cells in lines:
        if not any(cells):
            continue
        row = dict(zip(columns, cells, strict=False))
        # A column without a heading is nobody's, unless it lies beyond the header.
        row.pop("", None)
        if len(cells) > width and (beyond := "".join(cells[width:]).strip()):
            row[""] = beyond
        yield number, row


def _columns(
    name: str, header: list[str], aliases: Mapping[str, str], required: Collection[str]
) -> tuple[list[str], dict[str, str]]:
    """Turn headings into the names of columns; gives what each of them is headed, too."""
    headings = [heading.strip() for heading in header]
    while headings and not headings[-1]:
        headings.pop()
    columns: list[str] = []
    meant: dict[str, str] = {}
    for heading in headings:
        folded = heading.casefold()
        column = aliases.get(unicodedata.normalize("NFKC", folded), folded)
        if column and column in meant:
            first, second = repr(meant[column]), repr(heading)
            both = Said(f"{first} and {second}", f"{first} 与 {second}")
            raise SheetColumnTwice(file=name, column=column, headings=both)
        meant[column] = heading
        columns.append(column)
    missing = [column for column in required if column not in meant]
    if missing or not any(columns):
        shown = ", ".join(filter(None, headings[:_HEADINGS_SHOWN_MAX]))
        raise SheetColumnMissing(
            file=name,
            columns=_columns_said(missing, aliases) or Said("at all", "（没有任何列）"),
            found=shown or Said("nothing", "（空）"),
        )
    return columns, meant


def _columns_said(columns: Iterable[str], aliases: Mapping[str, str]) -> str:
    """Name columns, each with the first Chinese heading that would do as well, if there is one."""
    chinese: dict[str, str] = {}
    for heading, column in aliases.items():
        if not heading.isascii():
            chinese.setdefault(column, heading)
    return ", ".join(
        f"{column} / {chinese[column]}" if column in chinese else column for column in columns
    )


def _encoding(path: Path) -> str:
    """Find the encoding by reading the whole file once: half a file must not be taken for good."""
    for encoding in ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                is_first = True
                while block := file.read(_BLOCK_BYTES):
                    if b"\0" in block:
                        raise SheetNotASheet(file=path.name, why=_NO_TEXT)
                    text = decoder.decode(block)
                    if is_first and text.startswith(_BOM):
                        break
                    is_first = False
                else:
                    decoder.decode(b"", final=True)
                    return encoding
        except UnicodeDecodeError:
            continue
    raise SheetNoText(file=path.name, encodings=", ".join(ENCODINGS))


def _csv(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, strict=True)
        number = 0
        try:
            for number, cells in enumerate(reader, start=1):
                yield number, cells
        except csv.Error as error:
            why = Said(str(error), "引号或分隔符有误")
            raise SheetBroken(file=path.name, row=number, why=why) from None


def _workbook(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Read the first sheet of a workbook; it is loaded as a whole, hence the check before.

    Loaded by the library, that is: of what Python makes of it there is one row at a time.
    """
    workbook_check(path)
    try:
        with closing(python_calamine.CalamineWorkbook.from_path(path)) as workbook:
            sheet = workbook.get_sheet_by_index(0)
            lines = sheet.iter_rows()
    except (python_calamine.CalamineError, OSError) as error:
        why = Said(str(error), "工作簿已损坏，或不是受支持的格式")
        raise SheetNotASheet(file=path.name, why=why) from None
    # Rows are given from the first to the last that is filled, and so are columns.
    above, left = sheet.start or (0, 0)
    yield from ((number, []) for number in range(1, above + 1))
    for number, cells in enumerate(lines, above + 1):
        yield number, [""] * left + [_text(cell) for cell in cells]


def _text(cell: Cell) -> str:
    """Write a workbook's cell as a person would.

    A workbook knows only floats: 13 digits of a GTIN are one, and 31.9 may be 31.900000000000002
    after a formula. Twelve digits after rounding are more than any amount here needs.
    """
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.12g}"
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)
