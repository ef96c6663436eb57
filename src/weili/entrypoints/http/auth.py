"""From credentials to an actor, with the keys' records kept for a few seconds."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import anyio.to_thread

from weili.kit.clock import wall_now
from weili.kit.context import Actor
from weili.kit.world import World, in_transaction
from weili.modules import parties

KEPT_S: Final = 5.0
KEPT_MAX: Final = 20_000

Found = tuple[World, parties.KeyRecord | None]


class Doorkeeper:
    """Says who a request comes from.

    Records are kept for five seconds, so a revoked key is refused at most that late; this
    process forgets them at once when it revokes a key or suspends a party itself. Unknown keys
    are kept too, so that guessing costs the database no more than knocking does.
    """

    def __init__(self, worlds: Mapping[str, World]) -> None:
        self._worlds = worlds
        # By the named world too: a token that names a wrong one must not hide the right one's key.
        self._kept: dict[tuple[str, str], tuple[float, Found]] = {}
        self._asked: dict[tuple[str, str], asyncio.Task[Found]] = {}

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
        now = asyncio.get_running_loop().time()
        name = key_id, world_name
        kept = self._kept.get(name)
        if kept is not None and kept[0] > now:
            return kept[1]
        asked = self._asked
        task = asked.get(name)
        if task is None:
            # One look-up for all who wait; a client's cancelled request must not cancel it.
            task = asyncio.ensure_future(self._look_up(key_id, world_name))
            asked[name] = task
            task.add_done_callback(lambda _: asked.pop(name, None))
        return await asyncio.shield(task)

    async def _look_up(self, key_id: str, world_name: str) -> Found:
        kept = self._kept
        named = self._worlds.get(world_name)
        worlds = [named] if named is not None else list(self._worlds.values())
        found = await anyio.to_thread.run_sync(_read, worlds, key_id)
        if len(kept) >= KEPT_MAX:
            kept.clear()
        # Into the book that was current when the reading began: what was read before `forget`
        # must not outlive it.
        kept[key_id, world_name] = asyncio.get_running_loop().time() + KEPT_S, found
        return found


def _read(worlds: Sequence[World], key_id: str) -> Found:
    for world in worlds:
        records = in_transaction(world.begin, lambda ctx: parties.keys_find(ctx, key_ids=[key_id]))
        if key_id in records:
            return world, records[key_id]
    return worlds[0], None
