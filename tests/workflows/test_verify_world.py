"""One thing is broken behind the application's back, and that very thing is found."""

import psycopg
import pytest

from tests.market import Market
from weili.kit import outbox
from weili.kit.findings import Finding
from weili.kit.ids import id_text
from weili.kit.problems import Forbidden
from weili.kit.world import in_transaction
from weili.modules import dropship, goods, inventory
from weili.workflows.dispatch_orders import orders_queue
from weili.workflows.place_dropship_orders import place_dropship_orders
from weili.workflows.ship_package import deliver_package, ship_package
from weili.workflows.supplier_answers import child_taken
from weili.workflows.verify_world import READERS, verify_world


@pytest.fixture
def traded(market: Market) -> Market:
    """A market with an order of two teas and one cup, and a held one of three eggs, announced."""
    with market.world.begin() as ctx:
        place_dropship_orders(
            ctx,
            commands=[
                market.command(market.draft("V-1", (market.tea, 2), (market.cup, 1))),
                market.command(market.draft("V-2", (market.eggs, 3), hold=True)),
            ],
        )
    in_transaction(market.world.begin, outbox.relay)
    return market


@pytest.fixture
def shipped(traded: Market) -> Market:
    """The same market when the teas and the cup have gone in two packages and arrived."""
    world = traded.world
    with world.begin() as ctx:
        order = dropship.order_by_number(ctx, partner_id=traded.street, number="V-1")
        orders_queue(ctx, order_ids=[order.id])
    [child] = order.children
    with world.begin(traded.as_supplier()) as ctx:
        child_taken(ctx, supplier_id=traded.grocer, child_id=child.id, accepted=True)
        packages = [
            ship_package(
                ctx,
                supplier_id=traded.grocer,
                child_id=child.id,
                carrier_code="SF",
                waybill_number=f"SF{line.line_no}",
                lines=[dropship.PackageLine(line.line_no, line.quantity)],
            )
            for line in child.lines
        ]
        for package in packages:
            deliver_package(ctx, supplier_id=traded.grocer, package_id=package.id)
    in_transaction(world.begin, outbox.relay)
    return traded


def findings(market: Market) -> list[Finding]:
    """Verify on a snapshot, as the command line does."""
    with market.world.snapshots(count=READERS) as readers:
        return verify_world(*readers)


