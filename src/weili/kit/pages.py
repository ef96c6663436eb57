"""Pages of a list: a bounded number of rows and an opaque cursor to the next."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from weili.kit.problems import CursorInvalid

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 200

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and where the next ones begin (None at the end)."""

    items: Sequence[T]
    next_cursor: str | None

    def map(self, each: Callable[[T], U]) -> "Page[U]":
        """Turn each row into another form."""
        return Page([each(item) for item in self.items], self.next_cursor)


def page_of(rows: Sequence[T], *, limit: int, key: Callable[[T], str]) -> Page[T]:
    """Make a page of rows that were read with ``limit + 1``, keyed by their last one."""
    if len(rows) <= limit:
        return Page(rows, None)
    kept = rows[:limit]
    return Page(kept, cursor_text(key(kept[-1])))


def cursor_text(key: str) -> str:
    """Wrap the key of the last row seen."""
    return base64.urlsafe_b64encode(json.dumps([1, key]).encode()).decode().rstrip("=")


def cursor_parse(text: str | None) -> str | None:
    """Read the key back.

    Raises: CursorInvalid when the text is not one of ours.
    """
    if text is None:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, UnicodeError):
        raise CursorInvalid from None
    match value:
        case [1, str(key)]:
            return key
    raise CursorInvalid
