"""The operator's work with parties: who trades, with which keys, and with what money."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers, money_answers, session_answers
from weili.entrypoints.http.account import FromIn, PurposeQuery, ToIn, kind_of, statement
from weili.entrypoints.http.calls import Call, CallIn, change, read
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.fields import (
    LIMIT,
    Body,
    CursorIn,
    KeyIdIn,
    LimitIn,
    MomentIn,
    PartyIdIn,
    ReferenceIn,
    SecretIn,
    TitleIn,
    UrlIn,
    UsccIn,
)
from weili.entrypoints.http.orders import ReasonBody
from weili.entrypoints.http.people import (
    PersonBody,
    PersonIdIn,
    access_ended,
    invited,
    person_document,
)
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_parse, id_text
from weili.kit.money import CURRENCY
from weili.kit.problems import NotFound
from weili.modules import dropship, ledger, parties
from weili.workflows.open_accounts import open_partner, open_supplier

router = APIRouter(tags=["operator: parties"])

SCOPES_MAX = 20


class SupplierBody(Body):
    """A company that supplies."""

    name: TitleIn
    legal_name: TitleIn
    uscc: UsccIn


class PartnerBody(SupplierBody):
    """A company that sells; ``price_list`` and ``pools`` are names."""

    price_list: TitleIn | None = None
    pools: Annotated[list[TitleIn], Field(max_length=100)] = Field(default_factory=list)


class OwnKeyBody(Body):
    """A key to issue: signing with a secret, or (in a sandbox) a bearer token."""

    kind: Literal["hmac", "bearer"]
    scopes: Annotated[list[TitleIn], Field(min_length=1, max_length=SCOPES_MAX)]
    label: TitleIn
    expires_at: MomentIn | None = None


class KeyBody(OwnKeyBody):
    """A key to issue, and to whom."""

    party_id: PartyIdIn


class TopUpBody(Body):
    """Money that came in; the reference makes it count once."""

    amount_minor: Annotated[int, Field(ge=1, le=ledger.TOP_UP_MINOR_MAX, description="in fen")]
    reference: ReferenceIn


class ConnectionBody(Body):
    """Where a supplier's own system takes orders, and the secret to sign requests to it with."""

    base_url: UrlIn
    secret: SecretIn


PartyQuery = Annotated[PartyIdIn, Query(description="whose keys")]


def party_document(party: parties.Party) -> dict[str, Any]:
    """Show a party."""
    return {
        "id": id_text(parties.PARTY_PREFIX, party.id),
        "kind": party.kind,
        "name": party.name,
        "legal_name": party.legal_name,
        "uscc": party.uscc,
        "state": party.state,
        "created_at": moment(party.created_at),
    }


def party_of(ctx: Ctx, party_id: PartyId, kind: parties.PartyKind | None = None) -> parties.Party:
    """Give a party, of a kind where one is named.

    Raises: NotFound.
    """
    party = parties.parties_get(ctx, party_ids=[party_id]).get(party_id)
    if party is None or kind not in {None, party.kind}:
        what = parties.PARTY_WORD if kind is None else parties.KIND_WORDS[kind]
        raise NotFound(what=what, id=id_text(parties.PARTY_PREFIX, party_id))
    return party


@router.post("/v1/operator/suppliers", response_model=answers.PartyOut, status_code=201)
def supplier_open(call: CallIn, body: SupplierBody) -> Response:
    """Open a supplier with the account of what it is owed."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return party_document(
            open_supplier(ctx, name=body.name, legal_name=body.legal_name, uscc=body.uscc)
        )

    return change(call, work, status=201)


@router.get("/v1/operator/suppliers", response_model=answers.PageOut[answers.PartyOut])
def supplier_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List the suppliers."""
    return read(call, lambda ctx: _page(ctx, parties.PartyKind.SUPPLIER, cursor, limit))


