"""A supplier's and a warehouse's commands, as they are typed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.entrypoints.cli.conftest import Run, Said
from tests.market import HEXI, TEA_COST_FEN, Market, market_open
from tests.workflows.test_order_life import place, read, release
from weili.entrypoints.cli.opened import world_opened
from weili.kit.ids import id_text
from weili.modules import dropship, inventory, pricing

S = dropship.OrderState


@dataclass(frozen=True)
class Shop:
    """A market in the sandbox that the command line works in."""

    market: Market
    run: Run

    def told(self, *words: str) -> dict[str, Any]:
        """Run a command of the grocer's that must go well; gives its JSON."""
        said = self.run(*words, "--supplier", "grocer", "--json")
        assert said.code == 0, said.err
        document: dict[str, Any] = json.loads(said.out)
        return document

    def said(self, *words: str, supplier: str = "grocer") -> Said:
        """Run a command of a supplier's for a person."""
        return self.run(*words, "--supplier", supplier)

    def order(self, number: str, count: int) -> tuple[dropship.Order, str]:
        """Place an order of teas that the grocer has in its list; gives its child's id too."""
        draft = self.market.draft(number, (self.market.tea, count))
        order = place(self.market, draft)
        with self.market.world.begin() as ctx:
            dropship.queue_feed(ctx, orders=[order])
        return order, id_text(dropship.CHILD_PREFIX, order.children[0].id)


@pytest.fixture
def shop(run: Run) -> Iterator[Shop]:
    """Open a market in a sandbox of the test's own."""
    with world_opened(None) as world:
        yield Shop(market_open(world), run)


def test_a_child_order_is_taken_picked_printed_and_shipped(shop: Shop, tmp_path: Path) -> None:
    # Given an order of three teas in the grocer's list
    order, child = shop.order("A-1", 3)
    [item] = shop.told("supply", "list")["items"]
    assert (item["id"], item["state"], item["lines"][0]["quantity"]) == (child, "confirmed", 3)
    assert f"{child}  confirmed" in shop.said("supply", "list").out
    # When it is taken and picked, each twice
    for verb, state in (("take", "released"), ("pick", "picking")):
        for _ in range(2):
            assert shop.told("supply", verb, child)["items"] == [{"id": child, "state": state}]
    # Then its papers show what is to be sent, and nobody's name
    listed = shop.told("supply", "print", "pick-list", "--warehouse", "NEAR")
    assert [(sku["supplier_code"], sku["quantity"]) for sku in listed["skus"]] == [("tea", 3)]
    [bill] = shop.told("supply", "print", "waybills", child)["items"]
    assert "*" in bill["recipient"]["name"]
    out = tmp_path / "w.pdf"
    assert shop.said("supply", "print", "waybills", child, "--out", str(out)).code == 0
    assert out.read_bytes().startswith(b"%PDF")
    # And it leaves in two packages, each of which is told twice
    words = ("supply", "ship", child, "--carrier", "SF", "--waybill")
    first = [shop.told(*words, "SF1", "--line", "1=1")["id"] for _ in range(2)]
    rest = [shop.told(*words, "SF2")["id"] for _ in range(2)]
    assert (len(set(first)), len(set(rest)), first[0] != rest[0]) == (1, 1, True)
    now = read(shop.market, order.id)
    assert now.state is S.SHIPPED
    assert [package.lines[0].quantity for package in now.packages] == [1, 2]
    assert shop.market.owed() == 3 * TEA_COST_FEN
    assert shop.told("supply", "list")["items"] == []


def test_what_is_refused_comes_from_elsewhere_or_is_refunded(shop: Shop) -> None:
    order, child = shop.order("A-1", 3)
    refuse = ("supply", "refuse", child, "--reason", "broken")
    assert shop.told(*refuse, "--line", "1=1")["items"][0]["state"] == "confirmed"
    # 2 of 3 are left here, and one comes from the other warehouse.
    children = read(shop.market, order.id).children
    assert [(c.warehouse_id, c.lines[0].quantity) for c in children] == [
        (shop.market.near, 2),
        (shop.market.far, 1),
    ]
    assert shop.told(*refuse)["items"][0]["state"] == "split"


