"""The whole benchmark runs, in small: every phase, every count, and the books are sound after."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_quick_run_measures_everything_and_leaves_sound_books(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    words = ["--quick", "--output", str(output), "--home", str(tmp_path / "home")]

    done = subprocess.run(
        [sys.executable, "-m", "bench", *words],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src")},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    results = json.loads(output.read_text(encoding="utf-8"))
    assert results["verify_findings"] == []
    assert results["fsync_us"]["median"] > 0
    assert {"single_uniform_vs_l1", "single_hot_vs_l1", "batch_vs_l2"} <= results["ratios"].keys()
    assert all(ratio > 0 for ratio in results["ratios"].values())
    assert all(phase["orders"] > 0 for phase in results["phases"])
    assert not (tmp_path / "home").exists()
