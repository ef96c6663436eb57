"""The API's document: OpenAPI 3.1, of all routes, the hot ones included."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec
from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from weili.entrypoints.http import answers, order_answers, order_body
from weili.entrypoints.http.auth import PLAIN_COOKIE, SESSION_COOKIE
from weili.entrypoints.http.hot import BATCH_PATH, ORDERS_PATH
from weili.entrypoints.http.policy import APPLICANT, OF_SESSIONS, OPEN, POLICY, PUBLIC
from weili.entrypoints.http.problems import MEDIA_TYPE

_REF: Final = "#/components/schemas/"
_KEYLESS_POSTS: Final = frozenset(
    {
        "/v1/skus:batchGet",
        "/v1/sku-names:batchGet",
        "/v1/prices:batchGet",
        "/v1/operator/price-lists/{list_id}/changes:preview",
        "/v1/operator/price-lists/{list_id}/prices:upload",
        "/v1/stock:batchGet",
        "/v1/addresses:resolve",
        "/v1/orders:render",
        "/v1/orders",
        "/v1/orders:batch",
        "/v1/orders/{order_id}:revealRecipient",
        "/v1/supply/orders/{child_id}:revealRecipient",
        "/v1/operator/parties/{party_id}/people/{person_id}:revealEmail",
        "/v1/reconciliation/{list_name}:compare",
        "/v1/operator/deposits/{deposit_id}:revealPayer",
        "/v1/operator/withdrawals/{withdrawal_id}:revealAccount",
        "/v1/messages:ack",
        "/v1/tracks:push",
        "/v1/supply/goods:upload",
        "/v1/operator/sheets:read",
        "/v1/operator/goods:upload",
        "/v1/operator/availability:explain",
        "/v1/supply/papers:pickList",
        "/v1/supply/papers:waybills",
        "/v1/operator/verify",
        "/v1/session",
        "/v1/password",
        "/v1/password:askReset",
        "/v1/notices:markRead",
        "/v1/invitations:accept",
        "/v1/second-factor",
        "/v1/second-factor:confirm",
        "/v1/second-factor:remove",
        "/v1/people/{person_id}:invite",
        "/v1/operator/applications",
        "/v1/operator/applications/{application_id}:link",
        "/v1/operator/applications/{application_id}:approve",
        "/v1/operator/applications/{application_id}:revealContact",
        "/v1/operator/parties/{party_id}/people/{person_id}:invite",
    }
)
"""Posts that need no Idempotency-Key.

They change nothing but what is written down of who looked; or have a key of their own; or come to
the same each time; or make a secret (a session, a link, a second factor), of which no answer is
kept to be given again.
"""

_METHODS: Final = ("get", "put", "post", "delete")
_REFUSALS: Final = (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503)
_DESCRIPTION: Final = """\
One goods pool, one stock and one ledger, opened to every channel that sells.

Amounts are whole fen (`_minor`), rates basis points (`_bps`), times RFC 3339 in UTC. Ids are
opaque texts with a prefix. A refusal is a problem document (RFC 9457) in English, or in Chinese
with `Accept-Language: zh`; `code` is stable. Unknown fields are refused.

