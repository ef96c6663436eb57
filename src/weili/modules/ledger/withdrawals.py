"""The verbs of withdrawals: money is held when asked for, and leaves when the bank has paid."""

from dataclasses import replace

import msgspec

from weili.kit.context import SYSTEM_PARTY, Ctx, EventType, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.money import AMOUNT_MINOR_MAX, CURRENCY
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import NotFound
from weili.kit.secrets import MASK, mask_name
from weili.modules import parties
from weili.modules.ledger import events, papers, service
from weili.modules.ledger.model import (
    ACCOUNT_NUMBER_LENGTH_MAX,
    NAME_LENGTH_MAX,
    PURPOSE_WITHDRAWAL,
    REFERENCE_LENGTH_MAX,
    WITHDRAWAL_PREFIX,
    WITHDRAWAL_STATES,
    AccountKind,
    BankAccount,
    NewTransfer,
    PaperStep,
    Settlement,
    TransferId,
    TransferKind,
    Withdrawal,
    WithdrawalId,
    WithdrawalState,
    account_id,
)
from weili.modules.ledger.problems import (
    ACCOUNT_WORD,
    WITHDRAWAL_WORD,
    BalanceInsufficient,
    BankReferenceUsed,
)
from weili.modules.ledger.store import papers as store

_S = WithdrawalState
_TAIL = 4


def withdrawal_request(
    ctx: Ctx, *, partner_id: PartyId, amount_minor: int, account: BankAccount
) -> Withdrawal:
    """Ask for money back; it is held from now on, so it can't be spent meanwhile.

    Raises: Forbidden; InputInvalid; NotFound (no such account); BalanceInsufficient.
    """
    ctx.require(papers.WRITE if partner_id == ctx.actor.party_id else papers.ADMIN)
    papers.amount_checked(amount_minor, amount_max=AMOUNT_MINOR_MAX)
    account = _account_checked(account)
    prepaid = account_id(AccountKind.PARTNER_PREPAID, partner_id)
    balance = service.balances_lock(ctx, account_ids=[prepaid]).get(prepaid)
    if balance is None:
        raise NotFound(what=ACCOUNT_WORD, id=AccountKind.PARTNER_PREPAID.value)
    if amount_minor > balance.available_minor:
        raise BalanceInsufficient(
            available_minor=balance.available_minor, needed_minor=amount_minor
        )
    withdrawal = Withdrawal(
        id=WithdrawalId(new_id(ctx.now)),
        partner_id=partner_id,
        state=_S.REQUESTED,
        amount_minor=amount_minor,
        hold_id=TransferId(new_id(ctx.now)),
        account_masked=(
            f"{mask_name(account.holder)} {account.bank} {MASK * 4}{account.number[-_TAIL:]}"
        ),
        requested_by=ctx.actor.label(),
        decided_by=None,
        decision="",
        bank_reference=None,
        created_at=ctx.now,
    )
    hold = NewTransfer(
        id=withdrawal.hold_id,
        party_id=partner_id,
        kind=TransferKind.HOLD,
        debit=prepaid,
        credit=account_id(AccountKind.PLATFORM_BANK, SYSTEM_PARTY),
        amount_minor=amount_minor,
        purpose=PURPOSE_WITHDRAWAL,
        subject=id_text(WITHDRAWAL_PREFIX, withdrawal.id),
    )
    service.transfers_write(ctx, transfers=[hold])
    service.alarm_ring(ctx, before=balance, after=balance.moved(held_minor=amount_minor))
    sealed = ctx.keyring.seal(msgspec.json.encode(account), bound_to=withdrawal.id.bytes)
    store.withdrawal_insert(ctx, withdrawal, account_sealed=sealed)
    papers.step_write(
        ctx, PaperStep(withdrawal.id, 0, partner_id, "", _S.REQUESTED.value, "requested")
    )
    return withdrawal


