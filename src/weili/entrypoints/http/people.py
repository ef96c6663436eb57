"""The people of one's own party: who they are, and how they come to sign in."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints
from starlette.responses import Response

from weili.entrypoints.http import answers, session_answers
from weili.entrypoints.http.calls import Call, CallIn, carry_out, change, read, respond
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.fields import LIMIT, Body, CursorIn, LimitIn, TitleIn, id_pattern
from weili.entrypoints.http.orders import ReasonBody
from weili.kit.clock import wall_now
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_parse, id_text
from weili.modules import identity, parties

router = APIRouter(tags=["people"])

EmailIn = Annotated[
    str,
    StringConstraints(pattern="^[!-~]{3,254}$"),
    Field(json_schema_extra={"examples": ["lin@example.cn"]}),
]
PersonIdIn = Annotated[str, Path(pattern=id_pattern(parties.PERSON_PREFIX))]


class PersonBody(Body):
    """Someone who works for a party."""

    name: TitleIn
    email: EmailIn
    role: Literal[
        "admin", "merchandiser", "warehouse", "finance", "support", "owner", "buyer", "clerk"
    ]


@router.get("/v1/people", response_model=answers.PageOut[answers.PersonOut])
def people_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List the people of your party, their e-mail addresses masked."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = parties.person_page(ctx, party_id=call.actor.party_id, cursor=cursor, limit=limit)
        return page(rows.map(person_document))

    return read(call, work)


@router.post("/v1/people", response_model=answers.PersonOut, status_code=201)
def people_add(call: CallIn, body: PersonBody) -> Response:
    """Add someone who works for your party, in a role that may do no more than you may."""

    def work(ctx: Ctx) -> dict[str, Any]:
        person = parties.person_add(
            ctx,
            party_id=call.actor.party_id,
            name=body.name,
            email=body.email,
            role=parties.PersonRole(body.role),
        )
        return person_document(person)

    return change(call, work, status=201)


@router.post("/v1/people/{person_id}:invite", response_model=session_answers.InvitationOut)
def people_invite(call: CallIn, person_id: PersonIdIn) -> Response:
    """Make the link by which a person of your party sets their password, the first or another.

    It works once, for seven days; one that was made before works no more.
    """
    return invited(call, call.actor.party_id, person_id)


@router.post("/v1/people/{person_id}:endAccess", response_model=answers.DoneOut)
def people_end_access(call: CallIn, person_id: PersonIdIn, body: ReasonBody) -> Response:
    """Take from somebody of your party all by which they sign in, as when they leave.

    Their sessions end at once on this server, and within five seconds on others. Keys that they
    issued stay: revoke them.
    """
    return access_ended(call, call.actor.party_id, person_id, body.reason)


def access_ended(call: Call, party_id: PartyId, person_id: str, reason: str) -> Response:
    """Shut a person of a party out."""
    who = parties.PersonId(id_parse(parties.PERSON_PREFIX, person_id))

    def work(ctx: Ctx) -> dict[str, bool]:
        identity.access_end(ctx, party_id=party_id, person_id=who, reason=reason)
        return {"done": True}

    response = change(call, work)
    call.forget_keys()
    return response


def invited(call: Call, party_id: PartyId, person_id: str) -> Response:
    """Invite a person of a party, and answer with the link."""
    who = parties.PersonId(id_parse(parties.PERSON_PREFIX, person_id))

    def work(ctx: Ctx) -> identity.Invitation:
        return identity.invite(ctx, party_id=party_id, person_id=who, now=wall_now())

    made = carry_out(call, work)
    response = respond({"link": identity.link_path(call.world.name, made.token)})
    response.headers["cache-control"] = "no-store"
    return response


def person_document(person: parties.Person) -> dict[str, Any]:
    """Show a person, the e-mail address masked."""
    return {
        "id": id_text(parties.PERSON_PREFIX, person.id),
        "party_id": id_text(parties.PARTY_PREFIX, person.party_id),
        "name": person.name,
        "email_masked": person.email_masked,
        "role": person.role,
        "created_at": moment(person.created_at),
    }
