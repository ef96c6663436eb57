"""A partner is told that its balance is low once each time it falls below its alarm."""

import pytest

from tests.market import FREIGHT_FEN, TEA_FEN, Market
from tests.modules.ledger.paper import lin, partner_open, told
from weili.kit.context import SYSTEM, Ctx
from weili.kit.problems import Forbidden, InputInvalid
from weili.modules import ledger
from weili.workflows.cancel_order import cancel_order
from weili.workflows.place_dropship_orders import place_dropship_orders


def test_it_rings_once_a_fall_and_again_after_it_was_above(ctx: Ctx) -> None:
    partner = partner_open(ctx, 10_000)
    ledger.alarm_set(partner.acts(ctx), partner_id=partner.id, alarm_minor=9_000)
    assert told(ctx, partner.id).count("balance.low") == 0

    partner.asks_back(ctx, 1_000)  # 9,000 are left: not below.
    assert told(ctx, partner.id).count("balance.low") == 0
    falls = partner.asks_back(ctx, 1)
    partner.asks_back(ctx, 500)  # Lower still, which is no fall from above.
    assert told(ctx, partner.id).count("balance.low") == 1

    ctx.actor = SYSTEM
    ledger.top_up(ctx, partner_id=partner.id, amount_minor=600, reference="more")
    ledger.withdrawal_cancel(partner.acts(ctx), partner_id=partner.id, withdrawal_id=falls.id)
    partner.asks_back(ctx, 200)  # 10,000 + 600 - 1,000 - 500 - 200 = 8,900
    assert told(ctx, partner.id).count("balance.low") == 2


def test_an_alarm_above_the_balance_rings_at_once_and_none_never(ctx: Ctx) -> None:
    partner = partner_open(ctx, 1_000)
    ledger.alarm_set(partner.acts(ctx), partner_id=partner.id, alarm_minor=1_001)
    ledger.alarm_set(ctx, partner_id=partner.id, alarm_minor=1_002)
    assert told(ctx, partner.id).count("balance.low") == 1
    ledger.alarm_set(lin(ctx), partner_id=partner.id, alarm_minor=None)
    partner.asks_back(ctx, 1_000)
    assert told(ctx, partner.id).count("balance.low") == 1


def test_nobody_sets_anothers_alarm_nor_one_below_nothing(ctx: Ctx) -> None:
    street, creator = partner_open(ctx, 1), partner_open(ctx, 1)
    with pytest.raises(Forbidden):
        ledger.alarm_set(street.acts(ctx), partner_id=creator.id, alarm_minor=1)
    with pytest.raises(InputInvalid):
        ledger.alarm_set(ctx, partner_id=street.id, alarm_minor=-1)


def test_a_batch_of_orders_rings_once_and_a_cancelled_one_arms_it_again(market: Market) -> None:
    # Given an alarm that two orders cross: each costs 45.00 and 8.00
    each = TEA_FEN + FREIGHT_FEN
    with market.world.begin(SYSTEM) as ctx:
        ledger.alarm_set(ctx, partner_id=market.street, alarm_minor=1_000_000 - each)

    def place(*numbers: str) -> list[str]:
        commands = [market.command(market.draft(n, (market.tea, 1), hold=True)) for n in numbers]
        with market.world.begin(SYSTEM) as ctx:
            outcomes = place_dropship_orders(ctx, commands=commands)
            placed.extend(outcome.order_id for outcome in outcomes)
            return told(ctx, market.street)

    placed: list = []
    assert place("A-1").count("balance.low") == 0
    assert place("A-2", "A-3").count("balance.low") == 1
    assert place("A-4").count("balance.low") == 0

    for order_id in placed[1:]:
        with market.world.begin(market.as_partner()) as ctx:
            cancel_order(ctx, partner_id=market.street, order_id=order_id)
            assert "balance.low" not in told(ctx, market.street)

    assert place("A-5").count("balance.low") == 1
