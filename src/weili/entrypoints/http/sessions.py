"""Signing in and out, and the sessions of who has signed in."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from weili.entrypoints.http import answers, session_answers
from weili.entrypoints.http.auth import PLAIN_COOKIE, SESSION_COOKIE
from weili.entrypoints.http.calls import Call, CallIfAnyIn, CallIn, carry_out, respond
from weili.entrypoints.http.desk import Desk
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import Body, PartyIdIn, id_pattern
from weili.kit.clock import wall_now
from weili.kit.context import Ctx
from weili.kit.ids import id_parse, id_text
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, either
from weili.kit.world import World, in_transaction
from weili.modules import identity, parties

EMAIL_MAX: Final = 254
WORLD_MAX: Final = 63
TOKEN_MAX: Final = 200
CODE_MAX: Final = 64
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_IPV6_BITS: Final = 64
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-proto")
_NO_STORE: Final = {"cache-control": "no-store"}

PasswordIn = Annotated[
    str,
    Field(
        min_length=1,
        max_length=identity.PASSWORD_LENGTH_MAX,
        json_schema_extra={"format": "password"},
    ),
]
SessionIdIn = Annotated[str, Path(pattern=id_pattern(identity.SESSION_PREFIX))]


CodeIn = Annotated[str, Field(min_length=1, max_length=CODE_MAX)]


class SignInBody(Body):
    """Who somebody says they are; `world` may be left out where there is only one."""

    world: Annotated[str, Field(min_length=1, max_length=WORLD_MAX)] | None = None
    party: PartyIdIn | None = None
    email: Annotated[str, Field(min_length=3, max_length=EMAIL_MAX)]
    password: PasswordIn
    code: CodeIn | None = None


class ResetBody(Body):
    """Whose password is forgotten; `world` may be left out where there is only one."""

    world: Annotated[str, Field(min_length=1, max_length=WORLD_MAX)] | None = None
    email: Annotated[str, Field(min_length=3, max_length=EMAIL_MAX)]


class PasswordBody(Body):
    """A person's own password, and the one to come."""

    old: PasswordIn
    new: PasswordIn


class CodeBody(Body):
    """A code that the telephone shows now."""

    code: CodeIn


class OwnPasswordBody(Body):
    """A person's own password, to prove that it is still they."""

    password: PasswordIn


class AcceptBody(Body):
    """The token of a link, with the world before it, and the password to come."""

    token: Annotated[str, Field(min_length=1, max_length=TOKEN_MAX)]
    password: PasswordIn
    code: CodeIn | None = None


def session_router(worlds: Mapping[str, World], *, forget: Callable[[], None]) -> APIRouter:
    """Give the routes; ``forget`` has sessions read anew, once one of them has ended."""
    router = APIRouter(tags=["sessions"])
    desk = Desk()
    _ways_in(router, worlds, desk, forget)
    _resets(router, worlds)
    _own_sessions(router, forget)
    _own_proofs(router, desk, forget)
    return router


def _ways_in(
    router: APIRouter, worlds: Mapping[str, World], desk: Desk, forget: Callable[[], None]
) -> None:
    """Add what strangers ask: which worlds there are, and to be let in."""

    @router.get("/v1/worlds", response_model=session_answers.WorldsOut)
    async def worlds_get() -> Response:
        """List the worlds that one can sign in to."""
        return respond(
            {
                "worlds": [
                    {"name": name, "is_sandbox": world.is_sandbox} for name, world in worlds.items()
                ]
            }
        )

    @router.post("/v1/session", response_model=session_answers.SessionOut, status_code=201)
    async def session_open(request: Request, body: SignInBody) -> Response:
        """Sign in with an e-mail address and a password; the answer sets the cookie.

        With `Weili-Console: 1`, as everything that changes something. After five wrong tries
        for an e-mail address, or thirty from a network address, it is paused for 15 minutes.
        """
        world = _world_of(worlds, body.world)
        address = _address(request)
        asked = identity.SignIn(body.email, body.password, body.party, address, body.code)
        signed_in = await desk.do_looked(
            lambda: identity.sign_in_begin(world.begin, asked=asked, now=wall_now()),
            lambda knock: identity.sign_in(world.begin, knock=knock, now=wall_now()),
            whose=address,
        )
        return _signed_in_response(request, world, signed_in)

    @router.post(
        "/v1/invitations:accept", response_model=session_answers.SessionOut, status_code=201
    )
    async def invitation_accept(request: Request, body: AcceptBody) -> Response:
        """Set your password with the token of a link, and sign in; all your other sessions end."""
        name, _, token = body.token.partition(".")
        if name not in worlds:
            raise identity.LinkEnded
        world = worlds[name]
        signed_in = await desk.do(
            lambda: identity.link_accept(
                world.begin,
                token=token,
                password=body.password,
                code=body.code,
                now=wall_now(),
            ),
            whose=_address(request),
        )
        forget()
        return _signed_in_response(request, world, signed_in)


