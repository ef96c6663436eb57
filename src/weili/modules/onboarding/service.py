"""The verbs on applications: whoever has the link fills one in, and the operator decides."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.findings import Finding
from weili.kit.ids import id_text, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said
from weili.kit.secrets import KeyRingError, new_token, token_hash
from weili.kit.zone import day_of
from weili.modules import parties
from weili.modules.onboarding import rules, store
from weili.modules.onboarding.model import (
    APPLICATION_APPROVED,
    APPLICATION_PREFIX,
    APPLICATION_STATES,
    APPLICATION_SUBMITTED,
    LINK_AGE,
    OPEN,
    SCOPE,
    Answers,
    Application,
    ApplicationId,
    ApplicationState,
    Contact,
    Counts,
    Link,
    Step,
    TermsId,
)
from weili.modules.onboarding.problems import (
    APPLICATION_WORD,
    ApplicationIncomplete,
    TermsOutdated,
)

STEPS_MAX: Final = 50
ALIKE_MAX: Final = 20
_APPLICANT: Final = Said("supplier or partner", "supplier 或 partner")


def application_open(ctx: Ctx, *, kind: parties.PartyKind, note: str, now: datetime) -> Link:
    """Make an application with nothing filled in, and the link to fill it in by.

    Whoever has the link may, for thirty days of the wall clock; so it is told this once.

    Raises: Forbidden; InputInvalid.
    """
    ctx.require(parties.ADMIN)
    if kind not in rules.APPLICANTS:
        raise InputInvalid(fields=(FieldProblem("/kind", "unfit", _APPLICANT),))
    token = new_token()
    application = Application(
        ApplicationId(new_id(ctx.now)),
        kind,
        ApplicationState.DRAFT,
        note.strip(),
        ctx.actor.party_id,
        "",
        "",
        "",
        "",
        Contact("", "", ""),
        "",
        None,
        None,
        None,
        ctx.now,
        ctx.now,
        None,
        now + LINK_AGE,
    )
    store.application_insert(ctx, row=application, token_hash=token_hash(token))
    _step(ctx, application.id, ApplicationState.DRAFT, application.note)
    _audit(ctx, application.id, "application.open", "by link")
    return Link(application, token)


def application_link(ctx: Ctx, *, application_id: ApplicationId, now: datetime) -> Link:
    """Make another link for an application that is not decided; the one before works no more.

    Raises: Forbidden; NotFound; StateConflict.
    """
    ctx.require(parties.ADMIN)
    application = _locked(ctx, application_id)
    undecided = OPEN | {ApplicationState.SUBMITTED}
    APPLICATION_STATES.require(application.state, undecided, label=_label(application_id))
    token = new_token()
    expires_at = now + LINK_AGE
    store.application_link_set(
        ctx,
        application_id=application_id,
        token_hash=token_hash(token),
        expires_at=expires_at,
    )
    _audit(ctx, application_id, "application.link", "by link")
    return Link(replace(application, link_expires_at=expires_at), token)


def applications_find(
    ctx: Ctx, *, token_hashes: Sequence[bytes], now: datetime
) -> dict[bytes, ApplicationId]:
    """Give whose links those are that still work, for a face to admit who comes with one."""
    return store.application_ids_by_token(ctx, token_hashes=token_hashes, now=now)


def application_own(ctx: Ctx) -> tuple[Application, Contact]:
    """Give the application whose link the actor came with, and whom to ask as they wrote it.

    Once it is approved the contact is masked: the link has done its work, and lies in a mailbox.

    Raises: Forbidden; NotFound.
    """
    ctx.require(SCOPE)
    application_id = own_id(ctx)
    application = _found(ctx, application_id)
    if application.party_id is not None:
        return application, application.contact
    return application, store.application_contact(ctx, application_id=application_id)


def application_fill(ctx: Ctx, *, answers: Answers) -> None:
    """Write down what the applicant has filled in so far; empty is not yet.

    Raises: Forbidden; NotFound; UsccInvalid; InputInvalid; StateConflict.
    """
    ctx.require(SCOPE)
    application = own_locked(ctx)
    contact = answers.contact
    if contact.email:
        try:
            contact = replace(contact, email=parties.email_checked(contact.email))
        except InputInvalid as invalid:
            fields = tuple(replace(each, path="/contact/email") for each in invalid.fields)
            raise InputInvalid(fields=fields) from None
    uscc = parties.uscc_checked(answers.uscc) if answers.uscc else ""
    checked = replace(
        answers,
        name=answers.name.strip(),
        legal_name=answers.legal_name.strip(),
        about=answers.about.strip(),
        uscc=uscc,
        contact=contact,
    )
    store.application_fill(ctx, application_id=application.id, answers=checked)


def application_submit(ctx: Ctx, *, terms_id: TermsId | None) -> None:
    """Hand the application in, with the terms in force accepted; again it is refused.

    Raises: Forbidden; NotFound; StateConflict; TermsOutdated; ApplicationIncomplete.
    """
    ctx.require(SCOPE)
    application = own_locked(ctx)
    newest = next(iter(store.terms_of(ctx, kind=application.kind, limit=1)), None)
    if terms_id is not None and (newest is None or newest.id != terms_id):
        raise TermsOutdated
    contact = store.application_contact(ctx, application_id=application.id)
    fields = rules.missing(
        Answers(
            application.name, application.legal_name, application.uscc, application.about, contact
        ),
        store.documents_read(ctx, application_id=application.id),
        terms_needed=newest is not None and terms_id is None,
        today=day_of(ctx.now),
    )
    if fields:
        raise ApplicationIncomplete(fields=fields)
    store.application_move(
        ctx,
        application_id=application.id,
        state=ApplicationState.SUBMITTED,
        terms_id=terms_id,
        terms_accepted_at=None if terms_id is None else ctx.now,
        submitted_at=ctx.now,
    )
    _step(ctx, application.id, ApplicationState.SUBMITTED, "")
    label = _label(application.id)
    ctx.announce(
        APPLICATION_SUBMITTED,
        party_id=application.maker_id,
        subject=label,
        data={"application_id": label, "kind": str(application.kind)},
    )


def application_get(ctx: Ctx, *, application_id: ApplicationId) -> Application:
    """Give one application to the operator, its contact masked.

    Raises: Forbidden; NotFound.
    """
    ctx.require(parties.ADMIN)
    return _found(ctx, application_id)


def application_page(
    ctx: Ctx,
    *,
    state: ApplicationState | None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Application]:
    """List applications, the newest first.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require(parties.ADMIN)
    size = limit_bounded(limit)
    rows = store.application_page(ctx, state=state, before=cursor_id(cursor), limit=size + 1)
    return page_of(rows, limit=size, key=lambda each: str(each.id))


