"""An application, as whoever has its link fills it in: no sign-in, no key, one application."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.adapters.files.media import MediaStore
from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, change, read
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import (
    NAME_MAX,
    TEXT_OR_NONE_PATTERN,
    TITLE_MAX,
    Body,
    Document,
    id_pattern,
)
from weili.entrypoints.http.onboarding_answers import (
    FILE,
    UPLOAD,
    ApplicationIdOut,
    ContactOut,
    DocumentIdIn,
    DocumentOut,
    ExpiresQuery,
    KindQuery,
    NumberQuery,
    StepOut,
    TermsVersionOut,
    contact_document,
    document_fetched,
    document_sent,
    documents_shown,
    steps_shown,
    terms_document,
)
from weili.kit.context import Ctx
from weili.kit.ids import id_parse, id_text
from weili.modules import onboarding


class ContactBody(Body):
    """Whom to ask, and who becomes the owner; what is not known yet is empty."""

    name: Annotated[str, Field(max_length=NAME_MAX, pattern=TEXT_OR_NONE_PATTERN)]
    phone: Annotated[str, Field(pattern="^[0-9+() -]{0,20}$", examples=["13812345678"])]
    email: Annotated[str, Field(pattern="^[!-~]{0,254}$", examples=["lin@example.cn"])]


class ApplicationBody(Body):
    """What an applicant has filled in so far; what is not known yet is empty."""

    name: Annotated[str, Field(max_length=TITLE_MAX, pattern=TEXT_OR_NONE_PATTERN)]
    legal_name: Annotated[str, Field(max_length=TITLE_MAX, pattern=TEXT_OR_NONE_PATTERN)]
    uscc: Annotated[str, Field(pattern="^[0-9A-Za-z]{0,18}$", examples=["91330100MA2AA0001L"])]
    about: Annotated[
        str,
        Field(
            max_length=onboarding.ABOUT_MAX,
            pattern=TEXT_OR_NONE_PATTERN,
            description="what it supplies, or where and to whom it sells",
        ),
    ]
    contact: ContactBody


class SubmitBody(Body):
    """The version of the terms that is accepted; none where there are no terms yet."""

    terms_id: Annotated[str, Field(pattern=id_pattern(onboarding.TERMS_PREFIX))] | None = None


class OwnApplicationOut(Document):
    """An application as its applicant sees it."""

    id: ApplicationIdOut
    kind: Literal["supplier", "partner"]
    state: onboarding.ApplicationState
    remark: Annotated[str, Field(description="what the operator last said of it")]
    name: str
    legal_name: str
    uscc: str
    about: str
    contact: ContactOut
    documents: list[DocumentOut]
    terms: Annotated[TermsVersionOut | None, Field(description="the terms in force")]
    steps: list[StepOut]
    link_expires_at: answers.MomentOut
    submitted_at: answers.MomentOut | None


def applicant_router(store: MediaStore) -> APIRouter:
    """Give the routes of an applicant over the place where files lie."""
    router = APIRouter(tags=["applications"])

    @router.get("/v1/application", response_model=OwnApplicationOut)
    def own_application_get(call: CallIn) -> Response:
        """Show the application whose link you have, as far as it has come."""
        response = read(call, _own)
        response.headers["cache-control"] = "no-store"
        return response

    @router.put("/v1/application", response_model=OwnApplicationOut)
    def own_application_put(call: CallIn, body: ApplicationBody) -> Response:
        """Keep what is filled in so far, to go on another time by the same link."""

        def work(ctx: Ctx) -> dict[str, Any]:
            contact = onboarding.Contact(
                body.contact.name.strip(), body.contact.phone.strip(), body.contact.email
            )
            filled = onboarding.Answers(body.name, body.legal_name, body.uscc, body.about, contact)
            onboarding.application_fill(ctx, answers=filled)
            return _own(ctx)

        response = read(call, work)
        response.headers["cache-control"] = "no-store"
        return response

    @router.post("/v1/application:submit", response_model=answers.DoneOut)
    def own_application_submit(call: CallIn, body: SubmitBody) -> Response:
        """Hand the application in and accept the terms; the operator looks at it then."""
        terms_id = body.terms_id

        def work(ctx: Ctx) -> dict[str, bool]:
            accepted = (
                None
                if terms_id is None
                else onboarding.TermsId(id_parse(onboarding.TERMS_PREFIX, terms_id))
            )
            onboarding.application_submit(ctx, terms_id=accepted)
            return {"done": True}

        return change(call, work)

    _own_documents(router, store)
    return router


def _own_documents(router: APIRouter, store: MediaStore) -> None:
    @router.post(
        "/v1/application/documents:upload",
        response_model=DocumentOut,
        status_code=201,
        openapi_extra=UPLOAD,
    )
    def own_document_upload(
        call: CallIn, kind: KindQuery, number: NumberQuery = "", expires_on: ExpiresQuery = None
    ) -> Response:
        """Add a document: a picture (PNG, JPEG, WebP) or a PDF, told by its content alone."""

        def put(ctx: Ctx, facts: onboarding.FileFacts) -> onboarding.Document:
            return onboarding.document_put(
                ctx, kind=kind, number=number, expires_on=expires_on, facts=facts
            )

        return document_sent(call, store, put)

    @router.delete("/v1/application/documents/{document_id}", response_model=answers.DoneOut)
    def own_document_take_back(call: CallIn, document_id: DocumentIdIn) -> Response:
        """Take a document back."""
        which = onboarding.DocumentId(id_parse(onboarding.DOCUMENT_PREFIX, document_id))

        def work(ctx: Ctx) -> dict[str, bool]:
            onboarding.document_take_back(ctx, document_id=which)
            return {"done": True}

        return read(call, work)

    @router.get(
        "/v1/application/documents/{document_id}/file",
        response_class=Response,
        responses=FILE,
    )
    def own_document_file(call: CallIn, document_id: DocumentIdIn) -> Response:
        """Fetch the file of a document."""
        return document_fetched(call, store, document_id)


def _own(ctx: Ctx) -> dict[str, Any]:
    application, contact = onboarding.application_own(ctx)
    rows = onboarding.documents_of_application(ctx, application_id=application.id)
    terms = onboarding.terms_newest(ctx, kind=application.kind)
    steps = onboarding.application_steps(ctx, application_id=application.id)
    return {
        "id": id_text(onboarding.APPLICATION_PREFIX, application.id),
        "kind": application.kind,
        "state": application.state,
        "remark": application.remark,
        "name": application.name,
        "legal_name": application.legal_name,
        "uscc": application.uscc,
        "about": application.about,
        "contact": contact_document(contact),
        "documents": documents_shown(ctx, [row for row in rows if row.ended_at is None]),
        "terms": None if terms is None else terms_document(terms),
        "steps": steps_shown([row for row in steps if row.state != "draft"]),
        "link_expires_at": moment(application.link_expires_at),
        "submitted_at": moment(application.submitted_at),
    }
