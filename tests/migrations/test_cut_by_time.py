"""The steps that cut tables by time: nothing is moved, and who was trading goes on."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from alembic import command
from alembic.config import Config

from tests.conftest import database_create, database_drop, database_url
from tests.market import Market, market_open
from weili import migrations
from weili.kit import outbox, partitions
from weili.kit.clock import wall_now
from weili.kit.secrets import KeyRing
from weili.kit.world import World, in_transaction
from weili.kit.zone import day_of
from weili.workflows.place_dropship_orders import place_dropship_orders
from weili.workflows.verify_world import verify_world

AHEAD_DAYS = 45
MOVEMENTS = "SELECT m::text FROM inventory.movement m ORDER BY id, sku_id"


@pytest.fixture
def before(server_url: str) -> Iterator[str]:
    """Give a database as the step before them leaves it, with a clock in a later month."""
    name = f"weili_test_step_{uuid.uuid4().hex[:12]}"
    database_create(server_url, name)
    url = database_url(server_url, name)
    config = Config()
    config.set_main_option("script_location", str(migrations.__path__[0]))
    config.attributes["url"] = url
    command.upgrade(config, "0018")
    with psycopg.connect(url) as owner:
        owner.execute("INSERT INTO kit.clock VALUES (true, %s)", [AHEAD_DAYS * 86_400])
    yield url
    database_drop(server_url, name)


@pytest.fixture
def market(before: str, keyring: KeyRing) -> Iterator[Market]:
    """Give a market that trades there already, and goes on over the same connections."""
    world = World("sandbox", before, keyring, connections=1)
    yield market_open(world)
    world.close()


def order(market: Market, number: str) -> None:
    """Place an order for two teas."""
    with market.world.begin() as ctx:
        place_dropship_orders(ctx, commands=[market.command(market.draft(number, (market.tea, 2)))])


def movements(url: str) -> list[str]:
    """Read every movement as it lies there."""
    with psycopg.connect(url) as owner:
        return [text for (text,) in owner.execute(MOVEMENTS)]


def test_all_that_was_is_the_first_partition_and_who_traded_trades_on(
    market: Market, before: str
) -> None:
    # Given orders by statements that are prepared by now
    for number in ("S-1", "S-2"):
        order(market, number)
    in_transaction(market.world.begin, outbox.relay)
    lay = movements(before)
    assert len(lay) == 8

    # When the steps are taken, then every movement lies where it lay, in the month of the newest
    migrations.upgrade(before)
    assert movements(before) == lay
    month = day_of(wall_now() + timedelta(days=AHEAD_DAYS)).strftime("%Y_%m")
    with market.world.begin() as ctx:
        [part, log, ahead] = partitions.partitions_read(ctx)
        assert part.fullname == f"inventory.movement_{month}"
        assert part.ends_at > ctx.now
        # So does the log in a stretch that ends with it
        assert (log.fullname, log.bound) == ("kit.event_11", "12")
        assert (ahead.fullname, ahead.bound) == ("kit.event_5000011", "5000012")
        # And the worker finds two months to make
        assert partitions.partitions_ahead(ctx) == 2

    # And the same statements go on, and all adds up
    order(market, "S-3")
    assert len(movements(before)) == 9
    in_transaction(market.world.begin, outbox.relay)
    with market.world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []
