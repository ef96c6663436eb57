"""What is counted of requests, and told of what they wait for."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.request import ProxyHandler, build_opener

import pytest
from prometheus_client import CollectorRegistry, Gauge

from tests.entrypoints.http.conftest import Serving
from weili import bootstrap
from weili.entrypoints.http.meter import NO_ROUTE, Meter
from weili.entrypoints.http.meter_port import MeterServer
from weili.entrypoints.http.placing import PlaceRequest, place_lane
from weili.entrypoints.http.policy import POLICY, PUBLIC
from weili.kit.groupcommit import Lanes
from weili.kit.ids import id_text
from weili.kit.problems import Unavailable

Grows = Callable[..., None]
PATIENCE_S: Final = 10
open_directly = build_opener(ProxyHandler({})).open


@pytest.fixture
def grows(serving: Serving) -> Grows:
    """Give what sees that a figure grows by so much from where it stood when the test began."""

    def figure(name: str, labels: dict[str, str]) -> float:
        return serving.meter.registry.get_sample_value(name, labels) or 0

    # A request is counted just after its answer has gone out: those before this one are by now.
    serving.ask("street", "GET", "/v1/areas")
    before: dict[str, float] = {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for metric in serving.meter.registry.collect()
        for sample in metric.samples
    }

    def grows(by: float, name: str, **labels: str) -> None:
        due = before.get(f"{name}{sorted(labels.items())}", 0) + by
        end = time.monotonic() + PATIENCE_S
        while figure(name, labels) < due and time.monotonic() < end:
            time.sleep(0.01)
        assert figure(name, labels) == due, labels

    return grows


def test_requests_are_counted_by_route_and_sort_of_answer(serving: Serving, grows: Grows) -> None:
    tea = id_text("sku", serving.market.tea)
    serving.placed()
    order = serving.placed()["id"]
    for target in (f"/v1/orders/{order}", f"/v1/skus/{tea}", "/healthz"):
        assert serving.ask("street", "GET", target).status_code == 200
    asked = {"items": [{"sku_id": tea, "quantity": 1}]}
    assert serving.ask("street", "POST", "/v1/prices:batchGet", asked).status_code == 200
    # What is not as documented goes on to the framework, and is still one request
    assert serving.ask("street", "POST", "/v1/prices:batchGet", {"items": 5}).status_code == 400

    def counted(by: int, method: str, route: str, status: str) -> None:
        name = "weili_http_request_seconds_count"
        grows(by, name, method=method, route=route, status=status)

    counted(2, "POST", "/v1/orders", "2xx")
    counted(1, "GET", "/v1/orders/{order_id}", "2xx")
    counted(1, "GET", "/v1/skus/{sku_id}", "2xx")
    counted(1, "GET", "/healthz", "2xx")
    counted(1, "POST", "/v1/prices:batchGet", "2xx")
    counted(1, "POST", "/v1/prices:batchGet", "4xx")


def test_refusals_are_counted_by_route_and_code_wherever_they_are_made(
    serving: Serving, grows: Grows
) -> None:
    serving.ask("street", "POST", "/v1/orders", {"number": "X"})
    serving.ask("street", "GET", f"/v1/orders/{id_text('ord', serving.operator)}")
    serving.ask("grocer", "GET", "/v1/orders")
    serving.ask(None, "GET", "/v1/orders")
    serving.ask("street", "DELETE", "/v1/orders/by-number/X")
    serving.ask("street", "GET", "/v1/nothing/here-4711")

    def refused(route: str, code: str) -> None:
        grows(1, "weili_http_refusals_total", route=route, code=code)

    refused("/v1/orders", "input_invalid")
    refused("/v1/orders/{order_id}", "order_unknown")
    refused("/v1/orders", "forbidden")
    refused("/v1/orders/by-number/{number}", "method_not_allowed")
    refused("none", "unauthenticated")
    refused("none", "path_unknown")


def test_nothing_that_was_sent_becomes_a_label(serving: Serving) -> None:
    number = serving.placed()["number"]
    order = serving.ask("street", "GET", f"/v1/orders/by-number/{number}").json()["id"]
    for n in range(50):
        serving.ask("street", "GET", f"/v1/made-up-{n}")
        serving.ask("street", ("PATCH", "REPORT")[n % 2], f"/v1/orders/{order}")
    paths = {path for _, path in POLICY} | PUBLIC | {NO_ROUTE}
    seen = [
        sample.labels
        for metric in serving.meter.registry.collect()
        for sample in metric.samples
        if "route" in sample.labels
    ]
    assert {labels["route"] for labels in seen} <= paths
    assert {labels.get("method", "GET") for labels in seen} <= {
        *("GET", "POST", "PUT", "DELETE", "other"),
    }
    assert all(re.fullmatch(r"[a-z_]+", labels.get("code", "a")) for labels in seen)


def test_what_is_under_way_and_what_was_lost_is_told_of_each_lane(serving: Serving) -> None:
    world = serving.market.world
    near, far = socket.socketpair()
    lane = place_lane(near)
    meter = Meter()
    meter.watch({world.name: world}, {world.name: Lanes([lane])}, {})

    def told(name: str) -> float | None:
        labels = {"world": world.name, "lane": "place"}
        return meter.registry.get_sample_value(name, labels)

    async def lose() -> None:
        await lane.open()
        asking = asyncio.ensure_future(lane.ask(PlaceRequest(orders=())))
        await asyncio.sleep(0)
        assert (told("weili_lane_weight"), told("weili_far_ends_lost_total")) == (1, 0)
        assert (told("weili_lane_oldest_seconds") or 0) > 0
        far.close()
        with pytest.raises(Unavailable):
            await asking

    asyncio.run(lose())
    assert (told("weili_lane_weight"), told("weili_far_ends_lost_total")) == (0, 1)
    assert (told("weili_far_ends_ready"), told("weili_lane_bound")) == (0, 4_000)
    assert told("weili_lane_oldest_seconds") == 0
    of_world = {"world": world.name}
    assert meter.registry.get_sample_value("weili_connections_taken", of_world) == 0
    assert meter.registry.get_sample_value("weili_connections_max", of_world) == world.connections


def test_figures_are_shown_where_the_settings_say_and_nowhere_else() -> None:
    meter = Meter()
    with bootstrap.shown(bootstrap.Settings.read({}), meter):
        assert meter.registry.get_sample_value("process_open_fds") is not None

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
        settings = bootstrap.Settings.read({"WEILI_METRICS_PORT": port})
        assert settings.metrics_host == "127.0.0.1"
        with pytest.raises(bootstrap.PortTaken) as taken, bootstrap.shown(settings, meter):
            pass
    assert "WEILI_METRICS_PORT=8080" in taken.value.text("zh")
    url = f"http://127.0.0.1:{port}/metrics"
    with bootstrap.shown(settings, meter), open_directly(url, timeout=10) as answer:
        assert b"process_cpu_seconds_total" in answer.read()
    with pytest.raises(OSError, match="refused"):
        open_directly(url, timeout=10)


@contextmanager
def shown(registry: CollectorRegistry, *, readers: int, reader_s: float) -> Iterator[int]:
    """Show a registry for the block; gives the port."""
    server = MeterServer(("127.0.0.1", 0), registry, readers=readers, reader_s=reader_s)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reader(port: int, *said: bytes) -> socket.socket:
    """Connect, and say something."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    for each in said:
        connection.sendall(each)
    return connection


