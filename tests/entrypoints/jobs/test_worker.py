"""The worker: facts get places, orders go to their suppliers, deadlines act, whatever dies."""

import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest
from procrastinate.jobs import Job

from tests.market import Market
from weili.adapters.carriers import HttpCarrierGateway
from weili.adapters.suppliers import Answer, AnswerKind, SupplierEndpoint
from weili.entrypoints.jobs import Worker
from weili.entrypoints.jobs.loops import Loop
from weili.entrypoints.jobs.reactions import orders_queued, relay_and_react
from weili.entrypoints.jobs.runner import JobRunner, RetryByProblem
from weili.entrypoints.jobs.sweeps import sweep_round
from weili.kit import outbox
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.problems import Busy, NotFound, Unavailable
from weili.kit.world import clock_turn, in_transaction
from weili.modules import dropship
from weili.workflows.place_dropship_orders import place_dropship_orders

PATIENCE_S = 60.0


class NoSupplier:
    """Nobody has a system of its own in these stories, so nobody is asked."""

    def submit(self, endpoint: SupplierEndpoint, *, order: Mapping[str, Any]) -> Answer:
        """Answer nothing."""
        return Answer(AnswerKind.UNKNOWN)

    def cancel(self, endpoint: SupplierEndpoint, *, child_id: str) -> Answer:
        """Answer nothing."""
        return Answer(AnswerKind.UNKNOWN)


def place(market: Market, number: str, *, hold: bool = False) -> dropship.OrderId:
    """Place an order of one tea."""
    with market.world.begin() as ctx:
        [outcome] = place_dropship_orders(
            ctx, commands=[market.command(market.draft(number, (market.tea, 1), hold=hold))]
        )
    assert isinstance(outcome, dropship.Placed)
    return outcome.order_id


def state_of(market: Market, order_id: dropship.OrderId) -> str:
    """Ask where an order stands."""
    with market.world.begin() as ctx:
        [order] = dropship.orders_read(ctx, ids=[order_id])
        return order.state.value


def until(what: str, done: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def jobs(database: str) -> list[tuple[Any, ...]]:
    """Read the deferred jobs: (task, status, arguments)."""
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT task_name, status::text, args FROM procrastinate.procrastinate_jobs ORDER BY id"
        ).fetchall()


def test_the_relay_defers_the_jobs_of_confirmed_orders_with_their_events(
    market: Market, database: str
) -> None:
    # Given a confirmed order and one that is only held
    confirmed = place(market, "J-1")
    place(market, "J-2", hold=True)
    # When they are relayed, and once more
    assert in_transaction(market.world.begin, relay_and_react) > 0
    assert in_transaction(market.world.begin, relay_and_react) == 0
    # Then the confirmed one alone has a job, once
    order_id = id_text(dropship.ORDER_PREFIX, confirmed)
    assert jobs(database) == [("dispatch.queue", "todo", {"order_ids": [order_id]})]


def test_a_relay_that_dies_before_its_end_has_neither_moved_nor_deferred(
    market: Market, database: str
) -> None:
    place(market, "J-1")

    def killed(ctx: Ctx) -> None:
        relay_and_react(ctx)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        in_transaction(market.world.begin, killed)
    assert jobs(database) == []
    with market.world.begin() as ctx:
        assert outbox.waiting(ctx) > 0


def test_the_job_done_twice_queues_an_order_once(market: Market) -> None:
    order_id = id_text(dropship.ORDER_PREFIX, place(market, "J-1"))
    for _ in range(2):
        in_transaction(market.world.begin, lambda ctx: orders_queued(ctx, [order_id]))
    with market.world.begin() as ctx:
        page = dropship.queue_page(
            ctx,
            supplier_id=market.grocer,
            states=[dropship.QueueState.WAITING],
            cursor=None,
            limit=10,
        )
    assert [order.number for order, _ in page.items] == ["J-1"]


