"""Two sides are compared without being read, and what differs is found with who says what."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from weili.kit.ids import id_text, new_id
from weili.kit.tallies import (
    BUCKETS,
    NOBODY,
    READ_MAX,
    Hashed,
    Parts,
    Tally,
    differing,
    written,
)
from weili.kit.world import World

_MANY = "SELECT lpad(n::text, 6, '0') AS key, %b::uuid AS of, n AS value FROM generate_series"


def test_sides_that_agree_have_no_difference(world: World) -> None:
    statement = f"{_MANY}(1, 20000) AS n"
    with world.begin() as ctx:
        one: Tally[str, int] = Tally(ctx, statement, (NOBODY,), Hashed.TEXT)
        other: Tally[str, int] = Tally(ctx, statement, (NOBODY,), Hashed.TEXT)
        assert list(differing(one, other)) == []
        assert len(one.sums()) > BUCKETS // 2


def test_what_is_missing_odd_or_another_s_is_found_among_many(world: World) -> None:
    # Given twenty thousand things, of which the other side lacks 7, has 9 as 10, and 11 of another
    somebody = UUID(int=1)
    with world.begin() as ctx:
        one: Tally[str, int] = Tally(ctx, f"{_MANY}(1, 20000) AS n", (NOBODY,), Hashed.TEXT)
        other: Tally[str, int] = Tally(
            ctx,
            "SELECT lpad(n::text, 6, '0') AS key, CASE WHEN n = 11 THEN %b::uuid ELSE %b::uuid END"
            " AS of, n + (n = 9)::int AS value FROM generate_series(1, 20000) AS n WHERE n <> 7",
            (somebody, NOBODY),
            Hashed.TEXT,
        )
        # Then these are found, and nothing beside them
        assert list(differing(one, other)) == [
            ("000007", NOBODY, 7, None),
            ("000009", NOBODY, 9, 10),
            ("000011", NOBODY, 11, None),
            ("000011", somebody, None, 11),
        ]


def test_what_is_said_twice_or_of_nothing_is_found(world: World) -> None:
    # Given a thing that one side says twice alike, and one without a key
    with world.begin() as ctx:
        one: Tally[str, int] = Tally(
            ctx,
            f"{_MANY}(1, 50) AS n UNION ALL SELECT '000007', %b::uuid, 7"
            " UNION ALL SELECT NULL, %b::uuid, 3",
            (NOBODY, NOBODY, NOBODY),
            Hashed.TEXT,
        )
        other: Tally[str, int] = Tally(ctx, f"{_MANY}(1, 50) AS n", (NOBODY,), Hashed.TEXT)
        found = list(differing(one, other))
    assert found == [("000007", NOBODY, 7, None), (None, NOBODY, 3, None)]


def test_of_two_sides_that_agree_in_nothing_a_part_is_read(world: World) -> None:
    with world.begin() as ctx:
        one: Tally[str, int] = Tally(ctx, f"{_MANY}(1, 20000) AS n", (NOBODY,), Hashed.TEXT)
        other: Tally[str, int] = Tally(ctx, f"{_MANY}(20001, 40000) AS n", (NOBODY,), Hashed.TEXT)
        found = list(differing(one, other))
    # 40,000 things in 4,096 buckets, of which 100 are read: about 980
    assert READ_MAX < len(found) < 2_000


def test_parts_are_summed_by_key_and_what_sums_to_nothing_is_not_said(world: World) -> None:
    # Given keys of 3 and n parts on one side and the whole on the other; of 9 a part is missing,
    # 11's is another's, and 13 is there and taken back
    somebody = UUID(int=1)
    with world.begin() as ctx:
        one: Parts[str] = Parts(
            ctx,
            "SELECT lpad(n::text, 6, '0') AS key, CASE WHEN n = 11 THEN %b::uuid ELSE %b::uuid END"
            " AS of, part AS value FROM generate_series(1, 20000) AS n"
            " CROSS JOIN LATERAL (VALUES (3), (n)) AS p (part) WHERE n <> 9 OR part <> 3"
            " UNION ALL SELECT lpad('13', 6, '0'), %b::uuid, -16",
            (somebody, NOBODY, NOBODY),
            Hashed.TEXT,
        )
        other: Parts[str] = Parts(
            ctx,
            "SELECT lpad(n::text, 6, '0') AS key, %b::uuid AS of, n + 3 AS value"
            " FROM generate_series(1, 20000) AS n WHERE n <> 13",
            (NOBODY,),
            Hashed.TEXT,
        )
        assert list(differing(one, other)) == [
            ("000009", NOBODY, 9, 12),
            ("000011", NOBODY, None, 14),
            ("000011", somebody, 14, None),
        ]


@pytest.mark.parametrize("number", [0, 2**128 - 1, 2**127 + 5, 0x0123456789ABCDEF0123456789ABCDEF])
def test_an_id_is_written_as_it_is_outside(world: World, number: int) -> None:
    ids = [UUID(int=number), *(new_id(datetime.now(UTC)) for _ in range(50))]
    statement = written("ord", "SELECT unnest(%b::uuid[]) AS key, 0 AS of, 0 AS value")
    with world.begin() as ctx:
        rows = ctx.db.rows(statement, ids)
    assert [row[0] for row in rows] == [id_text("ord", each) for each in ids]
