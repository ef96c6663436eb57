"""A supplier's own file by command: its mapping is saved, and its rows become goods."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.entrypoints.cli.conftest import Run, Said
from tests.market import Market, market_open
from weili.entrypoints.cli.opened import world_opened
from weili.modules import goods

RULES: dict[str, Any] = {
    "supplier_code": "id",
    "title": "name",
    "category": {"heading": "cid", "values": {"560": "手机通讯 > 手机", "7/6": "大家电＞电视"}},
    "tax_rate_bps": {"value": "1300"},
    "price": {"heading": "fen", "unit": "fen"},
    "cost": {"share_of": "price", "share_bps": 8000},
}
LISTS = ("--pool", "everyday", "--price-list", "standard")


@dataclass(frozen=True)
class Desk:
    """A market with two categories of phones and televisions, and a folder for files."""

    market: Market
    run: Run
    folder: Path

    def saved(self, **changes: object) -> Said:
        path = self.folder / "rules.json"
        path.write_text(json.dumps(RULES | changes), encoding="utf-8")
        return self.run("import", "mapping", "save", "shop", str(path), "--supplier", "grocer")

    def imported(self, kind: str, head: str, *rows: str) -> Said:
        path = self.folder / "theirs.csv"
        path.write_text("\n".join([head, *rows]), encoding="utf-8")
        words = (str(path), "--supplier", "grocer", "--mapping", "shop")
        return self.run("import", kind, *words, *LISTS)

    def categories(self) -> list[str]:
        items = json.loads(self.run("goods", "categories", "--json").out)["items"]
        return [item["category"] for item in items]


@pytest.fixture
def desk(run: Run, tmp_path: Path) -> Iterator[Desk]:
    with world_opened(None) as world:
        market = market_open(world)
        for path in ("手机通讯 > 手机", "大家电＞ 电视"):
            assert run("goods", "category", path).code == 0
        yield Desk(market, run, tmp_path)


def test_categories_are_made_from_the_top_and_listed_as_a_sheet_writes_them(desk: Desk) -> None:
    before = desk.categories()
    assert {"大家电", "大家电 > 电视", "手机通讯", "手机通讯 > 手机"} <= set(before)
    again = desk.run("goods", "category", "手机通讯 > 手机")
    assert (again.code, desk.categories()) == (0, before)
    assert desk.run("goods", "category", "大家电＞电视").out.endswith(": 大家电 > 电视\n")
    for path in ("", "a > > b", "a > b > c > d", "x" * 61):
        refused = desk.run("goods", "category", path)
        assert (refused.code, "/category: " in refused.err) == (2, True)
    assert desk.categories() == before


def test_a_mapping_to_a_category_that_is_not_there_is_refused_by_field(desk: Desk) -> None:
    # Given a mapping that was saved
    assert desk.saved().code == 0
    shown = desk.run("import", "mapping", "show", "shop", "--supplier", "grocer").out

    # When one is saved in its place of which two texts lead nowhere
    values = {"560": "手机通讯 > 手机", "7/6": "大家电 > 电示", "9": "手机"}
    refused = desk.saved(category={"heading": "cid", "values": values})

    # Then both are named, and the one that was there stays
    assert refused.code == 2
    assert [line.split(":")[0].strip() for line in refused.err.splitlines()[1:]] == [
        "/category/values/7~16",
        "/category/values/9",
    ]
    assert desk.run("import", "mapping", "show", "shop", "--supplier", "grocer").out == shown
    assert desk.saved(category={"value": "手机"}).code == 2
    assert desk.saved(category={"value": "手机通讯"}).code == 0
    # What the prefix makes of it counts, and a file's own paths are its own
    prefixed = {"heading": "cid", "prefix": "手机通讯 > ", "values": {"560": "手机"}}
    assert desk.saved(category=prefixed).code == 0
    assert desk.saved(category="cid").code == 0


@pytest.mark.parametrize(("kind", "day"), [("goods", ""), ("daily", ",2016-11-05")])
def test_a_code_that_leads_to_no_category_makes_none(desk: Desk, kind: str, day: str) -> None:
    # Given a category that went away after the mapping was saved, and a code it does not list
    assert desk.saved(**({"day": "day"} if day else {})).code == 0
    with desk.market.world.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL ROLE NONE")
        connection.exec_driver_sql("DELETE FROM goods.category WHERE name = '电视'")
    before = desk.categories()

    # When a file comes with all three
    head = "id,name,cid,fen" + (",day" if day else "")
    rows = (f"A,电话,560,49900{day}", f"B,电视机,7/6,99900{day}", f"C,茶,999,4500{day}")
    refused = desk.imported(kind, head, *rows)

    # Then the rows are named, and nothing was made
    assert refused.code == 7
    assert "row 3, cid (category): '大家电＞电视'" in refused.err
    assert "row 4, cid (category): '999'" in refused.err
    assert desk.categories() == before
    with desk.market.world.begin() as ctx:
        assert goods.skus_by_code(ctx, keys=[(desk.market.grocer, "A")]) == {}

    # And what is right can go without them
    path = desk.folder / "theirs.csv"
    words = (str(path), "--supplier", "grocer", "--mapping", "shop", "--skip-bad", *LISTS)
    assert desk.run("import", kind, *words).code == 0
    assert desk.categories() == before
    with desk.market.world.begin() as ctx:
        keys = [(desk.market.grocer, code) for code in "ABC"]
        assert set(goods.skus_by_code(ctx, keys=keys)) == {keys[0]}


@pytest.mark.parametrize(("kind", "day"), [("goods", ""), ("daily", ",2016-11-05")])
def test_a_wrong_cell_is_told_by_the_heading_of_the_file_that_was_mapped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str, day: str
) -> None:
    # Given a mapping that takes the cost from the price, and attributes from two columns
    parts = {"颜色": {"heading": "Colour"}, "尺寸": {"heading": "size"}}
    changes = {"attributes": {"names": parts}, **({"day": "day"} if day else {})}
    assert desk.saved(**changes).code == 0
    head = "id,Name ,cid,FEN,Colour,size" + (",day" if day else "")

    # When a file comes with a price that is none, and a page of text for a colour
    refused = desk.imported(kind, head, f"A,电话,560,free,{'x' * 501},L{day}")

    # Then each is named as the file has it, with our own name where that is another
    assert refused.code == 7
    lines = [line for line in refused.err.splitlines() if line.startswith("  row ")]
    told = [line.split(":")[0].strip() for line in lines]
    assert told == ["row 2, Colour, size (attributes)", "row 2, FEN (cost)", "row 2, FEN (price)"]
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert (
        "第 2 行 FEN（price）：'free'" in desk.imported(kind, head, f"A,电话,560,free,,{day}").err
    )


def test_a_chinese_heading_is_told_as_it_stands_and_ours_by_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.folder / "ours.csv"
    path.write_text(
        "商品编码,类目,商品名称,tax_rate_bps,Cost,售价\nA,茶,龙井,1300,x,free\n", encoding="utf-8"
    )
    words = ("import", "goods", str(path), "--supplier", "grocer", *LISTS)
    refused = desk.run(*words)
    assert "row 2, Cost: 'x'" in refused.err
    assert "row 2, 售价 (price): 'free'" in refused.err
    [cost, price] = json.loads(desk.run(*words, "--json").out)["bad"]
    assert (cost["column"], cost["heading"]) == ("cost", "Cost")
    assert (price["column"], price["heading"]) == ("price", "售价")

    # A price list, a supplier's proposals and counts are told in the same way
    prices = desk.folder / "prices.csv"
    prices.write_text("商品编码,售价\ntea,free\n", encoding="utf-8")
    told = desk.run("import", "prices", str(prices), "--supplier", "grocer")
    assert "row 2, 售价 (price): 'free'" in told.err
    told = desk.run("import", "proposals", str(path), "--supplier", "grocer")
    assert "row 2, Cost: 'x'" in told.err
    counts = desk.folder / "counts.csv"
    counts.write_text("商品编码,仓库,库存\ntea,NEAR,many\n", encoding="utf-8")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    told = desk.run("stock", "set", str(counts), "--supplier", "grocer")
    assert (told.code, "  /rows/2/库存: " in told.err) == (2, True)
    assert "第 2 行 售价（price）：'free'" in desk.run(*words).err


def test_a_price_list_and_proposals_by_a_mapping_are_told_by_the_file_too(desk: Desk) -> None:
    assert desk.saved(variant={"heading": "size", "prefix": "净含量"}).code == 0
    refused = desk.imported("prices", "id,fen", "tea,free")
    assert refused.code == 2  # Of the mapping's lists, prices have no pool.
    path = desk.folder / "theirs.csv"
    words = (str(path), "--supplier", "grocer", "--mapping", "shop")
    assert "row 2, fen (price): 'free'" in desk.run("import", "prices", *words).err
    path.write_text("id,name,cid,fen,size\nA,电话,560,100,L\n", encoding="utf-8")
    assert "row 2, size (variant_values): " in desk.run("import", "proposals", *words).err
