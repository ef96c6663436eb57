"""Asks that are gathered: sent once, in one statement for each kind, each with its own answer."""

from collections.abc import Sequence

from weili.kit.context import Ctx
from weili.kit.db import Asked
from weili.kit.gathering import gather
from weili.kit.world import World

sent: list[tuple[str, Sequence[int]]] = []


def doubled(ctx: Ctx, numbers: Sequence[int]) -> Asked[list[int]]:
    sent.append(("doubled", tuple(numbers)))
    rows = ctx.db.ask("SELECT 2 * n FROM unnest(%b::int[]) AS x (n)", numbers)
    return lambda: [number for (number,) in rows()]


def squared(ctx: Ctx, numbers: Sequence[int]) -> Asked[list[int]]:
    sent.append(("squared", tuple(numbers)))
    rows = ctx.db.ask("SELECT n * n FROM unnest(%b::int[]) AS x (n)", numbers)
    return lambda: [number for (number,) in rows()]


def test_what_waits_is_sent_together_and_each_gets_its_own_answer(world: World) -> None:
    sent.clear()
    with world.begin() as ctx:
        first = gather(ctx, doubled, [1, 2])
        second = gather(ctx, squared, [3])
        third = gather(ctx, doubled, [4])
        nothing = gather(ctx, doubled, [])
        assert sent == []

        assert [*third()] == [8]
        assert sent == [("doubled", (1, 2, 4)), ("squared", (3,))]
        assert ([*first()], [*second()], [*nothing()]) == ([2, 4], [9], [])
        assert len(sent) == 2


def test_what_is_asked_after_an_answer_is_sent_anew(world: World) -> None:
    sent.clear()
    with world.begin() as ctx, ctx.db.pipeline():
        first = gather(ctx, doubled, [1])
        assert [*first()] == [2]
        second = gather(ctx, doubled, [5])
        assert [*second()] == [10]
        assert [*first()] == [2]
    assert sent == [("doubled", (1,)), ("doubled", (5,))]


def test_each_transaction_gathers_for_itself(world: World) -> None:
    sent.clear()
    with world.begin() as ctx:
        gather(ctx, doubled, [1])
    with world.begin() as ctx:
        second = gather(ctx, doubled, [2])
        assert [*second()] == [4]
    assert sent == [("doubled", (2,))]
