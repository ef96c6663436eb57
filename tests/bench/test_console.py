"""A world is filled in small, and a browser opens the console's first page over it."""

from pathlib import Path

import pytest

from tests.bench.quick import quick_run


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_browser_is_timed_on_the_first_page(tmp_path: Path) -> None:
    results = quick_run("bench.console", tmp_path)

    assert results["filled"]["orders"] == 1_000
    assert len(results["measured"]) == 1
    figures = results["figures"]
    assert figures["ms"]["median"] > figures["asked_ms"]["median"] > 0
    assert figures["ratio"]["worst"] > 0
    assert not (tmp_path / "home").exists()
