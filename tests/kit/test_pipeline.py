"""Statements that are sent together cost one journey, whoever sends them."""

import psycopg
import pytest

from weili.kit.world import World


def test_a_pipeline_within_another_waits_for_nothing(world: World) -> None:
    reached: list[str] = []
    with pytest.raises(psycopg.errors.DivisionByZero):
        _divide(world, reached)
    # Were its answer waited for there, it would have been refused there
    assert reached == ["the end of the inner one"]


def _divide(world: World, reached: list[str]) -> None:
    with world.begin() as ctx, ctx.db.pipeline():
        with ctx.db.pipeline():
            ctx.db.run("SELECT 1 / 0")
        reached.append("the end of the inner one")


def test_what_is_asked_within_pipelines_is_there_when_it_is_read(world: World) -> None:
    with world.begin() as ctx, ctx.db.pipeline():
        with ctx.db.pipeline():
            inner = ctx.db.ask("SELECT 1")
        outer = ctx.db.ask("SELECT 2")
        assert (outer(), inner()) == ([(2,)], [(1,)])
