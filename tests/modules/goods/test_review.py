"""Suppliers propose goods, the operator sends them back, mends and publishes them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import LiteralString

import pytest

from tests.modules.goods.test_goods import as_partner, partners, seen_by, supplier
from weili.kit.context import SYSTEM_PARTY, Actor, Ctx, PartyId
from weili.kit.ids import new_id
from weili.kit.problems import Forbidden, InputInvalid, StateConflict
from weili.modules import goods, parties
from weili.modules.goods import (
    Attribute,
    AttributeKind,
    AttributeUse,
    CodeTaken,
    GoodsProposal,
    GoodsUnfit,
    MediaLink,
    ReviewNote,
    RevisionState,
    RevisionUnknown,
    SaleTerms,
    SkuProposal,
    SkuState,
)

__all__ = ["partners", "supplier"]

ROAST = Attribute("烘焙", AttributeKind.ENUM, AttributeUse.FILTER, True, choices=("浅", "中", "深"))
WEIGHT = Attribute("净含量", AttributeKind.NUMBER, AttributeUse.VARIANT, True, unit="g")
ORGANIC = Attribute("有机", AttributeKind.BOOL)


@pytest.fixture
def coffee(ctx: Ctx) -> goods.CategoryId:
    """Give a category of the second level, with a template on each level."""
    food = goods.category_open(ctx, name="食品")
    below = goods.category_open(ctx, name="咖啡", parent_id=food.id)
    goods.template_put(ctx, category_id=food.id, attributes=[WEIGHT, ORGANIC])
    goods.template_put(ctx, category_id=below.id, attributes=[ROAST])
    return below.id


def as_supplier(ctx: Ctx, party_id: PartyId) -> Ctx:
    scopes = parties.ROLE_SCOPES[parties.PartyKind.SUPPLIER]
    return replace(ctx, actor=Actor("supplier", party_id, "key_2", scopes))


def proposal(category_id: goods.CategoryId, *weights: str, **changes: object) -> GoodsProposal:
    skus = tuple(
        SkuProposal(f"CF-{weight}", {"净含量": weight}, weight_g=int(weight))
        for weight in weights or ("250", "500")
    )
    made = GoodsProposal(
        "CF", "云南小粒咖啡豆", category_id, skus, "山野", attributes={"烘焙": "中"}
    )
    return replace(made, **changes)


def submitted(ctx: Ctx, party_id: PartyId, wanted: GoodsProposal) -> goods.Revision:
    mine = as_supplier(ctx, party_id)
    revision = goods.revision_save(mine, supplier_id=party_id, proposal=wanted)
    return goods.revision_submit(mine, supplier_id=party_id, revision_id=revision.id)


def told(ctx: Ctx) -> list[tuple[str, PartyId]]:
    """Give what parties were told; the platform tells itself of each change besides."""
    return [(e.type, e.party_id) for e in ctx.announced if e.party_id != SYSTEM_PARTY]


def states(ctx: Ctx, codes: Sequence[str] = ("CF-250", "CF-500")) -> list[str]:
    page = goods.sku_page(ctx, partner_id=None)
    found = {sku.supplier_code: str(sku.state) for sku in page.items}
    return [found[code] for code in codes]


def faults(refused: GoodsUnfit) -> list[tuple[str, str]]:
    return [(fault.path, fault.code) for fault in refused.fields]


def test_goods_go_from_draft_by_review_onto_the_shelf_with_a_history(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    # Given a draft, which has SKUs already
    mine = as_supplier(ctx, supplier)
    draft = goods.revision_save(mine, supplier_id=supplier, proposal=proposal(coffee))
    assert (draft.state, draft.version) == (RevisionState.DRAFT, 1)
    assert states(ctx) == ["draft", "draft"]

    # When it is submitted and published
    goods.revision_submit(mine, supplier_id=supplier, revision_id=draft.id)
    assert states(ctx) == ["in_review", "in_review"]
    published = goods.revision_publish(ctx, revision_id=draft.id)

    # Then its SKUs are on the shelf, as they were proposed, and each step is written down
    assert states(ctx) == ["on_shelf", "on_shelf"]
    assert set(published.sku_ids) == {"CF-250", "CF-500"}
    sku = goods.skus_get(ctx, sku_ids=[published.sku_ids["CF-250"]])[published.sku_ids["CF-250"]]
    assert (sku.variant, sku.variant_values) == ("250", {"净含量": "250"})
    assert (sku.category, sku.brand, sku.attributes) == (("食品", "咖啡"), "山野", {"烘焙": "中"})
    _, steps = goods.revision_get(mine, revision_id=draft.id, supplier_id=supplier)
    assert [(step.version, str(step.state), step.actor) for step in steps] == [
        (1, "draft", "supplier:key_2"),
        (2, "in_review", "supplier:key_2"),
        (3, "published", ctx.actor.label()),
    ]
    history = ctx.db.rows(
        "SELECT kind, state FROM goods.sku_history WHERE sku_id = %b ORDER BY id", sku.id
    )
    assert [tuple(row) for row in history] == [
        ("created", "draft"),
        ("reviewed", "in_review"),
        ("updated", "in_review"),
        ("shelved", "on_shelf"),
    ]
    assert told(ctx) == [("goods.published", supplier)]
    assert list(goods.verify(ctx)) == []


def test_a_revision_of_goods_on_the_shelf_changes_nothing_until_it_is_published(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId], coffee: goods.CategoryId
) -> None:
    # Given goods on the shelf that a partner sees
    first = goods.revision_publish(ctx, revision_id=submitted(ctx, supplier, proposal(coffee)).id)
    sku_id = first.sku_ids["CF-250"]
    pool_id = goods.pool_open(ctx, name="甲")
    goods.pool_put(ctx, pool_id=pool_id, sku_ids=list(first.sku_ids.values()))
    goods.pool_grant(ctx, pool_id=pool_id, partner_id=partners[0])
    ctx.announced.clear()

    # When a change of it, with one variant more, is under review
    changed = proposal(coffee, "250", "500", "1000", title="云南小粒咖啡豆 新产季")
    second = submitted(ctx, supplier, changed)

    # Then the partner sees what it saw
    [offer] = goods.skus_visible(ctx, pairs=[(partners[0], sku_id)]).values()
    assert offer.title == "云南小粒咖啡豆"
    assert states(ctx, ["CF-250", "CF-500", "CF-1000"]) == ["on_shelf", "on_shelf", "in_review"]
    assert told(ctx) == []

    # And when it is published, the new; the variant that is new is in no pool yet
    published = goods.revision_publish(ctx, revision_id=second.id)
    [offer] = goods.skus_visible(ctx, pairs=[(partners[0], sku_id)]).values()
    assert offer.title == "云南小粒咖啡豆 新产季"
    assert published.sku_ids["CF-250"] == sku_id
    assert published.shelved == {published.sku_ids["CF-1000"]}
    assert seen_by(ctx, partners[0], list(published.sku_ids.values())) == sorted(
        first.sku_ids.values()
    )
    assert told(ctx) == [("sku.updated", partners[0]), ("goods.published", supplier)]


def test_goods_sent_back_say_why_and_may_come_again(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    mine = as_supplier(ctx, supplier)
    revision = submitted(ctx, supplier, proposal(coffee))

    note = ReviewNote("/skus/0/gtin", "请补充条码")
    goods.revision_return(ctx, revision_id=revision.id, reason="缺少条码", notes=[note])

    back, _ = goods.revision_get(mine, revision_id=revision.id, supplier_id=supplier)
    assert (back.state, back.reason, back.notes) == (RevisionState.DRAFT, "缺少条码", (note,))
    assert states(ctx) == ["draft", "draft"]
    assert told(ctx) == [("goods.returned", supplier)]

    mended = proposal(coffee)
    mended = replace(mended, skus=(replace(mended.skus[0], gtin="6901234567892"), mended.skus[1]))
    again = submitted(ctx, supplier, mended)
    assert (again.id, again.state, again.notes) == (revision.id, RevisionState.IN_REVIEW, ())
    with pytest.raises(InputInvalid):
        goods.revision_return(
            ctx, revision_id=revision.id, reason="x", notes=[ReviewNote("/price", "x")]
        )


def test_a_variant_that_the_operator_takes_out_of_a_proposal_is_a_draft_again(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    revision = submitted(ctx, supplier, proposal(coffee))
    assert states(ctx) == ["in_review", "in_review"]

    goods.revision_edit(ctx, revision_id=revision.id, proposal=proposal(coffee, "250"))
    assert states(ctx) == ["in_review", "draft"]

    goods.revision_publish(ctx, revision_id=revision.id)
    assert states(ctx) == ["on_shelf", "draft"]
    assert list(goods.verify(ctx)) == []


def test_what_the_template_asks_for_is_asked_for_field_by_field(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    mine = as_supplier(ctx, supplier)
    bad = proposal(coffee, "250", "500", attributes={"有机": "maybe", "净含量": "250"})
    other = SkuProposal(
        "CF-x",
        {"净含量": "250"},
        gtin="6901234567893",
        tax_rate_bps=1700,
        terms=SaleTerms(quantity_max=1, pack_size=6, areas_allowed=("999999",)),
        parts=(("nothing", 1),),
    )
    unfit = replace(bad.skus[1], variant_values={"净含量": "half a kilo"})
    link = MediaLink(goods.MediaId(new_id(ctx.now)), "")
    bad = replace(bad, skus=(bad.skus[0], unfit, other), media=(link,))
    draft = goods.revision_save(mine, supplier_id=supplier, proposal=bad)

    with pytest.raises(GoodsUnfit) as refused:
        goods.revision_submit(mine, supplier_id=supplier, revision_id=draft.id)

    assert faults(refused.value) == [
        ("/attributes/净含量", "misplaced"),
        ("/attributes/有机", "unfit"),
        ("/attributes/烘焙", "missing"),
        ("/skus/1/variant_values/净含量", "unfit"),
        ("/skus/2/variant_values", "repeated"),
        ("/skus/2/gtin", "unfit"),
        ("/skus/2/tax_rate_bps", "unfit"),
        ("/skus/2/terms/quantity_max", "nothing_orderable"),
        ("/skus/2/terms/areas_allowed/0", "unknown"),
        ("/skus/2/parts/0/supplier_code", "unknown"),
        ("/media/0/media_id", "unknown"),
    ]
    back, _ = goods.revision_get(mine, revision_id=draft.id, supplier_id=supplier)
    assert back.state is RevisionState.DRAFT


def test_a_template_that_asks_for_more_since_keeps_goods_from_being_published(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    revision = submitted(ctx, supplier, proposal(coffee))
    strict = replace(ORGANIC, is_required=True)
    goods.template_put(ctx, category_id=coffee, attributes=[ROAST, strict])

    with pytest.raises(GoodsUnfit) as refused:
        goods.revision_publish(ctx, revision_id=revision.id)
    assert faults(refused.value) == [("/attributes/有机", "missing")]

    mended = proposal(coffee, attributes={"烘焙": "深", "有机": "true"})
    edited = goods.revision_edit(ctx, revision_id=revision.id, proposal=mended)
    assert (edited.state, edited.reason) == (RevisionState.IN_REVIEW, "/attributes")
    goods.revision_publish(ctx, revision_id=revision.id)
    assert states(ctx) == ["on_shelf", "on_shelf"]


def test_steps_out_of_turn_are_refused(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    mine = as_supplier(ctx, supplier)
    draft = goods.revision_save(mine, supplier_id=supplier, proposal=proposal(coffee))
    with pytest.raises(StateConflict):
        goods.revision_publish(ctx, revision_id=draft.id)
    with pytest.raises(StateConflict):
        goods.revision_return(ctx, revision_id=draft.id, reason="x")
    goods.revision_submit(mine, supplier_id=supplier, revision_id=draft.id)
    with pytest.raises(StateConflict):
        goods.revision_submit(mine, supplier_id=supplier, revision_id=draft.id)
    with pytest.raises(StateConflict):
        goods.revision_save(mine, supplier_id=supplier, proposal=proposal(coffee, "250"))
    goods.revision_withdraw(mine, supplier_id=supplier, revision_id=draft.id)
    assert states(ctx) == ["draft", "draft"]
    with pytest.raises(StateConflict):
        goods.revision_withdraw(mine, supplier_id=supplier, revision_id=draft.id)
    anew = goods.revision_save(mine, supplier_id=supplier, proposal=proposal(coffee))
    assert anew.id != draft.id
    assert list(goods.verify(ctx)) == []


def test_a_suppliers_revisions_are_its_own(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId], coffee: goods.CategoryId
) -> None:
    other = partners[1]
    revision = submitted(ctx, supplier, proposal(coffee))
    theirs = as_supplier(ctx, other)

    for step in (goods.revision_withdraw, goods.revision_submit, goods.revision_get):
        with pytest.raises(RevisionUnknown):
            step(theirs, supplier_id=other, revision_id=revision.id)
    assert goods.revision_page(theirs, supplier_id=other).items == []
    with pytest.raises(Forbidden):
        goods.revision_page(theirs, supplier_id=None, is_all=True)
    with pytest.raises(Forbidden):
        goods.revision_publish(theirs, revision_id=revision.id)
    with pytest.raises(Forbidden):
        goods.revision_save(as_partner(ctx, other), supplier_id=other, proposal=proposal(coffee))
    page = goods.revision_page(
        ctx, supplier_id=None, is_all=True, states=[RevisionState.IN_REVIEW], category_id=coffee
    )
    assert [each.id for each in page.items] == [revision.id]


def test_a_code_is_a_variant_of_one_spu(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    mine = as_supplier(ctx, supplier)
    goods.revision_save(mine, supplier_id=supplier, proposal=proposal(coffee))

    with pytest.raises(CodeTaken):
        goods.revision_save(mine, supplier_id=supplier, proposal=proposal(coffee, spu_code="CF2"))


def test_saving_the_same_again_changes_nothing(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    mine = as_supplier(ctx, supplier)
    first = goods.revision_save(mine, supplier_id=supplier, proposal=proposal(coffee))

    assert goods.revision_save(mine, supplier_id=supplier, proposal=proposal(coffee)) == first
    assert (
        goods.revision_save(
            mine, supplier_id=supplier, proposal=proposal(coffee, title="新名")
        ).version
        == 2
    )


def test_variants_may_trade_their_values(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    goods.revision_publish(ctx, revision_id=submitted(ctx, supplier, proposal(coffee)).id)
    wanted = proposal(coffee)
    one, two = wanted.skus
    traded = replace(
        wanted,
        skus=(
            replace(one, variant_values=two.variant_values),
            replace(two, variant_values=one.variant_values),
            replace(one, supplier_code="CF-1", variant_values={"净含量": "1"}),
        ),
    )

    published = goods.revision_publish(ctx, revision_id=submitted(ctx, supplier, traded).id)

    found = goods.skus_get(ctx, sku_ids=list(published.sku_ids.values()))
    assert found[published.sku_ids["CF-250"]].variant == "500"
    ctx.db.run("SET CONSTRAINTS ALL IMMEDIATE")


def test_bundles_are_proposed_like_other_goods(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId
) -> None:
    goods.revision_publish(ctx, revision_id=submitted(ctx, supplier, proposal(coffee)).id)
    box = SkuProposal("BOX", {"净含量": "1000"}, parts=(("CF-250", 2), ("CF-500", 1)))
    wanted = replace(proposal(coffee), spu_code="BOX", title="咖啡礼盒", skus=(box,))

    published = goods.revision_publish(ctx, revision_id=submitted(ctx, supplier, wanted).id)

    parts = goods.bundle_parts(ctx, sku_ids=list(published.sku_ids.values()))
    assert [part.quantity for part in next(iter(parts.values()))] == [2, 1]
    assert list(goods.verify(ctx)) == []


def test_a_supplier_takes_its_own_goods_off_the_shelf(
    ctx: Ctx, supplier: PartyId, partners: list[PartyId], coffee: goods.CategoryId
) -> None:
    published = goods.revision_publish(
        ctx, revision_id=submitted(ctx, supplier, proposal(coffee)).id
    )
    sku_ids = list(published.sku_ids.values())

    with pytest.raises(goods.SkuUnknown):
        goods.sku_withdraw(as_supplier(ctx, partners[0]), supplier_id=partners[0], sku_ids=sku_ids)
    assert (
        goods.sku_withdraw(as_supplier(ctx, supplier), supplier_id=supplier, sku_ids=sku_ids) == 2
    )
    assert states(ctx) == ["off_shelf", "off_shelf"]

    # A revision of them is published without putting them back.
    changed = proposal(coffee, title="新名")
    goods.revision_publish(ctx, revision_id=submitted(ctx, supplier, changed).id)
    assert states(ctx) == ["off_shelf", "off_shelf"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("UPDATE goods.revision SET state = 'published'", "revision_history"),
        ("UPDATE goods.revision SET state = 'draft'", "sku_in_review"),
    ],
)
def test_verify_finds_revisions_out_of_step(
    ctx: Ctx, supplier: PartyId, coffee: goods.CategoryId, sql: LiteralString, code: str
) -> None:
    submitted(ctx, supplier, proposal(coffee))
    assert list(goods.verify(ctx)) == []

    ctx.db.run(sql)

    assert code in {finding.check for finding in goods.verify(ctx)}


def test_verify_finds_a_bundle_without_parts(ctx: Ctx, supplier: PartyId) -> None:
    row = goods.GoodsRow(supplier, "X", "x", ("甲",))
    goods.goods_put(ctx, rows=[row])
    ctx.db.run("UPDATE goods.sku SET kind = 'bundle'")

    assert [finding.check for finding in goods.verify(ctx)] == ["bundle_parts"]


def test_a_sku_state_that_only_review_reaches(ctx: Ctx) -> None:
    assert goods.SKU_STATES.allows(SkuState.IN_REVIEW, SkuState.DRAFT)
    assert not goods.SKU_STATES.allows(SkuState.ON_SHELF, SkuState.IN_REVIEW)
