"""SQL of price lists, prices, and the book of them that orders are priced by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import id_keys
from weili.kit.memory import Recall, touch
from weili.modules.goods import SkuId
from weili.modules.pricing import rules
from weili.modules.pricing import tables as t
from weili.modules.pricing.model import (
    ChangeId,
    Channel,
    CompareAt,
    CompareAtState,
    FirstAmounts,
    ListId,
    Price,
    PriceList,
    PriceRow,
    TierKey,
    UnitPrice,
    Window,
)

# A tier's versions are counted over all that was ever written of it, what is only to come included;
# whoever writes holds the list's lock, so the next number is nobody else's. What stands is looked
# up row by row: as a plain join, on a list that has just grown, the whole list was read and sorted.
# Who waited for the lock has an earlier moment than the one it waited for, and yet writes later: a
# tier's history never goes back in time.
_PRICES_PUT: Final = (
    "WITH fresh AS ("
    " SELECT x.s, x.q, x.u, 1 + coalesce((SELECT max(h.version) FROM pricing.price_history h"
    "   WHERE h.list_id = %b::uuid AND h.sku_id = x.s AND h.quantity_min = x.q), 0) AS v,"
    "   greatest(p.changed_at, %b::timestamptz) AS at"
    "  FROM unnest(%b::uuid[], %b::int[], %b::bigint[]) AS x (s, q, u)"
    "  LEFT JOIN LATERAL (SELECT unit_price_minor, changed_at FROM pricing.price"
    "   WHERE list_id = %b::uuid AND sku_id = x.s AND quantity_min = x.q OFFSET 0) AS p ON true"
    "  WHERE p.unit_price_minor IS DISTINCT FROM x.u), changed AS ("
    " INSERT INTO pricing.price AS p"
    "  (list_id, sku_id, quantity_min, unit_price_minor, version, changed_at)"
    " SELECT %b::uuid, s, q, u, v, at FROM fresh ORDER BY s, q"
    " ON CONFLICT (list_id, sku_id, quantity_min) DO UPDATE SET"
    "  unit_price_minor = excluded.unit_price_minor, version = excluded.version,"
    "  changed_at = excluded.changed_at"
    " RETURNING list_id, sku_id, quantity_min, version, unit_price_minor, changed_at)"
    " INSERT INTO pricing.price_history"
    "  (list_id, sku_id, quantity_min, version, unit_price_minor, changed_at, changed_by,"
    "   valid_from, change_id)"
    " SELECT list_id, sku_id, quantity_min, version, unit_price_minor, changed_at, %b, changed_at,"
    "  %b::uuid FROM changed"
    " RETURNING sku_id, quantity_min, unit_price_minor, version"
)
# No place is taken: the SKUs are of this transaction, so nobody else can have written of them.
_AMOUNTS_OPEN: Final = (
    "WITH fresh AS MATERIALIZED ("
    " SELECT s, p, c, u, f.* FROM (SELECT %b::uuid AS list, %b::timestamptz AS at, %b::text AS who)"
    "   AS f,"
    "  unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::bigint[]) AS x (s, p, c, u)), owed AS ("
    " INSERT INTO pricing.cost (sku_id, supplier_id, unit_cost_minor, version, changed_at)"
    " SELECT s, p, c, 1, at FROM fresh), owed_first AS ("
    " INSERT INTO pricing.cost_history"
    "  (sku_id, version, unit_cost_minor, changed_at, changed_by, valid_from)"
    " SELECT s, 1, c, at, who, at FROM fresh), asked AS ("
    " INSERT INTO pricing.price"
    "  (list_id, sku_id, quantity_min, unit_price_minor, version, changed_at)"
    " SELECT list, s, 1, u, 1, at FROM fresh)"
    " INSERT INTO pricing.price_history"
    "  (list_id, sku_id, quantity_min, version, unit_price_minor, changed_at, changed_by,"
    "   valid_from)"
    " SELECT list, s, 1, 1, u, at, who, at FROM fresh"
)
_LIST, _PRICE, _WINDOW, _COST = range(4)
"""What a row of the book is."""
_ALSO: Final = 3
"""The rank of lists that are read though nobody pays by them."""
# Lists, prices and costs come in one answer: a statement costs more than the rows it brings, and a
# partner's list and its prices are of one moment. The first column says what a row is.
_BOOK: Final = (
    "WITH lists AS ("
    " SELECT partner_id, 0 AS rank, list_id FROM pricing.price_list_partner"
    "  WHERE partner_id = ANY (%b::uuid[])"
    " UNION ALL SELECT p.partner_id, 1, c.list_id FROM pricing.partner_channel p"
    "  JOIN pricing.price_list_channel c ON c.channel = p.channel"
    "  WHERE p.partner_id = ANY (%b::uuid[])"
    " UNION ALL SELECT NULL, 2, id FROM pricing.price_list WHERE is_default"
    " UNION ALL SELECT NULL, 3, x FROM unnest(%b::uuid[]) AS also (x))"
    " SELECT 0, partner_id, list_id, rank AS quantity_min, 0::bigint, 0::bigint,"
    "  NULL::timestamptz, NULL::timestamptz FROM lists"
    " UNION ALL SELECT 1, list_id, sku_id, quantity_min, unit_price_minor, version, NULL, NULL"
    "  FROM pricing.price WHERE list_id = ANY (ARRAY(SELECT list_id FROM lists))"
    "  AND sku_id = ANY (%b::uuid[])"
    " UNION ALL SELECT 2, list_id, sku_id, quantity_min, unit_price_minor, version, valid_from,"
    "  valid_to FROM pricing.price_window WHERE list_id = ANY (ARRAY(SELECT list_id FROM lists))"
    "  AND sku_id = ANY (%b::uuid[])"
    " UNION ALL SELECT 3, NULL, sku_id, 0, unit_cost_minor, version, NULL, NULL FROM pricing.cost"
    "  WHERE sku_id = ANY (%b::uuid[])"
    " UNION ALL SELECT 3, NULL, sku_id, 0, unit_cost_minor, 0, valid_from, NULL"
    "  FROM pricing.cost_proposal WHERE state = 'approved' AND sku_id = ANY (%b::uuid[])"
    " ORDER BY quantity_min DESC"
)
# What is remembered: which list and channel a partner has, the lists of channels and the default
# one, and of a SKU what partners with the same lists pay for it. Whoever writes what these are made
# of touches the partner, ``_LISTS_ID``, or the SKU.
_HAS, _LISTS = b"has", b"lists"
_LISTS_ID: Final = UUID(int=0)
_CHAIN: Final = (
    "SELECT 0, (SELECT list_id FROM pricing.price_list_partner WHERE partner_id = %b),"
    "  (SELECT channel FROM pricing.partner_channel WHERE partner_id = %b)"
    " UNION ALL SELECT 1, list_id, channel FROM pricing.price_list_channel"
    " UNION ALL SELECT 2, id, NULL FROM pricing.price_list WHERE is_default"
)
# The tiers of many SKUs on lists as they stand, by the rank of the list; what may be shown struck
# out beside them; and of which a change is to come or in force. A SKU is named by its place in the
# list of those asked for.
_COMPARE_AT, _CHANGING = 3, 4
_LADDERS: Final = (
    "WITH asked AS MATERIALIZED ("
    " SELECT x.sku_id, (x.place - 1)::int AS place"
    "  FROM unnest(%b::uuid[]) WITH ORDINALITY AS x (sku_id, place)),"
    " chain AS MATERIALIZED ("
    " SELECT x.rank::int - 1 AS rank, x.list_id"
    "  FROM unnest(%b::uuid[]) WITH ORDINALITY AS x (list_id, rank))"
    " SELECT c.rank, a.place, p.quantity_min, p.unit_price_minor, p.version, NULL::text"
    "  FROM asked a CROSS JOIN chain c"
    "  JOIN pricing.price p ON p.list_id = c.list_id AND p.sku_id = a.sku_id"
    " UNION ALL SELECT 3, a.place, 0, c.compare_at_minor, c.version, c.explanation"
    "  FROM asked a JOIN pricing.compare_at c ON c.sku_id = a.sku_id AND c.state = 'standing'"
    " UNION ALL SELECT DISTINCT 4, a.place, 0, 0::bigint, 0::bigint, NULL FROM asked a"
    "  JOIN pricing.price_window w ON w.sku_id = a.sku_id JOIN chain c ON c.list_id = w.list_id"
    " ORDER BY 1, 2, 3 DESC"
)
# What the book decides, decided where the rows lie: a search shows one price of each SKU that it
# found. Of a tier, a price for a time goes before one that began last, and that before the
# standing one; of lists, the partner's own, its channel's, the default one. By which lists that was
# is told of the same moment: another may be given to the partner between two statements.
_UNIT_PRICES: Final = (
    "WITH asked AS MATERIALIZED (SELECT x.sku_id, x.partner_id, (x.n - 1)::int AS place"
    "  FROM unnest(%b::uuid[], %b::uuid[]) WITH ORDINALITY AS x (sku_id, partner_id, n)),"
    " partners AS MATERIALIZED (SELECT DISTINCT partner_id FROM asked),"
    " lists AS MATERIALIZED ("
    " SELECT o.partner_id, 0 AS rank, o.list_id FROM partners"
    "  JOIN pricing.price_list_partner o ON o.partner_id = partners.partner_id"
    " UNION ALL SELECT p.partner_id, 1, c.list_id FROM partners"
    "  JOIN pricing.partner_channel p ON p.partner_id = partners.partner_id"
    "  JOIN pricing.price_list_channel c ON c.channel = p.channel"
    " UNION ALL SELECT partner_id, 2, id FROM partners, pricing.price_list WHERE is_default),"
    " chains AS MATERIALIZED ("
    " SELECT partner_id, string_agg(uuid_send(list_id), ''::bytea ORDER BY rank) AS chain"
    "  FROM lists GROUP BY partner_id)"
    " SELECT DISTINCT ON (place) place, unit_price_minor, version, CASE WHEN NOT EXISTS ("
    "   SELECT FROM lists l JOIN pricing.price_window w ON w.list_id = l.list_id"
    "    AND w.sku_id = found.sku_id WHERE l.partner_id = found.partner_id) THEN chain END FROM ("
    "  SELECT a.sku_id, a.partner_id, a.place, l.rank, 2 AS kind,"
    "   NULL::timestamptz AS valid_from, p.unit_price_minor, p.version"
    "   FROM asked a JOIN lists l ON l.partner_id = a.partner_id"
    "   JOIN pricing.price p ON p.list_id = l.list_id AND p.sku_id = a.sku_id"
    "    AND p.quantity_min = 1"
    "  UNION ALL SELECT a.sku_id, a.partner_id, a.place, l.rank,"
    "   (w.valid_to IS NULL)::int, w.valid_from,"
    "   w.unit_price_minor, w.version FROM asked a JOIN lists l ON l.partner_id = a.partner_id"
    "   JOIN pricing.price_window w ON w.list_id = l.list_id AND w.sku_id = a.sku_id"
    "    AND w.quantity_min = 1 AND w.valid_from <= %b"
    "    AND (w.valid_to IS NULL OR w.valid_to > %b)) AS found JOIN chains USING (partner_id)"
    " ORDER BY place, rank, kind, valid_from DESC"
)
# What stands is, of all that has come into force without an end, what did so last.
_VERIFY: Final = (
    "SELECT 'price_history', concat_ws('/', coalesce(p.list_id, h.list_id),"
    "  coalesce(p.sku_id, h.sku_id), coalesce(p.quantity_min, h.quantity_min)),"
    "  concat('price ', p.unit_price_minor, ' version ', p.version, '; history ', h.amount,"
    "  ' version ', h.version, ', ', h.count, ' of ', h.last)"
    " FROM pricing.price p FULL JOIN ("
    "  SELECT h.list_id, h.sku_id, h.quantity_min, max(h.version) AS last, count(*) AS count,"
    "   (array_agg(h.version ORDER BY h.valid_from DESC, h.version DESC) FILTER (WHERE"
    "    h.valid_to IS NULL AND (h.change_id IS NULL OR c.state = 'done')))[1] AS version,"
    "   (array_agg(h.unit_price_minor ORDER BY h.valid_from DESC, h.version DESC) FILTER (WHERE"
    "    h.valid_to IS NULL AND (h.change_id IS NULL OR c.state = 'done')))[1] AS amount"
    "  FROM pricing.price_history h LEFT JOIN pricing.price_change c ON c.id = h.change_id"
    "  GROUP BY h.list_id, h.sku_id, h.quantity_min) h"
    " ON (h.list_id, h.sku_id, h.quantity_min) = (p.list_id, p.sku_id, p.quantity_min)"
    " WHERE (p.unit_price_minor, p.version) IS DISTINCT FROM (h.amount, h.version)"
    "  OR h.last <> h.count"
    " UNION ALL "
    "SELECT 'cost_history', coalesce(c.sku_id, h.sku_id)::text,"
    "  concat('cost ', c.unit_cost_minor, ' version ', c.version, '; history ', h.amount,"
    "  ' version ', h.version, ' of ', h.count)"
    " FROM pricing.cost c FULL JOIN ("
    "  SELECT sku_id, max(version) AS version, count(*) AS count,"
    "   (array_agg(unit_cost_minor ORDER BY version DESC))[1] AS amount"
    "  FROM pricing.cost_history GROUP BY sku_id) h ON h.sku_id = c.sku_id"
    " WHERE (c.unit_cost_minor, c.version, c.version) IS DISTINCT FROM"
    "  (h.amount, h.version, h.count)"
    " UNION ALL "
    "SELECT 'price_window', concat_ws('/', w.list_id, w.sku_id, w.quantity_min, w.version),"
    "  concat('differs from its history, or its change is ', c.state)"
    " FROM pricing.price_window w JOIN pricing.price_change c ON c.id = w.change_id"
    " LEFT JOIN pricing.price_history h ON (h.list_id, h.sku_id, h.quantity_min, h.version)"
    "  = (w.list_id, w.sku_id, w.quantity_min, w.version)"
    " WHERE (h.unit_price_minor, h.valid_from, h.valid_to, h.change_id) IS DISTINCT FROM"
    "  (w.unit_price_minor, w.valid_from, w.valid_to, w.change_id)"
    "  OR c.state NOT IN ('scheduled', 'in_force')"
    " UNION ALL "
    "SELECT 'price_windows_apart', concat_ws('/', a.list_id, a.sku_id, a.quantity_min),"
    "  concat('versions ', a.version, ' and ', b.version, ' hold at one time')"
    " FROM pricing.price_window a JOIN pricing.price_window b"
    "  ON (b.list_id, b.sku_id, b.quantity_min) = (a.list_id, a.sku_id, a.quantity_min)"
    "  AND b.version > a.version AND (a.valid_to IS NULL) = (b.valid_to IS NULL)"
    " WHERE CASE WHEN a.valid_to IS NULL THEN a.valid_from = b.valid_from"
    "  ELSE a.valid_from < b.valid_to AND b.valid_from < a.valid_to END"
    " ORDER BY 1, 2"
)


class BookRows(NamedTuple):
    """What prices are made of."""

    lists: list[tuple[PartyId | None, int, ListId]]
    """A partner's lists, each with its rank; the default one beside no partner."""
    prices: list[tuple[ListId, SkuId, int, int, int]]
    """(list, SKU, quantity_min, price, version), highest tier first."""
    windows: list[tuple[TierKey, Window]]
    costs: list[tuple[SkuId, datetime | None, int]]
    """(SKU, from when, cost); None for the one that stands."""


