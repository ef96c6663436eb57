"""Problems on the wire: ``application/problem+json`` in the language that was asked for."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from pydantic import ValidationError
from starlette.responses import Response

from weili.kit.problems import ANSWERS, FieldProblem, InputInvalid, Kind, Problem

MEDIA_TYPE: Final = "application/problem+json"
FIELDS_MAX: Final = 50
RETRY_AFTER_S: Final = 1
_EXPECTED_LENGTH_MAX: Final = 200
_LANGUAGE = re.compile(
    r"\s*(\*|[a-z]{1,8})(?:-[a-z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*"
)


class MethodNotAllowed(Problem):
    """The path exists, but not for that method."""

    kind = Kind.INVALID
    code = "method_not_allowed"
    en = "{path} does not take {method}."
    zh = "{path} 不支持 {method} 方法。"


class PathUnknown(Problem):
    """The path names nothing that the API offers."""

    kind = Kind.NOT_FOUND
    code = "path_unknown"
    en = "The API has no {path}; see /openapi.json for what it offers."
    zh = "接口不存在：{path}；可用接口见 /openapi.json。"


class BodyUnreadable(Problem):
    """The body is not JSON at all."""

    kind = Kind.INVALID
    code = "body_unreadable"
    en = "The body is not the JSON that was expected: {why}."
    zh = "请求体不是有效的 JSON：{why}。"


class Unexpected(Problem):
    """A fault of ours; the log has the rest under the request's id."""

    kind = Kind.UNAVAILABLE
    code = "unexpected"
    en = (
        "Something failed on our side; what was to be done may or may not be done. Repeat it with "
        "the same key or number, or tell us the request id {request_id}."
    )
    zh = (
        "服务内部错误，操作可能已执行也可能未执行。请用相同的幂等键或单号重试，"
        "或向我们提供请求编号 {request_id}。"
    )
    repeatable = True


@lru_cache(maxsize=1024)
def language_of(accept_language: str) -> str:
    """Choose between ``zh`` and ``en``: what is asked for most, English when neither is."""
    best = {"zh": 0.0, "en": 0.0}
    for part in accept_language.lower().split(",")[:20]:
        match = _LANGUAGE.fullmatch(part)
        if match is not None and match[1] in best:
            best[match[1]] = max(best[match[1]], float(match[2] or 1))
    return "zh" if best["zh"] > best["en"] else "en"


def status_of(problem: Problem) -> int:
    """Give the HTTP status of a problem."""
    if isinstance(problem, MethodNotAllowed):
        return 405
    if isinstance(problem, Unexpected):
        return 500
    return ANSWERS[problem.kind].http_status


def problem_document(problem: Problem, language: str) -> dict[str, Any]:
    """Give the problem document with the status that is really answered."""
    return problem.as_json(language) | {"status": status_of(problem)}


def headers_of(problem: Problem) -> dict[str, str]:
    """Give the headers that go with a problem."""
    headers = {}
    if "retry_after_s" in problem.members or problem.repeatable:
        headers["retry-after"] = str(problem.members.get("retry_after_s", RETRY_AFTER_S))
    if problem.kind is Kind.UNAUTHENTICATED:
        headers["www-authenticate"] = "Bearer"
    return headers


def problem_response(
    problem: Problem, language: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a problem."""
    return Response(
        msgspec.json.encode(problem_document(problem, language)),
        status_code=status_of(problem),
        headers={**headers_of(problem), **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def input_invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """Turn Pydantic's list of errors into a problem that names each field.

    A place in the body is a JSON pointer; ``?limit`` is a query parameter and ``{id}`` a part of
    the path.
    """
    fields = []
    for error in errors[:FIELDS_MAX]:
        where, *rest = error["loc"] or ("body",)
        if error["type"] == "json_invalid":
            why = str(error.get("ctx", {}).get("error", error["msg"]))[:_EXPECTED_LENGTH_MAX]
            return BodyUnreadable(why=why)
        path = _pointer(rest)
        if where == "query":
            path = f"?{'.'.join(map(str, rest))}"
        elif where == "path":
            path = f"{{{'.'.join(map(str, rest))}}}"
        elif where == "header":
            path = ".".join(map(str, rest))
        expected = str(error["msg"]).removeprefix("Value error, ")[:_EXPECTED_LENGTH_MAX]
        fields.append(FieldProblem(path, str(error["type"]), expected))
    return InputInvalid(fields=tuple(fields))


def body_invalid(error: ValidationError) -> Problem:
    """Turn what Pydantic says of a whole body into a problem."""
    return input_invalid(
        [
            {**item, "loc": ("body", *item["loc"])}
            for item in error.errors(include_url=False, include_input=False)
        ]
    )


def _pointer(parts: Sequence[object]) -> str:
    """Write a JSON pointer. Source: RFC 6901, section 3."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
