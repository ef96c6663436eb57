"""Pages of a list: a bounded number of rows and an opaque cursor to the next."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

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


def limit_bounded(limit: int) -> int:
    """Give a number of rows that may be asked for, nearest to the one that was."""
    return max(1, min(limit, LIMIT_MAX))


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
    except (ValueError, binascii.Error, UnicodeError, RecursionError):
        raise CursorInvalid from None
    match value:
        case [1, str(key)]:
            return key
    raise CursorInvalid


def cursor_id(text: str | None) -> UUID | None:
    """Read back the id that a list goes on after.

    Raises: CursorInvalid when the text is not one of ours, or of a list without ids.
    """
    key = cursor_parse(text)
    try:
        return None if key is None else UUID(key)
    except ValueError:
        raise CursorInvalid from None