Ladder = tuple[tuple[Price, ...], CompareAt | None]
"""The tiers that a partner can reach, lowest quantity first, and what may be shown struck out."""


# Each side is cut before they are put together, so that a page costs a page.
_TIERS_AFTER: Final = (
    "WITH arg AS (SELECT %b::uuid AS list, %b::uuid AS after, %b::int AS n), page AS ("
    " SELECT sku_id FROM ("
    "  (SELECT DISTINCT sku_id FROM pricing.price, arg WHERE list_id = list AND sku_id > after"
    "   ORDER BY sku_id LIMIT (SELECT n FROM arg))"
    "  UNION (SELECT DISTINCT sku_id FROM pricing.price_window, arg"
    "   WHERE list_id = list AND sku_id > after ORDER BY sku_id LIMIT (SELECT n FROM arg))"
    " ) AS both_sides ORDER BY sku_id LIMIT (SELECT n FROM arg))"
    " SELECT sku_id, quantity_min, unit_price_minor, NULL::timestamptz AS valid_from,"
    "  NULL::timestamptz AS valid_to FROM pricing.price, arg"
    "  WHERE list_id = list AND sku_id IN (SELECT sku_id FROM page)"
    " UNION ALL SELECT sku_id, quantity_min, unit_price_minor, valid_from, valid_to"
    "  FROM pricing.price_window, arg"
    "  WHERE list_id = list AND sku_id IN (SELECT sku_id FROM page)"
    " ORDER BY sku_id, quantity_min, valid_from NULLS FIRST"
)

