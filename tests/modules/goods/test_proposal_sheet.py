"""A supplier's sheet of proposals: what it keeps of the last proposal, and its bounds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.modules.goods.test_goods import partners, supplier
from tests.modules.goods.test_review import as_supplier
from weili.kit.context import Ctx, PartyId
from weili.kit.problems import Forbidden, StateConflict
from weili.modules import goods
from weili.modules.goods import CategoryId, DatedCost, GoodsProposal, ProposalSheet, SkuProposal
from weili.modules.goods.rules import proposal_of

__all__ = ["partners", "supplier"]

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CATEGORY = CategoryId(UUID(int=1))
ROW = {"supplier_code": "A", "category": "茶", "title": "龙井", "cost": "20"}


def proposed(last: GoodsProposal | None, *rows: dict[str, str]) -> GoodsProposal:
    """Propose rows of one SPU, all of which are good."""
    sheet = ProposalSheet()
    for number, row in enumerate(rows, start=2):
        assert sheet.take(number, row) == []
    [taken] = sheet.spus.values()
    return proposal_of(last, CATEGORY, taken, now=NOW)


def test_another_cost_takes_the_place_of_those_that_have_begun() -> None:
    later = (DatedCost(NOW - DAY, 2_200), DatedCost(NOW + DAY, 2_300))
    last = GoodsProposal(
        "A", "龙井", CATEGORY, (SkuProposal("A", unit_cost_minor=2_000, later_costs=later),)
    )
    assert proposed(last, ROW) == last
    [sku] = proposed(last, ROW | {"cost": "25"}).skus
    assert (sku.cost_at(NOW), sku.cost_at(NOW + DAY)) == (2_500, 2_300)


def test_an_empty_cell_empties_and_a_column_that_is_not_there_does_not() -> None:
    full = ROW | {"brand": "狮峰", "attributes": "产地=杭州", "unit": "罐", "quantity_max": "9"}
    last = proposed(None, full)
    assert proposed(last, ROW) == last
    emptied = proposed(last, ROW | {"brand": "", "attributes": "", "unit": "", "quantity_max": ""})
    assert emptied == proposed(None, ROW)
    assert (emptied.skus[0].unit, emptied.skus[0].terms.quantity_max) == ("件", None)


def test_an_spu_takes_so_many_variants_and_no_more() -> None:
    sheet = ProposalSheet()
    wrong = [
        sheet.take(number, ROW | {"supplier_code": f"A-{number}", "spu_code": "A"})
        for number in range(goods.SKUS_MAX + 1)
    ]
    assert wrong[:-1] == [[]] * goods.SKUS_MAX
    assert [(each.column, each.got) for each in wrong[-1]] == [("spu_code", "A")]


def test_variants_that_stand_count_among_those_of_the_sheet(ctx: Ctx, supplier: PartyId) -> None:
    goods.category_open(ctx, name="茶")
    mine = as_supplier(ctx, supplier)

    def put(codes: range) -> goods.ProposalsPut:
        sheet = ProposalSheet()
        for number in codes:
            sheet.take(number, ROW | {"supplier_code": f"A-{number}", "spu_code": "A"})
        return goods.proposals_put(mine, supplier_id=supplier, spus=sheet.spus)

    assert put(range(goods.SKUS_MAX)).created == 1
    wrong = put(range(goods.SKUS_MAX - 1, goods.SKUS_MAX + 1)).wrong
    assert [(each.row, each.column) for each in wrong] == [(199, "spu_code"), (200, "spu_code")]


def test_only_who_may_propose_proposes(ctx: Ctx, supplier: PartyId) -> None:
    nobody = replace(ctx, actor=replace(ctx.actor, scopes=frozenset({"supply:read"})))
    with pytest.raises(Forbidden):
        goods.proposals_put(nobody, supplier_id=supplier, spus={})


def test_a_save_that_is_refused_while_in_review_has_written_nothing(
    ctx: Ctx, supplier: PartyId
) -> None:
    # Given goods in review
    category = goods.category_open(ctx, name="茶")
    mine = as_supplier(ctx, supplier)
    wanted = replace(proposed(None, ROW), category_id=category.id)
    made = goods.revision_save(mine, supplier_id=supplier, proposal=wanted)
    goods.revision_submit(mine, supplier_id=supplier, revision_id=made.id)

    # When another variant is proposed besides, and the refusal is stepped over
    more = replace(wanted, skus=(*wanted.skus, SkuProposal("B")))
    with pytest.raises(StateConflict):
        goods.revision_save(mine, supplier_id=supplier, proposal=more)

    # Then there is no draft of it, and the goods are as they were
    assert [sku.supplier_code for sku in goods.sku_page(ctx, partner_id=None).items] == ["A"]
    assert list(goods.verify(ctx)) == []
