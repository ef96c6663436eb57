"""The whole benchmark runs, in small: every phase, every count, and the books are sound after."""

from pathlib import Path

import pytest

from tests.bench.quick import quick_run


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_quick_run_measures_everything_and_leaves_sound_books(tmp_path: Path) -> None:
    results = quick_run("bench", tmp_path)

    assert results["verify_findings"] == []
    assert results["fsync_us"]["median"] > 0
    assert {"single_uniform_vs_l1", "single_hot_vs_l1", "batch_vs_l2"} <= results["ratios"].keys()
    assert all(ratio > 0 for ratio in results["ratios"].values())
    assert all(phase["orders"] > 0 for phase in results["phases"])
    assert not (tmp_path / "home").exists()
