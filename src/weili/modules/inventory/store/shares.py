"""SQL of shares: what is kept for partners, and who took what out of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from weili.kit.context import Ctx, PartyId
from weili.modules.goods import SkuId
from weili.modules.inventory.model import Place, Share, ShareId
from weili.modules.inventory.store.shelves import touch_shelves

_SHARE: Final = (
    "SELECT id, sku_id, warehouse_id, partner_ids, quantity, unsold, ends_at, ended_at"
    " FROM inventory.share"
)
# Of each release, what its subject had taken out of shares goes back there first, share by share,
# unless the share has ended: then it is anyone's.
_BACK: Final = (
    "WITH used AS (SELECT u.subject, u.share_id, h.sku_id, h.warehouse_id, x.n,"
    "  u.quantity - u.returned AS out"
    "  FROM unnest(%b::text[], %b::uuid[], %b::uuid[], %b::bigint[]) AS x (j, k, w, n)"
    "  JOIN inventory.share_use u ON u.subject = x.j"
    "  JOIN inventory.share h ON h.id = u.share_id AND h.sku_id = x.k AND h.warehouse_id = x.w"
    "  WHERE h.ended_at IS NULL AND u.quantity > u.returned),"
    " due AS (SELECT subject, share_id, sku_id, warehouse_id, least(out, n - coalesce(sum(out)"
    "  OVER (PARTITION BY subject, sku_id, warehouse_id ORDER BY share_id"
    "   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS back FROM used),"
    " returned AS (UPDATE inventory.share_use u SET returned = u.returned + d.back FROM due d"
    "  WHERE u.subject = d.subject AND u.share_id = d.share_id AND d.back > 0),"
    " shares AS (UPDATE inventory.share h SET unsold = h.unsold + d.back FROM"
    "  (SELECT share_id, sum(back) AS back FROM due WHERE back > 0 GROUP BY share_id) d"
    "  WHERE h.id = d.share_id)"
    " UPDATE inventory.stock s SET shared = s.shared + d.back FROM"
    "  (SELECT sku_id, warehouse_id, sum(back) AS back FROM due WHERE back > 0"
    "   GROUP BY sku_id, warehouse_id) d"
    " WHERE s.sku_id = d.sku_id AND s.warehouse_id = d.warehouse_id"
)


def shares_insert(ctx: Ctx, shares: Sequence[Share]) -> None:
    """Write new shares; their places are locked and hold enough."""
    for share in shares:
        ctx.db.run(
            "INSERT INTO inventory.share (id, sku_id, warehouse_id, partner_ids, quantity, unsold,"
            " ends_at, due_at, created_at)"
            " VALUES (%b, %b, %b, %b::uuid[], %b::bigint, %b::bigint, %b, %b, %b)",
            share.id,
            share.sku_id,
            share.warehouse_id,
            share.partner_ids,
            share.quantity,
            share.unsold,
            share.ends_at,
            share.ends_at,
            ctx.now,
        )


def shared_add(ctx: Ctx, deltas: Mapping[Place, int]) -> None:
    """Keep more (or less) of locked places."""
    places = sorted(deltas)
    ctx.db.run(
        "UPDATE inventory.stock s SET shared = s.shared + x.n, changed_at = %b::timestamptz"
        " FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[]) AS x (k, w, n)"
        " WHERE s.sku_id = x.k AND s.warehouse_id = x.w",
        ctx.now,
        [sku_id for sku_id, _ in places],
        [warehouse_id for _, warehouse_id in places],
        [deltas[place] for place in places],
    )
    touch_shelves(ctx, [sku_id for sku_id, _ in places])


def shares_get(ctx: Ctx, *, ids: Sequence[ShareId]) -> dict[ShareId, Share]:
    """Read shares; one that does not exist is absent."""
    return {
        row[0]: Share(*row) for row in ctx.db.rows(_SHARE + " WHERE id = ANY (%b::uuid[])", ids)
    }


def shares_lock(ctx: Ctx, *, ids: Sequence[ShareId]) -> list[Share]:
    """Lock shares in the order of their ids; their places are locked already."""
    statement = _SHARE + " WHERE id = ANY (%b::uuid[]) ORDER BY id FOR UPDATE"
    return [Share(*row) for row in ctx.db.rows(statement, ids)]


def share_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    sku_id: SkuId | None,
    after: ShareId | None,
    limit: int,
) -> list[Share]:
    """Read shares in the order they were opened."""
    rows = ctx.db.rows(
        _SHARE + " WHERE (%b::uuid IS NULL OR %b = ANY (partner_ids))"
        " AND (%b::uuid IS NULL OR sku_id = %b) AND (%b::uuid IS NULL OR id > %b)"
        " ORDER BY id LIMIT %b",
        partner_id,
        partner_id,
        sku_id,
        sku_id,
        after,
        after,
        limit,
    )
    return [Share(*row) for row in rows]


def shares_due(ctx: Ctx, *, now: datetime, limit: int) -> list[ShareId]:
    """Find shares whose end has come."""
    rows = ctx.db.rows(
        "SELECT id FROM inventory.share WHERE due_at <= %b ORDER BY due_at LIMIT %b", now, limit
    )
    return [row[0] for row in rows]


def shares_end(ctx: Ctx, *, ids: Sequence[ShareId]) -> None:
    """Write that locked shares have ended, with nothing left in them."""
    ctx.db.run(
        "UPDATE inventory.share SET unsold = 0, due_at = NULL, ended_at = %b::timestamptz"
        " WHERE id = ANY (%b::uuid[])",
        ctx.now,
        ids,
    )


def shares_take(ctx: Ctx, takes: Mapping[tuple[str, ShareId], int]) -> None:
    """Take pieces out of locked shares and write who took them; fetches nothing. Hot.

    A share that would give more than it has is refused by its CHECK.
    """
    sums: dict[ShareId, int] = {}
    for (_, share_id), count in takes.items():
        sums[share_id] = sums.get(share_id, 0) + count
    ctx.db.run(
        "UPDATE inventory.share h SET unsold = h.unsold - x.n"
        " FROM unnest(%b::uuid[], %b::bigint[]) AS x (i, n) WHERE h.id = x.i",
        list(sums),
        list(sums.values()),
    )
    ctx.db.run(
        "INSERT INTO inventory.share_use (subject, share_id, quantity, returned)"
        " SELECT j, i, n, 0 FROM unnest(%b::text[], %b::uuid[], %b::bigint[]) AS x (j, i, n)",
        [subject for subject, _ in takes],
        [share_id for _, share_id in takes],
        list(takes.values()),
    )


def shares_back(ctx: Ctx, releases: Mapping[tuple[str, Place], int]) -> None:
    """Give what is released back to the shares it came out of; fetches nothing.

    The shelves are touched already, by whoever wrote the release.
    """
    ctx.db.run(
        _BACK,
        [subject for subject, _ in releases],
        [place[0] for _, place in releases],
        [place[1] for _, place in releases],
        list(releases.values()),
    )


def shares_off(ctx: Ctx) -> list[Any]:
    """Find shares and places that don't fit together.

    Gives (what, SKU, warehouse, stated, summed): places whose ``shared`` is not what their open
    shares have left; shares whose ``unsold`` is not what was kept less what was taken.
    """
    return ctx.db.rows(
        "SELECT 'place', s.sku_id, s.warehouse_id, s.shared, coalesce(h.unsold, 0)"
        " FROM inventory.stock s LEFT JOIN (SELECT sku_id, warehouse_id,"
        "  sum(unsold)::bigint AS unsold FROM inventory.share GROUP BY sku_id, warehouse_id) h"
        " ON h.sku_id = s.sku_id AND h.warehouse_id = s.warehouse_id"
        " WHERE s.shared <> coalesce(h.unsold, 0) OR s.reserved + s.shared > s.on_hand"
        " UNION ALL SELECT 'share', h.sku_id, h.warehouse_id, h.unsold,"
        "  h.quantity - coalesce(u.out, 0) FROM inventory.share h LEFT JOIN ("
        "  SELECT share_id, sum(quantity - returned)::bigint AS out"
        "  FROM inventory.share_use GROUP BY share_id) u ON u.share_id = h.id"
        " WHERE h.ended_at IS NULL AND h.unsold <> h.quantity - coalesce(u.out, 0)"
        " ORDER BY 1, 2, 3"
    )
