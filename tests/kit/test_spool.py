"""Rows that lie on disc between two steps."""

from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType
from typing import NamedTuple

from weili.kit.spool import Spool


class Crate(NamedTuple):
    """A row with what rows of sheets have."""

    title: str
    path: tuple[str, ...]
    said: Mapping[str, str]
    count: int | None


APPLE = Crate("苹果", ("水果", "鲜果"), MappingProxyType({"产地": "烟台"}), 3)
BARE = Crate("", (), MappingProxyType({}), None)


def test_lots_come_back_as_they_were_put_however_often() -> None:
    with closing(Spool(Crate)) as spool:
        spool.put([APPLE, BARE])
        spool.put([BARE])

        # A transaction that the database undid reads from the first lot again
        begun = spool.lots()
        assert next(begun) == [APPLE, BARE]
        assert list(spool.lots()) == [[APPLE, BARE], [BARE]]
        assert list(spool.lots()) == [[APPLE, BARE], [BARE]]


def test_what_was_never_put_is_no_lot() -> None:
    with closing(Spool(Crate)) as spool:
        assert list(spool.lots()) == []
