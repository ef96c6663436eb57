"""Reads which place a written address means.

Every name in the text is found; each place that any of them may name is weighed by the names on
its own line (province, city, county, town), and against those that it leaves unexplained. No place
is chosen between two that weigh the same: then what they have in common is given, and both.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from weili.modules.regions import rules
from weili.modules.regions.gazetteer import Form, Gazetteer
from weili.modules.regions.model import COUNTRY, RegionLevel

ALTERNATIVES_MAX: Final = 5
_TIE: Final = 0.04
_TOWN_MIN: Final = 0.25
_UNEXPLAINED: Final = 0.7
_UNEXPLAINED_TOWN: Final = 0.4
_REDRAWN: Final = 0.75
_REDRAWN_CERTAINTY: Final = 0.85
_TOWN_STEM: Final = 0.75
_MARGIN_CLEAR: Final = 0.6
_CERTAINTY_MAX: Final = 0.99
_WEIGHTS: Final = {
    Form.FULL: 1.0,
    Form.KIND: 0.85,
    Form.FORMER: 0.8,
    Form.PART: 0.7,
    Form.STEM: 0.6,
    Form.FORMER_STEM: 0.5,
    Form.PART_STEM: 0.4,
}
_SURE: Final = frozenset({Form.FULL, Form.KIND, Form.FORMER, Form.PART})
_ADRIFT: Final = 0.6
_ADRIFT_FAR: Final = 0.35
_BEFORE_PLACE: Final = 0.5
_ADRIFT_LENGTH_MIN: Final = 3
_COUNTY_DIGITS: Final = 6
TEXT_MAX: Final = 300
"""What of a text is read: NFKC turns one letter into as many as eighteen."""
NAMES_MAX: Final = 16
"""Names that are weighed. A hundred times 城关镇, the name of 127 places, is no address."""
_SEPARATORS: Final = frozenset(" \t\r\n,，.。、;；:：-—_/\\|()（）[]【】<>《》·*+#'\"“”~")
_COUNTRY: Final = re.compile("(?:中华人民共和国|中国)(?=.{1,8}(?:省|市|自治区))")
_ROAD: Final = re.compile(
    "[东西南北中上下前后内外新老]?[一二三四五六七八九十]?(?:环[东西南北]?)?"
    "(?:路|街(?!道)|大道|大街|巷|弄|胡同|公路|高速|国道|省道|大桥|立交)"
)
_PLACE: Final = re.compile(
    "[东西南北中新老小大]?[一二三四五六七八九十]?(?:村|社区|新村|小区|花园|花苑|公寓|大厦|广场|市场|商城|"
    "工业|科技|产业|开发|园|苑|城|大学|学院|中学|小学|学校|医院|宾馆|酒店|饭店|公司|集团|银行|中心|"
    "车站|机场|码头|水库|山庄|名|桥|里|府|家|湾|港|国际|人民|体育|世纪|时代)"
)
_FILLER: Final = re.compile(
    "市辖区|[省自治区]*直辖县级行政(?:区划|单位)|null|(?:收[货件]?方?)?地址|所在地区"
)
_TAIL: Final = re.compile(r"[0-9]|路|大道|[街巷弄](?!道)|号")


@dataclass(frozen=True, slots=True)
class Alternative:
    """A place that the text may mean as well."""

    code: str
    full_name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a text was read as: the codes of all levels named or implied, and what is left of it."""

    province_code: str | None
    city_code: str | None
    county_code: str | None
    town_code: str | None
    area_code: str | None
    full_name: str
    named: tuple[RegionLevel, ...]
    rest: str
    confidence: float
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class _Match:
    start: int
    end: int
    code: str
    form: Form
    weight: float


@dataclass(frozen=True, slots=True)
class _Reading:
    code: str
    score: float
    chosen: tuple[_Match, ...]


