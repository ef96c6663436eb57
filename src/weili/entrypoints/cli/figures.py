"""``weili metrics``: what the alarms need to know, in the text format of Prometheus.

It is asked of the database and the disc, so it is right whichever processes run. How many requests
there are, how they end and how long they take, each server counts (``WEILI_METRICS_PORT``).
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import server_check

if TYPE_CHECKING:
    from weili.adapters.search import SearchIndex
    from weili.kit.world import World

Sample = tuple[str, str, float]
"""A figure's name, the world it is of (none for what all share), and its value."""

HELP: Final = {
    "weili_events_waiting": "Facts that have no position yet.",
    "weili_events_oldest_age_seconds": "Age of the oldest of them.",
    "weili_jobs_waiting": "Jobs that are to be done.",
    "weili_jobs_oldest_age_seconds": "Age of the oldest of them.",
    "weili_jobs_failed": "Jobs that were given up.",
    "weili_suppliers_silent": "Suppliers whose systems are paused, and have not answered since.",
    "weili_index_changes_waiting": "Changes of goods that the search index lacks.",
    "weili_archive_copy_age_seconds": "Age of the newest whole copy in the archive.",
    "weili_archive_received_age_seconds": "How long ago the archive received anything.",
}


def metrics(
    archive: Annotated[
        Path | None,
        typer.Option("--archive", help="An archive whose age is told too.", file_okay=False),
    ] = None,
) -> None:
    """Write figures for alarms to the output, in the text format of Prometheus."""
    from weili import bootstrap
    from weili.adapters.search import TantivyIndex

    settings = bootstrap.Settings.read(os.environ)
    server_check(settings)
    samples: list[Sample] = []
    with bootstrap.opened(settings) as worlds:
        for name, world in worlds.items():
            samples += _of_world(world, TantivyIndex(settings.search_home(name)))
    if archive is not None:
        samples += _of_archive(archive)
    # Nothing is written before all is known: half the figures would be taken for all of them.
    say.out.print(_exposition(samples), end="", markup=False, highlight=False, soft_wrap=True)


def _exposition(samples: Sequence[Sample]) -> str:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for name, world, value in samples:
        if name not in gauges:
            labels = ("world",) if world else ()
            gauges[name] = Gauge(name, HELP[name], labels, registry=registry)
        (gauges[name].labels(world) if world else gauges[name]).set(value)
    return generate_latest(registry).decode()


def _of_world(world: "World", index: "SearchIndex") -> Iterator[Sample]:
    from weili.adapters.search import SearchNotReady
    from weili.kit import outbox
    from weili.modules import catalogue, dropship

    with world.begin() as ctx:
        found = outbox.backlog(ctx)
        end = catalogue.changes_end(ctx)
        silent = dropship.suppliers_silent_count(ctx)
    yield "weili_events_waiting", world.name, found.events
    yield "weili_events_oldest_age_seconds", world.name, found.events_age_s
    yield "weili_jobs_waiting", world.name, found.jobs
    yield "weili_jobs_oldest_age_seconds", world.name, found.jobs_age_s
    yield "weili_jobs_failed", world.name, found.jobs_failed
    yield "weili_suppliers_silent", world.name, silent
    try:
        position, _ = index.followed_to()
    except SearchNotReady:
        position = 0
    yield "weili_index_changes_waiting", world.name, max(end - position, 0)


def _of_archive(folder: Path) -> Iterator[Sample]:
    from weili.adapters.postgres import archive
    from weili.kit.clock import wall_now

    now = wall_now()
    # No age is below none: a clock was turned back, or something came since it was looked at.
    if copies := archive.copies(folder):
        age_s = (now - copies[-1][0]).total_seconds()
        yield "weili_archive_copy_age_seconds", "", max(age_s, 0.0)
    received = [path.stat().st_mtime for path in (folder / "wal").glob("*")]
    if received:
        age_s = now.timestamp() - max(received)
        yield "weili_archive_received_age_seconds", "", max(age_s, 0.0)
