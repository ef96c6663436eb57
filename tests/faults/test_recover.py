"""Under load the platform is archived, and brought back to a moment of its past."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.house import House, until
from weili.kit.clock import wall_now

pytestmark = pytest.mark.timeout(300)  # A whole platform is started twice, beside other tests.

BEFORE = 30
AFTER = 10


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "home")
    try:
        house.start()
        house.port = int(house.url.rpartition(":")[2])
        yield house
    finally:
        house.clear()


@dataclass
class Buyer:
    """Places one order after another, and notes when each was acknowledged."""

    house: House
    acknowledged: dict[str, datetime] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stopping.is_set():
            number = f"R-{len(self.acknowledged)}"
            status, _ = self.house.place(number)
            assert status == 201
            self.acknowledged[number] = wall_now()


@contextmanager
def buying(house: House) -> Iterator[Buyer]:
    """Place orders for the block."""
    buyer = Buyer(house)
    thread = threading.Thread(target=buyer.run)
    thread.start()
    try:
        yield buyer
    finally:
        buyer.stopping.set()
        thread.join()


@contextmanager
def receiving(house: House, folder: Path) -> Iterator[None]:
    """Receive the server's log for the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "weili.entrypoints.cli", "db", "receive", str(folder)],
        env=house.environ(),
    )
    try:
        until("the log is received", lambda: any((folder / "wal").glob("*.partial")))
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.long
def test_what_was_acknowledged_before_a_moment_is_there_when_it_is_come_back_to(
    house: House, tmp_path: Path
) -> None:
    # Given an archive that was begun, and a whole copy that was made, while orders come in
    folder = tmp_path / "archive"
    with receiving(house, folder), buying(house) as buyer:
        copied = house.command("db", "base", str(folder), timeout_s=120)
        assert copied.returncode == 0, copied.stderr
        rotated = len(buyer.acknowledged)
        until("more is bought", lambda: len(buyer.acknowledged) >= rotated + BEFORE)
        moment = wall_now()
        until(
            "and still more",
            lambda: sum(at > moment for at in buyer.acknowledged.values()) > AFTER,
        )
    house.stop()
    ring = (house.home / "keyring.json").read_bytes()

    # When all that there was is taken away and it is brought to that moment
    (house.home / "keyring.json").unlink()
    back = house.command("db", "recover", str(folder), "--to", moment.isoformat(), timeout_s=120)
    assert back.returncode == 0, back.stderr
    house.start()

    # Then every order acknowledged before is there, what came later is not, and all adds up
    there = {
        number
        for number in buyer.acknowledged
        if house.get(f"/v1/orders/by-number/{number}", bearer=house.bearer())[0] == 200
    }
    before = {number for number, at in buyer.acknowledged.items() if at < moment}
    assert len(before) >= BEFORE
    # One more may have been committed, and its answer not yet noted.
    assert before <= there
    assert len(there) <= len(before) + 1
    assert (house.home / "keyring.json").read_bytes() == ring
    verified = house.command("verify", timeout_s=120)
    assert verified.returncode == 0, verified.stdout

    # And this other history is not mixed with the one before
    mixed = house.command("db", "receive", str(folder))
    assert mixed.returncode != 0
    assert "Name a new folder" in mixed.stderr


@pytest.mark.long
def test_a_moment_that_was_not_archived_leaves_everything_as_it_was(
    house: House, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    unreceived = house.command("db", "base", str(folder))
    assert unreceived.returncode != 0
    assert "is not received into" in unreceived.stderr

    with receiving(house, folder):
        received = house.command("db", "receive", str(folder))
        assert (received.returncode, "end it first" in received.stderr) == (6, True)
        for _ in range(2):
            assert house.command("db", "base", str(folder), "--keep", "1").returncode == 0
        assert len(list(folder.glob("base-*"))) == 1
        assert house.place("KEPT-1")[0] == 201
        running = house.command("db", "recover", str(folder))
        assert "Weili runs here" in running.stderr
        house.stop()
        # Whoever receives waits for a server, and would have the next one's log
        waited = house.command("db", "recover", str(folder))
        assert (waited.returncode, "end it first" in waited.stderr) == (6, True)

    early = house.command("db", "recover", str(folder), "--to", "2026-01-01T00:00:00+08:00")
    assert "no copy that ended before" in early.stderr
    late = datetime(2100, 1, 1, tzinfo=UTC).isoformat()
    never = house.command("db", "recover", str(folder), "--to", late, timeout_s=120)
    assert never.returncode == 2
    assert re.search(
        rf"{folder} does not go as far as {re.escape(late)}: .+ its last is of 20\d\d-",
        never.stderr,
    )
    assert never.stderr.count("\n") == 1

    house.start()
    assert house.get("/v1/orders/by-number/KEPT-1", bearer=house.bearer())[0] == 200
