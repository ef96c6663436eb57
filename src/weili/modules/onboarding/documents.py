"""Documents of applicants and parties: put, renewed, shown, and spoken of before they expire."""

from datetime import date
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.problems import NotFound, Said
from weili.kit.zone import day_of
from weili.modules import parties
from weili.modules.onboarding import rules, store
from weili.modules.onboarding.model import (
    APPLICATION_PREFIX,
    DOCUMENT_EXPIRED,
    DOCUMENT_EXPIRING,
    DOCUMENT_PREFIX,
    DOCUMENT_RENEWED,
    DOCUMENTS_MAX,
    PARTY_DOCUMENTS_MAX,
    SCOPE,
    ApplicationId,
    Document,
    DocumentId,
    DocumentKind,
    FileFacts,
    Fitness,
)
from weili.modules.onboarding.problems import (
    APPLICATION_WORD,
    DOCUMENT_WORD,
    DocumentsFull,
    DocumentUnfit,
)
from weili.modules.onboarding.service import own_id, own_locked

SWEEP_MAX: Final = 200
READ_OWN: Final = "account:read"
PEOPLE: Final = "people:write"
"""Whoever may let people in speaks for the party: they renew documents and accept terms."""
_PAST: Final = Said("its last day is past", "有效期已过")
_VIDEO: Final = Said("it is a video", "不支持视频")


def document_put(
    ctx: Ctx, *, kind: DocumentKind, number: str, expires_on: date | None, facts: FileFacts
) -> Document:
    """Add a document to the application whose link the actor came with.

    Raises: Forbidden; NotFound; StateConflict; DocumentUnfit; DocumentsFull.
    """
    ctx.require(SCOPE)
    application = own_locked(ctx)
    _fit_check(ctx, expires_on, facts)
    if store.document_count(ctx, application_id=application.id) >= DOCUMENTS_MAX:
        raise DocumentsFull(bound=DOCUMENTS_MAX)
    row = _document(ctx, kind, number, expires_on, facts)
    # Nobody is told of it before there is a party to be told.
    store.document_insert(ctx, row=row, due_at=None)
    return row


def document_take_back(ctx: Ctx, *, document_id: DocumentId) -> None:
    """Take a document out of the actor's application; again changes nothing.

    Raises: Forbidden; NotFound; StateConflict.
    """
    ctx.require(SCOPE)
    application = own_locked(ctx)
    found = store.document_read(ctx, document_id=document_id, is_locked=True)
    if found is None or found.application_id != application.id:
        raise _unknown(document_id)
    if found.ended_at is None:
        store.document_end(ctx, document_id=document_id)


def document_renew(
    ctx: Ctx,
    *,
    replaces: DocumentId | None,
    kind: DocumentKind,
    number: str,
    expires_on: date | None,
    facts: FileFacts,
) -> Document:
    """Add a document to the actor's own party, in the place of another where one is named.

    Raises: Forbidden; NotFound; DocumentUnfit; DocumentsFull.
    """
    ctx.require(PEOPLE)
    party_id = ctx.actor.party_id
    _fit_check(ctx, expires_on, facts)
    if store.document_count(ctx, party_id=party_id) >= PARTY_DOCUMENTS_MAX:
        raise DocumentsFull(bound=PARTY_DOCUMENTS_MAX)
    if replaces is not None:
        old = store.document_read(ctx, document_id=replaces, is_locked=True)
        if old is None or old.party_id != party_id or old.ended_at is not None:
            raise _unknown(replaces)
        store.document_end(ctx, document_id=replaces)
        kind = old.kind
    row = _document(ctx, kind, number, expires_on, facts)
    store.document_insert(ctx, row=row, due_at=rules.due_first(expires_on, ctx.now))
    ctx.announce(DOCUMENT_RENEWED, party_id=party_id, subject=_label(row.id), data=_data(row))
    return row


