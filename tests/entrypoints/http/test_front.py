"""What stands before every route."""

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from weili.entrypoints.http.auth import Doorkeeper
from weili.entrypoints.http.front import Front
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
    asyncio.run(Front(app, doorkeeper=Doorkeeper({world.name: world}))(scope, receive, send))

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
    front = Front(app, doorkeeper=Doorkeeper({}), body_s=0.01)
    asyncio.run(front(scope, receive, send))

    assert sent[0]["status"] == 400
    problem = json.loads(sent[1]["body"])
    assert problem["code"] == "body_too_slow"
    assert problem["repeatable"] is True
