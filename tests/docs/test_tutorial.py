"""The pages are true: their commands run as they stand, and give what the pages show."""

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
SIGNING = CHECKOUT / "docs" / "howto" / "sign-a-request.md"
READY_S = 100.0
END_S = 60.0

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


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
    said, errors = _run(TUTORIAL, environment, tmp_path)

    assert said == [block.expected or "" for block in shell_blocks(TUTORIAL)], errors


def test_a_request_signed_with_openssl_is_accepted(
    environment: dict[str, str], tmp_path: Path
) -> None:
    [said], errors = _run(SIGNING, environment, tmp_path)

    assert said is not None, errors
    account = json.loads(said)
    assert account["kind"] == "partner_prepaid", account
    assert account["posted_minor"] == 8_000_000


def _run(page: Path, environment: dict[str, str], folder: Path) -> tuple[list[str | None], str]:
    """Runs a page's blocks in one shell; gives what each printed, None where none was reached."""
    for tool in ("bash", "curl", "openssl"):
        assert shutil.which(tool), f"this page needs {tool}; install it to run this test"
    blocks = shell_blocks(page)
    outputs = [folder / f"{place}.out" for place in range(len(blocks))]
    script = folder / "page.sh"
    script.write_text(
        "set -eu\n"
        + "".join(
            f"{{\n{block.commands}\n}} > '{out}'\n"
            for block, out in zip(blocks, outputs, strict=True)
        ),
        encoding="utf-8",
    )
    run = subprocess.run(
        ["bash", str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    said = [out.read_text(encoding="utf-8") if out.exists() else None for out in outputs]
    return said, run.stderr


def _until_ready(up: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while "Weili is ready" not in log.read_text(encoding="utf-8", errors="replace"):
        assert up.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8", errors="replace")
        time.sleep(0.1)
