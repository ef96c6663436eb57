"""A benchmark, run in small."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]


def quick_run(module: str, folder: Path) -> dict[str, Any]:
    """Run a benchmark in a folder, as its user would; gives its results."""
    output = folder / "results.json"
    words = ["--quick", "--output", str(output), "--home", str(folder / "home")]
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return results