def resolve(gazetteer: Gazetteer, text: str) -> Resolved:
    """Say which place a text means, how sure that is, and what else it may mean."""
    plain = unicodedata.normalize("NFKC", text)[:TEXT_MAX]
    clean = _FILLER.sub(lambda m: " " * len(m[0]), plain)
    matches = _matches(gazetteer, clean)
    readings = _readings(matches)
    if not readings:
        return Resolved(None, None, None, None, None, "", (), _squeezed(clean), 0.0, ())
    best = readings[0]
    rivals = [r for r in readings[1:] if not _same_line(r.code, best.code)]
    tied = [r for r in rivals if best.score - r.score < _TIE]
    code = _common([best.code, *(r.code for r in tied)]) if tied else best.code
    line = [c for c in rules.ancestors(code) if c != COUNTRY]
    chosen = [m for m in best.chosen if m.code in line or not tied]
    confidence = _confidence(best, rivals, code) if code != COUNTRY else 0.0
    by_level = {rules.level_of(c): c for c in line if not rules.is_grouping(c)}
    return Resolved(
        by_level.get(RegionLevel.PROVINCE),
        by_level.get(RegionLevel.CITY),
        by_level.get(RegionLevel.COUNTY),
        by_level.get(RegionLevel.TOWN),
        code if code != COUNTRY else None,
        rules.name_joined(gazetteer.names, code) if code != COUNTRY else "",
        tuple(sorted({rules.level_of(m.code) for m in chosen if m.code in line})),
        _rest(clean, line, matches, chosen),
        confidence,
        _alternatives(gazetteer, best, rivals, is_tied=bool(tied)),
    )


def _matches(gazetteer: Gazetteer, text: str) -> list[_Match]:
    """Find every name in the text, each with what it weighs where it stands."""
    size = len(text)
    follow = [0] * (size + 1)
    follow[size] = size
    for i in range(size - 1, -1, -1):
        follow[i] = follow[i + 1] if text[i] in _SEPARATORS else i
    found: list[tuple[int, int, tuple[tuple[str, Form], ...]]] = []
    for start in range(size):
        for end in range(start + 2, min(size, start + gazetteer.length_max) + 1):
            codes = gazetteer.forms.get(text[start:end])
            if codes is not None:
                found.append((start, end, codes))
    # A form that fills in one place and then takes another as it is typed writes the second whole.
    begins = max((m.end() for m in _COUNTRY.finditer(text)), default=0)
    found = [name for name in found if name[0] >= begins] or found
    anchored = {follow[0], follow[begins]}
    for start, end, codes in found:
        if start in anchored and (
            not _ROAD.match(text, end) or any(form in _SURE for _, form in codes)
        ):
            anchored.add(follow[end])
    # A name inside a longer one is not named: 兴县 in 绍兴县, nor 西湖街道 in 西湖区. But where a
    # city was named, its 市 begins no other name that hides one: 郊区 in 阳泉市郊区 is named.
    cities = {
        end - 1
        for start, end, codes in found
        if start in anchored
        and text[end - 1] == "市"
        and any(form is Form.FULL for _, form in codes)
    }
    longest = {
        start: end
        for start, end, codes in found
        if any(form in _SURE for _, form in codes)
        and not _is_market(text, end)
        and start not in cities
    }
    inside = {
        (start, end)
        for start, end, _ in found
        if any(
            first <= start and end <= last and (start, end) != (first, last)
            for first, last in longest.items()
        )
    }
    named = [name for name in found if name[:2] not in inside][:NAMES_MAX]
    tail = _TAIL.search(text)
    far = tail.start() if tail else size
    return [
        _Match(start, end, code, form, weight)
        for start, end, codes in named
        for code, form in codes
        if (
            weight := _weight(
                text,
                start,
                end,
                form,
                is_town=len(code) > _COUNTY_DIGITS,
                is_anchored=start in anchored,
                is_far=start >= far,
            )
        )
        > 0
    ]


def _is_market(text: str, end: int) -> bool:
    """Say whether 市 at the end of a name belongs to the next word: 义乌市场."""
    return text[end - 1] == "市" and text.startswith("场", end)


def _weight(
    text: str,
    start: int,
    end: int,
    form: Form,
    *,
    is_town: bool,
    is_anchored: bool,
    is_far: bool,
) -> float:
    weight = _WEIGHTS[form]
    is_sure = form in _SURE
    if _is_market(text, end):
        return 0.0
    if not is_sure:
        if not is_anchored or _ROAD.match(text, end):
            return 0.0
        if is_town:
            weight *= _TOWN_STEM
        if _PLACE.match(text, end):
            weight *= _BEFORE_PLACE
    elif not is_anchored:
        if end - start < _ADRIFT_LENGTH_MIN:
            return 0.0
        weight *= _ADRIFT_FAR if is_far else _ADRIFT
    return weight