@router.post("/v1/operator/partners", response_model=answers.PartyOut, status_code=201)
def partner_open(call: CallIn, body: PartnerBody) -> Response:
    """Open a partner with a prepaid account, and the pools it may order from.

    Naming pools also needs `admin:goods`, naming a price list `admin:prices`.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        party = open_partner(
            ctx,
            name=body.name,
            legal_name=body.legal_name,
            uscc=body.uscc,
            price_list=body.price_list,
            pools=body.pools,
        )
        return party_document(party)

    return change(call, work, status=201)


@router.get("/v1/operator/partners", response_model=answers.PageOut[answers.PartyOut])
def partner_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List the partners."""
    return read(call, lambda ctx: _page(ctx, parties.PartyKind.PARTNER, cursor, limit))


@router.put("/v1/operator/suppliers/{party_id}/connection", response_model=answers.DoneOut)
def connection_put(call: CallIn, party_id: PartyIdIn, body: ConnectionBody) -> Response:
    """Say where a supplier's own system takes orders."""

    def work(ctx: Ctx) -> dict[str, bool]:
        party_of(ctx, party_id, parties.PartyKind.SUPPLIER)
        dropship.connection_put(
            ctx, supplier_id=party_id, base_url=body.base_url, secret=body.secret
        )
        return {"done": True}

    return read(call, work)


@router.post(
    "/v1/operator/partners/{party_id}:topUp", response_model=money_answers.TopUpOut, status_code=201
)
def partner_top_up(call: CallIn, party_id: PartyIdIn, body: TopUpBody) -> Response:
    """Pay money into a partner's prepaid account at once.

    Sandboxes only: in the live world money comes in by a deposit that a second person approves.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        made = ledger.top_up(
            ctx, partner_id=party_id, amount_minor=body.amount_minor, reference=body.reference
        )
        return {
            "transfer_id": id_text(ledger.TRANSFER_PREFIX, made.transfer_id),
            "partner_id": id_text(parties.PARTY_PREFIX, made.partner_id),
            "amount_minor": made.amount_minor,
            "currency": CURRENCY,
            "reference": made.reference,
            "occurred_at": moment(made.occurred_at),
        }

    return change(call, work, status=201)


@router.get("/v1/operator/parties/{party_id}/statement", response_model=money_answers.StatementOut)
def party_statement(
    call: CallIn,
    party_id: PartyIdIn,
    *,
    from_at: FromIn = None,
    to_at: ToIn = None,
    purpose: PurposeQuery = (),
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List what moved on a party's account."""
    period: tuple[datetime | None, datetime | None] = (from_at, to_at)

    def work(ctx: Ctx) -> dict[str, Any]:
        party = party_of(ctx, party_id)
        return statement(
            ctx,
            party_id=party.id,
            kind=kind_of(party.kind),
            period=period,
            purposes=purpose,
            cursor=cursor,
            limit=limit,
        )

    return read(call, work)


@router.post("/v1/operator/parties/{party_id}:suspend", response_model=answers.PartyOut)
def party_suspend(call: CallIn, party_id: PartyIdIn, body: ReasonBody) -> Response:
    """Refuse every request of a party from now on."""
    response = change(
        call,
        lambda ctx: party_document(
            parties.party_suspend(ctx, party_id=party_id, reason=body.reason)
        ),
    )
    call.forget_keys()
    return response


@router.post("/v1/operator/parties/{party_id}:resume", response_model=answers.PartyOut)
def party_resume(call: CallIn, party_id: PartyIdIn, body: ReasonBody) -> Response:
    """Let a suspended party work again."""
    response = change(
        call,
        lambda ctx: party_document(
            parties.party_resume(ctx, party_id=party_id, reason=body.reason)
        ),
    )
    call.forget_keys()
    return response


@router.post(
    "/v1/operator/parties/{party_id}/people", response_model=answers.PersonOut, status_code=201
)
def person_add(call: CallIn, party_id: PartyIdIn, body: PersonBody) -> Response:
    """Add someone who works for a party; the roles that it gives depend on its kind."""

    def work(ctx: Ctx) -> dict[str, Any]:
        person = parties.person_add(
            ctx,
            party_id=party_id,
            name=body.name,
            email=body.email,
            role=parties.PersonRole(body.role),
        )
        return person_document(person)

    return change(call, work, status=201)


