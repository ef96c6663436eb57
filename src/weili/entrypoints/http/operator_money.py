"""The operator's work with money: deposits, withdrawals, corrections, months."""

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field, WithJsonSchema
from starlette.responses import Response

from weili.entrypoints.http import answers, money_answers
from weili.entrypoints.http.calls import Call, CallIn, change, read
from weili.entrypoints.http.checks import YEAR_MAX, YEAR_MIN, UnfitError
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.fields import (
    LIMIT,
    AmountIn,
    Body,
    CorrectionIdIn,
    CursorIn,
    DepositIdIn,
    LimitIn,
    PartyIdIn,
    ReasonIn,
    ReferenceIn,
    TransferIdIn,
    WithdrawalIdIn,
)
from weili.entrypoints.http.money import (
    DepositBody,
    DepositStateQuery,
    WithdrawalStateQuery,
    deposit_document,
    transfer_text,
    withdrawal_document,
)
from weili.entrypoints.http.operator_parties import party_of
from weili.entrypoints.http.orders import ReasonBody
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.money import CURRENCY
from weili.modules import ledger, parties

router = APIRouter(tags=["operator: money"])

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def month_read(value: object) -> date:
    """Read a month.

    Raises: UnfitError.
    """
    found = _MONTH.fullmatch(value) if isinstance(value, str) else None
    if found is None or not YEAR_MIN < int(found[1]) < YEAR_MAX:
        raise UnfitError("a month as 2026-11", "形如 2026-11 的月份")
    return date(int(found[1]), int(found[2]), 1)


MonthIn = Annotated[
    date,
    BeforeValidator(month_read),
    WithJsonSchema({"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$"}),
]
CorrectionStateQuery = Annotated[ledger.CorrectionState | None, Query(alias="state")]


class PaidBody(Body):
    """The bank's number of the payment."""

    bank_reference: ReferenceIn


class CorrectionBody(Body):
    """Which transfer was wrong, why, and how much of it; all of it unless an amount is named."""

    transfer_id: TransferIdIn
    reason: ReasonIn
    amount_minor: Annotated[AmountIn, Field(ge=1)] | None = None


def correction_document(correction: ledger.Correction) -> dict[str, Any]:
    """Show a correction."""
    return {
        "id": id_text(ledger.CORRECTION_PREFIX, correction.id),
        "party_id": id_text(parties.PARTY_PREFIX, correction.party_id),
        "state": correction.state,
        "corrects_id": id_text(ledger.TRANSFER_PREFIX, correction.corrects_id),
        "transfer_id": transfer_text(correction.transfer_id),
        "amount_minor": correction.amount_minor,
        "currency": CURRENCY,
        "reason": correction.reason,
        "refusal": correction.decision,
        "created_at": moment(correction.created_at),
    }


def _deposit(call: Call, work: Callable[[Ctx], ledger.Deposit], status: int = 200) -> Response:
    return change(call, lambda ctx: deposit_document(work(ctx)), status=status)


def _withdrawal(call: Call, work: Callable[[Ctx], ledger.Withdrawal]) -> Response:
    return change(call, lambda ctx: withdrawal_document(work(ctx)))


def _correction(
    call: Call, work: Callable[[Ctx], ledger.Correction], status: int = 200
) -> Response:
    return change(call, lambda ctx: correction_document(work(ctx)), status=status)


# --- deposits -----------------------------------------------------------------------------------


@router.post(
    "/v1/operator/partners/{party_id}/deposits",
    response_model=money_answers.DepositOut,
    status_code=201,
)
def deposit_enter(call: CallIn, party_id: PartyIdIn, body: DepositBody) -> Response:
    """Enter a payment for a partner; another person than you approves it."""

    def work(ctx: Ctx) -> ledger.Deposit:
        return ledger.deposit_submit(
            ctx,
            partner_id=party_of(ctx, party_id, parties.PartyKind.PARTNER).id,
            slip=body.slip,
            amount_minor=body.amount_minor,
            payer=body.payer,
            paid_on=body.paid_on,
        )

    return _deposit(call, work, 201)


