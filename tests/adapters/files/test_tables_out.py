"""Files that others open in a sheet: what they write in a cell is reckoned by nobody."""

import csv
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from weili.adapters.files.tables_out import csv_write, xlsx_write
from weili.kit.problems import Busy


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "＝1+1", "＠a"])
def test_no_text_in_csv_is_taken_for_a_formula(text: str) -> None:
    file = io.BytesIO()
    csv_write(file, [(text, -1, None)])
    [row] = csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline=""))
    assert row == [f"'{text}", "-1", ""]


def test_rows_that_are_refused_half_way_leave_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows() -> Iterator[tuple[str, int]]:
        yield "tea", 1
        raise Busy(retry_after_s=1)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(Busy):
        xlsx_write(io.BytesIO(), rows())

    assert list(tmp_path.iterdir()) == []
