"""Costs that suppliers ask for: approved, declined, withdrawn, in force at their time."""

from datetime import timedelta

import pytest

from tests.market import TEA_COST_FEN, Market
from tests.modules.pricing.test_changes import HOUR, Clock
from tests.modules.pricing.trade import acting
from weili.kit.context import Ctx, PartyId
from weili.kit.problems import Forbidden, InputInvalid, NotFound, StateConflict
from weili.modules import pricing
from weili.modules.goods import SkuUnknown
from weili.modules.pricing import CostProposal, CostRow, CostState


@pytest.fixture
def clock(market: Market) -> Clock:
    return Clock(market)


def supplier(ctx: Ctx, party_id: PartyId) -> Ctx:
    return acting(ctx, party_id, "supply:write", "supply:read")


def proposed(clock: Clock, cost_fen: int, begins: timedelta | None = None) -> CostProposal:
    with clock.begin() as ctx:
        valid_from = None if begins is None else ctx.now + begins
        asking = supplier(ctx, clock.market.grocer)
        rows = [CostRow(clock.market.tea, cost_fen)]
        [proposal] = pricing.cost_propose(asking, rows=rows, valid_from=valid_from)
    return proposal


def cost_now(clock: Clock) -> int | None:
    with clock.begin() as ctx:
        book = pricing.price_book(ctx, partner_ids=[], sku_ids=[clock.market.tea])
        return book.unit_cost_minor(clock.market.tea)


def told(ctx: Ctx) -> list[str]:
    return [event.type for event in ctx.announced]


def test_an_approved_cost_holds_from_its_time_whatever_the_sweep_does(clock: Clock) -> None:
    asked = proposed(clock, 3_100, 2 * HOUR)
    assert cost_now(clock) == TEA_COST_FEN
    with clock.begin() as ctx:
        approved = pricing.cost_approve(ctx, proposal_id=asked.id)
        assert (approved.state, told(ctx)) == (CostState.APPROVED, ["cost.decided"])
    clock.later(2 * HOUR)
    assert cost_now(clock) == 3_100
    with clock.begin() as ctx:
        assert pricing.costs_sweep(ctx) == 1
        assert told(ctx) == ["cost.changed"]
    with clock.begin() as ctx:
        assert pricing.costs_sweep(ctx) == 0
    assert cost_now(clock) == 3_100
    assert clock.verified() == []


def test_a_cost_approved_late_holds_from_then_and_not_from_before(clock: Clock) -> None:
    asked = proposed(clock, 3_100)
    clock.later(HOUR)
    with clock.begin() as ctx:
        now = ctx.now
        approved = pricing.cost_approve(ctx, proposal_id=asked.id)
        assert told(ctx) == ["cost.decided", "cost.changed"]
    assert approved.state is CostState.IN_FORCE
    assert approved.valid_from >= now
    assert cost_now(clock) == 3_100


def test_what_the_operator_puts_later_comes_after_what_was_due_before(clock: Clock) -> None:
    asked = proposed(clock, 3_100, HOUR)
    with clock.begin() as ctx:
        pricing.cost_approve(ctx, proposal_id=asked.id)
    clock.later(2 * HOUR)
    with clock.begin() as ctx:
        pricing.costs_put(ctx, rows=[CostRow(clock.market.tea, 2_900)])
    assert cost_now(clock) == 2_900
    with clock.begin() as ctx:
        assert pricing.costs_sweep(ctx) == 0
    assert cost_now(clock) == 2_900
    assert clock.verified() == []


def test_a_cost_is_declined_with_a_reason_or_withdrawn_before_it_holds(clock: Clock) -> None:
    first, second = proposed(clock, 3_100, HOUR), proposed(clock, 3_200, 2 * HOUR)
    with clock.begin() as ctx:
        pricing.cost_reject(ctx, proposal_id=first.id, reason="过高")
        [event] = ctx.announced
        assert (event.data["state"], event.data["reason"]) == ("rejected", "过高")
        pricing.cost_approve(ctx, proposal_id=second.id)
    with clock.begin() as ctx:
        with pytest.raises(StateConflict):
            pricing.cost_approve(ctx, proposal_id=first.id)
        with pytest.raises(NotFound):
            pricing.cost_withdraw(supplier(ctx, clock.market.farm), proposal_id=second.id)
        pricing.cost_withdraw(supplier(ctx, clock.market.grocer), proposal_id=second.id)
    clock.later(3 * HOUR)
    assert cost_now(clock) == TEA_COST_FEN
    third = proposed(clock, 3_300, HOUR)
    with clock.begin() as ctx:
        pricing.cost_approve(ctx, proposal_id=third.id)
    clock.later(HOUR)
    with pytest.raises(StateConflict), clock.begin() as ctx:
        pricing.cost_withdraw(supplier(ctx, clock.market.grocer), proposal_id=third.id)


def test_a_supplier_asks_for_its_own_goods_alone_and_for_a_moment_once(clock: Clock) -> None:
    market = clock.market
    rows = [CostRow(market.tea, 1)]
    with clock.begin() as ctx:
        at = ctx.now + HOUR
        grocer, farm = supplier(ctx, market.grocer), supplier(ctx, market.farm)
        with pytest.raises(SkuUnknown):
            pricing.cost_propose(farm, rows=rows)
        with pytest.raises(InputInvalid):
            pricing.cost_propose(grocer, rows=rows, valid_from=ctx.now - HOUR)
        pricing.cost_propose(grocer, rows=rows, valid_from=at)
        with pytest.raises(pricing.CostProposed):
            pricing.cost_propose(grocer, rows=rows, valid_from=at)
        assert pricing.cost_page(farm, supplier_id=market.farm).items == []
        assert len(pricing.cost_page(ctx, supplier_id=None).items) == 1
        for refused in (
            lambda: pricing.cost_approve(grocer, proposal_id=pricing.ProposalId(at)),
            lambda: pricing.cost_page(grocer, supplier_id=None),
        ):
            with pytest.raises(Forbidden):
                refused()
