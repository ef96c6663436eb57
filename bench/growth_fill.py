"""Fills a world with finished older orders, in the very shape that placing and completing leaves.

Some orders go their whole way by the workflows, under a clock that was turned back. What they left
in every table is then copied by SQL, set by set: each copy has ids of its own moment, later by a
span, and texts that name these; recipients are sealed anew for each order. So whatever the code
writes for an order is what lies there, and ``verify`` finds nothing.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from bench import workflow
from bench.market import Market
from weili.adapters.suppliers import HttpSupplierGateway
from weili.kit import outbox, partitions
from weili.kit.context import Ctx
from weili.kit.tallies import written
from weili.kit.world import World, in_transaction
from weili.modules import dropship, ledger
from weili.modules.dropship.rules import sealed_to
from weili.workflows.cancel_order import cancel_order
from weili.workflows.confirm_receipt import confirm_receipt
from weili.workflows.dispatch_orders import dispatch_orders, orders_queue
from weili.workflows.ship_package import deliver_package, ship_package

DAYS: Final = 100
"""How long ago the world was opened."""
LIFE_DAYS: Final = 11
"""How long the slowest order took from its placing to its end, rounded up."""
PATTERNS_MAX: Final = 1_000
CHUNK: Final = 50_000
_TOGETHER: Final = 50
_CANCELLED, _TAKEN, _SENT, _OF = 0, 1, 2, 50
"""Of fifty orders one is cancelled, one is still with its supplier, and one on its way."""

_OWN: Final = frozenset(
    {
        "id",
        "order_id",
        "child_id",
        "package_id",
        "subject_id",
        "hold_id",
        "goods_hold_id",
        "freight_hold_id",
    }
)
"""Columns of ids that are of one order alone."""
_WORDS: Final = frozenset({"number", "answer", "subject", "data", "waybill_number"})
"""Columns of texts that name the order or something of it."""
_OF_ORDER, _OF_CHILD = "x.order_id = t.order_id", "x.child_id = t.child_id"
_OF_PACKAGE, _OF_TEXT = "x.package_id = t.package_id", "x.subject IN (t.child_text, t.package_text)"
COPIED: Final[Mapping[str, tuple[str, str]]] = {
    "dropship.order_number": (_OF_ORDER, "order_id"),
    "dropship.order": ("x.id = t.order_id", "id"),
    "dropship.child": (_OF_ORDER, "id"),
    "dropship.line": (_OF_CHILD, "child_id"),
    "dropship.package": (_OF_CHILD, "id"),
    "dropship.package_line": (_OF_PACKAGE, "package_id"),
    "dropship.history": (_OF_ORDER, "at"),
    "dropship.package_history": (_OF_ORDER, "at"),
    "dropship.supplier_queue": (_OF_ORDER, "child_id"),
    "dropship.tracking": (_OF_PACKAGE, "package_id"),
    "inventory.movement": (_OF_TEXT, "id"),
    "ledger.transfer": (_OF_TEXT, "id"),
    "kit.event": ("x.subject = t.order_text", "occurred_at, position"),
}
"""Every table that an order leaves rows in: which are of a pattern, and in what order they come."""

_GROUND: Final = """
CREATE SCHEMA growth;
-- The same id later by some milliseconds; what was chance at its end says which copy it is.
CREATE FUNCTION growth.moved(u uuid, copy int, ms bigint) RETURNS uuid
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN encode(
    substr(int8send(ms + ('x' || encode(substr(uuid_send(u), 1, 6), 'hex'))::bit(48)::bigint), 3)
    || substr(uuid_send(u), 7, 6) || int4send(copy), 'hex')::uuid;
CREATE UNLOGGED TABLE growth.pattern (
  no int, order_id uuid, partner_id uuid, number text, child_id uuid, package_id uuid,
  order_text text, child_text text, package_text text);
CREATE UNLOGGED TABLE growth.copy (
  no int, copy int, ms bigint, span interval, new_number text,
  new_order text, new_child text, new_package text);
CREATE UNLOGGED TABLE growth.sealed (id uuid, recipient_sealed bytea);
"""
_PATTERNS: Final = """
INSERT INTO growth.pattern SELECT row_number() OVER (ORDER BY o.id), o.id, o.partner_id, o.number,
  c.id, p.id, 'ord_' || growth.written(o.id), 'chd_' || growth.written(c.id),
  'pkg_' || growth.written(p.id)