_TIERS_OF: Final = (
    "SELECT list_id, sku_id, quantity_min, unit_price_minor, NULL::timestamptz AS valid_from,"
    "  NULL::timestamptz AS valid_to, version FROM pricing.price"
    "  WHERE sku_id = ANY (%b::uuid[]) AND (%b::uuid IS NULL OR list_id = %b::uuid)"
    " UNION ALL SELECT list_id, sku_id, quantity_min, unit_price_minor, valid_from, valid_to,"
    "  version FROM pricing.price_window"
    "  WHERE sku_id = ANY (%b::uuid[]) AND (%b::uuid IS NULL OR list_id = %b::uuid)"
    " ORDER BY sku_id, list_id, quantity_min, valid_from NULLS FIRST LIMIT %b"
)


def list_insert(ctx: Ctx, price_list: PriceList) -> bool:
    """Write a list; says no when its name, or the one place of the default, is taken."""
    made = ctx.db.sa.execute(
        pgt.insert(t.price_list)
        .values(
            id=price_list.id,
            name=price_list.name,
            is_default=price_list.is_default,
            created_at=ctx.now,
        )
        .on_conflict_do_nothing()
        .returning(t.price_list.c.id)
    ).first()
    touch(ctx, [_LISTS_ID] if made else ())
    return made is not None


