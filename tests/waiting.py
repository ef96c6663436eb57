"""Waiting for what others do at the same time."""

import threading

import psycopg

from weili.kit.world import World


def until_somebody_waits(world: World) -> None:
    """Wait until somebody waits for a lock in a world's database."""
    url = world.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as watch:
        for _ in range(500):
            [waiting] = watch.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
            ).fetchone() or (0,)
            if waiting:
                return
            threading.Event().wait(0.01)
    raise AssertionError("nobody waits")
