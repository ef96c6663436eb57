"""What verify sees beyond books, shelves and orders: seals, feeds, jobs and queues."""

from pathlib import Path

import pytest

from tests.docs.shell_blocks import fenced
from tests.market import Market
from tests.workflows.test_verify_world import findings, hit, shipped, traded
from weili.kit.ids import id_text
from weili.modules import dropship
from weili.modules.dropship.store import checks

__all__ = ["shipped", "traded"]

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "verify-a-world.md"


def test_recipients_swapped_between_two_orders_are_found_at_both(
    traded: Market, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given two orders whose sealed recipients have changed places, read one at a time
    monkeypatch.setattr(checks, "RECIPIENTS_MAX", 1)
    hit(
        database,
        'UPDATE dropship."order" o SET recipient_sealed = x.recipient_sealed'
        ' FROM dropship."order" x WHERE x.number <> o.number',
    )
    # Then neither opens: each is bound to the order that it was sealed for
    found = findings(traded)
    assert [finding.check for finding in found] == ["recipient_opens"] * 2
    assert {finding.where for finding in found} == {
        id_text(dropship.ORDER_PREFIX, order.id) for order in _orders(traded)
    }
    assert found[0].what == "its recipient can't be read: altered, or sealed for another row"


def test_a_recipient_that_no_key_of_the_ring_opens_is_found(traded: Market, database: str) -> None:
    hit(
        database,
        'UPDATE dropship."order" SET recipient_sealed = set_byte(recipient_sealed, 1, 9)'
        " WHERE number = 'V-2'",
    )
    [finding] = findings(traded)
    assert finding.check == "recipient_opens"
    assert finding.what == "its recipient can't be read: sealed with a key that this ring lacks"


def _orders(market: Market) -> list[dropship.Order]:
    with market.world.begin() as ctx:
        return [
            dropship.order_by_number(ctx, partner_id=market.street, number=number)
            for number in ("V-1", "V-2")
        ]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (
            """INSERT INTO kit.feed SELECT p.id, max(e.position) + 7
            FROM parties.party p, kit.event e WHERE p.name = 'creator' GROUP BY 1""",
            "everything up to 18 is acknowledged, the log ends at 11",
        ),
        (
            "INSERT INTO kit.feed_ack SELECT p.id, 2 FROM parties.party p WHERE p.name = 'creator'",
            "2 is acknowledged, which is no message to it",
        ),
    ],
    ids=["beyond the end", "somebody else's"],
)
def test_a_feed_acknowledged_beyond_what_was_told_is_found(
    traded: Market, database: str, statement: str, what: str
) -> None:
    hit(database, statement)
    [finding] = findings(traded)
    assert (finding.check, finding.what) == ("feed_within_log", what)
    assert finding.where.startswith("pty_")


def test_a_background_job_that_was_given_up_is_found_until_it_is_taken_up_again(
    traded: Market, database: str
) -> None:
    # Given a job that failed ten times, beside one that still waits
    hit(
        database,
        "SET search_path = procrastinate; INSERT INTO procrastinate_jobs"
        " (queue_name, task_name, status, attempts, args) VALUES"
        " ('dispatch', 'dispatch.queue', 'failed', 10, '{\"order_ids\": [\"ord_1\"]}'),"
        " ('dispatch', 'dispatch.queue', 'todo', 1, '{}')",
    )
    [finding] = findings(traded)
    assert finding.check == "job_given_up"
    assert finding.what == (
        'dispatch.queue was given up after 10 attempts, with {"order_ids": ["ord_1"]}'
    )
    # When it is set back as the how-to says
    [cure] = [body for language, body in fenced(HOWTO) if language == "sql"]
    hit(database, cure)
    # Then nothing is found
    assert findings(traded) == []


def test_a_child_order_in_another_suppliers_queue_is_found(shipped: Market, database: str) -> None:
    hit(
        database,
        "UPDATE dropship.supplier_queue SET supplier_id ="
        " (SELECT id FROM parties.party WHERE name = 'farm')",
    )
    [finding] = findings(shipped)
    assert finding.check == "supplier_queue_in_place"
    assert finding.what == (
        f"queued for {id_text('pty', shipped.farm)}, but the child order is"
        f" {id_text('pty', shipped.grocer)}'s"
    )


def test_a_queue_row_without_its_child_order_is_found(shipped: Market, database: str) -> None:
    hit(database, "UPDATE dropship.supplier_queue SET partner_id = supplier_id")
    [finding] = findings(shipped)
    assert finding.check == "supplier_queue_in_place"
    assert finding.what.endswith("but no child order of that partner and order is there")
