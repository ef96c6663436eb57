"""The file with a sample world's keys and password: written whole, for its owner alone to read."""

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weili.workflows.load_sample import SampleWorld


def sample_write(path: Path, world: str, made: "SampleWorld") -> None:
    """Write the keys; what stood there before is replaced in one step."""
    text = json.dumps({"world": world, **asdict(made)}, ensure_ascii=False, indent=2)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(handle)
    Path(name).replace(path)


def sample_read(path: Path) -> dict[str, Any] | None:
    """Read the keys; None when there is no file, or it is not whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        found["operator"]["key_id"], found["partners"][0]["bearer"], found["staff"][0]["email"]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None
    return dict(found)
