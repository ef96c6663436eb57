"""What was read and seldom changes, remembered between transactions and never told when it changed.

Who changes something that is remembered notes its id in the same transaction (``touch``). Who
remembers keeps the snapshot of the database that its memory is of, and before it looks anything up
asks what was touched by transactions that this snapshot did not see. So what is told is what the
database held at the moment of asking, whichever process changed it: a memory saves reading, not
asking. Notes are few rows, in the order of transaction numbers, and no clock is involved.

Rejected: keeping answers for a time (a price that has changed must never be told), NOTIFY (it comes
after the commit, and is lost with the connection), and a count beside each thing (it would have to
be looked up for each).
"""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from operator import add
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from weili.kit.context import Ctx
from weili.kit.db import QUEUE, Asked, metadata

VALUES_MAX: Final = 500_000
"""Values that a memory holds; the oldest make room. What is told of a price takes 0.6 kB."""
NOTES_MAX: Final = 1_000
IDS_MAX: Final = 10_000
"""Notes, and ids in them, that are followed one by one; after more, as after a large import, all is
forgotten, and the ids beyond are not read."""
POPS_MAX: Final = 200_000
"""The same of ids times kinds: there may be a kind for each set of lists that partners pay by and
each quantity that they ask of. Nor are more kinds known than that."""
AGE_MAX: Final = 100_000
"""Transactions after which notes are swept, and a memory that has not asked since forgets all."""
SWEEP_MAX: Final = 10_000
_TRIMMED_PART: Final = 64

# No key: a transaction may touch things more than once, and nobody looks for a single note.
touched = sa.Table(
    "touched",
    metadata,
    sa.Column("xid", sa.BigInteger, nullable=False, index=True),
    sa.Column("ids", sa.ARRAY(sa.Uuid), nullable=False),
    schema="kit",
    info=QUEUE,
)

# Sorted and bounded, so that the index is used however the planner guesses.
_SINCE: Final = (
    "SELECT pg_current_snapshot()::text, pg_current_xact_id_if_assigned()::text::bigint,"
    "  t.count, CASE WHEN t.count <= %b::bigint THEN t.ids END"
    " FROM (SELECT) AS one LEFT JOIN LATERAL ("
    " SELECT n.ids, sum(cardinality(n.ids)) OVER (ORDER BY n.xid ROWS UNBOUNDED PRECEDING) AS count"
    "  FROM (SELECT xid, ids FROM kit.touched WHERE xid >= %b::bigint"
    "   AND (xid >= %b::bigint OR xid = ANY (%b::bigint[])) ORDER BY xid LIMIT %b) AS n"
    " ) AS t ON true"
)


class _Snapshot(NamedTuple):
    """All before ``xmin`` had ended; from ``xmax`` on, and ``under_way``, was not seen."""

    xmin: int
    xmax: int
    under_way: Sequence[int]


_NEVER: Final = _Snapshot(2**62, 2**62, ())


def touch(ctx: Ctx, ids: Collection[UUID]) -> None:
    """Note that what is remembered of these changes with this transaction."""
    if ids:
        ctx.db.run(
            "INSERT INTO kit.touched (xid, ids)"
            " VALUES (pg_current_xact_id()::text::bigint, %b::uuid[])",
            list(ids),
        )


def sweep(ctx: Ctx) -> int:
    """Forget notes that no memory asks for any more, a bounded number at a time.

    A transaction that was still open when a memory asked last keeps ``xmin`` at or below its own
    number until it ends. So a memory that has not seen a note that is swept here finds ``xmin``
    further on than it may be, and forgets all.
    """
    return ctx.db.run(
        "DELETE FROM kit.touched WHERE ctid = ANY (ARRAY(SELECT ctid FROM kit.touched"
        "  WHERE xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint - %b::bigint"
        "  ORDER BY xid LIMIT %b))",
        AGE_MAX,
        SWEEP_MAX,
    ).rowcount


