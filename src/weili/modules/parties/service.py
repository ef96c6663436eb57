"""The verbs on parties: authorise, load, decide, save, announce."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from weili.kit.context import Ctx, EventType, PartyId
from weili.kit.db import Asked
from weili.kit.findings import Finding
from weili.kit.ids import id_parse, id_text, new_id
from weili.kit.pages import (
    LIMIT_DEFAULT,
    Page,
    cursor_id,
    cursor_parse,
    limit_bounded,
    page_of,
)
from weili.kit.problems import (
    CursorInvalid,
    FieldProblem,
    InputInvalid,
    NotFound,
    Said,
    SandboxOnly,
)
from weili.kit.secrets import KeyRingError, new_token, token_hash
from weili.modules.parties import rules, store
from weili.modules.parties.model import (
    EVERY_ACT,
    KEY_ISSUED,
    KEY_PREFIX,
    KEY_REVOKED,
    KEYS,
    PARTY_PREFIX,
    PARTY_RESUMED,
    PARTY_STATES,
    PARTY_SUSPENDED,
    PEOPLE,
    PERSON_PREFIX,
    PERSON_SCOPES,
    ROLE_SCOPES,
    ApiKey,
    AuditEntry,
    AuditSearch,
    IssuedKey,
    KeyKind,
    KeyRecord,
    Party,
    PartyKind,
    PartyState,
    Person,
    PersonId,
    PersonRecord,
    PersonRole,
)
from weili.modules.parties.problems import (
    KEY_WORD,
    KIND_WORDS,
    NAME_WORD,
    PARTY_WORD,
    PERSON_WORD,
    USCC_WORD,
    KeysTooMany,
    PartyExists,
    PartySuspended,
    PersonExists,
)

ADMIN: Final = "admin:parties"
AUDIT: Final = "admin:audit"
AUDIT_AT_ONCE: Final = 1_000
READ_OWN: Final = "account:read"
KEYS_LIVE_MAX: Final = 20
SWEEP_MAX: Final = 10_000
ALIKE_MAX: Final = 20
NONCE_KEPT: Final = timedelta(seconds=2 * rules.WINDOW_S)
"""A request stamped a window ahead of us stays acceptable for two."""


def party_open(ctx: Ctx, *, kind: PartyKind, name: str, legal_name: str, uscc: str) -> Party:
    """Open a party, active from now on.

    Raises: Forbidden; InputInvalid; UsccInvalid; PartyExists (name or code, within the kind).
    """
    ctx.require(ADMIN)
    party = Party(
        PartyId(new_id(ctx.now)),
        kind,
        rules.text_checked(name, path="/name"),
        rules.text_checked(legal_name, path="/legal_name"),
        rules.uscc_checked(uscc),
        PartyState.ACTIVE,
        ctx.now,
    )
    if not store.party_insert(ctx, row=party):
        twin = store.party_by_name(ctx, kind=kind, name=party.name)
        raise PartyExists(
            party_kind=KIND_WORDS[kind], same=USCC_WORD if twin is None else NAME_WORD
        )
    return party


def party_get(ctx: Ctx, *, party_id: PartyId) -> Party:
    """Give one party: to the operator any, to others their own.

    Raises: Forbidden; NotFound.
    """
    _may_read(ctx, party_id)
    found = store.parties_read(ctx, party_ids=[party_id])
    if party_id not in found:
        raise _no_party(party_id)
    return found[party_id]


def parties_get(ctx: Ctx, *, party_ids: Collection[PartyId]) -> dict[PartyId, Party]:
    """Give those of the parties that exist, for a workflow that has asked for its own scope."""
    return store.parties_read(ctx, party_ids=party_ids)


def party_by_name(ctx: Ctx, *, kind: PartyKind, name: str) -> Party:
    """Give the party of a kind by its name.

    Raises: Forbidden; InputInvalid; NotFound.
    """
    ctx.require(ADMIN)
    text = rules.text_checked(name, path="/name")
    party = store.party_by_name(ctx, kind=kind, name=text)
    if party is None:
        raise NotFound(what=KIND_WORDS[kind], id=text)
    return party


def parties_alike(ctx: Ctx, *, name: str, legal_name: str, uscc: str) -> list[Party]:
    """Give parties of any kind that share a name, a legal name or a credit code.

    Raises: Forbidden.
    """
    ctx.require(ADMIN)
    return store.parties_alike(ctx, name=name, legal_name=legal_name, uscc=uscc, limit=ALIKE_MAX)


def party_page(
    ctx: Ctx,
    *,
    kind: PartyKind | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Party]:
    """List parties in the order they were opened.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require(ADMIN)
    size = limit_bounded(limit)
    rows = store.party_page(ctx, kind=kind, after=cursor_id(cursor), limit=size + 1)
    return page_of(rows, limit=size, key=lambda party: str(party.id))