def list_by_name(ctx: Ctx, *, name: str) -> PriceList | None:
    """Read the list of that name."""
    query = sa.select(t.price_list).where(t.price_list.c.name == name)
    row = ctx.db.sa.execute(query).one_or_none()
    return _price_list(row) if row else None


def list_read(ctx: Ctx, *, list_id: ListId) -> PriceList | None:
    """Read one list."""
    query = sa.select(t.price_list).where(t.price_list.c.id == list_id)
    row = ctx.db.sa.execute(query).one_or_none()
    return _price_list(row) if row else None


def list_page(ctx: Ctx, *, after: ListId | None, limit: int) -> list[PriceList]:
    """Read lists in the order they were opened."""
    query = sa.select(t.price_list).order_by(t.price_list.c.id).limit(limit)
    if after is not None:
        query = query.where(t.price_list.c.id > after)
    return [_price_list(row) for row in ctx.db.sa.execute(query)]


def list_partner_upsert(ctx: Ctx, *, partner_id: PartyId, list_id: ListId) -> bool:
    """Give a partner its list, in the place of the one it had; says False when it had that one."""
    table = t.price_list_partner
    row = {"list_id": list_id, "assigned_at": ctx.now}
    is_other = _assigned(ctx, table, {"partner_id": partner_id}, row, table.c.list_id != list_id)
    touch(ctx, [partner_id] if is_other else ())
    return is_other


