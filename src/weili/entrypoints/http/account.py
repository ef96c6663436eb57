"""A party's own account and its statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import money_answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import LIMIT, CursorIn, LimitIn, MomentIn
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.money import CURRENCY
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said
from weili.modules import dropship, ledger

router = APIRouter(tags=["account"])

PERIOD_DEFAULT: Final = timedelta(days=30)
PURPOSES_MAX: Final = 20
SUBJECT_KINDS: Final[Mapping[str, str]] = {
    dropship.ORDER_PREFIX: "order",
    dropship.CHILD_PREFIX: "child",
    dropship.PACKAGE_PREFIX: "package",
    ledger.DEPOSIT_PREFIX: "deposit",
    ledger.WITHDRAWAL_PREFIX: "withdrawal",
    ledger.CORRECTION_PREFIX: "correction",
}
"""What an entry may be about, by the prefix of its id; anything else is a reference of outside."""
KIND_OF_ROLE: Final[Mapping[str, ledger.AccountKind]] = {
    "partner": ledger.AccountKind.PARTNER_PREPAID,
    "supplier": ledger.AccountKind.SUPPLIER_PAYABLE,
}

FromIn = Annotated[MomentIn | None, Query(alias="from", description="30 days before `to` if none")]
ToIn = Annotated[MomentIn | None, Query(alias="to", description="not included; now if none")]
PurposeQuery = Annotated[
    tuple[Annotated[str, Field(pattern="^[a-z_]{1,40}$")], ...],
    Query(max_length=PURPOSES_MAX, description="only entries of this purpose; may be repeated"),
]


@router.get("/v1/account", response_model=money_answers.AccountOut)
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


@router.get("/v1/account/statement", response_model=money_answers.StatementOut)
def account_statement(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    from_at: FromIn = None,
    to_at: ToIn = None,
    purpose: PurposeQuery = (),
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List what moved on your account, each entry with where the account stood after it.

    With `purpose` only entries of those purposes are listed; opening, totals and closing stay
    those of all, so that they always sum up. A `cursor` goes on with the period of the first
    page, whatever `from` and `to` say.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        return statement(
            ctx,
            party_id=call.actor.party_id,
            kind=kind_of(call.actor.role),
            period=(from_at, to_at),
            purposes=purpose,
            cursor=cursor,
            limit=limit,
        )

    return read(call, work)


@router.get("/v1/account/months", response_model=money_answers.MonthsOut)
def account_months(call: CallIn) -> Response:
    """List the months that were closed on your account, the newest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = ledger.months_closed(
            ctx, party_id=call.actor.party_id, kind=kind_of(call.actor.role)
        )
        return {
            "items": [
                {
                    "month": f"{month_on:%Y-%m}",
                    "opening": _standing(sums.opening),
                    "moved": _standing(sums.moved),
                    "closing": _standing(sums.closing),
                    "entries": sums.entries,
                    "closed_at": moment(closed_at),
                }
                for month_on, sums, closed_at in found
            ]
        }

    return read(call, work)


def kind_of(role: str) -> ledger.AccountKind:
    """Say which account a party of a role has.

    Raises: NotFound, for a role that has none.
    """
    if role not in KIND_OF_ROLE:
        raise NotFound(what=ledger.ACCOUNT_WORD, id=role)
    return KIND_OF_ROLE[role]


def period_of(
    ctx: Ctx, period: tuple[datetime | None, datetime | None]
) -> tuple[datetime, datetime]:
    """Give a period with its defaults.

    Raises: InputInvalid, when it ends before it begins.
    """
    to_at = period[1] or ctx.now
    from_at = period[0] or to_at - PERIOD_DEFAULT
    if from_at > to_at:
        expected = Said("a moment before `to`", "早于 `to` 的时刻")
        raise InputInvalid(fields=(FieldProblem("?from", "after_to", expected),))
    return from_at, to_at


def statement(
    ctx: Ctx,
    *,
    party_id: PartyId,
    kind: ledger.AccountKind,
    period: tuple[datetime | None, datetime | None],
    purposes: Sequence[str],
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """Show a page of a party's statement.

    Raises: InputInvalid, when the period ends before it begins; what the ledger raises.
    """
    from_at, to_at = period_of(ctx, period)
    found = ledger.statement(
        ctx,
        party_id=party_id,
        kind=kind,
        from_at=from_at,
        to_at=to_at,
        purposes=purposes,
        cursor=cursor,
        limit=limit,
    )
    links = dropship.subjects_traced(ctx, subjects=[e.transfer.subject for e in found.entries])
    return {
        "kind": found.kind.value,
        "from_at": moment(found.from_at),
        "to_at": moment(found.to_at),
        "currency": CURRENCY,
        "opening": _standing(found.opening),
        "totals": [
            {
                "purpose": each.purpose,
                "count": each.count,
                "posted_minor": each.posted_minor,
                "held_minor": each.held_minor,
            }
            for each in found.totals
        ],
        "items": [_entry(entry, kind, links) for entry in found.entries],
        "closing": _standing(found.closing),
        "next_cursor": found.next_cursor,
    }


def linked(
    entry: ledger.Entry, kind: ledger.AccountKind, links: Mapping[str, dropship.Traced]
) -> dict[str, str | None]:
    """Say what an entry is about. A partner's own order number is not shown to its suppliers."""
    subject = entry.transfer.subject
    found = links.get(subject)
    is_partner = kind is ledger.AccountKind.PARTNER_PREPAID
    return {
        "subject": subject,
        "subject_kind": SUBJECT_KINDS.get(subject.partition("_")[0], "reference"),
        "order_id": id_text(dropship.ORDER_PREFIX, found.order_id) if found else None,
        "child_id": id_text(dropship.CHILD_PREFIX, found.child_id)
        if found and found.child_id
        else None,
        "order_number": found.number if found and is_partner else None,
    }


def _standing(standing: ledger.Standing) -> dict[str, int]:
    return {"posted_minor": standing.posted_minor, "held_minor": standing.held_minor}


def _entry(
    entry: ledger.Entry, kind: ledger.AccountKind, links: Mapping[str, dropship.Traced]
) -> dict[str, Any]:
    transfer = entry.transfer
    return {
        "transfer_id": id_text(ledger.TRANSFER_PREFIX, transfer.id),
        "kind": transfer.kind.value,
        "purpose": transfer.purpose,
        **linked(entry, kind, links),
        "occurred_at": moment(transfer.occurred_at),
        "posted_minor": entry.posted_minor,
        "held_minor": entry.held_minor,
        "posted_after_minor": entry.posted_after_minor,
        "held_after_minor": entry.held_after_minor,
    }
