"""What is known of deferred jobs. Their tables are found by the search path, as by their SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from weili.kit.clock import wall_now
from weili.kit.context import Ctx


class JobState(StrEnum):
    """Where a job stands. What is done is gone."""

    WAITING = "todo"
    RUNNING = "doing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobCount:
    """How many jobs of a queue stand where, and since when the oldest of them is there."""

    queue: str
    state: JobState
    count: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job: ``due_at`` is when it is tried next, ``told_at`` when something last became of it."""

    id: int
    queue: str
    task: str
    state: JobState
    attempts: int
    arguments: Mapping[str, Any]
    due_at: datetime | None
    deferred_at: datetime | None
    told_at: datetime | None


def job_counts(ctx: Ctx) -> list[JobCount]:
    """Count the jobs of each queue by where they stand."""
    rows = ctx.db.rows(
        "SELECT j.queue_name, j.status::text, count(*), min(e.at) FROM procrastinate_jobs j"
        " LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'"
        " WHERE j.status = ANY (%b::procrastinate_job_status[]) GROUP BY 1, 2 ORDER BY 1, 2",
        [state.value for state in JobState],
    )
    return [JobCount(queue, JobState(state), count, at) for queue, state, count, at in rows]


def job_page(ctx: Ctx, *, state: JobState, after: int, limit: int) -> list[JobRow]:
    """Give jobs that stand somewhere, the oldest first."""
    rows = ctx.db.rows(
        "SELECT j.id, j.queue_name, j.task_name, j.status::text, j.attempts, j.args,"
        " j.scheduled_at, min(e.at) FILTER (WHERE e.type = 'deferred'), max(e.at)"
        " FROM (SELECT * FROM procrastinate_jobs WHERE id > %b"
        "  AND status = %b::procrastinate_job_status ORDER BY id LIMIT %b) AS j"
        " LEFT JOIN procrastinate_events e ON e.job_id = j.id"
        " GROUP BY j.id, j.queue_name, j.task_name, j.status, j.attempts, j.args, j.scheduled_at"
        " ORDER BY j.id",
        *(after, state.value, limit),
    )
    return [
        JobRow(job_id, queue, task, JobState(status), attempts, arguments, due_at, first, last)
        for job_id, queue, task, status, attempts, arguments, due_at, first, last in rows
    ]


def job_retry(ctx: Ctx, *, job_id: int) -> bool:
    """Have a job that was given up done again; says whether it was one.

    Jobs go by the wall clock.
    """
    rows = ctx.db.rows(
        "SELECT 1 FROM procrastinate_jobs WHERE id = %b AND status = 'failed' FOR UPDATE", job_id
    )
    if rows:
        ctx.db.rows(
            "SELECT procrastinate_retry_job_v2(%b::bigint, %b::timestamptz, NULL, NULL, NULL)",
            *(job_id, wall_now()),
        )
    return bool(rows)
