"""The operator's review desk: links, applications, what they prove, and the terms."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field
from starlette.responses import Response

from weili.adapters.files.media import MediaStore
from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import Call, CallIn, carry_out, change, read, respond
from weili.entrypoints.http.checks import UnfitError
from weili.entrypoints.http.company import CompanyOut, company_document
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.fields import (
    LIMIT,
    NAME_MAX,
    TEXT_OR_NONE_PATTERN,
    Body,
    CursorIn,
    Document,
    LimitIn,
    PartyIdIn,
    TitleIn,
)
from weili.entrypoints.http.onboarding_answers import (
    FILE,
    ApplicationIdIn,
    ApplicationIdOut,
    ContactOut,
    DocumentIdIn,
    DocumentOut,
    StepOut,
    TermsVersionOut,
    contact_document,
    document_fetched,
    documents_shown,
    steps_shown,
    terms_document,
)
from weili.entrypoints.http.operator_parties import party_document
from weili.entrypoints.http.orders import ReasonBody
from weili.kit.clock import wall_now
from weili.kit.context import Ctx
from weili.kit.ids import id_parse, id_text
from weili.modules import identity, onboarding, parties
from weili.workflows.take_in_party import TakenIn, party_take_in

ApplicantKind = Literal["supplier", "partner"]
StateQuery = Annotated[
    onboarding.ApplicationState | None, Query(description="only those in this state")
]
_LINE_BREAKS: Final = "\n\t"


def text_checked(text: str) -> str:
    """Refuse a text of several lines that is blank or holds other control characters.

    Raises: UnfitError.
    """
    is_clean = all(sign >= " " or sign in _LINE_BREAKS for sign in text) and "\x7f" not in text
    if not text.strip() or not is_clean:
        raise UnfitError(
            "text that is not blank, without control characters", "非空白文字，不含控制字符"
        )
    return text


TermsTextIn = Annotated[
    str,
    Field(
        min_length=1,
        max_length=onboarding.TERMS_MAX,
        json_schema_extra={"pattern": "^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f]*$"},
    ),
    AfterValidator(text_checked),
]


class LinkBody(Body):
    """For whom a link is made; the note is for your colleagues."""

    kind: ApplicantKind
    note: Annotated[str, Field(max_length=NAME_MAX, pattern=TEXT_OR_NONE_PATTERN)] = ""


class TermsVersionBody(Body):
    """The next version of the terms, in both languages."""

    kind: ApplicantKind
    title_zh: TitleIn
    title_en: TitleIn
    text_zh: TermsTextIn
    text_en: TermsTextIn
    is_binding: bool


class ApplicationLinkOut(Document):
    """The link of an application, below this server's address; it works for thirty days."""

    id: ApplicationIdOut
    link: str


class TakenInOut(Document):
    """The party that came of an application, and the link by which its owner sets a password."""

    party: answers.PartyOut
    link: str


class ApplicationOut(Document):
    """An application; the contact is masked."""

    id: ApplicationIdOut
    kind: ApplicantKind
    state: onboarding.ApplicationState
    note: str
    name: str
    legal_name: str
    uscc: str
    about: str
    contact: ContactOut
    remark: str
    party_id: answers.PartyIdOut | None
    created_at: answers.MomentOut
    changed_at: answers.MomentOut
    submitted_at: answers.MomentOut | None
    link_expires_at: answers.MomentOut


class ApplicationWholeOut(ApplicationOut):
    """An application with all that is looked at before it is decided.

    `alike` are parties that share its name, legal name or credit code; `twins` are other
    applications with the same credit code.
    """

    documents: list[DocumentOut]
    steps: list[StepOut]
    alike: list[answers.PartyOut]
    twins: list[ApplicationIdOut]
    terms_version: int | None
    terms_accepted_at: answers.MomentOut | None


class ApplicationCountsOut(Document):
    """How many applications are in each state."""

    draft: int
    submitted: int
    sent_back: int
    approved: int
    refused: int


class TermsRowOut(TermsVersionOut):
    """A version of the terms, and how many parties accepted it."""

    accepted_count: int


class TermsListOut(Document):
    """All versions, the newest first."""

    items: list[TermsRowOut]


