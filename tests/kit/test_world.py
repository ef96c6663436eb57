"""A world commits what is done in it, announces it in order, and keeps its own time."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from weili.kit import outbox
from weili.kit.clock import wall_now
from weili.kit.context import SYSTEM_PARTY, Ctx, EventType, PartyId
from weili.kit.ids import new_id
from weili.kit.problems import SandboxOnly
from weili.kit.secrets import KeyRing
from weili.kit.world import LIVE, World, clock_turn, in_transaction

THING_DONE = EventType("thing.done", "once, in order", {"number": "which"})


def test_an_announced_fact_leaves_with_its_transaction_and_gets_the_next_position(
    world: World,
) -> None:
    for number in (1, 2, 3):
        with world.begin() as ctx:
            ctx.announce(
                THING_DONE,
                party_id=SYSTEM_PARTY,
                subject=f"thing {number}",
                data={"number": number},
            )
    with pytest.raises(ZeroDivisionError):
        in_transaction(world.begin, _announce_and_fail)

    relayed = in_transaction(world.begin, outbox.relay)

    assert [(m.position, m.event.subject) for m in relayed] == [
        (1, "thing 1"),
        (2, "thing 2"),
        (3, "thing 3"),
    ]
    with world.begin() as ctx:
        assert outbox.relay(ctx) == []
        assert outbox.event_gaps(ctx) == []
        assert outbox.waiting(ctx) == 0


def test_what_several_are_told_in_the_same_words_keeps_its_order(world: World) -> None:
    parties = [PartyId(new_id(wall_now())) for _ in range(3)]
    shared = {"number": 1}
    with world.begin() as ctx:
        for n, party_id in enumerate(parties):
            ctx.announce(THING_DONE, party_id=party_id, subject=f"shared {n}", data=shared)
            ctx.announce(THING_DONE, party_id=party_id, subject=f"own {n}", data={"number": n + 2})

    told = [message.event for message in in_transaction(world.begin, outbox.relay)]

    assert [(event.party_id, event.subject, event.data["number"]) for event in told] == [
        (parties[0], "shared 0", 1),
        (parties[0], "own 0", 2),
        (parties[1], "shared 1", 1),
        (parties[1], "own 1", 3),
        (parties[2], "shared 2", 1),
        (parties[2], "own 2", 4),
    ]


def _announce_and_fail(ctx: Ctx) -> float:
    ctx.announce(THING_DONE, party_id=SYSTEM_PARTY, subject="thing 4", data={"number": 4})
    return 1 / 0


def test_acknowledged_messages_leave_the_pool_in_any_order(world: World) -> None:
    with world.begin() as ctx:
        for number in range(5):
            ctx.announce(THING_DONE, party_id=SYSTEM_PARTY, subject=str(number), data={"number": 0})
    in_transaction(world.begin, outbox.relay)

    with world.begin() as ctx:
        pool = outbox.messages(ctx, party_id=SYSTEM_PARTY)
        ids = [m.event.id for m in pool]
        assert outbox.acknowledge(ctx, party_id=SYSTEM_PARTY, ids=[ids[3], ids[1]]) == 2
        assert [m.position for m in outbox.messages(ctx, party_id=SYSTEM_PARTY)] == [1, 3, 5]
        assert outbox.acknowledge(ctx, party_id=SYSTEM_PARTY, ids=[ids[0], ids[2], ids[3]]) == 2
        assert [m.position for m in outbox.messages(ctx, party_id=SYSTEM_PARTY)] == [5]
        assert outbox.acknowledge(ctx, party_id=SYSTEM_PARTY, ids=[ids[4], ids[4]]) == 1
        assert outbox.messages(ctx, party_id=SYSTEM_PARTY) == []


def test_a_sandbox_clock_turns_ahead_and_the_live_one_does_not(
    world: World, database: str, keyring: KeyRing
) -> None:
    with world.begin() as ctx:
        clock_turn(ctx, ahead_s=86_400)
    with world.begin() as ctx:
        assert timedelta(hours=23) < ctx.now - wall_now() < timedelta(hours=25)

    live = World(LIVE, database, keyring)
    with live.begin() as ctx:
        assert abs(ctx.now - wall_now()) < timedelta(hours=1)
        with pytest.raises(SandboxOnly):
            clock_turn(ctx, ahead_s=1)
    live.close()


def test_what_a_refused_statement_was_to_write_is_not_in_the_text_of_its_error(
    world: World,
) -> None:
    missing = sa.text("SELECT 1 FROM kit.nothing WHERE name = :name")
    with pytest.raises(sa.exc.ProgrammingError) as refused, world.begin() as ctx:
        ctx.db.sa.execute(missing, {"name": "欧阳小美"})
    assert "kit.nothing" in str(refused.value)
    assert "欧阳小美" not in str(refused.value)


def test_snapshots_opened_together_read_one_moment_and_write_nothing(world: World) -> None:
    # Given two snapshots, and a fact that is committed after they were opened
    with world.snapshots(count=2) as (first, second):
        with world.begin() as ctx:
            ctx.announce(THING_DONE, party_id=SYSTEM_PARTY, subject="late", data={"number": 1})
        # Then neither sees it, be it the first thing that it reads; both are of the same time
        assert [outbox.waiting(ctx) for ctx in (second, first)] == [0, 0]
        assert (second.now, second.actor) == (first.now, first.actor)
        with pytest.raises(sa.exc.InternalError, match="read-only"):
            second.db.sa.execute(sa.text("DELETE FROM kit.outbox"))
    with world.snapshots(count=2) as lanes:
        assert [outbox.waiting(ctx) for ctx in lanes] == [1, 1]


def test_what_one_thread_waits_for_another_can_interrupt(world: World) -> None:
    with world.snapshots(count=2) as (_, second), ThreadPoolExecutor(1) as pool:
        asleep = pool.submit(second.db.rows, "SELECT pg_sleep(60)")
        while not asleep.done():
            second.db.interrupt()
            wait([asleep], timeout=0.1)
        with pytest.raises(psycopg.errors.QueryCanceled):
            asleep.result()
