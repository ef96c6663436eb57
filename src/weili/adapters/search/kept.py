"""What the index keeps of a document beside what it is found by, as one value.

To fetch a value for each facet takes longer than to find the document.
"""

from typing import Final

import tantivy

from weili.adapters.search.model import FACETS, Document

FIELD: Final = "kept"
KEPT: Final = ("key", "mark", *FACETS, "shown")
_BETWEEN: Final = "\0"
"""Stands in no text of a database, and is escaped in JSON."""
_SPLIT: Final = _BETWEEN.encode()
_SPLITS: Final = len(KEPT) - 1


def kept_of(document: Document) -> bytes:
    """Give what is kept of a document."""
    facets = (document.facets.get(name, "") for name in FACETS)
    return _BETWEEN.join((document.key, document.mark, *facets, document.shown)).encode()


def kept_parts(found: tantivy.Document) -> list[bytes]:
    """Give what was kept, in the order of ``KEPT``; a facet that the document lacks is empty."""
    [kept] = found[FIELD]
    parts: list[bytes] = kept.split(_SPLIT, _SPLITS)
    return parts
