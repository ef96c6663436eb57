"""Problems as plain data, on their way from one process to another."""

from typing import Any

import msgspec

from weili.kit.problems import FieldProblem, Problem, Said


class PackedProblem(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """A problem by its code, with what it was raised with."""

    code: str
    members: dict[str, Any]
    fields: tuple[FieldProblem, ...] = ()
    words: dict[str, Said] = {}

    @classmethod
    def of(cls, problem: Problem) -> "PackedProblem":
        """Pack a problem."""
        members = problem.members
        words = {name: value for name, value in members.items() if isinstance(value, Said)}
        plain = {name: value for name, value in members.items() if name not in words}
        return cls(problem.code, plain, problem.fields, words)

    def problem(self) -> Problem:
        """Make the problem anew.

        Raises: KeyError when this process knows no problem of that code.
        """
        kind = Problem.catalogue[self.code]
        problem = kind.__new__(kind)
        # A class may sum its members up from other arguments; here they are known already.
        Problem.__init__(problem, fields=self.fields, **self.members, **self.words)
        return problem
