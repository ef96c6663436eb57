"""Problems on the wire: ``application/problem+json`` in the language that was asked for."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from weili.entrypoints.http.checks import UnfitError
from weili.entrypoints.http.faults import fault_said
from weili.kit.problems import ANSWERS, FieldProblem, InputInvalid, Kind, Problem, Said, pointer
from weili.kit.tracing import request_id_now

MEDIA_TYPE: Final = "application/problem+json"
FIELDS_MAX: Final = 50
RETRY_AFTER_S: Final = 1
REFUSED_AS: Final = "weili.refused_as"
"""Where a scope tells the code of the problem that its request was refused with."""
_EXPECTED_LENGTH_MAX: Final = 200
_UNREADABLE: Final = "无法解析"
_PLACE = re.compile(r"line (\d+) column (\d+)")
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

    def __init__(self, *, why: str | Said) -> None:
        """Take the words of a library, which speaks English only, or our own."""
        super().__init__(why=why if isinstance(why, Said) else Said(why, _UNREADABLE))


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
    """Answer with a problem, which names the request that it refuses."""
    return _Refusal(problem, language, headers or {})


class _Refusal(Response):
    """Tells the scope what the request was refused as, for whoever counts."""

    def __init__(self, problem: Problem, language: str, headers: Mapping[str, str]) -> None:
        document = problem_document(problem, language) | {"request_id": request_id_now.get()}
        super().__init__(
            msgspec.json.encode(document),
            status_code=status_of(problem),
            headers={**headers_of(problem), **headers},
            media_type=MEDIA_TYPE,
        )
        self._refused_as = problem.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[REFUSED_AS] = self._refused_as
        await super().__call__(scope, receive, send)


def input_invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """Turn Pydantic's list of errors into a problem that names each field.

    A place in the body is a JSON pointer; ``?limit`` is a query parameter and ``{id}`` a part of
    the path.
    """
    fields = []
    for error in errors[:FIELDS_MAX]:
        where, *rest = error["loc"] or ("body",)
        if error["type"] == "json_invalid":
            return BodyUnreadable(why=_unreadable(error))
        path = pointer(*rest)
        if where == "query":
            path = f"?{'.'.join(map(str, rest))}"
        elif where == "path":
            path = f"{{{'.'.join(map(str, rest))}}}"
        elif where == "header":
            path = ".".join(map(str, rest))
        fields.append(FieldProblem(path, str(error["type"]), expected_of(error)))
    return InputInvalid(fields=tuple(fields))


def expected_of(error: Mapping[str, Any]) -> Said:
    """Say in both languages what a field was expected to be."""
    context = error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, UnfitError):
        return cause.expected
    said = fault_said(error["type"], context, str(error["msg"]))
    return Said(said.en[:_EXPECTED_LENGTH_MAX], said.zh[:_EXPECTED_LENGTH_MAX])


def _unreadable(error: Mapping[str, Any]) -> Said:
    """Say where a body stops being JSON. One reader names line and column, the other a position."""
    en = str(error.get("ctx", {}).get("error", error["msg"]))[:_EXPECTED_LENGTH_MAX]
    place = _PLACE.search(en)
    at = error["loc"][-1] if error["loc"] else None
    if place is not None:
        return Said(en, f"第 {place[1]} 行第 {place[2]} 列附近{_UNREADABLE}")
    if isinstance(at, int):
        return Said(en, f"第 {at + 1} 个字符附近{_UNREADABLE}")
    return Said(en, _UNREADABLE)


def body_invalid(error: ValidationError) -> Problem:
    """Turn what Pydantic says of a whole body into a problem."""
    return input_invalid(
        [
            {**item, "loc": ("body", *item["loc"])}
            for item in error.errors(include_url=False, include_input=False)
        ]
    )
