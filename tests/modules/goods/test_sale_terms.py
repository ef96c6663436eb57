"""How many of an SKU a line may ask for and where to, and what bundles are made of."""

import pytest

from tests.modules.goods.test_goods import partners, put_on_shelf, row, supplier
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import new_id
from weili.modules import goods
from weili.modules.goods import (
    BundleFrozen,
    BundlePart,
    BundlePartUnfit,
    ReturnPolicy,
    SaleTerms,
    SkuKind,
    SkuOffer,
    SkuState,
    line_check,
)

__all__ = ["partners", "supplier"]

XIHU, HANGZHOU, ZHEJIANG, TIANJIN = "330106", "330100", "330000", "120101"


def offer(ctx: Ctx, terms: SaleTerms) -> SkuOffer:
    return SkuOffer(
        goods.SkuId(new_id(ctx.now)),
        PartyId(new_id(ctx.now)),
        "HY1",
        "香米",
        "",
        900,
        ReturnPolicy.SEVEN_DAYS_NO_REASON,
        0,
        "件",
        None,
        terms,
    )


def code_for(ctx: Ctx, terms: SaleTerms, quantity: int, area_code: str = XIHU) -> str | None:
    problem = line_check(offer(ctx, terms), line_no=1, quantity=quantity, area_code=area_code)
    return problem and problem.code


@pytest.mark.parametrize(
    ("terms", "quantity", "code"),
    [
        (SaleTerms(), 1, None),
        (SaleTerms(quantity_min=3), 2, "quantity_too_small"),
        (SaleTerms(quantity_min=3), 3, None),
        (SaleTerms(quantity_max=5), 5, None),
        (SaleTerms(quantity_max=5), 6, "quantity_too_large"),
        (SaleTerms(pack_size=6), 6, None),
        (SaleTerms(pack_size=6), 5, "quantity_not_in_packs"),
        (SaleTerms(quantity_min=5, pack_size=6), 4, "quantity_too_small"),
        (SaleTerms(pack_size=6), 7, "quantity_not_in_packs"),
        (SaleTerms(quantity_min=7, quantity_max=24, pack_size=6), 12, None),
        (SaleTerms(quantity_min=7, quantity_max=24, pack_size=6), 25, "quantity_too_large"),
    ],
)
def test_a_line_keeps_within_limits_and_whole_packs(
    ctx: Ctx, terms: SaleTerms, quantity: int, code: str | None
) -> None:
    assert code_for(ctx, terms, quantity) == code


@pytest.mark.parametrize(
    ("allowed", "excluded", "area_code", "is_sold"),
    [
        ((), (), XIHU, True),
        ((ZHEJIANG,), (), XIHU, True),
        ((ZHEJIANG,), (), TIANJIN, False),
        ((), (ZHEJIANG,), XIHU, False),
        ((), (ZHEJIANG,), TIANJIN, True),
        # The narrowest that is named decides.
        ((HANGZHOU,), (ZHEJIANG,), XIHU, True),
        ((ZHEJIANG,), (HANGZHOU,), XIHU, False),
        (("000000",), (ZHEJIANG,), TIANJIN, True),
    ],
)
def test_the_narrowest_region_that_is_named_decides_where_it_is_sold(
    ctx: Ctx,
    allowed: tuple[str, ...],
    excluded: tuple[str, ...],
    area_code: str,
    *,
    is_sold: bool,
) -> None:
    terms = SaleTerms(areas_allowed=allowed, areas_excluded=excluded)

    assert code_for(ctx, terms, 1, area_code) == (None if is_sold else "area_not_on_sale")


