"""Money in and out of a partner's account: deposits, withdrawals, the alarm."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers, money_answers
from weili.entrypoints.http.calls import CallIn, change, read
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.fields import (
    LIMIT,
    AmountIn,
    Body,
    CursorIn,
    DayIn,
    DepositIdIn,
    LimitIn,
    ReferenceIn,
    TitleIn,
    WithdrawalIdIn,
)
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.money import CURRENCY
from weili.modules import ledger, parties

router = APIRouter(tags=["account"])

DepositStateQuery = Annotated[ledger.DepositState | None, Query(alias="state")]
WithdrawalStateQuery = Annotated[ledger.WithdrawalState | None, Query(alias="state")]
PaidIn = Annotated[int, Field(ge=1, le=ledger.TOP_UP_MINOR_MAX, description="in fen")]


class DepositBody(Body):
    """A payment that you made: the bank's number of it, who paid how much, and when."""

    slip: ReferenceIn
    amount_minor: PaidIn
    payer: TitleIn
    paid_on: DayIn


class PayBody(Body):
    """A payment by the sandbox's bank, which pays at once."""

    amount_minor: PaidIn
    reference: ReferenceIn


class WithdrawalBody(Body):
    """How much you want back, and to which account."""

    amount_minor: Annotated[AmountIn, Field(ge=1)]
    holder: TitleIn
    bank: TitleIn
    account_number: Annotated[str, Field(pattern="^[0-9A-Za-z -]{1,34}$")]


class AlarmBody(Body):
    """Below what you want to be told (``balance.low``); null for never."""

    alarm_minor: AmountIn | None


def deposit_document(deposit: ledger.Deposit) -> dict[str, Any]:
    """Show a deposit."""
    return {
        "id": id_text(ledger.DEPOSIT_PREFIX, deposit.id),
        "partner_id": id_text(parties.PARTY_PREFIX, deposit.partner_id),
        "channel": deposit.channel,
        "state": deposit.state,
        "slip": deposit.slip,
        "amount_minor": deposit.amount_minor,
        "currency": CURRENCY,
        "payer": deposit.payer_masked,
        "paid_on": deposit.paid_on.isoformat(),
        "reason": deposit.decision,
        "transfer_id": transfer_text(deposit.transfer_id),
        "created_at": moment(deposit.created_at),
    }


def withdrawal_document(withdrawal: ledger.Withdrawal) -> dict[str, Any]:
    """Show a withdrawal."""
    return {
        "id": id_text(ledger.WITHDRAWAL_PREFIX, withdrawal.id),
        "partner_id": id_text(parties.PARTY_PREFIX, withdrawal.partner_id),
        "state": withdrawal.state,
        "amount_minor": withdrawal.amount_minor,
        "currency": CURRENCY,
        "account": withdrawal.account_masked,
        "bank_reference": withdrawal.bank_reference,
        "reason": withdrawal.decision,
        "created_at": moment(withdrawal.created_at),
    }


def transfer_text(transfer_id: ledger.TransferId | None) -> str | None:
    """Write a transfer's id, if there is one."""
    return None if transfer_id is None else id_text(ledger.TRANSFER_PREFIX, transfer_id)


@router.post("/v1/account/deposits", response_model=money_answers.DepositOut, status_code=201)
def deposit_submit(call: CallIn, body: DepositBody) -> Response:
    """Say that you paid, with the bank's slip; it is credited once the operator has found it."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return deposit_document(
            ledger.deposit_submit(
                ctx,
                partner_id=call.actor.party_id,
                slip=body.slip,
                amount_minor=body.amount_minor,
                payer=body.payer,
                paid_on=body.paid_on,
            )
        )

    return change(call, work, status=201)


@router.post("/v1/account/deposits:pay", response_model=money_answers.DepositOut, status_code=201)
def deposit_pay(call: CallIn, body: PayBody) -> Response:
    """Pay by the sandbox's bank, which pays at once; the live world refuses it."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return deposit_document(
            ledger.deposit_pay(
                ctx,
                partner_id=call.actor.party_id,
                amount_minor=body.amount_minor,
                reference=body.reference,
            )
        )

    return change(call, work, status=201)


@router.get("/v1/account/deposits", response_model=answers.PageOut[money_answers.DepositOut])
def deposit_page(
    call: CallIn,
    state: DepositStateQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List your deposits, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = ledger.deposit_page(
            ctx, partner_id=call.actor.party_id, state=state, cursor=cursor, limit=limit
        )
        return page(found.map(deposit_document))

    return read(call, work)


@router.get("/v1/account/deposits/{deposit_id}", response_model=money_answers.DepositOut)
def deposit_get(call: CallIn, deposit_id: DepositIdIn) -> Response:
    """Show one of your deposits."""
    return read(call, lambda ctx: deposit_document(ledger.deposit_get(ctx, deposit_id=deposit_id)))


@router.post("/v1/account/withdrawals", response_model=money_answers.WithdrawalOut, status_code=201)
def withdrawal_request(call: CallIn, body: WithdrawalBody) -> Response:
    """Ask for money back. It is held from now on, so it can't be spent meanwhile."""

    def work(ctx: Ctx) -> dict[str, Any]:
        account = ledger.BankAccount(body.holder, body.bank, body.account_number)
        return withdrawal_document(
            ledger.withdrawal_request(
                ctx,
                partner_id=call.actor.party_id,
                amount_minor=body.amount_minor,
                account=account,
            )
        )

    return change(call, work, status=201)


@router.get("/v1/account/withdrawals", response_model=answers.PageOut[money_answers.WithdrawalOut])
def withdrawal_page(
    call: CallIn,
    state: WithdrawalStateQuery = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List your withdrawals, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = ledger.withdrawal_page(
            ctx, partner_id=call.actor.party_id, state=state, cursor=cursor, limit=limit
        )
        return page(found.map(withdrawal_document))

    return read(call, work)


@router.post(
    "/v1/account/withdrawals/{withdrawal_id}:cancel", response_model=money_answers.WithdrawalOut
)
def withdrawal_cancel(call: CallIn, withdrawal_id: WithdrawalIdIn) -> Response:
    """Take a request back before it is decided; the money is free again."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return withdrawal_document(
            ledger.withdrawal_cancel(
                ctx, partner_id=call.actor.party_id, withdrawal_id=withdrawal_id
            )
        )

    return change(call, work)


@router.put("/v1/account/alarm", response_model=money_answers.AlarmOut)
def alarm_put(call: CallIn, body: AlarmBody) -> Response:
    """Set below what you are told that your balance is low, once each time it falls."""

    def work(ctx: Ctx) -> dict[str, Any]:
        balance = ledger.alarm_set(
            ctx, partner_id=call.actor.party_id, alarm_minor=body.alarm_minor
        )
        return {
            "alarm_minor": balance.alarm_minor,
            "available_minor": balance.available_minor,
            "low": balance.is_low,
        }

    return read(call, work)
