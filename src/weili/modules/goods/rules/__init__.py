"""Pure decisions about goods."""

from weili.modules.goods.rules.sale import line_check, parts_checked, terms_faults
from weili.modules.goods.rules.sheet import (
    SHEET_ALIASES,
    SHEET_COLUMNS,
    SHEET_REQUIRED,
    SheetCheck,
    row_check,
)

__all__ = [
    "SHEET_ALIASES",
    "SHEET_COLUMNS",
    "SHEET_REQUIRED",
    "SheetCheck",
    "line_check",
    "parts_checked",
    "row_check",
    "terms_faults",
]
