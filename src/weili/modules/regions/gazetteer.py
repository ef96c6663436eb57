"""Every name by which a place may be written, made from the list of regions.

A name has forms: 浙江省 is also 浙江, 黔南布依族苗族自治州 also 黔南州, 富阳区 was 富阳市, and a
town may once have been of another kind. A form says how the name is written.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from weili.modules.regions import rules
from weili.modules.regions.model import COUNTRY, Change, ChangeKind, Region, RegionLevel


class Form(IntEnum):
    """How a name is written."""

    FULL = 0
    KIND = 1  # with the ending of another kind: 富阳市, now 富阳区
    FORMER = 2
    PART = 3  # the former name of a wider place, of which this was the smaller part
    STEM = 4  # without its ending
    FORMER_STEM = 5
    PART_STEM = 6


_STEM_MIN: Final = 2
_ENDINGS: Final[Mapping[RegionLevel, tuple[str, ...]]] = {
    RegionLevel.PROVINCE: ("特别行政区", "自治区", "省", "市"),
    RegionLevel.CITY: ("自治州", "地区", "市", "盟"),
    RegionLevel.COUNTY: ("自治县", "自治旗", "新区", "林区", "特区", "市", "区", "县", "旗"),
    RegionLevel.TOWN: ("民族乡", "街道", "地区", "苏木", "镇", "乡"),
}
_KINDS: Final[Mapping[RegionLevel, tuple[str, ...]]] = {
    RegionLevel.PROVINCE: ("省", "市"),
    RegionLevel.CITY: ("市", "州", "地区"),
    RegionLevel.COUNTY: ("区", "县", "市"),
    RegionLevel.TOWN: ("街道办事处", "街道办", "街道", "办事处", "镇", "乡"),
}
# The peoples that give autonomous places a part of their names, longest first.
_PEOPLES: Final = (
    "柯尔克孜|维吾尔|哈萨克族|达斡尔族|鄂温克族|布依族|朝鲜族|土家族|哈尼族|傈僳族|拉祜族|东乡族|纳西族|"
    "景颇族|仫佬族|布朗族|撒拉族|毛南族|仡佬族|阿昌族|普米族|塔吉克|保安族|裕固族|独龙族|鄂伦春|赫哲族|"
    "蒙古族|哈萨克|达斡尔|鄂温克|多民族|蒙古|回族|藏族|苗族|彝族|壮族|朝鲜|满族|侗族|瑶族|白族|傣族|黎族|"
    "佤族|畲族|水族|土族|羌族|锡伯|怒族|各族"
)
_AUTONOMOUS: Final = re.compile(f"^(.{{2,}}?)(?:{_PEOPLES})+$")
_ROAD_END: Final = ("路", "街", "巷", "道", "村", "园")
_MOVING: Final = frozenset({ChangeKind.RENAMED, ChangeKind.REPLACED, ChangeKind.SPLIT})
_SHORT: Final = {"内蒙古自治区": "内蒙", "浦东新区": "浦东"}


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The forms of every name in force, and the names and codes themselves."""

    vintage: str
    names: Mapping[str, str]
    forms: Mapping[str, tuple[tuple[str, Form], ...]]
    length_max: int


def gazetteer_of(
    regions: Iterable[Region],
    *,
    successions: Mapping[str, Iterable[str]],
    changes: Iterable[Change],
) -> Gazetteer:
    """Make the gazetteer of a list with its changes: half a second's work, to be shared."""
    forms: dict[str, tuple[tuple[str, Form], ...]] = {}
    names: dict[str, str] = {}
    former: list[Region] = []
    vintage = ""

    def put(text: str, code: str, form: Form, *, once: bool = False) -> None:
        known = forms.get(text)
        if known is None:
            forms[text] = ((code, form),)
            return
        for i, (other, otherwise) in enumerate(known):
            if other == code:
                if form < otherwise and not once:
                    forms[text] = (*known[:i], (code, form), *known[i + 1 :])
                return
        forms[text] = (*known, (code, form))

    for region in regions:
        if region.code == COUNTRY:
            vintage = region.vintage
        elif region.until_year is None:
            names[region.code] = region.name
            if region.level != RegionLevel.CITY or not rules.is_grouping(region.code):
                for text, form in _forms(region.name, region.level):
                    put(text, region.code, form)
        elif region.level == RegionLevel.COUNTY:
            former.append(region)
    for change in changes:
        to = change.successor_code
        if change.kind in _MOVING and to is not None and to in names:
            is_part = change.kind is ChangeKind.SPLIT
            for text, form in _former(change.name, rules.level_of(to), is_part=is_part):
                put(text, to, form, once=True)
    for region in former:
        for code in successions.get(region.code, ()):
            for text, form in _former(region.name, region.level, is_part=False):
                put(text, code, form, once=True)
    return Gazetteer(vintage, names, forms, max(map(len, forms), default=0))


def stem_of(name: str, level: RegionLevel) -> str:
    """Take the ending off a name, and the peoples: 彭水苗族土家族自治县 is 彭水."""
    for ending in _ENDINGS[level]:
        if name.endswith(ending) and len(name) > len(ending):
            name = name.removesuffix(ending)
            break
    # A regular expression over forty thousand names is most of the work, so a letter is looked for.
    match = _AUTONOMOUS.match(name) if "族" in name or level != RegionLevel.TOWN else None
    return match[1] if match else name


def _forms(name: str, level: RegionLevel) -> Iterator[tuple[str, Form]]:
    yield name, Form.FULL
    stem = stem_of(name, level)
    if len(stem) < _STEM_MIN:
        return
    for kind in _KINDS[level]:
        yield stem + kind, Form.KIND
    if level != RegionLevel.TOWN or not stem.endswith(_ROAD_END):
        yield stem, Form.STEM
    if (short := _SHORT.get(name)) is not None:
        yield short, Form.STEM


def _former(name: str, level: RegionLevel, *, is_part: bool) -> Iterator[tuple[str, Form]]:
    whole, stem = (Form.PART, Form.PART_STEM) if is_part else (Form.FORMER, Form.FORMER_STEM)
    for text, form in _forms(name, level):
        yield text, stem if form is Form.STEM else whole
