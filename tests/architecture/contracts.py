"""A contract type of our own for import-linter: some packages have a home, and stay there."""

from collections.abc import Iterable
from typing import cast

import grimp
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules
from importlinter.domain.imports import ModuleExpression


class HomeContract(Contract):
    """Refuses a direct import of any of `packages` from outside `homes`.

    import-linter's `protected` contract says nearly the same, but fails on a package that nothing
    imports yet and on a home that is not written yet; here both simply have nothing to show.
    """

    type_name = "home"

    packages = fields.SetField(subfield=fields.StringField())
    homes = fields.SetField(subfield=fields.ModuleExpressionField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Collects every import that crosses the wall."""
        output.verbose_print(verbose, "Looking for imports from outside the homes.")
        homes = module_expressions_to_modules(graph, cast("Iterable[ModuleExpression]", self.homes))
        strangers = [
            (importer, package)
            for package in sorted(cast("set[str]", self.packages) & graph.modules)
            for importer in sorted(graph.find_modules_that_directly_import(package))
            if not any(f"{importer}.".startswith(f"{home.name}.") for home in homes)
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Prints each crossing on a line."""
        for importer, package in check.metadata["strangers"]:
            output.print_error(f"- {importer} -> {package}", bold=False)
        output.new_line()
