"""The context of one transaction: who asks, when, in which world, and what is announced.

A function whose first argument is ``ctx: Ctx`` runs inside a transaction and can't reach the
network. One that takes ``begin: Begin`` opens transactions of its own and may do other things
between them. The signature shows the risk.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NewType
from uuid import UUID

import msgspec

from weili.kit.db import Transaction
from weili.kit.ids import new_id
from weili.kit.problems import Forbidden
from weili.kit.secrets import KeyRing

PartyId = NewType("PartyId", UUID)
"""Whoever holds keys and receives messages: the tenant."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a role, the party it acts for, the key it came with, and what that key may do."""

    role: str
    party_id: PartyId
    key_id: str
    scopes: frozenset[str]

    def label(self) -> str:
        """Name the actor in histories and the audit log."""
        return f"{self.role}:{self.key_id}"


SYSTEM_PARTY: Final = PartyId(UUID(int=0))
SYSTEM: Final = Actor("system", SYSTEM_PARTY, "weili", frozenset({"*"}))
"""The platform itself, for deadlines, jobs and the command line of the operator's own machine."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of fact that is announced: its name, what it promises, and what its data holds."""

    name: str
    promise: str
    data: Mapping[str, str]


class Event(msgspec.Struct, frozen=True, gc=False):
    """A fact that has happened, addressed to one party."""

    id: UUID
    type: str
    party_id: PartyId
    subject: str
    data: Mapping[str, Any]
    occurred_at: datetime


@dataclass(slots=True)
class Ctx:
    """What a verb works in. Made by ``World.begin`` alone."""

    db: Transaction
    actor: Actor
    now: datetime
    world: str
    is_sandbox: bool
    keyring: KeyRing
    announced: list[Event] = field(default_factory=list)

    def announce(
        self, event_type: EventType, *, party_id: PartyId, subject: str, data: Mapping[str, Any]
    ) -> None:
        """Write down a fact; it leaves with the transaction or not at all.

        Raises: ValueError when the data's names are not those the event type lists (a bug).
        """
        if data.keys() != event_type.data.keys():
            raise ValueError((event_type.name, sorted(data), sorted(event_type.data)))
        self.announced.append(
            Event(new_id(self.now), event_type.name, party_id, subject, data, self.now)
        )

    def require(self, scope: str) -> None:
        """Refuse an actor whose key lacks the scope.

        Raises: Forbidden.
        """
        if scope not in self.actor.scopes and "*" not in self.actor.scopes:
            raise Forbidden(needs=scope)

    def acting(self, actor: Actor) -> "Ctx":
        """Give the same transaction in the name of another, who was admitted before."""
        return replace(self, actor=actor)


Begin = Callable[[], AbstractContextManager[Ctx]]
"""Opens a transaction: ``with begin() as ctx``. Commits at the end, rolls back on any error."""