class Memory:
    """What one process remembers of one world; its threads share it."""

    def __init__(self, *, values_max: int = VALUES_MAX) -> None:
        """Begin with nothing."""
        self._values_max = values_max
        self._lock = threading.Lock()
        self._values: dict[bytes, Any] = {}
        self._kinds: set[bytes] = set()
        self._known: _Snapshot | None = None
        self._turn = 0

    def recall_asked(self, ctx: Ctx) -> Asked["Recall"]:
        """Ask what has been touched, without waiting for it; then what is left may be recalled."""
        known = self._known
        rows = ctx.db.ask(_SINCE, IDS_MAX, *(known or _NEVER), NOTES_MAX + 1)
        return lambda: self._renewed(known, rows())

    def _renewed(
        self,
        known: _Snapshot | None,
        rows: Sequence[tuple[str, int | None, int | None, list[UUID] | None]],
    ) -> "Recall":
        """Drop what was touched since a snapshot.

        Whichever of several threads comes here last, all that is left reflects what each of them
        was told. What one of them is just reading may not: so ``_turn`` moves on, and with it
        nothing is remembered that was asked for before (see ``keep``).
        """
        now = _snapshot(*rows[0][:2])
        notes = [ids for *_, ids in rows if ids is not None]
        count = max(count or 0 for _, _, count, _ in rows)
        with self._lock:
            if (
                known is None
                # Backwards: another database has taken the place of the one that was known.
                or not known.xmin <= now.xmin <= known.xmin + AGE_MAX
                or len(notes) > NOTES_MAX
                or count > IDS_MAX
                or count * len(self._kinds) > POPS_MAX
            ):
                self._forget()
                self._turn += 1
            elif notes:
                keys = [each.bytes for ids in notes for each in ids]
                for kind in self._kinds:
                    for key in keys:
                        self._values.pop(kind + key, None)
                self._turn += 1
            self._known = now
            return Recall(self, self._turn)

    def _forget(self) -> None:
        self._values = {}
        self._kinds = set()

    def found(self, kind: bytes, keys: Iterable[bytes]) -> list[Any]:
        """Give what is remembered of some kind, or None, in the order of the keys."""
        return list(map(self._values.get, map(kind.__add__, keys)))

    def each(self, kinds: Iterable[bytes], keys: Iterable[bytes]) -> list[Any]:
        """Give what is remembered of each key, by the kind that stands at its place, or None."""
        return list(map(self._values.get, map(add, kinds, keys)))

    def keep(self, turn: int, kind: bytes, values: Mapping[bytes, Any]) -> None:
        """Remember what was read, unless something has been touched since it was asked for."""
        with self._lock:
            if turn != self._turn:
                return
            if kind not in self._kinds and len(self._kinds) >= POPS_MAX:
                self._forget()
            self._kinds.add(kind)
            for key, value in values.items():
                self._values[kind + key] = value
            if len(self._values) > self._values_max:
                part = self._values_max // _TRIMMED_PART + len(values)
                for key in list(islice(self._values, part)):
                    del self._values[key]


class Recall:
    """A memory as it stands for one transaction."""

    __slots__ = ("_memory", "_turn")

    def __init__(self, memory: Memory, turn: int) -> None:
        self._memory = memory
        self._turn = turn

    @classmethod
    def nothing(cls) -> "Recall":
        """Remember nothing, for who asks seldom."""
        return cls(Memory(), 0)

    def found(self, kind: bytes, keys: Iterable[bytes]) -> list[Any]:
        """Give what is remembered of some kind, or None, in the order of the keys.

        A key is an id's sixteen bytes: what is kept by it is forgotten when the id is touched.
        """
        return self._memory.found(kind, keys)

    def each(self, kinds: Iterable[bytes], keys: Iterable[bytes]) -> list[Any]:
        """Give what is remembered of each key, by the kind that stands at its place, or None."""
        return self._memory.each(kinds, keys)

    def keep(self, kind: bytes, values: Mapping[bytes, Any]) -> None:
        """Remember what this transaction has read, and has not written itself."""
        self._memory.keep(self._turn, kind, values)


def _snapshot(text: str, own: int | None) -> _Snapshot:
    """Read a snapshot as PostgreSQL writes it; it leaves out the transaction that asks."""
    xmin, xmax, under_way = text.split(":")
    others = [int(each) for each in under_way.split(",") if each]
    return _Snapshot(int(xmin), int(xmax), others if own is None else [*others, own])
