"""Runs the deferred jobs of a world: procrastinate's worker, in a thread with a loop of its own."""

import asyncio
import threading
from contextlib import suppress
from typing import Final

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from weili.entrypoints.jobs.reactions import LANE, QUEUE_ORDERS, orders_queued
from weili.kit.clock import wall_now
from weili.kit.db import APP_ROLE
from weili.kit.problems import ANSWERS, Problem
from weili.kit.world import World, in_transaction, worker_name

CONCURRENCY: Final = 2
CONNECTIONS_MAX: Final = 4
POLL_S: Final = 1.0
HEARTBEAT_S: Final = 2.0
STALLED_AFTER_S: Final = 10.0
"""A worker that has not been heard of for so long is dead, and its jobs are done by another."""
STALLED_LOOK_S: Final = 5.0
GRACE_S: Final = 10.0
RESTART_S: Final = 1.0
BUG_ATTEMPTS_MAX: Final = 10
RETRY_S_MAX: Final = 300

_log = structlog.get_logger(__name__)


class RetryByProblem(BaseRetryStrategy):
    """Tries again what may pass by itself, for ever and ever more slowly.

    A refusal that asking again can't change ends the job at once; a bug gets a few attempts, for
    a new version may bring the cure, and then stays in the table as failed.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Decide whether and when to try again."""
        if isinstance(exception, Problem):
            is_worth_it = ANSWERS[exception.kind].job_retries
        else:
            is_worth_it = job.attempts < BUG_ATTEMPTS_MAX
        if not is_worth_it:
            return None
        return RetryDecision(retry_in={"seconds": min(1 << min(job.attempts, 10), RETRY_S_MAX)})


class JobRunner:
    """Runs the jobs of one world until it is stopped; a database that goes away is waited for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"jobs {world.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more jobs; returns at once."""
        with suppress(RuntimeError):  # The loop has ended already.
            self._loop.call_soon_threadsafe(self._stopping.set)

    def join(self, timeout_s: float) -> bool:
        """Wait for the jobs under way; says whether they have ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        structlog.contextvars.bind_contextvars(world=self._world.name, loop="jobs")
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._work())

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._work_once()
            except ConnectorException as error:
                _log.warning("jobs_wait", error=repr(error.__cause__ or error))
            except Exception:  # noqa: BLE001 - logged; the jobs are still there
                _log.exception("jobs_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), RESTART_S)

    async def _work_once(self) -> None:
        """Work until told to stop, or until the database goes away."""
        app = app_for(self._world)
        async with app.open_async():
            tasks = [
                asyncio.create_task(
                    app.run_worker_async(
                        queues=[LANE],
                        name=f"weili {self._world.name}",
                        concurrency=CONCURRENCY,
                        install_signal_handlers=False,
                        fetch_job_polling_interval=POLL_S,
                        delete_jobs="successful",
                        update_heartbeat_interval=HEARTBEAT_S,
                        stalled_worker_timeout=STALLED_AFTER_S,
                        shutdown_graceful_timeout=GRACE_S,
                    )
                ),
                asyncio.create_task(_take_up_stalled(app)),
                asyncio.create_task(self._stopping.wait()),
            ]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()


async def _take_up_stalled(app: App) -> None:
    """Put the jobs of workers that died back in the queue."""
    while True:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
            _log.warning("job_taken_up", job=job.id, task=job.task_name)
            await app.job_manager.retry_job(job, retry_at=wall_now())
        await asyncio.sleep(STALLED_LOOK_S)


def app_for(world: World) -> App:
    """Make the procrastinate application of a world, with every job that there is."""
    app = App(
        connector=PsycopgConnector(
            conninfo=world.engine.url.set(drivername="postgresql").render_as_string(
                hide_password=False
            ),
            min_size=1,
            max_size=CONNECTIONS_MAX,
            timeout=10.0,
            reconnect_timeout=10.0,
            kwargs={
                "options": f"-c role={APP_ROLE} -c search_path=procrastinate -c timezone=UTC",
                "application_name": worker_name(world.name),
                "connect_timeout": 5,
            },
        )
    )

    @app.task(name=QUEUE_ORDERS, queue=LANE, retry=RetryByProblem())
    def dispatch_queue(order_ids: list[str]) -> None:
        in_transaction(world.begin, lambda ctx: orders_queued(ctx, order_ids))

    return app
