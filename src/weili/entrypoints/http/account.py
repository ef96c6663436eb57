"""A party's own account and its statement."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import LIMIT, CursorIn, LimitIn, MomentIn
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.money import CURRENCY
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said
from weili.modules import ledger

router = APIRouter(tags=["account"])

PERIOD_DEFAULT: Final = timedelta(days=30)
KIND_OF_ROLE: Final[Mapping[str, ledger.AccountKind]] = {
    "partner": ledger.AccountKind.PARTNER_PREPAID,
    "supplier": ledger.AccountKind.SUPPLIER_PAYABLE,
}

FromIn = Annotated[MomentIn | None, Query(alias="from", description="30 days before `to` if none")]
ToIn = Annotated[MomentIn | None, Query(alias="to", description="not included; now if none")]


@router.get("/v1/account", response_model=answers.AccountOut)
def account_get(call: CallIn) -> Response:
    """Show what stands on your account: what you paid in, or what you are owed."""

    def work(ctx: Ctx) -> dict[str, Any]:
        kind = kind_of(call.actor.role)
        account = ledger.account_id(kind, call.actor.party_id)
        balance = ledger.balances_read(ctx, account_ids=[account]).get(account)
        if balance is None:
            raise NotFound(what=ledger.ACCOUNT_WORD, id=kind.value)
        return {
            "kind": kind.value,
            "posted_minor": balance.posted_minor,
            "held_minor": balance.held_minor,
            "available_minor": balance.available_minor,
            "currency": CURRENCY,
        }

    return read(call, work)


@router.get("/v1/account/statement", response_model=answers.StatementOut)
def account_statement(
    call: CallIn,
    from_at: FromIn = None,
    to_at: ToIn = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List what moved on your account, each entry with where the account stood after it.

    Name `from` and `to` yourself when you turn pages, so that every page is of the same period.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        return statement(
            ctx,
            party_id=call.actor.party_id,
            kind=kind_of(call.actor.role),
            period=(from_at, to_at),
            cursor=cursor,
            limit=limit,
        )

    return read(call, work)


def kind_of(role: str) -> ledger.AccountKind:
    """Say which account a party of a role has.

    Raises: NotFound, for a role that has none.
    """
    if role not in KIND_OF_ROLE:
        raise NotFound(what=ledger.ACCOUNT_WORD, id=role)
    return KIND_OF_ROLE[role]


def statement(
    ctx: Ctx,
    *,
    party_id: PartyId,
    kind: ledger.AccountKind,
    period: tuple[MomentIn | None, MomentIn | None],
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """Show a page of a party's statement.

    Raises: InputInvalid, when the period ends before it begins; what the ledger raises.
    """
    to_at = period[1] or ctx.now
    from_at = period[0] or to_at - PERIOD_DEFAULT
    if from_at > to_at:
        expected = Said("a moment before `to`", "早于 `to` 的时刻")
        raise InputInvalid(fields=(FieldProblem("?from", "after_to", expected),))
    found = ledger.statement(
        ctx, party_id=party_id, kind=kind, from_at=from_at, to_at=to_at, cursor=cursor, limit=limit
    )
    return {
        "kind": found.kind.value,
        "from_at": moment(found.from_at),
        "to_at": moment(found.to_at),
        "currency": CURRENCY,
        "opening": _standing(found.opening),
        "items": [_entry(entry) for entry in found.entries],
        "closing": _standing(found.closing),
        "next_cursor": found.next_cursor,
    }


def _standing(standing: ledger.Standing) -> dict[str, int]:
    return {"posted_minor": standing.posted_minor, "held_minor": standing.held_minor}


def _entry(entry: ledger.Entry) -> dict[str, Any]:
    transfer = entry.transfer
    return {
        "transfer_id": id_text(ledger.TRANSFER_PREFIX, transfer.id),
        "kind": transfer.kind.value,
        "purpose": transfer.purpose,
        "subject": transfer.subject,
        "occurred_at": moment(transfer.occurred_at),
        "posted_minor": entry.posted_minor,
        "held_minor": entry.held_minor,
        "posted_after_minor": entry.posted_after_minor,
        "held_after_minor": entry.held_after_minor,
    }
