"""Freight and promises of days are broken behind the application's back, and found."""

import pytest

from tests.market import HEXI, XIHU, Market
from tests.workflows.test_verify_world import findings, hit, traded
from weili.kit.ids import id_text
from weili.modules import inventory, pricing, regions

__all__ = ["traded"]

DEFAULT = id_text(pricing.TEMPLATE_PREFIX, pricing.TEMPLATE_DEFAULT)


@pytest.fixture
def ended(traded: Market, database: str) -> str:
    """Give a county of Tianjin that is no longer in force, and has no successor."""
    hit(database, "UPDATE regions.region SET until_year = 2020 WHERE code LIKE '120112%'")
    with traded.world.begin() as ctx:
        assert regions.regions_ended(ctx, codes=["120112", HEXI]) == {"120112"}
    return "120112"


def test_freight_to_a_region_that_is_gone_is_found(traded: Market, ended: str) -> None:
    with traded.world.begin() as ctx:
        pricing.freight_put(ctx, rows=[pricing.FreightRow(ended, 500)])
    [finding] = findings(traded)
    assert finding.check == "freight_region_in_force"
    assert finding.where == f"{DEFAULT} to {ended}"


def test_a_warehouse_that_serves_a_region_that_is_gone_is_found(traded: Market, ended: str) -> None:
    with traded.world.begin() as ctx:
        rows = [inventory.CoverageRow(ended, 1, 2)]
        inventory.coverage_put(ctx, warehouse_id=traded.far, rows=rows)
    [finding] = findings(traded)
    assert finding.check == "coverage_region_in_force"
    assert id_text(inventory.WAREHOUSE_PREFIX, traded.far) in finding.where


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE pricing.freight_rule SET next_units = 0 WHERE next_units > 0", "next_units"),
        ("UPDATE pricing.freight_rule SET first_units = 0 WHERE first_units > 0", "first_units"),
    ],
)
def test_a_rule_that_leaves_weights_without_a_fee_is_found(
    traded: Market, database: str, change: str, said: str
) -> None:
    with traded.world.begin() as ctx:
        basis = pricing.FreightBasis.WEIGHT
        template = pricing.template_open(ctx, name="by weight", basis=basis)
        row = pricing.FreightRow("000000", 800, None, 1_000, 500, 100)
        pricing.freight_put(ctx, rows=[row], template_id=template.id)
    assert findings(traded) == []
    hit(database, change)
    [finding] = findings(traded)
    assert finding.check == "freight_rule_fits"
    assert finding.what == f"a template that counts by weight can't charge by it: {said}"


def test_areas_that_are_served_without_freight_are_found_by_the_first(
    traded: Market, database: str
) -> None:
    # Given no freight for the whole country any more, but for Tianjin
    hit(database, "DELETE FROM pricing.freight_rule WHERE region_code = '000000'")
    with traded.world.begin() as ctx:
        served = inventory.regions_served(ctx)
        below = {code: regions.areas_below(ctx, code=code) for code in served[traded.grocer]}
    bare = {
        code: [area for area in areas if not area.startswith("12")] for code, areas in below.items()
    }
    assert any(XIHU in areas for areas in bare.values())

    # Then each region that has such areas is found, with how many they are
    found = findings(traded)
    grocer = [each for each in found if id_text("pty", traded.grocer) in each.what]
    assert {each.check for each in found} == {"served_areas_have_freight"}
    assert [each.where for each in grocer] == [
        f"{DEFAULT} to {code}" for code in sorted(bare) if bare[code]
    ]
    for each in grocer:
        areas = bare[each.where.split()[-1]]
        assert f"serves {len(areas)} area(s) there" in each.what
        assert each.what.endswith(f"the first is {areas[0]}")

    # And one that is excluded on purpose is none
    with traded.world.begin() as ctx:
        pricing.freight_put(ctx, rows=[pricing.FreightRow("000000", 0, is_excluded=True)])
    assert findings(traded) == []


def test_a_day_that_is_both_on_and_off_is_found(traded: Market, database: str) -> None:
    hit(
        database,
        "UPDATE inventory.warehouse SET closed_on = '{2030-10-01,2030-10-02}',"
        " open_on = '{2030-10-02}' WHERE code = 'NEAR'",
    )
    [finding] = findings(traded)
    assert finding.check == "calendar_days_apart"
    assert finding.what.startswith("2030-10-02 ")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE dropship.child SET arrives_on = ships_on - 1 WHERE state = 'confirmed'",
        "UPDATE dropship.child SET arrives_on = NULL WHERE state = 'confirmed'",
    ],
)
def test_an_arrival_before_it_leaves_is_found(traded: Market, database: str, change: str) -> None:
    hit(database, change)
    [finding] = findings(traded)
    assert finding.check == "promise_in_order"