def _resets(router: APIRouter, worlds: Mapping[str, World]) -> None:
    """Add what those ask who have forgotten their password."""

    @router.post("/v1/password:askReset", response_model=answers.DoneOut)
    def password_ask_reset(request: Request, body: ResetBody) -> Response:
        """Have a link mailed by which a forgotten password is set anew: once, for half an hour.

        The answer is the same whether or not anybody has the address. After three times for an
        e-mail address, or thirty from a network address, it is paused for 15 minutes.
        """
        world = _world_of(worlds, body.world)
        language = request.scope["weili.language"]
        asked = identity.ResetAsked(body.email, _address(request), language)
        refused = in_transaction(
            world.begin, lambda ctx: identity.reset_ask(ctx, asked=asked, now=wall_now())
        )
        if refused is not None:
            raise refused
        return _stored_nowhere({"done": True})


def _own_sessions(router: APIRouter, forget: Callable[[], None]) -> None:
    """Add what somebody asks of their own sessions."""

    @router.get("/v1/session", response_model=session_answers.SessionOut)
    def session_get(call: CallIn) -> Response:
        """Show who has signed in, and what they may do."""
        record = session_of(call)
        has_factor = carry_out(
            call, lambda ctx: identity.has_factor(ctx, person_id=record.who.person.id)
        )
        return _stored_nowhere(_document(call.world, record, has_factor=has_factor))

    @router.delete("/v1/session", status_code=204)
    def session_close(request: Request, call: CallIfAnyIn) -> Response:
        """Sign out; of a session that has ended already, the cookie is cleared."""
        if call is not None:
            record = session_of(call)
            with suppress(NotFound):
                _end(call, record.session.id)
            forget()
        headers = {**_NO_STORE, "set-cookie": _cookie(request, "", 0)}
        return Response(status_code=204, headers=headers)

    @router.get("/v1/sessions", response_model=session_answers.OwnSessionsOut)
    def sessions_get(call: CallIn) -> Response:
        """List your sessions that still last, the newest first."""
        record = session_of(call)
        found = carry_out(
            call, lambda ctx: identity.sessions_own(ctx, record=record, now=wall_now())
        )
        items = [
            {
                "id": id_text(identity.SESSION_PREFIX, each.id),
                "created_at": moment(each.created_at),
                "seen_at": moment(each.seen_at),
                "is_this": each.id == record.session.id,
            }
            for each in found
        ]
        return _stored_nowhere({"items": items})

    @router.delete("/v1/sessions/{session_id}", status_code=204)
    def session_end(call: CallIn, session_id: SessionIdIn) -> Response:
        """End one of your sessions: where you forgot to sign out."""
        _end(call, identity.SessionId(id_parse(identity.SESSION_PREFIX, session_id)))
        forget()
        return Response(status_code=204, headers=_NO_STORE)


def _own_proofs(router: APIRouter, desk: Desk, forget: Callable[[], None]) -> None:
    """Add what somebody changes of how they prove who they are."""

    @router.post("/v1/password", response_model=answers.DoneOut)
    async def password_change(call: CallIn, body: PasswordBody) -> Response:
        """Change your password; all your other sessions end."""
        record = session_of(call)
        await desk.do(
            lambda: identity.password_change(
                call.world.begin, record=record, old=body.old, new=body.new, now=wall_now()
            ),
            whose=call.actor.key_id,
        )
        forget()
        return _stored_nowhere({"done": True})

    @router.post("/v1/second-factor", response_model=session_answers.NewFactorOut, status_code=201)
    async def factor_begin(call: CallIn, body: OwnPasswordBody) -> Response:
        """Begin to set up a second factor: a program on your telephone that shows codes.

        Takes your password. It is asked for from when a code of it was confirmed.
        """
        record = session_of(call)
        made = await desk.do(
            lambda: identity.factor_begin(
                call.world.begin, record=record, password=body.password, now=wall_now()
            ),
            whose=call.actor.key_id,
        )
        return _stored_nowhere({"secret": made.secret, "uri": made.uri}, status=201)

    @router.post("/v1/second-factor:confirm", response_model=session_answers.RecoveryOut)
    def factor_confirm(call: CallIn, body: CodeBody) -> Response:
        """Have the second factor asked for from now on; gives the recovery codes, this once.

        All your other sessions end.
        """
        record = session_of(call)
        codes = identity.factor_confirm(
            call.world.begin, record=record, code=body.code, now=wall_now()
        )
        forget()
        return _stored_nowhere({"recovery_codes": codes})

    @router.post("/v1/second-factor:remove", response_model=answers.DoneOut)
    async def factor_remove(call: CallIn, body: OwnPasswordBody) -> Response:
        """Have no second factor asked for any more; takes your password."""
        record = session_of(call)
        await desk.do(
            lambda: identity.factor_remove(
                call.world.begin, record=record, password=body.password, now=wall_now()
            ),
            whose=call.actor.key_id,
        )
        return _stored_nowhere({"done": True})