def application_router(store: MediaStore) -> APIRouter:
    """Give the routes of the review desk over the place where files lie."""
    router = APIRouter(tags=["operator: applications"])
    _links(router)
    _looks(router, store)
    _decisions(router)
    _terms(router)
    return router


def _links(router: APIRouter) -> None:
    @router.post("/v1/operator/applications", response_model=ApplicationLinkOut, status_code=201)
    def application_open(call: CallIn, body: LinkBody) -> Response:
        """Make a link by which somebody applies to be taken in; it is shown this once."""

        def work(ctx: Ctx) -> onboarding.Link:
            kind = parties.PartyKind(body.kind)
            return onboarding.application_open(ctx, kind=kind, note=body.note, now=wall_now())

        return _link(call, carry_out(call, work), status=201)

    @router.post(
        "/v1/operator/applications/{application_id}:link", response_model=ApplicationLinkOut
    )
    def application_link(call: CallIn, application_id: ApplicationIdIn) -> Response:
        """Make another link for an application; the one before works no more."""
        which = _id(application_id)

        def work(ctx: Ctx) -> onboarding.Link:
            return onboarding.application_link(ctx, application_id=which, now=wall_now())

        made = carry_out(call, work)
        call.forget_keys()
        return _link(call, made)


def _looks(router: APIRouter, store: MediaStore) -> None:
    @router.get("/v1/operator/applications", response_model=answers.PageOut[ApplicationOut])
    def application_page(
        call: CallIn, state: StateQuery = None, cursor: CursorIn = None, limit: LimitIn = LIMIT
    ) -> Response:
        """List applications, the newest first."""

        def work(ctx: Ctx) -> dict[str, Any]:
            rows = onboarding.application_page(ctx, state=state, cursor=cursor, limit=limit)
            return page(rows.map(_application))

        return read(call, work)

    @router.get("/v1/operator/application-counts", response_model=ApplicationCountsOut)
    def application_counts(call: CallIn) -> Response:
        """Say how many applications are in each state."""
        return read(call, lambda ctx: dict(onboarding.application_counts(ctx)))

    @router.get("/v1/operator/applications/{application_id}", response_model=ApplicationWholeOut)
    def application_get(call: CallIn, application_id: ApplicationIdIn) -> Response:
        """Show an application with its documents, and whom it resembles."""
        which = _id(application_id)
        return read(call, lambda ctx: _whole(ctx, which))

    @router.post(
        "/v1/operator/applications/{application_id}:revealContact", response_model=ContactOut
    )
    def application_reveal(
        call: CallIn, application_id: ApplicationIdIn, body: ReasonBody
    ) -> Response:
        """Show whom to ask in clear; that you did, and why, goes to the audit log."""
        which = _id(application_id)

        def work(ctx: Ctx) -> dict[str, str]:
            return contact_document(
                onboarding.application_contact_reveal(ctx, application_id=which, reason=body.reason)
            )

        response = read(call, work)
        response.headers["cache-control"] = "no-store"
        return response

    @router.get(
        "/v1/operator/documents/{document_id}/file", response_class=Response, responses=FILE
    )
    def operator_document_file(call: CallIn, document_id: DocumentIdIn) -> Response:
        """Fetch the file of anybody's document."""
        return document_fetched(call, store, document_id)

    @router.get("/v1/operator/parties/{party_id}/company", response_model=CompanyOut)
    def operator_company_get(call: CallIn, party_id: PartyIdIn) -> Response:
        """Show a party with its documents and the terms it accepted."""
        return read(call, lambda ctx: company_document(ctx, party_id))


