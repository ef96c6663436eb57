"""Old and new code on one database: it is upgraded under load, and both go on trading.

The new code is a copy of this with one step more, which leaves that of this fit.
"""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.house import CHECKOUT, House, until
from weili import migrations

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]

AGAIN_S = 0.1
STEP = '''"""One step more, as a next version may take it while this one trades."""

from alembic import op

revision = "9999"
down_revision = works_from = "{head}"


def upgrade() -> None:
    op.execute("ALTER TABLE dropship.line ADD COLUMN gift BOOLEAN NOT NULL DEFAULT false")
    op.execute("ALTER TABLE dropship.child ADD COLUMN note TEXT")
    op.execute("CREATE TABLE dropship.gift (id UUID PRIMARY KEY)")
'''


@pytest.fixture
def old(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "home")
    try:
        house.start()
        house.port = int(house.url.rpartition(":")[2])
        yield house
    finally:
        house.clear()


@pytest.fixture
def new(old: House, tmp_path: Path) -> House:
    """Give what runs the code of a next version on the same state."""
    package = tmp_path / "next" / "weili"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "src" / "weili", package, ignore=ignored)
    step = package / "migrations" / "versions" / "9999_gifts.py"
    step.write_text(STEP.format(head=migrations.head()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    newer = {"PYTHONPATH": str(package.parent)}
    return House(old.home, port, f"http://127.0.0.1:{port}", extra=newer)


@contextmanager
def serving(house: House) -> Iterator[None]:
    """Run a server of a house's code for the block."""
    words = [sys.executable, "-m", "weili.entrypoints.cli", "serve"]
    process = subprocess.Popen(words, env=house.environ(), stderr=subprocess.DEVNULL)
    try:
        until("the new server is ready", lambda: house.health() == 200)
        yield
    finally:
        process.terminate()
        process.wait(60)


def test_old_and_new_code_trade_on_one_database_while_it_is_upgraded(
    old: House, new: House
) -> None:
    placed: dict[str, set[str]] = {}
    told: set[int] = set()
    stems = iter("ABCD")

    def buy(house: House, number: str) -> None:
        while (found := house.place(number))[0] != 201:
            told.add(found[0])
            time.sleep(AGAIN_S)
        _, answer = found
        placed.setdefault(number, set()).add(answer["id"])

    with ThreadPoolExecutor(6) as buyers:

        def bought(*houses: House) -> list[Future[None]]:
            stem = next(stems)
            numbers = [f"{stem}-{n}" for n in range(10)]
            return [buyers.submit(buy, house, number) for number in numbers for house in houses]

        # Given old code under load, whose database new code upgrades
        buying = bought(old)
        upgraded = new.command("db", "upgrade")
        assert upgraded.stdout == "sandbox: 9999\n", upgraded.stderr
        # When old and new servers are asked for the same orders,
        buying += bought(old)
        with serving(new):
            buying += bought(old, new)
            # and an old server, and an old far end, are started again meanwhile
            old.kill(old.far_end("place"))
            old.kill(old.child("serve"))
            buying += bought(new, old)
            for each in buying:
                each.result()
            until("both trade", lambda: old.health() == new.health() == 200)

    # Then nobody was told anything but to repeat, each number is one order, and all adds up
    assert told <= {0, 429, 503}
    assert len(placed) == 40
    assert all(len(ids) == 1 for ids in placed.values())
    for house in (old, new):
        verified = house.command("verify", "--json")
        assert (verified.returncode, json.loads(verified.stdout)["findings"]) == (0, [])
    log = (old.home / "logs" / "serve.log").read_text()
    assert f"at step 9999; this code, of step {migrations.head()}, is fit for it" in log