def documents_of_application(ctx: Ctx, *, application_id: ApplicationId) -> list[Document]:
    """Give an application's documents, the newest first: to the operator, and to its applicant.

    Those that have become a party's are no longer the applicant's to see.

    Raises: Forbidden; NotFound.
    """
    if SCOPE in ctx.actor.scopes:
        if application_id != own_id(ctx):
            raise NotFound(what=APPLICATION_WORD, id=id_text(APPLICATION_PREFIX, application_id))
        own = store.documents_read(ctx, application_id=application_id)
        return [row for row in own if row.party_id is None]
    ctx.require(parties.ADMIN)
    return store.documents_read(ctx, application_id=application_id)


def documents_of_party(ctx: Ctx, *, party_id: PartyId) -> list[Document]:
    """Give a party's documents, the newest first: to the operator any party's, to others their own.

    Raises: Forbidden; NotFound.
    """
    parties.party_get(ctx, party_id=party_id)
    return store.documents_read(ctx, party_id=party_id)


def document_file(ctx: Ctx, *, document_id: DocumentId) -> Document:
    """Give the document whose file the actor may fetch.

    The operator may fetch any, a party its own, and an applicant those of the application until it
    is approved: from then on they are the party's, whose people sign in.

    Raises: NotFound.
    """
    found = store.document_read(ctx, document_id=document_id)
    scopes, owner = ctx.actor.scopes, ctx.actor.party_id
    is_shown = found is not None and (
        bool({parties.ADMIN, "*"} & scopes)
        or (SCOPE in scopes and found.application_id == owner and found.party_id is None)
        or (READ_OWN in scopes and found.party_id == owner)
    )
    if found is None or not is_shown:
        raise _unknown(document_id)
    return found


def documents_sweep(ctx: Ctx) -> int:
    """Tell parties which documents expire in thirty days, in seven, or have; says how many."""
    due = store.documents_due(ctx, limit=SWEEP_MAX)
    today = day_of(ctx.now)
    for each in due:
        store.document_due_set(
            ctx, document_id=each.id, due_at=rules.due_at(each.expires_on, ctx.now)
        )
        if each.party_id is None or each.expires_on is None:
            continue
        days = rules.days_told(each.expires_on, today)
        if days is None:
            continue
        event, more = (DOCUMENT_EXPIRING, {"days": days}) if days else (DOCUMENT_EXPIRED, {})
        ctx.announce(
            event, party_id=each.party_id, subject=_label(each.id), data={**_data(each), **more}
        )
    return len(due)


def _document(
    ctx: Ctx,
    kind: DocumentKind,
    number: str,
    expires_on: date | None,
    facts: FileFacts,
) -> Document:
    """Make a document of whoever acts: an application or a party."""
    owner = ctx.actor.party_id
    is_applicant = SCOPE in ctx.actor.scopes
    return Document(
        DocumentId(new_id(ctx.now)),
        ApplicationId(owner) if is_applicant else None,
        None if is_applicant else owner,
        kind,
        number.strip(),
        expires_on,
        rules.file_address(owner.bytes, facts.digest, facts.suffix),
        facts.content_type,
        facts.size_bytes,
        ctx.now,
        None,
    )


def _fit_check(ctx: Ctx, expires_on: date | None, facts: FileFacts) -> None:
    if facts.content_type.startswith("video/"):
        raise DocumentUnfit(why=_VIDEO)
    if rules.fitness(expires_on, day_of(ctx.now)) is Fitness.EXPIRED:
        raise DocumentUnfit(why=_PAST)


def _data(row: Document) -> dict[str, object]:
    return {
        "document_id": _label(row.id),
        "kind": str(row.kind),
        "expires_on": None if row.expires_on is None else row.expires_on.isoformat(),
    }


def _unknown(document_id: DocumentId) -> NotFound:
    return NotFound(what=DOCUMENT_WORD, id=_label(document_id))


def _label(document_id: DocumentId) -> str:
    return id_text(DOCUMENT_PREFIX, document_id)
