"""The search index on disk, made with tantivy.

It lies in a folder of its own in generations: a whole one is built aside and takes the place of
the one before by a rename, so that readers see the old or the new. One process of a machine
writes, under a lock that ends with it; any number read. Nothing in it is the truth: a folder that
is missing, damaged or of another shape is built anew.
"""

import fcntl
import json
import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import tantivy
from tantivy import FieldType, Occur, Order, Query

from weili.adapters.search.model import (
    DEFAULT_SLOT,
    FACETS,
    Answer,
    Document,
    Plan,
    SearchNotReady,
    Wanted,
)

SHAPE: Final = 1
"""Raised when fields or the cutting of words change: older generations are built anew."""
SLOTS_MAX: Final = 64
"""Price lists whose prices can be sorted by; the partners of others sort by the default one's."""
HEAP_BYTES: Final = 64_000_000
HEAP_BUILDING_BYTES: Final = 256_000_000
REMEMBERED_MAX: Final = 4_000
LOOSE_BELOW: Final = 50
"""Found by words fewer than so many, single characters and pairs are looked at too."""
FACET_VALUES_MAX: Final = 50
NUMBERS: Final = ("sold", "created")
SLOTTED: Final = ("price", "margin")
_WORD_BOOST: Final = 4.0
_PINYIN_BOOST: Final = 0.5

Opened = tuple[tantivy.Index, dict[str, Any], tuple[int, ...]]


