"""Commands that live in files of their own and are imported only when they are asked for."""

from collections.abc import Callable
from typing import Any, Final

import typer

from weili.entrypoints.cli import say

FORWARD: Final = {"allow_extra_args": True, "ignore_unknown_options": True}
"""The command takes whatever comes and hands it on."""


def demo_later(ctx: typer.Context) -> None:
    """Trade a sample world from catalogue to statements, then verify it."""
    from weili.entrypoints.cli.demo import demo as command

    _forward("demo", command, ctx)


def chaos_later(ctx: typer.Context) -> None:
    """Kill what runs, at random, under load, and prove that no order was lost or doubled."""
    from weili.entrypoints.cli.chaos import chaos as command

    _forward("chaos", command, ctx)


def docs_later(ctx: typer.Context) -> None:
    """Write the generated references again."""
    from weili.entrypoints.cli.docs import docs as command

    _forward("docs", command, ctx)


def _forward(name: str, command: Callable[..., Any], ctx: typer.Context) -> None:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(command)
    say.listen(app, prog_name=f"weili {name}", args=ctx.args)
