"""All SQL of ``onboarding``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx, PartyId
from weili.modules.onboarding.model import (
    Acceptance,
    Answers,
    Application,
    ApplicationId,
    ApplicationState,
    Contact,
    Document,
    DocumentId,
    DocumentKind,
    Step,
    Terms,
    TermsId,
)
from weili.modules.onboarding.rules import contact_masked
from weili.modules.onboarding.tables import acceptance, application, document, step, terms
from weili.modules.parties import PartyKind

_DOCUMENT_COLUMNS: Final = [column for column in document.c if column.name != "due_at"]


# --- applications --------------------------------------------------------------------------------


def application_insert(ctx: Ctx, *, row: Application, token_hash: bytes) -> None:
    """Add an application with nothing filled in."""
    ctx.db.sa.execute(
        sa.insert(application).values(
            id=row.id,
            kind=str(row.kind),
            state=str(row.state),
            note=row.note,
            maker_id=row.maker_id,
            name="",
            legal_name="",
            uscc="",
            about="",
            contact_sealed=_sealed(ctx, row.id, row.contact),
            remark="",
            created_at=row.created_at,
            changed_at=row.changed_at,
            token_hash=token_hash,
            link_expires_at=row.link_expires_at,
        )
    )


def application_link_set(
    ctx: Ctx, *, application_id: ApplicationId, token_hash: bytes, expires_at: datetime
) -> None:
    """Put another link in the place of an application's."""
    _update(ctx, application_id, token_hash=token_hash, link_expires_at=expires_at)


def application_ids_by_token(
    ctx: Ctx, *, token_hashes: Sequence[bytes], now: datetime
) -> dict[bytes, ApplicationId]:
    """Give whose links those are that still work."""
    rows = ctx.db.sa.execute(
        sa.select(application.c.token_hash, application.c.id).where(
            application.c.token_hash.in_(token_hashes), application.c.link_expires_at > now
        )
    )
    return {bytes(row.token_hash): ApplicationId(row.id) for row in rows}


def application_read(
    ctx: Ctx, *, application_id: ApplicationId, is_locked: bool = False
) -> Application | None:
    """Give one application, its contact masked; held until the transaction's end if asked."""
    statement = sa.select(application).where(application.c.id == application_id)
    if is_locked:
        statement = statement.with_for_update()
    row = ctx.db.sa.execute(statement).one_or_none()
    return None if row is None else _application(ctx, row)


def application_contact(ctx: Ctx, *, application_id: ApplicationId) -> Contact:
    """Give whom to ask, in clear."""
    sealed = ctx.db.sa.execute(
        sa.select(application.c.contact_sealed).where(application.c.id == application_id)
    ).scalar_one()
    return _contact(ctx, application_id, sealed)


def application_fill(ctx: Ctx, *, application_id: ApplicationId, answers: Answers) -> None:
    """Write down what an applicant filled in."""
    _update(
        ctx,
        application_id,
        name=answers.name,
        legal_name=answers.legal_name,
        uscc=answers.uscc,
        about=answers.about,
        contact_sealed=_sealed(ctx, application_id, answers.contact),
        changed_at=ctx.now,
    )


def application_move(
    ctx: Ctx, *, application_id: ApplicationId, state: ApplicationState, **changes: object
) -> None:
    """Bring an application to another state."""
    _update(ctx, application_id, state=str(state), changed_at=ctx.now, **changes)


