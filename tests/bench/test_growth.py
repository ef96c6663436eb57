"""A world is filled with older orders in small, measured, and found sound."""

from pathlib import Path

import pytest

from tests.bench.quick import quick_run


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_filled_world_takes_orders_and_is_found_sound(tmp_path: Path) -> None:
    results = quick_run("bench.growth", tmp_path)

    assert {name: world["orders"] for name, world in results["filled"].items()} == {
        "few": 500,
        "many": 5_000,
    }
    assert results["many_to_few"]["server_us"] > 0
    for verified in results["verify"].values():
        assert verified["findings"] == []
        assert verified["checks_s"]
    assert all(phase["orders"] > 0 for phase in results["phases"])
    assert not (tmp_path / "home").exists()