def application_counts(ctx: Ctx) -> Counts:
    """Say how many applications are in each state.

    Raises: Forbidden.
    """
    ctx.require(parties.ADMIN)
    return store.application_counts(ctx)


def application_steps(ctx: Ctx, *, application_id: ApplicationId) -> list[Step]:
    """Give the states an application came to, the newest first, for who was shown it."""
    return store.steps_read(ctx, application_id=application_id, limit=STEPS_MAX)


def applications_alike(ctx: Ctx, *, application: Application) -> list[ApplicationId]:
    """Give other applications with the same credit code.

    Raises: Forbidden.
    """
    ctx.require(parties.ADMIN)
    if not application.uscc:
        return []
    return store.applications_alike(
        ctx, application_id=application.id, uscc=application.uscc, limit=ALIKE_MAX
    )


def application_contact_reveal(ctx: Ctx, *, application_id: ApplicationId, reason: str) -> Contact:
    """Show whom to ask in clear, which is audited with the reason.

    Raises: Forbidden; NotFound; InputInvalid.
    """
    ctx.require(parties.ADMIN)
    _found(ctx, application_id)
    _audit(ctx, application_id, "application.contact_reveal", reason)
    return store.application_contact(ctx, application_id=application_id)


def application_send_back(ctx: Ctx, *, application_id: ApplicationId, remark: str) -> None:
    """Let the applicant mend what the remark says.

    Raises: Forbidden; NotFound; StateConflict; InputInvalid.
    """
    _decide(ctx, application_id, ApplicationState.SENT_BACK, remark)