def list_had(ctx: Ctx, *, recall: Recall, partner_id: PartyId) -> ListId | None:
    """Read the list that a partner pays by first. Hot."""
    own, of_channel, _ = _lists(ctx, recall, partner_id)
    return own or of_channel


def lists_in_use(ctx: Ctx) -> dict[ListId, PartyId]:
    """Read the lists that partners pay by first, and the first partner of each."""
    rows = ctx.db.rows(
        "SELECT DISTINCT ON (list_id) list_id, partner_id FROM ("
        " SELECT list_id, partner_id FROM pricing.price_list_partner"
        " UNION ALL SELECT l.list_id, c.partner_id FROM pricing.partner_channel c"
        "  JOIN pricing.price_list_channel l ON l.channel = c.channel"
        "  LEFT JOIN pricing.price_list_partner o ON o.partner_id = c.partner_id"
        "  WHERE o.partner_id IS NULL) AS had"
        " ORDER BY list_id, partner_id"
    )
    return dict(rows)


def channel_partners(ctx: Ctx, *, channel: Channel) -> list[PartyId]:
    """Read the partners of a channel."""
    table = t.partner_channel
    query = sa.select(table.c.partner_id).where(table.c.channel == channel)
    return [
        PartyId(row.partner_id) for row in ctx.db.sa.execute(query.order_by(table.c.partner_id))
    ]


