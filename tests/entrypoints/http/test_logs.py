"""Lines of the log: they name their request, and tell nothing that is somebody's own."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.entrypoints.http.conftest import RECIPIENT, Serving
from weili.entrypoints.cli.logs import logs_to_stderr

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logged(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Write the logs as `weili serve` does; gives what reads them."""
    root, stream = logging.getLogger(), io.StringIO()
    before = list(root.handlers), root.level
    monkeypatch.setattr(sys, "stderr", stream)
    logs_to_stderr()
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before


@pytest.fixture
def broken(serving: Serving) -> Iterator[None]:
    """Take away a table that every order is written to."""
    engine = serving.market.world.engine

    def rename(old: str, new: str) -> None:
        with engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL ROLE NONE"))
            connection.execute(sa.text(f"ALTER TABLE dropship.{old} RENAME TO {new}"))

    rename("line", "line_gone")
    yield
    rename("line_gone", "line")


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({"x-request-id": "edge-000042"}, "edge-000042"),
        ({"x-request-id": "edge-000042", "traceparent": TRACEPARENT}, "edge-000042"),
        ({"weili-request-id": "mine-0001", "x-request-id": "edge-000042"}, "mine-0001"),
        ({"traceparent": TRACEPARENT}, TRACE),
    ],
)
def test_a_line_names_its_request_and_its_trace_as_the_answer_does(
    serving: Serving, logged: Lines, headers: dict[str, str], request_id: str
) -> None:
    response = serving.ask(None, "GET", "/v1/orders", headers=headers)

    assert response.headers["weili-request-id"] == request_id
    assert response.json()["request_id"] == request_id
    [line] = logged()
    assert line["event"] == "GET /v1/orders 401"
    assert line["request_id"] == request_id
    assert line.get("trace_id", "") == (TRACE if "traceparent" in headers else "")


def test_a_fault_behind_the_server_is_joined_to_the_request_that_met_it(
    serving: Serving, logged: Lines, broken: None
) -> None:
    response = serving.ask("street", "POST", "/v1/orders", serving.order())

    assert response.status_code == 500
    request_id = response.headers["weili-request-id"]
    assert response.json()["request_id"] == request_id
    [there] = [line for line in logged() if line["event"].startswith("a command failed")]
    fault = there["event"].rpartition(" ")[2]
    assert fault.startswith("flt_")
    [here] = [line for line in logged() if line["event"] == "POST /v1/orders failed"]
    assert here["request_id"] == request_id
    assert fault in here["exception"]


def test_no_line_tells_who_gets_what_or_any_secret(
    serving: Serving, logged: Lines, broken: None
) -> None:
    order = serving.order()
    serving.ask("street", "POST", "/v1/orders", order)
    serving.ask("street", "POST", "/v1/orders", {**order, "recipient": "欧阳小美"})
    serving.ask("bearer", "POST", "/v1/orders:batch", {"orders": [order, order]})
    serving.ask("street", "GET", f"/v1/orders?phone={RECIPIENT['phone']}")
    stranger = {"authorization": f"Bearer wl_sandbox_{'0' * 26}_{'x' * 43}"}
    serving.ask(None, "GET", "/v1/orders", headers=stranger)

    lines = logged()
    ends = "failed", "400", "401"
    assert [line["event"] for line in lines if line["event"].endswith(ends)] == [
        "POST /v1/orders failed",
        "POST /v1/orders 400",
        "POST /v1/orders:batch failed",
        "GET /v1/orders failed",
        "GET /v1/orders 401",
    ]
    text = json.dumps(lines, ensure_ascii=False)
    for told in (*RECIPIENT.values(), "x" * 43):
        assert told not in text
    for credentials in serving.keys.values():
        secret = getattr(credentials, "secret", None) or credentials.token
        assert secret not in text
