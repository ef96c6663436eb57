"""Pure decisions: what is missing, when a document is spoken of next, who must accept again."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from weili.kit.problems import FieldProblem, Said
from weili.kit.secrets import MASK, mask_name, mask_phone
from weili.kit.zone import day_begins_at, day_of
from weili.modules.onboarding.model import (
    WARN_DAYS,
    Answers,
    Contact,
    Document,
    DocumentKind,
    Fitness,
    Terms,
)
from weili.modules.parties import PartyKind

APPLICANTS: Final = frozenset({PartyKind.SUPPLIER, PartyKind.PARTNER})
_NEEDED: Final = Said("to be filled in", "必填")
_LICENCE: Final = Said("a business licence that has not expired", "未过期的营业执照")
_ACCEPTED: Final = Said("the terms in force, accepted", "须接受现行协议")


def missing(
    answers: Answers, documents: Sequence[Document], *, terms_needed: bool, today: date
) -> tuple[FieldProblem, ...]:
    """Say what an application lacks before it can be submitted."""
    told = {
        "/name": answers.name,
        "/legal_name": answers.legal_name,
        "/uscc": answers.uscc,
        "/about": answers.about,
        "/contact/name": answers.contact.name,
        "/contact/phone": answers.contact.phone,
        "/contact/email": answers.contact.email,
    }
    fields = [FieldProblem(path, "needed", _NEEDED) for path, text in told.items() if not text]
    if not any(
        each.kind is DocumentKind.LICENCE
        and each.ended_at is None
        and fitness(each.expires_on, today) is not Fitness.EXPIRED
        for each in documents
    ):
        fields.append(FieldProblem("/documents", "licence_needed", _LICENCE))
    if terms_needed:
        fields.append(FieldProblem("/terms_id", "needed", _ACCEPTED))
    return tuple(fields)


def fitness(expires_on: date | None, today: date) -> Fitness:
    """Say whether a document counts today; it does until the end of its last day."""
    if expires_on is None:
        return Fitness.VALID
    if expires_on < today:
        return Fitness.EXPIRED
    return Fitness.EXPIRING if (expires_on - today).days <= max(WARN_DAYS) else Fitness.VALID


def days_told(expires_on: date, today: date) -> int | None:
    """Give the number of days that is told of a document today: 30, 7, or 0 once it has expired."""
    left = (expires_on - today).days
    if left < 0:
        return 0
    return min((days for days in WARN_DAYS if left <= days), default=None)


def due_at(expires_on: date | None, after: datetime) -> datetime | None:
    """Say when there is something to tell of a document after a moment; None if never again."""
    if expires_on is None:
        return None
    moments = [day_begins_at(expires_on - timedelta(days=days)) for days in WARN_DAYS]
    moments.append(day_begins_at(expires_on + timedelta(days=1)))
    return min((each for each in moments if each > after), default=None)


def due_first(expires_on: date | None, now: datetime) -> datetime | None:
    """Say when a document that comes now is spoken of first: at once, if it is due already."""
    if expires_on is None:
        return None
    return now if days_told(expires_on, day_of(now)) is not None else due_at(expires_on, now)


def terms_due(versions: Sequence[Terms], accepted: Collection[int]) -> Terms | None:
    """Give the terms that a party still has to accept: the newest, if they bind it anew.

    Who accepted none must accept the newest; who accepted one must if a binding one came since.
    """
    if not versions:
        return None
    newest = max(versions, key=lambda each: each.version)
    last = max(accepted, default=0)
    binds = not last or any(each.is_binding and each.version > last for each in versions)
    return newest if binds else None


def terms_hash(kind: PartyKind, version: int, texts: Sequence[str]) -> str:
    """Hash a version as it stands in both languages."""
    whole = "\n".join((str(kind), str(version), *texts))
    return hashlib.sha256(whole.encode()).hexdigest()


def contact_masked(contact: Contact) -> Contact:
    """Hide whom to ask."""
    local, _, domain = contact.email.rpartition("@")
    return Contact(
        mask_name(contact.name) if contact.name else "",
        mask_phone(contact.phone) if contact.phone else "",
        f"{local[:1]}{MASK * 3}@{domain}" if contact.email else "",
    )


def file_address(owner: bytes, digest: str, suffix: str) -> str:
    """Name where a file lies sealed: who does not know the owner can't tell it from the content."""
    return f"{hashlib.sha256(owner + bytes.fromhex(digest)).hexdigest()}.{suffix}"