def _decisions(router: APIRouter) -> None:
    @router.post("/v1/operator/applications/{application_id}:approve", response_model=TakenInOut)
    def application_approve(call: CallIn, application_id: ApplicationIdIn) -> Response:
        """Take the applicant in: opens the party, with its owner and the owner's link."""
        which = _id(application_id)

        def work(ctx: Ctx) -> TakenIn:
            return party_take_in(ctx, application_id=which, now=wall_now())

        done = carry_out(call, work)
        link = identity.link_path(call.world.name, done.token)
        response = respond({"party": party_document(done.party), "link": link})
        response.headers["cache-control"] = "no-store"
        return response

    @router.post(
        "/v1/operator/applications/{application_id}:sendBack", response_model=answers.DoneOut
    )
    def application_send_back(
        call: CallIn, application_id: ApplicationIdIn, body: ReasonBody
    ) -> Response:
        """Let the applicant mend what you say; they read it by their link."""
        which = _id(application_id)

        def work(ctx: Ctx) -> dict[str, bool]:
            onboarding.application_send_back(ctx, application_id=which, remark=body.reason)
            return {"done": True}

        return change(call, work)

    @router.post(
        "/v1/operator/applications/{application_id}:refuse", response_model=answers.DoneOut
    )
    def application_refuse(
        call: CallIn, application_id: ApplicationIdIn, body: ReasonBody
    ) -> Response:
        """Refuse an application for good; the applicant reads the reason by their link."""
        which = _id(application_id)

        def work(ctx: Ctx) -> dict[str, bool]:
            onboarding.application_refuse(ctx, application_id=which, reason=body.reason)
            return {"done": True}

        return change(call, work)


def _terms(router: APIRouter) -> None:
    @router.post("/v1/operator/terms", response_model=TermsVersionOut, status_code=201)
    def terms_publish(call: CallIn, body: TermsVersionBody) -> Response:
        """Publish the next version of the terms; it is never changed after."""

        def work(ctx: Ctx) -> dict[str, Any]:
            row = onboarding.terms_publish(
                ctx,
                kind=parties.PartyKind(body.kind),
                title_zh=body.title_zh,
                title_en=body.title_en,
                text_zh=body.text_zh,
                text_en=body.text_en,
                is_binding=body.is_binding,
            )
            return terms_document(row)

        return change(call, work, status=201)

    @router.get("/v1/operator/terms", response_model=TermsListOut)
    def terms_list(call: CallIn, kind: ApplicantKind) -> Response:
        """List the versions of the terms for suppliers or for partners, the newest first."""

        def work(ctx: Ctx) -> dict[str, Any]:
            rows = onboarding.terms_versions(ctx, kind=parties.PartyKind(kind))
            return {
                "items": [{**terms_document(row), "accepted_count": count} for row, count in rows]
            }

        return read(call, work)


def _id(text: str) -> onboarding.ApplicationId:
    return onboarding.ApplicationId(id_parse(onboarding.APPLICATION_PREFIX, text))


def _link(call: Call, made: onboarding.Link, *, status: int = 200) -> Response:
    response = respond(
        {
            "id": id_text(onboarding.APPLICATION_PREFIX, made.application.id),
            # After the #, which no server or proxy is told.
            "link": f"/console/apply#{call.world.name}.{made.token}",
        },
        status=status,
    )
    response.headers["cache-control"] = "no-store"
    return response


def _application(row: onboarding.Application) -> dict[str, Any]:
    party_id = row.party_id
    return {
        "id": id_text(onboarding.APPLICATION_PREFIX, row.id),
        "kind": row.kind,
        "state": row.state,
        "note": row.note,
        "name": row.name,
        "legal_name": row.legal_name,
        "uscc": row.uscc,
        "about": row.about,
        "contact": contact_document(row.contact),
        "remark": row.remark,
        "party_id": None if party_id is None else id_text(parties.PARTY_PREFIX, party_id),
        "created_at": moment(row.created_at),
        "changed_at": moment(row.changed_at),
        "submitted_at": moment(row.submitted_at),
        "link_expires_at": moment(row.link_expires_at),
    }


def _whole(ctx: Ctx, application_id: onboarding.ApplicationId) -> dict[str, Any]:
    row = onboarding.application_get(ctx, application_id=application_id)
    documents = onboarding.documents_of_application(ctx, application_id=application_id)
    alike = parties.parties_alike(ctx, name=row.name, legal_name=row.legal_name, uscc=row.uscc)
    twins = onboarding.applications_alike(ctx, application=row)
    terms = None if row.terms_id is None else onboarding.terms_get(ctx, terms_id=row.terms_id)
    return {
        **_application(row),
        "documents": documents_shown(ctx, documents),
        "steps": steps_shown(onboarding.application_steps(ctx, application_id=application_id)),
        "alike": [party_document(party) for party in alike if party.id != row.party_id],
        "twins": [id_text(onboarding.APPLICATION_PREFIX, twin) for twin in twins],
        "terms_version": None if terms is None else terms.version,
        "terms_accepted_at": moment(row.terms_accepted_at),
    }
