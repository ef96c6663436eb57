"""How what is looked for becomes queries of one commit of the index."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import Final

import tantivy
from tantivy import FieldType, Occur, Query

from weili.adapters.search.model import DEFAULT_SLOT, Plan, Wanted

SETS_MAX: Final = 200
"""Different sets of pools up to which it is worth while to look what a partner does not see."""
SET_POOLS_MAX: Final = 32
UNNAMED_SET: Final = "*"
"""The set of a document in more pools than a name has room for."""
ENOUGH: Final = 50
"""Found fewer than so many, it is looked for less strictly too."""
ENOUGH_APART: Final = 20
"""Found so many that have some of the words, no more are sought: that is a page."""
_SEEN_MAX: Final = 1_000
"""Partners' pools of which it is remembered how they narrow a search."""
_WORD_BOOST: Final = 4.0
_PINYIN_BOOST: Final = 0.5
_VAGUE: Final = re.compile("[0-9.]+|[a-z]")

Token = tuple[Wanted, ...]
"""One word of a question: any of the ways finds it."""
Clauses = list[tuple[Occur, Query]]


class Queries:
    """Makes the queries of one commit, whose prices lie in ``slots``."""

    def __init__(
        self, searcher: tantivy.Searcher, schema: tantivy.Schema, slots: Mapping[str, int]
    ) -> None:
        self._searcher = searcher
        self._schema = schema
        self._slots = slots
        self._sets = _sets(searcher)
        seen = partial(_seen, searcher, schema, self._sets)
        self._seen = lru_cache(_SEEN_MAX)(seen)

    def field(self, name: str, slot: str) -> str:
        """Give the field of a number in a slot, or in the default one when it has no place."""
        return f"{name}_{self._slots.get(slot, self._slots[DEFAULT_SLOT])}"

    def is_by_default(self, plan: Plan) -> bool:
        """Say whether the default slot stands for one that the plan asks for."""
        order = plan.order if isinstance(plan.order, tuple) else None
        asked = [part[1] for part in (order, plan.within, plan.bands) if part is not None]
        return any(slot not in self._slots for slot in asked)

    def term(self, name: str, text: str) -> Query:
        """Find one term in one field."""
        return Query.term_query(self._schema, name, text)

    def narrow(self, plan: Plan) -> Clauses:
        """Give the conditions that narrow a search and weigh nothing in its order."""
        narrow = [(Occur.Must, _unweighed(self.term("tags", tag))) for tag in plan.tags]
        if plan.pools is not None:
            narrow += self._seen(plan.pools)
        if plan.within is not None:
            name, slot, least, most = plan.within
            field = self.field(name, slot)
            within = Query.range_query(self._schema, field, FieldType.Unsigned, least, most)
            narrow.append((Occur.Must, _unweighed(within)))
        return narrow

    def is_common(self, tokens: Sequence[Token]) -> bool:
        """Say whether it is one word that so many have that their number may be enough."""
        return len(tokens) == 1 and self._words_most(tokens[0]) >= ENOUGH

    def strict(self, tokens: Sequence[Token]) -> Clauses:
        """Find all tokens as words, or as pinyin."""
        return [(Occur.Must, self._token(each, is_loose=False)) for each in tokens]

    def loose(self, tokens: Iterable[Token]) -> Clauses:
        """Find all tokens as words, as pinyin, or by their characters."""
        return list(chain.from_iterable(map(self._loose, tokens)))

    def sets_found(self, tokens: Sequence[Token], narrow: Clauses) -> list[tuple[Token, ...]]:
        """Give sets of at least half of the tokens that are found, where nothing has all of them.

        From the rarest token on, each is taken together with as many others as are found with it,
        until there is a page of them. To walk through all that has any half of them takes a hundred
        times as long where characters are in every title. What has half of the tokens has one of
        the rarer half, so the others need not be begun with.
        """

        def count(some: Sequence[Token]) -> int:
            query = _unweighed(
                Query.boolean_query([*chain(*map(selects.__getitem__, some)), *narrow])
            )
            return count_of(self._searcher.search(query, 1, count=True))

        rarities = {token: self._frequency_most(token) for token in tokens}
        known = sorted(filter(rarities.__getitem__, rarities), key=rarities.__getitem__)
        # A word that is said twice is one.
        least = (len(rarities) + 1) // 2
        selects = {token: self._selects(token) for token in known}
        if len(known) > least:
            return combinations(known, least=least, count=count)
        if len(known) < least or not any(map(tells, known)):
            return []
        # One alone is there, unless those who ask don't see it: whoever looks for it sees that.
        return [tuple(known)] if least == 1 or count(known) else []

    def any_set(self, sets: Iterable[Sequence[Token]], narrow: Clauses) -> Query:
        """Find what has all tokens of any of the sets; whatever weighs most in one of them."""
        found = [Query.boolean_query(self.loose(tokens)) for tokens in sets]
        if not found:
            return Query.empty_query()
        return all_of([(Occur.Must, Query.disjunction_max_query(found)), *narrow])

    def _loose(self, ways: Token) -> Clauses:
        selects = self._selects(ways)
        if not _is_plain(ways):
            return selects
        weighs = Query.boost_query(self.term("words", ways[0].words[0]), _WORD_BOOST)
        return [*selects, (Occur.Should, weighs)]

    def _selects(self, ways: Token) -> Clauses:
        """Give what a token demands, without what only weighs."""
        if _is_plain(ways):
            # What has a word has its grams: these select, and the word only weighs. Side by side
            # with those of other tokens the rarest of all leads, which a choice would hide.
            return [(Occur.Must, self.term("grams", gram)) for gram in ways[0].grams]
        return [(Occur.Must, self._token(ways, is_loose=True))]

    def _token(self, ways: Token, *, is_loose: bool) -> Query:
        found: list[Query] = []
        for way in ways:
            if way.words:
                words = _all_terms([self.term("words", word) for word in way.words])
                found.append(Query.boost_query(words, _WORD_BOOST) if is_loose else words)
            if way.pinyin is not None:
                pinyin = self.term("pinyin", way.pinyin)
                found.append(Query.const_score_query(pinyin, _PINYIN_BOOST))
            if is_loose and way.grams:
                found.append(_all_terms([self.term("grams", gram) for gram in way.grams]))
        return _any(found)

    def _words_most(self, ways: Token) -> int:
        """Say in how many documents a token may be at most as words or as pinyin."""
        frequency = self._searcher.doc_freq
        most = 0
        for way in ways:
            most += min((frequency("words", word) for word in way.words), default=0)
            if way.pinyin is not None:
                most += frequency("pinyin", way.pinyin)
        return most

    def _frequency_most(self, ways: Token) -> int:
        """Say in how many documents a token may be at most, from the terms alone."""
        frequency = self._searcher.doc_freq
        most = 0
        for way in ways:
            most += min((frequency("grams", gram) for gram in way.grams), default=0)
            if len(way.words) > 1:
                most += min(frequency("words", word) for word in way.words)
            if way.pinyin is not None:
                most += frequency("pinyin", way.pinyin)
        return most