def session_of(call: Call) -> identity.SessionRecord:
    """Give the session that a request came with: the policy lets nobody in here without one."""
    if call.session is None:
        raise RuntimeError(f"{call.target} is asked by a key, but not among OF_SESSIONS")
    return call.session


def _end(call: Call, session_id: identity.SessionId) -> None:
    record = session_of(call)

    def work(ctx: Ctx) -> None:
        identity.session_end(ctx, record=record, session_id=session_id)

    carry_out(call, work)


def _world_of(worlds: Mapping[str, World], name: str | None) -> World:
    """Give the world that was named, or the only one.

    Raises: InputInvalid.
    """
    chosen = next(iter(worlds)) if name is None and len(worlds) == 1 else name
    if chosen is None or chosen not in worlds:
        expected = either(sorted(worlds))
        raise InputInvalid(fields=(FieldProblem("/world", "unknown", expected),))
    return worlds[chosen]


def _signed_in_response(request: Request, world: World, signed_in: identity.SignedIn) -> Response:
    document = _document(world, signed_in.record, has_factor=signed_in.has_factor)
    response = _stored_nowhere(document, status=201)
    cookie = f"{world.name}.{signed_in.token}"
    response.headers["set-cookie"] = _cookie(request, cookie, identity.SESSION_AGE.days)
    return response


def _document(world: World, record: identity.SessionRecord, *, has_factor: bool) -> dict[str, Any]:
    who = record.who
    return {
        "person": {
            "id": id_text(parties.PERSON_PREFIX, who.person.id),
            "name": who.person.name,
            "email_masked": who.person.email_masked,
            "role": who.person.role,
        },
        "party": {
            "id": id_text(parties.PARTY_PREFIX, who.party.id),
            "kind": who.party.kind,
            "name": who.party.name,
        },
        "world": world.name,
        "is_sandbox": world.is_sandbox,
        "scopes": sorted(who.actor().scopes),
        "has_second_factor": has_factor,
        "expires_at": moment(record.session.ends_at),
    }


def _stored_nowhere(document: Mapping[str, Any], *, status: int = 200) -> Response:
    response = respond(document, status=status)
    response.headers.update(_NO_STORE)
    return response


def _cookie(request: Request, value: str, days: int) -> str:
    """Write the cookie; only a browser on this very machine gets it without ``Secure``."""
    is_plain = _is_plain_loopback(request)
    parts = [
        f"{PLAIN_COOKIE if is_plain else SESSION_COOKIE}={value}",
        "Path=/",
        f"Max-Age={days * 86_400}",
        "HttpOnly",
        "SameSite=Strict",
    ]
    if not is_plain:
        parts.append("Secure")
    return "; ".join(parts)


def _is_plain_loopback(request: Request) -> bool:
    """Say whether a request came straight to this machine, by a name of its own.

    What a proxy says makes it stricter and never laxer, so nobody gains by making it up.
    """
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    is_forwarded = any(header in request.headers for header in _FORWARDED)
    return name in _LOOPBACK_NAMES and _is_loopback(_peer(request)) and not is_forwarded


def _address(request: Request) -> str:
    """Give what counts as one address that a request came from, or nothing if it is not known.

    A proxy is believed on this machine alone, where nobody else can be one: the last that it says
    is who asked it. One that says nothing would have all who sign in counted as one.
    """
    peer = _peer(request)
    if not _is_loopback(peer):
        return _counted_as(peer)
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return _counted_as(told) if _is_address(told) else ""


def _counted_as(address: str) -> str:
    """Give the first half of an IPv6 address: of the other, everybody has as many as they like."""
    known = ip_address(address) if _is_address(address) else None
    if not isinstance(known, IPv6Address):
        return address
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((known.packed, _IPV6_BITS), strict=False))


def _peer(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _is_loopback(address: str) -> bool:
    return _is_address(address) and ip_address(address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
