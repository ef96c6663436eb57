"""Written addresses: read as the place they mean, and left open where they mean several."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.addresses import FILE, Tally, addresses_read, gazetteer_made
from weili.kit.context import Ctx
from weili.modules import regions
from weili.modules.regions import Gazetteer, RegionLevel, rules
from weili.modules.regions.resolving import NAMES_MAX

GAZETTEER = cache(gazetteer_made)


def read(text: str) -> regions.Resolved:
    return regions.resolve(GAZETTEER(), text)


@pytest.mark.parametrize(
    ("text", "full_name", "rest"),
    [
        ("浙江省杭州市西湖区三墩镇文三路1号", "浙江省杭州市西湖区三墩镇", "文三路1号"),
        ("浙江 杭州 西湖区 文三路1号", "浙江省杭州市西湖区", "文三路1号"),
        ("义乌市场新村3幢", "浙江省金华市义乌市", "市场新村3幢"),
        ("浙江省杭州市西湖区浙江省杭州市西湖区文三路1号", "浙江省杭州市西湖区", "文三路1号"),
        ("广东省-惠州市-市辖区惠东吉隆", "广东省惠州市惠东县吉隆镇", ""),
        ("上海市 上海市 浦东新区 张江镇", "上海市浦东新区张江镇", ""),
        ("绍兴县柯桥镇", "浙江省绍兴市柯桥区柯桥街道", ""),
        ("富阳市春江街道", "浙江省杭州市富阳区春江街道", ""),
    ],
)
def test_missing_levels_short_and_old_names_are_understood(
    text: str, full_name: str, rest: str
) -> None:
    found = read(text)

    assert (found.full_name, found.rest) == (full_name, rest)


def test_a_county_that_was_divided_is_read_by_its_town() -> None:
    assert read("杭州市余杭区南苑街道").full_name == "浙江省杭州市临平区南苑街道"
    assert read("杭州市余杭区五常街道").full_name == "浙江省杭州市余杭区五常街道"
    assert read("杭州市江干区下沙街道").county_code == "330114"
    # Without a town the larger part is meant, and the other is named.
    jianggan = read("杭州市江干区艮山东路490号")
    assert jianggan.county_code == "330102"
    assert [other.code for other in jianggan.alternatives] == ["330114"]
    assert jianggan.confidence < 0.9


def test_a_town_that_borders_moved_is_found_in_its_new_county() -> None:
    found = read("宁波市鄞州区古林镇布政新村")

    assert (found.full_name, found.rest) == ("浙江省宁波市海曙区古林镇", "布政新村")
    assert found.confidence < 0.9


@pytest.mark.parametrize(
    ("text", "full_name", "rest"),
    [
        ("黑龙江省佳木斯市郊区友谊路1号", "黑龙江省佳木斯市郊区", "友谊路1号"),
        ("安徽省铜陵市郊区人民路2号", "安徽省铜陵市郊区", "人民路2号"),
        ("山西省阳泉市郊区新区路1号", "山西省阳泉市郊区", "新区路1号"),
        ("湖南省益阳市南县人民路3号", "湖南省益阳市南县", "人民路3号"),
        (
            "山西省吕梁市汾阳市西河街道西河路2号",
            "山西省吕梁市汾阳市西河街道",
            "西河路2号",
        ),
        # Here 市 does begin the name.
        ("山东省青岛市市南区香港中路1号", "山东省青岛市市南区", "香港中路1号"),
        ("贵阳市云岩区市西河街道1号", "贵州省贵阳市云岩区市西河街道", "1号"),
    ],
)
def test_the_ending_of_a_citys_name_begins_no_other(text: str, full_name: str, rest: str) -> None:
    found = read(text)

    assert (found.full_name, found.rest) == (full_name, rest)


def test_a_town_that_is_no_more_is_read_as_what_bears_its_name_or_as_its_county() -> None:
    assert read("江苏省徐州市睢宁县睢城镇").town_code == "320324001"
    assert read("山西省阳泉市盂县下社乡下社村").area_code == "140322"


def test_a_name_that_several_cities_bear_is_left_open() -> None:
    found = read("鼓楼区中山路1号")

    assert (found.area_code, found.confidence) == (None, 0.0)
    # 南京, 徐州, 福州 and 开封 have one each.
    assert {other.code for other in found.alternatives} == {
        *("320106", "320302", "350102", "410204"),
    }
    assert read("徐州鼓楼区中山路1号").area_code == "320302"


def test_a_road_that_is_named_after_a_city_is_no_city() -> None:
    found = read("上海市黄浦区南京东路100号")

    assert (found.city_code, found.county_code) == (None, "310101")
    assert found.rest == "南京东路100号"


def test_what_names_no_place_is_no_place() -> None:
    for text in ("", " ", "\x00", "3号楼2单元", "x" * 300, "，，。"):
        found = read(text)
        assert (found.area_code, found.confidence, found.alternatives) == (None, 0.0, ())


@pytest.mark.parametrize(
    ("text", "name", "phone", "address"),
    [
        (
            "欧阳小美 13812345678 杭州市西湖区文三路1号",
            "欧阳小美",
            "13812345678",
            "杭州市西湖区文三路1号",
        ),
        (
            "收货人：李雷\n手机：+86 138 1234 5678\n地区：浙江省杭州市西湖区\n详细地址：文三路1号",
            "李雷",
            "13812345678",
            "浙江省杭州市西湖区 文三路1号",
        ),
        ("杭州市西湖区文三路1号，王女士，0571-88888888", "王女士", "0571-88888888", None),
        ("杭州市西湖区文三路1号13812345678", None, "13812345678", None),
        ("杭州市西湖区文三路1号", None, None, None),
    ],
)
def test_a_pasted_text_is_parted(
    text: str, name: str | None, phone: str | None, address: str | None
) -> None:
    parted = regions.paste_part(GAZETTEER(), text)

    assert (parted.name, parted.phone) == (name, phone)
    assert parted.address == (address or "杭州市西湖区文三路1号")


CODES = sorted(
    code
    for code in GAZETTEER().names
    if rules.level_of(code) in {RegionLevel.COUNTY, RegionLevel.TOWN}
)


@given(st.sampled_from(CODES))
def test_an_official_full_name_is_read_as_its_own_code(code: str) -> None:
    name = rules.name_joined(GAZETTEER().names, code)

    found = read(name)

    same = {code} | {other.code for other in found.alternatives if other.full_name == name}
    assert found.area_code in same
    assert found.rest == ""


NAMES = sorted(text for text in GAZETTEER().forms if len(text) > 2)


@given(st.lists(st.sampled_from(NAMES), max_size=4), st.text(max_size=10))
def test_the_codes_of_an_answer_always_lie_in_one_line(names: list[str], tail: str) -> None:
    found = read("".join(names) + tail)

    codes = [
        code
        for code in (found.town_code, found.county_code, found.city_code, found.province_code)
        if code is not None
    ]
    if codes:
        assert codes[0] == found.area_code
        assert set(codes) <= set(rules.ancestors(codes[0]))
    assert 0 <= found.confidence <= 1
    assert set(codes) <= GAZETTEER().names.keys()


def test_a_text_that_only_heaps_up_names_is_not_weighed_to_its_end() -> None:
    # A hundred times 城关镇, the name of 127 places, were 12,700 matches to be weighed.
    # 市西 is a name too, so that with 留下街道 there are as many as are weighed.
    long = "浙江省杭州市" + "西湖区" * (NAMES_MAX - 4)

    assert read(long + "留下街道").town_code == "330106013"
    assert read(long + "西湖区留下街道").town_code is None


def test_a_text_that_unfolds_is_read_no_further_than_others() -> None:
    # U+FDFA alone becomes 18 letters.
    assert len(read("\ufdfa" * regions.TEXT_MAX).rest) <= regions.TEXT_MAX


def test_the_tables_make_the_same_gazetteer_as_the_package(ctx: Ctx) -> None:
    made: Gazetteer = regions.gazetteer_read(ctx)

    assert made.names == GAZETTEER().names
    assert made.forms.keys() == GAZETTEER().forms.keys()


@pytest.mark.skipif(not FILE.exists(), reason="the labelled addresses are not here")
def test_labelled_addresses_are_read_as_well_as_was_promised() -> None:
    tally = Tally(GAZETTEER())
    for row in addresses_read(FILE):
        tally.judge(row, read(row.text))

    for level, share in (("county", 0.97), ("town", 0.90)):
        right, wrong = tally.judged[level, True], tally.judged[level, False]
        assert right + wrong > 900
        assert right / (right + wrong) >= share
