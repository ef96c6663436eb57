"""A supplier's sheet is imported whole or not at all, and twice is once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import psycopg
import pytest

from weili import sample
from weili.adapters.files import sheet_rows
from weili.kit.context import Actor, Begin, Ctx, PartyId
from weili.kit.problems import Forbidden
from weili.kit.world import World
from weili.modules import goods, inventory, parties, pricing, regions
from weili.modules.goods import PoolId, PoolUnknown, SkuState
from weili.modules.inventory import Move, MoveKind, StockBelowReserved, WarehouseId
from weili.modules.parties import PartyKind
from weili.modules.pricing import FirstAmounts, ListId
from weili.workflows import import_goods as workflow
from weili.workflows.import_goods import (
    ImportRefused,
    ImportReport,
    ImportTooLarge,
    import_goods,
)

Row = tuple[int, Mapping[str, str]]


@dataclass(frozen=True)
class Shop:
    begin: Begin
    suppliers: Mapping[str, PartyId]
    warehouses: Mapping[PartyId, list[WarehouseId]]
    price_list_id: ListId
    pool_id: PoolId
    partner: PartyId

    def load(self, rows: list[Row], **options: bool) -> ImportReport:
        return import_goods(
            self.begin,
            rows=rows,
            suppliers=self.suppliers,
            warehouses=self.warehouses,
            price_list_id=self.price_list_id,
            pool_id=self.pool_id,
            **options,
        )

    def counts(self) -> tuple[int, ...]:
        tables = (
            "goods.sku",
            "goods.spu",
            "goods.category",
            "goods.sku_history",
            "goods.pool_sku",
            "pricing.price_history",
            "pricing.cost_history",
            "inventory.movement",
            "kit.outbox",
        )
        with self.begin() as ctx:
            counts = [
                f"SELECT count(*) FROM {each}"  # noqa: S608 - names from just above
                for each in tables
            ]
            return tuple(ctx.db.rows(statement)[0][0] for statement in counts)


@pytest.fixture
def shop(world: World) -> Shop:
    with world.begin() as ctx:
        regions.regions_seed(ctx)
        suppliers = {
            each.short_name: parties.party_open(
                ctx,
                kind=PartyKind.SUPPLIER,
                name=each.short_name,
                legal_name=each.legal_name,
                uscc=each.uscc,
            ).id
            for each in sample.suppliers()
        }
        given = sample.partners()[0]
        partner = parties.party_open(
            ctx,
            kind=PartyKind.PARTNER,
            name=given.name,
            legal_name=given.legal_name,
            uscc=given.uscc,
        ).id
        warehouses = {
            supplier_id: [
                inventory.warehouse_open(
                    ctx,
                    code=f"W-{name}-{n}",
                    supplier_id=supplier_id,
                    name=name,
                    region_code="330411",
                ).id
                for n in range(2)
            ]
            for name, supplier_id in suppliers.items()
        }
        pool_id = goods.pool_open(ctx, name="全部商品")
        goods.pool_grant(ctx, pool_id=pool_id, partner_id=partner)
        price_list = pricing.list_open(ctx, name="standard", is_default=True)
    return Shop(world.begin, suppliers, warehouses, price_list.id, pool_id, partner)


@pytest.fixture(scope="module")
def catalogue() -> list[Row]:
    with sample.catalogue_path() as path:
        return list(sheet_rows(path, aliases=goods.SHEET_ALIASES, required=goods.SHEET_REQUIRED))


def changed(rows: list[Row], row_number: int, **cells: str) -> list[Row]:
    return [(n, {**raw, **cells} if n == row_number else raw) for n, raw in rows]


def findings(ctx: Ctx) -> Iterator[object]:
    for module in (goods, pricing, inventory):
        yield from module.verify(ctx)


def test_sample_catalogue_is_for_sale_after_one_import(shop: Shop, catalogue: list[Row]) -> None:
    report = shop.load(catalogue)

    assert report == ImportReport(
        rows=187,
        created=187,
        prices_changed=187,
        costs_changed=187,
        stock_changed=187,
        pooled=187,
        bad=[],
    )
    with shop.begin() as ctx:
        page = goods.sku_page(ctx, partner_id=shop.partner, query="稻花软香米")
        rice = next(sku for sku in page.items if sku.supplier_code == "HY10001-01")
        book = pricing.price_book(ctx, partner_ids=[shop.partner], sku_ids=[rice.id])
        price = book.unit_price(shop.partner, rice.id, 1)
        [level] = inventory.stock_of(ctx, sku_ids=[rice.id])
        assert list(findings(ctx)) == []
    # As the first row of the sheet says: cost 26.50, price 31.90, 1,800 in stock.
    assert price is not None
    assert (price.unit_price_minor, book.unit_cost_minor(rice.id)) == (3_190, 2_650)
    assert (level.warehouse_id, level.on_hand) == (
        shop.warehouses[shop.suppliers["禾屿"]][0],
        1_800,
    )


def test_second_import_of_the_same_sheet_changes_nothing_and_says_so(
    shop: Shop, catalogue: list[Row]
) -> None:
    shop.load(catalogue)
    before = shop.counts()

    report = shop.load(catalogue)

    assert report == ImportReport(rows=187, unchanged=187, bad=[])
    assert not report.has_changed
    assert shop.counts() == before


def test_changed_cells_change_what_they_speak_of_and_nothing_else(
    shop: Shop, catalogue: list[Row]
) -> None:
    shop.load(catalogue)

    rows = changed(catalogue, 2, price="32.90")
    rows = changed(rows, 3, weight_g="10130")
    rows = changed(rows, 4, stock="2500")

    assert shop.load(rows) == ImportReport(
        rows=187,
        updated=1,
        unchanged=186,
        prices_changed=1,
        stock_changed=1,
        bad=[],
    )
    # The fourth row had 2,600: the file sets it, and the movement is the difference.
    with shop.begin() as ctx:
        deltas = ctx.db.rows(
            "SELECT on_hand_delta FROM inventory.movement m JOIN goods.sku s ON s.id = m.sku_id"
            " WHERE s.supplier_code = 'HY10002-01' ORDER BY m.id"
        )
        assert list(findings(ctx)) == []
    assert deltas == [(2_600,), (-100,)]


def test_one_wrong_row_keeps_the_whole_sheet_out(shop: Shop, catalogue: list[Row]) -> None:
    before = shop.counts()
    rows = changed(catalogue, 188, price="free", gtin="123")

    with pytest.raises(ImportRefused) as caught:
        shop.load(rows)

    expected_price = "yuan of 0 or more with at most two decimals, such as 12.50"
    assert shop.counts() == before
    assert (caught.value.report.rows, caught.value.report.bad_rows) == (187, 1)
    assert [(bad.row, bad.column, bad.got) for bad in caught.value.report.bad] == [
        (188, "gtin", "123"),
        (188, "price", "free"),
    ]
    assert [(field.path, field.expected.en) for field in caught.value.fields][1] == (
        "/rows/188/price",
        expected_price,
    )


def test_wrong_rows_are_left_out_and_listed_when_asked(shop: Shop, catalogue: list[Row]) -> None:
    rows = changed(catalogue, 2, price="1.00")

    report = shop.load(rows, skip_bad=True)

    assert (report.rows, report.created, report.bad_rows, report.bad_count) == (187, 186, 1, 1)
    assert [(bad.row, bad.column, bad.got, bad.expected.en) for bad in report.bad] == [
        (2, "price", "1.00", "at least the cost, 26.50: a sale below cost is refused")
    ]


def test_listed_problems_have_a_bound_and_the_rest_is_counted(
    shop: Shop, catalogue: list[Row]
) -> None:
    bad = {**catalogue[0][1], "price": "", "title": "", "stock": "x"}

    with pytest.raises(ImportRefused) as caught:
        shop.load([(n, bad) for n in range(2, 502)])

    report = caught.value.report
    assert (report.bad_rows, report.bad_count, len(report.bad)) == (500, 1_500, 1_000)


def test_code_that_comes_twice_is_refused(shop: Shop, catalogue: list[Row]) -> None:
    with pytest.raises(ImportRefused) as caught:
        shop.load([*catalogue, (189, catalogue[0][1])])

    [bad] = caught.value.report.bad
    assert (bad.row, bad.column, bad.got) == (189, "supplier_code", "HY10001-01")
    assert bad.expected.en == "each code once; row 2 has it already"


def test_stock_without_a_warehouse_is_refused(shop: Shop, catalogue: list[Row]) -> None:
    homeless = replace(shop, warehouses={})

    with pytest.raises(ImportRefused) as caught:
        homeless.load(catalogue[:1])
    assert [bad.column for bad in caught.value.report.bad] == ["stock"]

    silent = [(n, {**raw, "stock": ""}) for n, raw in catalogue]
    assert homeless.load(silent).created == 187


def test_drafts_are_shelved_by_a_later_import_and_what_was_taken_off_stays_off(
    shop: Shop, catalogue: list[Row]
) -> None:
    # Given goods imported as drafts, which no partner sees
    assert shop.load(catalogue[:3], on_shelf=False).shelved == 0
    with shop.begin() as ctx:
        assert goods.sku_page(ctx, partner_id=shop.partner).items == []

    # When they are imported onto the shelf
    assert shop.load(catalogue[:3]) == ImportReport(rows=3, unchanged=3, shelved=3, bad=[])

    # Then they are seen; and one that is taken off is not brought back
    with shop.begin() as ctx:
        first = goods.sku_page(ctx, partner_id=shop.partner).items[0]
        goods.sku_shelve(ctx, sku_ids=[first.id], state=SkuState.OFF_SHELF)
    assert not shop.load(catalogue[:3]).has_changed


def test_stock_below_what_is_reserved_undoes_the_whole_import(
    shop: Shop, catalogue: list[Row]
) -> None:
    shop.load(catalogue)
    with shop.begin() as ctx:
        [rice] = goods.sku_page(ctx, partner_id=None, query="稻花软香米", limit=1).items
        [level] = inventory.stock_of(ctx, sku_ids=[rice.id])
        move = Move(MoveKind.RESERVE, rice.id, level.warehouse_id, 5, "ord_test")
        inventory.movements_write(ctx, moves=[move])
    before = shop.counts()

    with pytest.raises(StockBelowReserved):
        shop.load(changed(changed(catalogue, 2, stock="4"), 100, weight_g="1"))

    assert shop.counts() == before


def break_at(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one verb of the import fail."""
    module = {"pool_put": goods, "stock_open": inventory, "stock_change": inventory}

    def fails(ctx: Ctx, **_: object) -> None:
        raise ConnectionError(step)

    monkeypatch.setattr(module.get(step, pricing), step, fails)


