"""What stands before every route."""

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from weili.entrypoints.http.auth import Doorkeeper
from weili.entrypoints.http.front import HEAD_BYTES_MAX, Front
from weili.entrypoints.http.meter import Meter
from weili.kit.tracing import trace_id_now
from weili.kit.world import World


def test_a_stranger_takes_no_place_of_the_few_uploads(world: World) -> None:
    sent: list[Message] = []

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        raise AssertionError("the route was reached")

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/supply/media:upload",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer wl_sandbox_{'0' * 26}_{'x' * 43}".encode())],
    }
    front = Front(app, doorkeeper=Doorkeeper({world.name: world}), meter=Meter())
    asyncio.run(front(scope, receive, send))

    assert sent[0]["status"] == 401
    assert json.loads(sent[1]["body"])["code"] == "unauthenticated"


def test_a_body_that_never_ends_is_refused_before_anybody_sees_it() -> None:
    sent: list[Message] = []
    pieces = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        raise AssertionError("the route was reached")

    async def receive() -> Message:
        if pieces:
            return pieces.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/orders",
        "query_string": b"",
        "headers": [(b"accept-language", b"zh")],
    }
    front = Front(app, doorkeeper=Doorkeeper({}), meter=Meter(), body_s=0.01)
    asyncio.run(front(scope, receive, send))

    assert sent[0]["status"] == 400
    problem = json.loads(sent[1]["body"])
    assert problem["code"] == "body_too_slow"
    assert problem["repeatable"] is True


@pytest.mark.parametrize(
    ("path", "query", "headers"),
    [
        ("/v1/session", b"", [(b"cookie", b"a=1;" * 5_000_000)]),
        ("/v1/orders", b"", [(b"accept-language", b"zh"), *[(b"x", b"y" * 99)] * 1_000]),
        ("/healthz", b"", [(b"x-request-id", b"x" * HEAD_BYTES_MAX)]),
        ("/v1/orders", b"q" * HEAD_BYTES_MAX, []),
        ("/" + "p" * HEAD_BYTES_MAX, b"", []),
    ],
)
def test_a_head_that_is_too_large_is_refused_before_anything_looks_at_it(
    path: str, query: bytes, headers: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[Message] = []

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        raise AssertionError("the route was reached")

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query,
        "headers": headers,
    }
    front = Front(app, doorkeeper=Doorkeeper({}), meter=Meter())
    with caplog.at_level(logging.INFO):
        asyncio.run(front(scope, receive, send))

    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "head_too_large"
    assert len(sent[1]["body"]) < 1_000
    assert len(caplog.text) < 1_000


def test_a_request_without_a_trace_is_not_part_of_the_one_before_it() -> None:
    # As a server may do, both are taken in one context
    traces = []

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        traces.append(trace_id_now.get())

    async def nothing() -> Message:
        raise AssertionError("the body was read")

    async def unsaid(_: Message) -> None:
        raise AssertionError("something was answered")

    async def both(front: Front) -> None:
        traced = (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        for headers in ([traced], []):
            scope = {"type": "http", "method": "GET", "path": "/healthz", "headers": headers}
            await front(scope, nothing, unsaid)

    asyncio.run(both(Front(app, doorkeeper=Doorkeeper({}), meter=Meter())))
    assert traces == ["4bf92f3577b34da6a3ce929d0e0e4736", ""]
