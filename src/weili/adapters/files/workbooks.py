"""Looks into a workbook before it is loaded: what it would come to, and not what it says it is.

The reader of workbooks makes room for every cell between the first and the last one that is filled,
so that two cells in opposite corners ask for half a terabyte, which ends the process. And it
inflates what a zip's entries hold, whatever size they declare. So every part is inflated here
first, piece by piece, and its cells are looked at.

Nearly all cells of nearly all sheets are written ``<c r="Q123456"``. What is written so can't be
beyond 26 columns and a million rows; a sheet with anything else in it that could lead further is
parsed a second time, cell by cell.

A text that stands in many cells is kept once, and each of them points at it; the reader copies it
for each. So where the cells are so many, and the longest text is so long, that it might come to
too much, what they point at is summed up.
"""

import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
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
_SHARED: Final = "xl/sharedstrings.xml"
_POINTER_LENGTH_MAX: Final = 16
_AS_A_FILE: Final = Said("as a file", "文件大小")
_UNPACKED: Final = Said("once unpacked", "解压后大小")
_WRITTEN_OUT: Final = Said("with shared texts in each of their cells", "共享文本按单元格展开后")


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
    values: dict[int, int | None] = {}
    for number, part in enumerate(parts):
        if _plain(part).startswith("xl/media/"):
            left -= sum(map(len, _inflated(name, file, part, left)))
            continue
        is_odd = False
        columns, rows, count = _COLUMNS_PLAIN, _ROWS_PLAIN, 0
        for text in _texts(_inflated(name, file, part, left)):
            left -= len(text)
            count += text.count(b"<v")
            is_odd = is_odd or _PREFIXED.search(text) is not None
            for column, row in set(_ODD.findall(text)):
                is_odd = is_odd or not column
                columns = max(columns, _column(column.decode()))
                rows = max(rows, int(row or 0))
        values[number] = None if is_odd else count
        if _plain(part) == "xl/_rels/workbook.xml.rels":
            _relations_check(name, file, part)
        if is_odd:
            _cells_check(name, file, part)
        elif rows * columns > CELLS_MAX and columns * _rows(name, file, part) > CELLS_MAX:
            raise SheetCellsTooMany(file=name, cells_max=CELLS_MAX)

    for shared in parts:
        if _plain(shared) == _SHARED:
            longest = _longest(name, file, shared)
            for number, most in values.items():
                if most is None or most * longest > UNPACKED_BYTES_MAX:
                    _shared_check(name, file, shared, parts[number])


def _longest(name: str, file: IO[bytes], shared: zipfile.ZipInfo) -> int:
    """Give how many bytes the longest of the shared texts may have, at most."""
    longest = since = 0
    for text in _texts(_inflated(name, file, shared, UNPACKED_BYTES_MAX)):
        first, *others = text.split(b"</si>")
        longest = max(longest, since + len(first), *map(len, others))
        since = len(others[-1]) if others else since + len(first)
    return longest


def _shared_check(
    name: str, file: IO[bytes], shared: zipfile.ZipInfo, part: zipfile.ZipInfo
) -> None:
    """Refuse a sheet that points at shared texts so often that they would fill the memory.

    The reader copies a text for each cell that points at it.
    """
    lengths = array("I")
    total, length, is_shared, pointer = 0, 0, False, ""

    def text_end(tag: str) -> None:
        nonlocal length
        if tag.rpartition(":")[2] == "si":
            lengths.append(length)
            length = 0

    def text_more(text: str) -> None:
        nonlocal length
        length += len(text.encode())

    def cell_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal is_shared, pointer
        if tag.rpartition(":")[2] == "c":
            is_shared = attributes.get("t") == "s"
        pointer = ""

    def cell_more(text: str) -> None:
        nonlocal pointer
        pointer = (pointer + text)[:_POINTER_LENGTH_MAX]

    def cell_end(tag: str) -> None:
        nonlocal total
        if tag.rpartition(":")[2] == "v" and is_shared and pointer.strip().isdecimal():
            at = int(pointer)
            total += lengths[at] if at < len(lengths) else 0
            if total > UNPACKED_BYTES_MAX:
                raise SheetTooLarge(file=name, bytes_max=UNPACKED_BYTES_MAX, what=_WRITTEN_OUT)

    _parse(name, file, shared, end=text_end, more=text_more)
    _parse(name, file, part, start=cell_start, end=cell_end, more=cell_more)


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

    _parse(name, file, part, start=start)


def _parse(
    name: str,
    file: IO[bytes],
    part: zipfile.ZipInfo,
    *,
    start: Callable[[str, dict[str, str]], None] | None = None,
    end: Callable[[str], None] | None = None,
    more: Callable[[str], None] | None = None,
) -> None:
    """Parse a part: tell of the start and the end of its elements, and of the texts between."""

    def doctype(*_: object) -> None:
        raise SheetNotASheet(file=name, why=_BROKEN)

    # The reader takes every book for UTF-8, whatever encoding it declares.
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = more
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
