"""The tutorial is true: its commands run as they stand, and give what it shows."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.shell_blocks import shell_blocks
from weili.adapters.postgres import embedded

CHECKOUT = Path(__file__).parents[2]
TUTORIAL = CHECKOUT / "docs" / "tutorial" / "first-order.md"
READY_S = 100.0
END_S = 60.0

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run what `make run` runs, with a fresh state folder, and give its environment."""
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("WEILI_")},
        "PYTHONPATH": str(CHECKOUT / "src"),
        "WEILI_HOME": str(tmp_path / "state"),
        "WEILI_PORT": "0",
        "LC_ALL": "C.UTF-8",
    }
    log = tmp_path / "up.log"
    with log.open("wb") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "weili.entrypoints.cli", "up"],
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        _until_ready(up, log)
        note = json.loads((tmp_path / "state" / "up.json").read_text(encoding="utf-8"))
        yield {**environment, "WEILI_PORT": note["url"].rpartition(":")[2]}
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(END_S)
        embedded.remove(tmp_path / "state" / "postgres")


def test_the_tutorial_runs_as_written_and_shows_what_comes_out(
    environment: dict[str, str], tmp_path: Path
) -> None:
    blocks = shell_blocks(TUTORIAL)
    script = tmp_path / "tutorial.sh"
    outputs = [tmp_path / f"{place}.out" for place in range(len(blocks))]
    script.write_text(
        "set -eu\n"
        + "".join(
            f"{{\n{block.commands}\n}} > '{out}'\n"
            for block, out in zip(blocks, outputs, strict=True)
        ),
        encoding="utf-8",
    )
    bash = shutil.which("bash")
    assert bash is not None
    assert shutil.which("curl"), "the tutorial needs curl"

    run = subprocess.run(
        [bash, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    said = [out.read_text(encoding="utf-8") if out.exists() else None for out in outputs]
    assert said == [block.expected or "" for block in blocks], run.stderr
    assert run.returncode == 0, run.stderr


def _until_ready(up: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while "Weili is ready" not in log.read_text(encoding="utf-8", errors="replace"):
        assert up.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8", errors="replace")
        time.sleep(0.1)