def test_nobody_touches_what_is_anothers(shop: Shop) -> None:
    order, child = shop.order("A-1", 1)
    for words in (
        ("take", child),
        ("pick", child),
        ("refuse", child, "--reason", "mine"),
        ("ship", child, "--carrier", "SF", "--waybill", "SF1"),
        ("print", "waybills", child),
    ):
        assert shop.said("supply", *words, supplier="farm").code == 5, words
    printed = shop.said("supply", "print", "pick-list", "--warehouse", "NEAR", supplier="farm")
    shown = shop.said("stock", "show", "--warehouse", "NEAR", supplier="farm")
    asked = shop.said("supply", "cost", "tea", "28.00", supplier="farm")
    assert (printed.code, shown.code, asked.code) == (5, 5, 5)
    assert shop.said("supply", "list", supplier="nobody").code == 5
    assert read(shop.market, order.id) == order


WRONG = (
    (("ship", "chd_x", "--carrier", "SF", "--waybill", "SF1"), 2),
    (("ship", "CHILD", "--carrier", "XX", "--waybill", "SF1"), 2),
    (("ship", "CHILD", "--carrier", "SF", "--waybill", "no 1"), 2),
    (("ship", "CHILD", "--carrier", "SF", "--waybill", "SF1", "--line", "1"), 2),
    (("ship", "CHILD", "--carrier", "SF", "--waybill", "SF1", "--line", "1=9"), 6),
    (("refuse", "CHILD", "--reason", "x", "--line", "2=1"), 6),
    (("refuse", "CHILD", "--reason", "x", "--line", "1=1", "--line", "1=1"), 2),
    (("refuse", "CHILD", "--reason", ""), 2),
    (("cost", "tea", "28.001"), 2),
    (("cost", "no such", "28.00"), 5),
    (("cost", "tea", "28.00", "--from", "2027-01-01"), 2),
    (("cost", "tea", "28.00", "--from", "2027-01-01T00:00"), 2),  # Of which clock?
    (("cost", "tea", "28.00", "--from", "2001-01-01T00:00+08:00"), 2),
)


def test_what_can_not_be_moves_nothing(shop: Shop) -> None:
    order, child = shop.order("A-1", 1)
    release(shop.market, order)
    before = read(shop.market, order.id)
    for words, code in WRONG:
        said = shop.said("supply", *(child if word == "CHILD" else word for word in words))
        assert said.code == code, (words, said.err)
    assert read(shop.market, order.id) == before


def test_another_cost_waits_for_the_operator(shop: Shop) -> None:
    asked = shop.told("supply", "cost", "tea", "28.00")
    assert (asked["unit_cost_minor"], asked["state"]) == (2_800, "submitted")


def test_a_cost_is_asked_for_from_a_moment_on(shop: Shop) -> None:
    asked = shop.told("supply", "cost", "tea", "28.00", "--from", "2101-01-01T00:00+08:00")
    assert asked["valid_from"] == "2100-12-31T16:00:00+00:00"
    with shop.market.world.begin() as ctx:
        [kept] = pricing.cost_page(ctx, supplier_id=shop.market.grocer).items
    assert kept.valid_from == datetime(2100, 12, 31, 16, tzinfo=UTC)
    assert (kept.unit_cost_minor, kept.state) == (2_800, pricing.CostState.SUBMITTED)


