"""Records in use are read anew together; what is not asked for any more is forgotten."""

import asyncio
from collections.abc import Mapping, Sequence

from weili.entrypoints.http.records import KEPT_S, Kept, Records, read_in
from weili.kit.world import World

NOW_S = 1_000.0


def _none(world: World, keys: Sequence[str]) -> Mapping[str, str]:
    return {}


def _records(world: World, **until: tuple[float, bool]) -> Records[str]:
    records: Records[str] = Records({world.name: world}, _none)
    for key, (until_s, is_used) in until.items():
        records._kept[key, world.name] = Kept((world, None), until_s, is_used)
    return records


def test_keys_in_use_are_taken_along_when_half_their_time_is_over(world: World) -> None:
    records = _records(
        world,
        fresh=(NOW_S + KEPT_S, True),
        ageing=(NOW_S + 1, True),
        expired=(NOW_S - 1, True),
        idle=(NOW_S + 1, False),
        idle_and_expired=(NOW_S - 1, False),
    )

    assert records._due_soon(world.name, NOW_S) == [
        ("ageing", world.name),
        ("expired", world.name),
    ]
    assert {key_id for key_id, _ in records._kept} == {"fresh", "ageing", "expired", "idle"}


def test_a_flood_of_unknown_keys_does_not_look_through_the_kept_ones_each_time(
    world: World,
) -> None:
    records = _records(world, ageing=(NOW_S + 1, True))

    assert records._due_soon(world.name, NOW_S) != []
    assert records._due_soon(world.name, NOW_S + 0.1) == []


def test_a_key_of_another_world_is_left_to_its_own(world: World) -> None:
    records = _records(world, ageing=(NOW_S + 1, True))

    assert records._due_soon("elsewhere", NOW_S) == []


def test_worlds_that_are_made_up_share_one_reading(world: World) -> None:
    records: Records[str] = Records({world.name: world}, _none)
    readings: list[int] = []

    async def knock() -> None:
        found = [asyncio.ensure_future(records.find("key_x", f"w{n}")) for n in range(50)]
        await asyncio.sleep(0)
        readings.append(len(records._readers))
        assert await asyncio.gather(*found) == [(world, None)] * 50

    asyncio.run(knock())

    assert readings == [1]


def test_an_unknown_key_is_answered_as_unknown_in_the_first_world(world: World) -> None:
    assert read_in([world], _none, ["key_a", "key_b"]) == {
        "key_a": (world, None),
        "key_b": (world, None),
    }
