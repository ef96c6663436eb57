"""The house lints: habits of STYLE.md that no ready-made linter knows.

SQL is written in store and tables only, and a store touches its own schema only; nobody reads the
clock or makes chance but the files that are there for it; money never meets a float; only the
command line prints. `python -m tests.architecture.house_lints` runs them, and shows sizes too,
which are a habit and not a gate.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.source import (
    Source,
    aliases,
    dotted,
    module_of,
    read_tree,
    strings,
)

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600

SQL_HOMES = re.compile(
    r"weili/modules/\w+/(store|tables)(/|\.py$)"
    r"|weili/kit/(db|event_log|idempotency|jobs|memory|outbox|partitions|tallies|world)\.py$"
    r"|weili/migrations/"
    r"|weili/adapters/postgres/"
)
STORES = re.compile(r"weili/(modules/\w+/store(/|\.py$)|kit/)")
CLOCK_HOMES = re.compile(r"weili/kit/clock\.py$")
CHANCE_HOMES = re.compile(r"weili/kit/(clock|ids|secrets)\.py$|weili/adapters/postgres/")
PRINT_HOMES = re.compile(r"weili/entrypoints/cli(/|\.py$)")

CLOCKS = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "sqlalchemy.func.current_timestamp",
    "sqlalchemy.func.now",
    "time.asctime",
    "time.ctime",
    "time.gmtime",
    "time.localtime",
    "time.time",
    "time.time_ns",
}
CHANCE = {"os.urandom", "uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7", "uuid.uuid8"}
CHANCE_PACKAGES = ("random.", "secrets.")
# Comparing is no chance, though it lives in the same package.
NO_CHANCE = {"secrets.compare_digest"}
CLOCK_IN_SQL = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|gen_random_uuid|uuidv7"
    r"|random)\s*\(\)?|\bcurrent_(timestamp|date|time)\b|\blocaltime(stamp)?\b",
    re.IGNORECASE,
)

SQL_STATEMENT = re.compile(
    r"[\s(]*(select\s.*\sfrom\s|insert\s+into\s|update\s+\S+\s+(as\s+\w+\s+|\w+\s+)?set\s|delete\s+from\s"
    r"|with\s+(recursive\s+)?\w+\s*(\([^)]*\)\s*)?as\s+(not\s+)?(materialized\s+)?\("
    r"|merge\s+into\s|truncate\s+(table\s+)?\w+\.|copy\s+\w+[\w.]*\s*(\(|from\s|to\s)"
    r"|(create|alter|drop)\s+(or\s+replace\s+)?(unique\s+)?(materialized\s+)?"
    r"(table|index|view|schema|role|database|function|sequence|type|extension)\s"
    r"|(grant|revoke)\s.+\s(to|from)\s|set\s+local\s|lock\s+table\s"
    r"|select\s+\w+\()",
    re.DOTALL | re.IGNORECASE,
)
# A piece of a statement that names a table; in a store it counts like a whole one.
SQL_PIECE = re.compile(r"\b(from|join|into|update)\s+\w+\.\w", re.IGNORECASE)
EXECUTES = {"exec_driver_sql", "execute", "executemany"}
TABLE_REFERENCE = re.compile(
    r"\b(?:from|join|into|update|table|view|truncate|only|using)\s+\"?(\w+)\"?\s*\.\s*\"?\w",
    re.IGNORECASE,
)
DOTTED_REFERENCE = re.compile(r"(?<![\w.'])(\w+)\.\w")
SQL_TEXT = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
SYSTEM_SCHEMAS = {"excluded", "information_schema", "pg_catalog"}  # `excluded` is no table either

MONEY = re.compile(r"\w+_(minor|fen|bps)")


@dataclass(frozen=True, order=True)
class Finding:
    """One line that breaks a habit."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        """Reads like a compiler's line, so that editors can jump to it."""
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


def sql_outside_store(source: Source) -> Iterator[Finding]:
    """Finds SQL, and the running of it, outside the files that may hold it."""
    if SQL_HOMES.match(source.path):
        return
    for node, text in strings(source):
        if _is_sql(text):
            yield Finding(source.path, node.lineno, "sql-outside-store", _short(text))
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in EXECUTES
        ):
            yield Finding(source.path, node.lineno, "sql-outside-store", f".{node.func.attr}()")


def foreign_table(source: Source, schemas: set[str]) -> Iterator[Finding]:
    """Finds a store that touches a table or view of another schema than its own.

    `schemas` are those of the house; any other word before a dot may be an alias, unless it stands
    where a table stands. Files of tables may name other schemas in the views they define.
    """
    own = module_of(source.name) or "kit"
    rule = "foreign-table"
    if STORES.match(source.path):
        for node, text in strings(source):
            if not _is_sql(text) and not SQL_PIECE.search(text):
                continue
            bare = SQL_TEXT.sub("", text)
            named = set(TABLE_REFERENCE.findall(bare)) - _aliases_in(bare)
            named |= set(DOTTED_REFERENCE.findall(bare)) & schemas
            for schema in sorted(named - SYSTEM_SCHEMAS - {own}):
                yield Finding(source.path, node.lineno, rule, f"{schema} is not {own}")
    if module_of(source.name) is None and not STORES.match(source.path):
        return
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.keyword)
            and node.arg == "schema"
            and isinstance(node.value, ast.Constant)
            and node.value.value != own
        ):
            yield Finding(source.path, node.value.lineno, rule, f"{node.value.value} is not {own}")


