"""Words: how texts are cut for the index, and how a question is cut to meet them.

Chinese is cut by rjieba. Since no cutting is always right, every text is also known by its single
characters and pairs of them (grams), which find what the words miss. Latin letters and digits stay
in runs, and in the parts of runs. Pinyin is kept for each word and each two that stand together,
in full and by first letters.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import rjieba

QUERY_MAX: Final = 100
TOKENS_MAX: Final = 16
COMBINED_MAX: Final = 3
"""How many words in a row may be one synonym."""
_WORDS_REMEMBERED: Final = 100_000
_QUESTIONS_REMEMBERED: Final = 10_000
"""Questions, and words of them, whose cutting is kept: people ask for the same things."""
_TITLES_REMEMBERED: Final = 512
"""Titles and brands whose cutting is kept: the variants of an SPU, which follow one another."""
_TEXTS_REMEMBERED: Final = 4_096
"""Categories, attributes and variants whose cutting is kept: most come again and again."""
_PINYIN_LENGTH_MAX: Final = 40

_HAN: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_RUN = re.compile(f"[{_HAN}]+|[0-9a-z]+(?:\\.[0-9]+)?")
_PART = re.compile(r"[0-9]+(?:\.[0-9]+)?|[a-z]+")
_LETTERS = re.compile("[a-z]{2,}")


class Way(NamedTuple):
    """One way to find a word: all of these terms, or else all of the grams, or the pinyin."""

    words: tuple[str, ...]
    grams: tuple[str, ...]
    pinyin: str | None = None


Token = tuple[Way, ...]
"""One word of a question: any of the ways finds it."""


class Terms(NamedTuple):
    """What a document is found by, each kind with blanks between."""

    words: str
    grams: str
    pinyin: str


def normal(text: str) -> str:
    """Bring widths, forms and cases of letters to one."""
    return unicodedata.normalize("NFKC", text).lower()


def terms_of(titles: Sequence[str], others: Iterable[str]) -> Terms:
    """Cut a document's texts; what stands in titles counts twice."""
    words: list[str] = []
    grams: dict[str, None] = {}
    pinyin: dict[str, None] = {}
    for text in titles:
        own, own_grams, own_pinyin = _title_cut(text)
        words += [own, own]
        grams.update(own_grams)
        pinyin.update(own_pinyin)
    for text in others:
        own, own_grams = _cut(text)
        words.append(own)
        grams.update(own_grams)
    return Terms(" ".join(filter(None, words)), " ".join(grams), " ".join(pinyin))


@lru_cache(_TITLES_REMEMBERED)
def _title_cut(text: str) -> tuple[str, dict[str, None], dict[str, None]]:
    """Give a title's words, with blanks between, its grams and its pinyin. Not to be changed."""
    words, grams = _cut_anew(text)
    return words, grams, dict.fromkeys(_pinyin(text))


@lru_cache(_TEXTS_REMEMBERED)
def _cut(text: str) -> tuple[str, dict[str, None]]:
    """Give any other text's words, with blanks between, and its grams. Not to be changed."""
    return _cut_anew(text)


def _cut_anew(text: str) -> tuple[str, dict[str, None]]:
    grams: dict[str, None] = {}
    return " ".join(_words(text, grams)), grams


def synonym_keys(text: str) -> list[str]:
    """Give every word, and every few words in a row, of a question that may be a synonym."""
    keys: dict[str, None] = {}
    for run in _query_runs(text):
        for start in range(len(run)):
            for end in range(start + 1, min(start + COMBINED_MAX, len(run)) + 1):
                keys["".join(run[start:end])] = None
    return list(keys)


def tokens_of(text: str, synonyms: Mapping[str, Sequence[str]]) -> list[Token]:
    """Cut a question into at most ``TOKENS_MAX`` words, each with the synonyms it has."""
    tokens: list[Token] = []
    for run in _query_runs(text):
        start = 0
        while start < len(run):
            end = min(start + COMBINED_MAX, len(run))
            while end > start + 1 and "".join(run[start:end]) not in synonyms:
                end -= 1
            word = "".join(run[start:end])
            others = synonyms.get(word, ())
            tokens.append(tuple(_way(each) for each in (word, *others)))
            start = end
    return tokens[:TOKENS_MAX]


@lru_cache(_QUESTIONS_REMEMBERED)
def _query_runs(text: str) -> tuple[tuple[str, ...], ...]:
    runs = (match[0] for match in _RUN.finditer(normal(text[:QUERY_MAX])))
    return tuple((run,) if run.isascii() else tuple(rjieba.cut(run)) for run in runs)


@lru_cache(_QUESTIONS_REMEMBERED)
def _way(word: str) -> Way:
    """Say how a word, or what an operator wrote as one, is found."""
    words: list[str] = []
    grams: dict[str, None] = {}
    for match in _RUN.finditer(normal(word)):
        run = match[0]
        if run.isascii():
            words.append(run)
            grams |= dict.fromkeys(_PART.findall(run))
        else:
            words += rjieba.cut(run)
            grams |= dict.fromkeys(_pairs(run) if len(run) > 1 else run)
    is_letters = len(words) == 1 and _LETTERS.fullmatch(words[0])
    return Way(tuple(words), tuple(grams), words[0] if is_letters else None)


def _words(text: str, grams: dict[str, None]) -> Iterator[str]:
    """Cut a text into terms; its grams are added to those there are.

    What has a term has every gram that ``_way`` gives for it: a search relies on that.
    """
    before, before_end = "", -2
    for match in _RUN.finditer(normal(text)):
        run = match[0]
        if not run.isascii():
            grams.update(dict.fromkeys(run))
            grams.update(dict.fromkeys(_pairs(run)))
            yield from rjieba.cut_for_search(run)
            continue
        yield run
        parts = _PART.findall(run)
        grams.update(dict.fromkeys(parts))
        if len(parts) > 1:
            yield from parts
        # "iPhone 15" is asked for as "iphone15" too.
        if before and match.start() - before_end <= 1:
            yield before + run
            grams.update(dict.fromkeys(_PART.findall(before + run)))
        before, before_end = run, match.end()


def _pairs(run: str) -> list[str]:
    return [first + second for first, second in pairwise(run)]


def _pinyin(text: str) -> Iterator[str]:
    for match in _RUN.finditer(normal(text)):
        run = match[0]
        if run.isascii():
            continue
        words = rjieba.cut(run)
        spoken = [_spoken(word) for word in words]
        for full, initials in spoken:
            if len(initials) > 1:
                yield from (full, initials)
        for (full, initials), (full_next, initials_next) in pairwise(spoken):
            if len(full) + len(full_next) <= _PINYIN_LENGTH_MAX:
                yield from (full + full_next, initials + initials_next)


@lru_cache(_WORDS_REMEMBERED)
def _spoken(word: str) -> tuple[str, str]:
    # Only what is indexed is spelled, and not by those who serve: loading it takes them a while.
    from pypinyin import lazy_pinyin  # noqa: PLC0415

    syllables = [syllable for syllable in lazy_pinyin(word) if syllable.isascii()]
    return "".join(syllables), "".join(syllable[0] for syllable in syllables)
