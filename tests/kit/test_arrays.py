"""Lists that are packed here arrive as psycopg would have sent them."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest

from weili.kit.context import Ctx

IDS = [UUID(int=0), UUID(int=2**128 - 1), UUID("01890000-0000-7000-8000-000000000001")]
NOON = datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("values", [[], IDS, [None, *IDS], [None]])
def test_uuids_arrive(ctx: Ctx, values: list[UUID | None]) -> None:
    assert ctx.db.rows("SELECT %b::uuid[]", values) == [(values,)]


@pytest.mark.parametrize("values", [[], ["", "茶", "a\\,{}\"'"], [None, "x"]])
def test_texts_arrive(ctx: Ctx, values: list[str | None]) -> None:
    assert ctx.db.rows("SELECT %b::text[]", values) == [(values,)]


@pytest.mark.parametrize("values", [[], [b"", b"\x00\xff"], [None, b"x"]])
def test_bytes_arrive(ctx: Ctx, values: list[bytes | None]) -> None:
    assert ctx.db.rows("SELECT %b::bytea[]", values) == [(values,)]


@pytest.mark.parametrize("values", [[], [0, -1, 32_767], [None, -32_768]])
def test_integers_arrive_in_each_width(ctx: Ctx, values: list[int | None]) -> None:
    assert ctx.db.rows(
        "SELECT %b::smallint[], %b::int2[], %b::int[], %b::bigint[]", *[values] * 4
    ) == [(values,) * 4]


def test_the_widest_integers_arrive(ctx: Ctx) -> None:
    ends = [-(2**63), 2**63 - 1]

    assert ctx.db.rows("SELECT %b::bigint[]", ends) == [(ends,)]


def test_moments_arrive_to_the_microsecond_whatever_their_zone(ctx: Ctx) -> None:
    china = NOON.astimezone(timezone(timedelta(hours=8)))
    long_ago = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

    assert ctx.db.rows("SELECT %b::timestamptz[]", [NOON, china, long_ago, None]) == [
        ([NOON, NOON, long_ago, None],)
    ]


@pytest.mark.parametrize("values", [[], [date(2026, 2, 28), None, date(1999, 12, 31)]])
def test_days_arrive(ctx: Ctx, values: list[date | None]) -> None:
    assert ctx.db.rows("SELECT %b::date[]", values) == [(values,)]


def test_what_does_not_fit_is_refused_before_it_is_sent(ctx: Ctx) -> None:
    with pytest.raises(struct.error):
        ctx.db.rows("SELECT %b::int[]", [2**31])


def test_a_percent_sign_a_null_and_plain_values_pass_as_they_are(ctx: Ctx) -> None:
    rows = ctx.db.rows("SELECT 7 %% 4, %b::uuid[], %b, %b::text[] || %b", None, 5, ["a"], "b")

    assert rows == [(3, None, 5, ["a", "b"])]


def test_a_placeholder_without_its_value_is_a_bug(ctx: Ctx) -> None:
    with pytest.raises(ValueError, match="zip"):
        ctx.db.rows("SELECT %b, %b", 1)