def party_suspend(ctx: Ctx, *, party_id: PartyId, reason: str) -> Party:
    """Suspend a party: its keys are refused from now on, which is audited and announced.

    Raises: Forbidden; InputInvalid; NotFound; StateConflict.
    """
    return _party_move(ctx, party_id, PartyState.SUSPENDED, PARTY_SUSPENDED, reason)


def party_resume(ctx: Ctx, *, party_id: PartyId, reason: str) -> Party:
    """Let a suspended party work again, which is audited and announced.

    Raises: Forbidden; InputInvalid; NotFound; StateConflict.
    """
    return _party_move(ctx, party_id, PartyState.ACTIVE, PARTY_RESUMED, reason)


def person_add(ctx: Ctx, *, party_id: PartyId, name: str, email: str, role: PersonRole) -> Person:
    """Add someone who works for a party: the operator to any, others to their own.

    Raises: Forbidden; InputInvalid; NotFound; RoleNotAllowed; PersonExists.
    """
    party = person_manage_check(ctx, party_id=party_id, role=role)
    address = rules.email_checked(email)
    person = Person(
        PersonId(new_id(ctx.now)),
        party_id,
        rules.text_checked(name, path="/name"),
        rules.email_masked(address),
        role,
        ctx.now,
    )
    rules.role_check(party.kind, role)
    is_new = store.person_insert(
        ctx,
        row=person,
        email_sealed=ctx.keyring.seal(address.encode(), bound_to=person.id.bytes),
        email_index=_email_index(ctx, address),
    )
    if not is_new:
        raise PersonExists
    return person


