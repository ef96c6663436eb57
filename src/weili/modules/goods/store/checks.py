"""SQL of what breaks an invariant of goods."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx
from weili.modules.goods import tables as t
from weili.modules.goods.model import SkuId, SkuState, SpuId


def histories(ctx: Ctx) -> Iterator[tuple[SkuId, SkuState, list[SkuState]]]:
    """Read every SKU's state, and the states its history went through, in order."""
    states = sa.func.array_agg(
        pgt.aggregate_order_by(t.sku_history.c.state, t.sku_history.c.id)
    ).filter(t.sku_history.c.sku_id.is_not(None))
    found = ctx.db.sa.execute(
        sa.select(t.sku.c.id, t.sku.c.state, states)
        .outerjoin(t.sku_history, t.sku_history.c.sku_id == t.sku.c.id)
        .group_by(t.sku.c.id),
        execution_options={"yield_per": 1_000},
    )
    for sku_id, state, before in found:
        yield sku_id, SkuState(state), [SkuState(each) for each in before or ()]


def foreign_spus(ctx: Ctx) -> list[tuple[SkuId, SpuId]]:
    """Find SKUs whose SPU is another supplier's."""
    rows = ctx.db.rows(
        "SELECT s.id, u.id FROM goods.sku s JOIN goods.spu u ON u.id = s.spu_id"
        " WHERE u.supplier_id <> s.supplier_id ORDER BY s.id"
    )
    return [(sku_id, spu_id) for sku_id, spu_id in rows]


def crooked_bundles(ctx: Ctx) -> list[SkuId]:
    """Find bundles without parts, or with parts that can't be; and singles that have some."""
    rows = ctx.db.rows(
        "SELECT s.id FROM goods.sku s WHERE s.kind = 'bundle' AND NOT EXISTS ("
        "  SELECT FROM goods.bundle_part p WHERE p.bundle_id = s.id)"
        " UNION SELECT p.bundle_id FROM goods.bundle_part p"
        "  JOIN goods.sku s ON s.id = p.bundle_id JOIN goods.sku x ON x.id = p.sku_id"
        "  WHERE s.kind <> 'bundle' OR x.kind <> 'single' OR x.supplier_id <> s.supplier_id"
        " ORDER BY 1"
    )
    return [sku_id for (sku_id,) in rows]
