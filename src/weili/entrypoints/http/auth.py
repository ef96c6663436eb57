"""From credentials to an actor, with the keys' records kept for a few seconds."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import anyio.to_thread

from weili.kit.clock import wall_now
from weili.kit.context import Actor
from weili.kit.world import World, in_transaction
from weili.modules import parties

KEPT_S: Final = 5.0
KEPT_MAX: Final = 20_000
RENEWED_MAX: Final = 2_000
_LOOK_S: Final = 0.5

Found = tuple[World, parties.KeyRecord | None]
_Name = tuple[str, str]
"""A key's id and the world that the credentials name. By the world too: a token that names a wrong
one must not hide the right one's key."""


@dataclass(slots=True)
class _Kept:
    """What was read of a key, until when it counts, and whether it was asked for since."""

    found: Found
    until_s: float
    is_used: bool = False


class Doorkeeper:
    """Says who a request comes from.

    Records are kept for five seconds, so a revoked key is refused at most that late; this
    process forgets them at once when it revokes a key or suspends a party itself. Unknown keys
    are kept too, so that guessing costs the database no more than knocking does.

    With a thousand partners at work, one look-up for each of them every five seconds cost as much
    as placing their orders. So keys that are asked for while a reading is under way are read
    together after it, and a reading takes along those in use that will be due soon.
    """

    def __init__(self, worlds: Mapping[str, World]) -> None:
        self._worlds = worlds
        self._kept: dict[_Name, _Kept] = {}
        self._asked: dict[_Name, asyncio.Future[Found]] = {}
        self._wanted: dict[str, dict[_Name, asyncio.Future[Found]]] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._looked_s = 0.0

    def forget(self) -> None:
        """Read every key anew from now on."""
        self._kept = {}
        self._asked = {}

    async def admit(
        self, headers: Mapping[str, str], *, method: str, target: str, body: bytes
    ) -> tuple[World, Actor, tuple[str, str] | None]:
        """Give the world, the actor, and for a signed request its (key id, nonce) to claim.

        Raises: Unauthenticated, PartySuspended; Unavailable when keys can't be read.
        """
        credentials = parties.credentials_read(headers)
        is_signed = credentials.kind is parties.KeyKind.HMAC
        found = await self._find(credentials.key_id, credentials.world)
        body_sha256 = parties.body_sha256(body) if is_signed else ""
        actor = _checked(found, credentials, method, target, body_sha256)
        world = found[0]
        return world, actor, (credentials.key_id, credentials.nonce) if is_signed else None

    async def look(self, headers: Mapping[str, str]) -> None:
        """Refuse a request that names no key of ours, in the words that a wrong proof gets.

        Raises: Unauthenticated; Unavailable when keys can't be read.
        """
        credentials = parties.credentials_read(headers)
        world, record = await self._find(credentials.key_id, credentials.world)
        if record is None:
            _checked((world, None), credentials, "", "", "")

    async def _find(self, key_id: str, world_name: str) -> Found:
        loop = asyncio.get_running_loop()
        name = key_id, world_name
        kept = self._kept.get(name)
        if kept is not None and kept.until_s > loop.time():
            kept.is_used = True
            return kept.found
        future = self._asked.get(name)
        if future is None:
            # Worlds that there are not share one reader: a stranger who makes up a world for each
            # request shall not have a reading for each.
            reader = world_name if world_name in self._worlds else ""
            wanted = self._wanted.setdefault(reader, {})
            future = wanted.get(name)
            if future is None:
                future = wanted[name] = loop.create_future()
            if reader not in self._readers:
                self._readers[reader] = loop.create_task(self._read_wanted(reader))
        # Others may wait for the same reading; a client's cancelled request must not cancel it.
        return await asyncio.shield(future)

    def _due_soon(self, world_name: str, now_s: float) -> list[_Name]:
        """Give the keys in use of which half the time is over; drop those past it, unused."""
        if now_s < self._looked_s + _LOOK_S:
            return []
        self._looked_s = now_s
        due: list[_Name] = []
        for name, kept in list(self._kept.items()):
            if kept.is_used and name[1] == world_name and name not in self._asked:
                if kept.until_s < now_s + KEPT_S / 2 and len(due) < RENEWED_MAX:
                    due.append(name)
            elif kept.until_s <= now_s:
                del self._kept[name]
        return due

    async def _read_wanted(self, world_name: str) -> None:
        """Read what is wanted of one world until nothing is."""
        try:
            while wanted := self._wanted.pop(world_name, None):
                # What was read before `forget` must not outlive it: it goes into the books that
                # were current when the reading began.
                kept, asked = self._kept, self._asked
                asked |= wanted
                try:
                    await self._look_up(world_name, wanted, kept)
                except Exception as error:  # noqa: BLE001 - each who waits is told
                    for future in wanted.values():
                        future.set_exception(error)
                        future.exception()  # Those who went away need not look.
                finally:
                    for name in wanted:
                        asked.pop(name, None)
        finally:
            del self._readers[world_name]

    async def _look_up(
        self,
        world_name: str,
        wanted: Mapping[_Name, "asyncio.Future[Found]"],
        kept: dict[_Name, _Kept],
    ) -> None:
        now_s = asyncio.get_running_loop().time()
        named = self._worlds.get(world_name)
        worlds = [named] if named is not None else list(self._worlds.values())
        names = [*wanted, *self._due_soon(world_name, now_s)]
        found = await anyio.to_thread.run_sync(_read, worlds, [key_id for key_id, _ in names])
        if len(kept) + len(names) > KEPT_MAX:
            kept.clear()
        for name in names:
            kept[name] = _Kept(found[name[0]], now_s + KEPT_S, is_used=name in wanted)
        for name, future in wanted.items():
            future.set_result(found[name[0]])


def _checked(
    found: Found, credentials: parties.Credentials, method: str, target: str, body_sha256: str
) -> Actor:
    world, record = found
    return parties.request_check(
        record,
        credentials,
        method=method,
        path=target,
        body_sha256=body_sha256,
        now=wall_now(),
        world=world.name,
        is_sandbox=world.is_sandbox,
    )


def _read(worlds: Sequence[World], key_ids: Sequence[str]) -> dict[str, Found]:
    """Find keys in the first world that knows them; an unknown one belongs to the first of all."""
    found: dict[str, Found] = {}
    for world in worlds:
        left = [key_id for key_id in key_ids if key_id not in found]
        if left:
            records = _records(world, left)
            found |= {key_id: (world, record) for key_id, record in records.items()}
    return {key_id: found.get(key_id, (worlds[0], None)) for key_id in key_ids}


def _records(world: World, key_ids: Sequence[str]) -> dict[str, parties.KeyRecord]:
    return in_transaction(world.begin, lambda ctx: parties.keys_find(ctx, key_ids=key_ids))
