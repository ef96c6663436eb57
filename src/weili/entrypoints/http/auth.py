"""From credentials, or from a session's cookie, to an actor."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from weili.entrypoints.http.records import Records
from weili.kit.clock import wall_now
from weili.kit.context import Actor, PartyId
from weili.kit.ids import id_text
from weili.kit.problems import Kind, Problem, Unauthenticated
from weili.kit.secrets import token_hash
from weili.kit.world import World, in_transaction
from weili.modules import identity, onboarding, parties

SESSION_COOKIE: Final = "__Host-weili_session"
"""A name that a browser takes from this very host alone, and over TLS: nobody on another host of
the same domain can put a session of their own in its place."""
PLAIN_COOKIE: Final = "weili_session"
"""What it is called where there is no TLS: for a browser on this very machine."""
COOKIE_HEADER: Final = "cookie"
CONSOLE_HEADER: Final = "weili-console"
"""What a request by cookie must carry to change anything: no form and no foreign page can send it
without asking first, which is never granted."""
APPLICATION_HEADER: Final = "weili-application"
"""The world and the token of an application's link: who applies has no key and no session."""
_CONSOLE: Final = "1"
_READS: Final = frozenset({"GET", "HEAD"})
_TOKEN_LENGTH: Final = 43


class ConsoleHeaderMissing(Problem):
    """A request by cookie that changes something lacks the header that no foreign page can send."""

    kind = Kind.FORBIDDEN
    code = "console_header_missing"
    en = "A request by cookie that changes something must carry the header Weili-Console: 1."
    zh = "使用 `Cookie` 且会产生变更的请求，须携带请求头 `Weili-Console: 1`。"


class Admitted(NamedTuple):
    """Who a request comes from, and in which world."""

    world: World
    actor: Actor
    signed: tuple[str, str] | None = None
    """Of a signed request the (key id, nonce) to claim."""
    session: identity.SessionRecord | None = None
    """Of one who has signed in."""


class Doorkeeper:
    """Says who a request comes from.

    Records are kept for five seconds, so a revoked key is refused at most that late, and so is a
    session that has ended; this process forgets them at once when it revokes a key, suspends a
    party or ends a session itself. Unknown ones are kept too, so that guessing costs the database
    no more than knocking does.
    """

    def __init__(self, worlds: Mapping[str, World]) -> None:
        self._worlds = worlds
        self._keys: Records[parties.KeyRecord] = Records(worlds, _keys_read)
        self._sessions: Records[identity.SessionRecord] = Records(worlds, _sessions_read)
        self._links: Records[onboarding.ApplicationId] = Records(worlds, _links_read)

    def forget(self) -> None:
        """Read every key and every session anew from now on."""
        self._keys.forget()
        self._sessions.forget()
        self._links.forget()

    def forget_sessions(self) -> None:
        """Read every session anew from now on."""
        self._sessions.forget()

    async def admit(
        self,
        headers: Mapping[str, str],
        *,
        method: str,
        target: str,
        body: bytes,
    ) -> Admitted:
        """Establish who asks: by a key, or else by an application's link or a session's cookie.

        Raises: Unauthenticated, PartySuspended, ConsoleHeaderMissing; Unavailable when the records
        can't be read.
        """
        link = headers.get(APPLICATION_HEADER)
        if link is not None:
            return await self._applicant_admit(link)
        named = _session_of(headers)
        if named is not None:
            admitted = await self._session_admit(*named)
            if method not in _READS:
                console_check(headers)
            return admitted
        credentials = parties.credentials_read(headers)
        is_signed = credentials.kind is parties.KeyKind.HMAC
        world, record = await self._keys.find(credentials.key_id, credentials.world)
        body_sha256 = parties.body_sha256(body) if is_signed else ""
        actor = _checked(
            world, record, credentials, method=method, target=target, body_sha256=body_sha256
        )
        signed = (credentials.key_id, credentials.nonce) if is_signed else None
        return Admitted(world, actor, signed)

    async def look(self, headers: Mapping[str, str]) -> None:
        """Refuse a request that names no key or session of ours, in the words for a wrong proof.

        Raises: Unauthenticated; Unavailable when the records can't be read.
        """
        link = headers.get(APPLICATION_HEADER)
        if link is not None:
            await self._applicant_admit(link)
            return
        named = _session_of(headers)
        if named is not None:
            await self._session_admit(*named)
            return
        credentials = parties.credentials_read(headers)
        world, record = await self._keys.find(credentials.key_id, credentials.world)
        if record is None:
            _checked(world, None, credentials, method="", target="", body_sha256="")

    async def _applicant_admit(self, link: str) -> Admitted:
        """Admit who comes with an application's link, to that application alone.

        Raises: LinkEnded; Unavailable when the records can't be read.
        """
        name, _, token = link.partition(".")
        if name not in self._worlds or len(token) != _TOKEN_LENGTH:
            raise identity.LinkEnded
        world, application_id = await self._links.find(token_hash(token).hex(), name)
        if application_id is None:
            raise identity.LinkEnded
        label = id_text(onboarding.APPLICATION_PREFIX, application_id)
        scopes = frozenset({onboarding.SCOPE})
        return Admitted(world, Actor("applicant", PartyId(application_id), label, scopes))

    async def _session_admit(self, name: str, token: str) -> Admitted:
        if name not in self._worlds or len(token) != _TOKEN_LENGTH:
            raise Unauthenticated(why=identity.SESSION_ENDED)
        world, record = await self._sessions.find(token_hash(token).hex(), name)
        actor = identity.session_check(record, now=wall_now())
        return Admitted(world, actor, session=record)


