"""One thing about packages is broken behind the application's back, and that very thing is found.

The world is lived once for the whole file; each test breaks a copy of its own.
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.conftest import database_create, database_leave, database_url
from tests.market import FREIGHT_FEN, TEA_FEN, Market, market_open
from tests.workflows.test_order_life import place, read, release, ship
from tests.workflows.test_order_ways import partner, supplier
from tests.workflows.test_verify_world import findings, hit
from weili.kit import outbox
from weili.kit.ids import id_text
from weili.kit.secrets import KeyRing
from weili.kit.world import World, in_transaction
from weili.modules import dropship
from weili.workflows.intercept_order import intercept_order
from weili.workflows.lose_package import lose_package
from weili.workflows.return_package import package_refused, package_returned

BACK, LOST_ONE, LOST_TWO, STOPPING = ("back", "lost-1", "lost-2", "stopping")


@pytest.fixture(scope="module")
def lived(server_url: str, template: str, keyring: KeyRing) -> Iterator[tuple[str, Market]]:
    """Give the name of a database where packages went every way, and the market in it."""
    name = _name()
    database_create(server_url, name, template=template)
    world = World("sandbox", database_url(server_url, name), keyring)
    market = market_open(world)
    packages = {
        number: _sent(market, number, count)
        for number, count in ((BACK, 2), (LOST_ONE, 1), (LOST_TWO, 2), (STOPPING, 1))
    }
    supplier(market, package_refused, package_id=packages[BACK].id)
    good = dropship.Condition.GOOD
    supplier(market, package_returned, package_id=packages[BACK].id, condition=good)
    for number in (LOST_ONE, LOST_TWO):
        supplier(market, lose_package, package_id=packages[number].id, send_again=True)
    with world.begin() as ctx:
        stopping = dropship.order_by_number(ctx, partner_id=market.street, number=STOPPING)
    partner(market, intercept_order, order_id=stopping.id)
    in_transaction(world.begin, outbox.relay)
    world.close()
    yield name, market
    database_leave(server_url, name)


@pytest.fixture
def database(server_url: str, lived: tuple[str, Market]) -> Iterator[str]:
    """Give the URL of a copy of what was lived."""
    name = _name()
    database_create(server_url, name, template=lived[0])
    yield database_url(server_url, name)
    database_leave(server_url, name)


@pytest.fixture
def market(database: str, lived: tuple[str, Market], keyring: KeyRing) -> Iterator[Market]:
    """Give the market in the copy."""
    world = World("sandbox", database, keyring)
    yield replace(lived[1], world=world)
    world.close()


def _name() -> str:
    return f"weili_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"


def _sent(market: Market, number: str, count: int) -> dropship.Package:
    order = release(market, place(market, market.draft(number, (market.tea, count))))
    return ship(market, order.children[0], f"SF-{number}", (1, count))


def _package(market: Market, number: str) -> str:
    with market.world.begin() as ctx:
        order = dropship.order_by_number(ctx, partner_id=market.street, number=number)
    [package] = read(market, order.id).packages
    return id_text(dropship.PACKAGE_PREFIX, package.id)


OF_PACKAGE = "(SELECT id FROM dropship.package WHERE waybill_number = 'SF-{}')"


def test_packages_that_went_every_way_are_sound(market: Market) -> None:
    assert findings(market) == []


@pytest.mark.parametrize(
    ("purpose", "number", "amount"),
    [
        (dropship.PURPOSE_GOODS_BACK, BACK, 2 * TEA_FEN),
        (dropship.PURPOSE_FREIGHT_BACK, LOST_ONE, FREIGHT_FEN),
        (dropship.PURPOSE_COST_BACK, LOST_TWO, 6_000),
    ],
)
def test_money_that_did_not_go_back_for_a_package_is_found(
    market: Market, database: str, purpose: str, number: str, amount: int
) -> None:
    # Given a transfer that says it was made for something else
    where = _package(market, number)
    hit(
        database,
        f"UPDATE ledger.transfer SET purpose = 'gift'"  # noqa: S608 - our own words
        f" WHERE purpose = '{purpose}' AND subject = '{where}'",
    )
    [finding] = findings(market)
    assert (finding.check, finding.where) == ("money_back_for_packages", where)
    assert finding.what == f"0 fen went back as {purpose}, it was worth {amount}"


def test_a_cost_that_was_taken_back_twice_is_found(market: Market, database: str) -> None:
    hit(
        database,
        """INSERT INTO ledger.transfer SELECT gen_random_uuid(), party_id, kind, hold_id,
        debit_account_id, credit_account_id, amount_minor, currency, purpose, subject,
        occurred_at, expires_at FROM ledger.transfer
        WHERE purpose = 'cost_back' AND amount_minor = 3000""",
    )
    [finding] = findings(market)
    assert (finding.check, finding.where) == ("money_back_for_packages", _package(market, LOST_ONE))
    assert finding.what == "6000 fen went back as cost_back, it was worth 3000"


def test_what_is_sent_again_for_another_package_than_was_lost_is_found(
    market: Market, database: str
) -> None:
    # Given the children that send one tea and two teas again, each naming the other's package
    hit(
        database,
        "UPDATE dropship.child c SET replaces_package_id = o.replaces_package_id"
        " FROM dropship.child o WHERE c.replaces_package_id <> o.replaces_package_id",
    )
    found = {finding.where: finding for finding in findings(market)}
    assert {finding.check for finding in found.values()} == {"sent_again_equals_lost"}
    assert {where: finding.what for where, finding in found.items()} == {
        _package(market, LOST_ONE): "was worth 4500 + 800 fen, what is sent for it is worth"
        " 9000 + 800 fen",
        _package(market, LOST_TWO): "was worth 9000 + 800 fen, what is sent for it is worth"
        " 4500 + 800 fen",
    }


def test_what_is_sent_again_for_a_package_that_is_not_lost_is_found(
    market: Market, database: str
) -> None:
    hit(
        database,
        f"UPDATE dropship.child SET replaces_package_id = {OF_PACKAGE.format(BACK)}"  # noqa: S608
        f" WHERE replaces_package_id = {OF_PACKAGE.format(LOST_ONE)}",
    )
    [finding] = findings(market)
    assert (finding.check, finding.where) == ("sent_again_equals_lost", _package(market, BACK))
    assert finding.what == "is no lost package, what is sent for it is worth 4500 + 800 fen"


def test_a_child_that_is_not_where_its_packages_are_is_found(market: Market, database: str) -> None:
    # Given a package that arrived, by its history too, of a child that knows nothing of it
    hit(
        database,
        f"""WITH arrived AS (
         UPDATE dropship.package SET state = 'delivered', version = version + 1, due_at = NULL,
          delivered_at = shipped_at WHERE id = {OF_PACKAGE.format(STOPPING)} RETURNING id, version)
        INSERT INTO dropship.package_history
        SELECT h.package_id, a.version, h.partner_id, h.order_id, h.to_state, 'delivered', h.at,
         h.actor, h.reason FROM dropship.package_history h JOIN arrived a ON a.id = h.package_id""",  # noqa: S608
    )
    [finding] = findings(market)
    assert finding.check == "child_state_derived"
    assert finding.what == (
        "1 child order(s) are intercepting with packages ['delivered'], which makes delivered"
    )


@pytest.mark.parametrize(
    ("check", "statement", "what"),
    [
        (
            "package_history_is_legal",
            """UPDATE dropship.package_history
            SET to_state = CASE version WHEN 1 THEN 'delivered' ELSE to_state END,
             from_state = CASE version WHEN 2 THEN 'delivered' ELSE from_state END
            WHERE package_id = {}""",
            "1 step(s) from delivered to returned are not in the state table",
        ),
        (
            "package_history_is_whole",
            "DELETE FROM dropship.package_history WHERE package_id = {} AND version = 1",
            "step 2 does not follow",
        ),
        (
            "package_history_is_whole",
            "DELETE FROM dropship.package_history WHERE package_id = {} AND version = 2",
            "is returned at 2, its history ends elsewhere",
        ),
    ],
    ids=["illegal", "gap", "open end"],
)
def test_a_package_whose_history_can_not_be_is_found(
    market: Market, database: str, check: str, statement: str, what: str
) -> None:
    hit(database, statement.format(OF_PACKAGE.format(BACK)))
    [finding] = findings(market)
    assert (finding.check, finding.where) == (check, _package(market, BACK))
    assert finding.what == what


def test_a_package_that_waits_without_a_deadline_is_found(market: Market, database: str) -> None:
    hit(database, "UPDATE dropship.package SET due_at = NULL WHERE state = 'intercepting'")
    assert [finding.check for finding in findings(market)] == ["deadline_is_set"]
