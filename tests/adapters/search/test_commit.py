"""What a commit of the index counts and finds, held against a plain model of its documents."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain, combinations, pairwise
from pathlib import Path
from typing import Any, cast

import pytest
import tantivy

from weili.adapters.search import (
    Counts,
    Document,
    Plan,
    TantivyIndex,
    TantivyWriter,
    Wanted,
    numbered,
    queries,
)
from weili.adapters.search.commit import ASKED_AGAIN, FEW, RUN, Commit
from weili.adapters.search.memory import Memory
from weili.adapters.search.numbered import Names
from weili.adapters.search.tantivy_index import schema_of
from weili.modules import catalogue
from weili.modules.catalogue import words

FACETS = ("category_1", "brand")
EDGES = (200, 500)
BRANDS = ("a", "b", "c", "d", "e")
CHARACTERS = "茶米杯蛋红绿大小"
WORDS = ("aa", "bb", "cc", "dd", "ee", "7")


def _document(number: int, text: str, dice: random.Random) -> Document:
    terms = catalogue.terms_of([text], [])
    brand = {} if number % 5 == 0 else {"brand": dice.choice(BRANDS)}
    price = {} if number % 7 == 0 else {("price", ""): dice.randrange(100, 900)}
    return Document(
        key=f"{number:032x}",
        words=terms.words,
        grams=terms.grams,
        pinyin=terms.pinyin,
        pools=["p"],
        tags=[f"under:{size}" for size in (FEW, FEW + 1) if number < size],
        facets={"category_1": dice.choice("xy"), **brand},
        numbers={"sold": number},
        slots=price,
        shown=text,
        mark="",
    )


class Watched:
    """An index that notes what is looked up in it."""

    def __init__(self, index: tantivy.Index) -> None:
        self.schema = index.schema
        self.looks: list[object] = []
        self.named: list[str] = []
        self._searcher = index.searcher()

    def searcher(self) -> "Watched":
        return self

    def search(self, query: tantivy.Query, limit: int, **named: Any) -> object:  # noqa: ANN401
        self.looks.append(query)
        return self._searcher.search(query, limit, **named)

    def terms_with_prefix(self, field: str, prefix: str, limit: int) -> object:
        if field == numbered.FIELD:
            self.named.append(prefix)
        return self._searcher.terms_with_prefix(field, prefix, limit=limit)

    def __getattr__(self, name: str) -> object:
        return getattr(self._searcher, name)


class Shelf:
    """Documents, and an index of them in more than one segment."""

    def __init__(self, home: Path, documents: Sequence[Document]) -> None:
        self.documents = documents
        self.home = home
        writer = TantivyWriter(home)
        assert writer.lock()
        half = len(documents) // 2
        writer.build([documents[:half]], position=0, slots=[])
        assert writer.position([]) == 0
        writer.put(documents[half:], [], 1)
        writer.close()
        self.index = TantivyIndex(home)
        self.memory = Memory()

    def delete(self, key: str, *, position: int) -> None:
        """Take a document out and commit."""
        writer = TantivyWriter(self.home)
        assert writer.lock()
        assert writer.position([]) is not None
        writer.put([], [key], position)
        writer.close()

    def watched(self) -> tuple[Commit, list[object]]:
        """Open the commit that is there, with a list of what is looked up in it."""
        commit, watched = self.opened(Names())
        return commit, watched.looks

    def opened(self, names: Names) -> tuple[Commit, Watched]:
        """Open the commit that is there, with what notes its looks."""
        folder = self.home / (self.home / "current").read_text(encoding="ascii")
        watched = Watched(tantivy.Index(schema_of(), path=str(folder)))
        return Commit(cast("tantivy.Index", watched), {"": 0}, names, self.memory), watched

    def relaxed(self, *texts: str) -> set[str]:
        """Find what has some of the words, none having all."""
        answer = self.index.search(Plan(tokens=tuple(map(_token, texts)), pools=("p",), limit=200))
        assert answer.is_relaxed
        assert answer.counts.total == len(answer.hits)
        return {shown.decode() for _, shown in answer.hits}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    dice = random.Random(1)
    texts = ["".join(dice.choices(CHARACTERS, k=3)) for _ in range(200)]
    return Shelf(tmp_path, [_document(n, text, dice) for n, text in enumerate(texts)])


def _token(text: str) -> tuple[Wanted, ...]:
    [token] = _tokens(text)
    return token


def _tokens(text: str) -> list[tuple[Wanted, ...]]:
    return [
        tuple(Wanted(way.words, way.grams, way.pinyin) for way in token)
        for token in words.tokens_of(text, {})
    ]


@pytest.mark.parametrize("size", [0, FEW, FEW + 1])
def test_few_are_counted_as_many_are(shelf: Shelf, size: int) -> None:
    plan = Plan(
        tags=(f"under:{size}",), pools=("p",), facets=FACETS, bands=("price", "", EDGES), limit=10
    )
    found = [each for each in shelf.documents if f"under:{size}" in each.tags]

    counts = shelf.index.search(plan).counts

    prices = [price for each in found for price in each.slots.values()]
    edges = (0, *EDGES, 1_000)
    assert _sorted(counts) == (
        size,
        {
            name: Counter(each.facets[name] for each in found if name in each.facets)
            for name in FACETS
        },
        [sum(low <= price < high for price in prices) for low, high in pairwise(edges)],
    )


def _sorted(counts: Counts) -> tuple[int, dict[str, dict[str, int]], list[int]]:
    for values in counts.facets.values():
        numbers = [number for _, number in values]
        assert numbers == sorted(numbers, reverse=True)
    bands = list(counts.bands) or [0] * (len(EDGES) + 1)
    return counts.total, {name: dict(values) for name, values in counts.facets.items()}, bands


def test_values_that_are_rare_in_each_segment_are_counted_in_all(tmp_path: Path) -> None:
    # Given two segments of 600 brands, of each one document
    dice = random.Random(7)
    documents = [
        replace(_document(n, "茶", dice), facets={"brand": f"{n % 600}"}) for n in range(1_200)
    ]
    shelf = Shelf(tmp_path, documents)

    counts = shelf.index.search(Plan(pools=("p",), facets=("brand",))).counts

    assert {number for _, number in counts.facets["brand"]} == {2}


def test_what_a_number_stands_for_is_asked_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(pools=("p",), facets=("brand",))
    wanted = Counter(each.facets.get("brand") for each in shelf.documents)
    del wanted[None]
    names = Names()

    def brands(names: Names) -> tuple[dict[str, int], int]:
        commit, watched = shelf.opened(names)
        counts = commit.answer(plan).counts
        return dict(counts.facets["brand"]), len(set(watched.named))

    # Given that nothing is known; then each value is named by its term, and not in the next commit
    assert brands(names) == (wanted, len(BRANDS))
    assert brands(names) == (wanted, 0)
    # And where there is no room for all, what is forgotten is asked anew
    monkeypatch.setattr(numbered, "NAMES_MAX", 2)
    assert brands(Names()) == (wanted, len(BRANDS))


def test_of_words_that_are_nowhere_together_half_are_found_together(tmp_path: Path) -> None:
    # Given texts of three different characters each, so that nothing has four of them
    dice = random.Random(2)
    texts = ["".join(dice.sample(CHARACTERS, k=3)) for _ in range(2)]
    shelf = Shelf(tmp_path, [_document(n, text, dice) for n, text in enumerate(texts)])
    outcomes = set()

    for wanted in combinations(CHARACTERS, 4):
        found = shelf.relaxed(*wanted)
        has_half = {text for text in texts if len(set(text) & set(wanted)) >= 2}

        # Then all that is found has two, and something is found where something has two
        assert found <= has_half
        assert bool(found) == bool(has_half)
        outcomes.add(bool(found))

    assert outcomes == {True, False}


def test_a_word_that_is_said_again_is_not_another_word(tmp_path: Path) -> None:
    dice = random.Random(4)
    texts = ["红茶", "绿茶", "大米"]
    shelf = Shelf(tmp_path, [_document(n, text, dice) for n, text in enumerate(texts)])
    assert shelf.relaxed("茶", "茶", "茶", "米") == set(texts)


def test_of_two_words_that_are_nowhere_together_each_is_found(tmp_path: Path) -> None:
    dice = random.Random(3)
    texts = ["红茶", "绿茶", "大米"]
    shelf = Shelf(tmp_path, [_document(n, text, dice) for n, text in enumerate(texts)])
    assert shelf.relaxed("茶", "米") == set(texts)
    assert shelf.relaxed("米", "蛋") == {"大米"}
    assert shelf.relaxed("杯", "蛋") == set()


def test_where_other_words_are_unknown_a_number_or_a_letter_is_not_looked_for(
    tmp_path: Path,
) -> None:
    dice = random.Random(8)
    texts = ["红茶 3 5 a", "绿茶 3 5 a", "大米 3 b2"]
    shelf = Shelf(tmp_path, [_document(n, text, dice) for n, text in enumerate(texts)])
    assert shelf.relaxed("杯", "3") == set()
    assert shelf.relaxed("杯", "a") == set()
    assert shelf.relaxed("杯", "蛋", "3", "5") == set()
    # It is taken together with what tells more
    assert shelf.relaxed("杯", "蛋", "3", "米") == {"大米 3 b2"}
    assert shelf.relaxed("杯", "b2") == {"大米 3 b2"}
    # And who asks for nothing else is answered
    [number] = _tokens("3")
    assert shelf.index.search(Plan(tokens=(number,), pools=("p",))).counts.total == 3


def test_rare_numbers_that_are_found_together_hide_no_word_that_tells_more(
    tmp_path: Path,
) -> None:
    # Given two numbers that are rarer than a word, and found together without it
    dice = random.Random(9)
    texts = ["红茶 8 9", "小米 8", "大米", "大米 5"]
    shelf = Shelf(tmp_path, [_document(n, text, dice) for n, text in enumerate(texts)])
    # Then the word is found with the one that it has
    assert shelf.relaxed("米", "8", "9") == {"小米 8"}


def test_who_comes_down_to_the_same_words_is_told_what_was_counted_for_them(
    shelf: Shelf,
) -> None:
    # Given questions of a common word beside words that nothing has
    commit, looks = shelf.watched()
    tea, *unknown = map(_token, ("茶", "盘", "碗", "锅"))
    facets = {"facets": FACETS, "pools": ("p",), "limit": 200}
    alone = commit.answer(Plan(tokens=(tea,), **facets))
    looks.clear()

    answers = [commit.answer(Plan(tokens=(tea, other), **facets)) for other in unknown]

    # Then nothing but that there is no such word is looked up
    assert len(looks) == len(unknown)
    assert {answer.is_relaxed for answer in answers} == {True}
    assert not alone.is_relaxed
    assert {id(answer.counts) for answer in answers} == {id(alone.counts)}
    assert {answer.hits for answer in answers} == {alone.hits}


def test_a_commit_is_not_told_what_another_found(shelf: Shelf) -> None:
    # Given two commits with one memory, the later of which lacks a document
    plan = Plan(tokens=(_token("茶"),), pools=("p",), limit=200)
    before, looks = shelf.watched()
    found = before.answer(plan)
    shelf.delete(found.hits[0][0], position=2)
    after, looks_after = shelf.watched()

    # When both are asked the same, then each knows what it found itself
    assert {*found.hits} - {*after.answer(plan).hits} == {found.hits[0]}
    looks.clear()
    looks_after.clear()
    for _ in range(ASKED_AGAIN - 1):
        assert before.answer(plan).hits == found.hits
    assert {*after.answer(plan).hits} == {*found.hits[1:]}
    assert looks == looks_after == []
    # And what was asked of the one again and again was not of the other
    assert [each.asked_again() for each in (before, after)] == [[plan], []]


def test_what_was_not_asked_for_longest_makes_room() -> None:
    memory = Memory(10)
    before, after = object(), object()
    for number in range(4):
        memory.put((before, number), f"before {number}", 2)
    assert memory.get((before, 0)) == "before 0"

    # Given room for five: each that comes puts out one of a commit that nobody asks any more
    for number in range(4):
        memory.put((after, number), f"after {number}", 2)
    assert memory.latest(before) == ["before 0"]
    assert memory.latest(after) == ["after 3", "after 2", "after 1", "after 0"]
    # And what grows puts out others
    memory.grow((after, 3), 3)
    assert memory.latest(before) == []
    assert memory.latest(after) == ["after 3", "after 2", "after 1"]


def test_sets_of_words_are_the_same_however_few_are_counted() -> None:
    # Given documents of a few words each, and words that are wanted, the rarest first
    dice = random.Random(5)
    for _ in range(300):
        names = dice.sample(WORDS, k=dice.randrange(2, 6))
        wanted = [_named(name) for name in names]
        shelf = [set(dice.sample(WORDS, k=3)) for _ in range(dice.randrange(6))]
        counted: list[frozenset[str]] = []

        def count(
            some: Sequence[tuple[Wanted, ...]],
            shelf: list[set[str]] = shelf,
            counted: list[frozenset[str]] = counted,
        ) -> int:
            counted.append(frozenset(way.words[0] for token in some for way in token))
            return sum(each >= counted[-1] for each in shelf)

        least = (len(wanted) + 1) // 2
        found = queries.combinations(wanted, least=least, count=count)

        # Then each set is found somewhere, can't be added to, is as large as was asked, and more
        # than a number
        sets = [{way.words[0] for token in each for way in token} for each in found]
        for each in sets:
            assert len(each) >= least
            assert each - {"7"}
            assert any(text >= each for text in shelf)
            assert not any(text >= each | {name} for text in shelf for name in {*names} - each)
        # And something is found where there is something; nothing was counted in vain
        telling = [text & set(names) for text in shelf if text & set(names) - {"7"}]
        most = max(map(len, telling), default=0)
        assert most < least or sets
        assert len(counted) == len(set(counted))
        for later, each in enumerate(counted, 1):
            if not any(text >= each for text in shelf):
                assert not any(each < other for other in counted[later:])


def test_when_there_is_a_page_no_more_is_sought() -> None:
    wanted = [_named(name) for name in WORDS]

    def sets(found: int) -> int:
        # Each word is in some documents, and none has two
        return len(queries.combinations(wanted, least=1, count=lambda some: found >> 9 * len(some)))

    assert sets((queries.ENOUGH_APART - 1) << 9) == 2
    assert sets(queries.ENOUGH_APART << 9) == 1


def _named(name: str) -> tuple[Wanted, ...]:
    return (Wanted((name,), (name,)),)


def test_few_are_all_that_have_the_characters_and_many_have_the_words(tmp_path: Path) -> None:
    # Given many texts of few characters, so that some words are common and most are not
    dice = random.Random(6)
    texts = ["".join(dice.choices("茶米红杯", k=dice.randrange(1, 5))) for _ in range(600)]
    shelf = Shelf(tmp_path, [_document(n, text, dice) for n, text in enumerate(texts)])
    commit, looks = shelf.watched()
    outcomes = Counter[tuple[str, int]]()

    for size in (1, 2, 3):
        for wanted in combinations(["茶", "米", "红", "茶杯", "红茶", "茶米"], size):
            tokens = tuple(chain.from_iterable(map(_tokens, wanted)))
            [ways] = zip(*tokens, strict=True)
            as_words = {x for way in ways for x in way.words}
            as_grams = {x for way in ways for x in way.grams}
            strict = [d.shown for d in shelf.documents if as_words.issubset(d.words.split())]
            loose = [d.shown for d in shelf.documents if as_grams.issubset(d.grams.split())]
            looks.clear()

            answer = commit.answer(Plan(tokens=tokens, pools=("p",), limit=len(texts)))

            if not loose:
                assert answer.is_relaxed or not answer.hits
                continue
            kind = "strict" if len(strict) >= queries.ENOUGH else "loose"
            found = [shown.decode() for _, shown in answer.hits]
            assert sorted(found) == sorted(strict if kind == "strict" else loose)
            more = range(1, -(-len(found) // RUN))
            outcomes[kind, len(looks) - len(more)] += 1

    # Then one look is enough for most, and none takes more than two
    assert {kind for kind, _ in outcomes} == {"strict", "loose"}
    assert outcomes["loose", 1] > outcomes["loose", 2]
    assert max(looked for _, looked in outcomes) == 2


def test_what_has_a_word_has_the_characters_that_select_it() -> None:
    # Given texts of Chinese and of runs of letters and digits, joined in all ways
    dice = random.Random(4)
    parts = ["苹果手机壳", "保温杯", "iphone", "15", "1.5", "l", "5kg", "x9", "茶", "-", " "]
    texts = ["".join(dice.choices(parts, k=4)) for _ in range(300)]
    known: dict[str, list[set[str]]] = {}
    for text in texts:
        terms = catalogue.terms_of([text], [])
        for word in terms.words.split():
            known.setdefault(word, []).append(set(terms.grams.split()))

    held = 0
    for way in chain.from_iterable(chain.from_iterable(words.tokens_of(t, {}) for t in texts)):
        if len(way.words) == 1:
            for grams in known.get(way.words[0], []):
                assert grams.issuperset(way.grams), way
                held += 1
    assert held > 1_000


def test_until_a_commit_is_prepared_the_one_before_answers(shelf: Shelf) -> None:
    # Given an index that is asked the same twice, and does its preparing when it is told to
    waiting: list[Callable[[], None]] = []
    index = TantivyIndex(shelf.home, run=waiting.append)
    plan, other = Plan(pools=("p",)), Plan(tags=("under:1",))
    assert [index.search(each).counts.total for each in (plan, plan, other)] == [200, 200, 0]

    # When something is taken out
    shelf.delete(shelf.documents[0].key, position=2)

    # Then it is told of until the newer commit is prepared, and by one of those who ask
    assert [index.search(plan).counts.total for _ in range(3)] == [200] * 3
    [prepare] = waiting
    prepare()
    assert index.search(plan).counts.total == 199


def test_what_was_asked_again_and_again_is_looked_up_beforehand(shelf: Shelf) -> None:
    # Given a commit of which one thing was asked thrice, and another twice
    before, looks = shelf.watched()
    often, twice = Plan(pools=("p",), facets=FACETS), Plan(order="sold")
    for plan in (often, twice, often, twice, often):
        before.answer(plan)
    assert len(looks) == 2

    # When a newer one is prepared, then it looks that one up, and not again when it is asked
    newer, looks = shelf.watched()
    newer.prepare(before.asked_again())
    assert len(looks) == 1
    newer.answer(often)
    assert len(looks) == 1
    newer.answer(twice)
    assert len(looks) == 2