def sheet(path: Path, *rows: str) -> str:
    """Write a sheet of counts."""
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def test_a_clerk_finds_the_code_of_a_warehouse_with_what_it_serves(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a warehouse that serves most of the country, beside two that are near
    with shop.market.world.begin() as ctx:
        wide = inventory.warehouse_open(
            ctx,
            code="WIDE",
            supplier_id=shop.market.grocer,
            name="中心仓",
            region_code="330100",
        )
    assert [item["code"] for item in shop.told("stock", "warehouses")["items"]] == [
        "NEAR",
        "FAR",
        "WIDE",
    ]
    assert "nobody yet" in shop.said("stock", "warehouses").out
    codes = ["110000", "120000", "130000", "140000", "150000"]
    with shop.market.world.begin() as ctx:
        rows = [inventory.CoverageRow(code, 9, 4) for code in codes]
        inventory.coverage_put(ctx, warehouse_id=wide.id, rows=rows)

    # When they are listed
    first = shop.told("stock", "warehouses", "--limit", "2")
    rest = shop.told("stock", "warehouses", "--cursor", first["next_cursor"])

    # Then each is told with where it is and what it serves, and nobody else's is
    _, far = first["items"]
    assert (far["code"], far["region_code"], far["region"]) == ("FAR", HEXI, "天津市河西区")
    assert far["serves"] == [
        {"region_code": "120000", "region": "天津市", "priority": 1, "lead_days": 1},
        {"region_code": "330000", "region": "浙江省", "priority": 2, "lead_days": 3},
    ]
    assert ([item["code"] for item in rest["items"]], rest["next_cursor"]) == (["WIDE"], None)
    assert [row["region_code"] for row in rest["items"][0]["serves"]] == codes
    assert "--cursor" in shop.said("stock", "warehouses", "--limit", "1").err
    assert "山西省 and 1 more" in shop.said("stock", "warehouses").out
    barn = shop.said("stock", "warehouses", supplier="farm").out
    assert ("BARN" in barn, "NEAR" in barn) == (True, False)

    # And a code that is not there says how to find those that are
    file = sheet(tmp_path / "a.csv", "supplier_code,warehouse,on_hand", "tea,BARN,7")
    lists = "`weili stock warehouses` lists "
    assert lists in shop.said("stock", "set", file).err
    assert lists in shop.said("stock", "show", "--warehouse", "BARN").err
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "山西省等 5 处" in shop.said("stock", "warehouses").out
    shown = shop.said("stock", "show", "--warehouse", "BARN")
    assert (shown.code, "列出其仓库" in shown.err) == (5, True)


def test_counts_are_set_by_a_sheet_and_the_same_again_changes_nothing(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sheet(tmp_path / "a.csv", "商品编码,仓库,库存,安全库存", "tea,NEAR,7,2", "cup,NEAR,9,")
    first, second = (shop.told("stock", "set", file)["items"] for _ in range(2))
    assert first == second
    assert {item["supplier_code"]: (item["on_hand"], item["safety"]) for item in first} == {
        "tea": (7, 2),
        "cup": (9, 0),
    }
    # What is shown goes on where the list before ended
    shown = shop.told("stock", "show", "--warehouse", "NEAR", "--limit", "1")
    rest = shop.told("stock", "show", "--warehouse", "NEAR", "--cursor", shown["next_cursor"])
    assert shown["items"] + rest["items"] == first
    assert "--cursor" in shop.said("stock", "show", "--warehouse", "NEAR", "--limit", "1").err
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert shop.said("stock", "set", file).out == "已设置 2 处库存。\n"
    assert "明前龙井" in shop.said("stock", "show", "--warehouse", "NEAR").out


def test_a_sheet_with_a_wrong_row_sets_nothing_and_names_each(shop: Shop, tmp_path: Path) -> None:
    file = sheet(
        tmp_path / "a.csv",
        "supplier_code,warehouse,on_hand,safety",
        "tea,NEAR,7,",
        "eggs,NEAR,7,",  # The farm's goods.
        "tea,BARN,7,",  # The farm's warehouse.
        "tea,FAR,-1,",
        "cup,FAR,1,x",
        "tea,NEAR,8,",
        "tea",
    )
    refused = shop.said("stock", "set", file)
    assert refused.code == 2
    assert [line.split(":")[0].strip() for line in refused.err.splitlines()[1:]] == [
        "/rows/3/supplier_code",
        "/rows/4/warehouse",
        "/rows/5/on_hand",
        "/rows/6/safety",
        "/rows/7/supplier_code",
        "/rows/8/warehouse",
        "/rows/8/on_hand",
    ]
    assert shop.market.stock(shop.market.tea, shop.market.near) == (100, 0)
    # Less than is promised is no count either
    shop.order("A-1", 3)
    file = sheet(tmp_path / "b.csv", "supplier_code,warehouse,on_hand", "tea,NEAR,2")
    assert shop.said("stock", "set", file).code == 6
    assert shop.market.stock(shop.market.tea, shop.market.near) == (100, 3)
    assert shop.said("stock", "set", sheet(tmp_path / "c.csv", "a,b", "1,2")).code == 2