def test_a_worker_takes_an_order_from_placed_to_released_and_ends_when_told(
    market: Market, database: str
) -> None:
    worker = Worker({"sandbox": market.world}, NoSupplier(), HttpCarrierGateway())
    worker.start()
    order_id = place(market, "J-1")
    until("the order is released", lambda: state_of(market, order_id) == "released")
    assert worker.stop()
    # Then its job is done and gone, and everything is in the partner's feed
    assert jobs(database) == []
    with market.world.begin() as ctx:
        assert outbox.waiting(ctx) == 0 or relay_and_react(ctx) > 0
        told = [
            message.event.type
            for message in outbox.messages(ctx, party_id=market.street)
            if message.event.type.startswith("order.")
        ]
    assert told == ["order.placed", "order.released"]


def test_a_job_whose_worker_died_is_taken_up_by_the_next(market: Market, database: str) -> None:
    # Given a job that a worker had begun when it was killed: it stands there as being done
    order_id = place(market, "J-1")
    in_transaction(market.world.begin, relay_and_react)
    path = "-c search_path=procrastinate"
    with psycopg.connect(database, autocommit=True, options=path) as connection:
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
    # When another worker runs
    worker = Worker({"sandbox": market.world}, NoSupplier(), HttpCarrierGateway())
    worker.start()
    # Then the order gets to its supplier all the same
    until("the order is released", lambda: state_of(market, order_id) == "released")
    assert worker.stop()


def test_a_worker_ends_by_a_signal_that_another_thread_was_given() -> None:
    stopping = threading.Event()
    worker = Worker({}, NoSupplier(), HttpCarrierGateway())
    before = signal.signal(signal.SIGUSR1, lambda *_: stopping.set())

    def given() -> None:
        time.sleep(0.5)  # By then the main thread waits, and no signal of ours wakes it.
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    thread = threading.Thread(target=given)
    thread.start()
    try:
        assert worker.run(stopping)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def test_jobs_go_on_after_the_database_cut_every_connection(market: Market, database: str) -> None:
    worker = Worker({"sandbox": market.world}, NoSupplier(), HttpCarrierGateway())
    worker.start()
    first = place(market, "J-1")
    until("the first is released", lambda: state_of(market, first) == "released")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    # A connection that worked a moment ago is not asked whether it lives: the caller asks again.
    placed: list[dropship.OrderId] = []

    def place_again() -> bool:
        with suppress(Unavailable):
            placed.append(place(market, "J-2"))
        return bool(placed)

    until("the second is placed", place_again)
    [second] = placed
    until("the second is released", lambda: state_of(market, second) == "released")
    assert worker.stop()


def test_a_hold_lapses_when_the_worlds_clock_says_so(market: Market) -> None:
    order_id = place(market, "J-1", hold=True)
    assert sweep_round(market.world.begin) is False
    assert state_of(market, order_id) == "held"
    # When the sandbox's clock is turned past the half hour that a hold lasts
    in_transaction(market.world.begin, lambda ctx: clock_turn(ctx, ahead_s=31 * 60))
    sweep_round(market.world.begin)
    assert state_of(market, order_id) == "cancelled"


@pytest.mark.parametrize(
    ("problem", "attempts", "is_retried"),
    [
        (Busy(retry_after_s=1), 1_000, True),
        (Unavailable(retry_after_s=1), 1_000, True),
        (NotFound(what="order", id="x"), 0, False),
        (ZeroDivisionError(), 9, True),
        (ZeroDivisionError(), 10, False),
    ],
)
def test_a_job_is_tried_again_as_the_problem_table_says(
    problem: Exception, attempts: int, *, is_retried: bool
) -> None:
    job = Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="t", attempts=attempts)
    decision = RetryByProblem().get_retry_decision(exception=problem, job=job)
    assert (decision is not None) is is_retried


def test_a_loop_goes_on_after_a_step_that_failed() -> None:
    steps: list[int] = []
    is_over = threading.Event()

    def step() -> bool:
        steps.append(1)
        if len(steps) == 1:
            raise ZeroDivisionError
        is_over.set()
        return False

    loop = Loop("test", step, world="sandbox", rest_s=0.01)
    loop.start()
    assert is_over.wait(30)
    loop.stop()
    assert loop.join(30)


def test_a_runner_that_never_ran_can_be_stopped(market: Market) -> None:
    runner = JobRunner(market.world)
    runner.start()
    runner.stop()
    assert runner.join(30)
    with closing(market.world):
        runner.stop()
