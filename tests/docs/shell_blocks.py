"""The shell commands of a page, and what the page says comes out of each."""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of commands, with the text block right after it, if there is one."""

    commands: str
    expected: str | None


def fenced(page: Path) -> list[tuple[str, str]]:
    """Gives every fenced block of a page: its language and its text."""
    return _FENCE.findall(page.read_text(encoding="utf-8"))


def shell_blocks(page: Path) -> list[Block]:
    """Gives the `sh` blocks of a page in order."""
    blocks: list[Block] = []
    for language, body in fenced(page):
        if language == "sh":
            blocks.append(Block(body, None))
        elif language == "text" and blocks:
            blocks[-1] = Block(blocks[-1].commands, body)
    return blocks