def schema_of() -> tantivy.Schema:
    """Give the fields of every document."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("grams", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("pinyin", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("tags", tokenizer_name="raw", index_option="basic")
    for name in FACETS:
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in NUMBERS:
        builder.add_unsigned_field(name, fast=True)
    for name in SLOTTED:
        for slot in range(SLOTS_MAX):
            builder.add_unsigned_field(f"{name}_{slot}", fast=True)
    builder.add_bytes_field("shown", stored=True)
    builder.add_bytes_field("mark", stored=True)
    return builder.build()


class TantivyIndex:
    """Reads the index of one world; safe for threads. Opens nothing before it is asked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._lock = threading.Lock()
        self._opened: tuple[tuple[int, int], Opened] | None = None
        self._remembered: OrderedDict[object, Answer] = OrderedDict()

    def search(self, plan: Plan) -> Answer:
        """Find documents; what was asked before of the same generation is remembered.

        Raises: SearchNotReady.
        """
        index, state, stamp = self._open()
        asked = (stamp, plan)
        with self._lock:
            if (known := self._remembered.get(asked)) is not None:
                self._remembered.move_to_end(asked)
                return known
        try:
            answer = _search(index, state, plan)
        except (OSError, ValueError) as error:
            raise SearchNotReady from error
        with self._lock:
            self._remembered[asked] = answer
            if len(self._remembered) > REMEMBERED_MAX:
                self._remembered.popitem(last=False)
        return answer

    def marks(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Give the marks of documents; one that is not there is absent.

        Raises: SearchNotReady.
        """
        index, _, _ = self._open()
        searcher = index.searcher()
        found: dict[str, str] = {}
        for key in keys:
            query = Query.term_query(index.schema, "key", key)
            for _, address in searcher.search(query, 1, count=False).hits:
                found[key] = bytes(searcher.doc(address)["mark"][0]).decode()
        return found

    def followed_to(self) -> tuple[int, int]:
        """Give the position up to which changes are in the index, and how many documents it has.

        Raises: SearchNotReady.
        """
        index, _, _ = self._open()
        position = _state_read(_current(self.home))["position"]
        return int(position), index.searcher().num_docs

    def _open(self) -> Opened:
        """Give the newest commit of the newest generation."""
        with self._lock:
            try:
                pointed = _stamp(self.home / "current")
                if self._opened is None or self._opened[0] != pointed:
                    self._opened = (pointed, _open(_current(self.home)))
                index, state, stamp = self._opened[1]
                newest = (*pointed, *_stamp(_current_meta(self.home, state)))
                if newest != stamp:
                    index.reload()
                    state = _state_read(_current(self.home))
                    self._opened = (pointed, (index, state, newest))
                    self._remembered.clear()
                return self._opened[1]
            except (OSError, ValueError, KeyError) as error:
                self._opened = None
                raise SearchNotReady from error


class TantivyWriter:
    """Writes the index of one world, while it holds the folder's lock."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._lock_file: int | None = None
        self._writer: tuple[Path, tantivy.IndexWriter, tantivy.Index, dict[str, Any]] | None = None

    def lock(self) -> bool:
        """Become the one who writes; says no when another process of this machine is."""
        if self._lock_file is not None and not (self.home / "lock").exists():
            # Somebody removed the folder: the lock on a file that is gone keeps nobody away.
            self.close()
        if self._lock_file is None:
            self.home.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                return False
            self._lock_file = descriptor
        return True

    def close(self) -> None:
        """Let another write."""
        self._writer = None
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def position(self, slots: Sequence[str]) -> int | None:
        """Say from where changes are to be followed; None when the index has to be built anew.

        So it has when it is missing or damaged, of another shape, asked to be (``rebuild_ask``),
        or when one of the ``slots`` has no place in it though there is room.
        """
        if (self.home / "rebuild").exists():
            return None
        try:
            folder = _current(self.home)
            if self._writer is None or self._writer[0] != folder:
                index, state, _ = _open(folder)
                writer = index.writer(HEAP_BYTES, 1)
                self._writer = (folder, writer, index, state)
            state = self._writer[3]
            if not (folder / "meta.json").exists():
                return None
        except (OSError, ValueError, KeyError):
            self._writer = None
            return None
        missing = set(slots) - state["slots"].keys()
        if missing and len(state["slots"]) < SLOTS_MAX:
            return None
        return int(state["position"])

    def put(self, documents: Iterable[Document], gone: Iterable[str], position: int) -> None:
        """Write documents in the place of those with their keys, take others out, and commit.

        Killed in the middle, it is done again from the position before: nothing is there twice.
        """
        if self._writer is None:
            raise ValueError("position() opens the index")
        folder, writer, _, state = self._writer
        for key in gone:
            writer.delete_documents_by_term("key", key)
        for document in documents:
            writer.delete_documents_by_term("key", document.key)
            writer.add_document(_document(document, state["slots"]))
        # The state says less than the index holds, never more.
        writer.commit()
        state["position"] = position
        _state_write(folder, state)

    def build(
        self, batches: Iterable[Iterable[Document]], *, position: int, slots: Sequence[str]
    ) -> int:
        """Build a whole generation aside and put it in the place of the one before.

        Gives the number of documents. Killed in the middle, the one before stays as it was.
        """
        self._writer = None
        names = [int(path.name[2:]) for path in self.home.glob("g-*") if path.name[2:].isdigit()]
        folder = self.home / f"g-{max(names, default=0) + 1}"
        folder.mkdir()
        index = tantivy.Index(schema_of(), path=str(folder))
        writer = index.writer(HEAP_BUILDING_BYTES, 1)
        places = {name: n for n, name in enumerate((DEFAULT_SLOT, *slots)) if n < SLOTS_MAX}
        count = 0
        for documents in batches:
            for document in documents:
                writer.add_document(_document(document, places))
                count += 1
        writer.commit()
        writer.wait_merging_threads()
        _state_write(folder, {"shape": SHAPE, "position": position, "slots": places})
        _replace(self.home / "current", folder.name)
        (self.home / "rebuild").unlink(missing_ok=True)
        # The generation before stays for readers that are just opening it; older ones go.
        for number in names:
            if number < max(names):
                shutil.rmtree(self.home / f"g-{number}", ignore_errors=True)
        return count


def rebuild_ask(home: Path) -> None:
    """Ask whoever writes to build the index anew; the one that is there serves meanwhile."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "rebuild").touch()


# --- files ---------------------------------------------------------------------------------------


def _current(home: Path) -> Path:
    name = (home / "current").read_text(encoding="ascii")
    if not name.startswith("g-"):
        raise ValueError(name)
    return home / name


def _current_meta(home: Path, state: Mapping[str, Any]) -> Path:
    return home / str(state["folder"]) / "meta.json"


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_ino


def _open(folder: Path) -> Opened:
    state = _state_read(folder)
    if state["shape"] != SHAPE:
        raise ValueError(state["shape"])
    return tantivy.Index(schema_of(), path=str(folder)), state, ()


def _state_read(folder: Path) -> dict[str, Any]:
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    return {**state, "folder": folder.name}


def _state_write(folder: Path, state: Mapping[str, Any]) -> None:
    _replace(folder / "state.json", json.dumps(dict(state)))


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _document(document: Document, slots: Mapping[str, int]) -> tantivy.Document:
    made = tantivy.Document()
    made.add_text("key", document.key)
    made.add_text("words", document.words)
    made.add_text("grams", document.grams)
    made.add_text("pinyin", document.pinyin)
    for tag in document.tags:
        made.add_text("tags", tag)
    for name, value in document.facets.items():
        made.add_text(name, value)
    for name, number in document.numbers.items():
        made.add_unsigned(name, number)
    for (name, slot), number in document.slots.items():
        if slot in slots:
            made.add_unsigned(f"{name}_{slots[slot]}", number)
    made.add_bytes("shown", document.shown.encode())
    made.add_bytes("mark", document.mark.encode())
    return made


# --- searching -----------------------------------------------------------------------------------


def _search(index: tantivy.Index, state: Mapping[str, Any], plan: Plan) -> Answer:
    schema, searcher = index.schema, index.searcher()
    narrow = _narrow(schema, state, plan)

    def looked(tokens: Query | None) -> tuple[Query, tantivy.SearchResult]:
        query = _all([*([tokens] if tokens is not None else []), *narrow])
        return query, _run(searcher, state, query, plan)

    is_relaxed = False
    if not plan.tokens:
        query, result = looked(None)
    else:
        query, result = looked(_all([_token(schema, each, is_loose=False) for each in plan.tokens]))
        if _count(result) < LOOSE_BELOW:
            loose = [_token(schema, each, is_loose=True) for each in plan.tokens]
            query, result = looked(_all(loose))
            if not _count(result) and len(loose) > 1:
                is_relaxed = True
                half = (len(loose) + 1) // 2
                some = Query.boolean_query([(Occur.Should, each) for each in loose], half)
                query, result = looked(some)
    hits = []
    for _, address in result.hits:
        found = searcher.doc(address)
        hits.append((found["key"][0], bytes(found["shown"][0]).decode()))
    facets, bands = _counts(searcher, state, query, plan)
    return Answer(_count(result), tuple(hits), facets, bands, is_relaxed)


def _narrow(schema: tantivy.Schema, state: Mapping[str, Any], plan: Plan) -> list[Query]:
    """Give the conditions that narrow a search and weigh nothing in its order."""
    narrow = [
        Query.const_score_query(_any([_term(schema, "tags", tag) for tag in tags]), 0.0)
        for tags in plan.tags
    ]
    if plan.within is not None:
        name, slot, least, most = plan.within
        number = _slot(state, name, slot)
        bounds = Query.range_query(schema, number, FieldType.Unsigned, least, most)
        narrow.append(Query.const_score_query(bounds, 0.0))
    return narrow


def _token(schema: tantivy.Schema, ways: Sequence[Wanted], *, is_loose: bool) -> Query:
    found: list[Query] = []
    for way in ways:
        if way.words:
            words = _all([_term(schema, "words", word) for word in way.words])
            found.append(Query.boost_query(words, _WORD_BOOST) if is_loose else words)
        if way.pinyin is not None:
            pinyin = _term(schema, "pinyin", way.pinyin)
            found.append(Query.const_score_query(pinyin, _PINYIN_BOOST))
        if is_loose and way.grams:
            found.append(_all([_term(schema, "grams", gram) for gram in way.grams]))
    return _any(found)


def _run(
    searcher: tantivy.Searcher, state: Mapping[str, Any], query: Query, plan: Plan
) -> tantivy.SearchResult:
    if plan.order is None:
        return searcher.search(query, plan.limit, count=True, offset=plan.offset)
    number = plan.order if isinstance(plan.order, str) else _slot(state, *plan.order)
    order = Order.Desc if plan.is_descending else Order.Asc
    return searcher.search(
        query, plan.limit, count=True, offset=plan.offset, order_by_field=number, order=order
    )


def _counts(
    searcher: tantivy.Searcher, state: Mapping[str, Any], query: Query, plan: Plan
) -> tuple[dict[str, tuple[tuple[str, int], ...]], tuple[int, ...]]:
    asked: dict[str, Any] = {
        name: {"terms": {"field": name, "size": FACET_VALUES_MAX}} for name in plan.facets
    }
    if plan.bands is not None:
        name, slot, edges = plan.bands
        ranges: list[dict[str, int]] = [{"to": edges[0]}]
        ranges += [{"from": low, "to": high} for low, high in pairwise(edges)]
        ranges.append({"from": edges[-1]})
        asked["bands"] = {"range": {"field": _slot(state, name, slot), "ranges": ranges}}
    if not asked:
        return {}, ()
    answer = searcher.aggregate(query, asked)
    facets = {
        name: tuple((each["key"], each["doc_count"]) for each in answer[name]["buckets"])
        for name in plan.facets
    }
    bands: tuple[int, ...] = ()
    if plan.bands is not None:
        buckets = sorted(answer["bands"]["buckets"], key=lambda each: each.get("from") or 0)
        bands = tuple(each["doc_count"] for each in buckets)
    return facets, bands


def _count(result: tantivy.SearchResult) -> int:
    return int(result.count or 0)  # type: ignore[attr-defined] # left out of the stubs


def _slot(state: Mapping[str, Any], name: str, slot: str) -> str:
    places = state["slots"]
    return f"{name}_{places.get(slot, places[DEFAULT_SLOT])}"


def _term(schema: tantivy.Schema, name: str, text: str) -> Query:
    return Query.term_query(schema, name, text)


def _all(queries: Sequence[Query]) -> Query:
    if not queries:
        return Query.all_query()
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _any(queries: Sequence[Query]) -> Query:
    if not queries:
        return Query.empty_query()
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])
