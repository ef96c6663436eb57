"""State tables: from which state a thing may go to which.

The guard in the service, the CHECK constraint, the diagram in the docs and the tests are all
derived from one ``StateTable``, so they can't disagree.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from weili.kit.problems import Said, StateConflict

S = TypeVar("S", bound=StrEnum)


def one_of(column: str, words: Iterable[StrEnum]) -> str:
    """Give the CHECK constraint's text for a column that holds one of some words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"


@dataclass(frozen=True, slots=True)
class StateTable(Generic[S]):
    """What states a thing has, which it may begin in, and its steps."""

    name: str
    initial: frozenset[S]
    steps: Mapping[S, frozenset[S]]
    name_zh: str

    def allows(self, here: S, there: S) -> bool:
        """Say whether the step is in the table."""
        return there in self.steps[here]

    def check(self, here: S, there: S, *, label: str) -> None:
        """Refuse a step that is not in the table.

        Raises: StateConflict, naming the states from which the step is allowed.
        """
        self.require(here, {s for s, to in self.steps.items() if there in to}, label=label)

    def require(self, here: S, allowed: Collection[S], *, label: str) -> None:
        """Refuse a thing that is in none of the states that a verb needs.

        Raises: StateConflict, naming those states.
        """
        if here not in allowed:
            names = sorted(allowed)
            needs = Said(" or ".join(names), "或".join(names), code=" or ".join(names))
            what = Said(self.name, self.name_zh, code=self.name)
            raise StateConflict(what=what, id=label, state=str(here), needs=needs)

    def sql_check(self, column: str) -> str:
        """Give the CHECK constraint's text for a column that holds the state."""
        return one_of(column, self.steps)

    def final(self) -> frozenset[S]:
        """Give the states that nothing leaves."""
        return frozenset(state for state, to in self.steps.items() if not to)

    def mermaid(self) -> str:
        """Draw the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2"]
        lines += [f"    [*] --> {state}" for state in sorted(self.initial)]
        for state, to in self.steps.items():
            lines += [f"    {state} --> {there}" for there in sorted(to)]
        lines += [f"    {state} --> [*]" for state in sorted(self.final())]
        return "\n".join(lines)
