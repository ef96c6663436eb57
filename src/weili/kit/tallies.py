"""Two sides that should say the same of millions of things, held together without reading them.

Each side is a statement. The database sums what it says in buckets, by hashes; only buckets that
differ are read, thing by thing. So modules that know nothing of each other's tables are compared,
and of what agrees nothing leaves the database. Two sides that differ have the same sums by chance
once in 2^64.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest
from typing import Final, Generic, LiteralString, TypeVar
from uuid import UUID

from weili.kit.context import Ctx

Key = TypeVar("Key", UUID, str)
Value = TypeVar("Value", int, str)

BUCKETS: Final = 4_096
READ_MAX: Final = 100
"""Buckets that are read. Each has something that differs, and a hundred findings are enough."""
NOBODY: Final = UUID(int=0)
"""Whom a key is of that is nobody's."""
_NOTHING: Final = "1"
"""The hash of what is NULL."""
_WORK_MEM: Final = "128MB"

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = "".join([a + b for a in _ALPHABET for b in _ALPHABET]).encode().hex()
_PAIRS_WRITTEN: Final = 13
_BITS: Final = 10
_ZEROS: Final = 2
"""Letters have two bits more than an id; they stand in front."""


class Hashed(Enum):
    """By which of PostgreSQL's functions a key or a value of some type is hashed.

    Each takes a seed: the hash of a thing is made of those of its parts, one being the next one's
    seed. A hash of all of them as one row costs twice the time.
    """

    ID = "uuid_hash_extended"
    TEXT = "hashtextextended"
    NUMBER = "hashint8extended"


@dataclass(frozen=True, slots=True)
class Tally(Generic[Key, Value]):
    """What one side says: a statement that gives a ``key``, who it is ``of``, and a ``value``.

    A key comes once with each party or account that it is of. Both sides' columns are of the same
    types.
    """

    ctx: Ctx
    statement: LiteralString
    params: tuple[object, ...] = ()
    key: Hashed = Hashed.ID
    value: Hashed = Hashed.NUMBER

    def sums(self) -> dict[int, tuple[int, str]]:
        """Sum everything by bucket: (how many, the sum of their hashes)."""
        rows = self.ctx.db.rows(
            f"SELECT whose & {BUCKETS - 1}, count(*),"  # noqa: S608 - ours
            f" sum(coalesce({self.value.value}(value, whose), {_NOTHING}))::text"
            f" FROM ({self._hashed()}) AS hashed GROUP BY 1",
            *self.params,
        )
        return {bucket: (count, total) for bucket, count, total in rows}

    def read(self, buckets: Sequence[int]) -> dict[tuple[Key, UUID], list[Value]]:
        """Read what is said in some buckets; of a key that comes more than once all that it is."""
        rows: list[tuple[Key, UUID, Value]] = self.ctx.db.rows(
            f"SELECT key, of, value FROM ({self._read()}) AS said"  # noqa: S608 - ours
            f" WHERE whose & {BUCKETS - 1} = ANY (%b::int[])",
            *self.params,
            list(buckets),
        )
        said: dict[tuple[Key, UUID], list[Value]] = {}
        for key, of, value in rows:
            said.setdefault((key, of), []).append(value)
        return said

    def _read(self) -> LiteralString:
        return self._hashed()

    def _hashed(self) -> LiteralString:
        """Say with everything the hash of whose it is.

        Without the OFFSET a key that is dear to make would be made anew for each place that names
        it.
        """
        whose = f"{self.key.value}(key, coalesce(uuid_hash_extended(of, 0), {_NOTHING}))"
        return (
            f"SELECT key, of, value, coalesce({whose}, {_NOTHING}) AS whose"  # noqa: S608 - ours
            f" FROM (SELECT * FROM ({self.statement}) AS said OFFSET 0) AS made OFFSET 0"
        )


