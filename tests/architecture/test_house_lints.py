from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import house_lints
from tests.architecture.house_lints import Finding
from tests.architecture.source import parse, read_tree

SRC = Path(__file__).parents[2] / "src"
SCHEMAS = {"kit", "goods", "ledger", "dropship"}

SERVICE = "weili/modules/goods/service.py"
STORE = "weili/modules/goods/store.py"
TABLES = "weili/modules/goods/tables.py"


def rules(found: Iterator[Finding]) -> list[str]:
    return [finding.rule for finding in found]


def test_the_house_keeps_its_habits() -> None:
    assert house_lints.findings(read_tree(SRC)) == []


def test_a_finding_reads_like_a_compilers_line() -> None:
    source = parse(SERVICE, "x = 1\nprint(x)\n")
    assert [str(finding) for finding in house_lints.findings([source])] == [
        "weili/modules/goods/service.py:2: print: only the command line prints"
    ]


@pytest.mark.parametrize(
    "code",
    [
        "Q = 'select sku_id from goods.sku where sku_id = %s'\n",
        "Q = '''\n    SELECT *\n    FROM goods.sku\n'''\n",
        "Q = 'insert into goods.sku values (1)'\n",
        "Q = 'update goods.sku set title = %s'\n",
        "Q = 'update goods.sku as s set title = %s'\n",
        "Q = 'delete from goods.sku'\n",
        "Q = 'with a as (select 1) select 1 from a'\n",
        "Q = 'create table goods.sku (id uuid)'\n",
        "Q = 'drop view goods.page'\n",
        "Q = 'truncate goods.sku'\n",
        "Q = 'copy goods.sku (id) from stdin'\n",
        "Q = 'set local lock_timeout = 1'\n",
        "Q = 'select pg_advisory_lock(1)'\n",
        "def f(table):\n    return f'delete from {table} where id = %s'\n",
        "def f(ctx):\n    ctx.transaction.execute(1)\n",
        "def f(cursor):\n    cursor.executemany(1, [])\n",
    ],
)
def test_sql_outside_store_is_found(code: str) -> None:
    assert "sql-outside-store" in rules(house_lints.sql_outside_store(parse(SERVICE, code)))
    homes = [STORE, TABLES, "weili/modules/goods/store/sku.py", "weili/kit/db.py"]
    for path in homes:
        assert rules(house_lints.sql_outside_store(parse(path, code))) == []


@pytest.mark.parametrize(
    "code",
    [
        "HELP = 'Select a partner from the list.'\n",
        "HELP = 'Update the price set for a partner'\n",
        "def f():\n    '''select x from y'''\n",
        "WORDS = ['selected from here', 'created', 'inserted into nothing']\n",
    ],
)
def test_a_sentence_is_no_statement(code: str) -> None:
    assert rules(house_lints.sql_outside_store(parse(SERVICE, code))) == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (STORE, "Q = 'select 1 from ledger.transfer'\n"),
        (STORE, "Q = 'select 1 from goods.sku s join ledger.transfer t on t.id = s.id'\n"),
        (STORE, "Q = 'select 1 from goods.sku, ledger.transfer'\n"),
        (STORE, "Q = 'update ledger.account set balance_minor = 0'\n"),
        (STORE, "Q = 'insert into kit.outbox values (1)'\n"),
        (STORE, "Q = 'select 1 from archive.sku'\n"),
        (STORE, 'Q = \'select 1 from "ledger"."transfer"\'\n'),
        (STORE, "PIECE = ' left join ledger.transfer t on true'\n"),
        (STORE, "def f(x):\n    return f'select {x} from dropship.order_page where true'\n"),
        ("weili/modules/goods/store/sku.py", "Q = 'delete from ledger.transfer'\n"),
        (TABLES, "sku = Table('sku', metadata, schema='ledger')\n"),
        ("weili/kit/outbox.py", "Q = 'select 1 from goods.sku'\n"),
    ],
)
def test_a_strange_table_is_found(path: str, code: str) -> None:
    assert set(rules(house_lints.foreign_table(parse(path, code), SCHEMAS))) == {"foreign-table"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (STORE, "Q = 'select s.title from goods.sku s join goods.spu as p on p.id = s.spu_id'\n"),
        (STORE, "Q = 'select 1 from goods.sku s where s.x is distinct from s.y'\n"),
        (
            STORE,
            "Q = 'insert into goods.sku values (1) on conflict do update set x = excluded.x'\n",
        ),
        (STORE, "Q = 'select extract(epoch from s.made_at) from goods.sku s'\n"),
        (STORE, "Q = 'with b as (select 1) select b.x, s.y from b, goods.sku s -- ledger.x'\n"),
        (STORE, "Q = \"select 1 from goods.sku where note = 'from ledger.x'\"\n"),
        (STORE, "Q = 'select 1 from pg_catalog.pg_class'\n"),
        (TABLES, "sku = Table('sku', metadata, schema='goods')\n"),
        (TABLES, "VIEW = 'create view goods.page as select 1 from ledger.transfer'\n"),
        ("weili/kit/outbox.py", "Q = 'select 1 from kit.outbox'\n"),
    ],
)
def test_the_own_tables_are_free_to_use(path: str, code: str) -> None:
    assert rules(house_lints.foreign_table(parse(path, code), SCHEMAS)) == []


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime, UTC\n\nX = datetime.now(UTC)\n",
        "import datetime as dt\n\nX = dt.datetime.utcnow()\n",
        "import datetime\n\nX = datetime.date.today()\n",
        "import time\n\nX = time.time()\n",
        "from time import time_ns as t\n\nX = t()\n",
        "import uuid\n\nX = field(default_factory=uuid.uuid4)\n",
        "from uuid import uuid1\n\nX = uuid1()\n",
        "import uuid\n\nX = uuid.uuid7()\n",
        "import random\n\nX = random.random()\n",
        "from random import choice\n\nX = choice([1])\n",
        "import secrets\n\nX = secrets.token_urlsafe()\n",
        "import os\n\nX = os.urandom(8)\n",
        "import sqlalchemy as sa\n\nX = sa.func.now()\n",
        "Q = 'update goods.sku set changed_at = now()'\n",
        "Q = 'select current_timestamp from goods.sku'\n",
        "Q = 'insert into goods.sku values (gen_random_uuid())'\n",
        "X = text('now()')\n",
    ],
)
def test_another_clock_is_found(code: str) -> None:
    assert set(rules(house_lints.other_clock(parse(SERVICE, code)))) == {"other-clock"}


