"""Records that requests are decided by, read together and kept for a few seconds."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import anyio.to_thread

from weili.kit.world import World

KEPT_S: Final = 5.0
KEPT_MAX: Final = 20_000
RENEWED_MAX: Final = 2_000
_LOOK_S: Final = 0.5

R = TypeVar("R")
Name = tuple[str, str]
"""What a record is found by, and the world that was named with it. By the world too: who names a
wrong one must not hide the right one's record."""
Reader = Callable[[World, Sequence[str]], Mapping[str, R]]
"""Gives those records of a world that there are; called in a thread."""


@dataclass(slots=True)
class Kept(Generic[R]):
    """What was read, until when it counts, and whether it was asked for since."""

    found: tuple[World, R | None]
    until_s: float
    is_used: bool = False


class Records(Generic[R]):
    """Finds records, and keeps them for five seconds; those that there are not as well.

    With a thousand partners at work, one look-up for each of them every five seconds cost as much
    as placing their orders. So what is asked for while a reading is under way is read together
    after it, and a reading takes along what is in use and will be due soon.
    """

    def __init__(self, worlds: Mapping[str, World], read: Reader[R]) -> None:
        self._worlds = worlds
        self._read = read
        self._kept: dict[Name, Kept[R]] = {}
        self._asked: dict[Name, asyncio.Future[tuple[World, R | None]]] = {}
        self._wanted: dict[str, dict[Name, asyncio.Future[tuple[World, R | None]]]] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._looked_s = 0.0

    def forget(self) -> None:
        """Read everything anew from now on."""
        self._kept = {}
        self._asked = {}

    async def find(self, key: str, world_name: str) -> tuple[World, R | None]:
        """Give the world and the record of a key, or of an unknown one none."""
        loop = asyncio.get_running_loop()
        name = key, world_name
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

    def _due_soon(self, world_name: str, now_s: float) -> list[Name]:
        """Give what is in use and has half its time over; drop what is past it, unused."""
        if now_s < self._looked_s + _LOOK_S:
            return []
        self._looked_s = now_s
        due: list[Name] = []
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
        wanted: Mapping[Name, "asyncio.Future[tuple[World, R | None]]"],
        kept: dict[Name, Kept[R]],
    ) -> None:
        now_s = asyncio.get_running_loop().time()
        named = self._worlds.get(world_name)
        worlds = [named] if named is not None else list(self._worlds.values())
        names = [*wanted, *self._due_soon(world_name, now_s)]
        keys = [key for key, _ in names]
        found = await anyio.to_thread.run_sync(read_in, worlds, self._read, keys)
        if len(kept) + len(names) > KEPT_MAX:
            kept.clear()
        for name in names:
            kept[name] = Kept(found[name[0]], now_s + KEPT_S, is_used=name in wanted)
        for name, future in wanted.items():
            future.set_result(found[name[0]])


def read_in(
    worlds: Sequence[World], read: Reader[R], keys: Sequence[str]
) -> dict[str, tuple[World, R | None]]:
    """Find keys in the first world that knows them; an unknown one belongs to the first of all."""
    found: dict[str, tuple[World, R | None]] = {}
    for world in worlds:
        left = [key for key in keys if key not in found]
        if left:
            found |= {key: (world, record) for key, record in read(world, left).items()}
    return {key: found.get(key, (worlds[0], None)) for key in keys}
