"""One commit of the index, as it is searched: how a plan becomes queries, and what is remembered.

A commit never changes, so what was found in it may be told again. What a question's words, pools
and bounds select is counted once, in whatever order and on whatever page it is looked at; each
order is kept as runs of hits, of which a page is a part. What is asked again and again is looked up
in the next commit before that takes its place.
"""

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any, Final, NamedTuple, TypeVar

import tantivy
from tantivy import Order, Query

from weili.adapters.search.kept import KEPT, kept_parts
from weili.adapters.search.memory import Key, Memory
from weili.adapters.search.model import Answer, Counts, Plan
from weili.adapters.search.numbered import NUMBERED, Names
from weili.adapters.search.queries import ENOUGH, Clauses, Queries, Token, all_of, count_of

RUN: Final = 600
"""Hits that are looked up at once: whoever leafs through pages stays in a run for a while."""
FACET_VALUES_MAX: Final = 50
SEGMENT_VALUES_MAX: Final = 10_000
"""Values of a numbered facet up to which the counts of all segments together are exact."""
FEW: Final = 50
"""Up to so many found are counted one by one: to aggregate takes as long for one as for these."""
ASKED_AGAIN: Final = 3
"""Times after which a run of hits is looked up in the next commit too: of thousands of questions
some are asked twice by chance."""
PREPARED_MAX: Final = 64
"""Runs of hits that a commit looks up before it takes the place of the one before."""
_LOCKS: Final = 16
# About what these take in memory; a bound need not be exact.
_SELECTED_BYTES: Final = 4_000
_VALUE_BYTES: Final = 200
_ADDRESS_BYTES: Final = 100
_HIT_BYTES: Final = 250

_PLACES: Final = {name: place for place, name in enumerate(KEPT)}

Hit = tuple[str, bytes]
T = TypeVar("T")


class _Asked:
    """A plan, and the keys by which parts of its answer are remembered."""

    __slots__ = ("plan", "question")

    def __init__(self, commit: object, plan: Plan) -> None:
        self.plan = plan
        narrowed = (plan.tags, plan.pools, plan.within)
        self.question: Key = (commit, plan.tokens, narrowed, plan.facets, plan.bands)

    def run(self, number: int) -> Key:
        """Give the key of a run of hits."""
        return *self.question, self.plan.order, self.plan.is_descending, number


class _Selected:
    """What a question selects, as a query, and how many that is."""

    __slots__ = ("counts", "is_relaxed", "query")

    def __init__(self, query: Query, counts: Counts, *, is_relaxed: bool) -> None:
        self.query = query
        self.counts = counts
        self.is_relaxed = is_relaxed


class _Instead(NamedTuple):
    """The words that are looked for instead of more, which are nowhere together."""

    tokens: tuple[Token, ...]


class _Run:
    """Some of the hits in an order: where they are, and those that were fetched already."""

    __slots__ = ("addresses", "asked_count", "hits", "plan")

    def __init__(self, plan: Plan, result: tantivy.SearchResult) -> None:
        self.plan = plan
        self.asked_count = 0
        self.addresses = [address for _, address in result.hits]
        self.hits: list[Hit | None] = [None] * len(self.addresses)

    @property
    def size(self) -> int:
        """Say about how many bytes it takes."""
        fetched = sum(_hit_size(hit) for hit in self.hits if hit is not None)
        return _ADDRESS_BYTES * (1 + len(self.hits)) + fetched


