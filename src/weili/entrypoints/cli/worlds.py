"""``weili verify`` and ``weili clock``: how a world is, and what time it has."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import JsonOption, WorldOption, server_check, world_opened

clock = typer.Typer(help="The clock of a sandbox world.", no_args_is_help=True)
_SPAN = re.compile(r"(\d{1,9})([smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def verify(world: WorldOption = None, as_json: JsonOption = False) -> None:
    """Check every invariant of a world on one snapshot; ends with 1 when something is broken.

    It looks only, so an embedded server that is stopped stays so.
    """
    from weili import bootstrap
    from weili.adapters.search import TantivyIndex
    from weili.kit import outbox
    from weili.workflows.verify_world import READERS, verify_world

    settings = bootstrap.Settings.read(os.environ)
    server_check(settings)

    with (
        world_opened(world) as opened,
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=say.err,
            transient=True,
        ) as progress,
    ):

        @contextmanager
        def running(name: str) -> Iterator[None]:
            task = progress.add_task(name, total=None)
            yield
            progress.remove_task(task)

        with opened.snapshots(count=READERS) as readers:
            findings = verify_world(
                *readers,
                running=running,
                index=TantivyIndex(settings.search_home(opened.name)),
            )
            waiting = outbox.waiting(readers[0])
    if as_json:
        say.document(
            {
                "world": opened.name,
                "findings": [
                    {"check": f.check, "where": f.where, "what": f.what, "repair": f.repair}
                    for f in findings
                ],
                "events_waiting": waiting,
            }
        )
    else:
        for finding in findings:
            say.line(
                f"{finding.check}: {finding.where}\n  seen: {finding.what}\n"
                f"  repair: {finding.repair}",
                f"{finding.check}：{finding.where}\n  现状：{finding.what}\n"
                f"  修复：{finding.repair}",
            )
        say.line(
            f"{len(findings)} findings in {opened.name}; {waiting} events wait for the relay.",
            f"{opened.name}：发现 {len(findings)} 处问题；{waiting} 条事件等待投递。",
        )
    if findings:
        raise typer.Exit(say.EXIT_FINDINGS)


@clock.callback()
def clocks() -> None:
    """The clock of a sandbox world."""


@clock.command("turn")
def clock_turn(
    span: Annotated[str, typer.Argument(help="How far ahead: 90s, 30m, 12h or 8d.")],
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a sandbox's clock ahead, so that deadlines act without waiting for them."""
    from weili.kit import world as kit_world

    match = _SPAN.fullmatch(span)
    ahead_s = int(match[1]) * _UNIT_S[match[2]] if match else -1
    if not 0 < ahead_s <= kit_world.TURN_MAX_S:
        raise typer.BadParameter("say 90s, 30m, 12h or 8d, up to ten years")
    with world_opened(world) as opened:
        kit_world.in_transaction(
            opened.begin, lambda ctx: kit_world.clock_turn(ctx, ahead_s=ahead_s)
        )
        now = kit_world.in_transaction(opened.begin, lambda ctx: ctx.now)
    if as_json:
        say.document({"world": opened.name, "now": now.isoformat()})
    else:
        say.line(f"{opened.name} has {now:%F %T} UTC now.", f"{opened.name} 现为 {now:%F %T} UTC。")
