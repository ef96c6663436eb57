"""One admitted request, and the transaction in which it is carried out."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from starlette.responses import Response

from weili.entrypoints.http.policy import OF_SESSIONS, POLICY
from weili.kit import idempotency
from weili.kit.context import Actor, Ctx
from weili.kit.problems import (
    FieldProblem,
    Forbidden,
    InputInvalid,
    KeyMissing,
    Problem,
    Said,
    Unauthenticated,
    either,
)
from weili.kit.world import World, in_transaction
from weili.modules import identity, parties

T = TypeVar("T")

JSON: Final = "application/json"
REPLAYED: Final = "idempotent-replayed"
_NO_SESSION: Final = Said("sign in first; a key is no session", "请先登录；密钥不是会话")
_NO_PARAMETER: Final = Said("no parameter", "不带任何参数")


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, in which world, in which language, and what exactly was sent."""

    world: World
    actor: Actor
    signed: tuple[str, str] | None
    language: str
    method: str
    target: str
    body: bytes
    idempotency_key: str | None
    forget_keys: Callable[[], None]
    session: identity.SessionRecord | None = None


async def admitted(request: Request) -> Call:
    """Give the call of a request whose key has the scope that the route needs.

    Raises: Unauthenticated, for a key where a session is needed; Forbidden; InputInvalid, for a
    query parameter that the route does not know.
    """
    call: Call = request.scope["weili.call"]
    route = request.scope["route"]
    scope_check(call.actor, POLICY[request.method, route.path])
    if call.session is None and (request.method, route.path) in OF_SESSIONS:
        raise Unauthenticated(why=_NO_SESSION)
    known = _query_names(route.dependant)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        expected = either(sorted(known), none=_NO_PARAMETER)
        raise InputInvalid(
            fields=tuple(FieldProblem(f"?{name}", "unknown", expected) for name in unknown[:50])
        )
    return call


def _query_names(dependant: Dependant) -> set[str]:
    """Name the query parameters that a route takes, by itself or by what it depends on."""
    names = {field.alias for field in dependant.query_params}
    return names.union(*map(_query_names, dependant.dependencies))


async def admitted_if_any(request: Request) -> Call | None:
    """Give the call of a request, or none of who signs out of a session that has ended.

    Raises: Forbidden; InputInvalid.
    """
    return await admitted(request) if "weili.call" in request.scope else None


CallIn = Annotated[Call, Depends(admitted)]
CallIfAnyIn = Annotated[Call | None, Depends(admitted_if_any)]


def scope_check(actor: Actor, needs: str) -> None:
    """Refuse an actor without the scope.

    Raises: Forbidden.
    """
    if needs and needs not in actor.scopes:
        raise Forbidden(needs=needs)


def respond(document: object, *, status: int = 200) -> Response:
    """Answer with a JSON document."""
    return Response(msgspec.json.encode(document), status_code=status, media_type=JSON)


def carry_out(call: Call, work: Callable[[Ctx], T | Problem]) -> T:
    """Do a request's work in one transaction, which also claims the nonce of a signed one.

    A request that is refused stays refused: its nonce is kept although its work is undone, so
    that nobody who recorded it can try it again later. Work that gives a problem, instead of
    raising it, is refused too, but what it wrote stays.

    Raises: NonceReplayed, and what ``work`` raises or gives.
    """
    signed = call.signed

    def once(ctx: Ctx) -> T | Problem:
        if signed is None:
            return work(ctx)
        if parties.nonces_claim(ctx, pairs=[signed]) != [True]:
            return parties.NonceReplayed()
        announced = len(ctx.announced)
        try:
            with ctx.db.savepoint():
                return work(ctx)
        except Problem as problem:
            del ctx.announced[announced:]
            return problem

    result = in_transaction(call.world.begin_as(call.actor), once)
    if isinstance(result, Problem):
        raise result
    return result


def read(call: Call, work: Callable[[Ctx], Any]) -> Response:
    """Answer a look-up."""
    return respond(carry_out(call, work))


def in_list(name: str, work: Callable[[Ctx], T]) -> Callable[[Ctx], T]:
    """Let what is refused of a row say in which list of the body it stands: a verb knows rows only.

    A path that begins with a number is put below the list's name.
    """

    def named(ctx: Ctx) -> T:
        try:
            return work(ctx)
        except InputInvalid as invalid:
            fields = tuple(_below(name, field) for field in invalid.fields)
            raise InputInvalid(fields=fields) from None

    return named


def _below(name: str, field: FieldProblem) -> FieldProblem:
    is_row = field.path[1:2].isdigit()
    return replace(field, path=f"/{name}{field.path}") if is_row else field


def change(
    call: Call, work: Callable[[Ctx], Any], *, status: int = 200, is_secret: bool = False
) -> Response:
    """Do a change once for its Idempotency-Key and answer it the same way every time.

    The answer is kept as the very text that was sent; where it shows a secret it is sealed, and
    given again to the same key only.

    Work that gives a problem, instead of raising it, is refused too, but what it wrote stays: that
    the refusal was told of. The key is then as free as after any refusal.

    Raises: KeyMissing, KeyReused, InFlight, and what ``work`` raises or gives.
    """
    key = call.idempotency_key
    if key is None or not key.isascii() or not key.isprintable():
        raise KeyMissing
    body_hash = idempotency.request_hash(call.method, call.target, call.body)
    if is_secret:
        # A secret is for whoever asked for it: a colleague who knows the Idempotency-Key, and may
        # do less, would else be given a key that may do more.
        body_hash = idempotency.request_hash(call.actor.key_id, call.target, body_hash)

    def once(ctx: Ctx) -> tuple[int, bytes, bool] | Problem:
        replay = idempotency.claim(ctx, key=key, body_hash=body_hash)
        if replay is not None:
            return replay.status, _opened(ctx, key, replay.answer), True
        done = work(ctx)
        if isinstance(done, Problem):
            idempotency.release(ctx, key=key)
            return done
        answer = msgspec.json.encode(done)
        kept: Any = answer.decode()
        if is_secret:
            sealed = ctx.keyring.seal(answer, bound_to=_bound_to(ctx, key))
            kept = {"sealed": base64.b64encode(sealed).decode()}
        idempotency.store(
            ctx, key=key, status=status, answer_json=msgspec.json.encode(kept).decode()
        )
        return status, answer, False

    sent_status, answer, is_replay = carry_out(call, once)
    headers = {REPLAYED: "true"} if is_replay else None
    return Response(answer, status_code=sent_status, headers=headers, media_type=JSON)


def _opened(ctx: Ctx, key: str, kept: str | Mapping[str, str]) -> bytes:
    if isinstance(kept, str):
        return kept.encode()
    return ctx.keyring.open(base64.b64decode(kept["sealed"]), bound_to=_bound_to(ctx, key))


def _bound_to(ctx: Ctx, key: str) -> bytes:
    return ctx.actor.party_id.bytes + key.encode()
