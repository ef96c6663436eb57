"""The figures that alarms are set on tell what waits, and since when."""

import os
import re
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.entrypoints.cli.conftest import Run
from weili.entrypoints.cli.figures import HELP
from weili.kit.clock import wall_now

LINE = re.compile(r'(weili_[a-z_]+)(?:\{world="sandbox"\})? (\S+)')


def figures(run: Run, *words: str) -> dict[str, float]:
    """Ask for the figures; each line is as Prometheus reads it."""
    said = run("metrics", *words)
    assert said.code == 0, said.err
    found = {}
    for line in said.out.splitlines():
        if match := LINE.fullmatch(line):
            found[match[1]] = float(match[2])
        else:
            assert re.fullmatch(r"# (HELP weili_[a-z_]+ .+\.|TYPE weili_[a-z_]+ gauge)", line)
    return found


def test_what_waits_is_told_with_its_age(ground: Run, sandbox: str) -> None:
    before = figures(ground)
    assert before["weili_jobs_failed"] == before["weili_events_oldest_age_seconds"] == 0

    hour_ago = wall_now() - timedelta(hours=1)
    with psycopg.connect(sandbox) as connection:
        connection.execute(
            "INSERT INTO kit.outbox (id, type, party_id, subject, data, occurred_at)"
            " SELECT gen_random_uuid(), 'x', gen_random_uuid(), 's', '{}', %s FROM"
            " generate_series(1, 3)",
            [hour_ago],
        )
        connection.execute("SET search_path TO public, procrastinate")
        job = "INSERT INTO procrastinate_jobs (task_name, queue_name, status) VALUES ('t', 'q', %s)"
        for status in ("todo", "todo", "failed"):
            connection.execute(job, [status])
        connection.execute("UPDATE procrastinate_events SET at = %s", [hour_ago])
        for failures, paused_until in ((5, hour_ago), (4, None), (0, None)):
            connection.execute(
                "INSERT INTO dropship.supplier_health"
                " (supplier_id, failures, failure, paused_until, served_at)"
                " VALUES (gen_random_uuid(), %s, '', %s, %s)",
                [failures, paused_until, hour_ago],
            )

    after = figures(ground)
    assert after["weili_events_waiting"] == before["weili_events_waiting"] + 3
    assert (after["weili_jobs_waiting"], after["weili_jobs_failed"]) == (2, 1)
    for name in ("weili_events_oldest_age_seconds", "weili_jobs_oldest_age_seconds"):
        assert 3600 <= after[name] < 3700
    assert (before["weili_suppliers_silent"], after["weili_suppliers_silent"]) == (0, 1)
    assert after["weili_index_changes_waiting"] == 0


def test_an_archive_tells_its_age(ground: Run, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    (folder / "wal").mkdir(parents=True)
    nothing = figures(ground, "--archive", str(folder))
    assert not [name for name in nothing if "archive" in name]

    day_ago = wall_now() - timedelta(days=1)
    (folder / day_ago.strftime("base-%Y%m%dT%H%M%SZ")).mkdir()
    segment = folder / "wal" / "000000010000000000000001.partial"
    segment.touch()
    os.utime(segment, times=(day_ago.timestamp(),) * 2)
    aged = figures(ground, "--archive", str(folder))
    assert aged["weili_archive_copy_age_seconds"] == pytest.approx(86_400, abs=120)
    assert aged["weili_archive_received_age_seconds"] == pytest.approx(86_400, abs=120)
    assert set(aged) == set(HELP)

    # And none below nothing, when the clock was turned back since
    ahead = wall_now() + timedelta(hours=1)
    (folder / ahead.strftime("base-%Y%m%dT%H%M%SZ")).mkdir()
    os.utime(segment, times=(ahead.timestamp(),) * 2)
    young = figures(ground, "--archive", str(folder))
    assert young["weili_archive_copy_age_seconds"] == 0
    assert young["weili_archive_received_age_seconds"] == 0
