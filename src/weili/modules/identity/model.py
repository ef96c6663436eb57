"""What sessions are, how long they last, and how often somebody may try."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NewType
from uuid import UUID

from weili.kit.context import PartyId
from weili.modules.parties import PersonId, PersonRecord

SESSION_PREFIX: Final = "ses"

SessionId = NewType("SessionId", UUID)

SESSION_IDLE: Final = timedelta(hours=12)
"""So long a session lasts without a request."""
SESSION_AGE: Final = timedelta(days=14)
"""So long it lasts at most."""
SESSIONS_MAX: Final = 20
"""Of one person; who signs in once more ends the oldest."""
SEEN_STEP: Final = timedelta(minutes=5)
"""So late a session may know that it was used: not every request is a write."""

TRIES_WITHIN: Final = timedelta(minutes=15)
PERSON_TRIES_MAX: Final = 5
"""Of an e-mail address, or of one who gives their own password again."""
ADDRESS_TRIES_MAX: Final = 30
"""Of a network address, behind which a whole office may sit."""
CANDIDATES_MAX: Final = 5
"""People of one e-mail address, each of another party, whose passwords are tried at once."""

PASSWORD_LENGTH_MIN: Final = 10
PASSWORD_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Session:
    """That someone has signed in; the token that proves it is kept as a hash."""

    id: SessionId
    person_id: PersonId
    party_id: PartyId
    created_at: datetime
    seen_at: datetime
    expires_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When it ends, if it is not used again."""
        return min(self.seen_at + SESSION_IDLE, self.expires_at)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """All that is needed to decide on a request that comes with this session."""

    session: Session
    who: PersonRecord


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session with its token, which is told this once."""

    record: SessionRecord
    has_factor: bool
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who somebody says they are, and from where.

    ``address`` is what counts as one, such as the first half of an IPv6 address; empty where it is
    not known.
    """

    email: str = field(repr=False)
    password: str = field(repr=False)
    party_id: PartyId | None = None
    address: str = field(default="", repr=False)
    code: str | None = field(default=None, repr=False)
