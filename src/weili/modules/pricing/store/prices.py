"""SQL of price lists, prices, and the book of them that orders are priced by."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.modules.goods import SkuId
from weili.modules.pricing import tables as t
from weili.modules.pricing.model import CostRow, ListId, PriceList, PriceRow

_PRICES_PUT: Final = (
    "WITH changed AS ("
    " INSERT INTO pricing.price AS p"
    "  (list_id, sku_id, quantity_min, unit_price_minor, version, changed_at)"
    " SELECT %b::uuid, s, q, u, 1, %b::timestamptz"
    "  FROM unnest(%b::uuid[], %b::int[], %b::bigint[]) AS x (s, q, u) ORDER BY s, q"
    " ON CONFLICT (list_id, sku_id, quantity_min) DO UPDATE SET"
    "  unit_price_minor = excluded.unit_price_minor, version = p.version + 1,"
    "  changed_at = excluded.changed_at"
    "  WHERE p.unit_price_minor <> excluded.unit_price_minor"
    " RETURNING list_id, sku_id, quantity_min, version, unit_price_minor, changed_at)"
    " INSERT INTO pricing.price_history"
    "  (list_id, sku_id, quantity_min, version, unit_price_minor, changed_at, changed_by,"
    "   valid_from)"
    " SELECT list_id, sku_id, quantity_min, version, unit_price_minor, changed_at, %b, changed_at"
    "  FROM changed"
    " RETURNING sku_id, quantity_min, unit_price_minor, version"
)
_COSTS_PUT: Final = (
    "WITH changed AS ("
    " INSERT INTO pricing.cost AS c (sku_id, supplier_id, unit_cost_minor, version, changed_at)"
    " SELECT s, p, u, 1, %b::timestamptz"
    "  FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[]) AS x (s, p, u) ORDER BY s"
    " ON CONFLICT (sku_id) DO UPDATE SET unit_cost_minor = excluded.unit_cost_minor,"
    "  version = c.version + 1, changed_at = excluded.changed_at"
    "  WHERE c.unit_cost_minor <> excluded.unit_cost_minor"
    " RETURNING sku_id, version, unit_cost_minor, changed_at)"
    " INSERT INTO pricing.cost_history"
    "  (sku_id, version, unit_cost_minor, changed_at, changed_by, valid_from)"
    " SELECT sku_id, version, unit_cost_minor, changed_at, %b, changed_at FROM changed"
)
# Lists, prices and costs come in one answer: a statement costs more than the rows it brings, and a
# partner's list and its prices are of one moment. The first column says what a row is.
_BOOK: Final = (
    "WITH lists AS ("
    " SELECT partner_id, list_id FROM pricing.price_list_partner"
    "  WHERE partner_id = ANY (%b::uuid[])"
    " UNION ALL SELECT NULL, id FROM pricing.price_list WHERE is_default)"
    " SELECT 0, partner_id, list_id, 0 AS quantity_min, 0::bigint, 0::bigint FROM lists"
    " UNION ALL SELECT 1, list_id, sku_id, quantity_min, unit_price_minor, version"
    "  FROM pricing.price WHERE list_id = ANY (ARRAY(SELECT list_id FROM lists))"
    "  AND sku_id = ANY (%b::uuid[])"
    " UNION ALL SELECT 2, NULL, sku_id, 0, unit_cost_minor, version FROM pricing.cost"
    "  WHERE sku_id = ANY (%b::uuid[])"
    " ORDER BY quantity_min DESC"
)
_VERIFY: Final = (
    "SELECT 'price_history', concat_ws('/', coalesce(p.list_id, h.list_id),"
    "  coalesce(p.sku_id, h.sku_id), coalesce(p.quantity_min, h.quantity_min)),"
    "  concat('price ', p.unit_price_minor, ' version ', p.version, '; history ', h.amount,"
    "  ' version ', h.version, ' of ', h.count)"
    " FROM pricing.price p FULL JOIN ("
    "  SELECT list_id, sku_id, quantity_min, max(version) AS version, count(*) AS count,"
    "   (array_agg(unit_price_minor ORDER BY version DESC))[1] AS amount"
    "  FROM pricing.price_history GROUP BY list_id, sku_id, quantity_min) h"
    " ON (h.list_id, h.sku_id, h.quantity_min) = (p.list_id, p.sku_id, p.quantity_min)"
    " WHERE (p.unit_price_minor, p.version, p.version)"
    "  IS DISTINCT FROM (h.amount, h.version, h.count)"
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
    " ORDER BY 1, 2"
)


class BookRows(NamedTuple):
    """What prices are made of."""

    lists: list[tuple[PartyId | None, ListId]]
    """A partner's own list; the default one beside no partner."""
    prices: list[tuple[ListId, SkuId, int, int, int]]
    """(list, SKU, quantity_min, price, version), highest tier first."""
    costs: dict[SkuId, int]


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
    )
    return made.first() is not None


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


