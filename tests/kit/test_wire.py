"""Statements that are sent ahead of their answers: none is lost, mixed up or believed too early."""

import contextlib
import signal
from types import FrameType

import psycopg
import pytest

from weili.kit.context import Ctx
from weili.kit.problems import Unavailable
from weili.kit.wire import PREPARED_MAX
from weili.kit.world import World, in_transaction

MUCH = 4_000_000


class Interrupted(Exception):
    """What a signal's handler raises."""


def test_what_was_sent_behind_a_refused_statement_is_not_done(world: World) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        in_transaction(world.begin, _divide_and_go_on)

    with world.begin() as ctx:
        assert ctx.db.rows("SELECT 2") == [(2,)]


def _divide_and_go_on(ctx: Ctx) -> None:
    refused = ctx.db.ask("SELECT 1 / %b", 0)
    behind = ctx.db.ask("SELECT 2")
    try:
        refused()
    finally:
        with pytest.raises(psycopg.errors.PipelineAborted):
            behind()


def test_a_statement_that_could_not_be_prepared_is_tried_anew(world: World) -> None:
    statement = "SELECT number FROM pg_temp.not_there_yet"
    with pytest.raises(psycopg.errors.UndefinedTable), world.begin() as ctx:
        ctx.db.rows(statement)

    with world.begin() as ctx:
        ctx.db.rows("CREATE TEMPORARY TABLE not_there_yet AS SELECT 7 AS number")
        assert ctx.db.rows(statement) == [(7,)]


def test_more_statements_than_are_kept_prepared_all_have_their_answers(world: World) -> None:
    with world.begin() as ctx:
        for _ in range(2):
            asked = [ctx.db.ask(f"SELECT {i}") for i in range(PREPARED_MAX + 10)]  # type: ignore[arg-type]
            assert [rows()[0][0] for rows in asked] == list(range(PREPARED_MAX + 10))
        [[kept]] = ctx.db.rows("SELECT count(*) FROM pg_prepared_statements")
    assert kept <= PREPARED_MAX


def test_refusals_in_a_row_leave_no_more_prepared_than_are_kept(world: World) -> None:
    statements = [f"SELECT {i}" for i in range(PREPARED_MAX + 10)]
    with world.begin() as ctx:
        for statement in statements:
            ctx.db.rows(statement)  # type: ignore[arg-type]
        # Each of these lets go of another, behind what is refused
        for i in range(PREPARED_MAX):
            with pytest.raises(psycopg.errors.DivisionByZero), ctx.db.savepoint():
                _divide_and_ask(ctx, f"SELECT {i}, {i}")
            if i % 50 == 0:
                [[kept]] = ctx.db.rows("SELECT count(*) FROM pg_prepared_statements")
                assert kept <= PREPARED_MAX
        # Then all of them still have their answers, and there is room again
        for i, statement in enumerate(statements):
            assert ctx.db.rows(statement) == [(i,)]  # type: ignore[arg-type]
            assert ctx.db.rows(f"SELECT {i}, {i}") == [(i, i)]  # type: ignore[arg-type]
        [[kept]] = ctx.db.rows("SELECT count(*) FROM pg_prepared_statements")
    assert kept <= PREPARED_MAX


def test_more_than_are_kept_behind_one_refusal_are_none(world: World) -> None:
    with world.begin() as ctx:
        with pytest.raises(psycopg.errors.DivisionByZero), ctx.db.savepoint():
            _divide_and_ask(ctx, *(f"SELECT {i}" for i in range(2 * PREPARED_MAX)))
        for i in range(2 * PREPARED_MAX):
            assert ctx.db.rows(f"SELECT {i}") == [(i,)]  # type: ignore[arg-type]
        [[kept]] = ctx.db.rows("SELECT count(*) FROM pg_prepared_statements")
    assert kept <= PREPARED_MAX


def _divide_and_ask(ctx: Ctx, *statements: str) -> None:
    refused = ctx.db.ask("SELECT 1 / %b", 0)
    for statement in statements:
        ctx.db.ask(statement)  # type: ignore[arg-type]
    refused()


def test_a_built_statement_sees_what_was_sent_before_it(world: World) -> None:
    with world.begin() as ctx:
        ctx.db.rows("CREATE TEMPORARY TABLE thing (number int)")
        with ctx.db.pipeline():
            ctx.db.run("INSERT INTO thing VALUES (%b), (%b)", 1, 2)
            found = ctx.db.sa.exec_driver_sql("SELECT sum(number) FROM thing").scalar_one()
            ctx.db.run("INSERT INTO thing VALUES (%b)", 3)
        assert found == 3
        assert ctx.db.rows("SELECT sum(number) FROM thing") == [(6,)]


