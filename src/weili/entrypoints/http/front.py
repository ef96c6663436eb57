"""What happens to every request before any route sees it.

Its headers are bounded, it gets an id, its body is read within a bound, and who asks is
established. So no route can forget to. Of a stranger's body nothing is parsed but by the routes of
``OPEN``, where credentials come from: those take 16 KiB, and bound each field of it.
"""

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weili.entrypoints.http.auth import COOKIE_HEADER, Doorkeeper, console_check, is_by_cookie
from weili.entrypoints.http.calls import Call
from weili.entrypoints.http.meter import Meter
from weili.entrypoints.http.policy import OPEN, SIGN_OUT, is_path, is_public
from weili.entrypoints.http.problems import (
    PathUnknown,
    Unexpected,
    language_of,
    problem_response,
)
from weili.kit.clock import wall_now
from weili.kit.ids import id_text, new_id
from weili.kit.problems import BodyTooLarge, Busy, Kind, Problem, Unauthenticated
from weili.kit.tracing import (
    TRACEPARENT,
    request_id_given,
    request_id_now,
    trace_id_given,
    trace_id_now,
)
from weili.modules.goods import MEDIA_BYTES_MAX

HEAD_BYTES_MAX: Final = 32 * 1024
"""Of the path, the query and all headers together, before anything looks at them."""
BODY_BYTES_MAX: Final = 1024 * 1024
BATCH_BYTES_MAX: Final = 4 * 1024 * 1024
OPEN_BYTES_MAX: Final = 16 * 1024
"""Of a stranger's body that is read at all: who signs in has little to say."""
BODY_S: Final = 20
"""How long a body may take; so long a stranger can hold what the front keeps for it."""
BATCH_SUFFIX: Final = ":batch"
UPLOAD_SUFFIX: Final = ":upload"
UPLOADS_MAX: Final = 4
"""Uploads under way at once: each holds its whole body in memory."""
UPLOAD_RETRY_S: Final = 2
REQUEST_ID_HEADER: Final = b"weili-request-id"
COOKIE: Final = COOKIE_HEADER.encode()
_IS_UPLOAD: Final = "weili.is_upload"
_REFUSED: Final = 400
_DIGITS_MAX: Final = 18
_LOGGED_MAX: Final = 512

_log = logging.getLogger(__name__)


class BodyTooSlow(Problem):
    """The body took too long to arrive."""

    kind = Kind.INVALID
    code = "body_too_slow"
    en = "The body did not arrive within {seconds} s; nothing was done. Send the request again."
    zh = "请求体未在 {seconds} 秒内到达，未执行任何操作；请重新发送。"
    repeatable = True


class HeadTooLarge(Problem):
    """The request's path, query and headers are together larger than the bound."""

    kind = Kind.TOO_LARGE
    code = "head_too_large"
    en = (
        "The path, the query and the headers are together larger than {bytes_max} bytes. In a "
        "browser, clear this site's cookies."
    )
    zh = "路径、查询参数与请求头合计超过 {bytes_max} 字节；如使用浏览器，请清除本站的 `Cookie`。"


class _GoneError(Exception):
    """The client went away while it was still sending."""


class Straight:
    """Takes requests for the few hot routes straight to them, and all others to the framework.

    Its layers and its routing would cost a third of what a placed order takes of the event loop.
    People, who come by cookie, take the framework's way: its routes are the same, and fast enough.
    """

    def __init__(self, app: ASGIApp, *, hot: Mapping[tuple[str, str], ASGIApp]) -> None:
        self._app = app
        self._hot = hot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        app = self._app
        if scope["type"] == "http":
            hot = self._hot.get((scope["method"], scope["path"]))
            if hot is not None and not any(name == COOKIE for name, _ in scope["headers"]):
                app = hot
        await app(scope, receive, send)


