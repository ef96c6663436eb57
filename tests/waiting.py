"""Waiting for what others do at the same time."""

import threading

import psycopg

from weili.kit.world import World

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock'"
)


def until_somebody_waits(world: World) -> None:
    """Wait until somebody waits for a lock in a world's database."""
    _until(world, is_waiting=True)


def until_nobody_waits(world: World) -> None:
    """Wait until nobody waits for a lock in a world's database any more."""
    _until(world, is_waiting=False)


def _until(world: World, *, is_waiting: bool) -> None:
    url = world.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as watch:
        for _ in range(500):
            [waiting] = watch.execute(_WAITING).fetchone() or (0,)
            if bool(waiting) == is_waiting:
                return
            threading.Event().wait(0.01)
    raise AssertionError("nobody waits" if is_waiting else "somebody still waits")
