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


def shell_blocks(page: Path) -> list[Block]:
    """Gives the `sh` blocks of a page in order."""
    blocks: list[Block] = []
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        language, body = match.groups()
        if language == "sh":
            blocks.append(Block(body, None))
        elif language == "text" and blocks:
            blocks[-1] = Block(blocks[-1].commands, body)
    return blocks
