"""Two sides that should say the same of millions of things, held together without reading them.

Each side is a statement. The database sums what it says in buckets, by hashes; only buckets that
differ are read, thing by thing. So modules that know nothing of each other's tables are compared,
and of what agrees nothing leaves the database. Two sides that differ have the same sums by chance
once in 2^64.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
_WORK_MEM: Final = "128MB"

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = "".join([a + b for a in _ALPHABET for b in _ALPHABET]).encode().hex()
_PAIRS_WRITTEN: Final = 13
_BITS: Final = 10
_ZEROS: Final = 2
"""Letters have two bits more than an id; they stand in front."""


@dataclass(frozen=True, slots=True)
class Tally(Generic[Key, Value]):
    """What one side says: a statement that gives a ``key``, who it is ``of``, and a ``value``.

    A key comes once with each party or account that it is of. Both sides' columns are of the same
    types, or their hashes differ.
    """

    ctx: Ctx
    statement: LiteralString
    params: tuple[object, ...] = ()

    def sums(self) -> dict[int, tuple[int, str]]:
        """Sum everything by bucket: (how many, the sum of their hashes)."""
        rows = self.ctx.db.rows(
            "SELECT bucket, count(*), sum(whole)::text FROM ("  # noqa: S608 - the modules' own
            f"SELECT {_BUCKET} AS bucket,"
            " hash_record_extended(ROW(key, of, value), 0) AS whole"
            f" FROM ({self.statement}) AS said) AS hashed GROUP BY bucket",
            *self.params,
        )
        return {bucket: (count, total) for bucket, count, total in rows}

    def read(self, buckets: Sequence[int]) -> dict[tuple[Key, UUID], list[Value]]:
        """Read what is said in some buckets; of a key that comes more than once all that it is."""
        rows: list[tuple[Key, UUID, Value]] = self.ctx.db.rows(
            f"SELECT key, of, value FROM ({self.statement}) AS said"  # noqa: S608 - the modules' own
            f" WHERE {_BUCKET} = ANY (%b::int[])",
            *self.params,
            list(buckets),
        )
        said: dict[tuple[Key, UUID], list[Value]] = {}
        for key, of, value in rows:
            said.setdefault((key, of), []).append(value)
        return said


_BUCKET: Final = f"(hash_record_extended(ROW(key, of), 0) & {BUCKETS - 1})::int"


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