Requests are signed with HMAC-SHA256 (headers `Weili-Key`, `Weili-Timestamp`, `Weili-Nonce`,
`Weili-Signature`). In a sandbox `Authorization: Bearer` works too. People sign in at
`POST /v1/session`; their browser then sends a cookie in the place of a key, and `Weili-Console: 1`
with all that changes something. The routes of programs that are asked most take keys only.
"""


def openapi_of(app: FastAPI) -> Callable[[], bytes]:
    """Give a function that writes the document, made once when it is first asked for."""
    written: list[bytes] = []

    def document() -> bytes:
        if not written:
            written.append(msgspec.json.encode(document_of(app)))
        return written[0]

    return document


def document_of(app: FastAPI) -> dict[str, Any]:
    """Make the document of an application."""
    document = app.openapi()
    document["info"]["description"] = _DESCRIPTION
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= _hot_schemas()
    for path, item in _hot_paths().items():
        document["paths"].setdefault(path, {}).update(item)
    components["securitySchemes"] = _security_schemes()
    components["responses"] = {str(status): _problem_response(status) for status in _REFUSALS}
    for method, path, operation in _operations(document):
        _complete(method, path, operation)
    document["paths"] = dict(sorted(document["paths"].items()))
    components["schemas"] = dict(sorted(schemas.items()))
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method, path, item[method]


def _complete(method: str, path: str, operation: dict[str, Any]) -> None:
    """Add to an operation what all have in common: refusals, keys, the scope it needs."""
    responses = operation["responses"]
    responses.pop("422", None)
    if path in PUBLIC:
        operation["security"] = []
        responses |= {each: {"$ref": f"#/components/responses/{each}"} for each in ("413", "503")}
        return
    responses |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in _REFUSALS}
    operation["responses"] = dict(sorted(responses.items()))
    key = method.upper(), path
    operation["security"] = _security(key)
    needs = _needs(key)
    operation["description"] = f"{operation.get('description', '')}\n\n{needs}".strip()
    if method == "post" and path not in _KEYLESS_POSTS:
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "one for each thing to be done; the same again is answered again",
                "schema": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 255,
                    "pattern": "^[!-~]+$",
                },
            }
        )


def _security(key: tuple[str, str]) -> list[dict[str, list[str]]]:
    """Say what a route may be asked with, any one of them."""
    if key in OPEN:
        return []
    session: dict[str, list[str]] = {"session": []}
    if key in OF_SESSIONS:
        return [session]
    if POLICY[key] == APPLICANT:
        return [{"application": []}]
    return [{"signature": []}, {"bearer": []}, session]


def _needs(key: tuple[str, str]) -> str:
    if key in OPEN:
        return "Anybody may ask."
    scope = POLICY[key]
    if key in OF_SESSIONS:
        asked = "Who has signed in may ask."
        return f"{asked} Needs the scope `{scope}`." if scope else asked
    return f"Needs the scope `{scope}`." if scope else "Any key may ask."


def _hot_schemas() -> dict[str, Any]:
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        (order_body.OrderBody, "validation"),
        (order_body.OrderBatchBody, "validation"),
        (order_answers.PlacedOut, "serialization"),
        (order_answers.BatchOut, "serialization"),
        (answers.ProblemOut, "serialization"),
    ]
    _, definitions = models_json_schema(models, ref_template=_REF + "{model}")
    return dict(definitions["$defs"])


def _hot_paths() -> dict[str, Any]:
    order = order_body.example()
    return {
        ORDERS_PATH: {
            "post": _hot(
                "order_place",
                "Place an order",
                "Your own `number` is the key: the same order again gets the same answer with "
                "`Idempotent-Replayed: true`, another order under it is refused. A refused order "
                "stores nothing, so its number may be tried again.",
                body=("OrderBody", order),
                answer=("201", "PlacedOut", _links()),
            )
        },
        BATCH_PATH: {
            "post": _hot(
                "orders_place",
                "Place up to 500 orders",
                "Decided in the order they were sent, each with an outcome of its own. A batch of "
                "which any order is malformed is refused as a whole.",
                body=("OrderBatchBody", {"orders": [order]}),
                answer=("200", "BatchOut", {}),
            )
        },
    }


def _hot(
    operation_id: str,
    summary: str,
    description: str,
    *,
    body: tuple[str, Any],
    answer: tuple[str, str, dict[str, Any]],
) -> dict[str, Any]:
    status, model, links = answer
    response: dict[str, Any] = {
        "description": "Placed",
        "headers": {
            "Idempotent-Replayed": {
                "description": "`true` when this is the answer of an earlier request",
                "schema": {"type": "string", "enum": ["true"]},
            }
        },
        "content": {"application/json": {"schema": {"$ref": _REF + model}}},
    }
    if links:
        response["links"] = links
    return {
        "tags": ["orders"],
        "operationId": operation_id,
        "summary": summary,
        "description": description,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": _REF + body[0]}, "example": body[1]}
            },
        },
        "responses": {status: response},
    }


def _links() -> dict[str, Any]:
    """Say what can be done with an order that was placed."""
    by_id = {"order_id": "$response.body#/id"}
    return {
        "get": {"operationId": "order_get", "parameters": by_id},
        "cancel": {"operationId": "order_cancel", "parameters": by_id},
        "byNumber": {
            "operationId": "order_by_number",
            "parameters": {"number": "$response.body#/number"},
        },
    }


def _problem_response(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF + "ProblemOut"}}},
    }


def _security_schemes() -> dict[str, Any]:
    return {
        "signature": {
            "type": "apiKey",
            "in": "header",
            "name": "Weili-Signature",
            "description": (
                "HMAC-SHA256 in hexadecimal over method, path with query, Weili-Timestamp, "
                "Weili-Nonce and the body's SHA-256, one a line; with Weili-Key."
            ),
        },
        "application": {
            "type": "apiKey",
            "in": "header",
            "name": "Weili-Application",
            "description": "what stands after the # of an application's link",
        },
        "bearer": {"type": "http", "scheme": "bearer", "description": "sandbox worlds only"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": (
                "of somebody who has signed in; with the header `Weili-Console: 1` for all that "
                f"changes something. On the server's own machine it is `{PLAIN_COOKIE}`."
            ),
        },
    }
