"""The verbs of freight: templates, their rules, and whose goods travel by them."""

from collections.abc import Iterator, Sequence

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.findings import Finding
from weili.kit.ids import id_text, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, cursor_parse, limit_bounded, page_of
from weili.kit.problems import InputInvalid, NotFound
from weili.modules import goods, regions
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.pricing import rules
from weili.modules.pricing.model import (
    TEMPLATE_DEFAULT,
    TEMPLATE_PREFIX,
    FreightBasis,
    FreightRow,
    FreightTemplate,
    PutCount,
    TemplateId,
)
from weili.modules.pricing.problems import TEMPLATE_WORD, TemplateNameTaken
from weili.modules.pricing.rules import FreightBook
from weili.modules.pricing.store import freight as store


def template_open(ctx: Ctx, *, name: str, basis: FreightBasis) -> FreightTemplate:
    """Open a template without rules: it sends to nowhere yet.

    Raises: Forbidden; TemplateNameTaken.
    """
    ctx.require("admin:prices")
    template = FreightTemplate(TemplateId(new_id(ctx.now)), name, basis)
    if not store.template_insert(ctx, template):
        raise TemplateNameTaken(name=name)
    return template


def template_page(
    ctx: Ctx, *, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[FreightTemplate]:
    """Give templates in the order they were opened, the default one first.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require("admin:prices")
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.template_page(
        ctx, after=None if after is None else TemplateId(after), limit=limit + 1
    )
    return page_of(rows, limit=limit, key=lambda row: row.id.hex)


def freight_page(
    ctx: Ctx, *, template_id: TemplateId, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[FreightRow]:
    """Give a template's rules by region.

    Raises: Forbidden; CursorInvalid; NotFound, when there is no such template.
    """
    ctx.require("admin:prices")
    _template_get(ctx, template_id)
    limit = limit_bounded(limit)
    rows = store.rule_page(
        ctx, template_id=template_id, after=cursor_parse(cursor), limit=limit + 1
    )
    return page_of(rows, limit=limit, key=lambda row: row.region_code)


def freight_put(
    ctx: Ctx, *, rows: Sequence[FreightRow], template_id: TemplateId = TEMPLATE_DEFAULT
) -> PutCount:
    """Set a template's freight to regions; a narrower region's rule goes before a wider one's.

    Raises: Forbidden; InputInvalid; RegionUnknown; NotFound, when there is no such template.
    """
    ctx.require("admin:prices")
    rules.freight_rows_check(rows, _template_get(ctx, template_id).basis)
    codes = [row.region_code for row in rows]
    known = regions.regions_known(ctx, codes=codes)
    for code in codes:
        if code not in known:
            raise regions.RegionUnknown(region=code)
    changed = store.rules_upsert(ctx, template_id=template_id, rows=rows)
    return PutCount(changed, len(rows) - changed)


def freight_of_supplier(ctx: Ctx, *, supplier_id: PartyId, template_id: TemplateId) -> None:
    """Let a supplier's goods travel by a template; by the default one, as those of all others.

    Raises: Forbidden; NotFound, when there is no such template.
    """
    ctx.require("admin:prices")
    _template_get(ctx, template_id)
    store.supplier_set(ctx, supplier_id=supplier_id, template_id=template_id)


def freight_of_skus(
    ctx: Ctx, *, template_id: TemplateId, put: Sequence[SkuId], take: Sequence[SkuId] = ()
) -> int:
    """Let SKUs travel by a template, or again as their supplier's others; says how many changed.

    Raises: Forbidden; NotFound, when there is no such template; SkuUnknown.
    """
    ctx.require("admin:prices")
    _template_get(ctx, template_id)
    known = goods.skus_known(ctx, sku_ids=list(put))
    for sku_id in put:
        if sku_id not in known:
            raise goods.SkuUnknown(sku_id=id_text(SKU_PREFIX, sku_id))
    changed = store.skus_set(ctx, template_id=template_id, sku_ids=put)
    return changed + store.skus_take(ctx, template_id=template_id, sku_ids=take)


def freight_book(
    ctx: Ctx, *, area_codes: Sequence[str], sku_ids: Sequence[SkuId] = ()
) -> FreightBook:
    """Read the freight rules that a batch of orders needs, in one statement."""
    return freight_book_asked(ctx, area_codes=area_codes, sku_ids=sku_ids)()


def freight_book_asked(
    ctx: Ctx, *, area_codes: Sequence[str], sku_ids: Sequence[SkuId]
) -> Asked[FreightBook]:
    """Ask what ``freight_book`` gives, without waiting for it."""
    found = store.book_rows(
        ctx, sku_ids=list(set(sku_ids)), region_codes=regions.codes_above(area_codes)
    )
    return lambda: FreightBook(**found()._asdict())


def freight_ways(ctx: Ctx) -> list[tuple[PartyId, TemplateId, frozenset[str]]]:
    """Give, for each supplier, the templates its goods travel by and the regions these have."""
    ruled: dict[TemplateId, set[str]] = {}
    for template_id, _, row in store.rules_all(ctx):
        ruled.setdefault(template_id, set()).add(row.region_code)
    return [
        (supplier_id, template_id, frozenset(ruled.get(template_id, ())))
        for supplier_id, template_id in store.travelling(ctx)
    ]


def freight_verify(ctx: Ctx) -> Iterator[Finding]:
    """Find rules that no address can come to, and those that can't charge for what they count."""
    found = store.rules_all(ctx)
    ended = regions.regions_ended(ctx, codes={row.region_code for _, _, row in found})
    for template_id, basis, row in found:
        where = f"{id_text(TEMPLATE_PREFIX, template_id)} to {row.region_code}"
        if row.region_code in ended:
            yield Finding(
                "freight_region_in_force",
                where,
                "the region is no longer in force, so no address comes to the rule",
                "set freight to the regions that took its place",
            )
        try:
            rules.freight_rows_check([row], basis)
        except InputInvalid as refused:
            wrong = ", ".join(sorted({each.path.split("/")[-1] for each in refused.fields}))
            yield Finding(
                "freight_rule_fits",
                where,
                f"a template that counts by {basis} can't charge by it: {wrong}",
                "put the rule again with its units and amounts",
            )


def _template_get(ctx: Ctx, template_id: TemplateId) -> FreightTemplate:
    template = store.template_read(ctx, template_id=template_id)
    if template is None:
        raise NotFound(what=TEMPLATE_WORD, id=id_text(TEMPLATE_PREFIX, template_id))
    return template
