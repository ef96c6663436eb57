"""A transfer that was wrong gets a counter-entry, with a reason, that two people agree on."""

import pytest

from tests.modules.ledger.paper import chen, lin, partner_open, told
from weili.kit.context import SYSTEM, SYSTEM_PARTY, Ctx, PartyId
from weili.kit.ids import new_id
from weili.kit.problems import Forbidden, InputInvalid, NotFound, StateConflict
from weili.modules import ledger
from weili.modules.ledger import AccountKind, CorrectionState, NewTransfer, TransferKind


def wrong(ctx: Ctx, partner_id: PartyId, amount_minor: int = 1_000) -> ledger.TransferId:
    """Pay in what another partner had paid."""
    ctx.actor = SYSTEM
    made = ledger.top_up(
        ctx, partner_id=partner_id, amount_minor=amount_minor, reference=f"oops {partner_id}"
    )
    return made.transfer_id


def propose(
    ctx: Ctx, party_id: PartyId, transfer_id: ledger.TransferId, amount_minor: int | None = None
) -> ledger.Correction:
    return ledger.correction_propose(
        ctx,
        party_id=party_id,
        transfer_id=transfer_id,
        amount_minor=amount_minor,
        reason="another partner's payment",
    )


def test_a_counter_entry_takes_back_in_parts_and_never_more_than_moved(ctx: Ctx) -> None:
    partner = partner_open(ctx, 500)
    transfer_id = wrong(ctx, partner.id)
    first = propose(lin(ctx), partner.id, transfer_id, 600)
    with pytest.raises(ledger.CorrectionUnfit):
        propose(ctx, partner.id, transfer_id, 1)  # One at a time.
    with pytest.raises(ledger.SecondPersonNeeded):
        ledger.correction_approve(ctx, correction_id=first.id)
    assert partner.stands(ctx) == (1_500, 0)

    posted = ledger.correction_approve(chen(ctx), correction_id=first.id)

    assert posted.state is CorrectionState.POSTED
    assert ledger.correction_approve(ctx, correction_id=first.id) == posted
    assert partner.stands(ctx) == (1_500 - 600, 0)
    assert told(ctx, partner.id)[-1] == "correction.posted"
    with pytest.raises(ledger.CorrectionUnfit):
        propose(ctx, partner.id, transfer_id, 401)
    rest = propose(ctx, partner.id, transfer_id)
    assert rest.amount_minor == 400
    ledger.correction_approve(lin(ctx), correction_id=rest.id)
    assert partner.stands(ctx) == (500, 0)
    with pytest.raises(ledger.CorrectionUnfit):
        propose(ctx, partner.id, transfer_id)
    assert list(ledger.verify(ctx)) == []


def test_what_was_spent_meanwhile_is_not_taken_back(ctx: Ctx) -> None:
    partner = partner_open(ctx)
    transfer_id = wrong(ctx, partner.id)
    partner.asks_back(ctx, 1)
    made = propose(lin(ctx), partner.id, transfer_id)

    with pytest.raises(ledger.BalanceInsufficient):
        ledger.correction_approve(chen(ctx), correction_id=made.id)

    assert partner.stands(ctx) == (1_000, 1)
    refused = ledger.correction_refuse(ctx, correction_id=made.id, reason="already spent")
    assert ledger.correction_refuse(ctx, correction_id=made.id, reason="again") == refused
    with pytest.raises(StateConflict):
        ledger.correction_approve(ctx, correction_id=made.id)
    assert list(ledger.verify(ctx)) == []


def test_only_money_that_moved_is_corrected_and_only_of_its_own_party(ctx: Ctx) -> None:
    partner, other = partner_open(ctx, 1_000), partner_open(ctx, 1_000)
    hold = NewTransfer(
        id=ledger.TransferId(new_id(ctx.now)),
        party_id=partner.id,
        kind=TransferKind.HOLD,
        debit=partner.prepaid,
        credit=ledger.account_id(AccountKind.PLATFORM_REVENUE, SYSTEM_PARTY),
        amount_minor=10,
        purpose="goods",
        subject="ord_1",
    )
    ledger.transfers_write(ctx, transfers=[hold])
    with pytest.raises(ledger.CorrectionUnfit):
        propose(lin(ctx), partner.id, hold.id)
    transfer_id = wrong(ctx, partner.id)
    with pytest.raises(NotFound):
        propose(lin(ctx), other.id, transfer_id)
    with pytest.raises(InputInvalid):
        propose(ctx, partner.id, transfer_id, 0)
    with pytest.raises(Forbidden):
        propose(partner.acts(ctx), partner.id, transfer_id)
    assert ledger.correction_page(lin(ctx)).items == []
