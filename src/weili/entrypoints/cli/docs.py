"""``weili docs``: writes the references that are derived from the code, or says which are stale.

Everything is read from what the program itself runs by: the API's own document, the problems,
events and state tables of the modules, the tables, the commands. No database is needed; the world
that the API is made over is never opened. The same code gives the same bytes everywhere.
"""

import asyncio
import importlib
import json
import pkgutil
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Final

import httpx2
import typer
from typer.main import get_command

import weili
from weili import bootstrap, modules
from weili.kit.context import EventType
from weili.kit.db import CHANGING, metadata
from weili.kit.problems import ANSWERS, Problem
from weili.kit.secrets import KeyRing
from weili.kit.states import StateTable
from weili.kit.world import World
from weili.modules import parties

HOME: Final = Path("docs") / "reference"
STALE_EXIT: Final = 1
_CHECKOUT: Final = Path(weili.__file__).parents[2]
_NOTE: Final = "<!-- Written by `weili docs` from the code. Change the code, then run it again. -->"
_NEEDS: Final = re.compile(
    r"Needs the scope `([a-z:]+)`\.\Z|(Any key|Who has signed in|Anybody) may ask\.\Z"
)
_MAY_ASK: Final = {
    "Any key": "any key",
    "Who has signed in": "a session",
    "Anybody": "none; it gives a session",
}
_METHODS: Final = ("get", "post", "put", "delete")
_EVERYWHERE: Final = frozenset({"help", "install_completion", "show_completion"})
"""Options of every command, or of the shell rather than of Weili."""

# What SQLAlchemy and typer's own copy of click call these; neither may be imported by name here.
_Table = Any
_Dialect = Any
_Index = Any
_Columns = Any
_Command = Any
_Context = Any

_ABOUT_POLICY: Final = (
    "A key carries scopes. It is issued with no more than its party's kind may have, and "
    "that is looked at again on every request. A request needs the one scope of its "
    "route; what it then sees is its own party's only."
)
_ABOUT_PEOPLE: Final = (
    "Someone who signs in may do what the role says that they have in their party; a session "
    "carries these scopes in the place of a key's."
)
_ABOUT_PROBLEMS: Final = (
    "Every refusal is one of these. Over HTTP it is a problem document (RFC 9457, "
    "`application/problem+json`) with `code`, the text as `detail`, `repeatable`, and the "
    "values that the text names in `members`. English is given unless `Accept-Language` "
    "prefers `zh`; what was expected of a field, and members that are words, are in the same "
    "language. Codes are stable; texts may be reworded."
)
_ABOUT_EVENTS: Final = (
    "Facts that are announced, each to one party, as messages of its pool: read with "
    "`GET /v1/messages`, taken out with `POST /v1/messages:ack`. A fact leaves with the "
    "transaction that made it or not at all, gets its place in the log after commit, and "
    "comes again until it is acknowledged. Every message has `id`, `position`, `type`, "
    "`subject`, `occurred_at` and the `data` below."
)
_ABOUT_STATES: Final = (
    "The steps that each thing may take. The guard in the code, the CHECK constraint in "
    "the database and these diagrams come from the same table."
)
_ABOUT_TABLES: Final = (
    "Every schema and table of a world's database. The application works as the role "
    "`weili_app`, which owns nothing; what it may do with each table is said there. "
    "Beside these stands the schema `procrastinate` (jobs), which belongs to the library "
    "of that name, and Alembic's own `public.alembic_version`."
)
_ABOUT_COMMANDS: Final = (
    "The `weili` command line. Every command has `--help`; exit codes are those of the "
    "[problems](problems.md). Help and messages are in Chinese where the locale is (`LC_ALL`, "
    "`LC_MESSAGES`, `LANG`, and `LANGUAGE` before them)."
)


def docs(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 when a reference is stale.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option(help="The folder to write to; docs/reference of the checkout.")
    ] = None,
) -> None:
    """Write the references that are derived from the code."""
    folder = to or _CHECKOUT / HOME
    if to is None and not (_CHECKOUT / "pyproject.toml").is_file():
        raise typer.BadParameter("there is no checkout here; name a folder", param_hint="--to")
    changed = stale(folder)
    if check:
        for name in changed:
            print(f"{folder / name} is stale; run `weili docs`")
        raise typer.Exit(STALE_EXIT if changed else 0)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in changed.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"{folder / name} written")
    if not changed:
        print("every reference is up to date")


def stale(folder: Path) -> dict[str, str]:
    """Give the references whose files are missing or read otherwise, with what they should say."""
    return {
        name: text
        for name, text in references().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    }


