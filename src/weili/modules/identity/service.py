"""The verbs of signing in: who may, for how long, and who may not any more.

Working on a password takes a fifth of a second, so it is done between two transactions. ``now`` is
always the wall clock's time: a sandbox's own may be turned, and nobody's session with it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from weili.kit.context import Begin, Ctx
from weili.kit.findings import Finding
from weili.kit.ids import id_text, new_id
from weili.kit.problems import NotFound, Problem
from weili.kit.secrets import KeyRingError, new_token, password_hash, password_matches, token_hash
from weili.kit.world import in_transaction
from weili.modules import notices, parties
from weili.modules.identity import rules, store, tries
from weili.modules.identity.factors import code_check, has_factor
from weili.modules.identity.model import (
    ADDRESS_TRIES_MAX,
    CANDIDATES_MAX,
    PERSON_TRIES_MAX,
    SEEN_STEP,
    SESSION_AGE,
    SESSION_IDLE,
    SESSION_PREFIX,
    SESSIONS_MAX,
    TRIES_WITHIN,
    Session,
    SessionId,
    SessionRecord,
    SignedIn,
    SignIn,
)
from weili.modules.identity.problems import (
    SESSION_WORD,
    PartyNeeded,
    PasswordRefused,
    SignInRefused,
)

SWEEP_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Known:
    """Someone who may be meant, and the hash of their password."""

    who: parties.PersonRecord
    hashed: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Knock:
    """A sign-in of which the try is counted, with those who may be meant."""

    asked: SignIn
    known: Sequence[_Known]


def sign_in_begin(begin: Begin, *, asked: SignIn, now: datetime) -> Knock:
    """Count a try to sign in, and find who may be meant; no password is worked on yet.

    It is counted before it is known how it ends, so that many at once get no further than one
    after another.

    Raises: InputInvalid; SignInPaused.
    """
    return tries.given(in_transaction(begin, lambda ctx: _knock(ctx, asked, now)))


def sign_in(begin: Begin, *, knock: Knock, now: datetime) -> SignedIn:
    """Open a session for who gave the right password.

    An unknown e-mail address takes as long as a wrong password.

    Raises: SignInRefused; PartyNeeded; PartySuspended; SecondFactorNeeded; CodeRefused.
    """
    password = rules.password_normal(knock.asked.password)
    hashes = [each.hashed for each in knock.known] or [None]
    # Each is worked on, whether or not one was right before it.
    is_right = [password_matches(password, hashed) for hashed in hashes]
    proved = [each for each, right in zip(knock.known, is_right, strict=False) if right]
    return tries.given(in_transaction(begin, lambda ctx: _let_in(ctx, knock, proved, now)))


def password_change(
    begin: Begin, *, record: SessionRecord, old: str, new: str, now: datetime
) -> None:
    """Change a person's own password, and end their link and all their sessions but this one.

    Raises: InputInvalid; SignInPaused; PasswordRefused.
    """
    who, session = record.who, record.session
    email = in_transaction(begin, lambda ctx: parties.person_email(ctx, who=who))
    checked = rules.password_checked(new, path="/new", email=email)
    person_id = who.person.id

    def begun(ctx: Ctx) -> str | Problem | None:
        paused = tries.paused(ctx, [(tries.person_mark(ctx, who), PERSON_TRIES_MAX)], now)
        return paused or store.passwords_read(ctx, person_ids=[person_id]).get(person_id)

    hashed = tries.given(in_transaction(begin, begun))
    if not password_matches(rules.password_normal(old), hashed):
        raise PasswordRefused
    fresh = password_hash(checked)

    def changed(ctx: Ctx) -> None:
        store.link_delete(ctx, person_id=person_id)
        if store.password_lock(ctx, person_id=person_id) != hashed:
            raise PasswordRefused
        store.tries_forget(ctx, mark=tries.person_mark(ctx, who))
        store.password_put(ctx, person_id=person_id, hashed=fresh, now=now)
        store.sessions_delete(ctx, person_id=person_id, but=session.id)
        tries.audit(ctx, who, "password.change", "by its owner")
        tries.told(ctx, who, notices.Kind.PASSWORD_CHANGED)

    in_transaction(begin, changed)


def password_set(
    ctx: Ctx, *, person_id: parties.PersonId, hashed: str, reason: str, now: datetime
) -> None:
    """Set somebody's password, hashed before, and end their link and sessions; it is audited.

    Raises: Forbidden; InputInvalid.
    """
    ctx.require(parties.ADMIN)
    store.link_delete(ctx, person_id=person_id)
    # The row is held, so that a sign-in with the old password comes before this or not at all.
    store.password_lock(ctx, person_id=person_id)
    store.password_put(ctx, person_id=person_id, hashed=hashed, now=now)
    store.sessions_delete(ctx, person_id=person_id, but=None)
    subject = id_text(parties.PERSON_PREFIX, person_id)
    parties.audit_write(ctx, action="password.set", subject=subject, reason=reason)


def session_open(ctx: Ctx, *, who: parties.PersonRecord, now: datetime) -> SignedIn:
    """Open a session for who has proved to be somebody, with a token of its own; it is audited.

    One session more than a person may have ends their oldest.
    """
    token = new_token()
    session = Session(
        SessionId(new_id(now)), who.person.id, who.party.id, now, now, now + SESSION_AGE
    )
    store.session_insert(ctx, row=session, token_hash=token_hash(token))
    store.sessions_trim(ctx, person_id=who.person.id, keep=SESSIONS_MAX)
    tries.audit(ctx, who, "session.open", id_text(SESSION_PREFIX, session.id))
    is_asked = has_factor(ctx, person_id=who.person.id)
    return SignedIn(SessionRecord(session, who), is_asked, token)


def sessions_find(
    ctx: Ctx, *, token_hashes: Collection[bytes], now: datetime
) -> dict[bytes, SessionRecord]:
    """Give the records of those sessions that exist, for a face to check requests; notes their use.

    A session of which the person is not there any more does not exist.
    """
    store.sessions_seen(
        ctx,
        token_hashes=token_hashes,
        now=now,
        since=now - SESSION_IDLE,
        before=now - SEEN_STEP,
    )
    found = store.sessions_find(ctx, token_hashes=token_hashes)
    people = parties.people_find(ctx, person_ids={each.person_id for each in found.values()})
    return {
        digest: SessionRecord(session, people[session.person_id])
        for digest, session in found.items()
        if session.person_id in people
    }


def sessions_own(ctx: Ctx, *, record: SessionRecord, now: datetime) -> list[Session]:
    """Give a person's sessions that still last, the newest first."""
    return store.sessions_of(
        ctx,
        person_id=record.session.person_id,
        since=now - SESSION_IDLE,
        now=now,
        limit=SESSIONS_MAX,
    )