@pytest.mark.parametrize(
    "code",
    [
        "import time\n\nX = time.monotonic() + time.perf_counter()\n",
        "from datetime import datetime, timedelta\n\nX = datetime(2026, 1, 1) + timedelta(1)\n",
        "def f(ctx):\n    return ctx.now\n",
        "import secrets\n\nX = secrets.compare_digest('a', 'b')\n",
        "from uuid import UUID\n\nX = UUID(int=1)\n",
        "Q = \"select note from goods.sku where note = 'now()'\"\n",
    ],
)
def test_measuring_and_comparing_are_free(code: str) -> None:
    assert rules(house_lints.other_clock(parse(SERVICE, code))) == []


def test_the_clock_itself_reads_the_clock() -> None:
    code = "from datetime import UTC, datetime\n\nX = datetime.now(UTC)\n"
    assert rules(house_lints.other_clock(parse("weili/kit/clock.py", code))) == []
    assert rules(house_lints.other_clock(parse("weili/kit/ids.py", code))) == ["other-clock"]


@pytest.mark.parametrize(
    "code",
    [
        "x = price_minor / 2\n",
        "x = line.price_minor * 1.1\n",
        "x = 0.5 * (a + fee_bps)\n",
        "x = float(price_fen)\n",
        "x = round(price_minor * 3)\n",
        "x = round(line.price_minor)\n",
        "fee_bps = 12.5\n",
        "amount_minor = total / count\n",
        "amount_minor: int = round(total)\n",
        "amount_minor: float\n",
        "def f(price_minor: float | None) -> None: ...\n",
        "def total_minor() -> float: ...\n",
        "total_minor /= 2\n",
        "total_minor += 1.5\n",
        "f(price_minor=x / 2)\n",
        "if price_minor > 0.5: pass\n",
        "x = Decimal(price_minor) / 100\n",
    ],
)
def test_a_float_in_money_is_found(code: str) -> None:
    assert set(rules(house_lints.float_in_money(parse(SERVICE, code)))) == {"float-in-money"}


@pytest.mark.parametrize(
    "code",
    [
        "x = price_minor * quantity // 10_000\n",
        "amount_minor, rest_minor = divmod(total_minor, count)\n",
        "f(price_minor=1200, timeout_s=0.5)\n",
        "x = timeout_s / 2 + 0.5\n",
        "x = round(share * 100)\n",
        "path = root / 'price_minor.csv'\n",
        "def f(price_minor: int, wait_s: float) -> None: ...\n",
    ],
)
def test_whole_numbers_are_money(code: str) -> None:
    assert rules(house_lints.float_in_money(parse(SERVICE, code))) == []


@pytest.mark.parametrize("code", ["print('x')\n", "import rich\n\nrich.print('x')\n"])
def test_only_the_command_line_prints(code: str) -> None:
    assert rules(house_lints.prints(parse(SERVICE, code))) == ["print"]
    assert rules(house_lints.prints(parse("weili/entrypoints/cli.py", code))) == []
    assert rules(house_lints.prints(parse("weili/entrypoints/cli/up.py", code))) == []


def test_a_blueprint_is_no_print() -> None:
    assert rules(house_lints.prints(parse(SERVICE, "console.print('x')\nblueprint('y')\n"))) == []


def test_sizes_are_reported_and_gate_nothing() -> None:
    body = "".join(f"    x{line} = {line}\n" for line in range(70))
    long_function = parse(SERVICE, f"def f():\n{body}")
    long_file = parse(STORE, "x = 1\n" * 601)
    assert [finding.message for finding in house_lints.sizes([long_function, long_file])] == [
        "f has 71 lines",
        "a file of 601 lines",
    ]
    assert house_lints.findings([long_function, long_file]) == []
