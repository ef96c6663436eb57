"""A world is filled with older orders in small, measured, and found sound."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_filled_world_takes_orders_and_is_found_sound(tmp_path: Path) -> None:
    output = tmp_path / "growth.json"
    words = ["--quick", "--output", str(output), "--home", str(tmp_path / "home")]

    done = subprocess.run(
        [sys.executable, "-m", "bench.growth", *words],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src")},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    results = json.loads(output.read_text(encoding="utf-8"))
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
