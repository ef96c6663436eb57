"""The API's document is whole, and what it says is what is answered, whatever is sent.

Schemathesis makes requests out of the document, good ones and bad ones. Ids are made real half of
the time, since a made-up one never gets past "there is none".
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.entrypoints.http.conftest import Serving
from weili.entrypoints.http.policy import APPLICANT, OF_SESSIONS, OPEN, POLICY, PUBLIC
from weili.kit.ids import id_text
from weili.modules import parties

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
LEFT_ALONE = {
    "POST /v1/operator/parties/{party_id}:suspend",  # would shut out the key that asks
    "POST /v1/operator/keys/{key_id}:revoke",
}
_ID = re.compile(r"(sku|cat|per|ord|chd|pkg|pty|pol|lst|whs|key)_\w+")

Known = dict[str, str]


@pytest.fixture(scope="module")
def tokens(serving: Serving) -> dict[str, str]:
    """Give a bearer token for each kind of party."""
    who = {
        parties.PartyKind.PARTNER: serving.market.street,
        parties.PartyKind.SUPPLIER: serving.market.grocer,
        parties.PartyKind.OPERATOR: serving.operator,
    }
    found = {}
    for kind, party_id in who.items():
        scopes = parties.ROLE_SCOPES[kind]
        _, credentials = serving.key(party_id, scopes, kind=parties.KeyKind.BEARER)
        found[str(kind)] = credentials.headers("", "", b"")["authorization"]
    return found


@pytest.fixture(scope="module")
def known(serving: Serving) -> Known:
    """Give one real id of each kind."""
    order = serving.placed((serving.market.tea, 2), hold=True)
    market = serving.market
    return {
        "sku": id_text("sku", market.tea),
        "ord": order["id"],
        "chd": order["children"][0]["id"],
        "pty": id_text("pty", market.street),
        "lst": id_text("lst", market.price_list),
        "whs": id_text("whs", market.near),
        "key": serving.key_ids["creator"],
        "cat": serving.ask("operator", "GET", "/v1/operator/categories").json()["items"][0]["id"],
        "per": _person(serving),
        "pol": serving.ask("operator", "GET", "/v1/operator/pools").json()["items"][0]["id"],
    }


def _person(serving: Serving) -> str:
    with serving.market.world.begin() as ctx:
        person = parties.person_add(
            ctx,
            party_id=serving.market.street,
            name="林晓",
            email="lin@example.cn",
            role=parties.PersonRole.BUYER,
        )
    return id_text(parties.PERSON_PREFIX, person.id)


@pytest.fixture(scope="module")
def operations(serving: Serving) -> list[APIOperation]:
    """Give every operation of the served document."""
    document = serving.http.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    # Each request has a key; made-up cookies beside it are not read, and take long to make.
    schema.config.generation.with_security_parameters = False
    schema.validate()
    found = [item.ok() for item in schema.get_all_operations() if isinstance(item, Ok)]
    assert len(found) == len(POLICY) + len(OPEN) + len(PUBLIC - {"/openapi.json"})
    return found


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Keep one connection."""
    with requests.Session() as session:
        yield session


def _real(value: Any, known: Known) -> Any:  # noqa: ANN401 - any JSON
    """Put real ids in the place of made-up ones."""
    if isinstance(value, str) and (match := _ID.fullmatch(value)):
        return known.get(match[1], value)
    if isinstance(value, list):
        return [_real(item, known) for item in value]
    if isinstance(value, dict):
        return {name: _real(item, known) for name, item in value.items()}
    return value


def _token_for(operation: APIOperation, tokens: dict[str, str]) -> str | None:
    scope = POLICY.get((operation.method.upper(), operation.path))
    for kind, token in tokens.items():
        if scope is not None and scope in {"", *parties.ROLE_SCOPES[parties.PartyKind(kind)]}:
            return token
    return None


def _walk(
    operation: APIOperation,
    mode: GenerationMode,
    examples: int,
    *,
    asking: tuple[Serving, dict[str, str], Known, requests.Session],
) -> None:
    serving, tokens, known, session = asking
    token = _token_for(operation, tokens)
    headers = {} if token is None else {"authorization": token}

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_real=st.booleans())
    def ask(case: schemathesis.Case, *, is_real: bool) -> None:
        if is_real:
            case.path_parameters = _real(case.path_parameters, known)
            case.body = _real(case.body, known)
        case.call_and_validate(
            base_url=serving.url, session=session, headers=headers, checks=CHECKS
        )

    ask()


def _walk_all(
    operations: list[APIOperation],
    examples: int,
    asking: tuple[Serving, dict[str, str], Known, requests.Session],
) -> None:
    for operation in operations:
        if operation.label in LEFT_ALONE:
            continue
        modes = [GenerationMode.POSITIVE]
        if operation.body or operation.path_parameters or operation.query:
            modes.append(GenerationMode.NEGATIVE)
        for mode in modes:
            _walk(operation, mode, examples, asking=asking)


# A machine that is busy with others takes five times as long.
@pytest.mark.timeout(300)
def test_whatever_is_sent_is_answered_as_the_document_says(
    serving: Serving,
    operations: list[APIOperation],
    tokens: dict[str, str],
    known: Known,
    session: requests.Session,
) -> None:
    _walk_all(operations, 2, (serving, tokens, known, session))
    serving.relayed()
    found = serving.ask("operator", "POST", "/v1/operator/verify").json()
    assert found == {"sound": True, "findings": []}


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_whatever_is_sent_for_long_is_answered_as_the_document_says(
    serving: Serving,
    operations: list[APIOperation],
    tokens: dict[str, str],
    known: Known,
    session: requests.Session,
) -> None:
    _walk_all(operations, 30, (serving, tokens, known, session))
    serving.relayed()
    found = serving.ask("operator", "POST", "/v1/operator/verify").json()
    assert found == {"sound": True, "findings": []}


def test_the_document_speaks_of_keys_problems_and_links(serving: Serving) -> None:
    document = serving.http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    place = document["paths"]["/v1/orders"]["post"]
    assert place["responses"]["201"]["links"]["cancel"]["operationId"] == "order_cancel"
    body = place["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/OrderBody"}
    schema = document["components"]["schemas"]["OrderBody"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["lines"]["maxItems"] == 50
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["operationId"]
            if path.startswith("/v1/") and path not in PUBLIC:
                assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys()
                asked_with = {name for each in operation["security"] for name in each}
                assert asked_with == _asked_with(method.upper(), path), path
            names = {p["name"] for p in operation.get("parameters", ())}
            if method == "post" and "Idempotency-Key" not in names:
                assert "number` is the key" in operation["description"] or re.search(
                    r":(accept|approve|confirm|invite|link|remove|batch|batchGet|render|preview|resolve|compare|ack|push|pickList|waybills|askReset"
                    r"|markRead|upload|read|explain|reveal[A-Z][a-z]+)$|/verify$|^/v1/(session|password|second-factor|operator/applications)$",
                    path,
                )


def _asked_with(method: str, path: str) -> set[str]:
    if (method, path) in OPEN:
        return set()
    if (method, path) in OF_SESSIONS:
        return {"session"}
    if POLICY[method, path] == APPLICANT:
        return {"application"}
    return {"signature", "bearer", "session"}