def console_check(headers: Mapping[str, str]) -> None:
    """Refuse what a foreign page may have made a browser send.

    Raises: ConsoleHeaderMissing.
    """
    if headers.get(CONSOLE_HEADER) != _CONSOLE:
        raise ConsoleHeaderMissing


def is_by_cookie(headers: Mapping[str, str]) -> bool:
    """Say whether a request names a session, and no key, which would go before it."""
    return _session_of(headers) is not None


def _session_of(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Give the world and the token that a cookie names, where a request has no key of its own."""
    cookie = headers.get(COOKIE_HEADER)
    if not cookie or parties.AUTHORIZATION_HEADER in headers or parties.WEILI_KEY_HEADER in headers:
        return None
    found: dict[str, str] = {}
    for part in cookie.split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value)
    value = found.get(SESSION_COOKIE) or found.get(PLAIN_COOKIE, "")
    world, _, token = value.partition(".")
    return (world, token) if world or token else None


def _checked(
    world: World,
    record: parties.KeyRecord | None,
    credentials: parties.Credentials,
    *,
    method: str,
    target: str,
    body_sha256: str,
) -> Actor:
    return parties.request_check(
        record,
        credentials,
        method=method,
        path=target,
        body_sha256=body_sha256,
        now=wall_now(),
        world=world.name,
        is_sandbox=world.is_sandbox,
    )


def _keys_read(world: World, key_ids: Sequence[str]) -> dict[str, parties.KeyRecord]:
    return in_transaction(world.begin, lambda ctx: parties.keys_find(ctx, key_ids=key_ids))


def _sessions_read(world: World, digests: Sequence[str]) -> dict[str, identity.SessionRecord]:
    hashes = [bytes.fromhex(digest) for digest in digests]
    found = in_transaction(
        world.begin,
        lambda ctx: identity.sessions_find(ctx, token_hashes=hashes, now=wall_now()),
    )
    return {digest.hex(): record for digest, record in found.items()}


def _links_read(world: World, digests: Sequence[str]) -> dict[str, onboarding.ApplicationId]:
    hashes = [bytes.fromhex(digest) for digest in digests]
    found = in_transaction(
        world.begin,
        lambda ctx: onboarding.applications_find(ctx, token_hashes=hashes, now=wall_now()),
    )
    return {digest.hex(): application_id for digest, application_id in found.items()}
