"""A price list is written out, changed in a sheet, looked at, and imported again."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.entrypoints.cli.conftest import Run
from tests.market import Market, market_open
from weili.entrypoints.cli.opened import world_opened
from weili.kit.ids import id_text
from weili.modules.goods import SKU_PREFIX


@dataclass(frozen=True)
class Desk:
    """A market, the command line, and a folder for files."""

    market: Market
    run: Run
    folder: Path

    @property
    def tea(self) -> str:
        return id_text(SKU_PREFIX, self.market.tea)

    def sheet(self, *rows: str) -> str:
        """Write a sheet of prices of SKUs by id."""
        path = self.folder / "prices.csv"
        text = "\n".join(["sku_id,quantity_min,price,valid_from,valid_to", *rows])
        path.write_text(text + "\n", encoding="utf-8")
        return str(path)

    def told(self, *words: str) -> dict[str, Any]:
        """Import, which must go well; gives the report."""
        said = self.run("import", "prices", *words, "--json")
        assert said.code == 0, said.err
        report: dict[str, Any] = json.loads(said.out)
        return report

    def exported(self) -> list[dict[str, str]]:
        """Write the list out; gives its rows."""
        path = self.folder / "out.csv"
        assert self.run("prices", "export", str(path)).code == 0
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def of_tea(self) -> list[tuple[str, str, str]]:
        return [
            (row["quantity_min"], row["price"], row["valid_from"])
            for row in self.exported()
            if row["sku_id"] == self.tea
        ]


@pytest.fixture
def desk(run: Run, tmp_path: Path) -> Iterator[Desk]:
    with world_opened(None) as world:
        yield Desk(market_open(world), run, tmp_path)


def test_a_preview_moves_nothing_and_the_same_sheet_again_changes_nothing(desk: Desk) -> None:
    before = desk.exported()
    # A tier from ten pieces on, and a price of the far future
    sheet = desk.sheet(f"{desk.tea},10,9999.99,,", f"{desk.tea},1,8888,2900-01-01,2900-02-01")
    looked = desk.told(sheet, "--preview")
    assert (looked["rows"], looked["dearer"], looked["prices_changed"]) == (2, 2, 0)
    assert looked["partners"] > 0
    assert desk.exported() == before

    done = desk.told(sheet)
    assert (done["prices_changed"], done["prices_planned"]) == (1, 1)
    assert ("10", "9999.99", "") in desk.of_tea()
    assert ("1", "8888.00", "2900-01-01 00:00:00+08:00") in desk.of_tea()

    again = desk.told(sheet)
    assert (again["same"], again["prices_changed"], again["prices_planned"]) == (2, 0, 0)


def test_what_is_written_out_comes_in_again_and_changes_nothing(desk: Desk) -> None:
    desk.told(desk.sheet(f"{desk.tea},1,8888,2900-01-01,", f"{desk.tea},5,7777,,2900-01-01"))
    rows = len(desk.exported())
    report = desk.told(str(desk.folder / "out.csv"))
    assert (report["rows"], report["same"], report["prices_changed"]) == (rows, rows, 0)
    assert (report["prices_planned"], report["bad_rows"]) == (0, 0)


def test_each_wrong_cell_is_named_and_nothing_is_imported(desk: Desk) -> None:
    before = desk.exported()
    sheet = desk.sheet(
        f"{desk.tea},2,9999,,",
        f"{desk.tea},2,9998,,",
        f"{desk.tea},0,abc,,",
        f"{desk.tea},3,0.01,,",
        f"{desk.tea},4,9999,2001-01-01,2001-02-01",
        f"{desk.tea},4,9999,2900-02-01,2900-01-01",
        "sku_0000,1,5,,",
        ",1,5,,",
    )
    said = desk.run("import", "prices", sheet, "--json")
    assert said.code != 0
    wrong = [(bad["row"], bad["column"]) for bad in json.loads(said.out)["bad"]]
    assert sorted(wrong) == [
        (3, "quantity_min"),
        (4, "price"),
        (4, "quantity_min"),
        (5, "price"),
        (6, "valid_to"),
        (7, "valid_to"),
        (8, "sku_id"),
        (9, "supplier_code"),
    ]
    assert desk.exported() == before

    # And with the wrong rows left out, the one that is right is imported
    done = desk.told(sheet, "--skip-bad")
    assert (done["bad_rows"], done["prices_changed"]) == (7, 1)


def test_a_price_at_the_time_of_another_is_refused_by_row(desk: Desk) -> None:
    desk.told(desk.sheet(f"{desk.tea},1,8888,2900-01-01,2900-02-01"))
    said = desk.run(
        "import", "prices", desk.sheet(f"{desk.tea},1,7777,2900-01-15,2900-03-01"), "--json"
    )
    assert said.code != 0
    [bad] = json.loads(said.out)["bad"]
    assert (bad["row"], bad["column"]) == (2, "valid_from")


def test_a_saved_mapping_says_where_codes_and_prices_are(desk: Desk) -> None:
    [row] = [row for row in desk.exported() if row["sku_id"] == desk.tea]
    assert desk.run("goods", "category", "x").code == 0
    fixed = {"value": "x"}
    mapping = {
        "supplier_code": "货号",
        "price": {"heading": "价(分)", "unit": "fen"},
        **dict.fromkeys(("category", "title", "tax_rate_bps", "cost"), fixed),
    }
    path = desk.folder / "mapping.json"
    path.write_text(json.dumps(mapping), encoding="utf-8")
    assert desk.run("import", "mapping", "save", "theirs", str(path)).code == 0
    sheet = desk.folder / "theirs.csv"
    sheet.write_text(f"货号,价(分),起订量\n{row['supplier_code']},999900,6\n", encoding="utf-8")
    report = desk.told(str(sheet), "--mapping", "theirs", "--supplier", row["supplier"])
    assert report["prices_changed"] == 1
    assert ("6", "9999.00", "") in desk.of_tea()
