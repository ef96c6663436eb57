"""Files that people bring: sheets as csv or xlsx, and the exports of other shops."""

from weili.adapters.files.problems import (
    SheetBroken,
    SheetColumnMissing,
    SheetColumnTwice,
    SheetNotASheet,
    SheetNoText,
    SheetProblem,
    SheetTooLarge,
)
from weili.adapters.files.sheets import XLSX_BYTES_MAX, sheet_rows
from weili.adapters.files.tables_out import csv_write, xlsx_write

__all__ = [
    "XLSX_BYTES_MAX",
    "SheetBroken",
    "SheetColumnMissing",
    "SheetColumnTwice",
    "SheetNoText",
    "SheetNotASheet",
    "SheetProblem",
    "SheetTooLarge",
    "csv_write",
    "sheet_rows",
    "xlsx_write",
]
