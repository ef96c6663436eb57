"""A disc that is full: what can't be written is refused cleanly, and nothing of it stays."""

import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.conftest import database_drop, database_url
from tests.market import Market, market_open
from weili.adapters.postgres import processes
from weili.kit.problems import Unavailable
from weili.kit.secrets import KeyRing
from weili.kit.world import World
from weili.modules.dropship import Placed
from weili.workflows.place_dropship_orders import place_dropship_orders
from weili.workflows.verify_world import verify_world

DISC_BYTES = 128 * 1024 * 1024
ORDERS_MAX = 90
"""Fewer than there are pieces; a page holds a dozen orders at most."""


@pytest.fixture
def disc(server_url: str) -> Iterator[Path]:
    """Give a small disc of its own, which the server may write to."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disc")
    with psycopg.connect(server_url) as connection:
        [backend] = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        if processes.find(backend) is None:
            pytest.skip("the server is on another machine")
        owner = Path(f"/proc/{backend}").stat()
    with tempfile.TemporaryDirectory(prefix="weili-disc-") as folder:
        Path(folder).chmod(0o755)
        words = ["mount", "-t", "tmpfs", "-o", f"size={DISC_BYTES},mode=0755", "tmpfs", folder]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("nothing may be mounted here")
        try:
            space = Path(folder) / "space"
            space.mkdir(mode=0o700)
            os.chown(space, owner.st_uid, owner.st_gid)
            yield space
        finally:
            subprocess.run(["umount", folder], check=True)


@pytest.fixture
def small(server_url: str, template: str, disc: Path, keyring: KeyRing) -> Iterator[Market]:
    """Give a market in a world whose database lies on the small disc."""
    name = f"weili_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    space, database = sql.Identifier(f"{name}_disc"), sql.Identifier(name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        made = sql.SQL("CREATE TABLESPACE {} LOCATION {}")
        connection.execute(made.format(space, sql.Literal(str(disc))))
        copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} TABLESPACE {}")
        connection.execute(copied.format(database, sql.Identifier(template), space))
    world = World("sandbox", database_url(server_url, name), keyring)
    yield market_open(world)
    world.close()
    database_drop(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP TABLESPACE {}").format(space))


def place(market: Market, number: str) -> Placed:
    """Place an order of one cup; a refusal would be no answer to a full disc."""
    with market.world.begin() as ctx:
        command = market.command(market.draft(number, (market.tea, 1)))
        [outcome] = place_dropship_orders(ctx, commands=[command])
    assert isinstance(outcome, Placed), outcome
    return outcome


def fill(disc: Path) -> Path:
    """Fill the disc to its last byte."""
    filler = disc.parent / "filler"
    left = os.statvfs(disc)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, left.f_bavail * left.f_frsize)
    return filler


def test_orders_on_a_full_disc_are_told_to_come_back_and_all_that_was_acknowledged_is_there(
    small: Market, disc: Path
) -> None:
    # Given orders, and a disc that is full from one moment to the next
    placed = {number: place(small, number) for number in ("F-1", "F-2")}
    filler = fill(disc)
    # When orders are placed until no page has room for one more
    refused = ""
    for count in range(ORDERS_MAX):
        number = f"G-{count}"
        try:
            placed[number] = place(small, number)
        except Unavailable:
            refused = number
            break
    # Then the next is told that it can't be had now, and moved nothing
    assert refused
    held = small.balance()[1]
    assert small.stock(small.tea, small.near)[1] == len(placed)
    # And with room again it is placed, once, and whoever was acknowledged finds the same answer
    filler.unlink()
    placed[refused] = place(small, refused)
    assert not placed[refused].is_replay
    assert small.balance()[1] > held
    assert small.stock(small.tea, small.near)[1] == len(placed)
    for number, answer in placed.items():
        assert place(small, number).answer_json == answer.answer_json
    with small.world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []
