"""What applications, documents and terms are, and the events of taking parties in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType
from uuid import UUID

from weili.kit.context import EventType, PartyId
from weili.kit.states import StateTable
from weili.modules.parties import PartyKind

APPLICATION_PREFIX: Final = "apl"
DOCUMENT_PREFIX: Final = "doc"
TERMS_PREFIX: Final = "trm"

ApplicationId = NewType("ApplicationId", UUID)
DocumentId = NewType("DocumentId", UUID)
TermsId = NewType("TermsId", UUID)

SCOPE: Final = "application:own"
"""What who comes with the link of an application may do, and nobody else."""
LINK_AGE: Final = timedelta(days=30)
DOCUMENTS_MAX: Final = 40
"""Files sent with one application, those taken back included: so much a link is good for."""
PARTY_DOCUMENTS_MAX: Final = 500
ABOUT_MAX: Final = 1_000
TERMS_MAX: Final = 100_000
WARN_DAYS: Final = (30, 7)
"""So many days before a document expires its party is told, and once more when it has."""


class ApplicationState(StrEnum):
    """How far an application has come."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    REFUSED = "refused"


APPLICATION_STATES: Final = StateTable(
    "application",
    name_zh="入驻申请",
    initial=frozenset({ApplicationState.DRAFT}),
    steps=MappingProxyType(
        {
            ApplicationState.DRAFT: frozenset(
                {ApplicationState.SUBMITTED, ApplicationState.REFUSED}
            ),
            ApplicationState.SUBMITTED: frozenset(
                {ApplicationState.APPROVED, ApplicationState.SENT_BACK, ApplicationState.REFUSED}
            ),
            ApplicationState.SENT_BACK: frozenset(
                {ApplicationState.SUBMITTED, ApplicationState.REFUSED}
            ),
            ApplicationState.APPROVED: frozenset(),
            ApplicationState.REFUSED: frozenset(),
        }
    ),
)
OPEN: Final = frozenset({ApplicationState.DRAFT, ApplicationState.SENT_BACK})
"""The states in which the applicant may change it."""


class DocumentKind(StrEnum):
    """What a document proves."""

    LICENCE = "licence"
    FOOD_PERMIT = "food_permit"
    BRAND_AUTHORISATION = "brand_authorisation"
    TRADEMARK = "trademark"
    INSPECTION_REPORT = "inspection_report"
    CONTRACT = "contract"
    OTHER = "other"


class Fitness(StrEnum):
    """Whether a document still counts."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask, and who becomes the owner: in clear only on the way to being sealed."""

    name: str
    phone: str = field(repr=False)
    email: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answers:
    """What an applicant fills in."""

    name: str
    legal_name: str
    uscc: str
    about: str
    contact: Contact


@dataclass(frozen=True, slots=True)
class Application:
    """Somebody's wish to supply or to sell; ``contact`` is masked."""

    id: ApplicationId
    kind: PartyKind
    state: ApplicationState
    note: str
    maker_id: PartyId
    name: str
    legal_name: str
    uscc: str
    about: str
    contact: Contact
    remark: str
    terms_id: TermsId | None
    terms_accepted_at: datetime | None
    party_id: PartyId | None
    created_at: datetime
    changed_at: datetime
    submitted_at: datetime | None
    link_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A state that an application came to, who brought it there, and what they said."""

    at: datetime
    actor: str
    state: ApplicationState
    remark: str


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file is, as its content was found to be."""

    content_type: str
    suffix: str
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Document:
    """A licence, a permit, an authorisation: its number, until when it counts, and its file."""

    id: DocumentId
    application_id: ApplicationId | None
    party_id: PartyId | None
    kind: DocumentKind
    number: str
    expires_on: date | None
    address: str
    content_type: str
    size_bytes: int
    created_at: datetime
    ended_at: datetime | None
    """When another took its place, or it was taken back."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of the terms for parties of a kind; it is never changed."""

    id: TermsId
    kind: PartyKind
    version: int
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    sha256: str
    is_binding: bool
    """Whether who accepted an earlier version must accept this one."""
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Acceptance:
    """That a party accepted a version, and when."""

    terms_id: TermsId
    version: int
    sha256: str
    accepted_at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Link:
    """An application with the token of its link, which is told this once."""

    application: Application
    token: str = field(repr=False)


Counts = Mapping[ApplicationState, int]

APPLICATION_SUBMITTED: Final = EventType(
    "application.submitted",
    "Somebody asks to be taken in; told to the party that made the link.",
    {"application_id": "the application", "kind": "supplier or partner"},
)
APPLICATION_APPROVED: Final = EventType(
    "application.approved",
    "The party was taken in; told to the party itself.",
    {"application_id": "the application it came from"},
)
_DOCUMENT: Final = {
    "document_id": "the document",
    "kind": "what it proves",
    "expires_on": "the last day on which it counts, in China's time",
}
DOCUMENT_EXPIRING: Final = EventType(
    "document.expiring",
    "A document of the party counts for thirty days more, or for seven; told once each.",
    {**_DOCUMENT, "days": "30 or 7"},
)
DOCUMENT_EXPIRED: Final = EventType(
    "document.expired", "A document of the party counts no more; told once.", _DOCUMENT
)
DOCUMENT_RENEWED: Final = EventType(
    "document.renewed", "The party has sent another in the place of a document.", _DOCUMENT
)
TERMS_ACCEPTED: Final = EventType(
    "terms.accepted",
    "The party has accepted a version of the terms.",
    {"terms_id": "the version", "version": "its number", "sha256": "of its text"},
)
EVENTS: Final[tuple[EventType, ...]] = (
    APPLICATION_SUBMITTED,
    APPLICATION_APPROVED,
    DOCUMENT_EXPIRING,
    DOCUMENT_EXPIRED,
    DOCUMENT_RENEWED,
    TERMS_ACCEPTED,
)
