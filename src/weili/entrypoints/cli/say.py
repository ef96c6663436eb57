"""How the command line speaks: in the reader's language, to people or to scripts."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from weili.kit.problems import ANSWERS, Kind, Problem

EXIT_UNAVAILABLE: Final = ANSWERS[Kind.UNAVAILABLE].exit_code
EXIT_FINDINGS: Final = 1
FIELDS_SHOWN_MAX: Final = 20

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def language(environ: Mapping[str, str] = os.environ) -> str:
    """Say which language the reader's locale asks for: ``zh`` or ``en``."""
    named = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environ[name] for name in named if environ.get(name)), "")
    # As gettext has it: LANGUAGE goes before the locale, unless that is the one without language.
    wanted = locale
    if locale.partition(".")[0] not in {"C", "POSIX"}:
        wanted = environ.get("LANGUAGE", "").partition(":")[0] or locale
    return "zh" if wanted.lower().startswith("zh") else "en"


def listen(app: typer.Typer, *, prog_name: str, args: Sequence[str] | None = None) -> None:
    """Run a command line, with its help and its usage errors in the reader's language."""
    if language() == "zh":
        from weili.entrypoints.cli import chinese

        chinese.listen(app, prog_name=prog_name, args=args)
    else:
        app(args, prog_name=prog_name)


def words(en: str, zh: str) -> str:
    """Choose between the two languages."""
    return zh if language() == "zh" else en


def line(en: str, zh: str) -> None:
    """Say a line on standard output."""
    out.print(Text(words(en, zh)))


def note(en: str, zh: str) -> None:
    """Say a line beside the output, on standard error."""
    err.print(Text(words(en, zh)))


def document(value: object) -> None:
    """Write JSON for a script."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]]) -> None:
    """Show rows under headings, each given in both languages."""
    shown = Table(box=None, pad_edge=False)
    for en, zh in columns:
        shown.add_column(words(en, zh), overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    out.print(shown)


def problem_lines(problem: Problem) -> list[str]:
    """Write a problem in the reader's language, with the fields at fault."""
    lines = [f"weili: {problem.text(language())}"]
    lines += [
        f"  {field.path}: {field.expected.text(language())}"
        for field in problem.fields[:FIELDS_SHOWN_MAX]
    ]
    left = len(problem.fields) - FIELDS_SHOWN_MAX
    if left > 0:
        lines.append(words(f"  … and {left} more", f"  …… 另有 {left} 处"))
    return lines


def refuse(problem: Problem) -> NoReturn:
    """Say what was refused and end with the exit code of its kind."""
    for text in problem_lines(problem):
        err.print(Text(text))
    raise SystemExit(ANSWERS[problem.kind].exit_code)


def fail(text: str, code: int = EXIT_UNAVAILABLE) -> NoReturn:
    """Say what is in the way and end."""
    err.print(Text(f"weili: {text}"))
    raise SystemExit(code)


def page_document(items: Iterable[Mapping[str, Any]]) -> None:
    """Write a list for a script."""
    document({"items": [dict(item) for item in items]})
