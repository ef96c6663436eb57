"""A module is entered by its front door: `weili.modules.goods`, never `weili.modules.goods.store`.

import-linter sees import statements. This sees the side doors as well: an attribute reached through
the package, a name given to importlib as text, and a store function that the front door hands on.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import grimp

from tests.architecture.source import (
    PACKAGE,
    Source,
    aliases,
    dotted,
    import_base,
    module_of,
    read_tree,
    strings,
)

MODULES = f"{PACKAGE}.modules"
DOOR_DEPTH = MODULES.count(".") + 1  # the dots in weili.modules.goods
# The migrations build every module's tables, so they alone may read them all, and nothing else.
TABLE_READER = f"{PACKAGE}.migrations"
PRIVATE = ("store", "tables")
INNER_NAME = re.compile(rf"{re.escape(MODULES)}\.([\w?]+)\.([\w.?:]+)")
LOADERS = ("importlib.import_module", "importlib.util.find_spec", "__import__")


def crossings(src: Path) -> list[str]:
    """Lists every way around a front door, as `path:line: what`."""
    sources = read_tree(src)
    inner = {source.name for source in sources}
    return sorted(
        f"{source.path}:{line}: {what}"
        for source in sources
        for line, what in {*_reached(source, inner), *_handed_on(source, sources)}
    )


def imported_crossings(graph: grimp.ImportGraph) -> list[str]:
    """Lists the same as grimp sees it: every import from outside a module into its inside."""
    return sorted(
        f"{importer} -> {imported}"
        for imported in graph.modules
        if imported.startswith(f"{MODULES}.") and imported.count(".") > DOOR_DEPTH
        for importer in graph.find_modules_that_directly_import(imported)
        if module_of(importer) != module_of(imported)
        and not (_reads_tables(importer) and imported.endswith(".tables"))
    )


def _reads_tables(name: str) -> bool:
    return f"{name}.".startswith(f"{TABLE_READER}.")


def _reached(source: Source, inner: set[str]) -> Iterator[tuple[int, str]]:
    """Finds the inside of another module named by import, by attribute or by text."""
    own = module_of(source.name)
    names = aliases(source)

    def is_inside(name: str) -> bool:
        parts = name.split(".")
        if _reads_tables(source.name) and parts[DOOR_DEPTH + 1 : DOOR_DEPTH + 2] == ["tables"]:
            return False
        door = ".".join(parts[: DOOR_DEPTH + 2])
        return module_of(name) not in {None, own} and len(parts) > DOOR_DEPTH + 1 and door in inner

    for node in ast.walk(source.tree):
        reached: list[str] = []
        if isinstance(node, ast.Import):
            reached = [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = import_base(source, node)
            reached = [base, *(f"{base}.{item.name}" for item in node.names)]
        elif isinstance(node, ast.Attribute):
            reached = [dotted(node, names) or ""]
        elif isinstance(node, ast.Call):
            reached = [_named_by_call(node, names)]
        for name in reached:
            if is_inside(name):
                yield node.lineno, f"{name} is not a front door"
    for text_node, text in strings(source):
        match = INNER_NAME.fullmatch(text)
        if match and match[1] != own and not (_reads_tables(source.name) and match[2] == "tables"):
            yield text_node.lineno, f"{text} is named as text"


def _named_by_call(node: ast.Call, names: dict[str, str]) -> str:
    """Gives what `getattr(goods, "store")` and `import_module(".store", "weili…")` reach."""
    texts = [
        arg.value if isinstance(arg, ast.Constant) and isinstance(arg.value, str) else None
        for arg in node.args
    ]
    if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(texts) > 1:
        return f"{dotted(node.args[0], names)}.{texts[1]}"
    function = node.func.id if isinstance(node.func, ast.Name) else ""
    if (dotted(node.func, names) or function) not in LOADERS or not texts or not texts[0]:
        return ""
    package = next(
        (
            keyword.value.value
            for keyword in node.keywords
            if keyword.arg == "package" and isinstance(keyword.value, ast.Constant)
        ),
        texts[1] if len(texts) > 1 else "",
    )
    return f"{package}{texts[0]}" if texts[0].startswith(".") else texts[0]


def _handed_on(source: Source, sources: list[Source]) -> Iterator[tuple[int, str]]:
    """Finds what a front door hands on from its store or tables, at first or second hand."""
    module = module_of(source.name)
    if module is None or source.name != f"{MODULES}.{module}":
        return
    files = {other.name: other for other in sources if module_of(other.name) == module}
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            yield node.lineno, "a front door names what it opens; no __getattr__"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            base = import_base(source, node)
            given = [(item.name, f"{base}.{item.name}") for item in node.names]
        elif isinstance(node, ast.Import):
            given = [(item.name, item.name) for item in node.names]
        else:
            continue
        for shown, name in given:
            origin = _origin(name, files, depth_max=8)
            if origin.removeprefix(f"{source.name}.").split(".")[0] in PRIVATE:
                yield node.lineno, f"the front door hands on {shown} from {origin}"


def _origin(name: str, files: dict[str, Source], *, depth_max: int) -> str:
    """Follows a name through the files of its module to where it is made."""
    for _ in range(depth_max):
        home, _, last = name.rpartition(".")
        if name in files or home not in files:
            return name
        names = aliases(files[home])
        made = {
            target.id: dotted(node.value, names)
            for node in files[home].tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        further = names.get(last) or made.get(last)
        if further is None or further == name:
            return name
        name = further
    return name