def application_page(
    ctx: Ctx, *, state: ApplicationState | None, before: UUID | None, limit: int
) -> list[Application]:
    """Give applications, the newest first."""
    statement = sa.select(application).order_by(application.c.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(application.c.state == str(state))
    if before is not None:
        statement = statement.where(application.c.id < before)
    return [_application(ctx, row) for row in ctx.db.sa.execute(statement)]


def application_counts(ctx: Ctx) -> dict[ApplicationState, int]:
    """Say how many applications are in each state."""
    rows = ctx.db.sa.execute(
        sa.select(application.c.state, sa.func.count()).group_by(application.c.state)
    )
    found = {ApplicationState(state): count for state, count in rows}
    return {state: found.get(state, 0) for state in ApplicationState}


def applications_alike(
    ctx: Ctx, *, application_id: ApplicationId, uscc: str, limit: int
) -> list[ApplicationId]:
    """Give other applications with the same credit code, the newest first."""
    rows = ctx.db.sa.execute(
        sa.select(application.c.id)
        .where(application.c.uscc == uscc, application.c.id != application_id)
        .order_by(application.c.id.desc())
        .limit(limit)
    )
    return [ApplicationId(row.id) for row in rows]


def contacts_sealed(ctx: Ctx) -> list[tuple[ApplicationId, bytes]]:
    """Give every application's contact as it is kept."""
    rows = ctx.db.sa.execute(sa.select(application.c.id, application.c.contact_sealed))
    return [(ApplicationId(row.id), row.contact_sealed) for row in rows]


def step_insert(ctx: Ctx, *, application_id: ApplicationId, step_id: UUID, row: Step) -> None:
    """Write down that an application came to a state."""
    ctx.db.sa.execute(
        sa.insert(step).values(
            application_id=application_id,
            id=step_id,
            at=row.at,
            actor=row.actor,
            state=str(row.state),
            remark=row.remark,
        )
    )


def steps_read(ctx: Ctx, *, application_id: ApplicationId, limit: int) -> list[Step]:
    """Give the last states an application came to, the newest first."""
    rows = ctx.db.sa.execute(
        sa.select(step)
        .where(step.c.application_id == application_id)
        .order_by(step.c.id.desc())
        .limit(limit)
    )
    return [Step(row.at, row.actor, ApplicationState(row.state), row.remark) for row in rows]


# --- documents -----------------------------------------------------------------------------------


def document_insert(ctx: Ctx, *, row: Document, due_at: datetime | None) -> None:
    """Add a document."""
    ctx.db.sa.execute(
        sa.insert(document).values(
            id=row.id,
            application_id=row.application_id,
            party_id=row.party_id,
            kind=str(row.kind),
            number=row.number,
            expires_on=row.expires_on,
            address=row.address,
            content_type=row.content_type,
            size_bytes=row.size_bytes,
            created_at=row.created_at,
            due_at=due_at,
        )
    )


def document_count(
    ctx: Ctx, *, application_id: ApplicationId | None = None, party_id: PartyId | None = None
) -> int:
    """Count the documents of an application or a party, those that ended included."""
    statement = sa.select(sa.func.count()).select_from(document)
    return int(ctx.db.sa.execute(statement.where(_owned(application_id, party_id))).scalar_one())


def documents_read(
    ctx: Ctx, *, application_id: ApplicationId | None = None, party_id: PartyId | None = None
) -> list[Document]:
    """Give the documents of an application or a party, the newest first; there are a few dozen."""
    statement = sa.select(*_DOCUMENT_COLUMNS).order_by(document.c.id.desc())
    return [
        _document(row)
        for row in ctx.db.sa.execute(statement.where(_owned(application_id, party_id)))
    ]


def document_read(ctx: Ctx, *, document_id: DocumentId, is_locked: bool = False) -> Document | None:
    """Give one document; held until the transaction's end if asked."""
    statement = sa.select(*_DOCUMENT_COLUMNS).where(document.c.id == document_id)
    if is_locked:
        statement = statement.with_for_update()
    row = ctx.db.sa.execute(statement).one_or_none()
    return None if row is None else _document(row)


def document_end(ctx: Ctx, *, document_id: DocumentId) -> None:
    """Write down that a document counts no more."""
    ctx.db.sa.execute(
        sa.update(document)
        .where(document.c.id == document_id)
        .values(ended_at=ctx.now, due_at=None)
    )


def documents_take_over(
    ctx: Ctx, *, application_id: ApplicationId, party_id: PartyId
) -> list[Document]:
    """Give an application's documents to the party that came of it."""
    rows = ctx.db.sa.execute(
        sa.update(document)
        .where(document.c.application_id == application_id, document.c.ended_at.is_(None))
        .values(party_id=party_id)
        .returning(*_DOCUMENT_COLUMNS)
    )
    return [_document(row) for row in rows]


def document_due_set(ctx: Ctx, *, document_id: DocumentId, due_at: datetime | None) -> None:
    """Say when there is something to tell of a document next."""
    ctx.db.sa.execute(sa.update(document).where(document.c.id == document_id).values(due_at=due_at))


def documents_due(ctx: Ctx, *, limit: int) -> list[Document]:
    """Give documents of parties of which something is to be told, held."""
    rows = ctx.db.sa.execute(
        sa.select(*_DOCUMENT_COLUMNS)
        .where(document.c.due_at <= ctx.now, document.c.ended_at.is_(None))
        .order_by(document.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_document(row) for row in rows]


# --- terms ---------------------------------------------------------------------------------------


def terms_insert(ctx: Ctx, *, row: Terms) -> bool:
    """Add a version; False when somebody has just published that number."""
    done = ctx.db.sa.execute(
        pgt.insert(terms)
        .values(
            id=row.id,
            kind=str(row.kind),
            version=row.version,
            title_zh=row.title_zh,
            title_en=row.title_en,
            text_zh=row.text_zh,
            text_en=row.text_en,
            sha256=row.sha256,
            is_binding=row.is_binding,
            published_at=row.published_at,
        )
        .on_conflict_do_nothing()
        .returning(terms.c.id)
    )
    return done.one_or_none() is not None


def terms_of(ctx: Ctx, *, kind: PartyKind, limit: int) -> list[Terms]:
    """Give the versions for parties of a kind, the newest first."""
    rows = ctx.db.sa.execute(
        sa.select(terms)
        .where(terms.c.kind == str(kind))
        .order_by(terms.c.version.desc())
        .limit(limit)
    )
    return [_terms(row) for row in rows]


def terms_read(ctx: Ctx, *, terms_id: TermsId) -> Terms | None:
    """Give one version."""
    row = ctx.db.sa.execute(sa.select(terms).where(terms.c.id == terms_id)).one_or_none()
    return None if row is None else _terms(row)


def acceptance_insert(
    ctx: Ctx, *, party_id: PartyId, terms_id: TermsId, at: datetime, actor: str
) -> bool:
    """Write down that a party accepted a version; False when it had before."""
    done = ctx.db.sa.execute(
        pgt.insert(acceptance)
        .values(party_id=party_id, terms_id=terms_id, accepted_at=at, actor=actor)
        .on_conflict_do_nothing()
        .returning(acceptance.c.party_id)
    )
    return done.one_or_none() is not None


def acceptances_read(ctx: Ctx, *, party_id: PartyId) -> list[Acceptance]:
    """Give what versions a party accepted, the newest first."""
    rows = ctx.db.sa.execute(
        sa.select(acceptance, terms.c.version, terms.c.sha256)
        .join(terms, terms.c.id == acceptance.c.terms_id)
        .where(acceptance.c.party_id == party_id)
        .order_by(terms.c.version.desc())
    )
    return [
        Acceptance(TermsId(row.terms_id), row.version, row.sha256, row.accepted_at, row.actor)
        for row in rows
    ]


def acceptances_count(ctx: Ctx, *, terms_ids: Sequence[TermsId]) -> dict[TermsId, int]:
    """Say how many parties accepted each of some versions."""
    rows = ctx.db.sa.execute(
        sa.select(acceptance.c.terms_id, sa.func.count())
        .where(acceptance.c.terms_id.in_(terms_ids))
        .group_by(acceptance.c.terms_id)
    )
    return {TermsId(terms_id): count for terms_id, count in rows}


# --- rows ----------------------------------------------------------------------------------------


def _update(ctx: Ctx, application_id: ApplicationId, **changes: object) -> None:
    ctx.db.sa.execute(
        sa.update(application).where(application.c.id == application_id).values(**changes)
    )


def _owned(
    application_id: ApplicationId | None, party_id: PartyId | None
) -> sa.ColumnElement[bool]:
    if party_id is not None:
        return document.c.party_id == party_id
    return document.c.application_id == application_id


def _sealed(ctx: Ctx, application_id: ApplicationId, contact: Contact) -> bytes:
    plain = msgspec.json.encode([contact.name, contact.phone, contact.email])
    return ctx.keyring.seal(plain, bound_to=application_id.bytes)


def _contact(ctx: Ctx, application_id: UUID, sealed: bytes) -> Contact:
    return Contact(*msgspec.json.decode(ctx.keyring.open(sealed, bound_to=application_id.bytes)))


def _application(ctx: Ctx, row: sa.Row[Any]) -> Application:
    return Application(
        ApplicationId(row.id),
        PartyKind(row.kind),
        ApplicationState(row.state),
        row.note,
        PartyId(row.maker_id),
        row.name,
        row.legal_name,
        row.uscc,
        row.about,
        contact_masked(_contact(ctx, row.id, row.contact_sealed)),
        row.remark,
        row.terms_id,
        row.terms_accepted_at,
        row.party_id,
        row.created_at,
        row.changed_at,
        row.submitted_at,
        row.link_expires_at,
    )


def _document(row: sa.Row[Any]) -> Document:
    return Document(
        DocumentId(row.id),
        row.application_id,
        row.party_id,
        DocumentKind(row.kind),
        row.number,
        row.expires_on,
        row.address,
        row.content_type,
        row.size_bytes,
        row.created_at,
        row.ended_at,
    )


def _terms(row: sa.Row[Any]) -> Terms:
    return Terms(
        TermsId(row.id),
        PartyKind(row.kind),
        row.version,
        row.title_zh,
        row.title_en,
        row.text_zh,
        row.text_en,
        row.sha256,
        row.is_binding,
        row.published_at,
    )
