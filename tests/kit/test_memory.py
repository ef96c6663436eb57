"""What is remembered is told as long as the database holds it, and not a moment longer."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from tests.conftest import database_create, database_drop
from weili.kit import memory
from weili.kit.context import Ctx
from weili.kit.memory import Memory, Recall, Topic, touch
from weili.kit.world import World, in_transaction

A, B = UUID(int=1), UUID(int=2)
KIND = b"thing"


@contextmanager
def recalling(world: World, of: Memory) -> Iterator[Recall]:
    with world.begin() as ctx:
        yield of.recall_asked(ctx)()


def told(world: World, of: Memory) -> list[str | None]:
    with recalling(world, of) as recall:
        return recall.found(KIND, [A.bytes, B.bytes])


@pytest.fixture
def known(world: World) -> Memory:
    """Give a memory that knows two things."""
    known = Memory()
    with recalling(world, known) as recall:
        recall.keep(KIND, {A.bytes: "a", B.bytes: "b"})
    return known


def test_what_is_touched_is_forgotten_when_the_change_is_committed_and_not_before(
    world: World, known: Memory
) -> None:
    assert told(world, known) == ["a", "b"]

    with world.begin() as changing:
        touch(changing, [A])
        # The memory asks while the change is under way, as it is under way when it asks again.
        assert told(world, known) == ["a", "b"]
        assert told(world, known) == ["a", "b"]

    assert told(world, known) == [None, "b"]


def test_a_change_that_was_begun_long_ago_is_noticed_after_younger_ones(
    world: World, known: Memory
) -> None:
    with world.begin() as old:
        touch(old, [A])
        with world.begin() as young:
            touch(young, [B])
        assert told(world, known) == ["a", None]

    assert told(world, known) == [None, None]


def test_a_change_that_is_undone_is_none(world: World, known: Memory) -> None:
    def touch_and_fail(ctx: Ctx) -> float:
        touch(ctx, [A])
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        in_transaction(world.begin, touch_and_fail)

    assert told(world, known) == ["a", "b"]


def test_what_was_read_before_a_change_that_others_have_learnt_of_is_not_kept(
    world: World, known: Memory
) -> None:
    with recalling(world, known) as slow:
        with world.begin() as ctx:
            touch(ctx, [A])
        assert told(world, known) == [None, "b"]

        slow.keep(KIND, {A.bytes: "read before"})

    assert told(world, known) == [None, "b"]


def test_a_change_of_its_own_transaction_is_noticed_too(world: World, known: Memory) -> None:
    with world.begin() as ctx:
        known.recall_asked(ctx)()
        touch(ctx, [A])
        with world.begin() as other:
            touch(other, [B])

        own = known.recall_asked(ctx)()

        assert own.found(KIND, [A.bytes, B.bytes]) == [None, None]


def test_notes_are_swept_when_whoever_might_need_them_forgets_all(
    world: World, known: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.begin() as ctx:
        touch(ctx, [A])
    with world.begin() as ctx:
        assert memory.sweep(ctx) == 0
    assert told(world, known) == [None, "b"]

    # Others' transactions on the same server count as well, so there may be more than these.
    monkeypatch.setattr(memory, "AGE_MAX", 20)
    for _ in range(25):
        with world.begin() as ctx:
            touch(ctx, [UUID(int=3)])
    swept = 0
    while not swept:  # Others on the same server may hold a transaction open for a while.
        time.sleep(0.05)
        with world.begin() as ctx:
            swept = memory.sweep(ctx)
    assert told(world, known) == [None, None]


def test_after_too_many_changes_all_is_forgotten(
    world: World, known: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "NOTES_MAX", 2)
    for number in (3, 4):
        with world.begin() as ctx:
            touch(ctx, [UUID(int=number)])
    assert told(world, known) == ["a", "b"]

    for number in (3, 4, 5):
        with world.begin() as ctx:
            touch(ctx, [UUID(int=number)])
    assert told(world, known) == [None, None]


def test_one_topic_is_forgotten_without_another(
    world: World, known: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "NOTE_IDS_MAX", 1)
    monkeypatch.setattr(memory, "NOTES_MAX", 2)
    with recalling(world, known) as recall:
        recall.about(Topic.SHELVES).keep(KIND, {A.bytes: "shelf a", B.bytes: "shelf b"})

    with world.begin() as ctx:
        touch(ctx, [A], topic=Topic.SHELVES)
    with recalling(world, known) as recall:
        assert recall.found(KIND, [A.bytes, B.bytes]) == ["a", "b"]
        assert recall.about(Topic.SHELVES).found(KIND, [A.bytes, B.bytes]) == [None, "shelf b"]

    with world.begin() as ctx:
        touch(ctx, [UUID(int=number) for number in (3, 4, 5)], topic=Topic.SHELVES)
        touch(ctx, [B])
    with recalling(world, known) as recall:
        assert recall.found(KIND, [A.bytes, B.bytes]) == ["a", None]
        assert recall.about(Topic.SHELVES).found(KIND, [A.bytes, B.bytes]) == [None, None]


def test_many_ids_that_are_touched_at_once_are_forgotten_one_by_one(
    world: World, known: Memory
) -> None:
    many = [UUID(int=3 + number) for number in range(3 * memory.NOTE_IDS_MAX)]
    with world.begin() as ctx:
        touch(ctx, [*many, A])
        notes = ctx.db.rows("SELECT cardinality(ids) FROM kit.touched ORDER BY ctid DESC LIMIT 4")
    assert sorted(notes) == [(1,), *[(memory.NOTE_IDS_MAX,)] * 3]
    assert told(world, known) == [None, "b"]


def test_all_kinds_of_what_is_touched_are_forgotten(world: World, known: Memory) -> None:
    with recalling(world, known) as recall:
        recall.keep(b"other", {A.bytes: "another a", B.bytes: "another b"})
    with world.begin() as ctx:
        touch(ctx, [A])

    with recalling(world, known) as recall:
        assert recall.each(
            [KIND, b"other", KIND, b"other"], [A.bytes, A.bytes, B.bytes, B.bytes]
        ) == [None, None, "b", "another b"]


def test_of_another_database_in_the_place_of_the_one_that_was_known_nothing_is_told(
    world: World, known: Memory
) -> None:
    with world.begin() as ctx:
        [[ahead]] = ctx.db.rows("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    assert known._known is not None
    known._known = known._known._replace(xmin=ahead + 1_000, xmax=ahead + 1_000)

    assert told(world, known) == [None, None]


def test_of_a_back_up_that_took_the_place_of_the_database_on_the_same_server_nothing_is_told(
    world: World, known: Memory, database: str, server_url: str
) -> None:
    # Given a copy, whose server's transaction numbers go on
    world.close()
    name = sa.make_url(database).database
    assert name is not None
    database_create(server_url, f"{name}_copy", template=name)
    # When it takes the place of what it is a copy of
    database_drop(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as owner:
        owner.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(f"{name}_copy"), sql.Identifier(name)
            )
        )
    # Then nothing of what was there before is told
    assert told(world, known) == [None, None]


def test_the_oldest_make_room(world: World) -> None:
    small = Memory(values_max=dict.fromkeys(Topic, 128))
    with recalling(world, small) as recall:
        for number in range(200):
            recall.keep(KIND, {UUID(int=number).bytes: number})
        told = recall.found(KIND, [UUID(int=number).bytes for number in range(200)])

    kept = [number for number in told if number is not None]
    assert kept == list(range(200))[-len(kept) :]
    assert 120 <= len(kept) <= 128
    assert small.part(Topic.TRADE).count == len(kept)


def test_nobody_is_told_less_than_was_committed_before_he_asked(
    world: World, database: str
) -> None:
    things = [UUID(int=number) for number in range(1, 6)]
    with psycopg.connect(database) as owner:
        owner.execute("CREATE TABLE public.thing (id uuid PRIMARY KEY, n bigint NOT NULL)")
        owner.execute("GRANT SELECT, UPDATE ON public.thing TO weili_app")
        owner.cursor().executemany("INSERT INTO thing VALUES (%s, 0)", [[each] for each in things])
    shared = Memory()
    committed = dict.fromkeys(things, 0)

    def write(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(150):
            chosen = sorted(dice.sample(things, 2))
            with world.begin() as ctx:
                touch(ctx, chosen)
                rows = _counted(ctx, chosen)
            for thing, n in rows:
                committed[thing] = max(committed[thing], n)

    def read(seed: int) -> int:
        dice = random.Random(seed)
        remembered = 0
        for _ in range(300):
            thing = dice.choice(things)
            at_least = committed[thing]
            with recalling_ctx(world, shared) as (ctx, recall):
                [n] = recall.found(KIND, [thing.bytes])
                remembered += n is not None
                if n is None:
                    [[n]] = ctx.db.rows("SELECT n FROM public.thing WHERE id = %b", thing)
                    recall.keep(KIND, {thing.bytes: n})
            assert n >= at_least
        return remembered

    with ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(write, seed) for seed in range(2)]
        reading = [pool.submit(read, seed) for seed in range(4)]
        for each in writing:
            each.result()
        assert sum(each.result() for each in reading) > 0
    assert sum(committed.values()) == 2 * 2 * 150


@contextmanager
def recalling_ctx(world: World, of: Memory) -> Iterator[tuple[Ctx, Recall]]:
    with world.begin() as ctx:
        yield ctx, of.recall_asked(ctx)()


def _counted(ctx: Ctx, things: list[UUID]) -> list[tuple[UUID, int]]:
    rows: list[tuple[UUID, int]] = []
    for thing in things:
        rows += ctx.db.rows(
            "UPDATE public.thing SET n = n + 1 WHERE id = %b RETURNING id, n", thing
        )
    return rows
