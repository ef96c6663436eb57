"""What is answered about sessions."""

from typing import Annotated

from pydantic import Field

from weili.entrypoints.http.answers import MomentOut, PartyIdOut, PersonIdOut
from weili.entrypoints.http.fields import Document, id_pattern
from weili.modules import identity, parties

SessionIdOut = Annotated[str, Field(pattern=id_pattern(identity.SESSION_PREFIX))]


class SignedInPersonOut(Document):
    """Who has signed in."""

    id: PersonIdOut
    name: str
    email_masked: str
    role: parties.PersonRole


class SignedInPartyOut(Document):
    """For whom."""

    id: PartyIdOut
    kind: parties.PartyKind
    name: str


class SessionOut(Document):
    """A session, and what may be done in it."""

    person: SignedInPersonOut
    party: SignedInPartyOut
    world: str
    is_sandbox: bool
    scopes: list[str]
    has_second_factor: bool
    expires_at: MomentOut


class OwnSessionOut(Document):
    """One of a person's sessions."""

    id: SessionIdOut
    created_at: MomentOut
    seen_at: Annotated[MomentOut, Field(description="to five minutes")]
    is_this: bool


class OwnSessionsOut(Document):
    """A person's sessions that still last, the newest first."""

    items: list[OwnSessionOut]


class WorldOut(Document):
    """A world that one can sign in to."""

    name: str
    is_sandbox: bool


class WorldsOut(Document):
    """The worlds of this deployment."""

    worlds: list[WorldOut]


class InvitationOut(Document):
    """The link by which somebody sets their password."""

    link: Annotated[
        str,
        Field(description="below this server's address; it works once, for seven days"),
    ]


class NewFactorOut(Document):
    """What a telephone is given, this once: as text, and as what its camera reads."""

    secret: str
    uri: str


class RecoveryOut(Document):
    """Codes for when the telephone is lost, told this once; each works once."""

    recovery_codes: list[str]