def person_page(
    ctx: Ctx, *, party_id: PartyId, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[Person]:
    """List a party's people, their e-mail addresses masked.

    Raises: Forbidden; NotFound; CursorInvalid.
    """
    person_manage_check(ctx, party_id=party_id, role=None)
    size = limit_bounded(limit)
    rows = store.person_page(ctx, party_id=party_id, after=cursor_id(cursor), limit=size + 1)
    return page_of(rows, limit=size, key=lambda person: str(person.id))


def person_by_email(ctx: Ctx, *, party_id: PartyId, email: str) -> Person:
    """Find the person of a party who has an e-mail address.

    Raises: Forbidden; InputInvalid; NotFound.
    """
    ctx.require(ADMIN)
    address = rules.email_checked(email)
    person = store.person_by_email(ctx, party_id=party_id, email_index=_email_index(ctx, address))
    if person is None:
        raise NotFound(what=PERSON_WORD, id=rules.email_masked(address))
    return person


def person_manage_check(ctx: Ctx, *, party_id: PartyId, role: PersonRole | None) -> Party:
    """Give a party whose people the actor may manage: to the operator any, to others their own.

    Nobody gives a role to one of their own people, and none of the operator's to anybody, that may
    do more than they may: or who may add people could let themselves in as somebody mightier.

    Raises: Forbidden; NotFound.
    """
    if not {ADMIN, "*"} & ctx.actor.scopes:
        ctx.require(PEOPLE)
        if party_id != ctx.actor.party_id:
            raise _no_party(party_id)
    party = store.parties_read(ctx, party_ids=[party_id]).get(party_id)
    if party is None:
        raise _no_party(party_id)
    is_near = party_id == ctx.actor.party_id or party.kind is PartyKind.OPERATOR
    if role is not None and is_near:
        for scope in sorted(PERSON_SCOPES[party.kind].get(role, frozenset())):
            ctx.require(scope)
    return party


def people_find(ctx: Ctx, *, person_ids: Collection[PersonId]) -> dict[PersonId, PersonRecord]:
    """Give the records of those people who exist, for who has established that they signed in."""
    return _with_parties(ctx, store.people_read(ctx, person_ids=person_ids).values())


def people_by_email(
    ctx: Ctx, *, email: str, party_id: PartyId | None, limit: int
) -> list[PersonRecord]:
    """Give the people of any party, or of one, who have an e-mail address, to be asked for proof.

    Raises: InputInvalid.
    """
    index = _email_index(ctx, rules.email_checked(email))
    people = store.people_by_email(ctx, email_index=index, party_id=party_id, limit=limit)
    return list(_with_parties(ctx, people).values())


def people_of(
    ctx: Ctx, *, party_id: PartyId, roles: Collection[PersonRole], limit: int
) -> list[PersonRecord]:
    """Give the people of an active party in some roles, to be told something."""
    people = store.people_of(ctx, party_id=party_id, roles=roles, limit=limit)
    found = _with_parties(ctx, people).values()
    return [who for who in found if who.party.state is PartyState.ACTIVE]


def person_email(ctx: Ctx, *, who: PersonRecord) -> str:
    """Give a person's e-mail address, to check what they chose against; it is shown to nobody."""
    return store.person_email(ctx, party_id=who.party.id, person_id=who.person.id) or ""


def person_email_reveal(ctx: Ctx, *, party_id: PartyId, person_id: PersonId, reason: str) -> str:
    """Show a person's e-mail address, which is audited with the reason.

    Raises: Forbidden; InputInvalid; NotFound.
    """
    ctx.require(ADMIN)
    label = id_text(PERSON_PREFIX, person_id)
    email = store.person_email(ctx, party_id=party_id, person_id=person_id)
    if email is None:
        raise NotFound(what=PERSON_WORD, id=label)
    audit_write(ctx, action="person.email_reveal", subject=label, reason=reason)
    return email


def key_issue(
    ctx: Ctx,
    *,
    party_id: PartyId,
    kind: KeyKind,
    scopes: Collection[str],
    label: str,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Issue a key; its secret is in the answer and nowhere else in clear.

    Several keys of a party work at once, so that one can be replaced without a pause. A key of
    the operator's, or of one's own party, gets no scope that the one who issues it has not.

    Raises: Forbidden; SandboxOnly (bearer, in the live world); InputInvalid; NotFound;
    PartySuspended; ScopeNotAllowed; KeysTooMany.
    """
    _keys_manage_check(ctx, party_id)
    if kind is KeyKind.BEARER and not ctx.is_sandbox:
        raise SandboxOnly
    text = rules.text_checked(label, path="/label")
    if expires_at is not None and expires_at <= ctx.now:
        expected = Said("a time to come", "将来的时间")
        raise InputInvalid(fields=(FieldProblem("/expires_at", "time_past", expected),))
    # The party's row is held, so that two keys issued at once are counted one after the other.
    party = store.party_lock(ctx, party_id=party_id)
    if party is None:
        raise _no_party(party_id)
    if party.state is PartyState.SUSPENDED:
        raise PartySuspended
    rules.scopes_check(party.kind, frozenset(scopes))
    if party.kind is PartyKind.OPERATOR or party_id == ctx.actor.party_id:
        # Or who may issue keys could give one to themselves that may do everything.
        for scope in sorted(scopes):
            ctx.require(scope)
    if store.keys_live(ctx, party_id=party_id) >= KEYS_LIVE_MAX:
        raise KeysTooMany(bound=KEYS_LIVE_MAX)
    key_id = id_text(KEY_PREFIX, new_id(ctx.now))
    key = ApiKey(key_id, party_id, kind, frozenset(scopes), text, ctx.now, None, expires_at)
    secret = new_token()
    shown = secret
    if kind is KeyKind.BEARER:
        store.key_insert(ctx, row=key, secret_hash=token_hash(secret), secret_sealed=None)
        shown = rules.bearer_token(world=ctx.world, key_id=key_id, secret=secret)
    else:
        sealed = ctx.keyring.seal(secret.encode(), bound_to=key_id.encode())
        store.key_insert(ctx, row=key, secret_hash=None, secret_sealed=sealed)
    audit_write(ctx, action="key.issue", subject=key_id, reason=text)
    ctx.announce(
        KEY_ISSUED,
        party_id=party_id,
        subject=key_id,
        data={"key_id": key_id, "label": text, "scopes": sorted(key.scopes)},
    )
    return IssuedKey(key, shown)


def key_revoke(ctx: Ctx, *, key_id: str, reason: str) -> ApiKey:
    """Revoke a key for good, which is audited and announced; a second time changes nothing.

    Raises: Forbidden; IdMalformed; InputInvalid; NotFound.
    """
    if not _is_admin(ctx):
        ctx.require(KEYS)
    id_parse(KEY_PREFIX, key_id, path="/key_id")
    key = store.key_lock(ctx, key_id=key_id)
    if key is None or not (_is_admin(ctx) or key.party_id == ctx.actor.party_id):
        raise NotFound(what=KEY_WORD, id=key_id)
    if key.revoked_at is not None:
        return key
    audit_write(ctx, action="key.revoke", subject=key_id, reason=reason)
    store.key_revoke(ctx, key_id=key_id, revoked_at=ctx.now)
    ctx.announce(
        KEY_REVOKED,
        party_id=key.party_id,
        subject=key_id,
        data={"key_id": key_id, "label": key.label, "reason": reason},
    )
    return ApiKey(
        key.id,
        key.party_id,
        key.kind,
        key.scopes,
        key.label,
        key.created_at,
        ctx.now,
        key.expires_at,
    )


def key_page(
    ctx: Ctx, *, party_id: PartyId, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[ApiKey]:
    """List a party's keys, without secrets: to the operator any party's, to others their own.

    Raises: Forbidden; NotFound; CursorInvalid.
    """
    party_get(ctx, party_id=party_id)
    size = limit_bounded(limit)
    rows = store.key_page(ctx, party_id=party_id, after=_after_key(cursor), limit=size + 1)
    return page_of(rows, limit=size, key=lambda key: key.id)


def key_line(ctx: Ctx, *, key_id: str) -> frozenset[str]:
    """Give a key, the key it was issued with, the one that was issued with, and so on.

    A person stands for a key: those whom somebody else invited by a link come from that one, who
    could have used the link. What was issued at the machine, and not with a key, begins a line.
    """
    return store.key_line(ctx, key_id=key_id)


def keys_find(ctx: Ctx, *, key_ids: Sequence[str]) -> dict[str, KeyRecord]:
    """Give the records of those keys that exist, secrets opened, for a face to check requests."""
    return store.keys_find(ctx, key_ids=key_ids)


def nonces_claim(ctx: Ctx, *, pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Claim (key id, nonce) pairs for ten minutes; says of each whether it was free.

    A pair that comes twice in one call is free the first time only. The caller raises
    NonceReplayed for those that were not.
    """
    return nonces_claim_asked(ctx, pairs=pairs)()


def nonces_claim_asked(ctx: Ctx, *, pairs: Sequence[tuple[str, str]]) -> Asked[list[bool]]:
    """Ask what ``nonces_claim`` says, without waiting for it."""
    # Sorted, so that two batches that share nonces wait for each other and never deadlock.
    wanted = sorted(set(pairs))
    claimed = store.nonces_claim(ctx, pairs=wanted, expires_at=ctx.now + NONCE_KEPT)

    def answer() -> list[bool]:
        free = claimed()
        answers = []
        for pair in pairs:
            answers.append(pair in free)
            free.discard(pair)
        return answers

    return answer


def nonces_sweep(ctx: Ctx) -> int:
    """Forget nonces that have expired, a bounded number at a time; says how many."""
    return store.nonces_sweep(ctx, limit=SWEEP_MAX)


def audit_write(ctx: Ctx, *, action: str, subject: str, reason: str) -> None:
    """Write down that the actor did something that must be accounted for, and why.

    Raises: InputInvalid when the reason is empty or too long.
    """
    why = rules.text_checked(reason, path="/reason", length_max=rules.REASON_LENGTH_MAX)
    entry = AuditEntry(
        new_id(ctx.now),
        ctx.now,
        ctx.actor.label(),
        ctx.actor.party_id,
        action,
        subject,
        why,
    )
    store.audit_insert(ctx, row=entry)


def audit_page(
    ctx: Ctx,
    *,
    search: AuditSearch = EVERY_ACT,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[AuditEntry]:
    """List audit entries, the newest first.

    Raises: Forbidden; InputInvalid; CursorInvalid.
    """
    ctx.require(AUDIT)
    size = limit_bounded(limit)
    if search.subject is not None:
        subject = rules.text_checked(search.subject, path="/subject")
        search = replace(search, subject=subject)
    rows = store.audit_page(ctx, search=search, before=cursor_id(cursor), limit=size + 1)
    return page_of(rows, limit=size, key=lambda entry: str(entry.id))


def audit_whole(ctx: Ctx, *, search: AuditSearch) -> Iterator[AuditEntry]:
    """Give all audit entries that are looked for, the newest first.

    Raises: Forbidden.
    """
    ctx.require(AUDIT)
    before = None
    while rows := store.audit_page(ctx, search=search, before=before, limit=AUDIT_AT_ONCE):
        yield from rows
        before = rows[-1].id


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find keys whose secret can't be opened, or that may do more than their party's kind."""
    for key_id, party_kind, sealed, scopes in store.keys_sealed(ctx):
        if sealed is not None:
            try:
                ctx.keyring.open(sealed, bound_to=key_id.encode())
            except KeyRingError as error:
                yield Finding(
                    "key_opens",
                    f"key {key_id}",
                    str(error),
                    "restore the key ring's file from the back-up, or revoke the key",
                )
        beyond = scopes - ROLE_SCOPES[party_kind]
        if beyond:
            yield Finding(
                "key_within_policy",
                f"key {key_id}",
                f"has {', '.join(sorted(beyond))}, which a {party_kind} may not have",
                "revoke the key and issue another",
            )


def _party_move(
    ctx: Ctx, party_id: PartyId, state: PartyState, event: EventType, reason: str
) -> Party:
    ctx.require(ADMIN)
    label = id_text(PARTY_PREFIX, party_id)
    party = store.party_lock(ctx, party_id=party_id)
    if party is None:
        raise _no_party(party_id)
    PARTY_STATES.check(party.state, state, label=label)
    audit_write(ctx, action=event.name, subject=label, reason=reason)
    store.party_state_set(ctx, party_id=party_id, state=state)
    ctx.announce(event, party_id=party_id, subject=label, data={"reason": reason.strip()})
    return Party(
        party.id, party.kind, party.name, party.legal_name, party.uscc, state, party.created_at
    )


def _with_parties(ctx: Ctx, people: Collection[Person]) -> dict[PersonId, PersonRecord]:
    found = store.parties_read(ctx, party_ids={person.party_id for person in people})
    return {person.id: PersonRecord(person, found[person.party_id]) for person in people}


def _may_read(ctx: Ctx, party_id: PartyId) -> None:
    """Let the operator read any party, and others only their own.

    Another tenant's id is answered like one that does not exist.
    """
    if _is_admin(ctx):
        return
    ctx.require(READ_OWN)
    if party_id != ctx.actor.party_id:
        raise _no_party(party_id)


def _keys_manage_check(ctx: Ctx, party_id: PartyId) -> None:
    """Let the operator manage any party's keys, and others those of their own."""
    if _is_admin(ctx):
        return
    ctx.require(KEYS)
    if party_id != ctx.actor.party_id:
        raise _no_party(party_id)


def _is_admin(ctx: Ctx) -> bool:
    return ADMIN in ctx.actor.scopes or "*" in ctx.actor.scopes


def _no_party(party_id: PartyId) -> NotFound:
    return NotFound(what=PARTY_WORD, id=id_text(PARTY_PREFIX, party_id))


def _email_index(ctx: Ctx, email: str) -> bytes:
    return ctx.keyring.blind_index(f"email:{email}")


def _after_key(cursor: str | None) -> str | None:
    key = cursor_parse(cursor)
    if key is not None and not rules.is_key_id(key):
        raise CursorInvalid
    return key
