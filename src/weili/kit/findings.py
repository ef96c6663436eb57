"""Findings: what a check of the books and the shelves found broken."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken invariant: which, where, what is seen there, and how it may be repaired."""

    check: str
    where: str
    what: str
    repair: str
