"""The two baselines: the same rows written by server-side functions, driven by pgbench.

L1 places one order with each commit, L2 two hundred. Both write into copies of our own tables
that are made from them anew for each run, so that indexes and constraints can't drift apart.
"""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from bench.market import WAREHOUSES
from weili.adapters.postgres import Server, tool, tool_options

BATCH: Final = 200
L1_CLIENTS: Final = (1, 8, 32)
L2_CLIENTS: Final = (1, 2, 4)
COPIED: Final = (
    ("dropship", "order_number"),
    ("dropship", "order"),
    ("dropship", "child"),
    ("dropship", "line"),
    ("inventory", "stock"),
    ("inventory", "movement"),
    ("ledger", "transfer"),
    ("ledger", "balance"),
    ("kit", "outbox"),
)
"""Every table that placing an order writes to."""

_UNIFORM: Final = """
\\set partner random(0, :partners - 1)
\\set lines random(1, 3)
\\set first random(0, 9) * :share
\\set a :first + random(0, :share - 1)
\\set b :first + random(0, :share - 1)
\\set c :first + random(0, :share - 1)
\\set x random(1, 3)
\\set y random(1, 3)
\\set z random(1, 3)
SELECT bench.order_place(:partner, :lines, ARRAY[:a, :b, :c]::int[], ARRAY[:x, :y, :z]::int[]);
"""
_HOT: Final = """
\\set partner random(0, :partners - 1)
SELECT bench.order_place(:partner, 1, ARRAY[0], ARRAY[1]);
"""
_BATCH: Final = f"""
\\set partner random(0, :partners - 1)
SELECT bench.orders_place(:partner, {BATCH}, :share);
"""
_SCRIPTS: Final = {"uniform": _UNIFORM, "hot": _HOT, "batch": _BATCH}
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([0-9.]+) ms", re.MULTILINE)
_DONE = re.compile(r"^number of transactions actually processed: ([0-9]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """What one pgbench run came to."""

    clients: int
    orders_per_s: float
    latency_ms: float
    orders: int


class Baseline:
    """The schema ``bench`` in one database, and pgbench to work on it."""

    def __init__(
        self, server: Server, home: Path, database: str, *, skus: int, partners: int
    ) -> None:
        """Work on a database where ``prepare`` was called, now or before."""
        self._pgbench = tool(home, "pgbench")
        self._options = tool_options(server, database)
        self._url = server.url(database)
        self._variables = {"share": skus // WAREHOUSES, "partners": partners}

    def prepare(self) -> None:
        """Copy the shape of our tables and make the functions; some orders of ours are there."""
        with psycopg.connect(self._url) as connection:
            connection.execute("CREATE SCHEMA bench")
            for schema, name in COPIED:
                _copy_shape(connection, schema, name)
            for schema, name in COPIED:
                _copy_foreign_keys(connection, schema, name)
            script = Path(__file__).with_name("baseline.sql").read_text(encoding="utf-8")
            connection.execute(script.encode())

    def fill(self, *, orders: int) -> None:
        """Place orders set-wise, so that the tables are not empty; then count all rows anew."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            for i in range(orders // BATCH):
                connection.execute(
                    "SELECT bench.orders_place(%s, %s, %s)",
                    [i % self._variables["partners"], BATCH, self._variables["share"]],
                )
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def run(self, kind: str, *, clients: int, seconds: float) -> Run:
        """Run one kind of load; its acknowledged orders must all be there.

        Raises: RuntimeError when pgbench failed, or counts differ.
        """
        before = self._orders()
        with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as script:
            script.write(_SCRIPTS[kind])
            script.flush()
            words = ["-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2))]
            words += ["-T", str(max(1, round(seconds))), "-f", script.name]
            words += [f"-D{name}={value}" for name, value in self._variables.items()]
            done = subprocess.run(
                [self._pgbench, *words],
                capture_output=True,
                text=True,
                check=False,
                **self._options,
            )
        tps, latency, count = (pattern.search(done.stdout) for pattern in (_TPS, _LATENCY, _DONE))
        if done.returncode != 0 or not (tps and latency and count):
            raise RuntimeError(f"pgbench failed:\n{done.stdout}{done.stderr}")
        each = BATCH if kind == "batch" else 1
        orders = int(count[1]) * each
        if self._orders() - before != orders:
            raise RuntimeError(f"pgbench counts {orders}, the table {self._orders() - before}")
        return Run(clients, round(float(tps[1]) * each, 1), float(latency[1]), orders)

    def _orders(self) -> int:
        with psycopg.connect(self._url) as connection:
            [[count]] = connection.execute('SELECT count(*) FROM bench."order"').fetchall()
        return int(count)


def _copy_shape(connection: psycopg.Connection, schema: str, name: str) -> None:
    source, copy = sql.Identifier(schema, name), sql.Identifier("bench", name)
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(copy, source))
    options = connection.execute(
        "SELECT unnest(reloptions) FROM pg_class WHERE oid = %s::regclass",
        [source.as_string(connection)],
    ).fetchall()
    for (option,) in options:  # Such as the fill factor, which LIKE leaves out.
        key, _, value = option.partition("=")
        connection.execute(
            sql.SQL("ALTER TABLE {} SET ({} = {})").format(
                copy, sql.Identifier(key), sql.Literal(value)
            )
        )


def _copy_foreign_keys(connection: psycopg.Connection, schema: str, name: str) -> None:
    """Make the foreign keys again; those between copied tables lead to the copies."""
    keys = connection.execute(
        "SELECT conname, pg_get_constraintdef(c.oid), n.nspname, t.relname FROM pg_constraint c"
        " JOIN pg_class t ON t.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
        " WHERE contype = 'f' AND conrelid = %s::regclass",
        [sql.Identifier(schema, name).as_string(connection)],
    ).fetchall()
    for key, definition, target_schema, target in keys:
        home = "bench" if (target_schema, target) in COPIED else target_schema
        made = definition.replace(f" REFERENCES {target_schema}.", f" REFERENCES {home}.")
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                sql.Identifier("bench", name), sql.Identifier(key), sql.SQL(made)
            )
        )
