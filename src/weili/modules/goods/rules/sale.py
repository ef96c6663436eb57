"""Pure decisions about selling: how many an order line may ask for, and where to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from weili.kit.ids import id_text
from weili.kit.problems import FieldProblem, Problem, Said
from weili.modules.goods.model import (
    SKU_PREFIX,
    TERMS_DEFAULT,
    BundlePart,
    SaleTerms,
    SkuId,
    SkuKey,
    SkuOffer,
)
from weili.modules.goods.problems import (
    AreaNotOnSale,
    BundlePartUnfit,
    QuantityNotInPacks,
    QuantityTooLarge,
    QuantityTooSmall,
)
from weili.modules.regions import ancestors

QUANTITY_TERM_MAX: Final = 1_000_000
"""The largest limit that may be set; more is no limit."""

AREAS_MAX: Final = 200
PARTS_MAX: Final = 20
PART_QUANTITY_MAX: Final = 1_000


def line_check(offer: SkuOffer, *, line_no: int, quantity: int, area_code: str) -> Problem | None:
    """Say what speaks against selling so many of an SKU to an area; None when nothing does.

    The area's own code is looked for first, then those above it; the first that is named among the
    allowed or the excluded decides. Where none is, an SKU with allowed areas is not sold.
    """
    terms = offer.terms
    if terms is TERMS_DEFAULT:
        return None
    if quantity < terms.quantity_min:
        return QuantityTooSmall(
            line_no=line_no,
            sku_id=id_text(SKU_PREFIX, offer.sku_id),
            quantity=quantity,
            quantity_min=_quantity_first(terms),
        )
    if terms.quantity_max is not None and quantity > terms.quantity_max:
        return QuantityTooLarge(
            line_no=line_no,
            sku_id=id_text(SKU_PREFIX, offer.sku_id),
            quantity=quantity,
            quantity_max=terms.quantity_max // terms.pack_size * terms.pack_size,
        )
    if quantity % terms.pack_size:
        return QuantityNotInPacks(
            line_no=line_no,
            sku_id=id_text(SKU_PREFIX, offer.sku_id),
            quantity=quantity,
            pack_size=terms.pack_size,
        )
    if is_sold_to(terms, area_code):
        return None
    return AreaNotOnSale(
        line_no=line_no, sku_id=id_text(SKU_PREFIX, offer.sku_id), area_code=area_code
    )


def is_sold_to(terms: SaleTerms, area_code: str) -> bool:
    """Say whether an area lies where the terms allow selling."""
    if not terms.areas_allowed and not terms.areas_excluded:
        return True
    for code in ancestors(area_code):
        if code in terms.areas_excluded:
            return False
        if code in terms.areas_allowed:
            return True
    return not terms.areas_allowed


def parts_checked(
    bundle: SkuKey, parts: Sequence[tuple[str, int]], singles: Mapping[SkuKey, SkuId]
) -> tuple[BundlePart, ...]:
    """Give what a bundle is made of, in the order of the parts' ids.

    ``singles`` are the SKUs that may be parts, by supplier and code.

    Raises: BundlePartUnfit.
    """
    supplier_id, supplier_code = bundle
    found: dict[SkuId, BundlePart] = {}
    for code, quantity in parts:
        sku_id = singles.get((supplier_id, code))
        if (
            sku_id is None
            or sku_id in found
            or not 1 <= quantity <= PART_QUANTITY_MAX
            or len(parts) > PARTS_MAX
        ):
            raise BundlePartUnfit(
                supplier_code=supplier_code,
                part_code=code,
                parts_max=PARTS_MAX,
                quantity_max=PART_QUANTITY_MAX,
            )
        found[sku_id] = BundlePart(sku_id, quantity)
    return tuple(found[sku_id] for sku_id in sorted(found))


def terms_faults(terms: SaleTerms, *, path: str) -> Iterator[FieldProblem]:
    """List what is wrong with terms; ``path`` is the JSON pointer of what holds them.

    Whether the codes name regions is not seen here.
    """
    for name in ("quantity_min", "quantity_max", "pack_size"):
        value = getattr(terms, name)
        if value is not None and not 1 <= value <= QUANTITY_TERM_MAX:
            expected = Said(f"1 to {QUANTITY_TERM_MAX}", f"1 至 {QUANTITY_TERM_MAX}")
            yield FieldProblem(f"{path}/{name}", "out_of_range", expected)
            return
    first = _quantity_first(terms)
    if terms.quantity_max is not None and terms.quantity_max < first:
        expected = Said(
            f"at least {first}, the smallest number of whole packs that may be ordered",
            f"不小于 {first}（可订购的最小整包数量）",
        )
        yield FieldProblem(f"{path}/quantity_max", "nothing_orderable", expected)
    if max(len(terms.areas_allowed), len(terms.areas_excluded)) > AREAS_MAX:
        expected = Said(f"at most {AREAS_MAX} regions", f"不超过 {AREAS_MAX} 个地区")
        yield FieldProblem(f"{path}/areas_allowed", "too_many", expected)
    for code in sorted(set(terms.areas_allowed) & set(terms.areas_excluded)):
        expected = Said(
            f"regions that are not allowed as well; {code} is both",
            f"不与允许销售的地区重复；{code} 同时出现在两处",
        )
        yield FieldProblem(f"{path}/areas_excluded", "contradictory", expected)


def _quantity_first(terms: SaleTerms) -> int:
    """Give the smallest number that is allowed: whole packs, at least the minimum."""
    return -(-terms.quantity_min // terms.pack_size) * terms.pack_size
