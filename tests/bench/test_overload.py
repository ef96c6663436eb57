"""Five times as many orders as can be placed: what is let in is done, the rest is told so."""

from pathlib import Path

import pytest

from bench.overload import TIMES
from tests.bench.quick import quick_run


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_flood_is_refused_cleanly_and_loses_nothing(tmp_path: Path) -> None:
    results = quick_run("bench.overload", tmp_path)
    flood, stopped = results["flood"], results["stopped"]

    assert flood["sent"] > TIMES * flood["placed"] / 2
    assert flood["placed"] > 0
    assert set(flood["refused"]) == {"429"}
    assert flood["placed"] + flood["refused"]["429"] == flood["sent"]
    assert (flood["unclean"], flood["unanswered"]) == (0, 0)
    assert results["after"]["orders"] > 0
    assert flood["stored"] == flood["placed"]
    assert stopped["stored"] == stopped["placed"] > 0
    assert results["verify_findings"] == []
    assert not (tmp_path / "home").exists()
