"""Arithmetic on codes: two digits each for province, city and county, then three for the town.

Source: GB/T 2260 for the six digits, GB/T 10114 for the three of a town or street. Two kinds of
"cities" are only headings and no place of their own: the parts of a municipality (110100 市辖区,
500200 县), and a province's counties that no city governs (429000 省直辖县级行政区划).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Final

from weili.modules.regions.model import (
    COUNTRY,
    Change,
    ChangeKind,
    Edition,
    Region,
    RegionLevel,
)

MUNICIPALITIES: Final = frozenset({"11", "12", "31", "50"})
_DIRECT: Final = "90"
_COUNTIES_OF_MUNICIPALITY: Final = "02"
_AUTONOMOUS: Final = "自治区"
_COUNTRY_NAME: Final = "中国"
_ENDING: Final = frozenset({ChangeKind.REPLACED, ChangeKind.ABOLISHED})

_CHANGES_BESIDES: Final = (
    Change(2000, ChangeKind.REPLACED, "310102", "南市区", "310101", "黄浦区"),
    Change(2005, ChangeKind.REPLACED, "440102", "东山区", "440104", "越秀区"),
    Change(2013, ChangeKind.REPLACED, "370802", "市中区", "370811", "任城区"),
    Change(2018, ChangeKind.REPLACED, "140202", "城区", "140213", "平城区"),
    Change(2018, ChangeKind.REPLACED, "140402", "城区", "140403", "潞州区"),
    Change(2018, ChangeKind.REPLACED, "140411", "郊区", "140403", "潞州区"),
    Change(2021, ChangeKind.REPLACED, "330103", "下城区", "330105", "拱墅区"),
    Change(2021, ChangeKind.SPLIT, "330104", "江干区", "330114", "钱塘区"),
    Change(2021, ChangeKind.SPLIT, "330109", "萧山区", "330114", "钱塘区"),
    Change(2021, ChangeKind.SPLIT, "330110", "余杭区", "330113", "临平区"),
)
"""What the source's changes lack, although its list in force follows it."""

_CODE = re.compile(r"[0-9]{6}([0-9]{3})?")
_COUNTY_DIGITS: Final = 6
_TOWN_KIND: Final = re.compile("(?:.族乡|街道|镇|乡)$")
_CACHE_MAX: Final = 8_192


def is_code(text: str) -> bool:
    """Say whether a text has the form of a code; whether it names a region, the list says."""
    return _CODE.fullmatch(text) is not None


@lru_cache(maxsize=_CACHE_MAX)
def ancestors(code: str) -> tuple[str, ...]:
    """Give a code and all that lie above it, most specific first.

    330106109 → (330106109, 330106, 330100, 330000, 000000); a code without a level leaves that
    level out, as a town of a city without counties does: 441900003 → (441900003, 441900, …).

    Raises: ValueError when the text is neither six digits nor nine.
    """
    if not is_code(code):
        raise ValueError(code)
    county = code[:_COUNTY_DIGITS]
    return tuple(dict.fromkeys((code, county, f"{code[:4]}00", f"{code[:2]}0000", COUNTRY)))


def codes_above(codes: Iterable[str]) -> list[str]:
    """Give codes and all that lie above them, each one's most specific first, none twice.

    A text that is no code at all has nothing above it.
    """
    return list(dict.fromkeys(chain.from_iterable(map(lineage, codes))))


@lru_cache(maxsize=_CACHE_MAX)
def lineage(text: str) -> tuple[str, ...]:
    """Give a code and all that lie above it, as ``ancestors``; nothing for what is no code."""
    return ancestors(text) if is_code(text) else ()


def parent_of(code: str) -> str | None:
    """Give the code just above, None for the country.

    Raises: ValueError when the text is neither six digits nor nine.
    """
    above = ancestors(code)[1:]
    return above[0] if above else None


def level_of(code: str) -> RegionLevel:
    """Say how deep a code lies.

    Raises: ValueError when the text is neither six digits nor nine.
    """
    if not is_code(code):
        raise ValueError(code)
    if len(code) > _COUNTY_DIGITS:
        return RegionLevel.TOWN
    if code == COUNTRY:
        return RegionLevel.COUNTRY
    if code.endswith("0000"):
        return RegionLevel.PROVINCE
    return RegionLevel.CITY if code.endswith("00") else RegionLevel.COUNTY


def is_grouping(code: str) -> bool:
    """Say whether a code of city level is only a heading, which no address names.

    Raises: ValueError when the text is neither six digits nor nine.
    """
    return level_of(code) is RegionLevel.CITY and (
        code[:2] in MUNICIPALITIES or code[2:4] == _DIRECT
    )


def name_joined(names: Mapping[str, str], code: str) -> str:
    """Write a region's name in full from the names of its ancestors: 浙江省杭州市西湖区."""
    parts = [names[c] for c in reversed(ancestors(code)) if c != COUNTRY and not is_grouping(c)]
    return "".join(parts) or names[code]


