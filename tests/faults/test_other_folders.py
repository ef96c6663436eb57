"""Who sees other folders at the same paths leaves the embedded server alone."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from tests.faults.house import CHECKOUT
from weili.adapters.postgres import embedded

START = """
import sys
from pathlib import Path
from weili.adapters.postgres import EmbeddedPostgresError, up
try:
    up(Path(sys.argv[1]))
except EmbeddedPostgresError as error:
    print(error)
"""

if os.geteuid() == 0:  # Nobody else can give a command folders of its own.

    def test_a_command_outside_of_its_service_does_not_replace_the_server(tmp_path: Path) -> None:
        # Given a server, and somebody for whom its sockets' folder is an empty one, as for a
        # command outside of a service with a temporary folder of its own
        home = tmp_path / "postgres"
        server = embedded.up(home)
        try:
            folder = server.socket_directory.parent
            said = subprocess.run(
                [
                    *("unshare", "--mount", "sh", "-c"),
                    f'mount -t tmpfs none {folder} && exec "$@"',
                    *("sh", sys.executable, "-c", START, str(home)),
                ],
                capture_output=True,
                text=True,
                cwd="/",
                env=os.environ | {"PYTHONPATH": str(CHECKOUT / "src")},
                timeout=60,
                check=True,
            )
            # Then it is told so, and the server goes on
            assert "JoinsNamespaceOf=weili.service" in said.stdout
            with psycopg.connect(server.url("postgres")) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            found = embedded.status(home)
            assert found is not None
            assert found.pid == server.pid
        finally:
            embedded.remove(home)
