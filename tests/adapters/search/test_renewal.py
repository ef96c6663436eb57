"""A newer commit takes over when it is prepared; one that can't be opened is never half shown."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.search.test_commit import Shelf, _document
from weili.adapters.search import Plan, SearchNotReady, TantivyIndex

ALL = Plan(pools=("p",), limit=10)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    dice = random.Random(7)
    return Shelf(tmp_path, [_document(n, text, dice) for n, text in enumerate("茶米杯蛋")])


def _state(shelf: Shelf) -> Path:
    return shelf.home / (shelf.home / "current").read_text(encoding="ascii") / "state.json"


def test_a_renewal_that_fails_leaves_nothing_to_search_until_it_can_be_opened(
    shelf: Shelf,
) -> None:
    # Given an index that prepares newer commits aside, and a newer commit that is damaged
    aside: list[Callable[[], None]] = []
    index = TantivyIndex(shelf.home, run=aside.append)
    assert index.search(ALL).counts.total == 4
    shelf.delete(shelf.documents[0].key, position=2)
    whole = _state(shelf).read_text(encoding="utf-8")
    _state(shelf).write_text("{", encoding="utf-8")

    # When it is searched, the one before answers, and only one renewal is under way
    assert [index.search(ALL).counts.total for _ in range(3)] == [4, 4, 4]
    [renewal] = aside
    renewal()

    # Then whoever searches is told so, until it is whole again; and later ones are renewed to
    for _ in range(2):
        with pytest.raises(SearchNotReady):
            index.search(ALL)
    _state(shelf).write_text(whole, encoding="utf-8")
    assert index.search(ALL).counts.total == 3
    shelf.delete(shelf.documents[1].key, position=3)
    assert index.search(ALL).counts.total == 3
    aside[1]()
    assert index.search(ALL).counts.total == 2
    assert len(aside) == 2


def test_a_renewal_that_can_not_be_begun_is_begun_by_the_next_search(shelf: Shelf) -> None:
    aside: list[Callable[[], None]] = []

    def run(work: Callable[[], None]) -> None:
        if not aside:
            aside.append(work)
            raise RuntimeError("can't start new thread")
        work()

    index = TantivyIndex(shelf.home, run=run)
    assert index.search(ALL).counts.total == 4
    shelf.delete(shelf.documents[0].key, position=2)
    with pytest.raises(SearchNotReady):
        index.search(ALL)
    assert index.search(ALL).counts.total == 3
    shelf.delete(shelf.documents[1].key, position=3)
    index.search(ALL)
    assert index.search(ALL).counts.total == 2