def session_end(ctx: Ctx, *, record: SessionRecord, session_id: SessionId) -> None:
    """End one of a person's own sessions: this one, or another.

    Raises: NotFound.
    """
    person_id = record.session.person_id
    if not store.session_delete(ctx, session_id=session_id, person_id=person_id):
        raise NotFound(what=SESSION_WORD, id=id_text(SESSION_PREFIX, session_id))
    tries.audit(ctx, record.who, "session.end", id_text(SESSION_PREFIX, session_id))


def sweep(ctx: Ctx, *, now: datetime) -> int:
    """Forget sessions, tries and links that count no more, a bounded number; says how many."""
    tried = store.tries_sweep(ctx, before=now - TRIES_WITHIN, limit=SWEEP_MAX)
    ended = store.sessions_sweep(ctx, seen_before=now - SESSION_IDLE, now=now, limit=SWEEP_MAX)
    links = store.links_sweep(ctx, now=now, limit=SWEEP_MAX)
    return tried + ended + links


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find ways to sign in that are nobody's, and second factors that can't be opened."""
    people = store.people_with_access(ctx)
    there = parties.people_find(ctx, person_ids=people)
    for person_id in people:
        if person_id not in there:
            yield Finding(
                "password_of_a_person",
                id_text(parties.PERSON_PREFIX, person_id),
                "has a password, session, link or second factor, and is nobody's person",
                "remove its rows of the schema identity",
            )
    for person_id, sealed in store.factors_sealed(ctx):
        try:
            ctx.keyring.open(sealed, bound_to=person_id.bytes)
        except KeyRingError as error:
            yield Finding(
                "second_factor_opens",
                id_text(parties.PERSON_PREFIX, person_id),
                str(error),
                "restore the key ring's file from the back-up, or clear the second factor",
            )


def _knock(ctx: Ctx, asked: SignIn, now: datetime) -> Knock | Problem:
    """Count the try, and give who may be meant."""
    email = parties.email_checked(asked.email)
    bounds = [(tries.email_mark(ctx, email), PERSON_TRIES_MAX)]
    if asked.address:
        bounds.insert(0, (tries.address_mark(ctx, asked.address), ADDRESS_TRIES_MAX))
    paused = tries.paused(ctx, bounds, now)
    if paused is not None:
        return paused
    people = parties.people_by_email(
        ctx, email=email, party_id=asked.party_id, limit=CANDIDATES_MAX
    )
    hashes = store.passwords_read(ctx, person_ids=[who.person.id for who in people])
    return Knock(asked, [_Known(who, hashes.get(who.person.id)) for who in people])


def _let_in(ctx: Ctx, knock: Knock, proved: Sequence[_Known], now: datetime) -> SignedIn | Problem:
    """Open a session, or say why not; a code that was used up stays so in either case."""
    asked = knock.asked
    if not proved:
        return SignInRefused()
    if len(proved) > 1:
        return PartyNeeded(parties=[_party_named(each.who.party) for each in proved])
    [known] = proved
    # It may have been changed since it was read: the row is held until the session is there.
    if store.password_lock(ctx, person_id=known.who.person.id) != known.hashed:
        return SignInRefused()
    if known.who.party.state is parties.PartyState.SUSPENDED:
        return parties.PartySuspended()
    refused = code_check(ctx, who=known.who, code=asked.code, now=now)
    if refused is not None:
        return refused
    if len(proved) == len(knock.known):
        _give_back(ctx, asked)
    return session_open(ctx, who=known.who, now=now)


def _give_back(ctx: Ctx, asked: SignIn) -> None:
    """Give back the try of who is let in, and no other.

    Whoever adds an e-mail address to a party of their own signs in with it as they like: what
    others tried with it stays counted, and so does a password that was looked at for others too
    and was wrong for one of them.
    """
    if asked.address:
        store.try_give_back(ctx, mark=tries.address_mark(ctx, asked.address))
    store.try_give_back(ctx, mark=tries.email_mark(ctx, parties.email_checked(asked.email)))


def _party_named(party: parties.Party) -> dict[str, str]:
    return {
        "id": id_text(parties.PARTY_PREFIX, party.id),
        "name": party.name,
        "kind": str(party.kind),
    }