@router.get("/v1/operator/deposits", response_model=answers.PageOut[money_answers.DepositOut])
def operator_deposit_page(
    call: CallIn,
    state: DepositStateQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List everybody's deposits, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = ledger.deposit_page(ctx, partner_id=None, state=state, cursor=cursor, limit=limit)
        return page(found.map(deposit_document))

    return read(call, work)


@router.post("/v1/operator/deposits/{deposit_id}:approve", response_model=money_answers.DepositOut)
def deposit_approve(call: CallIn, deposit_id: DepositIdIn) -> Response:
    """Credit a payment that you found at the bank."""
    return _deposit(call, lambda ctx: ledger.deposit_approve(ctx, deposit_id=deposit_id))


@router.post("/v1/operator/deposits/{deposit_id}:refuse", response_model=money_answers.DepositOut)
def deposit_refuse(call: CallIn, deposit_id: DepositIdIn, body: ReasonBody) -> Response:
    """Refuse a payment that you did not find; the partner is told why."""
    return _deposit(
        call, lambda ctx: ledger.deposit_refuse(ctx, deposit_id=deposit_id, reason=body.reason)
    )


@router.post(
    "/v1/operator/deposits/{deposit_id}:revealPayer", response_model=money_answers.PayerOut
)
def deposit_reveal_payer(call: CallIn, deposit_id: DepositIdIn, body: ReasonBody) -> Response:
    """Show who paid; who looked and why is written down."""
    return read(
        call,
        lambda ctx: {
            "payer": ledger.deposit_payer_reveal(ctx, deposit_id=deposit_id, reason=body.reason)
        },
    )


# --- withdrawals --------------------------------------------------------------------------------


@router.get("/v1/operator/withdrawals", response_model=answers.PageOut[money_answers.WithdrawalOut])
def operator_withdrawal_page(
    call: CallIn,
    state: WithdrawalStateQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List everybody's withdrawals, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = ledger.withdrawal_page(
            ctx, partner_id=None, state=state, cursor=cursor, limit=limit
        )
        return page(found.map(withdrawal_document))

    return read(call, work)


@router.post(
    "/v1/operator/withdrawals/{withdrawal_id}:approve",
    response_model=money_answers.WithdrawalOut,
)
def withdrawal_approve(call: CallIn, withdrawal_id: WithdrawalIdIn) -> Response:
    """Let a withdrawal be paid; the money stays held until the bank has."""
    return _withdrawal(
        call, lambda ctx: ledger.withdrawal_approve(ctx, withdrawal_id=withdrawal_id)
    )


@router.post(
    "/v1/operator/withdrawals/{withdrawal_id}:refuse", response_model=money_answers.WithdrawalOut
)
def withdrawal_refuse(call: CallIn, withdrawal_id: WithdrawalIdIn, body: ReasonBody) -> Response:
    """Refuse a withdrawal; the money is the partner's to spend again."""
    return _withdrawal(
        call,
        lambda ctx: ledger.withdrawal_refuse(ctx, withdrawal_id=withdrawal_id, reason=body.reason),
    )


@router.post(
    "/v1/operator/withdrawals/{withdrawal_id}:pay", response_model=money_answers.WithdrawalOut
)
def withdrawal_pay(call: CallIn, withdrawal_id: WithdrawalIdIn, body: PaidBody) -> Response:
    """Note that the bank has paid."""
    return _withdrawal(
        call,
        lambda ctx: ledger.withdrawal_paid(
            ctx, withdrawal_id=withdrawal_id, bank_reference=body.bank_reference
        ),
    )


@router.post(
    "/v1/operator/withdrawals/{withdrawal_id}:fail", response_model=money_answers.WithdrawalOut
)
def withdrawal_fail(call: CallIn, withdrawal_id: WithdrawalIdIn, body: ReasonBody) -> Response:
    """Note that the bank could not pay; the money is the partner's to spend again."""
    return _withdrawal(
        call,
        lambda ctx: ledger.withdrawal_fail(ctx, withdrawal_id=withdrawal_id, reason=body.reason),
    )


@router.post(
    "/v1/operator/withdrawals/{withdrawal_id}:revealAccount",
    response_model=money_answers.BankAccountOut,
)
def withdrawal_reveal_account(
    call: CallIn, withdrawal_id: WithdrawalIdIn, body: ReasonBody
) -> Response:
    """Show where a withdrawal is to be paid; who looked and why is written down."""

    def work(ctx: Ctx) -> dict[str, str]:
        account = ledger.withdrawal_account_reveal(
            ctx, withdrawal_id=withdrawal_id, reason=body.reason
        )
        return {
            "holder": account.holder,
            "bank": account.bank,
            "account_number": account.number,
        }

    return read(call, work)


# --- corrections --------------------------------------------------------------------------------


@router.post(
    "/v1/operator/parties/{party_id}/corrections",
    response_model=money_answers.CorrectionOut,
    status_code=201,
)
def correction_propose(call: CallIn, party_id: PartyIdIn, body: CorrectionBody) -> Response:
    """Propose a counter-entry to a transfer that was wrong; another person approves it."""

    def work(ctx: Ctx) -> ledger.Correction:
        return ledger.correction_propose(
            ctx,
            party_id=party_id,
            transfer_id=body.transfer_id,
            amount_minor=body.amount_minor,
            reason=body.reason,
        )

    return _correction(call, work, 201)


@router.get("/v1/operator/corrections", response_model=answers.PageOut[money_answers.CorrectionOut])
def correction_page(
    call: CallIn,
    state: CorrectionStateQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List corrections, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = ledger.correction_page(ctx, state=state, cursor=cursor, limit=limit)
        return page(found.map(correction_document))

    return read(call, work)


@router.post(
    "/v1/operator/corrections/{correction_id}:approve",
    response_model=money_answers.CorrectionOut,
)
def correction_approve(call: CallIn, correction_id: CorrectionIdIn) -> Response:
    """Write a counter-entry that another person proposed."""
    return _correction(
        call, lambda ctx: ledger.correction_approve(ctx, correction_id=correction_id)
    )


@router.post(
    "/v1/operator/corrections/{correction_id}:refuse", response_model=money_answers.CorrectionOut
)
def correction_refuse(call: CallIn, correction_id: CorrectionIdIn, body: ReasonBody) -> Response:
    """Refuse a counter-entry; nothing has moved."""
    return _correction(
        call,
        lambda ctx: ledger.correction_refuse(ctx, correction_id=correction_id, reason=body.reason),
    )


# --- months -------------------------------------------------------------------------------------


@router.post("/v1/operator/months/{month}:close", response_model=money_answers.MonthCloseOut)
def month_close(call: CallIn, month: MonthIn) -> Response:
    """Close a month for the next 200 accounts, holding each one's statement against the ledger.

    Call it, each time with a new key, until `left` is the number of those that `off` lists.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        done = ledger.month_close(ctx, month_on=month)
        return {
            "month": f"{done.month_on:%Y-%m}",
            "closed": done.closed,
            "left": done.left,
            "off": [
                {
                    "party_id": id_text(parties.PARTY_PREFIX, account.party_id),
                    "opening": standing(account.opening),
                    "moved": standing(account.moved),
                    "closing": standing(account.closing),
                    "off_minor": account.off_minor,
                }
                for account in done.off
            ],
        }

    return change(call, work)


def standing(of: ledger.Standing) -> dict[str, int]:
    """Show what stood on an account."""
    return {"posted_minor": of.posted_minor, "held_minor": of.held_minor}