@pytest.mark.parametrize("step", ["amounts_open", "stock_open", "pool_put"])
def test_failure_at_any_step_leaves_nothing(
    shop: Shop, catalogue: list[Row], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shop.counts()

    break_at(step, monkeypatch)
    with pytest.raises(ConnectionError):
        shop.load(catalogue)
    monkeypatch.undo()

    assert shop.counts() == before
    assert shop.load(catalogue).created == 187


@pytest.mark.parametrize("step", ["costs_put", "prices_put", "stock_change"])
def test_failure_at_any_step_with_goods_that_were_there_leaves_them_as_they_were(
    shop: Shop, catalogue: list[Row], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.load(catalogue[:100])
    before = shop.counts()
    rows = changed(catalogue, 2, price="32.90", stock="7")

    break_at(step, monkeypatch)
    with pytest.raises(ConnectionError):
        shop.load(rows)
    monkeypatch.undo()

    assert shop.counts() == before
    report = shop.load(rows)
    assert (report.created, report.prices_changed, report.stock_changed) == (87, 88, 88)


def many(catalogue: list[Row], count: int) -> list[Row]:
    raw = catalogue[0][1]
    return [
        (n, {**raw, "supplier_code": f"C{n}", "spu_code": f"S{n}"}) for n in range(2, count + 2)
    ]


def test_what_the_database_refused_first_is_told_while_another_lot_is_on_its_way(
    shop: Shop, catalogue: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shop.counts()

    def fails(ctx: Ctx, **_: object) -> None:
        ctx.db.run("SELECT 1 / 0")

    monkeypatch.setattr(pricing, "amounts_open", fails)
    with pytest.raises(psycopg.errors.DivisionByZero):
        shop.load(many(catalogue, 3_500))

    assert shop.counts() == before


def test_transaction_that_the_database_undid_is_done_again_from_the_first_row(
    shop: Shop, catalogue: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    amounts_open, tries = pricing.amounts_open, list[int]()

    def undone_once(ctx: Ctx, *, list_id: ListId, rows: Sequence[FirstAmounts]) -> None:
        tries.append(len(rows))
        if len(tries) == 2:
            ctx.db.run("DO $$ BEGIN RAISE EXCEPTION 'a' USING ERRCODE = '40001'; END $$")
        amounts_open(ctx, list_id=list_id, rows=rows)

    monkeypatch.setattr(pricing, "amounts_open", undone_once)
    report = shop.load(many(catalogue, 2_500))

    assert tries == [1_000, 1_000, 1_000, 1_000, 500]
    assert (report.created, report.prices_changed, report.stock_changed) == (2_500, 2_500, 2_500)
    with shop.begin() as ctx:
        assert list(findings(ctx)) == []


def test_stock_of_goods_that_were_there_is_set_and_of_others_made(
    shop: Shop, catalogue: list[Row]
) -> None:
    shop.load(many(catalogue, 1_500))
    rows = [(n, {**raw, "stock": str(n % 2 * 7)}) for n, raw in many(catalogue, 2_000)]

    report = shop.load(rows)

    # 1,500 old places leave 1,800; of 500 new ones the 250 of odd rows come to hold something.
    assert (report.created, report.stock_changed) == (500, 1_750)
    with shop.begin() as ctx:
        found = goods.skus_by_code(ctx, keys=[(shop.suppliers["禾屿"], f"C{n}") for n, _ in rows])
        levels = inventory.stock_of(ctx, sku_ids=list(found.values()))
        by_sku = {level.sku_id: level.on_hand for level in levels}
        assert [by_sku[sku_id] for sku_id in found.values()] == [
            int(code[1:]) % 2 * 7 for _, code in found
        ]
        assert list(findings(ctx)) == []


def test_unknown_pool_changes_nothing(shop: Shop, catalogue: list[Row]) -> None:
    before = shop.counts()

    with pytest.raises(PoolUnknown):
        replace(shop, pool_id=PoolId(shop.partner)).load(catalogue)

    assert shop.counts() == before


def test_it_needs_the_scopes_of_all_it_changes(
    shop: Shop, catalogue: list[Row], world: World
) -> None:
    actor = Actor("staff", shop.partner, "key_1", frozenset({"admin:goods", "admin:prices"}))

    with pytest.raises(Forbidden) as caught:
        replace(shop, begin=partial(world.begin, actor)).load(catalogue)
    assert caught.value.members["needs"] == "admin:stock"


def test_progress_is_told_by_the_thousand(shop: Shop, catalogue: list[Row]) -> None:
    rows = many(catalogue, 2_500)
    told: list[int] = []

    report = import_goods(
        shop.begin,
        rows=rows,
        suppliers=shop.suppliers,
        warehouses=shop.warehouses,
        price_list_id=shop.price_list_id,
        pool_id=shop.pool_id,
        progress=told.append,
    )

    assert report.created == 2_500
    assert told == [1_000, 2_000, 2_500]


def test_sheet_above_the_bound_is_refused(
    shop: Shop, catalogue: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "ROWS_MAX", 100)

    with pytest.raises(ImportTooLarge):
        shop.load(catalogue)


def test_empty_sheet_is_imported_as_nothing(shop: Shop) -> None:
    assert shop.load([]) == ImportReport(rows=0, bad=[])
