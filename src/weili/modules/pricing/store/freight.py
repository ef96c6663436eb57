"""SQL of freight templates: their rules, whose goods travel by them, and the book for orders."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.modules.goods import SkuId
from weili.modules.pricing import tables as t
from weili.modules.pricing.model import (
    TEMPLATE_DEFAULT,
    FreightBasis,
    FreightRow,
    FreightTemplate,
    TemplateId,
)

_RULES_PUT: Final = (
    "INSERT INTO pricing.freight_rule AS f (template_id, region_code, base_minor, first_units,"
    "  next_units, next_minor, free_from_minor, free_from_pieces, is_excluded, changed_at)"
    " SELECT %b::uuid, r, b, fu, nu, nm, fm, fp, x = 1, %b::timestamptz FROM unnest(%b::text[],"
    "  %b::bigint[], %b::int[], %b::int[], %b::bigint[], %b::bigint[], %b::int[], %b::int[])"
    "  AS y (r, b, fu, nu, nm, fm, fp, x) ORDER BY r"
    " ON CONFLICT (template_id, region_code) DO UPDATE SET base_minor = excluded.base_minor,"
    "  first_units = excluded.first_units, next_units = excluded.next_units,"
    "  next_minor = excluded.next_minor, free_from_minor = excluded.free_from_minor,"
    "  free_from_pieces = excluded.free_from_pieces, is_excluded = excluded.is_excluded,"
    "  changed_at = excluded.changed_at"
    "  WHERE (f.base_minor, f.first_units, f.next_units, f.next_minor, f.free_from_minor,"
    "    f.free_from_pieces, f.is_excluded)"
    "   IS DISTINCT FROM (excluded.base_minor, excluded.first_units, excluded.next_units,"
    "    excluded.next_minor, excluded.free_from_minor, excluded.free_from_pieces,"
    "    excluded.is_excluded)"
)
# An SKU's own template, else its supplier's, else the default one; and of all that are chosen the
# rules that hold any of the regions. One statement, whatever the batch. Its supplier is known by
# its cost: what has none is not sold.
_BOOK: Final = (
    "WITH chosen AS ("
    " SELECT c.sku_id, coalesce(k.template_id, p.template_id) AS template_id"
    "  FROM pricing.cost c LEFT JOIN pricing.freight_sku k ON k.sku_id = c.sku_id"
    "  LEFT JOIN pricing.freight_supplier p ON p.supplier_id = c.supplier_id"
    "  WHERE c.sku_id = ANY (%b::uuid[])"
    "  AND coalesce(k.template_id, p.template_id) IS NOT NULL)"
    " SELECT 0, template_id, sku_id, '', '', 0::bigint, 0, 0, 0::bigint, 0::bigint, 0, false"
    "  FROM chosen"
    " UNION ALL SELECT 1, r.template_id, NULL, f.basis, r.region_code, r.base_minor,"
    "  r.first_units, r.next_units, r.next_minor, r.free_from_minor, r.free_from_pieces,"
    "  r.is_excluded"
    "  FROM pricing.freight_rule r JOIN pricing.freight_template f ON f.id = r.template_id"
    "  WHERE r.region_code = ANY (%b::text[]) AND (r.template_id = %b::uuid"
    "   OR r.template_id = ANY (ARRAY(SELECT template_id FROM chosen)))"
)


class FreightBookRows(NamedTuple):
    """What freight is made of."""

    templates: dict[SkuId, TemplateId]
    bases: dict[TemplateId, FreightBasis]
    rules: dict[tuple[TemplateId, str], FreightRow]


def template_insert(ctx: Ctx, template: FreightTemplate) -> bool:
    """Write a template; says no when its name is taken."""
    made = ctx.db.sa.execute(
        pgt.insert(t.freight_template)
        .values(id=template.id, name=template.name, basis=template.basis, created_at=ctx.now)
        .on_conflict_do_nothing()
        .returning(t.freight_template.c.id)
    )
    return made.first() is not None


def template_read(ctx: Ctx, *, template_id: TemplateId) -> FreightTemplate | None:
    """Read one template."""
    query = sa.select(t.freight_template).where(t.freight_template.c.id == template_id)
    row = ctx.db.sa.execute(query).one_or_none()
    return _template(row) if row else None


def template_page(ctx: Ctx, *, after: TemplateId | None, limit: int) -> list[FreightTemplate]:
    """Read templates in the order they were opened, the default one first."""
    query = sa.select(t.freight_template).order_by(t.freight_template.c.id).limit(limit)
    if after is not None:
        query = query.where(t.freight_template.c.id > after)
    return [_template(row) for row in ctx.db.sa.execute(query)]


def rule_page(
    ctx: Ctx, *, template_id: TemplateId, after: str | None, limit: int
) -> list[FreightRow]:
    """Read a template's rules by region."""
    rule = t.freight_rule
    query = sa.select(rule).where(rule.c.template_id == template_id)
    if after is not None:
        query = query.where(rule.c.region_code > after)
    return [
        _rule(row) for row in ctx.db.sa.execute(query.order_by(rule.c.region_code).limit(limit))
    ]