def list_of_channel(ctx: Ctx, *, channel: Channel) -> ListId | None:
    """Read a channel's list."""
    table = t.price_list_channel
    row = ctx.db.sa.execute(
        sa.select(table.c.list_id).where(table.c.channel == channel)
    ).one_or_none()
    return ListId(row.list_id) if row else None


def list_lock(ctx: Ctx, *, list_id: ListId) -> PriceList | None:
    """Read one list and keep it from being written to by others until the end."""
    rows = ctx.db.rows(
        "SELECT id, name, is_default FROM pricing.price_list WHERE id = %b FOR NO KEY UPDATE",
        list_id,
    )
    return PriceList(*rows[0]) if rows else None


def partner_channel_upsert(ctx: Ctx, *, partner_id: PartyId, channel: Channel) -> bool:
    """Write which sort of channel a partner is; says False when it was that."""
    table = t.partner_channel
    row = {"channel": channel, "assigned_at": ctx.now}
    is_other = _assigned(ctx, table, {"partner_id": partner_id}, row, table.c.channel != channel)
    touch(ctx, [partner_id] if is_other else ())
    return is_other


def list_channel_upsert(ctx: Ctx, *, channel: Channel, list_id: ListId) -> bool:
    """Give a channel its list, in the place of the one it had; says False when it had that one."""
    table = t.price_list_channel
    row = {"list_id": list_id, "assigned_at": ctx.now}
    is_other = _assigned(ctx, table, {"channel": channel}, row, table.c.list_id != list_id)
    touch(ctx, [_LISTS_ID] if is_other else ())
    return is_other


