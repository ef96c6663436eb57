"""What was read, remembered between transactions and never told when it has changed.

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
from enum import IntEnum
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from weili.kit.context import Ctx
from weili.kit.db import QUEUE, Asked, metadata


class Topic(IntEnum):
    """What changes at a pace of its own: where one is touched too often, only it is forgotten."""

    TRADE = 0
    """Goods, prices and who sees them: seldom, but thousands at once when an import ends."""
    SHELVES = 1
    """What lies where: some of it with every order."""


VALUES_MAX: Final = {Topic.TRADE: 500_000, Topic.SHELVES: 200_000}
"""Values that a memory holds; the oldest make room. What is told of a price takes 0.8 kB, a shelf
0.7 kB."""
NOTE_IDS_MAX: Final = 50
"""Ids in one note; who touches more makes several."""
NOTES_MAX: Final = 1_000
"""Notes that are followed one by one; after more, as after a large import, all of the topic is
forgotten, and the notes beyond are not read."""
AGE_MAX: Final = 100_000
"""Transactions after which notes are swept, and a memory that has not asked since forgets all."""
SWEEP_MAX: Final = 10_000
_TRIMMED_PART: Final = 64

# No key: a transaction may touch things more than once, and nobody looks for a single note.
touched = sa.Table(
    "touched",
    metadata,
    sa.Column("topic", sa.Integer, nullable=False, server_default="0"),
    sa.Column("xid", sa.BigInteger, nullable=False),
    sa.Column("ids", sa.ARRAY(sa.Uuid), nullable=False),
    sa.Index("ix_touched_topic_xid", "topic", "xid"),
    schema="kit",
    info=QUEUE,
)

# Which life of a database this is is told too: where the notes lie, which is elsewhere when a
# back-up has taken its place on a server whose transaction numbers went on; and since when the
# server counts what it does, which is anew after a crash, when it gives numbers again of which
# nothing had come to the disc. Two looks at each topic, since one that is under way for long holds
# ``xmin`` back, and there may be thousands of notes after that. Sorted and bounded, so that the
# index is used however the planner guesses; each look is written out, since joined to a list of
# topics, and counted by a window, they took PostgreSQL twice as long.
_LOOK: Final = (
    "(SELECT topic, ids FROM kit.touched WHERE topic = {topic} AND {of_late}"
    " ORDER BY topic, xid LIMIT {most})"
)
_OF_LATE: Final = ("xid >= %b::bigint", "xid = ANY (%b::bigint[])")
_LOOKS: Final = " UNION ALL ".join(
    _LOOK.format(topic=topic.value, of_late=of_late, most=NOTES_MAX + 1)
    for topic in Topic
    for of_late in _OF_LATE
)
_SINCE: Final = (
    "SELECT pg_current_snapshot()::text, pg_current_xact_id_if_assigned()::text::bigint,"  # noqa: S608 - constants of ours
    "  concat(pg_relation_filepath('kit.touched'), pg_stat_get_bgwriter_stat_reset_time()),"
    "  t.topic, t.ids FROM (SELECT) AS one LEFT JOIN (" + _LOOKS + ") AS t ON true"
)


class _Snapshot(NamedTuple):
    """All before ``xmin`` had ended; from ``xmax`` on, and ``under_way``, was not seen."""

    xmin: int
    xmax: int
    under_way: Sequence[int]
    life: str
    """What is another after the database was put back, or its server had crashed."""


_NEVER: Final = _Snapshot(2**62, 2**62, (), "")


def touch(ctx: Ctx, ids: Collection[UUID], *, topic: Topic = Topic.TRADE) -> None:
    """Note that what is remembered of these changes with this transaction."""
    if ids:
        ctx.db.run(
            "INSERT INTO kit.touched (topic, xid, ids)"
            " SELECT %b::int, pg_current_xact_id()::text::bigint, ids[first : first + %b - 1]"
            " FROM (SELECT %b::uuid[]) AS x (ids),"
            "  generate_series(1, cardinality(ids), %b) AS first",
            *(topic, NOTE_IDS_MAX, list(ids), NOTE_IDS_MAX),
        )


def sweep(ctx: Ctx) -> int:
    """Forget notes that no memory asks for any more, a bounded number at a time.

    A transaction that was still open when a memory asked last keeps ``xmin`` at or below its own
    number until it ends. So a memory that has not seen a note that is swept here finds ``xmin``
    further on than it may be, and forgets all.
    """
    return ctx.db.run(
        "DELETE FROM kit.touched WHERE ctid = ANY (ARRAY(SELECT n.ctid"
        " FROM unnest(%b::int[]) AS x (topic), LATERAL (SELECT ctid FROM kit.touched"
        "  WHERE topic = x.topic"
        "  AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint - %b::bigint"
        "  ORDER BY xid LIMIT %b) AS n))",
        list(Topic),
        AGE_MAX,
        SWEEP_MAX,
    ).rowcount


class _Part:
    """What is remembered of one topic: of each id, by kind."""

    __slots__ = ("count", "values", "values_max")

    def __init__(self, values_max: int) -> None:
        self.values_max = values_max
        self.forget()

    def forget(self) -> None:
        self.values: dict[bytes, dict[bytes, Any]] = {}
        self.count = 0

    def drop(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            self.count -= len(self.values.pop(key, ()))

    def keep(self, kind: bytes, values: Mapping[bytes, Any]) -> None:
        for key, value in values.items():
            known = self.values.setdefault(key, {})
            self.count += kind not in known
            known[kind] = value
        if self.count > self.values_max:
            part = self.values_max // _TRIMMED_PART + len(values)
            self.drop(list(islice(self.values, part)))


class Memory:
    """What one process remembers of one world; its threads share it."""

    def __init__(self, *, values_max: Mapping[Topic, int] = VALUES_MAX) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._parts = {topic: _Part(values_max[topic]) for topic in Topic}
        self._known: _Snapshot | None = None
        self._turn = 0

    def recall_asked(self, ctx: Ctx) -> Asked["Recall"]:
        """Ask what has been touched, without waiting for it; then what is left may be recalled."""
        known = self._known
        _, ended, under_way, _ = known or _NEVER
        rows = ctx.db.ask(_SINCE, *(ended, under_way) * len(Topic))
        return lambda: self._renewed(known, rows())

    def _renewed(
        self,
        known: _Snapshot | None,
        rows: Sequence[tuple[str, int | None, str, int | None, list[UUID]]],
    ) -> "Recall":
        """Drop what was touched since a snapshot.

        Whichever of several threads comes here last, all that is left reflects what each of them
        was told. What one of them is just reading may not: so ``_turn`` moves on, and with it
        nothing is remembered that was asked for before (see ``keep``).
        """
        now = _snapshot(*rows[0][:3])
        notes: dict[Topic, list[list[UUID]]] = {topic: [] for topic in Topic}
        for *_, topic, ids in rows:
            if topic is not None:
                notes[Topic(topic)].append(ids)
        with self._lock:
            # Another life, or backwards: another database has taken the place of the known one.
            is_lost = (
                known is None
                or known.life != now.life
                or not known.xmin <= now.xmin <= known.xmin + AGE_MAX
            )
            for topic, part in self._parts.items():
                if is_lost or len(notes[topic]) > NOTES_MAX:
                    part.forget()
                else:
                    part.drop(each.bytes for ids in notes[topic] for each in ids)
            self._turn += is_lost or any(notes.values())
            self._known = now
            return Recall(self, self._turn)

    def part(self, topic: Topic) -> _Part:
        """Give what is remembered of a topic."""
        return self._parts[topic]

    def keep(self, turn: int, topic: Topic, kind: bytes, values: Mapping[bytes, Any]) -> None:
        """Remember what was read, unless something has been touched since it was asked for."""
        with self._lock:
            if turn == self._turn:
                self._parts[topic].keep(kind, values)


class Recall:
    """A memory, of one topic, as it stands for one transaction."""

    __slots__ = ("_memory", "_topic", "_turn", "_values")

    def __init__(self, memory: Memory, turn: int, topic: Topic = Topic.TRADE) -> None:
        self._memory = memory
        self._turn = turn
        self._topic = topic
        self._values = memory.part(topic).values

    @classmethod
    def nothing(cls) -> "Recall":
        """Remember nothing, for who asks seldom."""
        return cls(Memory(), 0)

    def about(self, topic: Topic) -> "Recall":
        """Give what is remembered of another topic."""
        return Recall(self._memory, self._turn, topic)

    def found(self, kind: bytes, keys: Iterable[bytes]) -> list[Any]:
        """Give what is remembered of some kind, or None, in the order of the keys.

        A key is an id's sixteen bytes: what is kept by it is forgotten when the id is touched.
        """
        of = self._values.get
        return [None if (known := of(key)) is None else known.get(kind) for key in keys]

    def each(self, kinds: Iterable[bytes], keys: Iterable[bytes]) -> list[Any]:
        """Give what is remembered of each key, by the kind that stands at its place, or None."""
        of = self._values.get
        return [
            None if (known := of(key)) is None else known.get(kind)
            for kind, key in zip(kinds, keys, strict=True)
        ]

    def keep(self, kind: bytes, values: Mapping[bytes, Any]) -> None:
        """Remember what this transaction has read, and has not written itself."""
        self._memory.keep(self._turn, self._topic, kind, values)


def _snapshot(text: str, own: int | None, life: str) -> _Snapshot:
    """Read a snapshot as PostgreSQL writes it; it leaves out the transaction that asks."""
    xmin, xmax, under_way = text.split(":")
    others = [int(each) for each in under_way.split(",") if each]
    if own is not None:
        others.append(own)
    return _Snapshot(int(xmin), int(xmax), others, life)
