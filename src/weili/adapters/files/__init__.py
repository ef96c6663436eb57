"""Files that people bring: sheets as csv or xlsx, and the exports of other shops."""

from weili.adapters.files.problems import (
    SheetBroken,
    SheetCellsTooMany,
    SheetColumnMissing,
    SheetColumnTwice,
    SheetNotASheet,
    SheetNoText,
    SheetProblem,
    SheetTooLarge,
)
from weili.adapters.files.sheets import SheetRows, sheet_rows
from weili.adapters.files.tables_out import csv_write, xlsx_write
from weili.adapters.files.workbooks import XLSX_BYTES_MAX

__all__ = [
    "XLSX_BYTES_MAX",
    "SheetBroken",
    "SheetCellsTooMany",
    "SheetColumnMissing",
    "SheetColumnTwice",
    "SheetNoText",
    "SheetNotASheet",
    "SheetProblem",
    "SheetRows",
    "SheetTooLarge",
    "csv_write",
    "sheet_rows",
    "xlsx_write",
]
