"""Goods are put by rows, shelved, pooled, and seen by those to whom a pool is granted."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from psycopg import errors as pg

from weili import sample
from weili.kit.context import SYSTEM_PARTY, Actor, Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.problems import CursorInvalid, Forbidden, StateConflict
from weili.modules import goods, parties
from weili.modules.goods import (
    POOL_PREFIX,
    SKU_PREFIX,
    BrandKind,
    GoodsRow,
    PoolId,
    PoolNameTaken,
    PoolUnknown,
    SkuId,
    SkuState,
    SkuUnknown,
)
from weili.modules.parties import PartyKind

RICE = ("粮油调味", "米面杂粮", "大米")


@pytest.fixture
def supplier(ctx: Ctx) -> PartyId:
    given = sample.suppliers()[0]
    return parties.party_open(
        ctx,
        kind=PartyKind.SUPPLIER,
        name=given.short_name,
        legal_name=given.legal_name,
        uscc=given.uscc,
    ).id


@pytest.fixture
def partners(ctx: Ctx) -> list[PartyId]:
    return [
        parties.party_open(
            ctx,
            kind=PartyKind.PARTNER,
            name=given.name,
            legal_name=given.legal_name,
            uscc=given.uscc,
        ).id
        for given in sample.partners()[:2]
    ]


def row(supplier: PartyId, n: int = 1) -> GoodsRow:
    return GoodsRow(
        supplier,
        f"HY{n}",
        f"稻花软香米 {n}",
        RICE,
        brand="禾屿田",
        spu_code=f"S{n}",
        attributes={"产地": "五常"},
        weight_g=5_080,
        tax_rate_bps=900,
        compare_at_minor=3_990,
    )


def put_on_shelf(ctx: Ctx, supplier: PartyId, count: int) -> list[SkuId]:
    rows = [row(supplier, n) for n in range(count)]
    put = goods.goods_put(ctx, rows=rows, state=SkuState.ON_SHELF)
    return [put.sku_ids[supplier, each.supplier_code] for each in rows]


def as_partner(ctx: Ctx, partner: PartyId) -> Ctx:
    return replace(ctx, actor=Actor("partner", partner, "key_1", frozenset({"goods:read"})))


def announced(ctx: Ctx) -> list[tuple[str, PartyId, int]]:
    return [
        (e.type, e.party_id, len(e.data.get("sku_ids", ())))
        for e in ctx.announced
        if e.party_id != SYSTEM_PARTY
    ]


def seen_by(ctx: Ctx, partner: PartyId, sku_ids: Sequence[SkuId]) -> list[SkuId]:
    seen = goods.skus_visible(ctx, pairs=[(partner, sku_id) for sku_id in sku_ids])
    return [sku_id for _, sku_id in seen]


def test_put_goods_are_drafts_with_all_that_the_row_says(ctx: Ctx, supplier: PartyId) -> None:
    put = goods.goods_put(ctx, rows=[row(supplier)])

    [sku_id] = put.created
    assert (put.sku_ids, put.drafts) == ({(supplier, "HY1"): sku_id}, {sku_id})
    sku = goods.sku_get(ctx, sku_id=sku_id, partner_id=None)
    assert (sku.title, sku.category, sku.brand) == ("稻花软香米 1", RICE, "禾屿田")
    assert (sku.brand_kind, sku.spu_code, sku.attributes) == ("national", "S1", {"产地": "五常"})
    assert (sku.weight_g, sku.tax_rate_bps, sku.compare_at_minor) == (5_080, 900, 3_990)
    assert (sku.state, sku.unit, sku.gtin) == (SkuState.DRAFT, "件", None)


def test_putting_the_same_rows_again_changes_nothing(ctx: Ctx, supplier: PartyId) -> None:
    rows = [row(supplier, n) for n in range(5)]
    first = goods.goods_put(ctx, rows=rows)

    second = goods.goods_put(ctx, rows=rows)

    assert (len(first.created), len(second.created), len(second.updated)) == (5, 0, 0)
    assert second.unchanged == first.created
    assert second.sku_ids == first.sku_ids


def test_changed_row_keeps_its_id_and_says_what_changed(ctx: Ctx, supplier: PartyId) -> None:
    # Given two SKUs
    put = goods.goods_put(ctx, rows=[row(supplier, 1), row(supplier, 2)])
    sku_id = put.sku_ids[supplier, "HY1"]

    # When one gets another weight and its SPU another brand kind
    changed = row(supplier, 1)._replace(weight_g=5_100, brand_kind=BrandKind.FACTORY)
    again = goods.goods_put(ctx, rows=[changed, row(supplier, 2)])

    # Then that one is updated, and its history holds the old values
    assert (again.updated, len(again.unchanged)) == ({sku_id}, 1)
    sku = goods.sku_get(ctx, sku_id=sku_id, partner_id=None)
    assert (sku.weight_g, sku.brand_kind) == (5_100, "factory")
    [(changes,)] = ctx.db.rows(
        "SELECT changes FROM goods.sku_history WHERE sku_id = %b AND kind = 'updated'", sku_id
    )
    assert changes == {"weight_g": [5_080, 5_100], "brand_kind": ["national", "factory"]}


def test_two_suppliers_may_use_one_code(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    put = goods.goods_put(ctx, rows=[row(supplier), row(partners[0])])

    assert len(put.created) == 2


def test_categories_are_shared_and_may_have_one_level(ctx: Ctx, supplier: PartyId) -> None:
    rows = [
        row(supplier, 1),
        row(supplier, 2)._replace(category=("粮油调味", "食用油")),
        row(supplier, 3)._replace(category=("清洁",)),
    ]
    goods.goods_put(ctx, rows=rows)

    roots = {each.name: each.id for each in goods.category_children(ctx, partner_id=None)}
    below = goods.category_children(ctx, partner_id=None, parent_id=roots["粮油调味"])

    assert set(roots) == {"粮油调味", "清洁"}
    assert {(each.name, each.level) for each in below} == {("米面杂粮", 2), ("食用油", 2)}
    page = goods.sku_page(ctx, partner_id=None, category_id=roots["粮油调味"])
    assert {sku.supplier_code for sku in page.items} == {"HY1", "HY2"}


def test_nothing_begins_off_the_shelf(ctx: Ctx, supplier: PartyId) -> None:
    with pytest.raises(ValueError, match="off_shelf"):
        goods.goods_put(ctx, rows=[row(supplier)], state=SkuState.OFF_SHELF)


def test_putting_does_not_bring_back_what_went_off_the_shelf(ctx: Ctx, supplier: PartyId) -> None:
    [sku_id] = put_on_shelf(ctx, supplier, 1)
    goods.sku_shelve(ctx, sku_ids=[sku_id], state=SkuState.OFF_SHELF)

    put = goods.goods_put(ctx, rows=[row(supplier, 0)], state=SkuState.ON_SHELF)

    assert put.drafts == frozenset()
    assert goods.sku_get(ctx, sku_id=sku_id, partner_id=None).state is SkuState.OFF_SHELF


def test_draft_cannot_go_off_a_shelf_it_was_never_on(ctx: Ctx, supplier: PartyId) -> None:
    put = goods.goods_put(ctx, rows=[row(supplier)])

    with pytest.raises(StateConflict):
        goods.sku_shelve(ctx, sku_ids=list(put.created), state=SkuState.OFF_SHELF)
    assert goods.sku_shelve(ctx, sku_ids=list(put.created), state=SkuState.ON_SHELF) == 1
    assert goods.sku_shelve(ctx, sku_ids=list(put.created), state=SkuState.ON_SHELF) == 0


def test_partner_sees_on_shelf_goods_of_granted_pools_alone(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    # Given three SKUs on the shelf and a draft; a pool with two of them and the draft
    here, gone, outside = put_on_shelf(ctx, supplier, 3)
    draft = goods.goods_put(ctx, rows=[row(supplier, 9)]).sku_ids[supplier, "HY9"]
    pool_id = goods.pool_open(ctx, name="社区团购")
    goods.pool_put(ctx, pool_id=pool_id, sku_ids=[here, gone, draft])

    # When the pool is granted to one partner and an SKU goes off the shelf
    granted, other = partners
    goods.pool_grant(ctx, pool_id=pool_id, partner_id=granted)
    goods.sku_shelve(ctx, sku_ids=[gone], state=SkuState.OFF_SHELF)

    # Then only the one left is seen, and only there
    all_ids = [here, gone, outside, draft]
    assert seen_by(ctx, granted, all_ids) == [here]
    assert seen_by(ctx, other, all_ids) == []
    [offer] = goods.skus_visible(ctx, pairs=[(granted, here), (granted, here)]).values()
    assert (offer.supplier_id, offer.supplier_code) == (supplier, "HY0")
    assert (offer.tax_rate_bps, offer.weight_g, offer.compare_at_minor) == (900, 5_080, 3_990)
    assert goods.partners_seeing(ctx, sku_ids=all_ids) == {here: {granted}, gone: {granted}}


def test_sku_in_two_granted_pools_is_one_offer(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    [sku_id] = put_on_shelf(ctx, supplier, 1)
    for name in ("甲", "乙"):
        pool_id = goods.pool_open(ctx, name=name)
        goods.pool_put(ctx, pool_id=pool_id, sku_ids=[sku_id])
        goods.pool_grant(ctx, pool_id=pool_id, partner_id=partners[0])

    assert seen_by(ctx, partners[0], [sku_id]) == [sku_id]

    goods.pool_take(ctx, pool_id=pool_id, sku_ids=[sku_id])
    assert seen_by(ctx, partners[0], [sku_id]) == [sku_id]


def test_revoked_pool_is_seen_no_more(ctx: Ctx, supplier: PartyId, partners: list[PartyId]) -> None:
    sku_ids = put_on_shelf(ctx, supplier, 1)
    pool_id = goods.pool_open(ctx, name="甲")
    goods.pool_put(ctx, pool_id=pool_id, sku_ids=sku_ids)
    goods.pool_grant(ctx, pool_id=pool_id, partner_id=partners[0])

    goods.pool_revoke(ctx, pool_id=pool_id, partner_id=partners[0])

    assert seen_by(ctx, partners[0], sku_ids) == []


def test_partners_are_told_a_hundred_skus_at_a_time(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    # Given a pool granted to two partners, one of them twice
    pool_id = goods.pool_open(ctx, name="甲")
    for partner in (*partners, partners[0]):
        goods.pool_grant(ctx, pool_id=pool_id, partner_id=partner)
    one, two = partners

    # When 250 SKUs come in, come in again, go off the shelf, and one leaves
    sku_ids = put_on_shelf(ctx, supplier, 250)
    assert goods.pool_put(ctx, pool_id=pool_id, sku_ids=sku_ids) == 250
    assert goods.pool_put(ctx, pool_id=pool_id, sku_ids=sku_ids) == 0
    goods.sku_shelve(ctx, sku_ids=sku_ids, state=SkuState.OFF_SHELF)
    assert goods.pool_take(ctx, pool_id=pool_id, sku_ids=sku_ids[:1]) == 1

    # Then each partner heard each fact once
    assert announced(ctx) == [
        ("pool.granted", one, 0),
        ("pool.granted", two, 0),
        *[("pool.sku_added", partner, n) for partner in partners for n in (100, 100, 50)],
        *[("sku.state_changed", partner, n) for partner in partners for n in (100, 100, 50)],
        ("pool.sku_removed", one, 1),
        ("pool.sku_removed", two, 1),
    ]
    first = next(e for e in ctx.announced if e.type == "pool.sku_added")
    assert first.data["pool_id"] == id_text(POOL_PREFIX, pool_id)
    assert first.data["sku_ids"][0] == id_text(SKU_PREFIX, sku_ids[0])
    # And the platform heard of all that changed: put, pooled, taken off the shelf, one taken out
    heard = [len(e.data["sku_ids"]) for e in ctx.announced if e.type == "sku.changed"]
    assert heard == [100, 100, 50] * 3 + [1]


def test_nobody_is_told_of_a_draft_until_it_is_shelved(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    pool_id = goods.pool_open(ctx, name="甲")
    goods.pool_grant(ctx, pool_id=pool_id, partner_id=partners[0])
    ctx.announced.clear()
    draft = list(goods.goods_put(ctx, rows=[row(supplier)]).created)

    goods.pool_put(ctx, pool_id=pool_id, sku_ids=draft)
    assert announced(ctx) == []

    goods.sku_shelve(ctx, sku_ids=draft, state=SkuState.ON_SHELF)
    assert announced(ctx) == [("sku.state_changed", partners[0], 1)]


def test_partner_pages_through_what_it_may_order(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    sku_ids = put_on_shelf(ctx, supplier, 5)
    pool_id = goods.pool_open(ctx, name="甲")
    goods.pool_put(ctx, pool_id=pool_id, sku_ids=sku_ids[:4])
    goods.pool_grant(ctx, pool_id=pool_id, partner_id=partners[0])
    mine = as_partner(ctx, partners[0])

    first = goods.sku_page(mine, partner_id=partners[0], limit=3)
    second = goods.sku_page(mine, partner_id=partners[0], limit=3, cursor=first.next_cursor)

    assert [sku.id for sku in (*first.items, *second.items)] == sku_ids[:4]
    assert second.next_cursor is None
    found = goods.sku_page(mine, partner_id=partners[0], query="软香米 2")
    assert [sku.id for sku in found.items] == sku_ids[2:3]
    assert [pool.id for pool in goods.pool_page(mine, partner_id=partners[0]).items] == [pool_id]
    with pytest.raises(CursorInvalid):
        goods.sku_page(mine, partner_id=partners[0], cursor="WzEsICJ4Il0")


def test_partner_lists_a_pool_of_its_own_and_no_other(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    # Given two pools that share an SKU, of which the partner has one
    sku_ids = put_on_shelf(ctx, supplier, 3)
    mine_id, other_id = (goods.pool_open(ctx, name=name) for name in ("甲", "乙"))
    goods.pool_put(ctx, pool_id=mine_id, sku_ids=sku_ids[:2])
    goods.pool_put(ctx, pool_id=other_id, sku_ids=sku_ids[1:])
    goods.pool_grant(ctx, pool_id=mine_id, partner_id=partners[0])
    goods.pool_grant(ctx, pool_id=other_id, partner_id=partners[1])
    mine = as_partner(ctx, partners[0])
    # Then it lists that one, and the other is no more to it than one that never was
    page = goods.sku_page(mine, partner_id=partners[0], pool_id=mine_id)
    assert [sku.id for sku in page.items] == sku_ids[:2]
    refusals = []
    for pool_id in (other_id, goods.PoolId(new_id(ctx.now))):
        with pytest.raises(PoolUnknown) as refused:
            goods.sku_page(mine, partner_id=partners[0], pool_id=pool_id)
        refusals.append(refused.value.text("en").replace(id_text("pol", pool_id), "it"))
    assert refusals[0] == refusals[1]
    every = goods.sku_page(ctx, partner_id=None, pool_id=other_id)
    assert [sku.id for sku in every.items] == sku_ids[1:]


def test_partner_sees_the_categories_of_what_it_may_order_and_no_others(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    # Given one SKU granted, one in a pool of somebody else's, and one that is a draft
    put = goods.goods_put(
        ctx,
        rows=[
            row(supplier, 1),
            row(supplier, 2)._replace(category=("清洁", "纸品", "抽纸")),
            row(supplier, 3)._replace(category=("粮油调味", "食用油", "菜籽油")),
        ],
    )
    rice, paper, oil = (put.sku_ids[supplier, f"HY{number}"] for number in (1, 2, 3))
    goods.sku_shelve(ctx, sku_ids=[rice, paper], state=SkuState.ON_SHELF)
    for name, skus, partner in (("甲", [rice, oil], 0), ("乙", [paper], 1)):
        pool_id = goods.pool_open(ctx, name=name)
        goods.pool_put(ctx, pool_id=pool_id, sku_ids=skus)
        goods.pool_grant(ctx, pool_id=pool_id, partner_id=partners[partner])
    mine = as_partner(ctx, partners[0])

    def names(parent_id: goods.CategoryId | None) -> list[str]:
        found = goods.category_children(mine, partner_id=partners[0], parent_id=parent_id)
        return [each.name for each in found]

    # Then its tree is that of the one it may order
    roots = {each.name: each for each in goods.category_children(ctx, partner_id=None)}
    assert set(roots) == {"粮油调味", "清洁"}
    assert names(None) == ["粮油调味"]
    assert names(roots["粮油调味"].id) == ["米面杂粮"]
    assert names(roots["清洁"].id) == []
    for other in (partners[1], None):
        with pytest.raises(Forbidden):
            goods.category_children(mine, partner_id=other)


def test_partner_reads_nothing_but_its_own(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId]
) -> None:
    [sku_id] = put_on_shelf(ctx, supplier, 1)
    mine = as_partner(ctx, partners[0])

    with pytest.raises(SkuUnknown):
        goods.sku_get(mine, sku_id=sku_id, partner_id=partners[0])
    for other in (partners[1], None):
        with pytest.raises(Forbidden):
            goods.sku_get(mine, sku_id=sku_id, partner_id=other)
        with pytest.raises(Forbidden):
            goods.sku_page(mine, partner_id=other)
        with pytest.raises(Forbidden):
            goods.pool_page(mine, partner_id=other)
    with pytest.raises(Forbidden):
        goods.pool_open(mine, name="mine")
    with pytest.raises(Forbidden):
        goods.sku_shelve(mine, sku_ids=[sku_id], state=SkuState.OFF_SHELF)


def test_unknown_pools_skus_and_taken_names_are_refused(ctx: Ctx, supplier: PartyId) -> None:
    pool_id = goods.pool_open(ctx, name="甲")
    stranger = SkuId(new_id(ctx.now))

    with pytest.raises(PoolNameTaken):
        goods.pool_open(ctx, name="甲")
    with pytest.raises(SkuUnknown):
        goods.pool_put(ctx, pool_id=pool_id, sku_ids=[stranger])
    with pytest.raises(SkuUnknown):
        goods.sku_shelve(ctx, sku_ids=[stranger], state=SkuState.ON_SHELF)
    with pytest.raises(PoolUnknown):
        goods.pool_put(ctx, pool_id=PoolId(new_id(ctx.now)), sku_ids=[])
    assert goods.skus_known(ctx, sku_ids=[stranger]) == frozenset()
    pool = goods.pool_by_name(ctx, name="甲")
    assert pool is not None
    assert pool.id == pool_id


def test_verify_finds_a_state_that_no_history_led_to(ctx: Ctx, supplier: PartyId) -> None:
    sku_ids = put_on_shelf(ctx, supplier, 3)
    goods.sku_shelve(ctx, sku_ids=sku_ids[:2], state=SkuState.OFF_SHELF)
    assert list(goods.verify(ctx)) == []

    ctx.db.run("UPDATE goods.sku SET state = 'on_shelf' WHERE id = %b", sku_ids[0])

    [finding] = goods.verify(ctx)
    assert (finding.check, finding.where) == ("sku_history", id_text(SKU_PREFIX, sku_ids[0]))
    assert finding.what == "state on_shelf; history on_shelf, off_shelf"


def test_verify_finds_goods_in_a_pool_that_is_not_there(ctx: Ctx, supplier: PartyId) -> None:
    sku_ids = put_on_shelf(ctx, supplier, 2)
    pool_id = goods.pool_open(ctx, name="甲")
    goods.pool_put(ctx, pool_id=pool_id, sku_ids=sku_ids)
    nowhere = PoolId(new_id(ctx.now))
    ctx.db.run("UPDATE goods.pool_sku SET pool_id = %b WHERE pool_id = %b", nowhere, pool_id)

    [finding] = goods.verify(ctx)

    assert (finding.check, finding.where) == ("pool_there", id_text(POOL_PREFIX, nowhere))
    assert finding.what == "there is no such pool, but 2 SKU(s) in it"


def test_application_may_not_rewrite_a_history(ctx: Ctx, supplier: PartyId) -> None:
    put_on_shelf(ctx, supplier, 1)

    with pytest.raises(pg.InsufficientPrivilege), ctx.db.sa.begin_nested():
        ctx.db.run("DELETE FROM goods.sku_history")