def withdrawal_cancel(ctx: Ctx, *, partner_id: PartyId, withdrawal_id: WithdrawalId) -> Withdrawal:
    """Take a request back before it is decided; the money is free again. Again changes nothing.

    Raises: Forbidden; NotFound, also for another partner's; StateConflict.
    """
    ctx.require(papers.WRITE)
    withdrawal = _locked(ctx, withdrawal_id, partner_id=partner_id)
    if withdrawal.state is _S.CANCELLED:
        return withdrawal
    return _end(ctx, withdrawal, _S.CANCELLED)


def withdrawal_approve(ctx: Ctx, *, withdrawal_id: WithdrawalId) -> Withdrawal:
    """Let a request be paid out; the money stays held. Approving it again changes nothing.

    Raises: Forbidden; NotFound; StateConflict; SecondPersonNeeded.
    """
    ctx.require(papers.ADMIN)
    withdrawal = _locked(ctx, withdrawal_id)
    if withdrawal.state is _S.APPROVED:
        return withdrawal
    papers.second_person(
        ctx,
        entered_by=withdrawal.requested_by,
        what=WITHDRAWAL_WORD,
        prefix=WITHDRAWAL_PREFIX,
        subject_id=withdrawal.id,
    )
    approved = _move(ctx, withdrawal, _S.APPROVED)
    _announce(ctx, events.WITHDRAWAL_APPROVED, approved)
    return approved


def withdrawal_refuse(ctx: Ctx, *, withdrawal_id: WithdrawalId, reason: str) -> Withdrawal:
    """Refuse a request; the money is free again. Refusing it again changes nothing.

    Raises: Forbidden; InputInvalid; NotFound; StateConflict.
    """
    return _give_back(ctx, withdrawal_id, _S.REFUSED, reason, events.WITHDRAWAL_REFUSED)


def withdrawal_fail(ctx: Ctx, *, withdrawal_id: WithdrawalId, reason: str) -> Withdrawal:
    """Note that the bank could not pay; the money is free again. Again changes nothing.

    Raises: Forbidden; InputInvalid; NotFound; StateConflict.
    """
    return _give_back(ctx, withdrawal_id, _S.FAILED, reason, events.WITHDRAWAL_FAILED)


def withdrawal_paid(ctx: Ctx, *, withdrawal_id: WithdrawalId, bank_reference: str) -> Withdrawal:
    """Note that the bank has paid: the held money leaves the account. Again changes nothing.

    Raises: Forbidden; InputInvalid; NotFound; StateConflict; BankReferenceUsed.
    """
    ctx.require(papers.ADMIN)
    bank_reference = papers.text_checked(
        bank_reference, path="/bank_reference", length_max=REFERENCE_LENGTH_MAX
    )
    withdrawal = _locked(ctx, withdrawal_id)
    if withdrawal.state is _S.PAID and withdrawal.bank_reference == bank_reference:
        return withdrawal
    WITHDRAWAL_STATES.check(withdrawal.state, _S.PAID, label=_label(withdrawal))
    _settle(ctx, withdrawal, post_minor=withdrawal.amount_minor)
    # Under the balance's lock, which all of the partner's withdrawals take.
    if store.bank_reference_is_used(ctx, withdrawal.partner_id, bank_reference):
        raise BankReferenceUsed(reference=bank_reference)
    paid = _move(ctx, replace(withdrawal, bank_reference=bank_reference), _S.PAID)
    _announce(ctx, events.WITHDRAWAL_PAID, paid, bank_reference=bank_reference)
    return paid


