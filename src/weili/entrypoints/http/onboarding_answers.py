"""What is answered of applications, documents and terms, and how a document's file is kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from weili.adapters.files.media import MediaStore
from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import Call, carry_out, change
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import TEXT_OR_NONE_PATTERN, DayIn, Document, id_pattern
from weili.kit.context import Ctx
from weili.kit.ids import id_parse, id_text
from weili.kit.problems import NotFound
from weili.kit.zone import day_of
from weili.modules import goods, onboarding, parties

BINARY: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": BINARY}},
    }
}
FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/octet-stream": {"schema": BINARY}}}
}
NUMBER_MAX: Final = 64
_SAFE: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

ApplicationIdIn = Annotated[str, Path(pattern=id_pattern(onboarding.APPLICATION_PREFIX))]
DocumentIdIn = Annotated[str, Path(pattern=id_pattern(onboarding.DOCUMENT_PREFIX))]
TermsIdIn = Annotated[str, Path(pattern=id_pattern(onboarding.TERMS_PREFIX))]
ApplicationIdOut = Annotated[str, Field(pattern=id_pattern(onboarding.APPLICATION_PREFIX))]
DocumentIdOut = Annotated[str, Field(pattern=id_pattern(onboarding.DOCUMENT_PREFIX))]
TermsIdOut = Annotated[str, Field(pattern=id_pattern(onboarding.TERMS_PREFIX))]
KindQuery = Annotated[onboarding.DocumentKind, Query(description="what the document proves")]
NumberQuery = Annotated[
    str,
    Query(max_length=NUMBER_MAX, pattern=TEXT_OR_NONE_PATTERN, description="as printed on it"),
]
ExpiresQuery = Annotated[
    DayIn | None, Query(description="its last day in China's time; none for one without end")
]


class DocumentOut(Document):
    """A document; it counts until the end of `expires_on`."""

    id: DocumentIdOut
    kind: onboarding.DocumentKind
    number: str
    expires_on: answers.DayOut | None
    fitness: onboarding.Fitness
    content_type: str
    size_bytes: int
    created_at: answers.MomentOut
    ended_at: answers.MomentOut | None


class TermsVersionOut(Document):
    """One version of the terms, in both languages."""

    id: TermsIdOut
    kind: parties.PartyKind
    version: int
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    sha256: Annotated[str, Field(description="over the number and both texts")]
    is_binding: Annotated[
        bool, Field(description="who accepted an earlier version must accept this one")
    ]
    published_at: answers.MomentOut


class ContactOut(Document):
    """Whom to ask."""

    name: str
    phone: str
    email: str


class StepOut(Document):
    """A state that an application came to."""

    at: answers.MomentOut
    state: onboarding.ApplicationState
    remark: str


def document_document(row: onboarding.Document, today: date) -> dict[str, Any]:
    """Show a document."""
    return {
        "id": id_text(onboarding.DOCUMENT_PREFIX, row.id),
        "kind": row.kind,
        "number": row.number,
        "expires_on": None if row.expires_on is None else row.expires_on.isoformat(),
        "fitness": onboarding.fitness(row.expires_on, today),
        "content_type": row.content_type,
        "size_bytes": row.size_bytes,
        "created_at": moment(row.created_at),
        "ended_at": moment(row.ended_at),
    }


def documents_shown(ctx: Ctx, rows: list[onboarding.Document]) -> list[dict[str, Any]]:
    """Show documents as they count today."""
    return [document_document(row, day_of(ctx.now)) for row in rows]


def terms_document(row: onboarding.Terms) -> dict[str, Any]:
    """Show a version of the terms."""
    return {
        "id": id_text(onboarding.TERMS_PREFIX, row.id),
        "kind": row.kind,
        "version": row.version,
        "title_zh": row.title_zh,
        "title_en": row.title_en,
        "text_zh": row.text_zh,
        "text_en": row.text_en,
        "sha256": row.sha256,
        "is_binding": row.is_binding,
        "published_at": moment(row.published_at),
    }


def contact_document(contact: onboarding.Contact) -> dict[str, str]:
    """Show whom to ask."""
    return {"name": contact.name, "phone": contact.phone, "email": contact.email}


def steps_shown(rows: list[onboarding.Step]) -> list[dict[str, Any]]:
    """Show the states an application came to; by whom is for the audit log."""
    return [{"at": moment(row.at), "state": row.state, "remark": row.remark} for row in rows]


def facts_of(content: bytes) -> onboarding.FileFacts:
    """Say what a file is by its content alone.

    Raises: MediaUnfit.
    """
    found = goods.media_facts(content)
    return onboarding.FileFacts(found.content_type, found.suffix, found.digest, found.size_bytes)


def document_sent(
    call: Call,
    store: MediaStore,
    put: Callable[[Ctx, onboarding.FileFacts], onboarding.Document],
) -> Response:
    """Take a document's file: sealed, and kept once it is admitted and before it is answered."""
    facts = facts_of(call.body)

    def work(ctx: Ctx) -> dict[str, Any]:
        return document_document(put(ctx, facts), day_of(ctx.now))

    response = change(call, work, status=201)
    # Read back, and not kept from the work: whoever got no answer sends it again, and then the
    # work is not done but the file may be missing.
    sent = msgspec.json.decode(bytes(response.body))["id"]
    document_id = onboarding.DocumentId(id_parse(onboarding.DOCUMENT_PREFIX, sent))
    # The nonce of a signed request was claimed with the change.
    row = carry_out(
        replace(call, signed=None),
        lambda ctx: onboarding.document_file(ctx, document_id=document_id),
    )
    sealed = call.world.keyring.seal(call.body, bound_to=row.address.encode())
    store.put(row.address, sealed)
    return response


def document_fetched(call: Call, store: MediaStore, document_id: str) -> Response:
    """Give a document's file to who may see it, opened."""
    which = onboarding.DocumentId(id_parse(onboarding.DOCUMENT_PREFIX, document_id))
    row = carry_out(call, lambda ctx: onboarding.document_file(ctx, document_id=which))
    sealed = store.get(row.address)
    if sealed is None:
        raise NotFound(what=onboarding.DOCUMENT_WORD, id=document_id)
    content = call.world.keyring.open(sealed, bound_to=row.address.encode())
    suffix = row.address.rpartition(".")[2]
    shown = "attachment" if suffix == "pdf" else "inline"
    headers = {**_SAFE, "content-disposition": f'{shown}; filename="{document_id}.{suffix}"'}
    return Response(content, media_type=row.content_type, headers=headers)
