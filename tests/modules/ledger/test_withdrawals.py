"""Money that is asked back is held, and leaves when the bank has paid; else it is free again."""

import pytest

from tests.modules.ledger.paper import ACCOUNT, Partner, chen, lin, partner_open, told
from weili.kit.context import SYSTEM, SYSTEM_PARTY, Ctx
from weili.kit.ids import id_text
from weili.kit.problems import Forbidden, InputInvalid, NotFound, StateConflict
from weili.modules import ledger, parties
from weili.modules.ledger import AccountKind, BankAccount, WithdrawalState

BANK = ledger.account_id(AccountKind.PLATFORM_BANK, SYSTEM_PARTY)


@pytest.fixture
def partner(ctx: Ctx) -> Partner:
    """A partner with 100.00 yuan."""
    return partner_open(ctx, 10_000)


def bank(ctx: Ctx) -> int:
    return ledger.balances_read(ctx, account_ids=[BANK])[BANK].posted_minor


def test_money_is_held_approved_and_paid(ctx: Ctx, partner: Partner) -> None:
    asked = partner.asks_back(ctx, 4_000)
    assert partner.stands(ctx) == (10_000, 4_000)
    assert bank(ctx) == 10_000

    ledger.withdrawal_approve(lin(ctx), withdrawal_id=asked.id)
    assert partner.stands(ctx) == (10_000, 4_000)

    paid = ledger.withdrawal_paid(ctx, withdrawal_id=asked.id, bank_reference="CMB-1")

    assert (paid.state, paid.bank_reference) == (WithdrawalState.PAID, "CMB-1")
    assert partner.stands(ctx) == (10_000 - 4_000, 0)
    assert bank(ctx) == 10_000 - 4_000
    assert told(ctx, partner.id)[-2:] == ["withdrawal.approved", "withdrawal.paid"]
    assert ledger.withdrawal_paid(ctx, withdrawal_id=asked.id, bank_reference="CMB-1") == paid
    assert list(ledger.verify(ctx)) == []


def test_never_more_than_is_available(ctx: Ctx, partner: Partner) -> None:
    partner.asks_back(ctx, 6_000)
    with pytest.raises(ledger.BalanceInsufficient) as refused:
        partner.asks_back(ctx, 4_001)
    assert refused.value.members == {"available_minor": 4_000, "needed_minor": 4_001}
    partner.asks_back(ctx, 4_000)
    assert partner.stands(ctx) == (10_000, 10_000)


def test_refused_cancelled_or_failed_the_money_is_free_again(ctx: Ctx, partner: Partner) -> None:
    refused, cancelled, failed = (partner.asks_back(ctx, n) for n in (1_000, 2_000, 3_000))
    assert partner.stands(ctx) == (10_000, 6_000)

    ledger.withdrawal_refuse(lin(ctx), withdrawal_id=refused.id, reason="the name is another")
    ledger.withdrawal_cancel(partner.acts(ctx), partner_id=partner.id, withdrawal_id=cancelled.id)
    ledger.withdrawal_approve(lin(ctx), withdrawal_id=failed.id)
    ledger.withdrawal_fail(ctx, withdrawal_id=failed.id, reason="the account is closed")

    assert partner.stands(ctx) == (10_000, 0)
    assert told(ctx, partner.id)[-3:] == [
        "withdrawal.refused",
        "withdrawal.approved",
        "withdrawal.failed",
    ]
    # Saying any of it again changes nothing.
    ledger.withdrawal_refuse(ctx, withdrawal_id=refused.id, reason="again")
    ledger.withdrawal_fail(ctx, withdrawal_id=failed.id, reason="again")
    ledger.withdrawal_cancel(partner.acts(ctx), partner_id=partner.id, withdrawal_id=cancelled.id)
    assert partner.stands(ctx) == (10_000, 0)
    assert list(ledger.verify(ctx)) == []


