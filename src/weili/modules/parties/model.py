"""What parties, people, keys and audit entries are, and what each kind of party may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType
from uuid import UUID

from weili.kit.context import Actor, EventType, PartyId
from weili.kit.ids import id_text
from weili.kit.states import StateTable

PARTY_PREFIX: Final = "pty"
PERSON_PREFIX: Final = "per"
KEY_PREFIX: Final = "key"

PersonId = NewType("PersonId", UUID)


class PartyKind(StrEnum):
    """What a party does in the house."""

    OPERATOR = "operator"
    SUPPLIER = "supplier"
    PARTNER = "partner"
    ISV = "isv"


class PartyState(StrEnum):
    """Whether a party may work now."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


PARTY_STATES: Final = StateTable(
    "party",
    name_zh="主体",
    initial=frozenset({PartyState.ACTIVE}),
    steps=MappingProxyType(
        {
            PartyState.ACTIVE: frozenset({PartyState.SUSPENDED}),
            PartyState.SUSPENDED: frozenset({PartyState.ACTIVE}),
        }
    ),
)


class PersonRole(StrEnum):
    """What a person does for a party."""

    ADMIN = "admin"
    MERCHANDISER = "merchandiser"
    WAREHOUSE = "warehouse"
    FINANCE = "finance"
    SUPPORT = "support"
    OWNER = "owner"
    BUYER = "buyer"
    CLERK = "clerk"


PERSON_ROLES: Final[Mapping[PartyKind, frozenset[PersonRole]]] = MappingProxyType(
    {
        PartyKind.OPERATOR: frozenset(
            {
                PersonRole.ADMIN,
                PersonRole.MERCHANDISER,
                PersonRole.WAREHOUSE,
                PersonRole.FINANCE,
                PersonRole.SUPPORT,
            }
        ),
        PartyKind.PARTNER: frozenset(
            {PersonRole.OWNER, PersonRole.BUYER, PersonRole.FINANCE, PersonRole.CLERK}
        ),
        PartyKind.SUPPLIER: frozenset({PersonRole.OWNER, PersonRole.WAREHOUSE, PersonRole.FINANCE}),
        PartyKind.ISV: frozenset({PersonRole.OWNER}),
    }
)
"""Which roles a party of each kind gives its people."""

PEOPLE: Final = "people:write"
KEYS: Final = "keys:write"

ROLE_SCOPES: Final[Mapping[PartyKind, frozenset[str]]] = MappingProxyType(
    {
        PartyKind.OPERATOR: frozenset(
            {
                "admin:parties",
                "admin:goods",
                "admin:prices",
                "admin:stock",
                "admin:money",
                "admin:orders",
                "admin:audit",
                "admin:dashboard",
                "admin:events",
                "admin:jobs",
                "admin:verify",
                "admin:world",
                "people:write",
                "keys:write",
                "recipients:reveal",
                "tracks:write",
            }
        ),
        PartyKind.PARTNER: frozenset(
            {
                "goods:read",
                "selections:write",
                "prices:read",
                "stock:read",
                "orders:read",
                "orders:write",
                "account:read",
                "account:write",
                "messages:read",
                "people:write",
                "keys:write",
                "recipients:reveal",
            }
        ),
        PartyKind.SUPPLIER: frozenset(
            {
                "supply:read",
                "supply:write",
                "account:read",
                "messages:read",
                "people:write",
                "keys:write",
                "recipients:reveal",
            }
        ),
        PartyKind.ISV: frozenset({"account:read", "messages:read", "people:write", "keys:write"}),
    }
)
"""The policy table: the scopes that a key of each kind of party may be given."""

KEY_SCOPES: Final[Mapping[PartyKind, frozenset[str]]] = MappingProxyType(
    {kind: scopes - {PEOPLE, KEYS} for kind, scopes in ROLE_SCOPES.items()}
)
"""Those that it is given where nobody names any: a program lets no people in unless it was meant
to, for who has been let in stays when the key is revoked. Keys are for people alone to make."""