def figures(port: int) -> bytes:
    """Read the figures, as often as it takes to be let in."""
    for _ in range(3_000):
        with reader(port, b"GET /metrics HTTP/1.0\r\n\r\n") as connection:
            try:
                answer = connection.recv(1 << 16)
            except ConnectionResetError:
                answer = b""
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError("nobody was let in")


@pytest.mark.parametrize(
    "said", [b"", b"GET /metrics HTTP/1.0\r\n", b"GET /metrics HTTP/1.0\r\n\r\n"]
)
def test_a_reader_who_says_nothing_or_reads_nothing_is_cut_off_and_the_next_is_answered(
    said: bytes,
) -> None:
    # Given figures that no buffer between two takes in, and a port for one reader at a time
    registry = CollectorRegistry()
    Gauge("large", "x" * 32_000_000, registry=registry)
    with (
        shown(registry, readers=1, reader_s=0.2) as port,
        reader(port, said),
    ):
        # When another one comes while the first holds the place, then it has it before long
        assert figures(port).startswith(b"HTTP/1.0 200 OK")


@pytest.mark.parametrize("sort", [threading.Thread, threading.Timer])
def test_a_reader_for_whom_no_thread_is_left_gives_its_place_back(
    sort: type[threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def none_left(thread: threading.Thread) -> None:
        if type(thread) is sort:
            raise RuntimeError("can't start new thread")
        start(thread)

    with shown(CollectorRegistry(), readers=1, reader_s=3_600) as port:
        with monkeypatch.context() as machine:
            machine.setattr(threading.Thread, "start", none_left)
            for _ in range(2):
                with reader(port) as turned_away:
                    assert turned_away.recv(1) == b""

        assert figures(port).startswith(b"HTTP/1.0 200 OK")


def test_who_comes_beside_as_many_readers_as_there_may_be_is_turned_away() -> None:
    registry = CollectorRegistry()
    with shown(registry, readers=2, reader_s=3_600) as port, reader(port), reader(port):
        for _ in range(3):
            with reader(port) as third:
                # Closed at once: with nothing said there is nothing to be reset for
                assert third.recv(1) == b""