def tells(ways: Token) -> bool:
    """Say whether a token tells by itself what is looked for: a number or a lone letter doesn't."""
    return len(ways) > 1 or any(_VAGUE.fullmatch(word) is None for word in ways[0].words)


def combinations(
    tokens: Sequence[Token], *, least: int, count: Callable[[Sequence[Token]], int]
) -> list[tuple[Token, ...]]:
    """Give sets of at least so many tokens that are found together, for the rarest ones first.

    ``tokens`` are in the order of their rarity. Each set is as large as can be found by adding one
    after another, and has one that tells by itself, which is added first to one that does not. When
    enough is found no more are sought. No set is counted twice, nor one of which a part is nowhere
    together, nor one that can no longer become large enough.
    """
    sets: dict[frozenset[int], int] = {}
    known: dict[frozenset[int], int] = {}
    apart: list[frozenset[int]] = []

    def counted(places: frozenset[int]) -> int:
        number = known.get(places)
        if number is None:
            if any(map(places.issuperset, apart)):
                return 0
            number = known[places] = count([tokens[place] for place in sorted(places)])
            if not number:
                apart.append(places)
        return number

    telling = [place for place, token in enumerate(tokens) if tells(token)]
    telling_first = [*telling, *(place for place in range(len(tokens)) if place not in telling)]
    for start in range(len(tokens) - least + 1):
        together, found = frozenset((start,)), 0
        left = len(tokens) - 1
        # Other numbers would hide the word that a number is found with.
        for other in range(len(tokens)) if start in telling else telling_first:
            if other == start:
                continue
            if len(together) + left < least:
                break
            left -= 1
            if more := counted(together | {other}):
                together, found = together | {other}, more
        if len(together) < least or together.isdisjoint(telling):
            continue
        sets.setdefault(together, found or counted(together))
        if sum(sets.values()) >= ENOUGH_APART:
            break
    return [tuple(tokens[n] for n in sorted(each)) for each, found in sets.items() if found]


def set_name(pools: Sequence[str]) -> str:
    """Give the name of a set of pools."""
    return ",".join(sorted(pools)) if len(pools) <= SET_POOLS_MAX else UNNAMED_SET


def all_of(clauses: Clauses) -> Query:
    """Find what meets all clauses; where none demands anything, of everything."""
    if not any(occur is Occur.Must for occur, _ in clauses):
        clauses = [(Occur.Must, Query.all_query()), *clauses]
    return Query.boolean_query(clauses)


def count_of(result: tantivy.SearchResult) -> int:
    """Say how many were found, when that was asked for."""
    return int(result.count or 0)  # type: ignore[attr-defined] # left out of the stubs


def _is_plain(ways: Token) -> bool:
    return len(ways) == 1 and len(ways[0].words) == 1 and ways[0].pinyin is None


def _unweighed(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)


def _seen(
    searcher: tantivy.Searcher,
    schema: tantivy.Schema,
    sets: Mapping[str, int] | None,
    pools: Sequence[str],
) -> Clauses:
    """Keep what is in one of the pools, or leave out what is in none: whichever is less.

    A partner that sees nearly everything would else have all of it walked through, once for each of
    its pools.
    """
    if sets is not None:
        granted = frozenset(pools)
        hidden = [name for name in sets if granted.isdisjoint(name.split(","))]
        if sum(map(sets.__getitem__, hidden)) < searcher.num_docs // 2:
            return [(Occur.MustNot, Query.term_query(schema, "sets", name)) for name in hidden]
    any_pool = _any([Query.term_query(schema, "pools", pool) for pool in pools])
    return [(Occur.Must, _unweighed(any_pool))]


def _sets(searcher: tantivy.Searcher) -> Mapping[str, int] | None:
    """Give the sets of pools and about how many documents are in each; None if there are many."""
    found = dict(searcher.terms_with_prefix("sets", "", limit=SETS_MAX + 1))
    return None if len(found) > SETS_MAX or UNNAMED_SET in found else found


def _all_terms(queries: Sequence[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _any(queries: Sequence[Query]) -> Query:
    if not queries:
        return Query.empty_query()
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])
