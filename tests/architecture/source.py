"""Reading source for the checks: files, docstrings, and what a dotted name really is."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "weili"


@dataclass(frozen=True)
class Source:
    """One Python file: `path` is relative to the folder that holds the package."""

    path: str
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.endswith("/__init__.py")

    @property
    def name(self) -> str:
        """The dotted name of the module, a package's without `__init__`."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def parse(path: str, text: str) -> Source:
    return Source(path, text, ast.parse(text, filename=path))


def read_tree(src: Path) -> list[Source]:
    """Reads every file of the package below `src`."""
    return [
        parse(file.relative_to(src).as_posix(), file.read_text(encoding="utf-8"))
        for file in sorted((src / PACKAGE).rglob("*.py"))
    ]


def module_of(name: str) -> str | None:
    """Names the business module a dotted name lies in: `weili.modules.goods.store` → `goods`."""
    parts = name.split(".")
    return parts[2] if len(parts) > 2 and parts[:2] == [PACKAGE, "modules"] else None


def import_base(source: Source, node: ast.ImportFrom) -> str:
    """Spells out where `from … import` looks, the leading dots resolved."""
    if not node.level:
        return node.module or ""
    parts = source.name.split(".")
    kept = len(parts) - node.level + (1 if source.is_package else 0)
    return ".".join([*parts[:kept], *([node.module] if node.module else [])])


def aliases(source: Source) -> dict[str, str]:
    """Maps every imported name of a file to the dotted name behind it."""
    found: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                top = item.name.split(".")[0]
                found[item.asname or top] = item.name if item.asname else top
        elif isinstance(node, ast.ImportFrom):
            base = import_base(source, node)
            for item in node.names:
                found[item.asname or item.name] = f"{base}.{item.name}"
    return found


def dotted(node: ast.AST, names: dict[str, str]) -> str | None:
    """Resolves `dt.datetime.now` to `datetime.datetime.now`; None for anything not imported."""
    tail: list[str] = []
    while isinstance(node, ast.Attribute):
        tail.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return None
    return ".".join([names[node.id], *reversed(tail)])


def docstrings(tree: ast.Module) -> set[int]:
    """Gives the ids of the string nodes that are documentation: any string standing alone."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def strings(source: Source) -> Iterator[tuple[ast.expr, str]]:
    """Yields every string that is no docstring, an f-string whole with `?` for what it inserts."""
    skipped = docstrings(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            yield (
                node,
                "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "?"
                    for part in node.values
                ),
            )
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in skipped
        ):
            yield node, node.value
