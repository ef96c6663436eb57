"""The key ring is rotated: a new key seals, old ones open, and no accident loses either."""

import fcntl
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.entrypoints.cli.conftest import Run
from tests.entrypoints.cli.test_commands import PARTNER, opened
from weili.kit.secrets import KeyRing, KeyRingError

ROTATE = ("key", "ring", "rotate")
FULL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
"""
KILLED = """
import os, sys
def kill(event, given):
    if event == {event!r} and str(given[0]).endswith({path!r}):
        os._exit(9)
sys.addaudithook(kill)
"""
MAIN = """
import sys
from weili.entrypoints.cli import main
sys.argv = ["weili", "key", "ring", "rotate"]
main()
"""


@pytest.fixture
def sealed(home: Path) -> bytes:
    """Give something that was sealed before."""
    return KeyRing.load(home / "keyring.json").seal(b"before", bound_to=b"row")


def sealing_keys(sandbox: str) -> list[int]:
    """Say which key of the ring sealed each party's secret, the oldest first."""
    with psycopg.connect(sandbox) as connection:
        rows = connection.execute("SELECT secret_sealed FROM parties.api_key ORDER BY id")
        return [bytes(sealed)[1] for (sealed,) in rows]


def rotate_apart(prelude: str) -> subprocess.CompletedProcess[str]:
    """Rotate in a process of its own, in which something goes wrong."""
    return subprocess.run(
        [sys.executable, "-c", prelude + MAIN],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_a_new_key_seals_and_the_old_one_still_opens(
    ground: Run, sandbox: str, home: Path, sealed: bytes
) -> None:
    # Given a secret sealed before
    opened(ground, "partner", "open", *PARTNER)
    assert ground("key", "issue", "青梧", "--label", "before").code == 0
    # When the ring is rotated
    said = ground(*ROTATE, "--json")
    ring = home / "keyring.json"
    assert json.loads(said.out) == {"keyring": str(ring), "active": 2, "keys": [1, 2]}
    # Then what comes after is sealed with the new key, and all of it opens
    assert ground("key", "issue", "青梧", "--label", "after").code == 0
    assert sealing_keys(sandbox) == [1, 2]
    assert ground("verify").code == 0
    assert KeyRing.load(ring).open(sealed, bound_to=b"row") == b"before"
    assert stat.S_IMODE(ring.stat().st_mode) == 0o600
    assert [file.name for file in home.glob("keyring*")] == ["keyring.json"]


def test_it_says_what_to_restart_and_what_to_back_up(ground: Run) -> None:
    said = ground(*ROTATE)
    assert said.code == 0
    assert "key 2 seals from now on; older keys, which still open: 1" in said.out
    assert "restart each `weili serve` and `weili work`" in said.out
    assert "Make a new back-up" in said.out


def test_it_is_refused_while_weili_runs(ground: Run, home: Path) -> None:
    before = (home / "keyring.json").read_bytes()
    with (home / "up.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = ground(*ROTATE)
    assert (refused.code, "Weili runs here" in refused.err) == (6, True)
    assert (home / "keyring.json").read_bytes() == before


def test_there_is_nothing_to_rotate_without_a_ring(ground: Run, home: Path) -> None:
    (home / "keyring.json").unlink()
    assert ground(*ROTATE).code != 0
    assert list(home.glob("keyring*")) == []


def test_a_full_disk_leaves_the_ring_as_it_was(ground: Run, home: Path) -> None:
    before = (home / "keyring.json").read_bytes()
    failed = rotate_apart(FULL_DISK)
    assert (failed.returncode, "too large" in failed.stderr) == (10, True)
    assert (home / "keyring.json").read_bytes() == before
    assert [file.name for file in home.glob("keyring*")] == ["keyring.json"]


@pytest.mark.parametrize(
    ("step", "active"),
    [
        (("open", "keyring.json.new"), 1),
        (("os.rename", "keyring.json.new"), 1),
        (("open", "home"), 2),
    ],
    ids=["before it is written", "before it takes its place", "after it took its place"],
)
def test_whenever_it_is_killed_a_whole_ring_is_there(
    ground: Run, home: Path, sealed: bytes, step: tuple[str, str], active: int
) -> None:
    # When a rotation is killed at a step
    event, path = step
    assert rotate_apart(KILLED.format(event=event, path=path)).returncode == 9
    # Then the old ring or the new one is there, and opens what was sealed
    ring = KeyRing.load(home / "keyring.json")
    assert ring.active == active
    assert ring.open(sealed, bound_to=b"row") == b"before"
    # And the next rotation is not in its way
    assert ground(*ROTATE).code == 0
    assert KeyRing.load(home / "keyring.json").active == active + 1
    assert [file.name for file in home.glob("keyring*")] == ["keyring.json"]


def test_a_back_up_from_before_is_restored_and_the_newer_ring_stays(
    ground: Run, tmp_path: Path, home: Path
) -> None:
    # Given a back-up, and a rotation after it
    file = tmp_path / "weili.tar"
    opened(ground, "partner", "open", *PARTNER)
    assert ground("key", "issue", "青梧", "--label", "before").code == 0
    assert ground("db", "backup", str(file)).code == 0
    assert ground(*ROTATE).code == 0
    rotated = (home / "keyring.json").read_bytes()
    # When it is put back
    assert ground("db", "restore", str(file), "--force").code == 0
    # Then the ring that opens what other worlds have sealed since is in place, and opens it too
    assert (home / "keyring.json").read_bytes() == rotated
    assert list(home.glob("keyring.json.*")) == []
    assert ground("verify").code == 0


def test_a_ring_stands_in_for_those_that_it_grew_from_alone() -> None:
    first = KeyRing.fresh()
    second = first.rotated()
    assert second.holds(first)
    assert not first.holds(second)
    assert not KeyRing.fresh().rotated().holds(first)
    with pytest.raises(KeyRingError):
        first.open(second.seal(b"after", bound_to=b"row"), bound_to=b"row")