def test_much_goes_both_ways_at_once(world: World) -> None:
    text = "x" * MUCH
    with world.begin() as ctx, ctx.db.pipeline():
        answers = [ctx.db.ask("SELECT %b::text", text) for _ in range(5)]
        assert [len(rows()[0][0]) for rows in answers] == [MUCH] * 5


def test_the_number_of_changed_rows_is_known_after_the_pipeline(world: World) -> None:
    with world.begin() as ctx:
        ctx.db.rows("CREATE TEMPORARY TABLE thing (number int)")
        with ctx.db.pipeline():
            done = ctx.db.run("INSERT INTO thing SELECT generate_series(1, %b)", 5)
        assert done.rowcount == 5
        assert ctx.db.run("DELETE FROM thing WHERE number > %b", 2).rowcount == 3


def test_a_snapshot_reads_one_moment_and_writes_nothing(world: World) -> None:
    with world.begin(snapshot=True) as ctx:
        [[level, is_read_only]] = ctx.db.rows(
            "SELECT current_setting('transaction_isolation'),"
            " current_setting('transaction_read_only')"
        )
    assert (level, is_read_only) == ("repeatable read", "on")


def test_a_server_that_goes_away_is_told_as_such_and_the_next_one_is_asked(world: World) -> None:
    with pytest.raises(Unavailable):
        in_transaction(world.begin, _end_the_server)

    assert in_transaction(world.begin, lambda ctx: ctx.db.rows("SELECT 1")) == [(1,)]


def _end_the_server(ctx: Ctx) -> None:
    ctx.db.rows("SET ROLE NONE")
    ctx.db.rows("SELECT pg_terminate_backend(pg_backend_pid())")


def test_what_is_refused_at_the_commit_is_not_committed(world: World) -> None:
    with world.begin() as ctx:
        ctx.db.rows("CREATE TEMPORARY TABLE late (number int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(psycopg.errors.UniqueViolation) as refused, world.begin() as ctx:
        ctx.db.run("INSERT INTO late VALUES (17), (17)")
    # What the rows hold may be somebody's name: it is not told, and so not logged.
    assert str(refused.value) == 'duplicate key value violates unique constraint "late_number_key"'

    with world.begin() as ctx:
        assert ctx.db.rows("SELECT count(*) FROM late") == [(0,)]


def test_a_refusal_that_was_passed_over_in_silence_is_told_at_the_commit(world: World) -> None:
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        in_transaction(world.begin, _divide_and_say_nothing)


def _divide_and_say_nothing(ctx: Ctx) -> None:
    with contextlib.suppress(psycopg.errors.DivisionByZero):
        ctx.db.rows("SELECT 1 / %b", 0)


def test_a_wait_that_is_interrupted_leaves_a_connection_that_works(world: World) -> None:
    def interrupt(_: int, __: FrameType | None) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with world.begin() as ctx:
            [[backend]] = ctx.db.rows("SELECT pg_backend_pid()")
            ctx.db.rows("SAVEPOINT before")
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(Interrupted):
                ctx.db.rows("SELECT pg_sleep(%b)", 25)
            ctx.db.rows("ROLLBACK TO SAVEPOINT before")
            assert ctx.db.rows("SELECT pg_backend_pid()") == [(backend,)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_is_still_on_its_way_when_a_transaction_is_given_up_is_no_matter(world: World) -> None:
    with pytest.raises(LookupError):
        in_transaction(world.begin, _ask_and_give_up)

    assert in_transaction(world.begin, lambda ctx: ctx.db.rows("SELECT 1")) == [(1,)]


def _ask_and_give_up(ctx: Ctx) -> None:
    ctx.db.ask("SELECT 1 / %b", 0)
    raise LookupError


def test_a_savepoint_undoes_what_was_refused_and_nothing_else(world: World) -> None:
    with world.begin() as ctx:
        ctx.db.rows("CREATE TEMPORARY TABLE thing (number int)")
        ctx.db.run("INSERT INTO thing VALUES (1)")
        with pytest.raises(LookupError), ctx.db.savepoint():
            _insert_and_give_up(ctx)
        with pytest.raises(psycopg.errors.DivisionByZero), ctx.db.savepoint():
            ctx.db.ask("SELECT 1 / %b", 0)
        with ctx.db.savepoint():
            ctx.db.ask("INSERT INTO thing VALUES (3)")
        assert ctx.db.rows("SELECT number FROM thing ORDER BY number") == [(1,), (3,)]


def _insert_and_give_up(ctx: Ctx) -> None:
    ctx.db.run("INSERT INTO thing VALUES (2)")
    _ask_and_give_up(ctx)