def test_offers_carry_terms_and_the_parts_of_bundles(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    # Given two SKUs, one of them with terms, and a bundle of two of the one and three of the other
    terms = SaleTerms(2, 20, 2, (ZHEJIANG,), (HANGZHOU,))
    rows = [
        row(supplier, 1),
        row(supplier, 2)._replace(terms=terms),
        row(supplier, 3)._replace(parts=(("HY2", 3), ("HY1", 2))),
    ]
    put = goods.goods_put(ctx, rows=rows, state=SkuState.ON_SHELF)
    one, two, bundle = (put.sku_ids[supplier, f"HY{n}"] for n in (1, 2, 3))
    pool_id = goods.pool_open(ctx, name="甲")
    goods.pool_put(ctx, pool_id=pool_id, sku_ids=[one, two, bundle])
    goods.pool_grant(ctx, pool_id=pool_id, partner_id=partners[0])

    # When a partner looks
    offers = goods.skus_visible(ctx, pairs=[(partners[0], sku) for sku in (one, two, bundle)])

    # Then it is told all of it in one statement
    assert offers[partners[0], one].terms is goods.TERMS_DEFAULT
    assert offers[partners[0], two].terms == terms
    parts = tuple(sorted([BundlePart(one, 2), BundlePart(two, 3)], key=lambda part: part.sku_id))
    assert offers[partners[0], bundle].parts == parts
    assert offers[partners[0], one].parts == ()
    assert goods.bundle_parts(ctx, sku_ids=[one, bundle]) == {bundle: parts}
    found = goods.skus_get(ctx, sku_ids=[two, bundle])
    assert (found[two].terms, found[two].kind) == (terms, SkuKind.SINGLE)
    assert found[bundle].kind is SkuKind.BUNDLE


def test_parts_that_a_partner_may_not_order_do_not_exist_for_it(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    rows = [
        row(supplier, 1),
        row(supplier, 2),
        row(supplier, 3)._replace(parts=(("HY2", 3), ("HY1", 2))),
    ]
    put = goods.goods_put(ctx, rows=rows, state=SkuState.ON_SHELF)
    one, _, bundle = (put.sku_ids[supplier, f"HY{n}"] for n in (1, 2, 3))
    pool_id = goods.pool_open(ctx, name="甲")
    goods.pool_put(ctx, pool_id=pool_id, sku_ids=[one, bundle])
    goods.pool_grant(ctx, pool_id=pool_id, partner_id=partners[0])

    parts = goods.bundle_parts_seen(ctx, sku_id=bundle, partner_id=partners[0])

    assert parts == [BundlePart(one, 2)]
    assert goods.bundle_parts_seen(ctx, sku_id=one, partner_id=partners[0]) == []


def test_a_row_without_terms_leaves_them_and_one_with_terms_is_in_the_history(
    ctx: Ctx, supplier: PartyId
) -> None:
    terms = SaleTerms(quantity_min=2, areas_excluded=(ZHEJIANG,))
    [sku_id] = goods.goods_put(ctx, rows=[row(supplier)._replace(terms=terms)]).created

    assert goods.goods_put(ctx, rows=[row(supplier)]).unchanged == {sku_id}
    goods.goods_put(ctx, rows=[row(supplier)._replace(terms=SaleTerms(quantity_max=9))])

    assert goods.skus_get(ctx, sku_ids=[sku_id])[sku_id].terms == SaleTerms(quantity_max=9)
    [(changes,)] = ctx.db.rows(
        "SELECT changes FROM goods.sku_history WHERE sku_id = %b AND kind = 'updated'", sku_id
    )
    assert changes == {
        "quantity_min": [2, 1],
        "quantity_max": [None, 9],
        "areas_excluded": [[ZHEJIANG], []],
    }


def test_what_a_bundle_is_made_of_never_changes(ctx: Ctx, supplier: PartyId) -> None:
    singles = [row(supplier, 1), row(supplier, 2)]
    bundle = row(supplier, 3)._replace(parts=(("HY1", 1), ("HY2", 1)))
    goods.goods_put(ctx, rows=[*singles, bundle])

    again = goods.goods_put(ctx, rows=[*singles, bundle])
    assert len(again.unchanged) == 3
    for parts in ((("HY1", 2), ("HY2", 1)), (("HY1", 1),)):
        with pytest.raises(BundleFrozen):
            goods.goods_put(ctx, rows=[bundle._replace(parts=parts)])
    with pytest.raises(BundleFrozen):
        goods.goods_put(ctx, rows=[row(supplier, 1)._replace(parts=(("HY2", 1),))])


@pytest.mark.parametrize(
    "parts",
    [
        (("HY9", 1), ("HY1", 1)),
        (("HY1", 0), ("HY2", 1)),
        (("HY1", 1), ("HY1", 1)),
        (("HY3", 2),),
        (("HY4", 2),),
    ],
    ids=["unknown", "none of it", "twice", "itself", "another bundle"],
)
def test_a_bundle_is_made_of_its_suppliers_own_single_skus(
    ctx: Ctx, supplier: PartyId, parts: tuple[tuple[str, int], ...]
) -> None:
    goods.goods_put(ctx, rows=[row(supplier, 1), row(supplier, 2)])
    goods.goods_put(ctx, rows=[row(supplier, 4)._replace(parts=(("HY1", 2),))])

    with pytest.raises(BundlePartUnfit):
        goods.goods_put(ctx, rows=[row(supplier, 3)._replace(parts=parts)])


def test_terms_that_let_nothing_be_ordered_are_faulted() -> None:
    def faults(terms: SaleTerms) -> list[tuple[str, str]]:
        return [(fault.path, fault.code) for fault in goods.terms_faults(terms, path="/t")]

    assert faults(SaleTerms(2, 24, 6, (ZHEJIANG,), (HANGZHOU,))) == []
    assert faults(SaleTerms(quantity_max=5, pack_size=6)) == [
        ("/t/quantity_max", "nothing_orderable")
    ]
    assert faults(SaleTerms(quantity_min=0)) == [("/t/quantity_min", "out_of_range")]
    assert faults(SaleTerms(areas_allowed=(XIHU,), areas_excluded=(XIHU,))) == [
        ("/t/areas_excluded", "contradictory")
    ]


def test_put_on_shelf_is_the_default(ctx: Ctx, supplier: PartyId) -> None:
    [sku_id] = put_on_shelf(ctx, supplier, 1)

    assert goods.skus_get(ctx, sku_ids=[sku_id])[sku_id].terms is goods.TERMS_DEFAULT
