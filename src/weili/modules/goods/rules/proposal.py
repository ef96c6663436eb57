"""Pure decisions about proposed goods: what is wrong with them, and what rows they become."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from stdnum import ean

from weili.kit.context import PartyId
from weili.kit.problems import FieldProblem, Said
from weili.modules.goods.model import (
    Attribute,
    BrandKind,
    CategoryNames,
    GoodsProposal,
    GoodsRow,
    MediaId,
    SkuProposal,
)
from weili.modules.goods.rules.sale import PART_QUANTITY_MAX, PARTS_MAX, terms_faults
from weili.modules.goods.rules.sheet import TAX_RATES_BPS
from weili.modules.goods.rules.template import attributes_faults, variants_faults

SKUS_MAX: Final = 200
"""Variants of one SPU in a proposal."""

MEDIA_MAX: Final = 60


def proposal_faults(
    proposal: GoodsProposal,
    *,
    template: Mapping[str, Attribute],
    others: Sequence[Mapping[str, str]],
    media: Collection[MediaId],
    areas: Collection[str],
    parts: Collection[str],
) -> Iterator[FieldProblem]:
    """List all that keeps proposed goods from being reviewed.

    ``others`` are the variants that the SPU has besides, ``media`` what its supplier has sent,
    ``areas`` the region codes that exist, ``parts`` its codes of single SKUs.
    """
    yield from attributes_faults(template, proposal.attributes, path="/attributes")
    variants = [sku.variant_values for sku in proposal.skus]
    yield from variants_faults(template, variants, others, path="/skus")
    if proposal.brand_kind is not BrandKind.NATIONAL and not proposal.brand:
        expected = Said("the brand's name, since its kind is stated", "已选品牌类型时须填写品牌")
        yield FieldProblem("/brand", "missing", expected)
    seen: set[str] = set()
    for index, sku in enumerate(proposal.skus):
        if sku.supplier_code in seen:
            expected = Said("each code once", "编码不重复")
            yield FieldProblem(f"/skus/{index}/supplier_code", "repeated", expected)
        seen.add(sku.supplier_code)
        yield from _sku_faults(sku, f"/skus/{index}", areas)
        yield from _parts_faults(sku, f"/skus/{index}/parts", parts)
    for index, link in enumerate(proposal.media):
        if link.media_id not in media:
            expected = Said("the id of media that you have sent", "您已上传的媒体文件 id")
            yield FieldProblem(f"/media/{index}/media_id", "unknown", expected)
        if link.supplier_code is not None and link.supplier_code not in seen:
            expected = Said("the code of a SKU of these goods, or null", "本商品 SKU 的编码或 null")
            yield FieldProblem(f"/media/{index}/supplier_code", "unknown", expected)
    if len({link.media_id for link in proposal.media}) < len(proposal.media):
        yield FieldProblem("/media", "repeated", Said("each file once", "文件不重复"))


def _sku_faults(sku: SkuProposal, path: str, areas: Collection[str]) -> Iterator[FieldProblem]:
    if sku.gtin is not None and not ean.is_valid(sku.gtin):
        expected = Said(
            "8, 12, 13 or 14 digits with a right check digit, or null",
            "8、12、13 或 14 位数字且校验位正确，或 null",
        )
        yield FieldProblem(f"{path}/gtin", "unfit", expected)
    if sku.tax_rate_bps not in TAX_RATES_BPS:
        listed = [str(rate) for rate in TAX_RATES_BPS]
        expected = Said(f"one of {', '.join(listed)}", f"{'、'.join(listed)} 之一")
        yield FieldProblem(f"{path}/tax_rate_bps", "unfit", expected)
    yield from terms_faults(sku.terms, path=f"{path}/terms")
    for index, (before, cost) in enumerate(pairwise(sku.later_costs), start=1):
        if cost.valid_from <= before.valid_from:
            moment = before.valid_from.isoformat()
            expected = Said(f"later than {moment}", f"晚于 {moment}")
            yield FieldProblem(f"{path}/later_costs/{index}/valid_from", "unfit", expected)
    for name in ("areas_allowed", "areas_excluded"):
        for index, code in enumerate(getattr(sku.terms, name)):
            if code not in areas:
                expected = Said("the code of a region", "地区代码")
                yield FieldProblem(f"{path}/terms/{name}/{index}", "unknown", expected)


def _parts_faults(sku: SkuProposal, path: str, known: Collection[str]) -> Iterator[FieldProblem]:
    codes = [code for code, _ in sku.parts]
    is_odd = len(set(codes)) < len(codes) or sku.supplier_code in codes or len(codes) > PARTS_MAX
    if is_odd or not all(1 <= quantity <= PART_QUANTITY_MAX for _, quantity in sku.parts):
        expected = Said(
            f"up to {PARTS_MAX} other SKUs, each once, 1 to {PART_QUANTITY_MAX} pieces of it",
            f"不超过 {PARTS_MAX} 种其他 SKU，各一次，数量 1 至 {PART_QUANTITY_MAX}",
        )
        yield FieldProblem(path, "unfit", expected)
    for index, code in enumerate(codes):
        if code not in known:
            expected = Said("the code of a SKU of yours that is no bundle", "您的单品 SKU 编码")
            yield FieldProblem(f"{path}/{index}/supplier_code", "unknown", expected)


def proposal_rows(
    proposal: GoodsProposal, *, supplier_id: PartyId, category: CategoryNames
) -> list[GoodsRow]:
    """Give the rows that proposed goods become, those without parts first."""
    rows = [
        GoodsRow(
            supplier_id=supplier_id,
            supplier_code=sku.supplier_code,
            title=proposal.title,
            category=category,
            brand=proposal.brand,
            brand_kind=proposal.brand_kind,
            spu_code=proposal.spu_code,
            variant=" / ".join(sku.variant_values.values()),
            attributes=dict(proposal.attributes),
            gtin=sku.gtin,
            unit=sku.unit,
            weight_g=sku.weight_g,
            tax_rate_bps=sku.tax_rate_bps,
            return_policy=sku.return_policy,
            compare_at_minor=sku.compare_at_minor,
            terms=sku.terms,
            parts=sku.parts,
            variant_values=dict(sku.variant_values),
        )
        for sku in proposal.skus
    ]
    return sorted(rows, key=lambda row: bool(row.parts))