def _assigned(
    ctx: Ctx,
    table: sa.Table,
    key: Mapping[str, object],
    row: Mapping[str, object],
    is_other: sa.ColumnElement[bool],
) -> bool:
    """Write what is assigned to a key where that is another than before; says whether it was."""
    written = ctx.db.sa.execute(
        pgt.insert(table)
        .values(**key, **row)
        .on_conflict_do_update(index_elements=list(key), set_=row, where=is_other)
        .returning(sa.literal(1))
    )
    return written.first() is not None


def prices_upsert(
    ctx: Ctx, *, list_id: ListId, rows: Sequence[PriceRow], change_id: ChangeId | None = None
) -> list[tuple[SkuId, int, int, int]]:
    """Write prices and their history; gives (SKU, quantity_min, price, version) of real changes."""
    changed = ctx.db.rows(
        _PRICES_PUT,
        list_id,
        ctx.now,
        [row.sku_id for row in rows],
        [row.quantity_min for row in rows],
        [row.unit_price_minor for row in rows],
        list_id,
        list_id,
        ctx.actor.label(),
        change_id,
    )
    touch(ctx, list({sku_id for sku_id, _, _, _ in changed}))
    return changed


def amounts_insert(ctx: Ctx, *, list_id: ListId, rows: Sequence[FirstAmounts]) -> None:
    """Write the first cost and price of SKUs, and their histories."""
    ctx.db.run(
        _AMOUNTS_OPEN,
        list_id,
        ctx.now,
        ctx.actor.label(),
        [row.sku_id for row in rows],
        [row.supplier_id for row in rows],
        [row.unit_cost_minor for row in rows],
        [row.unit_price_minor for row in rows],
    )


def tiers_of(
    ctx: Ctx, *, list_id: ListId | None, sku_ids: Sequence[SkuId], limit: int
) -> list[tuple[TierKey, int, datetime | None, datetime | None, int]]:
    """Read what SKUs cost on a list or on any: what holds, and what is for a time or to come."""
    rows = ctx.db.rows(_TIERS_OF, *(sku_ids, list_id, list_id), *(sku_ids, list_id, list_id), limit)
    return [
        (TierKey(found, sku_id, quantity_min), price, valid_from, valid_to, version)
        for found, sku_id, quantity_min, price, valid_from, valid_to, version in rows
    ]


def tiers_after(
    ctx: Ctx, *, list_id: ListId, after: SkuId | None, limit: int
) -> list[tuple[TierKey, int, datetime | None, datetime | None]]:
    """Read the prices of so many SKUs after one: what holds, and what is for a time or to come."""
    rows = ctx.db.rows(_TIERS_AFTER, list_id, after or UUID(int=0), limit)
    return [
        (TierKey(list_id, sku_id, quantity_min), price, valid_from, valid_to)
        for sku_id, quantity_min, price, valid_from, valid_to in rows
    ]


def book_rows(
    ctx: Ctx,
    *,
    partner_ids: Sequence[PartyId],
    sku_ids: Sequence[SkuId],
    also: Sequence[ListId] = (),
) -> Asked[BookRows]:
    """Read the partners' lists and the default one, their prices, and costs. Hot."""
    rows = ctx.db.ask(_BOOK, partner_ids, partner_ids, also, sku_ids, sku_ids, sku_ids, sku_ids)

    def read() -> BookRows:
        book = BookRows([], [], [], [])
        for what, first, second, number, amount_minor, version, begins, ends in rows():
            if what == _PRICE:
                book.prices.append((first, second, number, amount_minor, version))
            elif what == _COST:
                book.costs.append((second, begins, amount_minor))
            elif what == _LIST:
                if number < _ALSO:
                    book.lists.append((first, number, second))
            elif what == _WINDOW:
                window = Window(amount_minor, version, begins, ends)
                book.windows.append((TierKey(first, second, number), window))
        return book

    return read


