"""A file of many days, cut into one file for each day on the disk, so that none lies in memory."""

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

DAYS_MAX: Final = 400
"""Bound on the days of one file; each has a file open while it is cut."""

Row = tuple[int, Mapping[str, str]]


class DaysTooManyError(Exception):
    """The file has more days than the bound."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day's rows, with the numbers they have in the whole file."""

    on: date
    path: Path
    columns: Sequence[str]

    def rows(self) -> Iterator[Row]:
        """Read the rows from the first."""
        with self.path.open(encoding="utf-8", newline="") as file:
            for number, *cells in csv.reader(file):
                yield int(number), dict(zip(self.columns, cells, strict=True))


@contextmanager
def cut_by_day(
    rows: Iterable[Row], *, columns: Sequence[str], day_of: Callable[[Row], date | None]
) -> Iterator[list[Day]]:
    """Give the days of a file in order; rows without a day are left to ``day_of`` to note.

    Raises: DaysTooManyError; what reading the rows raises.
    """
    with tempfile.TemporaryDirectory(prefix="weili-days-") as folder:
        with ExitStack() as stack:
            writers: dict[date, Any] = {}
            for row in rows:
                on = day_of(row)
                if on is None:
                    continue
                if on not in writers:
                    if len(writers) >= DAYS_MAX:
                        raise DaysTooManyError
                    path = _path(folder, on)
                    file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
                    writers[on] = csv.writer(file)
                writers[on].writerow([row[0], *(row[1].get(name, "") for name in columns)])
        yield [Day(on, _path(folder, on), columns) for on in sorted(writers)]


def _path(folder: str, on: date) -> Path:
    return Path(folder) / f"{on.isoformat()}.csv"
