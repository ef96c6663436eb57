"""The verbs of deposits: a partner says what it paid, one person of the operator's books it."""

from dataclasses import replace
from datetime import date

from weili.kit.context import Ctx, EventType, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.money import CURRENCY
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said, SandboxOnly
from weili.kit.secrets import mask_name
from weili.kit.zone import day_of
from weili.modules import parties
from weili.modules.ledger import events, papers, service
from weili.modules.ledger.model import (
    DEPOSIT_PREFIX,
    DEPOSIT_STATES,
    NAME_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    TOP_UP_MINOR_MAX,
    AccountKind,
    Channel,
    Deposit,
    DepositId,
    DepositState,
    PaperStep,
    account_id,
)
from weili.modules.ledger.problems import ACCOUNT_WORD, DEPOSIT_WORD, SlipUsed
from weili.modules.ledger.rules import slip_plain
from weili.modules.ledger.store import books
from weili.modules.ledger.store import papers as store

_S = DepositState


def deposit_submit(
    ctx: Ctx, *, partner_id: PartyId, slip: str, amount_minor: int, payer: str, paid_on: date
) -> Deposit:
    """Say that a payment was made, under the bank's number of it; nothing is credited yet.

    A partner does so for itself, staff for any partner. A slip that was refused may come again.
    However its number is written, with blanks, small letters or wide ones, it is one slip.

    Raises: Forbidden; InputInvalid; NotFound (no such account); SlipUsed.
    """
    ctx.require(papers.WRITE if partner_id == ctx.actor.party_id else papers.ADMIN)
    if paid_on > day_of(ctx.now):
        expected = Said("today or a day before", "今天或更早的日期")
        raise InputInvalid(fields=(FieldProblem("/paid_on", "in_the_future", expected),))
    deposit = _deposit(
        ctx,
        partner_id=partner_id,
        channel=Channel.BANK_SLIP,
        slip=slip_plain(slip),
        amount_minor=amount_minor,
        payer=payer,
        paid_on=paid_on,
    )
    if _is_used(ctx, deposit):
        raise SlipUsed(slip=deposit.slip)
    _insert(ctx, deposit, payer)
    return deposit


def deposit_pay(ctx: Ctx, *, partner_id: PartyId, amount_minor: int, reference: str) -> Deposit:
    """Pay by the sandbox's own bank, which pays at once: a deposit that is approved as it comes.

    Raises: SandboxOnly, in the live world; Forbidden; InputInvalid; NotFound; SlipUsed.
    """
    ctx.require(papers.WRITE if partner_id == ctx.actor.party_id else papers.ADMIN)
    if not ctx.is_sandbox:
        raise SandboxOnly
    deposit = _deposit(
        ctx,
        partner_id=partner_id,
        channel=Channel.SANDBOX,
        slip=reference,
        amount_minor=amount_minor,
        payer="sandbox",
        paid_on=day_of(ctx.now),
    )
    _insert(ctx, deposit, "sandbox")
    return _credit(ctx, deposit)


def deposit_approve(ctx: Ctx, *, deposit_id: DepositId) -> Deposit:
    """Book a payment that was found at the bank. Approving it again changes nothing.

    Raises: Forbidden; NotFound; StateConflict (it was refused); SecondPersonNeeded; SlipUsed,
    when the slip was credited meanwhile, to whomever.
    """
    ctx.require(papers.ADMIN)
    deposit = _locked(ctx, deposit_id)
    if deposit.state is _S.APPROVED:
        return deposit
    DEPOSIT_STATES.check(deposit.state, _S.APPROVED, label=id_text(DEPOSIT_PREFIX, deposit.id))
    papers.second_person(
        ctx,
        entered_by=deposit.entered_by,
        what=DEPOSIT_WORD,
        prefix=DEPOSIT_PREFIX,
        subject_id=deposit.id,
    )
    # Slips that were booked before there were deposits stand among the top-ups.
    is_booked = books.top_up_find(ctx, deposit.partner_id, deposit.slip) is not None
    if is_booked or not store.slip_claim(ctx, deposit):
        raise SlipUsed(slip=deposit.slip)
    return _credit(ctx, deposit)


def deposit_refuse(ctx: Ctx, *, deposit_id: DepositId, reason: str) -> Deposit:
    """Refuse a payment that was not found; the partner is told why. Again changes nothing.

    Raises: Forbidden; InputInvalid; NotFound; StateConflict (it was approved).
    """
    ctx.require(papers.ADMIN)
    reason = papers.text_checked(reason, path="/reason")
    deposit = _locked(ctx, deposit_id)
    if deposit.state is _S.REFUSED:
        return deposit
    refused = _move(ctx, deposit, _S.REFUSED, decision=reason)
    _announce(ctx, events.DEPOSIT_REFUSED, refused, reason=reason)
    return refused


def deposit_get(ctx: Ctx, *, deposit_id: DepositId) -> Deposit:
    """Give a deposit: a partner its own, staff any.

    Raises: Forbidden; NotFound, also for another partner's.
    """
    found = _found(ctx, deposit_id)
    return found[0]


