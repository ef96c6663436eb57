"""`weili up` is hit where it hurts, and trades again each time."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.faults.house import House, until
from weili.adapters.postgres import processes
from weili.entrypoints.cli.chaos.house import children_named

pytestmark = pytest.mark.timeout(300)
PLACERS_LOST = 'weili_far_ends_lost_total{lane="place",world="sandbox"}'


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("house") / "home"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        house = House(home, extra={"WEILI_METRICS_PORT": str(free.getsockname()[1])})
    try:
        house.start()
        # The same port from now on, so that each start meets what the one before left.
        house.port = int(house.url.rpartition(":")[2])
        yield house
    finally:
        house.clear()


@pytest.fixture
def running(house: House) -> House:
    if house.process is None or house.process.poll() is not None:
        house.start()
    return house


def test_the_first_start_fills_the_sandbox_and_keeps_its_keys_from_others(running: House) -> None:
    kept = running.home / "sample.json"
    keys = json.loads(kept.read_text())
    assert (len(keys["suppliers"]), len(keys["partners"])) == (5, 20)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE((running.home / "keyring.json").stat().st_mode) == 0o600
    curl = "curl -H 'Authorization: Bearer wl_sandbox_"
    until("the whole welcome is said", lambda: curl in running.said())
    assert running.get("/v1/skus?limit=1", bearer=running.bearer())[0] == 200


def test_a_second_up_says_what_runs_already_and_is_content(running: House) -> None:
    second = running.command("up")
    assert second.returncode == 0
    assert second.stdout.strip() == (
        f"Weili runs already: {running.url} (pid {running.process and running.process.pid})"
    )


def test_a_killed_server_is_back_and_nobody_was_refused(running: House) -> None:
    # Given a server, which holds the port through its supervisor's socket
    before = running.child("serve")
    # When it is killed, and a client connects in that very moment
    running.kill(before)
    status, _ = running.get("/v1/skus?limit=1", bearer=running.bearer())
    # Then the client waited in the socket's queue for the next server
    assert status == 200
    assert running.child("serve") != before


def test_a_placer_killed_under_load_is_started_anew_and_no_order_is_lost_or_doubled(
    running: House,
) -> None:
    # Given buyers who place orders, and repeat each until they know what became of it
    server = running.child("serve")
    lost = running.figure(PLACERS_LOST)
    orders: dict[str, str] = {}
    numbers = [[f"K-{buyer}-{n}" for n in range(8)] for buyer in range(6)]

    def buy(mine: list[str]) -> set[int]:
        told = set()
        for number in mine:
            while number not in orders:
                status, answer = running.place(number)
                told.add(status)
                if status == 201:
                    orders[number] = answer["id"]
        return told

    with ThreadPoolExecutor(len(numbers)) as buyers:
        buying = [buyers.submit(buy, mine) for mine in numbers]
        # When the process that places them is killed, and the one in its place as well
        for count in (8, 24):
            until(f"{count} orders are placed", lambda: len(orders) >= count)  # noqa: B023 - at once
            running.kill(running.far_end("place"))
        told = set().union(*(each.result() for each in buying))
    # Then the server went on, nobody was told anything but to repeat,
    assert running.child("serve") == server
    assert told <= {201, 503}
    assert running.figure(PLACERS_LOST) == lost + 2
    # and each number is one order, of one piece
    until("it trades again", lambda: running.health() == 200)
    assert len(set(orders.values())) == len(orders) == 48
    for number, order_id in orders.items():
        assert running.place(number)[1]["id"] == order_id
    verified = running.command("verify", "--json")
    assert json.loads(verified.stdout)["findings"] == []


@pytest.mark.long
def test_two_servers_on_one_database_place_each_number_once(running: House) -> None:
    # Given a second server, with far ends of its own
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "weili.entrypoints.cli", "serve"]
    environ = running.environ() | {"WEILI_PORT": str(port)}
    del environ["WEILI_METRICS_PORT"]
    second = House(running.home, port, f"http://127.0.0.1:{port}")
    second.process = subprocess.Popen(words, env=environ, stderr=subprocess.DEVNULL, text=True)
    try:
        until("the second server is ready", lambda: second.health() == 200)
        # When the same numbers come to both at the same time
        numbers = [f"BOTH-{i}" for i in range(60)]
        with ThreadPoolExecutor(8) as buyers:
            told = [
                buyers.submit(house.place, number)
                for number in numbers
                for house in (running, second)
            ]
            answers = [each.result() for each in told]
    finally:
        second.process.terminate()
        second.process.wait(60)
    # Then each is placed once, and told to both alike
    assert {status for status, _ in answers} == {201}
    ids = [answer["id"] for _, answer in answers]
    assert ids[::2] == ids[1::2]
    assert len(set(ids)) == len(numbers)
    verified = running.command("verify", "--json")
    assert json.loads(verified.stdout)["findings"] == []


@pytest.mark.long
@pytest.mark.parametrize("after_s", [0.3, 1.0, 2.0, 4.0])
def test_a_server_that_still_starts_ends_when_its_starter_is_gone(
    running: House, after_s: float
) -> None:
    # Given a server that was just started, by somebody who holds its lifeline
    lifeline, held = os.pipe()
    words = [sys.executable, "-m", "weili.entrypoints.cli", "serve", "--lifeline-fd", str(lifeline)]
    environ = running.environ() | {"WEILI_PORT": "0"}
    del environ["WEILI_METRICS_PORT"]
    with subprocess.Popen(
        words, env=environ, pass_fds=[lifeline], stderr=subprocess.DEVNULL
    ) as server:
        os.close(lifeline)
        time.sleep(after_s)
        # When that one is gone
        os.close(held)
        # Then it ends, however far it was
        until("the server has ended", lambda: server.poll() is not None)
        assert server.returncode == 0


@pytest.mark.long
def test_a_killed_looker_is_started_anew_and_the_others_go_on(running: House) -> None:
    # Given clients who look up
    server, lookers = running.child("serve"), running.far_ends("look")
    told: list[int] = []

    def look() -> None:
        told.extend(running.get("/v1/search/skus", bearer=running.bearer())[0] for _ in range(100))

    with ThreadPoolExecutor(4) as clients:
        looking = [clients.submit(look) for _ in range(4)]
        # When one of those that look up for them is killed
        until("some are answered", lambda: len(told) >= 40)
        running.kill(lookers[0])
        for each in looking:
            each.result()
    # Then another is in its place, and the server and the other lookers went on
    until("all are there", lambda: len(running.far_ends("look")) == len(lookers))
    assert running.child("serve") == server
    assert set(lookers[1:]) == set(lookers) & set(running.far_ends("look"))
    # What was under way in the one that was lost was told so, and nothing else
    assert set(told) <= {200, 503}
    assert told.count(200) > told.count(503)
    assert running.health() == 200


@pytest.mark.long
def test_a_placer_that_does_not_stay_up_ends_its_server_in_good_order(running: House) -> None:
    server = running.child("serve")

    def is_given_up() -> bool:
        for pid in children_named(server, "place"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return processes.find(server) is None

    until("the server has ended", is_given_up)
    until("it trades again", lambda: running.health() == 200)
    log = (running.home / "logs" / "serve.log").read_text()
    assert "`weili place sandbox` was lost (exit code -9), the last of 5 within 60 s" in log
    assert "`weili serve` ended (exit code 0;" in running.said()


def test_a_killed_server_leaves_nobody_behind(running: House) -> None:
    far_ends = [running.far_end(name) for name in ("place", "look")]
    running.kill(running.child("serve"))
    until("all have ended", lambda: not any(map(processes.find, far_ends)))
    until("it trades again", lambda: running.health() == 200)


def test_a_killed_worker_is_back_and_finishes_what_it_had_begun(running: House) -> None:
    # Given an order that is accepted while no worker lives
    running.kill(running.child("work"))
    status, order = running.place("K-WORK")
    assert (status, order["state"]) == (201, "confirmed")
    # Then the next worker announces it and takes it to its supplier
    until("the order is released", lambda: running.state_of("K-WORK") == "released")


def test_a_killed_database_is_back_with_all_that_was_accepted(running: House) -> None:
    assert running.place("K-BASE")[0] == 201
    before = running.postmaster()
    running.kill(before)
    until("the database is back", lambda: running.postmaster() not in {0, before})
    until("it trades again", lambda: running.health() == 200)
    status, replay = running.place("K-BASE")
    assert (status, replay["number"]) == (201, "K-BASE")
    assert running.command("verify").returncode == 0


@pytest.mark.long
def test_a_killed_supervisor_leaves_nothing_that_the_next_start_minds(running: House) -> None:
    # Given children and a database that a killed supervisor leaves behind
    assert running.process is not None
    children = [running.child("serve"), running.child("work")]
    running.kill(running.process.pid)
    # When `weili up` is started at once, on the same port
    running.start()
    # Then the orphans have finished and left, and there is one server
    assert all(processes.find(pid) is None for pid in children)
    assert running.command("verify").returncode == 0


@pytest.mark.long
def test_everything_killed_at_once_comes_back_with_sound_books(running: House) -> None:
    assert running.place("K-ALL")[0] == 201
    assert running.process is not None
    for pid in (
        running.process.pid,
        running.child("serve"),
        running.child("work"),
        running.postmaster(),
    ):
        os.kill(pid, signal.SIGKILL)
    running.process.wait(30)
    running.start()
    until("the order is released", lambda: running.state_of("K-ALL") == "released")
    verified = running.command("verify", "--json")
    assert json.loads(verified.stdout)["findings"] == []


def test_a_clean_stop_leaves_no_process_and_a_free_port(running: House) -> None:
    pids = [running.child("serve"), running.child("work"), running.postmaster()]
    assert running.stop() == 0
    assert all(processes.find(pid) is None for pid in pids)
    assert not (running.home / "up.json").exists()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", running.port))


def test_a_note_of_processes_long_gone_harms_no_stranger(house: House) -> None:
    # Given a note that names a stranger's pid, as after a reboot
    if house.process is not None and house.process.poll() is None:
        house.stop()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        note = {"pid": stranger.pid, "url": "http://gone", "children": [[stranger.pid, 1]]}
        (house.home / "up.json").write_text(json.dumps(note))
        # When it starts, then it starts, and the stranger lives
        house.start()
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_lost_keys_of_the_sample_are_made_anew_and_the_old_ones_end(house: House) -> None:
    if house.process is None or house.process.poll() is not None:
        house.start()
    old = house.bearer()
    house.stop()
    (house.home / "sample.json").unlink()
    house.start()
    assert house.get("/v1/skus?limit=1", bearer=house.bearer())[0] == 200
    assert house.get("/v1/skus?limit=1", bearer=old)[0] == 401


def test_a_port_that_a_stranger_has_is_named_in_one_line(house: House) -> None:
    if house.process is not None and house.process.poll() is None:
        house.stop()
    with socket.socket() as stranger:
        # Connections that the server closed still linger on the port.
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", house.port))
        stranger.listen()
        refused = house.command("up")
    assert refused.returncode == 10
    assert refused.stderr.strip() == (
        f"weili: Port {house.port} on 127.0.0.1 can't be used (Address already in use). "
        "Choose another: WEILI_PORT=8080 weili up"
    )


def test_a_lost_key_ring_is_never_replaced_in_silence(
    house: House,
) -> None:
    # Given a database with sealed data, whose key ring is lost
    if house.process is not None and house.process.poll() is None:
        house.stop()
    (house.home / "keyring.json").rename(house.home / "kept")
    try:
        refused = house.command("up")
    finally:
        (house.home / "kept").rename(house.home / "keyring.json")
    # Then nothing is started, no ring is made in the place of the lost one, and it says so
    assert refused.returncode == 10
    assert "There is no key ring at" in refused.stderr
    assert not (house.home / "kept").exists()


@pytest.mark.long
def test_a_database_that_ran_before_is_left_running_and_that_is_said(house: House) -> None:
    # Given a database that another command has started
    if house.process is not None and house.process.poll() is None:
        house.stop()
    assert house.command("db", "status").returncode == 0
    database = house.postmaster()
    assert database
    # When Weili is started and ended
    house.start()
    assert f"the database ran already (pid {database}), and is left running" in house.said()
    house.stop()
    # Then it still runs, and how it is ended is said
    assert house.postmaster() == database
    assert f"`kill -INT {database}` ends it" in house.said()
    os.kill(database, signal.SIGINT)
    until("the database has ended", lambda: processes.find(database) is None)
