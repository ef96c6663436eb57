"""Links by which somebody sets a password of their own: the first one, or another."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from weili.kit.context import Begin, Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.problems import NotFound, Problem
from weili.kit.secrets import new_token, password_hash, token_hash
from weili.kit.world import in_transaction
from weili.modules import notices, parties
from weili.modules.identity import rules, store, tries
from weili.modules.identity.factors import code_check
from weili.modules.identity.model import (
    ADDRESS_TRIES_MAX,
    CANDIDATES_MAX,
    PERSON_TRIES_MAX,
    SignedIn,
)
from weili.modules.identity.problems import LinkEnded, SelfInvited, SignInPaused
from weili.modules.identity.service import session_open

LINK_AGE: Final = timedelta(days=7)
RESET_AGE: Final = timedelta(minutes=30)
RESETS_MAX: Final = 3
"""So often an e-mail address is asked a new password for in 15 minutes: each is a mail to it."""
RESETS_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom a link is for, and the token in it, which is told this once."""

    person: parties.Person
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResetAsked:
    """For which e-mail address somebody asks for a new password, from where, in which language."""

    email: str = field(repr=False)
    address: str = field(repr=False)
    language: str


def invite(
    ctx: Ctx, *, party_id: PartyId, person_id: parties.PersonId, now: datetime
) -> Invitation:
    """Make the link by which somebody sets their password, once, within seven days.

    One that was made before works no more, and none outlives a change of the password. It is told
    to who asks, who could use it themselves: so it is audited, and whoever comes by it is of the
    same line as who made it (``key_line``). Nobody makes one for themselves: it would be worth a
    password to whoever found their browser open.

    Raises: Forbidden; NotFound; SelfInvited.
    """
    if ctx.actor.key_id == id_text(parties.PERSON_PREFIX, person_id):
        raise SelfInvited
    record = _managed(ctx, party_id, person_id)
    token = _link_make(ctx, record, now, kind=notices.Kind.INVITATION)
    subject = id_text(parties.PERSON_PREFIX, person_id)
    parties.audit_write(ctx, action="person.invite", subject=subject, reason="by link")
    return Invitation(record.person, token)


def reset_ask(ctx: Ctx, *, asked: ResetAsked, now: datetime) -> SignInPaused | None:
    """Take down that somebody asks for a new password; who it is is looked up later, unseen.

    So the answer, and the time it takes, is the same whether or not anybody has the address.
    Gives a refusal, of which the count stays, after too many.

    Raises: InputInvalid.
    """
    email = parties.email_checked(asked.email)
    bounds = [(tries.reset_mark(ctx, email), RESETS_MAX)]
    if asked.address:
        bounds.insert(0, (tries.address_mark(ctx, asked.address), ADDRESS_TRIES_MAX))
    paused = tries.paused(ctx, bounds, now)
    if paused is None:
        ask_id = new_id(now)
        sealed = ctx.keyring.seal(email.encode(), bound_to=ask_id.bytes)
        store.reset_ask_insert(ctx, row=store.ResetAsk(ask_id, sealed, asked.language, now))
    return paused


def resets_answer(ctx: Ctx, *, now: datetime) -> int:
    """Send links to those who asked for a new password, and have one; says how many had asked.

    A link takes the place of one before it, works once, and for half an hour.
    """
    asks = store.reset_asks_take(ctx, limit=RESETS_AT_ONCE)
    for ask in asks:
        if ask.asked_at + RESET_AGE <= now:
            continue
        email = ctx.keyring.open(ask.email_sealed, bound_to=ask.id.bytes).decode()
        people = parties.people_by_email(ctx, email=email, party_id=None, limit=CANDIDATES_MAX)
        known = store.passwords_read(ctx, person_ids=[who.person.id for who in people])
        for who in people:
            is_active = who.party.state is parties.PartyState.ACTIVE
            if is_active and who.person.id in known:
                kind = notices.Kind.PASSWORD_RESET
                _link_make(ctx, who, now, kind=kind, language=ask.language)
                tries.audit(ctx, who, "password.reset_link", "asked for on the sign-in page")
    return len(asks)


def access_end(ctx: Ctx, *, party_id: PartyId, person_id: parties.PersonId, reason: str) -> None:
    """Take from somebody all by which they sign in, which is audited; again changes nothing more.

    Their sessions, password, second factor and link go. They may be invited again.

    Raises: Forbidden; InputInvalid; NotFound.
    """
    record = _managed(ctx, party_id, person_id)
    # Rows are held in the order that who signs in or uses a link holds them: link, password,
    # second factor, sessions. Each of those comes before this or not at all.
    store.link_delete(ctx, person_id=person_id)
    store.password_delete(ctx, person_id=person_id)
    store.factor_delete(ctx, person_id=person_id)
    store.sessions_delete(ctx, person_id=person_id, but=None)
    subject = id_text(parties.PERSON_PREFIX, record.person.id)
    parties.audit_write(ctx, action="person.access_end", subject=subject, reason=reason)