def other_clock(source: Source) -> Iterator[Finding]:
    """Finds a reading of the clock, or a piece of chance, that no test and no sandbox can turn."""
    names = aliases(source)
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute | ast.Name):
            continue
        name = dotted(node, names) or ""
        if name in CLOCKS and not CLOCK_HOMES.match(source.path):
            yield Finding(source.path, node.lineno, "other-clock", f"{name} instead of ctx.now")
        chance = name in CHANCE or (name.startswith(CHANCE_PACKAGES) and name not in NO_CHANCE)
        if chance and not CHANCE_HOMES.match(source.path):
            yield Finding(source.path, node.lineno, "other-clock", f"{name} instead of kit")
    for text_node, text in strings(source):
        bare = SQL_TEXT.sub("", text)
        match = CLOCK_IN_SQL.search(bare) if _is_sql(text) else CLOCK_IN_SQL.fullmatch(bare.strip())
        if match:
            found = match[0].strip()
            yield Finding(
                source.path, text_node.lineno, "other-clock", f"{found} in SQL, not a parameter"
            )


def float_in_money(source: Source) -> Iterator[Finding]:
    """Finds a float, a true division or a rounding in an expression that holds money."""
    found: set[tuple[int, str]] = set()
    for node in ast.walk(source.tree):
        for expression in _money_expressions(node):
            found |= {(line, what) for line, what in _floats(expression)}
        annotation = _money_annotation(node)
        if annotation is not None and any(
            isinstance(part, ast.Name) and part.id == "float" for part in ast.walk(annotation)
        ):
            found.add((annotation.lineno, "declared as float"))
        if (
            isinstance(node, ast.AugAssign)
            and isinstance(node.op, ast.Div)
            and _holds_money(node.target, node.value)
        ):
            found.add((node.lineno, "true division"))
    for line, what in sorted(found):
        yield Finding(source.path, line, "float-in-money", what)


def prints(source: Source) -> Iterator[Finding]:
    """Finds a print outside the command line."""
    if PRINT_HOMES.match(source.path):
        return
    names = aliases(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            plain = isinstance(node.func, ast.Name) and node.func.id == "print"
            if plain or (dotted(node.func, names) or "") == "rich.print":
                yield Finding(source.path, node.lineno, "print", "only the command line prints")


def findings(sources: list[Source]) -> list[Finding]:
    """Runs every lint over the tree."""
    schemas = {"kit"} | {name for source in sources if (name := module_of(source.name))}
    lints: list[Callable[[Source], Iterator[Finding]]] = [
        sql_outside_store,
        lambda source: foreign_table(source, schemas),
        other_clock,
        float_in_money,
        prints,
    ]
    return sorted({finding for source in sources for lint in lints for finding in lint(source)})


def sizes(sources: list[Source]) -> list[Finding]:
    """Lists what has outgrown the habit, for information."""
    large: list[Finding] = []
    for source in sources:
        lines = len(source.text.splitlines())
        if lines > FILE_LINES_MAX:
            large.append(Finding(source.path, 1, "size", f"a file of {lines} lines"))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    what = f"{node.name} has {lines} lines"
                    large.append(Finding(source.path, node.lineno, "size", what))
    return sorted(large)


def _is_sql(text: str) -> bool:
    """Says whether a text is a statement; "Select a partner from the list" is a sentence."""
    words = text.split(maxsplit=1)
    return bool(words and SQL_STATEMENT.match(text)) and (words[0].islower() or words[0].isupper())


def _short(text: str) -> str:
    return " ".join(text.split())[:60]


def _aliases_in(sql: str) -> set[str]:
    """Gives the names a statement makes itself: `on o.id = …` joins an alias, not a schema."""
    return set(re.findall(r"(?:\w|\))\s+(?:as\s+)?(\w+)(?=\s|,|\(|\)|$)", sql, re.IGNORECASE))


def _is_money(node: ast.AST) -> bool:
    name = {ast.Name: "id", ast.Attribute: "attr", ast.arg: "arg", ast.keyword: "arg"}.get(
        type(node)
    )
    return name is not None and bool(MONEY.fullmatch(getattr(node, name) or ""))


def _holds_money(*nodes: ast.AST) -> bool:
    return any(_is_money(part) for node in nodes for part in ast.walk(node))


def _money_expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Gives the expressions below a node whose numbers are money, as small as they can be."""
    match node:
        case ast.BinOp() | ast.Compare() | ast.UnaryOp() if _holds_money(node):
            yield node
        case ast.Call(func=ast.Name(id="float" | "round")) if _holds_money(*node.args):
            yield node
        case ast.keyword() if _is_money(node):
            yield node.value
        case ast.Assign() if any(_is_money(target) for target in node.targets):
            yield node.value
        case ast.AnnAssign() | ast.AugAssign() | ast.NamedExpr() if _is_money(node.target):
            if node.value is not None:
                yield node.value


def _money_annotation(node: ast.AST) -> ast.expr | None:
    match node:
        case ast.arg() if _is_money(node):
            return node.annotation
        case ast.AnnAssign() if _is_money(node.target):
            return node.annotation
        case ast.FunctionDef() | ast.AsyncFunctionDef() if MONEY.fullmatch(node.name):
            return node.returns
    return None


def _floats(expression: ast.expr) -> Iterator[tuple[int, str]]:
    for node in ast.walk(expression):
        match node:
            case ast.Constant(value=float()):
                yield node.lineno, f"float {node.value}"
            case ast.BinOp(op=ast.Div()):
                yield node.lineno, "true division"
            case ast.Call(func=ast.Name(id="float" | "round" as name)):
                yield node.lineno, f"{name}()"


def main() -> int:
    """Prints every finding, then the sizes; only findings make it fail."""
    sources = read_tree(Path(__file__).parents[2] / "src")
    found = findings(sources)
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    for finding in sizes(sources):
        sys.stdout.write(f"{finding} (for information)\n")
    sys.stdout.write(f"house lints: {len(found)} findings in {len(sources)} files\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
