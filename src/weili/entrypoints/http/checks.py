"""Checks of single fields, shared by all that reads a body: the framework and the hot readers.

Each says what a JSON schema's pattern can't say the same way in every engine.
"""

import re
from datetime import date, datetime
from typing import Final

from weili.kit.problems import Said

NUMBER_PATTERN: Final = "[0-9A-Za-z][0-9A-Za-z._-]{0,63}"
PHONE_PATTERN: Final = r"\+?[0-9][0-9 -]{3,22}[0-9]"
AREA_PATTERN: Final = "[0-9]{6}([0-9]{3})?"
ASKS_MAX: Final = 100
YEAR_MIN: Final = 2000
YEAR_MAX: Final = 2100

_NUMBER = re.compile(NUMBER_PATTERN)
_PHONE = re.compile(PHONE_PATTERN)
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AREA = re.compile(AREA_PATTERN)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class UnfitError(ValueError):
    """A field is not as expected; both readers of a body list it, and say what was."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.expected = Said(en, zh)


def number_checked(text: str) -> str:
    """Refuse what can't be a partner's own order number.

    Raises: UnfitError.
    """
    if not _NUMBER.fullmatch(text):
        raise UnfitError(
            "1 to 64 letters, digits, '.', '_' or '-', a letter or digit first",
            "1 至 64 位字母、数字、“.”、“_”或“-”，以字母或数字开头",
        )
    return text


def phone_checked(text: str) -> str:
    """Refuse what can't be a phone number.

    Raises: UnfitError.
    """
    if not _PHONE.fullmatch(text):
        raise UnfitError(
            "5 to 26 digits, with '-' or spaces between them and '+' before",
            "5 至 26 位数字，中间可有“-”或空格，开头可有“+”",
        )
    return text


def area_checked(text: str) -> str:
    """Refuse what can't be a region's code.

    Raises: UnfitError.
    """
    if not _AREA.fullmatch(text):
        raise UnfitError("six digits, or nine for a town", "六位数字，乡镇街道为九位")
    return text


def line_checked(text: str) -> str:
    """Refuse text that is blank or holds control characters.

    Raises: UnfitError.
    """
    if _CONTROL.search(text) or not text.strip(" "):
        raise UnfitError("one line of text that is not blank", "非空白的单行文字")
    return text


def moment_read(value: object) -> datetime:
    """Read a moment that says where its clock stands.

    Raises: UnfitError.
    """
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not YEAR_MIN < at.year < YEAR_MAX:
        raise UnfitError(
            f"RFC 3339 with an offset, as 2026-11-20T08:00:00Z, from {YEAR_MIN} to {YEAR_MAX}",
            f"带时区的 RFC 3339 时间，如 2026-11-20T08:00:00Z，{YEAR_MIN} 至 {YEAR_MAX} 年",
        )
    return at


def day_read(value: object) -> date:
    """Read a day as it is written in China.

    Raises: UnfitError.
    """
    try:
        day = (
            date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
        )
    except ValueError:
        day = None
    if day is None or not YEAR_MIN < day.year < YEAR_MAX:
        raise UnfitError(
            f"a day as 2026-11-20, from {YEAR_MIN} to {YEAR_MAX}",
            f"日期，如 2026-11-20，{YEAR_MIN} 至 {YEAR_MAX} 年",
        )
    return day
