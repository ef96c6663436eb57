"""The command line: starts everything, and is the operator's hand on the machine itself.

It acts as the platform; whoever may run it here may do anything. Each command imports what it
needs when it runs, so that ``--help`` and completion answer at once.
"""

import sys
from typing import Annotated

import typer

from weili import __version__
from weili.entrypoints.cli.accounts import operators, partners, suppliers
from weili.entrypoints.cli.archives import base, receive, recover
from weili.entrypoints.cli.areas import app as areas
from weili.entrypoints.cli.database import app as db
from weili.entrypoints.cli.figures import metrics
from weili.entrypoints.cli.goods import app as importing
from weili.entrypoints.cli.keys import app as key
from weili.entrypoints.cli.later import FORWARD, chaos_later, demo_later, docs_later
from weili.entrypoints.cli.months import partitions, put_back, take_out
from weili.entrypoints.cli.people import app as people
from weili.entrypoints.cli.prices import app as prices
from weili.entrypoints.cli.prices import import_prices
from weili.entrypoints.cli.proposals import import_proposals
from weili.entrypoints.cli.review import app as goods
from weili.entrypoints.cli.run import look, place, serve, work
from weili.entrypoints.cli.say import fail, language, listen, refuse
from weili.entrypoints.cli.search import app as search
from weili.entrypoints.cli.status import status
from weili.entrypoints.cli.stock import app as stock
from weili.entrypoints.cli.supply import app as supply
from weili.entrypoints.cli.up import up
from weili.entrypoints.cli.worlds import clock, verify
from weili.kit.problems import Problem, machine_said

__all__ = ["app", "main"]

app = typer.Typer(
    name="weili",
    no_args_is_help=True,
    # A traceback with local variables would show secrets.
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"weili {__version__}")
        raise typer.Exit


@app.callback()
def _weili(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which version."),
    ] = False,
) -> None:
    """Weili: an open supply platform for social commerce."""


app.command("up")(up)
app.command("serve")(serve)
app.command("place", hidden=True)(place)
app.command("look", hidden=True)(look)
app.command("work")(work)
app.command("status")(status)
app.command("verify")(verify)
app.command("metrics")(metrics)
app.command("demo", context_settings=FORWARD, add_help_option=False)(demo_later)
app.command("chaos", context_settings=FORWARD, add_help_option=False)(chaos_later)
app.command("docs", context_settings=FORWARD, add_help_option=False)(docs_later)
importing.command("prices")(import_prices)
importing.command("proposals")(import_proposals)
app.add_typer(importing, name="import")
app.add_typer(goods, name="goods")
app.add_typer(prices, name="prices")
app.add_typer(operators, name="operator")
app.add_typer(partners, name="partner")
app.add_typer(suppliers, name="supplier")
app.add_typer(supply, name="supply")
app.add_typer(stock, name="stock")
app.add_typer(key, name="key")
app.add_typer(people, name="people")
app.add_typer(search, name="search")
app.add_typer(clock, name="clock")
app.add_typer(areas, name="areas")
db.command("receive")(receive)
db.command("base")(base)
db.command("recover")(recover)
db.command("partitions")(partitions)
db.command("take-out")(take_out)
db.command("put-back")(put_back)
app.add_typer(db, name="db")


def main() -> None:
    """Run a command; a refusal is told in words, and never as a traceback."""
    from weili.adapters.postgres import EmbeddedPostgresError
    from weili.adapters.postgres.databases import DatabaseError
    from weili.kit.secrets import KeyRingError

    try:
        listen(app, prog_name="weili")
    except Problem as problem:
        refuse(problem)
    except (EmbeddedPostgresError, DatabaseError, KeyRingError) as error:
        fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; that is no failure of ours.
        sys.stderr.close()
        raise SystemExit(0) from None
    except OSError as error:
        # The machine's refusals (a full disk, a folder that is another's) name what they are about.
        about = f" {error.filename}" if error.filename else ""
        fail(f"{machine_said(error).text(language())}{about}")
