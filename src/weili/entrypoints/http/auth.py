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

    Who reads a key anew takes along the others that are in use and will be due soon: with a
    thousand partners at work, one look-up for each of them every five seconds cost as much as
    placing their orders.
    """

    def __init__(self, worlds: Mapping[str, World]) -> None:
        self._worlds = worlds
        self._kept: dict[_Name, _Kept] = {}
        self._asked: dict[_Name, asyncio.Task[dict[str, Found]]] = {}
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
        world, record = await self._find(credentials.key_id, credentials.world)
        actor = parties.request_check(
            record,
            credentials,
            method=method,
            path=target,
            body_sha256=parties.body_sha256(body) if is_signed else "",
            now=wall_now(),
            world=world.name,
            is_sandbox=world.is_sandbox,
        )
        return world, actor, (credentials.key_id, credentials.nonce) if is_signed else None

    async def _find(self, key_id: str, world_name: str) -> Found:
        now_s = asyncio.get_running_loop().time()
        name = key_id, world_name
        kept = self._kept.get(name)
        if kept is not None and kept.until_s > now_s:
            kept.is_used = True
            return kept.found
        asked = self._asked
        task = asked.get(name)
        if task is None:
            names = [name, *self._due_soon(world_name, now_s)]
            # One look-up for all who wait; a client's cancelled request must not cancel it.
            task = asyncio.ensure_future(self._look_up(names))
            asked.update(dict.fromkeys(names, task))
            task.add_done_callback(lambda _: [asked.pop(name, None) for name in names])
        return (await asyncio.shield(task))[key_id]

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

    async def _look_up(self, names: Sequence[_Name]) -> dict[str, Found]:
        kept = self._kept
        world_name = names[0][1]
        named = self._worlds.get(world_name)
        worlds = [named] if named is not None else list(self._worlds.values())
        key_ids = [key_id for key_id, _ in names]
        until_s = asyncio.get_running_loop().time() + KEPT_S
        found = await anyio.to_thread.run_sync(_read, worlds, key_ids)
        if len(kept) + len(names) > KEPT_MAX:
            kept.clear()
        # Into the book that was current when the reading began: what was read before `forget`
        # must not outlive it.
        for name in names:
            kept[name] = _Kept(found[name[0]], until_s)
        return found


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
