"""Findings: what a check of the books and the shelves found broken."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken invariant: which, where, what is seen there, and how it may be repaired.

    ``check`` is a code in snake_case that stays the same; ``what`` and ``repair`` are sentences.
    Every code is explained in ``docs/howto/verify-a-world.md``.
    """

    check: str
    where: str
    what: str
    repair: str
