"""The results as a table, in the terminal and in the documentation."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"
BEGIN: Final = "<!-- figures: written by `python -m bench` -->"
END: Final = "<!-- end of figures -->"

_NAMES: Final = {
    "l1_uniform": "L1, spread over all SKUs",
    "api_uniform": "order API, one order a call, spread",
    "l1_hot": "L1, one hot SKU",
    "api_hot": "order API, one order a call, one hot SKU",
    "l2": "L2, 200 orders a commit",
    "api_batch": "order API, 200 orders a call",
    "api_lone": "order API, a lone client",
    "workflow_uniform": "workflow without HTTP, one order a command",
    "workflow_batch": "workflow without HTTP, 200 orders a batch",
}
_RATIOS: Final = {
    "single_uniform_vs_l1": ("single orders, spread, to L1", "at least 1.5"),
    "single_hot_vs_l1": ("single orders, hot, to L1", "at least 4"),
    "batch_vs_l2": ("batches to L2", "at least 0.6"),
    "workflow_uniform_vs_l1": ("workflow, spread, to L1", ""),
    "workflow_batch_vs_l2": ("workflow, batches, to L2", ""),
    "lone_latency_vs_single_commit": (
        "a lone client's latency to L1's with one client",
        "at most 3",
    ),
}


def table(results: Mapping[str, Any]) -> str:
    """Write the figures as Markdown."""
    lines = [
        "| what | clients | orders/s (min to max) | ms | p99 | server µs | database µs | others |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, label in _NAMES.items():
        figure = results["figures"][name]
        processor = figure["processor_us_per_order"]
        rate, latency = figure["orders_per_s"], figure["latency_ms"]
        slowest = results["p99_ms"].get(name, {}).get("median", "")
        lines.append(
            f"| {label} | {figure['clients']} |"
            f" {rate['median']:,.0f} ({rate['min']:,.0f} to {rate['max']:,.0f}) |"
            f" {latency['median']:.2f} | {slowest} |"
            f" {processor['server'] or ''} | {processor['postgres']} |"
            f" {figure['others_share']:.1%} |"
        )
    lines += ["", "| ratio | median (min to max) | aimed at |", "|---|---:|---:|"]
    for name, (label, aim) in _RATIOS.items():
        spread = results["ratio_ranges"][name]
        lines.append(
            f"| {label} | {spread['median']:.2f} ({spread['min']:.2f} to {spread['max']:.2f}) |"
            f" {aim} |"
        )
    here = results["machine"]
    settings = ", ".join(f"`{name} = {value}`" for name, value in here["settings"].items())
    packages = ", ".join(f"{name} {version}" for name, version in here["packages"].items())
    lines += [
        "",
        (
            f"Measured {results['made_at']} in {results['took_s']} s: {results['rounds']} rounds,"
            f" each phase {results['phase_s']} s, {results['skus']:,} SKUs, {results['partners']:,}"
            f" partners. {here['processor']}, {here['cores']} cores, {here['memory_gb']} GB, Linux"
            f" {here['kernel']}; writing and syncing one block takes"
            f" {results['fsync_us']['median']} µs (p99 {results['fsync_us']['p99']} µs)."
        ),
        "",
        f"PostgreSQL {here['postgresql']} with {settings}. Python {here['python']}, {packages}.",
    ]
    return "\n".join(lines)


def written(page: str, results: Mapping[str, Any]) -> str:
    """Put the figures between their marks on a page."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table(results)}\n\n{END}{tail}"


def write(results: Mapping[str, Any]) -> None:
    """Write the figures into the documentation."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(written(page, results), encoding="utf-8")


def results_read(path: Path) -> dict[str, Any]:
    """Read the results of a run."""
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results