PERSON_SCOPES: Final[Mapping[PartyKind, Mapping[PersonRole, frozenset[str]]]] = MappingProxyType(
    {
        PartyKind.OPERATOR: {
            PersonRole.ADMIN: ROLE_SCOPES[PartyKind.OPERATOR],
            PersonRole.MERCHANDISER: frozenset(
                {"admin:dashboard", "admin:goods", "admin:prices", "admin:stock"}
            ),
            PersonRole.WAREHOUSE: frozenset({"admin:stock", "admin:orders"}),
            PersonRole.FINANCE: frozenset({"admin:dashboard", "admin:money", "admin:verify"}),
            PersonRole.SUPPORT: frozenset({"admin:events", "admin:orders", "recipients:reveal"}),
        },
        PartyKind.PARTNER: {
            PersonRole.OWNER: ROLE_SCOPES[PartyKind.PARTNER],
            PersonRole.BUYER: frozenset(
                {
                    "goods:read",
                    "selections:write",
                    "prices:read",
                    "stock:read",
                    "orders:read",
                    "orders:write",
                    "account:read",
                    "recipients:reveal",
                }
            ),
            PersonRole.FINANCE: frozenset(
                {"goods:read", "prices:read", "orders:read", "account:read", "account:write"}
            ),
            PersonRole.CLERK: frozenset(
                {"goods:read", "prices:read", "stock:read", "orders:read", "orders:write"}
            ),
        },
        PartyKind.SUPPLIER: {
            PersonRole.OWNER: ROLE_SCOPES[PartyKind.SUPPLIER],
            PersonRole.WAREHOUSE: frozenset({"supply:read", "supply:write", "recipients:reveal"}),
            PersonRole.FINANCE: frozenset({"supply:read", "account:read"}),
        },
        PartyKind.ISV: {PersonRole.OWNER: ROLE_SCOPES[PartyKind.ISV]},
    }
)
"""What someone who has signed in may do, by the kind of their party and their role in it."""


@dataclass(frozen=True, slots=True)
class Party:
    """A company that takes part: the tenant."""

    id: PartyId
    kind: PartyKind
    name: str
    legal_name: str
    uscc: str
    state: PartyState
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who works for a party; the e-mail address is masked."""

    id: PersonId
    party_id: PartyId
    name: str
    email_masked: str
    role: PersonRole
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """All that is needed to decide what someone who has signed in may do."""

    person: Person
    party: Party

    def actor(self) -> Actor:
        """Give who acts when this person does."""
        kind, person = self.party.kind, self.person
        scopes = PERSON_SCOPES[kind].get(person.role, frozenset())
        return Actor(str(kind), self.party.id, id_text(PERSON_PREFIX, person.id), scopes)


class KeyKind(StrEnum):
    """How a key proves itself: shown whole (sandboxes), or by a signature."""

    BEARER = "bearer"
    HMAC = "hmac"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner sees it, without the secret."""

    id: str
    party_id: PartyId
    kind: KeyKind
    scopes: frozenset[str]
    label: str
    created_at: datetime
    revoked_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its secret, which is shown this once.

    ``secret`` is the whole bearer token, or the signing secret of an HMAC key.
    """

    key: ApiKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """All that is needed to decide on a request that names this key."""

    key_id: str
    party_id: PartyId
    party_kind: PartyKind
    party_state: PartyState
    kind: KeyKind
    secret: str | None = field(repr=False)
    secret_hash: bytes | None = field(repr=False)
    scopes: frozenset[str]
    revoked_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request's headers say about who asks; well formed, but not yet believed.

    A bearer token has ``world`` and ``token``; a signed request has the other three.
    """

    kind: KeyKind
    key_id: str
    world: str = ""
    token: str = field(default="", repr=False)
    timestamp: str = ""
    nonce: str = ""
    signature: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what, and why."""

    id: UUID
    at: datetime
    actor: str
    actor_party_id: PartyId
    action: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Which entries are looked for; None for whatever there is.

    ``actor`` is the id of a person or a key. ``from_at`` is included, ``to_at`` not.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


EVERY_ACT: Final = AuditSearch()

PARTY_SUSPENDED: Final = EventType(
    "party.suspended",
    "Every request of the party is refused from now on.",
    {"reason": "why, in the operator's words"},
)
PARTY_RESUMED: Final = EventType(
    "party.resumed",
    "The party's keys work again.",
    {"reason": "why, in the operator's words"},
)
KEY_ISSUED: Final = EventType(
    "key.issued",
    "The party has one key more.",
    {"key_id": "the key", "label": "its label", "scopes": "what it may do, sorted"},
)
KEY_REVOKED: Final = EventType(
    "key.revoked",
    "The key is refused within a few seconds and never works again.",
    {"key_id": "the key", "label": "its label", "reason": "why, in the words of who did it"},
)
EVENTS: Final[tuple[EventType, ...]] = (PARTY_SUSPENDED, PARTY_RESUMED, KEY_ISSUED, KEY_REVOKED)
