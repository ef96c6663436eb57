"""Papers as PDF: from a document to pages that a warehouse prints.

Typst sets the pages and the font comes from a package (decision 0014), so that a paper looks the
same on every machine. What is printed is data to the page's program and never part of it.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import typst

_HERE: Final = Path(__file__).parent


class Paper(StrEnum):
    """A kind of paper; each has a page program of its name beside this file."""

    PICK_LIST = "pick_list"
    WAYBILL = "waybill"


def paper_pdf(paper: Paper, document: Mapping[str, Any]) -> bytes:
    """Set a document as pages. Takes tens of milliseconds: never inside a transaction."""
    import typst  # noqa: PLC0415 - large, and few processes ever print

    compiler = typst.Compiler(
        (_HERE / f"{paper}.typ").read_bytes(),
        font_paths=_fonts(),
        sys_inputs={"document": json.dumps(document, ensure_ascii=False)},
    )
    pages = compiler.compile(format="pdf")
    if not isinstance(pages, bytes):
        raise TypeError(type(pages))
    return pages


@cache
def _fonts() -> "typst.Fonts":
    """Read the font once; those of the machine are left out, so that pages are alike everywhere."""
    import pylopdf_fonts_zh_cn  # noqa: PLC0415
    import typst  # noqa: PLC0415

    folder = pylopdf_fonts_zh_cn.sans_path().parent
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)]
    )
