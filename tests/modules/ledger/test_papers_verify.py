"""Each broken paper is found; sound ones give no finding."""

import pytest

from tests.modules.ledger.paper import Partner, chen, lin, partner_open
from weili.kit.context import Ctx
from weili.modules import ledger


@pytest.fixture
def partner(ctx: Ctx) -> Partner:
    """A partner with an approved deposit, a paid withdrawal, one asked for, and a correction."""
    partner = partner_open(ctx, 10_000)
    deposit = partner.submits(ctx, amount_minor=700)
    approved = ledger.deposit_approve(lin(ctx), deposit_id=deposit.id)
    paid, _ = partner.asks_back(ctx, 300), partner.asks_back(ctx, 200)
    ledger.withdrawal_approve(lin(ctx), withdrawal_id=paid.id)
    ledger.withdrawal_paid(ctx, withdrawal_id=paid.id, bank_reference="CMB-1")
    assert approved.transfer_id is not None
    made = ledger.correction_propose(
        ctx, party_id=partner.id, transfer_id=approved.transfer_id, amount_minor=50, reason="fee"
    )
    ledger.correction_approve(chen(ctx), correction_id=made.id)
    assert list(ledger.verify(ctx)) == []
    ctx.db.run("SET LOCAL ROLE none")
    return partner


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        ("UPDATE ledger.deposit SET amount_minor = 701", "ledger_deposit_unmatched"),
        ("DELETE FROM ledger.slip", "ledger_deposit_unmatched"),
        (
            "UPDATE ledger.deposit SET transfer_id = (SELECT transfer_id FROM ledger.correction)",
            "ledger_deposit_unmatched",
        ),
        (
            "UPDATE ledger.withdrawal SET amount_minor = 201 WHERE state = 'requested'",
            "ledger_withdrawal_unmatched",
        ),
        (
            "DELETE FROM ledger.withdrawal WHERE state = 'requested'",
            "ledger_withdrawal_unmatched",
        ),
        ("UPDATE ledger.correction SET amount_minor = 51", "ledger_correction_unmatched"),
        (
            "DELETE FROM ledger.paper_history WHERE to_state = 'approved'",
            "ledger_paper_history_broken",
        ),
    ],
)
def test_exactly_that_is_found(ctx: Ctx, partner: Partner, broken: str, check: str) -> None:
    ctx.db.run(broken)
    findings = list(ledger.verify(ctx))
    assert check in {finding.check for finding in findings}
    assert all(finding.repair for finding in findings)
    about = {"ledger_deposit_unmatched", "ledger_withdrawal_unmatched"}
    about |= {"ledger_correction_unmatched", "ledger_top_up_unmatched"}
    assert {f.check for f in findings} <= about | {"ledger_paper_history_broken"}
