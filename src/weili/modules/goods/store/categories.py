"""SQL of what goods are sorted by: categories and brands."""

from collections.abc import Collection, Sequence

from weili.kit.context import Ctx, PartyId
from weili.modules.goods.model import BrandId, Category, CategoryId, CategoryNames


def categories_put(
    ctx: Ctx, wanted: Sequence[tuple[CategoryId, CategoryId | None, str, int]]
) -> dict[tuple[CategoryId | None, str], CategoryId]:
    """Make the categories of one level that are missing; give all of them by parent and name."""
    keys = [(parent_id, name) for _, parent_id, name, _ in wanted]
    known = _categories_read(ctx, keys)
    fresh = [each for each in wanted if each[1:3] not in known]
    # Nearly always all are there: a sheet names the same ones again with each of its lots.
    if not fresh:
        return known
    ctx.db.run(
        "INSERT INTO goods.category (id, parent_id, name, level)"
        " SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::int[])"
        " ON CONFLICT (parent_id, name) DO NOTHING",
        [category_id for category_id, _, _, _ in fresh],
        [parent_id for _, parent_id, _, _ in fresh],
        [name for _, _, name, _ in fresh],
        [level for _, _, _, level in fresh],
    )
    return _categories_read(ctx, keys)


def _categories_read(
    ctx: Ctx, keys: Sequence[tuple[CategoryId | None, str]]
) -> dict[tuple[CategoryId | None, str], CategoryId]:
    rows = ctx.db.rows(
        "SELECT c.parent_id, c.name, c.id FROM goods.category c"
        " JOIN unnest(%b::uuid[], %b::text[]) AS x (parent_id, name)"
        "  ON c.name = x.name AND c.parent_id IS NOT DISTINCT FROM x.parent_id",
        [parent_id for parent_id, _ in keys],
        [name for _, name in keys],
    )
    return {(parent_id, name): category_id for parent_id, name, category_id in rows}


def brands_put(ctx: Ctx, wanted: Sequence[tuple[BrandId, str]]) -> dict[str, BrandId]:
    """Make the brands that are missing; give all of them by name."""
    names = [name for _, name in wanted]
    known = _brands_read(ctx, names)
    fresh = [each for each in wanted if each[1] not in known]
    if not fresh:
        return known
    ctx.db.run(
        "INSERT INTO goods.brand (id, name) SELECT * FROM unnest(%b::uuid[], %b::text[])"
        " ON CONFLICT (name) DO NOTHING",
        [brand_id for brand_id, _ in fresh],
        [name for _, name in fresh],
    )
    return _brands_read(ctx, names)


def _brands_read(ctx: Ctx, names: Sequence[str]) -> dict[str, BrandId]:
    return dict(
        ctx.db.rows("SELECT name, id FROM goods.brand WHERE name = ANY (%b::text[])", names)
    )


def categories_below(
    ctx: Ctx, parent_id: CategoryId | None, *, partner_id: PartyId | None
) -> list[Category]:
    """Read the categories right below one, or the roots; those with goods for a partner, or all."""
    rows = ctx.db.rows(
        "SELECT k.id, k.parent_id, k.name, k.level FROM goods.category k"
        " WHERE k.parent_id IS NOT DISTINCT FROM %b::uuid AND (%b::uuid IS NULL OR EXISTS ("
        "  SELECT FROM goods.category c LEFT JOIN goods.category up ON up.id = c.parent_id"
        "  JOIN goods.spu u ON u.category_id = c.id"
        "  JOIN goods.sku s ON s.spu_id = u.id AND s.state = 'on_shelf'"
        "  JOIN goods.pool_sku p ON p.sku_id = s.id"
        "  JOIN goods.pool_grant g ON g.pool_id = p.pool_id"
        "  WHERE g.partner_id = %b::uuid AND k.id IN (c.id, c.parent_id, up.parent_id)))"
        " ORDER BY k.name",
        parent_id,
        partner_id,
        partner_id,
    )
    return [Category(*row) for row in rows]


def category_paths(ctx: Ctx) -> list[CategoryNames]:
    """Read the names from the top of every category there is."""
    rows = ctx.db.rows(
        "WITH RECURSIVE down AS (SELECT id, ARRAY[name] AS path FROM goods.category"
        "  WHERE parent_id IS NULL UNION ALL SELECT c.id, d.path || c.name FROM goods.category c"
        "  JOIN down d ON d.id = c.parent_id) SELECT path FROM down ORDER BY path"
    )
    return [tuple(path) for (path,) in rows]


def crooked_categories(ctx: Ctx) -> list[CategoryId]:
    """Find categories that are not one level below their parent."""
    rows = ctx.db.rows(
        "SELECT c.id FROM goods.category c JOIN goods.category p ON p.id = c.parent_id"
        " WHERE c.level <> p.level + 1 ORDER BY c.id"
    )
    return [category_id for (category_id,) in rows]


def categories_known(ctx: Ctx, category_ids: Collection[CategoryId]) -> frozenset[CategoryId]:
    """Say which of the ids are categories."""
    rows = ctx.db.rows(
        "SELECT id FROM goods.category WHERE id = ANY (%b::uuid[])", list(category_ids)
    )
    return frozenset(category_id for (category_id,) in rows)