def ladders(
    ctx: Ctx, *, lists: Sequence[ListId], sku_ids: Sequence[SkuId]
) -> Asked[list[Ladder | None]]:
    """Read what is paid by lists as they stand, in the order of the SKUs. Hot.

    The list that is asked first is the first. None for SKUs of which a change is to come or in
    force.
    """
    rows = ctx.db.ask(_LADDERS, sku_ids, lists)
    return lambda: _ladders_read(sku_ids, rows())


def _ladders_read(
    sku_ids: Sequence[SkuId], rows: Iterable[tuple[int, int, int, int, int, str | None]]
) -> list[Ladder | None]:
    """Give what is paid for SKUs, which the rows name by their places."""
    tiers: list[tuple[int, Price]] = []
    compare_at: dict[int, CompareAt] = {}
    changing = set()
    for what, place, quantity_min, amount_minor, version, text in rows:
        if what < _COMPARE_AT:
            tiers.append((place, Price(amount_minor, version, quantity_min)))
        elif what == _CHANGING:
            changing.add(place)
        else:
            state = CompareAtState.STANDING
            compare_at[place] = CompareAt(sku_ids[place], amount_minor, text, state, version)
    reached = rules.ladders_of(tiers)
    return [
        None if place in changing else (reached.get(place, ()), compare_at.get(place))
        for place in range(len(sku_ids))
    ]


def chain(ctx: Ctx, *, recall: Recall, partner_id: PartyId) -> list[ListId]:
    """Give the lists that a partner pays by, the one that is asked first before all others. Hot."""
    return [each for each in _lists(ctx, recall, partner_id) if each is not None]


def chain_key(lists: Sequence[ListId]) -> bytes:
    """Name such lists: what partners pay that have the same can be remembered for all of them."""
    return b"".join(id_keys(lists))


def _lists(
    ctx: Ctx, recall: Recall, partner_id: PartyId
) -> tuple[ListId | None, ListId | None, ListId | None]:
    """Give a partner's own list, its channel's and the default one."""
    [has] = recall.found(_HAS, [partner_id.bytes])
    [lists] = recall.found(_LISTS, [_LISTS_ID.bytes])
    if has is None or lists is None:
        (_, *has), *others = ctx.db.rows(_CHAIN, partner_id, partner_id)
        lists = {channel: list_id for _, list_id, channel in others}
        recall.keep(_HAS, {partner_id.bytes: has})
        recall.keep(_LISTS, {_LISTS_ID.bytes: lists})
    own, channel = has
    return own, lists.get(channel) if channel else None, lists.get(None)


def unit_prices(ctx: Ctx, pairs: Sequence[tuple[PartyId, SkuId]]) -> Asked[list[UnitPrice | None]]:
    """Read the price of one piece for partners at this moment. Hot."""
    sku_ids, partner_ids = [sku_id for _, sku_id in pairs], [party_id for party_id, _ in pairs]
    rows = ctx.db.ask(_UNIT_PRICES, sku_ids, partner_ids, ctx.now, ctx.now)

    def read() -> list[UnitPrice | None]:
        found: list[UnitPrice | None] = [None] * len(pairs)
        for place, *price in rows():
            found[place] = UnitPrice(*price)
        return found

    return read


def histories_off(ctx: Ctx) -> Iterator[tuple[str, str, str]]:
    """Find prices and costs that are not the last of their history: (check, where, what)."""
    yield from ctx.db.rows(_VERIFY)


def lists_missing(ctx: Ctx) -> list[tuple[ListId, int]]:
    """Find lists that prices are on and that are not there, and how many prices that is."""
    return ctx.db.rows(
        "SELECT p.list_id, count(*) FROM pricing.price p"
        " LEFT JOIN pricing.price_list l ON l.id = p.list_id WHERE l.id IS NULL"
        " GROUP BY p.list_id ORDER BY p.list_id"
    )


def _price_list(row: sa.Row[Any]) -> PriceList:
    return PriceList(ListId(row.id), row.name, row.is_default)
