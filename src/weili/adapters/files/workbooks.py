"""Looks into a workbook before it is loaded: what it would come to, and not what it says it is.

The reader of workbooks makes room for every cell between the first and the last one that is filled,
so that two cells in opposite corners ask for half a terabyte, which ends the process. And it
inflates what a zip's entries hold, whatever size they declare. So every part is inflated here
first, piece by piece, and its cells are looked at.

Nearly all cells of nearly all sheets are written ``<c r="Q123456"``. What is written so can't be
beyond 26 columns and a million rows; a sheet with anything else in it that could lead further is
parsed a second time, cell by cell.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final
from xml.parsers import expat

from weili.adapters.files.problems import SheetCellsTooMany, SheetNotASheet, SheetTooLarge
from weili.kit.problems import Said

XLSX_BYTES_MAX: Final = 50_000_000
UNPACKED_BYTES_MAX: Final = 600_000_000
"""Bound on a workbook once unpacked: a few bytes of zip can hold gigabytes of nothing."""
CELLS_MAX: Final = 30_000_000
"""Bound on rows times columns of any of its sheets: more than a full sheet of 28 columns."""
PARTS_MAX: Final = 10_000

_BLOCK_BYTES: Final = 1_000_000
_LOCAL_HEADER_BYTES: Final = 30
_END_BYTES: Final = 22
_END: Final = b"PK\x05\x06"
_RAW: Final = -zlib.MAX_WBITS
_TAG_BYTES: Final = 64
"""More than what is looked at of a cell's tag, and less than would be kept back for nothing."""
_NAME_BYTES: Final = 2
"""The end of a tag's name with a prefix, which may be as long as it likes."""
_ROWS_PLAIN: Final = 999_999
_COLUMNS_PLAIN: Final = 26

# A cell that is not of the plain kind, with its column and row if those can be read off it.
_ODD: Final = re.compile(rb'<c(?=[\s/>])(?! r="[A-Z]\d{1,6}")(?: r="([A-Z]{1,3})(\d{1,7})")?')
_PREFIXED: Final = re.compile(rb":c[\s/>]")
_ROW: Final = re.compile(rb'<c r="[A-Z]{1,3}(\d{1,7})"')
_REFERENCE: Final = re.compile(r"([A-Za-z]{0,7})([0-9]{0,10})")

_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    NotImplementedError,
    OSError,
    ValueError,
)
_NO_XLSX: Final = Said("it is no xlsx workbook", "它不是 xlsx 工作簿")
_BROKEN: Final = Said("the workbook is broken", "工作簿已损坏")
_AS_A_FILE: Final = Said("as a file", "文件大小")
_UNPACKED: Final = Said("once unpacked", "解压后大小")


def workbook_check(path: Path) -> None:
    """Refuse what is no xlsx workbook, or one that would take more memory than there should be.

    Raises: SheetNotASheet; SheetTooLarge; SheetCellsTooMany.
    """
    name = path.name
    if path.stat().st_size > XLSX_BYTES_MAX:
        raise SheetTooLarge(file=name, bytes_max=XLSX_BYTES_MAX, what=_AS_A_FILE)
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            # Readers differ on where a zip with something behind its end begins.
            file.seek(-_END_BYTES, 2)
            if file.read(len(_END)) != _END or len(parts) > PARTS_MAX:
                raise SheetNotASheet(file=name, why=_BROKEN)
            _parts_check(name, file, parts)
    except _UNREADABLE:
        raise SheetNotASheet(file=name, why=_BROKEN) from None