FROM dropship."order" o JOIN dropship.child c ON c.order_id = o.id
LEFT JOIN dropship.package p ON p.child_id = c.id WHERE o.id = ANY (%s::uuid[])
"""
_COPIES: Final = """
INSERT INTO growth.copy
SELECT no, copy, ms, ms * interval '1 ms', number || '-' || copy,
  'ord_' || growth.written(growth.moved(order_id, copy, ms)),
  'chd_' || growth.written(growth.moved(child_id, copy, ms)),
  'pkg_' || growth.written(growth.moved(package_id, copy, ms))
FROM growth.pattern CROSS JOIN LATERAL generate_series(%s::int, %s::int) AS copy
CROSS JOIN LATERAL (SELECT copy::bigint * %s::bigint AS ms) AS later
"""
_BALANCES: Final = """
UPDATE ledger.balance b SET held_minor = b.held_minor + m.held * %s,
  posted_minor = b.posted_minor - m.posted * %s
FROM (SELECT debit_account_id AS id,
    sum(CASE kind WHEN 'hold' THEN amount_minor ELSE -amount_minor END)::bigint AS held,
    coalesce(sum(amount_minor) FILTER (WHERE kind = 'post'), 0)::bigint AS posted
  FROM growth."ledger.transfer" WHERE kind IN ('hold', 'post', 'void') GROUP BY 1) m
WHERE b.account_id = m.id
"""
_STOCK: Final = """
UPDATE inventory.stock s SET on_hand = s.on_hand + m.on_hand * %s,
  reserved = s.reserved + m.reserved * %s
FROM (SELECT sku_id, warehouse_id, sum(on_hand_delta)::bigint AS on_hand,
    sum(reserved_delta)::bigint AS reserved
  FROM growth."inventory.movement" GROUP BY 1, 2) m
WHERE s.sku_id = m.sku_id AND s.warehouse_id = m.warehouse_id
"""
_TRADED: Final = """
INSERT INTO pricing.transaction_day
  (sku_id, traded_on, lowest_minor, highest_minor, last_minor, last_at)
SELECT l.sku_id, (o.placed_at AT TIME ZONE 'Asia/Shanghai')::date, min(l.unit_price_minor),
  max(l.unit_price_minor), (array_agg(l.unit_price_minor ORDER BY o.placed_at DESC,
  l.unit_price_minor))[1], max(o.placed_at)
FROM dropship.line l JOIN dropship.child c ON c.id = l.child_id
JOIN dropship."order" o ON o.id = c.order_id WHERE c.state <> 'cancelled' GROUP BY 1, 2
ON CONFLICT (sku_id, traded_on) DO UPDATE SET last_minor = excluded.last_minor,
  last_at = excluded.last_at, lowest_minor = excluded.lowest_minor,
  highest_minor = excluded.highest_minor
"""
_READ: Final = """
INSERT INTO kit.feed (party_id, acked_to)
SELECT party_id, max(position) FROM kit.event GROUP BY party_id
ON CONFLICT (party_id) DO UPDATE SET acked_to = excluded.acked_to
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a world was filled with: orders, and bytes on disc before and after."""

    orders: int
    took_s: float
    bytes_before: int
    bytes_after: int


def clock_set(owner: psycopg.Connection, back_days: float) -> None:
    """Turn a sandbox's clock back by some days, or on again."""
    owner.execute(
        "INSERT INTO kit.clock (one, offset_s) VALUES (true, %s)"
        " ON CONFLICT (one) DO UPDATE SET offset_s = excluded.offset_s",
        [round(-back_days * 86_400)],
    )


def owner_of(world: World) -> psycopg.Connection:
    """Connect as the owner of a world's database, who may do everything to it."""
    url = world.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)