def list_partner_upsert(ctx: Ctx, *, partner_id: PartyId, list_id: ListId) -> None:
    """Give a partner its list, in the place of the one it had."""
    row = {"list_id": list_id, "assigned_at": ctx.now}
    ctx.db.sa.execute(
        pgt.insert(t.price_list_partner)
        .values(partner_id=partner_id, **row)
        .on_conflict_do_update(index_elements=["partner_id"], set_=row)
    )


def lists_had(ctx: Ctx, *, partner_ids: Sequence[PartyId]) -> Asked[dict[PartyId, ListId]]:
    """Read the lists of partners. Hot."""
    rows = ctx.db.ask(
        "SELECT partner_id, list_id FROM pricing.price_list_partner"
        " WHERE partner_id = ANY (%b::uuid[])",
        partner_ids,
    )
    return lambda: dict(rows())


def lists_in_use(ctx: Ctx) -> dict[ListId, PartyId]:
    """Read the lists that partners have, and the first partner of each."""
    rows = ctx.db.rows(
        "SELECT DISTINCT ON (list_id) list_id, partner_id FROM pricing.price_list_partner"
        " ORDER BY list_id, partner_id"
    )
    return dict(rows)


def list_partners(ctx: Ctx, *, list_id: ListId) -> set[PartyId]:
    """Read the partners whose own list it is."""
    rows = ctx.db.sa.execute(
        sa.select(t.price_list_partner.c.partner_id).where(
            t.price_list_partner.c.list_id == list_id
        )
    )
    return {PartyId(row.partner_id) for row in rows}


def own_tiers_lowest(
    ctx: Ctx, *, beside: ListId, sku_ids: Sequence[SkuId]
) -> dict[SkuId, dict[PartyId, int]]:
    """Read from which quantity on other lists hide the default one: SKU → partner → quantity."""
    rows = ctx.db.sa.execute(
        sa.select(
            t.price.c.sku_id,
            t.price_list_partner.c.partner_id,
            sa.func.min(t.price.c.quantity_min).label("quantity_min"),
        )
        .join(t.price_list_partner, t.price_list_partner.c.list_id == t.price.c.list_id)
        .where(t.price.c.sku_id == sa.any_(sa.literal(list(sku_ids), pgt.ARRAY(sa.Uuid))))
        .where(t.price.c.list_id != beside)
        .group_by(t.price.c.sku_id, t.price_list_partner.c.partner_id)
    )
    lowest: dict[SkuId, dict[PartyId, int]] = {}
    for row in rows:
        lowest.setdefault(SkuId(row.sku_id), {})[PartyId(row.partner_id)] = row.quantity_min
    return lowest


def prices_upsert(
    ctx: Ctx, *, list_id: ListId, rows: Sequence[PriceRow]
) -> list[tuple[SkuId, int, int, int]]:
    """Write prices and their history; gives (SKU, quantity_min, price, version) of real changes."""
    return ctx.db.rows(
        _PRICES_PUT,
        list_id,
        ctx.now,
        [row.sku_id for row in rows],
        [row.quantity_min for row in rows],
        [row.unit_price_minor for row in rows],
        ctx.actor.label(),
    )


def costs_upsert(ctx: Ctx, rows: Sequence[CostRow], suppliers: Mapping[SkuId, PartyId]) -> int:
    """Write costs and their history; says how many really changed."""
    return ctx.db.run(
        _COSTS_PUT,
        ctx.now,
        [row.sku_id for row in rows],
        [suppliers[row.sku_id] for row in rows],
        [row.unit_cost_minor for row in rows],
        ctx.actor.label(),
    ).rowcount


def book_rows(
    ctx: Ctx, *, partner_ids: Sequence[PartyId], sku_ids: Sequence[SkuId]
) -> Asked[BookRows]:
    """Read the partners' lists and the default one, their prices, and costs. Hot."""
    rows = ctx.db.ask(_BOOK, partner_ids, sku_ids, sku_ids)

    def read() -> BookRows:
        book = BookRows([], [], {})
        for what, first, second, quantity_min, amount_minor, version in rows():
            if what == 0:
                book.lists.append((first, second))
            elif what == 1:
                book.prices.append((first, second, quantity_min, amount_minor, version))
            else:
                book.costs[second] = amount_minor
        return book

    return read


def histories_off(ctx: Ctx) -> Iterator[tuple[str, str, str]]:
    """Find prices and costs that are not the last of their history: (check, where, what)."""
    yield from ctx.db.rows(_VERIFY)


def _price_list(row: sa.Row[Any]) -> PriceList:
    return PriceList(ListId(row.id), row.name, row.is_default)