def regions_of(edition: Edition) -> list[Region]:
    """Give every region of an edition, with the headings and the country that it leaves out.

    Codes that are no longer in force come along, with the year that ended them. Every region
    comes after its parent.
    """
    names = {COUNTRY: _COUNTRY_NAME, **edition.names}
    ended: dict[str, int] = {}
    for change in sorted(edition.changes):
        if change.kind in _ENDING and change.code not in edition.names:
            names[change.code] = change.name
            ended[change.code] = change.year
    wide = sorted((c for c in names if len(c) == _COUNTY_DIGITS), key=lambda c: (c in ended, c))
    for code in wide:
        for above in ancestors(code)[1:]:
            if above not in names:
                names[above] = _heading_name(above, names[f"{above[:2]}0000"])
                if code in ended:
                    ended[above] = ended[code]
    towns = sorted(code for code in names if len(code) > _COUNTY_DIGITS)
    return [
        *(
            Region(code, names[code], parent_of(code), level, edition.vintage, ended.get(code))
            for level, code in sorted((level_of(code), code) for code in names.keys() - set(towns))
        ),
        *(
            Region(
                code,
                names[code],
                code[:_COUNTY_DIGITS],
                RegionLevel.TOWN,
                edition.vintage,
                ended.get(code),
            )
            for code in towns
        ),
    ]


def towns_ended(
    ended: Iterable[tuple[str, str, int]], names: Mapping[str, str]
) -> Iterator[Change]:
    """Give the ends of towns (code, name, year), each with what took its place where that is told.

    It is told by the name alone: a town of the county that has the name by another kind, as a
    street has that was a town before. Of the others the county says no more.
    """
    kinds: dict[tuple[str, str], list[str]] = {}
    for code, name in names.items():
        if len(code) > _COUNTY_DIGITS:
            kinds.setdefault((code[:_COUNTY_DIGITS], _without_kind(name)), []).append(code)
    for code, name, year in ended:
        same = kinds.get((code[:_COUNTY_DIGITS], _without_kind(name)), [])
        if len(same) == 1:
            yield Change(year, ChangeKind.REPLACED, code, name, same[0], names[same[0]])
        else:
            yield Change(year, ChangeKind.ABOLISHED, code, name)


def _without_kind(name: str) -> str:
    return _TOWN_KIND.sub("", name)


def successions_of(edition: Edition) -> dict[str, tuple[str, ...]]:
    """Give the codes in force that took the place of each code that is not, by way of any others.

    A code whose successor nobody tells has none.
    """
    steps: dict[str, list[Change]] = {}
    for change in edition.changes:
        if change.kind in {ChangeKind.REPLACED, ChangeKind.SPLIT}:
            steps.setdefault(change.code, []).append(change)

    def follow(code: str, year: int, seen: frozenset[str]) -> Iterator[str]:
        if code in edition.names:
            yield code
        elif code not in seen:
            for step in steps.get(code, ()):
                if step.year >= year and step.successor_code is not None:
                    yield from follow(step.successor_code, step.year, seen | {code})

    found = {
        code: tuple(sorted(set(follow(code, 0, frozenset()))))
        for code in steps
        if code not in edition.names
    }
    return {code: successors for code, successors in found.items() if successors}


def changes_sifted(told: Iterable[Change], names: Mapping[str, str]) -> list[Change]:
    """Leave out of the changes what the list in force belies, and add what is known besides.

    Source: State Council decisions on the cities named in ``_CHANGES_BESIDES``.
    """
    changes = {*told, *_CHANGES_BESIDES}
    latest: dict[str, Change] = {}
    for change in sorted(changes):
        if change.kind in {ChangeKind.RENAMED, ChangeKind.REASSIGNED}:
            latest[change.code] = change
    return sorted(
        change
        for change in changes
        # A "renaming" that leaves the name, or whose outcome is not the name in force.
        if not (
            latest.get(change.code) is change
            and (
                change.name == change.successor_name
                or names.get(change.code, change.successor_name) != change.successor_name
            )
        )
    )


def changes_between(
    before: Mapping[str, Region], after: Iterable[Region], *, year: int
) -> list[Change]:
    """Give what two editions differ in, where the regions before are the ones in force.

    A level that was not kept before is no change.
    """
    levels = {region.level for region in before.values()}
    now = {region.code: region for region in after if region.until_year is None}
    changes = [
        Change(year, ChangeKind.ABOLISHED, region.code, region.name)
        for region in before.values()
        if region.code not in now
    ]
    for region in now.values():
        old = before.get(region.code)
        if old is None:
            if region.level in levels:
                changes.append(Change(year, ChangeKind.CREATED, region.code, region.name))
        elif old.name != region.name:
            changes.append(
                Change(year, ChangeKind.RENAMED, old.code, old.name, region.code, region.name)
            )
    return sorted(changes)


def changes_new(told: Iterable[Change], changes: Iterable[Change]) -> list[Change]:
    """Give the changes that were not told yet, oldest first.

    What happened to a code is told once: an edition's own account, with its year, goes before the
    mere difference from the edition before.
    """
    known = {(change.code, change.kind in _ENDING, change.successor_name) for change in told}
    ended = {change.code for change in told if change.kind in _ENDING}
    new: list[Change] = []
    for change in changes:
        key = (change.code, change.kind in _ENDING, change.successor_name)
        if key in known or (change.kind is ChangeKind.ABOLISHED and change.code in ended):
            continue
        known.add(key)
        if change.kind in _ENDING:
            ended.add(change.code)
        new.append(change)
    return sorted(new)


def _heading_name(code: str, province_name: str) -> str:
    if code[:2] in MUNICIPALITIES:
        return "县" if code[2:4] == _COUNTIES_OF_MUNICIPALITY else "市辖区"
    kind = _AUTONOMOUS if province_name.endswith(_AUTONOMOUS) else "省"
    return f"{kind}直辖县级行政区划" if code[2:4] == _DIRECT else province_name