def withdrawal_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    state: WithdrawalState | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Withdrawal]:
    """List withdrawals, the newest first; without a partner everybody's.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require(papers.READ if partner_id == ctx.actor.party_id else papers.ADMIN)
    size = limit_bounded(limit)
    rows = store.withdrawal_page(
        ctx, partner_id=partner_id, state=state, before=cursor_id(cursor), limit=size + 1
    )
    return page_of(rows, limit=size, key=lambda withdrawal: str(withdrawal.id))


def withdrawal_account_reveal(ctx: Ctx, *, withdrawal_id: WithdrawalId, reason: str) -> BankAccount:
    """Show in full where a withdrawal is to be paid; audited with the reason.

    Raises: Forbidden; InputInvalid; NotFound.
    """
    ctx.require(papers.ADMIN)
    found = store.withdrawal_account(ctx, withdrawal_id)
    if found is None:
        raise papers.unknown(WITHDRAWAL_WORD, WITHDRAWAL_PREFIX, withdrawal_id)
    label = id_text(WITHDRAWAL_PREFIX, withdrawal_id)
    parties.audit_write(ctx, action="withdrawal.account_reveal", subject=label, reason=reason)
    plain = ctx.keyring.open(found[1], bound_to=withdrawal_id.bytes)
    return msgspec.json.decode(plain, type=BankAccount)


def _account_checked(account: BankAccount) -> BankAccount:
    return BankAccount(
        papers.text_checked(account.holder, path="/holder", length_max=NAME_LENGTH_MAX),
        papers.text_checked(account.bank, path="/bank", length_max=NAME_LENGTH_MAX),
        papers.text_checked(
            account.number, path="/account_number", length_max=ACCOUNT_NUMBER_LENGTH_MAX
        ),
    )


def _give_back(
    ctx: Ctx,
    withdrawal_id: WithdrawalId,
    there: WithdrawalState,
    reason: str,
    event_type: EventType,
) -> Withdrawal:
    ctx.require(papers.ADMIN)
    reason = papers.text_checked(reason, path="/reason")
    withdrawal = _locked(ctx, withdrawal_id)
    if withdrawal.state is there:
        return withdrawal
    ended = _end(ctx, withdrawal, there, reason)
    _announce(ctx, event_type, ended, reason=reason)
    return ended


def _end(ctx: Ctx, withdrawal: Withdrawal, there: WithdrawalState, reason: str = "") -> Withdrawal:
    """Free what a withdrawal holds."""
    WITHDRAWAL_STATES.check(withdrawal.state, there, label=_label(withdrawal))
    _settle(ctx, withdrawal, post_minor=0)
    return _move(ctx, withdrawal, there, decision=reason)


def _settle(ctx: Ctx, withdrawal: Withdrawal, *, post_minor: int) -> None:
    settlement = Settlement(
        hold_id=withdrawal.hold_id,
        party_id=withdrawal.partner_id,
        post_minor=post_minor,
        void_rest=True,
        subject=_label(withdrawal),
        purpose=PURPOSE_WITHDRAWAL,
    )
    service.holds_settle(ctx, settlements=[settlement])


def _move(
    ctx: Ctx, withdrawal: Withdrawal, there: WithdrawalState, *, decision: str = ""
) -> Withdrawal:
    WITHDRAWAL_STATES.check(withdrawal.state, there, label=_label(withdrawal))
    moved = replace(
        withdrawal,
        state=there,
        decided_by=ctx.actor.label(),
        decision=decision,
        version=withdrawal.version + 1,
    )
    store.withdrawal_set(ctx, moved)
    papers.step_write(
        ctx,
        PaperStep(
            moved.id,
            moved.version,
            moved.partner_id,
            withdrawal.state.value,
            there.value,
            decision or there.value,
        ),
    )
    return moved


def _announce(ctx: Ctx, event_type: EventType, withdrawal: Withdrawal, **more: str) -> None:
    ctx.announce(
        event_type,
        party_id=withdrawal.partner_id,
        subject=_label(withdrawal),
        data={
            "withdrawal_id": _label(withdrawal),
            "amount_minor": withdrawal.amount_minor,
            "currency": CURRENCY,
            **more,
        },
    )


def _locked(
    ctx: Ctx, withdrawal_id: WithdrawalId, *, partner_id: PartyId | None = None
) -> Withdrawal:
    withdrawal = store.withdrawal_lock(ctx, withdrawal_id)
    if withdrawal is None or partner_id not in {None, withdrawal.partner_id}:
        raise papers.unknown(WITHDRAWAL_WORD, WITHDRAWAL_PREFIX, withdrawal_id)
    return withdrawal


def _label(withdrawal: Withdrawal) -> str:
    return id_text(WITHDRAWAL_PREFIX, withdrawal.id)
