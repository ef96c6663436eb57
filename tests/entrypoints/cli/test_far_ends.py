"""What places orders or looks up for a server is there soon after one that was lost."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from weili.kit.secrets import KeyRing

NOWHERE = "postgresql://nobody@localhost:1/nothing"


@pytest.mark.parametrize("verb", ["place", "look"])
def test_a_far_end_loads_no_more_than_it_works_with_and_begins_without_the_database(
    tmp_path: Path, verb: str
) -> None:
    KeyRing.fresh().save(tmp_path / "keyring.json")
    near, far = socket.socketpair()
    with near, far:
        # A server that asks for nothing and closes the link
        near.shutdown(socket.SHUT_WR)
        words = [sys.executable, "-X", "importtime", "-m", "weili.entrypoints.cli", verb]
        ended = subprocess.run(
            [*words, "sandbox", str(far.fileno())],
            env=os.environ | {"WEILI_HOME": str(tmp_path), "WEILI_DATABASE_URL": NOWHERE},
            pass_fds=[far.fileno()],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = near.recv(64)
    assert ended.returncode == 0
    assert len(said) == 12, "the head of a frame that says that it works"
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "weili.kit.groupcommit" in loaded
    unused = {"alembic", "fastapi", "httpx2", "procrastinate", "pypinyin", "starlette", "uvicorn"}
    assert loaded.isdisjoint(unused)