class Commit:
    """A commit of an index whose prices lie in ``slots``; safe for threads.

    ``names`` and ``memory`` are those of all its commits.
    """

    def __init__(
        self, index: tantivy.Index, slots: Mapping[str, int], names: Names, memory: Memory
    ) -> None:
        self._names = names
        self._memory = memory
        self._own = object()
        """Begins each key: all commits have one memory, and none is told what another found."""
        self._searcher = index.searcher()
        self._queries = Queries(self._searcher, index.schema, slots)
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    @property
    def count(self) -> int:
        """Say how many documents there are."""
        return self._searcher.num_docs

    def marks(self, keys: Sequence[str]) -> dict[str, str]:
        """Give the marks of documents; one that is not there is absent."""
        found: dict[str, str] = {}
        for key in keys:
            named = self._queries.term("key", key)
            for _, address in self._searcher.search(named, 1, count=False).hits:
                kept = kept_parts(self._searcher.doc(address))
                found[key] = kept[KEPT.index("mark")].decode()
        return found

    def answer(self, plan: Plan) -> Answer:
        """Find documents, or tell again what was found."""
        asked = _Asked(self._own, plan)
        selected = self._once(asked.question, lambda: self._select(asked))
        if isinstance(selected, _Instead):
            # Whoever asks for no more than these words has it counted for all who come down to it.
            return replace(self.answer(replace(plan, tokens=selected.tokens)), is_relaxed=True)
        end = min(plan.offset + plan.limit, selected.counts.total)
        hits: list[Hit] = []
        for number in range(plan.offset // RUN, -(-end // RUN)):
            hits += self._run_hits(asked, selected, number, end)
        is_by_default = self._queries.is_by_default(plan)
        return Answer(selected.counts, tuple(hits), selected.is_relaxed, is_by_default)

    def asked_again(self) -> list[Plan]:
        """Give what was asked again and again, the latest first."""
        runs = (run for run in self._memory.latest(self._own) if isinstance(run, _Run))
        return list(
            islice((run.plan for run in runs if run.asked_count >= ASKED_AGAIN), PREPARED_MAX)
        )

    def prepare(self, plans: Iterable[Plan]) -> None:
        """Look up what was asked again and again of the commit before.

        Else all that is asked most often would be looked up at once, by those who wait for it.
        """
        for plan in plans:
            self.answer(plan)

    def _once(self, key: Key, find: Callable[[], tuple[T, int]]) -> T:
        """Find what is not remembered; whoever asks the same meanwhile waits for it."""
        known: T | None = self._memory.get(key)
        if known is None:
            with self._locks[hash(key) % _LOCKS]:
                known = self._memory.get(key)
                if known is None:
                    known, size = find()
                    self._memory.put(key, known, size)
        return known

    def _select(self, asked: _Asked) -> tuple[_Selected | _Instead, int]:
        """Select and count; the run of hits that came with it is remembered too."""
        plan, number = asked.plan, asked.plan.offset // RUN
        narrow = self._queries.narrow(plan)
        query, result = self._find(plan, narrow, number)
        is_relaxed = not count_of(result) and len(plan.tokens) > 1
        if is_relaxed:
            sets = self._queries.sets_found(plan.tokens, narrow)
            if len(sets) == 1:
                return _Instead(sets[0]), _SELECTED_BYTES
            query = self._queries.any_set(sets, narrow)
            result = self._look(query, plan, number)
        total, run = count_of(result), _Run(plan, result)
        if total <= FEW and total == len(run.addresses):
            counts = self._counted(run, plan)
        else:
            counts = self._aggregated(query, plan, total)
        self._memory.put(asked.run(number), run, run.size)
        values = sum(map(len, counts.facets.values()))
        selected = _Selected(query, counts, is_relaxed=is_relaxed)
        return selected, _SELECTED_BYTES + _VALUE_BYTES * values

    def _find(self, plan: Plan, narrow: Clauses, number: int) -> tuple[Query, tantivy.SearchResult]:
        """Look for words; where few have these, for characters.

        What has a word has its characters, so few that have these are all there is: one look is
        enough for nearly all questions, and only of a common word the words are asked for first.
        """
        queries, tokens = self._queries, plan.tokens

        def look(clauses: Clauses) -> tuple[Query, tantivy.SearchResult]:
            query = all_of([*clauses, *narrow])
            return query, self._look(query, plan, number)

        is_common = queries.is_common(tokens)
        if is_common or not tokens:
            query, result = look(queries.strict(tokens))
            if count_of(result) >= ENOUGH or not tokens:
                return query, result
        query, result = look(queries.loose(tokens))
        if count_of(result) >= ENOUGH and not is_common:
            strict, strictly = look(queries.strict(tokens))
            if count_of(strictly) >= ENOUGH:
                return strict, strictly
        return query, result

    def _looked(self, query: Query, plan: Plan, number: int) -> tuple[_Run, int]:
        run = _Run(plan, self._look(query, plan, number))
        return run, run.size

    def _run_hits(self, asked: _Asked, selected: _Selected, number: int, end: int) -> list[Hit]:
        """Give what a page that ends there has of a run; each hit is fetched once."""
        key = asked.run(number)
        run = self._once(key, lambda: self._looked(selected.query, asked.plan, number))
        run.asked_count += 1
        hits: list[Hit] = []
        fetched = 0
        start = max(0, asked.plan.offset - number * RUN)
        for place in range(start, min(end - number * RUN, len(run.hits))):
            hit = run.hits[place]
            if hit is None:
                hit = run.hits[place] = _hit(kept_parts(self._searcher.doc(run.addresses[place])))
                fetched += _hit_size(hit)
            hits.append(hit)
        if fetched:
            self._memory.grow(key, fetched)
        return hits

    def _look(self, query: Query, plan: Plan, number: int) -> tantivy.SearchResult:
        """Look up a run of hits; the count comes with it for nothing."""
        if plan.order is None:
            return self._searcher.search(query, RUN, count=True, offset=number * RUN)
        field = plan.order if isinstance(plan.order, str) else self._queries.field(*plan.order)
        order = Order.Desc if plan.is_descending else Order.Asc
        return self._searcher.search(
            query, RUN, count=True, offset=number * RUN, order_by_field=field, order=order
        )

    def _counted(self, run: _Run, plan: Plan) -> Counts:
        """Count what a few documents have, which are shown then in any case."""
        found = list(map(kept_parts, map(self._searcher.doc, run.addresses)))
        run.hits = list(map(_hit, found))
        columns = list(zip(*found, strict=True)) or [()] * len(KEPT)
        facets = {name: _values_counted(columns[_PLACES[name]]) for name in plan.facets}
        bands: tuple[int, ...] = ()
        if plan.bands is not None:
            name, slot, edges = plan.bands
            field = self._queries.field(name, slot)
            numbers = self._searcher.fast_field_values(field, run.addresses)
            places = [0] * (len(edges) + 1)
            for number in numbers:
                if number is not None:
                    places[bisect_right(edges, number)] += 1
            bands = tuple(places)
        return Counts(len(found), facets, bands)

    def _aggregated(self, query: Query, plan: Plan, total: int) -> Counts:
        """Count what many documents have, in one walk."""
        asked: dict[str, Any] = {}
        for name in plan.facets:
            asked[name] = {"terms": {"field": name, "size": FACET_VALUES_MAX}}
            if name in NUMBERED:
                # Each segment gives its most frequent ones, which are few of those that there are.
                asked[name]["terms"]["segment_size"] = SEGMENT_VALUES_MAX
        if plan.bands is not None:
            name, slot, edges = plan.bands
            ranges: list[dict[str, int]] = [{"to": edges[0]}]
            ranges += [{"from": low, "to": high} for low, high in pairwise(edges)]
            ranges.append({"from": edges[-1]})
            asked["bands"] = {"range": {"field": self._queries.field(name, slot), "ranges": ranges}}
        answer = self._searcher.aggregate(query, asked) if asked else {}
        facets = {name: self._values(name, answer[name]["buckets"]) for name in plan.facets}
        bands: tuple[int, ...] = ()
        if plan.bands is not None:
            buckets = sorted(answer["bands"]["buckets"], key=lambda each: each.get("from") or 0)
            bands = tuple(each["doc_count"] for each in buckets)
        return Counts(total, facets, bands)

    def _values(self, name: str, buckets: Iterable[dict[str, Any]]) -> tuple[tuple[str, int], ...]:
        if name not in NUMBERED:
            return tuple((each["key"], each["doc_count"]) for each in buckets)
        name_of, searcher = self._names.named, self._searcher
        return tuple((name_of(searcher, int(each["key"])), each["doc_count"]) for each in buckets)


def _values_counted(values: Sequence[bytes]) -> tuple[tuple[str, int], ...]:
    if not values:
        return ()
    first = values[0]
    if values.count(first) == len(values):
        # As a rule all are in one state, and often in one category.
        return ((first.decode(), len(values)),) if first else ()
    counts = Counter(values)
    del counts[b""]
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple((value.decode(), count) for value, count in ordered[:FACET_VALUES_MAX])


def _hit(parts: Sequence[bytes]) -> Hit:
    return parts[0].decode(), parts[-1]


def _hit_size(hit: Hit) -> int:
    return _HIT_BYTES + len(hit[1])
