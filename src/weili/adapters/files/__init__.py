"""Files that people bring: sheets as csv or xlsx, and the exports of other shops."""

from weili.adapters.files.problems import (
    SheetBroken,
    SheetColumnMissing,
    SheetColumnTwice,
    SheetNotASheet,
    SheetNoText,
    SheetTooLarge,
)
from weili.adapters.files.sheets import XLSX_BYTES_MAX, sheet_rows

__all__ = [
    "XLSX_BYTES_MAX",
    "SheetBroken",
    "SheetColumnMissing",
    "SheetColumnTwice",
    "SheetNoText",
    "SheetNotASheet",
    "SheetTooLarge",
    "sheet_rows",
]
