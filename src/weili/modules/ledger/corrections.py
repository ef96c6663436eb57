"""The verbs of corrections: a counter-entry to a wrong transfer, agreed on by two people."""

from dataclasses import replace

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.money import AMOUNT_MINOR_MAX, CURRENCY
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.modules.ledger import events, papers, rules, service
from weili.modules.ledger.model import (
    CORRECTION_PREFIX,
    CORRECTION_STATES,
    PURPOSE_CORRECTION,
    TRANSFER_PREFIX,
    Correction,
    CorrectionId,
    CorrectionState,
    NewTransfer,
    PaperStep,
    Transfer,
    TransferId,
    TransferKind,
)
from weili.modules.ledger.problems import (
    CORRECTION_WORD,
    TRANSFER_WORD,
    BalanceInsufficient,
    CorrectionUnfit,
)
from weili.modules.ledger.store import books
from weili.modules.ledger.store import papers as store

_S = CorrectionState


def correction_propose(
    ctx: Ctx,
    *,
    party_id: PartyId,
    transfer_id: TransferId,
    amount_minor: int | None,
    reason: str,
) -> Correction:
    """Propose a counter-entry to a transfer, of all that is not corrected yet unless told less.

    Raises: Forbidden; InputInvalid; NotFound; CorrectionUnfit, when nothing moved by it, less is
    left than was asked, or another correction of it waits.
    """
    ctx.require(papers.ADMIN)
    reason = papers.text_checked(reason, path="/reason")
    if amount_minor is not None:
        papers.amount_checked(amount_minor, amount_max=AMOUNT_MINOR_MAX)
    transfer = _transfer(ctx, party_id, transfer_id)
    left_minor = _left(ctx, transfer)
    asked_minor = left_minor if amount_minor is None else amount_minor
    correction = Correction(
        id=CorrectionId(new_id(ctx.now)),
        party_id=party_id,
        state=_S.PROPOSED,
        corrects_id=transfer_id,
        amount_minor=asked_minor,
        reason=reason,
        proposed_by=ctx.actor.label(),
        decided_by=None,
        decision="",
        created_at=ctx.now,
    )
    if not 0 < asked_minor <= left_minor or not store.correction_insert(ctx, correction):
        raise _unfit(transfer_id, left_minor, asked_minor)
    papers.step_write(ctx, PaperStep(correction.id, 0, party_id, "", _S.PROPOSED.value, reason))
    return correction


def correction_approve(ctx: Ctx, *, correction_id: CorrectionId) -> Correction:
    """Write the counter-entry. Approving it again changes nothing.

    Raises: Forbidden; NotFound; StateConflict; SecondPersonNeeded; CorrectionUnfit;
    BalanceInsufficient, when the partner has spent meanwhile what is to be taken back.
    """
    ctx.require(papers.ADMIN)
    correction = _locked(ctx, correction_id)
    if correction.state is _S.POSTED:
        return correction
    CORRECTION_STATES.check(correction.state, _S.POSTED, label=_label(correction))
    papers.second_person(
        ctx,
        entered_by=correction.proposed_by,
        what=CORRECTION_WORD,
        prefix=CORRECTION_PREFIX,
        subject_id=correction.id,
    )
    transfer = _transfer(ctx, correction.party_id, correction.corrects_id)
    left_minor = _left(ctx, transfer)
    if correction.amount_minor > left_minor:
        raise _unfit(transfer.id, left_minor, correction.amount_minor)
    counter_id = _write(ctx, correction, transfer)
    posted = _move(ctx, replace(correction, transfer_id=counter_id), _S.POSTED)
    ctx.announce(
        events.CORRECTION_POSTED,
        party_id=posted.party_id,
        subject=_label(posted),
        data={
            "correction_id": _label(posted),
            "corrects_id": id_text(TRANSFER_PREFIX, posted.corrects_id),
            "amount_minor": posted.amount_minor,
            "currency": CURRENCY,
            "reason": posted.reason,
        },
    )
    return posted