def _readings(matches: Sequence[_Match]) -> list[_Reading]:
    """Weigh every place that the names found may mean, best first."""
    by_code: dict[str, list[_Match]] = {}
    spans: dict[tuple[int, int], float] = {}
    for m in matches:
        by_code.setdefault(m.code, []).append(m)
        share = _UNEXPLAINED_TOWN if len(m.code) > _COUNTY_DIGITS else _UNEXPLAINED
        spans[m.start, m.end] = max(spans.get((m.start, m.end), 0.0), m.weight * share)
    for found in by_code.values():
        found.sort(key=lambda m: (-m.weight, m.start - m.end, m.start))
    counties = [
        m for m in matches if m.form in _SURE and rules.level_of(m.code) is RegionLevel.COUNTY
    ]
    readings = []
    for code in by_code:
        chosen: list[_Match] = []
        for above in rules.ancestors(code):
            for match in by_code.get(above, ()):
                if all(match.end <= c.start or c.end <= match.start for c in chosen):
                    chosen.append(match)
                    break
        if chosen[0].code != code:
            continue
        if len(code) > _COUNTY_DIGITS:
            if chosen[0].weight < _TOWN_MIN:
                continue
            if (redrawn := _redrawn(chosen, counties, by_code)) is not None:
                chosen.append(redrawn)
        # Longer names say more than shorter ones that lie in them.
        score = sum(m.weight + (m.end - m.start) / 100 for m in chosen)
        said = {(m.start, m.end) for c in chosen for m in by_code[c.code]}
        score -= sum(
            weight
            for (start, end), weight in spans.items()
            if (start, end) not in said and all(end <= c.start or c.end <= start for c in chosen)
        )
        readings.append(_Reading(code, score, tuple(chosen)))
    readings.sort(key=lambda r: (-r.score, len(r.code), r.code))
    return readings


def _redrawn(
    chosen: Sequence[_Match], counties: Sequence[_Match], by_code: Mapping[str, Sequence[_Match]]
) -> _Match | None:
    """Find the county that a town was named under, if borders have moved the town out of it.

    It is a county of the same city without a town of that name.
    """
    town = chosen[0]
    if town.form not in _SURE or any(m.code == town.code[:_COUNTY_DIGITS] for m in chosen):
        return None
    for m in counties:
        if (
            m.code[:4] == town.code[:4]
            and m.end <= town.start
            and not any(
                other[:_COUNTY_DIGITS] == m.code
                and len(other) > _COUNTY_DIGITS
                and any(o.start == town.start for o in found)
                for other, found in by_code.items()
            )
        ):
            return replace(m, weight=m.weight * _REDRAWN)
    return None


def _same_line(one: str, other: str) -> bool:
    return one in rules.ancestors(other) or other in rules.ancestors(one)


def _common(codes: Sequence[str]) -> str:
    lines = [set(rules.ancestors(code)) for code in codes]
    return next(code for code in rules.ancestors(codes[0]) if all(code in line for line in lines))


def _confidence(best: _Reading, rivals: Sequence[_Reading], code: str) -> float:
    """Say from 0 to 1 how far the best reading is from the next, and how surely it is named."""
    margin = best.score - rivals[0].score if rivals else best.score
    surest = max((m.weight for m in best.chosen if m.code in rules.ancestors(code)), default=0.0)
    certainty = (0.5 + 0.5 * min(1.0, margin / _MARGIN_CLEAR)) * (0.6 + 0.4 * surest)
    if any(m.code not in rules.ancestors(best.code) for m in best.chosen):
        certainty *= _REDRAWN_CERTAINTY
    return round(min(_CERTAINTY_MAX, certainty), 2)


def _alternatives(
    gazetteer: Gazetteer, best: _Reading, rivals: Sequence[_Reading], *, is_tied: bool
) -> tuple[Alternative, ...]:
    taken = ([best] if is_tied else []) + [r for r in rivals if r.score > best.score / 2]
    total = best.score + sum(r.score for r in taken if r is not best)
    return tuple(
        Alternative(
            r.code, rules.name_joined(gazetteer.names, r.code), round(max(0.0, r.score) / total, 2)
        )
        for r in taken[:ALTERNATIVES_MAX]
    )


def _rest(
    text: str, line: Sequence[str], matches: Sequence[_Match], chosen: Sequence[_Match]
) -> str:
    """Take the names that were understood out of a text, said twice or not."""
    gone = [False] * len(text)
    for m in [*chosen, *(m for m in matches if m.code in line and m.form in _SURE)]:
        gone[m.start : m.end] = [True] * (m.end - m.start)
    kept = "".join(" " if is_gone else char for char, is_gone in zip(text, gone, strict=True))
    return _squeezed(kept)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" ,，.。、;；:：-—_/|")
