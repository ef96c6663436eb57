"""One commit of the index, as it is searched: how a plan becomes queries, and what is remembered.

A commit never changes, so what was found in it may be told again. What a question's words, pools
and bounds select is counted once, in whatever order and on whatever page it is looked at; each
order is kept as runs of hits, of which a page is a part.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeVar

import tantivy
from tantivy import FieldType, Occur, Order, Query

from weili.adapters.search.model import DEFAULT_SLOT, Answer, Counts, Plan, Wanted

RUN: Final = 200
"""Hits that are looked up at once: whoever leafs through pages stays in a run for a while."""
LOOSE_BELOW: Final = 50
"""Found by words fewer than so many, single characters and pairs are looked at too."""
FACET_VALUES_MAX: Final = 50
SETS_MAX: Final = 200
"""Different sets of pools up to which it is worth while to look what a partner does not see."""
SET_POOLS_MAX: Final = 32
UNNAMED_SET: Final = "*"
"""The set of a document in more pools than a name has room for."""
_REMEMBERED_BYTES_MAX: Final = 64_000_000
_LOCKS: Final = 16
_WORD_BOOST: Final = 4.0
_PINYIN_BOOST: Final = 0.5
# About what these take in memory; a bound need not be exact.
_SELECTED_BYTES: Final = 4_000
_VALUE_BYTES: Final = 200
_ADDRESS_BYTES: Final = 100
_HIT_BYTES: Final = 250

Hit = tuple[str, bytes]
T = TypeVar("T")


class _Asked:
    """A plan, and the keys by which parts of its answer are remembered."""

    __slots__ = ("plan", "question")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        narrowed = (plan.tags, plan.pools, plan.within)
        self.question: Hashable = (plan.tokens, narrowed, plan.facets, plan.bands)

    def run(self, number: int) -> Hashable:
        """Give the key of a run of hits."""
        return self.question, self.plan.order, self.plan.is_descending, number


class _Selected:
    """What a question selects, as a query, and how many that is."""

    __slots__ = ("counts", "is_relaxed", "query")

    def __init__(self, query: Query, counts: Counts, *, is_relaxed: bool) -> None:
        self.query = query
        self.counts = counts
        self.is_relaxed = is_relaxed


class _Run:
    """Some of the hits in an order: where they are, and those that were fetched already."""

    __slots__ = ("addresses", "hits")

    def __init__(self, result: tantivy.SearchResult) -> None:
        self.addresses = [address for _, address in result.hits]
        self.hits: list[Hit | None] = [None] * len(self.addresses)


class Commit:
    """A commit of an index whose prices lie in ``slots``; safe for threads."""

    def __init__(self, index: tantivy.Index, slots: Mapping[str, int]) -> None:
        self._searcher = index.searcher()
        self._schema = index.schema
        self._slots = slots
        self._sets = _sets(self._searcher)
        self._memory = _Memory(_REMEMBERED_BYTES_MAX)
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    @property
    def count(self) -> int:
        """Say how many documents there are."""
        return self._searcher.num_docs

    def marks(self, keys: Sequence[str]) -> dict[str, str]:
        """Give the marks of documents; one that is not there is absent."""
        found: dict[str, str] = {}
        for key in keys:
            for _, address in self._searcher.search(self._term("key", key), 1, count=False).hits:
                found[key] = bytes(self._searcher.doc(address)["mark"][0]).decode()
        return found

    def answer(self, plan: Plan) -> Answer:
        """Find documents, or tell again what was found."""
        asked = _Asked(plan)
        selected = self._once(asked.question, lambda: self._select(asked))
        end = min(plan.offset + plan.limit, selected.counts.total)
        hits: list[Hit] = []
        for number in range(plan.offset // RUN, -(-end // RUN)):
            hits += self._run_hits(asked, selected, number, end)
        return Answer(selected.counts, tuple(hits), selected.is_relaxed)

    def _once(self, key: Hashable, find: Callable[[], tuple[T, int]]) -> T:
        """Find what is not remembered; whoever asks the same meanwhile waits for it."""
        known: T | None = self._memory.get(key)
        if known is None:
            with self._locks[hash(key) % _LOCKS]:
                known = self._memory.get(key)
                if known is None:
                    known, size = find()
                    self._memory.put(key, known, size)
        return known

    def _select(self, asked: _Asked) -> tuple[_Selected, int]:
        """Select and count; the run of hits that came with it is remembered too."""
        plan, number = asked.plan, asked.plan.offset // RUN
        narrow = self._narrow(plan)

        def looked(tokens: Query) -> tuple[Query, tantivy.SearchResult]:
            query = Query.boolean_query([(Occur.Must, tokens), *narrow])
            return query, self._look(query, plan, number)

        is_relaxed = False
        query, result = looked(_all([self._token(each, is_loose=False) for each in plan.tokens]))
        if plan.tokens and _count(result) < LOOSE_BELOW:
            loose = [self._token(each, is_loose=True) for each in plan.tokens]
            query, result = looked(_all(loose))
            if not _count(result) and len(loose) > 1:
                is_relaxed = True
                half = (len(loose) + 1) // 2
                some = Query.boolean_query([(Occur.Should, each) for each in loose], half)
                query, result = looked(some)
        run, size = _run_of(result)
        self._memory.put(asked.run(number), run, size)
        total = _count(result)
        counts = self._counts(query, plan, total) if total else Counts(0)
        values = sum(map(len, counts.facets.values()))
        selected = _Selected(query, counts, is_relaxed=is_relaxed)
        return selected, _SELECTED_BYTES + _VALUE_BYTES * values

    def _run_hits(self, asked: _Asked, selected: _Selected, number: int, end: int) -> list[Hit]:
        """Give what a page that ends there has of a run; each hit is fetched once."""
        key = asked.run(number)
        run = self._once(key, lambda: _run_of(self._look(selected.query, asked.plan, number)))
        hits: list[Hit] = []
        fetched = 0
        start = max(0, asked.plan.offset - number * RUN)
        for place in range(start, min(end - number * RUN, len(run.hits))):
            hit = run.hits[place]
            if hit is None:
                found = self._searcher.doc(run.addresses[place])
                hit = run.hits[place] = (found["key"][0], bytes(found["shown"][0]))
                fetched += _HIT_BYTES + len(hit[1])
            hits.append(hit)
        if fetched:
            self._memory.grow(key, fetched)
        return hits

    def _look(self, query: Query, plan: Plan, number: int) -> tantivy.SearchResult:
        """Look up a run of hits; the count comes with it for nothing."""
        if plan.order is None:
            return self._searcher.search(query, RUN, count=True, offset=number * RUN)
        field = plan.order if isinstance(plan.order, str) else self._field(*plan.order)
        order = Order.Desc if plan.is_descending else Order.Asc
        return self._searcher.search(
            query, RUN, count=True, offset=number * RUN, order_by_field=field, order=order
        )

    def _narrow(self, plan: Plan) -> list[tuple[Occur, Query]]:
        """Give the conditions that narrow a search and weigh nothing in its order."""
        narrow = [(Occur.Must, self._term("tags", tag)) for tag in plan.tags]
        if plan.pools is not None:
            narrow += self._seen(plan.pools)
        if plan.within is not None:
            name, slot, least, most = plan.within
            field = self._field(name, slot)
            within = Query.range_query(self._schema, field, FieldType.Unsigned, least, most)
            narrow.append((Occur.Must, within))
        return [
            (occur, Query.const_score_query(each, 0.0) if occur is Occur.Must else each)
            for occur, each in narrow
        ]

    def _seen(self, pools: Sequence[str]) -> list[tuple[Occur, Query]]:
        """Keep what is in one of the pools, or leave out what is in none: whichever is less.

        A partner that sees nearly everything would else have all of it walked through, once for
        each of its pools.
        """
        if self._sets is not None:
            granted = frozenset(pools)
            hidden = [name for name in self._sets if granted.isdisjoint(name.split(","))]
            if sum(map(self._sets.__getitem__, hidden)) < self._searcher.num_docs // 2:
                return [(Occur.MustNot, self._term("sets", name)) for name in hidden]
        return [(Occur.Must, _any([self._term("pools", pool) for pool in pools]))]

    def _token(self, ways: Sequence[Wanted], *, is_loose: bool) -> Query:
        found: list[Query] = []
        for way in ways:
            if way.words:
                words = _all([self._term("words", word) for word in way.words])
                found.append(Query.boost_query(words, _WORD_BOOST) if is_loose else words)
            if way.pinyin is not None:
                pinyin = self._term("pinyin", way.pinyin)
                found.append(Query.const_score_query(pinyin, _PINYIN_BOOST))
            if is_loose and way.grams:
                found.append(_all([self._term("grams", gram) for gram in way.grams]))
        return _any(found)

    def _counts(self, query: Query, plan: Plan, total: int) -> Counts:
        asked: dict[str, Any] = {
            name: {"terms": {"field": name, "size": FACET_VALUES_MAX}} for name in plan.facets
        }
        if plan.bands is not None:
            name, slot, edges = plan.bands
            ranges: list[dict[str, int]] = [{"to": edges[0]}]
            ranges += [{"from": low, "to": high} for low, high in pairwise(edges)]
            ranges.append({"from": edges[-1]})
            asked["bands"] = {"range": {"field": self._field(name, slot), "ranges": ranges}}
        answer = self._searcher.aggregate(query, asked) if asked else {}
        facets = {
            name: tuple((each["key"], each["doc_count"]) for each in answer[name]["buckets"])
            for name in plan.facets
        }
        bands: tuple[int, ...] = ()
        if plan.bands is not None:
            buckets = sorted(answer["bands"]["buckets"], key=lambda each: each.get("from") or 0)
            bands = tuple(each["doc_count"] for each in buckets)
        return Counts(total, facets, bands)

    def _field(self, name: str, slot: str) -> str:
        return f"{name}_{self._slots.get(slot, self._slots[DEFAULT_SLOT])}"

    def _term(self, name: str, text: str) -> Query:
        return Query.term_query(self._schema, name, text)


class _Memory:
    """Remembers up to a number of bytes; what was not asked for longest is forgotten first."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> Any:  # noqa: ANN401 - the caller knows what it put there
        with self._lock:
            known = self._known.get(key)
            if known is None:
                return None
            self._known.move_to_end(key)
            return known[0]

    def put(self, key: Hashable, value: object, size: int) -> None:
        with self._lock:
            before = self._known.pop(key, None)
            self._bytes += size - (before[1] if before else 0)
            self._known[key] = (value, size)
            self._shrink()

    def grow(self, key: Hashable, size: int) -> None:
        """Count what was added to a value that is remembered."""
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known[key] = (known[0], known[1] + size)
                self._bytes += size
                self._shrink()

    def _shrink(self) -> None:
        while self._bytes > self._bytes_max and self._known:
            self._bytes -= self._known.popitem(last=False)[1][1]


def set_name(pools: Sequence[str]) -> str:
    """Give the name of a set of pools."""
    return ",".join(sorted(pools)) if len(pools) <= SET_POOLS_MAX else UNNAMED_SET


def _sets(searcher: tantivy.Searcher) -> Mapping[str, int] | None:
    """Give the sets of pools and about how many documents are in each; None if there are many."""
    found = dict(searcher.terms_with_prefix("sets", "", limit=SETS_MAX + 1))
    return None if len(found) > SETS_MAX or UNNAMED_SET in found else found


def _run_of(result: tantivy.SearchResult) -> tuple[_Run, int]:
    run = _Run(result)
    return run, _ADDRESS_BYTES * (1 + len(run.hits))


def _count(result: tantivy.SearchResult) -> int:
    return int(result.count or 0)  # type: ignore[attr-defined] # left out of the stubs


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