def references() -> dict[str, str]:
    """Write every reference, by file name."""
    for package in pkgutil.walk_packages(weili.__path__, "weili."):
        if not package.name.startswith("weili.migrations."):
            importlib.import_module(package.name)
    doors = {
        name: importlib.import_module(f"weili.modules.{name}")
        for name in sorted(info.name for info in pkgutil.iter_modules(modules.__path__))
    }
    with closing(World("sandbox", "postgresql://nowhere/none", KeyRing.fresh())) as world:
        document = asyncio.run(_api_document(world))
        tables = _tables(world)
    return {
        "cli.md": _cli(),
        "events.md": _events(doors),
        "openapi.json": json.dumps(document, ensure_ascii=False, indent=2) + "\n",
        "policy.md": _policy(document),
        "problems.md": _problems(),
        "states.md": _states(doors),
        "tables.md": tables,
    }


# --- the API -------------------------------------------------------------------------------------


async def _api_document(world: World) -> dict[str, Any]:
    media = bootstrap.media_store(bootstrap.Settings.read({}))
    app = bootstrap.http_app({world.name: world}, placing={}, looking={}, media=media)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://weili") as client:
        answer = await client.get("/openapi.json")
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    return document


def _policy(document: Mapping[str, Any]) -> str:
    rows = [
        [method.upper(), f"`{path}`", _needs(item[method])]
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]
    kinds = list(parties.PartyKind)
    scopes = sorted(frozenset().union(*parties.ROLE_SCOPES.values()))
    return _page(
        "Who may do what",
        [
            _ABOUT_POLICY,
            "## What a key of each kind of party may carry",
            _table(
                ["scope", *(kind.value for kind in kinds)],
                [
                    [
                        f"`{scope}`",
                        *("yes" if scope in parties.ROLE_SCOPES[kind] else "" for kind in kinds),
                    ]
                    for scope in scopes
                ],
            ),
            "## What people may do who sign in",
            _ABOUT_PEOPLE,
            *(_people_table(kind) for kind in kinds),
            "## What each route needs",
            _table(["method", "path", "scope"], rows),
        ],
    )


def _people_table(kind: parties.PartyKind) -> str:
    roles = parties.PERSON_SCOPES[kind]
    rows = [
        [role.value, ", ".join(f"`{scope}`" for scope in sorted(roles[role]))]
        for role in sorted(roles)
    ]
    return _table([f"role ({kind.value})", "scopes"], rows)


def _needs(operation: Mapping[str, Any]) -> str:
    match = _NEEDS.search(operation.get("description", ""))
    if match is None and operation.get("security") == []:
        return "no key"
    if match is None:
        raise ValueError(operation["operationId"])
    return f"`{match[1]}`" if match[1] else _MAY_ASK[match[2]]


# --- problems, events, states --------------------------------------------------------------------


def _problems() -> str:
    found = [
        problem
        for code, problem in sorted(Problem.catalogue.items())
        if problem.__module__.startswith("weili.")
    ]
    kinds = [
        [
            kind.value,
            str(answer.http_status),
            str(answer.exit_code),
            "tries again" if answer.job_retries else "gives up",
        ]
        for kind, answer in ANSWERS.items()
    ]
    return _page(
        "Problems",
        [
            _ABOUT_PROBLEMS,
            "Repeatable means: the same request, unchanged, may succeed a little later.",
            "## Kinds",
            _table(["kind", "HTTP status", "exit code", "a job"], kinds),
            "## All problems",
            *(_problem(problem) for problem in found),
        ],
    )


def _problem(problem: type[Problem]) -> str:
    answer = ANSWERS[problem.kind]
    members = sorted({name for _, name, _, _ in string.Formatter().parse(problem.en) if name})
    facts = [
        problem.kind.value,
        f"HTTP {answer.http_status}",
        f"exit code {answer.exit_code}",
        "repeatable" if problem.repeatable else "not repeatable",
    ]
    lines = [
        f"### {problem.code}",
        "",
        (problem.__doc__ or "").partition("\n")[0],
        "",
        f"- {', '.join(facts)}",
        f"- en: {problem.en}",
        f"- zh: {problem.zh}",
    ]
    if members:
        lines.append(f"- members: {', '.join(f'`{name}`' for name in members)}")
    return "\n".join(lines)


def _events(doors: Mapping[str, ModuleType]) -> str:
    parts = []
    for name, door in doors.items():
        types: Sequence[EventType] = getattr(door, "EVENTS", ())
        if types:
            parts.append(f"## {name}")
        for event in types:
            fields = _table(["data", ""], [[f"`{key}`", text] for key, text in event.data.items()])
            parts.append(f"### {event.name}\n\n{event.promise}\n\n{fields}")
    return _page(
        "Events",
        [
            _ABOUT_EVENTS,
            *parts,
        ],
    )