@dataclass(frozen=True, slots=True)
class Parts(Tally[Key, int]):
    """What one side says in parts: a key's value is the sum of them, and nothing if that is 0.

    What a hash is multiplied with can be summed in any order, so nothing need be grouped by its
    key before it is known to differ; millions of groups are what takes time and room.
    """

    def sums(self) -> dict[int, tuple[int, str]]:
        """Sum everything by bucket: (0, the sum of values times the hash of whose they are)."""
        rows = self.ctx.db.rows(
            "SELECT * FROM (SELECT"  # noqa: S608 - ours
            f" whose & {BUCKETS - 1}, sum(whose::numeric * value)::text AS total"
            f" FROM ({self._hashed()}) AS hashed GROUP BY 1) AS summed WHERE total <> '0'",
            *self.params,
        )
        return {bucket: (0, total) for bucket, total in rows}

    def _read(self) -> LiteralString:
        return (
            "SELECT key, of, sum(value)::bigint AS value, whose"  # noqa: S608 - ours
            f" FROM ({self._hashed()}) AS hashed GROUP BY key, of, whose HAVING sum(value) <> 0"
        )


def differing(
    left: Tally[Key, Value], right: Tally[Key, Value]
) -> Iterator[tuple[Key, UUID, Value | None, Value | None]]:
    """Give what two sides say differently, by key: (key, of, left, right); None for not at all.

    What one side says twice and the other once differs as well.
    """
    sums = left.sums(), right.sums()
    odd = sorted(b for b in sums[0].keys() | sums[1].keys() if sums[0].get(b) != sums[1].get(b))
    if odd:
        said = left.read(odd[:READ_MAX]), right.read(odd[:READ_MAX])
        for key, of in sorted(said[0].keys() | said[1].keys(), key=str):
            here, there = (Counter(side.get((key, of), ())) for side in said)
            odds = (here - there).elements(), (there - here).elements()
            for left_value, right_value in zip_longest(*odds):
                yield key, of, left_value, right_value


def room_make(ctx: Ctx) -> None:
    """Let this transaction read whole tables in the way that suits them.

    What it sorts and hashes has room in memory. Tables are hashed and not looked up row by row:
    every key of trade has the partner's id in it, which goes with the rest of the key, and so the
    planner believes that a join of millions of rows brings a few hundred. Statements get no
    processes besides their own: several transactions run side by side instead (ADR 0029).
    """
    ctx.db.run(
        "SELECT set_config('work_mem', %b, true), set_config('enable_nestloop', 'off', true),"
        " set_config('max_parallel_workers_per_gather', '0', true)",
        _WORK_MEM,
    )


def written(prefix: LiteralString, statement: LiteralString) -> LiteralString:
    """Let a statement's ``key``, which is an id, be as ``ids.id_text`` writes it outside.

    Two letters at a time are looked up in all pairs of letters, from the id's bytes, which are
    taken once: letter by letter it took five times as long.
    """
    letters = " || ".join([_pair(place) for place in range(_PAIRS_WRITTEN)])
    return (
        f"SELECT '{prefix}_' || convert_from({letters}, 'UTF8') AS key, of, value"  # noqa: S608 - the modules' own
        f" FROM (SELECT uuid_send(key) AS id, '\\x{_PAIRS}'::bytea AS pairs, of, value"
        f"  FROM ({statement}) AS named OFFSET 0) AS sent"
    )


def _pair(place: int) -> str:
    """Look up two letters: ten bits, which never lie in more than two bytes."""
    begin = _BITS * place - _ZEROS
    if begin < 0:
        bits = "get_byte(id, 0)"
    else:
        byte, inside = divmod(begin, 8)
        both = f"(get_byte(id, {byte}) << 8 | get_byte(id, {byte + 1}))"
        bits = f"({both} >> {16 - inside - _BITS} & {(1 << _BITS) - 1})"
    return f"substr(pairs, 2 * {bits} + 1, 2)"
