"""The console's files as its build left them in the package: what people's browsers load.

They hold nothing that is not in the public source, so no key is asked for; what they show they ask
the API for, which does ask. The names of files under ``assets/`` are made of their content.
"""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

import weili
from weili.entrypoints.http.policy import CONSOLE_PATH
from weili.entrypoints.http.problems import PathUnknown

BUILT: Final = Path(weili.__file__).parent / "console_built"
_INDEX: Final = "index.html"
_ASSETS: Final = "assets/"
_PACKED: Final = ".gz"
_METHODS: Final = ["GET", "HEAD"]
_TYPES: Final = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
    }
)
"""What a build may hold; any other file is not served."""

HEADERS: Final = MappingProxyType(
    {
        # Scripts and styles of the build alone, questions to the API alone, and in nobody's frame.
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
)
_FOR_LONG: Final = "public, max-age=31536000, immutable"
_NEVER: Final = "no-store"
_MISSING: Final = """\
<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<title>微力 Weili</title>
<h1>控制台尚未构建</h1>
<p>请在源码目录运行 <code>make console</code>，然后重新启动服务。其他功能不受影响。</p>
<h1 lang="en">The console is not built</h1>
<p lang="en">Run <code>make console</code> in the source checkout, then start the server again.
All else works without it.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the build, and the same packed by gzip where that is smaller."""

    content: bytes
    packed: bytes | None
    media_type: str


def console_router(built: Path) -> APIRouter:
    """Give the routes of the console over the folder of its build, which is read once.

    So a build that is made anew while this process runs never mixes with the one it serves.
    """
    assets = _assets(built)
    router = APIRouter()

    @router.api_route(CONSOLE_PATH, methods=_METHODS, include_in_schema=False)
    async def console_home() -> Response:
        return RedirectResponse(f"{CONSOLE_PATH}/", status_code=308, headers=dict(HEADERS))

    @router.api_route(f"{CONSOLE_PATH}/{{name:path}}", methods=_METHODS, include_in_schema=False)
    async def console_file(request: Request, name: str) -> Response:
        if _INDEX not in assets:
            headers = {**HEADERS, "cache-control": _NEVER}
            return HTMLResponse(_MISSING, status_code=503, headers=headers)
        asset = assets.get(name)
        if asset is not None and name.startswith(_ASSETS):
            return _answer(request, asset, _FOR_LONG)
        if name.startswith(_ASSETS):
            raise PathUnknown(path=request.scope["path"])
        # Every other path is a page of the application, which reads it in the browser.
        return _answer(request, assets[_INDEX], _NEVER)

    return router


def _assets(built: Path) -> dict[str, Asset]:
    """Read a build into memory: what is looked up by name can't lead out of its folder."""
    found: dict[str, Asset] = {}
    for path in sorted(built.rglob("*")) if built.is_dir() else ():
        media_type = _TYPES.get(path.suffix)
        if media_type is not None and path.is_file():
            packed = path.with_name(path.name + _PACKED)
            found[path.relative_to(built).as_posix()] = Asset(
                path.read_bytes(), packed.read_bytes() if packed.is_file() else None, media_type
            )
    return found


def _answer(request: Request, asset: Asset, cached: str) -> Response:
    headers = {**HEADERS, "cache-control": cached, "vary": "accept-encoding"}
    content = asset.content
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        content = asset.packed
        headers["content-encoding"] = "gzip"
    return Response(content, media_type=asset.media_type, headers=headers)