class Front:
    """The outermost layer of our own around every route, pure ASGI."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        doorkeeper: Doorkeeper,
        meter: Meter,
        hot_path: str = "",
        body_s: float = BODY_S,
    ) -> None:
        """Stand before an application; of a hot one, of one path, only refusals are logged.

        An order that was placed is written down in better places; a line for each would be a
        fifth of the event loop's work.
        """
        self._app = app
        self._doorkeeper = doorkeeper
        self._body_s = body_s
        self._meter = meter
        self._hot_path = hot_path
        self._logged_from = _REFUSED if hot_path else 0
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        if scope["type"] != "http" or "weili.call" in scope:
            await self._app(scope, receive, send)
            return
        begun_s = monotonic()
        headers, is_whole = _head(scope)
        request_id = _request_id(headers)
        language = language_of(headers.get("accept-language", ""))
        scope["weili.language"] = language
        status = 0

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", ()),
                    (REQUEST_ID_HEADER, request_id.encode()),
                ]
                status = message["status"]
                if status >= self._logged_from:
                    _log.info("%s %s %d", scope["method"], scope["path"][:_LOGGED_MAX], status)
            await send(message)

        try:
            _head_check(is_whole=is_whole)
            receive_again = await self._prepared(scope, receive, headers, language)
            await self._app(scope, receive_again, tagged)
        except _GoneError:
            return
        except Problem as problem:
            await problem_response(problem, language)(scope, receive, tagged)
        except Exception:
            _log.exception("%s %s failed", scope["method"], scope["path"])
            if status:
                raise
            fault = Unexpected(request_id=request_id)
            await problem_response(fault, language)(scope, receive, tagged)
        finally:
            self._uploads -= scope.get(_IS_UPLOAD, False)
            if status:
                self._meter.answered(scope, self._hot_path, status, monotonic() - begun_s)

    async def _prepared(
        self, scope: Scope, receive: Receive, headers: dict[str, str], language: str
    ) -> Receive:
        """Read the body and admit the one who asks; gives a ``receive`` that tells it again."""
        if is_public(scope["path"]):
            return receive
        is_open = (scope["method"], scope["path"]) in OPEN
        if is_open:
            console_check(headers)
        bytes_max = OPEN_BYTES_MAX if is_open else _bytes_max(scope["path"])
        if _is_upload(scope["path"]):
            await self._upload_begin(scope, headers)
        try:
            async with asyncio.timeout(self._body_s):
                body = await _body(receive, headers.get("content-length", "0"), bytes_max)
        except TimeoutError:
            raise BodyTooSlow(seconds=self._body_s) from None
        if is_open:
            return _again(body, receive)
        target = _target(scope)
        try:
            world, actor, signed, session = await self._doorkeeper.admit(
                headers,
                method=scope["method"],
                target=target,
                body=body,
            )
        except Unauthenticated:
            if (scope["method"], scope["path"]) == SIGN_OUT and is_by_cookie(headers):
                console_check(headers)
                return _again(body, receive)
            # Which paths there are is public; who mistyped one should not look for a wrong key.
            if is_path(scope["path"]):
                raise
            raise PathUnknown(path=scope["path"]) from None
        scope["weili.call"] = Call(
            world=world,
            actor=actor,
            signed=signed,
            language=language,
            method=scope["method"],
            target=target,
            body=body,
            idempotency_key=headers.get("idempotency-key"),
            forget_keys=self._doorkeeper.forget,
            session=session,
        )
        return _again(body, receive)

    async def _upload_begin(self, scope: Scope, headers: Mapping[str, str]) -> None:
        """Take one of the few places of uploads, for who names a key or a session that there is.

        Raises: Unauthenticated, before the body is read: strangers who send slowly would else
        hold all places; Busy.
        """
        await self._doorkeeper.look(headers)
        if self._uploads >= UPLOADS_MAX:
            raise Busy(retry_after_s=UPLOAD_RETRY_S)
        scope[_IS_UPLOAD] = True
        self._uploads += 1


def _head(scope: Scope) -> tuple[dict[str, str], bool]:
    """Read the headers as far as the bound lets, and say whether those are all."""
    size = len(scope["path"]) + len(scope.get("query_string", b""))
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        if size > HEAD_BYTES_MAX:
            return headers, False
        headers[name.decode("latin-1")] = value.decode("latin-1")
    return headers, size <= HEAD_BYTES_MAX


def _head_check(*, is_whole: bool) -> None:
    if not is_whole:
        raise HeadTooLarge(bytes_max=HEAD_BYTES_MAX)


def _bytes_max(path: str) -> int:
    if _is_upload(path):
        return MEDIA_BYTES_MAX
    return BATCH_BYTES_MAX if path.endswith(BATCH_SUFFIX) else BODY_BYTES_MAX


def _is_upload(path: str) -> bool:
    return path.endswith(UPLOAD_SUFFIX) and is_path(path)


def _request_id(headers: Mapping[str, str]) -> str:
    """Take the client's own id for a request, or that of its trace, or make one; it is noted."""
    given = headers.get("weili-request-id") or headers.get("x-request-id")
    # Set even where there is none: one connection's requests may inherit from each other.
    trace_id = trace_id_given(headers.get(TRACEPARENT, ""))
    trace_id_now.set(trace_id)
    request_id = request_id_given(given) or trace_id or id_text("req", new_id(wall_now()))
    request_id_now.set(request_id)
    return request_id


def _target(scope: Scope) -> str:
    """Give the raw path with its query, as it stands in the request line."""
    target: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return (target + b"?" + query if query else target).decode("latin-1")


async def _body(receive: Receive, content_length: str, bytes_max: int) -> bytes:
    if content_length.isdecimal() and int(content_length[:_DIGITS_MAX]) > bytes_max:
        raise BodyTooLarge(bytes_max=bytes_max)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise BodyTooLarge(bytes_max=bytes_max)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    is_told = False

    async def told() -> Message:
        nonlocal is_told
        if is_told:
            return await receive()
        is_told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return told
