"""What a supplier proposes in a sheet, by command: report, refusal, a saved mapping, again."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.entrypoints.cli.conftest import Run
from tests.market import Market, market_open
from weili.entrypoints.cli.opened import world_opened
from weili.modules import goods

HEAD = "supplier_code,category,title,cost"


@dataclass(frozen=True)
class Desk:
    """A market with one category, the command line, and a folder for files."""

    market: Market
    run: Run
    folder: Path

    def file(self, text: str, name: str = "goods.csv") -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def told(self, *words: str) -> dict[str, Any]:
        """Import, which must go well; gives the report."""
        said = self.run("import", "proposals", *words, "--supplier", "grocer", "--json")
        assert said.code == 0, said.err
        report: dict[str, Any] = json.loads(said.out)
        return report

    def proposed(self) -> dict[str, tuple[str, int | None]]:
        """Give the grocer's drafts: title and cost of the first variant, by SPU."""
        with self.market.world.begin(self.market.as_supplier()) as ctx:
            page = goods.revision_page(ctx, supplier_id=self.market.grocer)
        assert {each.state for each in page.items} <= {goods.RevisionState.DRAFT}
        said = [each.proposal for each in page.items]
        return {one.spu_code: (one.title, one.skus[0].unit_cost_minor) for one in said}


@pytest.fixture
def desk(run: Run, tmp_path: Path) -> Iterator[Desk]:
    with world_opened(None) as world:
        market = market_open(world)
        with world.begin() as ctx:
            goods.category_open(ctx, name="咖啡豆")
        yield Desk(market, run, tmp_path)


def test_a_sheet_is_proposed_and_the_same_again_changes_nothing(desk: Desk) -> None:
    sheet = desk.file(f"{HEAD}\nCF,咖啡豆,云南咖啡豆,20\nDRIP,咖啡豆,挂耳,9.9\n")
    assert desk.told(sheet)["created"] == 2
    assert desk.proposed() == {"CF": ("云南咖啡豆", 2_000), "DRIP": ("挂耳", 990)}
    again = desk.told(sheet)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)
    said = desk.run("import", "proposals", sheet, "--supplier", "grocer")
    assert (said.code, said.out.split(":")[0]) == (0, "2 rows, by SPU")


def test_wrong_rows_keep_all_of_it_out_unless_they_are_left_out(desk: Desk) -> None:
    sheet = desk.file(f"{HEAD}\nCF,咖啡豆,云南咖啡豆,20\nTEA,茶,龙井,free\nX,茶,龙井,1\n")
    refused = desk.run("import", "proposals", sheet, "--supplier", "grocer")
    assert refused.code != 0
    assert "row 3, cost: 'free'" in refused.err
    assert "row 4, category: '茶'" in refused.err
    assert desk.proposed() == {}
    report = desk.told(sheet, "--skip-bad")
    assert (report["created"], report["bad_rows"], report["bad"][0]["row"]) == (1, 2, 3)
    assert list(desk.proposed()) == ["CF"]


def test_drafts_are_handed_in_each_by_itself(desk: Desk) -> None:
    # Given two drafts, of which the category of one has come to ask for what it does not say
    with desk.market.world.begin() as ctx:
        tea = goods.category_open(ctx, name="茶")
    desk.told(desk.file(f"{HEAD}\nCF,咖啡豆,云南咖啡豆,20\nTEA,茶,龙井,30\n"))
    with desk.market.world.begin() as ctx:
        origin = goods.Attribute("产地", goods.AttributeKind.TEXT, is_required=True)
        goods.template_put(ctx, category_id=tea.id, attributes=[origin])
    drafts = json.loads(desk.run("goods", "list", "--state", "draft", "--json").out)["items"]
    by_code = {item["spu_code"]: item["id"] for item in drafts}
    # When both are handed in
    ids = (by_code["TEA"], by_code["CF"])
    said = desk.run("goods", "submit", *ids, "--supplier", "grocer", "--json")
    # Then the good one is in review, and the other one stays and says why
    assert said.code == 7, said.err
    items = json.loads(said.out)["items"]
    assert [item["status"] for item in items] == ["refused", "submitted"]
    assert items[0]["code"] == "goods_unfit"
    assert "产地" in said.err
    listed = json.loads(desk.run("goods", "list", "--json").out)["items"]
    assert [item["spu_code"] for item in listed] == ["CF"]
    # And nobody hands in what is another's
    other = desk.run("goods", "submit", by_code["TEA"], "--supplier", "farm")
    assert (other.code, "is in review" in other.out) == (5, False)


def test_a_saved_mapping_says_where_the_columns_are(desk: Desk) -> None:
    rules = {
        "supplier_code": {"heading": "货号"},
        "category": {"value": "咖啡豆"},
        "title": {"heading": "名称"},
        "tax_rate_bps": {"value": "1300"},
        "cost": {"heading": "进价", "unit": "fen"},
        "price": {"share_of": "cost", "share_bps": 15000},
        "variant": {"heading": "净重", "prefix": "净含量="},
    }
    mapping = desk.file(json.dumps(rules), "mapping.json")
    saved = desk.run("import", "mapping", "save", "shop", mapping, "--supplier", "grocer")
    assert saved.code == 0, saved.err
    sheet = desk.file("货号,名称,进价,净重\nCF,云南咖啡豆,2000,250\n")
    assert desk.told(sheet, "--mapping", "shop")["created"] == 1
    assert desk.proposed() == {"CF": ("云南咖啡豆", 2_000)}


def test_a_supplier_that_is_not_there_is_refused(desk: Desk) -> None:
    sheet = desk.file(f"{HEAD}\nCF,咖啡豆,云南咖啡豆,20\n")
    said = desk.run("import", "proposals", sheet, "--supplier", "nobody")
    assert said.code != 0
    assert "nobody" in said.err
