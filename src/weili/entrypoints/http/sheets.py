"""Sheets that come as the whole body of a request, and what is said of their rows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

from fastapi import Query

from weili.entrypoints.http.calls import Call
from weili.entrypoints.http.fields import Document
from weili.kit.problems import Said
from weili.modules.goods import RowProblem

FILE_NAME: Final = Said("sheet", "表格")
"""What problems call the file, which comes without a name."""

_BINARY: Final[Mapping[str, Any]] = {"type": "string", "format": "binary"}
SHEET_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": _BINARY}},
    }
}
"""What the description of a route that takes a sheet says of its body."""

SkipQuery = Annotated[bool, Query(description="leave wrong rows out instead of refusing all")]


class BadOut(Document):
    """What is wrong with a row, as a spreadsheet numbers it; empty `column`: beyond the header.

    `heading` is what the file calls the column.
    """

    row: int
    column: str
    heading: str
    got: str
    expected: str


@contextmanager
def sheet_kept(call: Call) -> Iterator[Path]:
    """Keep the body as a file while it is read."""
    with TemporaryDirectory(prefix="weili-sheet-") as folder:
        file = Path(folder, FILE_NAME.text(call.language))
        file.write_bytes(call.body)
        yield file


def bad_documents(call: Call, bad: Sequence[RowProblem]) -> list[dict[str, Any]]:
    """Show what is wrong with rows, in the language of who asks."""
    return [asdict(each) | {"expected": each.expected.text(call.language)} for each in bad]
