"""Who sees other folders at the same paths leaves the embedded server alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.faults.house import CHECKOUT
from weili.adapters.postgres import embedded

START = """
import sys
from pathlib import Path
from weili.adapters.postgres import EmbeddedPostgresError, status, up
for act in (status, up):
    try:
        act(Path(sys.argv[1]))
    except EmbeddedPostgresError as error:
        print(error)
"""

if os.geteuid() == 0:  # Nobody else can give a command folders of its own.

    def outside(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a program for which a folder is an empty one."""
        return subprocess.run(
            [
                *("unshare", "--mount", "sh", "-c"),
                f'mount -t tmpfs none {folder} && exec "$@"',
                *("sh", sys.executable, *words),
            ],
            capture_output=True,
            text=True,
            cwd="/",
            timeout=60,
            check=True,
        )

    def test_a_command_outside_of_its_service_does_not_replace_the_server(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Given a server, and somebody for whom its sockets' folder is an empty one, as for a
        # command outside of a service with a temporary folder of its own
        monkeypatch.setenv("PYTHONPATH", str(CHECKOUT / "src"))
        monkeypatch.setenv("WEILI_HOME", str(tmp_path))
        monkeypatch.delenv("WEILI_DATABASE_URL", raising=False)
        home = tmp_path / "postgres"
        server = embedded.up(home)
        try:
            folder = server.socket_directory.parent
            said = outside(folder, "-c", START, str(home))
            # Then it is told so, whether it would look or start, and the server goes on
            assert said.stdout.count("JoinsNamespaceOf=weili.service") == 2
            status = outside(folder, "-m", "weili.entrypoints.cli", "status", "--json")
            assert "JoinsNamespaceOf=weili.service" in status.stderr
            assert json.loads(status.stdout)["database_runs"] is None
            with psycopg.connect(server.url("postgres")) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            found = embedded.status(home)
            assert found is not None
            assert found.pid == server.pid
        finally:
            embedded.remove(home)