def fill(world: World, market: Market, *, orders: int) -> Filled:
    """Fill a world that was opened ``DAYS`` ago with about so many orders; sets its clock right."""
    began, patterns = time.monotonic(), min(PATTERNS_MAX, max(_OF, orders // 20))
    with owner_of(world) as owner:
        ids = _live(world, market, owner, patterns)
        clock_set(owner, 0)
        before = _size(owner)
        for statement in (_GROUND, _written()):
            owner.execute(statement.encode())
        owner.execute(_PATTERNS, [ids])
        _patterns_read(owner, patterns)
        copies = orders // patterns - 1
        step_ms = (DAYS - LIFE_DAYS) * 86_400_000 // (copies + 1)
        each = max(1, CHUNK // patterns)
        for first in range(1, copies + 1, each):
            span = (first, min(first + each - 1, copies), step_ms)
            in_transaction(world.begin, partitions.partitions_ahead)
            with owner.transaction():
                _copy(world, owner, span)
            print(f"  {span[1] * patterns:,} orders", flush=True)
        owner.execute(_BALANCES, [copies, copies])
        owner.execute(_STOCK, [copies, copies])
        owner.execute(_TRADED)
        owner.execute(_READ)
        owner.execute("DROP SCHEMA growth CASCADE")
        owner.execute("VACUUM ANALYZE")
        _months_close(world)
        after = _size(owner)
    return Filled((copies + 1) * patterns, round(time.monotonic() - began, 1), before, after)


def _live(
    world: World, market: Market, owner: psycopg.Connection, count: int
) -> list[dropship.OrderId]:
    """Take orders their whole way, step by step and day by day; gives their ids."""
    commands = workflow.commands(market, random.Random(2), hot=False, count=count)
    outcomes = [
        outcome
        for start in range(0, count, _TOGETHER)
        for outcome in workflow.place(world, commands[start : start + _TOGETHER])
    ]
    ids = [outcome.order_id for outcome in outcomes if isinstance(outcome, dropship.Placed)]
    clock_set(owner, DAYS - 0.1)
    sent_on = [place for place in range(count) if place % _OF != _CANCELLED]
    gone = [place for place in sent_on if place % _OF != _TAKEN]
    here = [place for place in gone if place % _OF != _SENT]
    _each(world, ids, [i for i in range(count) if i % _OF == _CANCELLED], _cancel)
    for start in range(0, len(sent_on), _TOGETHER):
        some = [ids[place] for place in sent_on[start : start + _TOGETHER]]
        with world.begin() as ctx:
            orders_queue(ctx, order_ids=some)
    with closing(HttpSupplierGateway()) as gateway:
        while dispatch_orders(world.begin, gateway):
            pass
    for days, places, step in (
        (DAYS - 1, gone, _ship),
        (DAYS - 3, here, _deliver),
        (DAYS - LIFE_DAYS + 1, here, _complete),
    ):
        clock_set(owner, days)
        _each(world, ids, places, step)
    while in_transaction(world.begin, outbox.relay):
        pass
    return ids


def _each(
    world: World,
    ids: Sequence[dropship.OrderId],
    places: Sequence[int],
    step: Callable[[Ctx, dropship.Order], object],
) -> None:
    for start in range(0, len(places), _TOGETHER):
        with world.begin() as ctx:
            some = [ids[place] for place in places[start : start + _TOGETHER]]
            for order in dropship.orders_read(ctx, ids=some):
                step(ctx, order)


def _cancel(ctx: Ctx, order: dropship.Order) -> None:
    cancel_order(ctx, partner_id=order.partner_id, order_id=order.id)


def _ship(ctx: Ctx, order: dropship.Order) -> None:
    [child] = order.children
    ship_package(
        ctx,
        supplier_id=child.supplier_id,
        child_id=child.id,
        carrier_code="SF",
        waybill_number=f"SF{order.number}",
        lines=[dropship.PackageLine(line.line_no, line.quantity) for line in child.lines],
    )


def _deliver(ctx: Ctx, order: dropship.Order) -> None:
    [child], [package] = order.children, order.packages
    deliver_package(ctx, supplier_id=child.supplier_id, package_id=package.id)


def _complete(ctx: Ctx, order: dropship.Order) -> None:
    confirm_receipt(ctx, partner_id=order.partner_id, order_id=order.id)


def _written() -> str:
    """Say in SQL how an id is written outside."""
    one = written("", "SELECT u AS key, 0 AS of, 0 AS value")
    return (
        "CREATE FUNCTION growth.written(u uuid) RETURNS text"  # noqa: S608 - ours
        " LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        f" RETURN (SELECT substr(key, 2) FROM ({one}) AS one)"
    )


def _patterns_read(owner: psycopg.Connection, count: int) -> None:
    """Lay what the patterns left in each table aside, to be copied from there."""
    [[found]] = owner.execute("SELECT count(*) FROM growth.pattern").fetchall()
    if found != count:
        raise RuntimeError(f"{count} orders were placed, {found} have one child and one package")
    for table, (condition, _) in COPIED.items():
        statement = (
            f'CREATE UNLOGGED TABLE growth."{table}" AS SELECT t.no, x.*'  # noqa: S608 - ours
            f" FROM growth.pattern t JOIN {_quoted(table)} x ON {condition}"
        )
        owner.execute(statement.encode())


def _copy(world: World, owner: psycopg.Connection, span: tuple[int, int, int]) -> None:
    """Make some copies of all patterns."""
    owner.execute("TRUNCATE growth.copy, growth.sealed")
    owner.execute(_COPIES, span)
    owner.execute("SET LOCAL session_replication_role = replica")
    owner.execute("SET LOCAL work_mem = '256MB'")
    _seal(world, owner)
    owner.execute("ANALYZE growth.copy, growth.sealed")
    for table in COPIED:
        owner.execute(_insert(table, _columns(owner, table)).encode())


def _columns(owner: psycopg.Connection, table: str) -> list[tuple[str, str]]:
    """Read the names and types of a table's columns."""
    return owner.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [_quoted(table)],
    ).fetchall()


def _seal(world: World, owner: psycopg.Connection) -> None:
    """Seal the recipient of every copy for the order that it is."""
    plain = {}
    for no, order_id, partner_id, sealed in owner.execute(
        'SELECT no, id, partner_id, recipient_sealed FROM growth."dropship.order"'
    ):
        bound_to = sealed_to(partner_id, order_id)
        plain[no] = partner_id, world.keyring.open(sealed, bound_to=bound_to)
    rows = owner.execute(
        "SELECT no, growth.moved(order_id, copy, ms)"
        " FROM growth.copy JOIN growth.pattern USING (no)"
    ).fetchall()
    with owner.cursor().copy("COPY growth.sealed FROM STDIN (FORMAT BINARY)") as sheet:
        sheet.set_types(["uuid", "bytea"])
        for no, order_id in rows:
            partner_id, words = plain[no]
            bound_to = sealed_to(partner_id, order_id)
            sheet.write_row((order_id, world.keyring.seal(words, bound_to=bound_to)))


def _insert(table: str, columns: Sequence[tuple[str, str]]) -> str:
    """Write the statement that copies what patterns left in a table."""
    values = ", ".join(_value(name, kind) for name, kind in columns)
    names = ", ".join(f'"{name}"' for name, _ in columns)
    sealed = ""
    if table == "dropship.order":
        sealed = " JOIN growth.sealed s ON s.id = growth.moved(x.id, c.copy, c.ms)"
    places = [name for name, _ in columns]
    order = ", ".join(str(places.index(name) + 1) for name in COPIED[table][1].split(", "))
    return (
        f"INSERT INTO {_quoted(table)} ({names})"  # noqa: S608 - all of it is ours
        f' SELECT {values} FROM growth."{table}" x'
        f" JOIN growth.pattern t USING (no) JOIN growth.copy c USING (no){sealed}"
        f" ORDER BY {order}"
    )


def _value(column: str, kind: str) -> str:
    """Say what a copy has in a column."""
    name = f'x."{column}"'
    value = name
    if column == "position":
        value = (
            "(SELECT max(position) FROM kit.event)"  # noqa: S608 - ours
            f" + row_number() OVER (ORDER BY x.occurred_at + c.span, {name})"
        )
    elif column == "recipient_sealed":
        value = "s.recipient_sealed"
    elif column == "phone_index":
        value = f"substr(sha256({name} || int4send(c.copy)), 1, length({name}))"
    elif column in _OWN:
        value = f"growth.moved({name}, c.copy, c.ms)"
    elif column in _WORDS:
        value = f"{_renamed(f'{name}::text')}::{kind}"
    elif kind == "timestamp with time zone":
        value = f"{name} + c.span"
    elif kind == "date":
        value = f"{name} + (c.ms / 86400000)::int"
    return value


def _renamed(text: str) -> str:
    for old, new in (
        ("t.order_text", "c.new_order"),
        ("t.child_text", "c.new_child"),
        ("coalesce(t.package_text, '-')", "coalesce(c.new_package, '-')"),
        ("t.number", "c.new_number"),
    ):
        text = f"replace({text}, {old}, {new})"
    return text


def _quoted(table: str) -> str:
    schema, _, name = table.partition(".")
    return f'{schema}."{name}"'


def _size(owner: psycopg.Connection) -> int:
    [[size]] = owner.execute("SELECT pg_database_size(current_database())").fetchall()
    return int(size)


def _months_close(world: World) -> None:
    """Close every month that is over for every account that orders moved."""
    month = (datetime.now(UTC) - timedelta(days=DAYS)).date().replace(day=1)
    while month < datetime.now(UTC).date().replace(day=1):
        left = 1
        while left:
            with world.begin() as ctx:
                left = ledger.month_close(ctx, month_on=month).left
        month = (month + timedelta(days=32)).replace(day=1)