def _states(doors: Mapping[str, ModuleType]) -> str:
    parts = []
    for name, door in doors.items():
        tables = {id(value): value for value in vars(door).values() if _is_states(value)}
        parts += [
            f"## {name}: {table.name}\n\n```mermaid\n{table.mermaid()}\n```"
            for table in sorted(tables.values(), key=lambda table: table.name)
        ]
    return _page(
        "States",
        [
            _ABOUT_STATES,
            *parts,
        ],
    )


def _is_states(value: object) -> bool:
    return isinstance(value, StateTable)


# --- tables --------------------------------------------------------------------------------------


def _tables(world: World) -> str:
    dialect = world.engine.dialect
    by_schema: dict[str, list[Any]] = {}
    for table in sorted(metadata.tables.values(), key=lambda table: str(table.fullname)):
        by_schema.setdefault(str(table.schema), []).append(table)
    parts = []
    for schema, tables in sorted(by_schema.items()):
        parts.append(f"## {schema}")
        parts += [_one_table(table, dialect) for table in tables]
    return _page(
        "Tables",
        [
            _ABOUT_TABLES,
            *parts,
        ],
    )


def _one_table(table: _Table, dialect: _Dialect) -> str:
    keys = ", ".join(f"`{column.name}`" for column in table.primary_key.columns)
    rows = [
        [
            f"`{column.name}`",
            column.type.compile(dialect=dialect).lower(),
            "" if column.nullable else "not null",
        ]
        for column in table.columns
    ]
    may = table.info.get("app_may", CHANGING)
    lines = [
        f"### {table.fullname}",
        "",
        f"The application may: {may}. Key: {keys or 'none'}.",
        "",
        _table(["column", "type", ""], rows),
    ]
    rules = sorted(_rules(table))
    if rules:
        lines += ["", *rules]
    return "\n".join(lines)


def _rules(table: _Table) -> Iterator[str]:
    for constraint in table.constraints:
        kind = type(constraint).__name__
        if kind == "CheckConstraint":
            yield f"- check: `{' '.join(str(constraint.sqltext).split())}`"
        elif kind == "UniqueConstraint":
            yield f"- unique: {_names(constraint.columns)}"
        elif kind == "ForeignKeyConstraint":
            to = ", ".join(f"`{element.target_fullname}`" for element in constraint.elements)
            yield f"- refers: {_names(constraint.columns)} to {to}"
    for index in table.indexes:
        where = index.dialect_options["postgresql"]["where"]
        kind = "unique index" if index.unique else "index"
        on = ", ".join(f"`{expression}`" for expression in _expressions(index))
        yield f"- {kind}: {on}" + (f" where `{where}`" if where is not None else "")


def _expressions(index: _Index) -> list[str]:
    return [getattr(item, "name", None) or str(item) for item in index.expressions]


def _names(columns: _Columns) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)


# --- commands ------------------------------------------------------------------------------------


def _cli() -> str:
    from weili.entrypoints.cli import app

    command: Any = get_command(app)
    return _page(
        "Commands",
        [
            _ABOUT_COMMANDS,
            *_commands(command, "weili", None),
        ],
    )


def _commands(command: _Command, name: str, parent: _Context) -> Iterator[str]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    yield _command(command, name, context)
    if hasattr(command, "list_commands"):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if not found.hidden:
                yield from _commands(_own(found), f"{name} {child}", context)


def _own(command: _Command) -> _Command:
    """Give a command itself for one that only hands on what it is given (``later.py``)."""
    if not command.context_settings.get("ignore_unknown_options"):
        return command
    home = importlib.import_module(f"weili.entrypoints.cli.{command.name}")
    alone = typer.Typer(add_completion=False)
    alone.command(command.name)(getattr(home, command.name))
    return get_command(alone)


def _command(command: _Command, name: str, context: _Context) -> str:
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", _paragraphs(command.help or ""), f"```\n{usage}\n```"]
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and parameter.name not in _EVERYWHERE:
            rows.append([f"`{record[0]}`", record[1]])
    if rows:
        parts.append(_table(["argument or option", ""], rows))
    return "\n\n".join(part for part in parts if part)


def _paragraphs(text: str) -> str:
    """Undo the line breaks inside paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


# --- Markdown ------------------------------------------------------------------------------------


def _page(title: str, parts: Sequence[str]) -> str:
    return "\n\n".join([f"# {title}", _NOTE, *parts]) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in line) + " |"
        for line in lines
    )
