"""Two parties that both employ the same person, who signs in."""

import itertools
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from argon2 import PasswordHasher

from tests.conftest import database_create, database_leave, database_url
from tests.market import _uscc
from weili.kit.context import Begin, PartyId
from weili.kit.ids import id_text
from weili.kit.secrets import KeyRing, token_hash
from weili.kit.world import World, in_transaction
from weili.modules import identity, parties

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
PASSWORD = "tea in the rain"
OTHER_PASSWORD = "rain in the tea"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class House:
    """Two parties of which both employ the same person, who has a password for each."""

    begin: Begin
    email: str
    here: parties.Person
    there: parties.Person

    def sign_in(
        self,
        password: str = PASSWORD,
        *,
        email: str | None = None,
        party_id: PartyId | None = None,
        address: str = "",
        code: str | None = None,
        now: datetime = NOW,
    ) -> identity.SignedIn:
        asked = identity.SignIn(email or self.email, password, party_id, address, code)
        knock = identity.sign_in_begin(self.begin, asked=asked, now=now)
        return identity.sign_in(self.begin, knock=knock, now=now)

    def found(self, token: str, now: datetime = NOW) -> identity.SessionRecord | None:
        digest = token_hash(token)
        return in_transaction(
            self.begin,
            lambda ctx: identity.sessions_find(ctx, token_hashes=[digest], now=now).get(digest),
        )

    def actions(self) -> list[str]:
        with self.begin() as ctx:
            subject = id_text(parties.PERSON_PREFIX, self.here.id)
            entries = parties.audit_page(
                ctx, search=parties.AuditSearch(subject=subject), limit=200
            ).items
        return [entry.action for entry in reversed(entries)]


@pytest.fixture(scope="module")
def hashed() -> dict[str, str]:
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return {password: quick.hash(password) for password in (PASSWORD, OTHER_PASSWORD)}


@pytest.fixture(scope="module")
def shared(server_url: str, template: str, keyring: KeyRing) -> Iterator[World]:
    """Give one world to all tests of the file; each has parties of its own in it."""
    name = f"weili_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    database_create(server_url, name, template=template)
    world = World("sandbox", database_url(server_url, name), keyring)
    yield world
    world.close()
    database_leave(server_url, name)


@pytest.fixture
def house(shared: World, hashed: dict[str, str]) -> House:
    return _house(shared, hashed)


@pytest.fixture
def lone_house(world: World, hashed: dict[str, str]) -> House:
    """Give a house in a world in which nobody else has ever signed in."""
    return _house(world, hashed)


def _house(world: World, hashed: dict[str, str]) -> House:
    number = next(_numbers)
    email = f"lin{number}@example.cn"

    def work_for(name: str, password: str) -> parties.Person:
        with world.begin() as ctx:
            party = parties.party_open(
                ctx,
                kind=parties.PartyKind.PARTNER,
                name=f"{name}{number}",
                legal_name=name,
                uscc=_uscc(next(_numbers)),
            )
            person = parties.person_add(
                ctx, party_id=party.id, name="林晓", email=email, role=parties.PersonRole.OWNER
            )
            identity.password_set(
                ctx, person_id=person.id, hashed=hashed[password], reason="test", now=NOW
            )
            return person

    here = work_for("青梧邻里团", PASSWORD)
    there = work_for("白鹭优选", OTHER_PASSWORD)
    return House(world.begin, email, here, there)