def link_accept(
    begin: Begin, *, token: str, password: str, code: str | None, now: datetime
) -> SignedIn:
    """Set the password of whom a link is for, end their other sessions, and let them in.

    Who has a second factor gives its code as well: a link takes the place of a password alone.

    Raises: InputInvalid; LinkEnded, for a link that is unknown, used, replaced or too old;
    SignInPaused; PartySuspended; SecondFactorNeeded; CodeRefused.
    """
    digest = token_hash(token)

    def looked(ctx: Ctx) -> tuple[parties.PersonId, str]:
        # Before the password is worked on: a link that was made up costs no more than a look-up.
        person_id = store.link_person(ctx, token_hash=digest, now=now)
        who = _person(ctx, person_id)
        return who.person.id, parties.person_email(ctx, who=who)

    person_id, email = in_transaction(begin, looked)
    checked = rules.password_checked(password, path="/password", email=email)

    def counted(ctx: Ctx) -> Problem | None:
        # With every code that is wrong the link can be tried again.
        return tries.paused(ctx, [(tries.link_mark(ctx, person_id), PERSON_TRIES_MAX)], now)

    tries.given(in_transaction(begin, counted))
    hashed = password_hash(checked)

    def accepted(ctx: Ctx) -> SignedIn:
        who = _person(ctx, store.link_take(ctx, token_hash=digest, now=now))
        if who.party.state is parties.PartyState.SUSPENDED:
            raise parties.PartySuspended
        store.password_lock(ctx, person_id=who.person.id)
        refused = code_check(ctx, who=who, code=code, now=now)
        if refused is not None:
            raise refused
        store.tries_forget(ctx, mark=tries.link_mark(ctx, who.person.id))
        store.password_put(ctx, person_id=who.person.id, hashed=hashed, now=now)
        store.sessions_delete(ctx, person_id=who.person.id, but=None)
        tries.audit(ctx, who, "password.set", "by a link")
        tries.told(ctx, who, notices.Kind.PASSWORD_CHANGED)
        return session_open(ctx, who=who, now=now)

    return in_transaction(begin, accepted)


def link_path(world: str, token: str, *, page: str = "invitation") -> str:
    """Write where the console takes a link: the token after #, which no server or proxy logs."""
    return f"/console/{page}#{world}.{token}"


def _link_make(
    ctx: Ctx,
    who: parties.PersonRecord,
    now: datetime,
    *,
    kind: notices.Kind,
    language: str | None = None,
) -> str:
    """Make somebody's one link, in the place of the one before it, and have it mailed to them."""
    token = new_token()
    digest = token_hash(token)
    is_reset = kind is notices.Kind.PASSWORD_RESET
    store.link_put(
        ctx,
        person_id=who.person.id,
        token_hash=digest,
        created_at=now,
        expires_at=now + (RESET_AGE if is_reset else LINK_AGE),
    )
    page = "reset" if is_reset else "invitation"
    values = {
        "name": who.person.name,
        "party": who.party.name,
        "link": link_path(ctx.world, token, page=page),
    }
    # Each link is told of once; of the hash a part is enough to tell it from others.
    notices.tell(
        ctx,
        people=[who],
        kind=kind,
        subject=digest.hex()[:32],
        values=values,
        language=language,
    )
    return token


def _person(ctx: Ctx, person_id: parties.PersonId | None) -> parties.PersonRecord:
    """Give whose link it is, if it is anybody's.

    Raises: LinkEnded.
    """
    if person_id is None:
        raise LinkEnded
    who = parties.people_find(ctx, person_ids=[person_id]).get(person_id)
    if who is None:
        raise LinkEnded
    return who


def _managed(ctx: Ctx, party_id: PartyId, person_id: parties.PersonId) -> parties.PersonRecord:
    """Give a person of a party, whose people the actor may manage, in no role beyond their own.

    Raises: Forbidden; NotFound.
    """
    record = parties.people_find(ctx, person_ids=[person_id]).get(person_id)
    if record is None or record.party.id != party_id:
        label = id_text(parties.PERSON_PREFIX, person_id)
        raise NotFound(what=parties.PERSON_WORD, id=label)
    parties.person_manage_check(ctx, party_id=party_id, role=record.person.role)
    return record
