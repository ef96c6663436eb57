"""``weili demo``: a day of trade from an empty database to the last statement, and proof of it."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

ORDERS_DEFAULT: Final = 3_000
ORDERS_MIN: Final = 20
ORDERS_MAX: Final = 100_000
SEED_DEFAULT: Final = 1

CatalogueOption = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        readable=True,
        help="A csv or xlsx sheet of goods, or the folder of a litemall export; "
        "without it the catalogue that is shipped.",
    ),
]
OrdersOption = Annotated[
    int,
    typer.Option(
        min=ORDERS_MIN, max=ORDERS_MAX, help="How many sound orders; some others come on top."
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="What is attempted follows from it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write all figures as JSON.")]


def demo(
    catalogue: CatalogueOption = None,
    orders: OrdersOption = ORDERS_DEFAULT,
    seed: SeedOption = SEED_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Trade a sample world from catalogue to statements over HTTP, then verify it.

    Works in a database, a server and a worker of its own, which are removed at the end. Ends with
    1 if anything is off.
    """
    from weili.entrypoints.cli import say
    from weili.entrypoints.cli.demo.run import run
    from weili.entrypoints.cli.demo.story import steps_shown, story_told

    with steps_shown() as report:
        day = run(os.environ, catalogue=catalogue, orders=orders, seed=seed, report=report)
    figures = day.figures()
    if as_json:
        say.document(figures.document())
    else:
        story_told(figures)
    if not figures.is_well:
        raise SystemExit(say.EXIT_FINDINGS)