def hit(database: str, statement: str) -> None:
    """Change what the application's role may not, as the owner of the database."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_a_world_that_traded_by_the_rules_has_no_findings(traded: Market) -> None:
    assert findings(traded) == []


def test_only_who_may_verify_is_told(traded: Market) -> None:
    world = traded.world
    with pytest.raises(Forbidden), world.begin(traded.as_partner(), snapshot=True) as ctx:
        verify_world(ctx)


@pytest.mark.parametrize("table", ["dropship.order_number", "kit.feed"])
def test_a_check_that_fails_ends_the_others_and_nobody_is_told_that_all_is_well(
    traded: Market, database: str, table: str
) -> None:
    schema, name = table.split(".")
    hit(database, f"ALTER TABLE {table} RENAME TO gone")
    with pytest.raises(psycopg.errors.UndefinedTable):
        findings(traded)
    hit(database, f"ALTER TABLE {schema}.gone RENAME TO {name}")
    assert findings(traded) == []


def test_histories_of_what_is_not_there_are_found_and_hide_no_other(
    shipped: Market, database: str
) -> None:
    # Given sixty histories that are whole but of nothing, with ids before all others, and an
    # order whose own does not end where it stands
    hit(
        database,
        "INSERT INTO dropship.history (subject_id, version, partner_id, order_id, from_state,"
        " to_state, at, actor, reason) SELECT lpad(to_hex(n), 32, '0')::uuid, 1, partner_id,"
        " lpad(to_hex(n), 32, '0')::uuid, 'held', 'cancelled', at, actor, reason"
        " FROM (SELECT * FROM dropship.history LIMIT 1) h CROSS JOIN generate_series(1, 60) AS n",
    )
    hit(database, "UPDATE dropship.\"order\" SET version = version + 1 WHERE number = 'V-1'")
    # Then all of them are told: 60 + 1
    found = findings(shipped)
    assert {finding.check for finding in found} == {"history_is_whole"}
    assert sum(finding.what.startswith("is not there") for finding in found) == 60
    assert len(found) == 61


def test_stock_that_is_promised_to_nobody_is_found_where_it_lies(
    traded: Market, database: str
) -> None:
    # Given ten teas more promised, with a movement that says so, but no order that waits for them
    with traded.world.begin() as ctx:
        inventory.movements_write(
            ctx,
            moves=[
                inventory.Move(inventory.MoveKind.RESERVE, traded.tea, traded.near, 10, "nobody")
            ],
        )
    # Then it is found, with both counts: 2 + 10 = 12
    [finding] = findings(traded)
    assert finding.check == "stock_promised_equals_open_orders"
    assert id_text(goods.SKU_PREFIX, traded.tea) in finding.where
    assert id_text(inventory.WAREHOUSE_PREFIX, traded.near) in finding.where
    assert finding.what == "stock promises 12, open orders wait for 2"


def test_money_held_for_pieces_that_nobody_waits_for_is_found(
    traded: Market, database: str
) -> None:
    # Given an order whose pieces count as shipped, and its stock with them, but not its money
    hit(
        database,
        "UPDATE dropship.child SET goods_hold_id = goods_hold_id,"
        " freight_hold_id = gen_random_uuid() WHERE freight_hold_id IS NOT NULL"
        " AND id = (SELECT id FROM dropship.child WHERE freight_minor > 0 LIMIT 1)",
    )
    # Then the hold that lost its order is found, and the one that never was
    found = findings(traded)
    assert {finding.check for finding in found} == {"money_held_equals_open_orders"}
    assert len(found) == 2


@pytest.mark.parametrize(
    ("check", "statement"),
    [
        ("event_log_without_gaps", "DELETE FROM kit.event WHERE position = 1"),
        (
            "order_announced_once_first",
            "UPDATE kit.event SET type = 'order.odd' WHERE data ->> 'number' = 'V-1'",
        ),
        (
            "stock_equals_movements",
            "UPDATE inventory.stock SET on_hand = on_hand + 1 WHERE on_hand = 100",
        ),
        (
            "root_equals_children",
            "UPDATE dropship.\"order\" SET goods_minor = goods_minor + 1 WHERE number = 'V-1'",
        ),
        (
            "root_state_derived",
            "UPDATE dropship.\"order\" SET state = 'held', due_at = placed_at WHERE number = 'V-1'",
        ),
        (
            "ledger_balance_drifted",
            "UPDATE ledger.balance SET posted_minor = posted_minor + 1 WHERE held_minor > 0",
        ),
        ("region_in_place", "UPDATE regions.region SET level = 1 WHERE code = '330106'"),
        ("region_succeeded", "INSERT INTO regions.succession VALUES ('330106', '330110')"),
    ],
)
def test_each_broken_thing_is_found_as_what_it_is(
    traded: Market, database: str, check: str, statement: str
) -> None:
    hit(database, statement)
    found = findings(traded)
    assert [finding.check for finding in found] == [check]
    assert found[0].repair


def test_an_order_that_nobody_was_told_of_is_found(traded: Market, database: str) -> None:
    # Given a log whose last event, that of an order, is gone without a gap
    hit(
        database,
        "DELETE FROM kit.event WHERE position = (SELECT max(position) FROM kit.event)",
    )
    [finding] = findings(traded)
    assert finding.check == "order_announced_once_first"
    assert finding.what == "order.placed 0 times, begins with nothing"


def test_an_order_announced_twice_is_found(traded: Market, database: str) -> None:
    hit(
        database,
        "INSERT INTO kit.outbox (id, type, party_id, subject, data, occurred_at)"
        " SELECT gen_random_uuid(), type, party_id, subject, data, occurred_at FROM kit.event"
        " WHERE type = 'order.placed' AND data ->> 'number' = 'V-2'",
    )
    [finding] = findings(traded)
    assert finding.what == "order.placed 2 times, begins with order.placed"


def test_what_waits_for_the_relay_counts_as_told(traded: Market) -> None:
    with traded.world.begin() as ctx:
        [outcome] = place_dropship_orders(
            ctx, commands=[traded.command(traded.draft("V-3", (traded.tea, 1)))]
        )
        assert isinstance(outcome, dropship.Placed)
        orders_queue(ctx, order_ids=[outcome.order_id])
    with traded.world.begin() as ctx:
        assert outbox.waiting(ctx) == 1
    assert findings(traded) == []


def test_an_order_that_went_its_whole_way_has_no_findings(shipped: Market) -> None:
    assert findings(shipped) == []


@pytest.mark.parametrize(
    ("checks", "statement"),
    [
        ({"child_equals_lines"}, "UPDATE dropship.child SET goods_minor = goods_minor + 1"),
        (
            {"child_equals_lines", "root_equals_children"},
            "UPDATE dropship.line SET freight_minor = freight_minor + 1",
        ),
        (
            {"root_equals_children"},
            "UPDATE dropship.child SET replaces_package_id = gen_random_uuid()",
        ),
        ({"shipped_equals_packages"}, "UPDATE dropship.package_line SET quantity = quantity + 1"),
        # Two of the one and one of the other, as many in all
        ({"shipped_equals_packages"}, "UPDATE dropship.package_line SET quantity = 3 - quantity"),
    ],
    ids=["child", "line", "not one child counts", "a piece too many", "pieces of another line"],
)
def test_what_does_not_add_up_within_an_order_is_found(
    shipped: Market, database: str, checks: set[str], statement: str
) -> None:
    hit(database, statement)
    found = {finding.check for finding in findings(shipped)}
    assert (
        found
        & {
            "child_equals_lines",
            "root_equals_children",
            "shipped_equals_packages",
        }
        == checks
    )


@pytest.mark.parametrize(
    ("seen", "statement"),
    [
        ("nothing is noted", "DELETE FROM pricing.transaction_day"),
        ("noted are 1 to 4500 fen", "UPDATE pricing.transaction_day SET lowest_minor = 1"),
        ("4499 last", "UPDATE pricing.transaction_day SET lowest_minor = 1, last_minor = 4499"),
        ("to 9999999 fen", "UPDATE pricing.transaction_day SET highest_minor = 9999999"),
        ("noted are 4500", "UPDATE pricing.transaction_day SET last_at = last_at - interval '1s'"),
        ("no order has it", "UPDATE pricing.transaction_day SET traded_on = traded_on - 9"),
    ],
)
def test_transaction_prices_that_order_lines_do_not_have_are_found(
    shipped: Market, database: str, seen: str, statement: str
) -> None:
    where = "WHERE sku_id = (SELECT sku_id FROM dropship.line WHERE unit_price_minor = 4500)"
    hit(database, f"{statement} {where}")
    found = findings(shipped)
    assert {finding.check for finding in found} == {"transaction_prices_equal_lines"}
    assert any(seen in finding.what for finding in found)
    assert all(id_text(goods.SKU_PREFIX, shipped.tea) in finding.where for finding in found)


@pytest.mark.parametrize(
    ("told", "statement"),
    [
        (
            "order.released order.shipped order.shipped",
            "DELETE FROM kit.event WHERE position = (SELECT max(position) FROM kit.event)",
        ),
        (
            "order.released order.shipped order.shipped order.delivered order.delivered",
            """INSERT INTO kit.event SELECT position + 1, gen_random_uuid(), type, party_id,
            subject, data, occurred_at FROM kit.event WHERE type = 'order.delivered'""",
        ),
        (
            "order.released order.shipped order.delivered order.shipped",
            """UPDATE kit.event
            SET type = CASE type WHEN 'order.delivered' THEN 'order.shipped'
            ELSE 'order.delivered' END
            WHERE position > (SELECT max(position) - 2 FROM kit.event)""",
        ),
    ],
    ids=["lost", "doubled", "out of order"],
)
def test_a_step_that_was_told_wrongly_is_found(
    shipped: Market, database: str, told: str, statement: str
) -> None:
    hit(database, statement)
    [finding] = findings(shipped)
    assert finding.check == "steps_announced_once_in_order"
    assert finding.what.endswith(
        f" was told {told}; it went order.released order.shipped order.shipped order.delivered"
    )


def test_a_step_that_another_partner_was_told_of_is_found(shipped: Market, database: str) -> None:
    hit(
        database,
        "UPDATE kit.event SET party_id = (SELECT id FROM parties.party WHERE name = 'creator')"
        " WHERE type = 'order.delivered'",
    )
    assert [finding.check for finding in findings(shipped)] == ["steps_announced_once_in_order"] * 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE dropship.\"order\" SET due_at = NULL WHERE state = 'held'",
        "UPDATE dropship.child SET due_at = NULL WHERE state = 'delivered'",
    ],
    ids=["held", "delivered"],
)
def test_what_waits_for_a_deadline_that_it_has_not_is_found(
    shipped: Market, database: str, statement: str
) -> None:
    hit(database, statement)
    assert [finding.check for finding in findings(shipped)] == ["deadline_is_set"]


@pytest.mark.parametrize(
    ("check", "statement"),
    [
        ("suppliers_owed_for_packages", "DELETE FROM ledger.transfer WHERE purpose = 'cost'"),
        (
            "suppliers_owed_for_packages",
            """INSERT INTO ledger.transfer SELECT gen_random_uuid(), party_id, kind, hold_id,
            debit_account_id, credit_account_id, amount_minor, currency, purpose, subject,
            occurred_at, expires_at FROM ledger.transfer WHERE purpose = 'cost'""",
        ),
        (
            "money_taken_equals_shipped_pieces",
            """WITH given AS (
             UPDATE ledger.transfer SET kind = 'void'
             WHERE kind = 'post' AND purpose = 'goods' RETURNING debit_account_id, amount_minor
            ), back AS (
             SELECT debit_account_id AS id, sum(amount_minor) AS fen FROM given GROUP BY 1)
            UPDATE ledger.balance SET posted_minor = posted_minor + fen FROM back
            WHERE account_id = id""",
        ),
    ],
    ids=["not credited", "credited twice", "given back though shipped"],
)
def test_money_that_is_not_what_has_shipped_is_found(
    shipped: Market, database: str, check: str, statement: str
) -> None:
    # Given books that still sum to zero and balances that equal their transfers
    hit(database, statement)
    # Then what moved is held against what left the warehouses
    assert {finding.check for finding in findings(shipped)} == {check}