def deposit_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    state: DepositState | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Deposit]:
    """List deposits, the newest first; without a partner everybody's.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require(papers.READ if partner_id == ctx.actor.party_id else papers.ADMIN)
    size = limit_bounded(limit)
    rows = store.deposit_page(
        ctx, partner_id=partner_id, state=state, before=cursor_id(cursor), limit=size + 1
    )
    return page_of(rows, limit=size, key=lambda deposit: str(deposit.id))


def deposit_payer_reveal(ctx: Ctx, *, deposit_id: DepositId, reason: str) -> str:
    """Show in full who paid, to compare it with the bank's; audited with the reason.

    Raises: Forbidden; InputInvalid; NotFound.
    """
    ctx.require(papers.ADMIN)
    deposit, sealed = _found(ctx, deposit_id)
    label = id_text(DEPOSIT_PREFIX, deposit.id)
    parties.audit_write(ctx, action="deposit.payer_reveal", subject=label, reason=reason)
    return ctx.keyring.open(sealed, bound_to=deposit.id.bytes).decode()


def _deposit(
    ctx: Ctx,
    *,
    partner_id: PartyId,
    channel: Channel,
    slip: str,
    amount_minor: int,
    payer: str,
    paid_on: date,
) -> Deposit:
    prepaid = account_id(AccountKind.PARTNER_PREPAID, partner_id)
    if not books.balances_read(ctx, [prepaid]):
        raise NotFound(what=ACCOUNT_WORD, id=AccountKind.PARTNER_PREPAID.value)
    name = papers.text_checked(payer, path="/payer", length_max=NAME_LENGTH_MAX)
    return Deposit(
        id=DepositId(new_id(ctx.now)),
        partner_id=partner_id,
        channel=channel,
        state=_S.SUBMITTED,
        slip=papers.text_checked(slip, path="/slip", length_max=REFERENCE_LENGTH_MAX),
        amount_minor=papers.amount_checked(amount_minor, amount_max=TOP_UP_MINOR_MAX),
        payer_masked=mask_name(name),
        paid_on=paid_on,
        entered_by=ctx.actor.label(),
        decided_by=None,
        decision="",
        created_at=ctx.now,
    )


def _is_used(ctx: Ctx, deposit: Deposit) -> bool:
    return (
        store.slip_is_used(ctx, deposit.slip)
        or books.top_up_find(ctx, deposit.partner_id, deposit.slip) is not None
    )


def _insert(ctx: Ctx, deposit: Deposit, payer: str) -> None:
    sealed = ctx.keyring.seal(payer.strip().encode(), bound_to=deposit.id.bytes)
    if not store.deposit_insert(ctx, deposit, payer_sealed=sealed):
        raise SlipUsed(slip=deposit.slip)
    papers.step_write(
        ctx, PaperStep(deposit.id, 0, deposit.partner_id, "", deposit.state.value, "submitted")
    )


def _credit(ctx: Ctx, deposit: Deposit) -> Deposit:
    """Pay a locked deposit in. The reference is the deposit itself, so it counts once."""
    made = service.top_up_write(
        ctx,
        partner_id=deposit.partner_id,
        amount_minor=deposit.amount_minor,
        reference=id_text(DEPOSIT_PREFIX, deposit.id),
    )
    credited = replace(deposit, transfer_id=made.transfer_id)
    approved = _move(ctx, credited, _S.APPROVED, decision="")
    _announce(ctx, events.DEPOSIT_APPROVED, approved)
    return approved


def _move(ctx: Ctx, deposit: Deposit, there: DepositState, *, decision: str) -> Deposit:
    DEPOSIT_STATES.check(deposit.state, there, label=id_text(DEPOSIT_PREFIX, deposit.id))
    moved = replace(
        deposit,
        state=there,
        decided_by=ctx.actor.label(),
        decision=decision,
        version=deposit.version + 1,
    )
    store.deposit_set(ctx, moved)
    papers.step_write(
        ctx,
        PaperStep(
            moved.id,
            moved.version,
            moved.partner_id,
            deposit.state.value,
            there.value,
            decision or there.value,
        ),
    )
    return moved


def _announce(ctx: Ctx, event_type: EventType, deposit: Deposit, **more: str) -> None:
    written_id = id_text(DEPOSIT_PREFIX, deposit.id)
    ctx.announce(
        event_type,
        party_id=deposit.partner_id,
        subject=written_id,
        data={
            "deposit_id": written_id,
            "slip": deposit.slip,
            "amount_minor": deposit.amount_minor,
            "currency": CURRENCY,
            **more,
        },
    )


def _locked(ctx: Ctx, deposit_id: DepositId) -> Deposit:
    deposit = store.deposit_lock(ctx, deposit_id)
    if deposit is None:
        raise papers.unknown(DEPOSIT_WORD, DEPOSIT_PREFIX, deposit_id)
    return deposit


def _found(ctx: Ctx, deposit_id: DepositId) -> tuple[Deposit, bytes]:
    if not papers.is_staff(ctx):
        ctx.require(papers.READ)
    found = store.deposit_find(ctx, deposit_id)
    if found is None or not (papers.is_staff(ctx) or found[0].partner_id == ctx.actor.party_id):
        raise papers.unknown(DEPOSIT_WORD, DEPOSIT_PREFIX, deposit_id)
    return found