def correction_refuse(ctx: Ctx, *, correction_id: CorrectionId, reason: str) -> Correction:
    """Refuse a counter-entry; nothing has moved. Refusing it again changes nothing.

    Raises: Forbidden; InputInvalid; NotFound; StateConflict.
    """
    ctx.require(papers.ADMIN)
    reason = papers.text_checked(reason, path="/reason")
    correction = _locked(ctx, correction_id)
    if correction.state is _S.REFUSED:
        return correction
    return _move(ctx, correction, _S.REFUSED, decision=reason)


def correction_page(
    ctx: Ctx,
    *,
    state: CorrectionState | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Correction]:
    """List corrections, the newest first.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require(papers.ADMIN)
    size = limit_bounded(limit)
    rows = store.correction_page(ctx, state=state, before=cursor_id(cursor), limit=size + 1)
    return page_of(rows, limit=size, key=lambda correction: str(correction.id))


def _write(ctx: Ctx, correction: Correction, transfer: Transfer) -> TransferId:
    """Write the transfer the other way round, if whoever it takes from can give it."""
    counter = NewTransfer(
        id=TransferId(new_id(ctx.now)),
        party_id=correction.party_id,
        kind=TransferKind.DIRECT,
        debit=transfer.credit,
        credit=transfer.debit,
        amount_minor=correction.amount_minor,
        purpose=PURPOSE_CORRECTION,
        subject=_label(correction),
    )
    moves = rules.balance_moves([counter])
    balances = service.balances_lock(ctx, account_ids=moves)
    for account, (posted_minor, _) in moves.items():
        before = balances[account]
        after = before.moved(posted_minor=posted_minor)
        if posted_minor < 0 and after.available_minor < 0:
            raise BalanceInsufficient(
                available_minor=before.available_minor, needed_minor=correction.amount_minor
            )
        service.alarm_ring(ctx, before=before, after=after)
    service.transfers_write(ctx, transfers=[counter])
    return counter.id


def _transfer(ctx: Ctx, party_id: PartyId, transfer_id: TransferId) -> Transfer:
    transfer = books.transfer_find(ctx, party_id, transfer_id)
    if transfer is None:
        raise papers.unknown(TRANSFER_WORD, TRANSFER_PREFIX, transfer_id)
    return transfer


def _left(ctx: Ctx, transfer: Transfer) -> int:
    """Say how much of a transfer moved and is not corrected yet."""
    if transfer.kind not in {TransferKind.DIRECT, TransferKind.POST}:
        return 0
    return transfer.amount_minor - store.corrected_sum(ctx, transfer.party_id, transfer.id)


def _unfit(transfer_id: TransferId, left_minor: int, asked_minor: int) -> CorrectionUnfit:
    return CorrectionUnfit(
        transfer_id=id_text(TRANSFER_PREFIX, transfer_id),
        left_minor=left_minor,
        asked_minor=asked_minor,
    )


def _move(
    ctx: Ctx, correction: Correction, there: CorrectionState, *, decision: str = ""
) -> Correction:
    CORRECTION_STATES.check(correction.state, there, label=_label(correction))
    moved = replace(
        correction,
        state=there,
        decided_by=ctx.actor.label(),
        decision=decision,
        version=correction.version + 1,
    )
    store.correction_set(ctx, moved)
    papers.step_write(
        ctx,
        PaperStep(
            moved.id,
            moved.version,
            moved.party_id,
            correction.state.value,
            there.value,
            decision or there.value,
        ),
    )
    return moved


def _locked(ctx: Ctx, correction_id: CorrectionId) -> Correction:
    correction = store.correction_lock(ctx, correction_id)
    if correction is None:
        raise papers.unknown(CORRECTION_WORD, CORRECTION_PREFIX, correction_id)
    return correction


def _label(correction: Correction) -> str:
    return id_text(CORRECTION_PREFIX, correction.id)