def rules_all(ctx: Ctx) -> list[tuple[TemplateId, FreightBasis, FreightRow]]:
    """Read every rule with its template and what that counts."""
    rows = ctx.db.rows(
        "SELECT r.template_id, f.basis, r.region_code, r.base_minor, r.free_from_minor,"
        "  r.first_units, r.next_units, r.next_minor, r.free_from_pieces, r.is_excluded"
        " FROM pricing.freight_rule r JOIN pricing.freight_template f ON f.id = r.template_id"
        " ORDER BY r.template_id, r.region_code"
    )
    return [(row[0], FreightBasis(row[1]), FreightRow(*row[2:])) for row in rows]


def travelling(ctx: Ctx) -> list[tuple[PartyId, TemplateId]]:
    """Read by which templates the goods of each supplier travel."""
    return ctx.db.rows(
        "SELECT DISTINCT c.supplier_id, coalesce(k.template_id, p.template_id, %b::uuid)"
        " FROM pricing.cost c LEFT JOIN pricing.freight_sku k ON k.sku_id = c.sku_id"
        " LEFT JOIN pricing.freight_supplier p ON p.supplier_id = c.supplier_id ORDER BY 1, 2",
        TEMPLATE_DEFAULT,
    )


def rules_upsert(ctx: Ctx, *, template_id: TemplateId, rows: Sequence[FreightRow]) -> int:
    """Write freight rules; says how many really changed."""
    return ctx.db.run(
        _RULES_PUT,
        template_id,
        ctx.now,
        [row.region_code for row in rows],
        [row.base_minor for row in rows],
        [row.first_units for row in rows],
        [row.next_units for row in rows],
        [row.next_minor for row in rows],
        [row.free_from_minor for row in rows],
        [row.free_from_pieces for row in rows],
        [int(row.is_excluded) for row in rows],
    ).rowcount


def supplier_set(ctx: Ctx, *, supplier_id: PartyId, template_id: TemplateId) -> None:
    """Let a supplier's goods travel by a template; the default one is what there is without."""
    table = t.freight_supplier
    if template_id == TEMPLATE_DEFAULT:
        ctx.db.sa.execute(sa.delete(table).where(table.c.supplier_id == supplier_id))
        return
    ctx.db.sa.execute(
        pgt.insert(table)
        .values(supplier_id=supplier_id, template_id=template_id)
        .on_conflict_do_update(index_elements=["supplier_id"], set_={"template_id": template_id})
    )


def skus_set(ctx: Ctx, *, template_id: TemplateId, sku_ids: Sequence[SkuId]) -> int:
    """Let SKUs travel by a template, whoever supplies them; says how many did not before."""
    return ctx.db.run(
        "INSERT INTO pricing.freight_sku AS f (sku_id, template_id)"
        " SELECT s, %b::uuid FROM unnest(%b::uuid[]) AS x (s) ORDER BY s"
        " ON CONFLICT (sku_id) DO UPDATE SET template_id = excluded.template_id"
        " WHERE f.template_id <> excluded.template_id",
        template_id,
        sorted(set(sku_ids)),
    ).rowcount


def skus_take(ctx: Ctx, *, template_id: TemplateId, sku_ids: Sequence[SkuId]) -> int:
    """Let SKUs travel as their supplier's others; says how many did otherwise."""
    return ctx.db.run(
        "DELETE FROM pricing.freight_sku WHERE template_id = %b AND sku_id = ANY (%b::uuid[])",
        template_id,
        list(sku_ids),
    ).rowcount


def book_rows(
    ctx: Ctx, *, sku_ids: Sequence[SkuId], region_codes: Sequence[str]
) -> Asked[FreightBookRows]:
    """Read by which templates the SKUs travel, and those templates' rules. Hot."""
    rows = ctx.db.ask(_BOOK, sku_ids, region_codes, TEMPLATE_DEFAULT)

    def read() -> FreightBookRows:
        book = FreightBookRows({}, {}, {})
        for what, template_id, sku_id, basis, *rule in rows():
            if what == 0:
                book.templates[sku_id] = template_id
            else:
                code, base, first, step, fee, free, pieces, is_excluded = rule
                book.bases[template_id] = FreightBasis(basis)
                row = FreightRow(code, base, free, first, step, fee, pieces, is_excluded)
                book.rules[template_id, code] = row
        return book

    return read


def _template(row: sa.Row[Any]) -> FreightTemplate:
    return FreightTemplate(TemplateId(row.id), row.name, FreightBasis(row.basis))


def _rule(row: sa.Row[Any]) -> FreightRow:
    return FreightRow(
        row.region_code,
        row.base_minor,
        row.free_from_minor,
        row.first_units,
        row.next_units,
        row.next_minor,
        row.free_from_pieces,
        row.is_excluded,
    )