@router.get(
    "/v1/operator/parties/{party_id}/people", response_model=answers.PageOut[answers.PersonOut]
)
def person_page(
    call: CallIn, party_id: PartyIdIn, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List a party's people, their e-mail addresses masked."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = parties.person_page(ctx, party_id=party_id, cursor=cursor, limit=limit)
        return page(rows.map(person_document))

    return read(call, work)


@router.post(
    "/v1/operator/parties/{party_id}/people/{person_id}:revealEmail",
    response_model=answers.EmailOut,
)
def person_reveal_email(
    call: CallIn, party_id: PartyIdIn, person_id: PersonIdIn, body: ReasonBody
) -> Response:
    """Show a person's e-mail address; who looked and why is written down."""

    def work(ctx: Ctx) -> dict[str, str]:
        who = parties.PersonId(id_parse(parties.PERSON_PREFIX, person_id))
        email = parties.person_email_reveal(
            ctx, party_id=party_id, person_id=who, reason=body.reason
        )
        return {"email": email}

    return read(call, work)


@router.post(
    "/v1/operator/parties/{party_id}/people/{person_id}:invite",
    response_model=session_answers.InvitationOut,
)
def person_invite(call: CallIn, party_id: PartyIdIn, person_id: PersonIdIn) -> Response:
    """Make the link by which a person sets their password; one made before works no more."""
    return invited(call, party_id, person_id)


@router.post(
    "/v1/operator/parties/{party_id}/people/{person_id}:endAccess", response_model=answers.DoneOut
)
def person_end_access(
    call: CallIn, party_id: PartyIdIn, person_id: PersonIdIn, body: ReasonBody
) -> Response:
    """Take from a person all by which they sign in, as when they leave."""
    return access_ended(call, party_id, person_id, body.reason)


@router.post("/v1/operator/keys", response_model=answers.IssuedKeyOut, status_code=201)
def key_issue(call: CallIn, body: KeyBody) -> Response:
    """Issue a key. Its secret is in this answer and nowhere else in clear."""
    return key_issued(call, body.party_id, body)


@router.get("/v1/operator/keys", response_model=answers.PageOut[answers.KeyOut])
def key_page(
    call: CallIn, party_id: PartyQuery, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List a party's keys, without secrets."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = parties.key_page(ctx, party_id=party_id, cursor=cursor, limit=limit)
        return page(rows.map(key_document))

    return read(call, work)


@router.post("/v1/operator/keys/{key_id}:revoke", response_model=answers.KeyOut)
def key_revoke(call: CallIn, key_id: KeyIdIn, body: ReasonBody) -> Response:
    """Revoke a key for good."""
    return key_revoked(call, key_id, body.reason)


def key_issued(call: Call, party_id: PartyId, body: OwnKeyBody) -> Response:
    """Issue a key to a party, and answer with its secret."""

    def work(ctx: Ctx) -> dict[str, Any]:
        issued = parties.key_issue(
            ctx,
            party_id=party_id,
            kind=parties.KeyKind(body.kind),
            scopes=body.scopes,
            label=body.label,
            expires_at=body.expires_at,
        )
        return key_document(issued.key) | {"secret": issued.secret}

    return change(call, work, status=201, is_secret=True)


def key_revoked(call: Call, key_id: str, reason: str) -> Response:
    """Revoke a key."""
    response = change(
        call, lambda ctx: key_document(parties.key_revoke(ctx, key_id=key_id, reason=reason))
    )
    call.forget_keys()
    return response


def _page(ctx: Ctx, kind: parties.PartyKind, cursor: str | None, limit: int) -> dict[str, Any]:
    return page(parties.party_page(ctx, kind=kind, cursor=cursor, limit=limit).map(party_document))


def key_document(key: parties.ApiKey) -> dict[str, Any]:
    """Show a key, without its secret."""
    return {
        "id": key.id,
        "party_id": id_text(parties.PARTY_PREFIX, key.party_id),
        "kind": key.kind,
        "scopes": sorted(key.scopes),
        "label": key.label,
        "created_at": moment(key.created_at),
        "revoked_at": moment(key.revoked_at),
        "expires_at": moment(key.expires_at),
    }