def _parts_check(name: str, file: IO[bytes], parts: list[zipfile.ZipInfo]) -> None:
    if sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX:
        raise SheetTooLarge(file=name, bytes_max=UNPACKED_BYTES_MAX, what=_UNPACKED)
    names = {_plain(part) for part in parts}
    # The reader takes a zip that is several kinds of workbook for whichever it can read.
    if "xl/workbook.xml" not in names or names & {"xl/workbook.bin", "content.xml"}:
        raise SheetNotASheet(file=name, why=_NO_XLSX)
    left = UNPACKED_BYTES_MAX
    for part in parts:
        if _plain(part).startswith("xl/media/"):
            left -= sum(map(len, _inflated(name, file, part, left)))
            continue
        is_odd = False
        columns, rows = _COLUMNS_PLAIN, _ROWS_PLAIN
        for text in _texts(_inflated(name, file, part, left)):
            left -= len(text)
            is_odd = is_odd or _PREFIXED.search(text) is not None
            for column, row in set(_ODD.findall(text)):
                is_odd = is_odd or not column
                columns = max(columns, _column(column.decode()))
                rows = max(rows, int(row or 0))
        if _plain(part) == "xl/_rels/workbook.xml.rels":
            _relations_check(name, file, part)
        if is_odd:
            _cells_check(name, file, part)
        elif rows * columns > CELLS_MAX and columns * _rows(name, file, part) > CELLS_MAX:
            raise SheetCellsTooMany(file=name, cells_max=CELLS_MAX)


def _rows(name: str, file: IO[bytes], part: zipfile.ZipInfo) -> int:
    """Give the last row of a sheet whose cells all say where they stand."""
    last = 0
    for text in _texts(_inflated(name, file, part, UNPACKED_BYTES_MAX)):
        last = max(last, *map(int, set(_ROW.findall(text))), 0)
    return last


def _cells_check(name: str, file: IO[bytes], part: zipfile.ZipInfo) -> None:
    """Parse a part, and follow where each of its cells comes to stand."""
    row = column = row_last = column_last = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, row_last, column_last
        kind = tag.rpartition(":")[2]
        if kind not in {"row", "c"}:
            return
        found = _REFERENCE.fullmatch(attributes.get("r", ""))
        if not found:
            raise SheetNotASheet(file=name, why=_BROKEN)
        letters, digits = found.groups()
        if kind == "row":
            row, column = int(digits) if digits else row + 1, 0
            return
        column = _column(letters) if letters else column + 1
        row_last = max(row_last, int(digits) if digits else row)
        column_last = max(column_last, column)
        if row_last * column_last > CELLS_MAX:
            raise SheetCellsTooMany(file=name, cells_max=CELLS_MAX)

    def doctype(*_: object) -> None:
        raise SheetNotASheet(file=name, why=_BROKEN)

    # The reader takes every book for UTF-8, whatever encoding it declares.
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = doctype
    for block in _inflated(name, file, part, UNPACKED_BYTES_MAX):
        parser.Parse(block, False)  # noqa: FBT003 - it takes no name
    parser.Parse(b"", True)  # noqa: FBT003


def _relations_check(name: str, file: IO[bytes], part: zipfile.ZipInfo) -> None:
    """Refuse a sheet that is kept among the pictures, since those are not looked at."""
    text = b"".join(_inflated(name, file, part, _BLOCK_BYTES)).lower()
    if b"media" in text or b"&#" in text:
        raise SheetNotASheet(file=name, why=_BROKEN)


def _inflated(name: str, file: IO[bytes], part: zipfile.ZipInfo, left: int) -> Iterator[bytes]:
    """Give all that really is in a part, in bounded pieces, whatever size the zip declares."""
    file.seek(part.header_offset)
    header = file.read(_LOCAL_HEADER_BYTES)
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise SheetNotASheet(file=name, why=_BROKEN)
    inflater = zlib.decompressobj(_RAW) if part.compress_type == zipfile.ZIP_DEFLATED else None
    packed_left = part.compress_size
    while packed_left and (packed := file.read(min(packed_left, _BLOCK_BYTES))):
        packed_left -= len(packed)
        while packed:
            block = inflater.decompress(packed, _BLOCK_BYTES) if inflater else packed
            packed = inflater.unconsumed_tail if inflater else b""
            left -= len(block)
            if left < 0:
                raise SheetTooLarge(file=name, bytes_max=UNPACKED_BYTES_MAX, what=_UNPACKED)
            yield block


def _texts(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Give the same bytes in pieces that part between tags, as far as tags are short."""
    tail = b""
    for block in blocks:
        whole = tail + block
        cut = whole.rfind(b"<", max(0, len(whole) - _TAG_BYTES))
        if cut < 0:
            cut = max(0, len(whole) - _NAME_BYTES)
        tail = whole[cut:]
        yield whole[:cut]
    yield tail


def _plain(part: zipfile.ZipInfo) -> str:
    return part.filename.replace("\\", "/").lower()


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
