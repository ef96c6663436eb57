"""A partner is told that an order was refused for want of funds, once for each fall."""

from typing import Any

import pytest

from tests.market import BALANCE_FEN, FREIGHT_FEN, TEA_FEN, Market
from weili.kit import outbox
from weili.kit.context import SYSTEM, Ctx, PartyId
from weili.kit.world import in_transaction
from weili.modules import dropship, ledger
from weili.workflows.cancel_order import cancel_order
from weili.workflows.place_dropship_orders import place_dropship_orders

ACCOUNT = ledger.BankAccount("街坊商行", "工商银行杭州分行", "6222020000000000")
ONE = TEA_FEN + FREIGHT_FEN
"""One tea with its freight: 45.00 + 8.00."""


def place(market: Market, *drafts: dropship.OrderDraft) -> list[str]:
    """Place a batch; gives what came of each."""
    with market.world.begin(SYSTEM) as ctx:
        outcomes = place_dropship_orders(ctx, commands=[market.command(d) for d in drafts])
    return [
        "placed" if isinstance(outcome, dropship.Placed) else outcome.code for outcome in outcomes
    ]


def shortages(market: Market, party_id: PartyId | None = None) -> list[dict[str, Any]]:
    """Give the data of all that a partner was told of."""
    in_transaction(market.world.begin, outbox.relay)
    party_id = party_id or market.street
    with market.world.begin(market.as_partner(party_id)) as ctx:
        messages = outbox.messages(ctx, party_id=party_id, limit=100)
    return [dict(m.event.data) for m in messages if m.event.type == "balance.short"]


def left_only(market: Market, left_minor: int) -> None:
    """Take what a partner has beyond an amount."""
    with market.world.begin(market.as_partner()) as ctx:
        ledger.withdrawal_request(
            ctx, partner_id=market.street, amount_minor=BALANCE_FEN - left_minor, account=ACCOUNT
        )


def test_refused_orders_are_told_once_though_the_batch_has_good_ones(market: Market) -> None:
    # Given money for one order
    left_only(market, ONE + 100)

    # When three are placed at once, and a fourth after them
    drafts = [market.draft(number, (market.tea, 1)) for number in ("A-1", "A-2", "A-3")]
    assert place(market, *drafts) == ["placed", "balance_too_low", "balance_too_low"]
    assert place(market, market.draft("A-4", (market.tea, 2))) == ["balance_too_low"]

    # Then the first that was refused is told of, and nobody else hears
    told = {"number": "A-2", "needed_minor": ONE, "available_minor": 100, "currency": "CNY"}
    assert shortages(market) == [told]
    assert shortages(market, market.creator) == []


def test_it_is_told_again_after_the_balance_has_covered_what_was_needed(market: Market) -> None:
    left_only(market, ONE)
    with market.world.begin(SYSTEM) as ctx:
        [first] = place_dropship_orders(
            ctx, commands=[market.command(market.draft("A-1", (market.tea, 1)))]
        )
    assert isinstance(first, dropship.Placed)
    assert place(market, market.draft("A-2", (market.tea, 1))) == ["balance_too_low"]
    assert len(shortages(market)) == 1

    # A top-up that does not suffice is no end of the fall
    top_up(market, ONE - 1)
    assert place(market, market.draft("A-2", (market.tea, 1))) == ["balance_too_low"]
    assert len(shortages(market)) == 1

    # An order that is cancelled gives back enough
    with market.world.begin(market.as_partner()) as ctx:
        cancel_order(ctx, partner_id=market.street, order_id=first.order_id)
    assert place(market, market.draft("A-3", (market.tea, 1))) == ["placed"]
    assert place(market, market.draft("A-4", (market.tea, 1))) == ["balance_too_low"]
    assert [one["available_minor"] for one in shortages(market)] == [0, ONE - 1]


def test_one_order_that_is_far_too_large_does_not_silence_the_falls_after_it(
    market: Market,
) -> None:
    left_only(market, 0)
    assert place(market, market.draft("A-1", (market.tea, 90))) == ["balance_too_low"]
    assert place(market, market.draft("A-2", (market.tea, 1))) == ["balance_too_low"]
    assert [one["number"] for one in shortages(market)] == ["A-1"]

    # What covers the smaller of the two ends the fall
    top_up(market, ONE)
    assert place(market, market.draft("A-3", (market.tea, 1))) == ["placed"]
    assert place(market, market.draft("A-4", (market.tea, 1))) == ["balance_too_low"]
    assert [one["number"] for one in shortages(market)] == ["A-1", "A-4"]


def test_one_that_waits_tells_of_itself_and_one_on_hold_is_refused(market: Market) -> None:
    left_only(market, 0)
    with market.world.begin(market.as_partner()) as ctx:
        dropship.low_balance_put(ctx, partner_id=market.street, choice=dropship.LowBalance.WAIT)
    assert place(market, market.draft("A-1", (market.tea, 1))) == ["placed"]
    assert shortages(market) == []
    assert place(market, market.draft("A-2", (market.tea, 1), hold=True)) == ["balance_too_low"]
    assert [one["number"] for one in shortages(market)] == ["A-2"]


def test_a_batch_that_fails_has_told_nobody(market: Market) -> None:
    left_only(market, 0)

    def fails(ctx: Ctx) -> None:
        command = market.command(market.draft("A-1", (market.tea, 1)))
        place_dropship_orders(ctx, commands=[command])
        raise ConnectionError

    with pytest.raises(ConnectionError):
        in_transaction(market.world.begin, fails)
    assert shortages(market) == []
    assert place(market, market.draft("A-1", (market.tea, 1))) == ["balance_too_low"]
    assert len(shortages(market)) == 1


def test_orders_that_are_paid_mark_nothing(market: Market) -> None:
    with market.world.begin(SYSTEM) as ctx:
        place_dropship_orders(ctx, commands=[market.command(market.draft("A-1", (market.tea, 1)))])
        [(marked,)] = ctx.db.rows(
            "SELECT count(*) FROM ledger.balance WHERE short_minor IS NOT NULL"
        )
    assert marked == 0


def top_up(market: Market, amount_minor: int) -> None:
    with market.world.begin(SYSTEM) as ctx:
        ledger.top_up(ctx, partner_id=market.street, amount_minor=amount_minor, reference="slip")