def application_refuse(ctx: Ctx, *, application_id: ApplicationId, reason: str) -> None:
    """Refuse an application for good, or close one that nobody filled in.

    Raises: Forbidden; NotFound; StateConflict; InputInvalid.
    """
    _decide(ctx, application_id, ApplicationState.REFUSED, reason)


def application_to_approve(
    ctx: Ctx, *, application_id: ApplicationId
) -> tuple[Application, Contact]:
    """Give an application that may be approved, held, and whom to ask in clear: the owner to be.

    Raises: Forbidden; NotFound; StateConflict.
    """
    ctx.require(parties.ADMIN)
    application = _locked(ctx, application_id)
    APPLICATION_STATES.check(
        application.state, ApplicationState.APPROVED, label=_label(application_id)
    )
    return application, store.application_contact(ctx, application_id=application_id)


def application_approved(ctx: Ctx, *, application: Application, party_id: PartyId) -> None:
    """Write down that a party came of an application, which was held for it.

    Its documents and the terms that it accepted are the party's from now on.
    """
    label = _label(application.id)
    store.application_move(
        ctx, application_id=application.id, state=ApplicationState.APPROVED, party_id=party_id
    )
    _step(ctx, application.id, ApplicationState.APPROVED, "")
    _audit(ctx, application.id, "application.approve", "after review")
    for document in store.documents_take_over(
        ctx, application_id=application.id, party_id=party_id
    ):
        due_at = rules.due_first(document.expires_on, ctx.now)
        store.document_due_set(ctx, document_id=document.id, due_at=due_at)
    if application.terms_id is not None and application.terms_accepted_at is not None:
        store.acceptance_insert(
            ctx,
            party_id=party_id,
            terms_id=application.terms_id,
            at=application.terms_accepted_at,
            actor=f"applicant:{label}",
        )
    ctx.announce(
        APPLICATION_APPROVED,
        party_id=party_id,
        subject=label,
        data={"application_id": label},
    )


def own_id(ctx: Ctx) -> ApplicationId:
    """Give the application whose link the actor came with: it is as a tenant of its own."""
    return ApplicationId(ctx.actor.party_id)


def own_locked(ctx: Ctx) -> Application:
    """Give the application whose link the actor came with, held, if it may still be changed.

    Raises: NotFound; StateConflict.
    """
    application = _locked(ctx, own_id(ctx))
    APPLICATION_STATES.require(application.state, OPEN, label=_label(application.id))
    return application


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find applications whose contact can't be opened."""
    for application_id, sealed in store.contacts_sealed(ctx):
        try:
            ctx.keyring.open(sealed, bound_to=application_id.bytes)
        except KeyRingError as error:
            yield Finding(
                "contact_opens",
                _label(application_id),
                str(error),
                "restore the key ring's file from the back-up",
            )


def _decide(ctx: Ctx, application_id: ApplicationId, state: ApplicationState, remark: str) -> None:
    ctx.require(parties.ADMIN)
    application = _locked(ctx, application_id)
    APPLICATION_STATES.check(application.state, state, label=_label(application_id))
    _audit(ctx, application_id, f"application.{state}", remark)
    said = remark.strip()
    store.application_move(ctx, application_id=application_id, state=state, remark=said)
    _step(ctx, application_id, state, said)


def _step(ctx: Ctx, application_id: ApplicationId, state: ApplicationState, remark: str) -> None:
    row = Step(ctx.now, ctx.actor.label(), state, remark)
    store.step_insert(ctx, application_id=application_id, step_id=new_id(ctx.now), row=row)


def _audit(ctx: Ctx, application_id: ApplicationId, action: str, reason: str) -> None:
    parties.audit_write(ctx, action=action, subject=_label(application_id), reason=reason)


def _found(ctx: Ctx, application_id: ApplicationId) -> Application:
    found = store.application_read(ctx, application_id=application_id)
    if found is None:
        raise NotFound(what=APPLICATION_WORD, id=_label(application_id))
    return found


def _locked(ctx: Ctx, application_id: ApplicationId) -> Application:
    found = store.application_read(ctx, application_id=application_id, is_locked=True)
    if found is None:
        raise NotFound(what=APPLICATION_WORD, id=_label(application_id))
    return found


def _label(application_id: ApplicationId) -> str:
    return id_text(APPLICATION_PREFIX, application_id)
