"""A file that is put back may be anybody's: what is none of ours is refused, and little is held.

No database is asked before a file is found whole, so none is needed here.
"""

import hashlib
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from weili.adapters.postgres import months
from weili.adapters.postgres.databases import DatabaseError

ROWS: Final = b"id,sku_id\n1,2\n"
MANIFEST: Final[Mapping[str, Any]] = {
    "world": "sandbox",
    "schema": "0020",
    "table": "inventory.movement",
    "partition": "2026_11",
    "columns": ["id", "sku_id"],
    "row_count": 1,
    "sums": {"on_hand_delta": 1},
    "sha256": hashlib.sha256(ROWS).hexdigest(),
    "format": 1,
}
LARGE: Final = 16 << 20
HELD_MAX: Final = 8 * months.BLOCK

Make = Callable[[Path], None]


def packed(
    *,
    rows: bytes = ROWS,
    text: bytes | None = None,
    how: int = zipfile.ZIP_DEFLATED,
    **manifest: object,
) -> Make:
    """Give what writes a file, with another manifest, or with a text in its place."""

    def make(file: Path) -> None:
        said = json.dumps({**MANIFEST, **manifest}).encode() if text is None else text
        with zipfile.ZipFile(file, "w", how) as archive:
            archive.writestr("rows.csv", rows)
            archive.writestr("manifest.json", said)

    return make


def named(*names: str) -> Make:
    """Give what writes a file with members of these names."""

    def make(file: Path) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(name, ROWS if name == "rows.csv" else json.dumps(MANIFEST))

    return make


def altered(*changes: tuple[bytes, int, bytes]) -> Make:
    """Give what writes a file of ours with other bytes so far behind each of a signature."""

    def make(file: Path) -> None:
        packed()(file)
        content = bytearray(file.read_bytes())
        for signature, behind, other in changes:
            at = content.find(signature)
            assert at >= 0
            while at >= 0:
                content[at + behind : at + behind + len(other)] = other
                at = content.find(signature, at + 1)
        file.write_bytes(content)

    return make


def empty(file: Path) -> None:
    """Write a file of nothing."""
    file.touch()


LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
WRONG: Final[Mapping[str, tuple[Make, str]]] = {
    "nothing": (empty, "not a zip file"),
    "encrypted": (altered((LOCAL, 6, b"\x01"), (CENTRAL, 8, b"\x01")), "encrypted"),
    "packed by bzip2": (packed(how=zipfile.ZIP_BZIP2), "packed in another way"),
    "packed by lzma": (packed(how=zipfile.ZIP_LZMA), "packed in another way"),
    "packed by nobody knows what": (altered((CENTRAL, 10, b"\x63")), "packed in another way"),
    "for a program of the future": (altered((CENTRAL, 6, b"\xff")), "version"),
    "of a name that is no text": (
        altered((CENTRAL, 9, b"\x08"), (CENTRAL, 46, b"\xff\xfe")),
        "decode",
    ),
    "of a directory that ends beyond it": (altered((END, 12, b"\xff\xff\xff\x7f")), "offset"),
    "of a directory that lies elsewhere": (
        altered((END, 16, b"\xff\xff\xff\x7f")),
        "Invalid argument|offset",
    ),
    "a path upwards": (named("rows.csv", "manifest.json", "../../etc/cron.d/x"), "other files"),
    "a path from the root": (named("/rows.csv", "/manifest.json"), "other files"),
    "a manifest alone": (named("manifest.json"), "other files"),
    "a huge manifest": (packed(text=b" " * LARGE + b"{}"), "too large"),
    "no JSON": (packed(text=b"rows: 1"), "Expecting value"),
    "no text": (packed(text=b"\x80"), "decode"),
    "nested deep": (packed(text=b"[" * 60_000), "recursion"),
    "a number of many digits": (packed(text=b'{"format": ' + b"9" * 5_000 + b"}"), "4300"),
    "a list": (packed(text=b"[]"), "right kind"),
    "of no format": (packed(text=b"{}"), "right kind"),
    "of a later format": (packed(format=2, more="x"), "its format is 2"),
    "more than ours": (packed(more="\x1b[2J"), "right kind"),
    "sums in a list": (packed(sums=[["on_hand_delta", 1]]), "right kind"),
    "sums of halves": (packed(sums={"on_hand_delta": 0.5}), "right kind"),
    "columns in a text": (packed(columns="id"), "right kind"),
    "columns of numbers": (packed(columns=[1]), "right kind"),
    "columns that are a statement": (packed(columns=["id) FROM STDIN; --"]), "right kind"),
    "a step that colours the terminal": (packed(schema="\x1b[31m"), "right kind"),
    "a table that is a path": (packed(table="../x"), "right kind"),
    "rows without a line's end": (
        packed(rows=b"x" * LARGE, sha256=hashlib.sha256(b"x" * LARGE).hexdigest()),
        "other columns",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_none_of_ours_is_refused_and_little_of_it_is_held(
    name: str, tmp_path: Path
) -> None:
    make, why = WRONG[name]
    file = tmp_path / "old.zip"
    make(file)

    tracemalloc.start()
    try:
        with pytest.raises(months.MonthFileUnreadable, match=why) as refused:
            months.put_back("postgresql://nowhere/none", cuts={}, source=file)
        _, held = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < HELD_MAX
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 1_000
    assert [path.name for path in tmp_path.iterdir()] == ["old.zip"]


def test_a_file_as_we_write_it_is_found_whole(tmp_path: Path) -> None:
    file = tmp_path / "old.zip"
    packed()(file)
    # It is asked for next where it belongs, and there is no such server
    with pytest.raises(DatabaseError):
        months.put_back("postgresql://x@127.0.0.1:1/none", cuts={}, source=file)
