"""The hot routes: placing orders, one or many, without a thread for each request.

They are plain Starlette routes in the same application. The event loop reads the body, asks the
world's lane, and sends the stored answer as it is.
"""

from typing import Any, Final

import msgspec
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from weili.entrypoints.http.calls import Call, scope_check
from weili.entrypoints.http.order_body import order_read, orders_read
from weili.entrypoints.http.placing import PlaceRequest, Placing
from weili.entrypoints.http.policy import POLICY
from weili.entrypoints.http.problems import problem_document, problem_response
from weili.kit.problems import Problem
from weili.modules import dropship

ORDERS_PATH: Final = "/v1/orders"
BATCH_PATH: Final = "/v1/orders:batch"
_JSON: Final = (b"content-type", b"application/json")
_REPLAYED: Final = (b"idempotent-replayed", b"true")


def hot_routes(placing: Placing) -> list[Route]:
    """Give the routes, to be tried before all others."""
    return [
        Route(ORDERS_PATH, _PlaceOne(placing), methods=["POST"], name="order_place"),
        Route(BATCH_PATH, _PlaceMany(placing), methods=["POST"], name="orders_place"),
    ]


class _PlaceOne:
    """``POST /v1/orders``."""

    def __init__(self, placing: Placing) -> None:
        self._placing = placing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call: Call = scope["weili.call"]
        try:
            scope_check(call.actor, POLICY["POST", ORDERS_PATH])
            command = _command(call, order_read(call.body))
            [outcome] = await _asked(self._placing, call, (command,))
            if isinstance(outcome, Problem):
                raise outcome
        except Problem as problem:
            await problem_response(problem, call.language)(scope, receive, send)
            return
        answer = outcome.answer_json.encode()
        await _send(send, 201, answer, *((_REPLAYED,) if outcome.is_replay else ()))


class _PlaceMany:
    """``POST /v1/orders:batch``."""

    def __init__(self, placing: Placing) -> None:
        self._placing = placing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call: Call = scope["weili.call"]
        try:
            scope_check(call.actor, POLICY["POST", BATCH_PATH])
            commands = tuple(_command(call, draft) for draft in orders_read(call.body))
            outcomes = await _asked(self._placing, call, commands)
        except Problem as problem:
            await problem_response(problem, call.language)(scope, receive, send)
            return
        results = [
            _result(command, outcome, call.language)
            for command, outcome in zip(commands, outcomes, strict=True)
        ]
        await _send(send, 200, msgspec.json.encode({"results": results}))


def _command(call: Call, draft: dropship.OrderDraft) -> dropship.PlaceOrder:
    return dropship.PlaceOrder(call.actor.party_id, draft, dropship.digest(draft))


async def _asked(
    placing: Placing, call: Call, commands: tuple[dropship.PlaceOrder, ...]
) -> list[dropship.Outcome]:
    return await placing[call.world.name].ask(PlaceRequest(orders=commands, signed=call.signed))


def _result(
    command: dropship.PlaceOrder, outcome: dropship.Outcome, language: str
) -> dict[str, Any]:
    number = command.draft.number
    if isinstance(outcome, Problem):
        problem = problem_document(outcome, language)
        return {"number": number, "status": "refused", "replayed": False, "problem": problem}
    return {
        "number": number,
        "status": "placed",
        "replayed": outcome.is_replay,
        "order": msgspec.Raw(outcome.answer_json.encode()),
    }


async def _send(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    start = {"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
