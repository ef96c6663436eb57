"""Files that others open in a sheet: what they write in a cell is reckoned by nobody."""

import csv
import io

import pytest

from weili.adapters.files.tables_out import csv_write


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "＝1+1", "＠a"])
def test_no_text_in_csv_is_taken_for_a_formula(text: str) -> None:
    file = io.BytesIO()
    csv_write(file, [(text, -1, None)])
    [row] = csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline=""))
    assert row == [f"'{text}", "-1", ""]
