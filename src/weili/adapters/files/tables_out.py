"""Writes tables that others open in a sheet: csv and xlsx, row by row in flat memory."""

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from typing import IO, Final

import xlsxwriter

Cell = str | int | None
ROWS_MAX: Final = 1_048_576
"""What a sheet of xlsx holds."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell that is reckoned begins with; the wide signs too, where Chinese is written."""


def csv_write(file: IO[bytes], rows: Iterable[Sequence[Cell]]) -> None:
    """Write rows as csv in UTF-8, with the mark by which spreadsheets know that it is.

    A text that a sheet would take for a formula is quoted.
    """
    file.write(BOM_UTF8)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    text.detach()


def xlsx_write(file: IO[bytes], rows: Iterable[Sequence[Cell]]) -> None:
    """Write rows as one sheet of xlsx, whose texts are never formulas. Rows go by way of a file."""
    workbook = xlsxwriter.Workbook(file, {"constant_memory": True})
    sheet = workbook.add_worksheet()
    try:
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, int):
                    sheet.write_number(at, column, cell)
                elif cell is not None:
                    sheet.write_string(at, column, cell)
    finally:
        # Rows that are refused half-way leave no file open on the disk either.
        workbook.close()


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell
