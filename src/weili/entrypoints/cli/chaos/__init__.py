"""``weili chaos``: kills what runs, at random, under load, and proves that nothing was lost."""

import os
import signal
from typing import Annotated, Final

import typer

KILLS_DEFAULT: Final = 200
KILLS_MAX: Final = 10_000
SEED_DEFAULT: Final = 1

KillsOption = Annotated[
    int, typer.Option(min=1, max=KILLS_MAX, help="How many kills; other faults come on top.")
]
SeedOption = Annotated[
    int, typer.Option(min=0, help="What is hit, and when, follows from it; so do the orders.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write all figures as JSON.")]


def chaos(
    kills: KillsOption = KILLS_DEFAULT,
    seed: SeedOption = SEED_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Kill what runs, at random, under load, and prove that no order was lost or doubled.

    Works on a state folder of its own, with `weili up` and its own database; they are removed at
    the end, unless something is wrong. Ends with 1 if anything is.
    """
    from weili.entrypoints.cli import say
    from weili.entrypoints.cli.chaos.house import StuckError
    from weili.entrypoints.cli.chaos.run import run
    from weili.entrypoints.cli.chaos.story import faults_shown, story_told

    # Who ends it means all that it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with faults_shown(kills) as report:
            summary = run(os.environ, kills=kills, seed=seed, report=report)
    except StuckError as error:
        say.fail(say.words(f"it does not go on: {error}", f"未能恢复：{error}"))
    if as_json:
        say.document(summary.document())
    else:
        story_told(summary)
    if not summary.is_well:
        raise SystemExit(say.EXIT_FINDINGS)
