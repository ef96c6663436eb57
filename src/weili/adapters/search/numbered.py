"""Facets of many values are counted by number, and the few values that are told are named then.

tantivy looks up the text of each value that it counted, in each segment, where only fifty are
told. For some hundred documents that takes thrice as long as to find and count them.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

import tantivy

NUMBERED: Final = ("category_3", "brand")
FIELD: Final = "values"
"""Where the terms lie that begin with a number and go on with the value."""
NAMES_MAX: Final = 100_000
_NUMBERS_REMEMBERED: Final = 4_096
_DIGITS: Final = 16


@lru_cache(_NUMBERS_REMEMBERED)
def number_of(value: str) -> int:
    """Give the number that stands for a value: of 64 bits, so that no two are the same in life."""
    return int.from_bytes(blake2b(value.encode(), digest_size=_DIGITS // 2).digest())


def term_of(value: str) -> str:
    """Give the term by which a number is named."""
    return f"{number_of(value):0{_DIGITS}x}{value}"


class Names:
    """Remembers what numbers stand for, which is the same in every commit; safe for threads."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def named(self, searcher: tantivy.Searcher, number: int) -> str:
        """Give the value of a number that some document has."""
        value = self._known.get(number)
        if value is None:
            prefix = f"{number:0{_DIGITS}x}"
            [(term, _)] = searcher.terms_with_prefix(FIELD, prefix, limit=1)
            value = term[_DIGITS:]
            if len(self._known) >= NAMES_MAX:
                self._known.clear()
            self._known[number] = value
        return value
