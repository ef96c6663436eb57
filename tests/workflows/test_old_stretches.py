"""Old stretches of the log are taken out and put back, and nobody misses a message."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from tests.market import Market
from tests.workflows.short_orders import cancel, order
from weili.adapters.postgres import months
from weili.kit import outbox, partitions
from weili.kit.clock import wall_now
from weili.kit.context import PartyId
from weili.kit.findings import Finding
from weili.kit.ids import id_past, new_id
from weili.kit.partitions import LOG
from weili.kit.problems import Problem
from weili.kit.world import clock_turn, in_transaction
from weili.modules import catalogue
from weili.workflows.count_sales import sales_count
from weili.workflows.old_months import (
    CUTS,
    MonthNotOver,
    MonthOrdersOpen,
    StretchGoesOn,
    partition_ended,
)
from weili.workflows.verify_world import verify_world

BOUND: Final = 12
STRETCH: Final = f"kit.event_{BOUND - 1}"
EVENTS: Final = "SELECT e::text FROM kit.event e ORDER BY position"


@pytest.fixture
def stretch(market: Market, database: str) -> Market:
    """Give a market whose log has a stretch of eleven positions, not all of them taken yet.

    Its clock was turned back by half a minute, so ids run ahead of it.
    """
    with market.world.begin() as ctx:
        new_id(ctx.now + timedelta(seconds=30))
    with psycopg.connect(database) as owner:
        owner.execute("DROP TABLE kit.event_5000000")
        owner.execute("DELETE FROM kit.partition WHERE name = '5000000'")
    with market.world.begin() as ctx:
        added = ctx.db.rows("SELECT kit.partition_add(%b, %b, %b)", LOG, str(BOUND - 1), str(BOUND))
        assert added == [(True,)]
        # The next stretch, and two months of movements
        assert partitions.partitions_ahead(ctx) == 3
    order(market, "E-1")
    relay(market)
    return market


@pytest.fixture
def traded(stretch: Market) -> Market:
    """Give the same when the log has gone on beyond it."""
    cancel(stretch, "E-1")
    relay(stretch)
    order(stretch, "E-2")
    relay(stretch)
    return stretch


def relay(market: Market) -> None:
    """Bring what was announced into the log."""
    while in_transaction(market.world.begin, outbox.relay):
        pass


def follow(market: Market) -> None:
    """Let all that follows the log come to its end."""
    for step in (catalogue.follow, sales_count):
        while in_transaction(market.world.begin, step):
            pass


def read_all(market: Market, party_id: PartyId) -> None:
    """Acknowledge all that a party was told."""
    with market.world.begin() as ctx:
        told = outbox.messages(ctx, party_id=party_id)
        outbox.acknowledge(ctx, party_id=party_id, ids=[message.event.id for message in told])


def positions(market: Market, party_id: PartyId) -> list[int]:
    """Give the positions of what a party has not read."""
    with market.world.begin() as ctx:
        return [message.position for message in outbox.messages(ctx, party_id=party_id)]


def take_out(market: Market, database: str, file: Path) -> months.Manifest:
    """Take the stretch out."""
    with market.world.begin(snapshot=True) as ctx:
        part, now = partition_ended(ctx, name=STRETCH), ctx.now
    about = {"world": "sandbox", "schema": "0020"}
    return months.take_out(database, cut=CUTS[LOG], part=part, to=file, now=now, about=about)


def rows(database: str, statement: str) -> list[Any]:
    """Read as the owner."""
    with psycopg.connect(database) as connection:
        return connection.execute(statement.encode()).fetchall()


def findings(market: Market) -> list[Finding]:
    """Verify on a snapshot, as the command line does."""
    with market.world.begin(snapshot=True) as ctx:
        return verify_world(ctx)


def refused(market: Market, problem: type[Problem]) -> None:
    """See that the stretch may not be taken out."""
    with market.world.begin() as ctx, pytest.raises(problem):
        partition_ended(ctx, name=STRETCH)


def test_a_stretch_stays_until_all_that_follows_has_passed_and_its_orders_have_ended(
    stretch: Market,
) -> None:
    # The log has not gone beyond it, then nobody has followed it so far, then an order is open
    refused(stretch, StretchGoesOn)
    for number in ("E-2", "E-3", "E-4"):
        order(stretch, number)
    relay(stretch)
    refused(stretch, StretchGoesOn)
    # Nor has everybody, while the sales were never counted
    while in_transaction(stretch.world.begin, catalogue.follow):
        pass
    refused(stretch, StretchGoesOn)
    follow(stretch)
    refused(stretch, MonthOrdersOpen)
    for number in ("E-1", "E-2", "E-3", "E-4"):
        cancel(stretch, number)
    with stretch.world.begin() as ctx:
        assert partition_ended(ctx, name=STRETCH).ends_at is None


def test_what_was_read_goes_and_what_was_not_stays_for_its_reader(
    traded: Market, database: str, tmp_path: Path
) -> None:
    # Given a log that goes on beyond the stretch, of which the street community has read all
    follow(traded)
    read_all(traded, traded.street)
    cancel(traded, "E-2")
    relay(traded)
    follow(traded)
    before = rows(database, EVENTS)
    unread = positions(traded, traded.creator)
    news = positions(traded, traded.street)
    assert findings(traded) == []

    # When the stretch is taken out
    file = tmp_path / "old.zip"
    manifest = take_out(traded, database, file)

    # Then what the street had read went, and what nobody has read is there, for its reader
    assert manifest.row_count > 0
    assert len(rows(database, EVENTS)) == len(before) - manifest.row_count
    assert positions(traded, traded.creator) == unread
    assert positions(traded, traded.street) == news
    # And the first order's story is gone, the log has a gap, and all adds up
    assert findings(traded) == []
    order(traded, "E-3")
    relay(traded)
    assert findings(traded) == []

    # When it is put back, then the log is what it was
    assert months.put_back(database, cuts=CUTS, source=file) == manifest
    assert rows(database, EVENTS)[: len(before)] == before
    assert findings(traded) == []


def test_a_stretch_is_as_old_as_the_newest_of_its_events_wherever_that_stands(
    traded: Market, database: str, tmp_path: Path
) -> None:
    # Given a stretch of which the first that the street was told happened after all others
    follow(traded)
    read_all(traded, traded.street)
    cancel(traded, "E-2")
    relay(traded)
    follow(traded)
    newest_at = wall_now() + timedelta(days=2)
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(
            "UPDATE kit.event SET occurred_at = %s WHERE position ="
            " (SELECT min(position) FROM kit.event WHERE party_id = %s)",
            [newest_at, traded.street],
        )
    # Then it stays until that has happened
    refused(traded, MonthNotOver)
    with traded.world.begin() as ctx:
        clock_turn(ctx, ahead_s=3 * 86_400)
    take_out(traded, database, tmp_path / "old.zip")
    # And of what began before that moment the log does not have all
    assert rows(database, "SELECT newest_at FROM kit.partition WHERE newest_at IS NOT NULL") == [
        (newest_at,)
    ]
    with traded.world.begin() as ctx:
        assert partitions.told_since(ctx) == id_past(newest_at)


def test_what_is_lost_of_a_stretch_that_is_out_or_beside_it_is_found(
    traded: Market, database: str, tmp_path: Path
) -> None:
    follow(traded)
    read_all(traded, traded.street)
    cancel(traded, "E-2")
    relay(traded)
    take_out(traded, database, tmp_path / "old.zip")
    # Given one event less in the stretch, and then the first one after it as well
    where = []
    for lost in ("SELECT min(position) FROM kit.event", str(BOUND)):
        with psycopg.connect(database, autocommit=True) as owner:
            owner.execute(f"DELETE FROM kit.event WHERE position = ({lost})".encode())  # noqa: S608
        found = [each for each in findings(traded) if each.check == "event_log_without_gaps"]
        where.append([each.where for each in found])
    # Then each is found
    assert where == [["position 1"], [f"position {BOUND + 1}", "position 1"]]
