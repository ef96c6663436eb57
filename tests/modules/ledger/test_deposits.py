"""A bank slip becomes money once, when one person of the operator's has found it at the bank."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.modules.ledger.paper import chen, day, lin, partner_open, told
from weili.kit.context import SYSTEM, Actor, Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.problems import (
    Forbidden,
    InputInvalid,
    NotFound,
    SandboxOnly,
    StateConflict,
)
from weili.modules import ledger, parties
from weili.modules.ledger import DepositState


def test_a_slip_is_submitted_approved_and_stands_on_the_account(ctx: Ctx) -> None:
    partner = partner_open(ctx, 1_000)

    deposit = partner.submits(ctx, amount_minor=500_000)
    assert (deposit.state, partner.stands(ctx)) == (DepositState.SUBMITTED, (1_000, 0))

    approved = ledger.deposit_approve(lin(ctx), deposit_id=deposit.id)

    assert approved.state is DepositState.APPROVED
    assert approved.decided_by == "operator:key_lin"
    assert partner.stands(ctx) == (1_000 + 500_000, 0)
    assert told(ctx, partner.id)[-2:] == ["account.topped_up", "deposit.approved"]
    assert list(ledger.verify(ctx)) == []
    assert ledger.paper_history(ctx, subject_id=deposit.id) == [
        ("", "submitted", "partner:key_street", "submitted"),
        ("submitted", "approved", "operator:key_lin", "approved"),
    ]


def test_approving_again_changes_nothing(ctx: Ctx) -> None:
    partner = partner_open(ctx)
    deposit = partner.submits(ctx)
    first = ledger.deposit_approve(lin(ctx), deposit_id=deposit.id)
    announced = len(ctx.announced)

    assert ledger.deposit_approve(chen(ctx), deposit_id=deposit.id) == first
    assert partner.stands(ctx) == (500_000, 0)
    assert len(ctx.announced) == announced
    with pytest.raises(StateConflict):
        ledger.deposit_refuse(ctx, deposit_id=deposit.id, reason="too late")


def test_a_slip_is_credited_once_whoever_claims_it(ctx: Ctx) -> None:
    # Given two partners who both submit one slip
    street, creator = partner_open(ctx), partner_open(ctx)
    first, second = street.submits(ctx, "S-1"), creator.submits(ctx, "S-1")
    ledger.deposit_approve(lin(ctx), deposit_id=first.id)

    # When the second is approved, or a third comes
    with pytest.raises(ledger.SlipUsed):
        ledger.deposit_approve(ctx, deposit_id=second.id)
    with pytest.raises(ledger.SlipUsed):
        street.submits(ctx, "S-1")
    with pytest.raises(ledger.SlipUsed):
        creator.submits(ctx, "S-1")

    # Then it was credited to the first alone
    assert (street.stands(ctx), creator.stands(ctx)) == ((500_000, 0), (0, 0))


@pytest.mark.parametrize("written", ["b1-7", " B1 - 7 ", "Ｂ１－７", "b1\u3000-7"])
def test_a_slip_is_one_however_its_number_is_written(ctx: Ctx, written: str) -> None:
    street, creator = partner_open(ctx), partner_open(ctx)
    deposit = street.submits(ctx, "B1-7")
    ledger.deposit_approve(lin(ctx), deposit_id=deposit.id)

    with pytest.raises(ledger.SlipUsed) as refused:
        creator.submits(ctx, written)
    assert "credited" not in refused.value.text("en")


def test_a_slip_that_was_booked_as_a_top_up_is_not_credited_again(ctx: Ctx) -> None:
    partner = partner_open(ctx)
    deposit = partner.submits(ctx, "S-2")
    ctx.actor = SYSTEM
    ledger.top_up(ctx, partner_id=partner.id, amount_minor=500_000, reference="S-2")

    with pytest.raises(ledger.SlipUsed):
        ledger.deposit_approve(lin(ctx), deposit_id=deposit.id)
    with pytest.raises(ledger.SlipUsed):
        partner.submits(ctx, "S-2")


def test_a_refused_slip_may_come_again(ctx: Ctx) -> None:
    partner = partner_open(ctx)
    first = partner.submits(ctx, "S-3")
    refused = ledger.deposit_refuse(lin(ctx), deposit_id=first.id, reason="not at the bank yet")
    assert told(ctx, partner.id) == ["deposit.refused"]
    assert ledger.deposit_refuse(ctx, deposit_id=refused.id, reason="again") == refused
    with pytest.raises(StateConflict):
        ledger.deposit_approve(ctx, deposit_id=refused.id)

    again = partner.submits(ctx, "S-3")

    ledger.deposit_approve(lin(ctx), deposit_id=again.id)
    assert partner.stands(ctx) == (500_000, 0)


def test_who_entered_a_deposit_does_not_approve_it(ctx: Ctx) -> None:
    partner = partner_open(ctx)
    deposit = ledger.deposit_submit(
        lin(ctx), partner_id=partner.id, slip="S-4", amount_minor=7, payer="某", paid_on=day(ctx)
    )
    with pytest.raises(ledger.SecondPersonNeeded):
        ledger.deposit_approve(ctx, deposit_id=deposit.id)
    assert partner.stands(ctx) == (0, 0)

    ledger.deposit_approve(chen(ctx), deposit_id=deposit.id)
    assert partner.stands(ctx) == (7, 0)


def test_the_sandbox_pays_at_once_and_the_live_world_does_not(ctx: Ctx) -> None:
    partner = partner_open(ctx)
    paid = ledger.deposit_pay(
        partner.acts(ctx), partner_id=partner.id, amount_minor=12_345, reference="try-1"
    )
    assert paid.state is DepositState.APPROVED
    assert partner.stands(ctx) == (12_345, 0)
    with pytest.raises(ledger.SlipUsed):
        ledger.deposit_pay(ctx, partner_id=partner.id, amount_minor=12_345, reference="try-1")

    live = replace(ctx, is_sandbox=False, world="live")
    with pytest.raises(SandboxOnly):
        ledger.deposit_pay(live, partner_id=partner.id, amount_minor=1, reference="try-2")
    with pytest.raises(SandboxOnly):
        ledger.top_up(lin(live), partner_id=partner.id, amount_minor=1, reference="try-2")
    assert partner.stands(ctx) == (12_345, 0)
    assert list(ledger.verify(ctx)) == []


def test_the_payer_is_masked_and_shown_to_staff_for_a_reason_that_is_kept(ctx: Ctx) -> None:
    partner = partner_open(ctx)
    deposit = partner.submits(ctx)
    assert deposit.payer_masked == "上" + "*" * 9
    with pytest.raises(Forbidden):
        ledger.deposit_payer_reveal(ctx, deposit_id=deposit.id, reason="curious")

    shown = ledger.deposit_payer_reveal(lin(ctx), deposit_id=deposit.id, reason="compare")

    assert shown == "上海街坊商贸有限公司"
    ctx.actor = SYSTEM
    [entry] = parties.audit_page(
        ctx, search=parties.AuditSearch(subject=id_text("dep", deposit.id))
    ).items
    assert (entry.action, entry.reason) == ("deposit.payer_reveal", "compare")


def test_a_partner_sees_its_own_deposits_and_no_other(ctx: Ctx) -> None:
    street, creator = partner_open(ctx), partner_open(ctx)
    older, newer = street.submits(ctx, "S-5"), street.submits(ctx, "S-6")
    creator.submits(ctx, "S-7")

    page = ledger.deposit_page(street.acts(ctx), partner_id=street.id, limit=1)
    assert page.items == [newer]
    rest = ledger.deposit_page(ctx, partner_id=street.id, cursor=page.next_cursor)
    assert rest.items == [older]
    with pytest.raises(Forbidden):
        ledger.deposit_page(ctx, partner_id=None)
    with pytest.raises(NotFound):
        ledger.deposit_get(creator.acts(ctx), deposit_id=older.id)
    with pytest.raises(Forbidden):
        ledger.deposit_approve(ctx, deposit_id=older.id)
    waiting = ledger.deposit_page(lin(ctx), partner_id=None, state=DepositState.SUBMITTED)
    assert [deposit.slip for deposit in waiting.items] == ["S-7", "S-6", "S-5"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("slip", ""),
        ("slip", "a\nb"),
        ("amount_minor", 0),
        ("amount_minor", ledger.TOP_UP_MINOR_MAX + 1),
        ("payer", " "),
        ("paid_on", 1),
    ],
)
def test_a_malformed_deposit_is_refused_with_the_field_at_fault(
    ctx: Ctx, path: str, value: str | int
) -> None:
    partner = partner_open(ctx)
    good = {"slip": "S", "amount_minor": 1, "payer": "某", "paid_on": day(ctx)}
    bad = day(ctx) + timedelta(days=1) if path == "paid_on" else value
    with pytest.raises(InputInvalid) as refused:
        ledger.deposit_submit(partner.acts(ctx), partner_id=partner.id, **(good | {path: bad}))
    assert [field.path for field in refused.value.fields] == [f"/{path}"]
    assert ledger.deposit_page(ctx, partner_id=partner.id).items == []


def test_nobody_submits_for_another_and_nothing_for_who_has_no_account(ctx: Ctx) -> None:
    street, creator = partner_open(ctx), partner_open(ctx)
    street.acts(ctx)
    with pytest.raises(Forbidden):
        ledger.deposit_submit(
            ctx, partner_id=creator.id, slip="S", amount_minor=1, payer="某", paid_on=day(ctx)
        )
    with pytest.raises(NotFound):
        ledger.deposit_submit(
            lin(ctx),
            partner_id=PartyId(uuid4()),
            slip="S",
            amount_minor=1,
            payer="某",
            paid_on=day(ctx),
        )
    reader = Actor("partner", street.id, "key_read", frozenset({"account:read"}))
    ctx.actor = reader
    with pytest.raises(Forbidden):
        ledger.deposit_pay(ctx, partner_id=street.id, amount_minor=1, reference="x")
