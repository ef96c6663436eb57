"""One's own company: what it proved, until when that counts, and the terms it accepted."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from weili.adapters.files.media import MediaStore
from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, change, read
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import Document, id_pattern
from weili.entrypoints.http.onboarding_answers import (
    FILE,
    UPLOAD,
    DocumentIdIn,
    DocumentOut,
    ExpiresQuery,
    KindQuery,
    NumberQuery,
    TermsIdIn,
    TermsIdOut,
    TermsVersionOut,
    document_fetched,
    document_sent,
    documents_shown,
    terms_document,
)
from weili.entrypoints.http.operator_parties import party_document
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_parse, id_text
from weili.modules import onboarding, parties

ReplacesQuery = Annotated[
    str | None,
    Query(
        pattern=id_pattern(onboarding.DOCUMENT_PREFIX),
        description="the document whose place it takes, which says what it proves",
    ),
]


class AcceptanceOut(Document):
    """A version of the terms that was accepted."""

    terms_id: TermsIdOut
    version: int
    sha256: str
    accepted_at: answers.MomentOut


class CompanyOut(Document):
    """A party, its documents, and its terms."""

    party: answers.PartyOut
    documents: list[DocumentOut]
    accepted: list[AcceptanceOut]
    terms: TermsVersionOut | None
    terms_due: bool


def company_router(store: MediaStore) -> APIRouter:
    """Give the routes of one's own company over the place where files lie."""
    router = APIRouter(tags=["company"])

    @router.get("/v1/company", response_model=CompanyOut)
    def company_get(call: CallIn) -> Response:
        """Show your company: its documents, and the terms it accepted and has to accept."""
        return read(call, lambda ctx: company_document(ctx, call.actor.party_id))

    @router.post(
        "/v1/company/documents:upload",
        response_model=DocumentOut,
        status_code=201,
        openapi_extra=UPLOAD,
    )
    def company_document_upload(
        call: CallIn,
        kind: KindQuery,
        number: NumberQuery = "",
        expires_on: ExpiresQuery = None,
        replaces: ReplacesQuery = None,
    ) -> Response:
        """Send a document of your company, or another in the place of one that expires."""
        old = (
            None
            if replaces is None
            else onboarding.DocumentId(id_parse(onboarding.DOCUMENT_PREFIX, replaces))
        )

        def put(ctx: Ctx, facts: onboarding.FileFacts) -> onboarding.Document:
            return onboarding.document_renew(
                ctx, replaces=old, kind=kind, number=number, expires_on=expires_on, facts=facts
            )

        return document_sent(call, store, put)

    @router.get("/v1/company/documents/{document_id}/file", response_class=Response, responses=FILE)
    def company_document_file(call: CallIn, document_id: DocumentIdIn) -> Response:
        """Fetch the file of a document of your company."""
        return document_fetched(call, store, document_id)

    @router.post("/v1/company/terms/{terms_id}:accept", response_model=answers.DoneOut)
    def company_terms_accept(call: CallIn, terms_id: TermsIdIn) -> Response:
        """Accept the terms in force for your company."""
        which = onboarding.TermsId(id_parse(onboarding.TERMS_PREFIX, terms_id))

        def work(ctx: Ctx) -> dict[str, bool]:
            onboarding.terms_accept(ctx, terms_id=which)
            return {"done": True}

        return change(call, work)

    return router


def company_document(ctx: Ctx, party_id: PartyId) -> dict[str, Any]:
    """Show a party with its documents and terms.

    Raises: Forbidden; NotFound.
    """
    party = parties.party_get(ctx, party_id=party_id)
    rows = onboarding.documents_of_party(ctx, party_id=party_id)
    accepted, due = onboarding.terms_of_party(ctx, party=party)
    newest = onboarding.terms_newest(ctx, kind=party.kind)
    return {
        "party": party_document(party),
        "documents": documents_shown(ctx, rows),
        "accepted": [
            {
                "terms_id": id_text(onboarding.TERMS_PREFIX, each.terms_id),
                "version": each.version,
                "sha256": each.sha256,
                "accepted_at": moment(each.accepted_at),
            }
            for each in accepted
        ],
        "terms": None if newest is None else terms_document(newest),
        "terms_due": due is not None,
    }