def test_steps_that_are_not_in_the_table_are_refused(ctx: Ctx, partner: Partner) -> None:
    asked = partner.asks_back(ctx, 1_000)
    with pytest.raises(StateConflict):
        ledger.withdrawal_paid(lin(ctx), withdrawal_id=asked.id, bank_reference="CMB-2")
    with pytest.raises(StateConflict):
        ledger.withdrawal_fail(ctx, withdrawal_id=asked.id, reason="too early")
    ledger.withdrawal_approve(ctx, withdrawal_id=asked.id)
    assert ledger.withdrawal_approve(ctx, withdrawal_id=asked.id).version == 1
    with pytest.raises(StateConflict):
        ledger.withdrawal_cancel(partner.acts(ctx), partner_id=partner.id, withdrawal_id=asked.id)
    assert partner.stands(ctx) == (10_000, 1_000)


def test_one_payment_of_the_bank_pays_one_withdrawal(ctx: Ctx, partner: Partner) -> None:
    first, second = partner.asks_back(ctx, 1_000), partner.asks_back(ctx, 1_000)
    for withdrawal in (first, second):
        ledger.withdrawal_approve(lin(ctx), withdrawal_id=withdrawal.id)
    ledger.withdrawal_paid(ctx, withdrawal_id=first.id, bank_reference="CMB-3")
    with pytest.raises(ledger.BankReferenceUsed), ctx.db.sa.begin_nested():
        ledger.withdrawal_paid(ctx, withdrawal_id=second.id, bank_reference="CMB-3")
    assert partner.stands(ctx) == (9_000, 1_000)


def test_who_asked_does_not_approve(ctx: Ctx, partner: Partner) -> None:
    asked = ledger.withdrawal_request(
        lin(ctx), partner_id=partner.id, amount_minor=500, account=ACCOUNT
    )
    with pytest.raises(ledger.SecondPersonNeeded):
        ledger.withdrawal_approve(ctx, withdrawal_id=asked.id)
    approved = ledger.withdrawal_approve(chen(ctx), withdrawal_id=asked.id)
    assert approved.state is WithdrawalState.APPROVED


def test_the_bank_account_is_sealed_masked_and_revealed_for_a_reason(
    ctx: Ctx, partner: Partner
) -> None:
    asked = partner.asks_back(ctx, 1_000)
    assert asked.account_masked == "上********* 招商银行杭州分行 ****5678"
    with pytest.raises(Forbidden):
        ledger.withdrawal_account_reveal(ctx, withdrawal_id=asked.id, reason="curious")
    assert (
        ledger.withdrawal_account_reveal(lin(ctx), withdrawal_id=asked.id, reason="to pay")
        == ACCOUNT
    )
    ctx.actor = SYSTEM
    [entry] = parties.audit_page(
        ctx, search=parties.AuditSearch(subject=id_text("wdr", asked.id))
    ).items
    assert (entry.action, entry.reason) == ("withdrawal.account_reveal", "to pay")


def test_another_partners_withdrawal_is_as_if_it_did_not_exist(ctx: Ctx, partner: Partner) -> None:
    asked, other = partner.asks_back(ctx, 1_000), partner_open(ctx, 1)
    with pytest.raises(NotFound):
        ledger.withdrawal_cancel(other.acts(ctx), partner_id=other.id, withdrawal_id=asked.id)
    with pytest.raises(Forbidden):
        ledger.withdrawal_approve(ctx, withdrawal_id=asked.id)
    assert ledger.withdrawal_page(ctx, partner_id=other.id).items == []
    with pytest.raises(Forbidden):
        ledger.withdrawal_page(ctx, partner_id=partner.id)
    everything = ledger.withdrawal_page(lin(ctx), partner_id=None, state=WithdrawalState.REQUESTED)
    assert everything.items == [asked]


@pytest.mark.parametrize(
    ("account", "amount_minor", "path"),
    [
        (ACCOUNT, 0, "/amount_minor"),
        (BankAccount("", "b", "1"), 1, "/holder"),
        (BankAccount("a", "b" * 101, "1"), 1, "/bank"),
        (BankAccount("a", "b", "1" * 35), 1, "/account_number"),
    ],
)
def test_a_malformed_request_names_the_field(
    ctx: Ctx, partner: Partner, account: BankAccount, amount_minor: int, path: str
) -> None:
    with pytest.raises(InputInvalid) as refused:
        ledger.withdrawal_request(
            partner.acts(ctx), partner_id=partner.id, amount_minor=amount_minor, account=account
        )
    assert [field.path for field in refused.value.fields] == [path]
    assert partner.stands(ctx) == (10_000, 0)
