"""The search index: a derived thing on this machine's disk, behind a protocol."""

from weili.adapters.search.model import (
    DEFAULT_SLOT,
    Answer,
    Counts,
    Document,
    Plan,
    SearchIndex,
    SearchNotReady,
    Wanted,
)
from weili.adapters.search.tantivy_index import TantivyIndex, TantivyWriter, rebuild_ask

__all__ = [
    "DEFAULT_SLOT",
    "Answer",
    "Counts",
    "Document",
    "Plan",
    "SearchIndex",
    "SearchNotReady",
    "TantivyIndex",
    "TantivyWriter",
    "Wanted",
    "rebuild_ask",
]
