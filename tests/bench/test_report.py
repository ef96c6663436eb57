"""The table in the documentation is the one that the last results make."""

import xml.etree.ElementTree as ET

from bench import chart, report
from bench.__main__ import RESULTS, summed


def test_the_documented_figures_are_those_of_the_last_run() -> None:
    page = report.PAGE.read_text(encoding="utf-8")

    assert report.written(page, report.results_read(RESULTS)) == page


def test_the_documented_chart_is_that_of_the_last_run() -> None:
    drawn = chart.CHART.read_text(encoding="utf-8")

    assert drawn == chart.chart(report.results_read(RESULTS))
    bars = ET.fromstring(drawn).findall("{http://www.w3.org/2000/svg}rect")[1:]  # noqa: S314 - our own
    assert len(bars) == 6
    assert all(float(bar.attrib["width"]) > 0 for bar in bars)


def test_a_ratio_is_taken_within_each_round_against_the_best_client_count() -> None:
    def phase(number: int, name: str, orders_per_s: float, clients: int = 1) -> dict[str, object]:
        return {
            "round": number,
            "name": name,
            "clients": clients,
            "orders_per_s": orders_per_s,
            "latency_ms": 2.0,
            "median_ms": 5.0,
            "p99_ms": 9.0,
            "orders": 100,
            "processors": {"others": 0.1, "ours_s": {"server": 0.02, "postgres": 0.01}},
        }

    others = ("l1_hot", "api_hot", "l2", "api_batch", "api_lone", "workflow_batch")
    phases = [phase(number, name, 100.0) for number in (1, 2, 3) for name in others]
    for number, best, ours in ((1, 200.0, 150.0), (2, 100.0, 90.0), (3, 400.0, 100.0)):
        phases += [
            phase(number, "l1_uniform", best / 2, clients=1),
            phase(number, "l1_uniform", best, clients=8),
            phase(number, "api_uniform", ours),
            phase(number, "workflow_uniform", best),
        ]

    result = summed(phases)

    assert result["ratio_ranges"]["single_uniform_vs_l1"] == {
        "median": 0.75,
        "min": 0.25,
        "max": 0.9,
    }
    assert result["figures"]["l1_uniform"]["clients"] == 8
    assert result["figures"]["l1_uniform"]["processor_us_per_order"] == {
        "server": 200,
        "postgres": 100,
    }
    assert result["ratios"]["lone_latency_vs_single_commit"] == 2.5
