"""The hot look-ups as they are asked for: search, prices and stock, with no thread for each.

What was sent goes down the world's lanes as it is (see ``looking``); what they do not take goes on
to the framework's route of the same path.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from weili.entrypoints.http.calls import Call, scope_check
from weili.entrypoints.http.look_readers import PRICES, SEARCH, STOCK
from weili.entrypoints.http.looking import NOT_TAKEN, Looking, LookUp
from weili.entrypoints.http.policy import POLICY
from weili.entrypoints.http.problems import problem_response
from weili.kit.problems import Problem

HOT_READS: Final = (("GET", SEARCH), ("POST", PRICES), ("POST", STOCK))
_JSON: Final = (b"content-type", b"application/json")


def hot_reads(looking: Looking, app: ASGIApp) -> dict[tuple[str, str], ASGIApp]:
    """Give the hot look-ups by method and path; ``app`` takes what is not as documented."""
    return {key: _Hot(looking, key, app) for key in HOT_READS}


class _Hot:
    def __init__(self, looking: Looking, key: tuple[str, str], app: ASGIApp) -> None:
        self._looking = looking
        self._needs = POLICY[key]
        _, self._path = key
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call: Call = scope["weili.call"]
        answer = NOT_TAKEN
        try:
            scope_check(call.actor, self._needs)
            sent = _sent(call, scope)
            if sent is not None:
                look_up = LookUp(self._path, call.actor, call.signed, sent)
                answer = await self._looking[call.world.name].ask(look_up)
        except Problem as problem:
            await problem_response(problem, call.language)(scope, receive, send)
            return
        if answer == NOT_TAKEN:
            await self._app(scope, receive, send)
            return
        length = (b"content-length", str(len(answer)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [_JSON, length]})
        await send({"type": "http.response.body", "body": answer})


def _sent(call: Call, scope: Scope) -> bytes | None:
    """Give the query, or the body of what says that it is JSON and has no parameters beside."""
    query: bytes = scope["query_string"]
    if call.method == "GET":
        return query
    return None if query or _JSON not in scope["headers"] else call.body
