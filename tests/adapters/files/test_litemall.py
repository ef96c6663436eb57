"""A litemall export becomes rows of our own sheet."""

import os
from pathlib import Path

import pytest

from weili.adapters.files import SheetNotASheet, litemall
from weili.modules import goods

SHARED = Path(os.environ.get("WEILI_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data")
REAL = SHARED / "litemall_yanxuan_cn_catalog"

TABLES = {
    "goods": (
        "id,name,category_id,brand_id,unit,counter_price,is_on_sale,deleted\n"
        "10,记忆枕,2,7,只,99.00,1,0\n"
        "11,羊毛被,2,0,件,479.00,1,0\n"
        "12,停售品,2,0,件,10.00,0,0\n"
        "13,删除品,2,0,件,10.00,1,1\n"
    ),
    "goods_product": (
        "id,goods_id,specifications,price,number,deleted\n"
        '1,10,"[""标准""]",99.00,100,0\n'
        '2,10,"[""加宽"",""灰""]",100.05,7,0\n'
        '3,11,"[""标准""]",459.00,0,0\n'
        '4,12,"[""标准""]",10.00,5,0\n'
        '5,13,"[""标准""]",10.00,5,0\n'
        '6,10,"[""旧款""]",99.00,1,1\n'
    ),
    "category": "id,name,pid,deleted\n1,居家,0,0\n2,被枕,1,0\n",
    "brand": "id,name,deleted\n7,枕头制造商,0\n",
    "goods_attribute": (
        "goods_id,attribute,value,deleted\n"
        '10,材质,"100%棉;羊毛",0\n10,材质,再一次,0\n10,产地,中国,0\n10,废,旧,1\n'
        f"11,提示,{'长' * 300},0\n"
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in TABLES.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_each_variant_for_sale_is_a_row(folder: Path) -> None:
    pillow, wide, quilt = litemall.rows_of(folder, suppliers=["甲", "乙"])

    assert pillow == (
        2,
        {
            "supplier_code": "LM1",
            "supplier": "甲",
            "category": "居家 > 被枕",
            "brand": "枕头制造商",
            "brand_kind": "factory",
            "spu_code": "LM-G10",
            "title": "记忆枕",
            "variant": "",
            "attributes": "材质=100%棉，羊毛;产地=中国",
            "gtin": "",
            "tax_rate_bps": "1300",
            "return_policy": "seven_days_no_reason",
            "weight_g": "",
            "cost": "69.30",
            "price": "99.00",
            "compare_at_price": "99.00",
            "stock": "100",
            "unit": "只",
        },
    )
    # 70 % of 100.05 is 70.035, rounded half up; and 99.00 is no price to cross out above it.
    assert (wide[0], wide[1]["variant"], wide[1]["cost"]) == (3, "加宽 灰", "70.04")
    assert (wide[1]["compare_at_price"], wide[1]["supplier"]) == ("", "甲")
    assert (quilt[0], quilt[1]["supplier"], quilt[1]["attributes"]) == (4, "乙", "")


def test_share_of_cost_may_be_set_and_suppliers_left_out(folder: Path) -> None:
    rows = [row for _, row in litemall.rows_of(folder, cost_bps=5_000)]

    assert [row["cost"] for row in rows] == ["49.50", "50.03", "229.50"]
    assert {row["supplier"] for row in rows} == {""}


def test_price_that_is_none_is_refused_with_its_row(folder: Path) -> None:
    path = folder / "goods_product.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("459.00", "n/a"), encoding="utf-8")

    with pytest.raises(SheetNotASheet, match="row 4"):
        list(litemall.rows_of(folder))


def test_export_without_a_table_is_refused(folder: Path) -> None:
    (folder / "brand.csv").unlink()

    with pytest.raises(SheetNotASheet, match=r"brand\.csv"):
        list(litemall.rows_of(folder))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real export is not on this machine")
def test_real_export_is_good_to_the_last_row() -> None:
    rows = list(litemall.rows_of(REAL, suppliers=["甲", "乙", "丙"]))
    found = [goods.row_check(*row) for row in rows]

    # 244 variants, one of them of a product that is not on sale.
    assert len(rows) == 243
    assert [each for each in found if isinstance(each, list)] == []
    assert {row["supplier"] for _, row in rows} == {"甲", "乙", "丙"}
    assert {row["category"].count(" > ") for _, row in rows} == {1}
