"""What a search index takes in and answers, whatever it is made with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from weili.kit.problems import Kind, Problem

FACETS: Final = ("category_1", "category_2", "category_3", "brand", "brand_kind", "state")
"""The fields that found documents may be counted by."""

DEFAULT_SLOT: Final = ""
"""The name of the numbers that stand in for those that have no place of their own."""

RETRY_AFTER_S: Final = 5


class SearchNotReady(Problem):
    """The index is not there yet, or being built anew."""

    kind = Kind.UNAVAILABLE
    code = "search_not_ready"
    en = (
        "The search index is being built; ask again in {retry_after_s} s. Goods, prices, stock and "
        "the feed are not concerned."
    )
    zh = "搜索索引正在建立，请在 {retry_after_s} 秒后重试。商品、价格、库存与变更流不受影响。"
    repeatable = True

    def __init__(self) -> None:
        super().__init__(retry_after_s=RETRY_AFTER_S)


@dataclass(frozen=True, slots=True)
class Document:
    """One document: terms with blanks between, exact tags, facets, numbers, and what it shows.

    ``pools`` are what it may be seen through; without one it is seen by those alone who see all.
    ``slots`` are numbers by name and slot, such as a price by its list. ``mark`` is a digest by
    which a document is compared with what it was made from.
    """

    key: str
    words: str
    grams: str
    pinyin: str
    pools: Sequence[str]
    tags: Sequence[str]
    facets: Mapping[str, str]
    numbers: Mapping[str, int]
    slots: Mapping[tuple[str, str], int]
    shown: str
    mark: str


class Wanted(NamedTuple):
    """One way to find a word: all these terms, or else all these grams, or this pinyin.

    A tuple, since what a question looks for is made and hashed for each one anew.
    """

    words: tuple[str, ...]
    grams: tuple[str, ...]
    pinyin: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is looked for.

    ``tokens`` are all to be found, each in any of its ways. All of ``tags`` must be there, and one
    of ``pools``; None sees all. ``order`` is a number's name, or (name, slot); None is relevance.
    ``within`` bounds a number in a slot; ``bands`` counts by one, from each edge to the next.
    """

    tokens: tuple[tuple[Wanted, ...], ...] = ()
    tags: tuple[str, ...] = ()
    pools: tuple[str, ...] | None = None
    within: tuple[str, str, int | None, int | None] | None = None
    order: str | tuple[str, str] | None = None
    is_descending: bool = True
    facets: tuple[str, ...] = ()
    bands: tuple[str, str, tuple[int, ...]] | None = None
    offset: int = 0
    limit: int = 20


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Counts:
    """How many were found: in all, by each value of the facets, and by band.

    As long as the counts of a question are remembered they are one and the same object, so that
    what is made of them may be remembered beside.
    """

    total: int
    facets: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    bands: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found: counts, and (key, shown) in order. ``is_relaxed``: not all words together.

    ``is_by_default``: a slot that was asked for has no place, and the default one stood for it.
    """

    counts: Counts
    hits: tuple[tuple[str, bytes], ...]
    is_relaxed: bool = False
    is_by_default: bool = False


class SearchIndex(Protocol):
    """An index that is searched. Any number of threads and processes may, while one writes."""

    def search(self, plan: Plan) -> Answer:
        """Find documents.

        Raises: SearchNotReady.
        """

    def marks(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Give the marks of documents; one that is not there is absent.

        Raises: SearchNotReady.
        """

    def followed_to(self) -> tuple[int, int]:
        """Give the position up to which changes are in the index, and how many documents it has.

        Raises: SearchNotReady.
        """
