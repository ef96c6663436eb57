"""Keys in use are read anew together; what is not asked for any more is forgotten."""

import asyncio

from weili.entrypoints.http import auth
from weili.entrypoints.http.auth import KEPT_S, Doorkeeper
from weili.kit.world import World

NOW_S = 1_000.0


def _doorkeeper(world: World, **until: tuple[float, bool]) -> Doorkeeper:
    doorkeeper = Doorkeeper({world.name: world})
    for key_id, (until_s, is_used) in until.items():
        kept = auth._Kept((world, None), until_s, is_used)
        doorkeeper._kept[key_id, world.name] = kept
    return doorkeeper


def test_keys_in_use_are_taken_along_when_half_their_time_is_over(world: World) -> None:
    doorkeeper = _doorkeeper(
        world,
        fresh=(NOW_S + KEPT_S, True),
        ageing=(NOW_S + 1, True),
        expired=(NOW_S - 1, True),
        idle=(NOW_S + 1, False),
        idle_and_expired=(NOW_S - 1, False),
    )

    assert doorkeeper._due_soon(world.name, NOW_S) == [
        ("ageing", world.name),
        ("expired", world.name),
    ]
    assert {key_id for key_id, _ in doorkeeper._kept} == {"fresh", "ageing", "expired", "idle"}


def test_a_flood_of_unknown_keys_does_not_look_through_the_kept_ones_each_time(
    world: World,
) -> None:
    doorkeeper = _doorkeeper(world, ageing=(NOW_S + 1, True))

    assert doorkeeper._due_soon(world.name, NOW_S) != []
    assert doorkeeper._due_soon(world.name, NOW_S + 0.1) == []


def test_a_key_of_another_world_is_left_to_its_own(world: World) -> None:
    doorkeeper = _doorkeeper(world, ageing=(NOW_S + 1, True))

    assert doorkeeper._due_soon("elsewhere", NOW_S) == []


def test_worlds_that_are_made_up_share_one_reading(world: World) -> None:
    doorkeeper = Doorkeeper({world.name: world})
    readings: list[int] = []

    async def knock() -> None:
        found = [asyncio.ensure_future(doorkeeper._find("key_x", f"w{n}")) for n in range(50)]
        await asyncio.sleep(0)
        readings.append(len(doorkeeper._readers))
        assert await asyncio.gather(*found) == [(world, None)] * 50

    asyncio.run(knock())

    assert readings == [1]


def test_an_unknown_key_is_answered_as_unknown_in_the_first_world(world: World) -> None:
    assert auth._read([world], ["key_a", "key_b"]) == {
        "key_a": (world, None),
        "key_b": (world, None),
    }
